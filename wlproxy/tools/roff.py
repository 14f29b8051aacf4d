"""Manual pages in the man(7) macros, from plain text.

Promises: any text may be put in; what roff would obey in it is escaped. `code` between backticks is bold, and a hyphen there is a
minus, as it is typed. Source: man(7) of groff 1.22 and of mandoc; groff_char(7).
"""

from __future__ import annotations

import re
from typing import Final

from .. import __version__

DATE: Final = "2026-11-24"  # of the last change to the words; a date of the build would differ from build to build
CODE: Final = re.compile(r"`([^`]+)`")
SENTENCE: Final = re.compile(r"(?<=[.:?!]) (?=[A-Z`\"])")


def literal(text: str) -> str:
    """Text as it is typed."""
    return "".join(_character(character) for character in text).replace("-", r"\-")


def prose(text: str) -> str:
    """Running text with `code` in it."""
    parts = CODE.split(text)
    return "".join(rf"\fB{literal(part)}\fR" if index % 2 else "".join(map(_character, part)) for index, part in enumerate(parts))


def _character(character: str) -> str:
    if character == "\\":
        return r"\e"
    if character in "'`^~":
        return {"'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"}[character]
    return character if character < "\x7f" else rf"\[u{ord(character):04X}]"


def lines_of(text: str) -> list[str]:
    """A sentence to a line; none of them a request to roff."""
    found = [prose(line) for line in SENTENCE.split(" ".join(text.split()))]
    return [rf"\&{line}" if line[:1] == "." else line for line in found]


class Page:
    """One manual page; every method adds to its end."""

    def __init__(self, name: str, section: int, summary: str) -> None:
        self.file = f"{name}.{section}"
        self._lines = [
            '.\\" Made by python -m wlproxy.cli.man; do not edit.',
            f'.TH {literal(name.upper())} {section} {DATE} "wlproxy {__version__}" "wlproxy"',
            ".SH NAME",
            rf"{literal(name)} \- {prose(summary)}",
        ]

    def section(self, title: str) -> Page:
        self._lines.append(f'.SH "{literal(title)}"')
        return self

    def part(self, title: str) -> Page:
        self._lines.append(f'.SS "{prose(title)}"')
        return self

    def text(self, *paragraphs: str) -> Page:
        for paragraph in paragraphs:
            if not self._lines[-1].startswith((".SH", ".SS")):
                self._lines.append(".PP")
            self._lines += lines_of(paragraph)
        return self

    def synopsis(self, *lines: str) -> Page:
        for number, line in enumerate(lines):
            self._lines += [*([".br"] if number else []), prose(line)]
        return self

    def item(self, tag: str, *paragraphs: str) -> Page:
        """A tag and what it is."""
        self._lines += [".TP", prose(tag)]
        for number, paragraph in enumerate(paragraphs):
            self._lines += [*([".IP"] if number else []), *lines_of(paragraph)]
        return self

    def example(self, text: str) -> Page:
        """Lines as they are typed."""
        self._lines += [*([".PP"] if not self._lines[-1].startswith((".SH", ".SS")) else []), ".nf", ".RS 4"]
        self._lines += [rf"\&{literal(line)}" if line[:1] in (".", "'") else literal(line) for line in text.strip("\n").split("\n")]
        self._lines += [".RE", ".fi"]
        return self

    def see(self, *pages: tuple[str, int]) -> Page:
        """SEE ALSO, sorted by section and name."""
        self._lines.append('.SH "SEE ALSO"')
        ordered = sorted(pages, key=lambda page: (page[1], page[0]))
        for number, (name, section) in enumerate(ordered):
            self._lines.append(f".BR {literal(name)} ({section})" + ("," if number < len(ordered) - 1 else ""))
        return self

    def roff(self) -> str:
        return "\n".join(self._lines) + "\n"
