"""Which descriptor may come with which message, and what becomes of it.

Promises: each descriptor is judged by its facts before anything else looks at its message; a request takes exactly the kinds it is for,
and a message that is in no table here brings none; sockets, named files, directories, devices and whatever else has no kind of its
own are never taken. Trusts: the facts the transport gathered. Source: the requests' descriptions in the protocol XML of each
interface, and their error enums; rutabaga_gfx (cross_domain) for what a VMM can send and take at all.
"""

from __future__ import annotations

from typing import Final

from ..core.checks import KIND
from ..core.connection import Connection
from ..core.errors import PolicyViolation, ProtocolViolation
from ..core.fds import DMABUF, KIND_NAMES, MEMFD, PIPE, UNKNOWN, WRITE_ONLY
from ..core.message import Message
from ..core.outcome import GUEST
from ..core.tables import FORWARD
from ..core.wire import DISPLAY_ID, FD, IMPLEMENTATION
from . import host_files, transfers

BUILT_IN: Final = "built-in: descriptor"
BAD_FD, BAD_SIZE, OUT_OF_FILE = 2, 3, 4  # wp_image_description_creator_icc_v1.error
ICC_BYTES: Final = 4 << 20
NO_ERROR: Final = -1  # the interface names none for this

# What becomes of a descriptor that is taken.
AS_IS: Final = 0  # the request's own handler sees to it, or the kind says enough
OWN_PIPE: Final = 1  # the compositor gets a pipe of ours instead
SNAPSHOT: Final = 2  # the compositor gets a copy: a guest could change or truncate its own while it is read


class Use:
    """`kind`: the one that is taken, UNKNOWN for none; `code`: the interface's own error for another one. For a SNAPSHOT: the
    argument that says its size (-1: the file's), and the most bytes."""

    def __init__(self, kind: int, treatment: int = AS_IS, code: int = NO_ERROR, size_at: int = -1, most: int = 0) -> None:
        self.kind = kind
        self.treatment = treatment
        self.code = code
        self.size_at = size_at
        self.most = most


NOTHING: Final = Use(UNKNOWN)
WRITE_END: Final = Use(PIPE, OWN_PIPE)

REQUESTS: Final[dict[tuple[str, str], Use]] = {
    ("wl_shm", "create_pool"): Use(MEMFD, AS_IS, code=2),
    ("wl_data_offer", "receive"): WRITE_END,
    ("zwp_primary_selection_offer_v1", "receive"): WRITE_END,
    ("gtk_primary_selection_offer", "receive"): WRITE_END,
    ("ext_data_control_offer_v1", "receive"): WRITE_END,
    ("zwlr_data_control_offer_v1", "receive"): WRITE_END,
    ("org_kde_plasma_window", "get_icon"): WRITE_END,
    ("zwp_linux_buffer_params_v1", "add"): Use(DMABUF),
    ("wl_drm", "create_prime_buffer"): Use(DMABUF, AS_IS, code=2),
    ("wp_image_description_creator_icc_v1", "set_icc_file"): Use(MEMFD, SNAPSHOT, code=BAD_FD, most=ICC_BYTES),
    ("zwp_virtual_keyboard_v1", "keymap"): Use(MEMFD, SNAPSHOT, size_at=2, most=1 << 20),
    ("zcr_extended_text_input_v1", "set_large_surrounding_text"): Use(MEMFD, SNAPSHOT, size_at=1, most=1 << 20),
    ("zwlr_gamma_control_v1", "set_gamma"): Use(MEMFD, SNAPSHOT, code=1, most=1 << 20),
    # A fence or a timeline: no VMM can send one, and the compositor would wait for it.
    ("wp_linux_drm_syncobj_manager_v1", "import_timeline"): NOTHING,
    ("zwp_linux_surface_synchronization_v1", "set_acquire_fence"): NOTHING,
    # A listening socket, a stream without an end, a driver's private handle.
    ("wp_security_context_manager_v1", "create_listener"): NOTHING,
    ("weston_debug_v1", "subscribe"): NOTHING,
    ("wl_eglstream_display", "create_stream"): NOTHING,
}


def vet(connection: Connection, message: Message) -> int:
    """Judges the descriptors of a message by their facts. Raises for a request's, drops an event that no guest may get."""
    if message.side != GUEST:
        verdict = host_files.vet(connection, message)
        if verdict == FORWARD:
            of_kind(message)
        return verdict
    use = REQUESTS.get((message.rule.interface, message.rule.name), NOTHING)
    for fd in message.descriptors:
        if fd.kind == UNKNOWN:  # replay and tests have bytes without descriptors' facts
            continue
        reason = ""
        if fd.kind != use.kind:
            wanted = "none is taken here" if use.kind == UNKNOWN else f"must be a {KIND_NAMES[use.kind]}"
            reason = f"its descriptor is of kind {KIND_NAMES[fd.kind]}, {wanted}"
        elif use.kind == PIPE and fd.access != WRITE_ONLY:
            reason = "its descriptor is not the write end of a pipe"
        elif use.kind == MEMFD and fd.access == WRITE_ONLY:
            reason = "its descriptor cannot be read"
        if reason:
            raise refusal(message, use, reason)
    of_kind(message)
    return FORWARD


def of_kind(message: Message) -> None:
    """The policy's own word on the kinds of descriptors. Raises PolicyViolation."""
    signature = message.rule.signature
    for check in message.rule.checks:
        if check.operation == KIND:
            fd = message.descriptors[signature[: check.argument].count(FD)]
            if fd.kind not in (UNKNOWN, KIND_NAMES.index(check.text)):
                reason = f"argument {check.name}: its descriptor is of kind {KIND_NAMES[fd.kind]}, must be a {check.text}"
                raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, reason, check.origin)


def refusal(message: Message, use: Use, reason: str) -> Exception:
    """The interface's own error where it has one."""
    if use.code == NO_ERROR:
        return PolicyViolation(DISPLAY_ID, IMPLEMENTATION, reason, BUILT_IN)
    return ProtocolViolation(message.target.guest_id, use.code, reason)


def on_icc_file(connection: Connection, message: Message) -> int:
    """wp_image_description_creator_icc_v1.set_icc_file(icc_profile, offset, length): the part named is in the file."""
    offset, length = message.number(1), message.number(2)
    address = message.target.guest_id
    if not 0 < length <= ICC_BYTES:
        raise ProtocolViolation(address, BAD_SIZE, f"{length} bytes, at most {ICC_BYTES} are a profile")
    fd = message.descriptors[0]
    if fd.kind != UNKNOWN and offset + length > fd.size:
        raise ProtocolViolation(address, OUT_OF_FILE, f"{length} bytes from {offset} on: the file has {fd.size}")
    return FORWARD


def exchange(connection: Connection, message: Message) -> int:
    """Puts descriptors of ours in the place of those that are not to reach the other side."""
    if message.side != GUEST:
        return host_files.exchange(connection, message)
    use = REQUESTS.get((message.rule.interface, message.rule.name), NOTHING)
    if use.treatment == OWN_PIPE:
        return transfers.through_own_pipe(connection, message)
    if use.treatment == SNAPSHOT:
        snapshot(connection, message, use)
    return FORWARD


def snapshot(connection: Connection, message: Message, use: Use) -> None:
    """A copy of what the guest's file holds now. Raises where it is larger than anything of the kind or not all there."""
    fd = message.descriptors[0]
    if fd.kind == UNKNOWN:
        return
    size = fd.size if use.size_at < 0 else message.number(use.size_at)
    if size > use.most or size > fd.size:
        raise refusal(message, use, f"{size} bytes: the file has {fd.size}, at most {use.most} are taken")
    try:
        copy = connection.files.private_copy(fd, size)
    except OSError as error:
        raise refusal(message, use, f"its file cannot be copied: {error.strerror or error}") from error
    message.descriptors[0] = copy
    connection.release(fd)
