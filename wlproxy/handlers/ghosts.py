"""The events a toolkit waits for after a request that the compositor will never see.

Promises: only events that the specification allows at that point, and only where a client blocks on them: a refusal then looks
like the ordinary "no" of the protocol. Source: the interface descriptions in the protocol XML of each interface named.
"""

from __future__ import annotations

from ..core.tables import CHILD, SELF, Answer


def _self(event: str, *args: object) -> Answer:
    return Answer(event, list(args), SELF, to_ghosts=True, to_real=False)


def _no(event: str, *args: object) -> Answer:
    """The object's own event for "no": a real one waits for it just as well."""
    return Answer(event, list(args), SELF, to_ghosts=True, to_real=True)


def _child(event: str, *args: object) -> Answer:
    return Answer(event, list(args), CHILD, to_ghosts=True, to_real=False)


def _argument(index: int, event: str, to_ghosts: bool) -> Answer:
    return Answer(event, [], index, to_ghosts=to_ghosts, to_real=True)


ANSWERS: dict[tuple[str, str], list[Answer]] = {
    # A toplevel that nobody shows still gets its first configure: clients draw only after it.
    ("xdg_surface", "get_toplevel"): [_child("configure", 0, 0, b""), _self("configure", 1)],
    ("xdg_surface", "get_popup"): [_child("popup_done")],
    # A source that does not become the selection: a real one is as good as replaced at once. One that is a ghost itself is left in the
    # belief that it is the selection, so that a window can still paste what it has copied.
    ("wl_data_device", "set_selection"): [_argument(0, "cancelled", to_ghosts=False)],
    ("zwp_primary_selection_device_v1", "set_selection"): [_argument(0, "cancelled", to_ghosts=False)],
    ("gtk_primary_selection_device", "set_selection"): [_argument(0, "cancelled", to_ghosts=False)],
    # A drag that does not begin: toolkits keep the pointer until it ends.
    ("wl_data_device", "start_drag"): [_argument(0, "cancelled", to_ghosts=True)],
    ("wp_presentation", "feedback"): [_child("discarded")],
    ("xdg_activation_token_v1", "commit"): [_no("done", "")],
    ("zwp_linux_buffer_params_v1", "create"): [_no("failed")],
    ("zwlr_screencopy_frame_v1", "copy"): [_no("failed")],
    ("zwlr_screencopy_frame_v1", "copy_with_damage"): [_no("failed")],
    ("zwlr_layer_shell_v1", "get_layer_surface"): [_child("closed")],
    ("ext_image_copy_capture_manager_v1", "create_session"): [_child("stopped")],
    ("ext_image_copy_capture_frame_v1", "capture"): [_no("failed", 0)],
    ("ext_foreign_toplevel_list_v1", "stop"): [_self("finished")],
    ("ext_session_lock_manager_v1", "lock"): [_child("finished")],
    ("zwlr_output_configuration_v1", "apply"): [_no("failed")],
    ("zwlr_output_configuration_v1", "test"): [_no("failed")],
    ("zwlr_gamma_control_manager_v1", "get_gamma_control"): [_child("failed")],
}
