"""wl_compositor, wl_subcompositor: surfaces, their double-buffered state and their trees.

Promises: what is attached shows at commit, and not before; a synchronised subsurface waits for its parent; frame callbacks are
answered at the next frame, whether or not a person could see the surface. A committed buffer is copied and released at once.
Left out: buffer transforms and input regions are accepted and ignored. Trusts: nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from pywayland.protocol.wayland import (
    WlCallback,
    WlCompositor,
    WlRegion,
    WlSubcompositor,
    WlSubsurface,
    WlSurface,
)

from .resource import Client, Resource
from .shm import Buffer, Image

if TYPE_CHECKING:
    from .compositor import Host

COMPOSITOR_VERSION: Final = 6
INVALID_SCALE: Final = 0  # wl_surface.error
DEFUNCT_ROLE_OBJECT: Final = 4
BAD_SURFACE: Final = 0  # wl_subcompositor.error
BAD_PARENT: Final = 1


class Role(Protocol):
    """What a surface is used as: it hears of commits and of the surface's end."""

    def committed(self) -> None: ...

    def surface_gone(self) -> None: ...


@dataclass(slots=True)
class _State:
    """What was asked for and is not in force yet."""

    attached: bool = False
    buffer: Buffer | None = None
    scale: int = 0
    frames: list[Resource] = field(default_factory=list)

    def merge(self, newer: _State) -> None:
        if newer.attached:
            self.attached, self.buffer = True, newer.buffer
        self.scale = newer.scale or self.scale
        self.frames += newer.frames


class Surface:
    """A wl_surface. `image` is its content, None when unmapped; `parent` for subsurfaces."""

    def __init__(self, surfaces: Surfaces) -> None:
        self._surfaces = surfaces
        self.resource: Resource = None  # type: ignore[assignment]  # set by on_create_surface, before anyone sees it
        self.role: Role | None = None
        self.role_alive = False
        self.role_name = ""
        self.image: Image | None = None
        self.scale = 1
        self.children: list[Subsurface] = []
        self.below: list[Subsurface] = []
        self.pending = _State()

    @property
    def size(self) -> tuple[int, int]:
        """In surface coordinates."""
        return (0, 0) if self.image is None else (self.image.width // self.scale, self.image.height // self.scale)

    def tree(self, x: int = 0, y: int = 0) -> Iterator[tuple[Surface, int, int]]:
        """Itself and its subsurfaces with their places, lowest first."""
        for child in self.below:
            yield from child.surface.tree(x + child.x, y + child.y)
        yield self, x, y
        for child in self.children:
            yield from child.surface.tree(x + child.x, y + child.y)

    def on_attach(self, _resource: Resource, buffer: Resource | None, _x: int, _y: int) -> None:
        self.pending.attached = True
        self.pending.buffer = buffer.handler if buffer is not None else None

    def on_frame(self, resource: Resource, object_id: int) -> None:
        self.pending.frames.append(resource.create(WlCallback, object_id, None))

    def on_set_buffer_scale(self, resource: Resource, scale: int) -> None:
        if scale < 1:
            resource.post_error(INVALID_SCALE, f"invalid scale {scale}")
        else:
            self.pending.scale = scale

    def on_commit(self, _resource: Resource) -> None:
        state, self.pending = self.pending, _State()
        if isinstance(self.role, Subsurface) and self.role.synchronised():
            self.role.cached.merge(state)
        else:
            self.apply(state)

    def apply(self, state: _State) -> None:
        """Puts the state into force, then that of the subsurfaces which waited for it."""
        self.scale = state.scale or self.scale
        if state.attached:
            buffer = state.buffer
            if buffer is None or buffer.resource is None:
                self.image = None
            else:
                self.image = buffer.read()
                buffer.release()
        if state.frames:
            self._surfaces.frames += state.frames
            self._surfaces.host.want_frame()
        for child in (*self.below, *self.children):
            child.parent_committed()
        if self.role is not None:
            self.role.committed()
        self._surfaces.host.changed()

    def on_destroy(self, resource: Resource) -> None:
        if self.role_alive:
            resource.post_error(DEFUNCT_ROLE_OBJECT, f"destroyed under its live {self.role_name}")

    def gone(self, _resource: Resource) -> None:
        self.image = None
        if self.role is not None:
            self.role.surface_gone()
            self.role = None
        self._surfaces.host.seat.surface_gone(self)
        self._surfaces.host.changed()


class Subsurface:
    """The role of a surface that is part of another one."""

    def __init__(self, surface: Surface, parent: Surface) -> None:
        self.surface = surface
        self.parent: Surface | None = parent
        self.x = self.y = 0
        self._next = (0, 0)
        self._sync = True
        self.cached = _State()
        parent.children.append(self)

    def synchronised(self) -> bool:
        """Commits wait for the parent's, as the parent's may wait for its own parent's."""
        above = self.parent.role if self.parent is not None else None
        return self._sync or (isinstance(above, Subsurface) and above.synchronised())

    def parent_committed(self) -> None:
        self.x, self.y = self._next
        if self.cached.attached or self.cached.frames or self.cached.scale:
            state, self.cached = self.cached, _State()
            self.surface.apply(state)

    def committed(self) -> None:
        return

    def surface_gone(self) -> None:
        self._leave()

    def on_set_position(self, _resource: Resource, x: int, y: int) -> None:
        self._next = (x, y)

    def on_place_above(self, _resource: Resource, sibling: Resource) -> None:
        self._place(sibling.handler, 1)

    def on_place_below(self, _resource: Resource, sibling: Resource) -> None:
        self._place(sibling.handler, 0)

    def _place(self, sibling: Surface, after: int) -> None:
        parent = self.parent
        if parent is None:
            return
        self._leave()
        self.parent = parent
        if sibling is parent:
            if after:
                parent.children.insert(0, self)
            else:
                parent.below.append(self)
            return
        for siblings in (parent.children, parent.below):
            for index, other in enumerate(siblings):
                if other.surface is sibling:
                    siblings.insert(index + after, self)
                    return
        parent.children.append(self)

    def on_set_sync(self, _resource: Resource) -> None:
        self._sync = True

    def on_set_desync(self, _resource: Resource) -> None:
        self._sync = False
        if not self.synchronised():
            state, self.cached = self.cached, _State()
            self.surface.apply(state)

    def gone(self, _resource: Resource) -> None:
        self._leave()
        self.surface.image = None
        self.surface.role = None

    def _leave(self) -> None:
        if self.parent is not None:
            for siblings in (self.parent.children, self.parent.below):
                if self in siblings:
                    siblings.remove(self)
            self.parent = None


class _Subcompositor:
    def on_get_subsurface(self, resource: Resource, object_id: int, surface: Resource, parent: Resource) -> None:
        child: Surface = surface.handler
        above: Surface = parent.handler
        if child.role is not None:
            resource.post_error(BAD_SURFACE, "the surface has a role already")
        elif any(found is above for found, _x, _y in child.tree()):
            resource.post_error(BAD_PARENT, "a surface cannot be its own ancestor")
        else:
            child.role = Subsurface(child, above)
            resource.create(WlSubsurface, object_id, child.role)


class Surfaces:
    """The two globals, and the frame callbacks of all surfaces."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.frames: list[Resource] = []
        subcompositor: Any = _Subcompositor()
        host.advertise(WlCompositor, COMPOSITOR_VERSION, self._bind)
        host.advertise(WlSubcompositor, 1, lambda client, version, object_id: _bound(client, version, object_id, subcompositor))

    def _bind(self, client: Client, version: int, object_id: int) -> None:
        Resource(client, WlCompositor, version, object_id, self)

    def on_create_surface(self, resource: Resource, object_id: int) -> None:
        surface = Surface(self)
        surface.resource = resource.create(WlSurface, object_id, surface)

    def on_create_region(self, resource: Resource, object_id: int) -> None:
        resource.create(WlRegion, object_id, None)

    def send_frames(self, milliseconds: int) -> None:
        """Answers every frame callback that waits."""
        frames, self.frames = self.frames, []
        for callback in frames:
            callback.send("done", milliseconds)
            callback.destroy()


def _bound(client: Client, version: int, object_id: int, handler: Any) -> None:
    Resource(client, WlSubcompositor, version, object_id, handler)
