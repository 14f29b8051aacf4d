"""Icons of windows: square, shared memory, small, alive, and fixed once they are set."""

from __future__ import annotations

import pytest

from tests.scene import BASIC, Scene, policy

ICONS = "xdg_toplevel_icon_manager_v1"
PIXELS = "wp_single_pixel_buffer_manager_v1"


def icon() -> Scene:
    """`Scene.window` with manager 9, icon 10, pool 11 and a buffer of 64 x 64, 12."""
    scene = Scene(policy(*BASIC, ICONS, PIXELS)).window().event(2, "global", 90, ICONS, 1).bind(ICONS, 9).guest(9, "create_icon", 10)
    scene.guest(4, "create_pool", 11, 8 << 20, fds=1).guest(11, "create_buffer", 12, 0, 64, 64, 256, 0)
    return scene.forget()


def test_an_icon_as_it_should_be_passes():
    scene = icon().guest(10, "set_name", "x").guest(10, "add_buffer", 12, 1).guest(9, "set_icon", 8, 10).goes_on()
    assert len(scene.host_lines) == 3


def test_an_icon_that_is_not_square_is_invalid_buffer():
    icon().guest(11, "create_buffer", 13, 0, 64, 63, 256, 0).guest(10, "add_buffer", 13, 1).ends(10, 1, "not square")


def test_an_icon_that_is_no_shared_memory_is_invalid_buffer():
    scene = icon().event(2, "global", 91, PIXELS, 1).bind(PIXELS, 13).guest(13, "create_u32_rgba_buffer", 14, 0, 0, 0, 0)
    scene.guest(10, "add_buffer", 14, 1).ends(10, 1, "no shared memory")


@pytest.mark.parametrize(("pixels", "good"), [(512, True), (513, False)])
def test_an_icon_that_is_too_large_is_left_out(pixels, good):
    scene = icon().guest(11, "create_buffer", 13, 0, pixels, pixels, 4 * pixels, 0).forget().guest(10, "add_buffer", 13, 1).goes_on()
    assert len(scene.host_lines) == good


@pytest.mark.parametrize("scale", [0, -1])
def test_an_icon_of_no_scale_is_left_out(scale):
    icon().guest(10, "add_buffer", 12, scale).host_gets().goes_on()


def test_an_icon_has_a_bounded_number_of_buffers():
    scene = icon()
    for _ in range(40):
        scene.guest(10, "add_buffer", 12, 1)
    assert len(scene.host_lines) == 32


@pytest.mark.parametrize(("request_name", "args"), [("set_name", ("y",)), ("add_buffer", (12, 2))])
def test_an_icon_that_is_set_is_immutable(request_name, args):
    icon().guest(9, "set_icon", 8, 10).guest(10, request_name, *args).ends(10, 2, "set on a window already")


def test_an_icon_whose_buffer_has_gone_is_no_buffer():
    icon().guest(10, "add_buffer", 12, 1).guest(12, "destroy").guest(9, "set_icon", 8, 10).ends(10, 3, "was destroyed")


def test_an_icon_may_be_taken_back():
    icon().guest(9, "set_icon", 8, 0).host_gets(f"{ICONS}#9.set_icon(8, 0)")


def test_an_icons_name_is_cut():
    icon().guest(10, "set_name", "x" * 300).host_gets(f"xdg_toplevel_icon_v1#10.set_name({'x' * 256!r})")
