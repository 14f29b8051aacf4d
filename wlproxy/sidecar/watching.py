"""Recording and tracing from inside the relay: sessions that also write down what passes them.

Promises: nothing of this is imported or asked where neither is wanted: it is the sessions that are others, not the relay. A recording
that cannot go on (full disk, --record-max) ends with a line of the audit log, and a trace whose reader is slow loses lines and says how
many; neither ever stops a guest. Trusts: the descriptors that were opened before the relay was confined.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from ..core.fds import Fd
from ..core.outcome import Outcome
from ..core.quotas import Limits, Usage
from ..core.session import Session
from . import recording
from .link import SessionLike
from .redaction import redacted
from .stepping import Step, Stepped, Watcher

NewSession = Callable[..., SessionLike]  # relay.py
MakeSessions = Callable[[bytes, Usage], tuple[NewSession, Limits]]

STEP: Final = 0x53  # records on the trace's pipe, framed as those of a recording
GAP: Final = 0x47
MOST_WAITING: Final = 1 << 20  # bytes of trace that the relay holds for a slow reader
LAST_SECONDS: Final = 0.3


class RecordFile:
    """A recording in the making. `report` takes an audit entry."""

    def __init__(self, fd: int, most_bytes: int) -> None:
        self._fd = fd
        self._most = most_bytes
        self._size = 0
        self._began = monotonic()
        self.report: Callable[[dict[str, Any]], None] = lambda entry: None

    def begin(self, header: recording.Header) -> None:
        """The header. Raises OSError."""
        data = recording.beginning() + recording.record(recording.HEADER, 0.0, 0, recording.header_body(header))
        if os.write(self._fd, data) < len(data):
            raise OSError(28, os.strerror(28))
        self._size = len(data)

    def add(self, kind: int, now: float, connection: int, body: bytes = b"") -> None:
        """One record, at once: a crash loses nothing that was added. `now` 0: now."""
        if self._fd < 0:
            return
        data = recording.record(kind, (now or monotonic()) - self._began, connection, body)
        if self._size + len(data) > self._most:
            self._stop(f"it has reached --record-max, {self._most} bytes")
            return
        done = 0
        try:
            while done < len(data):
                done += os.write(self._fd, data[done:])
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
            self._stop(error.strerror or str(error))
            return
        self._size += len(data)

    def _stop(self, why: str) -> None:
        os.close(self._fd)
        self._fd = -1
        self.report({"event": "recording", "state": "ended", "reason": f"the recording ends here: {why}"})


class Recorded:
    """A session whose reads are written down as they come, before anything looks at them."""

    def __init__(self, session: SessionLike, file: RecordFile, number: int) -> None:
        self._session = session
        self._file = file
        self._number = number
        self.now = 0.0
        file.add(recording.OPEN, 0.0, number)

    @property
    def waiting(self) -> bool:
        return self._session.waiting

    def receive(self, side: int, data: bytes, fds: list[Fd]) -> Outcome:
        self._file.add(recording.READ, self.now, self._number, recording.read_body(side, data, fds))
        self._session.now = self.now
        return self._session.receive(side, data, fds)

    def end_of_stream(self, side: int) -> Outcome:
        self._file.add(recording.END, self.now, self._number, bytes((side,)))
        self._session.now = self.now
        return self._session.end_of_stream(side)

    def refuse(self, reason: str, rule: str) -> Outcome:
        return self._session.refuse(reason, rule)

    def tick(self, now: float) -> Outcome:
        return self._session.tick(now)

    def messages(self, side: int) -> int:
        return self._session.messages(side)

    def close(self) -> list[Fd]:
        self._file.add(recording.CLOSE, 0.0, self._number)
        return self._session.close()


class Redacting(Watcher):
    """Writes down reads without their content: whole messages only, because only of these it is known what is content."""

    def __init__(self, file: RecordFile, number: int) -> None:
        self._file = file
        self._number = number
        self._parts: list[bytes] = []
        file.add(recording.OPEN, 0.0, number)

    def before(self, step: Step) -> None:
        self._parts.append(redacted(step.message, step.rule))

    def read_over(self, now: float, side: int, fds: list[Fd]) -> None:
        if self._parts or fds:
            self._file.add(recording.READ, now, self._number, recording.read_body(side, b"".join(self._parts), fds))
        self._parts = []

    def ended(self, now: float, side: int) -> None:
        self._file.add(recording.END, now, self._number, bytes((side,)))

    def closed(self) -> None:
        self._file.add(recording.CLOSE, 0.0, self._number)


class TracePipe:
    """To the process that prints. Never blocks; what its reader had no room for goes with the next message, or at the end."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._began = monotonic()
        self._waiting = bytearray()
        self._lost = 0
        os.set_blocking(fd, False)
        self._room = select.epoll()  # made before confinement
        self._room.register(fd, select.EPOLLOUT)

    def add(self, connection: int, step: Step) -> None:
        """One message."""
        if self._fd < 0:
            return
        if len(self._waiting) > MOST_WAITING:
            self._push()
            if len(self._waiting) > MOST_WAITING:
                self._lost += 1
                return
        at = monotonic() - self._began
        if self._lost:
            self._waiting += recording.record(GAP, at, 0, json.dumps(self._lost).encode())
            self._lost = 0
        self._waiting += recording.record(STEP, at, connection, step_body(step))
        self._push()

    def close(self) -> None:
        """What still waits, as far as it is read within LAST_SECONDS."""
        until = monotonic() + LAST_SECONDS
        while self._waiting and self._fd >= 0 and (left := until - monotonic()) > 0:
            self._room.poll(left)
            self._push()

    def _push(self) -> None:
        try:
            while self._waiting:
                del self._waiting[: os.write(self._fd, self._waiting)]
        except BlockingIOError:
            pass
        except OSError:  # whoever reads is gone
            self._room.close()
            os.close(self._fd)
            self._fd = -1


def step_body(step: Step) -> bytes:
    """A step for the process that prints: JSON, a line's end, the message."""
    facts = [[fd.kind, fd.size] for fd in step.fds]
    fields = [step.side, step.interface, step.rule is not None, step.verdict, step.shape, step.origin, step.reason[:400], facts]
    return json.dumps(fields).encode() + b"\n" + step.message


class Tracing(Watcher):
    """Sends each message and its verdict to the process that prints."""

    def __init__(self, pipe: TracePipe, number: int) -> None:
        self._pipe = pipe
        self._number = number

    def after(self, step: Step) -> None:
        self._pipe.add(self._number, step)


class Watching:
    """What one sidecar was asked to write down: a recording, a trace, or both. Connections are numbered as they open, from 1."""

    def __init__(self, file: RecordFile | None, redact: bool, pipe: TracePipe | None) -> None:
        self._file = file
        self._redact = redact
        self._pipe = pipe
        self._count = 0

    def around(self, make: MakeSessions) -> MakeSessions:
        """The same sessions, watched."""

        def made(compiled: bytes, usage: Usage) -> tuple[NewSession, Limits]:
            new_session, limits = make(compiled, usage)
            if self._file is not None:
                self._file.add(recording.POLICY, 0.0, 0, recording.policy_body(compiled))
            return lambda *given: self._watched(new_session(*given)), limits

        return made

    def reports_to(self, report: Callable[[dict[str, Any]], None]) -> None:
        """Where audit entries go."""
        if self._file is not None:
            self._file.report = report

    def close(self) -> None:
        """The relay is about to end."""
        if self._pipe is not None:
            self._pipe.close()

    def _watched(self, session: SessionLike) -> SessionLike:
        self._count += 1
        watchers: list[Watcher] = []
        if self._file is not None and self._redact:
            watchers.append(Redacting(self._file, self._count))
        if self._pipe is not None:
            watchers.append(Tracing(self._pipe, self._count))
        if watchers and isinstance(session, Session):
            session = Stepped(session, watchers)
        if self._file is not None and not self._redact:
            session = Recorded(session, self._file, self._count)
        return session
