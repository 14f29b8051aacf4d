"""The relay: the process that faces the guest. It lets guests in, carries what they say, and obeys its broker.

Promises: everything is done as soon as it can be, by turns, nothing for longer than one read; a relay without traffic does not wake.
Trusts: the broker. Who comes in and how fast: entrance.py. What is read, sent and ended, and when: carrier.py.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from ...core.outcome import GUEST, HOST
from ...core.quotas import Limits, Usage
from .. import channel
from ..address import WAYPIPE
from ..control.state import state_of
from ..listener import Listener
from .broker_line import BrokerLine
from .carrier import Carrier
from .compression import Codec
from .entrance import Entrance
from .half import Half
from .link import Link, SessionLike
from .mirrors import Mirrors
from .waypipe import UNPASSABLE, Waypipe

OUT: Final = int(select.EPOLLOUT)

TICK_SECONDS: Final = 0.25
STOP_SECONDS: Final = 0.5
EVENTS_PER_TURN: Final = 64

NewSession = Callable[..., SessionLike]  # with nothing, or with the files and the hidden globals of a connection (core/session.py)


class Relay:
    """All connections of one guest. `new_session` makes the session of each, `limits` are the policy's, `usage` what all sessions together
    hold; `reload` gives the former two from a compiled policy. `watch` may put another session in the place of a new connection's, by its
    number, and `tap` is told what to do so with (watch/watching.py); `epoll` is what it waits on."""

    def __init__(
        self,
        broker: socket.socket,
        listeners: list[Listener],
        new_session: NewSession,
        limits: Limits,
        usage: Usage,
        reload: Callable[[bytes], tuple[NewSession, Limits]],
        most_clients: int,
        most_fds: int,
        codecs: dict[int, Codec] | None = None,
    ) -> None:
        now = monotonic()
        epoll = select.epoll()
        self.epoll = epoll
        self._broker = BrokerLine(broker, epoll)
        self._entrance = Entrance(listeners, self._broker, epoll, limits, most_clients, most_fds, now)
        self._carrier = Carrier(self._broker, epoll, limits, usage, now)
        self._new_session = new_session
        self._limits = limits
        self._usage = usage
        self._reload = reload
        self._codecs = codecs or {}
        self._next_tick = 0.0
        self._stop_at = 0.0
        self._done = False
        self.watch: Callable[[SessionLike, int], SessionLike] | None = None
        self.tap: Callable[[int, bytes, int], None] | None = None

    def run(self) -> None:
        """Until the broker says stop, or is gone."""
        carrier = self._carrier
        entrance = self._entrance
        self._broker.open()
        entrance.open(carrier.now)
        poll = self.epoll.poll
        clock = monotonic  # a local name: a global one is looked up each time
        halves = carrier.halves
        while not (self._done or self._broker.gone):
            ticking = self._needs_tick()
            patience = carrier.patience(TICK_SECONDS if ticking else -1.0)  # seconds; below 0: until something comes
            if entrance.due_at:
                patience = entrance.patience(patience, carrier.now)
            ready = poll(patience, EVENTS_PER_TURN)
            carrier.now = clock()
            for number, mask in ready:
                found = halves.get(number)
                if found is None:
                    self._other(number, mask)
                else:
                    carrier.serve(found[0], found[1], mask)
            carrier.resume()
            if carrier.alarms.at and carrier.now >= carrier.alarms.at:
                carrier.ring()
            if entrance.due_at and carrier.now >= entrance.due_at:
                entrance.turn(len(carrier.links), carrier.fds, carrier.now)
            if ticking and carrier.now >= self._next_tick:
                self._tick()
            if carrier.freed:
                carrier.freed = False
                self._one_less()
        carrier.close()
        self._entrance.close()
        self._broker.close()

    def report(self, entry: dict[str, Any]) -> None:
        """Writes an audit entry about the relay itself."""
        self._broker.note(entry, self._carrier.now)

    def untapped(self, number: int, reason: str) -> None:
        """Tells the broker that a tap is over."""
        self._broker.tell(channel.UNTAPPED, number, reason.encode("utf-8", "replace")[:1000])

    def _other(self, number: int, mask: int) -> None:
        """A descriptor that is no connection's is ready."""
        carrier = self._carrier
        if number == self._broker.number:
            if mask & OUT:
                self._broker.push(carrier.now)
            if mask & ~OUT:
                self._from_broker()
        elif not self._entrance.serve(number, len(carrier.links), carrier.fds, carrier.now):
            carrier.serve_pipe(number, mask)

    def _from_broker(self) -> None:
        while not self._done:
            try:
                data, fds = self._broker.receive()
            except BlockingIOError:
                return
            if not data:
                self._done = True
                return
            kind, number, text = channel.parts(data)
            if kind == channel.CONNECT and fds and fds[0] >= 0:
                self._open(number, fds[0])
            elif kind == channel.CONNECT:
                self._refuse(number, "out of descriptors")
            elif kind == channel.REFUSED:
                self._refuse(number, text.decode("utf-8", "replace"))
            elif kind == channel.POLICY and fds and fds[0] >= 0:
                with open(fds[0], "rb") as file:
                    self._new_session, limits = self._reload(file.read())
                self._under(limits)
            elif kind == channel.GIVEN:
                if fds and fds[0] >= 0:
                    self._entrance.take_handed(fds[0], text, len(self._carrier.links), self._carrier.fds, self._carrier.now)
            elif kind == channel.PING:
                self._broker.tell(channel.READY)
            elif kind == channel.STOP:
                self._stop()
            elif kind == channel.ASK:
                self._broker.tell(channel.TOLD, number, self._state())
            elif kind == channel.END:
                self._broker.tell(channel.TOLD, number, b"true" if self._end_one(int(text)) else b"false")
            elif kind == channel.TAP or kind == channel.UNTAP:
                fd = fds[0] if fds else -1
                if self.tap is not None:
                    self.tap(number, text, fd)
                elif fd >= 0:
                    os.close(fd)
            else:
                raise ValueError(f"packet of kind {kind} from the broker")

    def _under(self, limits: Limits) -> None:
        self._limits = limits
        self._entrance.under(limits, self._carrier.now)
        self._carrier.under(limits)

    def _open(self, number: int, fd: int) -> None:
        """The compositor's end is there: from now on the guest is read."""
        upstream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=fd)
        upstream.setblocking(False)
        waiting = self._entrance.answered(number)
        if waiting is None:
            upstream.close()
            return
        if waiting.framing == WAYPIPE:
            files = Mirrors(self._limits, self._usage)
            framing = Waypipe(number, files, self._carrier.remote_pipes, self._limits, self._usage, self._codecs)
            session = self._new_session(files, UNPASSABLE)
            guest = Half(waiting.sock, GUEST, framing)
        else:
            session = self._new_session()
            guest = Half(waiting.sock, GUEST)
        if self.watch is not None:
            session = self.watch(session, number)
        self._carrier.open(Link(number, guest, Half(upstream, HOST), session, waiting.peer, self._carrier.now))

    def _state(self) -> bytes:
        carrier, entrance = self._carrier, self._entrance
        links = list(carrier.links.values())
        return state_of(links, carrier.totals, self._usage, self._limits, carrier.now, entrance.seen, len(entrance.waiting))

    def _end_one(self, number: int) -> bool:
        """Ends a connection because the admin wants it; whether there is such a one."""
        if number in self._entrance.waiting:
            self._refuse(number, "ended by the admin")
            return True
        return self._carrier.end_one(number, "admin", "ended by the admin")

    def _refuse(self, number: int, reason: str) -> None:
        self._entrance.refuse(number, reason, self._carrier.now)
        self._one_less()

    def _one_less(self) -> None:
        self._entrance.one_less(len(self._carrier.links))

    def _needs_tick(self) -> bool:
        return self._carrier.needs_tick or self._broker.pending or self._stop_at > 0

    def _tick(self) -> None:
        now = self._carrier.now
        self._next_tick = now + TICK_SECONDS
        self._broker.tick(now)
        self._carrier.tick()
        if self._stop_at and (not self._carrier.links or now >= self._stop_at):
            self._done = True

    def _stop(self) -> None:
        """No more guests; those that are here get what waits for them, within STOP_SECONDS."""
        self._stop_at = self._carrier.now + STOP_SECONDS
        self._entrance.stop(self._carrier.now)
        self._carrier.end_all("the proxy stops", STOP_SECONDS / 2)
        if not self._carrier.links:
            self._done = True
