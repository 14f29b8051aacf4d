"""The [quota] table: how much a guest may have at a time.

Promises: a quota is a known one, of its kind, and within what the proxy can keep to; everything else is a finding. Pure.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

from .document import Document
from .model import Quota
from .positions import Path
from .read_predicates import is_whole

COUNT: Final = "count"
BYTES: Final = "bytes"
SECONDS: Final = "seconds"
RATE: Final = "rate"

# Key: the field of core/quotas.py Limits, what it is given in, the least and the most.
QUOTAS: Final[dict[str, tuple[str, str, float, float]]] = {
    "clients": ("clients", COUNT, 1, 1024),
    "connects": ("connects", RATE, 0.1, 10000),
    "silent-clients": ("silent-clients", COUNT, 0, 1024),
    "silent": ("silent-seconds", SECONDS, 1, 3600),
    "messages": ("messages", RATE, 100, 100_000_000),
    "message-bytes": ("message-bytes", BYTES, 1024, 65532),
    "objects": ("objects", COUNT, 16, 1 << 20),
    "surfaces": ("surfaces", COUNT, 1, 65536),
    "toplevels": ("toplevels", COUNT, 1, 4096),
    "popups": ("popups", COUNT, 0, 4096),
    "subsurface-depth": ("subsurface-depth", COUNT, 1, 64),
    "subsurface-children": ("subsurface-children", COUNT, 1, 4096),
    "damage-rectangles": ("damage-rectangles", COUNT, 1, 65536),
    "region-rectangles": ("region-rectangles", COUNT, 1, 65536),
    "callbacks": ("callbacks", COUNT, 16, 1 << 20),
    "shm-pools": ("shm-pools", COUNT, 1, 16384),
    "buffers": ("buffers", COUNT, 1, 65536),
    "pool-buffers": ("pool-buffers", COUNT, 1, 65536),
    "shm-bytes": ("shm-bytes", BYTES, 65536, 1 << 40),
    "fds": ("fds", COUNT, 4, 32768),
    "guest-queue": ("guest-queue-bytes", BYTES, 65536, 64 << 20),
    "upstream-queue": ("host-queue-bytes", BYTES, 65536, 64 << 20),
    "stall": ("stall-seconds", SECONDS, 1, 3600),
    "clipboard-bytes": ("clipboard-bytes", BYTES, 1, 1 << 40),
    "clipboard-idle": ("clipboard-idle-seconds", SECONDS, 0.1, 3600),
    "clipboard-total": ("clipboard-total-seconds", SECONDS, 0.1, 86400),
    "transfers": ("transfers", COUNT, 1, 1024),
}
ON_EXCEED: Final = "on-exceed"
UNLIMITED: Final = "unlimited"
BYTE_UNITS: Final = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
SECOND_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
AMOUNT: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,3})?)([A-Za-z]*)")
PER_SECOND: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,3})?)/([0-9]{1,4})?s(?: burst ([0-9]{1,12}))?")
EXAMPLES: Final = {
    COUNT: "a whole number is needed",
    BYTES: 'a size such as "64MiB" is needed (B, KiB, MiB, GiB)',
    SECONDS: 'a time such as "10s" is needed (ms, s, m, h)',
    RATE: 'a rate such as "20000/s burst 50000" is needed, or "unlimited"',
}


def read_quotas(document: Document) -> dict[str, Quota]:
    """The [quota] table of one file, by key."""
    found: dict[str, Quota] = {}
    for key, value in document.table("quota").items():
        path: Path = ("quota", key)
        if key == ON_EXCEED:
            if value != "disconnect":
                reason = 'on-exceed is "disconnect": a guest beyond a quota loses that connection'
                document.wrong_value(path, "not-yet", reason, ["disconnect"], value)
            continue
        if key not in QUOTAS:
            document.wrong_key(path, "unknown-key", f"there is no quota '{key}'", [*QUOTAS, ON_EXCEED])
            continue
        field, kind, least, most = QUOTAS[key]
        amount = amount_of(kind, value)
        if amount is None:
            document.wrong_value(path, "type", EXAMPLES[kind])
            continue
        first = amount[0] if isinstance(amount, list) else amount
        if value != UNLIMITED and not least <= first <= most:
            document.wrong_value(path, "out-of-range", f"'{key}' is between {shown(kind, least)} and {shown(kind, most)}")
            continue
        found[key] = Quota(field, amount, document.origin(path))
    return found


def amount_of(kind: str, value: Any) -> int | float | list[float] | None:
    """A quota's value in bytes, seconds, or [a second, at once]; None where it is none."""
    if kind == COUNT or (kind == BYTES and not isinstance(value, str)):
        return int(value) if is_whole(value) else None
    if not isinstance(value, str):
        return None
    if kind == RATE:
        return rate_of(value)
    match = AMOUNT.fullmatch(value)
    factor = None if match is None else (BYTE_UNITS if kind == BYTES else SECOND_UNITS).get(match[2])
    if match is None or factor is None:
        return None
    amount = float(match[1]) * factor
    return round(amount) if kind == BYTES else amount


def rate_of(value: str) -> list[float] | None:
    """[a second, at once]; "1/5s" is one each five seconds; without "burst", two seconds' worth at once, but one at least."""
    if value == UNLIMITED:
        return [0.0, 0.0]
    match = PER_SECOND.fullmatch(value)
    if match is None:
        return None
    seconds = int(match[2] or 1)
    if not seconds:
        return None
    per_second = round(float(match[1]) / seconds, 3)
    return [per_second, float(match[3]) if match[3] else float(max(math.ceil(2 * per_second), 1))]


def time_text(seconds: float) -> str:
    """A time as an admin would write it: 7200 seconds are "2h"."""
    unit = next(unit for unit in ("h", "m", "s") if unit == "s" or seconds and not seconds % SECOND_UNITS[unit])
    return f"{seconds / SECOND_UNITS[unit]:g}{unit}"


def shown(kind: str, amount: float) -> str:
    """A bound as an admin would write it."""
    if kind == SECONDS:
        return time_text(amount)
    if kind == RATE:
        return f"{amount:g}/s"
    if kind == BYTES:
        unit = next(unit for unit, factor in reversed(BYTE_UNITS.items()) if amount >= factor)
        return f"{amount / BYTE_UNITS[unit]:g}{unit}"
    return f"{amount:g}"
