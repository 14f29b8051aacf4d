"""Serials of the guest's own.

A compositor numbers input events of all its clients with one counter, so a serial tells how much the user types elsewhere. The
guest gets numbers of its own; a request may name only one that was given to this guest, by an event of a kind that
justifies the request, and not long ago. Trusts: `now` as the transport sets it.
Source: wayland.xml on serials of wl_pointer, wl_keyboard, wl_touch; xdg-shell.xml.
"""

from __future__ import annotations

from typing import Final

# Kinds of event, as bits: one serial may stand in several events (a key and the modifiers it changed).
PRESS: Final = 1  # pointer button, touch down
KEY: Final = 2
FOCUS: Final = 4  # keyboard enter
POINT: Final = 8  # pointer enter
CONFIGURE: Final = 16
PING: Final = 32
OTHER: Final = 64
ANY: Final = 127
INPUT: Final = PRESS | KEY | FOCUS | POINT

KINDS: Final[dict[tuple[str, str], int]] = {
    ("wl_pointer", "button"): PRESS,
    ("wl_pointer", "enter"): POINT,
    ("wl_touch", "down"): PRESS,
    ("wl_keyboard", "key"): KEY,
    ("wl_keyboard", "modifiers"): KEY,
    ("wl_keyboard", "enter"): FOCUS,
    ("xdg_surface", "configure"): CONFIGURE,
    ("xdg_wm_base", "ping"): PING,
    ("zwp_tablet_tool_v2", "down"): PRESS,
    ("zwp_tablet_tool_v2", "button"): PRESS,
    ("zwp_tablet_tool_v2", "proximity_in"): POINT,
    ("zwp_tablet_pad_v2", "button"): PRESS,
}

ALWAYS: Final = 0.0  # no age is too old
GRAB_SECONDS: Final = 10.0
TOKEN_SECONDS: Final = 30.0

# What a request's serial must have come with, and how many seconds ago at most.
NEEDS: Final[dict[tuple[str, str], tuple[int, float]]] = {
    ("wl_pointer", "set_cursor"): (POINT, ALWAYS),
    ("wp_cursor_shape_device_v1", "set_shape"): (POINT, ALWAYS),
    ("zwp_tablet_tool_v2", "set_cursor"): (POINT, ALWAYS),
    ("wl_data_device", "start_drag"): (PRESS, GRAB_SECONDS),
    ("wl_data_device", "set_selection"): (INPUT, GRAB_SECONDS),
    ("zwp_primary_selection_device_v1", "set_selection"): (INPUT, GRAB_SECONDS),
    ("xdg_toplevel", "move"): (PRESS | KEY, GRAB_SECONDS),
    ("xdg_toplevel", "resize"): (PRESS | KEY, GRAB_SECONDS),
    ("xdg_toplevel", "show_window_menu"): (PRESS | KEY, GRAB_SECONDS),
    ("xdg_popup", "grab"): (PRESS | KEY | FOCUS, GRAB_SECONDS),
    ("xdg_activation_token_v1", "set_serial"): (INPUT, TOKEN_SECONDS),
    ("xdg_surface", "ack_configure"): (CONFIGURE, ALWAYS),
    ("xdg_wm_base", "pong"): (PING, ALWAYS),
}

# Arguments of that name which count something else.
NO_SERIALS: Final = frozenset((("zwp_text_input_v3", "done"), ("zwp_text_input_v1", "commit_state")))

REMEMBERED: Final = 4096


class Given:
    """One serial as the guest has it."""

    def __init__(self, guest: int, host: int, kinds: int, since: float) -> None:
        self.guest = guest
        self.host = host
        self.kinds = kinds
        self.since = since


class Serials:
    """The serials given to one guest connection; the oldest are forgotten."""

    def __init__(self) -> None:
        self._by_guest: dict[int, Given] = {}
        self._by_host: dict[int, Given] = {}
        self._last = 0

    def give(self, host: int, kinds: int, now: float) -> int:
        """The guest's number for a serial that an event of these kinds carries."""
        found = self._by_host.get(host)
        if found is not None:
            found.kinds |= kinds
            found.since = now
            return found.guest
        self._last = (self._last + 1) & 0xFFFFFFFF
        made = Given(self._last, host, kinds, now)
        self._by_guest[made.guest] = made
        self._by_host[host] = made
        if len(self._by_guest) > REMEMBERED:
            oldest = self._by_guest.pop(next(iter(self._by_guest)))
            if self._by_host.get(oldest.host) is oldest:
                del self._by_host[oldest.host]
        return made.guest

    def take(self, guest: int, kinds: int, within: float, now: float) -> int:
        """The compositor's number for a serial that the guest names, or -1: never given, of the wrong kind, or too old."""
        found = self._by_guest.get(guest)
        if found is None or not found.kinds & kinds or (within and now - found.since > within):
            return -1
        return found.host

    def host_of(self, guest: int) -> int | None:
        """The compositor's number for one of the guest's, whatever it may be used for; for tools."""
        found = self._by_guest.get(guest)
        return None if found is None else found.host

    def guest_of(self, host: int) -> int | None:
        """The guest's number for one of the compositor's, where it was given one; for tools."""
        found = self._by_host.get(host)
        return None if found is None else found.guest
