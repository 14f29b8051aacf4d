"""A moment of the time of day by which something ends of itself: by the wall clock or by CLOCK_BOOTTIME, whichever is there first.

Promises: a clock that is set back does not prolong it, nor does a suspend, nor a reload: a moment has one deadline in a process and
those that it forks; what is over stays over. Trusts: the kernel's clocks.
"""

from __future__ import annotations

import functools
import time


class Deadline:
    """`until` in seconds of the epoch."""

    def __init__(self, until: int) -> None:
        self.until = until
        self._boot = time.clock_gettime(time.CLOCK_BOOTTIME) + max(0.0, until - time.time())
        self._over = False

    def __str__(self) -> str:
        """As a policy has it, in UTC."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.until))

    def ahead(self) -> bool:
        """Whether it is still to come."""
        return self.seconds() > 0

    def seconds(self) -> float:
        """How long it is until then, 0 afterwards."""
        if not self._over:
            left = min(self.until - time.time(), self._boot - time.clock_gettime(time.CLOCK_BOOTTIME))
            if left > 0:
                return left
            self._over = True
        return 0.0


@functools.cache
def deadline(until: int) -> Deadline:
    """The one of that moment."""
    return Deadline(until)
