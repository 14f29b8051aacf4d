"""Descriptors that a compositor hands to its clients: keymaps, tables of formats, colour profiles, pipes.

Promises: a guest gets a copy of its own, never the compositor's file: compositors share one file among all their clients, and who
can write to it rewrites the keymap of the others. The copy is writable, because VMMs older than 2026 map it so (rutabaga_gfx).
A file that is too large or too short for what the event says of it is not handed on at all: that ends the connection. A pipe is
replaced by one of ours. An event with any other descriptor reaches no guest: most would end the VMM's channel, too.
Trusts: the compositor not to lie about sizes on purpose.
Source: wayland.xml (wl_keyboard.keymap), linux-dmabuf-v1.xml, color-management-v1.xml.
"""

from __future__ import annotations

from typing import Final

from ..core.connection import Connection
from ..core.errors import ProtocolViolation
from ..core.message import Message
from ..core.tables import DROP, FORWARD
from ..core.wire import DISPLAY_ID, IMPLEMENTATION
from . import transfers

BUILT_IN: Final = "built-in: descriptor"

# event -> the argument that says how many bytes, and how many there may be
FILES: Final[dict[tuple[str, str], tuple[int, int]]] = {
    ("wl_keyboard", "keymap"): (2, 1 << 20),
    ("zwp_linux_dmabuf_feedback_v1", "format_table"): (1, 1 << 20),
    ("wp_image_description_info_v1", "icc_file"): (1, 4 << 20),
    ("zwp_input_method_keyboard_grab_v2", "keymap"): (2, 1 << 20),
    ("zcr_keyboard_device_configuration_v1", "layout_install"): (3, 1 << 20),
    ("zcr_extended_text_input_v1", "insert_image_with_large_url"): (3, 1 << 20),
}

PIPES: Final = frozenset(
    (
        ("wl_data_source", "send"),
        ("zwp_primary_selection_source_v1", "send"),
        ("gtk_primary_selection_source", "send"),
        ("ext_data_control_source_v1", "send"),
        ("zwlr_data_control_source_v1", "send"),
    )
)

# What a guest has no use for: other processes' pidfds, the host's devices, its screen, its fences. Every event with a descriptor
# that is in none of the tables is treated like these, too.
NEVER: Final = frozenset(
    (
        ("hyprland_input_capture_v1", "eis_fd"),
        ("org_kde_kwin_remote_buffer", "gbm_handle"),
        ("qt_dmabuf_server_buffer", "server_buffer_created"),
        ("treeland_app_id_resolver_v1", "identify_request"),
        ("treeland_app_id_resolver_v2", "identify_request"),
        ("treeland_capture_session_v1", "object"),
        ("treeland_snap_target_v1", "pidfd"),
        ("wp_drm_lease_device_v1", "drm_fd"),
        ("wp_drm_lease_v1", "lease_fd"),
        ("zqt_vulkan_server_buffer_v1", "server_buffer_created"),
        ("zwlr_export_dmabuf_frame_v1", "object"),
        ("zwp_linux_buffer_release_v1", "fenced_release"),
    )
)


def vet(connection: Connection, message: Message) -> int:
    """Drops an event with a descriptor that is not for guests."""
    key = (message.rule.interface, message.rule.name)
    if key in FILES or key in PIPES:
        return FORWARD
    connection.record("refused", message, "its descriptor is not for a guest", "ignore", BUILT_IN)
    return DROP


def exchange(connection: Connection, message: Message) -> int:
    """Replaces the descriptor by one of ours."""
    if (message.rule.interface, message.rule.name) in PIPES:
        return transfers.through_own_pipe(connection, message)
    return on_file(connection, message)


def on_file(connection: Connection, message: Message) -> int:
    """One of FILES: the descriptor is replaced by that of a copy."""
    size_at, most = FILES[message.rule.interface, message.rule.name]
    size = message.number(size_at)
    original = message.descriptors[0]
    if size > most:
        raise ProtocolViolation(DISPLAY_ID, IMPLEMENTATION, f"a file of {size} bytes, at most {most} are copied")
    try:
        # Of size 0 where there is no keymap: the compositor's descriptor can be anything, the guest's is an empty file.
        copy = connection.files.private_copy(original, size)
    except OSError as error:
        raise ProtocolViolation(DISPLAY_ID, IMPLEMENTATION, f"its file cannot be copied: {error.strerror or error}") from error
    if copy is not original:
        message.descriptors[0] = copy
        connection.release(original)
    return FORWARD
