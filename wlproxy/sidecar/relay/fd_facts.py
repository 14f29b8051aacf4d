"""The facts about a descriptor that a peer sent, gathered before anything else touches it.

Promises: never blocks, never opens, maps, reads or seeks; what it cannot place is OTHER. Trusts: the kernel's word only.

fcntl(2) F_GETFL comes first: with O_PATH the descriptor is a name and not an open file, and nothing more is asked of it
(open(2), O_PATH). A regular file is a MEMFD when F_GET_SEALS works on it (fcntl(2): shmem and hugetlbfs alone, EINVAL elsewhere),
it has no name (st_nlink 0: memfd_create(2), or unlinked in /dev/shm), and it is not hugetlbfs, whose holes can raise SIGBUS
in whoever maps them: statfs(2) f_bsize is the page size on tmpfs and the huge page's size there. f_type would say the same,
but needs ctypes from Python.

A dma-buf has an inode of its own without a type in st_mode and with a size (dma_buf_getfile() in drivers/dma-buf/dma-buf.c);
eventfd, epoll, pidfd, io_uring and their like share the one anon_inode of size 0. Not tried against a real dma-buf here:
this machine has none.
"""

from __future__ import annotations

import fcntl
import os
import stat
from typing import Final

from ...core.fds import DMABUF, FILE, MEMFD, OTHER, PIPE, READ_WRITE, SOCKET, Fd

PAGE_BYTES: Final = int(os.sysconf("SC_PAGESIZE"))
O_PATH: Final = int(os.O_PATH)
F_GET_SEALS: Final = int(fcntl.F_GET_SEALS)
NO_ACCESS: Final = 3  # the unnamed fourth O_ACCMODE value: ioctl only, open(2)


def _pipe_device() -> int:
    """st_dev of the file system that pipe(2) makes its pipes in."""
    reader, writer = os.pipe()
    try:
        return os.fstat(reader).st_dev
    finally:
        os.close(reader)
        os.close(writer)


PIPE_DEVICE: Final = _pipe_device()  # a FIFO elsewhere has a name: mkfifo(3)


def gather(number: int) -> Fd:
    """The descriptor with its facts; it stays open and is the caller's."""
    flags: int = fcntl.fcntl(number, fcntl.F_GETFL)
    access = flags & os.O_ACCMODE
    if flags & O_PATH or access == NO_ACCESS:
        return Fd(number, OTHER, READ_WRITE, 0, -1)
    facts = os.fstat(number)
    kind = stat.S_IFMT(facts.st_mode)
    if kind == stat.S_IFREG:
        return _regular(number, access, facts)
    if kind == stat.S_IFIFO:
        return Fd(number, PIPE if facts.st_dev == PIPE_DEVICE else OTHER, access, 0, -1)
    if kind == stat.S_IFSOCK:
        return Fd(number, SOCKET, access, 0, -1)
    if kind == 0 and facts.st_size > 0:
        return Fd(number, DMABUF, access, facts.st_size, -1)
    return Fd(number, OTHER, access, 0, -1)


def _regular(number: int, access: int, facts: os.stat_result) -> Fd:
    try:
        seals: int = fcntl.fcntl(number, F_GET_SEALS)
    except OSError:
        return Fd(number, FILE, access, facts.st_size, -1)
    huge = facts.st_blksize != PAGE_BYTES and os.fstatvfs(number).f_bsize != PAGE_BYTES
    kind = FILE if huge or facts.st_nlink != 0 else MEMFD
    return Fd(number, kind, access, facts.st_size, seals)
