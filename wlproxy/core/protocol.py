"""What the protocol specifications say, as frozen values: interfaces, messages, arguments, enums.

Promises: a value of this module is complete and consistent (every argument type is one of the eight of the wire
format, opcodes are the positions in the tuples). Trusts: nobody; `policy/xml.py` and `from_compact` check what they read.
Source: the Wayland protocol specification, chapter "Protocol", and the DTD wayland.dtd of libwayland.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

INT: Final = "int"
UINT: Final = "uint"
FIXED: Final = "fixed"
STRING: Final = "string"
OBJECT: Final = "object"
NEW_ID: Final = "new_id"
ARRAY: Final = "array"
FD: Final = "fd"

ARGUMENT_TYPES: Final = (INT, UINT, FIXED, STRING, OBJECT, NEW_ID, ARRAY, FD)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. `interface` for object and new_id ("" = any; an untyped new_id is string, uint, new_id on the wire);
    `enum` fully qualified, "wl_shm.format", "" where there is none."""

    name: str
    type: str
    interface: str = ""
    nullable: bool = False
    enum: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an event; its opcode is its place in the interface's tuple."""

    name: str
    arguments: tuple[Argument, ...] = ()
    since: int = 1
    destructor: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of an enum: 0 to 2**32 - 1."""

    name: str
    value: int
    since: int = 1


@dataclass(frozen=True, slots=True)
class Enum:
    """An enum; in a bitfield any union of the entries is a value."""

    name: str
    entries: tuple[Entry, ...]
    bitfield: bool = False
    since: int = 1


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface; `protocol` is the name of the <protocol> it stands in."""

    name: str
    version: int
    requests: tuple[Message, ...] = ()
    events: tuple[Message, ...] = ()
    enums: tuple[Enum, ...] = ()
    protocol: str = ""
