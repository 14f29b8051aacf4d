"""One message written down, and read again: the grammar of explain, of policy tests, of trace and of lines pasted from libwayland.

    xdg_toplevel.set_title("a\\u202eb")                                    all arguments in order
    xdg_toplevel.set_title                                               any arguments, where the caller permits that
    wl_pointer.button(state=pressed)                                     the others are any, where the caller permits that
    xdg_surface#12.get_toplevel(new id)                                  #12 is the object
    zwlr_screencopy_manager_v1.capture_output(new id, 0, wl_output#7)
    wl_registry.bind(wl_shm, 1)                                          short for bind(_, "wl_shm", 1, new id)
    [3051713.123] {Default Queue}  -> wl_surface#3.attach(wl_buffer#7, 0, 0)    WAYLAND_DEBUG=1, libwayland 1.21 and newer
    [    0.123456] 1  -> wl_surface#3.attach(wl_buffer#7, 0, 0)  ; allowed      `wlproxy trace`

    value   number 12 -3 0x10 1.5, names of the argument's enum top|left, "text" as in JSON, text[5] and "ab"...[300] (text that is not
            shown, or not whole), nil, interface#7, interface, #7, new id, new id interface#7, array[8], fd, fd memfd 4096, _ (any)

Here are the literals and how they are written; read_literal.py reads them.

Promises: `read(write(m)) == m` for every literal that `read` gave. Pure. Trusts: the protocol data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..core.protocol import NEW_ID, STRING, UINT, Argument, Enum, Interface, Message, enum_of

REQUEST: Final = "request"
EVENT: Final = "event"
FIXED_ONE: Final = 256  # wl_fixed_t, 24.8
WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TAKEN: Final = ("nil", "_")  # words that are no entry of an enum


class Any:
    """An argument that is left open. One value: ANY."""

    def __repr__(self) -> str:
        return "ANY"


ANY: Final = Any()


@dataclass(frozen=True, slots=True)
class Fixed:
    """A 24.8 fixed-point number; `raw` is it times 256."""

    raw: int


@dataclass(frozen=True, slots=True)
class Unshown:
    """A string of `size` bytes that is not shown, or of which only the beginning is."""

    size: int
    begins: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """An object: `interface` "" and `object_id` 0 where they are not said."""

    interface: str = ""
    object_id: int = 0


@dataclass(frozen=True, slots=True)
class NewId:
    """What the message creates; as Reference."""

    interface: str = ""
    object_id: int = 0


@dataclass(frozen=True, slots=True)
class Array:
    """An array of `size` bytes; -1 where that is not said."""

    size: int = -1


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A descriptor; `kind` as in core/fds.py, "" where not said; `size` in bytes, -1 where not said."""

    kind: str = ""
    size: int = -1


Value = int | str | None | Any | Fixed | Unshown | Reference | NewId | Array | Descriptor


@dataclass(frozen=True, slots=True)
class Literal:
    """A message. `object_id` None: any object of the interface. `arguments` None: any; else one for each of `wire_arguments`."""

    direction: str
    interface: str
    object_id: int | None
    message: str
    arguments: tuple[Value, ...] | None


def wire_arguments(message: Message) -> tuple[Argument, ...]:
    """A message's arguments as they are sent: an untyped new_id is led by the interface's name and its version."""
    found: list[Argument] = []
    for argument in message.arguments:
        if argument.type == NEW_ID and not argument.interface:
            found += [Argument("interface", STRING), Argument("version", UINT)]
        found.append(argument)
    return tuple(found)


def write(literal: Literal, interfaces: Mapping[str, Interface]) -> str:
    """The one text of a literal. Raises KeyError where its interface or message is not in the data."""
    interface = interfaces[literal.interface]
    requests, events = message_named(interface.requests, literal.message), message_named(interface.events, literal.message)
    message = requests if literal.direction == REQUEST else events
    if message is None:
        raise KeyError(f"{literal.interface}.{literal.message}")
    lead = "event " if requests is not None and literal.direction == EVENT else ""
    target = literal.interface if literal.object_id is None else f"{literal.interface}#{literal.object_id}"
    if literal.arguments is None:
        return f"{lead}{target}.{literal.message}"
    values = literal.arguments
    if is_bind(literal.interface, literal.message) and values[0] is ANY and values[3] == NewId():
        name, version = values[1], values[2]
        if isinstance(name, str) and name in interfaces and isinstance(version, int):
            return f"{lead}{target}.{literal.message}({name}, {version})"
    written = [_written(v, a, interfaces) for v, a in zip(values, wire_arguments(message), strict=True)]
    return f"{lead}{target}.{literal.message}({', '.join(written)})"


def is_bind(interface: str, message: str) -> bool:
    """Whether it is the one message that has a short form."""
    return interface == "wl_registry" and message == "bind"


def message_named(messages: Sequence[Message], name: str) -> Message | None:
    """Of requests or events."""
    return next((message for message in messages if message.name == name), None)


def quoted(text: str) -> str:
    """A string as in JSON, and all of it printable ASCII: bytes that were no UTF-8 (surrogates, core/wire.py) are \\udc80 to \\udcff."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def _written(value: Value, argument: Argument, interfaces: Mapping[str, Interface]) -> str:
    if isinstance(value, Any):
        return "_"
    if value is None:
        return "nil"
    if isinstance(value, int):
        return _names(value, enum_of(argument, interfaces)) or str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Fixed):
        whole, part = divmod(abs(value.raw), FIXED_ONE)
        decimals = f"{part * 10**8 // FIXED_ONE:08d}".rstrip("0")
        return f"{'-' if value.raw < 0 else ''}{whole}.{decimals or '0'}"
    if isinstance(value, Unshown):
        return f"{quoted(value.begins)}...[{value.size}]" if value.begins else f"text[{value.size}]"
    if isinstance(value, Array):
        return "array" if value.size < 0 else f"array[{value.size}]"
    if isinstance(value, Descriptor):
        return " ".join(["fd", *([value.kind] if value.kind else []), *([str(value.size)] if value.size >= 0 else [])])
    number = f"#{value.object_id}" if value.object_id else ""
    if isinstance(value, NewId):
        return f"new id {value.interface}{number}".rstrip()
    return value.interface + number


def _names(value: int, enum: Enum | None) -> str:
    """A number by the names of its enum; "" where they do not say it."""
    if enum is None:
        return ""
    entries = [entry for entry in enum.entries if WORD.fullmatch(entry.name) and entry.name not in TAKEN]
    exact = next((entry.name for entry in entries if entry.value == value), "")
    if exact or not enum.bitfield or value <= 0:
        return exact
    left, names = value, []
    for entry in entries:
        if entry.value and entry.value & left == entry.value:
            left &= ~entry.value
            names.append(entry.name)
    return "" if left else "|".join(names)
