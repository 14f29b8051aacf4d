"""wl_seat: one keyboard, one pointer, and the host's ways to use them.

Promises: only the client with the focus hears keys, only the one under the pointer hears the pointer, as a real compositor has it.
Left out: touch, key repeat (left to clients), cursors (accepted, not drawn). Trusts: nothing; the input comes from the host's API.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from pywayland.protocol.wayland import WlKeyboard, WlPointer, WlSeat, WlTouch

from .keymap import SHIFT, TYPED, keymap_file
from .resource import Client, Resource
from .shell import Toplevel
from .surfaces import Surface

if TYPE_CHECKING:
    from .compositor import Host
    from .data_device import Source
    from .drag import Drag

VERSION: Final = 7
POINTER_AND_KEYBOARD: Final = 3  # wl_seat.capability
XKB_V1: Final = 1
SHIFT_MASK: Final = 1
REPEAT_RATE: Final = 25
REPEAT_DELAY: Final = 600


class _Devices:
    """The resources of one kind, for all clients."""

    def __init__(self) -> None:
        self.all: list[Resource] = []

    def of(self, surface: Surface | None) -> list[Resource]:
        """Those of the client that a surface belongs to."""
        if surface is None or surface.resource is None or not surface.resource.alive:
            return []
        return [resource for resource in self.all if resource.client is surface.resource.client]

    def gone(self, resource: Resource) -> None:
        self.all.remove(resource)


class Seat:
    """The global and the state of its devices."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.keyboard_focus: Surface | None = None
        self.pointer_focus: Surface | None = None
        self.position = (0.0, 0.0)
        self._keyboards = _Devices()
        self._pointers = _Devices()
        self._modifiers = 0
        self._pressed = 0  # buttons
        self.drag: Drag | None = None
        host.advertise(WlSeat, VERSION, self._bind)

    def _bind(self, client: Client, version: int, object_id: int) -> None:
        seat = Resource(client, WlSeat, version, object_id, self)
        seat.send("capabilities", POINTER_AND_KEYBOARD)
        seat.send("name", "seat0")

    def on_get_pointer(self, resource: Resource, object_id: int) -> None:
        self._pointers.all.append(resource.create(WlPointer, object_id, self._pointers))

    def on_get_touch(self, resource: Resource, object_id: int) -> None:
        resource.create(WlTouch, object_id, None)

    def on_get_keyboard(self, resource: Resource, object_id: int) -> None:
        keyboard = resource.create(WlKeyboard, object_id, self._keyboards)
        self._keyboards.all.append(keyboard)
        descriptor, size = keymap_file()
        keyboard.send("keymap", XKB_V1, descriptor, size)
        os.close(descriptor)
        keyboard.send("repeat_info", REPEAT_RATE, REPEAT_DELAY)
        if keyboard in self._keyboards.of(self.keyboard_focus):
            self._enter([keyboard])

    def _enter(self, keyboards: list[Resource]) -> None:
        serial = self.host.next_serial()
        for keyboard in keyboards:
            keyboard.send("enter", serial, self.keyboard_focus.resource if self.keyboard_focus else None, b"")
            keyboard.send("modifiers", serial, self._modifiers, 0, 0, 0)

    def focus(self, surface: Surface | None) -> None:
        """Moves the keyboard's focus; the selection is offered to whom has it."""
        if surface is self.keyboard_focus:
            return
        serial = self.host.next_serial()
        for keyboard in self._keyboards.of(self.keyboard_focus):
            keyboard.send("leave", serial, self.keyboard_focus.resource if self.keyboard_focus else None)
        self.keyboard_focus = surface
        self.host.selections.offer_to_focus()
        self._enter(self._keyboards.of(surface))

    def surface_gone(self, surface: Surface) -> None:
        """A surface was destroyed."""
        if surface is self.keyboard_focus:
            self.keyboard_focus = None
        if surface is self.pointer_focus:
            self.pointer_focus = None
        if self.drag is not None:
            self.drag.surface_gone(surface)

    def source_gone(self, source: Source) -> None:
        """What was offered is no more."""
        if self.drag is not None and self.drag.source is source:
            self.drag.source_gone()
            self.drag = None
            self.motion(*self.position)
            self.host.changed()

    def begin_drag(self, drag: Drag, client: Client) -> bool:
        """The pointer is the drag's from now on. False where the button is not down in a window of that client's."""
        focus = self.pointer_focus
        if self.drag is not None or not self._pressed or focus is None or focus.resource.client is not client:
            return False
        self._point_at(None, (0.0, 0.0))
        self.drag = drag
        self.motion(*self.position)
        self.host.changed()
        return True

    def key(self, code: int, pressed: bool) -> None:
        """A key goes down or up; shift also changes the modifiers."""
        serial = self.host.next_serial()
        keyboards = self._keyboards.of(self.keyboard_focus)
        for keyboard in keyboards:
            keyboard.send("key", serial, self.host.milliseconds(), code, int(pressed))
        if code == SHIFT:
            self._modifiers = SHIFT_MASK if pressed else 0
            for keyboard in keyboards:
                keyboard.send("modifiers", serial, self._modifiers, 0, 0, 0)

    def type_text(self, text: str) -> None:
        """Types; KeyError for a character that is not on the keymap."""
        for character in text:
            code, shifted = TYPED[character]
            if shifted:
                self.key(SHIFT, True)
            self.key(code, True)
            self.key(code, False)
            if shifted:
                self.key(SHIFT, False)

    def motion(self, x: float, y: float) -> None:
        """The pointer moves, and perhaps into another surface."""
        self.position = (x, y)
        found = self.host.shell.surface_at(x, y)
        surface = found[0] if found is not None else None
        inside = found[2:] if found is not None else (0.0, 0.0)
        if self.drag is not None:
            self.drag.motion(surface, *inside, self.host.milliseconds())
            return
        self._point_at(surface, inside)
        for pointer in self._pointers.of(surface):
            pointer.send("motion", self.host.milliseconds(), *inside)
            pointer.send("frame")

    def _point_at(self, surface: Surface | None, inside: tuple[float, ...]) -> None:
        """Moves the pointer's focus."""
        if surface is self.pointer_focus:
            return
        serial = self.host.next_serial()
        for pointer in self._pointers.of(self.pointer_focus):
            pointer.send("leave", serial, self.pointer_focus.resource if self.pointer_focus else None)
            pointer.send("frame")
        self.pointer_focus = surface
        for pointer in self._pointers.of(surface):
            pointer.send("enter", serial, surface.resource if surface else None, *inside)

    def button(self, button: int, pressed: bool) -> None:
        """A button at the pointer's place; pressing raises the window, and where something is dragged, the last to go up drops it."""
        self._pressed += 1 if pressed else -1
        if self.drag is not None:
            if not self._pressed:
                self.drag.drop()
                self.drag = None
                self.motion(*self.position)
            return
        found = self.host.shell.surface_at(*self.position)
        if pressed and found is not None and isinstance(found[1], Toplevel):
            self.host.shell.focus(found[1])
        for pointer in self._pointers.of(self.pointer_focus):
            pointer.send("button", self.host.next_serial(), self.host.milliseconds(), button, int(pressed))
            pointer.send("frame")
