"""One policy file as TOML values that know where they stand, and the findings about it.

Promises: every finding has a place, a code, and a suggestion where one is near. Trusts: nothing in the text. Pure.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from typing import Any, Final

from ..core.errors import ConfigError
from .model import Origin
from .positions import Path, positions

DEEPEST: Final = 32  # nested brackets; tomllib parses by recursion
TOML_PLACE: Final = " (at line "


class Document:
    """`data` is the parsed file, empty where it is no TOML (then `findings` says so). `name` is how the admin calls the file."""

    def __init__(self, name: str, raw: bytes) -> None:
        self.name = name
        self.findings: list[ConfigError] = []
        self.data: dict[str, Any] = {}
        self.text = ""
        try:
            self.text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            self._at(line, 1, "not-utf8", "this is not UTF-8 text, so it is no TOML")
            return
        if nesting(self.text) > DEEPEST:
            self._at(1, 1, "too-deep", f"brackets are nested deeper than {DEEPEST}")
            return
        self._positions = positions(self.text)
        try:
            self.data = tomllib.loads(self.text)
        except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
            message, _, place = str(error).partition(TOML_PLACE)
            numbers = [int(word) for word in place.replace(",", " ").replace(")", " ").split() if word.isdigit()]
            line, column = numbers if len(numbers) == 2 else (self.text.count("\n") + 1, 1)
            self._at(line, column, "syntax", message)

    def origin(self, path: Path) -> Origin:
        """Where the key at `path` was written."""
        line, column, _ = self._positions.key(path)
        return Origin(self.name, line, column)

    def wrong_key(self, path: Path, code: str, message: str, known: Iterable[str] = ()) -> None:
        """A finding about a key; `known` are the names it may have been meant to be."""
        self._add(self._positions.key(path), code, message, nearest(path[-1], known))

    def wrong_value(self, path: Path, code: str, message: str, known: Iterable[str] = (), given: str = "") -> None:
        """A finding about a value."""
        self._add(self._positions.value(path), code, message, nearest(given, known))

    def wrong_file(self, code: str, message: str, hint: str = "") -> None:
        """A finding about the file as a whole."""
        self.findings.append(ConfigError(self.name, 0, 0, message, hint, code))

    def _at(self, line: int, column: int, code: str, message: str) -> None:
        self.findings.append(ConfigError(self.name, line, column, message, "", code))

    def _add(self, spot: tuple[int, int, int], code: str, message: str, suggestion: str) -> None:
        line, column, length = spot
        hint = f'did you mean "{suggestion}"?' if suggestion else ""
        self.findings.append(ConfigError(self.name, line, column, message, hint, code, length))


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like this one, "" where none is near."""
    found = difflib.get_close_matches(word, list(known), 1, 0.6) if word else []
    return found[0] if found else ""


def nesting(text: str) -> int:
    """How deep brackets nest, strings and comments not told apart: an upper bound."""
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth = max(0, depth - 1)
    return deepest


def show(finding: ConfigError, text: str) -> str:
    """A finding as an admin reads it: place, code, message, the line with what is meant underlined, the suggestion."""
    place = f"{finding.path}:{finding.line}:{finding.column}" if finding.line else finding.path
    shown = [f"{place}: error[{finding.code or 'policy'}]: {finding.message}"]
    lines = text.split("\n")
    if 0 < finding.line <= len(lines) and finding.column:
        source = lines[finding.line - 1]
        start = finding.column - 1
        if len(source) > 160:  # a window around what is meant
            cut = max(0, start - 60)
            source, start = source[cut : cut + 160], start - cut
        source = "".join(c if c.isprintable() else "\ufffd" if c != "\t" else " " for c in source)
        gutter = f"{finding.line:5d} | "
        shown.append(gutter + source)
        marks = "^" * max(1, min(finding.length, len(source) - start))
        shown.append(" " * (len(gutter) - 2) + "| " + " " * start + marks + (f"  {finding.hint}" if finding.hint else ""))
    elif finding.hint:
        shown.append(f"  {finding.hint}")
    return "\n".join(shown)
