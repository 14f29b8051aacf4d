"""Listening sockets: what an admin's --listen means, made so that nobody else can reach or replace it.

Promises: a socket file is 0600 (or 0660 for a named group) from its first moment; it is made only in a directory that root or we own
and that others cannot rename things in; a live socket, or anything that is no socket, is never replaced; a stale one is.
At the end only our own file is removed. Trusts: the directories above the one checked.

bind(2) applies the umask to the file; connect(2) needs write permission on it (unix(7)). Two starts on one path are kept apart
by flock(2) on the directory, which leaves no lock file behind. A path name has 107 bytes (unix(7) sun_path).
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import time
from typing import Final

SERVED: Final = "unix:/path, unix:/path?mode=0660&group=NAME"
PLANNED: Final = ("waypipe+unix", "vsock", "hybrid", "fd", "systemd", "stdio", "ucspi")
LONGEST_PATH: Final = 107
BACKLOG: Final = 1024
LOCK_SECONDS: Final = 2.0

EXIT_USAGE: Final = 2
EXIT_UNSAFE: Final = 3


class ListenError(Exception):
    """Why there can be no such socket; `exit_code` as documented."""

    def __init__(self, message: str, exit_code: int = EXIT_USAGE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class UnixAddress:
    """unix:/path?mode=0660&group=NAME"""

    def __init__(self, path: str, mode: int = 0o600, group: int = -1) -> None:
        self.path = path
        self.mode = mode
        self.group = group


class Listening:
    """A bound, listening socket and the file it made."""

    def __init__(self, sock: socket.socket, path: str, facts: os.stat_result) -> None:
        self.sock = sock
        self.path = path
        self._identity = (facts.st_dev, facts.st_ino)

    def remove(self) -> None:
        """Removes the file, if it is still the one made here."""
        try:
            facts = os.lstat(self.path)
            if (facts.st_dev, facts.st_ino) == self._identity:
                os.unlink(self.path)
        except OSError:
            pass  # gone already, or no longer ours to remove


def parse(uri: str) -> UnixAddress:
    """The address of a --listen. Raises ListenError."""
    scheme, colon, rest = uri.partition(":")
    if not colon:
        raise ListenError(f"--listen {uri}: a URI is needed, for example unix:{uri if uri.startswith('/') else '/path'}")
    if scheme in PLANNED:
        raise ListenError(f"--listen {uri}: {scheme}: is not served yet; served: {SERVED}")
    if scheme != "unix":
        raise ListenError(f"--listen {uri}: unknown scheme {scheme}:; served: {SERVED}")
    path, _, query = rest.partition("?")
    if path.startswith("@") or "\0" in path:
        raise ListenError(f"--listen {uri}: abstract sockets have no permissions, so anybody could connect; use a path")
    if not path.startswith("/"):
        raise ListenError(f"--listen {uri}: the path must be absolute")
    check_length(path, "--listen")
    mode, group = 0o600, -1
    for item in query.split("&") if query else []:
        key, _, value = item.partition("=")
        if key == "mode":
            if value not in ("0600", "600", "0660", "660"):
                raise ListenError(f"--listen {uri}: mode {value}: 0600 or 0660; others may never connect")
            mode = int(value, 8)
        elif key == "group":
            group = group_id(value, uri)
        else:
            raise ListenError(f"--listen {uri}: unknown option {key}; there are mode and group")
    return UnixAddress(path, mode, group)


def check_length(path: str, option: str) -> None:
    """Raises ListenError where a path is too long for a socket address."""
    size = len(os.fsencode(path))
    if size > LONGEST_PATH:
        raise ListenError(f"{option} {path}: {size} bytes long, a socket's path can have {LONGEST_PATH}; use a shorter one")


def group_id(name: str, uri: str) -> int:
    """The number of a group. Raises ListenError."""
    import grp

    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise ListenError(f"--listen {uri}: there is no group {name}") from None


def open_unix(address: UnixAddress) -> Listening:
    """Makes the socket. Raises ListenError."""
    path = address.path
    directory, name = os.path.split(path)
    if not name:
        raise ListenError(f"--listen unix:{path}: names a directory")
    try:
        lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ListenError(f"--listen unix:{path}: directory {directory}: {error.strerror}") from error
    try:
        check_directory(directory, os.fstat(lock))
        take_lock(lock, directory)
        clear_the_way(path)
        return bind(address)
    finally:
        os.close(lock)


def check_directory(directory: str, facts: os.stat_result) -> None:
    """Raises ListenError where others could rename or replace what is in it."""
    if facts.st_uid not in (0, os.geteuid()):
        raise ListenError(f"{directory} belongs to uid {facts.st_uid}, neither root nor us: it could swap our socket", EXIT_UNSAFE)
    if facts.st_mode & stat.S_IWOTH and not facts.st_mode & stat.S_ISVTX:
        raise ListenError(f"{directory} is writable by everybody (mode {facts.st_mode & 0o7777:04o}): chmod o-w", EXIT_UNSAFE)


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


def clear_the_way(path: str) -> None:
    """Removes a stale socket; raises ListenError for anything else that is there."""
    try:
        facts = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(facts.st_mode):
        raise ListenError(f"--listen unix:{path}: there is something that is no socket; it is left alone")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        found = probe.connect_ex(path)
    if found not in (errno.ECONNREFUSED, errno.ENOENT):
        why = "somebody listens on it" if found in (0, errno.EAGAIN) else os.strerror(found)
        raise ListenError(f"--listen unix:{path}: is in use: {why}")
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ListenError(f"--listen unix:{path}: stale, but cannot be removed: {error.strerror}") from error


def bind(address: UnixAddress) -> Listening:
    """Binds and listens, with the permissions asked for. Raises ListenError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        sock.bind(address.path)
        made = Listening(sock, address.path, os.lstat(address.path))
    except OSError as error:
        sock.close()
        raise ListenError(f"--listen unix:{address.path}: {error.strerror or error}") from error
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
        raise ListenError(f"--listen unix:{address.path}: {error.strerror}") from error
    return made
