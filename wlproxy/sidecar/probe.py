"""What confinement is worth here: a child confines itself as the relay does, then tries what it must not be able to do.

Promises: the answer comes within SECONDS whatever the child does, and the child is gone then; nothing else is touched. Trusts: the kernel
to name the reason of a refusal.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from typing import Any, Final

from . import confine
from .confine import Step

SECONDS: Final = 5.0
REFUSALS: Final = ("EPERM", "EACCES")
WORKED: Final = "worked"
SYS_PTRACE: Final = {"x86_64": 101, "aarch64": 117}
PTRACE_TRACEME: Final = 0
SHELL: Final = "/bin/sh"
PROBES: Final = ("open", "socket", "connect", "ptrace", "execve")  # execve last: where it works there is nobody left to go on


class Found:
    """`steps` as `confine` reported them; `probes`: what each attempt gave, an error's name or "worked"; `why`: "" or why something of
    that is missing."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.probes: dict[str, str] = {}
        self.why = ""

    @property
    def possible(self) -> list[str]:
        """What was tried and not refused."""
        return [name for name, result in self.probes.items() if result not in REFUSALS]


def probe(guest: str, seconds: float = SECONDS) -> Found:
    """Forks, confines and tries. `guest`: whose user id it is done with, where we are root."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        with contextlib.suppress(BaseException):  # whatever happens, the child ends here
            child(writer, guest)
        os._exit(0)
    os.close(writer)
    found = Found()
    try:
        lines = read_until_end(reader, time.monotonic() + seconds)
    except TimeoutError as error:
        lines, found.why = error.args[1], f"the child said no more for {seconds:g} s"
    finally:
        os.close(reader)
        os.kill(pid, signal.SIGKILL)  # ours, and not waited for yet: the number is still its own
        _, status = os.waitpid(pid, 0)
    for line in lines:
        take(found, json.loads(line))
    if not found.why and not found.steps:
        found.why = f"the child could not confine itself (status {status})"
    elif not found.why and len(found.probes) == len(PROBES) - 1:
        found.probes[PROBES[-1]] = WORKED
    elif not found.why and len(found.probes) < len(PROBES):
        found.why = f"the child ended early (status {status})"
    return found


def take(found: Found, said: dict[str, Any]) -> None:
    """One line of the child's."""
    if "steps" in said:
        found.steps = [Step(*values) for values in said["steps"]]
    else:
        found.probes.update(said)


def read_until_end(reader: int, until: float) -> list[bytes]:
    """The whole lines. Raises TimeoutError with those that came."""
    data = b""
    while True:
        left = until - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            raise TimeoutError(errno.ETIMEDOUT, data.split(b"\n")[:-1])
        part = os.read(reader, 65536)
        if not part:
            return data.split(b"\n")[:-1]
        data += part


def child(writer: int, guest: str) -> None:
    """Confines this process and writes one JSON object a line: the steps, then each attempt."""
    listener, caller = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    listener.bind("")  # the kernel picks an abstract name (unix(7), autobind)
    listener.listen(1)
    address = listener.getsockname()
    attempts: dict[str, Callable[[], object]] = {
        "open": lambda: os.open("/", os.O_RDONLY | os.O_DIRECTORY),
        "socket": lambda: socket.socket(socket.AF_UNIX),
        "connect": lambda: caller.connect(address),
        "ptrace": lambda: confine.syscall(SYS_PTRACE[os.uname().machine], PTRACE_TRACEME, 0, 0, 0),
        "execve": lambda: os.execv(SHELL, [SHELL, "-c", ":"]),
    }
    uid = confine.uid_for(guest) if os.geteuid() == 0 else 0
    steps = confine.confine(confine.PREFER, uid)
    tell(writer, {"steps": [[step.name, step.done, step.why, step.unknown] for step in steps]})
    for name in PROBES:
        tell(writer, {name: outcome(attempts[name])})


def outcome(attempt: Callable[[], object]) -> str:
    """The name of the error that an attempt gives, or "worked"."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    except KeyError as error:
        return f"nothing is known of {error}"
    return WORKED


def tell(writer: int, said: dict[str, Any]) -> None:
    """One line."""
    os.write(writer, json.dumps(said).encode() + b"\n")
