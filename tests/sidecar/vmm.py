"""The host side of a VMM that speaks virtio-gpu's cross-domain context type, as crosvm, QEMU's rutabaga and libkrun have it.

Faithful in what a proxy can notice (read in rutabaga_gfx and crosvm of 2026; written anew): one connection for each context, blocking;
one sendmsg for each SEND, of at most 64 KiB less the command's head, with at most 28 descriptors of the kinds that it can make, and what
sendmsg returned is not looked at; one recvmsg for each poll, of 3744 bytes with room for 28 descriptors, each of which is told by what
lseek, fstat and its access mode say; one that is of no known kind ends the channel. Before 2026 a shared file was mapped writable.
"""

from __future__ import annotations

import array
import fcntl
import mmap
import os
import socket
import stat
import time
from pathlib import Path

MOST_FDS = 28  # CROSS_DOMAIN_MAX_IDENTIFIERS
HEAD = 8 + 8 + 3 * MOST_FDS * 4  # of CrossDomainSendReceive
SEND_BYTES = (1 << 16) - 1 - HEAD  # cmd_size is 16 bits
RECEIVE_BYTES = 4096 - HEAD  # 3744

EVENT, SOCKET, BLOB, WRITE_PIPE = "event", "socket", "blob", "write-pipe"


class Halted(Exception):
    """The worker thread has ended: this channel is dead."""


class Channel:
    """One context's connection. `slowest` is the longest that a send has taken, in seconds: so long the guest's GPU stood still."""

    def __init__(self, path: str | Path) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(path))
        self.slowest = 0.0
        self.kinds: list[str] = []
        self.fds: list[int] = []

    def send(self, data: bytes, fds: list[int] | None = None) -> bool:
        """One SEND command; False where the peer has gone."""
        fds = fds or []
        assert len(data) <= SEND_BYTES and len(fds) <= MOST_FDS
        pipes = 0
        for fd in fds:
            if stat.S_ISFIFO(os.fstat(fd).st_mode):
                assert fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY, "a guest's read end cannot be sent"
                pipes += 1
            else:
                os.lseek(fd, 0, os.SEEK_CUR)  # raises for anything but a file
        assert pipes <= 1, "one pipe for each SEND"
        began = time.monotonic()
        try:
            self.sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
        except (BrokenPipeError, ConnectionResetError):
            return False
        finally:
            self.slowest = max(self.slowest, time.monotonic() - began)
        return True

    def receive(self) -> bytes:
        """One RECEIVE command; b"" at the end. Raises Halted."""
        data, ancillary, flags, _ = self.sock.recvmsg(RECEIVE_BYTES, socket.CMSG_SPACE(MOST_FDS * 4))
        for _, _, raw in ancillary:
            numbers = array.array("i")
            numbers.frombytes(raw)
            for fd in numbers:
                self.fds.append(fd)
                self.kinds.append(self._kind(fd))
        if flags & socket.MSG_CTRUNC:
            raise Halted("more descriptors than there is room for: the rest is lost")
        return data

    @staticmethod
    def _kind(fd: int) -> str:
        link = os.readlink(f"/proc/self/fd/{fd}")
        if link == "anon_inode:[eventfd]":
            return EVENT
        if stat.S_ISSOCK(os.fstat(fd).st_mode):
            return SOCKET
        try:
            size = os.lseek(fd, 0, os.SEEK_END)
        except OSError:
            if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
                return WRITE_PIPE
            raise Halted(f"{link}: a descriptor of no known kind") from None
        if not 0 < size < 1 << 32:
            raise Halted(f"{link}: {size} bytes cannot be a blob")
        try:
            mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE).close()
        except (OSError, ValueError) as error:
            raise Halted(f"{link}: cannot be mapped writable: {error}") from error
        return BLOB

    def close(self) -> None:
        self.sock.close()
        for fd in self.fds:
            os.close(fd)
        self.fds = []
