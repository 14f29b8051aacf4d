"""One guest connection: bytes and descriptors of either side in, decisions out.

Promises: `receive` never raises for what a peer sends; a message that no rule allows is not forwarded; messages judged good
before a bad one in the same read are still delivered; each descriptor handed in comes out exactly once, in a parcel,
in `discarded`, or from `close`. Trusts: the tables (compiled policy), the handlers attached to them, and the transport's word
on which descriptors came with which bytes.

One loop serves both directions: requests and events differ by table only. What needs no change leaves as the slice of the
read it came in (runs, not messages); see tables.py for the kinds of message and what each costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from . import wire
from .connection import NOTHING, Connection, enforcing
from .errors import PolicyViolation, ProtocolViolation
from .fds import Fd, Files
from .judge import Judge, no_message, no_object
from .objects import LIVE, Object
from .outcome import GUEST, HOST, Outcome, Parcel, Record
from .quotas import Limits, Usage
from .tables import CREATE, DELETE_ID, DESTROY, DISCONNECT, IGNORE, PLAIN, REFER, TRACK, MessageRule, Tables
from .wire import DISPLAY_ID, HEADER_BYTES, IMPLEMENTATION, INVALID_METHOD, SERVER_IDS, read_i32_le

__all__ = ["GUEST", "HOST", "Outcome", "Parcel", "Record", "Session"]

SIDE_NAMES: Final = ("guest", "host")
ZERO_WORD: Final = bytes(4)
SURPLUS: Final = "built-in: unclaimed descriptors"
SURPLUS_AFTER_BYTES: Final = 256 << 10  # a descriptor may run ahead of its message by one full socket buffer, not more


class Stream:
    """What has come from one side and is not used up yet."""

    def __init__(self) -> None:
        self.rest = b""
        self.fds: list[Fd] = []
        self.ahead: i64 = 0  # bytes of whole messages since the oldest unclaimed descriptor came
        self.messages: i64 = 0
        self.waits_since = -1.0  # tick time since when `rest` or `fds` wait for more


class Session:
    """One guest connection and its connection to the compositor. Not thread-safe; no call blocks."""

    def __init__(
        self,
        tables: Tables,
        limits: Limits,
        files: Files | None = None,
        usage: Usage | None = None,
        hidden: frozenset[str] = NOTHING,
        complaining: Callable[[], bool] = enforcing,
    ) -> None:
        self._limits = limits
        self._connection = Connection(tables, limits, files or Files(), usage or Usage(), hidden, complaining)
        self._judge = Judge(self._connection)
        self._streams = [Stream(), Stream()]
        self._farewell = ""
        self.over = False

    @property
    def connection(self) -> Connection:
        """The state that handlers share; for tests and tools to look at."""
        return self._connection

    @property
    def now(self) -> float:
        """Seconds of a monotonic clock; the transport sets it before `receive`."""
        return self._connection.now

    @now.setter
    def now(self, value: float) -> None:
        self._connection.now = value

    def receive(self, side: int, data: bytes, fds: list[Fd]) -> Outcome:
        """Judges what one read brought. Takes ownership of `fds`."""
        if self.over:
            return Outcome([], [], fds, [], "")
        stream = self._streams[side]
        if fds:
            if not stream.fds:
                stream.ahead = 0
            stream.fds.extend(fds)
        if stream.rest:
            data = stream.rest + data
            stream.rest = b""
        connection = self._connection
        before: i64 = stream.messages + connection.weight
        self._walk(side, data, stream)
        if stream.fds and not self.over and len(stream.fds) > self._limits.unclaimed_fds:
            self._end(side, f"{len(stream.fds)} descriptors that no message claims", SURPLUS)
        outcome = self._outcome()
        if side == GUEST:
            outcome.cost = stream.messages + connection.weight - before
        return outcome

    def refuse(self, reason: str, rule: str) -> Outcome:
        """Ends the session for what the guest's transport found wrong with it; nothing if it is over already."""
        if not self.over:
            self._end(GUEST, reason, rule)
        return self._outcome()

    def end_of_stream(self, side: int) -> Outcome:
        """The side has closed its end. What it left unfinished is dropped; the other side is not closed by this."""
        stream = self._streams[side]
        if stream.rest and not self.over:
            reason = f"closed in the middle of a message, {len(stream.rest)} bytes into it"
            self._connection.audit.append(Record("violation", side, "", 0, "", reason, IGNORE, "built-in: truncated message"))
        stream.rest = b""
        self._connection.discarded.extend(stream.fds)
        stream.fds = []
        return self._outcome()

    def tick(self, now: float, deaf: bool = False) -> Outcome:
        """Deadlines; `now` in seconds of any monotonic clock. A message begun must end, a descriptor must be claimed, what is lent for a
        time is taken back. `deaf`: until the next tick what the compositor says is not read, because the guest reads nothing."""
        if not self.over:
            connection = self._connection
            connection.deaf = deaf
            if connection.loans:
                connection.now = now
                connection.settle()
            for side in (GUEST, HOST):
                stream = self._streams[side]
                if not stream.rest and not stream.fds:
                    stream.waits_since = -1.0
                elif stream.waits_since < 0:
                    stream.waits_since = now
                elif now - stream.waits_since > self._limits.stall_seconds:
                    what = "a message begun" if stream.rest else "a descriptor sent"
                    self._end(side, f"{what} {self._limits.stall_seconds:g} s ago is still unfinished", "built-in: stalled message")
                    break
        return self._outcome()

    @property
    def waiting(self) -> bool:
        """Whether a deadline runs, so that `tick` must be called."""
        guest = self._streams[GUEST]
        host = self._streams[HOST]
        return bool(guest.rest or guest.fds or host.rest or host.fds)

    def messages(self, side: int) -> int:
        """How many whole messages have come from that side."""
        return int(self._streams[side].messages)

    def close(self) -> list[Fd]:
        """Ends the session and hands back every descriptor it still holds, also after an exception of our own."""
        self.over = True
        held = self._connection.abandon() + self._judge.passing
        self._judge.passing = []
        for stream in self._streams:
            held.extend(stream.fds)
            stream.fds = []
        return held

    def _walk(self, side: int, data: bytes, stream: Stream) -> None:
        """Each whole message of what was read. One long function: bench/parse.py has 2 per cent more for a message of a frame and its
        replies with what creates and destroys in functions of their own, 5 for a request with what refers as well."""
        connection = self._connection
        objects = connection.objects
        client = objects.client
        outbox = connection.to_host if side == GUEST else connection.to_guest
        judge = self._judge
        from_guest = side == GUEST
        most: i64 = self._limits.message_bytes
        start: i64 = 0  # of the run of messages that pass as they are
        off: i64 = 0
        n: i64 = len(data)
        count: i64 = 0
        target: Object | None = None
        rule: MessageRule | None = None
        bad: Violation | None = None
        try:
            while n - off >= 8:
                target = None
                rule = None
                oid: i64 = i64(read_i32_le(data, off)) & 0xFFFFFFFF
                head: i64 = i64(read_i32_le(data, off + 4)) & 0xFFFFFFFF
                size: i64 = head >> 16
                if size < 8 or size & 3:
                    raise ProtocolViolation(DISPLAY_ID, INVALID_METHOD, f"size {size} is not a multiple of 4 from 8 up")
                if from_guest and size > most:  # before anything else, so that a message in two reads is judged as in one
                    raise judge.too_long(size)
                if n - off < size:
                    break
                if oid < len(client):
                    target = client[oid]
                else:
                    target = objects.of_guest(oid) if from_guest else objects.of_host(oid)
                if target is None:
                    raise no_object(oid)
                rules = target.requests if from_guest else target.events
                opcode: i64 = head & 0xFFFF
                if opcode >= len(rules):
                    raise no_message(side, target, opcode)
                rule = rules[opcode]
                if rule.size != size and rule.size != 0:
                    raise ProtocolViolation(DISPLAY_ID, INVALID_METHOD, f"{size} bytes long, must be {rule.size}")
                kind: i64 = rule.kind
                passes = False
                if rule.numeric and not within(rule, data, off):
                    pass  # the judge says what is wrong
                elif kind == PLAIN:
                    passes = True
                elif kind == REFER:
                    arg: i64 = i64(read_i32_le(data, off + rule.object_at)) & 0xFFFFFFFF
                    if arg == 0:
                        passes = rule.may_be_null
                    elif arg < len(client):
                        referred = client[arg]
                        if referred is not None and not referred.ghost:
                            passes = (not from_guest or referred.stage == LIVE) and (
                                rule.refers_to == "" or referred.table.family.name == rule.refers_to
                            )
                    if passes and rule.tracked:
                        note = target.note
                        passes = note is None or note.look(opcode, data, off + HEADER_BYTES)
                elif kind == CREATE:
                    child = rule.child
                    note = target.note if rule.tracked else None
                    if from_guest and child is not None and (note is None or note.look(opcode, data, off + HEADER_BYTES)):
                        created: i64 = i64(read_i32_le(data, off + rule.object_at)) & 0xFFFFFFFF
                        objects.check_new(created, child)
                        made = objects.create(created, child.table(target.table.version))
                        made.masked = rule.masked
                        if child.new_note is not None:
                            made.note = child.new_note(connection, made)
                        passes = True
                elif kind == DESTROY:
                    if not from_guest:
                        objects.ended_by_host(target)
                        passes = True
                        if target.masked and size == 12 and i64(read_i32_le(data, off + 8)):
                            outbox.add(data[start : off + 8])
                            outbox.add(ZERO_WORD)
                            off += size
                            start = off
                            count += 1
                            continue
                    elif oid < SERVER_IDS:
                        note = target.note
                        if note is not None:
                            note.ending()
                        objects.destroyed_by_guest(target)
                        if connection.loans:  # it may have been what one depends on
                            off += size
                            count += 1
                            outbox.add(data[start:off])
                            start = off
                            connection.settle()
                            continue
                        passes = True
                elif kind == TRACK:
                    note = target.note
                    passes = note is None or note.look(opcode, data, off + HEADER_BYTES)
                elif kind == DELETE_ID:  # of a loan that was taken back it does not pass, and the loan is asked again below
                    passes = objects.deleted_by_host(i64(read_i32_le(data, off + 8)) & 0xFFFFFFFF)
                if passes and target.guest_id == target.host_id:
                    off += size
                    count += 1
                    continue

                # The message may change, go missing or bring descriptors: what came before it leaves first.
                if start < off:
                    outbox.add(data[start:off])
                    start = off
                replaced = True
                if passes:
                    judge.replacement = readdressed(side, target, data[off : off + size])
                elif kind != DELETE_ID:
                    replaced = judge.judge(side, target, rule, data, off, size, stream.fds)
                    passing = judge.passing
                    if rule.fds:
                        stream.ahead = 0
                    if passing:
                        if not outbox.room_for(len(passing)):
                            outbox.cut()
                        outbox.add_fds(passing)
                        judge.passing = []
                off += size
                count += 1
                if replaced:
                    start = off
                    if judge.replacement:
                        outbox.add(judge.replacement)
                        judge.replacement = b""
                if connection.loans:
                    if start < off:
                        outbox.add(data[start:off])
                        start = off
                    connection.settle()
        # two names, because mypyc gives a name one type in the whole function and the second clause would raise TypeError
        except ProtocolViolation as broken:
            bad = Violation(broken.object_id, broken.code, broken.reason, "built-in: protocol", "violation")
        except PolicyViolation as refused:
            bad = Violation(refused.object_id, refused.code, refused.reason, refused.origin, "refused")
        if start < off:
            outbox.add(data if start == 0 and off == n else data[start:off])
        stream.messages += count
        if bad is not None:
            self._refuse(side, target, rule, bad)
            return
        if off < n:
            stream.rest = data[off:]
        if count:
            stream.waits_since = -1.0
            if stream.fds:
                stream.ahead += off
                if stream.ahead > SURPLUS_AFTER_BYTES:
                    self._end(side, "a descriptor that no message claims", SURPLUS)

    def _refuse(self, side: int, target: Object | None, rule: MessageRule | None, bad: Violation) -> None:
        """Ends the session because of one message, and tells the guest which and why."""
        self._judge.discard_descriptors()
        interface = "" if target is None else target.interface
        object_id = 0 if target is None else target.guest_id
        name = "" if rule is None else rule.name
        said = "" if rule is None or rule.quoted < 0 else self._judge.said
        self._connection.audit.append(Record(bad.event, side, interface, object_id, name, bad.reason, DISCONNECT, bad.origin, said))
        what = f"{interface}#{object_id}.{name}: " if name else f"{interface}#{object_id}: " if interface else ""
        self._say_goodbye(side, bad.object_id, bad.code, what + bad.reason)

    def _end(self, side: int, reason: str, rule: str) -> None:
        """Ends the session for something that is no single message's fault."""
        self._connection.audit.append(Record("violation", side, "", 0, "", reason, DISCONNECT, rule))
        self._say_goodbye(side, DISPLAY_ID, IMPLEMENTATION, reason)

    def _say_goodbye(self, side: int, object_id: int, code: int, reason: str) -> None:
        self.over = True
        self._farewell = f"{SIDE_NAMES[side]}: {reason}"
        self._connection.to_guest.add(wire.display_error(object_id, code, f"wlproxy: {reason}"))

    def _outcome(self) -> Outcome:
        collected = self._connection
        outcome = Outcome(
            collected.to_guest.parcels(),
            collected.to_host.parcels(),
            collected.discarded,
            collected.audit,
            self._farewell,
            self.waiting,
            collected.transfers,
            0,
            collected.due,
            collected.stirs,
        )
        if outcome.stirs:
            collected.stirs = False
        if outcome.transfers:
            collected.transfers = []
        if outcome.discarded:
            collected.discarded = []
        if outcome.audit:
            collected.audit = []
        self._farewell = ""
        return outcome


class Violation:
    """What `_refuse` needs of an exception."""

    def __init__(self, object_id: int, code: int, reason: str, origin: str, event: str) -> None:
        self.object_id = object_id
        self.code = code
        self.reason = reason
        self.origin = origin
        self.event = event


def within(rule: MessageRule, data: bytes, offset: i64) -> bool:
    """Whether the message's numbers pass the policy's checks."""
    for check in rule.checks:
        number: i64 = i64(read_i32_le(data, offset + check.word_at))
        if not check.signed:
            number &= 0xFFFFFFFF
        if not check.accepts(number):
            return False
    return True


def readdressed(side: int, target: Object, message: bytes) -> bytes:
    """The same message to the same object as the other side knows it."""
    address = target.host_id if side == GUEST else target.guest_id
    return address.to_bytes(4, "little") + message[4:]
