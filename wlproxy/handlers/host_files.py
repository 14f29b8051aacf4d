"""Files that a compositor hands to its clients: keymaps, tables of formats, colour profiles.

Promises: a guest gets a copy of its own, never the compositor's file: compositors share one file among all their clients, and who
can write to it rewrites the keymap of the others. The copy is writable, because VMMs older than 2026 map it so (rutabaga_gfx).
A file that is too large or too short for what the event says of it is not handed on at all: that ends the connection.
Trusts: the compositor not to lie about sizes on purpose.
Source: wayland.xml (wl_keyboard.keymap), linux-dmabuf-v1.xml, color-management-v1.xml.
"""

from __future__ import annotations

from typing import Final

from ..core.connection import Connection
from ..core.errors import ProtocolViolation
from ..core.message import Message
from ..core.tables import FORWARD
from ..core.wire import DISPLAY_ID, IMPLEMENTATION

# event -> the argument that says how many bytes, and how many there may be
FILES: Final[dict[tuple[str, str], tuple[int, int]]] = {
    ("wl_keyboard", "keymap"): (2, 1 << 20),
    ("zwp_linux_dmabuf_feedback_v1", "format_table"): (1, 1 << 20),
    ("wp_image_description_info_v1", "icc_file"): (1, 4 << 20),
}


def on_file(connection: Connection, message: Message) -> int:
    """One of FILES: the descriptor is replaced by that of a copy."""
    size_at, most = FILES[message.rule.interface, message.rule.name]
    size = message.number(size_at)
    original = message.descriptors[0]
    if size > most:
        raise ProtocolViolation(DISPLAY_ID, IMPLEMENTATION, f"a file of {size} bytes, at most {most} are copied")
    if size == 0:
        return FORWARD  # wl_keyboard.keymap without a keymap: any descriptor, nothing to read
    try:
        copy = connection.files.private_copy(original, size)
    except OSError as error:
        raise ProtocolViolation(DISPLAY_ID, IMPLEMENTATION, f"its file cannot be copied: {error.strerror or error}") from error
    if copy is not original:
        message.descriptors[0] = copy
        connection.release(original)
    return FORWARD
