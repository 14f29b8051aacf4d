"""A client that draws one picture into shared memory and then keeps still: what is on the screen is known to the pixel.

    python still.py APP_ID TITLE

Says "drawn" when the frame callback of its picture has come, and each wl_keyboard key as "key N".
"""

from __future__ import annotations

import mmap
import os
import sys
from typing import Any

from pywayland.client import Display
from pywayland.protocol.wayland import WlCompositor, WlSeat, WlShm
from pywayland.protocol.xdg_shell import XdgWmBase

WIDTH, HEIGHT = 320, 240


def say(text: str) -> None:
    print(text, flush=True)


def picture(width: int, height: int) -> bytes:
    """A gradient and a checker: a shifted row, a wrong stride or a swapped channel shows. XRGB8888, little-endian."""
    across = bytes(x & 255 for x in range(width))
    checkers = [bytes(255 if (x ^ y) & 8 else 0 for x in range(width)) for y in (0, 8)]
    rows = []
    for y in range(height):
        row = bytearray(4 * width)
        row[0::4], row[1::4], row[2::4] = across, bytes([y & 255]) * width, checkers[(y >> 3) & 1]
        rows.append(row)
    return b"".join(rows)


class Client:
    def __init__(self, app_id: str, title: str) -> None:
        self.app_id, self.title = app_id, title
        self.globals: dict[str, tuple[int, int]] = {}
        self.width, self.height = WIDTH, HEIGHT
        self.drawn = False
        self.kept: list[Any] = []  # pywayland objects live as long as somebody holds them
        self.display = Display()
        self.display.connect()
        self.registry = self.display.get_registry()
        self.registry.dispatcher["global"] = self.on_global
        self.display.roundtrip()
        self.compositor = self.bind(WlCompositor, 4)
        self.shm = self.bind(WlShm, 1)
        self.wm_base = self.bind(XdgWmBase, 1)
        self.wm_base.dispatcher["ping"] = lambda base, serial: base.pong(serial)
        if "wl_seat" in self.globals:
            self.seat = self.bind(WlSeat, 5)
            self.seat.dispatcher["capabilities"] = self.on_capabilities
        self.make_window()

    def on_global(self, _registry: Any, name: int, interface: str, version: int) -> None:
        self.globals[interface] = (name, version)

    def bind(self, interface: Any, version: int) -> Any:
        name, offered = self.globals[interface.name]
        return self.registry.bind(name, interface, min(version, offered))

    def on_capabilities(self, seat: Any, capabilities: int) -> None:
        if capabilities & 2 and not any(type(thing).__name__.startswith("WlKeyboard") for thing in self.kept):
            keyboard = seat.get_keyboard()
            keyboard.dispatcher["keymap"] = lambda _keyboard, _kind, fd, _size: os.close(fd)
            keyboard.dispatcher["key"] = lambda _keyboard, _serial, _time, key, state: say(f"key {key}") if state else None
            self.kept.append(keyboard)

    def make_window(self) -> None:
        self.surface = self.compositor.create_surface()
        self.xdg_surface = self.wm_base.get_xdg_surface(self.surface)
        self.toplevel = self.xdg_surface.get_toplevel()
        self.toplevel.dispatcher["configure"] = self.on_size
        self.toplevel.dispatcher["close"] = lambda _toplevel: sys.exit(0)
        self.xdg_surface.dispatcher["configure"] = self.on_configure
        self.toplevel.set_app_id(self.app_id)
        self.toplevel.set_title(self.title)
        self.surface.commit()

    def on_size(self, _toplevel: Any, width: int, height: int, _states: Any) -> None:
        self.width, self.height = width or WIDTH, height or HEIGHT

    def on_configure(self, xdg_surface: Any, serial: int) -> None:
        xdg_surface.ack_configure(serial)
        size = self.width * self.height * 4
        fd = os.memfd_create("still", os.MFD_CLOEXEC)
        os.ftruncate(fd, size)
        with mmap.mmap(fd, size) as memory:
            memory[:] = picture(self.width, self.height)
        pool = self.shm.create_pool(fd, size)
        buffer = pool.create_buffer(0, self.width, self.height, self.width * 4, WlShm.format.xrgb8888)
        pool.destroy()
        os.close(fd)
        self.surface.attach(buffer, 0, 0)
        self.surface.damage(0, 0, self.width, self.height)
        callback = self.surface.frame()
        callback.dispatcher["done"] = lambda _callback, _time: say("drawn")
        self.kept += [buffer, callback]
        self.surface.commit()

    def run(self) -> None:
        while self.display.dispatch(block=True) != -1:
            self.display.flush()


if __name__ == "__main__":
    Client(*sys.argv[1:3]).run()
