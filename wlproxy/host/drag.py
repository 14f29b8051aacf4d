"""A drag: from wl_data_device.start_drag until the button goes up.

Promises: the pointer is the drag's as long as it lasts; who is under it is offered what the source has, and gets it where it has said that
it takes it. Left out: the icon is not drawn, no action is asked of a user, windows cannot be dragged along. Trusts: nothing.
Source: wayland.xml, wl_data_device, wl_data_source, wl_data_offer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pywayland.protocol.wayland import WlDataOffer

from .resource import Client, Resource
from .surfaces import Surface

if TYPE_CHECKING:
    from .data_device import Selections, Source

ACTIONS: Final = (1, 2, 4)  # copy, move, ask: in the order of what is taken where nobody prefers one
WITH_ACTIONS: Final = 3  # the version from which on there are any


class Offer:
    """What one device of the client under the pointer was told."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.resource: Resource | None = None
        self.mime_type: str | None = None
        self.action = 0

    def on_accept(self, _resource: Resource, _serial: int, mime_type: str | None) -> None:
        self.mime_type = mime_type
        self._source.tell("target", mime_type)

    def on_receive(self, _resource: Resource, mime_type: str, descriptor: int) -> None:
        self._source.hand_over(mime_type, descriptor)

    def on_set_actions(self, resource: Resource, actions: int, preferred: int) -> None:
        both = actions & self._source.actions
        self.action = preferred if preferred & both else next((action for action in ACTIONS if action & both), 0)
        resource.send("action", self.action)
        self._source.tell("action", self.action)

    def on_finish(self, _resource: Resource) -> None:
        self._source.tell("dnd_finished")

    @property
    def taken(self) -> bool:
        """Whether a drop would be taken."""
        if self.resource is None or not self.resource.alive or self.mime_type is None:
            return False
        return bool(self.action) or self.resource.version < WITH_ACTIONS


class Drag:
    """`source` None: within the client that began it, which knows what it drags."""

    def __init__(self, selections: Selections, source: Source | None, client: Client) -> None:
        self.source = source
        self._selections = selections
        self._client = client
        self._over: Surface | None = None
        self._offers: list[Offer] = []

    @property
    def taken(self) -> bool:
        """Whether a drop would be taken here."""
        return self._over is not None and (self.source is None or any(offer.taken for offer in self._offers))

    def motion(self, surface: Surface | None, x: float, y: float, milliseconds: int) -> None:
        """The pointer is there now."""
        if surface is not None and self.source is None and surface.resource.client is not self._client:
            surface = None
        if surface is self._over:
            self._say("motion", milliseconds, x, y)
            return
        self._say("leave")
        self._over, self._offers = surface, []
        if surface is not None:
            self._enter(surface, x, y)

    def drop(self) -> None:
        """The button went up."""
        if self.taken:
            self._say("drop")
            if self.source is not None:
                self.source.tell("dnd_drop_performed")
            return
        self._say("leave")
        if self.source is not None:
            self.source.tell("cancelled")

    def surface_gone(self, surface: Surface) -> None:
        """A surface was destroyed."""
        if surface is self._over:
            self._over, self._offers = None, []

    def source_gone(self) -> None:
        """What was dragged is no more."""
        self._say("leave")
        self._over, self._offers = None, []

    def _enter(self, surface: Surface, x: float, y: float) -> None:
        serial = self._selections.host.next_serial()
        for device in self._selections.devices_of(surface.resource.client):
            offered = None if self.source is None else self._offer(device, self.source)
            device.send("enter", serial, surface.resource, x, y, offered)

    def _offer(self, device: Resource, source: Source) -> Resource:
        offer = Offer(source)
        offer.resource = offered = device.create(WlDataOffer, 0, offer)
        self._offers.append(offer)
        device.send("data_offer", offered)
        for mime_type in source.mime_types:
            offered.send("offer", mime_type)
        offered.send("source_actions", source.actions)
        return offered

    def _say(self, event: str, *arguments: float) -> None:
        if self._over is not None:
            for device in self._selections.devices_of(self._over.resource.client):
                device.send(event, *arguments)
