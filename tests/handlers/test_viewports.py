"""wp_viewport against the buffers it crops."""

from __future__ import annotations

import pytest

from tests.scene import BASIC, Scene, policy

UNIT = 256


def viewport() -> Scene:
    """surface 5 with viewport 6 and a 16 x 16 buffer 9."""
    scene = Scene(policy(*BASIC, "wp_viewporter")).announce(names=("wl_compositor", "wl_shm", "wp_viewporter"))
    scene.bind("wl_compositor", 3).bind("wp_viewporter", 4).guest(3, "create_surface", 5)
    scene.guest(4, "get_viewport", 6, 5).bind("wl_shm", 7).guest(7, "create_pool", 8, 4096, fds=1)
    return scene.guest(8, "create_buffer", 9, 0, 16, 16, 64, 0).guest(5, "attach", 9, 0, 0).forget()


def source(scene: Scene, x: int, y: int, width: int, height: int) -> Scene:
    return scene.guest(6, "set_source", x * UNIT, y * UNIT, width * UNIT, height * UNIT)


def test_a_source_inside_the_buffer_is_fine():
    source(viewport(), 0, 0, 16, 16).guest(5, "commit").goes_on()


@pytest.mark.parametrize("rectangle", [(0, 0, 17, 1), (1, 0, 16, 1), (0, 16, 1, 1), (0, 8388607, 1, 1)])
def test_a_source_outside_the_buffer_is_out_of_buffer(rectangle):
    """sway 1.8 asserts."""
    source(viewport(), *rectangle).guest(5, "commit").ends(6, 2, "outside the buffer")


def test_a_scaled_buffer_is_smaller_on_the_surface():
    source(viewport(), 0, 0, 9, 8).guest(5, "set_buffer_scale", 2).guest(5, "commit").ends(6, 2, "outside the buffer")


@pytest.mark.parametrize("rectangle", [(-1, 0, 1, 1), (0, 0, 0, 1), (0, 0, 1, -1)])
def test_a_source_that_is_negative_or_empty_is_bad_value(rectangle):
    source(viewport(), *rectangle).ends(6, 0, "negative or empty")


def test_a_source_is_unset_by_minus_one():
    source(source(viewport(), 0, 0, 17, 1), -1, -1, -1, -1).guest(5, "commit").goes_on()


def test_a_source_in_fractions_needs_a_destination():
    scene = viewport().guest(6, "set_source", 0, 0, 5 * UNIT + 1, UNIT)
    scene.guest(5, "commit").ends(6, 1, "fractions")
    scene = viewport().guest(6, "set_source", 0, 0, 5 * UNIT + 1, UNIT).guest(6, "set_destination", 10, 10)
    scene.guest(5, "commit").goes_on()


@pytest.mark.parametrize("size", [(0, 1), (1, 0), (-2, 5), (-1, 5)])
def test_a_destination_that_is_not_positive_is_bad_value(size):
    viewport().guest(6, "set_destination", *size).ends(6, 0, "not positive")


def test_a_destination_that_no_screen_can_show_is_refused():
    viewport().guest(6, "set_destination", 2**31 - 1, 5).ends(1, 3, "above 16384")


def test_a_second_viewport_is_viewport_exists():
    viewport().guest(4, "get_viewport", 10, 5).ends(4, 0, "has a viewport already")


def test_a_viewport_without_its_surface_is_no_surface():
    viewport().guest(5, "destroy").guest(6, "set_destination", 5, 5).ends(6, 3, "was destroyed")


def test_a_surface_may_get_a_new_viewport_once_the_old_one_is_gone():
    viewport().guest(6, "destroy").guest(4, "get_viewport", 10, 5).goes_on()
