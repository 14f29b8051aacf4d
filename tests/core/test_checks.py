"""What `sanitize = "plain"` makes of a guest's text, and what may be done to it afterwards."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scene import BASIC, Scene, policy
from wlproxy.core.checks import MOST_MARKS, plain
from wlproxy.policy.model import MessageRule, Origin, Predicate, Rewrite

ACUTE = "\u0301"


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("Firefox", "Firefox"),
        ("a\nb\r\tc", "a b c"),
        ("\x1b]0;owned\x07", "]0;owned"),
        ("a\x9b31mb", "a31mb"),
        ("abc\u202edcba", "abcdcba"),
        ("a\u2066b\u2069", "ab"),
        ("a\u2028b\u2029c", "a b c"),
        ("a\u200bb\ufeffc", "abc"),
        ("a\U000e0041b", "ab"),
        ("a\ue000b\U0010fffdc", "abc"),
        ("a\u0378b", "ab"),
        ("a\udc80b", "ab"),
        ("   x" + " " * 300 + "y  ", "x y"),
        ("a\u00a0\u2003\u3000b", "a b"),
        ("a\u3164\u115f\u2800\uffa0b", "a b"),
        ("a\u034fb", "ab"),
        ("<span size='1'>&amp;", "\u2039span size='1'\u203a\uff06amp;"),
        ("e" + ACUTE, "\u00e9"),
        ("x" + ACUTE * 400, "x" + ACUTE * 4),
        ("x" + "\u0344" * 4, "\u1e8d" + "\u0301\u0308" * 2),
        (ACUTE + "x", "x"),
        ("\u0ba8\u0bbf\u0bb2\u0bcd", "\u0ba8\u0bbf\u0bb2\u0bcd"),
        ("\u05d0\u05d1", "\u05d0\u05d1"),
    ],
)
def test_plain(text, becomes):
    assert plain(text) == becomes


@given(st.text(max_size=200))
def test_plain_text_is_plain_whatever_it_was(text):
    found = plain(text)
    run = 0
    for character in found:
        assert character.isprintable()
        assert character not in "<>&"
        run = run + 1 if unicodedata.category(character)[0] == "M" else 0
        assert run <= MOST_MARKS
    assert "  " not in found
    assert found == found.strip()
    assert unicodedata.is_normalized("NFC", found)


def test_marks_in_the_worst_order_take_no_time():
    text = "x" + "\u0345\u0301\u0316" * 40000
    started = time.perf_counter()
    plain(text)
    assert time.perf_counter() - started < 0.5


def titled() -> Scene:
    rules = policy(
        *BASIC,
        messages={
            ("xdg_toplevel", "set_title"): MessageRule(
                "allow",
                "",
                {"title": Predicate(max_bytes=16, sanitize="plain", origin=Origin("scene.toml", 5))},
                Origin("scene.toml", 4),
            )
        },
        rewrites={"title": Rewrite("[vm] {title}", Origin("scene.toml", 6))},
    )
    return Scene(rules).window().forget()


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("x" * 1000, "[vm] " + "x" * 16),
        (" " * 1000 + "[dom0] root", "[vm] [dom0] root"),
        ("\u0301\u0301", "[vm] "),
        ("\u20ac" * 10, "[vm] " + "\u20ac" * 5),
        ("\u202e[dom0]", "[vm] [dom0]"),
        ("", "[vm] "),
    ],
)
def test_the_policys_prefix_comes_last_and_whole(title, shown):
    titled().guest(8, "set_title", title).host_gets(f"xdg_toplevel#8.set_title({shown!r})")
