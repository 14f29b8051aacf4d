"""Debian's weston and sway, headless, each in a folder of its own, with screenshots and, for sway, a keyboard and window titles.

Nothing moves on their screens: no panel, no clock, no animation, no idle time. Both render with pixman, so that the same windows are
the same pixels on every machine. As root they run as `nobody` (sway refuses root in some versions); the tests reach their sockets.

weston 10: `weston-screenshooter` works once weston runs with --debug; it draws the focused output into a PNG in its working folder.
sway 1.7: grim for pixels, swaymsg for the tree, wtype for keys; all three talk to sway's own socket, never through the proxy.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.e2e.images import Image, read_image
from tests.e2e.processes import DEADLINE, accepts, environment, need, output_of, program, until

WIDTH, HEIGHT = 800, 600
NOBODY = 65534
KEY_REPEATS_AFTER = 60_000  # milliseconds: a machine that stands still for a second must not type a letter twice
SETTLED = 0.5  # seconds without a change that make a still screen

WESTON_INI = """\
[core]
idle-time=0
require-input=false
[shell]
panel-position=none
background-color=0xff203040
locking=false
animation=none
startup-animation=none
close-animation=none
focus-animation=none
"""

SWAY_CONFIG = f"""\
output HEADLESS-1 resolution {WIDTH}x{HEIGHT} position 0 0 scale 1
xwayland disable
default_border none
default_floating_border none
focus_follows_mouse no
input * repeat_delay {KEY_REPEATS_AFTER}
seat * hide_cursor 1
"""


class Compositor:
    """A running compositor. `socket` is where clients connect; `folder` is for what a test leaves behind."""

    def __init__(self, name: str, folder: Path, runtime: Path, socket: Path) -> None:
        self.name = name
        self.folder = folder
        self.runtime = runtime
        self.socket = socket

    def client_environment(self, socket: Path | None = None, **more: str) -> dict[str, str]:
        """For a client on `socket`, this compositor's own where not given."""
        home = self.folder / "client"
        home.mkdir(mode=0o700, exist_ok=True)
        return environment(
            HOME=str(home),
            XDG_RUNTIME_DIR=str(home),
            WAYLAND_DISPLAY=str(socket or self.socket),
            XDG_SESSION_TYPE="wayland",
            NO_AT_BRIDGE="1",
            GTK_A11Y="none",
            GSETTINGS_BACKEND="memory",
            DBUS_SESSION_BUS_ADDRESS="disabled:",
            **more,
        )

    async def screenshot(self) -> Image:
        raise NotImplementedError

    async def still_screenshot(self, expected: Image | None = None, seconds: float = 5.0) -> Image:
        """A screenshot once the screen shows something and has stopped changing; where `expected` is given, the first that is
        equal, or what there is after so many seconds. A compositor may show a window's old size for a while, and that is still
        too."""
        now = await self.screenshot()
        same_since, end = trio.current_time(), trio.current_time() + seconds
        while trio.current_time() < end:
            if expected is not None and now == expected:
                return now
            if expected is None and trio.current_time() - same_since > SETTLED and len(now.colours()) > 1:
                return now
            await trio.sleep(0.05)
            last, now = now, await self.screenshot()
            if now != last:
                same_since = trio.current_time()
        if expected is None:
            pytest.fail(f"the screen of {self.name} is blank, or did not come to rest within {seconds:g} s")
        return now


class Weston(Compositor):
    async def screenshot(self) -> Image:
        with_own = self.client_environment()
        shots = self.folder / "shots"
        shots.mkdir(exist_ok=True)
        await output_of([need("weston-screenshooter", "weston")], with_own | {"XDG_PICTURES_DIR": str(shots)}, shots)
        (shot,) = shots.glob("*.png")
        try:
            return read_image(shot.read_bytes())
        finally:
            shot.unlink()


class Sway(Compositor):
    ipc: Path

    async def screenshot(self) -> Image:
        shot = await output_of([need("grim", "grim"), "-t", "ppm", "-"], self.client_environment(), self.folder)
        return read_image(shot)

    async def tree(self) -> dict[str, Any]:
        command = [need("swaymsg", "sway"), "--raw", "-t", "get_tree"]
        return dict(json.loads(await output_of(command, environment(SWAYSOCK=str(self.ipc)), self.folder)))

    async def windows(self) -> list[dict[str, Any]]:
        """The mapped windows, as sway describes them: name (the title), app_id, pid, rect, focused ..."""
        return [node for node in nodes(await self.tree()) if node.get("pid") and node["type"] in ("con", "floating_con")]

    async def window(self, seconds: float = DEADLINE) -> dict[str, Any]:
        """The one window, once it is there and has the keyboard."""
        with trio.move_on_after(seconds):
            while True:
                shown = await self.windows()
                if len(shown) == 1 and shown[0]["focused"]:
                    return shown[0]
                await trio.sleep(0.05)
        pytest.fail(f"waited {seconds:g} s in vain for one focused window; there are {shown}")

    async def type_text(self, text: str) -> None:
        """As if somebody typed; a newline is the return key."""
        arguments: list[str] = []
        for number, line in enumerate(text.split("\n")):
            arguments += (["-k", "Return"] if number else []) + ([line] if line else [])
        # -s: the focused client must have heard of this keyboard's keymap before the first key
        await output_of([need("wtype", "wtype"), "-s", "100", "-d", "15", *arguments], self.client_environment(), self.folder)


def nodes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield tree
    for child in tree.get("nodes", []) + tree.get("floating_nodes", []):
        yield from nodes(child)


def prepare(folder: Path) -> tuple[Path, int | None]:
    """The compositor's runtime folder, and the uid it should run as (None: ours)."""
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    if os.getuid() != 0:
        return runtime, None
    os.chown(runtime, NOBODY, NOBODY)
    return runtime, NOBODY


@asynccontextmanager
async def weston(folder: Path) -> AsyncIterator[Weston]:
    command = need("weston", "weston")
    need("weston-screenshooter", "weston")
    runtime, uid = prepare(folder)
    config = folder / "weston.ini"
    config.write_text(WESTON_INI)
    config.chmod(0o644)
    arguments = ["--backend=headless-backend.so", "--use-pixman", f"--width={WIDTH}", f"--height={HEIGHT}"]
    arguments += ["--socket=weston", f"--config={config}", "--debug", "--idle-time=0"]
    env = environment(XDG_RUNTIME_DIR=str(runtime), HOME=str(runtime))
    async with program([command, *arguments], env, folder, uid=uid) as running:
        found = Weston("weston", folder, runtime, runtime / "weston")
        await until("weston's socket", lambda: running.check_alive() and accepts(found.socket))
        await running.until_says("weston-desktop-shell")
        with trio.fail_after(DEADLINE):  # its own shell draws the background when it is ready
            while (await found.screenshot()).pixel(0, 0) != (0x20, 0x30, 0x40):
                await trio.sleep(0.05)
        yield found
        running.check_alive()


@asynccontextmanager
async def sway(folder: Path) -> AsyncIterator[Sway]:
    command = need("sway", "sway")
    for name, package in (("swaymsg", "sway"), ("grim", "grim"), ("wtype", "wtype")):
        need(name, package)
    runtime, uid = prepare(folder)
    config = folder / "sway.conf"
    config.write_text(SWAY_CONFIG)
    config.chmod(0o644)
    env = environment(
        XDG_RUNTIME_DIR=str(runtime),
        HOME=str(runtime),
        WLR_BACKENDS="headless",
        WLR_RENDERER="pixman",
        WLR_LIBINPUT_NO_DEVICES="1",
        WLR_HEADLESS_OUTPUTS="1",
    )
    async with program([command, "--config", str(config)], env, folder, uid=uid) as running:
        found = Sway("sway", folder, runtime, runtime / "wayland-1")
        await until("sway's socket", lambda: running.check_alive() and accepts(found.socket))
        found.ipc = await until("sway's IPC socket", lambda: next(runtime.glob("sway-ipc.*.sock"), None))  # type: ignore[assignment]
        # a keyboard that stays: without one the seat has no capabilities, and a client that is told of one by the first key
        # has missed that key
        keyboard = [need("wtype", "wtype"), "-s", "600000"]
        async with program(keyboard, found.client_environment(), folder):
            await wait_for_keyboard(found)
            yield found
            running.check_alive()


async def wait_for_keyboard(found: Sway) -> None:
    command = [need("swaymsg", "sway"), "--raw", "-t", "get_seats"]
    with trio.fail_after(DEADLINE):
        while True:
            (seat,) = json.loads(await output_of(command, environment(SWAYSOCK=str(found.ipc)), found.folder))
            if any(device["type"] == "keyboard" for device in seat["devices"]):
                return
            await trio.sleep(0.03)


BY_NAME = {"weston": weston, "sway": sway}
