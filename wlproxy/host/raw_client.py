"""A client without libwayland, for what libwayland would not send.

Promises: exactly the bytes and descriptors it is told, and every event that came back, with a deadline on each read. It allocates ids
densely and never reuses one; it keeps no state beyond that. Trusts: nothing; but it is for trying things, not for running against a
hostile compositor. Source: the Wayland wire format.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

DISPLAY: Final = 1
SYNC: Final = 0  # wl_display requests
GET_REGISTRY: Final = 1
ERROR: Final = 0  # wl_display events
BIND: Final = 0  # wl_registry


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it came."""

    object_id: int
    opcode: int
    body: bytes


class Refused(Exception):
    """The other side ended the connection; with wl_display.error's object, code and text if it said why."""

    def __init__(self, object_id: int, code: int, text: str) -> None:
        super().__init__(text)
        self.object_id, self.code, self.text = object_id, code, text


def uint(*values: int) -> bytes:
    """Arguments of type uint, int (as its bits), object and new_id."""
    return struct.pack(f"={len(values)}I", *(value & 0xFFFFFFFF for value in values))


def string(text: str) -> bytes:
    """A string argument."""
    data = text.encode() + b"\0"
    return uint(len(data)) + data + bytes(-len(data) % 4)


class RawClient:
    """One connection."""

    def __init__(self, path: str, timeout: float = 10.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        self._socket.connect(path)
        self._next_id = 2
        self._unread = b""

    def close(self) -> None:
        self._socket.close()

    def new_id(self) -> int:
        """The next free id."""
        self._next_id += 1
        return self._next_id - 1

    def request(self, object_id: int, opcode: int, body: bytes = b"", descriptors: Sequence[int] = ()) -> None:
        """Sends one message as it is; nobody listening is seen at the next read."""
        message = struct.pack("=II", object_id, (len(body) + 8) << 16 | opcode) + body
        try:
            socket.send_fds(self._socket, [message], list(descriptors))
        except (BrokenPipeError, ConnectionResetError):
            return

    def roundtrip(self) -> list[Event]:
        """Everything until a sync is answered; Refused when the connection ends instead."""
        callback = self.new_id()
        self.request(DISPLAY, SYNC, uint(callback))
        events: list[Event] = []
        while True:
            event = self._event()
            if event.object_id == callback:
                return events
            events.append(event)

    def globals(self) -> tuple[int, dict[str, tuple[int, int]]]:
        """A registry's id, and what it announces: interface to name and version."""
        registry = self.new_id()
        self.request(DISPLAY, GET_REGISTRY, uint(registry))
        found: dict[str, tuple[int, int]] = {}
        for event in self.roundtrip():
            if event.object_id == registry and event.opcode == 0:
                name, length = struct.unpack_from("=II", event.body)
                interface = event.body[8 : 8 + length - 1].decode(errors="replace")
                found[interface] = (name, struct.unpack("=I", event.body[-4:])[0])
        return registry, found

    def bind(self, registry: int, name: int, interface: str, version: int) -> int:
        """wl_registry.bind; the id of what it makes."""
        made = self.new_id()
        self.request(registry, BIND, uint(name) + string(interface) + uint(version, made))
        return made

    def _event(self) -> Event:
        header = self._read(8)
        object_id, word = struct.unpack("=II", header)
        event = Event(object_id, word & 0xFFFF, self._read((word >> 16) - 8))
        if (event.object_id, event.opcode) == (DISPLAY, ERROR):
            culprit, code, length = struct.unpack_from("=III", event.body)
            raise Refused(culprit, code, event.body[12 : 12 + length - 1].decode(errors="replace"))
        return event

    def _read(self, size: int) -> bytes:
        while len(self._unread) < size:
            try:
                data, descriptors, _flags, _address = socket.recv_fds(self._socket, 65536, 28)
            except ConnectionResetError:
                data, descriptors = b"", []
            for descriptor in descriptors:
                socket.close(descriptor)
            if not data:
                raise Refused(0, 0, "")
            self._unread += data
        result, self._unread = self._unread[:size], self._unread[size:]
        return result
