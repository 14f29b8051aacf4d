"""What a compositor shares with all its clients reaches a guest as a copy of its own."""

from __future__ import annotations

import errno

import pytest

from tests.scene import Scene, policy
from wlproxy.core.fds import MEMFD, OTHER, Fd, Files
from wlproxy.core.objects import ENDED
from wlproxy.handlers.host_files import FILES, NEVER, PIPES


class Copies(Files):
    """Copies, or refuses to."""

    def __init__(self, error: int = 0) -> None:
        self.error = error
        self.made: list[Fd] = []

    def private_copy(self, source: Fd, size: int) -> Fd:
        if self.error:
            raise OSError(self.error, "cannot be read")
        self.made.append(Fd(source.number + 300, MEMFD, 2, size, 2))
        return self.made[-1]


def keyboard(files: Files) -> Scene:
    """seat 3, keyboard 4."""
    scene = Scene().announce().bind("wl_seat", 3).guest(3, "get_keyboard", 4).forget()
    scene.session.connection.files = files
    return scene


def test_a_keymap_is_copied_and_the_compositors_own_closed():
    files = Copies()
    scene = keyboard(files).event(4, "keymap", 1, 4096, fds=[Fd(600)])
    scene.guest_gets("wl_keyboard#4.keymap(1, 900, 4096)")
    assert [fd.number for fd in scene.outcome.discarded] == [600]
    scene.close()


def test_a_keymap_that_is_too_large_is_not_handed_on():
    scene = keyboard(Copies()).event(4, "keymap", 1, (1 << 20) + 1, fds=[Fd(600)])
    scene.ends(1, 3, "at most 1048576 are copied")
    scene.close()


def test_a_keymap_that_cannot_be_read_is_not_handed_on():
    scene = keyboard(Copies(errno.EACCES)).event(4, "keymap", 1, 4096, fds=[Fd(600)])
    scene.ends(1, 3, "cannot be copied: cannot be read")
    scene.close()


def test_no_keymap_comes_with_an_empty_file_of_the_guests_own():
    files = Copies()
    scene = keyboard(files).event(4, "keymap", 0, 0, fds=[Fd(600, OTHER)]).guest_gets("wl_keyboard#4.keymap(0, 900, 0)")
    scene.close()


@pytest.mark.parametrize(("interface", "event"), FILES)
def test_the_size_argument_is_the_one_the_event_calls_size(interface, event):
    message = next(m for m in Scene().interfaces[interface].events if m.name == event)
    assert "size" in message.arguments[FILES[interface, event][0]].name


def test_every_event_with_a_descriptor_stands_in_one_table():
    found = [
        (interface.name, event.name)
        for interface in Scene().interfaces.values()
        for event in interface.events
        if any(a.type == "fd" for a in event.arguments)
    ]
    assert sorted(found) == sorted([*FILES, *PIPES, *NEVER])


@pytest.mark.parametrize(("interface", "event"), PIPES)
def test_the_events_with_a_pipe_are_those_that_ask_a_source_for_its_data(interface, event):
    message = next(m for m in Scene().interfaces[interface].events if m.name == event)
    assert [a.type for a in message.arguments] == ["string", "fd"]


def test_an_event_with_a_descriptor_that_no_guest_may_have_is_dropped_and_what_it_creates_is_retired():
    scene = Scene(policy("qt_dmabuf_server_buffer")).announce(names=("qt_dmabuf_server_buffer",))
    scene.bind("qt_dmabuf_server_buffer", 3).forget()
    scene.event(3, "server_buffer_created", 0xFF000000, 1, 1, 4, 0, 0, fds=[Fd(600)]).guest_gets()
    assert [fd.number for fd in scene.outcome.discarded] == [600]
    assert [r.rule for r in scene.records("refused")] == ["built-in: descriptor"]
    scene.close()


def test_the_object_of_a_dropped_event_that_ends_it_is_gone_all_the_same():
    manager = "zwp_linux_explicit_synchronization_v1"
    scene = Scene(policy("wl_compositor", manager)).announce(names=("wl_compositor", manager)).bind("wl_compositor", 3)
    scene.bind(manager, 4).guest(3, "create_surface", 5).guest(4, "get_synchronization", 6, 5).guest(6, "get_release", 7).forget()
    scene.event(7, "fenced_release", fds=[Fd(600)]).guest_gets()
    gone = scene.session.connection.objects.of_guest(7)
    assert gone is not None
    assert gone.stage == ENDED
    scene.event(1, "delete_id", 7).guest_gets("wl_display#1.delete_id(7)").goes_on()
    scene.guest(6, "get_release", 7).goes_on()
    scene.close()
