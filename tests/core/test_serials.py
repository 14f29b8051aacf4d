"""Serials: the guest's own numbers, of the right kind, not too old."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.scene import BASIC, Scene, policy
from wlproxy.core.serials import ALWAYS, ANY, KEY, PRESS, Serials


def typing() -> Scene:
    """seat 3, keyboard 4, pointer 5, data device 7."""
    scene = Scene().announce().bind("wl_seat", 3).guest(3, "get_keyboard", 4).guest(3, "get_pointer", 5)
    return scene.bind("wl_data_device_manager", 6).guest(6, "get_data_device", 7, 3).forget()


def test_serials_do_not_count_what_happens_elsewhere():
    scene = typing().event(4, "key", 9000, 1, 30, 1).event(4, "key", 9500, 2, 30, 0)
    scene.guest_gets("wl_keyboard#4.key(1, 1, 30, 1)", "wl_keyboard#4.key(2, 2, 30, 0)")


def test_a_request_reaches_the_compositor_with_its_own_serial():
    scene = typing().event(4, "key", 9000, 1, 30, 1)
    scene.guest(7, "set_selection", 0, scene.serial()).host_gets("wl_data_device#7.set_selection(0, 9000)")


def test_a_serial_that_was_never_given_is_dropped():
    scene = typing().guest(7, "set_selection", 0, 9000).host_gets().goes_on()
    assert [r.rule for r in scene.records("refused")] == ["built-in: serial"]


def test_a_serial_of_the_wrong_kind_is_dropped():
    scene = typing().event(4, "key", 9000, 1, 30, 1)
    scene.guest(5, "set_cursor", scene.serial(), 0, 0, 0).host_gets()


def test_an_old_serial_no_longer_takes_the_clipboard():
    scene = typing()
    scene.session.now = 100.0
    scene.event(4, "key", 9000, 1, 30, 1)
    scene.session.now = 110.1
    scene.guest(7, "set_selection", 0, scene.serial()).host_gets()


def test_the_cursor_may_be_set_long_after_the_pointer_came():
    scene = typing().bind("wl_compositor", 8).guest(8, "create_surface", 9)
    scene.session.now = 100.0
    scene.event(5, "enter", 9000, 9, 0, 0)
    scene.session.now = 100000.0
    scene.guest(5, "set_cursor", scene.serial(), 0, 0, 0).forget()


def test_the_answer_to_sync_does_not_tell_the_compositors_serial():
    scene = Scene().guest(1, "sync", 2).event(2, "done", 12345).guest_gets("wl_callback#2.done(0)")
    scene.event(1, "delete_id", 2).guest_gets("wl_display#1.delete_id(2)")


def test_the_answer_to_frame_keeps_its_time():
    Scene().window().guest(6, "frame", 9).forget().event(9, "done", 12345).guest_gets("wl_callback#9.done(12345)")


def test_a_transparent_policy_leaves_serials_alone():
    scene = Scene(policy(*BASIC, transparent=True)).announce().bind("wl_seat", 3).guest(3, "get_keyboard", 4).forget()
    scene.event(4, "key", 9000, 1, 30, 1).guest_gets("wl_keyboard#4.key(9000, 1, 30, 1)")


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.sampled_from([KEY, PRESS])), max_size=50))
def test_what_was_given_can_be_taken_back_and_only_with_a_kind_it_came_with(events):
    serials = Serials()
    kinds: dict[int, int] = {}
    for host, kind in events:
        kinds[host] = kinds.get(host, 0) | kind
        assert serials.take(serials.give(host, kind, 1.0), kind, ALWAYS, 1.0) == host
    for host, seen in kinds.items():
        given_to = serials.give(host, 0, 1.0)
        assert serials.take(given_to, ANY & ~seen, ALWAYS, 1.0) == -1


def test_memory_is_bounded():
    serials = Serials()
    for host in range(10000):
        serials.give(host, KEY, 0.0)
    assert len(serials._by_guest) == len(serials._by_host) == 4096
