"""Reads a message that somebody wrote or pasted (grammar.py has the forms).

Promises: any text gives a literal or one ConfigError that says the column and what was expected there, in time proportional to its length.
Pure. Trusts: the protocol data.
Source: wl_closure_print (src/connection.c of libwayland) for the pasted lines: it does not escape strings, so that in such a line
a string ends at the first quotation mark with a comma or the closing bracket behind it.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NoReturn

from ..core.errors import ConfigError
from ..core.fds import KIND_NAMES
from ..core.protocol import ARRAY, FD, FIXED, INT, NEW_ID, OBJECT, STRING, UINT, Argument, Enum, Interface, Message, enum_of
from .grammar import (
    ANY,
    EVENT,
    FIXED_ONE,
    REQUEST,
    TAKEN,
    WORD,
    Array,
    Descriptor,
    Fixed,
    Literal,
    NewId,
    Reference,
    Unshown,
    Value,
    is_bind,
    message_named,
    wire_arguments,
)

MOST_CHARACTERS: Final = 1 << 16
LONGEST_GUESSED: Final = 64  # characters of a name that is compared with all the others
SHOWN: Final = 40  # characters of an odd word in an error
ID_BITS: Final = 0xFFFF_FFFF

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
# time, then the queue's name (1.23), then our trace's connection, then "discarded" and the arrow
_STAMP: Final = re.compile(r"\[ *[0-9]+\.[0-9]+\] *")
_QUEUE: Final = re.compile(r"\{[^{}]*\} *")
_CLIENT: Final = re.compile(r"[0-9]+ +")
_DISCARDED: Final = re.compile(r"discarded +")
_UNKNOWN: Final = re.compile(r"(?:discarded *)?\[unknown[^\]]*\]|discarded\[")
_SPACES: Final = re.compile(r"[ \t]*")
_NUMBER: Final = re.compile(r"[+-]?(?:0[xX][0-9A-Fa-f]{1,16}|[0-9]{1,20})(?:\.[0-9]{1,20})?")
_ID: Final = re.compile(r"[#@]([0-9]{1,10})")
_SIZE: Final = re.compile(r"\[([0-9]{1,10})\]")
_CUT: Final = re.compile(r"\.\.\.\[([0-9]{1,10})\]")
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"')
_RAW_STRING: Final = re.compile(r'"(.*?)"(?= *[,)])')
_NEW_ID: Final = re.compile(r"new[ \t]+id\b[ \t]*")
_UNKNOWN_INTERFACE: Final = re.compile(r"\[unknown[^\]]{0,20}\]")
_KEYWORD: Final = re.compile(r"(request|event)[ \t]+(?=[A-Za-z_])")
_ASSIGNED: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)[ \t]*=")
_DESCRIPTOR: Final = re.compile(r"fd\b(?:[ \t]+([A-Za-z]+))?(?:[ \t]+([0-9]{1,19}))?")


def read(text: str, interfaces: Mapping[str, Interface], partial: bool = False) -> Literal:
    """The message that the text says. `partial`: arguments may be left out. Raises ConfigError (path "message", column from 1)."""
    return _Reader(text, interfaces, partial).literal()


class _Reader:
    """`at` is the place in `text` that is looked at."""

    def __init__(self, text: str, interfaces: Mapping[str, Interface], partial: bool) -> None:
        self.text = text
        self.interfaces = interfaces
        self.partial = partial
        self.at = 0
        self.raw = False  # strings as libwayland prints them
        self.binding = False  # wl_registry.bind: a global's name may stay open, it is the compositor's to choose

    def fail(self, message: str, hint: str = "", code: str = "message-syntax", length: int = 1, at: int = -1) -> NoReturn:
        column = (self.at if at < 0 else at) + 1
        raise ConfigError("message", 1, column, message, hint, code, max(1, length), self.text[:MOST_CHARACTERS])

    def found(self) -> str:
        """What stands here, as words for an error."""
        rest = self.text[self.at : self.at + SHOWN]
        return f"{rest!a} stands here" if rest else "the text ends here"

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def skip(self) -> None:
        self.take(_SPACES)

    def expect(self, mark: str, where: str) -> None:
        self.skip()
        if not self.text.startswith(mark, self.at):
            self.fail(f"expected {mark!r} {where}, {self.found()}")
        self.at += len(mark)

    def literal(self) -> Literal:
        if len(self.text) > MOST_CHARACTERS:
            self.at = MOST_CHARACTERS
            self.fail(f"a message is at most {MOST_CHARACTERS} characters long", "it is one line")
        said = self.lead()
        interface = self.interface("the name of an interface")
        object_id = self.object_id()
        self.expect(".", f"and a message after {interface.name}")
        self.skip()
        direction, message = self.message(interface, said)
        values = self.arguments(interface, message)
        self.end()
        return Literal(direction, interface.name, object_id, message.name, values)

    def lead(self) -> str:
        """What stands before the message; the direction that it says, "" where it says none."""
        self.text = _COLOUR.sub("", self.text).rstrip()
        self.skip()
        said = ""
        if self.take(_STAMP):
            self.take(_QUEUE)
            self.raw = self.take(_CLIENT) is None
            said = EVENT
        self.skip()
        if _UNKNOWN.match(self.text, self.at):
            self.fail("libwayland did not know this object, so this line does not say which message it was", "take another line")
        self.take(_DISCARDED)
        if self.text.startswith("->", self.at):
            self.at += 2
            said = REQUEST
            self.skip()
        word = self.take(_KEYWORD)
        return word[1] if word else said

    def interface(self, what: str) -> Interface:
        start = self.at
        word = self.take(WORD)
        if word is None:
            self.fail(f"expected {what}, {self.found()}", "for example xdg_toplevel.set_title(\"a\")")
        found = self.interfaces.get(word[0])
        if found is None:
            hint = nearest(word[0], self.interfaces)
            self.fail(f"no interface {word[0][:SHOWN]} in the protocol data", hint, "unknown-interface", len(word[0]), start)
        return found

    def object_id(self) -> int | None:
        start = self.at
        match = self.take(_ID)
        if match is None:
            if self.at < len(self.text) and self.text[self.at] in "#@":
                self.at += 1
                self.fail(f"expected the number of an object, {self.found()}")
            return None
        number = int(match[1])
        if not 0 < number <= ID_BITS:
            self.fail(f"no object has the number {number}", "from 1 to 4294967295", "message-value", len(match[0]), start)
        return number

    def message(self, interface: Interface, said: str) -> tuple[str, Message]:  # noqa: RET503  `fail` never returns
        start = self.at
        word = self.take(WORD)
        if word is None:
            self.fail(f"expected a message of {interface.name}, {self.found()}", some(interface))
        found = [(REQUEST, message_named(interface.requests, word[0])), (EVENT, message_named(interface.events, word[0]))]
        if said == EVENT:  # of a line that says so; libwayland's server lines have it the other way round
            found.reverse()
        for direction, message in found:
            if message is not None:
                return direction, message
        names = [message.name for message in (*interface.requests, *interface.events)]
        hint = nearest(word[0], names) or some(interface)
        self.fail(f"{interface.name} has no message {word[0][:SHOWN]}", hint, "unknown-message", len(word[0]), start)

    def end(self) -> None:
        """Nothing more, or a remark as `trace` writes it."""
        self.skip()
        if self.at < len(self.text) and self.text[self.at] != ";":
            self.fail(f"expected the end of the message, {self.found()}")

    # -- arguments

    def arguments(self, interface: Interface, message: Message) -> tuple[Value, ...] | None:
        wanted = wire_arguments(message)
        self.skip()
        if self.at == len(self.text) or self.text[self.at] == ";":
            if self.partial:
                return None
            self.fail(f"expected '(' and the arguments of {interface.name}.{message.name}{signature(message)}, {self.found()}")
        self.expect("(", f"and the arguments of {interface.name}.{message.name}{signature(message)}")
        self.skip()
        values: list[Value] = [ANY] * len(wanted)
        given: set[int] = set()
        index = 0
        self.binding = is_bind(interface.name, message.name)
        if self.binding and self.bound(values):
            given = {0, 1, 3, *([2] if values[2] is not ANY else [])}
        else:
            while not self.text.startswith(")", self.at):
                if given:
                    self.expect(",", f"or ')' after argument {wanted[index - 1].name}")
                    self.skip()
                index = self.argument(message, wanted, values, given, index)
                self.skip()
        missing = [argument.name for place, argument in enumerate(wanted) if place not in given]
        if missing and not self.partial:
            self.fail(f"argument {missing[0]} is missing", f"{interface.name}.{message.name}{signature(message)}", "missing-argument")
        self.expect(")", "after the last argument")
        return tuple(values)

    def bound(self, values: list[Value]) -> bool:
        """wl_registry.bind as one would say it: the interface, and perhaps the version."""
        start = self.at
        word = self.take(WORD)
        if word is None or word[0] in TAKEN or self.text.startswith("=", self.at):
            self.at = start
            return False
        self.at = start
        values[1] = self.interface("the interface that is bound").name
        values[3] = NewId()
        self.skip()
        if self.text.startswith(",", self.at):
            self.at += 1
            self.skip()
            values[2] = self.number(Argument("version", UINT))
            self.skip()
        return True

    def argument(self, message: Message, wanted: Sequence[Argument], values: list[Value], given: set[int], index: int) -> int:
        """Reads one argument, by its place or by its name; the place after it."""
        start = self.at
        named = self.take(_ASSIGNED)
        if named is not None:
            names = [argument.name for argument in wanted]
            if named[1] not in names:
                hint = nearest(named[1], names) or f"its arguments are {message.name}{signature(message)}"
                self.fail(f"{message.name} has no argument {named[1][:SHOWN]}", hint, "unknown-argument", len(named[1]), start)
            index = names.index(named[1])
            self.skip()
        elif index >= len(wanted):
            self.fail(f"{message.name} has {len(wanted)} arguments, this is one more", f"{message.name}{signature(message)}")
        if index in given:
            self.fail(f"argument {wanted[index].name} stands twice", at=start)
        values[index] = self.value(wanted[index])
        given.add(index)
        return index + 1

    def value(self, argument: Argument) -> Value:
        start = self.at
        word = WORD.match(self.text, self.at)
        if word is not None and self.text.startswith(("#", "@"), word.end()):
            word = None  # an object, whatever its interface is called
        if word is not None and word[0] == "_":
            self.at = word.end()
            if not self.partial and not self.binding:
                self.fail(f"argument {argument.name} is needed here, not '_'", "", "missing-argument", 1, start)
            return ANY
        if word is not None and word[0] == "nil":
            self.at = word.end()
            if argument.type not in (STRING, OBJECT, NEW_ID):
                self.fail(f"argument {argument.name} is {article(argument.type)}, it can't be nil", "", "message-value", 3, start)
            return None
        if argument.type in (INT, UINT):
            return self.number(argument)
        if argument.type == FIXED:
            return self.fixed(argument)
        if argument.type == STRING:
            return self.string(argument)
        if argument.type == ARRAY:
            return self.array(argument)
        if argument.type == FD:
            return self.descriptor(argument)
        return self.reference(argument)

    def number(self, argument: Argument) -> int:
        start = self.at
        enum = enum_of(argument, self.interfaces)
        if enum is not None and WORD.match(self.text, self.at):
            return self.entries(argument, enum)
        match = self.take(_NUMBER)
        if match is None or "." in match[0]:
            self.at = start
            what = "a whole number" if enum is None else f"a whole number or a name of {argument.enum}"
            self.fail(f"expected {what} for argument {argument.name}, {self.found()}")
        return self.in_range(argument, int(match[0], 16 if "x" in match[0].lower() else 10), start)

    def in_range(self, argument: Argument, value: int, start: int) -> int:
        least, most = (-(1 << 31), (1 << 31) - 1) if argument.type == INT else (0, ID_BITS)
        if argument.type == UINT and -(1 << 31) <= value < 0 and self.raw:
            return value & ID_BITS  # libwayland up to 1.20 printed some of them signed
        if not least <= value <= most:
            hint = f"argument {argument.name} is {article(argument.type)}: {least} to {most}"
            self.fail(f"{value} does not fit", hint, "message-value", self.at - start, start)
        return value

    def entries(self, argument: Argument, enum: Enum) -> int:
        known = {entry.name: entry.value for entry in enum.entries}
        value = 0
        first = self.at
        more = False
        while True:
            start = self.at
            word = self.take(WORD)
            if word is None or word[0] not in known:
                text = "" if word is None else word[0]
                hint = nearest(text, known) or "one of " + ", ".join(list(known)[:8])
                self.fail(f"expected a name of {argument.enum}", hint, "unknown-entry", len(text), start)
            value |= known[word[0]]
            if not self.text.startswith("|", self.at):
                break
            more = True
            self.at += 1
        if more and not enum.bitfield:
            self.fail(f"{argument.enum} is no bitfield: one name only", "", "message-value", self.at - first, first)
        return self.in_range(argument, value, first)

    def fixed(self, argument: Argument) -> Fixed:
        start = self.at
        match = self.take(_NUMBER)
        if match is None or "x" in match[0].lower():
            self.at = start
            self.fail(f"expected a number for argument {argument.name}, {self.found()}")
        whole, _, decimals = match[0].lstrip("+-").partition(".")
        parts = int(decimals or "0") * FIXED_ONE
        scale = 10 ** len(decimals)
        raw = int(whole) * FIXED_ONE + (parts + scale // 2) // scale
        raw = -raw if match[0].startswith("-") else raw
        if not -(1 << 31) <= raw < 1 << 31:
            self.fail(f"{match[0]} does not fit", "24 bits before the point: -8388608 to 8388607", "message-value", len(match[0]), start)
        return Fixed(raw)

    def string(self, argument: Argument) -> Value:
        start = self.at
        if self.text.startswith("text[", self.at):
            self.at += len("text")
            return Unshown(self.size("text"))
        match = self.take(_RAW_STRING if self.raw else _STRING)
        if match is None:
            if self.text.startswith('"', self.at):
                self.fail(f"this string for argument {argument.name} does not end, or has an escape that JSON does not know")
            self.fail(f"expected a string in quotation marks for argument {argument.name}, {self.found()}")
        text: str = match[1] if self.raw else json.loads(match[0])
        if "\0" in text:
            self.fail("a string has no NUL inside", "", "message-value", len(match[0]), start)
        if any(0xD800 <= ord(letter) < 0xDC80 or 0xDCFF < ord(letter) < 0xE000 for letter in text):
            hint = "a byte that is no UTF-8 is written as \\udc80 to \\udcff"
            self.fail("half of a surrogate pair is no character", hint, "message-value", 1, start)
        cut = self.take(_CUT)
        if cut is not None:
            if not text:
                self.fail('text of which nothing is shown is text[N], not ""...[N]', "", "message-value", 1, start)
            return Unshown(int(cut[1]), text)
        return text

    def size(self, what: str) -> int:
        match = self.take(_SIZE)
        if match is None:
            self.fail(f"expected a number of bytes as in {what}[8], {self.found()}")
        return int(match[1])

    def array(self, argument: Argument) -> Array:
        word = self.take(WORD)
        if word is None or word[0] != "array":
            self.at = self.at if word is None else word.start()
            self.fail(f"expected array[BYTES] for argument {argument.name}, {self.found()}")
        return Array(self.size("array")) if self.text.startswith("[", self.at) else Array()

    def descriptor(self, argument: Argument) -> Descriptor:
        start = self.at
        match = self.take(_DESCRIPTOR)
        if match is None:
            self.fail(f"expected fd, fd KIND or fd KIND BYTES for argument {argument.name}, {self.found()}")
        kind, size = match[1] or "", match[2]
        if kind and kind not in KIND_NAMES:
            hint = nearest(kind, KIND_NAMES) or "one of " + ", ".join(KIND_NAMES[1:])
            self.fail(f"no descriptor is of kind {kind[:SHOWN]}", hint, "unknown-kind", len(kind), start + match.start(1) - match.start())
        return Descriptor(kind, int(size) if size and kind else -1)  # "fd 5" is libwayland's: a number of that process

    def reference(self, argument: Argument) -> Value:
        creates = argument.type == NEW_ID
        start = self.at
        if bool(self.take(_NEW_ID)) != creates:
            self.at = start
            example = "new id" if creates else f"{argument.interface or 'wl_surface'}#7 or nil"
            self.fail(f"expected {example} for argument {argument.name}, {self.found()}")
        start = self.at
        interface = argument.interface
        untold = bool(self.take(_UNKNOWN_INTERFACE))
        if not untold and WORD.match(self.text, self.at):
            interface = self.interface("an interface").name
        elif not untold and not creates and not self.text.startswith(("#", "@"), self.at):
            self.fail(f"expected {argument.interface or 'wl_surface'}#7 or nil for argument {argument.name}, {self.found()}")
        if argument.interface and interface != argument.interface:
            hint = f"argument {argument.name} is {article(argument.type)} of {argument.interface}"
            self.fail(f"this is a {interface}", hint, "message-value", len(interface), start)
        number = self.object_id() or 0
        if untold and not number:
            self.fail(f"expected the number of an object, {self.found()}")
        return NewId(interface if number or not creates else "", number) if creates else Reference(interface, number)


def nearest(word: str, known: Iterable[str]) -> str:
    """A suggestion, or ""."""
    if not word or len(word) > LONGEST_GUESSED:
        return ""
    close = difflib.get_close_matches(word, list(known), 1, 0.6)
    return f"did you mean {close[0]}?" if close else ""


def some(interface: Interface) -> str:
    """The first messages of an interface."""
    names = [message.name for message in (*interface.requests, *interface.events)]
    return f"it has {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}" if names else f"{interface.name} has none"


def signature(message: Message) -> str:
    """A message's arguments as an admin would read them."""
    return "(" + ", ".join(f"{a.name}: {a.enum or a.interface or a.type}" for a in wire_arguments(message)) + ")"


def article(kind: str) -> str:
    """The type of an argument with its article."""
    return f"{'an' if kind[0] in 'aio' else 'a'} {kind}"
