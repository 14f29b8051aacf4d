"""What the protocol specifications say, as frozen values: interfaces, messages, arguments, enums.

Promises: a value of this module is complete and consistent (every argument type is one of the eight of the wire
format, opcodes are the positions in the tuples). Trusts: nobody; `policy/protocol_xml.py` and `from_compact` check what they read.
Source: the Wayland protocol specification, chapter "Protocol", and the DTD wayland.dtd of libwayland.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
ENTRY_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,128}")  # wl_output.transform has an entry "90"
MAX_VERSION: Final = 0xFFFF  # on the wire 32 bits; no interface has come to 100
MAX_MESSAGES: Final = 1024  # on the wire the opcode has 16 bits
MAX_ARGUMENTS: Final = 20  # WL_CLOSURE_MAX_ARGS of libwayland
MAX_VALUE: Final = 0xFFFF_FFFF


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


def enum_of(argument: Argument, interfaces: Mapping[str, Interface]) -> Enum | None:
    """The enum of a number, where it has one."""
    owner, _, name = argument.enum.rpartition(".")
    if owner not in interfaces or argument.type not in (INT, UINT):
        return None
    return next((enum for enum in interfaces[owner].enums if enum.name == name), None)
