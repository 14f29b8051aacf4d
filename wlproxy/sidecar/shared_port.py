"""One vsock port for several guests: each connection is its guest's by the CID of its peer.

Promises: a connection reaches the relay of the guest with that CID or nobody; what no guest has a claim to is closed and written down, at
most a few lines a second; nothing is read from it here. Trusts: the kernel for the CID (vsock(7)), the guests' files for whose it is.
"""

from __future__ import annotations

import json
import socket
import time
from typing import Any, Final, Protocol

from .address import UNCHECKED, WAYPIPE, ListenError
from .audit import Folder
from .audit_file import AuditLog
from .listener import Listener, peer_of

ACCEPTS_PER_TURN: Final = 16
ANYBODY: Final = UNCHECKED


class Claimant(Protocol):
    """A guest, as far as a port is concerned."""

    @property
    def name(self) -> str: ...

    def take_connection(self, sock: socket.socket, facts: dict[str, Any]) -> None:
        """The connection is its own from here on."""


class SharedPort:
    """A listening socket and who has a claim to what comes. `log` takes what is about no guest."""

    def __init__(self, listener: Listener, log: AuditLog) -> None:
        self.sock = listener.sock
        self.sock.setblocking(False)
        self.framing = listener.framing
        self._uri = listener.uri
        self._log = log
        self._claims: dict[int, tuple[Claimant, str]] = {}
        self._folder = Folder()

    def claim(self, cid: int, claimant: Claimant, framing: str, uri: str) -> None:
        """From now on connections from `cid` (UNCHECKED: from all that nobody else has a claim to) are this guest's. Raises ListenError."""
        if cid in self._claims:
            whose = self._claims[cid][0].name
            what = f"CID {cid}" if cid >= 0 else "every other CID"
            raise ListenError(f"--listen {uri}: {what} on this port is guest {whose}'s already")
        self._claims[cid] = (claimant, framing)

    def release(self, claimant: Claimant) -> bool:
        """That guest has no claim any more; whether anybody has."""
        self._claims = {cid: claim for cid, claim in self._claims.items() if claim[0] is not claimant}
        return bool(self._claims)

    def framed_for(self, claimant: Claimant) -> bool:
        """Whether connections with waypipe's framing go to that guest."""
        return any(whose is claimant and framing == WAYPIPE for whose, framing in self._claims.values())

    def accept(self) -> None:
        """Hands over what has come."""
        for _ in range(ACCEPTS_PER_TURN):
            try:
                sock, address = self.sock.accept()
            except OSError:  # none (any more); or out of something, and then it stays in the backlog (accept(2))
                return
            peer = peer_of(self.sock.family, address, sock)
            cid = peer.get("cid", ANYBODY)
            claim = self._claims.get(cid) or self._claims.get(ANYBODY)
            if claim is None:
                sock.close()
                self._refuse(cid)
            else:
                claim[0].take_connection(sock, {"peer": peer, "framing": claim[1]})

    def _refuse(self, cid: int) -> None:
        entry = {"event": "connect", "verdict": "deny", "peer": {"cid": cid}, "reason": f"peer CID {cid} is no guest's on {self._uri}"}
        self._write(self._folder.add(entry, time.monotonic()))

    @property
    def pending(self) -> bool:
        """Whether `tick` must be called within a second."""
        return self._folder.pending

    def tick(self, now: float) -> None:
        """Writes down what was folded into one line."""
        self._write(self._folder.tick(now))

    def _write(self, lines: list[bytes]) -> None:
        for line in lines:
            self._log.add(json.loads(line))

    def close(self) -> None:
        """Nobody is served here any more."""
        self._write(self._folder.flush())
        self.sock.close()
