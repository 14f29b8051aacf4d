"""wl_output and zxdg_output_manager_v1: one monitor that does not exist. Promises and trusts: nothing beyond the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pywayland.protocol.wayland import WlOutput
from pywayland.protocol.xdg_output_unstable_v1 import ZxdgOutputManagerV1, ZxdgOutputV1

from .resource import Client, Resource

if TYPE_CHECKING:
    from .compositor import Host

NAME: Final = "EMBEDDED-1"
CURRENT_AND_PREFERRED: Final = 3  # wl_output.mode
MILLIHERTZ: Final = 60000
DOTS_PER_MILLIMETRE: Final = 4


def advertise_output(host: Host) -> None:
    """Both globals."""

    def bind_output(client: Client, version: int, object_id: int) -> None:
        output = Resource(client, WlOutput, version, object_id, None)
        output.send(
            "geometry", 0, 0, host.width // DOTS_PER_MILLIMETRE, host.height // DOTS_PER_MILLIMETRE, 0, "wlproxy", "embedded", 0
        )
        output.send("mode", CURRENT_AND_PREFERRED, host.width, host.height, MILLIHERTZ)
        output.send("scale", 1)
        output.send("name", NAME)
        output.send("description", "the embedded host's picture")
        output.send("done")

    def bind_manager(client: Client, version: int, object_id: int) -> None:
        Resource(client, ZxdgOutputManagerV1, version, object_id, _Manager(host))

    host.advertise(WlOutput, 4, bind_output)
    host.advertise(ZxdgOutputManagerV1, 3, bind_manager)


class _Manager:
    def __init__(self, host: Host) -> None:
        self._host = host

    def on_get_xdg_output(self, resource: Resource, object_id: int, output: Resource) -> None:
        described = resource.create(ZxdgOutputV1, object_id, None)
        described.send("logical_position", 0, 0)
        described.send("logical_size", self._host.width, self._host.height)
        described.send("name", NAME)
        described.send("done")
        output.send("done")
