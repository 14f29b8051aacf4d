"""Memory that a guest shares with the compositor: wl_shm pools and the buffers in them.

Promises towards the compositor: a pool's file is shared memory that cannot shrink under it (F_SEAL_SHRINK, added here where the
guest has not), it is as large as the pool claims, and every buffer lies inside its pool, by arithmetic that does not overflow.
A file that takes no seals is replaced by a copy of our own, brought up to date at each commit, or refused, as the policy says.
Trusts: the facts the transport gathered. Source: wayland.xml (wl_shm, wl_shm_pool), libwayland src/wayland-shm.c for the errors,
drm_fourcc.h for the formats.
"""

from __future__ import annotations

from typing import Final

from ..core.connection import Connection
from ..core.errors import PolicyViolation, ProtocolViolation
from ..core.fds import F_SEAL_FUTURE_WRITE, F_SEAL_SHRINK, F_SEAL_WRITE, READ_WRITE, UNKNOWN, Fd
from ..core.message import Message
from ..core.objects import Object
from ..core.tables import FORWARD, Note
from ..core.wire import DISPLAY_ID, IMPLEMENTATION, NO_MEMORY
from .surfaces import FARTHEST, Extent

# wl_shm.error
INVALID_FORMAT, INVALID_STRIDE, INVALID_FD = 0, 1, 2

BIGGEST_POOL: Final = 1 << 30  # address space of the compositor's; foot reserves 512 MiB and fills little of it
BIGGEST_BUFFER: Final = 256 << 20  # 8K twice over


def fourcc(text: str) -> int:
    """A DRM format code as a number."""
    return int.from_bytes(text.encode("ascii"), "little")


# Bytes per pixel of the first plane, by wl_shm format (0 and 1 are ARGB8888 and XRGB8888 under names of their own).
# A format that is not here is not vetted; what has more planes needs more bytes than its first plane and is not here either.
BYTES_PER_PIXEL: Final[dict[int, int]] = {
    0: 4,
    1: 4,
    **{fourcc(c): 1 for c in ("C8  ", "R8  ", "RGB8", "BGR8")},
    **{
        fourcc(c): 2
        for c in (
            *("XR12", "XB12", "RX12", "BX12", "AR12", "AB12", "RA12", "BA12"),
            *("XR15", "XB15", "RX15", "BX15", "AR15", "AB15", "RA15", "BA15"),
            *("RG16", "BG16", "R16 ", "RG88", "GR88"),
        )
    },
    **{fourcc(c): 3 for c in ("RG24", "BG24")},
    **{
        fourcc(c): 4
        for c in (
            *("XB24", "RX24", "BX24", "AB24", "RA24", "BA24", "XR24", "AR24"),
            *("XR30", "XB30", "RX30", "BX30", "AR30", "AB30", "RA30", "BA30", "RG32", "GR32"),
        )
    },
    **{fourcc(c): 8 for c in ("XR4H", "XB4H", "AR4H", "AB4H", "XR48", "XB48", "AR48", "AB48")},
}


class Pool(Note):
    """One wl_shm_pool. `file` is a second descriptor of the guest's file; `shadow` our copy where the file takes no seals."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.connection = connection
        self.owner = owner
        self.size = 0
        self.file: Fd | None = None
        self.shadow: Fd | None = None
        self.buffers = 0
        self.destroyed = False
        self.mirror = 0

    def ending(self) -> None:
        """wl_shm_pool.destroy: it lives on in its buffers."""
        self.destroyed = True
        self.let_go()

    def let_go(self) -> None:
        """Closes what nothing needs any more: without a shadow that is at the pool's end, with one at its last buffer's."""
        if self.destroyed and self.mirror and self.buffers == 0:
            self.connection.files.unhold(self.mirror)
            self.mirror = 0
        if self.destroyed and self.file is not None and (self.shadow is None or self.buffers == 0):
            self.connection.release(self.file)
            self.file = None
            if self.shadow is not None:
                self.connection.release(self.shadow)
                self.shadow = None


class Buffer(Extent):
    """One wl_buffer: its size, and for a buffer in a pool where in the pool it lies."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        super().__init__(0, 0)
        self.connection = connection
        self.owner = owner
        self.pool: Pool | None = None
        self.offset = 0
        self.bytes = 0

    def ending(self) -> None:
        """wl_buffer.destroy."""
        pool = self.pool
        self.pool = None
        if pool is not None:
            self.connection.charge_shm(-self.bytes)
            pool.buffers -= 1
            pool.let_go()

    def before_commit(self) -> None:
        """Brings the copy up to date where the guest's own file cannot be handed on."""
        pool = self.pool
        if pool is None or pool.shadow is None or pool.file is None:
            return
        if not self.connection.files.copy(pool.file, pool.shadow, self.offset, self.bytes):
            raise ProtocolViolation(self.owner.guest_id, INVALID_FD, "its file was truncated")


def pool_of(message: Message) -> Pool:
    """The pool a message is addressed to."""
    note = message.target.note
    if not isinstance(note, Pool):
        raise TypeError(f"{message.rule.interface}#{message.target.guest_id} has no pool state")
    return note


def on_create_pool(connection: Connection, message: Message) -> int:
    """wl_shm.create_pool(id, fd, size): the file must be what it is said to be, and stay so."""
    shm = message.target.guest_id
    size = message.number(2)
    if size <= 0:
        raise ProtocolViolation(shm, INVALID_STRIDE, f"invalid size ({size})")
    if size > BIGGEST_POOL:
        raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, f"{size} bytes are more than {BIGGEST_POOL}", "quota: pool-bytes")
    fd = message.descriptors[0]
    if fd.kind == UNKNOWN:  # replay and tests have bytes without descriptors' facts
        return FORWARD
    check_pool_file(connection, message, fd, size)
    return FORWARD


def check_pool_file(connection: Connection, message: Message, fd: Fd, size: int) -> None:
    """Raises invalid_fd unless the compositor could map the file read-write, all of it, for as long as it likes. That it is shared
    memory has been seen to (descriptors.py)."""
    shm = message.target.guest_id
    if fd.access != READ_WRITE or (fd.seals > 0 and fd.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)):
        raise ProtocolViolation(shm, INVALID_FD, "the pool's descriptor is not open for reading and writing")
    connection.files.seal(fd)
    if not fd.seals & F_SEAL_SHRINK and not connection.tables.copies_unsealable:
        raise PolicyViolation(shm, INVALID_FD, "its file cannot be sealed against shrinking", "shm-unsealable")
    if fd.size < size:
        raise ProtocolViolation(shm, INVALID_FD, f"size {size} exceeds the file's {fd.size}")


def pool_made(connection: Connection, message: Message) -> None:
    """Remembers the new pool, and replaces a file that takes no seals by one of our own."""
    made = message.created
    pool = None if made is None else made.note
    fd = message.descriptors[0]
    if not isinstance(pool, Pool):
        return
    pool.size = message.number(2)
    if fd.kind == UNKNOWN:
        return
    try:
        pool.file = connection.files.duplicate(fd)
        connection.keep(pool.file)
        if fd.mirror:
            pool.mirror = fd.mirror
            connection.files.hold(fd)
        if not fd.seals & F_SEAL_SHRINK:
            message.descriptors[0] = connection.files.shadow(pool.size)
            connection.release(fd)
            pool.shadow = connection.files.duplicate(message.descriptors[0])
            connection.keep(pool.shadow)
    except OSError as error:
        reason = f"no descriptor or memory for the pool: {error.strerror or error}"
        raise PolicyViolation(DISPLAY_ID, NO_MEMORY, reason, "built-in: descriptors") from error


def on_resize(connection: Connection, message: Message) -> int:
    """wl_shm_pool.resize(size): only larger, and only as large as the file is by now."""
    pool = pool_of(message)
    size = message.number(0)
    if size < pool.size or size > BIGGEST_POOL:
        raise ProtocolViolation(message.target.guest_id, INVALID_FD, f"resize from {pool.size} to {size}")
    if pool.file is not None:
        connection.files.refresh(pool.file)
        if pool.file.size < size:
            raise ProtocolViolation(
                message.target.guest_id, INVALID_FD, f"size {size} exceeds the file's {pool.file.size}"
            )
    if pool.shadow is not None:
        connection.files.grow(pool.shadow, size)
    pool.size = size
    return FORWARD


def on_create_buffer(connection: Connection, message: Message) -> int:
    """wl_shm_pool.create_buffer(id, offset, width, height, stride, format): inside its pool, in Python's own integers."""
    pool = pool_of(message)
    target = message.target.guest_id
    offset, width, height, stride, pixels = (message.number(i) for i in range(1, 6))
    bytes_per_pixel = BYTES_PER_PIXEL.get(pixels)
    if bytes_per_pixel is None:
        raise ProtocolViolation(target, INVALID_FORMAT, f"invalid format {pixels:#x}")
    if width < 1 or height < 1 or offset < 0 or stride < width * bytes_per_pixel or offset + stride * height > pool.size:
        raise ProtocolViolation(
            target,
            INVALID_STRIDE,
            f"{width} x {height}, stride {stride}, offset {offset}: not inside a pool of {pool.size} bytes",
        )
    if width > FARTHEST or height > FARTHEST:
        raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, f"{width} x {height} is above {FARTHEST}", "quota: buffer-size")
    if stride * height > BIGGEST_BUFFER:
        raise PolicyViolation(
            DISPLAY_ID, IMPLEMENTATION, f"{stride * height} bytes are more than {BIGGEST_BUFFER}", "quota: buffer-bytes"
        )
    limits = connection.limits
    if connection.usage.shm_bytes + stride * height > limits.shm_bytes:
        reason = f"more than {limits.shm_bytes} bytes in buffers"
        raise PolicyViolation(DISPLAY_ID, NO_MEMORY, reason, limits.rule("shm-bytes"))
    if pool.buffers >= limits.pool_buffers:
        reason = f"more than {limits.pool_buffers} buffers in one pool"
        raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, reason, limits.rule("pool-buffers"))
    return FORWARD


def buffer_made(connection: Connection, message: Message) -> None:
    """Links the new buffer to its pool."""
    made = message.created
    buffer = None if made is None else made.note
    if isinstance(buffer, Buffer):
        pool = pool_of(message)
        pool.buffers += 1
        buffer.pool = pool
        buffer.offset = message.number(1)
        buffer.width = message.number(2)
        buffer.height = message.number(3)
        buffer.bytes = message.number(4) * message.number(3)
        connection.charge_shm(buffer.bytes)
