"""Cursors and drag icons: one role, bounded size, a hot spot inside; whatever order a guest says it in."""

from __future__ import annotations

import pytest

from tests.handlers.test_selections import desk, pressed
from tests.scene import BASIC, Scene, policy

VIEWS = policy(*BASIC, "wp_viewporter", "wp_cursor_shape_manager_v1", "zwp_tablet_manager_v2")
SMALL, BIG, WIDE = 21, 22, 23


def pointer() -> Scene:
    """`desk` with surfaces 10 and 11, a pool 13 and buffers 14 (256 px), 15 (257 px), and viewporter 16; a pointer over surface 10."""
    scene = desk(VIEWS).guest(3, "create_surface", 11).bind("wl_shm", 12).guest(12, "create_pool", 13, 1 << 20, fds=1)
    scene.guest(13, "create_buffer", 14, 0, 256, 256, 1024, 0).guest(13, "create_buffer", 15, 0, 257, 8, 1028, 0)
    scene.event(2, "global", 98, "wp_viewporter", 1).bind("wp_viewporter", 16)
    scene.event(8, "enter", 70, 10, 0, 0)
    scene.over = scene.serial()  # type: ignore[attr-defined]
    return scene.forget()


def cursor(scene: Scene, surface: int = 11, x: int = 0, y: int = 0) -> Scene:
    return scene.guest(8, "set_cursor", scene.over, surface, x, y)  # type: ignore[attr-defined]


def shown(scene: Scene, buffer: int, surface: int = 11) -> Scene:
    return scene.guest(surface, "attach", buffer, 0, 0).guest(surface, "commit")


HIDDEN = ["wl_surface#11.attach(0, 0, 0)", "wl_surface#11.commit()"]


def test_a_cursor_is_shown_as_it_is():
    scene = shown(cursor(pointer(), x=5, y=6), 14)
    scene.host_gets("wl_pointer#8.set_cursor(70, 11, 5, 6)", "wl_surface#11.attach(14, 0, 0)", "wl_surface#11.commit()")


def test_a_window_is_no_cursor():
    scene = pointer().bind("xdg_wm_base", 17).guest(17, "get_xdg_surface", 18, 11).guest(18, "get_toplevel", 19)
    cursor(scene).ends(8, 0, "wl_surface#11 is a xdg_toplevel already")


def test_a_surface_that_may_become_a_window_is_no_cursor():
    scene = pointer().bind("xdg_wm_base", 17).guest(17, "get_xdg_surface", 18, 11)
    cursor(scene).ends(8, 0, "has its xdg_surface#18 already")


def test_a_cursor_is_no_window():
    cursor(pointer()).bind("xdg_wm_base", 17).guest(17, "get_xdg_surface", 18, 11).ends(17, 0, "set_cursor already")


def test_a_cursor_is_no_drag_icon():
    scene = cursor(pointer())
    scene.guest(6, "start_drag", 9, 10, 11, pressed(scene)).ends(6, 0, "set_cursor already")


def test_the_cursor_of_two_pointers_is_one():
    scene = cursor(pointer()).guest(4, "get_pointer", 17)
    scene.guest(17, "set_cursor", scene.over, 11, 0, 0).goes_on()  # type: ignore[attr-defined]


@pytest.mark.parametrize("before", [False, True])
def test_a_cursor_that_is_too_large_is_not_shown(before):
    scene = cursor(pointer())
    if before:
        shown(scene, 14)
    shown(scene.forget(), 15)
    assert scene.host_lines[1:] == HIDDEN
    assert [r.rule for r in scene.records("rewritten")] == ["built-in: cursor size"]
    shown(scene.forget(), 14).host_gets("wl_surface#11.attach(14, 0, 0)", "wl_surface#11.commit()")


def test_a_surface_that_is_too_large_becomes_no_cursor():
    scene = cursor(shown(pointer(), 15).forget())
    scene.host_gets("wl_pointer#8.set_cursor(70, 0, 0, 0)")


def test_a_large_buffer_of_a_large_scale_is_a_sharp_cursor():
    scene = cursor(pointer()).guest(11, "set_buffer_scale", 2).forget()
    shown(scene, 15).host_gets("wl_surface#11.attach(15, 0, 0)", "wl_surface#11.commit()")


def test_a_scale_that_is_taken_back_makes_a_cursor_too_large():
    scene = shown(cursor(pointer()).guest(11, "set_buffer_scale", 2), 15).guest(11, "set_buffer_scale", 1).forget()
    scene.guest(11, "commit").host_gets(*HIDDEN)


def test_a_scale_that_is_not_committed_does_not_count_yet():
    scene = shown(pointer(), 15).guest(11, "set_buffer_scale", 2).forget()
    cursor(scene).host_gets("wl_pointer#8.set_cursor(70, 0, 0, 0)")


def test_a_viewport_makes_a_cursor_as_large_as_it_says():
    scene = cursor(pointer()).guest(16, "get_viewport", 17, 11).guest(17, "set_destination", 300, 10)
    scene = shown(scene, 14)
    assert scene.host_lines[-2:] == HIDDEN
    shown(scene.guest(17, "set_destination", 256, 10).forget(), 15)
    assert scene.host_lines == ["wl_surface#11.attach(15, 0, 0)", "wl_surface#11.commit()"]


def test_a_viewport_that_is_not_committed_does_not_count_yet():
    scene = shown(pointer(), 15).guest(16, "get_viewport", 17, 11).guest(17, "set_destination", 10, 10).forget()
    cursor(scene).host_gets("wl_pointer#8.set_cursor(70, 0, 0, 0)")


def test_a_viewports_source_counts_where_there_is_no_destination():
    scene = cursor(pointer()).guest(16, "get_viewport", 17, 11).guest(17, "set_source", 0, 0, 8 << 8, 8 << 8).forget()
    shown(scene, 15).host_gets("wl_surface#11.attach(15, 0, 0)", "wl_surface#11.commit()")


def test_a_cursor_has_no_sub_surfaces_that_would_reach_beyond_it():
    scene = cursor(pointer()).event(2, "global", 97, "wl_subcompositor", 1).bind("wl_subcompositor", 17)
    scene.guest(3, "create_surface", 18).forget().guest(17, "get_subsurface", 19, 18, 11).host_gets("wl_display#1.sync(19)").goes_on()


def test_a_surface_with_sub_surfaces_becomes_no_cursor():
    scene = pointer().event(2, "global", 97, "wl_subcompositor", 1).bind("wl_subcompositor", 17)
    scene.guest(3, "create_surface", 18).guest(17, "get_subsurface", 19, 18, 11).forget()
    cursor(scene).host_gets("wl_pointer#8.set_cursor(70, 0, 0, 0)")


@pytest.mark.parametrize(("wanted", "allowed"), [(-1, 0), (256, 256), (257, 256), (2**31 - 1, 256), (-(2**31), 0)])
def test_the_hot_spot_lies_where_a_cursor_can_be(wanted, allowed):
    cursor(pointer(), x=wanted).host_gets(f"wl_pointer#8.set_cursor(70, 11, {allowed}, 0)").goes_on()


def test_a_cursor_does_not_move_away_from_its_hot_spot():
    cursor(pointer()).forget().guest(11, "offset", 7, -7).host_gets("wl_surface#11.offset(0, 0)")


def test_an_icon_stays_within_reach_however_many_steps_it_takes():
    scene = pointer()
    scene.guest(6, "start_drag", 9, 10, 11, pressed(scene)).forget()
    for _ in range(10):
        scene.guest(11, "offset", 100, -200)
    moved = [tuple(map(int, line.partition("(")[2].strip(")").split(", "))) for line in scene.host_lines]
    assert (sum(x for x, _ in moved), sum(y for _, y in moved)) == (512, -512)
    scene.forget().guest(11, "offset", -12, 0).host_gets("wl_surface#11.offset(-12, 0)")


def test_an_icon_that_is_too_large_is_not_shown():
    scene = pointer()
    scene.guest(6, "start_drag", 9, 10, 11, pressed(scene)).guest(13, "create_buffer", 17, 0, 513, 8, 2052, 0).forget()
    shown(scene, 15).goes_on()
    assert scene.host_lines == ["wl_surface#11.attach(15, 0, 0)", "wl_surface#11.commit()"]
    shown(scene, 17)
    assert scene.host_lines[-2:] == HIDDEN


def test_no_cursor_is_no_cursor():
    cursor(pointer(), surface=0).host_gets("wl_pointer#8.set_cursor(70, 0, 0, 0)")


@pytest.mark.parametrize(("version", "shape", "good"), [(1, 0, False), (1, 34, True), (1, 35, False), (2, 36, True), (2, 37, False)])
def test_a_shape_is_one_of_the_version_bound(version, shape, good):
    name = "wp_cursor_shape_manager_v1"
    scene = pointer().event(2, "global", 96, name, 2).bind(name, 17, version=version).guest(17, "get_pointer", 18, 8)
    scene.guest(18, "set_shape", scene.over, shape)  # type: ignore[attr-defined]
    scene.goes_on() if good else scene.ends(18, 1, "no shape")


def test_a_tablet_tools_cursor_is_bounded_like_a_pointers():
    scene = pointer().event(2, "global", 95, "zwp_tablet_manager_v2", 1).bind("zwp_tablet_manager_v2", 17)
    scene.guest(17, "get_tablet_seat", 18, 4).event(18, "tool_added", 0xFF000000).event(18, "tablet_added", 0xFF000001)
    serial = scene.event(0xFF000000, "proximity_in", 71, 0xFF000001, 10).serial()
    scene.forget().guest(0xFF000000, "set_cursor", serial, 11, 999, 0)
    scene.host_gets(f"zwp_tablet_tool_v2#{0xFF000000}.set_cursor(71, 11, 256, 0)")
    assert shown(scene, 15).host_lines[-2:] == HIDDEN
    cursor(scene).ends(8, 0, "zwp_tablet_tool_v2.set_cursor already")
