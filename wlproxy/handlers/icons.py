"""Icons of windows, shown by the host's panels and switchers.

Promises towards the compositor: an icon's buffers are square, shared memory, of a size an icon can have, and alive when the icon is set.
Trusts: the buffers' notes. Source: xdg-toplevel-icon-v1.xml.
"""

from __future__ import annotations

from typing import Final

from ..core.connection import Connection
from ..core.errors import ProtocolViolation
from ..core.message import Message
from ..core.objects import LIVE, Object
from ..core.tables import DROP, FORWARD, Note
from . import texts
from .buffers import Buffer

INVALID_BUFFER, IMMUTABLE, NO_BUFFER = 1, 2, 3  # xdg_toplevel_icon_v1.error

LARGEST: Final = 512  # buffer pixels: a 256 pixel icon at scale 2
MOST_BUFFERS: Final = 32  # sizes times scales


class Icon(Note):
    """One xdg_toplevel_icon_v1: what it is made of; once it is set on a window it stays as it is."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.owner = owner
        self.buffers: list[Object] = []
        self.immutable = False


def icon_of(message: Message) -> Icon:
    """The icon a request is addressed to, which must not have been set yet."""
    note = message.target.note
    if not isinstance(note, Icon):
        raise TypeError(f"{message.rule.interface}#{message.target.guest_id} has no icon state")
    if note.immutable:
        raise ProtocolViolation(message.target.guest_id, IMMUTABLE, "the icon is set on a window already")
    return note


def on_set_name(connection: Connection, message: Message) -> int:
    """xdg_toplevel_icon_v1.set_name(icon_name)."""
    icon_of(message)
    return texts.on_text(connection, message)


def on_add_buffer(connection: Connection, message: Message) -> int:
    """xdg_toplevel_icon_v1.add_buffer(buffer, scale). One that is too large is left out: the icon has others, or none."""
    icon = icon_of(message)
    found = connection.objects.of_host(message.number(0))
    content = None if found is None else found.note
    if found is None or not isinstance(content, Buffer) or content.bytes == 0 or content.width != content.height:
        raise ProtocolViolation(message.target.guest_id, INVALID_BUFFER, "its buffer is not square, or no shared memory")
    scale = max(1, message.number(1))
    largest = min(LARGEST, connection.tables.sizes.get("window-icon", LARGEST) * scale)
    if content.width > largest or len(icon.buffers) >= MOST_BUFFERS or message.number(1) < 1:
        connection.record("refused", message, f"a buffer of {content.width} pixels too many or too large", "ignore", "built-in: icon size")
        return DROP
    content.before_commit()
    icon.buffers.append(found)
    return FORWARD


def on_set_icon(connection: Connection, message: Message) -> int:
    """xdg_toplevel_icon_manager_v1.set_icon(toplevel, icon)."""
    found = connection.objects.of_guest(message.number(1))
    note = None if found is None else found.note
    if isinstance(note, Icon):
        if any(buffer.stage != LIVE for buffer in note.buffers):
            raise ProtocolViolation(note.owner.guest_id, NO_BUFFER, "one of its buffers was destroyed")
        note.immutable = True
    return FORWARD
