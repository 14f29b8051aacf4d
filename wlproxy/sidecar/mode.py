"""Whether one guest's policy only complains, and who is told when that begins and when it ends.

Promises: a line of the audit log and one for the admin at either, and words in every status between. The relay needs no order to enforce:
it asks the same clocks for each message (deadline.py).
"""

from __future__ import annotations

from typing import Final

from .audit_file import AuditLog
from .deadline import Deadline, deadline
from .say import say

CHECK_SECONDS: Final = 60.0  # a machine that slept has another time of day than one that waited


class Mode:
    """Of one guest, from one policy to the next."""

    def __init__(self, guest: str, log: AuditLog) -> None:
        self._guest = guest
        self._log = log
        self._deadline: Deadline | None = None

    def under(self, until: int) -> None:
        """The policy in force complains until then; 0: it enforces."""
        self._deadline = deadline(until) if until else None
        if self._deadline is None:
            return
        if self._deadline.ahead():
            self._tell(f"the policy only complains until {self._deadline}: what it refuses passes")
        else:
            self._over()

    @property
    def until(self) -> str:
        """In words, "" where it enforces."""
        return "" if self._deadline is None else str(self._deadline)

    def seconds(self) -> float:
        """Until it is worth looking whether the time is over; below 0: never."""
        return -1.0 if self._deadline is None else min(self._deadline.seconds(), CHECK_SECONDS)

    def tick(self) -> None:
        """Says so where the time is over."""
        if self._deadline is not None and not self._deadline.ahead():
            self._over()

    def _over(self) -> None:
        self._tell(f"the time to complain is over ({self._deadline}): the policy enforces")
        self._deadline = None

    def _tell(self, what: str) -> None:
        say(f"guest {self._guest}: {what}")
        self._log.add({"event": "mode", "reason": what})
