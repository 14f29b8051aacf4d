"""zxdg_decoration_manager_v1: the host always draws the title bars, so that what the title became is seen. Promises no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pywayland.protocol.xdg_decoration_unstable_v1 import ZxdgDecorationManagerV1, ZxdgToplevelDecorationV1

from .resource import Client, Resource

if TYPE_CHECKING:
    from .compositor import Host

SERVER_SIDE: Final = 2  # zxdg_toplevel_decoration_v1.mode


class _Manager:
    def on_get_toplevel_decoration(self, resource: Resource, object_id: int, _toplevel: Resource) -> None:
        resource.create(ZxdgToplevelDecorationV1, object_id, self).send("configure", SERVER_SIDE)

    def on_set_mode(self, resource: Resource, _mode: int) -> None:
        resource.send("configure", SERVER_SIDE)

    def on_unset_mode(self, resource: Resource) -> None:
        resource.send("configure", SERVER_SIDE)


def advertise_decoration(host: Host) -> None:
    """The global."""
    manager = _Manager()

    def bind(client: Client, version: int, object_id: int) -> None:
        Resource(client, ZxdgDecorationManagerV1, version, object_id, manager)

    host.advertise(ZxdgDecorationManagerV1, 1, bind)
