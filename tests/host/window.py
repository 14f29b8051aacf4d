"""A window for the tests: pywayland's client, driven from a thread, because a roundtrip blocks and the host lives in trio."""

from __future__ import annotations

import os
from typing import Any

from pywayland.client.display import Display
from pywayland.protocol.wayland import WlCompositor, WlDataDeviceManager, WlSeat, WlShm, WlSubcompositor
from pywayland.protocol.xdg_shell import XdgWmBase

RED, GREEN, BLUE = b"\0\0\xff\xff", b"\0\xff\0\xff", b"\xff\0\0\xff"  # as they lie in memory
INTERFACES: tuple[Any, ...] = (WlCompositor, WlSubcompositor, WlShm, WlSeat, WlDataDeviceManager, XdgWmBase)


class TestWindow:
    """Every method blocks: call it through trio.to_thread.run_sync."""

    __test__ = False

    def __init__(self, path: str) -> None:
        self.display: Any = Display(path)
        self.display.connect()
        self.names: dict[str, tuple[int, int]] = {}
        self.bound: dict[str, Any] = {}
        self.keys: list[tuple[int, int]] = []
        self.motions: list[tuple[float, float]] = []
        self.buttons: list[int] = []
        self.frames = 0
        self.entered = 0
        self.keymap = b""
        self.released = 0
        self.closed = False
        self.keep: list[Any] = []  # pywayland frees what nobody holds
        registry = self.display.get_registry()
        registry.dispatcher["global"] = lambda _r, name, interface, version: self.names.update({interface: (name, version)})
        self.keep.append(registry)
        self.display.roundtrip()
        for interface in INTERFACES:
            name, version = self.names[interface.name]
            self.bound[interface.name] = registry.bind(name, interface, min(version, interface.version))
        seat = self.bound["wl_seat"]
        self.keyboard, self.pointer = seat.get_keyboard(), seat.get_pointer()
        self.keyboard.dispatcher["key"] = lambda _k, _serial, _time, key, state: self.keys.append((key, state))
        self.keyboard.dispatcher["enter"] = self._on_enter
        self.keyboard.dispatcher["keymap"] = self._on_keymap
        self.pointer.dispatcher["motion"] = lambda _p, _time, x, y: self.motions.append((x, y))
        self.pointer.dispatcher["button"] = lambda _p, _serial, _time, button, state: self.buttons.append(state)
        self.display.roundtrip()

    def _on_enter(self, _keyboard: Any, _serial: int, _surface: Any, _keys: bytes) -> None:
        self.entered += 1

    def _on_keymap(self, _keyboard: Any, _format: int, descriptor: int, size: int) -> None:
        self.keymap = os.pread(descriptor, size, 0)
        os.close(descriptor)

    def _on_release(self, _buffer: Any) -> None:
        self.released += 1

    def buffer(self, width: int, height: int, pixel: bytes, pixel_format: int = 1) -> Any:
        """A buffer of one colour."""
        descriptor = os.memfd_create("test", os.MFD_CLOEXEC)
        os.write(descriptor, pixel * (width * height))
        pool = self.bound["wl_shm"].create_pool(descriptor, width * height * 4)
        made = pool.create_buffer(0, width, height, width * 4, pixel_format)
        made.dispatcher["release"] = self._on_release
        pool.destroy()
        self.display.roundtrip()
        os.close(descriptor)
        self.keep.append(made)
        return made

    def open(self, title: str, width: int, height: int, pixel: bytes) -> None:
        """A mapped window of one colour, with one frame callback answered."""
        self.surface = self.bound["wl_compositor"].create_surface()
        self.xdg_surface = self.bound["xdg_wm_base"].get_xdg_surface(self.surface)
        serials: list[int] = []
        self.xdg_surface.dispatcher["configure"] = lambda _surface, serial: serials.append(serial)
        self.toplevel = self.xdg_surface.get_toplevel()
        self.toplevel.dispatcher["close"] = lambda _toplevel: setattr(self, "closed", True)
        self.toplevel.set_title(title)
        self.toplevel.set_app_id("test")
        self.surface.commit()
        self.display.roundtrip()
        self.xdg_surface.ack_configure(serials[-1])
        self.show(self.buffer(width, height, pixel))

    def show(self, buffer: Any) -> None:
        """Commits a buffer and waits for the frame callback."""
        callback = self.surface.frame()
        callback.dispatcher["done"] = lambda _callback, _time: setattr(self, "frames", self.frames + 1)
        self.surface.attach(buffer, 0, 0)
        self.surface.damage(0, 0, 100000, 100000)
        self.surface.commit()
        wanted = self.frames + 1
        while self.frames < wanted:
            self.display.dispatch(block=True)

    def roundtrip(self) -> None:
        self.display.roundtrip()

    def leave(self) -> None:
        self.display.disconnect()
