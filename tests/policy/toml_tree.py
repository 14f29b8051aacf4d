"""A second opinion on positions: what tree-sitter's TOML grammar says. Columns and lengths in characters, as ours."""

from __future__ import annotations

import tomllib
from typing import Any

import tree_sitter
import tree_sitter_toml

from wlproxy.policy.positions import Path, Spot

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))


class Disagrees(Exception):
    """tree-sitter's grammar has an error where tomllib has none."""


def spots(text: str) -> tuple[dict[Path, Spot], dict[Path, Spot]]:
    """The places of keys and of values. Raises Disagrees."""
    raw = text.encode()
    root = PARSER.parse(raw).root_node
    if root.has_error:
        raise Disagrees
    keys: dict[Path, Spot] = {}
    values: dict[Path, Spot] = {}

    def spot(node: Any) -> Spot:
        row, column = node.start_point
        meant = raw[node.start_byte : node.end_byte].decode().split("\n")
        first = meant[0].removesuffix("\r") if len(meant) > 1 else meant[0]
        return row + 1, len(raw[node.start_byte - column : node.start_byte].decode()) + 1, max(1, len(first))

    def parts(node: Any) -> list[tuple[str, Any]]:
        if node.type == "dotted_key":
            return [part for child in node.named_children for part in parts(child)]
        return [(next(iter(tomllib.loads(raw[node.start_byte : node.end_byte].decode() + "=0"))), node)]

    def key(node: Any, path: Path) -> Path:
        for name, part in parts(node):
            path = (*path, name)
            keys.setdefault(path, spot(part))
        return path

    def value(node: Any, path: Path) -> None:
        values.setdefault(path, spot(node))
        children = [child for child in node.named_children if child.type != "comment"]
        if node.type == "inline_table":
            pairs(children, path)
        elif node.type == "array":
            for index, child in enumerate(children):
                value(child, (*path, str(index)))

    def pairs(nodes: list[Any], base: Path) -> None:
        for node in nodes:
            if node.type == "pair":
                key_node, value_node = (child for child in node.named_children if child.type != "comment")
                value(value_node, key(key_node, base))

    pairs(root.named_children, ())
    opened: dict[Path, int] = {}  # arrays of tables: how many tables there are by now

    def table(node: Any, path: Path) -> Path:
        found: Path = ()
        for place, part in enumerate(path, 1):
            found = (*found, part)
            if place == len(path) and node.type == "table_array_element":
                opened[found] = opened.get(found, 0) + 1
            if found in opened:
                found = (*found, str(opened[found] - 1))
        return found

    for node in root.named_children:
        if node.type in ("table", "table_array_element"):
            children = [child for child in node.named_children if child.type != "comment"]
            path = table(node, key(children[0], ()))
            keys.setdefault(path, spot(children[0]))
            pairs(children[1:], path)
    return keys, values
