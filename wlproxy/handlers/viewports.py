"""wp_viewport: cropping and scaling, checked against the buffer when it is committed.

Promises towards the compositor: a source rectangle lies inside its buffer, numbers are positive and of a size that a screen can
show, and nothing is asked of a viewport whose surface is gone. Trusts: the surface's note of its buffer's size.
Source: viewporter.xml; sway issues 7930 and 8194 for what happens otherwise.
"""

from __future__ import annotations

from typing import Final

from ..core.connection import Connection
from ..core.errors import PolicyViolation, ProtocolViolation
from ..core.message import Message
from ..core.objects import Object
from ..core.tables import FORWARD, Note
from ..core.wire import DISPLAY_ID, IMPLEMENTATION
from .surfaces import FARTHEST, Content, Surface, surface_at

VIEWPORT_EXISTS: Final = 0  # wp_viewporter.error
BAD_VALUE, BAD_SIZE, OUT_OF_BUFFER, NO_SURFACE = 0, 1, 2, 3  # wp_viewport.error
UNIT: Final = 256  # wl_fixed_t


class Viewport(Note):
    """One wp_viewport: the source rectangle in 1/256 pixels, None where unset."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.owner = owner
        self.surface: Surface | None = None
        self.source: tuple[int, int, int, int] | None = None
        self.destination: tuple[int, int] | None = None  # logical pixels

    def ending(self) -> None:
        """wp_viewport.destroy."""
        if self.surface is not None:
            self.surface.viewport = None


class ViewportContent(Content):
    """What a viewport demands of its surface's commits."""

    def __init__(self, viewport: Viewport) -> None:
        self.viewport = viewport

    def size(self) -> tuple[int, int] | None:
        """The destination, else the source rounded up."""
        source = self.viewport.source
        if self.viewport.destination is not None or source is None:
            return self.viewport.destination
        return (source[2] + UNIT - 1) // UNIT, (source[3] + UNIT - 1) // UNIT

    def before_commit(self, surface: Surface) -> None:
        """The source must lie inside the committed buffer, and be whole pixels where nothing scales it."""
        source = self.viewport.source
        if source is None:
            return
        x, y, width, height = source
        address = self.viewport.owner.guest_id
        if self.viewport.destination is None and (width % UNIT or height % UNIT):
            raise ProtocolViolation(address, BAD_SIZE, "a source size in fractions of a pixel needs a destination")
        if not surface.mapped or surface.width == 0:
            return
        buffer = (surface.width, surface.height)
        if surface.transform & 1:  # turned by 90 or 270 degrees
            buffer = (surface.height, surface.width)
        if (x + width) * surface.scale > buffer[0] * UNIT or (y + height) * surface.scale > buffer[1] * UNIT:
            raise ProtocolViolation(address, OUT_OF_BUFFER, f"the source ends outside the buffer of {buffer[0]} x {buffer[1]}")

    def surface_gone(self) -> None:
        """The wl_surface is destroyed."""
        self.viewport.surface = None


def on_get_viewport(connection: Connection, message: Message) -> int:
    """wp_viewporter.get_viewport(id, surface): one for each surface."""
    surface = surface_at(connection, message, 1)
    if surface is not None and surface.viewport is not None:
        raise ProtocolViolation(message.target.guest_id, VIEWPORT_EXISTS, "the surface has a viewport already")
    return FORWARD


def viewport_made(connection: Connection, message: Message) -> None:
    """Links the new viewport to its surface."""
    surface = surface_at(connection, message, 1)
    made = message.created
    if surface is not None and made is not None and isinstance(made.note, Viewport):
        made.note.surface = surface
        surface.viewport = ViewportContent(made.note)


def viewport_of(message: Message) -> Viewport:
    """The viewport a message is addressed to; raises no_surface where its surface is gone."""
    note = message.target.note
    if not isinstance(note, Viewport):
        raise TypeError(f"{message.rule.interface}#{message.target.guest_id} has no viewport state")
    if note.surface is None:
        raise ProtocolViolation(message.target.guest_id, NO_SURFACE, "its wl_surface was destroyed")
    return note


def on_source(connection: Connection, message: Message) -> int:
    """wp_viewport.set_source(x, y, width, height) in 1/256; all -1 unsets it."""
    viewport = viewport_of(message)
    source = (message.number(0), message.number(1), message.number(2), message.number(3))
    if source == (-UNIT, -UNIT, -UNIT, -UNIT):
        viewport.source = None
        return FORWARD
    if source[0] < 0 or source[1] < 0 or source[2] <= 0 or source[3] <= 0:
        raise ProtocolViolation(message.target.guest_id, BAD_VALUE, "the source is negative or empty")
    viewport.source = source
    return FORWARD


def on_destination(connection: Connection, message: Message) -> int:
    """wp_viewport.set_destination(width, height); both -1 unsets it."""
    viewport = viewport_of(message)
    width, height = message.number(0), message.number(1)
    if (width, height) == (-1, -1):
        viewport.destination = None
        return FORWARD
    if width <= 0 or height <= 0:
        raise ProtocolViolation(message.target.guest_id, BAD_VALUE, f"destination {width} x {height} is not positive")
    if width > FARTHEST or height > FARTHEST:
        raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, f"{width} x {height} is above {FARTHEST}", "built-in: size")
    viewport.destination = (width, height)
    return FORWARD
