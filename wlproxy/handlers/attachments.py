"""What a surface or a window has at most one of, and other rules that take one line of state.

Promises towards the compositor: extensions are attached once to a surface, windows are decorated before they are shown and undressed
before they go, tokens are asked for once. Each misuse gets the error that the specification names. Trusts: the session's object table.
Source: the protocol XML of each interface named.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from ..core.connection import Connection
from ..core.errors import ProtocolViolation
from ..core.message import Message
from ..core.objects import LIVE, Object
from ..core.tables import DROP, FORWARD, Note
from . import texts
from .surfaces import Extent, Surface, surface_at
from .windows import Window, note_at

# request -> (the argument that is the surface, the error's code). The error belongs to the object the request is addressed to.
ONE_EACH: Final[dict[tuple[str, str], tuple[int, int]]] = {
    ("wp_fractional_scale_manager_v1", "get_fractional_scale"): (1, 0),
    ("wp_content_type_manager_v1", "get_surface_content_type"): (1, 0),
    ("wp_tearing_control_manager_v1", "get_tearing_control"): (1, 0),
    ("wp_alpha_modifier_v1", "get_surface"): (1, 0),
    ("wp_fifo_manager_v1", "get_fifo"): (1, 0),
    ("wp_commit_timing_manager_v1", "get_timer"): (1, 0),
    ("wp_color_manager_v1", "get_surface"): (1, 1),
    ("wp_linux_drm_syncobj_manager_v1", "get_surface"): (1, 0),
    ("zwp_linux_explicit_synchronization_v1", "get_synchronization"): (1, 0),
    ("zwp_keyboard_shortcuts_inhibit_manager_v1", "inhibit_shortcuts"): (1, 0),
}

UNCONFIGURED_BUFFER, ALREADY_CONSTRUCTED, ORPHANED, INVALID_MODE = 0, 1, 2, 3  # zxdg_toplevel_decoration_v1.error
DIALOG_ALREADY_USED: Final = 0  # xdg_wm_dialog_v1.error
TOKEN_ALREADY_USED: Final = 0  # xdg_activation_token_v1.error
ROLE, LAYER_ALREADY_CONSTRUCTED = 0, 2  # wl_shell.error, zwlr_layer_shell_v1.error


def occupied(surface: Surface, what: str) -> bool:
    """Whether the surface has one of these that is alive."""
    holder = surface.only.get(what)
    return holder is not None and holder.stage == LIVE


def on_one_each(connection: Connection, message: Message) -> int:
    """One of ONE_EACH."""
    index, code = ONE_EACH[message.rule.interface, message.rule.name]
    surface = surface_at(connection, message, index)
    if surface is not None and occupied(surface, message.rule.interface):
        raise ProtocolViolation(message.target.guest_id, code, f"wl_surface#{surface.owner.guest_id} has one already")
    return FORWARD


def one_made(connection: Connection, message: Message) -> None:
    """Remembers what the surface has now."""
    surface = surface_at(connection, message, ONE_EACH[message.rule.interface, message.rule.name][0])
    if surface is not None and message.created is not None:
        surface.only[message.rule.interface] = message.created


# windows


class Decoration(Note):
    """One zxdg_toplevel_decoration_v1: the window it is for."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.window: Window | None = None

    def ending(self) -> None:
        """Its destructor."""
        if self.window is not None:
            self.window.decoration = None


def on_get_decoration(connection: Connection, message: Message) -> int:
    """zxdg_decoration_manager_v1.get_toplevel_decoration(id, toplevel): one for a window, at version 1 before it has a buffer. The errors
    belong to the decoration that comes to be, as with every compositor."""
    window = note_at(connection, message, 1)
    if not isinstance(window, Window):
        return FORWARD
    made = message.number(0)
    if window.decoration is not None:
        raise ProtocolViolation(made, ALREADY_CONSTRUCTED, "the window has a decoration already")
    held = window.shell_surface
    surface = None if held is None else held.surface
    if surface is not None and message.target.version < 2 and (surface.mapped or surface.will_show_buffer()):
        raise ProtocolViolation(made, UNCONFIGURED_BUFFER, "the window has a buffer already")
    return FORWARD


def decoration_made(connection: Connection, message: Message) -> None:
    """Links the decoration to its window, which may not go before it (windows.py)."""
    window = note_at(connection, message, 1)
    made = message.created
    if isinstance(window, Window) and made is not None and isinstance(made.note, Decoration):
        made.note.window = window
        window.decoration = made


def on_decoration_mode(connection: Connection, message: Message) -> int:
    """zxdg_toplevel_decoration_v1.set_mode(mode)."""
    if message.number(0) not in (1, 2):
        raise ProtocolViolation(message.target.guest_id, INVALID_MODE, f"there is no mode {message.number(0)}")
    return FORWARD


def on_get_dialog(connection: Connection, message: Message) -> int:
    """xdg_wm_dialog_v1.get_xdg_dialog(id, toplevel)."""
    window = note_at(connection, message, 1)
    if isinstance(window, Window) and window.dialog is not None and window.dialog.stage == LIVE:
        raise ProtocolViolation(message.target.guest_id, DIALOG_ALREADY_USED, "the window has an xdg_dialog_v1 already")
    return FORWARD


def dialog_made(connection: Connection, message: Message) -> None:
    """Remembers the dialog."""
    window = note_at(connection, message, 1)
    if isinstance(window, Window):
        window.dialog = message.created


def on_get_shell_surface(connection: Connection, message: Message) -> int:
    """wl_shell.get_shell_surface(id, surface)."""
    surface = surface_at(connection, message, 1)
    if surface is not None:
        if occupied(surface, message.rule.interface):
            raise ProtocolViolation(message.target.guest_id, ROLE, "the surface has a wl_shell_surface already")
        surface.take_role("wl_shell_surface", message.target.guest_id, ROLE)
    return FORWARD


def shell_surface_made(connection: Connection, message: Message) -> None:
    """Remembers the wl_shell_surface, which ends with its surface."""
    surface = surface_at(connection, message, 1)
    if surface is not None and message.created is not None:
        surface.only[message.rule.interface] = message.created


def on_get_layer_surface(connection: Connection, message: Message) -> int:
    """zwlr_layer_shell_v1.get_layer_surface(id, surface, ...)."""
    surface = surface_at(connection, message, 1)
    if surface is not None:
        surface.take_role("zwlr_layer_surface_v1", message.target.guest_id, ROLE)
        if surface.mapped or surface.will_show_buffer():
            raise ProtocolViolation(message.target.guest_id, LAYER_ALREADY_CONSTRUCTED, "the surface has a buffer already")
    return FORWARD


def layer_surface_made(connection: Connection, message: Message) -> None:
    """The wl_surface may not go before its role."""
    surface = surface_at(connection, message, 1)
    if surface is not None:
        surface.role_object = message.created


# activation tokens

FOCUS_REQUEST: Final = "focus-request"
MOST_TOKENS: Final = 64

class Token(Note):
    """One xdg_activation_token_v1: good for one token. `for_input`: it names a serial of the user's input."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.used = False
        self.for_input = False


def on_token_request(connection: Connection, message: Message) -> int:
    """Any request of a token but destroy; commit is the last."""
    note = message.target.note
    if isinstance(note, Token):
        if note.used:
            raise ProtocolViolation(message.target.guest_id, TOKEN_ALREADY_USED, "the token was asked for already")
        note.used = message.rule.name == "commit"
        note.for_input = note.for_input or message.rule.name == "set_serial"  # a wrong or an old one does not come here: core/judge.py
    return FORWARD


def on_token(connection: Connection, message: Message) -> None:
    """The event xdg_activation_token_v1.done(token). A launcher hands it to another program, so it belongs to the guest as a whole."""
    note = message.target.note
    if isinstance(note, Token) and note.for_input:
        tokens = connection.usage.tokens
        tokens[message.text(0)] = True
        if len(tokens) > MOST_TOKENS:
            del tokens[next(iter(tokens))]


def on_activate(connection: Connection, message: Message) -> int:
    """xdg_activation_v1.activate(token, surface), where the policy wants it to follow from something the user did. Each token is good
    for one: the user did one thing."""
    if FOCUS_REQUEST not in connection.tables.needs_input:
        return FORWARD
    if connection.usage.tokens.pop(message.text(0), False):
        return FORWARD
    reason = "its token was not given for a key or a click in this guest"
    connection.record("refused", message, reason, "ignore", f"permission: {FOCUS_REQUEST}")
    return DROP


def on_token_app_id(connection: Connection, message: Message) -> int:
    """xdg_activation_token_v1.set_app_id(app_id)."""
    on_token_request(connection, message)
    return texts.on_text(connection, message)


# buffers and regions


def single_pixel_made(connection: Connection, message: Message) -> None:
    """The wl_buffer of create_u32_rgba_buffer is one pixel large."""
    made = None if message.created is None else message.created.note
    if isinstance(made, Extent):
        made.width = 1
        made.height = 1


class Region(Note):
    """One wl_region: how many rectangles went into it. The cost of a region grows with the square of them."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.rectangles = 0
        self.most = connection.limits.region_rectangles

    def look(self, opcode: i64, data: bytes, at: i64) -> bool:
        """add and subtract."""
        self.rectangles += 1
        return self.rectangles <= self.most


def on_rectangle(connection: Connection, message: Message) -> int:
    """A rectangle too many is left out."""
    limits = connection.limits
    reason = f"more than {limits.region_rectangles} rectangles"
    connection.record("refused", message, reason, "ignore", limits.rule("region-rectangles"))
    return DROP
