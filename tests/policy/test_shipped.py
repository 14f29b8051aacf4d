"""The shipped policies as a guest meets them."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from tests.reference import SERVER_IDS as SERVER
from tests.reference import pack
from tests.scene import Scene, shipped
from wlproxy.policy.load import load_policy
from wlproxy.policy.model import Policy

OFFERED = ("wl_compositor", "wl_shm", "wl_seat", "wl_output", "xdg_wm_base", "wl_data_device_manager", "wp_viewporter")
PRIVILEGED = (
    "zwlr_screencopy_manager_v1",
    "ext_data_control_manager_v1",
    "zwlr_layer_shell_v1",
    "zwp_virtual_keyboard_manager_v1",
    "ext_image_copy_capture_manager_v1",
    "wp_security_context_manager_v1",
    "ext_session_lock_manager_v1",
)


@functools.cache
def rules(name: str) -> Policy:
    return load_policy(name, {"vm": "work"}, shipped(), search=())


def window(name: str) -> Scene:
    """A window: compositor 3, shm 4, wm_base 5, surface 6, xdg_surface 7, toplevel 8."""
    return Scene(rules(name)).window().forget()


def desk(name: str) -> Scene:
    """seat 3, keyboard 4, data device manager 5, data device 6; a key was pressed, `scene.serial()` is its serial."""
    scene = Scene(rules(name)).announce().bind("wl_seat", 3).guest(3, "get_keyboard", 4)
    scene.bind("wl_data_device_manager", 5).guest(5, "get_data_device", 6, 3).forget()
    return scene.event(4, "key", 60, 1, 30, 1)


def said(object_id: int, name: str, *args: object) -> bytes:
    """An event as the compositor writes it."""
    interface, _, word = name.partition(".")
    events = shipped()[interface].events
    event = next(e for e in events if e.name == word)
    return pack(object_id, events.index(event), event, args)


def offered(scene: Scene, mime_type: str) -> bytes:
    """An offer and its type, written by the compositor in one go, as compositors do."""
    scene.host.created(SERVER, "wl_data_offer", 3)
    return said(6, "wl_data_device.data_offer", SERVER) + said(SERVER, "wl_data_offer.offer", mime_type)


# strict


def test_strict_labels_a_title():
    window("strict").guest(8, "set_title", "Mail").host_gets("xdg_toplevel#8.set_title('[work] Mail')")


@pytest.mark.parametrize(
    ("title", "seen"),
    [
        ("a\x1b[31m\x07b", "a[31mb"),
        ("a\u202eb\u2066c\u200f", "abc"),
        ("a\n\t b\u2028c", "a b c"),
        ("", ""),
        ("{title} {} %s", "{title} {} %s"),
        ("[host] ", "[host]"),
        ("日本\u200b👍", "日本👍"),
        ("x" * 300, "x" * 256),
        ("é" * 200, "é" * 128),
    ],
)
def test_strict_shows_of_a_title_what_a_title_bar_can(title: str, seen: str):
    window("strict").guest(8, "set_title", title).host_gets(f"xdg_toplevel#8.set_title({'[work] ' + seen!r})").goes_on()


@pytest.mark.parametrize(
    ("app_id", "seen"),
    [
        ("org.mozilla.firefox", "org.mozilla.firefox"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("a b\x1bc", "a_bc"),
        ("ünï", "_n_"),
        ("x" * 100, "x" * 64),
    ],
)
def test_strict_moves_an_app_id_into_the_guests_own_names(app_id: str, seen: str):
    window("strict").guest(8, "set_app_id", app_id).host_gets(f"xdg_toplevel#8.set_app_id('vm.work.{seen}')").goes_on()


@pytest.mark.parametrize("request_", [("set_fullscreen", 0), ("set_minimized",), ("show_window_menu", 9, 60, 1, 1)])
def test_strict_drops_what_could_imitate_or_hide_and_goes_on(request_: tuple[object, ...]):
    scene = window("strict").bind("wl_seat", 9).guest(9, "get_keyboard", 10).event(10, "key", 60, 1, 30, 1)
    arguments = [scene.serial() if a == 60 else a for a in request_[1:]]
    scene.forget().guest(8, str(request_[0]), *arguments).host_gets().goes_on()
    (record,) = scene.records("refused")
    assert record.rule.startswith("strict.toml:")
    scene.guest(8, "set_maximized").host_gets("xdg_toplevel#8.set_maximized()")


def test_strict_never_shows_the_hosts_clipboard():
    scene = desk("strict").forget()
    scene.host_bytes(offered(scene, "text/plain") + said(6, "wl_data_device.selection", SERVER))
    scene.guest_gets("wl_data_device#6.selection(0)").host_gets(f"wl_data_offer#{SERVER}.destroy()").goes_on()


def test_strict_never_shows_what_is_dragged_over_it():
    scene = desk("strict").bind("wl_compositor", 7).guest(7, "create_surface", 8).forget()
    scene.host_bytes(offered(scene, "text/uri-list") + said(6, "wl_data_device.enter", 70, 8, 0, 0, SERVER))
    scene.event(6, "motion", 1, 0, 0).event(6, "drop").event(6, "leave").guest_gets().goes_on()


def test_strict_lets_nothing_onto_the_hosts_clipboard():
    scene = desk("strict")
    serial = scene.serial()
    scene.guest(5, "create_data_source", 7).guest(7, "offer", "text/plain").forget()
    scene.guest(6, "set_selection", 7, serial).host_gets().goes_on()
    assert [r.message for r in scene.records("refused")] == ["set_selection"]


def test_strict_lets_nothing_be_dragged_out():
    scene = desk("strict")
    serial = scene.serial()
    scene.bind("wl_compositor", 7).guest(7, "create_surface", 8).guest(5, "create_data_source", 9).forget()
    scene.guest(6, "start_drag", 9, 8, 0, serial).host_gets().goes_on()


def test_strict_announces_nothing_but_its_own_list():
    scene = Scene(rules("strict")).announce(names=OFFERED + PRIVILEGED)
    assert tuple(scene.announced()) == ("zxdg_output_manager_v1", *OFFERED)


@pytest.mark.parametrize("name", ["strict", "desktop"])
@pytest.mark.parametrize("interface", PRIVILEGED)
def test_a_hidden_global_cannot_be_bound_by_guessing(name: str, interface: str):
    scene = Scene(rules(name)).announce(names=(*OFFERED, interface)).forget()
    number = 1 + max(row[0] for row in scene.announced().values())
    scene.guest(2, "bind", number, interface, 1, 3).host_gets()
    assert scene.session.over


def test_strict_refuses_a_buffer_larger_than_any_screen():
    scene = window("strict").guest(4, "create_pool", 9, 1 << 17, fds=1).forget()
    scene.guest(9, "create_buffer", 10, 0, 16384, 1, 65536, 0).goes_on()
    scene.guest(9, "create_buffer", 11, 0, 16385, 1, 65540, 0).ends(1, 3, "is above 16384")


# desktop


def test_desktop_copies_out():
    scene = desk("desktop")
    serial = scene.serial()
    scene.guest(5, "create_data_source", 7).guest(7, "offer", "text/plain").forget()
    scene.guest(6, "set_selection", 7, serial).host_gets("wl_data_device#6.set_selection(7, 60)")
    scene.event(7, "send", "text/plain", fds=1)
    assert scene.guest_lines[0].startswith("wl_data_source#7.send('text/plain', ")


def test_desktop_pastes_nothing_in_while_there_is_nobody_to_ask():
    scene = desk("desktop").forget()
    scene.host_bytes(offered(scene, "text/plain") + said(6, "wl_data_device.selection", SERVER))
    scene.guest_gets("wl_data_device#6.selection(0)").host_gets(f"wl_data_offer#{SERVER}.destroy()").goes_on()


def test_trusted_pastes_in():
    scene = desk("trusted").forget()
    scene.event(6, "data_offer", SERVER).event(SERVER, "offer", "text/plain").event(6, "selection", SERVER)
    scene.guest_gets(
        f"wl_data_device#6.data_offer({SERVER})", f"wl_data_offer#{SERVER}.offer('text/plain')", f"wl_data_device#6.selection({SERVER})"
    )
    scene.guest(SERVER, "receive", "text/plain", fds=1)
    assert scene.host_lines[0].startswith(f"wl_data_offer#{SERVER}.receive('text/plain', ")


def test_desktop_allows_full_screen_and_labels_as_strict_does():
    scene = window("desktop").guest(8, "set_fullscreen", 0).guest(8, "set_title", "x")
    scene.host_gets("xdg_toplevel#8.set_fullscreen(0)", "xdg_toplevel#8.set_title('[work] x')").goes_on()


def test_desktop_gives_a_pointer_lock_that_never_holds_while_there_is_nobody_to_ask():
    scene = locking(rules("desktop")).guest(5, "lock_pointer", 8, 6, 7, 0, 1).host_gets("wl_display#1.sync(8)").goes_on()
    (record,) = scene.records("refused")
    assert record.verdict == "inert" and record.rule.startswith("desktop.toml:")


def test_a_lock_that_is_given_is_not_given_for_ever(tmp_path: Path):
    file = tmp_path / "game.toml"
    file.write_text('format = 1\nname = "game"\nextends = "desktop"\n[permission]\npointer-lock = "allow"\n')
    scene = locking(load_policy(str(file), {}, shipped(), search=()))
    scene.guest(5, "lock_pointer", 8, 6, 7, 0, 1).goes_on()
    scene.guest(5, "lock_pointer", 9, 6, 7, 0, 2)
    assert scene.session.over


def locking(policy: Policy) -> Scene:
    """surface 6, pointer 7, constraints 5."""
    names = ("wl_compositor", "wl_seat", "zwp_pointer_constraints_v1")
    scene = Scene(policy).announce(names=names).bind("wl_compositor", 3).bind("wl_seat", 4)
    return scene.bind("zwp_pointer_constraints_v1", 5).guest(3, "create_surface", 6).guest(4, "get_pointer", 7).forget()


def test_desktop_hides_what_reaches_outside_the_guests_windows():
    scene = Scene(rules("desktop")).announce(names=OFFERED + PRIVILEGED)
    assert tuple(scene.announced()) == ("zxdg_output_manager_v1", *OFFERED)
