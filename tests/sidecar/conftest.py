"""A sidecar as a process, a compositor that is a bare listening socket, and ways to wait without sleeping."""

from __future__ import annotations

import array
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wlproxy.policy.identity import digest

ROOT = Path(__file__).parents[2]
PASSING = [sys.executable, "-P", str(ROOT / "tests/sidecar/passing.py")]  # -P: the wlproxy that is installed, where PYTHONPATH names none
SERVING = [sys.executable, "-P", str(ROOT / "tests/sidecar/serving.py")]
PATIENCE = 10.0  # seconds; only a failing test waits that long


def until(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of `condition`; polls, and fails after PATIENCE."""
    end = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {PATIENCE:g} s: {what}")
        time.sleep(0.005)


def is_listening(path: str | Path) -> bool:
    """Whether a Unix socket at `path` takes connections: it exists before that, between bind and listen; proc(5), /proc/net/unix."""
    return any(
        fields[7:8] == [str(path)] and int(fields[3], 16) & 0x10000  # __SO_ACCEPTCON
        for fields in map(str.split, Path("/proc/net/unix").read_text().splitlines()[1:])
    )


def entries_of(path: Path) -> list[dict[str, Any]]:
    """An audit log's entries so far; the last line may still be on its way to the file."""
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def read_all(sock: socket.socket) -> bytes:
    """Everything up to the end of stream."""
    sock.settimeout(PATIENCE)
    parts = []
    while data := sock.recv(65536):
        parts.append(data)
    return b"".join(parts)


def read(sock: socket.socket, size: int) -> tuple[bytes, list[int]]:
    """Exactly `size` bytes and the descriptors that came with them."""
    sock.settimeout(PATIENCE)
    data, fds = b"", array.array("i")
    while len(data) < size:
        part, ancillary, _, _ = sock.recvmsg(size - len(data), socket.CMSG_SPACE(253 * 4))
        if not part:
            raise AssertionError(f"end of stream after {data!r}")
        data += part
        for _, _, raw in ancillary:
            fds.frombytes(raw)
    return data, list(fds)


def send_fds(sock: socket.socket, data: bytes, fds: list[int]) -> None:
    sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])


def compiled_policy(path: Path, name: str = "test") -> str:
    """The least policy that a sidecar starts with."""
    display = {"version": 1, "requests": [], "events": []}
    policy: dict[str, Any] = {"format": 1, "name": name, "summary": "", "names": "keep", "globals": {}}
    policy["interfaces"] = {"wl_display": display}
    policy["sha256"] = digest(policy)
    path.write_text(json.dumps(policy))
    return str(path)


class Compositor:
    """A listening socket; `accept` gives the next connection."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(str(path))
        self.sock.listen(1024)
        self.sock.settimeout(PATIENCE)

    def accept(self) -> socket.socket:
        sock, _ = self.sock.accept()
        sock.settimeout(PATIENCE)
        return sock

    def close(self) -> None:
        self.sock.close()
        self.path.unlink()


class Sidecar:
    """The process and what it wrote."""

    def __init__(
        self,
        directory: Path,
        most_fds: int = 0,
        shell: str = "",
        launcher: tuple[str, ...] = (),
        pass_fds: tuple[int, ...] = (),
        connection: int = subprocess.DEVNULL,
        **settings: Any,
    ) -> None:
        self.path = directory / "guest.sock"
        self.audit_path = directory / "audit.jsonl"
        self.errors = directory / "stderr"
        ready, low = os.pipe()
        ready_writer = fcntl.fcntl(low, fcntl.F_DUPFD, 64)  # out of the way of what a launcher puts at 3 and above
        os.close(low)
        given: dict[str, Any] = {
            "listen": [f"unix:{self.path}"],
            "upstream": str(directory / "host.sock"),
            "policy": compiled_policy(directory / "test.json"),
            "audit": str(self.audit_path),
            "ready_fd": ready_writer,
        }
        given.update(settings)
        limit = (f"ulimit -n {most_fds};" if most_fds else "") + shell
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                ["sh", "-c", f'{limit} exec "$@"', "sh", *launcher, *PASSING, json.dumps(given)],
                pass_fds=[ready_writer, *pass_fds],
                stderr=errors,
                stdin=connection,
                stdout=None if connection == subprocess.DEVNULL else connection,
            )
        os.close(ready_writer)
        readable, _, _ = select.select([ready], [], [], PATIENCE)
        if not readable or os.read(ready, 1) != b"\n":
            raise AssertionError(f"not ready: {self.errors.read_text()}")
        os.close(ready)

    @property
    def relay(self) -> int:
        """The relay's process id."""
        text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return int(text.split()[0])

    def connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        sock.connect(str(self.path))
        return sock

    def pair(self, compositor: Compositor) -> tuple[socket.socket, socket.socket]:
        """A guest connection and the compositor's end of it."""
        guest = self.connect()
        return guest, compositor.accept()

    def fds(self) -> int:
        return len(os.listdir(f"/proc/{self.relay}/fd"))

    def cpu(self) -> float:
        """Seconds of processor time the relay has used (proc(5), schedstat)."""
        return int(Path(f"/proc/{self.relay}/schedstat").read_text().split()[0]) / 1e9

    def audit(self, event: str) -> list[dict[str, Any]]:
        return [line for line in entries_of(self.audit_path) if line["event"] == event]

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@pytest.fixture
def compositor(tmp_path: Path) -> Iterator[Compositor]:
    made = Compositor(tmp_path / "host.sock")
    yield made
    made.sock.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Sidecar]]:
    """Starts sidecars, and ends them."""
    started: list[Sidecar] = []

    def start_one(**settings: Any) -> Sidecar:
        started.append(Sidecar(tmp_path, **settings))
        return started[-1]

    yield start_one
    for sidecar in started:
        sidecar.stop()


class Serve:
    """The parent, its guests' files, and what was written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "guests.d"
        self.files.mkdir()
        self.errors = folder / "stderr"
        self.audit_path = folder / "audit.jsonl"
        self.policy = compiled_policy(folder / "test.json")
        self.process: subprocess.Popen[bytes]

    def guest(self, name: str, listen: list[str] | None = None, **more: str) -> Path:
        """Writes a guest's file; its socket."""
        path = self.folder / f"{name}.sock"
        lines = ["format = 1", f'policy = "{self.policy}"', f"listen = {json.dumps(listen or [f'unix:{path}'])}"]
        lines += [f"{key} = {value}" for key, value in more.items()]
        (self.files / f"{name}.toml").write_text("\n".join(lines) + "\n")
        return path

    def start(self, ready: bool = True, pass_fds: tuple[int, ...] = (), launcher: tuple[str, ...] = (), **settings: Any) -> Serve:
        reader, low = os.pipe()
        writer = fcntl.fcntl(low, fcntl.F_DUPFD, 64)  # out of the way of what a launcher puts at 3 and above
        os.close(low)
        given = {"folder": str(self.files), "upstream": str(self.folder / "host.sock"), "audit": str(self.audit_path)}
        given |= {"ready_fd": writer, **settings}
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*launcher, *SERVING, json.dumps(given)],
                pass_fds=[writer, *pass_fds],
                stderr=errors,
                stdin=subprocess.DEVNULL,
            )
        os.close(writer)
        if ready and (not select.select([reader], [], [], PATIENCE)[0] or os.read(reader, 1) != b"\n"):
            raise AssertionError(f"not ready: {self.errors.read_text()}")
        os.close(reader)
        return self

    def relays(self) -> set[int]:
        """Process ids, without those that read files for a moment."""
        text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(word) for word in text.split()}

    def audit(self, event: str, guest: str | None = None) -> list[dict[str, Any]]:
        return [line for line in entries_of(self.audit_path) if line["event"] == event and guest in (None, line["guest"])]

    def reload(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    made = Serve(tmp_path)
    yield made
    if hasattr(made, "process"):
        try:
            made.stop()
        except subprocess.TimeoutExpired:
            for pid in (*made.relays(), made.process.pid):  # it does not end them any more
                os.kill(pid, signal.SIGKILL)
            made.process.wait(PATIENCE)
            raise
