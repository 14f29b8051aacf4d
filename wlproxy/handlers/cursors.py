"""Cursors: surfaces that follow the pointer, over every window of the host's.

Promises towards the compositor: a cursor's surface is nothing else; it covers at most 256 logical pixels either way, or fewer where the
policy says so, and its hot spot lies inside that. Shapes are those of the version bound. What is too large is shown without a
buffer, not refused: a program with an oversized cursor has done nothing that the protocol forbids (the bound itself is
enforced at each commit, surfaces.py).
Trusts: the surface's note of its buffer's size.
Source: wayland.xml (wl_pointer.set_cursor), tablet-v2.xml, cursor-shape-v1.xml.
"""

from __future__ import annotations

from typing import Final

from ..core.connection import Connection
from ..core.errors import ProtocolViolation
from ..core.message import Message
from ..core.tables import FORWARD
from .surfaces import CURSOR, TOOL_CURSOR, surface_at

ROLE: Final = 0  # wl_pointer.error, zwp_tablet_tool_v2.error
INVALID_SHAPE: Final = 1  # wp_cursor_shape_device_v1.error
LAST_SHAPES: Final = (34, 36)  # at version 1, from version 2

SERIAL, SURFACE, HOTSPOT_X, HOTSPOT_Y = 0, 1, 2, 3


def on_set_cursor(connection: Connection, message: Message) -> int:
    """wl_pointer.set_cursor, zwp_tablet_tool_v2.set_cursor(serial, surface, hotspot_x, hotspot_y)."""
    surface = surface_at(connection, message, SURFACE)
    if surface is None:
        return FORWARD
    role = CURSOR if message.rule.interface == "wl_pointer" else TOOL_CURSOR
    surface.take_role(role, message.target.guest_id, ROLE)
    if surface.children or surface.shown_too_large():
        message.args[SURFACE] = 0
        message.changed = True
        connection.record("rewritten", message, "its surface is too large for a cursor: none", "allow", "built-in: cursor size")
    for index in (HOTSPOT_X, HOTSPOT_Y):
        wanted = message.number(index)
        allowed = max(0, min(wanted, surface.largest))
        if wanted != allowed:
            message.args[index] = allowed
            message.changed = True
            connection.record("rewritten", message, f"hot spot {wanted} becomes {allowed}", "allow", "built-in: hot spot")
    return FORWARD


def on_set_shape(connection: Connection, message: Message) -> int:
    """wp_cursor_shape_device_v1.set_shape(serial, shape)."""
    shape = message.number(1)
    last = LAST_SHAPES[0] if message.target.version < 2 else LAST_SHAPES[1]
    if not 1 <= shape <= last:
        raise ProtocolViolation(message.target.guest_id, INVALID_SHAPE, f"there is no shape {shape}")
    return FORWARD
