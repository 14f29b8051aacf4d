"""What handlers may have done with descriptors, done.

Promises: nothing here blocks, maps a guest's file or follows a name. Trusts: the kernel. Source: memfd_create(2), fcntl(2) on
seals, copy_file_range(2).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import Final

from ...core.fds import F_SEAL_SHRINK, MEMFD, PIPE, READ_ONLY, READ_WRITE, WRITE_ONLY, Fd, Files

F_ADD_SEALS: Final = int(fcntl.F_ADD_SEALS)
F_GET_SEALS: Final = int(fcntl.F_GET_SEALS)
F_DUPFD_CLOEXEC: Final = int(fcntl.F_DUPFD_CLOEXEC)
PIECE_BYTES: Final = 1 << 20
EMPTY_BYTES: Final = 4096  # of a copy of nothing: VMMs cannot share a file of no bytes


class HostFiles(Files):
    """The relay's own."""

    def seal(self, fd: Fd) -> None:
        """Adds F_SEAL_SHRINK; a file that takes no seals (EPERM, EINVAL) is left without."""
        with contextlib.suppress(OSError):
            fcntl.fcntl(fd.number, F_ADD_SEALS, F_SEAL_SHRINK)
        self.refresh(fd)

    def refresh(self, fd: Fd) -> None:
        """fstat(2) and F_GET_SEALS once more."""
        fd.size = os.fstat(fd.number).st_size
        try:
            fd.seals = fcntl.fcntl(fd.number, F_GET_SEALS)
        except OSError:
            fd.seals = -1

    def duplicate(self, fd: Fd) -> Fd:
        """F_DUPFD_CLOEXEC."""
        return Fd(fcntl.fcntl(fd.number, F_DUPFD_CLOEXEC, 3), fd.kind, fd.access, fd.size, fd.seals, fd.mirror)

    def shadow(self, size: int) -> Fd:
        """memfd_create(2), sealed against shrinking."""
        number = os.memfd_create("wlproxy", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(number, size)
            fcntl.fcntl(number, F_ADD_SEALS, F_SEAL_SHRINK)
        except OSError:
            os.close(number)
            raise
        return Fd(number, MEMFD, READ_WRITE, size, F_SEAL_SHRINK)

    def grow(self, fd: Fd, size: int) -> None:
        """ftruncate(2) upwards."""
        os.ftruncate(fd.number, size)
        fd.size = size

    def copy(self, source: Fd, target: Fd, offset: int, length: int) -> bool:
        """In the kernel where both files are on one file system, else through a buffer; a short file ends it, never SIGBUS."""
        done = 0
        in_kernel = True
        while done < length:
            wanted = min(PIECE_BYTES, length - done)
            at = offset + done
            if in_kernel:
                try:
                    moved = os.copy_file_range(source.number, target.number, wanted, at, at)
                except OSError:
                    in_kernel = False
                    continue
            else:
                moved = os.pwrite(target.number, os.pread(source.number, wanted, at), at)
            if moved == 0:
                return False
            done += moved
        return True

    def private_copy(self, source: Fd, size: int) -> Fd:
        """A writable memfd of the guest's own: old VMMs map it shared and writable."""
        made = self.shadow(size or EMPTY_BYTES)
        try:
            complete = self.copy(source, made, 0, size)
        except OSError:  # not a file that can be read
            os.close(made.number)
            raise
        if not complete:
            os.close(made.number)
            raise OSError(f"the file has fewer than {size} bytes")
        return made

    def read(self, fd: Fd, size: int) -> bytes:
        """pread(2)."""
        return os.pread(fd.number, size, 0)

    def pipe(self) -> tuple[Fd, Fd]:
        """pipe2(2); O_NONBLOCK on our end alone."""
        reader, writer = os.pipe2(os.O_CLOEXEC)
        try:
            os.set_blocking(reader, False)
        except OSError:
            os.close(reader)
            os.close(writer)
            raise
        return Fd(reader, PIPE, READ_ONLY, 0, -1), Fd(writer, PIPE, WRITE_ONLY, 0, -1)
