"""One socket of a guest connection and what waits to be written to it.

Promises: bytes leave in order, descriptors with the first byte of their parcel or earlier, at most 28 to a write; each descriptor is
closed once it was sent or can no longer be. Nothing here blocks. A peer that is gone (EPIPE, ECONNRESET) is not an
error: what waits for it is dropped and `writing` is False. Trusts: parcels to hold what Session promises.

unix(7), sendmsg(2): on a stream socket the kernel attaches all descriptors to the first byte it takes, so after a short write they
have gone and must not be sent again. Receivers built on libwayland have room for 28 at a time.
"""

from __future__ import annotations

import array
import errno
import socket
from typing import TYPE_CHECKING, Any, Final

from ...core.fds import Fd
from ...core.outcome import Parcel
from .closing import close_all

if TYPE_CHECKING:
    from .waypipe import Waypipe

MSG_NOSIGNAL: Final[Any] = int(socket.MSG_NOSIGNAL)  # Any: as in carrier.py
SOL_SOCKET: Final = int(socket.SOL_SOCKET)
SCM_RIGHTS: Final = int(socket.SCM_RIGHTS)
FDS_PER_WRITE: Final = 28
CHUNK_BYTES: Final = 65536

# Passing: too many descriptors in flight for this uid (unix(7) ETOOMANYREFS), or no kernel memory. EPOLLOUT does not tell
# when it has passed, so the next tick tries again; the stall deadline bounds it.
TRY_LATER: Final = (errno.ETOOMANYREFS, errno.ENOBUFS, errno.ENOMEM)


class Chunk:
    """Bytes that wait, from `start` on; `fds` go with the first of them."""

    def __init__(self, data: bytearray, fds: list[Fd]) -> None:
        self.data = data
        self.fds = fds
        self.start = 0


class Half:
    """`reading`: its end of stream has not come. `writing`: it may still be written to. `framing`: None where the socket carries Wayland's
    own bytes and descriptors."""

    def __init__(self, sock: socket.socket, side: int, framing: Waypipe | None = None) -> None:
        self.sock = sock
        self.number: int = sock.fileno()
        self.recvmsg = sock.recvmsg
        self._send = sock.send
        self._sendmsg = sock.sendmsg
        self.side = side
        self.framing = framing
        self.reading = True
        self.writing = True
        self.events = 0  # the epoll mask in force; 0 = not registered
        self.chunks: list[Chunk] = []
        self.queued = 0
        self.queued_fds = 0
        self.later = False  # EPOLLOUT would not tell: push at the next tick
        self.progress = 0.0  # when something last left a queue that is not empty
        self.appetite = 4096  # bytes the next read asks for
        self.most_read = 65536  # and at most
        self.received = 0
        self.received_fds = 0

    def send(self, parcels: list[Parcel], now: float) -> None:
        """Sends at once what the socket takes and keeps the rest. Takes the descriptors."""
        if not self.writing:
            for parcel in parcels:
                close_all(parcel.fds)
            return
        if self.framing is not None:
            parcels = self.framing.wrap(parcels)
        if len(parcels) == 1 and not self.chunks:  # the usual case: no copy, one system call
            parcel = parcels[0]
            data = parcel.data
            sent = self._write(data, parcel.fds)
            if sent == len(data):
                return
            if not self.writing:
                return
            self.progress = now
            chunk = Chunk(bytearray(data[sent:]), [] if sent else parcel.fds)
            self.chunks.append(chunk)
            self.queued = len(chunk.data)
            self.queued_fds = len(chunk.fds)
            return
        idle = not self.chunks
        for parcel in parcels:
            self._keep(parcel)
        if idle:
            self.progress = now
            self.push(now)

    def push(self, now: float) -> None:
        """Sends what waits, as far as the socket takes it."""
        self.later = False
        while self.chunks:
            chunk = self.chunks[0]
            data = bytes(chunk.data[chunk.start :]) if chunk.start else bytes(chunk.data)
            sent = self._write(data, chunk.fds)
            if not self.writing:
                return
            if sent == 0:
                return
            self.progress = now
            self.queued -= sent
            self.queued_fds -= len(chunk.fds)
            chunk.fds = []
            if sent < len(data):
                chunk.start += sent
                return
            del self.chunks[0]

    def shut(self) -> None:
        """Tells the peer that nothing more comes (shutdown(2) SHUT_WR); it may still send."""
        if self.writing:
            if self.framing is not None and not self.chunks:
                self._write(self.framing.farewell(), [])
            self.writing = False
            try:
                self.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # ENOTCONN: it is gone already

    def drop(self) -> None:
        """The peer takes no more: what waits for it is closed and forgotten."""
        self.writing = False
        for chunk in self.chunks:
            close_all(chunk.fds)
        self.chunks = []
        self.queued = 0
        self.queued_fds = 0

    def _keep(self, parcel: Parcel) -> None:
        fds = parcel.fds
        self.queued += len(parcel.data)
        self.queued_fds += len(fds)
        if self.chunks:
            tail = self.chunks[-1]
            if len(tail.data) + len(parcel.data) <= CHUNK_BYTES and (
                not fds or (tail.start == 0 and len(tail.fds) + len(fds) <= FDS_PER_WRITE)
            ):
                tail.data += parcel.data
                if fds:
                    tail.fds = tail.fds + fds
                return
        self.chunks.append(Chunk(bytearray(parcel.data), fds))

    def _write(self, data: bytes, fds: list[Fd]) -> int:
        """How many bytes the socket took; if any, `fds` went along and are closed. Sets `writing` or `later` where it cannot."""
        try:
            if fds:
                rights = array.array("i", [fd.number for fd in fds])
                sent: int = self._sendmsg([data], [(SOL_SOCKET, SCM_RIGHTS, rights)], MSG_NOSIGNAL)
                if sent:
                    close_all(fds)
            else:
                sent = self._send(data, MSG_NOSIGNAL)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno in TRY_LATER:
                self.later = True
            else:
                if not self.chunks or self.chunks[0].fds is not fds:
                    close_all(fds)
                self.drop()
            return 0
        return sent
