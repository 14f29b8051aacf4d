"""What no guest is to have: each is bound if it is there, and used."""

from __future__ import annotations

from .rows import Play, row
from .wire import Guest

PRIVILEGED = {
    "zwp_virtual_keyboard_manager_v1": ("A16", "keys typed into the host's windows"),
    "zwlr_virtual_pointer_manager_v1": ("A17", "the host's pointer moved"),
    "zwp_input_method_manager_v2": ("A18", "all keys of the host read"),
    "zwlr_screencopy_manager_v1": ("A19", "the screen copied"),
    "ext_image_copy_capture_manager_v1": ("A19b", "the screen copied, newer protocol"),
    "zwlr_export_dmabuf_manager_v1": ("A19c", "the screen taken as a dma-buf"),
    "zwlr_data_control_manager_v1": ("A20", "the clipboard read without focus"),
    "ext_data_control_manager_v1": ("A20b", "the clipboard read without focus, newer protocol"),
    "zwlr_layer_shell_v1": ("A22", "a surface over everything"),
    "ext_session_lock_manager_v1": ("A23", "the session locked"),
    "zwp_linux_dmabuf_v1": ("A25", "memory handed to the GPU driver"),
    "xwayland_shell_v1": ("A31", "an X server's surfaces"),
    "wp_security_context_manager_v1": ("A37", "a listening socket of its own"),
    "zwlr_gamma_control_manager_v1": ("A38", "a black screen"),
    "zwlr_output_manager_v1": ("A38b", "the monitors' modes changed"),
    "wp_drm_lease_device_v1": ("A38c", "a monitor leased"),
    "zwlr_foreign_toplevel_manager_v1": ("A39", "all windows listed and closed"),
    "ext_foreign_toplevel_list_v1": ("A39b", "all windows listed, newer protocol"),
    "wp_linux_drm_syncobj_manager_v1": ("B36", "a fence that never signals"),
    "zwp_keyboard_shortcuts_inhibit_manager_v1": ("B57", "the host's shortcuts taken away"),
    "zwp_idle_inhibit_manager_v1": ("B58", "a screen that never locks"),
    "zwp_pointer_constraints_v1": ("B59", "the pointer locked"),
    "zxdg_exporter_v2": ("B60", "a window exported to others"),
    "ext_idle_notifier_v1": ("D02", "when the user is away"),
}


def binder(interface: str) -> Play:
    """A guest that binds it."""

    def play(g: Guest) -> None:
        g.bind(interface)
        g.sync()

    return play


for name, (id_, title) in PRIVILEGED.items():
    row(id_, title, rf"bind\(\d+, '{name}'")(binder(name))
