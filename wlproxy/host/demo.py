"""The main job, shown: a host, the proxy, guest programs through it, and an account of what it did.

Promises: works without a desktop and without root; waits for events with deadlines, never for a time; everything started is ended,
by pid, however the demo ends; what is left is the output folder (the picture, the audit log, the programs' output). Trusts: the
programs on this machine; the guest's part is played by programs of ours and of Debian's, so it shows the filter and proves nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

import trio

from .demo_account import allowed, bullets, changed, columns, entries, plain, refused
from .demo_hosts import DEADLINE, HOSTS, DemoHost, end, program, until
from .raw_client import RawClient
from .sidecar import sidecar

GUEST: Final = "demo"
INTRUDER: Final = "intruder"  # a second guest for the forbidden things, with a sidecar and an audit log of its own
TITLE: Final = "Your bank - log in"
TYPED: Final = "Hello"
TARGETS: Final = (  # what a guest would most like to have, in this order
    "zwlr_screencopy_manager_v1",
    "weston_screenshooter",
    "ext_image_copy_capture_manager_v1",
    "zwlr_layer_shell_v1",
    "zwlr_data_control_manager_v1",
)
FOOT: Final = ("--window-size-pixels=440x240", "--title=foot", "sh", "-c",
               "echo 'foot, in the guest'; echo; head -3 /etc/os-release; exec sleep 600")  # fmt: skip


class Demo:
    """One run. `failures` says what did not go as promised."""

    def __init__(self, out: Path, folder: Path, policy: str) -> None:
        self._out = out
        self._folder = folder
        self._policy = policy
        self.failures: list[str] = []

    def _environment(self, **more: str) -> dict[str, str]:
        home = self._folder / "guest"
        home.mkdir(mode=0o700, exist_ok=True)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "PYTHONPATH") if name in os.environ}
        return kept | {"HOME": str(home), "XDG_RUNTIME_DIR": str(home)} | more

    def _socket(self, guest: str) -> Path:
        return self._folder / f"{guest}.sock"

    def _audit(self, guest: str) -> Path:
        return self._out / f"audit-{guest}.jsonl"

    def _proxy(self, host: DemoHost, guest: str) -> AbstractAsyncContextManager[None]:
        """`wlproxy run` for one guest, once it accepts."""
        options = ["--upstream", str(host.socket), "--policy", self._policy, "--listen", f"unix:{self._socket(guest)}"]
        options += ["--guest", guest, "--audit", str(self._audit(guest))]
        return sidecar(options, self._out / f"proxy-{guest}.log")

    @contextlib.asynccontextmanager
    async def _guest(self) -> AsyncIterator[list[dict[str, Any]]]:
        """The guest's window; what it says is appended to the list, which is returned once it has been shown."""
        command = [sys.executable, "-m", "wlproxy.host.demo_client", "--title", TITLE, "--app-id", "org.example.bank"]
        command.append("--fullscreen")
        with open(self._out / "guest.log", "wb") as log:
            process = await trio.lowlevel.open_process(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment(WAYLAND_DISPLAY=str(self._socket(GUEST))),
            )
        says: list[dict[str, Any]] = []
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_read_lines, process, says)
                await until("the guest's window", lambda: any(line["event"] in ("shown", "error") for line in says))
                if says[-1]["event"] == "error":
                    raise RuntimeError(f"the guest's program failed: {says[-1]['text']}")
                yield says
                nursery.cancel_scope.cancel()
        finally:
            await end(process)

    async def _start(self, guests: contextlib.AsyncExitStack, name: str, *arguments: str) -> bool:
        """A program of Debian's as a guest; False where it is not installed."""
        found = shutil.which(name)
        if found is not None:
            environment = self._environment(WAYLAND_DISPLAY=str(self._socket(GUEST)))
            log = self._out / f"{name}.log"
            await guests.enter_async_context(program([found, *arguments], environment, log, self._folder / "guest"))
        return found is not None

    async def run(self, host: DemoHost) -> None:
        """All of it, printed as it happens."""
        real = await trio.to_thread.run_sync(_globals, str(host.socket))
        print(f"host    {host.name}, which offers {len(real)} globals")
        async with self._proxy(host, GUEST), contextlib.AsyncExitStack() as guests:
            names: list[str] = []
            # on sway it ends itself, with or without a proxy: "Both buffers busy at redraw()"
            if host.name != "sway" and await self._start(guests, "weston-simple-shm"):
                names.append("weston-simple-shm")
                await host.windows(1)  # weston stacks: what is to be read comes later
            says = await guests.enter_async_context(self._guest())
            names.append("a pywayland client")
            if "wl_seat" in real and await self._start(guests, "foot", *FOOT):  # foot ends at once where there is no seat
                names.append("foot")
            windows = await host.windows(len(names))
            print(f"proxy   wlproxy run --policy {self._policy} --guest {GUEST}")
            print(f"guest   {', '.join(names)}\n")
            told: dict[str, int] = says[0]["globals"]
            hidden = sorted(set(real) - set(told))
            target = next((name for name in TARGETS if name in hidden), hidden[0] if hidden else "zwlr_screencopy_manager_v1")
            typed = await self._type(host, says)
            before = host.bound()[target]
            async with self._proxy(host, INTRUDER):
                tries = await self._try_forbidden(target, real.get(target, (1, 1))[0])
                refusals = await self._audited(INTRUDER, len(tries))
            await trio.to_thread.run_sync(_globals, str(host.socket))  # a round trip: the host has read what came before it
            reached = host.bound()[target] > before
            picture = self._out / "host.png"
            await host.picture(picture)
            self._print(await self._audited(GUEST, 0), says, windows, hidden, typed)
            self._print_tries(tries, refusals, target, reached)
        print(f"\npicture of what the host saw: {picture}\naudit logs: {self._audit(GUEST)}, {self._audit(INTRUDER)}")

    async def _type(self, host: DemoHost, says: list[dict[str, Any]]) -> str:
        """Types on the host; what the guest heard of it, "" where the host cannot type."""
        if not host.type_text(TITLE, TYPED):
            return ""
        await until("the typed text in the guest", lambda: says[-1].get("text") == TYPED)
        return TYPED

    async def _try_forbidden(self, interface: str, name: int) -> list[dict[str, Any]]:
        command = [sys.executable, "-m", "wlproxy.host.forbidden", str(self._socket(INTRUDER))]
        command += ["--bind", interface, "--name", str(name)]
        with trio.fail_after(4 * DEADLINE):
            done = await trio.run_process(command, env=self._environment(), capture_stdout=True)
        tries = [json.loads(line) for line in done.stdout.splitlines()]
        for tried in tries:
            if tried["fate"] == "went through":
                self.failures.append(f"went through: {tried['tried']}")
        return tries

    async def _audited(self, guest: str, refusals: int) -> list[dict[str, Any]]:
        """A guest's audit log, once so many refusals stand in it."""

        def denied() -> int:
            return sum(entry.get("verdict") == "deny" for entry in entries(self._audit(guest).read_text()))

        await until("the audit lines", lambda: denied() >= refusals)
        return entries(self._audit(guest).read_text())

    def _print(
        self, log: list[dict[str, Any]], says: list[dict[str, Any]], windows: list[tuple[str, str]], hidden: list[str], typed: str
    ) -> None:
        print("ALLOWED\n" + bullets(allowed(log)), end="")
        frames = next(line["frames"] for line in says if line["event"] == "shown")
        print(f"  pictures of {len(windows)} windows, {frames} frame callbacks for the first")
        if typed:
            print(f'  keys from the host: the guest read "{plain(typed)}"')
        print("\nCHANGED\n" + bullets(changed(log)), end="")
        print(f'  the guest set the title "{TITLE}"; the host has these windows:')
        print(bullets(f"  {plain(title):<40} {plain(app_id)}" for title, app_id in windows), end="")
        if not any(TITLE in title and title != TITLE for title, _app_id in windows):
            self.failures.append("the title reached the host unmarked")
        print("\nNOT SHOWN TO THE GUEST\n" + bullets(columns(hidden)))
        print("REFUSED, WHILE THE PROGRAMS GO ON\n" + bullets(refused(log)))
        if left_out := sum(entry["count"] for entry in log if entry["event"] == "audit-gap"):
            print(f"  (the audit log left out {left_out} lines of a busy second)\n")

    def _print_tries(self, tries: list[dict[str, Any]], log: list[dict[str, Any]], target: str, reached: bool) -> None:
        print(f"THREE FORBIDDEN THINGS, from a second guest, {INTRUDER}")
        for number, tried in enumerate(tries, 1):
            print(f"  {number}. {plain(tried['tried'])}: {tried['fate'].upper()}")
            if tried["said"]:
                print(f"     the guest was told: {plain(tried['said'])}")
        print("  in its audit log:\n" + bullets("  " + line for line in refused(log)), end="")
        print(f"  did {target} reach the host? {'YES' if reached else 'no'}")
        if reached:
            self.failures.append(f"a bind of {target} reached the host")


def _globals(path: str) -> dict[str, tuple[int, int]]:
    client = RawClient(path)
    try:
        return client.globals()[1]
    finally:
        client.close()


async def _read_lines(process: trio.Process, into: list[dict[str, Any]]) -> None:
    assert process.stdout is not None
    pending = b""
    async for data in process.stdout:
        *lines, pending = (pending + data).split(b"\n")
        into += [json.loads(line) for line in lines]


async def show(host_name: str, out: Path, policy: str) -> list[str]:
    """Runs the demo; what failed."""
    out.mkdir(parents=True, exist_ok=True)
    for old in (*out.glob("audit-*.jsonl"), out / "host.png"):
        old.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="wlproxy-demo-") as temporary:  # short: a socket's path has 107 bytes at most
        folder = Path(temporary)
        demo = Demo(out.resolve(), folder, policy)
        try:
            async with HOSTS[host_name](folder) as host:
                await demo.run(host)
        finally:
            log = folder / "host.log"
            if log.exists():
                shutil.copyfile(log, out / "host.log")
        return demo.failures
