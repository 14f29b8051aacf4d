"""xdg_wm_base: windows and their popups, where they are placed and how they are drawn.

Promises: the order that xdg-shell demands is checked (a buffer needs an acknowledged configure first, a popup needs a parent); every
window gets a title bar that shows the title as the client last set it, because what a proxy did to it is to be seen. Windows are
placed side by side while there is room, then in a cascade; the newest has the keyboard. Left out: move, resize, maximise and the like
are accepted and ignored; a popup is never moved to fit. Trusts: nothing.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from pywayland.protocol.xdg_shell import XdgPopup, XdgPositioner, XdgSurface, XdgToplevel, XdgWmBase

from .resource import Client, Resource
from .surfaces import Surface

if TYPE_CHECKING:
    from .compositor import Host
    from .picture import Canvas

VERSION: Final = 5
ROLE: Final = 0  # xdg_wm_base.error
INVALID_POPUP_PARENT: Final = 3
INVALID_POSITIONER: Final = 5
ALREADY_CONSTRUCTED: Final = 2  # xdg_surface.error
UNCONFIGURED_BUFFER: Final = 3
INVALID_SERIAL: Final = 4
INVALID_SIZE: Final = 5
DEFUNCT_ROLE_OBJECT: Final = 6
INVALID_INPUT: Final = 0  # xdg_positioner.error
ACTIVATED: Final = 4  # xdg_toplevel.state

TITLE_BAR: Final = 24
MARGIN: Final = 24
CASCADE: Final = 48
BAR_FOCUSED: Final = (0xB0, 0x60, 0x28)
BAR: Final = (0x70, 0x68, 0x60)
WHITE: Final = (0xFF, 0xFF, 0xFF)


class Positioner:
    """The rules for a popup's place; anchor and gravity are xdg_positioner's numbers (1 top, 2 bottom, 3 left, 4 right, 5..8 corners)."""

    def __init__(self) -> None:
        self.size = (0, 0)
        self.anchor_rect = (0, 0, 0, 0)
        self.anchor = 0
        self.gravity = 0
        self.offset = (0, 0)

    def on_set_size(self, resource: Resource, width: int, height: int) -> None:
        if width <= 0 or height <= 0:
            resource.post_error(INVALID_INPUT, "the size must be positive")
        self.size = (width, height)

    def on_set_anchor_rect(self, resource: Resource, x: int, y: int, width: int, height: int) -> None:
        if width < 0 or height < 0:
            resource.post_error(INVALID_INPUT, "the anchor rectangle must not be negative")
        self.anchor_rect = (x, y, width, height)

    def on_set_anchor(self, _resource: Resource, anchor: int) -> None:
        self.anchor = anchor

    def on_set_gravity(self, _resource: Resource, gravity: int) -> None:
        self.gravity = gravity

    def on_set_offset(self, _resource: Resource, x: int, y: int) -> None:
        self.offset = (x, y)

    def place(self) -> tuple[int, int]:
        """The popup's upper left corner, relative to the parent's window geometry."""
        x, y, width, height = self.anchor_rect
        across, down = _sides(self.anchor)
        left = x + (width if across > 0 else 0 if across < 0 else width // 2)
        top = y + (height if down > 0 else 0 if down < 0 else height // 2)
        across, down = _sides(self.gravity)
        left -= 0 if across > 0 else self.size[0] if across < 0 else self.size[0] // 2
        top -= 0 if down > 0 else self.size[1] if down < 0 else self.size[1] // 2
        return left + self.offset[0], top + self.offset[1]


def _sides(edge: int) -> tuple[int, int]:
    """An anchor or gravity as (-1 left .. 1 right, -1 top .. 1 bottom)."""
    return (edge in (4, 7, 8)) - (edge in (3, 5, 6)), (edge in (2, 6, 8)) - (edge in (1, 5, 7))


class ShellSurface:
    """An xdg_surface, the role object's base: configures and the window geometry."""

    def __init__(self, shell: Shell, surface: Surface, resource: Resource) -> None:
        self.shell = shell
        self.surface: Surface | None = surface
        self.resource = resource
        self.object: Toplevel | Popup | None = None
        self._serials: list[int] = []
        self.configured = False
        self._asked = False
        self._geometry: tuple[int, int, int, int] | None = None

    @property
    def geometry(self) -> tuple[int, int, int, int]:
        """The window without its shadow: x, y, width, height in the surface."""
        if self._geometry is not None:
            return self._geometry
        return (0, 0, *(self.surface.size if self.surface is not None else (0, 0)))

    def configure(self) -> None:
        """Ends a configure sequence."""
        serial = self.shell.host.next_serial()
        self._serials.append(serial)
        self.resource.send("configure", serial)

    def on_get_toplevel(self, resource: Resource, object_id: int) -> None:
        if self.object is not None:
            resource.post_error(ALREADY_CONSTRUCTED, "this xdg_surface has a role object already")
            return
        top = Toplevel(self)
        top.resource = resource.create(XdgToplevel, object_id, top)
        self._taken(top, "xdg_toplevel")

    def on_get_popup(self, resource: Resource, object_id: int, parent: Resource | None, positioner: Resource) -> None:
        if self.object is not None:
            resource.post_error(ALREADY_CONSTRUCTED, "this xdg_surface has a role object already")
        elif parent is None or parent.handler.object is None:
            resource.post_error(INVALID_POPUP_PARENT, "a popup needs a parent with a role object")
        elif positioner.handler.size == (0, 0):
            resource.post_error(INVALID_POSITIONER, "the positioner is not complete")
        else:
            popup = Popup(self, parent.handler, positioner.handler)
            popup.resource = resource.create(XdgPopup, object_id, popup)
            self._taken(popup, "xdg_popup")

    def _taken(self, role_object: Toplevel | Popup, name: str) -> None:
        self.object = role_object
        if self.surface is not None:
            self.surface.role_alive, self.surface.role_name = True, name

    def on_set_window_geometry(self, resource: Resource, x: int, y: int, width: int, height: int) -> None:
        if width <= 0 or height <= 0:
            resource.post_error(INVALID_SIZE, "the window geometry must be positive")
        else:
            self._geometry = (x, y, width, height)

    def on_ack_configure(self, resource: Resource, serial: int) -> None:
        if serial not in self._serials:
            resource.post_error(INVALID_SERIAL, f"no configure had the serial {serial}")
            return
        del self._serials[: self._serials.index(serial) + 1]
        self.configured = True

    def on_destroy(self, resource: Resource) -> None:
        if self.object is not None:
            resource.post_error(DEFUNCT_ROLE_OBJECT, "destroyed before its role object")

    def committed(self) -> None:
        if self.object is None or self.surface is None:
            return
        if self.surface.image is not None and not self.configured:
            self.resource.post_error(UNCONFIGURED_BUFFER, "a buffer before the first configure was acknowledged")
            self.surface.image = None
        elif self.surface.image is None and not self._asked:
            self._asked = True
            self.object.first_configure()
        elif self.surface.image is None:
            self.object.unmap()
            self._asked = self.configured = False
        else:
            self.object.map()

    def role_object_gone(self) -> None:
        """The toplevel or popup was destroyed; the xdg_surface may get another one."""
        self.object = None
        self._asked = self.configured = False
        if self.surface is not None:
            self.surface.role_alive = False
            self.surface.image = None

    def surface_gone(self) -> None:
        if self.object is not None:
            self.object.unmap()
        self.surface = None

    def gone(self, _resource: Resource) -> None:
        if self.surface is not None:
            self.surface.role = None
            self.surface.role_alive = False


class Toplevel:
    """An xdg_toplevel; `x`, `y` is where its window geometry begins on the output."""

    def __init__(self, shell_surface: ShellSurface) -> None:
        self.shell_surface = shell_surface
        self.shell = shell_surface.shell
        self.resource: Resource = None  # type: ignore[assignment]  # set by on_get_toplevel, before anyone sees it
        self.title = ""
        self.app_id = ""
        self.x = self.y = 0
        self.mapped = False

    @property
    def size(self) -> tuple[int, int]:
        """Of the window geometry."""
        return self.shell_surface.geometry[2:]

    def first_configure(self) -> None:
        if self.resource.version >= 4:
            self.resource.send("configure_bounds", self.shell.host.width, self.shell.host.height - TITLE_BAR)
        self.resource.send("wm_capabilities", b"")
        self.configure(True)

    def configure(self, active: bool) -> None:
        """Leaves the size to the client."""
        self.resource.send("configure", 0, 0, struct.pack("=I", ACTIVATED) if active else b"")
        self.shell_surface.configure()

    def map(self) -> None:
        if not self.mapped:
            self.mapped = True
            self.x, self.y = self.shell.find_place(*self.size)
            self.shell.stack.append(self)
            self.shell.focus(self)

    def unmap(self) -> None:
        if self.mapped:
            self.mapped = False
            self.shell.stack.remove(self)
            self.shell.focus(self.shell.stack[-1] if self.shell.stack else None)
            self.shell.host.changed()

    def on_set_title(self, _resource: Resource, title: str) -> None:
        self.title = title
        self.shell.host.changed()

    def on_set_app_id(self, _resource: Resource, app_id: str) -> None:
        self.app_id = app_id
        self.shell.host.changed()

    def gone(self, _resource: Resource) -> None:
        self.unmap()
        self.shell_surface.role_object_gone()


class Popup:
    """An xdg_popup."""

    def __init__(self, shell_surface: ShellSurface, parent: ShellSurface, positioner: Positioner) -> None:
        self.shell_surface = shell_surface
        self.shell = shell_surface.shell
        self.parent = parent
        self.resource: Resource = None  # type: ignore[assignment]  # set by on_get_popup, before anyone sees it
        self._place = positioner.place()
        self._size = positioner.size

    def origin(self) -> tuple[int, int] | None:
        """Where its window geometry begins on the output; None when the parent is not there."""
        parent = self.parent.object
        if isinstance(parent, Toplevel):
            above = (parent.x, parent.y) if parent.mapped else None
        else:
            above = parent.origin() if parent is not None else None
        return None if above is None else (above[0] + self._place[0], above[1] + self._place[1])

    def first_configure(self) -> None:
        self.resource.send("configure", *self._place, *self._size)
        self.shell_surface.configure()

    def map(self) -> None:
        if self not in self.shell.popups:
            self.shell.popups.append(self)

    def unmap(self) -> None:
        if self in self.shell.popups:
            self.shell.popups.remove(self)

    def on_reposition(self, resource: Resource, positioner: Resource, token: int) -> None:
        self._place, self._size = positioner.handler.place(), positioner.handler.size
        resource.send("repositioned", token)
        self.first_configure()

    def gone(self, _resource: Resource) -> None:
        self.unmap()
        self.shell_surface.role_object_gone()


class Shell:
    """The global, the windows in their order and the picture they make."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.stack: list[Toplevel] = []
        self.popups: list[Popup] = []
        self.focused: Toplevel | None = None
        self._placed = 0
        host.advertise(XdgWmBase, VERSION, self._bind)

    def _bind(self, client: Client, version: int, object_id: int) -> None:
        Resource(client, XdgWmBase, version, object_id, self)

    def on_create_positioner(self, resource: Resource, object_id: int) -> None:
        resource.create(XdgPositioner, object_id, Positioner())

    def on_get_xdg_surface(self, resource: Resource, object_id: int, surface: Resource) -> None:
        if surface.handler.role is not None:
            resource.post_error(ROLE, "the surface has a role already")
            return
        shell_surface = ShellSurface(self, surface.handler, None)  # type: ignore[arg-type]  # set in the next line
        shell_surface.resource = resource.create(XdgSurface, object_id, shell_surface)
        surface.handler.role = shell_surface

    def find_place(self, width: int, height: int) -> tuple[int, int]:
        """A free place for a window's content, scanned in rows; else the next step of a cascade."""
        taken = [(top.x, top.y - TITLE_BAR, top.size[0], top.size[1] + TITLE_BAR) for top in self.stack]
        lefts = sorted({MARGIN, *(x + w + MARGIN for x, _y, w, _h in taken)})
        tops = sorted({MARGIN, *(y + h + MARGIN for _x, y, _w, h in taken)})
        for y in tops:
            for x in lefts:
                fits = x + width <= self.host.width and y + height + TITLE_BAR <= self.host.height
                if fits and all(
                    x >= tx + tw or tx >= x + width or y >= ty + th or ty >= y + height + TITLE_BAR for tx, ty, tw, th in taken
                ):
                    return x, y + TITLE_BAR
        self._placed += 1
        step = MARGIN + CASCADE * (self._placed % 8)
        return min(step, max(self.host.width - width, 0)), min(step, max(self.host.height - height - TITLE_BAR, 0)) + TITLE_BAR

    def focus(self, top: Toplevel | None) -> None:
        """Raises a window and gives it the keyboard."""
        if top is not None and top is not self.stack[-1]:
            self.stack.remove(top)
            self.stack.append(top)
        if top is self.focused:
            return
        before, self.focused = self.focused, top
        if before is not None and before.resource is not None and before.resource.alive:
            before.configure(False)
        if top is not None and before is not None:
            top.configure(True)
        self.host.seat.focus(top.shell_surface.surface if top is not None else None)

    def _layers(self) -> list[tuple[Toplevel | Popup, int, int]]:
        """Windows and popups with the places of their surfaces, lowest first."""
        layers: list[tuple[Toplevel | Popup, int, int]] = []
        items: list[Toplevel | Popup] = [*self.stack, *self.popups]
        for item in items:
            origin = (item.x, item.y) if isinstance(item, Toplevel) else item.origin()
            if origin is not None and item.shell_surface.surface is not None:
                x, y, _width, _height = item.shell_surface.geometry
                layers.append((item, origin[0] - x, origin[1] - y))
        return layers

    def surface_at(self, x: float, y: float) -> tuple[Surface, Toplevel | Popup, float, float] | None:
        """The uppermost surface at a place of the output, its window, and the place within it."""
        for item, left, top in reversed(self._layers()):
            tree = list(item.shell_surface.surface.tree(left, top)) if item.shell_surface.surface is not None else []
            for surface, surface_x, surface_y in reversed(tree):
                width, height = surface.size
                if surface_x <= x < surface_x + width and surface_y <= y < surface_y + height:
                    return surface, item, x - surface_x, y - surface_y
        return None

    def draw(self, canvas: Canvas) -> None:
        """All windows onto a canvas."""
        for item, left, top in self._layers():
            if isinstance(item, Toplevel):
                width = item.size[0]
                canvas.fill(item.x, item.y - TITLE_BAR, width, TITLE_BAR, BAR_FOCUSED if item is self.focused else BAR)
                canvas.text(item.x + 6, item.y - TITLE_BAR + 5, item.title, WHITE, 2, item.x + width - 6)
            if item.shell_surface.surface is not None:
                for surface, x, y in item.shell_surface.surface.tree(left, top):
                    if surface.image is not None:
                        canvas.image(x, y, surface.image, surface.scale)
