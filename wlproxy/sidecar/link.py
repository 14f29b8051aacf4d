"""What the relay knows of one connection of its guest, before and after the compositor's end is there. No behaviour."""

from __future__ import annotations

import socket
from typing import Protocol

from ..core.fds import Fd
from ..core.outcome import Outcome
from .half import Half


class SessionLike(Protocol):
    """What the relay asks of wlproxy.core.session.Session; tests put their own in its place."""

    now: float  # CLOCK_MONOTONIC seconds, set before each call

    @property
    def waiting(self) -> bool: ...
    def receive(self, side: int, data: bytes, fds: list[Fd]) -> Outcome: ...
    def end_of_stream(self, side: int) -> Outcome: ...
    def tick(self, now: float) -> Outcome: ...
    def messages(self, side: int) -> int: ...
    def close(self) -> list[Fd]: ...


class Guest:
    """A connection of the guest's side that waits for its own to the compositor. Nothing is read from it meanwhile."""

    def __init__(self, sock: socket.socket, pid: int, uid: int) -> None:
        self.sock = sock
        self.pid = pid
        self.uid = uid


class Link:
    """One guest connection with its compositor connection. `ended_by` "" = open; `deadline` 0 = none."""

    def __init__(self, number: int, guest: Half, host: Half, session: SessionLike, pid: int, uid: int, now: float) -> None:
        self.number = number
        self.guest = guest
        self.host = host
        self.session = session
        self.pid = pid
        self.uid = uid
        self.since = now
        self.ended_by = ""
        self.why = ""
        self.deadline = 0.0
        self.closed = False
        self.plain = True  # nothing queued, nobody at the end: the fast path
        self.ticking = False
        self.paused_until = 0.0  # the guest has sent too much: it is not read before
