"""What a guest's objects and requests cost a compositor beyond their bytes.

Promises: objects that are dear are counted by kind (core/quotas.py); a request that makes a compositor, its panels or its other clients
work counts for as many messages as its weight says, so that a storm of them is read more slowly and none is lost. Trusts: nothing.

The weights go by the default of 20 000 messages a second: 1000 are 20 such requests a second for ever, 50 at once. COMMIT is not in the
table, because a commit is not decoded: surfaces.py counts it.
"""

from __future__ import annotations

from typing import Final

from ..core.quotas import BUFFERS, CALLBACKS, POPUPS, SHM_POOLS, SURFACES, TOPLEVELS

COUNTED: Final[dict[str, int]] = {
    "wl_surface": SURFACES,
    "xdg_toplevel": TOPLEVELS,
    "wl_shell_surface": TOPLEVELS,
    "zwlr_layer_surface_v1": TOPLEVELS,
    "xdg_popup": POPUPS,
    "wl_shm_pool": SHM_POOLS,
    "wl_buffer": BUFFERS,
    "wl_callback": CALLBACKS,  # of sync and of frame
    "wp_presentation_feedback": CALLBACKS,
}

# Panels draw anew for each of these, window managers may move every window.
STATE: Final = 1000
WEIGHTS: Final[dict[tuple[str, str], int]] = {
    ("xdg_toplevel", "set_title"): STATE,
    ("xdg_toplevel", "set_app_id"): STATE,
    ("xdg_toplevel", "set_maximized"): STATE,
    ("xdg_toplevel", "unset_maximized"): STATE,
    ("xdg_toplevel", "set_fullscreen"): STATE,
    ("xdg_toplevel", "unset_fullscreen"): STATE,
    ("xdg_toplevel", "set_minimized"): STATE,
    ("xdg_surface", "get_toplevel"): STATE,
    ("xdg_surface", "get_popup"): STATE,
    ("wl_data_device", "set_selection"): 2000,
    ("wl_data_device", "start_drag"): 2000,
    ("zwp_primary_selection_device_v1", "set_selection"): 200,  # toolkits set it with each step of a selection
    ("xdg_activation_v1", "activate"): 10000,
    ("xdg_system_bell_v1", "ring"): 5000,
    ("wl_shm", "create_pool"): 100,
    ("zwp_linux_buffer_params_v1", "create"): 100,
    ("zwp_linux_buffer_params_v1", "create_immed"): 100,
}
COMMIT: Final = 20  # wl_surface.commit: 1000 a second for all surfaces together
