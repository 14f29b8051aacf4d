"""A descriptor that a peer sent, with the facts the transport gathered about it before anything else touched it.

Each `Fd` has one owner at a time. The transport owns it until `Session.receive` takes it; the session hands it out again
in exactly one place of an `Outcome`: in a parcel (send, then close), in `discarded` (close) or in a transfer (copy, then close).
Facts: fcntl(2) F_GETFL and F_GET_SEALS, fstat(2), statfs(2).
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import mypyc_attr

UNKNOWN: Final = 0      # facts not gathered
MEMFD: Final = 1        # regular file on tmpfs without a name: memfd_create(2), or an unlinked file in /dev/shm
FILE: Final = 2         # any other regular file
PIPE: Final = 3
SOCKET: Final = 4
DMABUF: Final = 5
OTHER: Final = 6        # directory, device, eventfd, pidfd, O_PATH, ...

KIND_NAMES: Final = ("unknown", "memfd", "file", "pipe", "socket", "dmabuf", "other")

READ_ONLY: Final = 0    # O_ACCMODE values, open(2)
WRITE_ONLY: Final = 1
READ_WRITE: Final = 2


class Fd:
    """`number` is the descriptor; `size` in bytes (0 where it has none); `seals` as F_GET_SEALS gives them, -1 where it cannot.
    `mirror`: which of the transport's own files it is, where the transport makes the guest's files itself; else 0."""

    def __init__(
        self, number: int, kind: int = UNKNOWN, access: int = READ_WRITE, size: int = 0, seals: int = -1, mirror: int = 0
    ) -> None:
        self.number = number
        self.kind = kind
        self.access = access
        self.size = size
        self.seals = seals
        self.mirror = mirror

    def __repr__(self) -> str:
        return f"Fd({self.number}, {KIND_NAMES[self.kind]}, size={self.size})"


@mypyc_attr(allow_interpreted_subclasses=True)
class Files:
    """What a handler may have done with descriptors. The transport does it; this one, for tests and replay, does nothing.

    Every method is cheap and does not block. A descriptor that a method returns belongs to the caller, which keeps it with
    `Session.keep` so that it comes out again at the end.
    """

    def seal(self, fd: Fd) -> None:
        """Adds F_SEAL_SHRINK where the file takes seals, then brings `size` and `seals` up to date (fcntl(2))."""

    def refresh(self, fd: Fd) -> None:
        """Brings `size` and `seals` up to date."""

    def duplicate(self, fd: Fd) -> Fd:
        """The same open file under a second descriptor. Raises OSError."""
        return Fd(fd.number, fd.kind, fd.access, fd.size, fd.seals, fd.mirror)

    def hold(self, fd: Fd) -> None:
        """The guest may write to the file for as long as an object of its lives, until `unhold`."""

    def unhold(self, mirror: int) -> None:
        """That object has gone (Fd.mirror)."""

    def shadow(self, size: int) -> Fd:
        """A memfd of our own of `size` bytes that cannot shrink. Raises OSError."""
        raise OSError("no files here")

    def grow(self, fd: Fd, size: int) -> None:
        """Makes a memfd of our own larger. Raises OSError."""

    def copy(self, source: Fd, target: Fd, offset: int, length: int) -> bool:
        """Copies bytes at the same offset by reading, never by mapping: the guest may truncate `source` at any time. False
        where not all of them are there."""
        return False

    def private_copy(self, source: Fd, size: int) -> Fd:
        """A memfd with the first `size` bytes of what a peer shares, or `source` itself where there are no files to be
        had (tests, replay). Raises OSError."""
        return source

    def read(self, fd: Fd, size: int) -> bytes:
        """The first `size` bytes, or as many as there are; the file's offset stays where it is. Raises OSError."""
        raise OSError("no files here")

    def pipe(self) -> tuple[Fd, Fd]:
        """A pipe of our own: the read end, which stays here and does not block, and the write end, which is handed to a peer and
        is an ordinary one. (O_NONBLOCK belongs to the open file description, pipe(7): each end has its own.) Raises OSError."""
        raise OSError("no files here")


F_SEAL_SHRINK: Final = 2  # linux/fcntl.h
F_SEAL_WRITE: Final = 8
F_SEAL_FUTURE_WRITE: Final = 16
