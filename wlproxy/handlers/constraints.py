"""What holds the pointer or the desktop's shortcuts: one for each surface, and where the policy says so, only until the user takes it back.

Promises towards the compositor: a pointer is constrained once on a surface, shortcuts are inhibited once; the error for a second one is
the protocol's. What is given with an `escape` is a loan (loans.py, escape.py). Trusts: the session's object table.
Source: pointer-constraints-unstable-v1.xml, keyboard-shortcuts-inhibit-unstable-v1.xml.
"""

from __future__ import annotations

from typing import Final

from ..core.connection import Connection
from ..core.errors import ProtocolViolation
from ..core.message import Message
from ..core.objects import LIVE, Object
from ..core.tables import FORWARD, MAKE_INERT
from . import escape, loans, seats
from .attachments import on_one_each, one_made
from .surfaces import surface_at

ALREADY_CONSTRAINED: Final = 1  # zwp_pointer_constraints_v1.error
SEAT: Final = 2  # argument of all three requests: the pointer, or the seat itself
ONESHOT: Final = 1  # zwp_pointer_constraints_v1.lifetime
# the permission of each, the event that it holds and the one that it no longer does
HELD: Final = {
    "zwp_locked_pointer_v1": ("pointer-lock", "locked", "unlocked"),
    "zwp_confined_pointer_v1": ("pointer-confine", "confined", "unconfined"),
    "zwp_keyboard_shortcuts_inhibitor_v1": (escape.SHORTCUTS, "active", "inactive"),
}


class Held(loans.Loan):
    """The pointer locked or confined, or the desktop's shortcuts inhibited. A constraint that was meant for once is over when it is lifted,
    though its object lives on."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        super().__init__(connection, owner)
        self.permission, self._begins, self._ends = HELD[owner.interface]
        self.seat = seats.NO_SEAT
        self.once = False
        self.active = False

    def refusal(self) -> str:
        return escape.refusal(self.connection, self.permission, self.seat)

    def is_noted(self, why: str) -> bool:
        return why == escape.TAKEN

    def taken(self) -> None:
        """The guest hears of it as if the compositor had lifted it."""
        if self.active:
            self.turn(self._ends)
            self.tell(self._ends)

    def turn(self, event: str) -> None:
        """One of its two events."""
        self.active = event == self._begins
        if not self.active and self.once:
            self.over = True


def on_constrain(connection: Connection, message: Message) -> int:
    """lock_pointer, confine_pointer(id, surface, pointer, region, lifetime): one for a surface and a pointer."""
    surface = surface_at(connection, message, 1)
    holder = None if surface is None else surface.only.get(f"constraint {message.number(2)}")
    if holder is not None and holder.stage == LIVE and not (isinstance(holder.note, Held) and holder.note.over):
        raise ProtocolViolation(
            message.target.guest_id, ALREADY_CONSTRAINED, f"{holder.interface}#{holder.guest_id} constrains this pointer already"
        )
    if seats.names_one_that_is_gone(connection, message, 2):
        return MAKE_INERT
    return hold(connection, message)


def hold(connection: Connection, message: Message) -> int:
    """The verdict where nothing else speaks against it."""
    family = message.child_family
    permission = "" if family is None else HELD[family.name][0]
    if not escape.is_bounded(connection, permission):
        return FORWARD
    return loans.lend(connection, message, permission, escape.refusal(connection, permission, seats.seat_at(connection, message, SEAT)))


def held(connection: Connection, message: Message) -> None:
    """It has been made, or a ghost of it."""
    note = None if message.created is None else message.created.note
    if isinstance(note, Held) and escape.is_bounded(connection, note.permission):
        note.seat = seats.seat_at(connection, message, SEAT)
        note.made(message)


def constraint_made(connection: Connection, message: Message) -> None:
    """Remembers the constraint."""
    surface = surface_at(connection, message, 1)
    made = message.created
    if surface is None or made is None:
        return
    surface.only[f"constraint {message.number(2)}"] = made
    if isinstance(made.note, Held):
        made.note.once = message.number(4) == ONESHOT
        held(connection, message)


def on_held(connection: Connection, message: Message) -> None:
    """The events of HELD."""
    note = message.target.note
    if isinstance(note, Held):
        note.turn(message.rule.name)


def on_inhibit_shortcuts(connection: Connection, message: Message) -> int:
    """zwp_keyboard_shortcuts_inhibit_manager_v1.inhibit_shortcuts(id, surface, seat)."""
    on_one_each(connection, message)
    return hold(connection, message)


def shortcuts_inhibited(connection: Connection, message: Message) -> None:
    """Remembers the inhibitor."""
    one_made(connection, message)
    held(connection, message)
