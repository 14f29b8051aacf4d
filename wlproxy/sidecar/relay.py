"""The relay: the process that faces the guest. It accepts, reads, asks the session, writes.

Promises: what a session lets pass leaves at once, in order, without waiting for more; nobody's stall, error or end touches another
connection; nothing is held without a bound: a side is not read while more than its queue limit waits for the other, and a
queue that nobody empties ends the connection after Limits.stall_seconds. The last bytes of either side are delivered before the
other end is closed. A relay without traffic does not wake. Trusts: the session's decisions and the broker.

One connection's life: accepted -> the broker is asked for its own connection to the compositor -> open, both sides read -> over.
The ends, each of which delivers what was read before it:
    guest closes (or half-closes)   the compositor is told (SHUT_WR) and still read until it closes, at most DRAIN_SECONDS
    compositor closes               the guest gets everything, then SHUT_WR; what it still sends is read and dropped until it
                                    closes, at most LINGER_SECONDS: closing with unread bytes would make its next write
                                    fail with ECONNRESET before it has read the final wl_display.error (unix(7))
    the session says farewell       both ways, all within LINGER_SECONDS
    stalled, stopped, our own bug   closed as it stands

One recvmsg(2) for each readiness, then the next connection: level-triggered epoll(7) comes back to whoever has more. The receive
buffers have room for 253 descriptors, SCM_MAX_FD, so MSG_CTRUNC can only mean that this process is out of descriptors:
bytes and descriptors no longer match and the connection ends.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import sys
from collections.abc import Callable
from time import monotonic
from typing import Any, Final

from ..core.fds import Fd
from ..core.outcome import NO_PARCELS, Outcome
from ..core.quotas import Bucket, Limits, Usage
from . import channel
from .address import WAYPIPE
from .audit import entry_of, plain
from .broker_line import BrokerLine
from .compression import Codec
from .fd_facts import gather
from .half import Half, close_all
from .link import Guest, Link, SessionLike
from .listener import Listener, peer_of, stranger
from .mirrors import Mirrors
from .pump import Pumps
from .remote_pipes import RemotePipe, RemotePipes
from .state import Totals, state_of
from .waypipe import UNPASSABLE, Waypipe

GUEST: Final = 0
HOST: Final = 1
SIDE_NAMES: Final = ("guest", "host")

READ_BYTES: Final = 65536
SMALL_READ_BYTES: Final = 4096  # while reads do not fill it: the allocator gives and takes back 64 KiB at some cost (bench roundtrip)
CMSG_BYTES: Final = int(socket.CMSG_SPACE(253 * 4))
MSG_CMSG_CLOEXEC: Final = int(socket.MSG_CMSG_CLOEXEC)
MSG_CTRUNC: Final = int(socket.MSG_CTRUNC)
SOL_SOCKET: Final = int(socket.SOL_SOCKET)
SCM_RIGHTS: Final = int(socket.SCM_RIGHTS)
IN: Final = int(select.EPOLLIN)
OUT: Final = int(select.EPOLLOUT)
GONE: Final = int(select.EPOLLHUP | select.EPOLLERR)

TICK_SECONDS: Final = 0.25
DRAIN_SECONDS: Final = 5.0
LINGER_SECONDS: Final = 1.0
STOP_SECONDS: Final = 0.5
EVENTS_PER_TURN: Final = 64
ACCEPTS_PER_TURN: Final = 16
ACCEPT_PAUSE_SECONDS: Final = 0.5
LEAST_PAUSE_SECONDS: Final = 0.002  # epoll_wait(2) has milliseconds; less would be a busy loop
QUEUED_FDS: Final = 64  # towards one side; the kernel counts descriptors in flight by uid
FDS_PER_READ: Final = 253
FDS_OF_OUR_OWN: Final = 32


NewSession = Callable[..., SessionLike]  # with nothing, or with the files and the hidden globals of a connection (core/session.py)


class Relay:
    """All connections of one guest. `new_session` makes the session of each, `limits` are the policy's, `usage` what all sessions together
    hold; `reload` gives the former two from a compiled policy. `watch` may put another session in the place of a new connection's, by its
    number, and `tap` is told what to do so with (watching.py)."""

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
        self._listeners = [listener for listener in listeners if not listener.accepted]
        self._given = [listener for listener in listeners if listener.accepted]  # one at most: when it is over, so are we
        self._new_session = new_session
        self._reload = reload
        self._usage = usage
        self._most_clients = most_clients
        self._fd_room = most_fds - FDS_OF_OUR_OWN - FDS_PER_READ
        self._epoll = select.epoll()
        self._broker = BrokerLine(broker, self._epoll)
        self._now = monotonic()
        self._pumps = Pumps(self._epoll, limits.transfers)
        self._remote_pipes = RemotePipes(self._epoll, limits.clipboard_bytes)
        self._codecs = codecs or {}
        self._under(limits)
        self._paused: dict[int, Link] = {}
        self._resume_at = 0.0
        self._silent: dict[int, Link] = {}  # has not said anything yet, the oldest first
        self._accept_not_before = 0.0
        self._halves: dict[int, tuple[Half, Link]] = {}
        self._links: dict[int, Link] = {}
        self._waiting: dict[int, Guest] = {}
        self._ticking: dict[int, Link] = {}
        self._accepting = False
        self._accept_again = 0.0
        self._next_number = 1
        self._next_tick = 0.0
        self._stop_at = 0.0
        self._done = False
        self._totals = Totals()
        self.watch: Callable[[SessionLike, int], SessionLike] | None = None
        self.tap: Callable[[int, bytes, int], None] | None = None

    def run(self) -> None:
        """Until the broker says stop, or is gone."""
        self._broker.open()
        for listener in self._listeners:
            listener.sock.setblocking(False)
        self._accept_now()
        self._broker.tell(channel.READY)
        for given in self._given:
            self._take_given(given)
        poll = self._epoll.poll
        halves = self._halves
        while not (self._done or self._broker.gone):
            ready = poll(self._patience(), EVENTS_PER_TURN)
            self._now = monotonic()
            for number, mask in ready:
                found = halves.get(number)
                if found is None:
                    self._other(number, mask)
                else:
                    self._serve(found[0], found[1], mask)
            if self._paused and self._now >= self._resume_at:
                self._resume()
            if self._now >= self._next_tick and self._needs_tick():
                self._tick()
        self._end_all()

    def report(self, entry: dict[str, Any]) -> None:
        """Writes an audit entry about the relay itself."""
        self._note(entry)

    @property
    def epoll(self) -> select.epoll:
        """What it waits on; for the last that a trace has to say, after the end."""
        return self._epoll

    def untapped(self, number: int, reason: str) -> None:
        """Tells the broker that a tap is over."""
        self._broker.tell(channel.UNTAPPED, number, reason.encode("utf-8", "replace")[:1000])

    # -- one connection

    def _serve(self, half: Half, link: Link, mask: int) -> None:
        try:
            if mask & (OUT | GONE) and half.chunks:
                half.push(self._now)
            if mask & (IN | GONE) and half.events & IN:
                self._read(half, link)
            if not link.plain:
                self._settle(link)
        except Exception as error:  # noqa: BLE001  a bug of ours costs this connection, not the others
            self._broken(link, error)

    def _read(self, half: Half, link: Link) -> None:
        try:
            data, ancillary, flags, _ = half.recvmsg(half.appetite, CMSG_BYTES, MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:  # ECONNRESET: the peer closed with bytes of ours unread; an end of stream like any other
            data, ancillary, flags = b"", [], 0
        fds = self._descriptors(half, ancillary) if ancillary else []
        if link.ended_by or not data:
            close_all(fds)
            link.plain = False
            if not data:
                self._end_of_stream(half, link)
            return
        size = len(data)
        if not half.received and half.side == GUEST:
            self._silent.pop(link.number, None)
        half.received += size
        if size == half.appetite:
            half.appetite = half.most_read
        elif size < SMALL_READ_BYTES:
            half.appetite = SMALL_READ_BYTES
        if flags & MSG_CTRUNC:
            close_all(fds)
            self._end(link, "proxy", f"out of descriptors while reading the {SIDE_NAMES[half.side]}", -1.0)
            return
        framing = half.framing
        try:
            session = link.session
            session.now = self._now
            if framing is not None:
                close_all(fds)  # they have no place here
                fds = []
                data = framing.receive(data, self._now)
                fds = framing.take_fds()
            outcome = session.receive(half.side, data, fds)
        except Exception as error:  # noqa: BLE001  as in _serve; the descriptors of this read are still ours to close
            self._broken(link, error, fds)
            return
        if outcome.to_host:
            link.host.send(outcome.to_host, self._now)
            if link.host.chunks or not link.host.writing:
                link.plain = False
        if outcome.to_guest:
            link.guest.send(outcome.to_guest, self._now)
            if link.guest.chunks or not link.guest.writing:
                link.plain = False
        if outcome.discarded or outcome.audit or outcome.farewell or outcome.transfers:
            self._rest_of(link, outcome)
        if framing is not None:
            self._after_framed(half, framing, link, outcome)
        if half.side == GUEST:
            wait = self._messages.take(outcome.cost, self._now)
            if wait:
                self._slow_down(link, wait, outcome.cost)
        # Only where a deadline runs: a time limit on epoll_wait(2) costs the kernel a timer each time (bench roundtrip).
        if (outcome.waiting or not link.plain) and not link.ticking:
            link.ticking = True
            self._ticking[link.number] = link

    def _after_framed(self, half: Half, framing: Waypipe, link: Link, outcome: Outcome) -> None:
        """What a guest's framing has beside Wayland messages: its end, what must be sent, and what its files cost."""
        framing.settle()
        if framing.waits_since >= 0:
            self._allow_ticks(link)
        outcome.cost += framing.cost
        framing.cost = 0
        half.appetite = half.most_read = framing.most_read
        if framing.refused and not link.ended_by:
            self._deliver(link, link.session.refuse(framing.refused, framing.rule))
        if framing.due:
            half.send(NO_PARCELS, self._now)
            if half.chunks or not half.writing:
                link.plain = False

    def _serve_remote(self, pipe: RemotePipe, mask: int) -> None:
        """One end of a pipe whose other end is in a guest. A pipe that nobody answers for has outlived its connection."""
        self._remote_pipes.serve(pipe, mask)
        found = self._links.get(pipe.client)
        if found is None or found.guest.framing is None:
            return
        try:
            found.guest.framing.pipe_served(pipe)
            if found.guest.framing.due:
                found.guest.send(NO_PARCELS, self._now)
            if found.guest.chunks or not found.guest.writing:
                found.plain = False
                self._allow_ticks(found)
                self._settle(found)
        except Exception as error:  # noqa: BLE001  as in _serve
            self._broken(found, error)

    def _allow_ticks(self, link: Link) -> None:
        if not link.ticking:
            link.ticking = True
            self._ticking[link.number] = link

    def _descriptors(self, half: Half, ancillary: list[tuple[int, int, bytes]]) -> list[Fd]:
        fds: list[Fd] = []
        for level, kind, raw in ancillary:
            if level == SOL_SOCKET and kind == SCM_RIGHTS:
                for (number,) in struct.iter_unpack("=i", raw[: len(raw) & ~3]):
                    fds.append(gather(number))
        half.received_fds += len(fds)
        return fds

    def _deliver(self, link: Link, outcome: Outcome) -> None:
        """As in _read, for the rare calls."""
        link.host.send(outcome.to_host, self._now)
        link.guest.send(outcome.to_guest, self._now)
        link.plain = False
        self._rest_of(link, outcome)

    def _rest_of(self, link: Link, outcome: Outcome) -> None:
        close_all(outcome.discarded)
        for transfer in outcome.transfers:
            self._note_all(self._pumps.begin(transfer, link.number, self._now))
        for record in outcome.audit:
            self._note(entry_of(record, link.number, link.peer))
        if outcome.farewell:
            self._end(link, "policy", outcome.farewell, LINGER_SECONDS)

    def _end_of_stream(self, half: Half, link: Link) -> None:
        half.reading = False
        if link.ended_by:
            return
        link.session.now = self._now
        self._deliver(link, link.session.end_of_stream(half.side))
        if half.side == HOST and not link.ended_by:
            self._end(link, "host" if link.guest.reading else "guest", "closed its connection", 0.0)

    def _end(self, link: Link, by: str, why: str, linger: float) -> None:
        """No more is judged. `linger` seconds are left to deliver what waits; 0: as long as it makes progress; below: none."""
        if not link.ended_by:
            link.ended_by = by
            link.why = why
        link.plain = False
        if linger:
            link.deadline = self._now + linger
        if not link.ticking:
            link.ticking = True
            self._ticking[link.number] = link

    def _settle(self, link: Link) -> None:
        """Hands on ends, closes what is over, and asks epoll for what can be done now."""
        if link.closed:
            return
        guest = link.guest
        host = link.host
        over = link.ended_by != ""
        if not host.chunks and host.writing and (over or not guest.reading):
            host.shut()
            self._allow(link, DRAIN_SECONDS)
        if not guest.chunks and guest.writing and (over or not host.reading):
            guest.shut()
            self._allow(link, LINGER_SECONDS)
        if not host.reading and not guest.chunks and not guest.reading:
            self._close(link)
            return
        if link.deadline and self._now >= link.deadline:
            if not link.ended_by:
                self._end(link, "guest", "closed its connection, the compositor did not follow", 0.0)
            self._close(link)
            return
        if guest.framing is not None:
            guest.framing.pause(guest.queued > self._limits.guest_queue_bytes)
        self._watch(guest, host, link, self._limits.host_queue_bytes, self._limits.guest_queue_bytes)
        self._watch(host, guest, link, self._limits.guest_queue_bytes, self._limits.host_queue_bytes)
        link.plain = not (guest.chunks or host.chunks or over or link.paused_until) and guest.reading and host.reading

    def _allow(self, link: Link, seconds: float) -> None:
        if not link.deadline or self._now + seconds < link.deadline:
            link.deadline = self._now + seconds
        if not link.ticking:
            link.ticking = True
            self._ticking[link.number] = link

    def _watch(self, half: Half, peer: Half, link: Link, peer_limit: int, own_limit: int) -> None:
        events = 0
        if half.reading and (
            link.ended_by
            or (
                peer.queued <= peer_limit
                and peer.queued_fds <= QUEUED_FDS
                and half.queued <= 2 * own_limit
                and (half.side == HOST or not link.paused_until)
            )
        ):
            events = IN
        if half.chunks and not half.later:
            events |= OUT
        if events != half.events:
            if not half.events:
                self._epoll.register(half.number, events)
            elif events:
                self._epoll.modify(half.number, events)
            else:  # EPOLLHUP cannot be masked: a half without business must not be registered, or it would spin
                self._epoll.unregister(half.number)
            half.events = events

    def _close(self, link: Link) -> None:
        held = held_by(link.session)
        link.closed = True
        if link.guest.framing is not None:
            link.guest.framing.close()
        for half in (link.guest, link.host):
            half.drop()
            if half.events:
                self._epoll.unregister(half.number)
                half.events = 0
            del self._halves[half.number]
            half.sock.close()
        close_all(held)
        self._totals.add(link)
        del self._links[link.number]
        self._ticking.pop(link.number, None)
        self._paused.pop(link.number, None)
        self._silent.pop(link.number, None)
        guest = link.guest
        host = link.host
        self._note(
            {
                "event": "disconnect",
                "client": link.number,
                "peer": link.peer,
                "ended_by": link.ended_by,
                "reason": plain(link.why),
                "seconds": round(self._now - link.since, 3),
                "requests": {"bytes": guest.received, "fds": guest.received_fds, "messages": link.session.messages(GUEST)},
                "events": {"bytes": host.received, "fds": host.received_fds, "messages": link.session.messages(HOST)},
            }
        )
        self._one_less()

    def _broken(self, link: Link, error: Exception, fds: list[Fd] | None = None) -> None:
        """A bug of ours: this connection ends, with the place of the bug for the admin, and no other."""
        if link.closed:
            raise error
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = "" if place is None else f"{os.path.basename(place.tb_frame.f_code.co_filename)}:{place.tb_lineno}"
        self._note(
            {
                "event": "internal",
                "client": link.number,
                "peer": link.peer,
                "reason": f"{type(error).__name__} at {where}",
            }
        )
        print(f"wlproxy: internal error, client {link.number} ended: {type(error).__name__} at {where}", file=sys.stderr)
        held = {fd.number: fd for fd in (fds or []) + held_by(link.session)}
        close_all(list(held.values()))
        self._end(link, "proxy", f"internal error: {type(error).__name__} at {where}", -1.0)
        self._close(link)

    # -- rates

    def _under(self, limits: Limits) -> None:
        """What the policy in force allows; the connections there are have to keep to it, too."""
        self._limits = limits
        self._pumps.most = limits.transfers
        self._remote_pipes.most_bytes = limits.clipboard_bytes
        self._messages = Bucket(limits.messages, self._now)
        self._connects = Bucket(limits.connects, self._now)

    def _slow_down(self, link: Link, seconds: float, cost: int) -> None:
        """Has a guest wait that has sent too much. While it is not read its VMM may stand in sendmsg(2), and with it all else the guest
        shows, so that nobody waits longer than the stall deadline: what alone would take longer ends its connection."""
        stall = self._limits.stall_seconds
        per_second = self._limits.messages[0]
        if cost > stall * per_second:
            self._messages.forgive(cost)
            why = f"one read counts for {cost} messages, at {per_second:g} a second more than {stall:g} s: disconnected"
            self._quota(link.number, link.peer, "messages", why)
            self._end(link, "policy", why, -1.0)
        else:
            self._pause(link, min(seconds, stall))

    def _pause(self, link: Link, seconds: float) -> None:
        link.paused_until = self._now + seconds
        link.plain = False
        if not self._paused or link.paused_until < self._resume_at:
            self._resume_at = link.paused_until
        self._paused[link.number] = link
        self._quota(link.number, link.peer, "messages", f"more than {self._limits.messages[0]:g} a second: read more slowly")

    def _resume(self) -> None:
        for link in list(self._paused.values()):
            if link.paused_until <= self._now:
                link.paused_until = 0.0
                del self._paused[link.number]
                try:
                    self._settle(link)
                except Exception as error:  # noqa: BLE001  as in _serve
                    self._broken(link, error)
        if self._paused:
            self._resume_at = min([link.paused_until for link in self._paused.values()])

    def _end_silent(self) -> None:
        """Connections that say nothing are ended where there are more than a slow start explains."""
        limits = self._limits
        late = [link for link in self._silent.values() if self._now - link.since > limits.silent_seconds]
        for link in late[: max(0, len(late) - limits.silent_clients)]:
            why = f"said nothing for {limits.silent_seconds:g} s, with {limits.silent_clients} others"
            self._quota(link.number, link.peer, "silent-clients", why)
            self._end(link, "policy", why, -1.0)
            self._settle(link)

    def _quota(self, client: int, peer: dict[str, Any], name: str, reason: str) -> None:
        decided = {"kind": "quota", "rule": self._limits.rule(name)}
        self._note({"event": "quota", "client": client, "peer": peer, "reason": reason, "decided": decided})

    # -- accepting

    def _other(self, number: int, mask: int) -> None:
        if number == self._broker.number:
            if mask & OUT:
                self._broker.push(self._now)
            if mask & ~OUT:
                self._from_broker()
            return
        for listener in self._listeners:
            if listener.sock.fileno() == number:
                self._accept(listener)
                return
        pipe = self._remote_pipes.find(number)
        if pipe is not None:
            self._serve_remote(pipe, mask)
        else:
            self._note_all(self._pumps.serve(number, mask, self._now) or [])

    def _accept(self, listener: Listener) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            if 2 * (len(self._links) + len(self._waiting)) + 2 + self._fds_held() > self._fd_room:
                self._pause_accepting()
                return
            try:
                sock, address = listener.sock.accept()
            except BlockingIOError:
                return
            except OSError:  # EMFILE, ENFILE, ENOMEM: the connection stays in the backlog until it can be had (accept(2))
                self._pause_accepting()
                return
            peer = peer_of(listener.sock.family, address, sock)
            why = stranger(listener, peer)
            if why:  # costs this guest nothing: no number, no token of its rate; without the port, so that a flood is one line a second
                sock.close()
                self._note({"event": "connect", "verdict": "deny", "peer": {"cid": peer.get("cid", -1)}, "reason": why})
                continue
            number = self._welcome(sock, peer, listener.framing)
            wait = self._connects.take(1, self._now)
            if wait:  # the next ones wait in the backlog, where they cost nothing
                self._accept_not_before = self._now + wait
                self._quota(number, peer, "connects", f"more than {self._limits.connects[0]:g} a second: accepted more slowly")
                self._pause_accepting()
                return

    def _welcome(self, sock: socket.socket, peer: dict[str, Any], framing: str) -> int:
        """A new connection, which is closed where there are enough; its number."""
        sock.setblocking(False)
        number = self._next_number
        self._next_number += 1
        most = min(self._most_clients, self._limits.clients)
        if len(self._links) + len(self._waiting) >= most:
            self._quota(number, peer, "clients", f"more than {most} clients")
            sock.close()
        else:
            self._admit(number, Guest(sock, peer, framing), {})
        return number

    def _take_handed(self, fd: int, text: bytes) -> None:
        """A connection of our guest's that was accepted on a port which several guests share. It cannot be left in a backlog: where there
        is no room for it now it is closed."""
        sock = socket.socket(fileno=fd)
        facts = json.loads(text)
        peer: dict[str, Any] = facts["peer"]
        full = 2 * (len(self._links) + len(self._waiting)) + 2 + self._fds_held() > self._fd_room
        if self._stop_at or full or self._now < self._accept_not_before:
            sock.close()
            if not self._stop_at:
                self._note({"event": "connect", "verdict": "deny", "peer": {"cid": peer.get("cid", -1)}, "reason": "too many at once"})
            return
        number = self._welcome(sock, peer, str(facts["framing"]))
        wait = self._connects.take(1, self._now)
        if wait:
            self._accept_not_before = self._now + wait
            self._quota(number, peer, "connects", f"more than {self._limits.connects[0]:g} a second: the next are closed")

    def _admit(self, number: int, guest: Guest, told: dict[str, str]) -> None:
        self._waiting[number] = guest
        self._broker.tell(channel.CONNECT, number)
        entry = {"event": "connect", "client": number, "peer": guest.peer}
        if told:
            entry["ucspi"] = {name: plain(value) for name, value in told.items()}
        self._note(entry)

    def _take_given(self, given: Listener) -> None:
        """The connection that we were started with."""
        sock = given.sock
        sock.setblocking(False)
        number = self._next_number
        self._next_number += 1
        guest = Guest(sock, given.peer, given.framing)
        why = stranger(given, given.peer)
        if why:
            self._waiting[number] = guest
            self._refuse(number, why)
        else:
            self._admit(number, guest, given.told)

    def _one_less(self) -> None:
        """A connection is over: there is room for another, or nothing left to do."""
        if self._given and not self._links and not self._waiting:
            self._broker.tell(channel.DONE)
        self._accept_now()

    def _fds_held(self) -> int:
        return self._usage.fds + self._pumps.fds + sum([link.host.queued_fds + link.guest.queued_fds for link in self._ticking.values()])

    def _pause_accepting(self) -> None:
        if self._accepting:
            self._accepting = False
            for listener in self._listeners:
                self._epoll.unregister(listener.sock.fileno())
        self._accept_again = max(self._now + ACCEPT_PAUSE_SECONDS, self._accept_not_before)

    def _accept_now(self) -> None:
        if self._now < self._accept_not_before:
            return
        self._accept_again = 0.0
        if not self._accepting and not self._stop_at:
            self._accepting = True
            for listener in self._listeners:
                self._epoll.register(listener.sock.fileno(), IN)

    # -- the broker

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
                    self._take_handed(fds[0], text)
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

    def _open(self, number: int, fd: int) -> None:
        """The compositor's end is there: from now on the guest is read."""
        upstream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=fd)
        upstream.setblocking(False)
        waiting = self._waiting.pop(number, None)
        if waiting is None:
            upstream.close()
            return
        if waiting.framing == WAYPIPE:
            files = Mirrors(self._limits, self._usage)
            framing = Waypipe(number, files, self._remote_pipes, self._limits, self._usage, self._codecs)
            session = self._new_session(files, UNPASSABLE)
            guest = Half(waiting.sock, GUEST, framing)
        else:
            session = self._new_session()
            guest = Half(waiting.sock, GUEST)
        if self.watch is not None:
            session = self.watch(session, number)
        host = Half(upstream, HOST)
        link = Link(number, guest, host, session, waiting.peer, self._now)
        self._links[number] = link
        self._silent[number] = link
        for half in (guest, host):
            self._halves[half.number] = (half, link)
            self._epoll.register(half.number, IN)
            half.events = IN

    def _state(self) -> bytes:
        links = list(self._links.values())
        return state_of(links, self._totals, self._usage, self._limits, self._now, self._next_number - 1, len(self._waiting))

    def _end_one(self, number: int) -> bool:
        """Ends a connection because the admin wants it; whether there is such a one."""
        link = self._links.get(number)
        if link is not None and not link.ended_by:
            self._end(link, "admin", "ended by the admin", LINGER_SECONDS)
            self._settle(link)
        elif link is None and number in self._waiting:
            self._refuse(number, "ended by the admin")
            return True
        return link is not None

    def _refuse(self, number: int, reason: str) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is None:
            return
        waiting.sock.close()
        self._note({"event": "disconnect", "client": number, "peer": waiting.peer, "ended_by": "proxy", "reason": plain(reason)})
        self._one_less()

    def _note_all(self, entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            self._note(entry)

    def _note(self, entry: dict[str, Any]) -> None:
        self._broker.note(entry, self._now)

    # -- time

    def _needs_tick(self) -> bool:
        return (
            bool(self._ticking)
            or self._broker.pending
            or self._pumps.fds > 0
            or self._accept_again > 0
            or self._stop_at > 0
            or len(self._silent) > self._limits.silent_clients
        )

    def _patience(self) -> float:
        """Seconds until something is to be done without being asked; -1 = never."""
        seconds = TICK_SECONDS if self._needs_tick() else -1.0
        if self._paused:
            wait = max(0.0, self._resume_at - self._now) + LEAST_PAUSE_SECONDS
            if seconds < 0 or wait < seconds:
                return wait
        return seconds

    def _tick(self) -> None:
        now = self._now
        self._next_tick = now + TICK_SECONDS
        self._broker.tick(now)
        if self._accept_again and now >= self._accept_again:
            self._accept_now()
        self._note_all(self._pumps.tick(now))
        if len(self._silent) > self._limits.silent_clients:
            self._end_silent()
        for link in list(self._ticking.values()):
            try:
                self._tick_link(link)
            except Exception as error:  # noqa: BLE001  as in _serve
                self._broken(link, error)
        if self._stop_at and (not self._links or now >= self._stop_at):
            self._done = True

    def _tick_link(self, link: Link) -> None:
        now = self._now
        session = link.session
        if not link.ended_by and session.waiting:
            session.now = now
            outcome = session.tick(now)
            if outcome.to_guest or outcome.to_host or outcome.farewell or outcome.discarded or outcome.audit:
                self._deliver(link, outcome)
        framing = link.guest.framing
        if framing is not None:
            framing.tick(now)
            if framing.refused and not link.ended_by:
                self._deliver(link, session.refuse(framing.refused, framing.rule))
        for half in (link.guest, link.host):
            if half.later:
                half.push(now)
            if half.chunks and now - half.progress > self._limits.stall_seconds:
                side = SIDE_NAMES[half.side]
                why = f"read nothing for {self._limits.stall_seconds:g} s while {half.queued} bytes waited"
                self._end(link, side, why, -1.0)
        if not link.plain:
            self._settle(link)
        if not link.closed and link.plain and not session.waiting and (framing is None or framing.waits_since < 0):
            link.ticking = False
            del self._ticking[link.number]

    # -- the end

    def _stop(self) -> None:
        """No more guests; those that are here get what waits for them, within STOP_SECONDS."""
        self._pause_accepting()
        self._accept_again = 0.0
        self._stop_at = self._now + STOP_SECONDS
        for listener in self._listeners:
            listener.sock.close()
        for number in list(self._waiting):
            self._refuse(number, "the proxy stops")
        for link in list(self._links.values()):
            self._end(link, "proxy", "the proxy stops", STOP_SECONDS / 2)
            self._settle(link)
        if not self._links:
            self._done = True

    def _end_all(self) -> None:
        for link in list(self._links.values()):
            self._end(link, "proxy", "the proxy stops", -1.0)
            self._close(link)
        for waiting in self._waiting.values():
            waiting.sock.close()
        self._pumps.close()
        self._remote_pipes.close_all()
        self._broker.close()


def held_by(session: SessionLike) -> list[Fd]:
    """What the session still holds; nothing where not even that works."""
    try:
        return session.close()
    except Exception:  # noqa: BLE001  called on the way out, also after a bug in the session
        return []
