"""One guest connection: bytes and descriptors of either side in, decisions out.

Promises: `receive` never raises for what a peer sends; a message that no rule allows is not forwarded; messages judged good
before a bad one in the same read are still delivered; each descriptor handed in comes out exactly once, in a parcel,
in `discarded`, or from `close`. Trusts: the tables (compiled policy), the handlers attached to them, and the transport's word
on which descriptors came with which bytes.

One loop serves both directions: requests and events differ by table only. What needs no change leaves as the slice of the
read it came in (runs, not messages); see tables.py for the kinds of message and what each costs.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from . import wire
from .errors import PolicyViolation, ProtocolViolation
from .fds import Fd, Files
from .objects import ENDED, LIVE, MUTED, Object, ObjectTable
from .outcome import Outbox, Outcome, Parcel, Record
from .quotas import Limits
from .serials import CONFIGURE, Serials
from .tables import (
    ALLOW,
    CREATE,
    DELETE_ID,
    DESTROY,
    DISCONNECT,
    DROP,
    FORWARD,
    GHOST,
    IGNORE,
    INERT,
    MAKE_INERT,
    MISSING,
    PLAIN,
    REFER,
    SWALLOW,
    TRACK,
    Family,
    MessageRule,
    Tables,
)
from .tables import MUTED as MUTED_KIND
from .wire import DISPLAY_ID, HEADER_BYTES, IMPLEMENTATION, INVALID_METHOD, INVALID_OBJECT, SERVER_IDS, read_i32_le

__all__ = ["GUEST", "HOST", "Fd", "Message", "Outcome", "Parcel", "Record", "Session"]

GUEST: Final = 0
HOST: Final = 1
SIDE_NAMES: Final = ("guest", "host")

ZERO_WORD: Final = bytes(4)
STALE: Final = "built-in: serial"
SURPLUS: Final = "built-in: unclaimed descriptors"
SURPLUS_AFTER_BYTES: Final = 256 << 10  # a descriptor may run ahead of its message by one full socket buffer, not more


class Message:
    """A decoded message on its way through a handler, which may change `args` (setting `changed`), `child_family` and
    `child_version` (wl_registry.bind), `destroys` (wl_fixes), `descriptors`, or raise."""

    def __init__(self, side: int, target: Object, rule: MessageRule, args: list[object], descriptors: list[Fd]) -> None:
        self.side = side
        self.target = target
        self.rule = rule
        self.args = args
        self.descriptors = descriptors
        self.changed = False
        self.child_family: Family | None = rule.child
        self.child_version = target.table.version
        self.destroys: Object | None = None
        self.created: Object | None = None
        self.host_serial = -1
        self.stale = False  # its serial is not the guest's to use (now)
        self.origin = rule.origin

    def number(self, index: int) -> int:
        """An argument that the signature says is a number or an id."""
        value = self.args[index]
        if not isinstance(value, int):
            raise TypeError(f"{self.rule.interface}.{self.rule.name} argument {index} is not a number")
        return value

    def text(self, index: int) -> str:
        """An argument that the signature says is a string; null is "" here."""
        value = self.args[index]
        return value if isinstance(value, str) else ""


class Stream:
    """What has come from one side and is not used up yet."""

    def __init__(self) -> None:
        self.rest = b""
        self.fds: list[Fd] = []
        self.ahead: i64 = 0  # bytes of whole messages since the oldest unclaimed descriptor came
        self.messages = 0
        self.waits_since = -1.0  # tick time since when `rest` or `fds` wait for more


class Session:
    """One guest connection and its connection to the compositor. Not thread-safe; no call blocks."""

    def __init__(self, tables: Tables, limits: Limits, files: Files | None = None) -> None:
        self.tables = tables
        self.limits = limits
        self.files = Files() if files is None else files
        self.objects = ObjectTable(tables.family("wl_display").table(1), limits.objects)
        self.over = False
        self.now = 0.0  # seconds of a monotonic clock; the transport sets it before `receive`
        self.serials = Serials()
        self.shared: dict[str, object] = {}  # what handlers remember of the connection as a whole, by handler
        self._streams = [Stream(), Stream()]
        self._to_guest = Outbox(limits.fds_per_parcel)
        self._to_host = Outbox(limits.fds_per_parcel)
        self._discarded: list[Fd] = []
        self._audit: list[Record] = []
        self._farewell = ""
        self._replacement = b""
        self._kept: dict[int, Fd] = {}  # by number: descriptors that a handler holds for an object
        self._passing: list[Fd] = []  # descriptors of the message being judged

    # -- what the transport calls

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
        self._walk(side, data, stream)
        if stream.fds and not self.over and len(stream.fds) > self.limits.unclaimed_fds:
            self._end(side, f"{len(stream.fds)} descriptors that no message claims", SURPLUS)
        return self._outcome()

    def end_of_stream(self, side: int) -> Outcome:
        """The side has closed its end. What it left unfinished is dropped; the other side is not closed by this."""
        stream = self._streams[side]
        if stream.rest and not self.over:
            reason = f"closed in the middle of a message, {len(stream.rest)} bytes into it"
            self._audit.append(Record("violation", side, "", 0, "", reason, IGNORE, "built-in: truncated message"))
        stream.rest = b""
        self._discarded.extend(stream.fds)
        stream.fds = []
        return self._outcome()

    def tick(self, now: float) -> Outcome:
        """Deadlines; `now` in seconds of any monotonic clock. A message begun must end, a descriptor must be claimed."""
        if not self.over:
            for side in (GUEST, HOST):
                stream = self._streams[side]
                if not stream.rest and not stream.fds:
                    stream.waits_since = -1.0
                elif stream.waits_since < 0:
                    stream.waits_since = now
                elif now - stream.waits_since > self.limits.stall_seconds:
                    what = "a message begun" if stream.rest else "a descriptor sent"
                    self._end(side, f"{what} {self.limits.stall_seconds:g} s ago is still unfinished", "built-in: stalled message")
                    break
        return self._outcome()

    @property
    def waiting(self) -> bool:
        """Whether a deadline runs, so that `tick` must be called."""
        return any(s.rest or s.fds for s in self._streams)

    def messages(self, side: int) -> int:
        """How many whole messages have come from that side."""
        return self._streams[side].messages

    def close(self) -> list[Fd]:
        """Ends the session and hands back every descriptor it still holds, also after an exception of our own."""
        self.over = True
        held = self._discarded + self._passing + self._to_guest.abandon() + self._to_host.abandon()
        held.extend(self._kept.values())
        self._kept = {}
        self._passing = []
        for stream in self._streams:
            held.extend(stream.fds)
            stream.fds = []
        self._discarded = []
        return held

    # -- what handlers call

    def send_to_guest(self, data: bytes) -> None:
        """Puts a message of the proxy's own into the stream to the guest, before what is being judged."""
        self._to_guest.add(data)

    def send_to_host(self, data: bytes) -> None:
        """Puts a message of the proxy's own into the stream to the compositor, before what is being judged."""
        self._to_host.add(data)

    def keep(self, fd: Fd) -> None:
        """Holds a descriptor until `release` or the end of the session."""
        self._kept[fd.number] = fd

    def release(self, fd: Fd) -> None:
        """Has a descriptor closed: one that was kept, or one that a handler took out of a message."""
        self._kept.pop(fd.number, None)
        self._discarded.append(fd)

    def record(self, event: str, message: Message, reason: str, verdict: str, rule: str) -> None:
        """Writes one audit record about a message."""
        self._audit.append(
            Record(
                event,
                message.side,
                message.rule.interface,
                message.target.guest_id,
                message.rule.name,
                reason,
                verdict,
                rule,
            )
        )

    # -- the loop

    def _walk(self, side: int, data: bytes, stream: Stream) -> None:
        objects = self.objects
        client = objects.client
        outbox = self._to_host if side == GUEST else self._to_guest
        from_guest = side == GUEST
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
                if n - off < size:
                    if from_guest and size > self.limits.message_bytes:
                        raise self._too_long(size)
                    break
                if oid < len(client):
                    target = client[oid]
                else:
                    target = objects.of_guest(oid) if from_guest else objects.of_host(oid)
                if target is None:
                    raise no_object(side, oid)
                rules = target.requests if from_guest else target.events
                opcode: i64 = head & 0xFFFF
                if opcode >= len(rules):
                    raise no_message(side, target, opcode)
                rule = rules[opcode]
                if rule.size != size and rule.size != 0:
                    raise ProtocolViolation(DISPLAY_ID, INVALID_METHOD, f"{size} bytes long, must be {rule.size}")
                kind: i64 = rule.kind
                passes = False
                if kind == PLAIN:
                    passes = True
                elif kind == REFER:
                    arg: i64 = i64(read_i32_le(data, off + rule.object_at)) & 0xFFFFFFFF
                    if arg == 0:
                        passes = rule.may_be_null
                    elif arg < len(client):
                        referred = client[arg]
                        if referred is not None and not referred.ghost:
                            passes = not from_guest or (
                                referred.stage == LIVE
                                and (rule.refers_to == "" or referred.table.family.name == rule.refers_to)
                            )
                    if passes and rule.tracked:
                        note = target.note
                        passes = note is None or note.look(opcode, data, off + HEADER_BYTES)
                elif kind == CREATE:
                    child = rule.child
                    note = target.note if rule.tracked else None
                    if from_guest and child is not None and (note is None or note.look(opcode, data, off + HEADER_BYTES)):
                        created: i64 = i64(read_i32_le(data, off + rule.object_at)) & 0xFFFFFFFF
                        objects.check_new(created)
                        made = objects.create(created, child.table(target.table.version))
                        made.masked = rule.masked
                        if child.new_note is not None:
                            made.note = child.new_note(self, made)
                        passes = True
                elif kind == DESTROY:
                    if not from_guest:
                        objects.ended_by_host(target)
                        passes = True
                        if target.masked and size == 12 and i64(read_i32_le(data, off + 8)):
                            if start < off:
                                outbox.add(data[start:off])
                            outbox.add(data[off : off + 8] + ZERO_WORD)
                            off += size
                            start = off
                            count += 1
                            continue
                    elif oid < SERVER_IDS:
                        note = target.note
                        if note is not None:
                            note.ending()
                        objects.destroyed_by_guest(target)
                        passes = True
                elif kind == TRACK:
                    note = target.note
                    passes = note is None or note.look(opcode, data, off + HEADER_BYTES)
                elif kind == DELETE_ID:
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
                    self._replacement = readdressed(side, target, data[off : off + size])
                elif kind != DELETE_ID:
                    if from_guest and size > self.limits.message_bytes:
                        raise self._too_long(size)
                    replaced = self._judge(side, target, rule, data, off, size, stream)
                    passing = self._passing
                    if passing:
                        if not outbox.room_for(len(passing)):
                            outbox.cut()
                        outbox.add_fds(passing)
                        self._passing = []
                off += size
                count += 1
                if replaced:
                    start = off
                    if self._replacement:
                        outbox.add(self._replacement)
                        self._replacement = b""
        except ProtocolViolation as error:
            bad = Violation(error.object_id, error.code, error.reason, "built-in: protocol", "violation")
        except PolicyViolation as error:
            bad = Violation(error.object_id, error.code, error.reason, error.origin, "refused")
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

    # -- one message in full

    def _judge(
        self, side: int, target: Object, rule: MessageRule, data: bytes, off: i64, size: i64, stream: Stream
    ) -> bool:
        """Decides a message by its arguments. False: its bytes may pass; True: `_replacement` (often empty) goes instead.
        Descriptors that go with either are left in `_passing`. Raises the two violations."""
        kind: i64 = rule.kind
        if kind == MISSING:
            raise no_message(side, target, rule.opcode)
        if rule.fds:
            self._claim(stream, rule)
        try:
            args, clean = wire.decode(data, off, size, rule.signature, rule.nullable, side == GUEST)
        except wire.Malformed as error:
            raise ProtocolViolation(DISPLAY_ID, INVALID_METHOD, str(error)) from error
        if kind == SWALLOW:
            self._placeholder_done(target)
            return True
        message = Message(side, target, rule, args, self._passing)
        if kind == MUTED_KIND:
            self._discard_descriptors()
            self._retire_children(message)
            if rule.destructor:
                self.objects.ended_by_host(target)
            return True
        if kind == GHOST:
            self._discard_descriptors()
            self._ghost_request(message)
            return True
        if rule.serial_at >= 0:
            self._look_up_serial(message)
        reachable = self._resolve_request(message) if side == GUEST else self._resolve_event(message)
        verdict = self._verdict(message) if reachable else DROP
        if side == GUEST:
            if verdict != FORWARD:
                self._discard_descriptors()
                self._instead_of_request(message, verdict)
                return True
            self._request_takes_effect(message)
            if rule.serial_at >= 0 and message.host_serial != message.number(rule.serial_at):
                message.args[rule.serial_at] = message.host_serial
                message.changed = True
            address = target.host_id
        else:
            if verdict != FORWARD:
                self._discard_descriptors()
                self._retire_children(message)
                return True
            self._event_takes_effect(message)
            address = target.guest_id
        if clean and not message.changed and target.guest_id == target.host_id:
            return False
        self._replacement = wire.encode(address, rule.opcode, rule.signature, message.args)
        if side == GUEST and len(self._replacement) > self.limits.message_bytes:
            raise self._too_long(len(self._replacement))
        return True

    def _verdict(self, message: Message) -> int:
        rule = message.rule
        if rule.verdict == DISCONNECT:
            raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, "not allowed by the policy", rule.origin)
        if rule.verdict != ALLOW:
            self.record("refused", message, "not allowed by the policy", rule.verdict, rule.origin)
            return MAKE_INERT if rule.verdict == INERT else DROP
        if message.stale and rule.serial_kinds != CONFIGURE:  # a wrong configure serial is an error of its own
            self.record("refused", message, "its serial was not given to this guest, or not for this, or too long ago", IGNORE, STALE)
            return DROP
        if rule.inspect is not None:  # first, because the specification's own errors come before the policy's
            verdict = rule.inspect(self, message)
            if verdict != FORWARD:
                return verdict
        for check in rule.checks:
            before = message.args[check.argument]
            after = check.apply(before)
            if after != before:
                message.args[check.argument] = after
                message.changed = True
                self.record("rewritten", message, f"argument {check.name}: {check.operation}", ALLOW, check.origin)
        return FORWARD

    def _look_up_serial(self, message: Message) -> None:
        """Gives an event's serial the guest's number; finds the compositor's number for a request's, or the message is stale.
        Handlers see the guest's numbers in both directions."""
        rule = message.rule
        index = rule.serial_at
        named = message.number(index)
        if message.side == HOST:
            known = self.serials.give(named, rule.serial_kinds, self.now)
            message.changed = message.changed or known != named
            message.args[index] = known
        else:
            message.host_serial = self.serials.take(named, rule.serial_kinds, rule.serial_seconds, self.now)
            message.stale = message.host_serial < 0

    def _claim(self, stream: Stream, rule: MessageRule) -> None:
        """Takes the message's descriptors off the queue; they may come early, never late (WAYLAND.md traps 1, 2)."""
        wanted = int(rule.fds)
        if len(stream.fds) < wanted:
            raise ProtocolViolation(DISPLAY_ID, INVALID_METHOD, "its descriptor did not come with it")
        self._passing = stream.fds[:wanted]
        del stream.fds[:wanted]
        stream.ahead = 0

    def _discard_descriptors(self) -> None:
        self._discarded.extend(self._passing)
        self._passing = []

    # -- requests

    def _resolve_request(self, message: Message) -> bool:
        """Checks ids and translates them for the compositor. False where a ghost stands that cannot be null instead."""
        rule = message.rule
        reachable = True
        for index, letter in enumerate(rule.signature):
            if letter == wire.NEW_ID:
                self.objects.check_new(message.number(index))
            elif letter == wire.OBJECT:
                number = message.number(index)
                if number == 0:
                    continue
                wanted = rule.argument_interfaces[index]
                found = self.objects.of_guest(number)
                if found is None or found.stage != LIVE:
                    raise ProtocolViolation(
                        DISPLAY_ID, INVALID_METHOD, f"argument {rule.argument_names[index]}: there is no object {number}"
                    )
                if wanted and found.interface != wanted:
                    raise ProtocolViolation(
                        DISPLAY_ID,
                        INVALID_METHOD,
                        f"argument {rule.argument_names[index]}: {number} is a {found.interface}, must be a {wanted}",
                    )
                if found.ghost:
                    message.args[index] = 0
                    message.changed = True
                    reachable = reachable and rule.nullable[index]
                elif found.host_id != number:
                    message.args[index] = found.host_id
                    message.changed = True
        return reachable

    def _request_takes_effect(self, message: Message) -> None:
        rule = message.rule
        target = message.target
        family = message.child_family
        if family is not None:
            new_id = message.number(rule.signature.index(wire.NEW_ID))
            made = self.objects.create(new_id, family.table(message.child_version))
            if family.new_note is not None:
                made.note = family.new_note(self, made)
            message.created = made
        for gone in (target if rule.destructor else None, message.destroys):
            if gone is not None:
                if gone.note is not None:
                    gone.note.ending()
                self.objects.destroyed_by_guest(gone)
        if rule.effect is not None:
            rule.effect(self, message)

    def _instead_of_request(self, message: Message, verdict: int) -> None:
        """A real object's request that is not forwarded. What it would have created becomes a ghost."""
        rule = message.rule
        if rule.destructor:
            # Dropping it would leave the object alive upstream for good, under an id the guest thinks free.
            raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, "cannot be left out", message.origin or "built-in: destructor")
        family = message.child_family
        if family is None:
            if verdict == MAKE_INERT:
                raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, "creates nothing that could be inert", message.origin)
        else:
            self._make_ghost(message, family)
        self._answer(message)

    # -- ghosts

    def _make_ghost(self, message: Message, family: Family) -> None:
        new_id = message.number(message.rule.signature.index(wire.NEW_ID))
        self.objects.create_ghost(new_id, family.table(message.child_version))
        self._replacement = wire.sync(new_id)

    def _ghost_request(self, message: Message) -> None:
        """A request to a ghost: checked by the XML, then answered here or not at all."""
        rule = message.rule
        for index, letter in enumerate(rule.signature):
            if letter == wire.NEW_ID:
                self.objects.check_new(message.number(index))
        family = message.child_family
        if family is not None:
            self._make_ghost(message, family)
        self._answer(message)
        if rule.destructor and message.target.stage == LIVE:
            self._ghost_ends(message.target)

    def _ghost_ends(self, ghost: Object) -> None:
        if self.objects.destroyed_by_guest(ghost):
            self._to_guest.add(wire.delete_id(ghost.guest_id))

    def _answer(self, message: Message) -> None:
        """Sends the events a toolkit waits for after this request when nobody upstream will (handlers/ghosts.py)."""
        for answer in message.rule.answers:
            speaker = message.target
            if answer.from_child:
                new_id = message.number(message.rule.signature.index(wire.NEW_ID))
                found = self.objects.of_guest(new_id)
                if found is None:
                    continue
                speaker = found
            if not speaker.ghost and not answer.also_real:
                continue
            for event in speaker.table.events:
                if event.name == answer.event and event.since <= speaker.version:
                    self._to_guest.add(wire.encode(speaker.guest_id, event.opcode, event.signature, answer.args))
                    if event.destructor and speaker.ghost and speaker.stage == LIVE:
                        self._ghost_ends(speaker)

    def _placeholder_done(self, ghost: Object) -> None:
        """The compositor has answered a placeholder. A ghost that is itself a wl_callback is done now, too."""
        if ghost.stage == LIVE and ghost.interface == "wl_callback":
            self._to_guest.add(wire.encode(ghost.guest_id, 0, wire.UINT, [0]))
            ghost.stage = ENDED
            ghost.requests = []

    # -- events

    def _resolve_event(self, message: Message) -> bool:
        """Translates ids for the guest. False where the guest does not know an object that cannot be null."""
        rule = message.rule
        reachable = True
        for index, letter in enumerate(rule.signature):
            if letter != wire.OBJECT:
                continue
            number = message.number(index)
            if number == 0:
                continue
            found = self.objects.of_host(number)
            if found is None or found.stage == MUTED or found.ghost:
                known = 0
                if rule.argument_interfaces[index] == "":  # wl_display.error may name any object, or one long gone
                    known = DISPLAY_ID
                elif not rule.nullable[index]:
                    reachable = False
            else:
                known = found.guest_id
            if known != number:
                message.args[index] = known
                message.changed = True
        return reachable

    def _event_takes_effect(self, message: Message) -> None:
        rule = message.rule
        if rule.child is not None:
            index = rule.signature.index(wire.NEW_ID)
            made = self._create_from_host(message, rule.child, False)
            if made.guest_id != message.number(index):
                message.args[index] = made.guest_id
                message.changed = True
        if rule.destructor:
            self.objects.ended_by_host(message.target)
        if rule.effect is not None:
            rule.effect(self, message)

    def _retire_children(self, message: Message) -> None:
        """An event that the guest does not get: what it creates is destroyed upstream, else it would leak there (trap 17)."""
        if message.rule.child is None:
            return
        made = self._create_from_host(message, message.rule.child, True)
        for request in made.table.requests:
            if request.destructor and not request.signature:
                self._to_host.add(wire.encode(made.host_id, request.opcode, "", []))
                break

    def _create_from_host(self, message: Message, family: Family, muted: bool) -> Object:
        new_id = message.number(message.rule.signature.index(wire.NEW_ID))
        holder = self.objects.by_host.get(new_id)
        if new_id < SERVER_IDS or (holder is not None and holder.stage == LIVE):
            raise ProtocolViolation(DISPLAY_ID, IMPLEMENTATION, f"new id {new_id} is not free on the compositor's side")
        return self.objects.create_from_host(new_id, family.table(message.target.version), muted)

    # -- ends

    def _too_long(self, size: int) -> PolicyViolation:
        most = self.limits.message_bytes
        return PolicyViolation(DISPLAY_ID, IMPLEMENTATION, f"{size} bytes are more than {most}", "quota: message-bytes")

    def _refuse(self, side: int, target: Object | None, rule: MessageRule | None, bad: Violation) -> None:
        """Ends the session because of one message, and tells the guest which and why."""
        self._discard_descriptors()
        interface = "" if target is None else target.interface
        object_id = 0 if target is None else target.guest_id
        name = "" if rule is None else rule.name
        self._audit.append(Record(bad.event, side, interface, object_id, name, bad.reason, DISCONNECT, bad.origin))
        what = f"{interface}#{object_id}.{name}: " if name else f"{interface}#{object_id}: " if interface else ""
        self._say_goodbye(side, bad.object_id, bad.code, what + bad.reason)

    def _end(self, side: int, reason: str, rule: str) -> None:
        """Ends the session for something that is no single message's fault."""
        self._audit.append(Record("violation", side, "", 0, "", reason, DISCONNECT, rule))
        self._say_goodbye(side, DISPLAY_ID, IMPLEMENTATION, reason)

    def _say_goodbye(self, side: int, object_id: int, code: int, reason: str) -> None:
        self.over = True
        self._farewell = f"{SIDE_NAMES[side]}: {reason}"
        self._to_guest.add(wire.display_error(object_id, code, f"wlproxy: {reason}"))

    def _outcome(self) -> Outcome:
        outcome = Outcome(
            self._to_guest.parcels(), self._to_host.parcels(), self._discarded, self._audit, self._farewell
        )
        if self._discarded:
            self._discarded = []
        if self._audit:
            self._audit = []
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


def no_object(side: int, object_id: int) -> ProtocolViolation:
    """libwayland's answer to a target that is not there."""
    return ProtocolViolation(DISPLAY_ID, INVALID_OBJECT, f"invalid object {object_id}")


def no_message(side: int, target: Object, opcode: int) -> ProtocolViolation:
    """libwayland's answers to a dead target and to an opcode the bound version does not have."""
    if side == GUEST and target.stage != LIVE:
        return ProtocolViolation(DISPLAY_ID, INVALID_OBJECT, f"invalid object {target.guest_id}")
    return ProtocolViolation(
        DISPLAY_ID, INVALID_METHOD, f"invalid method {opcode}, {target.interface} is bound at version {target.version}"
    )


def readdressed(side: int, target: Object, message: bytes) -> bytes:
    """The same message to the same object as the other side knows it."""
    address = target.host_id if side == GUEST else target.guest_id
    return address.to_bytes(4, "little") + message[4:]
