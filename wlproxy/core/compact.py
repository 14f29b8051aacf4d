"""The compact form of protocol data: JSON-able, small, and quick to take in, so that no process that runs parses XML.

Promises: `from_compact(to_compact(interfaces))` gives the same interfaces; equal interfaces give equal bytes whatever
their order; `from_compact` refuses with ConfigErrors whatever `to_compact` could not have written. Trusts: nothing; the
data is checked as if someone had written it by hand.

    {"format": 1, "interfaces": {"wl_shm": [2, "wayland", [requests], [events], [enums]]}}
    message   name  arguments...              "create_pool id=n:wl_shm_pool fd=h size=i"
              name@since                      "release!@2"        "!" ends the object it is sent to
    argument  name=[?]letter[:interface|:enum] "parent=?o:xdg_toplevel"  "format=u:wl_shm.format"   "?" may be null
    enum      name[*][@since]  entries...     "capability* pointer=1 keyboard=2"   "*" is a bitfield
    entry     name=number[@since]             "180=2"
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NoReturn

from wlproxy.core.errors import ConfigError, ConfigErrors
from wlproxy.core.protocol import (
    ARRAY,
    FD,
    FIXED,
    INT,
    MAX_ARGUMENTS,
    MAX_MESSAGES,
    MAX_VALUE,
    MAX_VERSION,
    NAME,
    NEW_ID,
    OBJECT,
    STRING,
    UINT,
    Argument,
    Entry,
    Enum,
    Interface,
    Message,
)

FORMAT: Final = 1

LETTERS: Final = {INT: "i", UINT: "u", FIXED: "f", STRING: "s", OBJECT: "o", NEW_ID: "n", ARRAY: "a", FD: "h"}
TYPES: Final = {letter: type_ for type_, letter in LETTERS.items()}

_WORD: Final = r"[A-Za-z_][A-Za-z0-9_]{0,127}"
_SINCE: Final = r"(?:@([1-9][0-9]{0,4}))?"
_MESSAGE: Final = re.compile(rf"({_WORD})(!?){_SINCE}")
_ARGUMENT: Final = re.compile(rf"({_WORD})=(?:([iu])(?::({_WORD}\.{_WORD}))?|(\??)([on])(?::({_WORD}))?|(\??)([fsah]))")
_ENUM: Final = re.compile(rf"({_WORD})(\*?){_SINCE}")
_ENTRY: Final = re.compile(rf"([A-Za-z0-9_]{{1,128}})=(0|[1-9][0-9]{{0,9}}){_SINCE}")
_PROTOCOL: Final = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?")


def to_compact(interfaces: Iterable[Interface]) -> dict[str, object]:
    """The form that from_compact takes; the order of messages is the protocol's, all else is sorted by name."""
    return {
        "format": FORMAT,
        "interfaces": {interface.name: _compact_interface(interface) for interface in sorted(interfaces, key=lambda i: i.name)},
    }


def _compact_interface(interface: Interface) -> list[object]:
    return [
        interface.version,
        interface.protocol,
        [_compact_message(message) for message in interface.requests],
        [_compact_message(message) for message in interface.events],
        [_compact_enum(enum) for enum in interface.enums],
    ]


def _compact_since(since: int) -> str:
    return f"@{since}" if since != 1 else ""


def _compact_message(message: Message) -> str:
    head = message.name + ("!" if message.destructor else "") + _compact_since(message.since)
    return " ".join((head, *(_compact_argument(argument) for argument in message.arguments)))


def _compact_argument(argument: Argument) -> str:
    refers = argument.interface or argument.enum
    return f"{argument.name}={'?' if argument.nullable else ''}{LETTERS[argument.type]}{':' + refers if refers else ''}"


def _compact_enum(enum: Enum) -> str:
    head = enum.name + ("*" if enum.bitfield else "") + _compact_since(enum.since)
    return " ".join((head, *(f"{entry.name}={entry.value}{_compact_since(entry.since)}" for entry in enum.entries)))


def from_compact(data: object, path: str = "compiled protocol data") -> dict[str, Interface]:
    """The interfaces by name. Raises ConfigErrors at the first thing that is wrong: the form is written by a program."""
    if not isinstance(data, dict) or data.get("format") != FORMAT or set(data) != {"format", "interfaces"}:
        _refuse(path, f"not protocol data of format {FORMAT}")
    interfaces = data["interfaces"]
    if not isinstance(interfaces, dict):
        _refuse(path, "interfaces is no table")
    return {name: _Decoder(path, name).interface(fields) for name, fields in interfaces.items()}


def _refuse(path: str, message: str) -> NoReturn:
    raise ConfigErrors([ConfigError(path, 0, 0, message, "write it anew with: python -m wlproxy.tools.distil --compile")])


class _Decoder:
    """Takes one interface apart; holds what its errors name."""

    __slots__ = ("name", "path", "version")

    def __init__(self, path: str, name: object) -> None:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            _refuse(path, f"interface name {name!r}")
        self.path, self.name, self.version = path, name, 0

    def refuse(self, what: str) -> NoReturn:
        _refuse(self.path, f"{self.name}: {what}")

    def interface(self, fields: object) -> Interface:
        if not isinstance(fields, list) or len(fields) != 5:
            self.refuse("five fields are expected")
        version, protocol, requests, events, enums = fields
        if type(version) is not int or not 1 <= version <= MAX_VERSION:
            self.refuse(f"version {version!r}")
        if not isinstance(protocol, str) or not _PROTOCOL.fullmatch(protocol):
            self.refuse(f"protocol {protocol!r}")
        self.version = version
        return Interface(
            self.name,
            version,
            tuple([self.message(text) for text in self.strings("request", requests)]),
            tuple([self.message(text) for text in self.strings("event", events)]),
            tuple([self.enum(text) for text in self.strings("enum", enums)]),
            protocol,
        )

    def strings(self, what: str, value: object) -> list[str]:
        if not isinstance(value, list) or len(value) > MAX_MESSAGES or not all(isinstance(text, str) for text in value):
            self.refuse(f"the {what}s are not a list of at most {MAX_MESSAGES} strings")
        self.no_repeats(what, [re.split("[ !*@]", text, maxsplit=1)[0] for text in value])
        return value

    def no_repeats(self, what: str, names: list[str]) -> None:
        if len(set(names)) != len(names):
            self.refuse(f"{what} {next(name for name in names if names.count(name) > 1)} stands twice")

    def since(self, text: str | None) -> int:
        since = int(text) if text else 1
        if since > self.version:
            self.refuse(f"since {since} is above version {self.version}")
        return since

    def message(self, text: str) -> Message:
        head, *words = text.split(" ")
        found = _MESSAGE.fullmatch(head)
        if found is None or len(words) > MAX_ARGUMENTS:
            self.refuse(f"message {text!r}")
        name, destructor, since = found.groups()
        arguments = tuple([self.argument(word) for word in words])
        if words:
            self.no_repeats(f"argument of {name}", [argument.name for argument in arguments])
        return Message(name, arguments, self.since(since), destructor == "!")

    def argument(self, word: str) -> Argument:
        found = _ARGUMENT.fullmatch(word)
        if found is None:
            self.refuse(f"argument {word!r}")
        name, number, enum, null_object, object_, interface, null_plain, plain = found.groups()
        nullable = bool(null_object or null_plain)
        letter = number or object_ or plain
        if nullable and letter not in "os":
            self.refuse(f"argument {word!r} can't be null")
        return Argument(name, TYPES[letter], interface or "", nullable, enum or "")

    def enum(self, text: str) -> Enum:
        head, *words = text.split(" ")
        found = _ENUM.fullmatch(head)
        if found is None:
            self.refuse(f"enum {text!r}")
        name, bitfield, since = found.groups()
        entries = tuple([self.entry(word) for word in words])
        if words:
            self.no_repeats(f"entry of {name}", [entry.name for entry in entries])
        return Enum(name, entries, bitfield == "*", self.since(since))

    def entry(self, word: str) -> Entry:
        found = _ENTRY.fullmatch(word)
        if found is None or int(found[2]) > MAX_VALUE:
            self.refuse(f"entry {word!r}")
        return Entry(found[1], int(found[2]), self.since(found[3]))
