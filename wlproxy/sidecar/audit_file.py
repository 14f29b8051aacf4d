"""Where audit lines go: a file, or standard output; and each guest's own way there.

Promises: adding a line never blocks, whatever the reader of a pipe does; what finds no room is counted for the guest whose it was, and
the count is a line of its own ("audit-gap") as soon as there is room; no guest takes the room of another. Trusts: the admin's path.
A regular file is always ready; for pipes poll(2) POLLOUT promises that PIPE_BUF bytes can be written (pipe(7)), so a line is written
only then and is never longer.
"""

from __future__ import annotations

import os
import select
import stat
import time
from typing import Any, Final

from ..core.outcome import ALL
from . import audit

QUEUE_LINES: Final = 1000  # of one guest
LINES_PER_SECOND: Final = 200  # from a relay, should it be taken over; it limits itself to less
LONGEST: Final = 4096


class AuditFile:
    """`path` "" writes nowhere, "-" to standard output."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1
        self._regular = False
        self._poll = select.poll()
        self._queue: list[tuple[bytes, AuditLog]] = []
        self._logs: list[AuditLog] = []
        # An id is a random number of this file's and a count: short enough to be typed, and another's after a restart.
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

    def log_of(self, guest: str) -> AuditLog:
        """One guest's way into the file."""
        log = AuditLog(self, guest)
        self._logs.append(log)
        return log

    def leave(self, log: AuditLog) -> None:
        """That guest is no more."""
        self.write()
        self._logs.remove(log)

    def next_id(self) -> str:
        """Of a line."""
        self._count += 1
        return f"{self._ids}-{audit.short(self._count)}"

    @property
    def used(self) -> bool:
        """Whether any guest writes here."""
        return bool(self._logs)

    @property
    def nowhere(self) -> bool:
        """Nothing is written at all."""
        return self._fd < 0

    @property
    def waits_on(self) -> int:
        """The descriptor that must become writable, -1 if none."""
        return self._fd if self._queue else -1

    def put(self, line: bytes, log: AuditLog) -> None:
        """Takes one line, to be written now or when there is room."""
        log.queued += 1
        self._queue.append((line, log))
        self.write()

    def write(self) -> None:
        """Writes what waits, as far as that does not block."""
        while self._queue:
            if not self._regular and not self._poll.poll(0):
                return
            line, log = self._queue[0]
            try:
                sent = os.write(self._fd, line)
            except BlockingIOError:
                return
            except OSError:  # full, or the reader is gone
                log.lost += 1
                sent = len(line)
            if sent < len(line):
                self._queue[0] = (line[sent:], log)
            else:
                log.queued -= 1
                del self._queue[0]
        for log in self._logs:
            if log.lost:
                self.report_loss(log)

    def report_loss(self, log: AuditLog) -> None:
        """Says how many lines of a guest's there was no room for, where there is room for that."""
        line = log.line({"event": "audit-gap", "count": log.lost, "reason": "the log took no more lines"})
        try:
            if (self._regular or self._poll.poll(0)) and os.write(self._fd, line) == len(line):
                log.lost = 0
        except OSError:
            pass  # still no room: the count stands

    def close(self) -> None:
        """Writes what still can be written."""
        self.write()
        if self._fd > 1:
            os.close(self._fd)
        self._fd = -1


class AuditLog:
    """The lines of one guest. `queued` of them wait, `lost` found no room."""

    def __init__(self, file: AuditFile, guest: str) -> None:
        self.file = file
        self.queued = 0
        self.lost = 0
        self.guest = guest
        self._policy: dict[str, str] = {}
        self._record = ALL
        self._second = 0
        self._this_second = 0

    def under(self, policy: dict[str, str], record: str = ALL) -> None:
        """The policy that lines name from now on, name and sha256, and how much it has recorded."""
        self._policy = policy
        self._record = record

    @property
    def policy_name(self) -> str:
        """The name of that policy."""
        return self._policy.get("name", "")

    def add(self, entry: dict[str, Any]) -> None:
        """Writes one entry, now or when there is room."""
        if self.file.nowhere or not audit.wanted(entry, self._record):
            return
        now = int(time.monotonic())
        if now != self._second:
            self._second = now
            self._this_second = 0
        self._this_second += 1
        if self._this_second > LINES_PER_SECOND or self.queued >= QUEUE_LINES:
            self.lost += 1
            return
        if self.lost and not self.queued:
            self.file.report_loss(self)
        line = self.line(entry)
        if len(line) > LONGEST:
            self.lost += 1
            return
        self.file.put(line, self)

    def line(self, entry: dict[str, Any]) -> bytes:
        """The finished line: version, time, guest and policy are ours to say."""
        ns = time.time_ns()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 1_000_000_000)) + f".{ns // 1000 % 1_000_000:06d}Z"
        return audit.line(entry, stamp, time.monotonic(), self.guest, self._policy, self.file.next_id())
