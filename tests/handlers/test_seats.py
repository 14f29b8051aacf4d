"""A pointer that the seat has lost: nothing is made of it."""

from __future__ import annotations

import pytest

from tests.handlers.test_loans import CONSTRAINTS, KINDS, click, confirmed, escaped, grabbing, has
from tests.scene import BASIC, Scene, policy
from wlproxy.handlers.seats import FEW, USERS

POINTER, KEYBOARD = 1, 2


def seated(manager: str, capabilities: int = POINTER) -> Scene:
    """compositor 3, seat 4, surface 5, pointer 6, the manager 7."""
    scene = Scene(policy("wl_compositor", "wl_seat", manager)).announce(names=("wl_compositor", "wl_seat", manager))
    scene.bind("wl_compositor", 3).bind("wl_seat", 4).event(4, "capabilities", capabilities).guest(3, "create_surface", 5)
    return scene.guest(4, "get_pointer", 6).bind(manager, 7).forget()


def used(scene: Scene, manager: str, name: str) -> Scene:
    args = {"warp_pointer": (5, 6, 256, 256, 0), "lock_pointer": (8, 5, 6, 0, 2), "confine_pointer": (8, 5, 6, 0, 2)}
    return scene.guest(7, name, *args.get(name, (8, 6)))


CURSOR_SESSION = ("ext_image_copy_capture_manager_v1", "create_pointer_cursor_session")  # needs a source, which no scene has
ALL = [*(key for key in USERS if key != CURSOR_SESSION), (CONSTRAINTS, "lock_pointer"), (CONSTRAINTS, "confine_pointer")]


@pytest.mark.parametrize(("manager", "name"), ALL)
def test_nothing_is_made_of_a_pointer_that_the_seat_has_lost(manager, name):
    scene = seated(manager).event(4, "capabilities", KEYBOARD).forget()
    used(scene, manager, name).goes_on().host_gets(*([] if name == "warp_pointer" else ["wl_display#1.sync(8)"]))
    if name != "warp_pointer":  # whose serial is refused before
        assert scene.records("refused")[0].reason == "its pointer is gone: the seat has lost it"


@pytest.mark.parametrize(("manager", "name"), [key for key in ALL if key[1] != "warp_pointer"])
def test_what_is_made_of_one_that_is_there_passes(manager, name):
    scene = used(seated(manager), manager, name)
    assert len(scene.host_lines) == 1 and f".{name}(" in scene.host_lines[0]


def test_one_of_before_is_gone_also_where_the_seat_has_a_pointer_again():
    scene = seated(CONSTRAINTS).event(4, "capabilities", 0).event(4, "capabilities", POINTER)
    scene.forget().guest(7, "lock_pointer", 8, 5, 6, 0, 2).host_gets("wl_display#1.sync(8)")
    scene.guest(4, "get_pointer", 9).guest(7, "lock_pointer", 10, 5, 9, 0, 2).goes_on()
    assert scene.host_lines[-1] == "zwp_pointer_constraints_v1#7.lock_pointer(10, 5, 9, 0, 2)"


def test_one_whose_wl_seat_the_guest_has_released_may_be_gone_unheard():
    """sway 1.7 dies of a lock for it, once the mouse is unplugged: nobody says so to another wl_seat's pointers."""
    scene = seated(CONSTRAINTS).guest(4, "release").forget().guest(7, "lock_pointer", 8, 5, 6, 0, 2).host_gets("wl_display#1.sync(8)")
    scene.goes_on()


def test_one_of_a_seat_whose_global_is_gone_is_gone_without_a_word_of_its_capabilities():
    scene = seated(CONSTRAINTS).event(2, "global_remove", 51).forget()
    scene.guest(7, "lock_pointer", 8, 5, 6, 0, 2).host_gets("wl_display#1.sync(8)").goes_on()
    scene.guest(4, "get_pointer", 9).forget().guest(7, "lock_pointer", 10, 5, 9, 0, 2).host_gets("wl_display#1.sync(10)").goes_on()


def test_the_end_of_another_global_is_not_the_pointers():
    scene = seated(CONSTRAINTS).event(2, "global_remove", 50).forget().guest(7, "lock_pointer", 8, 5, 6, 0, 2)
    assert has(scene, KINDS[0][1], 8)


def test_one_that_a_seat_without_a_pointer_gives_is_gone_from_the_beginning():
    seated(CONSTRAINTS, KEYBOARD).guest(7, "lock_pointer", 8, 5, 6, 0, 2).host_gets("wl_display#1.sync(8)")


def test_a_lock_does_not_come_back_for_a_pointer_that_is_gone():
    scene = confirmed(escaped(grabbing().guest(12, "lock_pointer", 14, 6, 11, 0, 2)), 14)
    scene.event(9, "capabilities", KEYBOARD).forget()
    click(scene).host_gets().goes_on()


@pytest.mark.parametrize("kind", [0, 2])
def test_a_keyboard_that_is_gone_hears_no_escape(kind):
    """The compositor need not say that it has lost the focus. Nothing is held that could not be taken back."""
    request, interface, _, _ = KINDS[kind]
    scene = grabbing().guest(*request)
    assert has(scene, interface)
    scene.event(9, "capabilities", POINTER)
    assert not has(scene, interface)
    confirmed(scene, 14).event(9, "capabilities", POINTER | KEYBOARD).guest(10, "release")
    assert not has(scene, interface)
    scene.guest(9, "get_keyboard", 15).event(15, "enter", 90, 6, b"")
    assert has(scene, interface)


def test_released_devices_are_forgotten_without_a_look_at_all_of_them_each_time() -> None:
    scene = Scene(policy(*BASIC)).window().bind("wl_seat", 9)
    seat = scene.session.connection.objects.client[9].note
    for _ in range(10 * FEW):
        scene.guest(9, "get_pointer", 10).guest(10, "release").event(1, "delete_id", 10)
        assert len(seat.devices) <= FEW
    for number in range(10, 10 + 3 * FEW):
        scene.guest(9, "get_keyboard", number)
    assert len(seat.devices) == 3 * FEW
    scene.event(9, "capabilities", 1)
    assert seat.devices == []
