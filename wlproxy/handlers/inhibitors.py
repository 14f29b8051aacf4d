"""Idle inhibitors: only while their window is seen, and not for ever.

The rule of `max-duration`, for a guest over all its connections: its time runs from its first inhibitor, whether it holds one or not, and
begins anew with each key, button or finger that goes down and reaches the guest. When it is over, every inhibitor is taken back, and
a new one is a ghost, until the user does something in the guest again. Destroying and creating gains nothing, nor does another connection.
The clock is one that goes on while the host sleeps.

The rule of `only`: "visible": the inhibitor's surface is part of a window (a menu, a panel) that has content, and that the compositor has
not called suspended; "fullscreen": and the window is full screen, by the state that it acknowledged last and by the compositor's last word:
what the compositor ends is over whether or not the guest ever acknowledges that.

Trusts: that the compositor sends input to the guest only where the user made it. Source: idle-inhibit-unstable-v1.xml, xdg-shell.xml.
"""

from __future__ import annotations

from typing import Final

from ..core.connection import Connection
from ..core.message import Message
from ..core.objects import LIVE, Object
from ..core.tables import FORWARD
from . import loans
from .surfaces import SUBSURFACE, Surface, surface_at
from .windows import POPUP, ShellContent, Window

PERMISSION: Final = "idle-inhibit"
FULLSCREEN: Final = "fullscreen"
# xdg_toplevel.state
STATE_FULLSCREEN, STATE_SUSPENDED = 2, 9

NOT_VISIBLE: Final = "its window is not visible"
NOT_FULLSCREEN: Final = "its window is not full screen"


class Inhibitor(loans.Loan):
    """One zwp_idle_inhibitor_v1."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        super().__init__(connection, owner)
        self.permission = PERMISSION
        self.surface: Surface | None = None

    def refusal(self) -> str:
        return refusal(self.connection, self.surface)

    def had(self) -> None:
        """The guest's time runs from here, if it did not."""
        connection = self.connection
        most = connection.tables.inhibit_seconds
        if most:
            now = connection.boottime
            usage = connection.usage
            if usage.awake_since < 0:
                usage.awake_since = now
            connection.due_in(max(usage.awake_since + most - now, 0.001))


def is_bounded(connection: Connection) -> bool:
    """Whether the policy gives idle inhibitors under a condition."""
    return connection.tables.inhibit_only != "" or connection.tables.inhibit_seconds > 0


def on_create_inhibitor(connection: Connection, message: Message) -> int:
    """zwp_idle_inhibit_manager_v1.create_inhibitor(id, surface)."""
    if not is_bounded(connection):
        return FORWARD
    why = refusal(connection, surface_at(connection, message, 1))
    return loans.lend(connection, message, PERMISSION, why)


def inhibitor_made(connection: Connection, message: Message) -> None:
    """Remembers the surface."""
    note = None if message.created is None else message.created.note
    if isinstance(note, Inhibitor) and is_bounded(connection):
        note.surface = surface_at(connection, message, 1)
        note.made(message)


def refusal(connection: Connection, surface: Surface | None) -> str:
    """Why an inhibitor for this surface does not hold now; "" where it does."""
    only = connection.tables.inhibit_only
    if only:
        window = window_shown(surface)
        if window < 0:
            return NOT_VISIBLE
        if only == FULLSCREEN and not window & 1 << STATE_FULLSCREEN:
            return NOT_FULLSCREEN
    if is_spent(connection):
        return f"{connection.tables.inhibit_seconds:g} s without a key, a click or a touch in the guest"
    return ""


def window_shown(surface: Surface | None) -> int:
    """The states, as bits, of the window that the surface is part of; -1 where it is part of none that is shown."""
    if surface is None or surface.owner.stage != LIVE:
        return -1
    at: Surface = surface
    while at.role == SUBSURFACE:
        if not at.mapped or at.parent is None:
            return -1
        at = at.parent
    if not at.mapped:
        return -1
    shell = at.shell
    if not isinstance(shell, ShellContent):  # of a shell that has no states, if it has a role at all
        holder = at.role_object
        return 0 if holder is not None and holder.stage == LIVE else -1
    window: Window | None = shell.shell_surface.window
    while window is not None and window.mapped:
        if window.owner.interface != POPUP:
            held = window.shell_surface
            if held is None or window.states & 1 << STATE_SUSPENDED:
                return -1
            return held.states & window.states
        window = window.parent
    return -1


def is_spent(connection: Connection) -> bool:
    """Whether the guest's time is over."""
    most = connection.tables.inhibit_seconds
    since = connection.usage.awake_since
    return most > 0 and since >= 0 and connection.boottime - since >= most


def on_input(connection: Connection) -> None:
    """The user has pressed something in the guest: its time begins anew."""
    if connection.usage.awake_since >= 0:
        connection.stirs = connection.stirs or is_spent(connection)
        connection.usage.awake_since = connection.boottime
