"""The globals that a guest must not reach, so that there is something to refuse.

Promises: they are advertised as real compositors do it, a bind of them is in `Host.bound`, and their requests are accepted, counted and
without effect (but data control, which works: see data_device.py). A client that gets as far as to send them hears what it needs
not to wait for ever: `failed`, `finished`. Trusts: nothing.

pywayland has no bindings for the wlr protocols; `_interface` makes what is needed of them, from signatures in libwayland's letters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pywayland.protocol.ext_session_lock_v1 import ExtSessionLockManagerV1, ExtSessionLockV1
from pywayland.protocol.wayland import WlBuffer, WlOutput, WlSeat, WlSurface
from pywayland.protocol.xdg_shell import XdgPopup
from pywayland.protocol_core.argument import Argument
from pywayland.protocol_core.interface import Interface, InterfaceMeta
from pywayland.scanner.argument import ArgumentType

from .resource import Client, Resource

if TYPE_CHECKING:
    from .compositor import Host

_LETTERS: Final = {
    "i": ArgumentType.Int, "u": ArgumentType.Uint, "s": ArgumentType.String, "o": ArgumentType.Object, "n": ArgumentType.NewId,
    "h": ArgumentType.FileDescriptor,
}  # fmt: skip


def _signature(letters: str, interfaces: tuple[Any, ...]) -> list[Argument]:
    """ "?" before a letter means nullable; `interfaces` are those of the o and n in their order."""
    left = iter(interfaces)
    arguments: list[Argument] = []
    nullable = False
    for letter in letters:
        if letter == "?":
            nullable = True
            continue
        arguments.append(Argument(_LETTERS[letter], nullable, next(left) if letter in "on" else None))
        nullable = False
    return arguments


def _interface(
    name: str, version: int, requests: tuple[tuple[Any, ...], ...] = (), events: tuple[tuple[Any, ...], ...] = ()
) -> Any:
    """An interface of messages (name, signature, interface...)."""
    made: Any = InterfaceMeta(name, (Interface,), {"name": name, "version": version})
    for declare, messages in ((made.request, requests), (made.event, events)):
        for message, letters, *interfaces in messages:

            def named() -> None:
                return

            named.__name__ = message
            declare(*_signature(letters, tuple(interfaces)))(named)
    made._gen_c()
    return made


_FRAME: Final = _interface(
    "zwlr_screencopy_frame_v1", 1, (("copy", "o", WlBuffer), ("destroy", "")), (
        ("buffer", "uuuu"), ("flags", "u"), ("ready", "uuu"), ("failed", ""),
    ),
)  # fmt: skip
SCREENCOPY_MANAGER: Final = _interface(
    "zwlr_screencopy_manager_v1", 1, (
        ("capture_output", "nio", _FRAME, WlOutput), ("capture_output_region", "nioiiii", _FRAME, WlOutput), ("destroy", ""),
    ),
)  # fmt: skip
_LAYER_SURFACE: Final = _interface(
    "zwlr_layer_surface_v1", 3, (
        ("set_size", "uu"), ("set_anchor", "u"), ("set_exclusive_zone", "i"), ("set_margin", "iiii"),
        ("set_keyboard_interactivity", "u"), ("get_popup", "o", XdgPopup), ("ack_configure", "u"), ("destroy", ""),
        ("set_layer", "u"),
    ), (("configure", "uuu"), ("closed", "")),
)  # fmt: skip
LAYER_SHELL: Final = _interface(
    "zwlr_layer_shell_v1", 3, (("get_layer_surface", "no?ous", _LAYER_SURFACE, WlSurface, WlOutput), ("destroy", "")),
)  # fmt: skip
_VIRTUAL_KEYBOARD: Final = _interface(
    "zwp_virtual_keyboard_v1", 1, (("keymap", "uhu"), ("key", "uuu"), ("modifiers", "uuuu"), ("destroy", "")),
)  # fmt: skip
VIRTUAL_KEYBOARD_MANAGER: Final = _interface(
    "zwp_virtual_keyboard_manager_v1", 1, (("create_virtual_keyboard", "on", WlSeat, _VIRTUAL_KEYBOARD),)
)
DATA_CONTROL_SOURCE: Final = _interface(
    "zwlr_data_control_source_v1", 1, (("offer", "s"), ("destroy", "")), (("send", "sh"), ("cancelled", ""))
)
DATA_CONTROL_OFFER: Final = _interface("zwlr_data_control_offer_v1", 1, (("receive", "sh"), ("destroy", "")), (("offer", "s"),))
DATA_CONTROL_DEVICE: Final = _interface(
    "zwlr_data_control_device_v1", 1, (("set_selection", "?o", DATA_CONTROL_SOURCE), ("destroy", "")), (
        ("data_offer", "n", DATA_CONTROL_OFFER), ("selection", "?o", DATA_CONTROL_OFFER), ("finished", ""),
    ),
)  # fmt: skip
DATA_CONTROL_MANAGER: Final = _interface(
    "zwlr_data_control_manager_v1", 1, (
        ("create_data_source", "n", DATA_CONTROL_SOURCE), ("get_data_device", "no", DATA_CONTROL_DEVICE, WlSeat), ("destroy", ""),
    ),
)  # fmt: skip


class _StandIn:
    """Says no where a client would wait."""

    def on_capture_output(self, resource: Resource, object_id: int, _cursor: int, _output: Resource) -> None:
        resource.create(_FRAME, object_id, self).send("failed")

    def on_capture_output_region(self, resource: Resource, object_id: int, cursor: int, output: Resource, *_region: int) -> None:
        self.on_capture_output(resource, object_id, cursor, output)

    def on_get_layer_surface(self, resource: Resource, object_id: int, *_arguments: Any) -> None:
        resource.create(_LAYER_SURFACE, object_id, self).send("closed")

    def on_create_virtual_keyboard(self, resource: Resource, _seat: Resource, object_id: int) -> None:
        resource.create(_VIRTUAL_KEYBOARD, object_id, None)

    def on_lock(self, resource: Resource, object_id: int) -> None:
        resource.create(ExtSessionLockV1, object_id, None).send("finished")


def advertise_stand_ins(host: Host) -> None:
    """All of them."""
    handler = _StandIn()

    def advertise(interface: Any, version: int) -> None:
        def bind(client: Client, wanted: int, object_id: int) -> None:
            Resource(client, interface, wanted, object_id, handler)

        host.advertise(interface, version, bind)

    advertise(SCREENCOPY_MANAGER, 1)
    advertise(LAYER_SHELL, 3)
    advertise(ExtSessionLockManagerV1, 1)
    advertise(VIRTUAL_KEYBOARD_MANAGER, 1)
    host.selections.advertise_control()
