"""What belongs to one guest connection, and what handlers may have done about it.

Promises: nothing here is carried out; it is collected for the `Outcome` of the read at hand. Trusts: the judge and the handlers.
"""

from __future__ import annotations

from .fds import Fd, Files
from .message import Message
from .objects import ObjectTable
from .outcome import Outbox, Record, Transfer
from .quotas import Limits
from .serials import Serials
from .tables import Tables


class Connection:
    """One guest connection: its objects, its serials, and what is to be sent, closed and written down."""

    def __init__(self, tables: Tables, limits: Limits, files: Files) -> None:
        self.tables = tables
        self.limits = limits
        self.files = files
        self.objects = ObjectTable(tables.family("wl_display").table(1), limits.objects)
        self.serials = Serials()
        self.now = 0.0  # seconds of a monotonic clock, as the transport last set it
        self.shared: dict[str, object] = {}  # what handlers remember of the connection as a whole, by handler
        self.to_guest = Outbox(limits.fds_per_parcel)
        self.to_host = Outbox(limits.fds_per_parcel)
        self.discarded: list[Fd] = []
        self.audit: list[Record] = []
        self.transfers: list[Transfer] = []
        self._kept: dict[int, Fd] = {}  # by number: descriptors that a handler holds for an object

    def send_to_guest(self, data: bytes) -> None:
        """Puts a message of the proxy's own into the stream to the guest, before what is being judged."""
        self.to_guest.add(data)

    def send_to_host(self, data: bytes) -> None:
        """Puts a message of the proxy's own into the stream to the compositor, before what is being judged."""
        self.to_host.add(data)

    def keep(self, fd: Fd) -> None:
        """Holds a descriptor until `release` or the end of the session."""
        self._kept[fd.number] = fd

    def release(self, fd: Fd) -> None:
        """Has a descriptor closed: one that was kept, or one that a handler took out of a message."""
        self._kept.pop(fd.number, None)
        self.discarded.append(fd)

    def record(self, event: str, message: Message, reason: str, verdict: str, rule: str) -> None:
        """Writes one audit record about a message."""
        self.audit.append(
            Record(
                event,
                message.side,
                message.rule.interface,
                message.target.guest_id,
                message.rule.name,
                reason,
                verdict,
                rule,
            )
        )

    def abandon(self) -> list[Fd]:
        """Every descriptor that is still anywhere in here: the session is over."""
        held = self.discarded + self.to_guest.abandon() + self.to_host.abandon()
        held.extend(self._kept.values())
        for transfer in self.transfers:
            held += (transfer.source, transfer.target)
        self.transfers = []
        self._kept = {}
        self.discarded = []
        return held
