"""What the relay knows of one connection of its guest, before and after the compositor's end is there. No behaviour."""

from __future__ import annotations

import socket
from typing import Any, Protocol

from ...core.fds import Fd
from ...core.outcome import Outcome
from .half import Half


class SessionLike(Protocol):
    """What the relay asks of wlproxy.core.session.Session; tests put their own in its place."""

    now: float  # CLOCK_MONOTONIC seconds, set before each call

    @property
    def waiting(self) -> bool: ...
    def receive(self, side: int, data: bytes, fds: list[Fd]) -> Outcome: ...
    def end_of_stream(self, side: int) -> Outcome: ...
    def refuse(self, reason: str, rule: str) -> Outcome: ...
    def tick(self, now: float, deaf: bool = False) -> Outcome: ...
    def messages(self, side: int) -> int: ...
    def close(self) -> list[Fd]: ...


class Guest:
    """A connection of the guest's side that waits for its own to the compositor. Nothing is read from it meanwhile. `framing` is how the
    connection carries descriptors (address.py)."""

    def __init__(self, sock: socket.socket, peer: dict[str, Any], framing: str) -> None:
        self.sock = sock
        self.peer = peer
        self.framing = framing


class Link:
    """One guest connection with its compositor connection. `ended_by` "" = open; `deadline` 0 = none."""

    def __init__(self, number: int, guest: Half, host: Half, session: SessionLike, peer: dict[str, Any], now: float) -> None:
        self.number = number
        self.guest = guest
        self.host = host
        self.session = session
        self.peer = peer  # for the audit log: listener.py
        self.since = now
        self.ended_by = ""
        self.why = ""
        self.deadline = 0.0
        self.closed = False
        self.plain = True  # nothing queued, nobody at the end: the fast path
        self.ticking = False
        self.deaf = False  # the compositor is not read, because the guest does not read what waits for it
        self.paused_until = 0.0  # the guest has sent too much: it is not read before
