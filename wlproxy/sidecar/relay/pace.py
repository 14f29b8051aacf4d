"""How fast a guest may speak: its messages over all its connections, and who waits until it may speak again.

Promises: nothing is lost of what comes too fast, it is read later; nobody waits longer than the stall deadline, because while a guest
is not read its VMM may stand in sendmsg(2), and with it all else the guest shows.
"""

from __future__ import annotations

from typing import Final

from ...core.quotas import Bucket, Limits
from .link import Link

LEAST_PAUSE_SECONDS: Final = 0.002  # epoll_wait(2) has milliseconds; less would be a busy loop


class Pace:
    """`messages` is the guest's rate: take from it after each read what the read cost. `resume_at`: when the first that waits may be
    read again; meaningless where none is `paused`."""

    def __init__(self, limits: Limits, now: float) -> None:
        self.paused: dict[int, Link] = {}
        self.resume_at = 0.0
        self.under(limits, now)

    def under(self, limits: Limits, now: float) -> None:
        """What the policy in force allows."""
        self._limits = limits
        self.messages = Bucket(limits.messages, now)

    def slow_down(self, link: Link, seconds: float, cost: int, now: float) -> str:
        """Has a guest wait that has sent too much. What alone would take longer than it may be made to wait is given back to the others
        instead, and the answer is why its connection must end; else ""."""
        stall = self._limits.stall_seconds
        per_second = self._limits.messages[0]
        if cost > stall * per_second:
            self.messages.forgive(cost)
            return f"one read counts for {cost} messages, at {per_second:g} a second more than {stall:g} s: disconnected"
        self._pause(link, min(seconds, stall), now)
        return ""

    def resumed(self, now: float) -> list[Link]:
        """Those that have waited long enough."""
        found = [link for link in self.paused.values() if link.paused_until <= now]
        for link in found:
            self.forget(link)
        if self.paused:
            self.resume_at = min([link.paused_until for link in self.paused.values()])
        return found

    def forget(self, link: Link) -> None:
        """It waits no longer, or is over."""
        link.paused_until = 0.0
        self.paused.pop(link.number, None)

    def wait(self, now: float) -> float:
        """Seconds until somebody may be read again; there must be one."""
        return max(0.0, self.resume_at - now) + LEAST_PAUSE_SECONDS

    def _pause(self, link: Link, seconds: float, now: float) -> None:
        link.paused_until = now + seconds
        link.plain = False
        if not self.paused or link.paused_until < self.resume_at:
            self.resume_at = link.paused_until
        self.paused[link.number] = link
