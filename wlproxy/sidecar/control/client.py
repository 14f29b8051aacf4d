"""Asks sidecars that run, over their control sockets (server.py).

Promises: an answer is at most ANSWER_BYTES and one line of JSON, or it is none; nobody is waited for longer than ANSWER_SECONDS but for a
reload; what a sidecar of another user's says (root looks at all sessions) is data, for `printable` to print. Trusts: the folders.
"""

from __future__ import annotations

import array
import json
import os
import socket
import time
from collections.abc import Mapping
from typing import Any, Final

from .path import OF_MANY, OF_ONE, SESSIONS, SUFFIX, SYSTEM, SYSTEM_OF_MANY, default_path, session_folder
from .server import EXIT_FINDINGS, EXIT_UNKNOWN, EXIT_USAGE

ANSWER_BYTES: Final = 8 << 20
ANSWER_SECONDS: Final = 5.0
RELOAD_SECONDS: Final = 120.0


class Refused(Exception):
    """There is no answer, or it is no; `exit_code` as documented."""

    def __init__(self, message: str, exit_code: int, told: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.told = told or {}


class Conversation:
    """One request, and the lines that answer it."""

    def __init__(self, path: str, request: Mapping[str, Any], fd: int = -1, seconds: float = ANSWER_SECONDS) -> None:
        """Raises Refused where nobody is there."""
        self.path = path
        self._got = b""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(seconds)
        data = json.dumps(request).encode("ascii") + b"\n"
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))] if fd >= 0 else []
        try:
            self.sock.connect(path)
            self.sock.sendmsg([data], rights)
        except OSError as error:
            self.sock.close()
            raise Refused(f"{path}: {error.strerror or error}", EXIT_UNKNOWN) from error

    def line(self) -> dict[str, Any]:
        """The next answer. Raises Refused."""
        until = time.monotonic() + (self.sock.gettimeout() or ANSWER_SECONDS)
        while b"\n" not in self._got:
            try:
                data = self.sock.recv(1 << 16)
            except TimeoutError as error:
                raise Refused(f"{self.path}: no answer in time", EXIT_FINDINGS) from error
            except OSError as error:
                raise Refused(f"{self.path}: {error.strerror}", EXIT_FINDINGS) from error
            self._got += data
            if not data or len(self._got) > ANSWER_BYTES or time.monotonic() > until:
                raise Refused(f"{self.path}: the answer is not whole", EXIT_FINDINGS)
        line, _, self._got = self._got.partition(b"\n")
        try:
            told = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Refused(f"{self.path}: the answer is no JSON", EXIT_FINDINGS) from error
        if not isinstance(told, dict):
            raise Refused(f"{self.path}: the answer is no object", EXIT_FINDINGS)
        if told.get("ok") is not True:
            code = told.get("exit")
            known = code if type(code) is int and 0 < code < 128 else EXIT_FINDINGS
            raise Refused(str(told.get("error", "refused")), known, told)
        return told

    def close(self) -> None:
        """The end."""
        self.sock.close()


def ask(path: str, request: Mapping[str, Any], seconds: float = ANSWER_SECONDS) -> dict[str, Any]:
    """The answer. Raises Refused."""
    conversation = Conversation(path, request, seconds=seconds)
    try:
        return conversation.line()
    finally:
        conversation.close()


def sockets(environ: Mapping[str, str]) -> list[str]:
    """Every control socket where they are by default: this session's, the system's and, for root, those of all sessions."""
    folders = [session_folder(environ)]
    if os.geteuid() == 0:
        folders += [f"{SESSIONS}/{name}/wlproxy" for name in names_in(SESSIONS)]
    found = [f"{folder}/{name}" for folder in folders if folder for name in names_in(folder) if name.endswith(SUFFIX) or name == OF_MANY]
    found += [f"{SYSTEM}/{name}/{OF_ONE}" for name in names_in(SYSTEM)] + [SYSTEM_OF_MANY]
    return [path for path in dict.fromkeys(found) if os.path.exists(path)]


def names_in(folder: str) -> list[str]:
    """In order; nothing where it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def everybody(control: str, environ: Mapping[str, str], brief: bool = False) -> list[tuple[str, dict[str, Any]]]:
    """Every sidecar's socket and status; `control`: that socket only, "" for all that are found. One that has just ended is left out."""
    found = []
    for path in [control] if control else sockets(environ):
        try:
            told = ask(path, {"do": "status", "brief": brief})
        except Refused:
            if control:
                raise
            continue
        if isinstance(told.get("guests"), list) and all(isinstance(one, dict) for one in told["guests"]):
            found.append((path, told))
    return found


def guest_names(environ: Mapping[str, str]) -> list[str]:
    """Of all that are served."""
    return sorted({str(one.get("guest", "")) for _, told in everybody("", environ, brief=True) for one in told["guests"]})


def socket_of(guest: str, control: str, environ: Mapping[str, str]) -> str:
    """The control socket of the sidecar that has this guest. Raises Refused."""
    if control:
        return control
    usual = default_path(guest, environ)
    seen = [path for path, told in everybody("", environ, brief=True) if any(one.get("guest") == guest for one in told["guests"])]
    if usual in seen or not seen:
        if usual in seen:
            return usual
        names = guest_names(environ)
        there = f"there are: {', '.join(ascii(name)[1:-1][:40] for name in names[:20])}" if names else "no sidecar has a control socket"
        raise Refused(f"guest {guest[:80]!a}: unknown or not running; {there} (--control PATH names another socket)", EXIT_UNKNOWN)
    if len(seen) > 1:
        raise Refused(f"guest {guest[:80]!a}: {len(seen)} sidecars have one: say which with --control: {', '.join(seen)}", EXIT_USAGE)
    return seen[0]
