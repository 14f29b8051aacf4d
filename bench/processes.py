"""The processes of a measurement: started in sessions of their own, looked at in /proc, ended by pid whatever happens.

Promises: whatever a `Group` started, and what that started in turn, is gone after `stop`. Trusts: nothing else on the machine
takes the sessions over.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import IO


class BenchError(Exception):
    """A measurement that did not come about; the text says which part failed and how."""


def _table() -> dict[int, tuple[int, int]]:
    """pid -> (parent, session) of every process there is."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            found[int(entry)] = (int(fields[1]), int(fields[3]))
    return found


def _cpu_ns(pid: int) -> int:
    """Time on a CPU of all threads, in ns; in clock ticks where the kernel has no schedstat."""
    total = 0
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            total += int((thread / "schedstat").read_text().split()[0])
        return total
    except (FileNotFoundError, ProcessLookupError):
        pass
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return (int(fields[11]) + int(fields[12])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def _memory_kib(pid: int) -> tuple[int, int]:
    """(proportional set size, what is this process's alone)."""
    pss = private = 0
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                pss = int(line.split()[1])
            elif line.startswith(("Private_Clean:", "Private_Dirty:")):
                private += int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
    return pss, private


class Group:
    """What one peer consists of: the processes started here and all they start."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.roots: list[subprocess.Popen[bytes]] = []

    def start(self, argv: list[str], env: dict[str, str], ready: Path | None = None, within: float = 10.0) -> None:
        """Spawn; where `ready` is given, return only once that path exists."""
        log = self.folder / f"{self.name}.log"
        with log.open("ab") as out:
            try:
                self.roots.append(subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                   start_new_session=True, cwd=self.folder))
            except OSError as e:
                raise BenchError(f"{self.name}: cannot start {argv[0]}: {e.strerror}") from e
        end = time.monotonic() + within
        while ready is not None and not ready.exists():
            self.check()
            if time.monotonic() > end:
                raise BenchError(f"{self.name}: {ready.name} did not appear within {within:g} s{self.said()}")
            time.sleep(0.0005)

    def said(self) -> str:
        """The end of what the processes wrote, for error messages; without the paths of this run."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self.folder / f"{self.name}.log").read_text(errors="replace").strip().splitlines()
            if lines:
                return ": " + " | ".join(lines[-3:]).replace(str(self.folder), "...")[-600:]
        return ""

    def check(self) -> None:
        """Raises BenchError where a process of the group has ended by itself."""
        for root in self.roots:
            if root.poll() is not None:
                raise BenchError(f"{self.name}: ended with status {root.returncode}{self.said()}")

    def pids(self) -> list[int]:
        table = _table()
        members = {root.pid for root in self.roots if root.pid in table}
        sessions = {root.pid for root in self.roots}
        grown = True
        while grown:
            more = {pid for pid, (parent, session) in table.items()
                    if pid not in members and (parent in members or session in sessions)}
            members |= more
            grown = bool(more)
        return sorted(members)

    def cpu_ns(self) -> int:
        return sum(_cpu_ns(pid) for pid in self.pids())

    def memory_kib(self) -> tuple[int, int]:
        each = [_memory_kib(pid) for pid in self.pids()]
        return sum(pss for pss, _ in each), sum(private for _, private in each)

    def has_mapped(self, part: str) -> bool:
        """Whether a process of the group has a file mapped whose name contains `part`."""
        for pid in self.pids():
            with contextlib.suppress(OSError):
                if part in Path(f"/proc/{pid}/maps").read_text():
                    return True
        return False

    def stop(self, within: float = 3.0) -> None:
        """SIGTERM to what was started here, SIGKILL to what is left after `within` seconds."""
        known = set(self.pids())
        for root in self.roots:
            if root.poll() is None:
                root.terminate()
        end = time.monotonic() + within
        while time.monotonic() < end and any(root.poll() is None for root in self.roots):
            time.sleep(0.002)
        for pid in known & set(self.pids()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for root in self.roots:
            root.wait()


class Client:
    """The load client, attended: it says when it is ready, runs when told to, says what it saw."""

    def __init__(self, argv: list[str], log: Path) -> None:
        self.log = log
        with log.open("wb") as err:
            self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err)
        self._held = b""

    def line(self, group: Group | None, within: float) -> str:
        """The next line it prints; BenchError when it or the proxy ends first."""
        out: IO[bytes] = self.process.stdout  # type: ignore[assignment]
        end = time.monotonic() + within
        while b"\n" not in self._held:
            readable, _, _ = select.select([out], [], [], 0.1)
            if readable:
                data = os.read(out.fileno(), 65536)
                if not data:
                    said = self.log.read_text(errors="replace").strip().replace(str(self.log.parent), "...")
                    raise BenchError(f"load client ended with status {self.process.wait()}: {said[-300:]}"
                                     + (group.said() if group else ""))
                self._held += data
            elif group is not None:
                group.check()
            if time.monotonic() > end:
                raise BenchError(f"no answer from the load client within {within:g} s")
        line, _, self._held = self._held.partition(b"\n")
        return line.decode()

    def go_on(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(b"\n")  # type: ignore[union-attr]
            self.process.stdin.flush()  # type: ignore[union-attr]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()  # type: ignore[union-attr]
        self.process.stdout.close()  # type: ignore[union-attr]
