"""The ways a client can reach a compositor in these tests: directly, through a forwarder that filters nothing, or through
`wlproxy run` with one of the shipped policies.

The proxy under test is the wlproxy that pytest itself imports, compiled or interpreted, in processes of its own.
"""

from __future__ import annotations

import json
import os
import select
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

import wlproxy
from tests.e2e.compositors import Compositor
from tests.e2e.images import Image
from tests.e2e.processes import DEADLINE, Program, environment, listens, need, program, until

DIRECT = "direct"
FORWARDER = "forwarder"
POLICIES = ("strict", "desktop", "transparent")
GUEST = "e2e"
PACKAGE = Path(wlproxy.__file__).parent


class Way:
    """`socket` is what a client is given as WAYLAND_DISPLAY. `name`: direct, forwarder, or a policy."""

    def __init__(self, name: str, socket: Path, compositor: Compositor, audit: Path | None = None) -> None:
        self.name = name
        self.socket = socket
        self.compositor = compositor
        self.expected: Image | None = None  # what the screen should come to show, to the pixel
        self._audit = audit

    @property
    def filters(self) -> bool:
        return self.name not in (DIRECT, FORWARDER)

    @property
    def changes_nothing(self) -> bool:
        """Whether every client must look and behave as without a proxy."""
        return self.name in (DIRECT, FORWARDER, "transparent")

    def client_environment(self, **more: str) -> dict[str, str]:
        return self.compositor.client_environment(self.socket, **more)

    def audit(self) -> list[dict[str, Any]]:
        """The audit records so far; a line that is no JSON object is a failure."""
        if self._audit is None or not self._audit.exists():
            return []
        lines = self._audit.read_bytes().splitlines(keepends=True)
        records = [json.loads(line) for line in lines if line.endswith(b"\n")]
        assert all(isinstance(record, dict) for record in records)
        return records

    def denials(self) -> list[dict[str, Any]]:
        return [record for record in self.audit() if record.get("verdict") == "deny"]


def policy_argument(name: str) -> str:
    """A skip where this wlproxy ships no policy of this name."""
    for folder in (PACKAGE / "policies_data", PACKAGE.parent / "policies"):
        if (folder / f"{name}.toml").exists():
            return name
    if (made := os.environ.get(f"WLPROXY_E2E_{name.upper()}")) is not None:
        return made
    pytest.skip(f"this wlproxy ships no policy {name}")


def with_own_wlproxy() -> dict[str, str]:
    """The environment in which a child imports the wlproxy that we import."""
    return environment(PYTHONPATH=os.environ["PYTHONPATH"]) if "PYTHONPATH" in os.environ else environment()


async def until_ready(running: Program, ready: int) -> None:
    with trio.move_on_after(DEADLINE):
        while not select.select([ready], [], [], 0)[0]:
            running.check_alive()
            await trio.sleep(0.01)
        assert os.read(ready, 16) == b"\n", f"{running.name} closed its ready descriptor:\n{running.output}"
        return
    pytest.fail(f"{running.name} was not ready within {DEADLINE:g} s:\n{running.output}")


@asynccontextmanager
async def through_waypipe(socket: Path, compression: str, folder: Path) -> AsyncIterator[Path]:
    """The distribution's own waypipe as a guest runs it, towards `socket`: where its programs connect. WLPROXY_E2E_WAYPIPE names another
    one's command line."""
    runtime, display = folder / "guest-run", f"guest-{folder.name}"
    runtime.mkdir(mode=0o700, exist_ok=True)
    waypipe = shlex.split(os.environ.get("WLPROXY_E2E_WAYPIPE", "")) or [need("waypipe", "waypipe")]
    arguments = ["--compress", compression, "--display", display, "--socket", str(socket), "server", "--", "sleep", "600"]
    async with program([*waypipe, *arguments], environment(XDG_RUNTIME_DIR=str(runtime)), folder) as running:
        await until("waypipe's socket", lambda: running.check_alive() and listens(display))
        yield runtime / display


@asynccontextmanager
async def way(name: str, compositor: Compositor, *options: str, waypipe: str = "") -> AsyncIterator[Way]:
    """Opens a way; `options` go to `wlproxy run`. Whatever was started has ended afterwards, and has ended well. `waypipe`: a compression,
    where the client's side is to be a waypipe server."""
    if name == DIRECT:
        yield Way(name, compositor.socket, compositor)
        return
    folder = compositor.folder
    socket, audit = folder / "guest.sock", folder / "audit.jsonl"
    ready, ready_writer = os.pipe()
    try:
        if name == FORWARDER:
            script = str(Path(__file__).parent / "forwarder.py")
            command = [sys.executable, script, str(socket), str(compositor.socket), str(ready_writer)]
        else:
            command = [sys.executable, "-P", "-m", "wlproxy", "run", "--guest", GUEST, "--policy", policy_argument(name)]
            scheme = "waypipe+unix" if waypipe else "unix"
            command += ["--listen", f"{scheme}:{socket}", "--upstream", str(compositor.socket)]
            command += ["--audit", str(audit), "--ready-fd", str(ready_writer), *options]
        async with program(command, with_own_wlproxy(), folder, pass_fds=(ready_writer,)) as running:
            await until_ready(running, ready)
            if waypipe:
                async with through_waypipe(socket, waypipe, folder) as display:
                    yield Way(name, display, compositor, audit)
            else:
                yield Way(name, socket, compositor, audit)
            running.check_alive()
    finally:
        os.close(ready)
        os.close(ready_writer)
    assert "Traceback" not in running.output, running.output


def descriptors(pid: int) -> list[str]:
    return sorted(os.listdir(f"/proc/{pid}/fd"))


def relay_of(ancestor: int) -> int:
    """The process that faces the guest: a child of the wlproxy that we started."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            parents[int(entry)] = int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    brokers = [pid for pid, parent in parents.items() if parent == ancestor and b"wlproxy" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    (relay,) = [pid for pid, parent in parents.items() if parent in brokers]
    return relay
