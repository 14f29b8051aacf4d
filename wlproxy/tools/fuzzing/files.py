"""Files that exist as numbers: what handlers ask of descriptors, answered without a kernel.

Promises: counts every descriptor made, so that each can be asked for at the end. Trusts: nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from wlproxy.core.fds import F_SEAL_SHRINK, MEMFD, PIPE, READ_ONLY, READ_WRITE, WRITE_ONLY, Fd, Files

from .conversation import Descriptor


class File:
    """One open file; several descriptors may stand for it."""

    def __init__(self, size: int, seals: int, sealable: bool) -> None:
        self.size = size
        self.seals = seals
        self.sealable = sealable


class PretendedFiles(Files):
    """`given` counts the descriptors by number: 1 while somebody owns it."""

    def __init__(self) -> None:
        self.alive: dict[int, File] = {}
        self._next = 100

    def hand_in(self, descriptors: Sequence[Descriptor]) -> list[Fd]:
        """Descriptors as a peer sends them."""
        return [self._make(d.kind, d.access, File(d.size, d.seals, d.sealable and d.kind == MEMFD)) for d in descriptors]

    def _make(self, kind: int, access: int, file: File) -> Fd:
        self._next += 1
        self.alive[self._next] = file
        return Fd(self._next, kind, access, file.size, file.seals)

    def closed(self, fds: list[Fd]) -> None:
        """The transport has closed these. Raises KeyError for one that was closed before."""
        for fd in fds:
            del self.alive[fd.number]

    def truncate(self) -> None:
        """Every file that is not sealed shrinks to nothing."""
        for file in self.alive.values():
            if not file.seals & F_SEAL_SHRINK:
                file.size = 0

    def seal(self, fd: Fd) -> None:
        file = self.alive[fd.number]
        if file.sealable:
            file.seals = max(file.seals, 0) | F_SEAL_SHRINK
        self.refresh(fd)

    def refresh(self, fd: Fd) -> None:
        file = self.alive[fd.number]
        fd.size, fd.seals = file.size, file.seals

    def duplicate(self, fd: Fd) -> Fd:
        return self._make(fd.kind, fd.access, self.alive[fd.number])

    def shadow(self, size: int) -> Fd:
        return self._make(MEMFD, READ_WRITE, File(size, F_SEAL_SHRINK, True))

    def grow(self, fd: Fd, size: int) -> None:
        fd.size = self.alive[fd.number].size = size

    def copy(self, source: Fd, target: Fd, offset: int, length: int) -> bool:
        return offset + length <= self.alive[source.number].size and offset + length <= self.alive[target.number].size

    def private_copy(self, source: Fd, size: int) -> Fd:
        return self.shadow(size)

    def read(self, fd: Fd, size: int) -> bytes:
        return bytes(min(size, self.alive[fd.number].size))

    def pipe(self) -> tuple[Fd, Fd]:
        file = File(0, -1, False)
        return self._make(PIPE, READ_ONLY, file), self._make(PIPE, WRITE_ONLY, file)
