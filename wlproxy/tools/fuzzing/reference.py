"""A second opinion on the wire: strict peers, written without the code they judge.

A server `Peer` takes what the proxy sends upstream as the strictest libwayland server would (dense ids, versions, exact arguments,
zero padding, typed objects, one descriptor per h); a client `Peer` takes what it sends down as the strictest client would. Either
raises `Rejected` for anything a peer could complain of, and keeps a readable log: "wl_surface#6.attach(9, 0, 0)" (or, without
`keep_log`, the values in `heard`).
`said` follows what the peer sends itself, also where that breaks the rules: then it complains and reads on as far as it can.
Trusts: the protocol data. Uses nothing of core/ but the protocol's values.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from wlproxy.core.protocol import Interface, Message

SERVER_IDS: Final = 0xFF000000
_LAYOUTS: Final[dict[int, tuple[Message, list[tuple[str, str, bool, str]]]]] = {}


class Rejected(Exception):
    """A strict peer would not have this."""


@dataclass(slots=True)
class Held:
    """An object as one peer knows it; `alive` false between its end and the reuse of its id. `early`: delete_ids still to come
    for earlier holders of the id."""

    interface: Interface
    version: int
    alive: bool = True
    early: int = 0


@dataclass(frozen=True, slots=True)
class Heard:
    """One message that a peer has taken, descriptors among its arguments."""

    object_id: int
    interface: str
    message: Message
    args: list[object]


def wire_arguments(message: Message) -> list[tuple[str, str, bool, str]]:
    """(type, interface, nullable, name) as they stand on the wire: an untyped new_id is string, uint, new_id."""
    known = _LAYOUTS.get(id(message))
    if known is not None:
        return known[1]
    found: list[tuple[str, str, bool, str]] = []
    for a in message.arguments:
        if a.type == "new_id" and not a.interface:
            found += [("string", "", False, "interface"), ("uint", "", False, "version")]
        found.append((a.type, a.interface, a.nullable, a.name))
    _LAYOUTS[id(message)] = (message, found)  # the message is kept, so that its id stays its own
    return found


def pack(object_id: int, opcode: int, message: Message, args: Iterable[object]) -> bytes:
    """The message as libwayland would write it; `args` without the descriptors."""
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
            if not isinstance(value, str | bytes):
                raise TypeError(f"{message.name}: {name} = {value!r}")
            raw = value.encode("utf-8", "surrogateescape") + b"\0" if isinstance(value, str) else value
            body += struct.pack("<I", len(raw)) + raw + bytes(-len(raw) % 4)
        elif isinstance(value, int):
            body += struct.pack("<I", value & 0xFFFFFFFF)
        else:
            raise TypeError(f"{message.name}: {name} = {value!r}")
    return struct.pack("<IHH", object_id, opcode, 8 + len(body)) + body


@dataclass
class Peer:
    """One end of a Wayland connection, reading requests (`server`) or events. `owed`: delete_ids that a server has to send."""

    interfaces: Mapping[str, Interface]
    server: bool
    objects: dict[int, Held] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    buffer: bytes = b""
    fds: list[object] = field(default_factory=list)
    highest: int = 1
    highest_server: int = SERVER_IDS - 1
    owed: list[int] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    own: bytes = b""
    saying: bool = False
    keep_log: bool = True
    heard: list[Heard] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.objects[1] = Held(self.interfaces["wl_display"], 1)

    def take(self, data: bytes, fds: Iterable[object] = ()) -> list[str]:
        """Reads what arrived; returns the new lines of the log. Raises Rejected."""
        self.saying = False
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
            self._message(object_id, opcode, body, self.server)
        return self.log[before:]

    def said(self, data: bytes) -> None:
        """Follows what this peer sends: what it creates and ends. What breaks a rule goes to `complaints`."""
        self.saying = True
        self.own += data
        while len(self.own) >= 8:
            object_id, opcode, size = struct.unpack_from("<IHH", self.own)
            if size < 8 or size % 4:
                self.complaints.append(f"size {size}")
                self.own = b""
                return
            if len(self.own) < size:
                return
            body, self.own = self.own[8:size], self.own[size:]
            try:
                self._message(object_id, opcode, body, not self.server)
            except Rejected as error:
                self.complaints.append(str(error))

    def _object(self, reason: str) -> None:
        """What a strict reader would not have, though it can read on."""
        if not self.saying:
            raise Rejected(reason)
        self.complaints.append(reason)

    def _message(self, object_id: int, opcode: int, body: bytes, requests: bool) -> None:
        held = self.objects.get(object_id)
        if held is None or (requests and not held.alive):
            raise Rejected(f"message {opcode} to object {object_id}, which is not there")
        messages = held.interface.requests if requests else held.interface.events
        if opcode >= len(messages) or messages[opcode].since > held.version:
            raise Rejected(f"{held.interface.name} version {held.version} has no message {opcode}")
        message = messages[opcode]
        args = self._arguments(held, message, body, requests)
        if not self.saying:
            if self.keep_log:
                self.log.append(f"{held.interface.name}#{object_id}.{message.name}({', '.join(map(repr, args))})")
            else:
                self.heard.append(Heard(object_id, held.interface.name, message, args))
        if message.destructor:
            self.ended(object_id)
        if (held.interface.name, message.name) == ("wl_fixes", "destroy_registry") and args[0] in self.objects:
            self.ended(int(str(args[0])))
        if not requests and (held.interface.name, message.name) == ("wl_display", "delete_id"):
            self._deleted(int(str(args[0])))

    def _deleted(self, object_id: int) -> None:
        """wl_display.delete_id."""
        if self.server:
            if object_id in self.owed:
                self.owed.remove(object_id)
            else:
                self._object(f"delete_id of {object_id}, which is owed none")
            return
        gone = self.objects.get(object_id)
        if gone is None:
            self._object(f"delete_id of {object_id}, which is not there")
        elif gone.early:
            gone.early -= 1
        else:
            del self.objects[object_id]

    def ended(self, object_id: int) -> None:
        """The object's destructor was sent by either side."""
        if self.server or object_id >= SERVER_IDS:
            self.objects.pop(object_id, None)
            if self.server and object_id < SERVER_IDS:
                self.owed.append(object_id)
        else:
            self.objects[object_id].alive = False

    def _arguments(self, held: Held, message: Message, body: bytes, requests: bool) -> list[object]:
        at = 0
        args: list[object] = []
        name, version = "", held.version
        for kind, interface, nullable, argument in wire_arguments(message):
            where = f"{held.interface.name}.{message.name} {argument}"
            if kind == "fd":
                if not self.saying and not self.fds:
                    raise Rejected(f"{where}: no descriptor has come")
                args.append(None if self.saying else self.fds.pop(0))
                continue
            if at + 4 > len(body):
                raise Rejected(f"{where} is missing")
            (number,) = struct.unpack_from("<I", body, at)
            at += 4
            if kind in ("string", "array"):
                padded = number + -number % 4
                raw = body[at : at + number]
                if len(body) < at + padded:
                    raise Rejected(f"{where}: length")
                if any(body[at + number : at + padded]):
                    self._object(f"{where}: padding")
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
                args.append(self._text(where, raw[:-1], requests))
                name = str(args[-1])
            elif kind in ("int", "fixed"):
                args.append(number - (1 << 32) if number >> 31 else number)
            else:
                args.append(number)
            if kind == "uint" and argument == "version" and name:
                version = number
            if kind == "object" and not (number == 0 and nullable):
                self._refers(where, number, interface, requests)
            if kind == "new_id":
                created = self.interfaces.get(interface or name)
                if created is None:
                    raise Rejected(f"{where}: there is no interface {name[:64]!a}")
                self._creates(where, number, created, version, requests)
        if at != len(body):
            self._object(f"{held.interface.name}.{message.name}: {len(body) - at} bytes too many")
        return args

    def _text(self, where: str, raw: bytes, requests: bool) -> str:
        """A guest's text is UTF-8 (no protocol has anything else); a compositor's bytes may be anything."""
        if not requests:
            return raw.decode("utf-8", "surrogateescape")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise Rejected(f"{where}: not UTF-8") from error

    def _refers(self, where: str, number: int, interface: str, requests: bool) -> None:
        named = self.objects.get(number)
        if named is None or (requests and not named.alive):
            self._object(f"{where}: object {number} is not there")
        elif interface and named.interface.name != interface:
            self._object(f"{where}: object {number} is a {named.interface.name}")

    def _creates(self, where: str, number: int, interface: Interface, version: int, requests: bool) -> None:
        if (number >= SERVER_IDS) == requests or number == 0:
            raise Rejected(f"{where}: id {number:#x} is in the wrong range")
        held = self.objects.get(number)
        early = 0
        if held is not None:
            # Guests do reuse the id of what has no events (a wl_shm_pool) before its delete_id: docs/traps.md 15.
            if requests and not self.server and not held.alive and not held.interface.events:
                early = held.early + 1
            elif self.server or requests or held.alive:
                raise Rejected(f"{where}: id {number} is in use")
        following = self.highest + 1 if requests else self.highest_server + 1
        if number > following:
            raise Rejected(f"{where}: id {number:#x} leaves a gap, {following:#x} is next")
        self._note_highest(number)
        self.objects[number] = Held(interface, min(version, interface.version), True, early)

    def _note_highest(self, number: int) -> None:
        if number >= SERVER_IDS:
            self.highest_server = max(self.highest_server, number)
        else:
            self.highest = max(self.highest, number)

    def created(self, number: int, interface: str, version: int) -> None:
        """This peer has itself created an object by a message that it sent."""
        self._note_highest(number)
        self.objects[number] = Held(self.interfaces[interface], min(version, self.interfaces[interface].version))
