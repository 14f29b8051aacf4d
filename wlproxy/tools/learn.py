"""Runs a program against a private headless compositor through the proxy, writes down what it asks for, and tries what is proposed.

Promises: nothing of a running desktop is reached (own folder, own runtime directory, own home, no session bus); everything started is
ended by the id of its process group; what a program binds of the risky globals is inert. Trusts: the program as far as one trusts a
program of one's own: it is not confined, only its Wayland socket is ours.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import trio

from ..core.protocol import Interface
from ..host.compositor import Host
from ..host.demo_hosts import HOSTS, DemoHost
from ..host.raw_client import RawClient
from ..host.sidecar import sidecar
from ..policy.compile import compile_policy
from ..policy.identity import canonical
from ..policy.model import Policy
from .man_pages import compiled_shipped
from .proposing import Proposal, Used, propose, staged, used_in
from .replay import open_recording

KEPT: Final = ("PATH", "LANG", "LC_ALL", "TERM", "PYTHONPATH", "LD_LIBRARY_PATH", "XDG_DATA_DIRS", "XDG_CONFIG_DIRS")
# toolkits that would look elsewhere first
WAYLAND_ONLY: Final = {
    "XDG_SESSION_TYPE": "wayland",
    "GDK_BACKEND": "wayland",
    "QT_QPA_PLATFORM": "wayland",
    "SDL_VIDEODRIVER": "wayland",
    "MOZ_ENABLE_WAYLAND": "1",
    "NO_AT_BRIDGE": "1",
    "GTK_A11Y": "none",
    "GSETTINGS_BACKEND": "memory",
    "DBUS_SESSION_BUS_ADDRESS": "disabled:",
}
SETTLE: Final = 1.0  # seconds for which a program that shows itself is watched on in the trial
GRACE: Final = 3.0
Result = TypeVar("Result")
TAIL: Final = 2000  # bytes of a program's own words that are worth reading


class LearnError(Exception):
    """There is nothing to learn from; the text says why."""


class Ended(LearnError):
    """SIGTERM: whoever started us has had enough."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the program: what it used, its exit status (None: it was ended by us), its last words, and how long it was watched."""

    used: Used
    status: int | None
    words: str
    seconds: float


async def unless_ended(work: Callable[[], Awaitable[Result]]) -> Result:
    """What `work` returns; everything it started is ended when SIGTERM comes, which raises Ended (in a group)."""
    async with trio.open_nursery() as nursery:
        await nursery.start(_ended)
        result = await work()
        nursery.cancel_scope.cancel()
    return result


async def _ended(task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        task_status.started()
        async for _number in signals:
            raise Ended("ended by SIGTERM")


def words_of(command: str) -> list[str]:
    """The program and its arguments. Raises LearnError."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise LearnError(f"--command {command!a}: {error}") from error
    if not words:
        raise LearnError("--command is empty")
    found = shutil.which(words[0])
    if found is None:
        raise LearnError(f"--command: there is no program {words[0]!a}")
    return [found, *words[1:]]


def environment(home: Path, socket: Path) -> dict[str, str]:
    """What the program gets."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | WAYLAND_ONLY | {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "WAYLAND_DISPLAY": str(socket)}


@contextlib.asynccontextmanager
async def proxy(folder: Path, host: DemoHost, policy: bytes, name: str) -> AsyncIterator[tuple[Path, Path]]:
    """`wlproxy run` under a compiled policy; the guest's socket and the recording's path."""
    compiled, socket, recording, log = (folder / f"{name}{suffix}" for suffix in (".json", ".sock", ".wltrace", ".log"))
    compiled.write_bytes(policy)
    options = ["--upstream", str(host.socket), "--policy", str(compiled), "--ceiling", "", "--listen", f"unix:{socket}"]
    async with sidecar([*options, "--guest", "learn", "--record", str(recording)], log):
        yield socket, recording


async def end_group(process: trio.Process) -> None:
    """The program is asked, then all that it has started is killed."""
    with trio.CancelScope(shield=True):
        if process.poll() is None:
            process.terminate()
            with trio.move_on_after(GRACE):
                await process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def nudge(host: DemoHost) -> None:
    """Moves the pointer over the window, as a person would: programs set cursors then. Only our own host can be driven."""
    inner = getattr(host, "host", None)
    if isinstance(inner, Host) and inner.windows:
        window = inner.windows[-1]
        inner.focus_window(window)
        inner.inject_motion(window.x + window.width / 2, window.y + window.height / 2)


async def run_once(
    folder: Path, host: DemoHost, policy: bytes, name: str, command: Sequence[str], seconds: float, until_shown: bool
) -> Run:
    """Runs the program for so long, or until it ends; with `until_shown`, until a window is there and has settled."""
    home = folder / f"home-{name}"
    home.mkdir(mode=0o700)
    log = folder / f"{name}-program.log"
    begun = trio.current_time()
    async with proxy(folder, host, policy, name) as (socket, recording):
        with open(log, "wb") as output:
            process = await trio.lowlevel.open_process(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment(home, socket),
                cwd=home,
                start_new_session=True,
            )
        try:
            with trio.move_on_after(seconds):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_watch, host, nursery.cancel_scope, until_shown)
                    await process.wait()
                    nursery.cancel_scope.cancel()
            status = process.poll()
        finally:
            await end_group(process)
    with open_recording(str(recording)) as reader:
        used = used_in(reader)
    words = log.read_bytes()[-TAIL:].decode("utf-8", "replace")
    return Run(used, status, words, trio.current_time() - begun)


async def _watch(host: DemoHost, scope: trio.CancelScope, until_shown: bool) -> None:
    try:
        await host.windows(1)
    except (TimeoutError, trio.TooSlowError):
        return
    await trio.sleep(SETTLE / 2)
    await nudge(host)
    if until_shown:
        await trio.sleep(SETTLE / 2)
        scope.cancel()


def caps_of(compiled: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """The highest version at which a shipped policy opens each global."""
    caps: dict[str, int] = {}
    for policy in compiled.values():
        for name, (version, _) in {**policy["served"], **policy["globals"]}.items():
            caps[name] = max(caps.get(name, 0), version)
    return caps


def globals_of(path: str) -> dict[str, int]:
    """What a compositor announces, by its highest version."""
    client = RawClient(path)
    try:
        return {name: version for name, (_, version) in client.globals()[1].items()}
    finally:
        client.close()


async def learn(
    folder: Path, host_name: str, command: Sequence[str], base: Policy, interfaces: Mapping[str, Interface], seconds: float
) -> tuple[Run, Proposal, str]:
    """Runs the program and says what it used. A program that fails over inert globals is run once more without them; then its words of the
    first time come last. `folder`: ours, empty, its path short (a socket's has 107 bytes at most)."""
    caps = caps_of(compiled_shipped(interfaces))
    async with HOSTS[host_name](folder) as host:
        offered = await trio.to_thread.run_sync(globals_of, str(host.socket))
        found: list[tuple[Run, Proposal]] = []
        for name, bait in (("learn", True), ("plain", False)):
            stage = staged(base, interfaces, offered, caps, bait)
            policy = canonical(compile_policy(stage.policy, interfaces))
            run = await run_once(folder, host, policy, name, command, seconds, False)
            found.append((run, propose(base, stage, run.used, interfaces, caps)))
            if run.used.shown or not run.status:
                break
    if len(found) == 1:
        return (*found[0], "")
    (first, taken), (run, proposal) = found
    unused = (*proposal.unused, *(need for need in taken.unused if need.key not in run.used.bound))
    return run, replace(proposal, bait=taken.bait, unused=unused), first.words


async def attempt(
    folder: Path, host_name: str, command: Sequence[str], policy: Policy, interfaces: Mapping[str, Interface], seconds: float
) -> Run:
    """Runs the program once more, under the proposed policy, until it shows a window. `folder` as for `learn`."""
    async with HOSTS[host_name](folder) as host:
        compiled = canonical(compile_policy(policy, interfaces))
        return await run_once(folder, host, compiled, "try", command, seconds, True)


def json_of(proposal: Mapping[str, Any], run: Run, trial: Run | None) -> str:
    """Everything, for programs."""
    tried = None if trial is None else {"shown": trial.used.shown, "ended": trial.used.ended, "status": trial.status}
    watched = {"seconds": round(run.seconds, 1), "status": run.status, "shown": run.used.shown}
    return json.dumps({**proposal, **watched, "tried": tried}, indent=1)
