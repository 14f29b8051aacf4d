"""What a guest sees of the globals, and that it cannot reach what it does not see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.reference import pack
from tests.scene import BASIC, Scene, policy, shipped
from wlproxy.core.session import HOST
from wlproxy.handlers.registry import Announced, Registry
from wlproxy.policy.load import load_policy

ALL = ("wl_compositor", "wp_presentation", "wl_shm", "zwp_linux_dmabuf_v1", "wl_seat")


def test_only_allowed_globals_are_announced_under_names_without_gaps():
    scene = Scene(policy("wl_compositor", "wl_shm", "wl_seat", wl_seat=5)).announce(names=ALL, first=70)
    assert scene.announced() == {
        "wl_compositor": (1, "wl_compositor", scene.interfaces["wl_compositor"].version),
        "wl_shm": (2, "wl_shm", scene.interfaces["wl_shm"].version),
        "wl_seat": (3, "wl_seat", 5),
    }


def test_a_global_that_appears_later_is_filtered_like_the_first_ones():
    scene = Scene(policy("wl_compositor")).announce(names=("wl_compositor",)).forget()
    scene.event(2, "global", 99, "zwp_linux_dmabuf_v1", 4).guest_gets()
    scene.event(2, "global", 100, "unheard_of_v1", 1).guest_gets()


def test_one_registry_has_a_bounded_number_of_names():
    """65536, and no more whatever the compositor says: what is forgotten of a global is only its removal."""
    scene = Scene(policy("wl_seat")).guest(1, "get_registry", 2)
    event = next(message for message in scene.interfaces["wl_registry"].events if message.name == "global")
    said = [pack(2, 0, event, (number, "wl_seat", 5)) for number in range(1, 65538)]
    outcome = scene.session.receive(HOST, b"".join(said), [])
    assert sum(len(parcel.data) for parcel in outcome.to_guest) == 65536 * len(said[0])
    scene.guest_bytes(scene.request(2, "bind", 65537, "wl_seat", 5, 3)).ends(2, 0, "invalid global")


def test_the_proxys_own_globals_come_with_the_compositors_first_and_once():
    """weston-simple-touch takes what it reads first for the whole list (one wl_display_dispatch() after get_registry)."""
    scene = Scene(load_policy("strict", {}, shipped(), search=(), ceiling="")).guest(1, "get_registry", 2).guest_gets()
    scene.event(2, "global", 70, "zwlr_layer_shell_v1", 4).guest_gets("wl_registry#2.global(1, 'zxdg_output_manager_v1', 3)")
    scene.event(2, "global", 71, "wl_shm", 1).guest_gets("wl_registry#2.global(2, 'wl_shm', 1)")
    scene.guest(1, "get_registry", 3).guest_gets()
    scene.event(3, "global", 71, "wl_shm", 1)
    scene.guest_gets("wl_registry#3.global(1, 'zxdg_output_manager_v1', 3)", "wl_registry#3.global(2, 'wl_shm', 1)")


def test_bind_reaches_the_compositor_under_its_own_name():
    scene = Scene(policy("wl_shm")).announce(names=ALL, first=70).forget()
    scene.guest(2, "bind", 1, "wl_shm", 1, 3).host_gets("wl_registry#2.bind(72, 'wl_shm', 1, 3)")
    assert [(r.event, r.rule) for r in scene.audit] == [("bind", "scene.toml:1")]


@pytest.mark.parametrize("name", [0, 2, 71, 73, 0xFFFFFFFF])
def test_a_hidden_global_cannot_be_bound_by_guessing_its_name(name):
    scene = Scene(policy("wl_shm")).announce(names=ALL, first=70)
    scene.guest_bytes(scene.request(2, "bind", name, "zwp_linux_dmabuf_v1", 1, 3)).ends(2, 0, "invalid global")


def test_a_bind_for_another_interface_than_announced_is_refused():
    scene = Scene(policy("wl_shm")).announce(names=ALL)
    scene.guest_bytes(scene.request(2, "bind", 1, "zwp_linux_dmabuf_v1", 1, 3)).ends(2, 0, "have wl_shm")


@pytest.mark.parametrize("version", [0, 6, 0xFFFFFFFF])
def test_a_bind_beyond_the_version_announced_is_refused(version):
    scene = Scene(policy(wl_seat=5)).announce(names=ALL)
    scene.guest_bytes(scene.request(2, "bind", 1, "wl_seat", version, 3)).ends(2, 0, "have 5")


def test_global_remove_is_told_only_for_what_was_announced():
    scene = Scene(policy("wl_seat")).announce(names=ALL, first=70).forget()
    scene.event(2, "global_remove", 71).guest_gets()
    scene.event(2, "global_remove", 74).guest_gets("wl_registry#2.global_remove(1)")
    scene.event(2, "global_remove", 74).guest_gets()


def test_a_bind_that_crosses_the_removal_gives_an_inert_object():
    scene = Scene(policy("wl_seat")).announce(names=ALL, first=70)
    scene.event(2, "global_remove", 74).forget()
    scene.guest(2, "bind", 1, "wl_seat", 5, 3).host_gets("wl_display#1.sync(3)").goes_on()
    scene.guest(3, "get_pointer", 4).host_gets("wl_display#1.sync(4)").goes_on()


def test_what_one_connection_was_told_is_not_what_another_was():
    first = Scene(policy("wl_shm", "wl_seat")).announce(names=("wl_shm", "wl_seat"), first=70)
    second = Scene(beside=first).announce(names=("wl_seat", "wl_shm"), first=70)  # of a compositor that has started again
    first.event(2, "global_remove", 71).forget()
    second.forget().guest(2, "bind", 2, "wl_shm", 1, 3).host_gets("wl_registry#2.bind(71, 'wl_shm', 1, 3)")
    first.guest(2, "bind", 2, "wl_seat", 5, 3).host_gets("wl_display#1.sync(3)")
    second.guest_bytes(second.request(2, "bind", 2, "wl_seat", 5, 4)).ends(2, 0, "invalid interface")


def test_connections_that_were_told_the_same_share_it():
    first = Scene(policy("wl_shm", "wl_seat")).announce(names=("wl_shm", "wl_seat"), first=70)
    second = Scene(beside=first).announce(names=("wl_shm", "wl_seat"), first=70)
    one, other = (told_to(scene.session.connection) for scene in (first, second))
    assert one.keys() == other.keys() == {1, 2} and all(one[name] is other[name] for name in one)


def told_to(connection) -> dict[int, Announced]:
    """By the guest's names."""
    note = connection.objects.of_guest(2).note
    assert isinstance(note, Registry)
    return note.by_guest


def test_a_global_that_came_again_under_its_name_can_go_again():
    scene = Scene(policy(transparent=True)).announce(names=("wl_seat",), first=70)
    scene.event(2, "global_remove", 70).event(2, "global", 70, "wl_seat", 5).forget()
    scene.event(2, "global_remove", 70).guest_gets("wl_registry#2.global_remove(70)")
    scene.event(2, "global_remove", 70).guest_gets()


def test_a_name_the_compositor_uses_again_is_another_global():
    scene = Scene(policy("wl_seat", "wl_output")).announce(names=("wl_seat",), first=70)
    scene.event(2, "global_remove", 70).forget()
    scene.event(2, "global", 70, "wl_output", 3).guest_gets("wl_registry#2.global(2, 'wl_output', 3)")


def test_every_registry_of_a_connection_has_the_same_names():
    scene = Scene(policy("wl_shm", "wl_seat")).announce(names=("wl_shm", "wl_seat"), first=70)
    scene.guest(1, "get_registry", 3).forget()
    scene.event(3, "global", 71, "wl_seat", scene.interfaces["wl_seat"].version)
    assert scene.announced(3)["wl_seat"] == scene.announced(2)["wl_seat"]


def test_a_bind_is_judged_by_what_its_own_registry_was_told():
    scene = Scene(policy("wl_shm")).announce(names=("wl_shm",)).guest(1, "get_registry", 3)
    scene.guest_bytes(scene.request(3, "bind", 1, "wl_shm", 1, 4)).ends(3, 0, "invalid global")


def test_a_transparent_policy_keeps_names_and_versions_and_bytes():
    scene = Scene(policy(transparent=True))
    scene.guest(1, "get_registry", 2).forget()
    scene.event(2, "global", 4711, "wl_seat", 5).guest_gets("wl_registry#2.global(4711, 'wl_seat', 5)")
    scene.guest(2, "bind", 4711, "wl_seat", 5, 3).host_gets("wl_registry#2.bind(4711, 'wl_seat', 5, 3)")


def test_a_transparent_policy_hides_what_the_protocol_data_does_not_know():
    scene = Scene(policy(transparent=True))
    scene.guest(1, "get_registry", 2).forget()
    scene.event(2, "global", 5, "unheard_of_v1", 1).guest_gets()


def test_destroy_registry_destroys_its_argument_and_not_its_receiver():
    rules = policy(*BASIC, wl_fixes=1)
    if "wl_fixes" not in Scene().interfaces:
        pytest.skip("no wl_fixes in the data")
    scene = Scene(rules).announce(names=("wl_fixes",)).bind("wl_fixes", 3).guest(1, "get_registry", 4).forget()
    scene.guest(3, "destroy_registry", 4).host_gets("wl_fixes#3.destroy_registry(4)")
    scene.client.ended(4)
    scene.host.ended(4)
    scene.guest_bytes(scene.request(2, "bind", 1, "wl_fixes", 1, 5)[:4])
    scene.event(1, "delete_id", 4).forget()
    scene.goes_on()


def test_wl_fixes_is_offered_only_up_to_the_version_whose_duties_the_proxy_carries_out():
    scene = Scene(policy(transparent=True))
    if "wl_fixes" not in scene.interfaces:
        pytest.skip("no wl_fixes in the data")
    scene.guest(1, "get_registry", 2).forget()
    scene.event(2, "global", 5, "wl_fixes", 2).guest_gets("wl_registry#2.global(5, 'wl_fixes', 1)")


# -- count


def counted(count: int) -> Scene:
    """Of wl_output `count` at most; 70 and 71 are outputs, 72 a seat, 73 another output."""
    rules = policy("wl_output", "wl_seat")
    rules.globals["wl_output"] = replace(rules.globals["wl_output"], count=count)
    return Scene(rules).announce(names=("wl_output", "wl_output", "wl_seat", "wl_output"), first=70)


@pytest.mark.parametrize(("count", "seen"), [(1, [1, 2]), (2, [1, 2, 3]), (9, [1, 2, 3, 4])])
def test_the_guest_is_told_of_so_many_and_names_have_no_gaps(count, seen):
    scene = counted(count)
    assert [int(line.partition("(")[2].partition(",")[0]) for line in scene.guest_lines] == seen


def test_a_global_beyond_the_count_cannot_be_bound():
    scene = counted(1)
    scene.guest_bytes(scene.request(2, "bind", 3, "wl_output", 4, 3)).ends(2, 0, "invalid global")


def test_one_that_goes_is_replaced_by_the_next_and_told_before_its_end():
    scene = counted(1).forget().event(2, "global_remove", 70)
    newest = scene.interfaces["wl_output"].version
    scene.guest_gets(f"wl_registry#2.global(3, 'wl_output', {newest})", "wl_registry#2.global_remove(1)")
    scene.guest(2, "bind", 3, "wl_output", 4, 3).host_gets("wl_registry#2.bind(71, 'wl_output', 4, 3)").goes_on()


def test_the_end_of_one_that_was_not_told_of_is_not_told_either():
    scene = counted(1).forget().event(2, "global_remove", 71).guest_gets().event(2, "global_remove", 70)
    newest = scene.interfaces["wl_output"].version
    scene.guest_gets(f"wl_registry#2.global(3, 'wl_output', {newest})", "wl_registry#2.global_remove(1)")  # 73
    scene.event(2, "global_remove", 73).guest_gets("wl_registry#2.global_remove(3)")
    scene.event(2, "global", 74, "wl_output", 3).guest_gets("wl_registry#2.global(4, 'wl_output', 3)")


def test_every_registry_of_a_guest_has_the_same_ones():
    scene = counted(1).forget().announce(3, ("wl_output", "wl_output", "wl_seat", "wl_output"), 70)
    assert {name for name, *_ in scene.announced(3).values()} == {name for name, *_ in scene.announced(2).values()} == {1, 2}
