"""Memory that is not what it is said to be, or does not stay so."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile

from .rows import more_than, row
from .wire import Guest


def pool_of(g: Guest, number: int, size: int = 4096) -> None:
    """A window that shows a buffer in that file."""
    _, surface, _, _ = g.window()
    pool = g.make(g.bind("wl_shm"), 0, size, fds=[number])
    g.show(surface, g.make(pool, 0, 0, 16, 16, 64, 0))
    g.sync()


@row("A01", "a pool's file truncated after it was accepted", r"!sigbus")
def truncated(g: Guest) -> None:
    _, surface, _, _ = g.window()
    file, _, buffer = g.buffer()
    g.sync()
    try:
        os.ftruncate(file, 0)
    except PermissionError:
        pass  # sealed against us
    g.show(surface, buffer)
    g.sync()


@row("A02", "a pool of 16 MiB in a file of 4 KiB", r"!sigbus")
def too_large(g: Guest) -> None:
    _, surface, _, _ = g.window()
    file = g.file(4096)
    pool = g.make(g.bind("wl_shm"), 0, 16 << 20, fds=[file])
    g.show(surface, g.make(pool, 0, 0, 1024, 1024, 4096, 0))
    g.sync()


@row("A02b", "a pool resized beyond its file", r"!sigbus")
def resized(g: Guest) -> None:
    _, surface, _, _ = g.window()
    _, pool, _ = g.buffer()
    g.ask(pool, 2, 16 << 20)
    g.show(surface, g.make(pool, 0, 0, 1024, 1024, 4096, 0))
    g.sync()


@row("A03", "a buffer whose end wraps around", r"create_buffer\(\d+, 2147483632")
def wrapping(g: Guest) -> None:
    _, pool, _ = g.buffer()
    g.make(pool, 0, 0x7FFFFFF0, 16, 0x04000000, 64, 0)
    g.sync()


@row("A03b", "a buffer with a stride below its width", r"create_buffer\(\d+, 0, 16, 16, 1, 0\)")
def short_stride(g: Guest) -> None:
    _, pool, _ = g.buffer()
    g.make(pool, 0, 0, 16, 16, 1, 0)
    g.sync()


@row("A04", "1000 buffers in one pool", more_than(900, r"create_buffer"))
def many_buffers(g: Guest) -> None:
    _, pool, _ = g.buffer()
    for _ in range(1000):
        g.make(pool, 0, 0, 1, 1, 4, 0)
    g.sync()


@row("A13", "a buffer of 40000 by 13000", r"create_buffer\(\d+, 0, 40000, 13000")
def huge_buffer(g: Guest) -> None:
    size = 40000 * 13000 * 4
    file = g.file(size)
    pool = g.make(g.bind("wl_shm"), 0, size, fds=[file])
    g.make(pool, 0, 0, 40000, 13000, 160000, 0)
    g.sync()


@row("A27", "a host's file as a pool", r"create_pool\(\d+, fd\(file")
def host_file(g: Guest) -> None:
    with tempfile.TemporaryFile(dir="/var/tmp") as file:
        file.truncate(4096)
        pool_of(g, os.dup(file.fileno()))


@row("B19", "a socket as a pool", r"create_pool\(\d+, fd\(socket")
def socket_pool(g: Guest) -> None:
    one, other = socket.socketpair()
    g.own += [one.detach(), other.detach()]
    pool_of(g, g.own[-1])


@row("B21", "a pipe as a pool", r"create_pool\(\d+, fd\(pipe")
def pipe_pool(g: Guest) -> None:
    g.own += os.pipe()
    pool_of(g, g.own[-1])


@row("B22", "a directory's name (O_PATH) as a pool", r"create_pool\(\d+, fd\(other")
def name_pool(g: Guest) -> None:
    g.own.append(os.open("/", os.O_PATH))
    pool_of(g, g.own[-1])


@row("B24", "a pool that cannot be written", r"create_pool\(\d+, fd\(memfd, 4096, read-only")
def read_only(g: Guest) -> None:
    file = g.file(4096)
    g.own.append(os.open(f"/proc/self/fd/{file}", os.O_RDONLY))
    pool_of(g, g.own[-1])


@row("B32", "600 pools kept open", more_than(550, r"create_pool"))
def pool_flood(g: Guest) -> None:
    shm = g.bind("wl_shm")
    file = g.file(4096)
    for _ in range(600):
        g.make(shm, 0, 4096, fds=[file])
    g.sync()


@row("A29", "the shared keymap overwritten", r"!keymap changed")
def keymap(g: Guest) -> None:
    keyboard = g.make(g.bind("wl_seat"), 1)
    if g.until(keyboard, 0) is None or not g.fds:
        return
    try:
        os.pwrite(g.fds[-1], b"evil", 0)
    except OSError:
        pass  # read-only or sealed
    fcntl.fcntl(g.fds[-1], fcntl.F_GETFD)
    g.sync()
