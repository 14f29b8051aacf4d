"""How a relay is, in numbers: made there when the broker asks for it, and checked there before anybody sees it.

Promises: it fits in one packet of the channel; nothing is counted for it while nobody asks, but for what a connection adds to the totals
when it ends; what passes `checked` is numbers of known names, whatever a relay that was taken over may say. Trusts: nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from ...core.outcome import GUEST, HOST
from ...core.quotas import COUNTED, Limits, Usage
from ..relay.link import Link

MOST_CLIENTS: Final = 60  # named one by one: 60 rows of 8 numbers are within a packet
MOST_BYTES: Final = 8000
LARGEST: Final = 1 << 63
COUNTS: Final = ("clients", "waiting", "accepted", "unnamed")  # `unnamed` clients are in none of the rows
USED: Final = ("clients", "objects", *COUNTED[1:], "shm-bytes", "fds")
ROW: Final = ("client", "seconds", "request_bytes", "event_bytes", "requests", "events", "queue_guest", "queue_host")


class Totals:
    """What connections that are over have carried, by side: bytes, descriptors, messages."""

    def __init__(self) -> None:
        self.sides: list[list[int]] = [[0, 0, 0], [0, 0, 0]]

    def add(self, link: Link) -> None:
        """One more is over."""
        add_to(self.sides, link)


def add_to(sides: list[list[int]], link: Link) -> None:
    """What one connection has carried."""
    for side, half in ((GUEST, link.guest), (HOST, link.host)):
        told = sides[side]
        told[0] += half.received
        told[1] += half.received_fds
        told[2] += link.session.messages(side)


def state_of(
    links: Sequence[Link], totals: Totals, usage: Usage, limits: Limits, now: float, accepted: int, waiting: int
) -> bytes:
    """The answer to ASK: JSON. {"counts", "used", "most" (0: no limit), "queue": bytes towards guest and host, "carried": as Totals has it,
    "differs": where a shadow would be stricter and wider, "rows"}, of which those are the clients that are connected longest."""
    sides = [list(side) for side in totals.sides]
    queue = [0, 0]
    rows: list[list[int]] = []
    for link in links:
        add_to(sides, link)
        queue[GUEST] += link.guest.queued
        queue[HOST] += link.host.queued
        if len(rows) < MOST_CLIENTS:
            carried = [link.guest.received, link.host.received, link.session.messages(GUEST), link.session.messages(HOST)]
            rows.append([link.number, int(now - link.since), *carried, link.guest.queued, link.host.queued])
    used = [len(links), int(usage.objects), *usage.counts[1:], usage.shm_bytes + usage.mirrored_bytes, usage.fds]
    most = [limits.clients, limits.objects, *limits.counted[1:], limits.shm_bytes, limits.fds]
    told = {
        "counts": [len(links), waiting, accepted, len(links) - len(rows)],
        "used": used,
        "most": most,
        "queue": queue,
        "carried": sides,
        "differs": [usage.differences.stricter, usage.differences.wider],
        "rows": rows,
    }
    while len(data := json.dumps(told, separators=(",", ":")).encode()) > MOST_BYTES:
        del rows[-5:]
        told["counts"] = [len(links), waiting, accepted, len(links) - len(rows)]
    return data


def checked(data: bytes) -> dict[str, Any] | None:
    """The same with names for an admin, None for what is no such answer."""
    try:
        told = json.loads(data)
        counts = dict(zip(COUNTS, numbers(told["counts"], len(COUNTS)), strict=True))
        used = dict(zip(USED, numbers(told["used"], len(USED)), strict=True))
        most = dict(zip(USED, numbers(told["most"], len(USED)), strict=True))
        queue = numbers(told["queue"], 2)
        carried = [numbers(side, 3) for side in told["carried"]]
        stricter, wider = numbers(told["differs"], 2)
        rows = [dict(zip(ROW, numbers(row, len(ROW)), strict=True)) for row in told["rows"][:MOST_CLIENTS]]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if len(carried) != 2:
        return None
    names = ("bytes", "fds", "messages")
    return {
        **counts,
        "used": used,
        "limits": most,
        "queue_bytes": {"guest": queue[GUEST], "host": queue[HOST]},
        "requests": dict(zip(names, carried[GUEST], strict=True)),
        "events": dict(zip(names, carried[HOST], strict=True)),
        "shadow_differences": {"stricter": stricter, "wider": wider},
        "client_list": rows,
    }


def numbers(given: Any, count: int) -> list[int]:
    """So many numbers from 0 up. Raises ValueError."""
    if not isinstance(given, list) or len(given) != count:
        raise ValueError("not a list of that length")
    for value in given:
        if type(value) is not int or not 0 <= value < LARGEST:
            raise ValueError("not a number from 0 up")
    return given
