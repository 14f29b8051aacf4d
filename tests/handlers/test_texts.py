"""Lengths of names and titles, and what a text field says of itself."""

from __future__ import annotations

import pytest

from tests.scene import BASIC, Scene, policy
from wlproxy.handlers.texts import SHORT

V3 = "zwp_text_input_manager_v3"
SERVER = 0xFF000000


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize(
    ("request_name", "text", "cut"),
    [
        ("set_title", "x" * 1024, "x" * 1024),
        ("set_title", "x" * 1025, "x" * 1024),
        ("set_title", "\u20ac" * 342, "\u20ac" * 341),
        ("set_app_id", "y" * 300, "y" * 256),
    ],
)
def test_names_and_titles_are_cut_to_what_a_panel_can_bear(request_name, text, cut, transparent):
    scene = Scene(policy(*BASIC, transparent=transparent)).window().forget()
    scene.guest(8, request_name, text).host_gets(f"xdg_toplevel#8.{request_name}({cut!r})")
    assert len(scene.records("rewritten")) == (text != cut)


@pytest.mark.parametrize(("interface", "request_name"), SHORT)
def test_the_argument_that_is_cut_is_a_text(interface, request_name):
    message = next(m for m in Scene().interfaces[interface].requests if m.name == request_name)
    assert message.arguments[SHORT[interface, request_name][0]].type == "string"


def field() -> Scene:
    """seat 3, manager 4, text input 5."""
    scene = Scene(policy("wl_seat", V3)).announce(names=("wl_seat", V3)).bind("wl_seat", 3).bind(V3, 4)
    return scene.guest(4, "get_text_input", 5, 3).forget()


@pytest.mark.parametrize(
    ("text", "cursor", "anchor", "good"),
    [
        ("abc", 0, 3, True),
        ("", 0, 0, True),
        ("x" * 4000, 4000, 0, True),
        ("x" * 4001, 0, 0, False),
        ("abc", 4, 0, False),
        ("abc", 0, 4, False),
        ("abc", -1, 0, False),
        ("abc", 0, -(2**31), False),
        ("abc", 2**31 - 1, 0, False),
        ("\u20ac\u20ac", 3, 6, True),
        ("\u20ac\u20ac", 1, 0, False),
        ("\u20ac\u20ac", 3, 5, False),
    ],
)
def test_the_surrounding_text_is_bounded_and_its_cursor_between_characters(text, cursor, anchor, good):
    scene = field().guest(5, "set_surrounding_text", text, cursor, anchor).goes_on()
    assert len(scene.host_lines) == good
    assert len(scene.records("refused")) == (not good)


def test_surrounding_text_of_the_first_protocol_too():
    name = "zwp_text_input_manager_v1"
    scene = Scene(policy(name)).announce(names=(name,)).bind(name, 3).guest(3, "create_text_input", 4).forget()
    scene.guest(4, "set_surrounding_text", "abc", 0xFFFFFFFF, 0).host_gets().goes_on()
    scene.guest(4, "set_surrounding_text", "abc", 3, 0).host_gets("zwp_text_input_v1#4.set_surrounding_text('abc', 3, 0)")


def test_the_cursor_rectangle_is_brought_into_range():
    field().guest(5, "set_cursor_rectangle", -(2**31), 0, 2**31 - 1, 5).host_gets(
        "zwp_text_input_v3#5.set_cursor_rectangle(-16384, 0, 16384, 5)"
    )


@pytest.mark.parametrize(
    ("actions", "good"), [(b"", True), (b"\1\0\0\0", True), (bytes(4), False), (b"\1\0\0\0" * 2, False), (b"\1", False)]
)
def test_available_actions_exist_and_are_named_once(actions, good):
    scene = field().guest(5, "set_available_actions", actions)
    scene.goes_on() if good else scene.ends(5, 0, "an action")
