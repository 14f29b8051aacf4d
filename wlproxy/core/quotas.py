"""How much of anything one guest may have, and how much it has.

Promises: every bound that is enforced anywhere is a field of `Limits`; `Usage` is one guest's over all its connections, so that opening
more of them gains nothing. Trusts: whoever counts up to count down again; `Connection.abandon` does for what a connection leaves behind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from mypy_extensions import i64

from .differences import Differences

# What is counted by kind, beside objects in general; which interfaces are of a kind is handlers/costs.py's to say.
UNCOUNTED: Final = 0
SURFACES: Final = 1
TOPLEVELS: Final = 2
POPUPS: Final = 3
SHM_POOLS: Final = 4
BUFFERS: Final = 5
CALLBACKS: Final = 6
COUNTED: Final = ("", "surfaces", "toplevels", "popups", "shm-pools", "buffers", "callbacks")

Rate = tuple[float, float]  # a second, and at once after a quiet time; (0, 0) = unlimited


class Limits:
    """Bytes for `*_bytes`, seconds for `*_seconds`, counts else. All for a guest as a whole but for `message_bytes`, `unclaimed_fds`,
    `fds_per_parcel`, `*_queue_bytes` and `stall_seconds`, which are for a connection, and what is bounded of one surface, region or pool.
    A policy's [quota] sets them by the same names.

    Reasons for the defaults: libwayland clients were held to 4096-byte messages until 1.23, sendmsg(2) carries at most
    253 descriptors and libwayland sends at most 28 at a time; a message size has 16 bits. foot reserves a pool of 512 MiB and fills little
    of it, so what counts of shared memory is its buffers. A window of 240 frames a second and 50 messages to each is 12 000 messages.

    Not a dataclass: importing `dataclasses` costs a sidecar 9 ms of its start (python -X importtime) and 1 MiB.
    """

    def __init__(
        self,
        message_bytes: int = 4096,
        objects: int = 8192,
        unclaimed_fds: int = 64,
        fds_per_parcel: int = 28,
        guest_queue_bytes: int = 1 << 20,
        host_queue_bytes: int = 256 << 10,
        stall_seconds: float = 10.0,
        clipboard_bytes: int = 1 << 20,
        clipboard_idle_seconds: float = 5.0,
        clipboard_total_seconds: float = 30.0,
        transfers: int = 16,
        clients: int = 1024,
        surfaces: int = 2048,
        toplevels: int = 64,
        popups: int = 64,
        subsurface_depth: int = 16,
        subsurface_children: int = 64,
        damage_rectangles: int = 64,
        region_rectangles: int = 256,
        shm_pools: int = 512,
        buffers: int = 4096,
        pool_buffers: int = 256,
        callbacks: int = 4096,
        shm_bytes: int = 1 << 30,
        fds: int = 1024,
        messages: Rate = (20000.0, 50000.0),
        connects: Rate = (20.0, 64.0),
        silent_clients: int = 4,
        silent_seconds: float = 10.0,
        origins: dict[str, str] | None = None,
    ) -> None:
        self.message_bytes: Final = message_bytes
        self.objects: Final = objects
        self.unclaimed_fds: Final = unclaimed_fds
        self.fds_per_parcel: Final = fds_per_parcel
        self.guest_queue_bytes: Final = guest_queue_bytes
        self.host_queue_bytes: Final = host_queue_bytes
        self.stall_seconds: Final = stall_seconds
        self.clipboard_bytes: Final = clipboard_bytes
        self.clipboard_idle_seconds: Final = clipboard_idle_seconds
        self.clipboard_total_seconds: Final = clipboard_total_seconds
        self.transfers: Final = transfers  # of clipboard and drag data at a time
        self.clients: Final = clients
        self.pool_buffers: Final = pool_buffers  # of one pool: CVE-2021-3782 needed 2**31 of them
        self.subsurface_depth: Final = subsurface_depth  # levels; compositors walk them by recursion
        self.subsurface_children: Final = subsurface_children  # of one surface
        self.damage_rectangles: Final = damage_rectangles  # of one commit; more are one that holds them all (wlroots issue 949)
        self.region_rectangles: Final = region_rectangles  # added to and taken from one region
        self.shm_bytes: Final = shm_bytes  # of all buffers in wl_shm pools, and of all files kept here for a waypipe guest
        self.fds: Final = fds  # that the proxy holds for pools, and for a waypipe guest's files and pipes
        self.messages: Final = messages  # handlers/costs.py: some requests count for many
        self.connects: Final = connects
        self.silent_clients: Final = silent_clients  # so many may be connected without a word for longer than ...
        self.silent_seconds: Final = silent_seconds  # ... this
        self.counted: Final = [0, surfaces, toplevels, popups, shm_pools, buffers, callbacks]
        self._origins: Final[dict[str, str]] = origins or {}

    def rule(self, name: str) -> str:
        """The policy line that sets a quota, by its name in a policy, or the built-in rule's name."""
        return self._origins.get(name) or f"quota: {name}"


def limits_of(compiled: dict[str, Any]) -> Limits:
    """The limits that a compiled policy sets, the defaults for the others. Raises ValueError where the form is wrong."""
    given: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, (value, origin) in compiled.get("quota", {}).items():
        given[name.replace("-", "_")] = (float(value[0]), float(value[1])) if isinstance(value, list) else value
        origins[name] = origin
    try:
        return Limits(origins=origins, **given)
    except TypeError as error:
        raise ValueError(f"quota of a compiled policy: {error}") from error


class Count:
    """A number that goes up and down: native, where one in a list would be an object each time (bench/parse.py)."""

    def __init__(self) -> None:
        self.now: i64 = 0


class Bucket:
    """A rate. `take` never refuses: it says how long to wait before more may be taken, so that nothing is lost of what is too much."""

    def __init__(self, rate: Rate, now: float) -> None:
        self.rate = rate
        self._per_second, self._burst = rate
        self._left = self._burst
        self._filled_at = now

    def take(self, amount: i64, now: float) -> float:
        """Seconds until there is some left again; 0 = there is. It is refilled only once it is empty, which costs a clock's
        reading less for each message and allows at most one burst more."""
        self._left -= float(amount)
        if self._left >= 0 or self._per_second <= 0:
            return 0.0
        self._left = min(self._burst, self._left + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        return 0.0 if self._left >= 0 else -self._left / self._per_second

    def forgive(self, amount: i64) -> None:
        """What was taken is given back: whoever took it pays in another way, and others shall not wait for it."""
        self._left = min(self._burst, self._left + float(amount))

    def wait_for_one(self) -> float:
        """Seconds from the last `try_one` until one is there; 0 where it is unlimited."""
        return max(0.0, (1 - self._left) / self._per_second) if self._per_second > 0 else 0.0

    def try_one(self, now: float) -> bool:
        """Takes one if there is one."""
        self._left = min(self._burst, self._left + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Usage:
    """What one guest has now, over all its connections. Changed by them, read by them and by the transport. `boottime`: seconds of a clock
    that goes on while the host sleeps (CLOCK_BOOTTIME); without one, the time of the sessions stands for it."""

    def __init__(self, boottime: Callable[[], float] | None = None) -> None:
        self.boottime = boottime
        self.objects: i64 = 0
        self.kinds = [Count() for _ in COUNTED]
        self.rates: dict[str, Bucket] = {}  # of messages that the policy bounds
        self.shm_bytes = 0
        self.mirrored_bytes = 0  # of files that the transport holds for the guest
        self.held_bytes = 0  # of its transport's messages that are not complete
        self.fds = 0
        self.awake_since = -1.0  # boottime from which idle inhibitors are counted (handlers/inhibitors.py); below 0: none was had yet
        self.escaped: set[str] = set()  # permissions whose loans the user has taken back (handlers/escape.py)
        self.tokens: dict[str, bool] = {}  # activation tokens given for the user's input, the oldest first (handlers/attachments.py)
        self.differences = Differences()  # between the policy in force and its shadow
        self.complains = False  # the policy in force only complains: connections under an earlier one do not outlast that

    def within(self, interface: str, message: str, rate: Rate, now: float) -> bool:
        """Whether one more such message is within its rate; it counts if so."""
        key = f"{interface}.{message}"
        bucket = self.rates.get(key)
        if bucket is None or bucket.rate != rate:  # the policy may have been loaded anew
            bucket = Bucket(rate, now)
            self.rates[key] = bucket
        return bucket.try_one(now)

    @property
    def counts(self) -> list[int]:
        """How many there are of each kind of COUNTED."""
        return [int(kind.now) for kind in self.kinds]
