"""What the relay knows of a socket it accepts from, or of the one connection it was started with, and of who is at the other end.

Promises: nothing here is looked up by name. A peer is the VMM's process where the kernel says which (unix(7) SO_PEERCRED), and the
machine where it says that (vsock(7): address of accept(2)). Trusts: the kernel, and the VMM's kernel for the CID.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Any, Final

from .address import NO_CID, UNCHECKED

AF_UNIX: Final = int(socket.AF_UNIX)
AF_VSOCK: Final = int(socket.AF_VSOCK)


class Listener:
    """A socket to accept from or, where `accepted`, a connection. `framing` is how its connections carry descriptors (address.py),
    `cid` the only vsock peer that is served, below 0 for any; `path` the file that was made for it, "" for none."""

    def __init__(self, sock: socket.socket, uri: str, framing: str, cid: int = NO_CID, path: str = "", accepted: bool = False) -> None:
        self.sock = sock
        self.uri = uri
        self.framing = framing
        self.cid = cid
        self.path = path
        self.accepted = accepted
        self.peer: dict[str, Any] = {}  # of the connection, where accepted
        self.folder = ""  # one that is there for the file alone, and goes with it
        self.told: dict[str, str] = {}  # what a UCSPI server said of it, for the audit log
        self._identity = (0, 0)
        if path:
            facts = os.lstat(path)
            self._identity = (facts.st_dev, facts.st_ino)

    def remove(self) -> None:
        """Removes the file, if it is still the one made here, and its folder, if nothing else is in it."""
        if not self.path:
            return
        try:
            facts = os.lstat(self.path)
            if (facts.st_dev, facts.st_ino) == self._identity:
                os.unlink(self.path)
            if self.folder:
                os.rmdir(self.folder)
        except OSError:
            pass  # gone already, or no longer ours to remove


def peer_of(family: int, address: object, sock: socket.socket) -> dict[str, Any]:
    """Who is at the other end, for the audit log: {"cid", "port"} or {"address", "port"}, from what accept(2) gave as `address`; for a
    Unix socket {"pid", "uid"} as of the peer's connect(2), which is the VMM's process and not the program in the guest."""
    if family == AF_VSOCK and isinstance(address, tuple):
        return {"cid": int(address[0]), "port": int(address[1])}
    if family != AF_UNIX:
        return {"address": str(address[0]), "port": int(address[1])} if isinstance(address, tuple) else {}
    raw = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid, uid, _ = struct.unpack("=iii", raw)
    return {"pid": pid, "uid": uid}


def stranger(listener: Listener, peer: dict[str, Any]) -> str:
    """Why this peer is not served; "" where it is."""
    if listener.cid < 0:
        return ""
    cid = peer.get("cid", UNCHECKED)
    return "" if cid == listener.cid else f"peer CID {cid}, this listener serves CID {listener.cid}"
