"""Where in a TOML text each key and value stands, to the character.

Promises: for a text that tomllib accepts, the place of every key and value that it finds; for any other, what can be had; never
an exception but RecursionError, and time proportional to the text where keys have few dots. Trusts: nothing. Pure.

Every load needs the places, for the audit log names the line of a rule. tree-sitter with its TOML grammar knows them too, but it is
not installed everywhere, and the first load of `desktop` takes 14 ms with it and 4 ms with this scanner (medians of five, files in
the page cache), in a start that a guest waits for. The scanner need not judge, for tomllib did. The tests compare it with
tree-sitter.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import Final

Path = tuple[str, ...]
Spot = tuple[int, int, int]  # line, column (both from 1; 0 = unknown), length in characters, not beyond the line
Span = tuple[int, int]  # offsets of the first character and behind the last

# Possessive (++, *+), so that no text makes them go back and try again.
_BASIC: Final = r'"(?:[^"\\\n]++|\\.)*+"'
_LITERAL: Final = r"'[^'\n]*+'"
_LONG_BASIC: Final = r'"""(?:[^"\\]++|\\.|"(?!""))*+""""{0,2}'
_LONG_LITERAL: Final = r"'''(?:[^']++|'(?!''))*+''''{0,2}"
_OTHER: Final = r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2} (?=[0-9]{2}:))?[^ \t\r\n,\[\]{}#\"'=]++"  # a date may have a space in it

SKIPPED: Final = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
PART: Final = re.compile(rf"[A-Za-z0-9_-]++|{_BASIC}|{_LITERAL}", re.DOTALL)
DOT: Final = re.compile(r"[ \t]*+\.[ \t]*+")
EQUALS: Final = re.compile(r"[ \t]*+=[ \t]*+")
HEADER: Final = re.compile(r"\[{1,2}+[ \t]*+")
HEADER_END: Final = re.compile(r"[ \t]*+\]{1,2}+")
SCALAR: Final = re.compile(rf"{_LONG_BASIC}|{_LONG_LITERAL}|{_BASIC}|{_LITERAL}|{_OTHER}", re.DOTALL)


class Positions:
    """Spots of keys and of values, by path from the document's root; array items and tables of an array have their index as last part."""

    def __init__(self, text: str = "") -> None:
        self.keys: dict[Path, Span] = {}
        self.values: dict[Path, Span] = {}
        self._text = text
        self._line_starts = [0, *(newline.end() for newline in re.finditer("\n", text))]

    def key(self, path: Path) -> Spot:
        """The key's spot; else that of the nearest table around it."""
        while path:
            span = self.keys.get(path)
            if span is not None:
                return self._spot(span)
            path = path[:-1]
        return (0, 0, 1)

    def value(self, path: Path) -> Spot:
        """The value's spot; else its key's."""
        span = self.values.get(path)
        return self.key(path) if span is None else self._spot(span)

    def _spot(self, span: Span) -> Spot:
        start, end = span
        line = bisect_right(self._line_starts, start)
        newline = self._text.find("\n", start, end)
        if newline >= 0:
            end = newline - (self._text[newline - 1] == "\r")
        return (line, start - self._line_starts[line - 1] + 1, max(1, end - start))


class NotToml(Exception):
    """The scanner stands before something that no TOML has there."""


def positions(text: str) -> Positions:
    """The positions in a text."""
    found = Positions(text)
    try:
        scan(text, found)
    except NotToml:
        pass  # tomllib says where and why; what was found up to here stands
    return found


def scan(text: str, found: Positions) -> None:
    """Puts into `found` what the text has. Raises NotToml."""
    table: Path = ()
    last: dict[Path, int] = {}  # of each array of tables, the index of the table that is open
    at = after(SKIPPED, text, 0)
    while at < len(text):
        if text[at] == "[":
            repeats = text.startswith("[[", at)
            start = after(HEADER, text, at)
            path, at = scan_key(text, start, (), found)
            if repeats or last:
                table = indexed(path, last, repeats)
                found.keys.setdefault(table, (start, at))
            else:
                table = path
            at = after(HEADER_END, text, at)
        else:
            at = scan_pair(text, at, table, found)
        at = after(SKIPPED, text, at)


def indexed(path: Path, last: dict[Path, int], repeats: bool) -> Path:
    """A header's path with the indices of the arrays of tables in it; `repeats`: it opens one more table of the array that it names."""
    table: Path = ()
    for part in path[:-1]:
        table = (*table, part)
        if table in last:
            table = (*table, str(last[table]))
    table = (*table, path[-1])
    if not repeats:
        return (*table, str(last[table])) if table in last else table
    last[table] = last.get(table, -1) + 1
    return (*table, str(last[table]))


def scan_pair(text: str, at: int, table: Path, found: Positions) -> int:
    path, at = scan_key(text, at, table, found)
    return scan_value(text, after(EQUALS, text, at), path, found)


def scan_key(text: str, at: int, path: Path, found: Positions) -> tuple[Path, int]:
    """Each part of a dotted key is a key; where two lines share the first parts, the upper line is their place."""
    while True:
        end = after(PART, text, at)
        path = (*path, unquoted(text[at:end]))
        found.keys.setdefault(path, (at, end))
        dot = DOT.match(text, end)
        if dot is None:
            return path, end
        at = dot.end()


def scan_value(text: str, start: int, path: Path, found: Positions) -> int:
    opened = text[start : start + 1]
    if opened not in ("[", "{"):
        end = after(SCALAR, text, start)
        found.values.setdefault(path, (start, end))
        return end
    close = "]" if opened == "[" else "}"
    items = 0
    at = after(SKIPPED, text, start + 1)
    while text[at : at + 1] != close:
        at = scan_value(text, at, (*path, str(items)), found) if close == "]" else scan_pair(text, at, path, found)
        items += 1
        at = after(SKIPPED, text, at)
        if text[at : at + 1] == ",":
            at = after(SKIPPED, text, at + 1)
        elif text[at : at + 1] != close:
            raise NotToml
    found.values.setdefault(path, (start, at + 1))
    return at + 1


def after(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    if match is None:
        raise NotToml
    return match.end()


def unquoted(part: str) -> str:
    """One part of a key as tomllib reads it."""
    if part[0] not in "\"'":
        return part
    if part[0] == "'" or "\\" not in part:
        return part[1:-1]
    try:
        return next(iter(tomllib.loads(part + "=0")))
    except ValueError:
        return part
