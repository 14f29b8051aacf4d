"""Where in a TOML text each key and value stands.

Promises: a position for every key that tomllib finds, at least its line; columns where tree-sitter is installed (the `tools` extra).
Trusts: nothing; a text that tomllib refuses gives what can be had. Pure.
"""

from __future__ import annotations

import re
import tomllib
from itertools import accumulate
from typing import Any, Final

Path = tuple[str, ...]
Spot = tuple[int, int, int]  # line, column (both from 1; column 0 = unknown), length in characters
_PART: Final = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEY: Final = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
HEADER: Final = re.compile(rf"[ \t]*\[{{1,2}}[ \t]*({_KEY})[ \t]*\]{{1,2}}\s*(?:#.*)?$")
PAIR: Final = re.compile(rf"[ \t]*({_KEY})[ \t]*=")
PART: Final = re.compile(_PART)


class Positions:
    """Spots of keys and of values, by path from the document's root; array items have their index as last part."""

    def __init__(self) -> None:
        self.keys: dict[Path, Spot] = {}
        self.values: dict[Path, Spot] = {}

    def key(self, path: Path) -> Spot:
        """The key's spot; else that of the nearest table around it."""
        return self._nearest(self.keys, path)

    def value(self, path: Path) -> Spot:
        """The value's spot; else its key's."""
        return self.values.get(path) or self._nearest(self.keys, path)

    def _nearest(self, spots: dict[Path, Spot], path: Path) -> Spot:
        while path:
            found = spots.get(path)
            if found is not None:
                return found
            path = path[:-1]
        return (0, 0, 1)


def positions(text: str) -> Positions:
    """The positions in a text, exact with tree-sitter, by line without."""
    try:
        return from_tree(text)
    except ImportError:
        return from_lines(text)


def from_lines(text: str) -> Positions:
    """Lines of keys that begin a line, and of table headers, taking for one what looks so inside a text of several lines."""
    found = Positions()
    table: Path = ()
    for number, line in enumerate(text.split("\n"), 1):
        header = HEADER.match(line)
        key = header or PAIR.match(line)
        if key is None:
            continue
        path = () if header else table
        for part in PART.findall(key.group(1)):
            path = (*path, unquoted(part))
            found.keys.setdefault(path, (number, 0, 1))
        if header:
            table = path
    return found


def unquoted(part: str) -> str:
    """One part of a key as tomllib reads it."""
    if part[0] not in "\"'":
        return part
    try:
        return next(iter(tomllib.loads(part + "=0")))
    except ValueError:
        return part


def from_tree(text: str) -> Positions:
    """Raises ImportError where tree-sitter and its TOML grammar are not installed."""
    import tree_sitter
    import tree_sitter_toml

    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))
    raw = text.encode("utf-8")
    # characters begun before each byte; columns of tree-sitter are bytes
    begun = [] if raw.isascii() else [0, *accumulate(byte & 0xC0 != 0x80 for byte in raw)]
    found = Positions()

    def characters(byte: int) -> int:
        return begun[byte] if begun else byte

    def spot(node: Any) -> Spot:
        row, column = node.start_point
        start, end = node.start_byte, node.end_byte
        if node.end_point[0] != row:
            end = raw.index(b"\n", start)
        return (row + 1, characters(start) - characters(start - column) + 1, max(1, characters(end) - characters(start)))

    def parts(node: Any) -> list[tuple[str, Any]]:
        if node.type == "dotted_key":
            return [part for child in node.named_children for part in parts(child)]
        text = raw[node.start_byte : node.end_byte].decode("utf-8", "replace")
        return [(unquoted(text), node)]

    def value(node: Any, path: Path) -> None:
        found.values[path] = spot(node)
        if node.type == "inline_table":
            for child in node.named_children:
                if child.type == "pair":
                    pair(child, path)
        elif node.type == "array":
            items = [child for child in node.named_children if child.type != "comment"]
            for index, child in enumerate(items):
                value(child, (*path, str(index)))

    def pair(node: Any, base: Path) -> None:
        children = node.named_children
        if len(children) < 2:
            return
        path = base
        for name, part in parts(children[0]):
            path = (*path, name)
            found.keys.setdefault(path, spot(part))
        value(children[1], path)

    for node in parser.parse(raw).root_node.named_children:
        if node.type == "pair":
            pair(node, ())
        elif node.type in ("table", "table_array_element") and node.named_children:
            table: Path = ()
            for name, part in parts(node.named_children[0]):
                table = (*table, name)
                found.keys.setdefault(table, spot(part))
            for child in node.named_children[1:]:
                if child.type == "pair":
                    pair(child, table)
    return found
