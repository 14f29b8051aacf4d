"""The embedded host: a headless Wayland compositor small enough to read, real enough for real clients.

Promises: libwayland itself parses and checks what clients send; windows of wl_shm buffers, input, frame callbacks, selections
and drags work; nothing needs a desktop, a GPU or root. It keeps a record of what reached it (`globals`, `bound`, `requests`, `windows`),
because its purpose is to show what a proxy let through. Trusts: nobody that connects, but it does not defend its time or memory:
one client may starve the others. It is for the demo, `learn` and tests, not for a screen.

    async with trio.open_nursery() as nursery:
        host = await nursery.start(run_host, "/run/user/1000/host-0")
        window = await host.wait_for_window(title="hello", timeout=5)
        host.type_text("ls\\n")
        host.screenshot("seen.png")
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import trio

from .data_device import Selections
from .decoration import advertise_decoration
from .library import address, event_loop_fd, ffi, lib
from .output import advertise_output
from .picture import Canvas
from .png import write_png
from .resource import Client
from .seat import Seat
from .shell import Shell, Toplevel
from .shm import advertise_shm
from .stand_ins import advertise_stand_ins
from .surfaces import Surfaces

FRAME_SECONDS: Final = 1 / 60
LEFT: Final = 0x110  # BTN_LEFT of linux/input-event-codes.h
BACKGROUND: Final = (0x4A, 0x40, 0x38)  # blue, green, red


@dataclass(frozen=True, slots=True)
class Bind:
    """One wl_registry.bind that reached the host."""

    client: int
    pid: int
    interface: str
    version: int


@dataclass(frozen=True, slots=True)
class Window:
    """A mapped toplevel as the host sees it; `x`, `y` is where its content is on the output."""

    title: str
    app_id: str
    x: int
    y: int
    width: int
    height: int
    client: int


class Host:
    """The compositor. Made by `run_host` or `serving`; every method is called from the trio thread it lives in."""

    def __init__(self, width: int, height: int, risky: bool) -> None:
        self.width = width
        self.height = height
        self.globals: dict[str, int] = {}
        self.bound: list[Bind] = []
        self.requests: Counter[str] = Counter()
        self.faults: list[str] = []
        self.clients: dict[int, Client] = {}
        self.connections = 0
        self.on_change: Callable[[], None] | None = None
        self._listeners: dict[int, Any] = {}
        self._changed = trio.Event()
        self._frames_wanted = trio.Event()
        self._keep: list[Any] = []  # C holds pointers to these
        self._left = ffi.callback("wl_notify_func_t", self._client_left)
        self.display: Any = lib.wl_display_create()
        self.surfaces = Surfaces(self)
        advertise_shm(self)
        self.seat = Seat(self)
        self.shell = Shell(self)
        self.selections = Selections(self)
        advertise_output(self)
        advertise_decoration(self)
        if risky:
            advertise_stand_ins(self)

    def advertise(self, interface: Any, version: int, bind: Callable[[Client, int, int], None]) -> None:
        """A global. `bind(client, version, id)` makes the object; the record is kept here."""

        def bound(pointer: Any, _data: Any, wanted: int, object_id: int) -> None:
            client = self.clients[address(pointer)]
            self.bound.append(Bind(client.number, client.pid, interface.name, wanted))
            bind(client, wanted, object_id)
            self.changed()

        callback = ffi.callback("wl_global_bind_func_t", bound)
        self._keep.append(callback)
        self._keep.append(lib.wl_global_create(self.display, interface._ptr, version, ffi.NULL, callback))
        self.globals[interface.name] = version

    def next_serial(self) -> int:
        """A new serial for an event."""
        return int(lib.wl_display_next_serial(self.display))

    def milliseconds(self) -> int:
        """The time stamp of events."""
        return int(time.monotonic() * 1000) & 0xFFFFFFFF

    @property
    def windows(self) -> list[Window]:
        """What is mapped, lowest first."""
        return [
            Window(top.title, top.app_id, top.x, top.y, *top.size, client=top.resource.client.number) for top in self.shell.stack
        ]

    def toplevel(self, window: Window) -> Toplevel:
        """The object behind a Window; KeyError when it is gone."""
        for top in self.shell.stack:
            if (top.x, top.y, top.resource.client.number) == (window.x, window.y, window.client):
                return top
        raise KeyError(window.title)

    def requests_of(self, interface: str) -> int:
        """How many requests to objects of an interface arrived, over all clients."""
        return sum(count for name, count in self.requests.items() if name.startswith(interface + "."))

    def changed(self) -> None:
        """Wakes who waits for a condition."""
        self._changed.set()
        self._changed = trio.Event()
        if self.on_change is not None:
            self.on_change()

    def want_frame(self) -> None:
        """Frame callbacks are waiting."""
        self._frames_wanted.set()

    async def wait_until(self, condition: Callable[[], bool], timeout: float = 10.0) -> None:
        """Waits until the condition holds after some change of the host; trio.TooSlowError when it is late."""
        with trio.fail_after(timeout):
            while not condition():
                await self._changed.wait()

    async def wait_for_window(self, title: str | None = None, timeout: float = 10.0) -> Window:
        """Waits for a mapped window, with this text in its title if one is given."""

        def found() -> list[Window]:
            return [window for window in self.windows if title is None or title in window.title]

        await self.wait_until(lambda: bool(found()), timeout)
        return found()[-1]

    def render(self) -> Canvas:
        """Draws what a person would see now."""
        canvas = Canvas(self.width, self.height, BACKGROUND)
        self.shell.draw(canvas)
        return canvas

    def screenshot(self, path: str | Path) -> None:
        """Writes it as a PNG."""
        canvas = self.render()
        write_png(path, canvas.width, canvas.height, canvas.rgb())

    def inject_key(self, code: int, pressed: bool) -> None:
        """One key by its evdev code, to the window with the focus."""
        self.seat.key(code, pressed)
        self.flush()

    def type_text(self, text: str) -> None:
        """Types ASCII on the host's US keymap."""
        self.seat.type_text(text)
        self.flush()

    def inject_motion(self, x: float, y: float) -> None:
        """Moves the pointer, in pixels of the output."""
        self.seat.motion(x, y)
        self.flush()

    def inject_button(self, pressed: bool, button: int = LEFT) -> None:
        """One button, down or up, where the pointer is."""
        self.seat.button(button, pressed)
        self.flush()

    def inject_click(self, button: int = LEFT) -> None:
        """Presses and releases a button where the pointer is."""
        self.inject_button(True, button)
        self.inject_button(False, button)

    def focus_window(self, window: Window) -> None:
        """Raises a window and gives it the keyboard."""
        self.shell.focus(self.toplevel(window))
        self.flush()

    def close_window(self, window: Window) -> None:
        """Asks a client to close its window."""
        self.toplevel(window).resource.send("close")
        self.flush()

    def flush(self) -> None:
        """Writes out what events are queued."""
        lib.wl_display_flush_clients(self.display)

    def adopt(self, connection: socket.socket) -> None:
        """Takes a connected socket as a new client."""
        pid, _uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        pointer = lib.wl_client_create(self.display, connection.detach())
        if pointer == ffi.NULL:
            raise OSError("wl_client_create")
        self.connections += 1
        self.clients[address(pointer)] = Client(self.connections, pid, pointer, self.requests, self.faults)
        listener = ffi.new("struct wl_listener *")
        listener.notify = self._left
        self._listeners[address(listener)] = (listener, address(pointer))
        lib.wl_client_add_destroy_listener(pointer, listener)
        self.changed()

    def _client_left(self, listener: Any, _data: Any) -> None:
        _listener, client = self._listeners.pop(address(listener))
        del self.clients[client]
        self.changed()

    async def _accept(self, listener: trio.SocketListener) -> None:
        while True:
            stream = await listener.accept()
            self.adopt(socket.socket(fileno=os.dup(stream.socket.fileno())))
            await stream.aclose()
            self.flush()

    async def _dispatch(self) -> None:
        loop = lib.wl_display_get_event_loop(self.display)
        descriptor = event_loop_fd(loop)
        while True:
            self.flush()
            await trio.lowlevel.wait_readable(descriptor)
            lib.wl_event_loop_dispatch(loop, 0)

    async def _frames(self) -> None:
        while True:
            await self._frames_wanted.wait()
            self._frames_wanted = trio.Event()
            await trio.sleep(FRAME_SECONDS)
            self.surfaces.send_frames(self.milliseconds())
            self.flush()

    async def run(self, path: str | Path, task_status: trio.TaskStatus[Host] = trio.TASK_STATUS_IGNORED) -> None:
        """Listens on the path and serves until cancelled; the socket file is removed."""
        listening = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            await listening.bind(str(path))
            listening.listen(64)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._accept, trio.SocketListener(listening))
                nursery.start_soon(self._dispatch)
                nursery.start_soon(self._frames)
                task_status.started(self)
        finally:
            listening.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            self.close()

    def close(self) -> None:
        """Ends every client and the display."""
        if self.display is not None:
            lib.wl_display_destroy_clients(self.display)
            lib.wl_display_destroy(self.display)
            self.display = None


async def run_host(
    path: str | Path,
    width: int = 1280,
    height: int = 800,
    risky: bool = True,
    task_status: trio.TaskStatus[Host] = trio.TASK_STATUS_IGNORED,
) -> None:
    """For `nursery.start`: a host on a socket path; the value of `start` is the Host."""
    await Host(width, height, risky).run(path, task_status)


@contextlib.asynccontextmanager
async def serving(path: str | Path, width: int = 1280, height: int = 800, risky: bool = True) -> AsyncIterator[Host]:
    """The same as a context manager; leaving it ends the host."""
    async with trio.open_nursery() as nursery:
        host: Host = await nursery.start(run_host, path, width, height, risky)
        try:
            yield host
        finally:
            nursery.cancel_scope.cancel()
