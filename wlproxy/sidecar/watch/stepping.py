"""A session fed one message at a time, so that somebody can look at each and at what was decided about it: trace, redaction, replay.

Promises: what comes out is what the session gives for the same bytes in one piece (any division of a stream gives the same decisions;
tests/core/test_properties.py), in the same order; nothing of it exists unless an admin asked to look. Trusts: the session.
"""

from __future__ import annotations

from typing import Final

from ...core.fds import Fd
from ...core.objects import Object
from ...core.outcome import GUEST, SHADOW, TAKEN_BACK, WOULD_DENY, Outcome, Record
from ...core.session import Session
from ...core.tables import MISSING, SWALLOW, MessageRule

HEADER_BYTES: Final = 8

ALLOWED: Final = "allowed"
REWRITTEN: Final = "rewritten"
DENIED: Final = "denied"  # with the shape: ignore, inert, disconnect
HIDDEN: Final = "hidden"  # not told, and no rule was asked: a global, an event of an object that the peer does not have
INERT: Final = "no object"  # to or about an object that exists for the guest alone
ENDED: Final = "ended"  # it broke the protocol: the connection is over


class Step:
    """One message and what became of it. `rule` None: there is no such message. `message`: its bytes."""

    def __init__(self, side: int, message: bytes, target: Object | None, rule: MessageRule | None, fds: list[Fd]) -> None:
        self.side = side
        self.message = message
        self.interface = "" if target is None else target.interface
        self.version = 0 if target is None else target.version
        self.ghost = target is not None and target.ghost
        self.object_id = int.from_bytes(message[:4], "little")
        self.opcode = int.from_bytes(message[4:6], "little")
        self.rule = rule
        self.fds = fds  # as they came, before the session took them
        self.verdict = ALLOWED
        self.shape = ""
        self.origin = ""
        self.reason = ""

    def decided(self, outcome: Outcome) -> None:
        """Fills in the verdict from what came of the message."""
        for record in outcome.audit:
            self._by_record(record)
        passed = outcome.to_host if self.side == GUEST else outcome.to_guest
        if outcome.farewell:
            if self.verdict != DENIED:
                self.verdict = ENDED
            self.reason = self.reason or outcome.farewell
        elif self.verdict == ALLOWED and (self.ghost or not passed):
            self.verdict = INERT if self.side == GUEST or self.ghost else HIDDEN

    def _by_record(self, record: Record) -> None:
        if record.event in ("host-error", TAKEN_BACK, SHADOW):  # nothing that the policy in force says of this message
            return
        self.origin = record.rule
        self.reason = record.reason
        if record.event == "rewritten":
            self.verdict = REWRITTEN
        elif record.event == "violation":
            self.verdict = ENDED
        elif record.event == WOULD_DENY:
            self.verdict, self.shape = WOULD_DENY, record.verdict
        elif record.verdict != "allow":
            self.verdict, self.shape = DENIED, record.verdict


class Cutter:
    """Cuts a side's reads into messages and hands out the descriptors that came with them."""

    def __init__(self) -> None:
        self.rest = b""

    def messages(self, data: bytes) -> list[bytes]:
        """The whole messages; `rest` is what is left. What cannot be a message is the last of them, with all that follows."""
        data = self.rest + data
        self.rest = b""
        found = []
        at = 0
        while len(data) - at >= HEADER_BYTES:
            size = int.from_bytes(data[at + 6 : at + 8], "little")
            if size < HEADER_BYTES or size & 3:
                found.append(data[at:])
                return found
            if len(data) - at < size:
                break
            found.append(data[at : at + size])
            at += size
        self.rest = data[at:]
        return found


def look(session: Session, side: int, message: bytes, fds: list[Fd]) -> Step:
    """The message as the session would see it now. `fds`: what waits on that side, of which it takes the first."""
    objects = session.connection.objects
    number = int.from_bytes(message[:4], "little")
    target = objects.of_guest(number) if side == GUEST else objects.of_host(number)
    rule: MessageRule | None = None
    if target is not None:
        rules = target.requests if side == GUEST else target.events
        opcode = int.from_bytes(message[4:6], "little")
        if opcode < len(rules) and rules[opcode].kind != MISSING:
            rule = rules[opcode]
    taken = int(rule.fds) if rule is not None and rule.kind != SWALLOW else 0
    return Step(side, message, target, rule, [Fd(-1, fd.kind, fd.access, fd.size, fd.seals) for fd in fds[:taken]])


class Sum:
    """What the outcomes of a read's messages come to. Each is added before the next message is judged: a list of an outcome that is empty
    may be the session's own still, and fill up with what belongs to the next."""

    def __init__(self) -> None:
        self.count = 0
        self._whole = Outcome([], [], [], [], "", False, [])

    def add(self, outcome: Outcome) -> None:
        self.count += 1
        whole = self._whole
        whole.to_guest = whole.to_guest + outcome.to_guest
        whole.to_host = whole.to_host + outcome.to_host
        whole.discarded = whole.discarded + outcome.discarded
        whole.audit = whole.audit + outcome.audit
        whole.transfers = whole.transfers + outcome.transfers
        whole.farewell = whole.farewell or outcome.farewell
        whole.cost += outcome.cost
        whole.alarm = outcome.alarm
        whole.stirs = whole.stirs or outcome.stirs

    def all(self, waiting: bool) -> Outcome:
        """`waiting`: whether a deadline runs now."""
        self._whole.waiting = waiting
        return self._whole


class Watcher:
    """Told of each message of one connection. `now`: monotonic seconds."""

    def before(self, step: Step) -> None:
        """The session is about to be given it."""

    def after(self, step: Step) -> None:
        """Its verdict is known."""

    def read_over(self, now: float, side: int, fds: list[Fd]) -> None:
        """All messages of a read have been seen; `fds` are the facts of what came with it."""

    def ended(self, now: float, side: int) -> None:
        """The side has closed its end."""

    def closed(self) -> None:
        """The connection is over."""


class Stepped:
    """The session under watchers, as the relay asks of it (link.SessionLike)."""

    def __init__(self, session: Session, watchers: list[Watcher]) -> None:
        self.session = session
        self.now = 0.0
        self._watchers = watchers
        self._cutters = (Cutter(), Cutter())
        self._pending: tuple[list[Fd], list[Fd]] = ([], [])  # facts of the descriptors that no message has claimed

    @property
    def waiting(self) -> bool:
        return self.session.waiting

    def receive(self, side: int, data: bytes, fds: list[Fd]) -> Outcome:
        """As Session.receive."""
        session = self.session
        session.now = self.now
        facts = [Fd(-1, fd.kind, fd.access, fd.size, fd.seals) for fd in fds]
        self._pending[side].extend(facts)
        cutter = self._cutters[side]
        begun = len(cutter.rest)  # of the first message the session has so much already
        outcomes = Sum()
        try:
            for message in cutter.messages(data):
                if session.over:
                    break
                step = look(session, side, message, self._pending[side])
                del self._pending[side][: len(step.fds)]
                for watcher in self._watchers:
                    watcher.before(step)
                outcome = session.receive(side, message[begun:], fds)
                fds, begun = [], 0
                outcomes.add(outcome)
                step.decided(outcome)
                for watcher in self._watchers:
                    watcher.after(step)
            if len(cutter.rest) > begun or fds or not outcomes.count:
                outcomes.add(session.receive(side, cutter.rest[begun:], fds))
        finally:
            for watcher in self._watchers:
                watcher.read_over(self.now, side, facts)
        return outcomes.all(session.waiting)

    def end_of_stream(self, side: int) -> Outcome:
        for watcher in self._watchers:
            watcher.ended(self.now, side)
        return self.session.end_of_stream(side)

    def refuse(self, reason: str, rule: str) -> Outcome:
        return self.session.refuse(reason, rule)

    def tick(self, now: float, deaf: bool = False) -> Outcome:
        return self.session.tick(now, deaf)

    def messages(self, side: int) -> int:
        return self.session.messages(side)

    def close(self) -> list[Fd]:
        for watcher in self._watchers:
            watcher.closed()
        return self.session.close()
