"""What a session decided about one read: values that the transport carries out.

A parcel is bytes and the descriptors that must not arrive after them: sendmsg(2) delivers descriptors with the first byte, so they
reach the peer with or before the message that carries them. Descriptors of a parcel, of `discarded` and of a transfer belong to
whoever holds the outcome: send and close the first, close the second, copy and close the third.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from .fds import Fd

GUEST: Final = 0  # the sides, as indices
HOST: Final = 1

WOULD_DENY: Final = "would-deny"  # what passed because the policy only complains: neither allowed nor refused, everywhere
TAKEN_BACK: Final = "taken-back"  # what was granted once and is no more, under the request that it was granted to
SHADOW: Final = "shadow"  # what another policy, asked beside the one in force, would have decided otherwise

# How much of what was decided a policy has recorded; what else happens to a guest always is (sidecar/audit.py).
DENIED: Final = "denied"
DECISIONS: Final = "decisions"  # what was bound as well
ALL: Final = "all"  # what was rewritten as well
RECORDS: Final = (DENIED, DECISIONS, ALL)
# Whether such an entry has the beginning of what the guest calls its window. What was typed or copied is in none.
NO_PREVIEW: Final = "never"
PREVIEW: Final = "preview"
PAYLOADS: Final = (NO_PREVIEW, PREVIEW)


class Parcel:
    """`data` is whole messages; `fds` at most as many as Limits.fds_per_parcel. `places`: for each descriptor the offset in `data` of the
    message that has it, for transports that must say so."""

    def __init__(self, data: bytes, fds: list[Fd], places: list[int] | None = None) -> None:
        self.data = data
        self.fds = fds
        self.places = places


class Told:
    """What a record of SHADOW says besides: the shadow policy, how many messages there were of that kind, and when (seconds of the
    session's clock) the first and the last of them came. `about`: the global that a wl_registry's message is about."""

    def __init__(self, policy: str, digest: str, about: str, count: int, first: float, last: float) -> None:
        self.policy = policy
        self.digest = digest
        self.about = about
        self.count = count
        self.first = first
        self.last = last


class Record:
    """One thing an admin should be able to read afterwards.

    `event`: "bind", "refused", "rewritten", TAKEN_BACK, WOULD_DENY, SHADOW, "host-error", "violation". `verdict`: "allow" or the deny
    shape; of SHADOW whether that is stricter or wider (differences.py). `rule`: the policy line, or the built-in rule's name. `object_id`
    as the guest knows it. `reason` may hold a peer's text: escape it. `said`: what the guest calls a window in that message, where the
    policy has it recorded; nothing but its text: escape it and cut it.
    """

    def __init__(
        self,
        event: str,
        side: int,
        interface: str,
        object_id: int,
        message: str,
        reason: str,
        verdict: str,
        rule: str,
        said: str = "",
    ) -> None:
        self.event = event
        self.side = side
        self.interface = interface
        self.object_id = object_id
        self.message = message
        self.reason = reason
        self.verdict = verdict
        self.rule = rule
        self.said = said
        self.shadow: Told | None = None

    def __repr__(self) -> str:
        return f"Record({self.event} {self.interface}#{self.object_id}.{self.message}: {self.reason!r} [{self.rule}])"


class Transfer:
    """Bytes to be carried from one pipe to another, so that neither peer holds an end of the other's pipe.

    `source` is the read end of a pipe of our own (O_NONBLOCK is set on it), `target` the write end that a peer sent. Both belong to
    whoever holds the outcome, who copies until `source` ends, `most_bytes` are through, nothing has moved for `idle_seconds` or
    `total_seconds` are over, and then closes both; the reader sees the end of its pipe in every case. At most `Limits.transfers` of
    one guest run at a time; one too many is closed without copying. `reader`: the side the data goes to.

    The peer shares the open file description of `target` and can clear O_NONBLOCK on it at any moment: only splice(2) with
    SPLICE_F_NONBLOCK never blocks there. A write(2) after poll(2) may.
    """

    def __init__(
        self, source: Fd, target: Fd, most_bytes: int, idle_seconds: float, total_seconds: float, reader: int = GUEST, mime_type: str = ""
    ) -> None:
        self.source = source
        self.target = target
        self.most_bytes = most_bytes
        self.idle_seconds = idle_seconds
        self.total_seconds = total_seconds
        self.reader = reader
        self.mime_type = mime_type


NO_PARCELS: Final[list[Parcel]] = []  # shared: nobody changes the lists of an outcome
NO_FDS: Final[list[Fd]] = []
NO_TRANSFERS: Final[list[Transfer]] = []


class Outbox:
    """Parcels in the making, for one destination."""

    def __init__(self, fds_per_parcel: int) -> None:
        self._most = fds_per_parcel
        self._parts: list[bytes] = []
        self._fds: list[Fd] = []
        self._places: list[int] = []
        self._done: list[Parcel] | None = None

    def add(self, data: bytes) -> None:
        """Whole messages without descriptors, or whose descriptors have been added before."""
        self._parts.append(data)

    def room_for(self, fds: int) -> bool:
        """Whether a message with that many descriptors still fits the parcel at hand; if not, `cut` first."""
        return len(self._fds) + fds <= self._most

    def cut(self) -> None:
        """Closes the parcel at hand."""
        if self._parts:
            parts = self._parts
            parcel = Parcel(parts[0] if len(parts) == 1 else b"".join(parts), self._fds, self._places)
            if self._done is None:
                self._done = [parcel]
            else:
                self._done.append(parcel)
            self._parts = []
            self._fds = []
            self._places = []

    def add_fds(self, fds: list[Fd]) -> None:
        """Descriptors of the message that is added next (or that the run added next begins with)."""
        place = sum([len(part) for part in self._parts])
        self._places.extend([place] * len(fds))
        self._fds.extend(fds)

    def parcels(self) -> list[Parcel]:
        """Everything added since the last call, in order."""
        if self._done is None:
            parts = self._parts
            if not parts:
                return NO_PARCELS
            if not self._fds:  # what nearly every read comes to, without new lists (bench roundtrip)
                parcel = Parcel(parts[0] if len(parts) == 1 else b"".join(parts), NO_FDS)
                parts.clear()
                return [parcel]
        self.cut()
        done = self._done
        self._done = None
        return NO_PARCELS if done is None else done

    def abandon(self) -> list[Fd]:
        """The descriptors of everything added: the session broke before it could hand them out."""
        held = self._fds
        self._fds = []
        self._places = []
        self._parts = []
        for parcel in self._done or []:
            held.extend(parcel.fds)
        self._done = None
        return held


class Outcome:
    """What is to be sent, closed, written down and carried over. `farewell` not empty: the session is over and why; send, then close.
    `waiting`: a deadline runs, so `tick` must be called until Session.waiting is False. `cost`: what the guest's requests of this read
    come to, in messages (core/quotas.py, handlers/costs.py). `alarm`: not 0: `tick` must be called after so many seconds, of which those
    that the host sleeps count. `stirs`: it must be called now for the guest's other connections."""

    def __init__(
        self,
        to_guest: list[Parcel],
        to_host: list[Parcel],
        discarded: list[Fd],
        audit: list[Record],
        farewell: str,
        waiting: bool = False,
        transfers: list[Transfer] = NO_TRANSFERS,
        cost: i64 = 0,
        alarm: float = 0.0,
        stirs: bool = False,
    ) -> None:
        self.to_guest = to_guest
        self.to_host = to_host
        self.discarded = discarded
        self.audit = audit
        self.farewell = farewell
        self.waiting = waiting
        self.transfers = transfers
        self.cost = cost
        self.alarm = alarm
        self.stirs = stirs
