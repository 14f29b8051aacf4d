"""What the shipped protocol data holds: the inventory that the core's special cases rest on, and the interfaces of the lists.

An inventory over 105 public XML files gave other figures; ours are 215 from Debian packages. Where they
differ the reason stands beside the number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from wlproxy.core.protocol import FD, NEW_ID, OBJECT, Interface, Message
from wlproxy.policy.load_protocols import load_shipped
from wlproxy.policy.protocol_set import dangling
from wlproxy.policy.protocol_xml import KNOWN_DESTRUCTOR_EVENTS
from wlproxy.tools.manifest import read_manifest

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "protocols" / "interfaces.tsv"


@cache
def shipped() -> dict[str, Interface]:
    return load_shipped()


def named(kind: str, wanted: Callable[[Message], bool]) -> set[str]:
    return {
        f"{interface.name}.{message.name}"
        for interface in shipped().values()
        for message in (interface.requests if kind == "request" else interface.events)
        if wanted(message)
    }


def has(type_: str) -> Callable[[Message], bool]:
    return lambda message: any(argument.type == type_ for argument in message.arguments)


def untyped(type_: str) -> Callable[[Message], bool]:
    return lambda message: any(argument.type == type_ and not argument.interface for argument in message.arguments)


def test_size() -> None:
    # inventory: 286 interfaces, 1423 messages. Ours adds Treeland (66), Chromium OS, Qt, Mir, phosh, and the newer
    # wayland-protocols; it lacks river, COSMIC and AGL, which no package carries.
    assert len(shipped()) == 510
    assert sum(len(i.requests) + len(i.events) for i in shipped().values()) == 2728


def test_requests_with_fds() -> None:
    # inventory: 17. Ours is 18: it lacks river_xkb_config.create_keymap and has wl_eglstream_display.create_stream and
    # zcr_extended_text_input_v1.set_large_surrounding_text.
    assert named("request", has(FD)) == {
        "ext_data_control_offer_v1.receive",
        "gtk_primary_selection_offer.receive",
        "org_kde_plasma_window.get_icon",
        "weston_debug_v1.subscribe",
        "wl_data_offer.receive",
        "wl_drm.create_prime_buffer",
        "wl_eglstream_display.create_stream",
        "wl_shm.create_pool",
        "wp_image_description_creator_icc_v1.set_icc_file",
        "wp_linux_drm_syncobj_manager_v1.import_timeline",
        "wp_security_context_manager_v1.create_listener",
        "zcr_extended_text_input_v1.set_large_surrounding_text",
        "zwlr_data_control_offer_v1.receive",
        "zwlr_gamma_control_v1.set_gamma",
        "zwp_linux_buffer_params_v1.add",
        "zwp_linux_surface_synchronization_v1.set_acquire_fence",
        "zwp_primary_selection_offer_v1.receive",
        "zwp_virtual_keyboard_v1.keymap",
    }


def test_events_with_fds() -> None:
    # inventory: 14. Ours is 23; what it has more is from Chromium OS (2), Treeland (4), Qt (2) and Hyprland (eis_fd).
    theirs_as_well = {
        "ext_data_control_source_v1.send",
        "gtk_primary_selection_source.send",
        "org_kde_kwin_remote_buffer.gbm_handle",
        "wl_data_source.send",
        "wl_keyboard.keymap",
        "wp_drm_lease_device_v1.drm_fd",
        "wp_drm_lease_v1.lease_fd",
        "wp_image_description_info_v1.icc_file",
        "zwlr_data_control_source_v1.send",
        "zwlr_export_dmabuf_frame_v1.object",
        "zwp_input_method_keyboard_grab_v2.keymap",
        "zwp_linux_buffer_release_v1.fenced_release",
        "zwp_linux_dmabuf_feedback_v1.format_table",
        "zwp_primary_selection_source_v1.send",
    }
    assert len(theirs_as_well) == 14
    assert named("event", has(FD)) - theirs_as_well == {
        "hyprland_input_capture_v1.eis_fd",
        "qt_dmabuf_server_buffer.server_buffer_created",
        "treeland_app_id_resolver_v1.identify_request",
        "treeland_app_id_resolver_v2.identify_request",
        "treeland_capture_session_v1.object",
        "treeland_snap_target_v1.pidfd",
        "zcr_extended_text_input_v1.insert_image_with_large_url",
        "zcr_keyboard_device_configuration_v1.layout_install",
        "zqt_vulkan_server_buffer_v1.server_buffer_created",
    }
    assert theirs_as_well <= named("event", has(FD))


def test_events_with_both_fd_and_new_object() -> None:
    # not in the inventory: zombies of these must close the fd and take in the object
    assert named("event", lambda message: has(FD)(message) and has(NEW_ID)(message)) == {
        "qt_dmabuf_server_buffer.server_buffer_created",
        "zqt_vulkan_server_buffer_v1.server_buffer_created",
    }


def test_requests_with_both_fd_and_new_object() -> None:
    # inventory: six; ours lacks river_xkb_config.create_keymap and has wl_eglstream_display.create_stream
    assert named("request", lambda message: has(FD)(message) and has(NEW_ID)(message)) == {
        "weston_debug_v1.subscribe",
        "wl_drm.create_prime_buffer",
        "wl_eglstream_display.create_stream",
        "wl_shm.create_pool",
        "wp_linux_drm_syncobj_manager_v1.import_timeline",
        "wp_security_context_manager_v1.create_listener",
    }


def test_events_with_new_objects() -> None:
    # inventory: 27. It had no Treeland, Chromium OS, Qt, IVI controller; ours has no COSMIC and no river.
    found = named("event", has(NEW_ID))
    assert len(found) == 36
    others = {name for name in found if re.match(r"treeland_|zcr_|z?qt_|ivi_", name)}
    assert len(others) == 10
    assert {"wl_data_device.data_offer", "zwp_input_method_v1.activate", "zwp_linux_buffer_params_v1.created"} <= found - others


def test_destructor_events() -> None:
    # inventory: 21, with COSMIC's and river's; ours has KDE's and Treeland's
    assert named("event", lambda message: message.destructor) == {
        "ext_workspace_manager_v1.finished",
        "kde_output_device_registry_v2.finished",
        "org_kde_plasma_stacking_order.done",
        "treeland_foreign_toplevel_manager_v1.finished",
        "wl_callback.done",
        "wp_drm_lease_device_v1.released",
        "wp_image_description_info_v1.done",
        "wp_presentation_feedback.discarded",
        "wp_presentation_feedback.presented",
        "zwlr_foreign_toplevel_manager_v1.finished",
        "zwlr_output_manager_v1.finished",
        "zwp_fullscreen_shell_mode_feedback_v1.mode_failed",
        "zwp_fullscreen_shell_mode_feedback_v1.mode_successful",
        "zwp_fullscreen_shell_mode_feedback_v1.present_cancelled",
        "zwp_linux_buffer_release_v1.fenced_release",
        "zwp_linux_buffer_release_v1.immediate_release",
    }
    assert {".".join(event) for event in KNOWN_DESTRUCTOR_EVENTS} <= named("event", lambda message: message.destructor)


def test_destructor_requests_that_create() -> None:
    # trap 19: the receiver goes after the new object has come
    assert named("request", lambda message: message.destructor and has(NEW_ID)(message)) == {
        "wp_drm_lease_request_v1.submit",
        "wp_image_description_creator_icc_v1.create",
        "wp_image_description_creator_params_v1.create",
    }


def test_singular_messages() -> None:
    def fds(message: Message) -> int:
        return sum(argument.type == FD for argument in message.arguments)

    assert named("request", untyped(NEW_ID)) == {"wl_registry.bind"}
    assert named("event", untyped(NEW_ID)) == set()
    assert named("event", untyped(OBJECT)) == {"wl_display.error"}
    assert named("request", untyped(OBJECT)) == set()
    assert named("request", lambda message: fds(message) > 1) == {"wp_security_context_manager_v1.create_listener"}
    assert named("event", lambda message: fds(message) > 1) == set()
    # trap 12: it destroys its argument, so it is no destructor of its receiver; the core has it as a special case
    assert not next(m for m in shipped()["wl_fixes"].requests if m.name == "destroy_registry").destructor


def test_every_reference_leads_somewhere() -> None:
    assert [wrong for interface in shipped().values() for wrong in dangling(interface, shipped())] == []


def names_of_the_list() -> list[str]:
    lines = LIST.read_text("utf-8").splitlines()
    return [name for line in lines if line and not line.startswith("#") for name in line.split("|")[0].split()]


def held(name: str) -> bool:
    return any(re.fullmatch(name.replace("*", ".*"), interface) for interface in shipped())


def test_interfaces_of_the_list_are_held_or_accounted_for() -> None:
    manifest = read_manifest(Path(__file__).parents[2] / "protocols")
    missing = {name for entry in manifest.missing for name in entry.interfaces}
    refused = {name for entry in manifest.refused for name in entry.interfaces}
    listed = set(names_of_the_list())
    assert len(listed) > 150
    assert {name for name in listed if not held(name)} == missing | (refused & listed)
    assert missing <= listed
