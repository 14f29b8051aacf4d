"""Seats that lose a device: what a wl_pointer or a wl_keyboard of before is good for afterwards.

Promises towards the compositor: no object is made of a pointer that is gone, because compositors die of it: sway 1.7 of lock_pointer and
confine_pointer (tests/e2e/test_taking_back.py). What the guest asks of one is a ghost. A request that crosses the compositor's word on
its way is not seen here. A keyboard that is gone hears nothing (escape.py). Devices of a wl_seat that the guest has released count as
gone, and those of a seat whose global is. Trusts: the compositor's word on its capabilities.
Source: wayland.xml, wl_seat.capabilities: an object does not outlive the capability, also where the seat gets it again.
"""

from __future__ import annotations

from typing import Final

from ..core.connection import Connection
from ..core.message import Message
from ..core.objects import LIVE, Object
from ..core.tables import DROP, FORWARD, INERT, MAKE_INERT, Note

POINTER: Final = "wl_pointer"
CAPABILITIES: Final = {POINTER: 1, "wl_keyboard": 2}  # wl_seat.capability
GONE: Final = "built-in: pointer gone"
NO_SEAT: Final = -1
FEW: Final = 8
# request -> the argument that is the pointer; the constraints' own handler asks as well
USERS: Final[dict[tuple[str, str], int]] = {
    ("zwp_relative_pointer_manager_v1", "get_relative_pointer"): 1,
    ("zwp_pointer_gestures_v1", "get_swipe_gesture"): 1,
    ("zwp_pointer_gestures_v1", "get_pinch_gesture"): 1,
    ("zwp_pointer_gestures_v1", "get_hold_gesture"): 1,
    ("wp_cursor_shape_manager_v1", "get_pointer"): 1,
    ("zwp_input_timestamps_manager_v1", "get_pointer_timestamps"): 1,
    ("ext_image_copy_capture_manager_v1", "create_pointer_cursor_session"): 2,
    ("wp_pointer_warp_v1", "warp_pointer"): 1,
}


class Device(Note):
    """One wl_pointer or wl_keyboard."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.owner = owner
        self.seat = NO_SEAT
        self.gone = False

    def given(self, seat: int) -> None:
        """By the seat of that name."""
        self.seat = seat

    def lose(self) -> None:
        """The seat has none any more."""
        self.gone = True


class Seat(Note):
    """One wl_seat: its devices that are not gone. Until the compositor has said what it has, it has everything."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.capabilities = sum(CAPABILITIES.values())
        self.name = NO_SEAT  # of its global, as the compositor has it: one that is bound twice is still one
        self.devices: list[Device] = []
        self._most = FEW

    def ending(self) -> None:
        """wl_seat.release: its devices live on, and nobody says any more when they are gone. What could be gone is taken for gone."""
        self.lose_all()

    def lose_all(self) -> None:
        """Nothing that it has given is there any more, nor what it will give."""
        self.capabilities = 0
        for device in self.devices:
            if device.owner.stage == LIVE:
                device.lose()
        self.devices = []

    def add(self, device: Device) -> None:
        """One more. Those that the guest has released are forgotten when there are twice as many as there were: a look at all of them for
        each would be the guest's way to keep a core busy."""
        if len(self.devices) >= self._most:
            self.forget()
            self._most = max(FEW, 2 * len(self.devices))
        self.devices.append(device)

    def forget(self) -> None:
        """What is gone, or released."""
        self.devices = [device for device in self.devices if device.owner.stage == LIVE and not device.gone]

    def has(self, device: Device) -> bool:
        """Whether the seat has such a device now."""
        return self.capabilities & CAPABILITIES[device.owner.interface] != 0


def bound(connection: Connection, message: Message) -> None:
    """wl_registry.bind(name, interface, version, id)."""
    note = None if message.created is None else message.created.note
    if isinstance(note, Seat):
        note.name = message.number(0)


def on_global_gone(connection: Connection, name: int) -> None:
    """The end of a global, by the compositor's name, which may be a seat's: its capabilities need not be told of then."""
    for found in connection.objects.client:
        note = None if found is None else found.note
        if isinstance(note, Seat) and note.name == name:
            note.lose_all()


def on_capabilities(connection: Connection, message: Message) -> None:
    """wl_seat.capabilities(capabilities)."""
    seat = message.target.note
    if isinstance(seat, Seat):
        seat.capabilities = message.number(0)
        for device in seat.devices:
            if device.owner.stage == LIVE and not seat.has(device):
                device.lose()
        seat.forget()


def device_made(connection: Connection, message: Message) -> None:
    """wl_seat.get_pointer(id), get_keyboard(id)."""
    seat = message.target.note
    made = None if message.created is None else message.created.note
    if isinstance(seat, Seat) and isinstance(made, Device):
        made.given(seat.name)
        if seat.has(made):
            seat.add(made)
        else:
            made.lose()


def seat_at(connection: Connection, message: Message, index: int) -> int:
    """The name of the seat that an argument is, or is a device of."""
    found = connection.objects.of_host(message.number(index))
    note = None if found is None else found.note
    if isinstance(note, Seat):
        return note.name
    return note.seat if isinstance(note, Device) else NO_SEAT


def is_gone(found: Object | None) -> bool:
    """Whether an object is a pointer that is gone."""
    note = None if found is None else found.note
    return isinstance(note, Device) and note.gone and note.owner.interface == POINTER


def names_one_that_is_gone(connection: Connection, message: Message, index: int) -> bool:
    """Whether an argument is a pointer that is gone; then it is written down that the request is refused."""
    if not is_gone(connection.objects.of_host(message.number(index))):
        return False
    verdict = "ignore" if message.child_family is None else INERT
    connection.record("refused", message, "its pointer is gone: the seat has lost it", verdict, GONE)
    return True


def on_use(connection: Connection, message: Message) -> int:
    """One of USERS."""
    if not names_one_that_is_gone(connection, message, USERS[message.rule.interface, message.rule.name]):
        return FORWARD
    return DROP if message.child_family is None else MAKE_INERT
