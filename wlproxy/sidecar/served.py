"""One guest as the supervisor sees it: its listeners, its relay, and what becomes of it when that ends.

Promises: a relay that dies is replaced, at first at once and ever more slowly while it keeps dying; its guest's sockets stay, so that
connections wait meanwhile instead of being refused; no other guest is touched. Trusts: the guest's file.

A relay serves under one compiled policy after another; other listeners, another compositor or another log are another relay.
"""

from __future__ import annotations

import socket
import time
from typing import Any, Final

from .audit_file import AuditLog
from .compiled import Compiled, load_entry
from .control.subject import Subject
from .keeper import Keeper
from .listener import Listener
from .say import say
from .security_context import SecurityContext
from .upstream import Upstream

FIRST_PAUSE: Final = 0.1  # seconds
LONGEST_PAUSE: Final = 10.0
LIVED_LONG: Final = 60.0  # a relay that did died of something new
MOST_HELD: Final = 64  # connections accepted for a relay that is being replaced


class Entry:
    """What a guest's file said when it was last read (guest_files.py)."""

    def __init__(self, name: str, file: str, compiled: Compiled) -> None:
        self.name = name
        self.file = file
        self.compiled = compiled
        self.listen: list[str] = compiled.guest["listen"]
        self.upstream: str = compiled.guest["upstream"]
        self.audit: str = compiled.guest["audit"]

    def same_place(self, other: Entry) -> bool:
        """Whether the relay of the one can serve under the other's policy."""
        return (self.listen, self.upstream, self.audit) == (other.listen, other.upstream, other.audit)

    def same(self, other: Entry) -> bool:
        """Whether nothing has changed."""
        return self.same_place(other) and self.compiled.data == other.compiled.data


class Served:
    """`keeper` is None while there is no relay. `settled`: it has been ready, or has failed, once. `leaving`: its end is wanted,
    `following` is what it shall be then."""

    def __init__(self, entry: Entry, listeners: list[Listener], upstream: Upstream, log: AuditLog) -> None:
        self.name = entry.name
        self.entry = entry
        self.listeners = listeners
        self.upstream = upstream
        self.log = log
        self.keeper: Keeper | None = None
        self.subject = Subject(entry.name, entry.listen, upstream, log, entry.compiled)
        self.settled = False
        self.leaving = False
        self.following: Entry | None = None
        self.restart_at = 0.0
        self._pause = FIRST_PAUSE
        self._began = 0.0
        self._held: list[tuple[socket.socket, dict[str, Any]]] = []

    def begin(self, keeper: Keeper) -> None:
        """A relay of its own has been forked."""
        self.keeper = keeper
        self.subject.begin(keeper)
        self.restart_at = 0.0
        self._began = time.monotonic()
        held, self._held = self._held, []
        for sock, facts in held:
            self.take_connection(sock, facts)

    def take_connection(self, sock: socket.socket, facts: dict[str, Any]) -> None:
        """A connection that was accepted for this guest (shared_port.py)."""
        if self.keeper is None and not self.leaving and len(self._held) < MOST_HELD:
            self._held.append((sock, facts))
            return
        if self.keeper is not None:
            self.keeper.give_connection(sock.fileno(), facts)  # where the relay is behind, it is closed like one too many
        sock.close()

    def under(self, entry: Entry, why: str) -> bool:
        """The guest's connections to come are under this policy; False where the relay is too busy to be told."""
        if self.keeper is not None and not self.keeper.give_policy(entry.compiled.data):
            return False
        if why != "start":
            self.subject.under(entry.compiled)
        self.entry = entry
        if self.keeper is not None:
            self.keeper.under(entry.compiled)
        if self.upstream.context is not None:
            self.upstream.context.under(entry.compiled.upstream)
        self.log.under({"name": entry.compiled.name, "sha256": entry.compiled.sha256}, entry.compiled.record)
        self.log.add(load_entry(entry.compiled, why))
        self.subject.mode.under(entry.compiled.until)
        return True

    def died(self) -> None:
        """Its relay is gone: writes that down, and when there will be another."""
        keeper, self.keeper = self.keeper, None
        if keeper is None:
            return
        stopping = keeper.stopping
        how = keeper.end()
        self.subject.died()
        self.settled = True
        if stopping:
            return
        now = time.monotonic()
        if now - self._began >= LIVED_LONG:
            self._pause = FIRST_PAUSE
        self.restart_at = now + self._pause
        why = f"the relay has ended unexpectedly ({how}), its connections are closed; another follows in {self._pause:g} s"
        say(f"guest {self.name}: {why}")
        self.log.add({"event": "internal", "reason": why})
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def leave(self, following: Entry | None = None) -> None:
        """Ends this guest as it is; its socket files go now, its relay within keeper.STOP_SECONDS."""
        self.leaving = True
        self.subject.leaving = True
        self.following = following
        self.restart_at = 0.0
        for listener in self.listeners:
            listener.remove()
        if self.keeper is not None:
            self.keeper.stop()

    def close(self) -> None:
        """The relay is gone and no other follows."""
        for listener in self.listeners:
            listener.remove()
            listener.sock.close()
        for sock, _ in self._held:
            sock.close()
        self._held = []
        self.upstream.close()
        self.log.file.leave(self.log)

    def next_event(self, now: float) -> float:
        """Seconds until something is due here; below 0: never."""
        if self.keeper is not None:
            return self.keeper.next_event(now)
        return max(0.0, self.restart_at - now) if self.restart_at else -1.0


def upstream_for(entry: Entry, otherwise: str, wait: float) -> Upstream:
    """The compositor of a guest: as its file says, or the one of all."""
    return Upstream(entry.upstream or otherwise, wait, SecurityContext(entry.compiled.upstream, entry.name))
