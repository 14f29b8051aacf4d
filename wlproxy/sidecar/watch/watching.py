"""Recording and tracing from inside the relay: sessions that also write down what passes them.

Promises: nothing of this is imported or asked where neither can be wanted, and no message is looked at where neither is: it is the
sessions that are others, not the relay. A recording that cannot go on (full disk, --record-max) ends with a line of the audit log, and a
trace whose reader is slow loses lines and says how many; neither ever stops a guest. Trusts: the descriptors, which were opened before
the relay was confined, or came from the broker.

A tap is a recording or a trace that joins a relay at work. It has the connections that are opened after it: the state of one that is
under way cannot be told to whoever reads, and is not taken from the session that has it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from ...core.fds import Fd
from ...core.outcome import Outcome
from ...core.quotas import Limits, Usage
from ...core.session import Session
from ..relay.link import SessionLike
from . import recording
from .redaction import redacted
from .stepping import Step, Stepped, Watcher

NewSession = Callable[..., SessionLike]  # relay.py
MakeSessions = Callable[[bytes, Usage], tuple[NewSession, Limits]]

STEP: Final = 0x53  # records on the trace's pipe, framed as those of a recording
GAP: Final = 0x47
MOST_WAITING: Final = 1 << 20  # bytes of trace that the relay holds for a slow reader
LAST_SECONDS: Final = 0.3


class RecordFile:
    """A recording in the making, whose first `size` bytes are written. `over` takes the reason why it cannot go on."""

    def __init__(self, fd: int, most_bytes: int, size: int = 0) -> None:
        self._fd = fd
        self._most = most_bytes
        self._size = size
        self._began = monotonic()
        self.over: Callable[[str], None] = lambda reason: None

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

    def close(self) -> None:
        """No more is added."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def closed(self) -> bool:
        return self._fd < 0

    def _stop(self, why: str) -> None:
        self.close()
        self.over(why)


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
        if not self._file.closed:
            self._file.add(recording.READ, self.now, self._number, recording.read_body(side, data, fds))
        self._session.now = self.now
        return self._session.receive(side, data, fds)

    def end_of_stream(self, side: int) -> Outcome:
        self._file.add(recording.END, self.now, self._number, bytes((side,)))
        self._session.now = self.now
        return self._session.end_of_stream(side)

    def refuse(self, reason: str, rule: str) -> Outcome:
        return self._session.refuse(reason, rule)

    def tick(self, now: float, deaf: bool = False) -> Outcome:
        return self._session.tick(now, deaf)

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
        if not self._file.closed:
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
    """To the process that prints. Never blocks; what its reader had no room for goes with the next message, or at the end. `whole`: with
    the messages' content. `over` is called when the reader is gone."""

    def __init__(self, fd: int, whole: bool = True) -> None:
        self._fd = fd
        self._whole = whole
        self._began = monotonic()
        self._waiting = bytearray()
        self._lost = 0
        self.over: Callable[[str], None] = lambda reason: None
        os.set_blocking(fd, False)

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
        message = step.message if self._whole else redacted(step.message, step.rule)
        self._waiting += recording.record(STEP, at, connection, step_body(step, message))
        self._push()

    def last(self, epoll: select.epoll) -> None:
        """The relay ends: what still waits, as far as it is read within LAST_SECONDS. `epoll`: a confined process can make none."""
        until = monotonic() + LAST_SECONDS
        if self._waiting and self._fd >= 0:
            epoll.register(self._fd, select.EPOLLOUT)
        while self._waiting and self._fd >= 0 and (left := until - monotonic()) > 0:
            epoll.poll(left)
            self._push()

    def close(self) -> None:
        """No more is added."""
        self._waiting.clear()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _push(self) -> None:
        try:
            while self._waiting:
                del self._waiting[: os.write(self._fd, self._waiting)]
        except BlockingIOError:
            pass
        except OSError:  # whoever reads is gone
            self.close()
            self.over("nobody reads it any more")


def step_body(step: Step, message: bytes) -> bytes:
    """A step for the process that prints: JSON, a line's end, the message."""
    facts = [[fd.kind, fd.size] for fd in step.fds]
    fields = [step.side, step.interface, step.rule is not None, step.verdict, step.shape, step.origin, step.reason[:400], facts]
    return json.dumps(fields).encode() + b"\n" + message


class Tracing(Watcher):
    """Sends each message and its verdict to the process that prints."""

    def __init__(self, pipe: TracePipe, number: int) -> None:
        self._pipe = pipe
        self._number = number

    def after(self, step: Step) -> None:
        self._pipe.add(self._number, step)


class Tap:
    """One recording or one trace. `number` is the broker's, 0 for what was asked for at the start."""

    def __init__(self, number: int, file: RecordFile | None, redact: bool, pipe: TracePipe | None) -> None:
        self.number = number
        self.file = file
        self.redact = redact
        self.pipe = pipe

    def close(self) -> None:
        """Nothing more is written."""
        if self.file is not None:
            self.file.close()
        if self.pipe is not None:
            self.pipe.close()


class Watching:
    """The taps of one relay."""

    def __init__(self) -> None:
        self._taps: list[Tap] = []
        self._report: Callable[[dict[str, Any]], None] = lambda entry: None
        self._untapped: Callable[[int, str], None] = lambda number, reason: None

    def reports_to(self, report: Callable[[dict[str, Any]], None], untapped: Callable[[int, str], None]) -> None:
        """Where audit entries go, and that a tap is over."""
        self._report = report
        self._untapped = untapped

    def add(self, tap: Tap) -> None:
        """One more, for the connections to come."""
        if tap.file is not None:
            tap.file.over = lambda reason: self._over(tap, reason)
        if tap.pipe is not None:
            tap.pipe.over = lambda reason: self._over(tap, reason)
        self._taps = [*self._taps, tap]

    def tap(self, number: int, text: bytes, fd: int) -> None:
        """What the broker wants (channel.TAP with a descriptor, channel.UNTAP without a text). {"kind": "record", "redact", "most",
        "size": of what is written already} or {"kind": "trace", "payload"}."""
        if not text:
            for tap in self._taps:
                if tap.number == number:
                    tap.close()
                    self._over(tap, "")
            return
        if fd < 0:
            self._untapped(number, "the relay is out of descriptors")
            return
        how = json.loads(text)
        if how["kind"] == "record":
            self.add(Tap(number, RecordFile(fd, int(how["most"]), int(how["size"])), bool(how["redact"]), None))
        else:
            self.add(Tap(number, None, False, TracePipe(fd, bool(how["payload"]))))

    def around(self, make: MakeSessions) -> MakeSessions:
        """The same sessions; recordings have the policy that those to come are under."""

        def made(compiled: bytes, usage: Usage) -> tuple[NewSession, Limits]:
            told = make(compiled, usage)
            for tap in self._taps:
                if tap.file is not None:
                    tap.file.add(recording.POLICY, 0.0, 0, recording.policy_body(compiled))
            return told

        return made

    def watch(self, session: SessionLike, number: int) -> SessionLike:
        """The session of a new connection, under all taps there are."""
        taps = self._taps
        watchers: list[Watcher] = []
        for tap in taps:
            if tap.file is not None and tap.redact:
                watchers.append(Redacting(tap.file, number))
            if tap.pipe is not None:
                watchers.append(Tracing(tap.pipe, number))
        if watchers and isinstance(session, Session):
            session = Stepped(session, watchers)
        for tap in taps:
            if tap.file is not None and not tap.redact:
                session = Recorded(session, tap.file, number)
        return session

    def close(self, epoll: select.epoll) -> None:
        """The relay is about to end."""
        for tap in self._taps:
            if tap.pipe is not None:
                tap.pipe.last(epoll)

    def _over(self, tap: Tap, reason: str) -> None:
        if tap not in self._taps:
            return
        self._taps = [other for other in self._taps if other is not tap]
        if reason and tap.file is not None:
            self._report({"event": "recording", "state": "ended", "reason": f"the recording ends here: {reason}"})
        if tap.number:
            self._untapped(tap.number, reason)
