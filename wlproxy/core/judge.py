"""One message in full: decoded, its ids and serials resolved, decided, and made to take effect.

Promises: a message that no rule allows is not forwarded; what a refused request would have created becomes a ghost, so that the
ids stay dense upstream; an object that one side has and the other has not is never named to the side that has it not.
Trusts: the tables, the handlers attached to them. See session.py for the loop that deals with the common messages itself.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from . import wire
from .connection import Connection
from .differences import WIDER
from .errors import PolicyViolation, ProtocolViolation
from .fds import Fd
from .message import Message
from .objects import ENDED, LIVE, MUTED, Object
from .outcome import GUEST, HOST, WOULD_DENY
from .serials import CONFIGURE
from .shadow import difference
from .tables import (
    ALLOW,
    CHILD,
    DISCONNECT,
    DROP,
    FORWARD,
    GHOST,
    IGNORE,
    INERT,
    MAKE_INERT,
    MISSING,
    SELF,
    SWALLOW,
    Family,
    MessageRule,
)
from .tables import MUTED as MUTED_KIND
from .wire import DISPLAY_ID, IMPLEMENTATION, INVALID_METHOD, INVALID_OBJECT, SERVER_IDS

STALE: Final = "built-in: serial"


class Judge:
    """Decides for one connection. `replacement` and `passing` are what `judge` leaves behind for the loop to send, `said` for a record of
    the message that ends the session (outcome.Record)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._objects = connection.objects
        self.replacement = b""
        self.said = ""
        self.passing: list[Fd] = []  # descriptors of the message being judged

    def judge(
        self, side: int, target: Object, rule: MessageRule, data: bytes, off: i64, size: i64, waiting: list[Fd]
    ) -> bool:
        """Decides a message by its arguments. False: its bytes may pass; True: `replacement` (often empty) goes instead.
        Descriptors that go with either are left in `passing`. Raises the two violations."""
        self.said = ""
        kind: i64 = rule.kind
        if kind == MISSING:
            raise no_message(side, target, rule.opcode)
        if rule.fds:
            self._claim(waiting, rule)
        try:
            args, clean = wire.decode(data, off, size, rule.signature, rule.nullable, side == GUEST)
        except wire.Malformed as error:
            raise ProtocolViolation(DISPLAY_ID, INVALID_METHOD, str(error)) from error
        if kind == SWALLOW:
            self._placeholder_done(target)
            return True
        message = Message(side, target, rule, args, self.passing)
        self.said = message.said
        if kind == MUTED_KIND:
            self.discard_descriptors()
            self._retire_children(message)
            if rule.destructor:
                self._objects.ended_by_host(target)
            return True
        if kind == GHOST:
            self.discard_descriptors()
            self._ghost_request(message)
            return True
        if rule.serial_at >= 0:
            self._look_up_serial(message)
        self._connection.weight += rule.weight
        reachable = self._resolve_request(message) if side == GUEST else self._resolve_event(message)
        differs = difference(self._connection.tables, message) if rule.shadow is not None and reachable else None
        if differs is not None and differs.kind == WIDER:  # whatever else speaks against the message
            self._connection.differs(differs)
            differs = None
        verdict = self._verdict(message) if reachable else DROP
        if differs is not None and (verdict == FORWARD or message.lent):
            self._connection.differs(differs)
        if side == GUEST:
            if verdict != FORWARD:
                self.discard_descriptors()
                self._instead_of_request(message, verdict)
                return True
            self._request_takes_effect(message)
            if rule.serial_at >= 0 and message.host_serial != message.number(rule.serial_at):
                message.args[rule.serial_at] = message.host_serial
                message.changed = True
            address = target.host_id
        else:
            if verdict != FORWARD:
                self.discard_descriptors()
                self._retire_children(message)
                if rule.destructor:
                    self._objects.ended_by_host(target)
                return True
            self._event_takes_effect(message)
            address = target.guest_id
        if clean and not message.changed and target.guest_id == target.host_id:
            return False
        self.replacement = wire.encode(address, rule.opcode, rule.signature, message.args)
        if side == GUEST and len(self.replacement) > self._connection.limits.message_bytes:
            raise self.too_long(len(self.replacement))
        return True

    def _verdict(self, message: Message) -> int:
        rule = message.rule
        complaint: PolicyViolation | None = None  # the first that enforcing would have made
        if rule.verdict != ALLOW:
            refusal = PolicyViolation(DISPLAY_ID, IMPLEMENTATION, "not allowed by the policy", rule.origin)
            if rule.complains and self._connection.complaining():
                complaint = refusal
            elif rule.verdict == DISCONNECT:
                raise refusal
            else:
                self._connection.record("refused", message, refusal.reason, rule.verdict, rule.origin)
                return MAKE_INERT if rule.verdict == INERT else DROP
        if rule.rate is not None and not self._connection.usage.within(rule.interface, rule.name, rule.rate, self._connection.now):
            reason = f"more than {rule.rate[0]:g} a second"
            if rule.refusal == DISCONNECT:
                raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, reason, rule.origin)
            self._connection.record("refused", message, reason, rule.refusal, rule.origin)
            return MAKE_INERT if rule.refusal == INERT else DROP
        if message.stale and rule.serial_kinds != CONFIGURE:  # a wrong configure serial is an error of its own
            reason = "its serial was not given to this guest, or not for this, or too long ago"
            self._connection.record("refused", message, reason, IGNORE, STALE)
            return DROP
        if rule.vet is not None:
            verdict = rule.vet(self._connection, message)
            if verdict != FORWARD:
                return verdict
        if rule.inspect is not None:  # before the checks, because the specification's own errors come before the policy's
            verdict = rule.inspect(self._connection, message)
            if verdict != FORWARD and not message.lent:  # what is lent later is to pass the checks as well
                return verdict
            if message.stale:  # sent long ago and forgotten since: the compositor cannot be told which
                return DROP
        for check in rule.checks:
            before = message.args[check.argument]
            try:
                after = check.apply(before)
            except PolicyViolation as demand:
                if not (check.complains and self._connection.complaining()):
                    raise
                complaint = complaint or demand
                continue
            if after != before:
                message.args[check.argument] = after
                message.changed = True
                self._connection.record("rewritten", message, f"argument {check.name}: {check.operation}", ALLOW, check.origin)
        verdict = FORWARD if message.lent or rule.exchange is None else rule.exchange(self._connection, message)
        if complaint is not None and verdict == FORWARD:
            shape = DISCONNECT if rule.verdict == ALLOW else rule.verdict
            self._connection.record(WOULD_DENY, message, complaint.reason, shape, complaint.origin)
            message.complained = True
        return MAKE_INERT if message.lent else verdict

    def _look_up_serial(self, message: Message) -> None:
        """Gives an event's serial the guest's number; finds the compositor's number for a request's, or the message is stale.
        Handlers see the guest's numbers in both directions."""
        rule = message.rule
        index = rule.serial_at
        named = message.number(index)
        if message.side == HOST:
            known = self._connection.serials.give(named, rule.serial_kinds, self._connection.now)
            message.changed = message.changed or known != named
            message.args[index] = known
        else:
            message.host_serial = self._connection.serials.take(named, rule.serial_kinds, rule.serial_seconds, self._connection.now)
            message.stale = message.host_serial < 0

    def _claim(self, waiting: list[Fd], rule: MessageRule) -> None:
        """Takes the message's descriptors off the queue; they may come early, never late (docs/traps.md 1, 2)."""
        wanted = int(rule.fds)
        if len(waiting) < wanted:
            raise ProtocolViolation(DISPLAY_ID, INVALID_METHOD, "its descriptor did not come with it")
        self.passing = waiting[:wanted]
        del waiting[:wanted]

    def discard_descriptors(self) -> None:
        self._connection.discarded.extend(self.passing)
        self.passing = []

    def _resolve_request(self, message: Message) -> bool:
        """Checks ids and translates them for the compositor. False where a ghost stands that cannot be null instead."""
        rule = message.rule
        reachable = True
        for index, letter in enumerate(rule.signature):
            if letter == wire.NEW_ID:
                self._objects.check_new(message.number(index), rule.child)
            elif letter == wire.OBJECT:
                number = message.number(index)
                if number == 0:
                    continue
                wanted = rule.argument_interfaces[index]
                found = self._objects.of_guest(number)
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
                    message.ghosts[index] = found
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
            made = self._objects.create(new_id, family.table(message.child_version))
            if family.new_note is not None:
                made.note = family.new_note(self._connection, made)
            message.created = made
        for gone in (target if rule.destructor else None, message.destroys):
            if gone is not None:
                if gone.note is not None:
                    gone.note.ending()
                self._objects.destroyed_by_guest(gone)
        if rule.effect is not None:
            rule.effect(self._connection, message)

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
            made = message.created
            if message.lent and made is not None and family.new_note is not None:
                made.note = family.new_note(self._connection, made)
                if rule.effect is not None:
                    rule.effect(self._connection, message)
        if not message.without_effect:
            self._answer(message)

    def _make_ghost(self, message: Message, family: Family) -> None:
        new_id = message.number(message.rule.signature.index(wire.NEW_ID))
        message.created = self._objects.create_ghost(new_id, family.table(message.child_version))
        self.replacement = wire.sync(new_id)

    def _ghost_request(self, message: Message) -> None:
        """A request to a ghost: checked by the XML, then answered here or not at all."""
        rule = message.rule
        for index, letter in enumerate(rule.signature):
            if letter == wire.NEW_ID:
                self._objects.check_new(message.number(index), rule.child)
        family = message.child_family
        if family is not None:
            self._make_ghost(message, family)
        self._answer(message)
        if rule.ghost_effect is not None:
            rule.ghost_effect(self._connection, message)
        if rule.destructor and message.target.stage == LIVE:
            self._ghost_ends(message.target)

    def _ghost_ends(self, ghost: Object) -> None:
        if self._objects.destroyed_by_guest(ghost):
            self._connection.to_guest.add(wire.delete_id(ghost.guest_id))

    def _answer(self, message: Message) -> None:
        """Sends the events a toolkit waits for after this request when nobody upstream will (handlers/ghosts.py)."""
        for answer in message.rule.answers:
            speaker = self._speaker(message, answer.speaker)
            if speaker is None or not (answer.to_ghosts if speaker.ghost else answer.to_real):
                continue
            for event in speaker.table.events:
                if event.name == answer.event and event.since <= speaker.version:
                    self._connection.to_guest.add(wire.encode(speaker.guest_id, event.opcode, event.signature, answer.args))
                    if event.destructor and speaker.ghost and speaker.stage == LIVE:
                        self._ghost_ends(speaker)

    def _speaker(self, message: Message, which: int) -> Object | None:
        """The object that says an answer; None where it is null, or not what the protocol says it must be."""
        if which == SELF:
            return message.target
        if which == CHILD:
            return self._objects.of_guest(message.number(message.rule.signature.index(wire.NEW_ID)))
        if which in message.ghosts:
            return message.ghosts[which]
        # A ghost's arguments are the guest's own words still, a real object's are resolved; client ids are the same either way.
        found = self._objects.of_guest(message.number(which))
        if found is None or found.stage != LIVE or found.interface != message.rule.argument_interfaces[which]:
            return None
        return found

    def _placeholder_done(self, ghost: Object) -> None:
        """The compositor has answered a placeholder. A ghost that is itself a wl_callback is done now, too."""
        if ghost.stage == LIVE and ghost.interface == "wl_callback":
            self._connection.to_guest.add(wire.encode(ghost.guest_id, 0, wire.UINT, [0]))
            ghost.stage = ENDED
            ghost.requests = []

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
            found = self._objects.of_host(number)
            wanted = rule.argument_interfaces[index]
            # Of another interface than the message says: libwayland's clients end themselves over that.
            if found is None or found.stage == MUTED or found.ghost or (wanted and found.interface != wanted):
                known = 0
                if wanted == "":  # wl_display.error may name any object, or one long gone
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
            if rule.child.new_note is not None:
                made.note = rule.child.new_note(self._connection, made)
            message.created = made
            if made.guest_id != message.number(index):
                message.args[index] = made.guest_id
                message.changed = True
        if rule.destructor:
            self._objects.ended_by_host(message.target)
        if rule.effect is not None:
            rule.effect(self._connection, message)

    def _retire_children(self, message: Message) -> None:
        """An event that the guest does not get: what it creates is destroyed upstream, else it would leak there (docs/traps.md 17)."""
        if message.rule.child is None:
            return
        made = self._create_from_host(message, message.rule.child, True)
        for request in made.table.requests:
            if request.destructor and not request.signature:
                self._connection.to_host.add(wire.encode(made.host_id, request.opcode, "", []))
                break

    def _create_from_host(self, message: Message, family: Family, muted: bool) -> Object:
        new_id = message.number(message.rule.signature.index(wire.NEW_ID))
        holder = self._objects.by_host.get(new_id)
        if new_id < SERVER_IDS or (holder is not None and holder.stage == LIVE):
            raise ProtocolViolation(DISPLAY_ID, IMPLEMENTATION, f"new id {new_id} is not free on the compositor's side")
        return self._objects.create_from_host(new_id, family.table(message.target.version), muted)

    def too_long(self, size: int) -> PolicyViolation:
        most = self._connection.limits.message_bytes
        return PolicyViolation(DISPLAY_ID, IMPLEMENTATION, f"{size} bytes are more than {most}", "quota: message-bytes")


def no_object(object_id: int) -> ProtocolViolation:
    """libwayland's answer to a target that is not there."""
    return ProtocolViolation(DISPLAY_ID, INVALID_OBJECT, f"invalid object {object_id}")


def no_message(side: int, target: Object, opcode: int) -> ProtocolViolation:
    """libwayland's answers to a dead target and to an opcode the bound version does not have."""
    if side == GUEST and target.stage != LIVE:
        return ProtocolViolation(DISPLAY_ID, INVALID_OBJECT, f"invalid object {target.guest_id}")
    return ProtocolViolation(
        DISPLAY_ID, INVALID_METHOD, f"invalid method {opcode}, {target.interface} is bound at version {target.version}"
    )
