"""Clipboard and drag and drop: sources, offers, types, icons, and whose pipe is whose."""

from __future__ import annotations

import pytest

from tests.handlers.fakes import FakeFiles, pipe_end, with_files
from tests.handlers.test_surfaces import with_buffer
from tests.scene import BASIC, Scene, deny, policy
from wlproxy.core.quotas import Limits
from wlproxy.policy.model import Origin, PermissionRule, Policy

SERVER = 0xFF000000
PRIMARY = "zwp_primary_selection_device_manager_v1"
CONTROL = "ext_data_control_manager_v1"


def desk(rules=None, limits: Limits | None = None) -> Scene:
    """compositor 3, seat 4, data device manager 5, data device 6, keyboard 7, pointer 8, source 9, surface 10."""
    scene = Scene(rules, limits).announce(names=("wl_compositor", "wl_seat", "wl_data_device_manager", "wl_shm", "xdg_wm_base"))
    scene.bind("wl_compositor", 3).bind("wl_seat", 4).bind("wl_data_device_manager", 5).guest(5, "get_data_device", 6, 4)
    scene.guest(4, "get_keyboard", 7).guest(4, "get_pointer", 8).guest(5, "create_data_source", 9)
    return scene.guest(3, "create_surface", 10).forget()


def typed(scene: Scene) -> int:
    """A serial of a key press."""
    serial = scene.event(7, "key", len(scene.client.log) + 1000, 1, 30, 1).serial()
    scene.forget()
    return serial


def pressed(scene: Scene) -> int:
    """A serial of a button press."""
    serial = scene.event(8, "button", len(scene.client.log) + 5000, 1, 0x110, 1).serial()
    scene.forget()
    return serial


# -- sources


def test_a_source_is_the_selection_once_however_often_it_is_set():
    """GTK 3, and so Firefox, sets the same source twice with each copy."""
    scene = desk()
    scene.guest(6, "set_selection", 9, typed(scene)).goes_on()
    scene.guest(6, "set_selection", 9, typed(scene)).host_gets().guest_gets().goes_on()


def test_a_source_that_is_the_selection_is_not_dragged():
    scene = desk()
    scene.guest(6, "set_selection", 9, typed(scene))
    scene.guest(6, "start_drag", 9, 10, 0, pressed(scene)).host_gets().ends(6, 1, "serves a selection already")


def test_a_source_that_is_dragged_is_not_the_selection():
    scene = desk()
    scene.guest(6, "start_drag", 9, 10, 0, pressed(scene)).goes_on()
    scene.guest(6, "set_selection", 9, typed(scene)).host_gets().ends(6, 1, "serves a drag already")


def test_a_source_with_drag_actions_is_no_selection():
    scene = desk().guest(9, "set_actions", 1)
    scene.guest(6, "set_selection", 9, typed(scene)).host_gets().ends(9, 1, "is no selection")


def test_actions_are_set_once():
    desk().guest(9, "set_actions", 1).goes_on().guest(9, "set_actions", 1).ends(9, 0, "set already")


def test_actions_are_set_before_the_drag():
    scene = desk()
    scene.guest(6, "start_drag", 9, 10, 0, pressed(scene))
    scene.guest(9, "set_actions", 1).ends(9, 0, "serves a drag already")


@pytest.mark.parametrize("actions", [8, 0x80000001])
def test_actions_that_do_not_exist_are_an_invalid_mask(actions):
    desk().guest(9, "set_actions", actions).ends(9, 0, "invalid action mask")


def test_the_selection_may_be_emptied():
    scene = desk()
    scene.guest(6, "set_selection", 0, typed(scene))
    assert scene.host_lines[-1].startswith("wl_data_device#6.set_selection(0, ")


def test_a_source_that_nobody_upstream_has_does_not_empty_the_selection():
    scene = desk(policy(*BASIC, messages={("wl_data_device_manager", "create_data_source"): deny("inert")}))
    scene.guest(6, "set_selection", 9, typed(scene)).host_gets().guest_gets().goes_on()


def test_a_selection_that_the_policy_refuses_is_cancelled():
    scene = desk(policy(*BASIC, messages={("wl_data_device", "set_selection"): deny("ignore")}))
    scene.guest(6, "set_selection", 9, typed(scene)).host_gets().guest_gets("wl_data_source#9.cancelled()")


def test_emptying_the_selection_that_the_policy_refuses_says_nothing():
    scene = desk(policy(*BASIC, messages={("wl_data_device", "set_selection"): deny("ignore")}))
    scene.guest(6, "set_selection", 0, typed(scene)).host_gets().guest_gets().goes_on()


@pytest.mark.parametrize(
    "refused", [("wl_data_device", "start_drag", "ignore"), ("wl_data_device_manager", "create_data_source", "inert")]
)
def test_a_drag_that_cannot_begin_is_cancelled(refused):
    interface, request, shape = refused
    scene = desk(policy(*BASIC, messages={(interface, request): deny(shape)}))
    scene.guest(6, "start_drag", 9, 10, 0, pressed(scene)).host_gets().guest_gets("wl_data_source#9.cancelled()").goes_on()


def test_a_drag_with_an_inert_device_is_cancelled_and_names_only_sources():
    rules = policy(*BASIC, PRIMARY, messages={("wl_data_device_manager", "get_data_device"): deny("inert")})
    scene = desk(rules).event(2, "global", 99, PRIMARY, 1).bind(PRIMARY, 11).guest(11, "create_source", 12).forget()
    scene.guest(6, "start_drag", 9, 10, 0, 1).guest_gets("wl_data_source#9.cancelled()").goes_on()
    scene.guest_bytes(scene.request(6, "start_drag", 10, 10, 0, 1)).guest_gets().goes_on()
    scene.guest_bytes(scene.request(6, "start_drag", 12, 10, 0, 1)).guest_gets().goes_on()
    scene.guest_bytes(scene.request(6, "start_drag", 777, 10, 0, 1)).guest_gets().goes_on()


def primary(rules=None) -> Scene:
    """seat 3, manager 4, device 5, keyboard 6, source 7."""
    scene = Scene(rules or policy("wl_seat", PRIMARY)).announce(names=("wl_seat", PRIMARY)).bind("wl_seat", 3).bind(PRIMARY, 4)
    scene.guest(4, "get_device", 5, 3).guest(3, "get_keyboard", 6).guest(4, "create_source", 7)
    return scene.event(6, "key", 60, 1, 30, 1)


def test_a_primary_source_used_twice_is_used_once():
    scene = primary()
    serial = scene.serial()
    scene.forget().guest(5, "set_selection", 7, serial).host_gets("zwp_primary_selection_device_v1#5.set_selection(7, 60)")
    scene.guest(5, "set_selection", 7, serial).host_gets().guest_gets().goes_on()


def test_a_primary_selection_that_the_policy_refuses_is_cancelled():
    rules = policy("wl_seat", PRIMARY, messages={("zwp_primary_selection_device_v1", "set_selection"): deny("ignore")})
    scene = primary(rules)
    serial = scene.serial()
    scene.forget().guest(5, "set_selection", 7, serial).host_gets().guest_gets("zwp_primary_selection_source_v1#7.cancelled()")


def test_data_control_has_the_same_error_for_a_used_source():
    scene = Scene(policy("wl_seat", CONTROL)).announce(names=("wl_seat", CONTROL)).bind("wl_seat", 3).bind(CONTROL, 4)
    scene.guest(4, "get_data_device", 5, 3).guest(4, "create_data_source", 6).guest(5, "set_selection", 6).goes_on()
    scene.guest(5, "set_primary_selection", 6).ends(5, 1, "serves a selection already")


def test_a_window_is_dragged_with_a_source_that_has_not_served():
    drag = "xdg_toplevel_drag_manager_v1"
    scene = desk(policy(*BASIC, drag)).event(2, "global", 99, drag, 1).bind(drag, 11)
    scene.guest(6, "set_selection", 9, typed(scene))
    scene.guest(11, "get_xdg_toplevel_drag", 12, 9).ends(11, 0, "serves a selection already")


# -- types


@pytest.mark.parametrize("named", ["", " text/plain", "text/plain\n", "a\x1b[2J", "text/pl\xe4in", "x" * 129, "a\x7f"])
def test_what_is_no_type_is_left_out_of_a_source(named):
    scene = desk().guest(9, "offer", named).host_gets().goes_on()
    assert [r.rule for r in scene.records("refused")] == ["built-in: mime type"]


def test_a_source_has_at_most_32_types():
    scene = desk()
    for number in range(40):
        scene.guest(9, "offer", f"x/{number}")
    assert len(scene.host_lines) == 32
    scene.forget().guest(9, "offer", "x/3").host_gets("wl_data_source#9.offer('x/3')").goes_on()


def offered(*types: str, files: FakeFiles | None = None, drag: bool = False) -> Scene:
    """`desk`, with an offer of the compositor's, dragged over surface 10 or the selection."""
    scene = desk().event(6, "data_offer", SERVER)
    for named in types:
        scene.event(SERVER, "offer", named)
    if drag:
        scene.event(6, "enter", 70, 10, 0, 0, SERVER)
    else:
        scene.event(6, "selection", SERVER)
    return with_files(scene, files or FakeFiles())


def test_an_offer_tells_the_guest_of_at_most_32_types_and_only_of_types():
    scene = offered(*[f"x/{number}" for number in range(31)])
    scene.event(SERVER, "offer", "a\nb").event(SERVER, "offer", "y" * 129).guest_gets()
    scene.event(SERVER, "offer", "x/31").event(SERVER, "offer", "x/32")
    scene.guest_gets(f"wl_data_offer#{SERVER}.offer('x/31')")


def test_only_what_was_offered_is_asked_for():
    files = FakeFiles()
    scene = offered("text/plain", files=files).guest(SERVER, "receive", "text/html", fds=[pipe_end()]).host_gets().goes_on()
    assert [fd.number for fd in scene.outcome.discarded] == [500]  # the guest reads an end of file


def test_a_source_is_asked_only_for_what_it_offered():
    files = FakeFiles()
    scene = with_files(desk().guest(9, "offer", "text/plain"), files)
    scene.event(9, "send", "text/html", fds=[pipe_end()]).guest_gets().goes_on()


def test_a_target_that_was_not_offered_is_none():
    scene = desk().guest(9, "offer", "text/plain").forget()
    scene.event(9, "target", "text/html").guest_gets("wl_data_source#9.target(None)")
    scene.event(9, "target", "text/plain").guest_gets("wl_data_source#9.target('text/plain')")


# -- pipes


def test_the_guests_pipe_does_not_reach_the_other_client():
    files = FakeFiles()
    scene = offered("text/plain", files=files).guest(SERVER, "receive", "text/plain", fds=[pipe_end(500)])
    scene.host_gets(f"wl_data_offer#{SERVER}.receive('text/plain', 701)")
    (transfer,) = scene.outcome.transfers
    assert (transfer.source.number, transfer.target.number) == (700, 500)
    assert (transfer.most_bytes, transfer.idle_seconds, transfer.total_seconds) == (1 << 20, 5, 30)


def test_the_other_clients_pipe_does_not_reach_the_guest():
    files = FakeFiles()
    scene = with_files(desk().guest(9, "offer", "text/plain"), files)
    scene.event(9, "send", "text/plain", fds=[pipe_end(600)]).guest_gets("wl_data_source#9.send('text/plain', 701)")
    (transfer,) = scene.outcome.transfers
    assert (transfer.source.number, transfer.target.number) == (700, 600)


def test_the_bounds_of_a_transfer_are_the_connections():
    limits = Limits(clipboard_bytes=1000, clipboard_idle_seconds=1, clipboard_total_seconds=2)
    files = FakeFiles()
    scene = with_files(desk(limits=limits).guest(9, "offer", "a/b"), files).event(9, "send", "a/b", fds=[pipe_end(600)])
    (transfer,) = scene.outcome.transfers
    assert (transfer.most_bytes, transfer.idle_seconds, transfer.total_seconds) == (1000, 1, 2)


def test_primary_selections_have_their_own_pipes_too():
    files = FakeFiles()
    scene = primary().event(5, "data_offer", SERVER).event(SERVER, "offer", "a/b").event(5, "selection", SERVER).guest(7, "offer", "a/b")
    scene.forget()
    with_files(scene, files).guest(SERVER, "receive", "a/b", fds=[pipe_end(500)])
    scene.host_gets(f"zwp_primary_selection_offer_v1#{SERVER}.receive('a/b', 701)")
    scene.event(7, "send", "a/b", fds=[pipe_end(600)]).guest_gets("zwp_primary_selection_source_v1#7.send('a/b', 703)")


def test_out_of_descriptors_the_data_is_empty_and_the_session_goes_on():
    files = FakeFiles()
    files.failing = True
    scene = offered("a/b", files=files).guest(SERVER, "receive", "a/b", fds=[pipe_end()]).host_gets().goes_on()
    assert scene.records("refused")[-1].rule == "built-in: transfer"


def test_a_transfer_of_a_read_that_broke_comes_back_from_close():
    files = FakeFiles()
    scene = offered("a/b", files=files)
    connection = scene.session.connection
    outcome = scene.session.receive(0, scene.request(SERVER, "receive", "a/b"), [pipe_end()])
    connection.transfers = outcome.transfers  # as if the exception had come before the outcome
    held = scene.session.close()
    scene.given += [fd for fd in held if fd.number == 500]
    scene.back += held + [fd for parcel in outcome.to_host for fd in parcel.fds]
    assert sorted(fd.number for fd in held) == [500, 700]


# -- drags


def test_a_drag_needs_a_surface_that_is_alive():
    scene = desk()
    serial = pressed(scene)
    scene.guest(10, "destroy").guest_bytes(scene.request(6, "start_drag", 9, 10, 0, serial)).ends(1, 1, "there is no object 10")


def test_an_icon_is_nothing_else():
    scene = desk().bind("xdg_wm_base", 11).guest(3, "create_surface", 12).guest(11, "get_xdg_surface", 13, 12)
    scene.guest(13, "get_toplevel", 14)
    scene.guest(6, "start_drag", 9, 10, 12, pressed(scene)).ends(6, 0, "wl_surface#12 is a xdg_toplevel already")


def test_an_icon_stays_an_icon():
    scene = desk().bind("xdg_wm_base", 11).guest(3, "create_surface", 12)
    scene.guest(6, "start_drag", 9, 10, 12, pressed(scene)).goes_on()
    scene.guest(11, "get_xdg_surface", 13, 12).ends(11, 0, "is a wl_data_device.start_drag already")


def test_an_icon_that_is_too_large_already_is_none():
    scene = with_buffer(desk().guest(3, "create_surface", 11), 20, 21)
    scene.guest(20, "resize", 1 << 20).guest(20, "create_buffer", 22, 0, 513, 8, 2052, 0)
    scene.guest(11, "attach", 22, 0, 0).guest(11, "commit")
    serial = pressed(scene)
    scene.guest(6, "start_drag", 9, 10, 11, serial)
    assert scene.host_lines[-1].startswith("wl_data_device#6.start_drag(9, 10, 0, ")


def finished(*steps: str, action: int = 1) -> Scene:
    """A drag over surface 10 that comes as far as the steps say."""
    scene = offered("a/b", drag=True)
    serial = scene.client.log[-1]
    assert "enter" in serial
    number = int(serial.partition("(")[2].split(",")[0])
    for step in steps:
        if step == "accept":
            scene.guest(SERVER, "accept", number, "a/b")
        elif step == "refuse":
            scene.guest(SERVER, "accept", number, None)
        elif step == "action":
            scene.event(SERVER, "action", action)
        elif step == "drop":
            scene.event(6, "drop")
        elif step == "leave":
            scene.event(6, "leave")
    return scene.goes_on().forget()


def test_a_drag_is_finished_after_a_drop_that_was_accepted():
    finished("accept", "action", "drop", "leave").guest(SERVER, "finish").host_gets(f"wl_data_offer#{SERVER}.finish()").goes_on()


@pytest.mark.parametrize(
    "steps", [("accept", "action"), ("action", "drop"), ("accept", "refuse", "action", "drop"), ("accept", "action", "leave", "drop")]
)
def test_finish_at_the_wrong_time_is_invalid_finish(steps):
    finished(*steps).guest(SERVER, "finish").host_gets().ends(SERVER, 0, "finish before a drop was accepted")


@pytest.mark.parametrize("action", [0, 4])
def test_finish_without_an_action_is_invalid_offer(action):
    finished("accept", "action", "drop", action=action).guest(SERVER, "finish").ends(SERVER, 3, "with the action")


def test_finish_of_the_clipboard_is_invalid_finish():
    offered("a/b").guest(SERVER, "finish").ends(SERVER, 0, "finish before a drop was accepted")


def test_finish_twice_is_invalid_finish():
    scene = finished("accept", "action", "drop").guest(SERVER, "finish").goes_on()
    scene.guest(SERVER, "finish").ends(SERVER, 0, "or twice")


@pytest.mark.parametrize(("request_name", "args"), [("set_actions", (1, 1)), ("receive", ("a/b",))])
def test_a_finished_offer_takes_no_request_but_destroy(request_name, args):
    scene = finished("accept", "action", "drop").guest(SERVER, "finish").goes_on()
    scene.guest(SERVER, request_name, *args, fds=1 if request_name == "receive" else 0).ends(SERVER, 3, "is finished")


def test_a_finished_offer_is_destroyed():
    finished("accept", "action", "drop").guest(SERVER, "finish").guest(SERVER, "destroy").goes_on()


@pytest.mark.parametrize(("actions", "preferred", "code"), [(8, 0, 1), (1, 2, 2), (3, 3, 2), (7, 8, 2)])
def test_actions_of_an_offer_that_do_not_exist_get_their_errors(actions, preferred, code):
    offered("a/b", drag=True).guest(SERVER, "set_actions", actions, preferred).ends(SERVER, code, "action")


def test_actions_of_the_clipboard_are_invalid_offer():
    offered("a/b").guest(SERVER, "set_actions", 1, 1).ends(SERVER, 3, "of no drag")


def test_accepting_what_was_not_offered_refuses_the_drag():
    scene = offered("a/b", drag=True)
    number = int(scene.client.log[-1].partition("(")[2].split(",")[0])
    scene.guest(SERVER, "accept", number, "c/d").host_gets(f"wl_data_offer#{SERVER}.accept(70, None)")


# -- skip-if

HINT = "x-kde-passwordManagerHint"


def skipping(*names: str) -> Policy:
    given = {name: PermissionRule("allow", Origin("p.toml", 1), {"skip-if": [HINT]}) for name in names}
    return policy(*BASIC, PRIMARY, permissions=given)


def test_what_a_password_manager_has_marked_is_not_shown():
    scene = desk(skipping("clipboard-in")).event(6, "data_offer", SERVER).event(SERVER, "offer", "text/plain").event(SERVER, "offer", HINT)
    scene.forget().event(6, "selection", SERVER).guest_gets("wl_data_device#6.selection(0)")
    with_files(scene, FakeFiles()).guest(SERVER, "receive", "text/plain", fds=[pipe_end()]).host_gets().goes_on()


def test_what_is_not_marked_is_shown_and_not_read_any_more_once_it_is():
    scene = desk(skipping("clipboard-in")).event(6, "data_offer", SERVER).event(SERVER, "offer", "text/plain")
    scene.forget().event(6, "selection", SERVER).guest_gets(f"wl_data_device#6.selection({SERVER})")
    with_files(scene, FakeFiles()).guest(SERVER, "receive", "text/plain", fds=[pipe_end()])
    assert scene.host_lines
    scene.event(SERVER, "offer", HINT).forget().guest(SERVER, "receive", "text/plain", fds=[pipe_end(501)]).host_gets().goes_on()
