"""Lengths of names and titles, and what a text field says of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.scene import BASIC, Scene, deny, only, policy
from wlproxy.core.outcome import NO_PREVIEW, PREVIEW
from wlproxy.handlers.texts import SHORT
from wlproxy.policy.model import MessageRule, Predicate

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


# what the audit log has of them


def titled(preview: bool, **more: MessageRule) -> Scene:
    """A scene with a window under a policy with rules for xdg_toplevel."""
    rules = {("xdg_toplevel", name): rule for name, rule in more.items()}
    payload = PREVIEW if preview else NO_PREVIEW
    return Scene(replace(policy(*BASIC, messages=rules), payload=payload)).window().forget()


@pytest.mark.parametrize("preview", [False, True])
def test_what_a_guest_calls_its_window_is_in_a_record_only_where_the_policy_says_so(preview: bool) -> None:
    clean = only(title=Predicate(sanitize="plain"))
    scene = titled(preview, set_title=clean, set_app_id=deny("ignore"))
    scene.guest(8, "set_title", "dear\u202e diary").guest(8, "set_app_id", "org.example")
    assert [r.said for r in scene.records("rewritten")] == ["dear\u202e diary" if preview else ""]  # as the guest said it
    assert [r.said for r in scene.records("refused")] == ["org.example" if preview else ""]


@pytest.mark.parametrize("preview", [False, True])
def test_what_ends_a_session_is_quoted_as_well(preview: bool) -> None:
    scene = titled(preview, set_title=only(title=Predicate(max_bytes=4)))
    scene.guest(8, "set_title", "much too long")
    assert scene.session.over and [r.said for r in scene.records("refused")] == ["much too long" if preview else ""]


def test_a_record_never_quotes_another_message() -> None:
    """A title whose bytes cannot be decoded ends the session right after one that was fine."""
    scene = titled(True, set_title=only(title=Predicate(max_bytes=64)))
    scene.guest(8, "set_title", "fine")
    raw = b"\x08\0\0\0" + (2 | 20 << 16).to_bytes(4, "little") + b"\x05\0\0\0" + b"abcdefgh"  # no NUL
    scene.guest_bytes(raw)
    assert scene.session.over and [r.said for r in scene.records("violation")] == [""]


def test_what_was_typed_is_never_quoted() -> None:
    names = ("wl_seat", V3)
    scene = Scene(replace(policy(*names), payload=PREVIEW)).announce(names=names).bind("wl_seat", 3).bind(V3, 4)
    scene.guest(4, "get_text_input", 5, 3).forget()
    scene.guest(5, "set_surrounding_text", "a secret", 100, 0)
    assert [r.said for r in scene.records("refused")] == [""]


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
