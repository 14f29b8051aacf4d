"""Selections: wl_data_device_manager for the client with the focus, zwlr_data_control_manager_v1 for any client at any time.

Promises: one clipboard, two doors. The first is what every compositor has; the second is a *risky global*: who binds it reads the
clipboard without a focus, which is why the demo shows it refused. What is dragged is drag.py's. Left out: primary selection. Trusts:
nothing; pipes are handed on and closed here, never read.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from pywayland.protocol.wayland import WlDataDevice, WlDataDeviceManager, WlDataOffer, WlDataSource

from .drag import ACTIONS, Drag
from .resource import Client, Resource
from .stand_ins import DATA_CONTROL_DEVICE, DATA_CONTROL_MANAGER, DATA_CONTROL_OFFER, DATA_CONTROL_SOURCE

if TYPE_CHECKING:
    from .compositor import Host

USED_SOURCE: Final = 1


class Source:
    """What a client offers: its mime types, in its order; `actions` for a drag."""

    def __init__(self, selections: Selections) -> None:
        self._selections = selections
        self.resource: Resource | None = None
        self.mime_types: list[str] = []
        self.actions = ACTIONS[0]

    def tell(self, event: str, *arguments: Any) -> None:
        """An event to its client."""
        if self.resource is not None:
            self.resource.send(event, *arguments)
        self._selections.host.changed()

    def hand_over(self, mime_type: str, descriptor: int) -> None:
        """Has the client write to the pipe."""
        self.tell("send", mime_type, descriptor)
        os.close(descriptor)

    def on_set_actions(self, _resource: Resource, actions: int) -> None:
        self.actions = actions

    def on_offer(self, _resource: Resource, mime_type: str) -> None:
        self.mime_types.append(mime_type)

    def gone(self, _resource: Resource) -> None:
        self.resource = None
        self._selections.source_gone(self)


class _Offer:
    """One offer of a source to one client."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def on_receive(self, _resource: Resource, mime_type: str, descriptor: int) -> None:
        self._source.hand_over(mime_type, descriptor)


class _Device:
    """A wl_data_device or zwlr_data_control_device_v1."""

    def __init__(self, selections: Selections, offer_interface: Any, needs_focus: bool) -> None:
        self._selections = selections
        self._offer_interface = offer_interface
        self.needs_focus = needs_focus
        self.resource: Resource | None = None

    def offer(self, source: Source | None) -> None:
        """Tells the client what the selection is now."""
        if self.resource is None:
            return
        if source is None:
            self.resource.send("selection", None)
            return
        offer = self.resource.create(self._offer_interface, 0, _Offer(source))
        self.resource.send("data_offer", offer)
        for mime_type in source.mime_types:
            offer.send("offer", mime_type)
        self.resource.send("selection", offer)

    def on_set_selection(self, resource: Resource, source: Resource | None, _serial: int = 0) -> None:
        if self.needs_focus and not self._selections.has_focus(resource.client):
            return
        self._selections.take(source.handler if source is not None else None)

    def on_start_drag(
        self, resource: Resource, source: Resource | None, _origin: Resource, _icon: Resource | None, _serial: int
    ) -> None:
        self._selections.drag(source.handler if source is not None else None, resource.client)

    def gone(self, _resource: Resource) -> None:
        self.resource = None
        self._selections.devices.remove(self)


class _Manager:
    """Either manager; the interfaces make the difference."""

    def __init__(self, selections: Selections, source: Any, device: Any, offer: Any, needs_focus: bool) -> None:
        self._selections = selections
        self._source, self._device, self._offer = source, device, offer
        self._needs_focus = needs_focus

    def on_create_data_source(self, resource: Resource, object_id: int) -> None:
        source = Source(self._selections)
        source.resource = resource.create(self._source, object_id, source)

    def on_get_data_device(self, resource: Resource, object_id: int, _seat: Resource) -> None:
        device = _Device(self._selections, self._offer, self._needs_focus)
        device.resource = resource.create(self._device, object_id, device)
        self._selections.devices.append(device)
        if not self._needs_focus or self._selections.has_focus(resource.client):
            device.offer(self._selections.current)


class Selections:
    """The clipboard."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.current: Source | None = None
        self.devices: list[_Device] = []
        self._focused = _Manager(self, WlDataSource, WlDataDevice, WlDataOffer, True)
        self._control = _Manager(self, DATA_CONTROL_SOURCE, DATA_CONTROL_DEVICE, DATA_CONTROL_OFFER, False)

        def bind(client: Client, version: int, object_id: int) -> None:
            Resource(client, WlDataDeviceManager, version, object_id, self._focused)

        host.advertise(WlDataDeviceManager, 3, bind)

    def advertise_control(self) -> None:
        """The second door."""

        def bind(client: Client, version: int, object_id: int) -> None:
            Resource(client, DATA_CONTROL_MANAGER, version, object_id, self._control)

        self.host.advertise(DATA_CONTROL_MANAGER, 1, bind)

    def has_focus(self, client: Client) -> bool:
        """The keyboard is in one of its windows."""
        surface = self.host.seat.keyboard_focus
        return surface is not None and surface.resource.client is client

    def take(self, source: Source | None) -> None:
        """A new selection."""
        if self.current is not None and self.current is not source and self.current.resource is not None:
            self.current.resource.send("cancelled")
        self.current = source
        self._offer_to([device for device in self.devices if not device.needs_focus])
        self.offer_to_focus()
        self.host.changed()

    def offer_to_focus(self) -> None:
        """The focus moved, or the selection changed."""
        self._offer_to([device for device in self.devices if device.needs_focus and device.resource is not None
                        and self.has_focus(device.resource.client)])  # fmt: skip

    def drag(self, source: Source | None, client: Client) -> None:
        """Begins one, where the button is down in a window of that client's."""
        if not self.host.seat.begin_drag(Drag(self, source, client), client) and source is not None:
            source.tell("cancelled")

    def devices_of(self, client: Client) -> list[Resource]:
        """Its wl_data_devices."""
        found = [device.resource for device in self.devices if device.needs_focus and device.resource is not None]
        return [resource for resource in found if resource.client is client]

    def source_gone(self, source: Source) -> None:
        """A source was destroyed; if it was the selection there is none now, and if it was dragged, no drag."""
        self.host.seat.source_gone(source)
        if source is self.current:
            self.current = None
            self._offer_to([device for device in self.devices if not device.needs_focus])
            self.offer_to_focus()
            self.host.changed()

    def _offer_to(self, devices: list[_Device]) -> None:
        for device in devices:
            device.offer(self.current)
