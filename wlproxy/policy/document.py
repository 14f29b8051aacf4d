"""One policy file as TOML values that know where they stand, and the findings about it.

Promises: every finding has a place, a code, and a suggestion where one is near; any bytes are read in time proportional to their
number. Trusts: nothing in the text. Pure.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

from ..core.errors import ConfigError
from .model import Origin
from .positions import Path, Positions, positions

MOST_DOTS: Final = 64  # in a key: tomllib takes time and memory by the square of its parts
MOST_SUGGESTIONS: Final = 200  # each is a search through hundreds of names
TOML_PLACE: Final = " (at line "
MARK: Final = "\ufeff"
TOO_LONG: Final = "Exceeds the limit"  # of digits, as int() says it
DIGITS: Final = re.compile(r"[0-9_]{4300}")
BECAUSE: Final = "because"
WINDOW: Final = 160  # characters of a long line that are shown


class Document:
    """`data` is the parsed file, empty where it is no TOML (then `findings` says so). `name` is how the admin calls the file."""

    def __init__(self, name: str, raw: bytes) -> None:
        self.name = name
        self.findings: list[ConfigError] = []
        self.warnings: list[ConfigError] = []
        self.data: dict[str, Any] = {}
        self._no_tables: set[str] = set()
        self._positions = Positions()
        self._lines = raw.decode("utf-8", "replace").split("\n")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            before = raw[: error.start].decode("utf-8").split("\n")
            self._at(len(before), len(before[-1]) + 1, "not-utf8", "this is not UTF-8 text, so it is no TOML")
            return
        if text.startswith(MARK):
            self._at(1, 1, "syntax", "the file begins with a byte order mark (U+FEFF): save it as UTF-8 without one")
            return
        for number, line in enumerate(self._lines, 1):
            if max(part.count(".") for part in line.split("=")) > MOST_DOTS:
                self._at(number, 1, "too-deep", f"no key has more than {MOST_DOTS} dots, and no line of text needs as many")
                return
        try:
            self.data = tomllib.loads(text)
            self._positions = positions(text)
        except RecursionError:
            self.data = {}
            self._at(1, 1, "too-deep", "brackets are nested too deeply")
        except ValueError as error:  # TOMLDecodeError, and int() of thousands of digits
            message, _, place = str(error).partition(TOML_PLACE)
            numbers = [int(word) for word in place.replace(",", " ").replace(")", " ").split() if word.isdigit()]
            line_number, column = numbers if len(numbers) == 2 else (len(self._lines), 1)
            if message.startswith(TOO_LONG):
                line_number = next((number for number, line in enumerate(self._lines, 1) if DIGITS.search(line)), line_number)
                message = "a number has more digits than any number here can have"
            self._at(line_number, column, "syntax", message)

    def table(self, key: str) -> dict[str, Any]:
        """The table under a top-level key; empty, and a finding, where it is something else."""
        value = self.data.get(key, {})
        if isinstance(value, dict):
            return value
        if key not in self._no_tables:
            self._no_tables.add(key)
            self.wrong_value((key,), "type", f"[{key}] is a table")
        return {}

    def origin(self, path: Path) -> Origin:
        """Where the key at `path` was written."""
        line, column, _ = self._positions.key(path)
        return Origin(self.name, line, column)

    def wrong_key(self, path: Path, code: str, message: str, known: Iterable[str] = ()) -> None:
        """A finding about a key; `known` are the names it may have been meant to be."""
        self._add(self._positions.key(path), code, message, path[-1], known)

    def not_yet(self, path: Path) -> None:
        """A finding about a key of the full language."""
        self.wrong_key(path, "not-yet", f"'{path[-1]}' is not served by this version of wlproxy: take it out")

    def wrong_value(self, path: Path, code: str, message: str, known: Iterable[str] = (), given: object = "") -> None:
        """A finding about a value; `known` are those it may have been meant to be, where it is a text."""
        self._add(self._positions.value(path), code, message, given if isinstance(given, str) else "", known)

    def has(self, path: Path) -> bool:
        """Whether the file says something at `path`."""
        value: Any = self.data
        for part in path:
            if not isinstance(value, dict) or part not in value:
                return False
            value = value[part]
        return True

    def finding(self, path: Path, code: str, message: str, severity: str) -> ConfigError:
        """What is to be said of the key at `path`; the document does not keep it."""
        line, column, length = self._positions.key(path)
        return ConfigError(self.name, line, column, message, "", code, length, self._line(line), severity)

    def place(self, path: Path, message: str) -> ConfigError:
        """What is to be said of the value at `path`, which makes another place wrong (ConfigError.because)."""
        line, column, length = self._positions.value(path)
        return ConfigError(self.name, line, column, message, "", BECAUSE, length, self._line(line), "note")

    def warn(self, path: Path, code: str, message: str) -> None:
        """A finding about a key that leaves the policy valid."""
        self.warnings.append(self.finding(path, code, message, "warning"))

    def wrong_file(self, code: str, message: str, hint: str = "") -> None:
        """A finding about the file as a whole."""
        self.findings.append(ConfigError(self.name, 0, 0, message, hint, code))

    def _at(self, line: int, column: int, code: str, message: str) -> None:
        self.findings.append(ConfigError(self.name, line, column, message, "", code, 1, self._line(line)))

    def _add(self, spot: tuple[int, int, int], code: str, message: str, word: str, known: Iterable[str]) -> None:
        line, column, length = spot
        suggestion = nearest(word, known) if len(self.findings) < MOST_SUGGESTIONS else ""
        hint = f'did you mean "{suggestion}"?' if suggestion else ""
        self.findings.append(ConfigError(self.name, line, column, message, hint, code, length, self._line(line)))

    def _line(self, number: int) -> str:
        return self._lines[number - 1].removesuffix("\r") if 0 < number <= len(self._lines) else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like this one, "" where none is near."""
    found = difflib.get_close_matches(word, list(known), 1, 0.6) if word else []
    return found[0] if found else ""


def show(finding: ConfigError) -> str:
    """A finding as an admin reads it: place, code, message, the line with what is meant underlined, the suggestion; then the other place
    that makes it one."""
    text = show_one(finding)
    return text if finding.because is None else f"{text}\n{show_one(finding.because)}"


def show_one(finding: ConfigError) -> str:
    """The same without the other place."""
    place = finding.path + (f":{finding.line}" if finding.line else "") + (f":{finding.column}" if finding.column else "")
    shown = [printable(f"{place}: {finding.severity}[{finding.code or 'policy'}]: {finding.message}")]
    hint = printable(finding.hint)
    if finding.source and finding.column:
        start = finding.column - 1
        cut = max(0, start - WINDOW // 3) if len(finding.source) > WINDOW else 0
        window = printable(finding.source[cut : cut + WINDOW])
        before, meant = window[: start - cut], window[start - cut : start - cut + finding.length]
        gutter = f"{finding.line:5d} | "
        marks = " " * cells(before) + "^" * max(1, cells(meant))
        shown += [(gutter + window).rstrip(), " " * (len(gutter) - 2) + "| " + marks + (f"  {hint}" if hint else "")]
    elif hint:
        shown.append(f"  {hint}")
    return "\n".join(shown)


def printable(text: str) -> str:
    """Text for a terminal: a tab is one space, what would act on the terminal (escapes, bidi overrides) is shown as U+FFFD."""
    return "".join([c if c.isprintable() else " " if c == "\t" else "\ufffd" for c in text])


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
