"""What a guest has under a condition, and how it is taken back and given again.

While the condition holds the compositor has the object; while it does not, it has been told to destroy it, and the guest keeps a ghost of
it that can do nothing (core/objects.py). The guest may destroy it at any time, and only then is its id free. What was taken back
is created anew upstream, by the guest's own request of then, once the condition holds again and the compositor has confirmed the end
of the former one with delete_id: no event of that can be taken for one of the new. What passed because a policy only complained does not
come back when it does so no more.

Promises: a loan is real upstream exactly as long as its `refusal` is "", but for the time that delete_id takes; what it is made of anew
passed the policy's checks when it was asked for; nothing dead is named to the compositor. Trusts: the session to ask after each message
that could change an answer.

What comes back is made without what its request could leave out: a pointer constraint holds for its whole window, because the region that
it once named may be gone. It does not come back where what it was made with (its manager, surface, pointer, seat) is gone.
"""

from __future__ import annotations

from typing import Final

from ..core import wire
from ..core.connection import Connection
from ..core.message import Message
from ..core.objects import LIVE, Object
from ..core.outcome import GUEST, TAKEN_BACK, Record
from ..core.tables import FORWARD, INERT, MAKE_INERT, MessageRule, Note
from . import seats

MOST_LOANS: Final = 16  # of a connection: each is looked at whenever something has changed


class Loan(Note):
    """One object under the condition of `permission`. A subclass says which."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.connection = connection
        self.owner = owner
        self.permission = ""
        self.over = False  # it does not come back, whatever holds
        self._complained = False  # the policy had something against it, and only complained
        self._maker: Object | None = None
        self._made_by: MessageRule | None = None
        self._args: list[object] = []
        self._needs: list[Object] = []

    def refusal(self) -> str:
        """Why the guest may not have it now; "" where it may."""
        return ""

    def is_noted(self, why: str) -> bool:
        """Whether the audit log is to have it that this was taken back because of `why`."""
        return True

    def taken(self) -> None:
        """It has been taken back: tells the guest, where the protocol has an event for that."""

    def had(self) -> None:
        """It is real, and may be."""

    def made(self, message: Message) -> None:
        """The guest has asked for it, and has it, or a ghost of it."""
        rule = message.rule
        self._complained = message.complained
        self._maker = message.target
        self._made_by = rule
        self._args = list(message.args)
        for index, letter in enumerate(rule.signature):
            if letter != wire.OBJECT:
                continue
            if rule.nullable[index]:
                self._args[index] = 0
                continue
            needed = self.connection.objects.of_host(message.number(index))
            if needed is not None:
                self._needs.append(needed)
        self.connection.loans.append(self)

    def settle(self) -> bool:
        """Brings the compositor's side in line with the condition."""
        owner = self.owner
        if owner.stage != LIVE or self.over:
            return False
        why = self.refusal()
        if not why and owner.ghost and not owner.placeholder:
            self._give_again()
        elif why and not owner.ghost:
            self._take_back(why)
        if not why and not owner.ghost:
            self.had()
        return True

    def tell(self, event: str) -> None:
        """Sends the guest an event without arguments, in the compositor's stead."""
        for rule in self.owner.table.events:
            if rule.name == event:
                self.connection.send_to_guest(wire.encode(self.owner.guest_id, rule.opcode, "", []))

    def _take_back(self, why: str) -> None:
        owner = self.owner
        for rule in owner.table.requests:
            if rule.destructor and not rule.signature:
                self.connection.send_to_host(wire.encode(owner.host_id, rule.opcode, "", []))
                break
        self.connection.objects.take_back(owner)
        maker, made_by = self._maker, self._made_by
        if maker is not None and made_by is not None and self.is_noted(why):
            reason = f"{owner.interface}#{owner.guest_id}: {why}"
            rule_name = f"permission: {self.permission}"
            self.connection.audit.append(
                Record(TAKEN_BACK, GUEST, maker.interface, maker.guest_id, made_by.name, reason, INERT, rule_name)
            )
        self.taken()

    def _give_again(self) -> None:
        maker, made_by = self._maker, self._made_by
        if maker is None or made_by is None or (self._complained and not self.connection.complaining()):
            return
        for needed in (maker, *self._needs):
            if needed.stage != LIVE or needed.ghost or seats.is_gone(needed):
                return
        self.connection.objects.give_again(self.owner)
        self.connection.send_to_host(wire.encode(maker.host_id, made_by.opcode, made_by.signature, self._args))


def lend(connection: Connection, message: Message, permission: str, why: str) -> int:
    """The verdict about a request for something that `permission` gives under a condition, which fails because of `why`, or holds ("")."""
    if len(connection.loans) >= MOST_LOANS:
        reason = f"more than {MOST_LOANS} that are given under a condition"
        connection.record("refused", message, reason, INERT, f"permission: {permission}")
        return MAKE_INERT
    if why:
        message.lent = True
        connection.record("refused", message, f"not now: {why}", INERT, f"permission: {permission}")
        return MAKE_INERT
    return FORWARD
