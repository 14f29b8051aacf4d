"""Texts that the host's panels, switchers and input methods read.

Promises towards the compositor: names and titles are short enough for any panel; a text field's content is within the bound of its
protocol, and its cursor stands between characters of it. What characters a policy lets through is core/checks.py.
Trusts: the decoder, that a string is UTF-8.
Source: text-input-unstable-v3.xml (4000 bytes), text-input-unstable-v1.xml; sway issue 6480 for a title of 8 KiB.
"""

from __future__ import annotations

from typing import Final

from ..core.connection import Connection
from ..core.errors import ProtocolViolation
from ..core.message import Message
from ..core.tables import DROP, FORWARD
from .windows import clamp

INVALID_ACTION: Final = 0  # zwp_text_input_v3.error

MOST_SURROUNDING_BYTES: Final = 4000

# request -> the argument that is a text, and its bytes at most. What is longer is cut.
SHORT: Final[dict[tuple[str, str], tuple[int, int]]] = {
    ("xdg_toplevel", "set_title"): (0, 1024),
    ("xdg_toplevel", "set_app_id"): (0, 256),
    ("xdg_activation_token_v1", "set_app_id"): (0, 256),
    ("xdg_toplevel_icon_v1", "set_name"): (0, 256),
    ("xdg_toplevel_tag_manager_v1", "set_toplevel_tag"): (1, 256),
    ("xdg_toplevel_tag_manager_v1", "set_toplevel_description"): (1, 1024),
    ("wl_shell_surface", "set_title"): (0, 1024),
    ("wl_shell_surface", "set_class"): (0, 256),
}


def shorten(connection: Connection, message: Message, index: int, most: int) -> None:
    """Cuts a text at a character's boundary."""
    text = message.text(index)
    raw = text.encode("utf-8", "surrogateescape")
    if len(raw) > most:
        message.args[index] = raw[:most].decode("utf-8", "ignore")
        message.changed = True
        connection.record("rewritten", message, f"{len(raw)} bytes are cut to {most}", "allow", "built-in: text length")


def on_text(connection: Connection, message: Message) -> int:
    """One of SHORT."""
    index, most = SHORT[message.rule.interface, message.rule.name]
    shorten(connection, message, index, most)
    return FORWARD


def on_surrounding_text(connection: Connection, message: Message) -> int:
    """set_surrounding_text(text, cursor, anchor), both in bytes: an input method would index into the text with them. What does not
    fit is left out; the specification names no error, and without it the input method knows less, not something else."""
    raw = message.text(0).encode("utf-8", "surrogateescape")
    marks = (message.number(1), message.number(2))
    if len(raw) > MOST_SURROUNDING_BYTES or not all(between_characters(raw, mark) for mark in marks):
        reason = f"a text of {len(raw)} bytes with cursor {marks[0]} and anchor {marks[1]}"
        connection.record("refused", message, reason, "ignore", "built-in: surrounding text")
        return DROP
    return FORWARD


def between_characters(raw: bytes, at: int) -> bool:
    """Whether a byte index is within the text and not inside a character."""
    return 0 <= at <= len(raw) and (at == len(raw) or raw[at] & 0xC0 != 0x80)


def on_cursor_rectangle(connection: Connection, message: Message) -> int:
    """set_cursor_rectangle(x, y, width, height)."""
    clamp(connection, message, (0, 1, 2, 3))
    return FORWARD


def on_available_actions(connection: Connection, message: Message) -> int:
    """zwp_text_input_v3.set_available_actions(available_actions): 32 bits each; not none, and each once."""
    actions = message.args[0]
    raw = actions if isinstance(actions, bytes) else b""
    words = [raw[i : i + 4] for i in range(0, len(raw), 4)]
    if len(raw) % 4 or bytes(4) in words or len(set(words)) != len(words):
        raise ProtocolViolation(message.target.guest_id, INVALID_ACTION, "an action that does not exist, or one named twice")
    return FORWARD
