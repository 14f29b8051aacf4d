"""When a session wants to be asked although nobody says anything: what it has lent for a time is over then (handlers/loans.py).

Promises: nobody is woken without an alarm that is set; traffic never puts one off. What the host sleeps counts for an alarm, but not for
epoll_wait(2): so each is looked at after LONGEST_SECONDS at the latest, and the session says how long there is left.
"""

from __future__ import annotations

from typing import Final

LONGEST_SECONDS: Final = 60.0


class Alarms:
    """By number of a connection. `at`: when `rung` is to be asked; 0 = never."""

    def __init__(self) -> None:
        self.at = 0.0
        self._by_number: dict[int, float] = {}

    def set(self, number: int, seconds: float, now: float) -> None:
        """After so many seconds, or when it was to be anyway, whichever is first."""
        when = now + min(seconds, LONGEST_SECONDS)
        earlier = self._by_number.get(number)
        if earlier is None or when < earlier:
            self._by_number[number] = when
            if not self.at or when < self.at:
                self.at = when

    def forget(self, number: int) -> None:
        """The connection is over."""
        self._by_number.pop(number, None)

    def rung(self, now: float) -> list[int]:
        """The connections whose time has come; their alarms are gone."""
        found = [number for number, when in self._by_number.items() if when <= now]
        for number in found:
            del self._by_number[number]
        self.at = min(self._by_number.values(), default=0.0)
        return found
