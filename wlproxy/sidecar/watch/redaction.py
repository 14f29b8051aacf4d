"""What `--redact` takes out of a recording, before it is written.

    strings     every byte but the NUL becomes "x". Kept: the interface in wl_registry.global and wl_registry.bind, and MIME types
                (arguments named mime_type), because policies decide by them
    arrays      every byte becomes 0 (keys held down, states, modifiers)
    keys        the key of wl_keyboard.key and its like, and keysyms, become 0: what was typed
    all else    of messages that no object or opcode explains, and of what does not fit its signature: 0

Sizes, ids, serials, versions, numbers (sizes, positions, times, buttons, modifiers) and the facts about descriptors stay, so that a replay
decides the same, but where a policy looks at the text itself (max-bytes still counts the same bytes; charset and sanitize do not).
Pure. Trusts: that the rule is the message's.
"""

from __future__ import annotations

from typing import Final

from ...core.tables import MessageRule
from ...core.wire import ARRAY, FD, HEADER_BYTES, STRING

MIME: Final = "mime_type"
TYPED: Final = frozenset((("key", "key"), ("keysym", "sym"), ("keysym", "keysym")))  # message, argument


def keeps(interface: str, argument: str) -> bool:
    """Whether the text of a string argument is structure rather than content."""
    return argument == MIME or (interface == "wl_registry" and argument == "interface")


def redacted(message: bytes, rule: MessageRule | None) -> bytes:
    """The message without its content, of the same length."""
    made = bytearray(len(message))
    made[:HEADER_BYTES] = message[:HEADER_BYTES]
    if rule is None:
        return bytes(made)
    at = HEADER_BYTES
    for kind, name in zip(rule.signature, rule.argument_names, strict=True):
        if kind == FD:
            continue
        if len(message) - at < 4:
            break
        word = message[at : at + 4]
        if (rule.name, name) not in TYPED:
            made[at : at + 4] = word
        at += 4
        if kind in (STRING, ARRAY):
            size = int.from_bytes(word, "little")
            if size > len(message) - at:
                break
            if kind == STRING and keeps(rule.interface, name):
                made[at : at + size] = message[at : at + size]
            elif kind == STRING and size:
                made[at : at + size - 1] = b"x" * (size - 1)
            at += (size + 3) & ~3
    return bytes(made)
