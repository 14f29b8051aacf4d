"""xdg-shell: order of construction, configure and destruction, positioners, popups, sizes."""

from __future__ import annotations

import pytest

from tests.scene import BASIC, Scene, policy
from wlproxy.handlers.windows import DEEPEST_POPUP
from wlproxy.policy.model import Origin, PermissionRule


def buffered() -> Scene:
    """`Scene.window()` with a 16 x 16 buffer 10 in pool 9."""
    scene = Scene().window().guest(4, "create_pool", 9, 4096, fds=1)
    return scene.guest(9, "create_buffer", 10, 0, 16, 16, 64, 0).forget()


def configured() -> Scene:
    """The window has been configured and shows its buffer."""
    scene = buffered().guest(6, "commit").event(8, "configure", 0, 0, b"").event(7, "configure", 41)
    return scene.guest(7, "ack_configure", scene.serial()).guest(6, "attach", 10, 0, 0).guest(6, "commit").goes_on().forget()


def popup(scene: Scene) -> Scene:
    """surface 11, xdg_surface 12 and a complete positioner 13."""
    scene.guest(3, "create_surface", 11).guest(5, "get_xdg_surface", 12, 11).guest(5, "create_positioner", 13)
    return scene.guest(13, "set_size", 10, 10).guest(13, "set_anchor_rect", 0, 0, 5, 5).forget()


def test_a_buffer_before_the_first_configure_is_unconfigured_buffer():
    buffered().guest(6, "attach", 10, 0, 0).guest(6, "commit").ends(7, 3, "before the first configure is acknowledged")


def test_a_buffer_before_the_role_is_unconfigured_buffer():
    scene = buffered().guest(8, "destroy").guest(6, "attach", 10, 0, 0)
    scene.guest(6, "commit").ends(7, 3, "before the role is constructed")


def test_an_unmapped_window_starts_again_with_a_configure():
    scene = configured().guest(6, "attach", 0, 0, 0).guest(6, "commit").guest(6, "attach", 10, 0, 0)
    scene.guest(6, "commit").ends(7, 3, "before the first configure is acknowledged")


@pytest.mark.parametrize("serial", [0, 40, 41, 0xFFFFFFFF])
def test_acknowledging_a_serial_that_was_not_sent_is_invalid_serial(serial):
    scene = buffered().event(7, "configure", 41)
    scene.guest(7, "ack_configure", serial).ends(7, 4, f"serial {serial}")


def test_acknowledging_a_later_serial_consumes_the_earlier_ones():
    scene = buffered().event(7, "configure", 41)
    earlier = scene.serial()
    scene.event(7, "configure", 42)
    scene.guest(7, "ack_configure", scene.serial()).host_gets("xdg_surface#7.ack_configure(42)")
    scene.guest(7, "ack_configure", earlier).ends(7, 4, "acknowledged already")


def test_a_surface_with_a_buffer_cannot_become_a_window():
    scene = buffered().guest(3, "create_surface", 11).guest(11, "attach", 10, 0, 0).guest(11, "commit")
    scene.guest(5, "get_xdg_surface", 12, 11).ends(5, 4, "has a buffer already")


def test_two_xdg_surfaces_for_one_surface_are_a_role_error():
    buffered().guest(5, "get_xdg_surface", 11, 6).ends(5, 0, "has an xdg_surface already")


def test_a_second_role_object_is_already_constructed():
    buffered().guest(7, "get_toplevel", 11).ends(7, 2, "has its xdg_toplevel already")


def test_requests_before_the_role_are_not_constructed():
    scene = buffered().guest(8, "destroy")
    scene.guest(7, "set_window_geometry", 0, 0, 5, 5).ends(7, 1, "no role")


def test_the_xdg_surface_may_not_go_before_its_window():
    buffered().guest(7, "destroy").ends(7, 6, "destroyed before its xdg_toplevel#8")


def test_the_manager_may_not_go_before_its_surfaces():
    buffered().guest(5, "destroy").ends(5, 1, "before 1 of its xdg_surfaces")


def test_the_manager_may_go_after_its_surfaces():
    buffered().guest(8, "destroy").guest(7, "destroy").guest(5, "destroy").goes_on()


def test_a_popup_of_itself_is_invalid_popup_parent():
    """sway 1.7 dies of it."""
    popup(configured()).guest(12, "get_popup", 14, 12, 13).host_gets().ends(5, 3, "no constructed xdg_surface")


@pytest.mark.parametrize("parent", [0, 12])
def test_a_popup_without_a_constructed_parent_is_invalid_popup_parent(parent):
    popup(configured()).guest(12, "get_popup", 14, parent, 13).ends(5, 3, "parent")


@pytest.mark.parametrize("step", ["size", "anchor"])
def test_a_popup_with_an_incomplete_positioner_is_invalid_positioner(step):
    scene = popup(configured()).guest(5, "create_positioner", 14)
    if step == "size":
        scene.guest(14, "set_size", 10, 10)
    else:
        scene.guest(14, "set_anchor_rect", 0, 0, 1, 1)
    scene.guest(12, "get_popup", 15, 7, 14).ends(5, 5, "lacks a size or an anchor rectangle")


@pytest.mark.parametrize("size", [(0, 1), (1, 0), (-1, 5)])
def test_a_positioner_size_that_is_not_positive_is_invalid_input(size):
    popup(configured()).guest(13, "set_size", *size).ends(13, 0, "not positive")


@pytest.mark.parametrize("size", [(-1, 5), (5, -1)])
def test_a_negative_anchor_rectangle_is_invalid_input(size):
    popup(configured()).guest(13, "set_anchor_rect", 0, 0, *size).ends(13, 0, "is negative")


def test_a_popup_far_away_is_brought_into_range():
    popup(configured()).guest(13, "set_offset", -(2**31), 2**31 - 1).host_gets("xdg_positioner#13.set_offset(-16384, 16384)")


def test_a_popup_is_repositioned_by_a_complete_positioner():
    scene = popup(configured()).guest(12, "get_popup", 14, 7, 13).guest(5, "create_positioner", 15)
    scene.guest(14, "reposition", 15, 1).ends(5, 5, "lacks a size or an anchor rectangle")


def test_popups_do_not_nest_for_ever():
    scene = popup(configured()).guest(12, "get_popup", 14, 7, 13)
    above, free = 12, 15
    for _ in range(DEEPEST_POPUP):
        scene.guest(3, "create_surface", free).guest(5, "get_xdg_surface", free + 1, free)
        scene.guest(free + 1, "get_popup", free + 2, above, 13)
        above, free = free + 1, free + 3
    scene.ends(1, 3, f"more than {DEEPEST_POPUP} nested popups")


@pytest.mark.parametrize("value", [-1, 9, 2**31 - 1])
def test_an_anchor_that_does_not_exist_is_invalid_input(value):
    popup(configured()).guest(13, "set_anchor", value & 0xFFFFFFFF).ends(13, 0, "not in the enum")


def test_popups_go_topmost_first():
    scene = popup(configured()).guest(12, "get_popup", 14, 7, 13)
    scene.guest(3, "create_surface", 15).guest(5, "get_xdg_surface", 16, 15).guest(16, "get_popup", 17, 12, 13)
    scene.guest(14, "destroy").ends(5, 2, "before its xdg_popup#17")


def test_popups_taken_down_in_order_are_fine():
    scene = popup(configured()).guest(12, "get_popup", 14, 7, 13)
    scene.guest(14, "destroy").guest(12, "destroy").guest(11, "destroy").guest(8, "destroy").goes_on()


def test_a_grab_after_the_popup_was_mapped_is_invalid_grab():
    scene = popup(configured()).guest(12, "get_popup", 14, 7, 13).guest(11, "commit").event(12, "configure", 50)
    scene.guest(12, "ack_configure", scene.serial()).guest(11, "attach", 10, 0, 0).guest(11, "commit")
    scene.bind("wl_seat", 15).guest(15, "get_keyboard", 16).event(16, "key", 60, 1, 30, 1)
    scene.guest(14, "grab", 15, scene.serial()).ends(14, 0, "after the popup was mapped")


def test_a_grab_below_a_popup_that_has_none_is_invalid_grab():
    scene = popup(configured()).guest(12, "get_popup", 14, 7, 13)
    scene.guest(3, "create_surface", 15).guest(5, "get_xdg_surface", 16, 15).guest(16, "get_popup", 17, 12, 13)
    scene.bind("wl_seat", 18).guest(18, "get_keyboard", 19).event(19, "key", 60, 1, 30, 1)
    scene.guest(17, "grab", 18, scene.serial()).ends(17, 0, "its parent popup has no grab")


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5)])
def test_a_window_geometry_that_is_not_positive_is_invalid_size(size):
    buffered().guest(7, "set_window_geometry", 0, 0, *size).ends(7, 5, "not positive")


@pytest.mark.parametrize("size", [(2**31 - 1, 5), (5, 2**31 - 1)])
def test_a_window_geometry_that_no_screen_can_show_is_refused(size):
    buffered().guest(7, "set_window_geometry", 0, 0, *size).ends(1, 3, "above 16384")


def second_window(scene: Scene) -> Scene:
    """surface 11, xdg_surface 12 and toplevel 13, without a buffer."""
    return scene.guest(3, "create_surface", 11).guest(5, "get_xdg_surface", 12, 11).guest(12, "get_toplevel", 13).forget()


def test_a_window_cannot_be_its_own_ancestor():
    scene = second_window(configured()).guest(11, "commit").event(12, "configure", 42)
    scene.guest(12, "ack_configure", scene.serial()).guest(11, "attach", 10, 0, 0).guest(11, "commit")
    scene.guest(13, "set_parent", 8).goes_on()
    scene.guest(8, "set_parent", 13).ends(8, 1, "its own ancestor")
    buffered().guest(8, "set_parent", 8).ends(8, 1, "its own ancestor")


def test_a_parent_that_is_not_mapped_is_null_for_the_compositor():
    """Found by tests/attack: weston 10 ends with SIGSEGV otherwise."""
    scene = second_window(configured()).guest(8, "set_parent", 13).host_gets("xdg_toplevel#8.set_parent(0)").goes_on()
    scene.guest(13, "set_parent", 8).host_gets("xdg_toplevel#13.set_parent(8)")


@pytest.mark.parametrize("size", [(-1, 5), (5, -1)])
def test_negative_size_bounds_are_invalid_size(size):
    buffered().guest(8, "set_min_size", *size).ends(8, 2, "negative")


def test_size_bounds_that_contradict_each_other_are_invalid_size_at_commit():
    scene = buffered().guest(8, "set_min_size", 50, 50).guest(8, "set_max_size", 40, 40).goes_on()
    scene.guest(6, "commit").ends(8, 2, "minimum 50 is above maximum 40")


def test_huge_size_bounds_are_brought_into_range():
    buffered().guest(8, "set_max_size", 2**31 - 1, 100).host_gets("xdg_toplevel#8.set_max_size(16384, 100)")


def test_an_edge_that_does_not_exist_is_invalid_resize_edge():
    scene = buffered().bind("wl_seat", 11).guest(11, "get_pointer", 12).event(12, "button", 60, 1, 0x110, 1)
    scene.guest(8, "resize", 11, scene.serial(), 3).ends(8, 0, "no edge 3")


def test_a_popup_of_a_parent_that_nobody_shows_is_shown_by_nobody():
    """The shell was removed and bound again: its windows are the guest's alone, those of the first binding are not."""
    scene = popup(configured()).event(2, "global_remove", 54).bind("xdg_wm_base", 14).guest(3, "create_surface", 15)
    scene.guest(14, "get_xdg_surface", 16, 15).guest(16, "get_toplevel", 17).forget()
    scene.guest(12, "get_popup", 18, 16, 13).host_gets("wl_display#1.sync(18)").guest_gets("xdg_popup#18.popup_done()").goes_on()


def test_a_configure_for_a_window_that_is_gone_does_not_configure_the_next():
    scene = buffered().guest(8, "destroy").event(7, "configure", 41)
    earlier = scene.serial()
    scene.guest(7, "get_toplevel", 11).guest(7, "ack_configure", earlier).ends(7, 4, "was not sent")


def test_a_parents_size_is_brought_into_range():
    popup(configured()).guest(13, "set_parent_size", 2**31 - 1, 5).host_gets("xdg_positioner#13.set_parent_size(16384, 5)")


# -- permission popup-grab


def test_menus_beyond_the_depth_do_not_take_the_input():
    given = {"popup-grab": PermissionRule("allow", Origin("p.toml", 1), {"max-depth": 1})}
    scene = Scene(policy(*BASIC, permissions=given)).window().bind("wl_seat", 9).guest(9, "get_keyboard", 10)
    serial = scene.event(10, "key", 60, 1, 30, 1).serial()
    scene = popup(scene).guest(12, "get_popup", 14, 7, 13)
    scene.guest(14, "grab", 9, serial)
    assert scene.host_lines[-1].startswith("xdg_popup#14.grab(")
    scene.guest(3, "create_surface", 15).guest(5, "get_xdg_surface", 16, 15).guest(16, "get_popup", 17, 12, 13)
    scene.forget().guest(17, "grab", 9, serial).host_gets().goes_on()
    assert scene.records("refused")[-1].reason == "more than 1 menus deep"
    scene.guest(3, "create_surface", 18).guest(5, "get_xdg_surface", 19, 18).guest(19, "get_popup", 20, 16, 13)
    scene.forget().guest(20, "grab", 9, serial).host_gets().goes_on()  # not "its parent has no grab": the guest cannot know
