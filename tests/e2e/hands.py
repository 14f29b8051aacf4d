"""The user's hands on sway: a keyboard with the keys of a real one, and a mouse, by the protocols for virtual ones.

wtype (compositors.py) numbers its keys as it likes and never presses a modifier: what is to be heard as Super+Escape takes the kernel's
numbers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.compositors import HEIGHT, WIDTH, Sway
from wlproxy.host.keymap import keymap_text
from wlproxy.host.raw_client import RawClient, uint

KEYBOARDS, MICE, SEAT = "zwp_virtual_keyboard_manager_v1", "zwlr_virtual_pointer_manager_v1", "wl_seat"
KEYMAP, KEY, MODIFIERS = 0, 1, 2  # zwp_virtual_keyboard_v1
TO, BUTTON, FRAME = 1, 2, 4  # zwlr_virtual_pointer_v1
XKB_V1 = 1
SUPER, ESCAPE, A = 125, 1, 30
LEFT = 272


class Hands:
    def __init__(self, compositor: Sway, mouse: bool) -> None:
        self._client = RawClient(str(compositor.socket))
        registry, found = self._client.globals()
        bound = {name: self._client.bind(registry, found[name][0], name, 1) for name in (SEAT, KEYBOARDS, MICE)}
        self._keyboard = self._client.new_id()
        self._client.request(bound[KEYBOARDS], 0, uint(bound[SEAT], self._keyboard))
        self._mouse = self._client.new_id() if mouse else 0
        if mouse:  # else the seat has no pointer
            self._client.request(bound[MICE], 0, uint(bound[SEAT], self._mouse))
        text = keymap_text().encode() + b"\0"
        fd = os.memfd_create("keymap", os.MFD_CLOEXEC)
        os.write(fd, text)
        self._client.request(self._keyboard, KEYMAP, uint(XKB_V1, len(text)), [fd])
        os.close(fd)
        self._client.roundtrip()

    def key(self, code: int, *held: int) -> None:
        """One key, down and up, while others are held."""
        for each in (*held, code):
            self._client.request(self._keyboard, KEY, uint(0, each, 1))
        for each in (code, *reversed(held)):
            self._client.request(self._keyboard, KEY, uint(0, each, 0))
        self._client.roundtrip()

    def point(self) -> None:
        """The pointer to the middle of the screen."""
        self._client.request(self._mouse, TO, uint(0, WIDTH // 2, HEIGHT // 2, WIDTH, HEIGHT))
        self._client.request(self._mouse, FRAME)
        self._client.roundtrip()

    def click(self) -> None:
        """The left button, down and up."""
        for state in (1, 0):
            self._client.request(self._mouse, BUTTON, uint(0, LEFT, state))
            self._client.request(self._mouse, FRAME)
        self._client.roundtrip()

    def close(self) -> None:
        self._client.close()


@contextmanager
def hands_on(compositor: Sway, mouse: bool = True) -> Iterator[Hands]:
    made = Hands(compositor, mouse)
    try:
        yield made
    finally:
        made.close()
