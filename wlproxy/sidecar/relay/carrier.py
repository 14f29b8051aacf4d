"""The open connections of one guest: bytes and descriptors from each side, by way of its session, to the other; and their ends.

Promises: what a session lets pass leaves at once, in order, without waiting for more; nobody's stall, error or end touches another
connection; nothing is held without a bound: a side is not read while more than its queue limit waits for the other, and a
queue that nobody empties ends the connection after Limits.stall_seconds. The last bytes of either side are delivered before the
other end is closed. Trusts: the session's decisions.

The ends of a connection, each of which delivers what was read before it:
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

import os
import select
import socket
import struct
import sys
from typing import Any, Final

from ...core.fds import Fd
from ...core.outcome import GUEST, HOST, NO_PARCELS, Outcome
from ...core.quotas import Limits, Usage
from ...core.session import Session
from ..audit import entry_of, plain, quota_entry
from ..control.state import Totals
from .alarms import Alarms
from .broker_line import BrokerLine
from .closing import close_all
from .fd_facts import gather
from .half import Half
from .link import Link, SessionLike
from .pace import LEAST_PAUSE_SECONDS, Pace
from .pump import Pumps
from .remote_pipes import RemotePipe, RemotePipes
from .waypipe import Waypipe

SIDE_NAMES: Final = ("guest", "host")

SMALL_READ_BYTES: Final = 4096  # while reads do not fill it: the allocator gives and takes back 64 KiB at some cost (bench roundtrip)
# Any, so that mypyc keeps the int objects that recvmsg wants instead of making them anew for each call (bench roundtrip)
CMSG_BYTES: Final[Any] = int(socket.CMSG_SPACE(253 * 4))
MSG_CMSG_CLOEXEC: Final[Any] = int(socket.MSG_CMSG_CLOEXEC)
MSG_CTRUNC: Final = int(socket.MSG_CTRUNC)
SOL_SOCKET: Final = int(socket.SOL_SOCKET)
SCM_RIGHTS: Final = int(socket.SCM_RIGHTS)
IN: Final = int(select.EPOLLIN)
OUT: Final = int(select.EPOLLOUT)
GONE: Final = int(select.EPOLLHUP | select.EPOLLERR)

DRAIN_SECONDS: Final = 5.0
LINGER_SECONDS: Final = 1.0
QUEUED_FDS: Final = 64  # towards one side; the kernel counts descriptors in flight by uid


class Carrier:
    """`halves` by descriptor and `links` by number are the open connections. `now`: monotonic seconds, to be set before each call.
    `freed`: a connection was closed since somebody last looked; `totals`: what those that are over have carried."""

    def __init__(self, broker: BrokerLine, epoll: select.epoll, limits: Limits, usage: Usage, now: float) -> None:
        self.now = now
        self.freed = False
        self.totals = Totals()
        self.halves: dict[int, tuple[Half, Link]] = {}
        self.links: dict[int, Link] = {}
        self.remote_pipes = RemotePipes(epoll, limits.clipboard_bytes)
        self._broker = broker
        self._epoll = epoll
        self._usage = usage
        self._pumps = Pumps(epoll, limits.transfers)
        self._pace = Pace(limits, now)
        self._limits = limits
        self._silent: dict[int, Link] = {}  # has not said anything yet, the oldest first
        self._ticking: dict[int, Link] = {}
        self.alarms = Alarms()

    def under(self, limits: Limits) -> None:
        """What the policy in force allows; the connections there are have to keep to it, too."""
        self._limits = limits
        self._pumps.most = limits.transfers
        self.remote_pipes.most_bytes = limits.clipboard_bytes
        self._pace.under(limits, self.now)

    def open(self, link: Link) -> None:
        """From now on both sides of this connection are read."""
        self.links[link.number] = link
        self._silent[link.number] = link
        for half in (link.guest, link.host):
            self.halves[half.number] = (half, link)
            self._epoll.register(half.number, IN)
            half.events = IN

    @property
    def fds(self) -> int:
        """Descriptors held beside two sockets for each connection."""
        return self._usage.fds + self._pumps.fds + sum([link.host.queued_fds + link.guest.queued_fds for link in self._ticking.values()])

    def serve(self, half: Half, link: Link, mask: int) -> None:
        """A socket of a connection is ready, as epoll says in `mask`."""
        try:
            if mask & (OUT | GONE) and half.chunks:
                half.push(self.now)
            if mask & (IN | GONE) and half.events & IN:
                self._read(half, link)
            if not link.plain:
                self._settle(link)
        except Exception as error:  # noqa: BLE001  a bug of ours costs this connection, not the others
            self._broken(link, error)

    def serve_pipe(self, number: int, mask: int) -> None:
        """As `serve`, for a pipe with data of a clipboard or a drag."""
        pipe = self.remote_pipes.find(number)
        if pipe is not None:
            self._serve_remote(pipe, mask)
        else:
            self._note_all(self._pumps.serve(number, mask, self.now) or [])

    @property
    def needs_tick(self) -> bool:
        """Whether `tick` must be called."""
        return bool(self._ticking) or self._pumps.fds > 0 or len(self._silent) > self._limits.silent_clients

    def patience(self, seconds: float) -> float:
        """How long to wait at most, where there are that many seconds (below 0: no end) for other reasons."""
        if self._pace.paused:
            wait = self._pace.wait(self.now)
            if seconds < 0 or wait < seconds:
                seconds = wait
        if self.alarms.at:
            wait = max(0.0, self.alarms.at - self.now) + LEAST_PAUSE_SECONDS
            if seconds < 0 or wait < seconds:
                seconds = wait
        return seconds

    def resume(self) -> None:
        """Reads those again that have waited long enough."""
        if self._pace.paused and self.now >= self._pace.resume_at:
            for link in self._pace.resumed(self.now):
                try:
                    self._settle(link)
                except Exception as error:  # noqa: BLE001  as in serve
                    self._broken(link, error)

    def ring(self) -> None:
        """Asks the sessions whose alarm has rung."""
        for number in self.alarms.rung(self.now):
            link = self.links.get(number)
            if link is not None:
                self._remind(link)

    def tick(self) -> None:
        """Deadlines."""
        self._note_all(self._pumps.tick(self.now))
        if len(self._silent) > self._limits.silent_clients:
            self._end_silent()
        for link in list(self._ticking.values()):
            try:
                self._tick_link(link)
            except Exception as error:  # noqa: BLE001  as in serve
                self._broken(link, error)

    def end_one(self, number: int, by: str, why: str) -> bool:
        """Ends a connection by its number; False where there is none."""
        link = self.links.get(number)
        if link is None:
            return False
        if not link.ended_by:
            self._end(link, by, why, LINGER_SECONDS)
            self._settle(link)
        return True

    def end_all(self, why: str, linger: float) -> None:
        """Every connection ends; `linger` seconds are left to deliver what waits."""
        for link in list(self.links.values()):
            self._end(link, "proxy", why, linger)
            self._settle(link)

    def close(self) -> None:
        """Ends what is still open as it stands."""
        for link in list(self.links.values()):
            self._end(link, "proxy", "the proxy stops", -1.0)
            self._close(link)
        self._pumps.close()
        self.remote_pipes.close_all()

    def _read(self, half: Half, link: Link) -> None:
        if half.framing is not None:
            self._read_framed(half, half.framing, link)
            return
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
        try:
            session = link.session
            if isinstance(session, Session):  # the same lines, but native calls: a sixteenth of a round trip's instructions
                session.now = self.now
                outcome = session.receive(half.side, data, fds)
            else:
                session.now = self.now
                outcome = session.receive(half.side, data, fds)
        except Exception as error:  # noqa: BLE001  as in serve; the descriptors of this read are still ours to close
            self._broken(link, error, fds)
            return
        self._judged(half, link, outcome)

    def _judged(self, half: Half, link: Link, outcome: Outcome) -> None:
        """Does what the session said of a read."""
        if outcome.to_host:
            link.host.send(outcome.to_host, self.now)
            if link.host.chunks or not link.host.writing:
                link.plain = False
        if outcome.to_guest:
            link.guest.send(outcome.to_guest, self.now)
            if link.guest.chunks or not link.guest.writing:
                link.plain = False
        if outcome.discarded or outcome.audit or outcome.farewell or outcome.transfers:
            self._rest_of(link, outcome)
        if outcome.alarm or outcome.stirs:
            self._arrange(link, outcome)
        if half.side == GUEST:
            self._pay(link, outcome.cost)
        # Only where a deadline runs: a time limit on epoll_wait(2) costs the kernel a timer each time (bench roundtrip).
        if outcome.waiting or not link.plain:
            self._allow_ticks(link)

    def _arrange(self, link: Link, outcome: Outcome) -> None:
        """A session wants to be asked later, or the guest's other ones now."""
        if outcome.alarm:
            self.alarms.set(link.number, outcome.alarm, self.now)
        if outcome.stirs:
            for other in list(self.links.values()):
                if other is not link:
                    self._remind(other)

    def _remind(self, link: Link) -> None:
        """Has a session look at what it has lent."""
        if link.ended_by:
            return
        try:
            self._tick_session(link)
            if not link.plain:
                self._allow_ticks(link)
                self._settle(link)
        except Exception as error:  # noqa: BLE001  as in serve
            self._broken(link, error)

    def _tick_session(self, link: Link) -> None:
        """Tells a session what time it is."""
        session = link.session
        session.now = self.now
        outcome = session.tick(self.now, link.deaf)
        if outcome.to_guest or outcome.to_host or outcome.audit or outcome.farewell or outcome.discarded:
            self._deliver(link, outcome)
        if outcome.alarm:
            self._arrange(link, outcome)

    def _pay(self, link: Link, cost: int) -> None:
        """Takes what a read cost from the guest's rate."""
        wait = self._pace.messages.take(cost, self.now)
        if wait:
            self._slow_down(link, wait, cost)

    def _read_framed(self, half: Half, framing: Waypipe, link: Link) -> None:
        """As _read, of a guest whose descriptors are in the bytes; those that a peer passes beside them the kernel closes. Most reads bring
        parts of files, and the session is not asked about them."""
        data = b""
        sink = framing.sink
        try:
            if sink is None or link.ended_by:
                data = half.sock.recv(half.appetite)
                size = len(data)
            else:
                size = half.sock.recv_into(sink)
        except BlockingIOError:
            return
        except OSError:  # as in _read
            size = 0
        if link.ended_by or not size:
            link.plain = False
            if not size:
                self._end_of_stream(half, link)
            return
        if not half.received:
            self._silent.pop(link.number, None)
        half.received += size
        fds: list[Fd] = []
        try:
            if sink is None:
                half.appetite = framing.most_read if size >= SMALL_READ_BYTES else SMALL_READ_BYTES
                data = framing.receive(data, self.now)
            else:
                framing.sunk(size, self.now)
            if framing.waits_since >= 0:
                self._allow_ticks(link)
            cost = framing.cost
            framing.cost = 0
            if data:
                fds = framing.take_fds()
                session = link.session
                session.now = self.now
                outcome = session.receive(GUEST, data, fds)
                fds = []
                outcome.cost += cost
                self._judged(half, link, outcome)
                framing.settle()
            elif cost:
                self._pay(link, cost)
            if framing.refused and not link.ended_by:
                self._deliver(link, link.session.refuse(framing.refused, framing.rule))
            if framing.due:
                half.send(NO_PARCELS, self.now)
                if half.chunks or not half.writing:
                    link.plain = False
                    self._allow_ticks(link)
        except Exception as error:  # noqa: BLE001  as in _read
            self._broken(link, error, fds)

    def _serve_remote(self, pipe: RemotePipe, mask: int) -> None:
        """One end of a pipe whose other end is in a guest. A pipe that nobody answers for has outlived its connection."""
        self.remote_pipes.serve(pipe, mask)
        found = self.links.get(pipe.client)
        if found is None or found.guest.framing is None:
            return
        try:
            found.guest.framing.pipe_served(pipe)
            if found.guest.framing.due:
                found.guest.send(NO_PARCELS, self.now)
            if found.guest.chunks or not found.guest.writing:
                found.plain = False
                self._allow_ticks(found)
                self._settle(found)
        except Exception as error:  # noqa: BLE001  as in serve
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
        link.host.send(outcome.to_host, self.now)
        link.guest.send(outcome.to_guest, self.now)
        link.plain = False
        self._rest_of(link, outcome)

    def _rest_of(self, link: Link, outcome: Outcome) -> None:
        close_all(outcome.discarded)
        for transfer in outcome.transfers:
            self._note_all(self._pumps.begin(transfer, link.number, self.now))
        for record in outcome.audit:
            self._note(entry_of(record, link.number, link.peer))
        if outcome.farewell:
            self._end(link, "policy", outcome.farewell, LINGER_SECONDS)

    def _end_of_stream(self, half: Half, link: Link) -> None:
        half.reading = False
        if link.ended_by:
            return
        link.session.now = self.now
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
            link.deadline = self.now + linger
        self._allow_ticks(link)

    def _settle(self, link: Link) -> None:
        """Hands on ends, closes what is over, and asks epoll for what can be done now."""
        if link.closed:
            return
        self._tell_whether_deaf(link)
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
        if link.deadline and self.now >= link.deadline:
            if not link.ended_by:
                self._end(link, "guest", "closed its connection, the compositor did not follow", 0.0)
            self._close(link)
            return
        if guest.framing is not None:
            guest.framing.pause(guest.queued > self._limits.guest_queue_bytes)
        self._watch(guest, host, link, self._limits.host_queue_bytes, self._limits.guest_queue_bytes)
        self._watch(host, guest, link, self._limits.guest_queue_bytes, self._limits.host_queue_bytes)
        link.plain = not (guest.chunks or host.chunks or over or link.paused_until) and guest.reading and host.reading

    def _tell_whether_deaf(self, link: Link) -> None:
        """The session is to know when the compositor is not read before the guest has read: it may hold what a key of the user's ends."""
        if link.ended_by:
            return
        limits = self._limits
        deaf = link.host.reading and not may_read(link.host, link.guest, link, limits.guest_queue_bytes, limits.host_queue_bytes)
        if deaf == link.deaf:
            return
        link.deaf = deaf
        self._tick_session(link)

    def _allow(self, link: Link, seconds: float) -> None:
        if not link.deadline or self.now + seconds < link.deadline:
            link.deadline = self.now + seconds
        self._allow_ticks(link)

    def _watch(self, half: Half, peer: Half, link: Link, peer_limit: int, own_limit: int) -> None:
        events = 0
        if half.reading and may_read(half, peer, link, peer_limit, own_limit):
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
            del self.halves[half.number]
            half.sock.close()
        close_all(held)
        self.totals.add(link)
        del self.links[link.number]
        self._ticking.pop(link.number, None)
        self.alarms.forget(link.number)
        self._pace.forget(link)
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
                "seconds": round(self.now - link.since, 3),
                "requests": {"bytes": guest.received, "fds": guest.received_fds, "messages": link.session.messages(GUEST)},
                "events": {"bytes": host.received, "fds": host.received_fds, "messages": link.session.messages(HOST)},
            }
        )
        for record in self._usage.differences.rest():
            self._note(entry_of(record, 0, {}))
        self.freed = True

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

    def _slow_down(self, link: Link, seconds: float, cost: int) -> None:
        """Has a guest wait that has sent too much, or ends its connection."""
        too_much = self._pace.slow_down(link, seconds, cost, self.now)
        self._quota(link, "messages", too_much or f"more than {self._limits.messages[0]:g} a second: read more slowly")
        if too_much:
            self._end(link, "policy", too_much, -1.0)

    def _end_silent(self) -> None:
        """Connections that say nothing are ended where there are more than a slow start explains."""
        limits = self._limits
        late = [link for link in self._silent.values() if self.now - link.since > limits.silent_seconds]
        for link in late[: max(0, len(late) - limits.silent_clients)]:
            why = f"said nothing for {limits.silent_seconds:g} s, with {limits.silent_clients} others"
            self._quota(link, "silent-clients", why)
            self._end(link, "policy", why, -1.0)
            self._settle(link)

    def _quota(self, link: Link, name: str, reason: str) -> None:
        self._note(quota_entry(self._limits.rule(name), link.number, link.peer, reason))

    def _tick_link(self, link: Link) -> None:
        now = self.now
        session = link.session
        if not link.ended_by and session.waiting:
            self._tick_session(link)
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

    def _note_all(self, entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            self._note(entry)

    def _note(self, entry: dict[str, Any]) -> None:
        self._broker.note(entry, self.now)


def may_read(half: Half, peer: Half, link: Link, peer_limit: int, own_limit: int) -> bool:
    """Whether there is room for what one side says. Of a connection that is over nothing is kept."""
    return link.ended_by != "" or (
        peer.queued <= peer_limit
        and peer.queued_fds <= QUEUED_FDS
        and half.queued <= 2 * own_limit
        and (half.side == HOST or not link.paused_until)
    )


def held_by(session: SessionLike) -> list[Fd]:
    """What the session still holds; nothing where not even that works."""
    try:
        return session.close()
    except Exception:  # noqa: BLE001  called on the way out, also after a bug in the session
        return []
