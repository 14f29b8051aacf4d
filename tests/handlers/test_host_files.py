"""What a compositor shares with all its clients reaches a guest as a copy of its own."""

from __future__ import annotations

import errno

import pytest

from tests.scene import Scene
from wlproxy.core.fds import MEMFD, Fd, Files
from wlproxy.handlers.host_files import FILES


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
    scene.given += files.made
    scene.close()


def test_a_keymap_that_is_too_large_is_not_handed_on():
    scene = keyboard(Copies()).event(4, "keymap", 1, (1 << 20) + 1, fds=[Fd(600)])
    scene.ends(1, 3, "at most 1048576 are copied")
    scene.close()


def test_a_keymap_that_cannot_be_read_is_not_handed_on():
    scene = keyboard(Copies(errno.EACCES)).event(4, "keymap", 1, 4096, fds=[Fd(600)])
    scene.ends(1, 3, "cannot be copied: cannot be read")
    scene.close()


def test_no_keymap_is_passed_on_as_none():
    keyboard(Copies()).event(4, "keymap", 0, 0, fds=[Fd(600)]).guest_gets("wl_keyboard#4.keymap(0, 600, 0)").close()


@pytest.mark.parametrize(("interface", "event"), FILES)
def test_the_size_argument_is_the_one_the_event_calls_size(interface, event):
    message = next(m for m in Scene().interfaces[interface].events if m.name == event)
    assert "size" in message.arguments[FILES[interface, event][0]].name
