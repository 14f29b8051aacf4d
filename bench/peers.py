"""Whom we measure: how each peer is started between a listening path and the compositor's socket.

A stage is a command with the placeholders {listen}, {upstream}, {folder}, {policy} and {build}; the next stage starts when the
path named by `ready` exists. `listen` is always a name in the measurement's own folder.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from bench.processes import Group

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
POLICY = HERE / "unpaced.toml"
COMPILED = "unpaced.json"


@dataclass(frozen=True, slots=True)
class Stage:
    argv: tuple[str, ...]
    ready: str = ""                         # a name in the measurement's folder
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Peer:
    """No stages: a direct connection. `most_clients`: more are not tried, and the table says so."""

    name: str
    stages: tuple[Stage, ...] = ()
    most_clients: int = 10000

    def start(self, group: Group, listen: Path, upstream: Path, build: Path) -> None:
        words = {"listen": str(listen), "upstream": str(upstream), "folder": str(group.folder), "build": str(build),
                 "policy": str(build / COMPILED)}
        for stage in self.stages:
            env = {**os.environ, "XDG_RUNTIME_DIR": str(group.folder), **{k: v.format(**words) for k, v in stage.env.items()}}
            group.start([word.format(**words) for word in stage.argv], env,
                        group.folder / stage.ready if stage.ready else None)


DIRECT = Peer("direct")
FORWARDER = Peer("forwarder", (Stage(("{build}/forwarder", "{listen}", "{upstream}")),))
WLPROXY_WORDS = "run --listen unix:{listen} --upstream {upstream} --policy {policy}"


def waypipe() -> Peer | None:
    """Both ends on this machine, without compression or GPU: the least it can cost."""
    program = shutil.which("waypipe")
    if program is None:
        return None
    common = (program, "-n", "-c", "none", "-s", "{folder}/waypipe.sock")
    return Peer("waypipe", (
        Stage((*common, "client"), "waypipe.sock", {"WAYLAND_DISPLAY": "{upstream}"}),
        Stage((*common, "--display", "listen", "server", "--", "sleep", "1000")),
    ), most_clients=100)  # two processes for each client


def wlproxy_command(given: str) -> list[str] | None:
    """The words before `run`: as given, else the script beside this Python, else the one in PATH."""
    if given:
        return shlex.split(given)
    beside = Path(sys.executable).parent / "wlproxy"
    found = str(beside) if beside.exists() else shutil.which("wlproxy")
    return [found] if found else None


def wlproxy(command: list[str], build: Path) -> Peer:
    """As installed, which is compiled where pip found a compiler (the table says when it was not), from a compiled policy."""
    subprocess.run([*command, "compile", str(POLICY), "-o", str(build / COMPILED)], check=True, capture_output=True)
    return Peer("wlproxy", (Stage((*command, *WLPROXY_WORDS.split())),))


def wlproxy_interpreted(build: Path) -> Peer | None:
    """The sources of this checkout without any compiled module beside them: Python then runs the .py files."""
    if not (ROOT / "wlproxy" / "__main__.py").exists():
        return None
    tree = build / "interpreted"
    shutil.rmtree(tree, ignore_errors=True)
    for name in ("wlproxy", "policies", "protocols"):
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    python = (sys.executable, "-m", "wlproxy")
    subprocess.run([*python, "--help"], env={**os.environ, "PYTHONPATH": str(tree)}, capture_output=True, check=False)  # .pyc files
    return Peer("wlproxy-interpreted", (Stage((*python, *WLPROXY_WORDS.split()), env={"PYTHONPATH": str(tree)}),))


def from_template(text: str) -> Peer:
    """NAME=COMMAND, split as a shell would; {listen} and {upstream} stand for the sockets."""
    name, sign, command = text.partition("=")
    if not sign or "{listen" not in command or "{upstream" not in command:
        raise ValueError(f"--peer {text!r}: want NAME=COMMAND with {{listen}} and {{upstream}}")
    return Peer(name, (Stage(tuple(shlex.split(command))),))
