"""What belongs to one guest connection, and what handlers may have done about it.

Promises: nothing here is carried out; it is collected for the `Outcome` of the read at hand. Trusts: the judge and the handlers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mypy_extensions import i64

from .differences import Difference
from .errors import PolicyViolation
from .fds import Fd, Files
from .message import Message
from .objects import ObjectTable
from .outcome import Outbox, Record, Transfer
from .quotas import Limits, Usage
from .serials import Serials
from .tables import Note, Tables
from .wire import DISPLAY_ID, NO_MEMORY

NOTHING: Final[frozenset[str]] = frozenset()


def enforcing() -> bool:
    """The answer to whether a policy only complains where nobody said that it may."""
    return False


class Connection:
    """One guest connection: its objects, its serials, and what is to be sent, closed and written down. `complaining` is asked each time
    something could pass only because of that."""

    def __init__(
        self,
        tables: Tables,
        limits: Limits,
        files: Files,
        usage: Usage,
        hidden: frozenset[str] = NOTHING,
        complaining: Callable[[], bool] = enforcing,
    ) -> None:
        self.complaining = complaining
        self.tables = tables
        self.limits = limits
        self.files = files
        self.usage = usage
        self.hidden = hidden  # globals that the transport could not serve, whatever the policy says
        self.objects = ObjectTable(tables.family("wl_display").table(1), limits, usage)
        self.serials = Serials()
        self.now = 0.0  # seconds of a monotonic clock, as the transport last set it
        self.shared: dict[str, object] = {}  # what handlers remember of the connection as a whole, by handler
        self.bound: dict[int, int] = {}  # what the guest bound: its object's id, the name of the global as the guest knows it
        self.to_guest = Outbox(limits.fds_per_parcel)
        self.to_host = Outbox(limits.fds_per_parcel)
        self.discarded: list[Fd] = []
        self.audit: list[Record] = []
        self.transfers: list[Transfer] = []
        self.weight: i64 = 0  # of the guest's requests so far, beyond one for each (handlers/costs.py)
        self.loans: list[Note] = []  # of objects that the guest has under a condition (handlers/loans.py)
        self.due = 0.0  # seconds after which `settle` is to be called again though nobody says anything; 0 = never
        self.deaf = False  # what the compositor says is not read, because the guest does not read what waits for it
        self.stirs = False  # what was judged may matter to the loans of the guest's other connections
        self._shm_bytes = 0
        self._kept: dict[int, Fd] = {}  # by number: descriptors that a handler holds for an object

    def send_to_guest(self, data: bytes) -> None:
        """Puts a message of the proxy's own into the stream to the guest, before what is being judged."""
        self.to_guest.add(data)

    def send_to_host(self, data: bytes) -> None:
        """Puts a message of the proxy's own into the stream to the compositor, before what is being judged."""
        self.to_host.add(data)

    def keep(self, fd: Fd) -> None:
        """Holds a descriptor until `release` or the end of the session. Raises PolicyViolation where the guest has too many."""
        self._kept[fd.number] = fd
        self.usage.fds += 1
        if self.usage.fds > self.limits.fds:
            raise PolicyViolation(DISPLAY_ID, NO_MEMORY, f"more than {self.limits.fds} descriptors", self.limits.rule("fds"))

    def release(self, fd: Fd) -> None:
        """Has a descriptor closed: one that was kept, or one that a handler took out of a message."""
        if self._kept.pop(fd.number, None) is not None:
            self.usage.fds -= 1
        self.discarded.append(fd)

    @property
    def boottime(self) -> float:
        """Seconds of a clock that goes on while the host sleeps."""
        clock = self.usage.boottime
        return self.now if clock is None else clock()

    def settle(self) -> None:
        """Asks of every loan whether the guest may still have it, or again: after each message that could change the answer."""
        self.due = 0.0
        self.loans = [note for note in self.loans if note.settle()]

    def due_in(self, seconds: float) -> None:
        """Has `settle` called after so many seconds at the latest."""
        if not self.due or seconds < self.due:
            self.due = seconds

    def charge_shm(self, size: int) -> None:
        """Counts a buffer's bytes, or no longer where `size` is negative."""
        self._shm_bytes += size
        self.usage.shm_bytes += size

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
                message.said,
            )
        )

    def differs(self, difference: Difference) -> None:
        """Counts a message over which the policy and its shadow differ."""
        self.audit.extend(self.usage.differences.add(difference, self.now))

    def abandon(self) -> list[Fd]:
        """Every descriptor that is still anywhere in here: the session is over."""
        held = self.discarded + self.to_guest.abandon() + self.to_host.abandon()
        held.extend(self._kept.values())
        self.usage.fds -= len(self._kept)
        self.charge_shm(-self._shm_bytes)
        self.objects.abandon()
        for transfer in self.transfers:
            held += (transfer.source, transfer.target)
        self.transfers = []
        self.shared = {}
        self.loans = []
        self.bound = {}
        self._kept = {}
        self.discarded = []
        return held
