"""The relay's end of its line to the broker: packets that never block it, and the audit entries among them.

Promises: packets leave in order; what the broker has no room for now waits here, at most BACKLOG audit entries of it, and a number
takes the place of those beyond. `gone` once the broker's end is closed. Trusts: the broker to read on.
"""

from __future__ import annotations

import select
import socket
from typing import Any, Final

from .. import channel
from ..audit import Folder

IN: Final = int(select.EPOLLIN)
OUT: Final = int(select.EPOLLOUT)
BACKLOG: Final = 256


class BrokerLine:
    """`number` is the descriptor to be served: `push` when it can be written, `receive` when it can be read."""

    def __init__(self, sock: socket.socket, epoll: select.epoll) -> None:
        self.number: int = sock.fileno()
        self.gone = False
        self.pending = False  # whether `tick` must be called
        self._sock = sock
        self._epoll = epoll
        self._folder = Folder()
        self._waiting: list[bytes] = []
        self._lost = 0

    def open(self) -> None:
        """From now on the epoll reports it."""
        self._sock.setblocking(False)
        self._epoll.register(self.number, IN)

    def note(self, entry: dict[str, Any], now: float) -> None:
        """Has an audit entry written; `now` is monotonic seconds."""
        for line in self._folder.add(entry, now):
            self._tell_line(line)
        self.pending = self._folder.pending

    def tick(self, now: float) -> None:
        """Writes what was folded into one entry, once its second is over."""
        for line in self._folder.tick(now):
            self._tell_line(line)
        self.pending = self._folder.pending

    def tell(self, kind: int, number: int = 0, text: bytes = b"") -> None:
        """Sends one packet (channel.py)."""
        self._send(channel.packet(kind, number, text))

    def receive(self) -> tuple[bytes, list[int]]:
        """One packet and its descriptors; b"" at the end. Raises BlockingIOError where there is none."""
        try:
            return channel.receive(self._sock)
        except BlockingIOError:
            raise
        except OSError:
            return b"", []

    def push(self, now: float) -> None:
        """Sends what waits, as far as the broker takes it."""
        while self._waiting:
            try:
                channel.send(self._sock, self._waiting[0])
            except BlockingIOError:
                return
            except OSError:
                self.gone = True
                return
            del self._waiting[0]
        self._epoll.modify(self.number, IN)
        if self._lost:
            count, self._lost = self._lost, 0
            self.note({"event": "audit-gap", "count": count, "reason": "the broker was behind"}, now)

    def close(self) -> None:
        """Writes what was folded, and hangs up."""
        for line in self._folder.flush():
            self._tell_line(line)
        self._sock.close()

    def _tell_line(self, line: bytes) -> None:
        if len(self._waiting) >= BACKLOG:
            self._lost += 1
            return
        self._send(channel.packet(channel.AUDIT, 0, line))

    def _send(self, packet: bytes) -> None:
        if not self._waiting:
            try:
                channel.send(self._sock, packet)
                return
            except BlockingIOError:
                self._epoll.modify(self.number, IN | OUT)
            except OSError:
                self.gone = True
                return
        self._waiting.append(packet)
