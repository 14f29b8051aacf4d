"""Data of the clipboard and of drags, from one side's pipe to the other's by way of one of our own.

Promises: no descriptor of a guest's reaches another client of the compositor, and none of another client's a guest: the writer is handed
the write end of our pipe, and what comes out of it is carried to the reader, within bounds of size and time. A guest is handed a
pipe's write-only end, the one kind that VMMs pass on (rutabaga_gfx). Trusts: the transport to carry (core/outcome.py Transfer).
Source: wayland.xml (wl_data_offer.receive, wl_data_source.send).
"""

from __future__ import annotations

from typing import Final

from ..core.connection import Connection
from ..core.fds import UNKNOWN
from ..core.message import Message
from ..core.outcome import Transfer
from ..core.tables import DROP, FORWARD
from ..core.wire import STRING
from .selections import ANYTHING, permission_of

BUILT_IN: Final = "built-in: transfer"


def through_own_pipe(connection: Connection, message: Message) -> int:
    """Replaces the write end in a message by that of a pipe of ours. Without one the message is dropped: its reader sees the end of
    its pipe at once, as from a source that has nothing to say."""
    theirs = message.descriptors[0]
    if theirs.kind == UNKNOWN:  # replay and tests have bytes without descriptors' facts
        return FORWARD
    try:
        source, target = connection.files.pipe()
    except OSError as error:
        connection.record("refused", message, f"no pipe: {error.strerror or error}", "ignore", BUILT_IN)
        return DROP
    limits = connection.limits
    most_bytes = limits.clipboard_bytes
    allowed, _ = connection.tables.transfers.get(permission_of(message), ANYTHING)
    if allowed:
        most_bytes = min(most_bytes, allowed)
    message.descriptors[0] = target
    connection.transfers.append(
        Transfer(
            source,
            theirs,
            most_bytes,
            limits.clipboard_idle_seconds,
            limits.clipboard_total_seconds,
            message.side,  # whoever sent the write end is the one who reads
            message.text(0) if message.rule.signature[:1] == STRING else "",
        )
    )
    return FORWARD
