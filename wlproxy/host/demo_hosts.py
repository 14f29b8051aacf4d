"""The compositors that the demo can use: the embedded host, and Debian's weston and sway without a screen.

Promises: each is a context manager that yields a `DemoHost` once clients can connect, and ends what it started, by pid. All of it
happens in one folder, nothing of a running desktop is touched. Trusts: the compositors on PATH.

weston and sway write down what reaches them (WAYLAND_DEBUG=server); the account of titles and binds is read from that log.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import stat
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, Protocol

import trio

from .compositor import Host, serving
from .png import read_png

DEADLINE: Final = 15.0
NOBODY: Final = 65534
WIDTH: Final = 1280
HEIGHT: Final = 800
POLL: Final = 0.02  # how often a file that another program makes is looked for

_SET: Final = re.compile(r'xdg_toplevel[@#](\d+)\.(set_title|set_app_id)\("((?:[^"\\]|\\.)*)"\)')
_BIND: Final = re.compile(r'wl_registry[@#]\d+\.bind\(\d+, "([^"]+)",')


class DemoHost(Protocol):
    """What the demo asks of a host."""

    name: str
    socket: Path

    async def windows(self, count: int) -> list[tuple[str, str]]:
        """Title and app id of each window, once there are `count`."""
        ...

    def bound(self) -> Counter[str]:
        """How often each interface was bound on the host so far."""
        ...

    def type_text(self, title: str, text: str) -> bool:
        """Types into the window with this in its title; False where the host cannot."""
        ...

    async def picture(self, path: Path) -> None:
        """Writes what the host shows as a PNG."""
        ...


async def until(what: str, condition: Callable[[], bool], seconds: float = DEADLINE) -> None:
    """Waits for something that another program does to a file or a socket."""
    with trio.move_on_after(seconds):
        while not condition():
            await trio.sleep(POLL)
        return
    raise TimeoutError(f"{what}: not within {seconds:g} s")


def accepts(path: Path) -> bool:
    """Somebody listens there."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as trying:
        try:
            trying.connect(str(path))
        except OSError:
            return False
        return True


async def end(process: trio.Process) -> None:
    """SIGTERM, and SIGKILL if that is not enough."""
    with trio.CancelScope(shield=True):
        if process.returncode is None:
            process.terminate()
            with trio.move_on_after(3):
                await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()


@contextlib.asynccontextmanager
async def program(
    command: list[str], environment: Mapping[str, str], log: Path, folder: Path, user: int | None = None
) -> AsyncIterator[trio.Process]:
    """A program that runs as long as the block; its output goes to a file."""
    with open(log, "ab") as output:
        process = await trio.lowlevel.open_process(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=folder,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
    try:
        yield process
    finally:
        await end(process)


class _Embedded:
    name = "embedded"

    def __init__(self, path: Path, host: Host) -> None:
        self.socket = path
        self.host = host

    async def windows(self, count: int) -> list[tuple[str, str]]:
        await self.host.wait_until(lambda: len(self.host.windows) >= count, DEADLINE)
        return [(window.title, window.app_id) for window in self.host.windows]

    def bound(self) -> Counter[str]:
        return Counter(bind.interface for bind in self.host.bound)

    def type_text(self, title: str, text: str) -> bool:
        (window,) = [window for window in self.host.windows if title in window.title]
        self.host.focus_window(window)
        self.host.type_text(text)
        return True

    async def picture(self, path: Path) -> None:
        self.host.screenshot(path)


@contextlib.asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[DemoHost]:
    """Our own, in this process."""
    path = folder / "host.sock"
    async with serving(path, WIDTH, HEIGHT) as host:
        yield _Embedded(path, host)
        for fault in host.faults:
            raise RuntimeError(fault)


class _Logged:
    """A compositor that logs the protocol."""

    def __init__(self, name: str, path: Path, runtime: Path, log: Path) -> None:
        self.name = name
        self.socket = path
        self._runtime = runtime
        self._log = log

    def _lines(self) -> str:
        return self._log.read_text(errors="replace")

    async def windows(self, count: int) -> list[tuple[str, str]]:
        await until("the windows' titles in the host's log", lambda: len(_logged_windows(self._lines())) >= count)
        return _logged_windows(self._lines())

    def bound(self) -> Counter[str]:
        return Counter(_BIND.findall(self._lines()))

    def type_text(self, title: str, text: str) -> bool:
        return False

    async def picture(self, path: Path) -> None:
        where = self._runtime / "picture"
        where.mkdir(exist_ok=True)
        environment = _environment(self._runtime, WAYLAND_DISPLAY=str(self.socket), XDG_PICTURES_DIR=str(where))
        tool = "weston-screenshooter" if self.name == "weston" else "grim"
        await trio.run_process([_need(tool), *([] if self.name == "weston" else [str(where / "shot.png")])],
                               env=environment, cwd=where, capture_stdout=True, capture_stderr=True)  # fmt: skip
        (shot,) = where.glob("*.png")
        shutil.copyfile(shot, path)
        shot.unlink()


def _logged_windows(log: str) -> list[tuple[str, str]]:
    """The log does not say which client speaks: a second title under the same object id is taken for another client's window."""
    windows: list[dict[str, str]] = []
    current: dict[str, dict[str, str]] = {}
    for object_id, request, text in _SET.findall(log):
        window = current.get(object_id)
        if window is None or window.get(request, text) != text:
            window = current[object_id] = {}
            windows.append(window)
        window[request] = text
    return [(window["set_title"], window["set_app_id"]) for window in windows if len(window) == 2]


def _need(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed")
    return found


def _environment(runtime: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return kept | {"XDG_RUNTIME_DIR": str(runtime), "HOME": str(runtime)} | more


def _runtime(folder: Path) -> tuple[Path, int | None]:
    """A runtime folder, and the uid to run as: root's compositors run as nobody, because sway refuses root."""
    runtime = folder / "host"
    runtime.mkdir(mode=0o700)
    if os.getuid():
        return runtime, None
    folder.chmod(stat.S_IRWXU | stat.S_IXGRP | stat.S_IXOTH)
    os.chown(runtime, NOBODY, NOBODY)
    return runtime, NOBODY


@contextlib.asynccontextmanager
async def weston(folder: Path) -> AsyncIterator[DemoHost]:
    """weston's headless backend; --debug is what lets weston-screenshooter work."""
    command = [_need("weston"), "--backend=headless-backend.so", "--use-pixman", f"--width={WIDTH}", f"--height={HEIGHT}"]
    config = folder / "weston.ini"
    config.write_text("[core]\nidle-time=0\n[shell]\npanel-position=none\nbackground-color=0xff384050\nlocking=false\n"
                      "animation=none\nstartup-animation=none\nfocus-animation=none\n")  # fmt: skip
    config.chmod(0o644)
    _need("weston-screenshooter")
    runtime, user = _runtime(folder)
    log = folder / "host.log"
    command += ["--socket=weston", f"--config={config}", "--debug", "--idle-time=0"]
    async with program(command, _environment(runtime, WAYLAND_DEBUG="server"), log, runtime, user) as process:
        path = runtime / "weston"
        await until("weston's socket", lambda: process.poll() is not None or accepts(path))
        host = _Logged("weston", path, runtime, log)
        shot = folder / "first.png"
        with trio.fail_after(DEADLINE):  # weston draws nothing before its own shell has connected
            while True:
                await host.picture(shot)
                if read_png(shot)[2][:3] == b"\x38\x40\x50":
                    break
        yield host


@contextlib.asynccontextmanager
async def sway(folder: Path) -> AsyncIterator[DemoHost]:
    """sway on wlroots' headless backend, drawn by pixman."""
    config = folder / "sway.conf"
    config.write_text(f"output HEADLESS-1 resolution {WIDTH}x{HEIGHT} background #384050 solid_color\nxwayland disable\n"
                      "default_border normal\nseat * hide_cursor 1\n")  # fmt: skip
    config.chmod(0o644)
    command = [_need("sway"), "--config", str(config)]
    _need("grim")
    runtime, user = _runtime(folder)
    log = folder / "host.log"
    environment = _environment(
        runtime, WAYLAND_DEBUG="server", WLR_BACKENDS="headless", WLR_RENDERER="pixman", WLR_LIBINPUT_NO_DEVICES="1"
    )
    async with program(command, environment, log, runtime, user) as process:
        path = runtime / "wayland-1"
        await until("sway's socket", lambda: process.poll() is not None or accepts(path))
        yield _Logged("sway", path, runtime, log)


HOSTS: Final[dict[str, Callable[[Path], AbstractAsyncContextManager[DemoHost]]]] = {
    "embedded": embedded,
    "weston": weston,
    "sway": sway,
}


def default_host() -> str:
    """weston where it can be used, else the embedded host."""
    return "weston" if shutil.which("weston") and shutil.which("weston-screenshooter") else "embedded"
