"""Where audit lines go: a file, or standard output.

Promises: adding a line never blocks, whatever the reader of a pipe does; what finds no room is counted, and the count is a line of
its own ("audit-gap") as soon as there is room. Trusts: the admin's path. A regular file is always ready; for pipes poll(2)
POLLOUT promises that PIPE_BUF bytes can be written (pipe(7)), so a line is written only then and is never longer.
"""

from __future__ import annotations

import os
import select
import stat
import time
from typing import Any, Final

from . import audit

QUEUE_LINES: Final = 1000
LINES_PER_SECOND: Final = 200  # from the relay, should it be taken over; it limits itself to less
LONGEST: Final = 4096


class AuditFile:
    """`path` "" writes nowhere, "-" to standard output."""

    def __init__(self, path: str, guest: str) -> None:
        self._path = path
        self._guest = guest
        self._policy: dict[str, str] = {}
        self._fd = -1
        self._regular = False
        self._poll = select.poll()
        self._queue: list[bytes] = []
        self._lost = 0
        self._second = 0
        self._this_second = 0
        # An id is a random number of this log's and a count: short enough to be typed, and another's after a restart.
        self._ids = audit.short(int.from_bytes(os.urandom(4), "little"))
        self._count = 0
        self.open()

    def open(self) -> None:
        """Opens the file, again where a log rotation has moved it away. Raises OSError."""
        if self._path in ("", "-"):
            fd = 1 if self._path else -1
        else:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
            fd = os.open(self._path, flags, 0o600)
        if self._fd > 1:
            os.close(self._fd)
        self._fd = fd
        if fd >= 0:
            self._poll = select.poll()
            self._poll.register(fd, select.POLLOUT)
            self._regular = stat.S_ISREG(os.fstat(fd).st_mode)

    def under(self, policy: dict[str, str]) -> None:
        """The policy that lines name from now on: name and sha256."""
        self._policy = policy

    @property
    def policy_name(self) -> str:
        """The name of that policy."""
        return self._policy.get("name", "")

    @property
    def waits_on(self) -> int:
        """The descriptor that must become writable, -1 if none."""
        return self._fd if self._queue else -1

    def add(self, entry: dict[str, Any]) -> None:
        """Writes one entry, now or when there is room."""
        if self._fd < 0:
            return
        now = int(time.monotonic())
        if now != self._second:
            self._second = now
            self._this_second = 0
        self._this_second += 1
        if self._this_second > LINES_PER_SECOND or len(self._queue) >= QUEUE_LINES:
            self._lost += 1
            return
        if self._lost and not self._queue:
            self._report_loss()
        line = self._line(entry)
        if len(line) > LONGEST:
            self._lost += 1
            return
        self._queue.append(line)
        self.write()

    def write(self) -> None:
        """Writes what waits, as far as that does not block."""
        while self._queue:
            if not self._regular and not self._poll.poll(0):
                return
            line = self._queue[0]
            try:
                sent = os.write(self._fd, line)
            except BlockingIOError:
                return
            except OSError:  # full, or the reader is gone
                self._lost += 1
                del self._queue[0]
                continue
            if sent < len(line):
                self._queue[0] = line[sent:]
            else:
                del self._queue[0]
        if self._lost:
            self._report_loss()

    def close(self) -> None:
        """Writes what still can be written."""
        self.write()
        if self._fd > 1:
            os.close(self._fd)
        self._fd = -1

    def _line(self, entry: dict[str, Any]) -> bytes:
        ns = time.time_ns()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 1_000_000_000)) + f".{ns // 1000 % 1_000_000:06d}Z"
        self._count += 1
        return audit.line(entry, stamp, time.monotonic(), self._guest, self._policy, f"{self._ids}-{audit.short(self._count)}")

    def _report_loss(self) -> None:
        line = self._line({"event": "audit-gap", "count": self._lost, "reason": "the log took no more lines"})
        try:
            if (self._regular or self._poll.poll(0)) and os.write(self._fd, line) == len(line):
                self._lost = 0
        except OSError:
            pass  # still no room: the count stands
