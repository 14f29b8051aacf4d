"""What a surface or a window has at most one of: the error that each protocol names for the second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.handlers.test_surfaces import with_buffer
from tests.handlers.test_windows import buffered
from tests.scene import BASIC, Scene, policy
from wlproxy.core.quotas import Usage
from wlproxy.handlers.attachments import ONE_EACH
from wlproxy.policy.model import ERROR, IN_ORDER, Origin, PermissionRule

CONSTRAINTS = "zwp_pointer_constraints_v1"
DECORATIONS = "zxdg_decoration_manager_v1"
DIALOGS = "xdg_wm_dialog_v1"
ACTIVATION = "xdg_activation_v1"
SHORTCUTS = "zwp_keyboard_shortcuts_inhibit_manager_v1"
LAYERS = "zwlr_layer_shell_v1"


@pytest.mark.parametrize(("manager", "request_name"), ONE_EACH)
def test_a_surface_has_one_of_each(manager, request_name):
    scene = Scene(policy("wl_compositor", "wl_seat", manager)).announce(names=("wl_compositor", "wl_seat", manager))
    scene.bind("wl_compositor", 3).bind("wl_seat", 4).bind(manager, 5).guest(3, "create_surface", 6).guest(3, "create_surface", 7)
    more = (4,) if manager == SHORTCUTS else ()
    scene.guest(5, request_name, 8, 6, *more).guest(5, request_name, 9, 7, *more).goes_on()
    scene.guest(8, "destroy").guest(5, request_name, 10, 6, *more).goes_on()
    scene.guest(5, request_name, 11, 6, *more).ends(5, ONE_EACH[manager, request_name][1], "wl_surface#6 has one already")


@pytest.mark.parametrize(("manager", "request_name"), ONE_EACH)
def test_the_error_is_one_that_the_interface_names(manager, request_name):
    errors = next(e for e in Scene().interfaces[manager].enums if e.name == "error")
    entry = next(e for e in errors.entries if e.value == ONE_EACH[manager, request_name][1])
    assert "exists" in entry.name or "already" in entry.name


# -- pointer constraints


def constrained(lifetime: int = 2) -> Scene:
    """compositor 3, seat 4, pointer 5, surface 6, constraints 7, a lock 8."""
    scene = Scene(policy("wl_compositor", "wl_seat", CONSTRAINTS)).announce(names=("wl_compositor", "wl_seat", CONSTRAINTS))
    scene.bind("wl_compositor", 3).bind("wl_seat", 4).guest(4, "get_pointer", 5).guest(3, "create_surface", 6).bind(CONSTRAINTS, 7)
    return scene.guest(7, "lock_pointer", 8, 6, 5, 0, lifetime).goes_on()


@pytest.mark.parametrize("request_name", ["lock_pointer", "confine_pointer"])
def test_a_pointer_is_constrained_once(request_name):
    constrained().guest(7, request_name, 9, 6, 5, 0, 2).ends(7, 1, "zwp_locked_pointer_v1#8 constrains this pointer already")


def test_another_pointer_or_surface_may_be_constrained_too():
    scene = constrained().guest(4, "get_pointer", 9).guest(3, "create_surface", 10)
    scene.guest(7, "lock_pointer", 11, 6, 9, 0, 2).guest(7, "lock_pointer", 12, 10, 5, 0, 2).goes_on()


def test_a_constraint_that_was_destroyed_or_lifted_for_good_may_be_followed_by_another():
    constrained().guest(8, "destroy").guest(7, "confine_pointer", 9, 6, 5, 0, 2).goes_on()
    constrained(lifetime=1).event(8, "unlocked").guest(7, "confine_pointer", 9, 6, 5, 0, 2).goes_on()
    constrained().event(8, "unlocked").guest(7, "confine_pointer", 9, 6, 5, 0, 2).ends(7, 1, "already")


# -- decorations and dialogs


def dressed(version: int = 1, early_destroy: str = ERROR) -> Scene:
    """`Scene.window` with decorations 9."""
    rules = replace(policy(*BASIC, DECORATIONS, DIALOGS), early_destroy=early_destroy)
    scene = Scene(rules).window().event(2, "global", 90, DECORATIONS, 2)
    return scene.bind(DECORATIONS, 9, version=version).forget()


def test_a_window_has_one_decoration():
    dressed().guest(9, "get_toplevel_decoration", 10, 8).goes_on().guest(9, "get_toplevel_decoration", 11, 8).ends(11, 1, "already")


def test_a_decoration_may_follow_another():
    dressed().guest(9, "get_toplevel_decoration", 10, 8).guest(10, "destroy").guest(9, "get_toplevel_decoration", 11, 8).goes_on()


def test_a_window_is_not_destroyed_before_its_decoration():
    dressed().guest(9, "get_toplevel_decoration", 10, 8).guest(8, "destroy").ends(10, 2, "destroyed before it")


def test_the_decoration_of_a_window_whose_surface_goes_first_goes_before_it():
    scene = dressed(early_destroy=IN_ORDER).guest(9, "get_toplevel_decoration", 10, 8).forget().guest(6, "destroy").goes_on()
    gone = ("zxdg_toplevel_decoration_v1#10", "xdg_toplevel#8", "xdg_surface#7", "wl_surface#6")
    scene.host_gets(*(f"{name}.destroy()" for name in gone))
    scene.guest(10, "set_mode", 1).guest(10, "destroy").guest(8, "destroy").guest(7, "destroy").host_gets().goes_on()


@pytest.mark.parametrize("version", [1, 2])
def test_a_decoration_comes_before_the_first_buffer_at_version_1(version):
    scene = dressed(version).guest(6, "commit").event(7, "configure", 60)
    scene.guest(7, "ack_configure", scene.serial())
    scene = with_buffer(scene, 20, 21).guest(6, "attach", 21, 0, 0)
    scene.guest(9, "get_toplevel_decoration", 22, 8)
    scene.goes_on() if version == 2 else scene.ends(22, 0, "a buffer already")


@pytest.mark.parametrize("mode", [0, 3])
def test_a_mode_that_does_not_exist_is_invalid_mode(mode):
    scene = dressed().guest(9, "get_toplevel_decoration", 10, 8).guest(10, "set_mode", 2).goes_on()
    scene.guest(10, "set_mode", mode).ends(10, 3, "no mode")


def test_a_window_has_one_dialog():
    scene = dressed().event(2, "global", 91, DIALOGS, 1).bind(DIALOGS, 10).guest(10, "get_xdg_dialog", 11, 8).goes_on()
    scene.guest(11, "destroy").guest(10, "get_xdg_dialog", 12, 8).goes_on()
    scene.guest(10, "get_xdg_dialog", 13, 8).ends(10, 0, "already")


# -- other shells


def test_wl_shell_gives_a_role_once():
    scene = Scene(policy(*BASIC, "wl_shell")).announce(names=("wl_compositor", "wl_shell", "xdg_wm_base")).bind("wl_compositor", 3)
    scene.bind("wl_shell", 4).bind("xdg_wm_base", 5).guest(3, "create_surface", 6).guest(4, "get_shell_surface", 7, 6).goes_on()
    scene.guest_bytes(scene.request(5, "get_xdg_surface", 8, 6)).ends(5, 0, "is a wl_shell_surface already")


def test_wl_shell_gives_no_second_shell_surface():
    scene = Scene(policy(*BASIC, "wl_shell")).announce(names=("wl_compositor", "wl_shell")).bind("wl_compositor", 3)
    scene.bind("wl_shell", 4).guest(3, "create_surface", 5).guest(4, "get_shell_surface", 6, 5)
    scene.guest(4, "get_shell_surface", 7, 5).ends(4, 0, "already")


def layer() -> Scene:
    scene = Scene(policy("wl_compositor", "wl_shm", LAYERS)).announce(names=("wl_compositor", "wl_shm", LAYERS))
    return scene.bind("wl_compositor", 3).bind(LAYERS, 4).guest(3, "create_surface", 5)


def test_a_layer_surface_is_a_role():
    scene = layer().guest(4, "get_layer_surface", 6, 5, 0, 1, "x").goes_on()
    scene.guest(4, "get_layer_surface", 7, 5, 0, 1, "x").ends(4, 0, "has its zwlr_layer_surface_v1#6 already")


def test_a_surface_is_not_destroyed_before_its_layer_surface():
    layer().guest(4, "get_layer_surface", 6, 5, 0, 1, "x").guest(5, "destroy").ends(5, 4, "zwlr_layer_surface_v1#6")


def test_a_layer_surface_has_no_buffer_yet():
    scene = with_buffer(layer(), 20, 21).guest(5, "attach", 21, 0, 0)
    scene.guest(4, "get_layer_surface", 22, 5, 0, 1, "x").ends(4, 2, "a buffer already")


# -- tokens


@pytest.mark.parametrize(("request_name", "args"), [("set_app_id", ("x",)), ("set_surface", (4,)), ("commit", ())])
def test_a_token_is_asked_for_once(request_name, args):
    scene = Scene(policy("wl_compositor", ACTIVATION)).announce(names=("wl_compositor", ACTIVATION)).bind("wl_compositor", 3)
    scene.guest(3, "create_surface", 4).bind(ACTIVATION, 5).guest(5, "get_activation_token", 6)
    scene.guest(6, "set_app_id", "x").guest(6, "commit").goes_on().guest(6, request_name, *args).ends(6, 0, "already")


def activating(needs: bool = True, usage: Usage | None = None) -> Scene:
    """surface 4, activation 5, token 6, keyboard 8."""
    parameters = {"needs-input-serial": True} if needs else {}
    given = {"focus-request": PermissionRule("allow", Origin("p.toml", 1), parameters)}
    names = ("wl_compositor", ACTIVATION, "wl_seat")
    scene = Scene(policy(*names, permissions=given), usage=usage).announce(names=names).bind("wl_compositor", 3)
    scene.guest(3, "create_surface", 4).bind(ACTIVATION, 5).guest(5, "get_activation_token", 6)
    return scene.bind("wl_seat", 7).guest(7, "get_keyboard", 8).event(8, "key", 60, 1, 30, 1)


def token(scene: Scene, *serials: int) -> Scene:
    for serial in serials:
        scene.guest(6, "set_serial", serial, 7)
    return scene.guest(6, "commit").event(6, "done", "T").forget()


def test_a_token_for_the_users_input_is_good_for_one_activation():
    scene = activating()
    token(scene, scene.serial()).guest(5, "activate", "T", 4).host_gets("xdg_activation_v1#5.activate('T', 4)")
    scene.guest(5, "activate", "T", 4).host_gets().goes_on()
    assert scene.records("refused")[-1].rule == "permission: focus-request"


@pytest.mark.parametrize("serials", [(), (4711,)])
def test_a_token_without_the_users_input_activates_nothing(serials):
    token(activating(), *serials).guest(5, "activate", "T", 4).host_gets().goes_on()
    token(activating(False), *serials).guest(5, "activate", "T", 4).host_gets("xdg_activation_v1#5.activate('T', 4)")


def test_a_token_that_a_launcher_handed_on_is_good_in_another_connection_of_the_guest():
    usage = Usage()
    first, second, other = activating(usage=usage), activating(usage=usage), activating()
    token(first, first.serial())
    other.forget().guest(5, "activate", "T", 4).host_gets()
    second.forget().guest(5, "activate", "T", 4).host_gets("xdg_activation_v1#5.activate('T', 4)")


def test_of_tokens_that_nobody_uses_the_newest_are_kept():
    usage = Usage()
    for number in range(70):
        scene = activating(usage=usage)
        scene.guest(6, "set_serial", scene.serial(), 7).guest(6, "commit").event(6, "done", f"T{number}")
    assert list(usage.tokens) == [f"T{number}" for number in range(6, 70)]


# -- buffers, regions, releases


def test_a_single_pixel_has_a_size():
    names = ("wl_compositor", "wp_viewporter", "wp_single_pixel_buffer_manager_v1")
    scene = Scene(policy(*names)).announce(names=names).bind("wl_compositor", 3).bind("wp_viewporter", 4).bind(names[2], 5)
    scene.guest(5, "create_u32_rgba_buffer", 6, 0, 0, 0, 0).guest(3, "create_surface", 7).guest(4, "get_viewport", 8, 7)
    scene.guest(8, "set_source", 0, 0, 2 << 8, 1 << 8).guest(7, "attach", 6, 0, 0).guest(7, "commit").ends(8, 2, "1 x 1")


def test_a_region_has_a_bounded_number_of_rectangles():
    scene = Scene().announce().bind("wl_compositor", 3).guest(3, "create_region", 4).forget()
    for number in range(300):
        scene.guest(4, "add" if number % 2 else "subtract", number, number, 1, 1)
    assert len(scene.host_lines) == 256
    scene.goes_on()


def test_a_release_needs_a_buffer():
    scene = buffered()
    scene.guest(3, "create_surface", 11).guest(11, "attach", 10, 0, 0).guest(11, "get_release", 12).guest(11, "commit").goes_on()
    scene.guest(11, "get_release", 13).guest(11, "commit").ends(11, 5, "no buffer to be released")
