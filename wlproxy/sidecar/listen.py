"""Listening sockets: what an admin's --listen means, made so that nobody else can reach or replace it.

Promises: a socket file is 0600 (or 0660 for a named group) from its first moment; it is made only in a directory that root or we own
and that others cannot rename things in; a live socket, or anything that is no socket, is never replaced; a stale one is.
At the end only our own file is removed. A vsock port is bound for every CID of ours, and its peers are checked one by one
(listener.py). Trusts: the directories above the one checked.

bind(2) applies the umask to the file; connect(2) needs write permission on it (unix(7)). Two starts on one path are kept apart
by flock(2) on the directory, which leaves no lock file behind.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import time
from collections.abc import Callable
from typing import Final

from .address import ANY, EXIT_UNSAFE, AcceptedAddress, Address, ListenError, UnixAddress, VsockAddress
from .listener import Listener

BACKLOG: Final = 1024
LOCK_SECONDS: Final = 2.0
VM_ERRORS: Final = (errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.ENODEV)
PORT_ADVICE: Final = {errno.EADDRINUSE: "; somebody listens on that port", errno.EACCES: "; ports below 1024 are root's"}


def open_listeners(address: Address, environ: dict[str, str]) -> list[Listener]:
    """Makes or takes over the socket, or with systemd: the sockets. Raises ListenError."""
    if isinstance(address, UnixAddress):
        return [open_unix(address)]
    if isinstance(address, VsockAddress):
        return [open_vsock(address)]
    from . import inherited

    if isinstance(address, AcceptedAddress):
        return [inherited.accepted(address, environ)]
    if address.number >= 0:
        return [inherited.by_number(address)]
    return inherited.by_name(address, environ)


def open_vsock(address: VsockAddress, socket_type: Callable[[int, int], socket.socket] = socket.socket) -> Listener:
    """Binds the port for every CID of ours and listens. Raises ListenError. `socket_type`: tests put their own in its place."""
    try:
        sock = socket_type(socket.AF_VSOCK, socket.SOCK_STREAM)
    except OSError as error:
        advice = "; load the module vhost_vsock (modprobe vhost_vsock)" if error.errno in VM_ERRORS else ""
        raise ListenError(f"--listen {address}: this kernel has no vsock: {error.strerror}{advice}") from error
    try:
        sock.bind((ANY, address.port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise ListenError(f"--listen {address}: {error.strerror}{PORT_ADVICE.get(error.errno or 0, '')}") from error
    return Listener(sock, str(address), address.framing, address.cid)


def open_unix(address: UnixAddress) -> Listener:
    """Makes the socket. Raises ListenError."""
    directory, name = os.path.split(address.path)
    if not name:
        raise ListenError(f"--listen {address}: names a directory")
    try:
        lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ListenError(f"--listen {address}: directory {directory}: {error.strerror}") from error
    try:
        check_directory(directory, os.fstat(lock), address.private)
        take_lock(lock, directory)
        clear_the_way(address)
        return bind(address)
    finally:
        os.close(lock)


def check_directory(directory: str, facts: os.stat_result, private: bool = False) -> None:
    """Raises ListenError where others could rename or replace what is in it; `private`: or put anything into it."""
    if facts.st_uid not in (0, os.geteuid()):
        raise ListenError(f"{directory} belongs to uid {facts.st_uid}, neither root nor us: it could swap our socket", EXIT_UNSAFE)
    if facts.st_mode & stat.S_IWOTH and not facts.st_mode & stat.S_ISVTX:
        raise ListenError(f"{directory} is writable by everybody (mode {facts.st_mode & 0o7777:04o}): chmod o-w", EXIT_UNSAFE)
    if private and facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        mode = facts.st_mode & 0o7777
        why = "the path is all that tells this guest from others, so only its owner may write there: chmod go-w"
        raise ListenError(f"{directory} is writable by group or others (mode {mode:04o}): {why}", EXIT_UNSAFE)


def take_lock(directory_fd: int, directory: str) -> None:
    """Until `directory_fd` is closed no other wlproxy checks or makes sockets in the directory."""
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(directory_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise ListenError(f"{directory} has been locked by another process for {LOCK_SECONDS:g} s") from None
            time.sleep(0.01)


def clear_the_way(address: UnixAddress) -> None:
    """Removes a stale socket; raises ListenError for anything else that is there."""
    path = address.path
    try:
        facts = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(facts.st_mode):
        raise ListenError(f"--listen {address}: there is something that is no socket; it is left alone")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        found = probe.connect_ex(path)
    if found not in (errno.ECONNREFUSED, errno.ENOENT):
        why = "somebody listens on it" if found in (0, errno.EAGAIN) else os.strerror(found)
        raise ListenError(f"--listen {address}: is in use: {why}")
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ListenError(f"--listen {address}: stale, but cannot be removed: {error.strerror}") from error


def bind(address: UnixAddress) -> Listener:
    """Binds and listens, with the permissions asked for. Raises ListenError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        sock.bind(address.path)
        made = Listener(sock, str(address), address.framing, path=address.path)
    except OSError as error:
        sock.close()
        raise ListenError(f"--listen {address}: {error.strerror or error}") from error
    finally:
        os.umask(before)
    try:
        if address.group >= 0:
            os.chown(address.path, -1, address.group, follow_symlinks=False)
        if address.mode != 0o600:
            os.chmod(address.path, address.mode)
        sock.listen(BACKLOG)
    except OSError as error:
        made.remove()
        sock.close()
        raise ListenError(f"--listen {address}: {error.strerror}") from error
    return made
