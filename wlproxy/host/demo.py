"""The main job, shown: a host, the proxy, a guest's window, what was allowed, changed and refused, and a picture.

Promises: needs no desktop and no root; everything it starts has ended when it returns, whatever happens; every wait has a
deadline and says what it waited for. Trusts: the machine it runs on.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import trio

from .demo_client import ATTEMPTS

DEADLINE: Final = 20.0
NOBODY: Final = 65534
TITLE: Final = "Quarterly report\u202e.exe\a"  # a bidi override and a bell: neither belongs in a title bar
APP_ID: Final = "org.example.Report"
WESTON_INI: Final = "[core]\nidle-time=0\n[shell]\npanel-position=none\nlocking=false\nstartup-animation=none\nanimation=none\n"
SWAY_CONFIG: Final = "output HEADLESS-1 resolution 1024x640\nxwayland disable\nfor_window [app_id=\".*\"] floating enable\n"


class DemoError(Exception):
    """What could not be shown, and why."""


class Host:
    """A running compositor: where clients connect, and how it takes a picture of its screen (a PNG)."""

    def __init__(self, name: str, socket_path: Path, process: trio.Process, capture: Callable[[Path], list[str]]) -> None:
        self.name = name
        self.socket = socket_path
        self.process = process
        self.capture = capture


def default_host() -> str:
    """weston where it is installed, else the embedded one."""
    return "weston" if shutil.which("weston") and shutil.which("weston-screenshooter") else "embedded"


@asynccontextmanager
async def started(command: list[str], env: dict[str, str], folder: Path, **options: Any) -> AsyncIterator[trio.Process]:
    """A process that is ended, by its pid, when the block is left; its output goes to a file named for it."""
    log = folder / f"{Path(command[0]).name}-{os.urandom(3).hex()}.log"
    with log.open("wb") as output:
        process = await trio.lowlevel.open_process(
            command, env=env, cwd=folder, stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", output), stderr=output, **options,
        )  # fmt: skip
    try:
        yield process
    finally:
        with trio.CancelScope(shield=True):
            process.terminate()
            with trio.move_on_after(3):
                await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()
            if process.stdout is not None:
                await process.stdout.aclose()


async def until(what: str, done: Callable[[], bool], process: trio.Process | None = None, log: Path | None = None) -> None:
    """Looks until it is so. Raises DemoError at the deadline, or when the process it depends on has ended."""
    with trio.move_on_after(DEADLINE):
        while not done():
            if process is not None and process.poll() is not None:
                raise DemoError(f"{what}: the process ended with status {process.returncode}")
            await trio.sleep(0.02)
        return
    raise DemoError(f"waited {DEADLINE:g} s in vain for {what}")


def accepts(path: Path) -> bool:
    """Whether somebody listens on a socket path."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def clean_environment(runtime: Path, **more: str) -> dict[str, str]:
    """Nothing of the user's own session."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("WAYLAND_", "DISPLAY", "XDG_"))}
    return kept | {"XDG_RUNTIME_DIR": str(runtime), "HOME": str(runtime)} | more


@asynccontextmanager
async def host_of(name: str, folder: Path) -> AsyncIterator[Host]:
    """Starts the compositor by name: embedded, weston or sway."""
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    if name == "embedded":
        path = runtime / "host"
        command = [sys.executable, "-m", "wlproxy.host", "--socket", str(path), "--commands", "--width", "1024", "--height", "640"]
        async with started(command, dict(os.environ), folder, stdin=subprocess.PIPE) as process:
            await until("the embedded host", lambda: accepts(path), process)
            yield Host(name, path, process, lambda file: [])
        return
    program = shutil.which(name)
    if program is None:
        raise DemoError(f"{name} is not installed (Debian package {name}); --host embedded needs nothing")
    options: dict[str, Any] = {}
    if os.geteuid() == 0:  # sway refuses root, and neither needs it
        os.chown(runtime, NOBODY, NOBODY)
        options = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    config = folder / f"{name}.conf"
    config.write_text(WESTON_INI if name == "weston" else SWAY_CONFIG)
    config.chmod(0o644)
    if name == "weston":
        path = runtime / "host"
        command = [program, "--backend=headless-backend.so", "--use-pixman", "--socket=host", "--debug", "--width=1024"]
        command += ["--height=640", f"--config={config}"]
        env = clean_environment(runtime)
    else:
        path = runtime / "wayland-1"
        command = [program, "-c", str(config)]
        env = clean_environment(runtime, WLR_BACKENDS="headless", WLR_RENDERER="pixman", WLR_LIBINPUT_NO_DEVICES="1")
    async with started(command, env, folder, **options) as process:
        await until(f"{name}'s socket", lambda: accepts(path), process)
        tool = "weston-screenshooter" if name == "weston" else "grim"
        yield Host(name, path, process, lambda file: [tool, str(file)] if tool == "grim" else [tool])


async def take_picture(host: Host, folder: Path, file: Path) -> str:
    """The host's screen as a PNG; its path, or why there is none."""
    if host.name == "embedded":
        if host.process.stdin is None:
            raise DemoError("the embedded host has no standard input")
        file.unlink(missing_ok=True)
        await host.process.stdin.send_all(f"picture {file}\n".encode())
        await until("the host's picture", lambda: file.exists() and file.read_bytes()[-8:-4] == b"IEND", host.process)
        return str(file)
    command = host.capture(file)
    if shutil.which(command[0]) is None:
        return f"none: {command[0]} is not installed"
    shots = folder / "shots"
    shots.mkdir(exist_ok=True)
    env = clean_environment(folder, WAYLAND_DISPLAY=str(host.socket), XDG_PICTURES_DIR=str(shots))
    done = await trio.run_process(command, env=env, cwd=shots, capture_stdout=True, capture_stderr=True, check=False)
    for shot in shots.glob("*.png"):
        shot.replace(file)
    return str(file) if file.exists() else f"none: {command[0]} ended with status {done.returncode}"


def records(audit: Path) -> list[dict[str, Any]]:
    """The audit log so far, whole lines only."""
    if not audit.exists():
        return []
    return [json.loads(line) for line in audit.read_text().split("\n")[:-1]]


def ended(audit: Path) -> int:
    """How many connections the log says have ended."""
    return sum(record["event"] == "disconnect" for record in records(audit))


def tell(audit: list[dict[str, Any]]) -> None:
    """What was allowed, changed and refused, from the proxy's own log."""
    allowed: dict[str, str] = {}
    changed: list[str] = []
    refused: list[str] = []
    for record in audit:
        message = record.get("message", {})
        name = f"{message.get('interface', '')}.{message.get('name', '')}"
        decided = record.get("decided", {})
        kind, rule = decided.get("kind", record["event"]), decided.get("rule", "")
        if kind == "bind" and record.get("verdict") == "allow":
            allowed[record["reason"]] = rule
        elif kind == "rewritten" or record["event"] == "rewrite":
            changed.append(f"{name}: {record['reason']}  [{rule}]")
        elif record.get("verdict") == "deny" or kind in ("refused", "violation"):
            refused.append(f"{name}: {record['reason']}  [{rule}]")
    for heading, lines in (
        ("allowed (globals bound)", [f"{what}  [{rule}]" for what, rule in allowed.items()]),
        ("changed", changed),
        ("refused", refused),
    ):
        print(f"\n{heading}:")
        for line in dict.fromkeys(lines):
            print(f"  {line}")


async def show(host_name: str, out: Path) -> None:
    """The whole demo. Raises DemoError."""
    out.mkdir(parents=True, exist_ok=True)
    picture = out.resolve() / f"{host_name}.png"
    picture.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="wlproxy-demo-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with host_of(host_name, folder) as host:
            print(f"host: {host_name}, a compositor without a screen")
            guest = folder / "guest"
            guest.mkdir(mode=0o700)
            path, audit = guest / "wayland-0", folder / "audit.jsonl"
            command = [sys.executable, "-m", "wlproxy", "run", "--guest", "demo", "--policy", "strict"]
            command += ["--listen", f"unix:{path}", "--upstream", str(host.socket), "--audit", str(audit)]
            async with started(command, dict(os.environ), folder) as proxy:
                await until("the proxy", lambda: accepts(path), proxy)
                print("proxy: wlproxy run --policy strict; its socket is all the guest gets")
                await play(host, proxy, path, folder, audit, picture)
            if host.process.poll() is not None:
                raise DemoError(f"{host_name} died of it")
            print(f"\nthe host is alive; what it saw: {picture if picture.exists() else 'no picture'}")


async def play(host: Host, proxy: trio.Process, path: Path, folder: Path, audit: Path, picture: Path) -> None:
    """The guest's part."""
    env = clean_environment(folder, WAYLAND_DISPLAY=str(path))
    client = [sys.executable, "-m", "wlproxy.host.demo_client"]
    drawn = folder / "drawn"
    with drawn.open("wb") as output:
        async with started([*client, "window", TITLE, APP_ID], env, folder, stdout=output) as window:
            await until("the guest's window", lambda: b"drawn" in drawn.read_bytes(), window)
            print(f"guest: a window with the title {TITLE!a} and the app id {APP_ID}")
            programs = [["weston-simple-shm"], ["foot", "-e", "sh", "-c", "echo hello from a guest; sleep 60"]]
            if host.name == "sway":  # its pixman renderer shows nothing of weston-simple-shm, with or without a proxy
                programs.reverse()
            more = next((command for command in programs if shutil.which(command[0])), None)
            if more is None:
                await take_picture(host, folder, picture)
            else:
                await take_picture(host, folder, picture)
                alone = picture.read_bytes() if picture.exists() else b""
                async with started(more, env, folder) as second:
                    print(f"guest: {more[0]}, as Debian ships it")
                    later = 0
                    with trio.move_on_after(10):  # until its window is in the picture, and a little longer: it may come up slowly
                        while picture.exists() and later < 10 and second.poll() is None:
                            await take_picture(host, folder, picture)
                            later += picture.read_bytes() != alone
    ends = ended(audit)
    tried = await trio.run_process([*client, "forbidden"], env=env, capture_stdout=True, check=False)
    print("\nforbidden things the guest then tried, and what it was told:")
    for line in tried.stdout.decode().splitlines():
        fields = json.loads(line)
        print(f"  {fields['attempt']}\n    -> {fields['answer']}")
    await until("the proxy's log", lambda: ended(audit) >= ends + len(ATTEMPTS), proxy)
    tell(records(audit))


def run(host_name: str, out: Path) -> int:
    """The exit status of `wlproxy demo`."""
    try:
        trio.run(show, host_name or default_host(), out)
    except DemoError as error:
        print(f"wlproxy demo: {error}", file=sys.stderr)
        return 1
    return 0
