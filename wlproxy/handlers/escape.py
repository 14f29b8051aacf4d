"""The combination of keys by which the user takes back what holds the pointer or the desktop's own keys.

The rule of `escape`: the keys that the compositor sends to the guest are followed. When the combination goes down, everything that the
permission has given is taken back, on all of the guest's connections, and nothing of it is given again, before the next button or finger
that goes down in one of its windows. The key that completed the combination is not sent to the guest, neither down nor up. A key can be
heard only where the guest has a wl_keyboard and reads: so what holds the pointer is real only while a wl_keyboard of the same connection
and seat has the focus, what inhibits shortcuts only while there is one, and either only while the compositor's events are read.

It works only for keys that the compositor passes on: a combination that it has a use for itself never comes here.
Trusts: the compositor's events. Source: wayland.xml, pointer-constraints-unstable-v1.xml, keyboard-shortcuts-inhibit-unstable-v1.xml.
"""

from __future__ import annotations

from typing import Final

from ..core.connection import Connection
from ..core.message import Message
from ..core.objects import LIVE, Object
from ..core.tables import DROP, FORWARD, IGNORE
from ..core.wire import read_i32_le
from . import inhibitors
from .keys import Combination, combination
from .seats import Device

SHORTCUTS: Final = "shortcuts-inhibit"
TAKEN: Final = "the user has taken it back"
NO_FOCUS: Final = "no wl_keyboard of this connection and seat has the focus"
NO_KEYBOARD: Final = "this connection has no wl_keyboard of the seat"
DEAF: Final = "this connection's events are not read before the guest has read those that wait"
PRESSED: Final = 1  # wl_keyboard.key_state, wl_pointer.button_state; of 2, repeated, the user is not the author

FOCUS: Final = "keyboards"


class Focus:
    """The keyboards of one connection and one seat: how many there are, and on which surfaces how many have the focus. A surface that the
    guest destroys has it no more: the compositor need not say so."""

    def __init__(self) -> None:
        self.keyboards = 0
        self._on: dict[Object, int] = {}

    def move(self, left: Object | None, entered: Object | None) -> None:
        """A keyboard's focus goes from one surface to another."""
        if left is not None:
            self._on[left] -= 1
            if not self._on[left]:
                del self._on[left]
        if entered is not None:
            self._on[entered] = self._on.get(entered, 0) + 1

    @property
    def is_there(self) -> bool:
        """Whether any keyboard has the focus."""
        return any(surface.stage == LIVE for surface in self._on)


class Foci:
    """Those of one connection, by the name of the seat."""

    def __init__(self) -> None:
        self._by_seat: dict[int, Focus] = {}

    def of(self, seat: int) -> Focus:
        """Made when it is first asked for."""
        found = self._by_seat.get(seat)
        if found is None:
            found = Focus()
            self._by_seat[seat] = found
        return found


def focus_of(connection: Connection, seat: int) -> Focus:
    """Of the keyboards of one seat."""
    found = connection.shared.get(FOCUS)
    if not isinstance(found, Foci):
        found = Foci()
        connection.shared[FOCUS] = found
    return found.of(seat)


class Keyboard(Device):
    """One wl_keyboard: what is down on it."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        super().__init__(connection, owner)
        self.connection = connection
        self.focus = Focus()
        self.on: Object | None = None  # the surface that has its focus
        self.held: set[int] = set()
        self.swallowed: set[int] = set()
        self.escapes: list[tuple[str, Combination]] = [
            (permission, combination(text)) for permission, said in connection.tables.escapes.items() for text in said
        ]

    def given(self, seat: int) -> None:
        super().given(seat)
        self.focus = focus_of(self.connection, seat)
        self.focus.keyboards += 1

    def ending(self) -> None:
        """wl_keyboard.release."""
        self.lose()

    def lose(self) -> None:
        """It hears nothing any more."""
        if not self.gone:
            self.focus.keyboards -= 1
        self.gone = True
        self.turn(None)

    def turn(self, on: Object | None) -> None:
        """It has got the focus on a surface, or lost it."""
        self.focus.move(self.on, on)
        self.on = on
        self.held.clear()
        self.swallowed.clear()


def follow(connection: Connection, message: Message, keyboard: Keyboard, code: int) -> bool:
    """A key is down: whether it completes a combination, which takes back what its permission has given."""
    completed = False
    for permission, keys in keyboard.escapes:
        if keys.completed_by(code, keyboard.held):
            completed = True
            connection.record("refused", message, f"{keys.text} is the host's", IGNORE, f"permission: {permission}")
            if permission not in connection.usage.escaped:
                connection.usage.escaped.add(permission)
                connection.stirs = True
    return completed


def on_enter(connection: Connection, message: Message) -> None:
    """wl_keyboard.enter(serial, surface, keys)."""
    note = message.target.note
    keys = message.args[2]
    if isinstance(note, Keyboard) and isinstance(keys, bytes) and not note.gone:
        note.turn(connection.objects.of_guest(message.number(1)))
        note.held.update([int(read_i32_le(keys, at)) for at in range(0, len(keys) - 3, 4)])
        for code in note.held:  # it may have gone down while the guest changed its keyboard, and what is sent to the former is not heard
            follow(connection, message, note, code)


def on_leave(connection: Connection, message: Message) -> None:
    """wl_keyboard.leave(serial, surface)."""
    note = message.target.note
    if isinstance(note, Keyboard):
        note.turn(None)


def on_key(connection: Connection, message: Message) -> int:
    """wl_keyboard.key(serial, time, key, state)."""
    note = message.target.note
    if not isinstance(note, Keyboard):
        return FORWARD
    code, state = message.number(2), message.number(3)
    if state == PRESSED:
        if follow(connection, message, note, code):
            note.swallowed.add(code)
        note.held.add(code)
    elif state == 0:
        note.held.discard(code)
    if code in note.swallowed:
        if state == 0:
            note.swallowed.discard(code)
        return DROP
    if state == PRESSED:
        inhibitors.on_input(connection)
    return FORWARD


def on_button(connection: Connection, message: Message) -> None:
    """wl_pointer.button(serial, time, button, state), zwp_tablet_tool_v2.button(serial, button, state)."""
    if message.number(len(message.args) - 1) == PRESSED:
        on_down(connection, message)


def on_down(connection: Connection, message: Message) -> None:
    """wl_touch.down, zwp_tablet_tool_v2.down."""
    inhibitors.on_input(connection)
    if connection.usage.escaped:
        connection.usage.escaped.clear()
        connection.stirs = True


def is_bounded(connection: Connection, permission: str) -> bool:
    """Whether the policy gives it with a way to take it back."""
    return permission in connection.tables.escapes


def refusal(connection: Connection, permission: str, seat: int) -> str:
    """Why what the permission gives may not be had of that seat now; "" where it may."""
    if permission in connection.usage.escaped:
        return TAKEN
    if connection.deaf:
        return DEAF
    focus = focus_of(connection, seat)
    if permission == SHORTCUTS:
        return "" if focus.keyboards else NO_KEYBOARD
    return "" if focus.is_there else NO_FOCUS
