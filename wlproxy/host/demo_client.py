"""The demo's guest program: a window on libwayland-client (pywayland), that shows what it knows about itself.

    python -m wlproxy.host.demo_client --title TITLE [--app-id ID] [--frames N] [--fullscreen]

WAYLAND_DISPLAY says where. It prints one JSON object a line: "globals" (what it was told exists), "shown" (after N frame callbacks),
"typed" (the text so far, for each key), "closed" or "error" at its end. Trusts: the compositor, as any client does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, Final

from pywayland.client.display import Display
from pywayland.protocol.wayland import WlCompositor, WlSeat, WlShm
from pywayland.protocol.xdg_shell import XdgWmBase

from .keymap import SHIFT, TYPED
from .picture import Canvas
from .shm import XRGB8888

WIDTH: Final = 440
HEIGHT: Final = 240
SLOTS: Final = 4
WHITE: Final = (255, 255, 255)
SHADE: Final = (40, 24, 24)
WANTED: Final[dict[str, tuple[Any, int]]] = {
    "wl_compositor": (WlCompositor, 4),
    "wl_shm": (WlShm, 1),
    "wl_seat": (WlSeat, 5),
    "xdg_wm_base": (XdgWmBase, 2),
}
_PLAIN: Final = {code: character for character, (code, shifted) in TYPED.items() if not shifted}
_SHIFTED: Final = {code: character for character, (code, shifted) in TYPED.items() if shifted}


def _say(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


def _gradient() -> bytes:
    rows = []
    for y in range(HEIGHT):
        blue = 96 + y * 128 // HEIGHT
        rows.append(b"".join(bytes((blue, 40 + x * 150 // WIDTH, 200 - x * 160 // WIDTH, 255)) for x in range(WIDTH)))
    return b"".join(rows)


class DemoWindow:
    """One toplevel, redrawn at each of `frames` frame callbacks and at each key."""

    def __init__(self, title: str, app_id: str, frames: int, fullscreen: bool) -> None:
        self._title, self._app_id, self._frames = title, app_id, frames
        self._display: Any = Display()
        self._display.connect()
        self._globals: dict[str, tuple[int, int]] = {}
        self._bound: dict[str, Any] = {}
        self._fullscreen = fullscreen
        self._frame = 0
        self._typed = ""
        self._shift = False
        self._background = _gradient()
        self._callback: Any = None
        self.closed = False

    def open(self) -> None:
        """Binds, asks for the window, and returns when its first picture is committed."""
        registry = self._registry = self._display.get_registry()
        registry.dispatcher["global"] = self._on_global
        self._display.roundtrip()
        _say(event="globals", globals={name: version for name, (_number, version) in sorted(self._globals.items())})
        for name, (interface, highest) in WANTED.items():
            if name not in self._globals and name == "wl_seat":
                continue  # weston's headless backend has none
            if name not in self._globals:
                raise LookupError(f"there is no {name}")
            number, version = self._globals[name]
            self._bound[name] = registry.bind(number, interface, min(version, highest))
        self._bound["xdg_wm_base"].dispatcher["ping"] = lambda base, serial: base.pong(serial)
        if "wl_seat" in self._bound:
            self._bound["wl_seat"].dispatcher["capabilities"] = self._on_capabilities
        self._memory = os.memfd_create("wlproxy-demo", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        size = WIDTH * HEIGHT * 4
        os.ftruncate(self._memory, size * SLOTS)
        self._pool = self._bound["wl_shm"].create_pool(self._memory, size * SLOTS)
        self._buffers = [self._pool.create_buffer(size * slot, WIDTH, HEIGHT, WIDTH * 4, XRGB8888) for slot in range(SLOTS)]
        self._slot = 0
        self._surface = self._bound["wl_compositor"].create_surface()
        self._xdg = self._bound["xdg_wm_base"].get_xdg_surface(self._surface)
        self._xdg.dispatcher["configure"] = self._on_configure
        self._toplevel = self._xdg.get_toplevel()
        self._toplevel.dispatcher["close"] = self._on_close
        self._toplevel.set_title(self._title)
        self._toplevel.set_app_id(self._app_id)
        if self._fullscreen:
            self._toplevel.set_fullscreen(None)
        self._surface.commit()
        self._display.flush()

    def close(self) -> None:
        """Disconnects; left to the interpreter's end, pywayland frees things in an order that crashes."""
        self._display.disconnect()

    def dispatch(self) -> None:
        """Waits for events and answers them."""
        self._display.dispatch(block=True)
        self._display.flush()

    def _on_global(self, _registry: Any, number: int, interface: str, version: int) -> None:
        self._globals[interface] = (number, version)

    def _on_capabilities(self, seat: Any, capabilities: int) -> None:
        if capabilities & 2 and "wl_keyboard" not in self._bound:
            keyboard = self._bound["wl_keyboard"] = seat.get_keyboard()
            keyboard.dispatcher["keymap"] = lambda _keyboard, _format, descriptor, _size: os.close(descriptor)
            keyboard.dispatcher["key"] = self._on_key

    def _on_key(self, _keyboard: Any, _serial: int, _time: int, key: int, state: int) -> None:
        if key == SHIFT:
            self._shift = bool(state)
        elif state:
            self._typed += (_SHIFTED if self._shift else _PLAIN).get(key, "")
            _say(event="typed", text=self._typed)
            self._draw()

    def _on_configure(self, xdg_surface: Any, serial: int) -> None:
        xdg_surface.ack_configure(serial)
        if self._callback is None:
            self._ask_frame()
        self._draw()

    def _on_close(self, _toplevel: Any) -> None:
        self.closed = True

    def _ask_frame(self) -> None:
        self._callback = self._surface.frame()
        self._callback.dispatcher["done"] = self._on_frame

    def _on_frame(self, _callback: Any, _milliseconds: int) -> None:
        self._frame += 1
        if self._frame < self._frames:
            self._ask_frame()
        self._draw()
        if self._frame == self._frames:
            _say(event="shown", frames=self._frame)

    def _draw(self) -> None:
        canvas = Canvas(WIDTH, HEIGHT)
        canvas.pixels[:] = self._background
        canvas.fill(16, 16, WIDTH - 32, HEIGHT - 32, SHADE)
        lines = (
            ("DRAWN IN THE GUEST", 3),
            (f'the title I set: "{self._title}"', 1),
            (f"globals I was told of: {len(self._globals)}", 1),
            (f"frame callbacks: {self._frame}", 1),
            (f"typed on the host: {self._typed}", 2),
        )
        y = 32
        for text, scale in lines:
            canvas.text(32, y, text, WHITE, scale, WIDTH - 32)
            y += 14 * scale + 8
        canvas.fill(32, HEIGHT - 48, (WIDTH - 64) * min(self._frame, self._frames) // max(self._frames, 1), 12, (64, 220, 64))
        self._slot = (self._slot + 1) % SLOTS
        os.pwrite(self._memory, canvas.pixels, self._slot * WIDTH * HEIGHT * 4)
        self._surface.attach(self._buffers[self._slot], 0, 0)
        self._surface.damage(0, 0, WIDTH, HEIGHT)
        self._surface.commit()


def main(argv: list[str] | None = None) -> int:
    """Runs until the window is closed (0) or the connection fails (1)."""
    parser = argparse.ArgumentParser(prog="python -m wlproxy.host.demo_client")
    parser.add_argument("--title", default="wlproxy demo")
    parser.add_argument("--app-id", default="demo-client")
    parser.add_argument("--frames", type=int, default=30, metavar="N", help="how many frame callbacks to draw for (30)")
    parser.add_argument("--fullscreen", action="store_true", help="ask to cover the screen")
    args = parser.parse_args(argv)
    try:
        window = DemoWindow(args.title, args.app_id, args.frames, args.fullscreen)
    except ValueError as wrong:
        _say(event="error", text=str(wrong))
        return 1
    try:
        window.open()
        while not window.closed:
            window.dispatch()
    except (LookupError, RuntimeError) as wrong:
        _say(event="error", text=str(wrong))
        return 1
    finally:
        window.close()
    _say(event="closed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
