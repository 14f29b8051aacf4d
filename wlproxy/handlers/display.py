"""wl_display.error, the last thing a compositor says.

Promises: the guest is told of an object it knows, or of its wl_display. The session has translated the id already; here it is
written down. Source: wayland.xml wl_display.error.
"""

from __future__ import annotations

from ..core.connection import Connection
from ..core.message import Message
from ..core.tables import FORWARD

OBJECT, CODE, TEXT = 0, 1, 2


def on_error(connection: Connection, message: Message) -> int:
    """The compositor ends the connection with a protocol error."""
    reason = f"object {message.number(OBJECT)}, code {message.number(CODE)}: {message.text(TEXT)[:200]}"
    connection.record("host-error", message, reason, "allow", "built-in: host error")
    return FORWARD
