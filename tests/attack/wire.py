"""A guest's end of a Wayland socket that writes whatever it is told to, right or wrong."""

from __future__ import annotations

import os
import select
import socket
import struct
from dataclasses import dataclass

PATIENCE = 5.0  # seconds; only what never answers takes that long


class Missing(Exception):
    """The compositor (or the proxy) does not offer what the attack needs."""


@dataclass(frozen=True)
class Event:
    object_id: int
    opcode: int
    body: bytes

    def words(self) -> tuple[int, ...]:
        return struct.unpack(f"<{len(self.body) // 4}I", self.body[: len(self.body) & ~3])


def argument(value: object) -> bytes:
    """One argument: a number, a string, an array (bytes), or None for null."""
    if isinstance(value, int):
        return struct.pack("<I", value & 0xFFFFFFFF)
    if value is None:
        return bytes(4)
    raw = value.encode() + b"\0" if isinstance(value, str) else value
    assert isinstance(raw, bytes)
    return struct.pack("<I", len(raw)) + raw + bytes(-len(raw) % 4)


def request(object_id: int, opcode: int, *args: object) -> bytes:
    body = b"".join(argument(a) for a in args)
    return struct.pack("<IHH", object_id, opcode, 8 + len(body)) + body


def memfd(size: int) -> int:
    number = os.memfd_create("attack", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(number, size)
    return number


class Guest:
    """One connection. `error` is (object, code, text) of a wl_display.error; `closed` that the other end hung up."""

    def __init__(self, path: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.sock.setblocking(False)
        self.next = 2
        self.events: list[Event] = []
        self.fds: list[int] = []
        self.error: tuple[int, int, str] | None = None
        self.closed = False
        self.globals: dict[str, tuple[int, int]] = {}
        self.registry = 0
        self._rest = b""
        self.own: list[int] = []

    def send(self, data: bytes, fds: list[int] | None = None) -> None:
        """All of it, unless the other end is gone; reads meanwhile, so that two full sockets cannot wait for each other."""
        while data and not self.closed:
            try:
                piece = [data[:32768]]
                sent = socket.send_fds(self.sock, piece, fds) if fds else self.sock.send(piece[0])
                data, fds = data[sent:], None
            except BlockingIOError:
                readable, writable, _ = select.select([self.sock], [self.sock], [], PATIENCE)
                if readable:
                    self._read()
                elif not writable:
                    self.closed = True
            except (BrokenPipeError, ConnectionResetError):
                self._drain()

    def ask(self, object_id: int, opcode: int, *args: object, fds: list[int] | None = None) -> None:
        self.send(request(object_id, opcode, *args), fds)

    def new(self) -> int:
        self.next += 1
        return self.next - 1

    def make(self, object_id: int, opcode: int, *args: object, fds: list[int] | None = None) -> int:
        """A request whose first argument is a new id."""
        made = self.new()
        self.ask(object_id, opcode, made, *args, fds=fds)
        return made

    def file(self, size: int) -> int:
        self.own.append(memfd(size))
        return self.own[-1]

    def sync(self) -> bool:
        """Waits until the compositor has read everything; False where the connection ended instead."""
        callback = self.make(1, 0)
        while not self.closed:
            if any(e.object_id == callback and e.opcode == 0 for e in self.events):
                return True
            self._read()
        return False

    def until(self, object_id: int, opcode: int) -> Event | None:
        """The last such event, waiting for the first."""
        while not self.closed:
            for event in reversed(self.events):
                if (event.object_id, event.opcode) == (object_id, opcode):
                    return event
            self._read()
        return None

    def _read(self) -> None:
        """What has come, waiting for it; after PATIENCE the other end counts as gone."""
        try:
            readable, _, _ = select.select([self.sock], [], [], PATIENCE)
            data, fds, _, _ = socket.recv_fds(self.sock, 65536, 64) if readable else (b"", [], 0, 0)
        except ConnectionResetError:
            data, fds = b"", []
        self.fds += fds
        if not data:
            self.closed = True
        self._rest += data
        while len(self._rest) >= 8:
            object_id, opcode, size = struct.unpack_from("<IHH", self._rest)
            if size < 8 or len(self._rest) < size:
                break
            body, self._rest = self._rest[8:size], self._rest[size:]
            self.events.append(Event(object_id, opcode, body))
            if (object_id, opcode) == (1, 0):
                about, code, length = struct.unpack_from("<III", body)
                self.error = (about, code, body[12 : 12 + length - 1].decode("utf-8", "replace"))

    def _drain(self) -> None:
        """What was sent before the other end hung up."""
        while not self.closed:
            self._read()

    def look(self) -> None:
        """Makes a registry and reads the globals."""
        self.registry = self.make(1, 1)
        if not self.sync():
            raise Missing(f"no registry: {self.error}")
        for event in self.events:
            if event.object_id == self.registry and event.opcode == 0:
                name, length = struct.unpack_from("<II", event.body)
                text = event.body[8 : 8 + length - 1].decode()
                self.globals[text] = (name, struct.unpack_from("<I", event.body, len(event.body) - 4)[0])

    def bind(self, interface: str, version: int = 0) -> int:
        """Raises Missing where it is not offered."""
        if not self.registry:
            self.look()
        if interface not in self.globals:
            raise Missing(f"{interface} is not offered")
        name, most = self.globals[interface]
        made = self.new()
        self.ask(self.registry, 0, name, interface, min(version or most, most), made)
        return made

    def surface(self) -> int:
        return self.make(self.compositor, 0)

    @property
    def compositor(self) -> int:
        if not hasattr(self, "_compositor"):
            self._compositor = self.bind("wl_compositor")
        return self._compositor

    def shell_surface(self, shell: int) -> tuple[int, int]:
        """(wl_surface, xdg_surface)."""
        surface = self.surface()
        return surface, self.make(shell, 2, surface)

    def window(self) -> tuple[int, int, int, int]:
        """(xdg_wm_base, wl_surface, xdg_surface, xdg_toplevel), configured and acknowledged."""
        shell = self.bind("xdg_wm_base")
        surface, held = self.shell_surface(shell)
        toplevel = self.make(held, 1)
        self.ask(surface, 6)
        configured = self.until(held, 0)
        if configured is None:
            raise Missing(f"no window: {self.error}")
        self.ask(held, 4, configured.words()[0])
        return shell, surface, held, toplevel

    def buffer(self, width: int = 16, height: int = 16, size: int = 4096) -> tuple[int, int, int]:
        """(file, wl_shm_pool, wl_buffer)."""
        file = self.file(size)
        pool = self.make(self.bind("wl_shm"), 0, size, fds=[file])
        return file, pool, self.make(pool, 0, 0, width, height, width * 4, 0)

    def show(self, surface: int, buffer: int) -> None:
        self.ask(surface, 1, buffer, 0, 0)
        self.ask(surface, 2, 0, 0, 16, 16)
        self.ask(surface, 6)

    def close(self) -> None:
        self.sock.close()
        for number in (*self.own, *self.fds):
            os.close(number)
