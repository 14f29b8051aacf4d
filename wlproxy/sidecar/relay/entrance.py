"""Where guests come in: sockets to accept from, how fast and how many, and who waits for the compositor's side of a connection.

Promises: a guest that is not let in costs nobody else anything and is written down; what comes faster than the policy's rate takes turns
(arrivals.py) and is never seen by the compositor before; no more are let in than there are descriptors for. Nothing is read from who
waits here. Trusts: the listeners it was given, and the broker to answer.

accepted -> where too many come: its turn -> the broker is asked for this guest's connection to the compositor -> `answered` (carrier.py
takes over) or refused
"""

from __future__ import annotations

import json
import select
import socket
from typing import Any, Final

from ...core.quotas import Bucket, Limits
from .. import channel
from ..audit import plain, quota_entry
from ..listener import Listener, peer_of, stranger
from .arrivals import Arrivals
from .broker_line import BrokerLine
from .link import Guest
from .pace import LEAST_PAUSE_SECONDS

IN: Final = int(select.EPOLLIN)

ACCEPTS_PER_TURN: Final = 16
ACCEPT_PAUSE_SECONDS: Final = 0.5
FLOOD_PAUSE_SECONDS: Final = 0.004  # after a turn in which somebody was turned away: 4000 a second
MOST_PATIENCE_SECONDS: Final = 1.0  # until those that wait are looked at
FDS_PER_READ: Final = 253
FDS_OF_OUR_OWN: Final = 32


class Entrance:
    """The listeners of one guest. `waiting` are those that were asked for, by number. Where a method is told `links` and `fds`, that is
    how many connections are open and how many descriptors they hold beside their sockets. `now` is monotonic seconds."""

    def __init__(
        self, listeners: list[Listener], broker: BrokerLine, epoll: select.epoll, limits: Limits, most: int, most_fds: int, now: float
    ) -> None:
        self.waiting: dict[int, Guest] = {}
        self.due_at = 0.0  # when `turn` must be called; 0 = there is nothing to be done
        self._again_at = 0.0  # when listeners that are left alone are to be accepted from again; 0 = none is
        self._arrivals = Arrivals()
        self._listeners = [listener for listener in listeners if not listener.accepted]
        self._given = [listener for listener in listeners if listener.accepted]  # one at most: when it is over, so are we
        self._broker = broker
        self._epoll = epoll
        self._most = most
        self._fd_room = most_fds - FDS_OF_OUR_OWN - FDS_PER_READ
        self._accepting = False
        self._next_number = 1
        self._stopped = False
        self.under(limits, now)

    def under(self, limits: Limits, now: float) -> None:
        """What the policy in force allows."""
        self._limits = limits
        self._connects = Bucket(limits.connects, now)

    @property
    def seen(self) -> int:
        """How many have come."""
        return self._next_number - 1

    def open(self, now: float) -> None:
        """From now on guests may come."""
        for listener in self._listeners:
            listener.sock.setblocking(False)
        self.resume()
        self._broker.tell(channel.READY)
        for given in self._given:
            self._take_given(given, now)

    def serve(self, number: int, links: int, fds: int, now: float) -> bool:
        """Accepts from the listener that has this descriptor; False where there is none."""
        for listener in self._listeners:
            if listener.sock.fileno() == number:
                self._accept(listener, links, fds, now)
                return True
        return False

    def take_handed(self, fd: int, text: bytes, links: int, fds: int, now: float) -> None:
        """A connection of our guest's that was accepted on a port which several guests share. It cannot be left in a backlog: where there
        is no room for it now it is closed."""
        sock = socket.socket(fileno=fd)
        facts = json.loads(text)
        peer: dict[str, Any] = facts["peer"]
        if self._stopped or self._full(links, fds):
            sock.close()
            if not self._stopped:
                self._turned_away(peer, "too many at once", now)
            return
        self._arrive(sock, peer, str(facts["framing"]), links, now)
        self._plan(links, fds, now)

    def turn(self, links: int, fds: int, now: float) -> None:
        """What has become due: those that wait are let in as far as the rate allows, listeners that were left alone are served."""
        for guest in self._arrivals.late(now):
            guest.sock.close()
            self._too_fast(guest.peer, "closed after waiting for its turn", now)
        while len(self._arrivals) and not self._full(links, fds) and self._within_rate(now):
            next_one = self._arrivals.next()
            if next_one is None:
                self._connects.forgive(1)
            else:
                self._welcome(next_one, links, now)
        if self._again_at and now >= self._again_at:
            self.resume()
        self._plan(links, fds, now)

    def answered(self, number: int) -> Guest | None:
        """The broker has the compositor's side for this one; None where nobody waits for it any more."""
        return self.waiting.pop(number, None)

    def refuse(self, number: int, reason: str, now: float) -> None:
        """The broker has no compositor for this one."""
        waiting = self.waiting.pop(number, None)
        if waiting is None:
            return
        waiting.sock.close()
        entry = {"event": "disconnect", "client": number, "peer": waiting.peer, "ended_by": "proxy", "reason": plain(reason)}
        self._broker.note(entry, now)

    def one_less(self, links: int) -> None:
        """A connection is over: there is room for another, or nothing left to do."""
        if self._given and not links and not self.waiting:
            self._broker.tell(channel.DONE)
        self.resume()

    def resume(self) -> None:
        """Accepts again, where the rate allows it."""
        self._again_at = 0.0
        if not self._accepting and not self._stopped:
            self._accepting = True
            for listener in self._listeners:
                self._epoll.register(listener.sock.fileno(), IN)

    def stop(self, now: float) -> None:
        """No more guests."""
        self._pause(now, 0.0)
        self._again_at = self.due_at = 0.0
        self._stopped = True
        self._send_away()
        for listener in self._listeners:
            listener.sock.close()
        for number in list(self.waiting):
            self.refuse(number, "the proxy stops", now)

    def close(self) -> None:
        """Whoever waits still is left as it stands."""
        self._send_away()
        for waiting in self.waiting.values():
            waiting.sock.close()

    def _send_away(self) -> None:
        """Those whose turn has not come."""
        for guest in self._arrivals.drain():
            guest.sock.close()

    def _accept(self, listener: Listener, links: int, fds: int, now: float) -> None:
        flooded = False
        for _ in range(ACCEPTS_PER_TURN):
            if self._full(links, fds):
                self._pause(now, ACCEPT_PAUSE_SECONDS)
                break
            try:
                sock, address = listener.sock.accept()
            except BlockingIOError:
                break
            except OSError:  # EMFILE, ENFILE, ENOMEM: the connection stays in the backlog until it can be had (accept(2))
                self._pause(now, ACCEPT_PAUSE_SECONDS)
                break
            peer = peer_of(listener.sock.family, address, sock)
            why = stranger(listener, peer)
            if why:  # costs this guest nothing: no number, no token of its rate
                sock.close()
                self._turned_away(peer, why, now)
                continue
            flooded = self._arrive(sock, peer, listener.framing, links, now) or flooded
        if flooded and self._accepting:
            self._pause(now, FLOOD_PAUSE_SECONDS)
        self._plan(links, fds, now)

    def _arrive(self, sock: socket.socket, peer: dict[str, Any], framing: str, links: int, now: float) -> bool:
        """One that was accepted: let in, or to take its turn; whether one had to be turned away for that."""
        sock.setblocking(False)
        guest = Guest(sock, peer, framing)
        if not len(self._arrivals) and self._within_rate(now):
            self._welcome(guest, links, now)
            return False
        too_many = self._arrivals.add(guest, now)
        if too_many is None:
            self._too_fast(peer, "the next take turns", now)
            return False
        too_many.sock.close()
        self._too_fast(too_many.peer, "turned away, too many wait", now)
        return True

    def _within_rate(self, now: float) -> bool:
        return self._limits.connects[0] <= 0 or self._connects.try_one(now)

    def patience(self, seconds: float, now: float) -> float:
        """How long to wait at most until `turn`, where there are that many seconds (below 0: no end) for other reasons."""
        wait = max(0.0, self.due_at - now) + LEAST_PAUSE_SECONDS
        return wait if seconds < 0 else min(wait, seconds)

    def _plan(self, links: int, fds: int, now: float) -> None:
        """Sets when `turn` is to be called."""
        self.due_at = self._again_at
        if len(self._arrivals):
            wait = ACCEPT_PAUSE_SECONDS if self._full(links, fds) else min(self._connects.wait_for_one(), MOST_PATIENCE_SECONDS)
            self.due_at = min(self.due_at, now + wait) if self.due_at else now + wait

    def _full(self, links: int, fds: int) -> bool:
        """Whether one more would leave too few descriptors for a read of any connection: two sockets each, and what they hold."""
        return 2 * (links + len(self.waiting)) + len(self._arrivals) + 2 + fds > self._fd_room

    def _welcome(self, guest: Guest, links: int, now: float) -> None:
        """A new connection, which is closed where there are enough."""
        number = self._next_number
        self._next_number += 1
        most = min(self._most, self._limits.clients)
        if links + len(self.waiting) >= most:
            self._quota(number, guest.peer, "clients", f"more than {most} clients", now)
            guest.sock.close()
        else:
            self._admit(number, guest, {}, now)

    def _take_given(self, given: Listener, now: float) -> None:
        """The connection that we were started with."""
        sock = given.sock
        sock.setblocking(False)
        number = self._next_number
        self._next_number += 1
        guest = Guest(sock, given.peer, given.framing)
        why = stranger(given, given.peer)
        if why:
            self.waiting[number] = guest
            self.refuse(number, why, now)
            self.one_less(0)
        else:
            self._admit(number, guest, given.told, now)

    def _admit(self, number: int, guest: Guest, told: dict[str, str], now: float) -> None:
        self.waiting[number] = guest
        self._broker.tell(channel.CONNECT, number)
        entry = {"event": "connect", "client": number, "peer": guest.peer}
        if told:
            entry["ucspi"] = {name: plain(value) for name, value in told.items()}
        self._broker.note(entry, now)

    def _pause(self, now: float, seconds: float) -> None:
        if self._accepting:
            self._accepting = False
            for listener in self._listeners:
                self._epoll.unregister(listener.sock.fileno())
        self._again_at = now + seconds

    def _turned_away(self, peer: dict[str, Any], why: str, now: float) -> None:
        """Written down without the port, so that a flood is one line a second."""
        self._broker.note({"event": "connect", "verdict": "deny", "peer": {"cid": peer.get("cid", -1)}, "reason": why}, now)

    def _too_fast(self, peer: dict[str, Any], so: str, now: float) -> None:
        """Without a number, which it does not have yet, and the port, so that a flood is one line a second."""
        whose = {name: value for name, value in peer.items() if name != "port"}
        self._quota(0, whose, "connects", f"more than {self._limits.connects[0]:g} a second: {so}", now)

    def _quota(self, number: int, peer: dict[str, Any], name: str, reason: str, now: float) -> None:
        self._broker.note(quota_entry(self._limits.rule(name), number, peer, reason), now)
