"""Values for arguments: plausible ones, so that a conversation gets somewhere, and the ones that break arithmetic.

Trusts: nothing. What an argument means is guessed from its name, as the specifications are consistent in those.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wlproxy.core.fds import DMABUF, FILE, MEMFD, OTHER, PIPE, READ_ONLY, READ_WRITE, SOCKET, WRITE_ONLY
from wlproxy.core.protocol import Interface

from .choices import Choices
from .conversation import Descriptor

INTS: Final = (0, 1, 2, 3, 8, 16, 64, 255, 256, 4096, 16384)
EXTREME_INTS: Final = (
    *(0, 1, -1, 2, -2, 7, 8, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000),
    *(1 << 24, -(1 << 24), 16383, 16384, 16385, 0x7FFFFFFF, -0x80000000, -0x7FFFFFFF, 0x7FFFFF00, 0x40000000, -256, 0x55555555),
)
EXTREME_IDS: Final = (0, 1, 2, 3, 0x7FFFFFFF, 0x80000000, 0xFEFFFFFF, 0xFF000000, 0xFF000001, 0xFFFFFFFF)
TEXTS: Final = ("", "a", "text/plain", "title", "\u00fc\u2603", "org.example.App")
EXTREME_TEXTS: Final = (
    *("", "\n"),
    *("\x1b[2J", "\u202e\u2066", "\u2028", "<b>&", "%s%n", "../../x", "a\u0301" * 300, "\U0010ffff", "\U000e0041", "{}", "[dom0] "),
    *("a" * 3, "a" * 4, "a" * 127, "a" * 128, "a" * 4075, "a" * 4096, "\u00e9" * 2000, "a" * 32768, "a" * 65000),
)
EXTREME_ARRAYS: Final = (b"", b"\0", b"\1\2\3", bytes(4), b"\xff" * 4, b"\xff" * 5, bytes(1024), b"\1" * 4097, bytes(65000))
GOOD_NUMBERS: Final[Mapping[str, tuple[int, ...]]] = {
    "size": (4096, 8192, 65536),
    "offset": (0, 0, 4),
    "width": (1, 8, 16, 32),
    "height": (1, 8, 16),
    "stride": (128, 64, 128),
    "format": (0, 1),
    "scale": (1, 1, 2),
    "transform": (0, 1, 5),
    "x": (0, 0, 1, 20),
    "y": (0, 0, 1, 20),
    "hotspot_x": (0, 1),
    "hotspot_y": (0, 1),
    "key.key": (42, 125, 1, 59),  # Shift, Super, Escape, F1: fuzzing/policies.py
    "attach.x": (0,),
    "attach.y": (0,),
}
POOLS: Final = (
    *(Descriptor(MEMFD, size=65536), Descriptor(MEMFD, size=65537), Descriptor(MEMFD, size=65536, seals=2)),
    *(Descriptor(MEMFD, size=65536, sealable=False), Descriptor(MEMFD)),
    *(Descriptor(MEMFD, READ_ONLY), Descriptor(MEMFD, size=0), Descriptor(FILE), Descriptor(MEMFD, seals=-1, sealable=False)),
)
DESCRIPTORS: Final = (
    *POOLS,
    *(Descriptor(PIPE, WRITE_ONLY, 0, -1), Descriptor(PIPE, READ_ONLY, 0, -1), Descriptor(SOCKET, READ_WRITE, 0, -1)),
    *(Descriptor(DMABUF, READ_WRITE, 1 << 20, -1), Descriptor(OTHER, READ_ONLY, 0, -1), Descriptor(0)),
)


def number(choices: Choices, interfaces: Mapping[str, Interface], message: str, name: str, enum: str, fixed: bool) -> int:
    """A number that the argument might well have."""
    known = GOOD_NUMBERS.get(f"{message}.{name}") or GOOD_NUMBERS.get(name)
    owner, _, enum_name = enum.rpartition(".")
    if known is None and owner in interfaces:
        known = tuple(e.value for found in interfaces[owner].enums if found.name == enum_name for e in found.entries)
    value = choices.pick(known or INTS)
    return value * 256 if fixed else value


def descriptor(choices: Choices, request: str) -> Descriptor:
    """A descriptor that the message might bring, mostly."""
    if choices.one_in(32):
        return choices.pick(DESCRIPTORS)
    if request == "create_pool":
        return POOLS[choices.below(4)]
    return choices.pick(DESCRIPTORS[-6:-4])


def extreme(choices: Choices, kind: str) -> object:
    """A value of that wire type that the argument hardly ever has."""
    if kind == "string":
        return choices.pick(EXTREME_TEXTS)
    if kind == "array":
        return choices.pick(EXTREME_ARRAYS)
    if kind in ("object", "new_id"):
        return choices.pick(EXTREME_IDS)
    return choices.pick(EXTREME_INTS)
