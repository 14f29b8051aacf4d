"""Plays a conversation against the session and watches: the oracles of `wlproxy fuzz`.

Promises: raises `Finding` for anything the session must not do, whatever the peers said:
    raised      an exception came out of it
    descriptor  one was lost, or handed out twice
    upstream    something left for the compositor that the strictest server would refuse (unless that compositor lied itself)
    guest       something left for the guest that the strictest client would refuse
    again       a second session under the same policy refuses what the first let through
    shm         the compositor was given a pool that can shrink under it, or is smaller than it claims
    goodbye     the session ended without saying why, or with an error that the interface does not have
    ids         an id is alive or waited for on one side alone
    after       something passed after the end
    bounds      more objects, descriptors or bytes held than the limits allow, or the books do not add up
    usage       what is counted for the guest is not what it has, or not back to what it was once its connection is closed
Trusts: the reference peers of reference.py, which share no code with the core.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Final

from wlproxy.core.fds import F_SEAL_SHRINK, UNKNOWN, Fd
from wlproxy.core.outcome import GUEST, HOST, SHADOW, TAKEN_BACK, WOULD_DENY, Outcome, Parcel
from wlproxy.core.protocol import Interface
from wlproxy.core.quotas import COUNTED, Limits, Usage
from wlproxy.core.session import Session
from wlproxy.core.tables import Tables
from wlproxy.handlers.buffers import Buffer

from .conversation import END, TICK, TRUNCATE, Step
from .files import PretendedFiles
from .reference import SERVER_IDS, Heard, Peer, Rejected

EVENTS: Final = frozenset(("bind", "refused", "rewritten", TAKEN_BACK, "host-error", "violation", WOULD_DENY, SHADOW))
BORROWED: Final = {  # errors that libwayland itself posts on an interface without an enum of its own
    "wl_registry": "wl_display",
    "wl_shm_pool": "wl_shm",
    "wl_buffer": "wl_shm",
}
ELSEWHERE: Final = 1
MOST_ANSWER: Final = 16  # bytes to the guest for one byte of its own that nobody upstream has seen


class Finding(Exception):
    """The session did what it must not do. `oracle` is one of the words above."""

    def __init__(self, oracle: str, detail: str) -> None:
        super().__init__(f"{oracle}: {detail}")
        self.oracle = oracle
        self.detail = detail

    @property
    def key(self) -> str:
        """The same for two findings that are likely one bug: numbers do not count."""
        return f"{self.oracle}: " + "".join("#" if c.isdigit() else c for c in self.detail.partition("\n")[0])[:120]


class Drive:
    """One guest connection: its session (`again`: two in a row, the second as the first one's compositor), both peers."""

    def __init__(self, tables: Tables, interfaces: Mapping[str, Interface], limits: Limits | None = None, again: bool = True) -> None:
        self.limits = limits or Limits()
        self.files = PretendedFiles()
        self.usages = [Usage() for _ in range(2 if again else 1)]
        for usage in self.usages:  # of another connection of this guest's, whose count must stay
            usage.objects, usage.shm_bytes, usage.fds = ELSEWHERE, ELSEWHERE, ELSEWHERE
            for kind in usage.kinds:
                kind.now = ELSEWHERE
        self.sessions = [Session(tables, self.limits, self.files, usage, complaining=lambda: True) for usage in self.usages]
        self.guest = Peer(interfaces, server=False)
        self.host = Peer(interfaces, server=True)
        self.guest.keep_log = self.host.keep_log = False
        self.now = 1.0
        self.deaf = False  # what the sessions are told of it; another thing with each tick
        self.farewell = ""

    @property
    def over(self) -> bool:
        """Nothing more is to come."""
        return any(session.over for session in self.sessions)

    @property
    def honest(self) -> bool:
        """Whether the compositor has kept to the rules so far."""
        return not self.host.complaints

    @property
    def lost(self) -> bool:
        """Whether the guest used an id before it was told that it may, so that it cannot tell the old object from the new."""
        return any("is in use" in complaint for complaint in self.guest.complaints)

    def play(self, step: Step) -> None:
        """Raises Finding."""
        if step.action == TICK:
            self.now += step.seconds
            self.deaf = not self.deaf
            for index, session in enumerate(self.sessions):
                session.now = self.now
                self._carry_out(index, self._call(session.tick, self.now, self.deaf))
        elif step.action == END:
            index = 0 if step.side == GUEST else len(self.sessions) - 1
            (self.guest if step.side == GUEST else self.host).own = b""
            self._carry_out(index, self._call(self.sessions[index].end_of_stream, step.side))
        elif step.action == TRUNCATE:
            self.files.truncate()
        else:
            self._say(step)
        self._check_books()

    def _say(self, step: Step) -> None:
        (self.guest if step.side == GUEST else self.host).said(step.data)
        index = 0 if step.side == GUEST else len(self.sessions) - 1
        fds = self.files.hand_in(step.fds)
        cuts = sorted(c for c in step.cuts if 0 < c < len(step.data))
        for start, end in zip([0, *cuts], [*cuts, len(step.data)], strict=True):
            session = self.sessions[index]
            was_over = session.over
            outcome = self._call(session.receive, step.side, step.data[start:end], fds)
            fds = []
            if was_over and (outcome.to_guest or outcome.to_host or outcome.farewell):
                raise Finding("after", f"{len(outcome.to_guest)} parcels down, {len(outcome.to_host)} up after the end")
            if index == 0 and step.side == GUEST:
                size = sum(len(p.data) for p in outcome.to_guest)
                if size > MOST_ANSWER * (end - start) + 1024:
                    raise Finding("bounds", f"{size} bytes of answer to {end - start} of the guest's")
            self._carry_out(index, outcome)

    def _call(self, method, *args) -> Outcome:  # type: ignore[no-untyped-def]
        try:
            outcome = method(*args)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{where.filename.rpartition('/')[2]}:{where.name}"
            raise Finding("raised", f"{type(error).__name__} in {place}: {error}\n{traceback.format_exc()}") from error
        if not isinstance(outcome, Outcome):
            raise Finding("raised", f"not an outcome: {outcome!r}")
        return outcome

    def _carry_out(self, index: int, outcome: Outcome) -> None:
        """Sends, closes and checks what session `index` decided."""
        session = self.sessions[index]
        self._close(outcome.discarded)
        for transfer in outcome.transfers:
            self._close([transfer.source, transfer.target])
        for record in outcome.audit:
            if record.event not in EVENTS:
                raise Finding("goodbye", f"audit record of kind {record.event!r}")
        if index and not session.over:
            self._check_second(outcome)
        for parcel in outcome.to_host:
            self._check_parcel(parcel)
            if index + 1 < len(self.sessions):
                self._pass_on(index + 1, GUEST, parcel)
            else:
                self._to_compositor(parcel)
        if outcome.farewell:
            self.farewell = outcome.farewell
            self._check_goodbye(index, session, outcome)
        elif session.over and (outcome.to_guest or outcome.to_host):
            raise Finding("goodbye", "the session is over and says nothing")
        for parcel in outcome.to_guest:
            self._check_parcel(parcel)
            if index:
                self._pass_on(index - 1, HOST, parcel)
            else:
                self._to_guest(parcel)

    def _pass_on(self, index: int, side: int, parcel: Parcel) -> None:
        if self.sessions[index].over:
            self._close(parcel.fds)
        else:
            self._carry_out(index, self._call(self.sessions[index].receive, side, parcel.data, parcel.fds))

    def _check_second(self, outcome: Outcome) -> None:
        for record in outcome.audit:
            if record.reason.startswith("not now: "):  # the first has not heard what it goes by: a key that this one has swallowed
                continue
            if record.side == GUEST and record.event in ("refused", "violation") and self.honest:
                raise Finding("again", f"{record!r}")

    def _check_parcel(self, parcel: Parcel) -> None:
        if len(parcel.fds) > self.limits.fds_per_parcel:
            raise Finding("bounds", f"{len(parcel.fds)} descriptors in one parcel")
        if not parcel.data:
            raise Finding("bounds", "a parcel without bytes")

    def _to_compositor(self, parcel: Parcel) -> None:
        before = len(self.host.heard)
        try:
            self.host.take(parcel.data, parcel.fds)
        except Rejected as error:
            if self.honest:
                raise Finding("upstream", str(error)) from error
            self.host.buffer = b""
        if (self.host.buffer or self.host.fds) and self.honest:
            raise Finding("upstream", "a parcel that ends inside a message, or has too many descriptors")
        if self.honest:
            self._check_pools(self.host.heard[before:])
        self.host.fds.clear()
        self._close(parcel.fds)

    def _check_pools(self, heard: list[Heard]) -> None:
        """What the compositor maps must be there and stay there."""
        for item in heard:
            if item.message.name != "create_pool":
                continue
            fd, size = item.args[1], item.args[2]
            if isinstance(fd, Fd) and isinstance(size, int) and fd.kind != UNKNOWN:
                file = self.files.alive[fd.number]
                if not file.seals & F_SEAL_SHRINK or file.size < size:
                    raise Finding("shm", f"a pool of {size} bytes in a file of {file.size}, seals {file.seals}")

    def _to_guest(self, parcel: Parcel) -> None:
        try:
            self.guest.take(parcel.data, parcel.fds)
        except Rejected as error:
            if not self.lost:
                raise Finding("guest", str(error)) from error
            self.guest.buffer = b""
            self.guest.fds.clear()
        if self.guest.buffer or self.guest.fds:
            raise Finding("guest", "a parcel that ends inside a message, or has too many descriptors")
        self._close(parcel.fds)

    def _check_goodbye(self, index: int, session: Session, outcome: Outcome) -> None:
        if not session.over:
            raise Finding("goodbye", f"a farewell from a session that goes on: {outcome.farewell}")
        if not outcome.to_guest:
            raise Finding("goodbye", f"the guest is not told: {outcome.farewell}")
        if index and self.honest and outcome.farewell.startswith("guest"):
            raise Finding("again", outcome.farewell)
        if index == 0:
            said = outcome.to_guest[-1].data.rpartition(b"wlproxy: ")[0][-20:]
            object_id, code = int.from_bytes(said[8:12], "little"), int.from_bytes(said[12:16], "little")
            held = self.guest.objects.get(object_id)
            if self.lost or not self.honest:  # where it or a compositor that lies freed an id early, the guest takes it for another object
                return
            if held is None:
                raise Finding("goodbye", f"an error on object {object_id}, which the guest does not have")
            owner = self.guest.interfaces[BORROWED.get(held.interface.name, held.interface.name)]
            codes = [entry.value for enum in owner.enums if enum.name == "error" for entry in enum.entries]
            if code not in codes:
                raise Finding("goodbye", f"error {code} on a {held.interface.name}, which has {codes}: {outcome.farewell}")

    def _close(self, fds: list[Fd]) -> None:
        try:
            self.files.closed(fds)
        except KeyError as error:
            raise Finding("descriptor", f"{error} was handed out twice") from error

    def _check_books(self) -> None:
        for session, usage in zip(self.sessions, self.usages, strict=True):
            objects = session.connection.objects
            self._check_usage(session, usage)
            count = sum(o is not None for o in objects.client) + sum(o is not None for o in objects.by_guest)
            if count != objects.count:
                raise Finding("bounds", f"{count} objects, counted {objects.count}")
            # The compositor may announce what it likes; only what the guest makes is held to the limit.
            if objects.count - sum(o is not None for o in objects.by_guest) > self.limits.objects:
                raise Finding("bounds", f"{objects.count} objects")

    def _check_usage(self, session: Session, usage: Usage) -> None:
        """Counts anew by kind what the tables hold."""
        objects = session.connection.objects
        counts = [ELSEWHERE] * len(COUNTED)
        there = [o for o in (*objects.client, *objects.by_guest) if o is not None]
        for each in there:
            if each.table.family.counted and not each.retired:
                counts[each.table.family.counted] += 1
        if (usage.objects, usage.counts) != (ELSEWHERE + len(there), counts):
            raise Finding("usage", f"{usage.objects} objects counted and {len(there)} there, of kinds {usage.counts} and {counts}")
        size = sum(o.note.bytes for o in there if isinstance(o.note, Buffer) and o.note.pool is not None)
        # A compositor that deletes what nobody destroyed leaves its bytes counted, until the close.
        if (self.honest and usage.shm_bytes != ELSEWHERE + size) or usage.shm_bytes < ELSEWHERE or usage.fds < ELSEWHERE:
            raise Finding("usage", f"{usage.shm_bytes} bytes counted and {size} there; {usage.fds} descriptors")

    def _check_ids(self) -> None:
        """An id that only one peer holds is one that nobody will ever free."""
        if self.over or not self.honest or self.guest.complaints:
            return
        guest, host = self.guest.objects, self.host.objects
        for object_id, held in guest.items():
            gone = not held.alive and object_id < SERVER_IDS
            if gone and object_id not in host and object_id not in self.host.owed:
                raise Finding("ids", f"the guest waits for a delete_id of {held.interface.name}#{object_id}, which nobody owes")
        for object_id, held in host.items():
            if object_id < SERVER_IDS and object_id not in guest:
                raise Finding("ids", f"the compositor has {held.interface.name}#{object_id}, of which the guest knows nothing")

    def finish(self) -> None:
        """Ends the conversation: every descriptor must have come out. Raises Finding."""
        self._check_ids()
        for session in self.sessions:
            if session.over:
                late = self._call(session.receive, GUEST, b"\1\0\0\0\0\0\f\0\2\0\0\0", [])
                if late.to_host or late.to_guest:
                    raise Finding("after", "a request passed after the end")
            self._close(session.close())
        for usage in self.usages:
            left = (usage.objects, usage.shm_bytes, usage.fds, *usage.counts)
            if any(number != ELSEWHERE for number in left):
                raise Finding("usage", f"objects, bytes, descriptors and kinds after the close: {left}; before: {ELSEWHERE} of each")
        if self.files.alive:
            raise Finding("descriptor", f"{len(self.files.alive)} never came out")

