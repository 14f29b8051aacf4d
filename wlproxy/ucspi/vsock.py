"""What vsockserver and vsockclient have in common: words for CIDs and ports, the environment, exit codes.

Promises: pure but for the sockets that `listening` and `connected` open. Trusts: the command line.
Source: vsock(7); UCSPI (PROTO and ${PROTO}LOCAL*, ${PROTO}REMOTE* in the environment; 0 and 1 for a server's program, 6 and 7 for a
client's; 100 for what is wrong for good and 111 for what may pass).
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Final

ANY: Final = 0xFFFFFFFF  # VMADDR_CID_ANY, VMADDR_PORT_ANY
LOCAL: Final = 1  # VMADDR_CID_LOCAL, which Python 3.11 has no name for
HOST: Final = 2  # VMADDR_CID_HOST
WORDS: Final = {"any": ANY, "local": LOCAL, "host": HOST}

EXIT_PERMANENT: Final = 100
EXIT_TEMPORARY: Final = 111


class UsageError(Exception):
    """A command line that says nothing that can be done."""


def say(program: str, message: str) -> None:
    """One line on standard error."""
    print(f"{program}: {message}", file=sys.stderr, flush=True)


def cid_of(text: str, any_allowed: bool) -> int:
    """A CID by number or word. Raises UsageError."""
    words = [word for word in WORDS if any_allowed or word != "any"]
    if text in words:
        return WORDS[text]
    number = whole(text)
    if not 0 < number < ANY:
        raise UsageError(f"CID {text}: a number from 1 to {ANY - 1} is needed, or {' or '.join(words)}")
    return number


def port_of(text: str, any_allowed: bool) -> int:
    """A port; 0 is the kernel's choice. Raises UsageError."""
    number = whole(text)
    if number == 0 and any_allowed:
        return ANY
    if not 0 < number < ANY:
        raise UsageError(f"port {text}: a number from 1 to {ANY - 1} is needed" + (", or 0 for any that is free" if any_allowed else ""))
    return number


def whole(text: str) -> int:
    """A decimal number of ASCII digits; -1 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else -1


def environment(local: tuple[int, int], remote: tuple[int, int]) -> dict[str, str]:
    """What a program is told of its connection, beside what this process was told; `local` and `remote` are (CID, port)."""
    told = {name: value for name, value in os.environ.items() if not name.startswith("VSOCK")}
    told |= {"PROTO": "VSOCK", "VSOCKLOCALCID": str(local[0]), "VSOCKLOCALPORT": str(local[1])}
    return told | {"VSOCKREMOTECID": str(remote[0]), "VSOCKREMOTEPORT": str(remote[1])}


def listening(cid: int, port: int, backlog: int) -> socket.socket:
    """A listening socket. Raises OSError."""
    sock = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    try:
        sock.bind((cid, port))
        sock.listen(backlog)
    except OSError:
        sock.close()
        raise
    return sock


def connected(cid: int, port: int) -> socket.socket:
    """A connection; the kernel waits 2 s for it at most (SO_VM_SOCKETS_CONNECT_TIMEOUT). Raises OSError."""
    sock = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    try:
        sock.connect((cid, port))
    except OSError:
        sock.close()
        raise
    return sock


def pair(name: object) -> tuple[int, int]:
    """A socket's name as (CID, port); zeros for a socket of another family."""
    if isinstance(name, tuple) and len(name) == 2 and isinstance(name[0], int):
        return name[0], int(name[1])
    return 0, 0
