"""xdg-shell: windows and popups, from construction over configure to destruction.

Promises towards the compositor: objects are built and taken down in the order the specification asks for; a buffer is committed only
after a configure was acknowledged; only serials the compositor sent are acknowledged; popups have a complete positioner and a parent
that is there; no toplevel is its own ancestor; sizes are in range. Each misuse gets the error that the specification names, but for one
that compositors let pass and many programs make, where the policy lets it pass as well (`early-destroy`): SDL 2, where libdecor draws its
title bars, destroys of a window that it closes only the wl_surface (docs/programs.md). The compositor is told to destroy all that belongs
to it, in the order that the specification asks for; the guest keeps ghosts of those it has not destroyed, and to use one is an error
(`on_defunct`).
Trusts: the session's object table. Source: xdg-shell.xml.
"""

from __future__ import annotations

from typing import Final

from ..core import wire
from ..core.connection import Connection
from ..core.errors import PolicyViolation, ProtocolViolation
from ..core.message import Message
from ..core.objects import LIVE, Object
from ..core.tables import ALLOW, DROP, FORWARD, MAKE_INERT, Note
from ..core.wire import DISPLAY_ID, IMPLEMENTATION, INVALID_OBJECT, read_i32_le
from .surfaces import FARTHEST, Content, Surface, surface_at

# xdg_wm_base.error
ROLE, DEFUNCT_SURFACES, NOT_TOPMOST, INVALID_PARENT, INVALID_STATE, INVALID_POSITIONER = 0, 1, 2, 3, 4, 5
# xdg_surface.error
NOT_CONSTRUCTED, ALREADY_CONSTRUCTED, UNCONFIGURED_BUFFER, INVALID_SERIAL, INVALID_SIZE, DEFUNCT_ROLE_OBJECT = 1, 2, 3, 4, 5, 6
# xdg_toplevel.error
INVALID_RESIZE_EDGE, TOPLEVEL_INVALID_PARENT, TOPLEVEL_INVALID_SIZE = 0, 1, 2
INVALID_GRAB: Final = 0  # xdg_popup.error
ORPHANED: Final = 2  # zxdg_toplevel_decoration_v1.error
INVALID_INPUT: Final = 0  # xdg_positioner.error

DESTROY: Final = 0  # the opcode, of xdg_surface, xdg_toplevel and zxdg_toplevel_decoration_v1

TOPLEVEL: Final = "xdg_toplevel"
POPUP: Final = "xdg_popup"
MOST_SERIALS: Final = 1024  # configures without an acknowledgement
MOST_STATES: Final = 32  # of xdg_toplevel.state, which has 13 at version 7
DEEPEST_POPUP: Final = 16
RESIZE_EDGES: Final = frozenset((0, 1, 2, 4, 5, 6, 8, 9, 10))

# What nobody may ask of a window whose wl_surface is gone: all but destroy, and ack_configure, which answers what was on its way.
USES: Final[list[tuple[str, str]]] = [
    ("xdg_surface", "get_toplevel"),
    ("xdg_surface", "get_popup"),
    ("xdg_surface", "set_window_geometry"),
    ("xdg_toplevel", "set_parent"),
    ("xdg_toplevel", "set_title"),
    ("xdg_toplevel", "set_app_id"),
    ("xdg_toplevel", "show_window_menu"),
    ("xdg_toplevel", "move"),
    ("xdg_toplevel", "resize"),
    ("xdg_toplevel", "set_max_size"),
    ("xdg_toplevel", "set_min_size"),
    ("xdg_toplevel", "set_maximized"),
    ("xdg_toplevel", "unset_maximized"),
    ("xdg_toplevel", "set_fullscreen"),
    ("xdg_toplevel", "unset_fullscreen"),
    ("xdg_toplevel", "set_minimized"),
]


class Shell(Note):
    """One xdg_wm_base: how many of its surfaces are alive."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.owner = owner
        self.surfaces = 0

    def ending(self) -> None:
        """xdg_wm_base.destroy."""
        if self.surfaces:
            raise ProtocolViolation(
                self.owner.guest_id, DEFUNCT_SURFACES, f"destroyed before {self.surfaces} of its xdg_surfaces"
            )


class Positioner(Note):
    """One xdg_positioner: complete once it has a size and an anchor rectangle."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.sized = False
        self.anchored = False


class ShellContent(Content):
    """What an xdg_surface demands of its wl_surface's commits."""

    def __init__(self, shell_surface: ShellSurface) -> None:
        self.shell_surface = shell_surface

    def before_commit(self, surface: Surface) -> None:
        """A buffer only after a configure of the role's was acknowledged; a popup has a parent by now."""
        held = self.shell_surface
        window = held.window
        if window is None:
            if surface.will_show_buffer():
                raise ProtocolViolation(held.owner.guest_id, UNCONFIGURED_BUFFER, "a buffer before the role is constructed")
            return
        window.before_commit()
        if surface.will_show_buffer():
            if not held.configured:
                raise ProtocolViolation(held.owner.guest_id, UNCONFIGURED_BUFFER, "a buffer before the first configure is acknowledged")
            window.mapped = True
        elif surface.attached:  # unmapped: it starts again with a commit without a buffer
            held.configured = False
            held.states = 0
            window.mapped = False

    def surface_gone(self) -> None:
        """The wl_surface is destroyed; Surface has seen to it that no role object is alive."""
        self.shell_surface.surface = None

    def take_down(self, connection: Connection, message: Message) -> None:
        """A toplevel without popups goes before its wl_surface, and its decoration before it."""
        held = self.shell_surface
        window = held.window
        if window is None or window.owner.interface != TOPLEVEL or window.popups:
            return
        for part in (window.decoration, window.owner, held.owner):
            if part is not None:
                connection.send_to_host(wire.encode(part.host_id, DESTROY, "", []))
                connection.objects.retire(part)
        window.decoration = None
        window.ending()
        held.ending()
        window.defunct = held.defunct = message.target.guest_id
        reason = f"its {TOPLEVEL}#{window.owner.guest_id} and xdg_surface#{held.owner.guest_id} are destroyed before it"
        connection.record("rewritten", message, reason, ALLOW, "built-in: role object")


class Window(Note):
    """What a toplevel and a popup have in common: the xdg_surface they belong to and the windows that depend on them."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.owner = owner
        self.shell_surface: ShellSurface | None = None
        self.defunct = 0  # the wl_surface that the guest destroyed before it
        self.mapped = False
        self.grabbed = False
        self.parent: Window | None = None
        self.popups: list[Window] = []
        self.bounds_changed = False
        self.decoration: Object | None = None  # attachments.py
        self.dialog: Object | None = None
        self.states = 0  # as bits, of the compositor's last configure, acknowledged or not
        self.minimum = (0, 0)
        self.maximum = (0, 0)

    def manager_id(self) -> int:
        """The id of the xdg_wm_base, which most errors belong to."""
        held = self.shell_surface
        return held.manager.owner.guest_id if held is not None and held.manager is not None else DISPLAY_ID

    def before_commit(self) -> None:
        """A toplevel's size bounds are double-buffered: they must fit each other now."""
        if not self.bounds_changed:
            return
        self.bounds_changed = False
        for small, large in zip(self.minimum, self.maximum, strict=True):
            if small and large and small > large:
                raise ProtocolViolation(self.owner.guest_id, TOPLEVEL_INVALID_SIZE, f"minimum {small} is above maximum {large}")

    def ending(self) -> None:
        """xdg_toplevel.destroy, xdg_popup.destroy: popups go first, topmost first."""
        if self.popups:
            raise ProtocolViolation(
                self.manager_id(), NOT_TOPMOST, f"destroyed before its xdg_popup#{self.popups[-1].owner.guest_id}"
            )
        if self.decoration is not None:
            raise ProtocolViolation(self.decoration.guest_id, ORPHANED, "its window is destroyed before it")
        if self.owner.interface == POPUP and self.parent is not None:
            self.parent.popups.remove(self)
        self.parent = None
        held = self.shell_surface
        if held is not None:
            held.window = None
            held.configured = False
            held.states = 0
            held.serials = []
            held.sent = []


class ShellSurface(Note):
    """One xdg_surface."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.owner = owner
        self.manager: Shell | None = None
        self.surface: Surface | None = None
        self.defunct = 0  # the wl_surface that the guest destroyed before it
        self.window: Window | None = None
        self.configured = False
        self.states = 0  # as bits, of the configure that was acknowledged last
        self.serials: list[int] = []
        self.sent: list[int] = []  # the states that go with each

    def ending(self) -> None:
        """xdg_surface.destroy."""
        window = self.window
        if window is not None:
            raise ProtocolViolation(
                self.owner.guest_id, DEFUNCT_ROLE_OBJECT, f"destroyed before its {window.owner.interface}#{window.owner.guest_id}"
            )
        if self.manager is not None:
            self.manager.surfaces -= 1
        if self.surface is not None:
            self.surface.shell = None
            self.surface.role_object = None


def shell_surface_of(message: Message) -> ShellSurface:
    """The xdg_surface a message is addressed to."""
    note = message.target.note
    if not isinstance(note, ShellSurface):
        raise TypeError(f"{message.rule.interface}#{message.target.guest_id} has no shell state")
    return note


def window_of(message: Message) -> Window:
    """The toplevel or popup a message is addressed to."""
    note = message.target.note
    if not isinstance(note, Window):
        raise TypeError(f"{message.rule.interface}#{message.target.guest_id} has no window state")
    return note


def note_at(connection: Connection, message: Message, index: int) -> Note | None:
    """What is remembered of the object an argument names."""
    found = connection.objects.of_host(message.number(index))
    return None if found is None else found.note


# xdg_wm_base


def on_get_xdg_surface(connection: Connection, message: Message) -> int:
    """xdg_wm_base.get_xdg_surface(id, surface)."""
    surface = surface_at(connection, message, 1)
    if surface is not None:
        manager = message.target.guest_id
        if surface.role not in ("", TOPLEVEL, POPUP):
            raise ProtocolViolation(manager, ROLE, f"wl_surface#{surface.owner.guest_id} is a {surface.role} already")
        if surface.shell is not None:
            raise ProtocolViolation(manager, ROLE, f"wl_surface#{surface.owner.guest_id} has an xdg_surface already")
        if surface.mapped or surface.will_show_buffer():
            raise ProtocolViolation(manager, INVALID_STATE, f"wl_surface#{surface.owner.guest_id} has a buffer already")
    return FORWARD


def xdg_surface_made(connection: Connection, message: Message) -> None:
    """Links the new xdg_surface."""
    surface = surface_at(connection, message, 1)
    made = message.created
    if surface is None or made is None or not isinstance(made.note, ShellSurface):
        return
    made.note.surface = surface
    surface.shell = ShellContent(made.note)
    surface.role_object = made
    manager = message.target.note
    if isinstance(manager, Shell):
        manager.surfaces += 1
        made.note.manager = manager


def on_defunct(connection: Connection, message: Message) -> None:
    """One of USES, of a ghost: an error where it is one because its wl_surface is gone. That has an error of its own for this, but no
    object any more that could have it."""
    note = message.target.note
    if isinstance(note, (Window, ShellSurface)) and note.defunct:
        raise ProtocolViolation(DISPLAY_ID, INVALID_OBJECT, f"its wl_surface#{note.defunct} was destroyed before it")


# xdg_positioner


def on_positioner_size(connection: Connection, message: Message) -> int:
    """xdg_positioner.set_size(width, height): both positive."""
    width, height = message.number(0), message.number(1)
    if width < 1 or height < 1:
        raise ProtocolViolation(message.target.guest_id, INVALID_INPUT, f"size {width} x {height} is not positive")
    check_size(width, height)
    if isinstance(message.target.note, Positioner):
        message.target.note.sized = True
    return FORWARD


def on_anchor_rect(connection: Connection, message: Message) -> int:
    """xdg_positioner.set_anchor_rect(x, y, width, height): size not negative."""
    width, height = message.number(2), message.number(3)
    if width < 0 or height < 0:
        raise ProtocolViolation(message.target.guest_id, INVALID_INPUT, f"size {width} x {height} is negative")
    clamp(connection, message, (0, 1, 2, 3))
    if isinstance(message.target.note, Positioner):
        message.target.note.anchored = True
    return FORWARD


def on_anchor_or_gravity(connection: Connection, message: Message) -> int:
    """xdg_positioner.set_anchor, set_gravity: 0 to 8."""
    if not 0 <= message.number(0) <= 8:
        raise ProtocolViolation(message.target.guest_id, INVALID_INPUT, f"{message.number(0)} is not in the enum")
    return FORWARD


def on_positioner_offset(connection: Connection, message: Message) -> int:
    """xdg_positioner.set_offset(x, y)."""
    clamp(connection, message, (0, 1))
    return FORWARD


def on_parent_size(connection: Connection, message: Message) -> int:
    """xdg_positioner.set_parent_size(parent_width, parent_height)."""
    clamp(connection, message, (0, 1))
    return FORWARD


# xdg_surface


def on_get_toplevel(connection: Connection, message: Message) -> int:
    """xdg_surface.get_toplevel(id)."""
    take_window_role(shell_surface_of(message), TOPLEVEL)
    return FORWARD


def take_window_role(held: ShellSurface, role: str) -> None:
    """One role object at a time, and the same role for the wl_surface's life."""
    if held.window is not None:
        raise ProtocolViolation(held.owner.guest_id, ALREADY_CONSTRUCTED, f"has its {held.window.owner.interface} already")
    surface = held.surface
    if surface is not None:
        manager = held.manager.owner.guest_id if held.manager is not None else DISPLAY_ID
        surface.role_object = None
        surface.take_role(role, manager, ROLE)
        surface.role_object = held.owner


def window_made(connection: Connection, message: Message) -> None:
    """Links the new xdg_toplevel or xdg_popup; a popup to its parent, too."""
    made = message.created
    if made is None or not isinstance(made.note, Window):
        return
    held = shell_surface_of(message)
    held.window = made.note
    held.serials = []  # of configures for a window that is gone
    held.sent = []
    made.note.shell_surface = held
    if message.rule.name == "get_popup":
        parent = note_at(connection, message, 1)
        if isinstance(parent, ShellSurface) and parent.window is not None:
            made.note.parent = parent.window
            parent.window.popups.append(made.note)


def on_get_popup(connection: Connection, message: Message) -> int:
    """xdg_surface.get_popup(id, parent, positioner). A null parent is for protocols that this proxy does not serve to guests."""
    held = shell_surface_of(message)
    if message.ghosts:  # nobody shows its parent
        return MAKE_INERT
    manager = held.manager.owner.guest_id if held.manager is not None else DISPLAY_ID
    parent = note_at(connection, message, 1)
    if not isinstance(parent, ShellSurface) or parent is held or parent.window is None:
        raise ProtocolViolation(manager, INVALID_PARENT, "its parent is no constructed xdg_surface other than itself")
    check_positioner(connection, message, 2, manager)
    take_window_role(held, POPUP)
    levels = 1
    above: Window | None = parent.window
    while above is not None:
        levels += 1
        above = above.parent if above.owner.interface == POPUP else None
    if levels > DEEPEST_POPUP:
        raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, f"more than {DEEPEST_POPUP} nested popups", "quota: popup-depth")
    return FORWARD


def check_positioner(connection: Connection, message: Message, index: int, manager: int) -> None:
    """Raises invalid_positioner unless the positioner is complete."""
    positioner = note_at(connection, message, index)
    if isinstance(positioner, Positioner) and not (positioner.sized and positioner.anchored):
        raise ProtocolViolation(manager, INVALID_POSITIONER, "its positioner lacks a size or an anchor rectangle")


def on_configure(connection: Connection, message: Message) -> None:
    """The xdg_surface.configure event: its serial may now be acknowledged."""
    note = message.target.note
    if isinstance(note, ShellSurface):
        note.serials.append(message.number(0))
        note.sent.append(0 if note.window is None else note.window.states)
        if len(note.serials) > MOST_SERIALS:
            del note.serials[0]
            del note.sent[0]


def on_toplevel_configure(connection: Connection, message: Message) -> None:
    """The xdg_toplevel.configure event (width, height, states): part of the xdg_surface.configure that follows."""
    note = message.target.note
    states = message.args[2]
    if isinstance(note, Window) and isinstance(states, bytes):
        note.states = 0
        for at in range(0, len(states) - 3, 4):
            state = int(read_i32_le(states, at))
            if 0 <= state < MOST_STATES:
                note.states |= 1 << state


def on_ack_configure(connection: Connection, message: Message) -> int:
    """xdg_surface.ack_configure(serial): one that was sent, and none older than one acknowledged."""
    held = shell_surface_of(message)
    if held.window is None:
        raise ProtocolViolation(held.owner.guest_id, NOT_CONSTRUCTED, "no role is constructed")
    serial = message.number(0)
    if serial not in held.serials:
        raise ProtocolViolation(held.owner.guest_id, INVALID_SERIAL, f"serial {serial} was not sent or is acknowledged already")
    place = held.serials.index(serial)
    held.states = held.sent[place]
    del held.serials[: place + 1]
    del held.sent[: place + 1]
    held.configured = True
    return FORWARD


def on_window_geometry(connection: Connection, message: Message) -> int:
    """xdg_surface.set_window_geometry(x, y, width, height)."""
    held = shell_surface_of(message)
    if held.window is None:
        raise ProtocolViolation(held.owner.guest_id, NOT_CONSTRUCTED, "no role is constructed")
    width, height = message.number(2), message.number(3)
    if width < 1 or height < 1:
        raise ProtocolViolation(held.owner.guest_id, INVALID_SIZE, f"size {width} x {height} is not positive")
    check_size(width, height)
    clamp(connection, message, (0, 1))
    return FORWARD


# xdg_toplevel


def on_set_parent(connection: Connection, message: Message) -> int:
    """xdg_toplevel.set_parent(parent): no loop. Null, or an unmapped parent, unsets it, as the specification has it; the compositor
    is told null for either, because weston 10 dies of the latter."""
    window = window_of(message)
    parent = note_at(connection, message, 0) if message.number(0) else None
    if isinstance(parent, Window) and parent is not window and not parent.mapped:
        message.args[0] = 0
        message.changed = True
        connection.record("rewritten", message, "its parent is not mapped: null", "allow", "built-in: parent")
        parent = None
    if not isinstance(parent, Window):
        window.parent = None
        return FORWARD
    above: Window | None = parent
    while above is not None:
        if above is window:
            raise ProtocolViolation(message.target.guest_id, TOPLEVEL_INVALID_PARENT, "a window cannot be its own ancestor")
        above = above.parent if above.owner.stage == LIVE else None
    window.parent = parent
    return FORWARD


def on_size_bound(connection: Connection, message: Message) -> int:
    """xdg_toplevel.set_min_size, set_max_size: not negative; 0 is "none"."""
    width, height = message.number(0), message.number(1)
    if width < 0 or height < 0:
        raise ProtocolViolation(message.target.guest_id, TOPLEVEL_INVALID_SIZE, f"size {width} x {height} is negative")
    clamp(connection, message, (0, 1))
    bound = (message.number(0), message.number(1))
    window = window_of(message)
    window.bounds_changed = True
    if message.rule.name == "set_min_size":
        window.minimum = bound
    else:
        window.maximum = bound
    return FORWARD


def on_resize(connection: Connection, message: Message) -> int:
    """xdg_toplevel.resize(seat, serial, edges)."""
    if message.number(2) not in RESIZE_EDGES:
        raise ProtocolViolation(message.target.guest_id, INVALID_RESIZE_EDGE, f"there is no edge {message.number(2)}")
    return FORWARD


# xdg_popup


def on_grab(connection: Connection, message: Message) -> int:
    """xdg_popup.grab(seat, serial): before it is mapped, from a toplevel or a popup that grabs itself."""
    window = window_of(message)
    parent = window.parent
    if window.mapped:
        raise ProtocolViolation(message.target.guest_id, INVALID_GRAB, "grab after the popup was mapped")
    if parent is not None and parent.owner.interface == POPUP and not parent.grabbed:
        raise ProtocolViolation(message.target.guest_id, INVALID_GRAB, "its parent popup has no grab")
    window.grabbed = True  # as the guest sees it, also where the policy leaves it out below
    most = connection.tables.grab_depth
    if most and grabs_down_to(window) > most:
        connection.record("refused", message, f"more than {most} menus deep", "ignore", "permission: popup-grab")
        return DROP
    return FORWARD


def grabs_down_to(window: Window) -> int:
    """How many popups grab, from the toplevel to this one."""
    count = 0
    while window.grabbed:
        count += 1
        if window.parent is None:
            break
        window = window.parent
    return count


def on_reposition(connection: Connection, message: Message) -> int:
    """xdg_popup.reposition(positioner, token)."""
    check_positioner(connection, message, 0, window_of(message).manager_id())
    return FORWARD


# ranges


def check_size(width: int, height: int) -> None:
    """Raises PolicyViolation for what no screen can show."""
    if width > FARTHEST or height > FARTHEST:
        raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, f"{width} x {height} is above {FARTHEST}", "built-in: size")


def clamp(connection: Connection, message: Message, indices: tuple[int, ...]) -> None:
    """Brings numbers into the range a window can have."""
    for index in indices:
        wanted = message.number(index)
        allowed = max(-FARTHEST, min(wanted, FARTHEST))
        if wanted != allowed:
            message.args[index] = allowed
            message.changed = True
            connection.record("rewritten", message, f"{wanted} becomes {allowed}", "allow", "built-in: range")
