"""The session's own decisions: framing, targets, ids, ghosts, descriptors, ends. Traps are those of Wayland proxies in general:
each test's name says which mistake it forbids."""

from __future__ import annotations

import struct
from types import FunctionType

import pytest

from tests.handlers.fakes import FakeFiles, pipe_end
from tests.scene import BASIC, Scene, deny, only, policy
from wlproxy.core.fds import Fd
from wlproxy.core.objects import ObjectTable
from wlproxy.core.quotas import Limits
from wlproxy.policy.model import Origin, Predicate

SERVER = 0xFF000000


def message(object_id: int, opcode: int, *words: int) -> bytes:
    return struct.pack(f"<IHH{len(words)}I", object_id, opcode, 8 + 4 * len(words), *words)


# -- framing


def test_what_needs_no_change_leaves_as_the_very_bytes_that_came():
    scene = Scene().window()
    data = scene.request(6, "damage", 0, 0, 5, 5) + scene.request(6, "commit")
    outcome = scene.session.receive(0, data, [])
    assert [p.data for p in outcome.to_host] == [data]
    assert outcome.to_host[0].data is data


@pytest.mark.parametrize("cut", range(1, 24))
def test_a_message_may_come_in_two_reads_cut_anywhere(cut):
    scene = Scene().window().forget()
    data = scene.request(6, "damage", 1, 2, 3, 4)
    scene.guest_bytes(data[:cut]).host_gets()
    scene.guest_bytes(data[cut:]).host_gets("wl_surface#6.damage(1, 2, 3, 4)")


@pytest.mark.parametrize("size", [0, 4, 7, 9, 10, 11, 14])
def test_a_size_below_eight_or_not_a_multiple_of_four_ends_the_session(size):
    scene = Scene()
    scene.guest_bytes(struct.pack("<IHHI", 1, 0, size, 2)).ends(1, 1, f"size {size}")


def test_bytes_after_the_last_argument_are_refused_not_skipped():
    scene = Scene().window().forget()
    scene.guest_bytes(message(6, 6, 0)).host_gets().ends(1, 1, "12 bytes long, must be 8")


def test_bytes_after_a_string_are_refused_not_skipped():
    scene = Scene().window().forget()
    data = scene.request(8, "set_title", "x")
    padded = struct.pack("<IHH", 8, 2, len(data) + 4) + data[8:] + bytes(4)
    scene.guest_bytes(padded).host_gets().ends(1, 1, "4 bytes after the last argument")


def test_a_message_longer_than_the_limit_is_refused_before_it_is_complete():
    scene = Scene(limits=Limits(message_bytes=4096)).window().forget()
    scene.guest_bytes(struct.pack("<IHH", 8, 2, 8192)).ends(1, 3, "8192 bytes are more than 4096")


@pytest.mark.parametrize("cut", [8, 4000, 5000])
def test_a_message_that_is_too_long_is_refused_alike_in_one_read_or_two(cut):
    said = [Scene(limits=Limits(message_bytes=4096)).window() for _ in range(2)]
    data = struct.pack("<IHHI", 8, 2, 5012, 5000) + b"x" * 4999 + b"\0"
    said[0].guest_bytes(data)
    said[1].guest_bytes(data[:cut]).guest_bytes(data[cut:])
    assert said[0].client.log[-1] == said[1].client.log[-1]
    assert "5012 bytes are more than 4096" in said[0].client.log[-1]


def test_good_messages_before_a_bad_one_in_the_same_read_are_delivered():
    scene = Scene().window().forget()
    scene.guest_bytes(scene.request(6, "commit") + message(6, 99) + scene.request(6, "commit"))
    scene.host_gets("wl_surface#6.commit()").ends(1, 1, "invalid method 99")


def test_after_the_farewell_nothing_passes_and_descriptors_come_back():
    scene = Scene().window()
    scene.guest_bytes(message(6, 99)).forget()
    scene.guest_bytes(scene.request(6, "commit"), fds=2).host_gets()
    scene.host_bytes(message(6, 0, 9), fds=1).guest_gets()
    scene.close()


def test_a_transparent_policy_changes_no_byte_of_an_ordinary_session():
    """Ids of both ranges, names, serials, descriptors, destruction and reuse: a client cannot tell it from a direct connection."""
    scene = Scene(policy(transparent=True)).window().guest(4, "create_pool", 9, 4096, fds=1)
    scene.guest(9, "create_buffer", 10, 0, 16, 16, 64, 0).guest(6, "commit").event(8, "configure", 0, 0, b"")
    scene.event(7, "configure", 41).guest(7, "ack_configure", 41).guest(6, "attach", 10, 0, 0).guest(6, "frame", 11)
    scene.guest(6, "commit").event(11, "done", 7).event(1, "delete_id", 11).guest(1, "sync", 11).event(11, "done", 9000)
    scene.event(1, "delete_id", 11).bind("wl_seat", 11).bind("wl_data_device_manager", 12).guest(12, "get_data_device", 13, 11)
    scene.guest(11, "get_keyboard", 14).event(14, "keymap", 1, 4096, fds=1).event(14, "enter", 50, 6, b"")
    scene.event(13, "data_offer", SERVER).event(SERVER, "offer", "text/plain").event(13, "selection", SERVER)
    scene.event(14, "key", 51, 1, 30, 1).guest(13, "set_selection", 0, 51).guest(SERVER, "destroy")
    scene.event(13, "data_offer", SERVER).guest(8, "set_title", "ein Titel").guest(8, "destroy").event(1, "delete_id", 8)
    scene.event(1, "error", 7, 4, "the end").goes_on()
    assert scene.heard[1] == scene.said[0]
    assert scene.heard[0] == scene.said[1]
    scene.close()


# -- strings and arrays


def titled(raw: bytes, length: int | None = None) -> bytes:
    body = struct.pack("<I", len(raw) if length is None else length) + raw + bytes(-len(raw) % 4)
    return struct.pack("<IHH", 8, 2, 8 + len(body)) + body


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"abc", "without its NUL"),
        (b"a\0b\0", "NUL inside"),
        (b"\xff\xfe\0", "not UTF-8"),
        (b"\xed\xa0\x80\0", "not UTF-8"),
        (b"\xc0\x80\0", "not UTF-8"),
    ],
)
def test_strings_that_two_readers_would_read_differently_are_refused(raw, reason):
    Scene().window().guest_bytes(titled(raw)).ends(1, 1, reason)


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0xFFFFFFFD, 0x80000000, 5, 100])
def test_a_string_length_beyond_the_message_is_refused(length):
    Scene().window().guest_bytes(titled(b"abc\0", length)).ends(1, 1, "claims")


def test_a_null_string_where_none_is_allowed_is_refused():
    Scene().window().guest_bytes(struct.pack("<IHHI", 8, 2, 12, 0)).ends(1, 1, "null string")


def test_padding_leaves_as_zeroes_whatever_it_was():
    scene = Scene().window().forget()
    data = struct.pack("<IHHI", 8, 2, 16, 2) + b"x\0\xaa\xbb"
    scene.guest_bytes(data).host_gets("xdg_toplevel#8.set_title('x')")
    assert scene.outcome.to_host[0].data.endswith(b"x\0\0\0")


def test_events_keep_strings_that_are_not_utf8():
    scene = Scene().announce().bind("wl_output", 3).forget()
    raw = struct.pack("<I", 3) + b"\xff\xfe\0\0"
    outcome = scene.session.receive(1, struct.pack("<IHH", 3, 4, 8 + len(raw)) + raw, [])
    assert outcome.to_guest[0].data.endswith(raw)


# -- targets and ids


@pytest.mark.parametrize("object_id", [0, 2, 500, SERVER - 1, SERVER, 0xFFFFFFFF])
def test_a_request_to_an_object_that_is_not_there_ends_the_session(object_id):
    Scene().guest_bytes(message(object_id, 0)).ends(1, 0, f"invalid object {object_id}")


@pytest.mark.parametrize("new_id", [0, 1, 4, 0x00F00000, 0xFEFFFFFF, SERVER, 0xFFFFFFFF])
def test_client_ids_must_be_dense(new_id):
    scene = Scene()
    scene.guest(1, "get_registry", 2)
    scene.guest_bytes(message(1, 0, new_id)).ends(1, 1, f"new id {new_id}")


def test_an_id_is_free_again_only_after_delete_id():
    scene = Scene()
    scene.guest(1, "sync", 2).event(2, "done", 7)
    scene.guest_bytes(scene.request(1, "sync", 2)).ends(1, 1, "new id 2 is in use")


def test_an_id_is_free_again_after_delete_id():
    scene = Scene()
    scene.guest(1, "sync", 2).event(2, "done", 7).event(1, "delete_id", 2).forget()
    scene.guest(1, "sync", 2).host_gets("wl_display#1.sync(2)")


def test_a_request_to_a_destroyed_object_ends_the_session():
    scene = Scene().window()
    scene.guest(8, "destroy")
    scene.guest_bytes(message(8, 2, 1, 0)).ends(1, 0, "invalid object 8")


def test_ids_that_are_never_used_again_come_to_an_end(monkeypatch):
    if isinstance(ObjectTable.check_new, FunctionType):  # the compiled build has the number compiled in
        monkeypatch.setattr("wlproxy.core.objects.MOST_IDS", 5)
        scene = Scene()
        for new_id in range(2, 5):
            scene.guest(1, "sync", new_id).event(new_id, "done", 0).event(1, "delete_id", new_id)
        scene.guest_bytes(message(1, 0, 5)).ends(1, 2, "are to be used again")


def test_an_id_of_an_interface_without_events_may_be_reused_at_once():
    """wl-cross-domain-proxy reuses ids of wl_shm_pool before delete_id; the late delete_id must not free the new one."""
    scene = Scene().window()
    scene.guest(4, "create_pool", 9, 4096, fds=1).guest(9, "destroy").guest(4, "create_pool", 9, 4096, fds=1).forget()
    scene.event(1, "delete_id", 9).guest_gets("wl_display#1.delete_id(9)")
    scene.client.created(9, "wl_shm_pool", 1)
    scene.guest(9, "resize", 8192).host_gets("wl_shm_pool#9.resize(8192)").goes_on()


def test_more_objects_than_the_quota_end_the_session():
    scene = Scene(limits=Limits(objects=10))
    for new_id in range(2, 11):
        scene.guest(1, "sync", new_id)
    scene.guest_bytes(scene.request(1, "sync", 11)).ends(1, 2, "more than 10 objects")


def test_a_request_newer_than_the_bound_version_is_refused():
    scene = Scene().announce().bind("wl_compositor", 3, version=3)
    scene.guest(3, "create_surface", 4)
    scene.guest_bytes(message(4, 9, 0, 0, 1, 1)).ends(1, 1, "bound at version 3")


def test_a_child_has_its_parents_version():
    scene = Scene().announce().bind("wl_seat", 3, version=4)
    scene.guest(3, "get_pointer", 4)
    scene.host_bytes(message(4, 5)).ends(1, 1, "bound at version 4")


def test_an_object_argument_must_exist_and_have_the_interface_of_the_xml():
    scene = Scene().window()
    scene.guest_bytes(scene.request(6, "set_input_region", 7)).ends(1, 1, "must be a wl_region")
    scene = Scene().window()
    scene.guest_bytes(scene.request(6, "set_input_region", 70)).ends(1, 1, "no object 70")


def test_an_object_argument_may_be_null_only_where_the_xml_says_so():
    scene = Scene().window().forget()
    scene.guest(6, "attach", 0, 0, 0).host_gets("wl_surface#6.attach(0, 0, 0)")
    scene.guest_bytes(scene.request(5, "get_xdg_surface", 9, 0)).ends(1, 1, "null object")


# -- destructors and zombies


def test_events_for_a_destroyed_object_pass_until_its_delete_id():
    scene = Scene().announce().bind("wl_seat", 3).guest(3, "get_pointer", 4)
    scene.guest(4, "release").forget()
    scene.host_bytes(message(4, 5)).guest_gets("wl_pointer#4.frame()").goes_on()


def test_descriptors_of_events_for_a_destroyed_object_are_closed():
    scene = Scene().announce().bind("wl_seat", 3).guest(3, "get_keyboard", 4)
    scene.guest(4, "release").forget()
    scene.host_bytes(message(4, 0, 1, 4096), fds=1).guest_gets().goes_on()
    assert len(scene.outcome.discarded) == 1
    scene.close()


def test_objects_made_by_events_for_a_destroyed_object_are_destroyed_upstream():
    scene = Scene().announce().bind("wl_seat", 3).bind("wl_data_device_manager", 4).guest(4, "get_data_device", 5, 3)
    scene.guest(5, "release").forget()
    scene.host.objects[5] = scene.host.objects[4]
    scene.host.created(SERVER, "wl_data_offer", 3)
    scene.host_bytes(message(5, 0, SERVER)).guest_gets().host_gets(f"wl_data_offer#{SERVER}.destroy()").goes_on()


def test_a_server_id_is_the_guests_again_when_the_compositor_reuses_it():
    scene = Scene().announce().bind("wl_seat", 3).bind("wl_data_device_manager", 4).guest(4, "get_data_device", 5, 3)
    scene.event(5, "data_offer", SERVER).guest(SERVER, "destroy").forget()
    scene.event(5, "data_offer", SERVER).guest_gets(f"wl_data_device#5.data_offer({SERVER})").goes_on()


def test_events_for_a_destroyed_server_object_do_not_reach_the_guest():
    scene = Scene().announce().bind("wl_seat", 3).bind("wl_data_device_manager", 4).guest(4, "get_data_device", 5, 3)
    scene.event(5, "data_offer", SERVER).forget()
    text = struct.pack("<I", 2) + b"t\0\0\0"
    scene.guest(SERVER, "destroy")
    scene.host_bytes(struct.pack("<IHH", SERVER, 0, 16) + text).guest_gets().goes_on()


def test_server_ids_stay_dense_for_the_guest_when_some_are_kept_from_it():
    rules = policy(*BASIC, messages={("wl_data_device", "drop"): deny("ignore")})
    scene = Scene(rules).announce().bind("wl_seat", 3).bind("wl_data_device_manager", 4)
    scene.guest(4, "get_data_device", 5, 3).guest(4, "get_data_device", 6, 3).guest(6, "release")
    scene.host.objects[6] = scene.host.objects[5]
    scene.host.created(SERVER, "wl_data_offer", 3)
    scene.host_bytes(message(6, 0, SERVER))  # for the released device: muted
    scene.forget().event(5, "data_offer", SERVER + 1).guest_gets(f"wl_data_device#5.data_offer({SERVER})")
    scene.event(5, "selection", SERVER + 1).guest_gets(f"wl_data_device#5.selection({SERVER})")
    scene.guest(SERVER, "destroy").host_gets(f"wl_data_offer#{SERVER + 1}.destroy()")


def test_an_event_that_names_an_object_kept_from_the_guest_names_null():
    scene = Scene().announce().bind("wl_seat", 3).bind("wl_data_device_manager", 4).guest(4, "get_data_device", 5, 3)
    scene.event(5, "data_offer", SERVER).guest(SERVER, "destroy").forget()
    scene.host_bytes(message(5, 5, SERVER)).guest_gets("wl_data_device#5.selection(0)")


def test_an_event_that_names_an_object_of_another_interface_names_null_or_does_not_reach_the_guest():
    """Found by wlproxy fuzz. libwayland's client ends itself over an argument of the wrong type."""
    scene = Scene().window().bind("wl_seat", 9).bind("wl_data_device_manager", 10).guest(10, "get_data_device", 11, 9)
    scene.guest(9, "get_keyboard", 12).forget()
    scene.host_bytes(message(11, 5, 6)).guest_gets("wl_data_device#11.selection(0)")
    scene.host_bytes(message(6, 0, 3)).guest_gets()  # wl_surface.enter, by way of the quick path
    scene.host_bytes(message(12, 1, 1, 3, 0)).guest_gets().goes_on()  # wl_keyboard.enter
    scene.host_bytes(message(12, 2, 1, 6)).guest_gets("wl_keyboard#12.leave(1, 6)")


def test_a_callback_ends_with_done_though_the_guest_sends_no_destructor():
    scene = Scene().window().guest(6, "frame", 9)
    scene.event(9, "done", 16).event(1, "delete_id", 9).forget()
    scene.guest(6, "frame", 9).host_gets("wl_surface#6.frame(9)").goes_on()


def test_a_delete_id_for_an_id_nobody_has_is_dropped():
    Scene().host_bytes(message(1, 1, 77)).guest_gets().goes_on()


# -- ghosts


def inert_popups() -> Scene:
    return Scene(policy(*BASIC, messages={("xdg_surface", "get_popup"): deny("inert")})).window()


def test_a_refused_request_that_creates_leaves_no_gap_upstream():
    scene = inert_popups().guest(5, "create_positioner", 9).guest(3, "create_surface", 10)
    scene.guest(5, "get_xdg_surface", 11, 10).forget()
    scene.guest(11, "get_popup", 12, 7, 9).host_gets("wl_display#1.sync(12)")
    scene.guest(3, "create_surface", 13).host_gets("wl_compositor#3.create_surface(13)").goes_on()
    assert [r.rule for r in scene.records("refused")] == ["scene.toml:77"]


def test_a_ghost_swallows_its_placeholder_and_answers_its_destructor_itself():
    scene = inert_popups().guest(5, "create_positioner", 9).guest(3, "create_surface", 10)
    scene.guest(5, "get_xdg_surface", 11, 10).guest(11, "get_popup", 12, 7, 9).forget()
    scene.event(12, "done", 3).event(1, "delete_id", 12).guest_gets()
    scene.guest(12, "destroy").host_gets().guest_gets("wl_display#1.delete_id(12)")
    scene.guest(3, "create_region", 12).host_gets("wl_compositor#3.create_region(12)").goes_on()


def test_a_ghost_destroyed_before_its_placeholder_is_deleted_waits_for_it():
    scene = inert_popups().guest(5, "create_positioner", 9).guest(3, "create_surface", 10)
    scene.guest(5, "get_xdg_surface", 11, 10).guest(11, "get_popup", 12, 7, 9).forget()
    scene.guest(12, "destroy").guest_gets().host_gets()
    scene.event(12, "done", 3).guest_gets()
    scene.event(1, "delete_id", 12).guest_gets("wl_display#1.delete_id(12)")


def test_requests_to_a_ghost_are_checked_and_dropped_and_their_descriptors_closed():
    rules = policy(*BASIC, messages={("wl_data_device_manager", "create_data_source"): deny("inert")})
    scene = Scene(rules).announce().bind("wl_data_device_manager", 3).guest(3, "create_data_source", 4).forget()
    scene.guest(4, "offer", "text/plain").host_gets().goes_on()
    scene.guest_bytes(message(4, 9)).ends(1, 1, "invalid method 9")


def test_children_of_ghosts_are_ghosts():
    rules = policy(*BASIC, messages={("xdg_wm_base", "get_xdg_surface"): deny("inert")})
    scene = Scene(rules).announce().bind("wl_compositor", 3).bind("xdg_wm_base", 4).guest(3, "create_surface", 5)
    scene.guest(4, "get_xdg_surface", 6, 5).forget()
    scene.guest(6, "get_toplevel", 7).host_gets("wl_display#1.sync(7)")
    scene.guest_gets("xdg_toplevel#7.configure(0, 0, b'')", "xdg_surface#6.configure(1)")
    scene.guest(7, "set_title", "x").guest(7, "destroy").guest(6, "destroy").host_gets().goes_on()


def test_a_ghost_as_argument_is_null_where_null_may_stand():
    rules = policy(*BASIC, messages={("wl_compositor", "create_region"): deny("inert")})
    scene = Scene(rules).announce().bind("wl_compositor", 3).guest(3, "create_surface", 4).guest(3, "create_region", 5).forget()
    scene.guest(4, "set_input_region", 5).host_gets("wl_surface#4.set_input_region(0)")


def test_a_request_with_a_ghost_that_cannot_be_null_is_dropped_or_inert():
    rules = policy(*BASIC, messages={("wl_compositor", "create_surface"): deny("inert")})
    scene = Scene(rules).announce().bind("wl_compositor", 3).bind("xdg_wm_base", 4).guest(3, "create_surface", 5).forget()
    scene.guest(4, "get_xdg_surface", 6, 5).host_gets("wl_display#1.sync(6)").goes_on()


def test_a_refused_callback_is_done_at_once_and_deleted():
    rules = policy(*BASIC, messages={("wl_surface", "frame"): deny("inert")})
    scene = Scene(rules).window().guest(6, "frame", 9).forget()
    scene.event(9, "done", 123).guest_gets("wl_callback#9.done(0)")
    scene.event(1, "delete_id", 9).guest_gets("wl_display#1.delete_id(9)")
    scene.guest(6, "frame", 9).host_gets("wl_display#1.sync(9)").goes_on()


# -- verdicts


def test_a_refused_request_that_creates_nothing_is_dropped():
    scene = Scene(policy(*BASIC, messages={("xdg_toplevel", "set_fullscreen"): deny("ignore")})).window().forget()
    scene.guest(8, "set_fullscreen", 0).host_gets().goes_on()
    assert [(r.message, r.verdict, r.rule) for r in scene.records("refused")] == [("set_fullscreen", "ignore", "scene.toml:77")]


def test_a_refusal_by_disconnecting_names_the_object_and_the_request():
    scene = Scene(policy(*BASIC, messages={("xdg_toplevel", "set_fullscreen"): deny("disconnect")})).window()
    scene.guest(8, "set_fullscreen", 0).ends(1, 3, "xdg_toplevel#8.set_fullscreen: not allowed by the policy")
    assert [(r.event, r.verdict, r.rule) for r in scene.audit][-1] == ("refused", "disconnect", "scene.toml:77")


def test_the_guest_is_not_told_the_policy_line():
    scene = Scene(policy(*BASIC, messages={("xdg_toplevel", "set_fullscreen"): deny("disconnect")})).window()
    scene.guest(8, "set_fullscreen", 0)
    assert "scene.toml" not in scene.client.log[-1]


def test_a_predicate_that_fails_ends_the_session_and_names_the_argument():
    rule = only(scale=Predicate(minimum=1, maximum=4, origin=Origin("scene.toml", 9)))
    scene = Scene(policy(*BASIC, messages={("wl_surface", "set_buffer_scale"): rule})).window()
    scene.guest(6, "set_buffer_scale", 4).goes_on()
    scene.guest(6, "set_buffer_scale", 5).ends(1, 3, "argument scale: 5 is above 4")
    assert scene.audit[-1].rule == "scene.toml:9"


def test_a_value_outside_its_enum_is_refused():
    scene = Scene().announce().bind("xdg_wm_base", 3).guest(3, "create_positioner", 4)
    scene.guest(4, "set_constraint_adjustment", 0x40).ends(1, 3, "0x40 has bits that are not allowed")


def test_an_event_may_be_kept_from_the_guest():
    scene = Scene(policy(*BASIC, messages={("wl_output", "geometry"): deny("ignore")})).announce().bind("wl_output", 3).forget()
    scene.event(3, "geometry", 0, 0, 1, 1, 0, "make", "model", 0).event(3, "done").guest_gets("wl_output#3.done()")


# -- descriptors


def test_a_descriptor_goes_out_with_its_message():
    scene = Scene().window().forget()
    pool = Fd(500)
    scene.guest(4, "create_pool", 9, 4096, fds=[pool]).host_gets("wl_shm#4.create_pool(9, 500, 4096)")
    assert scene.outcome.to_host[0].fds == [pool]
    scene.close()


def test_a_descriptor_may_come_before_its_message():
    """libwayland flushes earlier messages together with the descriptors of the one it is about to write."""
    scene = Scene().window().forget()
    scene.guest_bytes(scene.request(6, "commit"), fds=[Fd(500)]).host_gets("wl_surface#6.commit()")
    scene.guest(4, "create_pool", 9, 4096).host_gets("wl_shm#4.create_pool(9, 500, 4096)")


def test_a_descriptor_belongs_to_the_message_that_asks_not_to_the_read_it_came_in():
    scene = Scene().window().forget()
    data = scene.request(4, "create_pool", 9, 4096) + scene.request(4, "create_pool", 10, 8192)
    scene.guest_bytes(data[:20], fds=[Fd(500), Fd(501)])
    scene.client.created(9, "wl_shm_pool", 1)
    scene.guest_bytes(data[20:]).host_gets("wl_shm#4.create_pool(9, 500, 4096)", "wl_shm#4.create_pool(10, 501, 8192)")


def test_a_message_whose_descriptor_has_not_come_ends_the_session():
    scene = Scene().window().forget()
    scene.guest_bytes(scene.request(4, "create_pool", 9, 4096)).host_gets().ends(1, 1, "descriptor did not come")


def test_descriptors_of_a_dropped_message_are_closed_and_the_next_keeps_its_own():
    rules = policy(*BASIC, messages={("wl_shm", "create_pool"): deny("inert")})
    scene = Scene(rules).window().forget()
    first, second = Fd(500), Fd(501)
    scene.guest(4, "create_pool", 9, 4096, fds=[first]).host_gets("wl_display#1.sync(9)")
    assert scene.outcome.discarded == [first]
    scene.guest(4, "create_pool", 10, 4096, fds=[second]).host_gets("wl_display#1.sync(10)")
    assert scene.outcome.discarded == [second]
    scene.close()


def test_more_descriptors_than_one_sendmsg_may_carry_are_split_at_messages():
    scene = Scene().window().forget()
    data = b"".join(scene.request(4, "create_pool", 9 + i, 4096) for i in range(60))
    scene.guest_bytes(data, fds=[Fd(500 + i) for i in range(60)])
    assert [len(p.fds) for p in scene.outcome.to_host] == [28, 28, 4]
    assert len(scene.host_lines) == 60
    scene.close()


def test_too_many_unclaimed_descriptors_end_the_session():
    scene = Scene()
    scene.guest_bytes(b"", fds=64).goes_on()
    scene.guest_bytes(b"", fds=1).ends(1, 3, "65 descriptors that no message claims")
    scene.close()


def test_a_descriptor_that_no_message_claims_ends_the_session_in_the_end():
    scene = Scene().window()
    scene.guest_bytes(b"", fds=1)
    commits = scene.request(6, "commit") * 4096
    for _ in range(9):
        scene.guest_bytes(commits)
    scene.ends(1, 3, "a descriptor that no message claims")
    scene.close()


# -- the compositor's last words, ends, deadlines


def test_the_compositors_error_reaches_the_guest_with_an_object_it_knows():
    scene = Scene().window().forget()
    scene.event(1, "error", 8, 2, "no").guest_gets("wl_display#1.error(8, 2, 'no')")
    scene.event(1, "error", 4000, 2, "gone").guest_gets("wl_display#1.error(1, 2, 'gone')")
    assert [r.event for r in scene.audit][-2:] == ["host-error", "host-error"]


def test_a_stream_that_ends_inside_a_message_gives_its_descriptors_back():
    scene = Scene().window()
    scene.guest_bytes(scene.request(4, "create_pool", 9, 4096)[:10], fds=1).take(scene.session.end_of_stream(0))
    assert [r.rule for r in scene.audit][-1] == "built-in: truncated message"
    scene.close()


def test_a_message_begun_must_end_before_the_deadline():
    scene = Scene(limits=Limits(stall_seconds=10)).window()
    scene.guest_bytes(scene.request(6, "commit")[:4])
    assert scene.session.waiting
    scene.take(scene.session.tick(100.0)).take(scene.session.tick(110.0)).goes_on()
    scene.take(scene.session.tick(110.1)).ends(1, 3, "a message begun 10 s ago is still unfinished")


def test_a_slow_message_that_ends_in_time_is_not_held_against_the_next():
    scene = Scene(limits=Limits(stall_seconds=10)).window()
    scene.guest_bytes(scene.request(6, "commit")[:4]).take(scene.session.tick(100.0))
    scene.guest_bytes(scene.request(6, "commit")[4:]).take(scene.session.tick(105.0))
    scene.guest_bytes(scene.request(6, "commit")[:4]).take(scene.session.tick(109.0)).take(scene.session.tick(118.0)).goes_on()


def test_an_event_the_compositor_must_not_send_ends_the_session_and_says_whose_fault_it_is():
    scene = Scene().window()
    scene.host_bytes(message(6, 99)).ends(1, 1, "invalid method 99")
    assert scene.audit[-1].side == 1


def test_a_destructor_that_creates_does_both():
    """wp_image_description_creator_params_v1.create ends its receiver and makes an image description."""
    scene = Scene(policy(*BASIC, "wp_color_manager_v1")).announce(names=("wp_color_manager_v1",)).bind("wp_color_manager_v1", 3)
    scene.guest(3, "create_parametric_creator", 4).forget()
    scene.guest(4, "create", 5).host_gets("wp_image_description_creator_params_v1#4.create(5)")
    scene.guest(5, "destroy").host_gets("wp_image_description_v1#5.destroy()")
    scene.guest_bytes(message(4, 1, 1)).ends(1, 0, "invalid object 4")


def test_a_release_after_the_buffers_end_passes():
    scene = Scene().window().guest(4, "create_pool", 9, 4096, fds=1).guest(9, "create_buffer", 10, 0, 16, 16, 64, 0)
    scene.guest(10, "destroy").forget()
    scene.host_bytes(message(10, 0)).guest_gets("wl_buffer#10.release()").goes_on()


# -- what a handler may rely on


def test_a_configure_that_is_forgotten_by_now_cannot_be_acknowledged_by_chance():
    """Serials are remembered in bounded number; a forgotten one must not reach the compositor as some other number."""
    scene = Scene().window().event(7, "configure", 1)
    first = scene.serial()
    scene.bind("wl_seat", 9).guest(9, "get_keyboard", 10)
    for serial in range(100, 4300):
        scene.event(10, "key", serial, 1, 30, 1)
    scene.forget().guest(7, "ack_configure", first).host_gets().goes_on()


def test_an_object_of_the_compositors_making_has_its_note_and_the_guests_end_of_it_is_noticed():
    scene = Scene().announce().bind("wl_seat", 3).bind("wl_data_device_manager", 4).guest(4, "get_data_device", 5, 3)
    scene.event(5, "data_offer", SERVER)
    offer = scene.session.connection.objects.of_guest(SERVER)
    assert offer is not None
    assert offer.note is not None
    scene.guest(SERVER, "destroy")
    assert offer.note is None


def test_transfers_are_in_one_outcome_and_never_again():
    scene = Scene().announce().bind("wl_seat", 3).bind("wl_data_device_manager", 4).guest(4, "create_data_source", 5)
    files = FakeFiles()
    scene.session.connection.files = files
    scene.guest(5, "offer", "a/b").event(5, "send", "a/b", fds=[pipe_end(600)])
    assert len(scene.outcome.transfers) == 1
    scene.guest(5, "offer", "c/d")
    assert scene.outcome.transfers == []
    scene.close()
