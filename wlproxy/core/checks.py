"""Predicates on one argument, settled when the policy is compiled.

A check looks at one value and lets it pass, changes it, or raises PolicyViolation. There are no expressions and no patterns, so
what a policy allows is a finite question. Trusts: the compiled policy.
"""

from __future__ import annotations

import unicodedata  # at the start, because a relay at work can load nothing more (confine.py)
from typing import Final

from mypy_extensions import i64

from .errors import PolicyViolation
from .wire import DISPLAY_ID, IMPLEMENTATION

MIN: Final = "min"
MAX: Final = "max"
IN: Final = "in"
FLAGS: Final = "flags"  # no bit outside the mask
MAX_BYTES: Final = "max-bytes"  # refuse what is longer
CUT: Final = "cut"  # shorten what is longer, at a character's boundary
CHARSET: Final = "charset"  # refuse other characters
TRANSLATE: Final = "translate"  # other characters become "_"
PLAIN: Final = "plain"  # sanitize = "plain"
NULL: Final = "null"
KIND: Final = "kind"  # of a descriptor, by name: handlers/descriptors.py asks, as the facts are not among the arguments
REWRITE: Final = "rewrite"

NUMERIC: Final = frozenset((MIN, MAX, IN, FLAGS))
REFUSING: Final = frozenset((*NUMERIC, MAX_BYTES, CHARSET, NULL))  # a value by itself; KIND asks of a descriptor what it is
OPERATIONS: Final = frozenset((MIN, MAX, IN, FLAGS, MAX_BYTES, CUT, CHARSET, TRANSLATE, PLAIN, NULL, KIND, REWRITE))


class Check:
    """One predicate: `argument` is its index in the signature, `name` its name; `origin` the policy line. `complains`: what it
    refuses passes while the policy only complains."""

    def __init__(
        self,
        argument: int,
        name: str,
        operation: str,
        number: int,
        values: frozenset[int],
        text: str,
        origin: str,
        complains: bool = False,
    ) -> None:
        self.argument = argument
        self.word_at: i64 = 0  # where a number's word stands in a message of fixed size
        self.signed = False
        self.name = name
        self.operation = operation
        self.number: i64 = number
        self.values = values
        self.text = text
        self.origin = origin
        self.complains = complains

    def accepts(self, value: i64) -> bool:
        """Whether a number passes, without a word about why not: what the hot path asks before it decodes anything."""
        operation = self.operation
        if operation == MIN:
            return value >= self.number
        if operation == MAX:
            return value <= self.number
        if operation == FLAGS:
            return value & ~self.number == 0
        return operation == IN and int(value) in self.values

    def apply(self, value: object) -> object:
        """The value to forward. Raises PolicyViolation with what was wrong, in numbers."""
        operation = self.operation
        if operation == NULL:
            if value == 0 or value is None:
                return value
            raise self._refusal("must be null")
        if isinstance(value, int):
            if operation == MIN and value < self.number:
                raise self._refusal(f"{value} is below {self.number}")
            if operation == MAX and value > self.number:
                raise self._refusal(f"{value} is above {self.number}")
            if operation == IN and value not in self.values:
                raise self._refusal(f"{value} is not among the values allowed")
            if operation == FLAGS and value & ~self.number:
                raise self._refusal(f"{value:#x} has bits that are not allowed")
            return value
        if isinstance(value, bytes):
            if operation == MAX_BYTES and len(value) > self.number:
                raise self._refusal(f"{len(value)} bytes are more than {self.number}")
            return value
        if isinstance(value, str):
            return self._text(value)
        return value

    def _text(self, value: str) -> str:
        operation = self.operation
        if operation == PLAIN:
            return plain(value)
        if operation == REWRITE:
            before, _, after = self.text.partition("{}")
            return before + value + after
        if operation == TRANSLATE:
            return "".join([c if c in self.text else "_" for c in value])
        if operation == CUT:
            raw = value.encode("utf-8", "surrogateescape")
            return value if len(raw) <= self.number else raw[: self.number].decode("utf-8", "ignore")
        if operation == MAX_BYTES:
            size = len(value.encode("utf-8", "surrogateescape"))
            if size > self.number:
                raise self._refusal(f"{size} bytes are more than {self.number}")
        elif operation == CHARSET:
            for character in value:
                if character not in self.text:
                    raise self._refusal(f"{character!a} is not among the characters allowed")
        return value

    def _refusal(self, reason: str) -> PolicyViolation:
        return PolicyViolation(DISPLAY_ID, IMPLEMENTATION, f"argument {self.name}: {reason}", self.origin)


MOST_MARKS: Final = 4  # in a row; scripts that need them have three at most
MOST_TEXT: Final = 4096  # characters that are looked at

# Printable by Unicode's word, blank on the screen: they would push what follows out of view.
BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
INVISIBLE: Final = frozenset("\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f")
# Panels hand titles to Pango, which reads markup in them (sway issues 3181, 9121).
LOOK_ALIKES: Final = {"<": "\u2039", ">": "\u203a", "&": "\uff06"}


def plain(text: str) -> str:
    """Text that a title bar can show as it is: no control, format, private or surrogate characters, no line or paragraph separators
    (str.isprintable is false for exactly those and for unassigned ones), white space collapsed, nothing that markup would take
    notice of, composed (NFC), and no pile of combining marks."""
    text = text[:MOST_TEXT]
    kept: list[str] = []
    for character in text:
        if character in LOOK_ALIKES:
            kept.append(LOOK_ALIKES[character])
        elif character.isspace() or character in BLANKS:
            kept.append(" ")
        elif character.isprintable() and character not in INVISIBLE:
            kept.append(character)
    cleaned = " ".join("".join(kept).split())
    return cleaned if cleaned.isascii() else composed(cleaned)


def composed(text: str) -> str:
    """NFC with bounded runs of marks. They are bounded before, too: putting marks in order takes the square of their number."""
    return few_marks(unicodedata.normalize("NFC", few_marks(text)))


def few_marks(text: str) -> str:
    """At most so many combining marks in a row, and none where there is nothing to combine with but what stands before the text."""
    kept: list[str] = []
    run = MOST_MARKS  # at the start, none
    for character in text:
        if unicodedata.category(character).startswith("M"):
            run += 1
            if run > MOST_MARKS:
                continue
        else:
            run = 0
        kept.append(character)
    return "".join(kept)
