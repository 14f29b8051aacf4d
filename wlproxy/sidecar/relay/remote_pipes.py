"""The ends of pipes whose other end is, by way of waypipe's messages, in a guest.

Promises: nothing here blocks; a pipe holds back at most the bytes of one transfer, and what is beyond ends it; each ends by itself: with
the transfer on its other end here, which is bounded (pump.py), or with its connection. Trusts: each end to be of a pipe of our
own, whose open file description no peer shares, so that O_NONBLOCK stays set.

What the guest has still written to a pipe whose reader has gone is dropped, as the kernel would; and what it wrote before it left is
delivered after it.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from typing import Final

from ...core import waypipe

IN: Final = int(select.EPOLLIN)
OUT: Final = int(select.EPOLLOUT)
PIECE_BYTES: Final = 65536


class RemotePipe:
    """Our end of one. `writes`: what comes from the guest goes into it; else what comes out of it goes to the guest. `client`: the
    connection's number. `send`: how the guest is told, None once its connection is over. `export`: the other end, until the session
    has it; -1 then."""

    def __init__(self, rid: int, number: int, writes: bool, export: int, client: int, send: Callable[[bytes], None]) -> None:
        self.rid = rid
        self.client = client
        self.number = number
        self.writes = writes
        self.export = export
        self.send: Callable[[bytes], None] | None = send
        self.backlog = bytearray()
        self.ended = False  # nothing more will come for it
        self.waits = False  # for its guest to read


class RemotePipes:
    """All of one relay's. `most_bytes`: what one pipe may hold back."""

    def __init__(self, epoll: select.epoll, most_bytes: int) -> None:
        self._epoll = epoll
        self.most_bytes = most_bytes
        self._by_fd: dict[int, RemotePipe] = {}

    def find(self, number: int) -> RemotePipe | None:
        """The pipe with this descriptor."""
        return self._by_fd.get(number)

    @property
    def fds(self) -> int:
        """How many descriptors are open here."""
        return len(self._by_fd)

    def add(self, pipe: RemotePipe) -> None:
        """From now on it is carried. Raises OSError; the descriptor is the caller's then."""
        os.set_blocking(pipe.number, False)
        self._epoll.register(pipe.number, 0 if pipe.writes else IN)
        self._by_fd[pipe.number] = pipe

    def take(self, pipe: RemotePipe, data: bytes) -> None:
        """The guest has written."""
        if not pipe.writes or pipe.ended or pipe.number < 0:
            return
        if len(pipe.backlog) + len(data) > self.most_bytes + PIECE_BYTES:
            self._reader_gone(pipe)
            return
        idle = not pipe.backlog
        pipe.backlog += data
        if idle:
            self._push(pipe)

    def end(self, pipe: RemotePipe) -> None:
        """The guest will write no more."""
        pipe.ended = True
        if pipe.number >= 0 and not pipe.backlog:
            self.close(pipe)

    def serve(self, pipe: RemotePipe, mask: int) -> None:
        """Its descriptor is ready."""
        if not pipe.writes:
            self._read(pipe)
        elif mask & OUT:
            self._push(pipe)
        else:
            self._reader_gone(pipe)

    def pause(self, pipe: RemotePipe) -> None:
        """The guest does not read: nothing more is read for it. Unregistered, because EPOLLHUP cannot be masked."""
        if not pipe.waits and pipe.number >= 0:
            pipe.waits = True
            self._epoll.unregister(pipe.number)

    def resume(self, pipe: RemotePipe) -> None:
        """The guest reads again."""
        if pipe.waits and pipe.number >= 0:
            pipe.waits = False
            self._epoll.register(pipe.number, IN)

    def orphan(self, pipe: RemotePipe) -> None:
        """The guest's connection is over; what it has written is still delivered."""
        pipe.send = None
        if pipe.export >= 0:
            os.close(pipe.export)
            pipe.export = -1
        if pipe.writes and pipe.backlog:
            pipe.ended = True
        else:
            self.close(pipe)

    def close(self, pipe: RemotePipe) -> None:
        """Closes our end."""
        if pipe.number >= 0:
            del self._by_fd[pipe.number]
            if not pipe.waits:
                self._epoll.unregister(pipe.number)
            os.close(pipe.number)
            pipe.number = -1
            pipe.backlog = bytearray()

    def close_all(self) -> None:
        """The relay ends."""
        for pipe in list(self._by_fd.values()):
            self.close(pipe)

    def _push(self, pipe: RemotePipe) -> None:
        try:
            written = os.write(pipe.number, pipe.backlog)
        except BlockingIOError:
            written = 0
        except OSError:  # EPIPE
            self._reader_gone(pipe)
            return
        del pipe.backlog[:written]
        if pipe.backlog:
            self._epoll.modify(pipe.number, OUT)
        elif pipe.ended:
            self.close(pipe)
        else:
            self._epoll.modify(pipe.number, 0)

    def _read(self, pipe: RemotePipe) -> None:
        try:
            data = os.read(pipe.number, PIECE_BYTES)
        except BlockingIOError:
            return
        send = pipe.send
        if data:
            if send is not None:
                send(waypipe.message(waypipe.PIPE_TRANSFER, (pipe.rid & 0xFFFFFFFF).to_bytes(4, "little") + data))
            return
        self.close(pipe)
        if send is not None:
            send(waypipe.numbers(waypipe.PIPE_SHUTDOWN_W, pipe.rid))

    def _reader_gone(self, pipe: RemotePipe) -> None:
        self.close(pipe)
        if pipe.send is not None:
            pipe.send(waypipe.numbers(waypipe.PIPE_SHUTDOWN_R, pipe.rid))
