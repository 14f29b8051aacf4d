"""Programs as the tests start them: a clean environment, a deadline for everything, and an end that leaves nothing behind.

Every program is the leader of a process group of its own and is ended by that group's id when its context ends, also when the test
fails. What it wrote to standard output and standard error is kept and can be waited for.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
import trio

DEADLINE = 15.0
STEP = 0.03
GRACE = 2.0
Found = TypeVar("Found")
# what a program may inherit; everything of a desktop, of Python or of a debugger stays out
INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ")


def need(program: str, package: str) -> str:
    """The path of a program, or a skip that names the Debian package with it."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed (Debian package {package}; `make apt` installs it)")
    return path


def debian_python(module: str, package: str) -> str:
    """The system's Python, where it has a module that only the distribution packages; else a skip."""
    python = shutil.which("python3", path=os.defpath + ":/usr/bin")
    if python is None or subprocess.run([python, "-c", f"import {module}"], capture_output=True, timeout=DEADLINE).returncode:
        pytest.skip(f"the system's python3 has no {module} (Debian package {package}; `make apt` installs it)")
    return python


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {"LANG": "C.UTF-8", "XDG_CONFIG_HOME": "/nonexistent", "XDG_DATA_HOME": "/nonexistent"} | kept | more


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder that other uids may pass through, short enough for sockets (a path in sun_path has 107 bytes).

    pytest's own tmp_path is neither: it is closed to others, and long.
    """
    base = "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="wlp-", dir=base))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def until(what: str, look: Callable[[], Found], seconds: float = DEADLINE) -> Found:
    """What `look` returns, as soon as that is true; a failure that says what was waited for after the deadline."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            pytest.fail(f"waited {seconds:g} s in vain for {what}")
        await trio.sleep(STEP)
    return found


def accepts(path: Path) -> bool:
    """Whether somebody listens on a Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def listens(name: str) -> bool:
    """Whether somebody listens on a Unix socket of that file name, without connecting: proc(5), /proc/net/unix, where a path stands as it
    was bound, which may be relative. The flag is the kernel's __SO_ACCEPTCON."""
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    return any(len(line) == 8 and Path(line[7]).name == name and int(line[3], 16) & 0x10000 for line in lines[1:])


class Program:
    """A running program. `output`: what it has written so far to standard output and error, together."""

    def __init__(self, process: trio.Process, name: str, log: Path) -> None:
        self.process = process
        self.name = name
        self._log = log

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def check_alive(self) -> bool:
        """True; a failure with the output where the program has ended."""
        status = self.process.poll()
        if status is not None:
            pytest.fail(f"{self.name} ended with status {status}:\n{self.output[-4000:]}")
        return True

    async def until_says(self, text: str, seconds: float = DEADLINE) -> None:
        await until(f"{self.name} to say {text!r}", lambda: text in self.output or (self.check_alive() and False), seconds)

    async def until_ends(self, seconds: float = DEADLINE) -> int:
        with trio.move_on_after(seconds):
            return await self.process.wait()
        pytest.fail(f"{self.name} did not end within {seconds:g} s:\n{self.output[-4000:]}")


@asynccontextmanager
async def program(
    command: list[str],
    env: Mapping[str, str],
    folder: Path,
    *,
    uid: int | None = None,
    pass_fds: tuple[int, ...] = (),
    stdin: bytes | None = None,
    term: int = signal.SIGTERM,
) -> AsyncIterator[Program]:
    """Runs a program in `folder` until the context ends. `uid`: as this user, with no other group."""
    name = Path(command[0]).name
    handle, log = tempfile.mkstemp(prefix=f"{name}-", suffix=".log", dir=folder)
    as_user = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
    with tempfile.TemporaryFile() as source:
        source.write(stdin or b"")
        source.seek(0)
        try:
            process = await trio.lowlevel.open_process(
                command,
                env=dict(env),
                cwd=str(folder),
                stdin=source.fileno(),
                stdout=handle,
                stderr=handle,
                start_new_session=True,
                pass_fds=pass_fds,
                **as_user,  # type: ignore[arg-type]
            )
        finally:
            os.close(handle)
    try:
        yield Program(process, name, Path(log))
    finally:
        with trio.CancelScope(shield=True):
            await end(process, term)


async def end(process: trio.Process, term: int = signal.SIGTERM) -> None:
    """The program is asked, then its whole group is killed: a compositor's helpers must not outlive it."""
    if process.poll() is None:
        process.send_signal(term)
        with trio.move_on_after(GRACE):
            await process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    await process.wait()


async def output_of(
    command: list[str], env: Mapping[str, str], folder: Path, seconds: float = DEADLINE, failing: bool = False
) -> bytes:
    """Standard output of a program that ends by itself: with success, or `failing` without."""
    with trio.fail_after(seconds):
        done = await trio.run_process(
            command, env=dict(env), cwd=str(folder), stdin=subprocess.DEVNULL, capture_stdout=True, capture_stderr=True, check=False
        )
    if bool(done.returncode) is not failing:
        pytest.fail(f"{command[0]} ended with status {done.returncode}: {done.stderr.decode(errors='replace')}")
    return bytes(done.stdout)
