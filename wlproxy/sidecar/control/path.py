"""Where control sockets are, for the sidecar that makes one and for whoever looks for it.

    $XDG_RUNTIME_DIR/wlproxy/GUEST.control      `run` in a session
    /run/wlproxy-ctl/GUEST/control              `run` of the system's (RuntimeDirectory=wlproxy-ctl/%i)
    $XDG_RUNTIME_DIR/wlproxy/serve.guests       `serve`; /run/wlproxy-ctl/.serve/guests

A guest's name may be anything that --guest takes: what is not a letter, a digit or one of "._-" is %XX in a path, and so is a dot at the
beginning. Promises: the folders made here are their owner's alone; a guest's own goes with its socket. Trusts: the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from .. import listen
from ..address import ListenError, UnixAddress
from ..listener import Listener

SYSTEM: Final = "/run/wlproxy-ctl"
SESSIONS: Final = "/run/user"
SUFFIX: Final = ".control"
OF_ONE: Final = "control"
OF_MANY: Final = "serve.guests"
SYSTEM_OF_MANY: Final = f"{SYSTEM}/.serve/guests"  # no guest's folder begins with a dot
NOWHERE: Final = "none"  # for --control
PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
LONGEST: Final = 107  # sun_path has 108 bytes (unix(7))


def quoted(guest: str) -> str:
    """A guest's name as a part of a path."""
    parts = []
    for at, byte in enumerate(guest.encode("utf-8", "surrogateescape")):
        letter = chr(byte)
        parts.append(letter if letter in PLAIN or (letter == "." and at) else f"%{byte:02X}")
    return "".join(parts)


def session_folder(environ: Mapping[str, str]) -> str:
    """Of this session, "" where there is none."""
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    return f"{runtime.rstrip('/')}/wlproxy" if runtime.startswith("/") else ""


def default_path(guest: str, environ: Mapping[str, str]) -> str:
    """Of `run`; with guest "" of `serve`."""
    folder = session_folder(environ)
    if folder:
        return f"{folder}/{quoted(guest)}{SUFFIX}" if guest else f"{folder}/{OF_MANY}"
    return f"{SYSTEM}/{quoted(guest)}/{OF_ONE}" if guest else SYSTEM_OF_MANY


def make_folder(path: str) -> None:
    """The folders of a default path. Raises OSError."""
    folder = os.path.dirname(path)
    above = os.path.dirname(folder)
    if above == SYSTEM and not os.path.isdir(above):
        os.mkdir(above, 0o755)
    if not os.path.isdir(folder):
        os.mkdir(folder, 0o700)


def open_control(path: str, guest: str, environ: Mapping[str, str]) -> Listener | None:
    """The socket, at `path` or, where that is "", at the default one. None for "none", and where the default cannot be had: a sidecar
    serves its guest all the same, and says why it has none. Raises ListenError for a path that was asked for."""
    from ..say import say

    if path == NOWHERE:
        return None
    wanted = path or default_path(guest, environ)
    try:
        if len(os.fsencode(wanted)) > LONGEST:
            raise ListenError(f"{wanted}: longer than {LONGEST} bytes, which is what a socket's path may have")
        if not path:
            make_folder(wanted)
        made = listen.open_unix(UnixAddress(os.path.abspath(wanted), uri=wanted))
    except (OSError, ListenError) as error:
        why = str(error).replace("--listen ", "") if isinstance(error, ListenError) else f"{wanted}: {error.strerror}"
        if path:
            raise ListenError(f"--control {why}") from error
        if os.geteuid() == 0 or session_folder(environ):
            say(f"no control socket: {why} (--control PATH names another, --control none says that none is wanted)")
        return None
    folder = os.path.dirname(made.path)
    if not path and os.path.dirname(folder) == SYSTEM:
        made.folder = folder
    return made
