"""Which descriptor may come with which request: a full table, and the interface's own error for the rest."""

from __future__ import annotations

import pytest

from tests.handlers.fakes import FakeFiles, dmabuf, pipe_end, with_files
from tests.scene import BASIC, Scene, deny, only, policy
from wlproxy.core.fds import DMABUF, FILE, MEMFD, OTHER, PIPE, READ_ONLY, READ_WRITE, SOCKET, UNKNOWN, WRITE_ONLY, Fd
from wlproxy.handlers.descriptors import AS_IS, OWN_PIPE, REQUESTS, SNAPSHOT
from wlproxy.policy.model import Origin, Predicate

SERVER = 0xFF000000
KINDS = (MEMFD, FILE, PIPE, SOCKET, DMABUF, OTHER)


def test_every_request_with_a_descriptor_stands_in_the_table():
    found = [
        (interface.name, request.name)
        for interface in Scene().interfaces.values()
        for request in interface.requests
        if any(a.type == "fd" for a in request.arguments)
    ]
    assert sorted(found) == sorted(REQUESTS)


def test_no_request_takes_a_socket_a_named_file_or_what_has_no_kind():
    assert {use.kind for use in REQUESTS.values()} == {UNKNOWN, MEMFD, PIPE, DMABUF}


def test_pipes_are_always_replaced_and_memory_is_copied_except_for_pools():
    for key, use in REQUESTS.items():
        expected = {PIPE: OWN_PIPE, MEMFD: SNAPSHOT}.get(use.kind, AS_IS)
        assert use.treatment == (AS_IS if key == ("wl_shm", "create_pool") else expected)


@pytest.mark.parametrize(("interface", "request_name"), [k for k, use in REQUESTS.items() if use.code >= 0])
def test_the_error_is_one_that_the_interface_names(interface, request_name):
    errors = next(e for e in Scene().interfaces[interface].enums if e.name == "error")
    assert REQUESTS[interface, request_name].code in [entry.value for entry in errors.entries]


def offer(*types: str) -> Scene:
    """seat 3, manager 4, device 5, and an offer of these types under the first server id."""
    scene = Scene().announce().bind("wl_seat", 3).bind("wl_data_device_manager", 4).guest(4, "get_data_device", 5, 3)
    scene.event(5, "data_offer", SERVER)
    for named in types:
        scene.event(SERVER, "offer", named)
    return scene


@pytest.mark.parametrize("kind", [MEMFD, FILE, SOCKET, DMABUF, OTHER])
def test_clipboard_data_goes_into_a_pipe_and_nothing_else(kind):
    files = FakeFiles()
    scene = with_files(offer("text/plain"), files)
    scene.guest(SERVER, "receive", "text/plain", fds=[Fd(500, kind, READ_WRITE, 4096, 0)]).host_gets()
    scene.ends(1, 3, "must be a pipe")
    assert scene.records("refused")[-1].rule == "built-in: descriptor"


@pytest.mark.parametrize("access", [READ_ONLY, READ_WRITE])
def test_clipboard_data_goes_into_the_write_end(access):
    scene = with_files(offer("text/plain"), FakeFiles())
    scene.guest(SERVER, "receive", "text/plain", fds=[pipe_end(access=access)]).host_gets().ends(1, 3, "not the write end")
    scene.close()


def test_facts_come_before_everything_else_that_can_be_wrong():
    scene = with_files(offer(), FakeFiles())
    scene.guest(SERVER, "receive", "never offered", fds=[Fd(500, SOCKET)]).ends(1, 3, "of kind socket")
    scene.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_timeline_cannot_be_imported(kind):
    rules = policy("wp_linux_drm_syncobj_manager_v1")
    scene = Scene(rules).announce(names=("wp_linux_drm_syncobj_manager_v1",)).bind("wp_linux_drm_syncobj_manager_v1", 3).forget()
    scene.guest(3, "import_timeline", 4, fds=[Fd(500, kind)]).host_gets().ends(1, 3, "none is taken here")
    scene.close()


def test_the_two_sockets_of_a_security_context_are_not_taken():
    manager = "wp_security_context_manager_v1"
    scene = Scene(policy(manager)).announce(names=(manager,)).bind(manager, 3).forget()
    scene.guest(3, "create_listener", 4, fds=[Fd(500, SOCKET), Fd(501, PIPE)]).host_gets().ends(1, 3, "none is taken here")
    scene.close()


def test_a_request_that_no_table_knows_takes_no_descriptor(monkeypatch):
    monkeypatch.delitem(REQUESTS, ("wl_shm", "create_pool"))
    scene = Scene().window().forget().guest(4, "create_pool", 9, 4096, fds=[Fd(500, MEMFD, READ_WRITE, 4096, 0)])
    scene.host_gets().ends(1, 3, "none is taken here")
    scene.close()


def test_a_transparent_policy_vets_descriptors_all_the_same():
    scene = Scene(policy(*BASIC, transparent=True)).announce().bind("wl_shm", 3)
    scene.guest(3, "create_pool", 4, 4096, fds=[Fd(500, FILE, READ_WRITE, 4096)]).ends(3, 2, "of kind file")
    scene.close()


def test_a_descriptor_of_a_request_that_the_policy_refuses_is_not_looked_at():
    rules = policy(*BASIC, messages={("wl_shm", "create_pool"): deny("inert")})
    scene = Scene(rules).announce().bind("wl_shm", 3).guest(3, "create_pool", 4, 4096, fds=[Fd(500, SOCKET)]).goes_on()
    scene.close()


# -- copies of what the compositor reads


def keyboard(files: FakeFiles) -> Scene:
    manager = "zwp_virtual_keyboard_manager_v1"
    scene = Scene(policy("wl_seat", manager)).announce(names=("wl_seat", manager)).bind("wl_seat", 3).bind(manager, 4)
    return with_files(scene.guest(4, "create_virtual_keyboard", 3, 5), files)


def test_a_keymap_from_the_guest_is_copied_before_the_compositor_maps_it():
    files = FakeFiles()
    scene = keyboard(files).guest(5, "keymap", 1, 4096, fds=[Fd(500, MEMFD, READ_WRITE, 8192, 0)])
    scene.host_gets("zwp_virtual_keyboard_v1#5.keymap(1, 700, 4096)")
    assert [fd.number for fd in scene.outcome.discarded] == [500]


@pytest.mark.parametrize("size", [8193, (1 << 20) + 1, 0xFFFFFFFF])
def test_a_keymap_larger_than_its_file_is_refused(size):
    scene = keyboard(FakeFiles()).guest(5, "keymap", 1, size, fds=[Fd(500, MEMFD, READ_WRITE, 8192, 0)])
    scene.host_gets().ends(1, 3, "the file has 8192")
    scene.close()


def test_a_keymap_that_cannot_be_copied_is_refused():
    files = FakeFiles()
    files.failing = True
    scene = keyboard(files).guest(5, "keymap", 1, 4096, fds=[Fd(500, MEMFD, READ_WRITE, 8192, 0)])
    scene.host_gets().ends(1, 3, "cannot be copied: Too many open files")
    scene.close()


def test_a_keymap_that_cannot_be_read_is_refused():
    scene = keyboard(FakeFiles()).guest(5, "keymap", 1, 4096, fds=[Fd(500, MEMFD, WRITE_ONLY, 8192, 0)])
    scene.ends(1, 3, "cannot be read")
    scene.close()


def profile() -> Scene:
    scene = Scene(policy("wp_color_manager_v1")).announce(names=("wp_color_manager_v1",)).bind("wp_color_manager_v1", 3)
    return with_files(scene.guest(3, "create_icc_creator", 4), FakeFiles())


@pytest.mark.parametrize(
    ("fd", "offset", "length", "code"),
    [
        (dmabuf(), 0, 128, 2),
        (Fd(500, MEMFD, READ_WRITE, 4096), 0, 0, 3),
        (Fd(500, MEMFD, READ_WRITE, 64 << 20), 0, (4 << 20) + 1, 3),
        (Fd(500, MEMFD, READ_WRITE, 4096), 0, 4097, 4),
        (Fd(500, MEMFD, READ_WRITE, 4096), 0xFFFFFFFF, 1, 4),
        (Fd(500, MEMFD, READ_WRITE, 64 << 20), 0, 128, 2),
    ],
)
def test_a_colour_profile_that_is_not_one_gets_the_error_named_for_it(fd, offset, length, code):
    scene = profile().guest(4, "set_icc_file", offset, length, fds=[fd])
    scene.host_gets()
    assert scene.client.log[-1].startswith(f"wl_display#1.error(4, {code}, ")
    scene.close()


# -- the policy's own word


@pytest.mark.parametrize(("kind", "ends"), [(FILE, True), (MEMFD, False), (UNKNOWN, False)])
def test_a_kind_that_the_policy_demands(kind, ends):
    rules = policy("wl_seat", messages={("wl_keyboard", "keymap"): only(fd=Predicate(kind="memfd", origin=Origin("p.toml", 9)))})
    scene = with_files(Scene(rules).announce(names=("wl_seat",)).bind("wl_seat", 3).guest(3, "get_keyboard", 4), FakeFiles())
    scene.event(4, "keymap", 1, 100, fds=[Fd(600, kind, READ_WRITE, 4096)])
    assert ("must be a memfd" in scene.outcome.farewell) == ends
