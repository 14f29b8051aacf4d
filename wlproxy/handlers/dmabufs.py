"""Buffers in a GPU's memory: linux-dmabuf, and what is left of wl_drm.

Promises towards the compositor: planes are whole, in order and inside their buffers, as far as arithmetic can tell; format and modifier
are a pair that this guest was told of; sizes are those a screen can show; what is said to be a dma-buf is one (descriptors.py).
A driver still has to read what is inside: a policy should allow this only where it must. Trusts: the facts the transport gathered.
Source: linux-dmabuf-v1.xml; libweston/linux-dmabuf.c for the order of the checks; wayland-drm.xml; drm_fourcc.h.
"""

from __future__ import annotations

from typing import Final

from ..core.connection import Connection
from ..core.errors import PolicyViolation, ProtocolViolation
from ..core.fds import UNKNOWN
from ..core.message import Message
from ..core.objects import Object
from ..core.tables import DROP, FORWARD, MAKE_INERT, Note
from ..core.wire import DISPLAY_ID, IMPLEMENTATION
from .buffers import BYTES_PER_PIXEL
from .surfaces import FARTHEST, Extent

# zwp_linux_buffer_params_v1.error
ALREADY_USED, PLANE_IDX, PLANE_SET, INCOMPLETE, INVALID_FORMAT, INVALID_DIMENSIONS, OUT_OF_BOUNDS = range(7)
INVALID_DEV_T_SIZE: Final = 8
DRM_INVALID_FORMAT, DRM_INVALID_NAME = 1, 2  # wl_drm.error

MOST_PLANES: Final = 4
MOST_PAIRS: Final = 65536  # indices into a table have 16 bits
PAIR_BYTES: Final = 16  # format, padding, modifier
LINEAR: Final = 0
IMPLICIT: Final = 0x00FF_FFFF_FFFF_FFFF  # DRM_FORMAT_MOD_INVALID
DEV_T_BYTES: Final = 8
SAME_MODIFIER_SINCE: Final = 5
LEAST_ROWS: Final = 4  # no format has fewer than a quarter of its rows in a plane (YUV410)


class Formats:
    """What a guest was told that it may use. `complete` is False where a table could not be read: then the driver alone decides."""

    def __init__(self) -> None:
        self.pairs: set[tuple[int, int]] = set()
        self.complete = True

    def add(self, pixels: int, modifier: int) -> None:
        """One pair, as far as there is room."""
        if len(self.pairs) < MOST_PAIRS:
            self.pairs.add((pixels, modifier))

    def has(self, pixels: int, modifier: int) -> bool:
        """Whether the pair was announced. Clients of the first two versions say 0 for a modifier that they know nothing of."""
        if not self.complete or (pixels, modifier) in self.pairs:
            return True
        return modifier == LINEAR and (pixels, IMPLICIT) in self.pairs


def formats_of(connection: Connection) -> Formats:
    """What the connection has been told of so far."""
    known = connection.shared.get("dmabuf")
    if not isinstance(known, Formats):
        known = Formats()
        connection.shared["dmabuf"] = known
    return known


def admitted(connection: Connection, modifier: int) -> bool:
    """Whether the policy is for buffers laid out like that."""
    allowed = connection.tables.modifiers
    return "advertised" in allowed or ("linear" in allowed and modifier == LINEAR) or ("implicit" in allowed and modifier == IMPLICIT)


def told(connection: Connection, pixels: int, modifier: int) -> int:
    """The guest is told of a pair, and may use it; or neither."""
    if not admitted(connection, modifier):
        return DROP
    formats_of(connection).add(pixels, modifier)
    return FORWARD


def on_format(connection: Connection, message: Message) -> int:
    """The event zwp_linux_dmabuf_v1.format(format)."""
    return told(connection, message.number(0), IMPLICIT)


def on_modifier(connection: Connection, message: Message) -> int:
    """The event zwp_linux_dmabuf_v1.modifier(format, modifier_hi, modifier_lo)."""
    return told(connection, message.number(0), message.number(1) << 32 | message.number(2))


class Feedback(Note):
    """One zwp_linux_dmabuf_feedback_v1: the table that its tranches point into."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.table = b""


def on_format_table(connection: Connection, message: Message) -> None:
    """The event format_table(fd, size); the descriptor is the guest's copy by now, and nobody else has it yet."""
    note = message.target.note
    fd = message.descriptors[0]
    if not isinstance(note, Feedback):
        return
    note.table = b""
    if fd.kind == UNKNOWN:
        formats_of(connection).complete = False
        return
    try:
        note.table = connection.files.read(fd, min(message.number(1), MOST_PAIRS * PAIR_BYTES))
    except OSError as error:
        connection.record("refused", message, f"the table cannot be read: {error.strerror or error}", "allow", "built-in: dmabuf")


def on_tranche_formats(connection: Connection, message: Message) -> int:
    """The event tranche_formats(indices): 16 bits each, in the machine's order (little-endian, as the wire). Those of pairs that the
    policy is not for are taken out."""
    note = message.target.note
    indices = message.args[0]
    if not isinstance(note, Feedback) or not isinstance(indices, bytes):
        return FORWARD
    kept: list[bytes] = []
    for at in range(0, len(indices) - 1, 2):
        index = indices[at : at + 2]
        start = int.from_bytes(index, "little") * PAIR_BYTES
        pair = note.table[start : start + PAIR_BYTES]
        if len(pair) < PAIR_BYTES or told(connection, int.from_bytes(pair[:4], "little"), int.from_bytes(pair[8:], "little")) == FORWARD:
            kept.append(index)
    if 2 * len(kept) < len(indices):
        message.args[0] = b"".join(kept)
        message.changed = True
    return FORWARD


# params


class Plane:
    """One plane as it was added; `size` of its dma-buf in bytes, 0 where unknown."""

    def __init__(self, offset: int, stride: int, modifier: int, size: int) -> None:
        self.offset = offset
        self.stride = stride
        self.modifier = modifier
        self.size = size


class Params(Note):
    """One zwp_linux_buffer_params_v1: its planes by index; good for one buffer."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.owner = owner
        self.planes: dict[int, Plane] = {}
        self.used = False
        self.width = 0
        self.height = 0


def params_of(message: Message) -> Params:
    """The params a request is addressed to, which must not have made a buffer yet."""
    note = message.target.note
    if not isinstance(note, Params):
        raise TypeError(f"{message.rule.interface}#{message.target.guest_id} has no params state")
    if note.used:
        raise ProtocolViolation(message.target.guest_id, ALREADY_USED, "the params have made a buffer already")
    return note


def on_add(connection: Connection, message: Message) -> int:
    """add(fd, plane_idx, offset, stride, modifier_hi, modifier_lo)."""
    params = params_of(message)
    address = message.target.guest_id
    index, offset, stride, high, low = (message.number(i) for i in range(1, 6))
    if index >= MOST_PLANES:
        raise ProtocolViolation(address, PLANE_IDX, f"plane index {index} is too high")
    if index in params.planes:
        raise ProtocolViolation(address, PLANE_SET, f"plane {index} is set already")
    modifier = high << 32 | low
    if message.target.version >= SAME_MODIFIER_SINCE and any(p.modifier != modifier for p in params.planes.values()):
        raise ProtocolViolation(address, INVALID_FORMAT, "its modifier is not that of the other planes")
    params.planes[index] = Plane(offset, stride, modifier, message.descriptors[0].size)
    return FORWARD


def on_create(connection: Connection, message: Message) -> int:
    """create(width, height, format, flags), create_immed(buffer_id, width, height, format, flags)."""
    params = params_of(message)
    first = 0 if message.rule.name == "create" else 1
    width, height, pixels = (message.number(first + i) for i in range(3))
    check_buffer(connection, message.target.guest_id, params, width, height, pixels)
    params.used = True
    params.width = width
    params.height = height
    return within(connection, message, len(params.planes), [plane.modifier for plane in params.planes.values()])


def within(connection: Connection, message: Message, planes: int, modifiers: list[int]) -> int:
    """Whether a buffer is one that the policy is for. If not, `create` fails with the event for that; the others give an inert buffer."""
    reason = ""
    if planes > connection.tables.most_planes:
        reason = f"{planes} planes are more than {connection.tables.most_planes}"
    elif not all(admitted(connection, modifier) for modifier in modifiers):
        reason = "its modifier is not one that the policy allows"
    if not reason:
        return FORWARD
    verdict = DROP if message.rule.name == "create" else MAKE_INERT
    connection.record("refused", message, reason, "ignore" if verdict == DROP else "inert", "permission: gpu-buffers")
    return verdict


def check_buffer(connection: Connection, address: int, params: Params, width: int, height: int, pixels: int) -> None:
    """Raises the error that the specification names, in the order of libweston's checks."""
    count = len(params.planes)
    if count == 0 or max(params.planes) != count - 1:
        raise ProtocolViolation(address, INCOMPLETE, f"planes {sorted(params.planes)} are not all there")
    for plane in params.planes.values():
        if not formats_of(connection).has(pixels, plane.modifier):
            raise ProtocolViolation(address, INVALID_FORMAT, f"format {pixels:#x} with modifier {plane.modifier:#x} was not offered")
    if width < 1 or height < 1:
        raise ProtocolViolation(address, INVALID_DIMENSIONS, f"size {width} x {height} is not positive")
    if width > FARTHEST or height > FARTHEST:
        raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, f"{width} x {height} is above {FARTHEST}", "quota: buffer-size")
    for index, plane in params.planes.items():
        if not fits(plane, index, width, height, pixels):
            raise ProtocolViolation(
                address, OUT_OF_BOUNDS, f"plane {index}: offset {plane.offset}, stride {plane.stride} in {plane.size} bytes"
            )


def fits(plane: Plane, index: int, width: int, height: int, pixels: int) -> bool:
    """Whether a plane can lie inside its dma-buf. How many rows the further planes have is the format's and the modifier's secret;
    a linear one has at least a quarter."""
    rows = height if index == 0 else -(-height // LEAST_ROWS) if plane.modifier == LINEAR else 1
    if plane.stride == 0 or (index == 0 and plane.modifier == LINEAR and plane.stride < width * BYTES_PER_PIXEL.get(pixels, 0)):
        return False
    end = plane.offset + plane.stride * rows
    return end <= 0xFFFF_FFFF and (plane.size == 0 or end <= plane.size)


def buffer_made(connection: Connection, message: Message) -> None:
    """The new wl_buffer of create_immed, or of the event `created`, has the size the params were given."""
    note = message.target.note
    made = None if message.created is None else message.created.note
    if isinstance(note, Params) and isinstance(made, Extent):
        made.width = note.width
        made.height = note.height


def on_sampling_device(connection: Connection, message: Message) -> int:
    """set_sampling_device(device): a dev_t."""
    params_of(message)
    device = message.args[0]
    if not isinstance(device, bytes) or len(device) != DEV_T_BYTES:
        raise ProtocolViolation(message.target.guest_id, INVALID_DEV_T_SIZE, f"a dev_t has {DEV_T_BYTES} bytes")
    return FORWARD


# wl_drm


def on_drm_name(connection: Connection, message: Message) -> int:
    """wl_drm.create_buffer, create_planar_buffer: by a GEM name, which anybody can guess; whose memory it is, nothing proves."""
    raise ProtocolViolation(message.target.guest_id, DRM_INVALID_NAME, "buffers are made from descriptors, not from names")


def on_drm_prime(connection: Connection, message: Message) -> int:
    """wl_drm.create_prime_buffer(id, name, width, height, format, offset0, stride0, ...)."""
    width, height, pixels, offset, stride = (message.number(i) for i in range(2, 7))
    if width < 1 or height < 1 or offset < 0 or stride < 1:
        raise ProtocolViolation(message.target.guest_id, DRM_INVALID_FORMAT, f"size {width} x {height}, offset {offset}, stride {stride}")
    if width > FARTHEST or height > FARTHEST:
        raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, f"{width} x {height} is above {FARTHEST}", "quota: buffer-size")
    if not fits(Plane(offset, stride, IMPLICIT, message.descriptors[0].size), 0, width, height, pixels):
        raise ProtocolViolation(message.target.guest_id, DRM_INVALID_NAME, "the buffer does not lie inside its dma-buf")
    planes = 1 + sum([1 for further in (8, 10) if message.number(further)])
    return within(connection, message, planes, [IMPLICIT])


def drm_buffer_made(connection: Connection, message: Message) -> None:
    """The new wl_buffer of create_prime_buffer."""
    made = None if message.created is None else message.created.note
    if isinstance(made, Extent):
        made.width = message.number(2)
        made.height = message.number(3)
