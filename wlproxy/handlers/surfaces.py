"""wl_surface, its role for life, and sub-surfaces.

Promises towards the compositor: one role per surface, ever; no role object outlives its wl_surface; no sub-surface is its own
ancestor; a buffer that is gone is not committed; scale, transform and offsets are in range. Where the specification names an error for
a misuse the guest gets exactly that. Trusts: the session's object table.
Source: wayland.xml (wl_surface, wl_subcompositor, wl_subsurface).
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from ..core import wire
from ..core.connection import Connection
from ..core.errors import PolicyViolation, ProtocolViolation
from ..core.message import Message
from ..core.objects import LIVE, Object, ObjectTable
from ..core.tables import DROP, FORWARD, MAKE_INERT, Note
from ..core.wire import DISPLAY_ID, IMPLEMENTATION
from . import costs

ATTACH: Final = 1
DAMAGE: Final = 2
COMMIT: Final = 6
SET_BUFFER_TRANSFORM: Final = 7
SET_BUFFER_SCALE: Final = 8
DAMAGE_BUFFER: Final = 9

# wl_surface.error
INVALID_SCALE, INVALID_TRANSFORM, INVALID_SIZE, INVALID_OFFSET, DEFUNCT_ROLE_OBJECT, NO_BUFFER = 0, 1, 2, 3, 4, 5
# wl_subcompositor.error, wl_subsurface.error
BAD_SURFACE, BAD_PARENT = 0, 1

# Roles, by the interface that gives them.
SUBSURFACE: Final = "wl_subsurface"
CURSOR: Final = "wl_pointer.set_cursor"
TOOL_CURSOR: Final = "zwp_tablet_tool_v2.set_cursor"
DRAG_ICON: Final = "wl_data_device.start_drag"

FARTHEST: Final = 16384  # pixels; GL_MAX_TEXTURE_SIZE of common drivers
BIGGEST_SCALE: Final = 64
FARTHEST_OFFSET: Final = 512  # pixels by which what is no window may move itself in all: drag icons follow the pointer's hot spot

# What follows the pointer covers other windows and moves over them: logical pixels in either direction, by role.
LARGEST: Final[dict[str, int]] = {CURSOR: 256, TOOL_CURSOR: 256, DRAG_ICON: 512}


class Extent(Note):
    """The size of a wl_buffer in pixels, 0 where the proxy cannot know it."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height

    def before_commit(self) -> None:
        """Its pixels are about to be shown."""


class Content:
    """What something attached to a surface demands of a commit: a shell surface, a viewport."""

    def size(self) -> tuple[int, int] | None:
        """The surface's size in logical pixels, where this decides it and not the buffer."""
        return None

    def before_commit(self, surface: Surface) -> None:
        """Raises ProtocolViolation where the specification forbids this commit."""

    def surface_gone(self) -> None:
        """The wl_surface is destroyed."""

    def take_down(self, connection: Connection, message: Message) -> None:
        """The wl_surface is about to go before this: what can go first, without harm, does."""


class Surface(Note):
    """One wl_surface: pending and committed state as far as a rule looks at it."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.connection = connection
        self.objects: ObjectTable = connection.objects
        self.owner = owner
        self.role = ""
        self.follows_pointer = False  # a cursor, a drag icon
        self.largest = 0  # logical pixels, of what follows the pointer
        self.role_object: Object | None = None
        self.shell: Content | None = None
        self.viewport: Content | None = None
        self.attached = False  # a wl_surface.attach since the last commit
        self.pending: Object | None = None  # its buffer
        self.mapped = False  # a buffer is committed
        self.width = 0  # of the committed buffer
        self.height = 0
        self.moved = [0, 0]  # by attach and offset, in all
        self.releases = False  # a get_release since the last commit
        self.only: dict[str, Object] = {}  # what a surface has one of, by what it is (attachments.py)
        self.scale = 1
        self.transform = 0
        self.shown_scale = 1  # as of the last commit
        self.shown_size: tuple[int, int] | None = None
        self.damages: i64 = 0
        self.most_damages: i64 = connection.limits.damage_rectangles
        self.box: list[int] = []  # x1, y1, x2, y2 of the damage beyond the cap, with its opcode
        self.box_opcode = 0
        self.parent: Surface | None = None
        self.children: list[Surface] = []

    def look(self, opcode: i64, data: bytes, at: i64) -> bool:
        """The requests of each frame, without decoding them."""
        if opcode == COMMIT:
            pending = self.pending
            if self.attached and self.mapped != (pending is not None):  # shown or hidden by it, which loans may depend on
                return False
            if self.box or (pending is not None and pending.stage != LIVE) or (self.follows_pointer and self.too_large()):
                return False
            self.commit()
            return True
        if opcode == DAMAGE or opcode == DAMAGE_BUFFER:
            self.damages += 1
            return self.damages <= self.most_damages
        if opcode == ATTACH:
            if wire.word(data, at + 4) or wire.word(data, at + 8):
                return False
            buffer: i64 = wire.word(data, at)
            self.attached = True
            self.pending = self.objects.client[buffer] if buffer else None
            return True
        number: i64 = wire.word(data, at)
        if opcode == SET_BUFFER_SCALE:  # GTK sets it with every frame
            if not 1 <= number <= BIGGEST_SCALE:
                return False
            self.scale = int(number)
        elif opcode == SET_BUFFER_TRANSFORM:
            if number > 7:
                return False
            self.transform = int(number)
        return True

    def ending(self) -> None:
        """wl_surface.destroy. A wl_subsurface becomes inert, every other role object must have gone before."""
        role_object = self.role_object
        if role_object is not None and role_object.stage == LIVE and self.role != SUBSURFACE:
            raise ProtocolViolation(
                self.owner.guest_id,
                DEFUNCT_ROLE_OBJECT,
                f"destroyed before its {role_object.interface}#{role_object.guest_id}",
            )
        for content in (self.shell, self.viewport):
            if content is not None:
                content.surface_gone()
        self.leave_parent()
        for child in self.children:
            child.parent = None
        self.children = []

    def commit(self) -> None:
        """wl_surface.commit; raises what the contents forbid."""
        self.connection.weight += costs.COMMIT
        if self.releases:
            self.releases = False
            if not self.will_show_buffer():
                raise ProtocolViolation(self.owner.guest_id, NO_BUFFER, "get_release, but no buffer to be released")
        if self.shell is not None:
            self.shell.before_commit(self)
        if self.attached:
            self.attached = False
            pending = self.pending
            self.pending = None
            self.mapped = pending is not None
            content = None if pending is None else pending.note
            if isinstance(content, Extent):
                content.before_commit()
                self.width = content.width
                self.height = content.height
        self.shown_scale = self.scale
        self.shown_size = None
        if self.viewport is not None:
            self.viewport.before_commit(self)
            self.shown_size = self.viewport.size()
        self.damages = 0

    def too_large(self) -> bool:
        """Whether the next commit would show more than the role may cover, or how much cannot be known."""
        size = None if self.viewport is None else self.viewport.size()
        if not self.attached:
            return self.mapped and exceeds(self.largest, self.width, self.height, self.scale, size)
        if self.pending is None:
            return False
        content = self.pending.note
        if not isinstance(content, Extent):
            return True
        return exceeds(self.largest, content.width, content.height, self.scale, size)

    def shown_too_large(self) -> bool:
        """The same of what is committed: scale and viewport count from the last commit on."""
        return self.mapped and exceeds(self.largest, self.width, self.height, self.shown_scale, self.shown_size)

    def root(self) -> Surface:
        """The surface that has no parent, from here up."""
        above = self
        while above.parent is not None:
            above = above.parent
        return above

    def will_show_buffer(self) -> bool:
        """Whether the commit at hand gives the surface new content."""
        return self.attached and self.pending is not None

    def leave_parent(self) -> None:
        """Ends a sub-surface relation, not the role."""
        parent = self.parent
        if parent is not None:
            parent.children.remove(self)
            self.parent = None

    def depth(self) -> int:
        """How many ancestors it has."""
        levels = 0
        above = self.parent
        while above is not None:
            levels += 1
            above = above.parent
        return levels

    def height_below(self) -> int:
        """How many levels of sub-surfaces hang below it. The bound on depth bounds the recursion."""
        return 1 + max((child.height_below() for child in self.children), default=-1)

    def has_ancestor(self, other: Surface) -> bool:
        """Whether `other` is this surface or above it."""
        above: Surface | None = self
        while above is not None:
            if above is other:
                return True
            above = above.parent
        return False

    def take_role(self, role: str, error_object: int, error_code: int) -> None:
        """Gives the surface a role, or raises the error that the giving interface names for a second one."""
        if self.role and self.role != role:
            raise ProtocolViolation(error_object, error_code, f"wl_surface#{self.owner.guest_id} is a {self.role} already")
        holder = self.role_object
        if holder is not None and holder.stage == LIVE:
            raise ProtocolViolation(
                error_object,
                error_code,
                f"wl_surface#{self.owner.guest_id} has its {holder.interface}#{holder.guest_id} already",
            )
        self.role = role
        self.follows_pointer = role in LARGEST
        if self.follows_pointer:
            self.largest = LARGEST[role]
            if role != DRAG_ICON:
                self.largest = min(self.largest, self.connection.tables.sizes.get("custom-cursor", self.largest))


def exceeds(largest: int, width: int, height: int, scale: int, size: tuple[int, int] | None) -> bool:
    """Whether a buffer is too large for what follows the pointer, or of unknown size. `size`: of the surface, if a viewport says so."""
    if size is not None:
        return max(size) > largest
    return width < 1 or height < 1 or max(width, height) > largest * scale


def surface_at(connection: Connection, message: Message, index: int) -> Surface | None:
    """The surface an object argument names; None for null and for ghosts."""
    found = connection.objects.of_host(message.number(index))
    note = None if found is None else found.note
    return note if isinstance(note, Surface) else None


def surface_of(message: Message) -> Surface:
    """The surface a message is addressed to."""
    note = message.target.note
    if not isinstance(note, Surface):
        raise TypeError(f"{message.rule.interface}#{message.target.guest_id} has no surface state")
    return note


def on_destroy(connection: Connection, message: Message) -> int:
    """wl_surface.destroy; `Surface.ending` has the error for what is still there afterwards."""
    shell = surface_of(message).shell
    if shell is not None and connection.tables.takes_down:
        shell.take_down(connection, message)
    return FORWARD


def on_attach(connection: Connection, message: Message) -> int:
    """wl_surface.attach with an offset, a ghost or a buffer of the compositor's: what `look` leaves.

    From version 5 an offset is an error of its own; below, it would move a window or stretch a cursor's hot spot.
    """
    surface = surface_of(message)
    offset = message.number(1) or message.number(2)
    if offset and message.target.version >= 5:
        raise ProtocolViolation(message.target.guest_id, INVALID_OFFSET, "attach with an offset: use wl_surface.offset")
    if offset:
        limit_offset(connection, message, surface, 1)
    buffer = message.number(0)
    surface.attached = True
    surface.pending = connection.objects.of_host(buffer) if buffer else None
    return FORWARD


def on_offset(connection: Connection, message: Message) -> int:
    """wl_surface.offset."""
    limit_offset(connection, message, surface_of(message), 0)
    return FORWARD


def limit_offset(connection: Connection, message: Message, surface: Surface, first: int) -> None:
    """A window does not move itself, nor a cursor away from its hot spot; drag icons stay within reach, however many steps they
    take."""
    farthest = 0 if surface.shell is not None or surface.role in (CURSOR, TOOL_CURSOR) else FARTHEST_OFFSET
    for axis in (0, 1):
        index = first + axis
        wanted = message.number(index)
        before = surface.moved[axis] if farthest else 0
        allowed = max(-farthest, min(before + wanted, farthest)) - before
        surface.moved[axis] = before + allowed
        if wanted != allowed:
            message.args[index] = allowed
            message.changed = True
            connection.record("rewritten", message, f"offset {wanted} becomes {allowed}", "allow", "built-in: offset")


def on_commit(connection: Connection, message: Message) -> int:
    """wl_surface.commit when something has to go before it."""
    surface = surface_of(message)
    address = message.target.host_id
    pending = surface.pending
    if pending is not None and pending.stage != LIVE:
        # The specification leaves open what a destroyed buffer's commit shows; compositors have crashed on it.
        connection.send_to_host(wire.encode(address, ATTACH, "oii", [0, 0, 0]))
        connection.record("rewritten", message, "its buffer was destroyed after attach", "allow", "built-in: buffer gone")
        surface.pending = None
    if surface.follows_pointer and surface.too_large():
        connection.send_to_host(wire.encode(address, ATTACH, "oii", [0, 0, 0]))
        connection.record("rewritten", message, f"too large for a {surface.role}: no buffer", "allow", "built-in: cursor size")
        surface.attached = True
        surface.pending = None
    if surface.box:
        x1, y1, x2, y2 = surface.box
        connection.send_to_host(wire.encode(address, surface.box_opcode, "iiii", [x1, y1, x2 - x1, y2 - y1]))
        surface.box = []
    surface.commit()
    return FORWARD


def on_get_release(connection: Connection, message: Message) -> int:
    """wl_surface.get_release(callback): of the buffer that the next commit shows."""
    surface_of(message).releases = True
    return FORWARD


def on_damage(connection: Connection, message: Message) -> int:
    """Damage beyond the cap: kept as a bounding box until the commit."""
    surface = surface_of(message)
    x, y, width, height = (message.number(i) for i in range(4))
    x, y = max(-FARTHEST, min(x, FARTHEST)), max(-FARTHEST, min(y, FARTHEST))
    corner = [x, y, x + max(0, min(width, 4 * FARTHEST)), y + max(0, min(height, 4 * FARTHEST))]
    box = surface.box or corner
    surface.box = [min(box[0], corner[0]), min(box[1], corner[1]), max(box[2], corner[2]), max(box[3], corner[3])]
    surface.box_opcode = message.rule.opcode
    return DROP


def on_scale(connection: Connection, message: Message) -> int:
    """wl_surface.set_buffer_scale: positive; bounded, for compositors that divide by it."""
    scale = message.number(0)
    if scale < 1:
        raise ProtocolViolation(message.target.guest_id, INVALID_SCALE, f"scale {scale} is not positive")
    if scale > BIGGEST_SCALE:
        raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, f"scale {scale} is above {BIGGEST_SCALE}", "built-in: scale")
    surface_of(message).scale = scale
    return FORWARD


def on_transform(connection: Connection, message: Message) -> int:
    """wl_surface.set_buffer_transform: one of wl_output.transform."""
    transform = message.number(0)
    if not 0 <= transform <= 7:
        raise ProtocolViolation(message.target.guest_id, INVALID_TRANSFORM, f"transform {transform} does not exist")
    surface_of(message).transform = transform
    return FORWARD


class Subsurface(Note):
    """One wl_subsurface; inert once its surface or its parent is gone."""

    def __init__(self, connection: Connection, owner: Object) -> None:
        self.surface: Surface | None = None

    def ending(self) -> None:
        """wl_subsurface.destroy: the surface is unmapped and keeps its role."""
        if self.surface is not None:
            self.surface.leave_parent()


def on_get_subsurface(connection: Connection, message: Message) -> int:
    """wl_subcompositor.get_subsurface(id, surface, parent): no second role, no loop, no deep tree."""
    manager = message.target.guest_id
    surface = surface_at(connection, message, 1)
    parent = surface_at(connection, message, 2)
    if surface is None or parent is None:
        return FORWARD
    if parent.root().follows_pointer:  # it would reach beyond what a cursor may cover
        connection.record("refused", message, "sub-surfaces of what follows the pointer are not shown", "inert", "built-in: cursor size")
        return MAKE_INERT
    if parent.has_ancestor(surface):
        raise ProtocolViolation(manager, BAD_PARENT, "a surface cannot be its own ancestor")
    surface.take_role(SUBSURFACE, manager, BAD_SURFACE)
    limits = connection.limits
    if parent.depth() + surface.height_below() + 1 > limits.subsurface_depth:
        reason = f"more than {limits.subsurface_depth} levels"
        raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, reason, limits.rule("subsurface-depth"))
    if len(parent.children) >= limits.subsurface_children:
        reason = f"more than {limits.subsurface_children} children"
        raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, reason, limits.rule("subsurface-children"))
    return FORWARD


def subsurface_made(connection: Connection, message: Message) -> None:
    """Links the new wl_subsurface to its surface and its parent."""
    surface = surface_at(connection, message, 1)
    parent = surface_at(connection, message, 2)
    made = message.created
    if surface is None or parent is None or made is None:
        return
    surface.role_object = made
    surface.parent = parent
    parent.children.append(surface)
    if isinstance(made.note, Subsurface):
        made.note.surface = surface


def on_place(connection: Connection, message: Message) -> int:
    """wl_subsurface.place_above and place_below: only beside a sibling or the parent."""
    note = message.target.note
    surface = note.surface if isinstance(note, Subsurface) else None
    other = surface_at(connection, message, 0)
    if surface is None or surface.parent is None:
        return DROP  # inert: its parent is gone
    if other is None or other is surface or not (other is surface.parent or other.parent is surface.parent):
        raise ProtocolViolation(message.target.guest_id, BAD_SURFACE, "the other surface is neither sibling nor parent")
    return FORWARD


def on_position(connection: Connection, message: Message) -> int:
    """wl_subsurface.set_position: within what a window can be."""
    for index in (0, 1):
        wanted = message.number(index)
        allowed = max(-FARTHEST, min(wanted, FARTHEST))
        if wanted != allowed:
            message.args[index] = allowed
            message.changed = True
            connection.record("rewritten", message, f"position {wanted} becomes {allowed}", "allow", "built-in: position")
    return FORWARD
