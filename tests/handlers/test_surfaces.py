"""Roles, sub-surfaces, scale, offsets, damage and buffers of wl_surface: each misuse gets the specification's own error."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.scene import BASIC, Scene, policy
from wlproxy.core import wire
from wlproxy.core.quotas import COUNTED, Limits
from wlproxy.policy.model import IN_ORDER

TOPLEVELS = COUNTED.index("toplevels")


def surfaces(*ids: int) -> Scene:
    """compositor 3, subcompositor 4 and surfaces from 5."""
    scene = Scene(policy(*BASIC)).announce(names=("wl_compositor", "wl_subcompositor", "xdg_wm_base", "wl_shm"))
    scene.bind("wl_compositor", 3).bind("wl_subcompositor", 4)
    for new_id in ids:
        scene.guest(3, "create_surface", new_id)
    return scene.forget()


def with_buffer(scene: Scene, pool: int = 20, buffer: int = 21) -> Scene:
    """A 16 x 16 buffer; ids up to `pool` are filled with regions."""
    for new_id in range(max(scene.client.objects) + 1, pool - 1):
        scene.guest(3, "create_region", new_id)
    scene.bind("wl_shm", pool - 1, version=1)
    scene.guest(pool - 1, "create_pool", pool, 4096, fds=1)
    return scene.guest(pool, "create_buffer", buffer, 0, 16, 16, 64, 0).forget()


def test_destroying_a_surface_before_a_window_that_others_depend_on_is_defunct_role_object():
    """sway 1.7 dies of a popup whose parent is gone."""
    scene = tidy().window().guest(3, "create_surface", 9).guest(5, "get_xdg_surface", 10, 9).guest(5, "create_positioner", 11)
    scene.guest(11, "set_size", 10, 10).guest(11, "set_anchor_rect", 0, 0, 5, 5).guest(10, "get_popup", 12, 7, 11).forget()
    scene.guest_bytes(scene.request(6, "destroy")).host_gets().ends(6, 4, "destroyed before its xdg_surface#7")


def test_destroying_a_surface_before_its_popup_is_defunct_role_object():
    scene = tidy().window().guest(3, "create_surface", 9).guest(5, "get_xdg_surface", 10, 9).guest(5, "create_positioner", 11)
    scene.guest(11, "set_size", 10, 10).guest(11, "set_anchor_rect", 0, 0, 5, 5).guest(10, "get_popup", 12, 7, 11).forget()
    scene.guest_bytes(scene.request(9, "destroy")).host_gets().ends(9, 4, "destroyed before its xdg_surface#10")


def test_destroying_a_surface_before_the_role_is_constructed_is_defunct_role_object():
    scene = Scene().announce().bind("wl_compositor", 3).bind("xdg_wm_base", 4)
    scene.guest(3, "create_surface", 5).guest(4, "get_xdg_surface", 6, 5).forget()
    scene.guest_bytes(scene.request(5, "destroy")).host_gets().ends(5, 4, "destroyed before its xdg_surface#6")


TAKEN_DOWN = ("xdg_toplevel#8.destroy()", "xdg_surface#7.destroy()", "wl_surface#6.destroy()")


def tidy(limits: Limits | None = None) -> Scene:
    """Under a policy that takes such windows down."""
    return Scene(replace(policy(*BASIC), early_destroy=IN_ORDER), limits)


def test_a_surface_goes_after_its_window_where_the_policy_does_not_say_otherwise():
    scene = Scene().window().forget()
    scene.guest_bytes(scene.request(6, "destroy")).host_gets().ends(6, 4, "destroyed before its xdg_surface#7")


def test_a_window_whose_surface_goes_first_is_taken_down_in_order():
    """What SDL 2 with libdecor 0.1 does of each window that it closes."""
    scene = tidy().window().forget()
    scene.guest(6, "destroy").host_gets(*TAKEN_DOWN).goes_on()
    (record,) = scene.records("rewritten")
    assert record.reason == "its xdg_toplevel#8 and xdg_surface#7 are destroyed before it"


def test_what_was_said_before_in_the_same_read_reaches_the_compositor_before():
    scene = tidy().window().forget()
    scene.guest_bytes(scene.request(8, "set_maximized") + scene.request(6, "destroy")).goes_on()
    scene.host_gets("xdg_toplevel#8.set_maximized()", *TAKEN_DOWN)


def test_a_program_that_destroys_the_parts_of_its_window_late_notices_nothing():
    scene = tidy().window().guest(6, "destroy").forget()
    scene.guest(8, "destroy").guest(7, "destroy").host_gets()
    for freed in (8, 7, 6):
        scene.event(1, "delete_id", freed)
    scene.guest_gets(*(f"wl_display#1.delete_id({freed})" for freed in (8, 7, 6)))
    scene.guest(5, "destroy").host_gets("xdg_wm_base#5.destroy()").goes_on()


def test_the_ids_of_a_window_that_is_taken_down_are_free_once_the_guest_has_destroyed_them():
    scene = tidy().window().guest(6, "destroy")
    for freed in (8, 7, 6):
        scene.event(1, "delete_id", freed)
    scene.forget()
    scene.guest(8, "destroy").guest_gets("wl_display#1.delete_id(8)").host_gets()
    scene.guest(3, "create_surface", 8).host_gets("wl_compositor#3.create_surface(8)").goes_on()


def test_a_late_configure_of_a_window_that_is_taken_down_is_kept_back_and_an_earlier_one_may_be_answered():
    scene = tidy().window().event(7, "configure", 41)
    serial = scene.serial()
    scene.guest(6, "destroy").forget()
    scene.host_bytes(wire.encode(8, 0, "iia", [0, 0, b""]) + wire.encode(7, 0, "u", [42])).guest_gets()
    scene.guest(7, "ack_configure", serial).host_gets().goes_on()


@pytest.mark.parametrize(
    ("object_id", "request_name", "args"),
    [
        (8, "set_title", ("x",)),
        (8, "set_maximized", ()),
        (8, "set_parent", (0,)),
        (7, "set_window_geometry", (0, 0, 9, 9)),
        (7, "get_toplevel", (9,)),
    ],
)
def test_to_use_a_window_that_is_taken_down_ends_the_session(object_id, request_name, args):
    """weston 10.0.1 and sway 1.7 die of it."""
    scene = tidy().window().guest(6, "destroy").forget()
    scene.guest(object_id, request_name, *args).ends(1, 0, "its wl_surface#6 was destroyed before it")
    assert not any("xdg" in line for line in scene.host_lines)


def test_nothing_that_names_a_window_that_is_taken_down_reaches_the_compositor():
    scene = tidy().window().guest(3, "create_surface", 9).guest(5, "get_xdg_surface", 10, 9).guest(10, "get_toplevel", 11)
    scene.guest(6, "destroy").forget()
    scene.guest(11, "set_parent", 8).host_gets("xdg_toplevel#11.set_parent(0)").goes_on()


def test_windows_that_are_taken_down_are_windows_no_more_for_the_quota():
    scene = tidy(Limits(toplevels=1)).window()
    scene.guest(6, "destroy").event(1, "delete_id", 6)
    scene.guest(3, "create_surface", 6).guest(5, "get_xdg_surface", 9, 6).guest(9, "get_toplevel", 10).goes_on()
    kinds = scene.session.connection.usage.kinds
    assert kinds[TOPLEVELS].now == 1
    scene.guest(8, "destroy")
    assert kinds[TOPLEVELS].now == 1
    scene.event(1, "delete_id", 8)
    assert kinds[TOPLEVELS].now == 1
    scene.guest(3, "create_surface", 8).guest(5, "get_xdg_surface", 11, 8)
    scene.guest_bytes(scene.request(11, "get_toplevel", 12)).ends(1, 2, "more than 1 toplevels")


def test_a_surface_may_go_once_its_window_has_gone():
    scene = Scene().window().forget()
    scene.guest(8, "destroy").guest(7, "destroy").guest(6, "destroy").goes_on()
    assert scene.host_lines == ["xdg_toplevel#8.destroy()", "xdg_surface#7.destroy()", "wl_surface#6.destroy()"]


def test_a_surface_may_go_before_its_subsurface_which_is_inert_then():
    scene = surfaces(5, 6).guest(4, "get_subsurface", 7, 6, 5).guest(6, "destroy").goes_on().forget()
    scene.guest(7, "place_above", 5).host_gets().goes_on()


def test_a_surface_has_one_role():
    scene = surfaces(5, 6).guest(4, "get_subsurface", 7, 6, 5).bind("xdg_wm_base", 8)
    scene.guest(8, "get_xdg_surface", 9, 6).ends(8, 0, "wl_surface#6 is a wl_subsurface already")


def test_a_window_cannot_become_a_subsurface():
    scene = Scene().window().bind("wl_compositor", 9).guest(9, "create_surface", 10)
    scene.guest(8, "destroy").guest(7, "destroy")
    scene = surfaces(5, 6).bind("xdg_wm_base", 7).guest(7, "get_xdg_surface", 8, 6).guest(8, "get_toplevel", 9)
    scene.guest(9, "destroy").guest(8, "destroy")
    scene.guest(4, "get_subsurface", 10, 6, 5).ends(4, 0, "wl_surface#6 is a xdg_toplevel already")


def test_get_subsurface_twice_is_bad_surface():
    scene = surfaces(5, 6).guest(4, "get_subsurface", 7, 6, 5)
    scene.guest(4, "get_subsurface", 8, 6, 5).ends(4, 0, "has its wl_subsurface#7 already")


@pytest.mark.parametrize("chain", [[(5, 5)], [(6, 5), (5, 6)], [(6, 5), (7, 6), (5, 7)]])
def test_a_loop_of_subsurfaces_is_bad_parent(chain):
    scene = surfaces(5, 6, 7)
    for number, (child, parent) in enumerate(chain):
        scene.guest(4, "get_subsurface", 8 + number, child, parent)
    scene.ends(4, 1, "its own ancestor")


def test_a_subsurface_that_is_gone_is_in_nobodys_way():
    scene = surfaces(5, 6).guest(4, "get_subsurface", 7, 6, 5).guest(7, "destroy")
    scene.guest(4, "get_subsurface", 8, 5, 6).goes_on()


def test_subsurfaces_do_not_nest_for_ever():
    scene = surfaces(*range(5, 25))
    for level in range(16):
        scene.guest(4, "get_subsurface", 25 + level, 6 + level, 5 + level).goes_on()
    scene.guest(4, "get_subsurface", 41, 22, 21).ends(1, 3, "more than 16 levels")


def test_trees_joined_from_below_count_their_whole_height():
    scene = surfaces(*range(5, 27))
    next_id = 27
    for child in (*range(6, 14), *range(16, 24)):
        scene.guest(4, "get_subsurface", next_id, child, child - 1).goes_on()
        next_id += 1
    scene.guest(4, "get_subsurface", next_id, 15, 13).ends(1, 3, "more than 16 levels")


def test_one_parent_has_a_bounded_number_of_children():
    scene = surfaces(*range(5, 75))
    for number in range(64):
        scene.guest(4, "get_subsurface", 75 + number, 6 + number, 5).goes_on()
    scene.guest(4, "get_subsurface", 139, 70, 5).ends(1, 3, "more than 64 children")


def test_placing_beside_a_stranger_is_bad_surface():
    scene = surfaces(5, 6, 7).guest(4, "get_subsurface", 8, 6, 5)
    scene.guest(8, "place_above", 5).goes_on()
    scene.guest(8, "place_below", 7).ends(8, 0, "neither sibling nor parent")


def test_a_subsurface_stays_within_what_a_window_can_be():
    scene = surfaces(5, 6).guest(4, "get_subsurface", 7, 6, 5).forget()
    scene.guest(7, "set_position", -(2**31), 40).host_gets("wl_subsurface#7.set_position(-16384, 40)")


@pytest.mark.parametrize("scale", [0, -1, -(2**31)])
def test_a_scale_that_is_not_positive_is_invalid_scale(scale):
    surfaces(5).guest(5, "set_buffer_scale", scale).ends(5, 0, "not positive")


def test_a_scale_beyond_reason_is_refused():
    surfaces(5).guest(5, "set_buffer_scale", 2**31 - 1).ends(1, 3, "above 64")


@pytest.mark.parametrize("transform", [-1, 8, 2**31 - 1])
def test_a_transform_that_does_not_exist_is_invalid_transform(transform):
    surfaces(5).guest(5, "set_buffer_transform", transform).ends(5, 1, "does not exist")


@pytest.mark.parametrize("offset", [(1, 0), (0, 1)])
def test_attach_with_an_offset_is_invalid_offset_from_version_5(offset):
    scene = with_buffer(surfaces(5))
    scene.guest(5, "attach", 21, *offset).ends(5, 3, "use wl_surface.offset")


def test_attach_with_an_offset_does_not_move_a_window_of_an_older_version():
    scene = Scene().announce()
    scene.bind("wl_compositor", 3, version=4).bind("wl_shm", 4).bind("xdg_wm_base", 5)
    scene.guest(3, "create_surface", 6).guest(5, "get_xdg_surface", 7, 6).guest(7, "get_toplevel", 8).forget()
    scene.guest(6, "attach", 0, 100, 100).host_gets("wl_surface#6.attach(0, 0, 0)")
    assert [r.rule for r in scene.records("rewritten")] == ["built-in: offset"] * 2


@pytest.mark.parametrize("shown", [False, True])
def test_a_buffer_destroyed_between_attach_and_commit_is_not_committed(shown):
    scene = with_buffer(surfaces(5)).guest(5, "attach", 21, 0, 0)
    if shown:
        scene.guest(5, "commit").guest(5, "attach", 21, 0, 0)
    scene.guest(21, "destroy").forget()
    scene.guest(5, "commit").host_gets("wl_surface#5.attach(0, 0, 0)", "wl_surface#5.commit()")


def test_damage_beyond_the_cap_becomes_its_bounding_box():
    scene = surfaces(5)
    for number in range(100):
        scene.guest(5, "damage", number, number, 1, 1)
    assert len(scene.host_lines) == 64
    scene.forget().guest(5, "commit").host_gets("wl_surface#5.damage(64, 64, 36, 36)", "wl_surface#5.commit()")
    scene.guest(5, "damage", 1, 1, 1, 1).host_gets("wl_surface#5.damage(1, 1, 1, 1)")
