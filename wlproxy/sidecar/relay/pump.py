"""Carries clipboard and drag data from pipes of our own to the pipes that peers sent (core/outcome.py Transfer).

Promises: nothing here blocks, whatever a peer does to its own end; each transfer ends by itself: when the writer is done or the reader has
gone, when more than its bytes come, when nothing has moved for its idle time, or when its time is over; both descriptors are then
closed and the reader sees the end of its pipe. A transfer outlives the connection that began it, because a program may leave
once it has written. Trusts: `source` to be ours, with O_NONBLOCK set.

The reader's end is written with splice(2) and SPLICE_F_NONBLOCK alone: O_NONBLOCK belongs to the open file description (open(2)), which
the peer shares and can change at any moment, so neither a flag nor an earlier poll(2) would keep write(2) from blocking.
"""

from __future__ import annotations

import os
import select
from typing import Any, Final

from ...core.outcome import GUEST, Transfer
from ..audit import plain
from .closing import close_all

IN: Final = int(select.EPOLLIN)
OUT: Final = int(select.EPOLLOUT)
SPLICE_F_NONBLOCK: Final = 2  # linux/splice.h
PIECE_BYTES: Final = 65536  # a pipe's usual capacity, pipe(7)
PIECES_PER_TURN: Final = 4


class Pump:
    """One transfer at work. `waits_for_reader`: the reader's pipe was full, so its readiness is what is waited for."""

    def __init__(self, transfer: Transfer, client: int, now: float) -> None:
        self.transfer = transfer
        self.client = client
        self.source = transfer.source.number
        self.target = transfer.target.number
        self.left = transfer.most_bytes
        self.began = now
        self.moved_at = now
        self.waits_for_reader = False


class Pumps:
    """All transfers of one guest. Every method returns the audit entries it has to add."""

    def __init__(self, epoll: select.epoll, most: int) -> None:
        self._epoll = epoll
        self.most = most  # transfers at a time
        self._by_fd: dict[int, Pump] = {}

    @property
    def fds(self) -> int:
        """How many descriptors are open for transfers; 0 = none runs and `tick` need not be called."""
        return len(self._by_fd)

    def begin(self, transfer: Transfer, client: int, now: float) -> list[dict[str, Any]]:
        """Takes a transfer and its descriptors."""
        pump = Pump(transfer, client, now)
        if len(self._by_fd) >= 2 * self.most:
            close_all([transfer.source, transfer.target])
            return [entry_of(pump, f"more than {self.most} transfers at a time", now)]
        try:
            self._epoll.register(pump.source, IN)
            self._epoll.register(pump.target, 0)  # EPOLLERR, that the reader has gone, comes all the same
        except OSError as error:  # a target that cannot be waited for is no pipe
            self._forget(pump)
            return [entry_of(pump, f"cannot be carried: {error.strerror or error}", now)]
        self._by_fd[pump.source] = pump
        self._by_fd[pump.target] = pump
        return []

    def serve(self, number: int, mask: int, now: float) -> list[dict[str, Any]] | None:
        """Moves what can be moved for a descriptor that epoll says is ready; None where it is none of a transfer's."""
        pump = self._by_fd.get(number)
        if pump is None:
            return None
        if number == pump.target and not mask & OUT:
            return self._end(pump, "the reader has gone", now)
        for piece in range(PIECES_PER_TURN):
            try:
                moved = self._move(pump)
            except BlockingIOError:
                if not pump.left:  # what may come now is the end, so the reader's readiness is of no use
                    self._wait_for(pump, reader=False)
                elif piece == 0:  # what we were woken for was ready, so it is the other one that is not
                    self._wait_for(pump, reader=not pump.waits_for_reader)
                return []
            except BrokenPipeError:
                return self._end(pump, "the reader has gone", now)
            except OSError as error:
                return self._end(pump, f"cannot be carried: {error.strerror or error}", now)
            if moved == 0:
                return self._end(pump, "", now)
            if moved > pump.left:
                return self._end(pump, f"more than {pump.transfer.most_bytes} bytes", now)
            pump.left -= moved
            pump.moved_at = now
        return []

    def tick(self, now: float) -> list[dict[str, Any]]:
        """Ends what has taken too long."""
        entries: list[dict[str, Any]] = []
        for number, pump in list(self._by_fd.items()):
            transfer = pump.transfer
            if number != pump.source:
                continue
            if now - pump.moved_at > transfer.idle_seconds:
                entries += self._end(pump, f"nothing moved for {transfer.idle_seconds:g} s", now)
            elif now - pump.began > transfer.total_seconds:
                entries += self._end(pump, f"not done after {transfer.total_seconds:g} s", now)
        return entries

    def close(self) -> None:
        """Ends them all, unsaid."""
        for number, pump in list(self._by_fd.items()):
            if number == pump.source:
                self._forget(pump)

    def _move(self, pump: Pump) -> int:
        """How many bytes went over, 0 at the end; one more than is left where the writer has more to say. Raises OSError."""
        if pump.left:
            return os.splice(pump.source, pump.target, min(pump.left, PIECE_BYTES), flags=SPLICE_F_NONBLOCK)
        return len(os.read(pump.source, 1))

    def _wait_for(self, pump: Pump, reader: bool) -> None:
        if pump.waits_for_reader == reader:
            return
        pump.waits_for_reader = reader
        if reader:  # unregistered, because EPOLLHUP of a writer that is done cannot be masked
            self._epoll.unregister(pump.source)
            self._epoll.modify(pump.target, OUT)
        else:
            self._epoll.modify(pump.target, 0)
            self._epoll.register(pump.source, IN)

    def _end(self, pump: Pump, reason: str, now: float) -> list[dict[str, Any]]:
        self._forget(pump)
        return [entry_of(pump, reason, now)]

    def _forget(self, pump: Pump) -> None:
        """Closes both. Told to epoll first: the peer's copy of a descriptor would keep the registration alive, epoll(7)."""
        for number in (pump.source, pump.target):
            self._by_fd.pop(number, None)
            try:
                self._epoll.unregister(number)
            except OSError:  # ENOENT: it waits for the other one
                continue
        close_all([pump.transfer.source, pump.transfer.target])


def entry_of(pump: Pump, reason: str, now: float) -> dict[str, Any]:
    """What the audit log says of a transfer that is over; never what was carried."""
    transfer = pump.transfer
    entry: dict[str, Any] = {
        "event": "transfer",
        "client": pump.client,
        "to": "guest" if transfer.reader == GUEST else "host",
        "mime_type": plain(transfer.mime_type),
        "bytes": transfer.most_bytes - pump.left,
        "seconds": round(now - pump.began, 3),
    }
    if reason:
        entry["reason"] = plain(reason)
    return entry
