"""The named permissions: what an admin decides about, in words, and which globals and messages each one covers.

Promises: data only, checked against the protocol data by tests. A message that several permissions cover passes where one of them is
given (a data source serves the clipboard and drags alike). What no permission covers follows its global. The event `selection` of a
device is covered by none: without permission it comes with no offer (handlers/selections.py), as programs wait for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .model import ALLOW, Origin, PermissionRule

Key = tuple[str, str]  # interface, message

# What may be said beside the verdict.
RATE: Final = "rate"  # of the requests, for the guest as a whole; more is left out
MIME: Final = "mime"  # the types of data that pass
MAX_BYTES: Final = "max-bytes"  # of one transfer
MAX_SIZE: Final = "max-size"  # logical pixels, either way
MAX_PLANES: Final = "max-planes"  # of one GPU buffer
MODIFIERS: Final = "modifiers"  # layouts of GPU buffers, MODIFIER_WORDS
MAX_DEPTH: Final = "max-depth"  # of popups that grab, one out of the other
SKIP_IF: Final = "skip-if"  # types of data: what has one of them is not shown at all
NEEDS_INPUT_SERIAL: Final = "needs-input-serial"  # only with a token that was given for the user's input
ONLY: Final = "only"  # while its window is so, ONLY_WORDS
MAX_DURATION: Final = "max-duration"  # without any input to the guest
ESCAPE: Final = "escape"  # combinations of keys that take it back (handlers/keys.py)
REMEMBER: Final = "remember"  # how the user is asked: for how long an answer holds
TIMEOUT: Final = "timeout"  # after which nobody has answered
NOTE: Final = "note"  # one more sentence for the question
ASKING: Final = (REMEMBER, TIMEOUT, NOTE)

ONLY_WORDS: Final = ("visible", "fullscreen")  # the second is the narrower
LINEAR, IMPLICIT, ADVERTISED = "linear", "implicit", "advertised"  # row by row; as the drivers agree; any the compositor has announced
MODIFIER_WORDS: Final = (LINEAR, IMPLICIT, ADVERTISED)


@dataclass(frozen=True, slots=True)
class Permission:
    """`grants` completes the sentence "the guest may ..."; `risk` is a class of protocols/interfaces.tsv.

    `globals`: hidden where the permission is not given. `messages`: refused where it is not given, each in its own shape.
    """

    grants: str
    risk: str
    globals: tuple[str, ...] = ()
    messages: tuple[Key, ...] = ()
    parameters: tuple[str, ...] = ()


def _of(interface: str, *names: str) -> tuple[Key, ...]:
    return tuple((interface, name) for name in names)


PERMISSIONS: Final[dict[str, Permission]] = {
    "bell": Permission("ring the bell", "E", (), _of("xdg_system_bell_v1", "ring"), (RATE,)),
    "clipboard-in": Permission(
        "read what the host's programs have copied",
        "D",
        (),
        _of("wl_data_device", "data_offer") + _of("wl_data_offer", "receive"),
        (MIME, MAX_BYTES, SKIP_IF),
    ),
    "clipboard-manager": Permission(
        "read and write every copy at any time, without the focus",
        "D",
        ("ext_data_control_manager_v1", "zwlr_data_control_manager_v1"),
    ),
    "clipboard-out": Permission(
        "offer what is copied in it to the host's programs",
        "D",
        (),
        _of("wl_data_device_manager", "create_data_source") + _of("wl_data_device", "set_selection"),
        (MIME, MAX_BYTES, RATE),
    ),
    "color-management": Permission(
        "hand colour profiles to the compositor and learn those of the screens", "C", ("wp_color_manager_v1",)
    ),
    "custom-cursor": Permission(
        "draw the pointer while it is over its windows",
        "E",
        (),
        _of("wl_pointer", "set_cursor") + _of("zwp_tablet_tool_v2", "set_cursor"),
        (MAX_SIZE,),
    ),
    "display-control": Permission(
        "arrange, dim and switch off the screens",
        "I",
        ("zwlr_output_manager_v1", "zwlr_output_power_manager_v1", "zwlr_gamma_control_manager_v1", "wp_drm_lease_device_v1"),
    ),
    "drag-in": Permission(
        "receive what is dragged onto its windows",
        "D",
        (),
        _of("wl_data_device", "data_offer", "enter", "motion", "leave", "drop") + _of("wl_data_offer", "receive"),
        (MIME, MAX_BYTES),
    ),
    "drag-out": Permission(
        "start a drag out of its windows",
        "D",
        (),
        _of("wl_data_device_manager", "create_data_source") + _of("wl_data_device", "start_drag"),
        (MIME, MAX_BYTES, RATE),
    ),
    "focus-request": Permission(
        "ask to be brought to the front", "E", (), _of("xdg_activation_v1", "activate"), (RATE, NEEDS_INPUT_SERIAL)
    ),
    "fullscreen": Permission(
        "cover a whole screen, where it can imitate the desktop", "E", (), _of("xdg_toplevel", "set_fullscreen"), (RATE,)
    ),
    "gestures": Permission("see touchpad gestures over its windows", "B", ("zwp_pointer_gestures_v1",)),
    "gpu-buffers": Permission(
        "show buffers of the GPU, which the host's driver reads", "C", ("zwp_linux_dmabuf_v1", "wl_drm"), (), (MAX_PLANES, MODIFIERS)
    ),
    "gpu-sync": Permission(
        "make frames wait for the GPU",
        "C",
        ("wp_linux_drm_syncobj_manager_v1", "zwp_linux_explicit_synchronization_v1"),
    ),
    "idle-inhibit": Permission(
        "keep the screen from locking",
        "E",
        (),
        _of("zwp_idle_inhibit_manager_v1", "create_inhibitor"),
        (ONLY, MAX_DURATION),
    ),
    "idle-notify": Permission("learn when the user is away", "H", ("ext_idle_notifier_v1", "org_kde_kwin_idle")),
    "minimize": Permission("hide its window", "E", (), _of("xdg_toplevel", "set_minimized"), (RATE,)),
    "overlay": Permission("draw panels and overlays over every window", "E", ("zwlr_layer_shell_v1",)),
    "parent-link": Permission(
        "tie its windows to those of other programs", "E", ("zxdg_exporter_v2", "zxdg_importer_v2", "zxdg_exporter_v1", "zxdg_importer_v1")
    ),
    "pointer-confine": Permission(
        "keep the pointer inside its window", "F", (), _of("zwp_pointer_constraints_v1", "confine_pointer"), (ESCAPE,)
    ),
    "pointer-lock": Permission("hold the pointer still", "F", (), _of("zwp_pointer_constraints_v1", "lock_pointer"), (ESCAPE,)),
    "pointer-warp": Permission("move the pointer within its window", "F", ("wp_pointer_warp_v1",)),
    "popup-grab": Permission("take the input while a menu is open", "F", (), _of("xdg_popup", "grab"), (MAX_DEPTH,)),
    "primary-in": Permission(
        "read every text that is marked on the host (middle click)",
        "D",
        (),
        _of("zwp_primary_selection_device_v1", "data_offer")
        + _of("zwp_primary_selection_offer_v1", "receive")
        + _of("gtk_primary_selection_device", "data_offer")
        + _of("gtk_primary_selection_offer", "receive"),
        (MIME, MAX_BYTES, SKIP_IF),
    ),
    "primary-out": Permission(
        "offer text that is marked in it to the host's programs",
        "D",
        (),
        _of("zwp_primary_selection_device_manager_v1", "create_source")
        + _of("zwp_primary_selection_device_v1", "set_selection")
        + _of("gtk_primary_selection_device_manager", "create_source")
        + _of("gtk_primary_selection_device", "set_selection"),
        (MIME, MAX_BYTES, RATE),
    ),
    "relative-motion": Permission("see the pointer's raw motion over its windows", "F", ("zwp_relative_pointer_manager_v1",)),
    "screencast": Permission(
        "record windows",
        "H",
        (
            "ext_image_copy_capture_manager_v1",
            "ext_foreign_toplevel_image_capture_source_manager_v1",
            "hyprland_toplevel_export_manager_v1",
        ),
    ),
    "screenshot": Permission(
        "read the whole screen",
        "H",
        ("ext_image_copy_capture_manager_v1", "ext_output_image_capture_source_manager_v1", "zwlr_screencopy_manager_v1"),
    ),
    "shortcuts-inhibit": Permission(
        "take the desktop's own shortcuts", "F", ("zwp_keyboard_shortcuts_inhibit_manager_v1",), (), (ESCAPE,)
    ),
    "tablet": Permission("see pen and tablet input over its windows", "F", ("zwp_tablet_manager_v2", "zwp_tablet_manager_v1")),
    "tearing": Permission("show frames without waiting for the screen", "B", ("wp_tearing_control_manager_v1",)),
    "text-input": Permission(
        "talk to the host's input method", "D", ("zwp_text_input_manager_v1", "zwp_text_input_manager_v2", "zwp_text_input_manager_v3")
    ),
    "window-control": Permission(
        "list, close and bring forward the windows of others",
        "I",
        ("zwlr_foreign_toplevel_manager_v1", "ext_workspace_manager_v1"),
    ),
    "window-icon": Permission("choose its window's icon", "E", (), _of("xdg_toplevel_icon_manager_v1", "set_icon"), (MAX_SIZE,)),
    "window-list": Permission(
        "see the titles of other windows", "H", ("ext_foreign_toplevel_list_v1",)
    ),
    "window-menu": Permission("open the compositor's window menu", "E", (), _of("xdg_toplevel", "show_window_menu")),
    "window-tag": Permission(
        "name its windows for the compositor's rules",
        "E",
        (),
        _of("xdg_toplevel_tag_manager_v1", "set_toplevel_tag", "set_toplevel_description"),
    ),
}


def _covering() -> tuple[dict[str, tuple[str, ...]], dict[Key, tuple[str, ...]]]:
    by_global: dict[str, tuple[str, ...]] = {}
    by_message: dict[Key, tuple[str, ...]] = {}
    for name, permission in PERMISSIONS.items():
        for interface in permission.globals:
            by_global[interface] = (*by_global.get(interface, ()), name)
        for key in permission.messages:
            by_message[key] = (*by_message.get(key, ()), name)
    return by_global, by_message


OF_GLOBAL, OF_MESSAGE = _covering()  # the permissions that cover each


def everything(origin: Origin) -> dict[str, PermissionRule]:
    """All permissions, given."""
    return {name: PermissionRule(ALLOW, origin) for name in PERMISSIONS}
