"""What broker and supervisor wait on: descriptors with what is to be done for each, and signals as orders among them.

Promises: sleeps unless something happens or a time has come; nothing is done inside a signal handler but writing down its number.
A plain poll(2): these processes see a handful of packets for each guest connection and none of its bytes.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable

IN = int(select.POLLIN)
OUT = int(select.POLLOUT)


class Loop:
    """`watch` what shall be served, then `turn` for ever."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._calls: dict[int, Callable[[], None]] = {}

    def watch(self, number: int, call: Callable[[], None], events: int = IN) -> None:
        """From now on `call` is made whenever the descriptor is ready."""
        self._poll.register(number, events)
        self._calls[number] = call

    def forget(self, number: int) -> None:
        """Before the descriptor is closed."""
        if self._calls.pop(number, None) is not None:
            self._poll.unregister(number)

    def turn(self, seconds: float) -> None:
        """Waits, at most so long (below 0: as long as it takes), and serves what is ready."""
        for number, _ in self._poll.poll(None if seconds < 0 else seconds * 1000 + 1):
            call = self._calls.get(number)  # an earlier call of this turn may have had it forgotten
            if call is not None:
                call()


class Signals:
    """`pending`: the numbers of those that have come, the oldest first; whoever obeys one takes it out."""

    def __init__(self, loop: Loop) -> None:
        self.pending: list[int] = []
        self._wake, self._wake_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        loop.watch(self._wake, self._drain)

    def catch(self, numbers: tuple[int, ...]) -> None:
        """From here on these are orders."""
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: object) -> None:
        self.pending.append(number)

    def _drain(self) -> None:
        os.read(self._wake, 512)


def soonest(due: list[float]) -> float:
    """The least of several times to wait, of which those below 0 are never."""
    return min([seconds for seconds in due if seconds >= 0] or [-1.0])
