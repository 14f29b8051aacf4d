"""How much of anything one guest may have. Every bound that the core enforces is a field here."""

from __future__ import annotations

from typing import Final


class Limits:
    """Bytes for `*_bytes`, seconds for `*_seconds`, counts else; all per guest connection.

    Reasons for the defaults: libwayland clients were held to 4096-byte messages until 1.23, sendmsg(2) carries at most
    253 descriptors and libwayland sends at most 28 at a time; a message size has 16 bits.

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
