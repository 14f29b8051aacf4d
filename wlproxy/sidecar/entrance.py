"""Where guests come in: sockets to accept from, how fast and how many, and who waits for the compositor's side of a connection.

Promises: a guest that is not let in costs nobody else anything and is written down; what comes faster than the policy's rate waits
in the backlog, where it costs nothing; no more are let in than there are descriptors for. Nothing is read from who waits here.
Trusts: the listeners it was given, and the broker to answer.

accepted -> the broker is asked for this guest's connection to the compositor -> `answered` (carrier.py takes over) or refused
"""

from __future__ import annotations

import json
import select
import socket
from typing import Any, Final

from ..core.quotas import Bucket, Limits
from . import channel
from .audit import plain, quota_entry
from .broker_line import BrokerLine
from .link import Guest
from .listener import Listener, peer_of, stranger

IN: Final = int(select.EPOLLIN)

ACCEPTS_PER_TURN: Final = 16
ACCEPT_PAUSE_SECONDS: Final = 0.5
FDS_PER_READ: Final = 253
FDS_OF_OUR_OWN: Final = 32


class Entrance:
    """The listeners of one guest. `waiting` are those that were asked for, by number. Where a method is told `links` and `fds`, that is
    how many connections are open and how many descriptors they hold beside their sockets. `now` is monotonic seconds."""

    def __init__(
        self, listeners: list[Listener], broker: BrokerLine, epoll: select.epoll, limits: Limits, most: int, most_fds: int, now: float
    ) -> None:
        self.waiting: dict[int, Guest] = {}
        self.again_at = 0.0  # when listeners that are left alone are to be accepted from again; 0 = none is
        self._listeners = [listener for listener in listeners if not listener.accepted]
        self._given = [listener for listener in listeners if listener.accepted]  # one at most: when it is over, so are we
        self._broker = broker
        self._epoll = epoll
        self._most = most
        self._fd_room = most_fds - FDS_OF_OUR_OWN - FDS_PER_READ
        self._accepting = False
        self._not_before = 0.0
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
        self.resume(now)
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
        if self._stopped or self._full(links, fds) or now < self._not_before:
            sock.close()
            if not self._stopped:
                self._turned_away(peer, "too many at once", now)
            return
        number = self._welcome(sock, peer, str(facts["framing"]), links, now)
        wait = self._connects.take(1, now)
        if wait:
            self._not_before = now + wait
            self._too_fast(number, peer, "the next are closed", now)

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

    def one_less(self, links: int, now: float) -> None:
        """A connection is over: there is room for another, or nothing left to do."""
        if self._given and not links and not self.waiting:
            self._broker.tell(channel.DONE)
        self.resume(now)

    def resume(self, now: float) -> None:
        """Accepts again, where the rate allows it."""
        if now < self._not_before:
            return
        self.again_at = 0.0
        if not self._accepting and not self._stopped:
            self._accepting = True
            for listener in self._listeners:
                self._epoll.register(listener.sock.fileno(), IN)

    def stop(self, now: float) -> None:
        """No more guests."""
        self._pause(now)
        self.again_at = 0.0
        self._stopped = True
        for listener in self._listeners:
            listener.sock.close()
        for number in list(self.waiting):
            self.refuse(number, "the proxy stops", now)

    def close(self) -> None:
        """Whoever waits still is left as it stands."""
        for waiting in self.waiting.values():
            waiting.sock.close()

    def _accept(self, listener: Listener, links: int, fds: int, now: float) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            if self._full(links, fds):
                self._pause(now)
                return
            try:
                sock, address = listener.sock.accept()
            except BlockingIOError:
                return
            except OSError:  # EMFILE, ENFILE, ENOMEM: the connection stays in the backlog until it can be had (accept(2))
                self._pause(now)
                return
            peer = peer_of(listener.sock.family, address, sock)
            why = stranger(listener, peer)
            if why:  # costs this guest nothing: no number, no token of its rate
                sock.close()
                self._turned_away(peer, why, now)
                continue
            number = self._welcome(sock, peer, listener.framing, links, now)
            wait = self._connects.take(1, now)
            if wait:
                self._not_before = now + wait
                self._too_fast(number, peer, "accepted more slowly", now)
                self._pause(now)
                return

    def _full(self, links: int, fds: int) -> bool:
        """Whether one more would leave too few descriptors for a read of any connection: two sockets each, and what they hold."""
        return 2 * (links + len(self.waiting)) + 2 + fds > self._fd_room

    def _welcome(self, sock: socket.socket, peer: dict[str, Any], framing: str, links: int, now: float) -> int:
        """A new connection, which is closed where there are enough; its number."""
        sock.setblocking(False)
        number = self._next_number
        self._next_number += 1
        most = min(self._most, self._limits.clients)
        if links + len(self.waiting) >= most:
            self._quota(number, peer, "clients", f"more than {most} clients", now)
            sock.close()
        else:
            self._admit(number, Guest(sock, peer, framing), {}, now)
        return number

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
            self.one_less(0, now)
        else:
            self._admit(number, guest, given.told, now)

    def _admit(self, number: int, guest: Guest, told: dict[str, str], now: float) -> None:
        self.waiting[number] = guest
        self._broker.tell(channel.CONNECT, number)
        entry = {"event": "connect", "client": number, "peer": guest.peer}
        if told:
            entry["ucspi"] = {name: plain(value) for name, value in told.items()}
        self._broker.note(entry, now)

    def _pause(self, now: float) -> None:
        if self._accepting:
            self._accepting = False
            for listener in self._listeners:
                self._epoll.unregister(listener.sock.fileno())
        self.again_at = max(now + ACCEPT_PAUSE_SECONDS, self._not_before)

    def _turned_away(self, peer: dict[str, Any], why: str, now: float) -> None:
        """Written down without the port, so that a flood is one line a second."""
        self._broker.note({"event": "connect", "verdict": "deny", "peer": {"cid": peer.get("cid", -1)}, "reason": why}, now)

    def _too_fast(self, number: int, peer: dict[str, Any], so: str, now: float) -> None:
        self._quota(number, peer, "connects", f"more than {self._limits.connects[0]:g} a second: {so}", now)

    def _quota(self, number: int, peer: dict[str, Any], name: str, reason: str, now: float) -> None:
        self._broker.note(quota_entry(self._limits.rule(name), number, peer, reason), now)
