"""A second opinion on the wire: strict peers, written without the code they judge.

`Host` takes what the proxy sends upstream as the strictest libwayland server would (dense ids, versions, exact arguments, zero padding,
typed objects, one descriptor per h); `Guest` takes what the proxy sends down as the strictest client would. Either raises
`Rejected` for anything a peer could complain of. Both keep a readable log: "wl_surface#6.attach(9, 0, 0)".
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wlproxy.core.protocol import Interface, Message

SERVER_IDS = 0xFF000000


class Rejected(Exception):
    """A strict peer would not have this."""


@dataclass
class Held:
    """An object as one peer knows it; `alive` false between its end and the reuse of its id."""

    interface: Interface
    version: int
    alive: bool = True


def wire_arguments(message: Message) -> list[tuple[str, str, bool, str]]:
    """(type, interface, nullable, name) as they stand on the wire: an untyped new_id is string, uint, new_id."""
    found: list[tuple[str, str, bool, str]] = []
    for a in message.arguments:
        if a.type == "new_id" and not a.interface:
            found += [("string", "", False, "interface"), ("uint", "", False, "version")]
        found.append((a.type, a.interface, a.nullable, a.name))
    return found


def pack(object_id: int, opcode: int, message: Message, args: Iterable[object]) -> bytes:
    """The message as libwayland would write it."""
    body = b""
    rest = iter(args)
    for kind, _, _, name in wire_arguments(message):
        if kind == "fd":
            continue
        value = next(rest)
        if kind in ("string", "array"):
            if value is None:
                body += struct.pack("<I", 0)
                continue
            raw = value.encode() + b"\0" if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]
            body += struct.pack("<I", len(raw)) + raw + bytes(-len(raw) % 4)
        elif isinstance(value, int):
            body += struct.pack("<I", value & 0xFFFFFFFF)
        else:
            raise TypeError(f"{message.name}: {name} = {value!r}")
    return struct.pack("<IHH", object_id, opcode, 8 + len(body)) + body


@dataclass
class Peer:
    """One end of a Wayland connection, reading requests (`server`) or events."""

    interfaces: Mapping[str, Interface]
    server: bool
    objects: dict[int, Held] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    buffer: bytes = b""
    fds: list[object] = field(default_factory=list)
    highest: int = 1
    highest_server: int = SERVER_IDS - 1

    def __post_init__(self) -> None:
        self.objects[1] = Held(self.interfaces["wl_display"], 1)

    def take(self, data: bytes, fds: Iterable[object] = ()) -> list[str]:
        """Reads what arrived; returns the new lines of the log."""
        self.buffer += data
        self.fds += fds
        before = len(self.log)
        while len(self.buffer) >= 8:
            object_id, opcode, size = struct.unpack_from("<IHH", self.buffer)
            if size < 8 or size % 4:
                raise Rejected(f"size {size}")
            if len(self.buffer) < size:
                break
            body, self.buffer = self.buffer[8:size], self.buffer[size:]
            self._message(object_id, opcode, body)
        return self.log[before:]

    def _message(self, object_id: int, opcode: int, body: bytes) -> None:
        held = self.objects.get(object_id)
        if held is None or (self.server and not held.alive):
            raise Rejected(f"message {opcode} to object {object_id}, which is not there")
        messages = held.interface.requests if self.server else held.interface.events
        if opcode >= len(messages) or messages[opcode].since > held.version:
            raise Rejected(f"{held.interface.name} version {held.version} has no message {opcode}")
        message = messages[opcode]
        args = self._arguments(held, message, body)
        self.log.append(f"{held.interface.name}#{object_id}.{message.name}({', '.join(map(repr, args))})")
        if message.destructor:
            self.ended(object_id)
        if not self.server and (held.interface.name, message.name) == ("wl_display", "delete_id"):
            gone = self.objects.get(args[0]) if isinstance(args[0], int) else None
            if gone is None:
                raise Rejected(f"delete_id of {args[0]}, which is not there")
            del self.objects[args[0]]  # type: ignore[arg-type]

    def ended(self, object_id: int) -> None:
        """The object's destructor was sent by either side."""
        if self.server or object_id >= SERVER_IDS:
            del self.objects[object_id]
        else:
            self.objects[object_id].alive = False

    def _arguments(self, held: Held, message: Message, body: bytes) -> list[object]:
        at = 0
        args: list[object] = []
        name, version = "", held.version
        for kind, interface, nullable, argument in wire_arguments(message):
            where = f"{held.interface.name}.{message.name} {argument}"
            if kind == "fd":
                if not self.fds:
                    raise Rejected(f"{where}: no descriptor has come")
                args.append(self.fds.pop(0))
                continue
            if at + 4 > len(body):
                raise Rejected(f"{where} is missing")
            (number,) = struct.unpack_from("<I", body, at)
            at += 4
            if kind in ("string", "array"):
                padded = number + -number % 4
                raw = body[at : at + number]
                if len(raw) < number or any(body[at + number : at + padded]) or len(body) < at + padded:
                    raise Rejected(f"{where}: length or padding")
                at += padded
                if kind == "array":
                    args.append(raw)
                    continue
                if number == 0:
                    if not nullable:
                        raise Rejected(f"{where}: null")
                    args.append(None)
                    continue
                if raw[-1] or b"\0" in raw[:-1]:
                    raise Rejected(f"{where}: NUL")
                args.append(raw[:-1].decode())
                name = raw[:-1].decode()
            elif kind in ("int", "fixed"):
                args.append(number - (1 << 32) if number >> 31 else number)
            else:
                args.append(number)
            if kind == "uint" and argument == "version" and name:
                version = number
            if kind == "object" and not (number == 0 and nullable):
                self._refers(where, number, interface)
            if kind == "new_id":
                self._creates(where, number, self.interfaces[interface or name], version)
        if at != len(body):
            raise Rejected(f"{held.interface.name}.{message.name}: {len(body) - at} bytes too many")
        return args

    def _refers(self, where: str, number: int, interface: str) -> None:
        named = self.objects.get(number)
        if named is None or (self.server and not named.alive):
            raise Rejected(f"{where}: object {number} is not there")
        if interface and named.interface.name != interface:
            raise Rejected(f"{where}: object {number} is a {named.interface.name}")

    def _creates(self, where: str, number: int, interface: Interface, version: int) -> None:
        theirs = number >= SERVER_IDS
        if theirs == self.server:
            raise Rejected(f"{where}: id {number:#x} is in the wrong range")
        held = self.objects.get(number)
        if held is not None and (self.server or held.alive):
            raise Rejected(f"{where}: id {number} is in use")
        following = self.highest_server + 1 if theirs else self.highest + 1
        if number > following:
            raise Rejected(f"{where}: id {number:#x} leaves a gap, {following:#x} is next")
        if theirs:
            self.highest_server = max(self.highest_server, number)
        else:
            self.highest = max(self.highest, number)
        self.objects[number] = Held(interface, min(version, interface.version))

    def created(self, number: int, interface: str, version: int) -> None:
        """This peer has itself created an object by a message that it sent."""
        self.objects[number] = Held(self.interfaces[interface], min(version, self.interfaces[interface].version))
