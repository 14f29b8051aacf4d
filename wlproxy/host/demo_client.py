"""The guest of the demo: an ordinary window, and three things no guest should get away with.

    python -m wlproxy.host.demo_client window TITLE APP_ID     draws, says "drawn", stays until it is ended
    python -m wlproxy.host.demo_client forbidden               tries, and prints one JSON object for each attempt

The window is drawn through libwayland (pywayland), as any toolkit's would be; the attempts are bytes on the socket, because
libwayland would not send them. WAYLAND_DISPLAY is the path of the socket. Trusts: nothing; promises: it does no harm to a
compositor that defends itself.
"""

from __future__ import annotations

import json
import mmap
import os
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, Final

WIDTH: Final = 360
HEIGHT: Final = 220
BORDER: Final = 12


def picture(width: int, height: int) -> bytes:
    """A frame around a colour gradient, XRGB8888: a wrong stride or a swapped channel shows."""
    rows = []
    across = range(width)
    framed = [BORDER <= x < width - BORDER for x in across]
    for y in range(height):
        row = bytearray(4 * width)
        inside = BORDER <= y < height - BORDER
        row[0::4] = bytes(255 - x * 255 // width if inside and framed[x] else 40 for x in across)  # blue
        row[1::4] = bytes(y * 255 // height if inside and framed[x] else 40 for x in across)  # green
        row[2::4] = bytes(x * 255 // width if inside and framed[x] else 200 for x in across)  # red
        row[3::4] = b"\xff" * width  # unused by XRGB8888, but some screenshots take it for alpha
        rows.append(row)
    return b"".join(rows)


class Window:
    """One xdg_toplevel with a picture in it."""

    def __init__(self, title: str, app_id: str) -> None:
        from pywayland.client import Display
        from pywayland.protocol.wayland import WlCompositor, WlShm
        from pywayland.protocol.xdg_shell import XdgWmBase

        self._size = (WIDTH, HEIGHT)
        self._kept: list[Any] = []  # pywayland's objects live as long as somebody holds them
        self._display = Display()
        self._display.connect()
        globals_: dict[str, tuple[int, int]] = {}
        registry = self._display.get_registry()
        registry.dispatcher["global"] = lambda _registry, name, interface, version: globals_.update({interface: (name, version)})
        self._display.roundtrip()

        def bind(interface: Any, version: int) -> Any:
            name, offered = globals_[interface.name]
            return registry.bind(name, interface, min(version, offered))

        self._shm = bind(WlShm, 1)
        self._xrgb = WlShm.format.xrgb8888
        base = bind(XdgWmBase, 1)
        base.dispatcher["ping"] = lambda shell, serial: shell.pong(serial)
        self._surface = bind(WlCompositor, 4).create_surface()
        shell_surface = base.get_xdg_surface(self._surface)
        shell_surface.dispatcher["configure"] = self._configured
        toplevel = shell_surface.get_toplevel()
        toplevel.dispatcher["configure"] = self._resized
        toplevel.dispatcher["close"] = lambda _toplevel: sys.exit(0)
        toplevel.set_title(title)
        toplevel.set_app_id(app_id)
        self._surface.commit()
        self._kept += [registry, base, shell_surface, toplevel]

    def _resized(self, _toplevel: Any, width: int, height: int, _states: Any) -> None:
        self._size = (width or WIDTH, height or HEIGHT)

    def _configured(self, shell_surface: Any, serial: int) -> None:
        shell_surface.ack_configure(serial)
        width, height = self._size
        size = width * height * 4
        memory = os.memfd_create("demo", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(memory, size)
        with mmap.mmap(memory, size) as mapped:
            mapped[:] = picture(width, height)
        pool = self._shm.create_pool(memory, size)
        buffer = pool.create_buffer(0, width, height, 4 * width, self._xrgb)
        pool.destroy()
        os.close(memory)
        self._surface.attach(buffer, 0, 0)
        self._surface.damage(0, 0, width, height)
        callback = self._surface.frame()
        callback.dispatcher["done"] = lambda _callback, _time: print("drawn", flush=True)
        self._surface.commit()
        self._kept += [buffer, callback]

    def run(self) -> None:
        """Until the compositor closes the connection or the window."""
        while self._display.dispatch(block=True) != -1:
            self._display.flush()


class Wire:
    """A connection without a library: what is written is what is sent."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(5)
        self._socket.connect(path)
        self._buffer = b""
        self.globals: dict[str, tuple[int, int]] = {}
        self.error = ""
        self._done: set[int] = set()
        self._next = 2

    def send(self, object_id: int, opcode: int, *words: int, raw: bytes = b"", fd: int = -1) -> None:
        """One request of words, then raw bytes."""
        body = struct.pack(f"<{len(words)}I", *[w & 0xFFFFFFFF for w in words]) + raw
        message = struct.pack("<IHH", object_id, opcode, 8 + len(body)) + body
        if fd >= 0:
            socket.send_fds(self._socket, [message], [fd])
        else:
            self._socket.sendall(message)

    def new_id(self) -> int:
        """The next free id."""
        self._next += 1
        return self._next - 1

    def bind(self, interface: str, version: int, name: int = 0) -> int:
        """wl_registry.bind on registry 2; `name` guessed, or as announced."""
        made = self.new_id()
        text = interface.encode() + b"\0"
        raw = struct.pack("<I", len(text)) + text + bytes(-len(text) % 4) + struct.pack("<II", version, made)
        self.send(2, 0, name or self.globals[interface][0], raw=raw)
        return made

    def start(self) -> None:
        """Gets the registry, id 2."""
        self.send(1, 1, self.new_id())
        self.settle()

    def settle(self) -> None:
        """Waits for the answer to a sync, for an error, or for the end."""
        callback = self.new_id()
        try:
            self.send(1, 0, callback)
            while callback not in self._done and not self.error and self._read():
                pass
        except (BrokenPipeError, ConnectionResetError):
            self._read()

    def _read(self) -> bool:
        try:
            data = self._socket.recv(65536)
        except (ConnectionResetError, TimeoutError):
            data = b""
        self._buffer += data
        while len(self._buffer) >= 8:
            object_id, opcode, size = struct.unpack_from("<IHH", self._buffer)
            if size < 8 or len(self._buffer) < size:
                break
            self._event(object_id, opcode, self._buffer[8:size])
            self._buffer = self._buffer[size:]
        return bool(data)

    def _event(self, object_id: int, opcode: int, body: bytes) -> None:
        if object_id == 1 and opcode == 0:
            named, code, length = struct.unpack_from("<III", body)
            self.error = f"object {named}, code {code}: {body[12 : 11 + length].decode('utf-8', 'replace')}"
        elif object_id == 2 and opcode == 0:
            name, length = struct.unpack_from("<II", body)
            interface = body[8 : 7 + length].decode()
            self.globals[interface] = (name, struct.unpack_from("<I", body, len(body) - 4)[0])
        elif opcode == 0 and len(body) == 4:
            self._done.add(object_id)


def hidden_global(wire: Wire) -> None:
    """Binds the screen capture of the compositor by guessing its number."""
    wire.bind("zwlr_screencopy_manager_v1", 1, name=max(name for name, _ in wire.globals.values()) + 1)


def short_pool(wire: Wire) -> None:
    """A pool of 16 MiB in a file of 4 KiB: who maps and reads it dies of SIGBUS."""
    shm = wire.bind("wl_shm", 1)
    memory = os.memfd_create("short", os.MFD_CLOEXEC)
    os.ftruncate(memory, 4096)
    wire.send(shm, 0, wire.new_id(), 16 << 20, fd=memory)
    os.close(memory)


def orphaned_window(wire: Wire) -> None:
    """Destroys the surface under a living window and goes on using the window."""
    compositor = wire.bind("wl_compositor", 4)
    base = wire.bind("xdg_wm_base", 1)
    surface, shell_surface, toplevel = wire.new_id(), wire.new_id(), wire.new_id()
    wire.send(compositor, 0, surface)
    wire.send(base, 2, shell_surface, surface)
    wire.send(shell_surface, 1, toplevel)
    wire.send(surface, 0)
    wire.send(toplevel, 7, 300, 300)  # set_max_size


ATTEMPTS: Final[list[tuple[str, Callable[[Wire], None]]]] = [
    ("bind the screen capture global that was never announced", hidden_global),
    ("share a memory pool larger than its file", short_pool),
    ("destroy a surface under its living window", orphaned_window),
]


def forbidden(path: str) -> None:
    """Each attempt on a connection of its own."""
    for what, attempt in ATTEMPTS:
        wire = Wire(path)
        wire.start()
        try:
            attempt(wire)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all of it was sent
        wire.settle()
        print(json.dumps({"attempt": what, "answer": wire.error or "none: it went through"}), flush=True)


def main() -> int:
    """The exit status."""
    if sys.argv[1:2] == ["forbidden"]:
        forbidden(os.environ["WAYLAND_DISPLAY"])
        return 0
    if sys.argv[1:2] == ["window"] and len(sys.argv) == 4:
        Window(sys.argv[2], sys.argv[3]).run()
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
