"""Connections that came faster than the policy's rate: which of them is served next, and which is turned away.

Promises: they are few, and none waits longer than WAIT_SECONDS. Peers take turns, so that a flood of one peer's delays another's connection
by one turn. Of one peer's the last to come goes first: whoever comes after a flood does not wait for the flood to be served. Where there
are too many, one of the peer that has most goes: before others one that has said nothing, as a Wayland client speaks first.
Whoever has hung up costs nothing. Nothing is read here: what a client has said is looked at with MSG_PEEK. Trusts: nobody.
"""

from __future__ import annotations

import json
import socket
from typing import Final

from .link import Guest

MOST: Final = 64
WAIT_SECONDS: Final = 10.0

SILENT: Final = 0
SPOKEN: Final = 1
GONE: Final = 2


class Arrival:
    """One of them; `since` is monotonic seconds."""

    def __init__(self, guest: Guest, since: float) -> None:
        self.guest = guest
        self.since = since

    def state(self) -> int:
        """What there is to be read from it."""
        try:
            return SPOKEN if self.guest.sock.recv(1, socket.MSG_PEEK) else GONE
        except BlockingIOError:
            return SILENT
        except OSError:
            return GONE


class Arrivals:
    """All of one guest's, by peer; the peer whose turn is next stands first."""

    def __init__(self) -> None:
        self._by_peer: dict[str, list[Arrival]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, guest: Guest, now: float) -> Guest | None:
        """Takes one more; the one that is turned away instead, where there are too many."""
        self._by_peer.setdefault(peer_key(guest), []).append(Arrival(guest, now))
        self._count += 1
        if self._count <= MOST:
            return None
        peer = max(self._by_peer, key=lambda key: len(self._by_peer[key]))
        ours = self._by_peer[peer]
        return self._take(peer, next((arrival for arrival in ours if arrival.state() != SPOKEN), ours[0]))

    def next(self) -> Guest | None:
        """Whose turn it is, of those that are still there."""
        while self._by_peer:
            peer = next(iter(self._by_peer))
            ours = self._by_peer.pop(peer)
            self._by_peer[peer] = ours
            states = [arrival.state() for arrival in ours]
            spoken = [arrival for arrival, state in zip(ours, states, strict=True) if state == SPOKEN]
            silent = [arrival for arrival, state in zip(ours, states, strict=True) if state == SILENT]
            for arrival, state in zip(list(ours), states, strict=True):
                if state == GONE:
                    self._take(peer, arrival).sock.close()
            if spoken or silent:
                return self._take(peer, (spoken or silent)[-1])
        return None

    def late(self, now: float) -> list[Guest]:
        """Those that have waited for too long; they are out."""
        late = [(peer, arrival) for peer, ours in self._by_peer.items() for arrival in ours if now - arrival.since > WAIT_SECONDS]
        return [self._take(peer, arrival) for peer, arrival in late]

    def drain(self) -> list[Guest]:
        """All of them; nobody waits any more."""
        return self.late(float("inf"))

    def _take(self, peer: str, arrival: Arrival) -> Guest:
        ours = self._by_peer[peer]
        ours.remove(arrival)
        self._count -= 1
        if not ours:
            del self._by_peer[peer]
        return arrival.guest


def peer_key(guest: Guest) -> str:
    """Whom a connection is from: without the port, which every connection has its own of."""
    return json.dumps([value for name, value in guest.peer.items() if name != "port"])
