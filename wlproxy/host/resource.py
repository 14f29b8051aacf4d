"""Protocol objects on the host's side, on libwayland's dispatch.

pywayland 0.4.19 generates usable interfaces, but its server side cannot decode requests with object or new_id arguments (it looks
for client proxies). So the host takes pywayland's interfaces and does the last step itself: one dispatcher for all objects, which
turns a `wl_argument` array into Python values and calls `on_<request>` of the object's handler.

Promises: a descriptor in a request belongs to the handler that gets it; one without a handler is closed here. A request that nobody
handles is accepted and counted, and a destructor always destroys. An exception in a handler ends that client with the error
`implementation` and stands in `Client.host_faults`, so that a test can fail on it; it never travels through C.
Trusts: libwayland for ids, types, versions and lifetimes. Strings are the peer's: decoded with replacement, never a crash.
"""

from __future__ import annotations

import contextlib
import os
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from pywayland.scanner.argument import ArgumentType

from .library import address, ffi, lib

INVALID_METHOD: Final = 1
IMPLEMENTATION: Final = 3  # wl_display.error
DESTRUCTORS: Final = frozenset(("destroy", "release"))


class Client:
    """One connection: who it is and what it asked for."""

    def __init__(self, number: int, pid: int, pointer: Any, requests: Counter[str], faults: list[str]) -> None:
        self.number = number
        self.pid = pid
        self.pointer = pointer
        self.requests = requests  # "wl_surface.commit" -> how often, over all clients
        self.host_faults = faults

    def end(self) -> None:
        """Hangs up."""
        lib.wl_client_destroy(self.pointer)


class Resource:
    """One object of one client. `handler` has methods `on_<request>(resource, *arguments)` and, if it likes, `gone(resource)`."""

    __slots__ = ("client", "handler", "interface", "pointer", "version")

    def __init__(self, client: Client, interface: Any, version: int, object_id: int, handler: Any) -> None:
        self.client = client
        self.interface = interface
        self.version = version
        self.handler = handler
        self.pointer: Any = lib.wl_resource_create(client.pointer, interface._ptr, version, object_id)
        if self.pointer == ffi.NULL:
            raise MemoryError("wl_resource_create")
        _live[address(self.pointer)] = self
        lib.wl_resource_set_dispatcher(self.pointer, _dispatcher, ffi.NULL, ffi.NULL, _destroyed)

    @property
    def alive(self) -> bool:
        """False once the client has destroyed it or left."""
        return self.pointer is not None

    @property
    def object_id(self) -> int:
        """Its id on the wire, 0 when gone."""
        return int(lib.wl_resource_get_id(self.pointer)) if self.alive else 0

    def create(self, interface: Any, object_id: int, handler: Any) -> Resource:
        """The object that a new_id of one of its requests (or, with id 0, of one of its events) stands for."""
        return Resource(self.client, interface, min(self.version, interface.version), object_id, handler)

    def send(self, event: str, *arguments: Any) -> None:
        """Sends an event; nothing happens if the object is gone or too old to know the event."""
        if self.pointer is None:
            return
        opcode, since, kinds = _events(self.interface)[event]
        if since > self.version:
            return
        values, _keep = _encode(kinds, arguments)
        lib.wl_resource_post_event_array(self.pointer, opcode, values)

    def post_error(self, code: int, text: str) -> None:
        """The fatal wl_display.error, naming this object."""
        if self.pointer is not None:
            lib.wl_resource_post_error(self.pointer, code, ffi.new("char[]", b"%s"), ffi.new("char[]", text.encode()))

    def destroy(self) -> None:
        """Destroys it; `gone` is called on the way."""
        if self.pointer is not None:
            lib.wl_resource_destroy(self.pointer)


_live: dict[int, Resource] = {}
_event_tables: dict[Any, dict[str, tuple[int, int, tuple[Any, ...]]]] = {}


def _events(interface: Any) -> dict[str, tuple[int, int, tuple[Any, ...]]]:
    table = _event_tables.get(interface)
    if table is None:
        table = {
            message.name: (opcode, message.version or 1, tuple(argument.argument_type for argument in message.arguments))
            for opcode, message in enumerate(interface.events)
        }
        _event_tables[interface] = table
    return table


def _encode(kinds: tuple[Any, ...], arguments: tuple[Any, ...]) -> tuple[Any, list[Any]]:
    """The argument array, and what must stay alive until libwayland has copied it."""
    if len(kinds) != len(arguments):
        raise TypeError(f"{len(kinds)} arguments wanted, {len(arguments)} given")
    values = ffi.new("union wl_argument[]", max(len(kinds), 1))
    keep: list[Any] = []
    for index, (kind, argument) in enumerate(zip(kinds, arguments, strict=True)):
        if kind == ArgumentType.Int:
            values[index].i = argument
        elif kind == ArgumentType.Uint:
            values[index].u = argument & 0xFFFFFFFF
        elif kind == ArgumentType.Fixed:
            values[index].f = int(argument * 256)
        elif kind == ArgumentType.FileDescriptor:
            values[index].h = argument
        elif kind in (ArgumentType.Object, ArgumentType.NewId):
            values[index].o = ffi.NULL if argument is None else ffi.cast("struct wl_object *", argument.pointer)
        elif kind == ArgumentType.String:
            text = ffi.NULL if argument is None else ffi.new("char[]", argument.encode())
            keep.append(text)
            values[index].s = text
        else:
            data = ffi.new("char[]", bytes(argument) or b"\0")
            array = ffi.new("struct wl_array *")
            array.size = array.alloc = len(argument)
            array.data = data
            keep += (data, array)
            values[index].a = array
    return values, keep


def _decode(message: Any, arguments: Any) -> list[Any]:
    values: list[Any] = []
    for index, argument in enumerate(message.arguments):
        kind, value = argument.argument_type, arguments[index]
        if kind == ArgumentType.Int:
            values.append(value.i)
        elif kind in (ArgumentType.Uint, ArgumentType.NewId):
            values.append(value.u)
        elif kind == ArgumentType.Fixed:
            values.append(value.f / 256)
        elif kind == ArgumentType.FileDescriptor:
            values.append(value.h)
        elif kind == ArgumentType.Object:
            values.append(None if value.o == ffi.NULL else _live.get(address(value.o)))
        elif kind == ArgumentType.String:
            values.append(None if value.s == ffi.NULL else ffi.string(value.s).decode(errors="replace"))
        else:
            values.append(bytes(ffi.buffer(value.a.data, value.a.size)) if value.a.size else b"")
    return values


@ffi.callback("wl_dispatcher_func_t", error=0)  # type: ignore[untyped-decorator]
def _dispatcher(_implementation: Any, target: Any, opcode: int, _message: Any, arguments: Any) -> int:
    resource = _live[address(target)]
    message = resource.interface.requests[opcode]
    values = _decode(message, arguments)
    resource.client.requests[f"{resource.interface.name}.{message.name}"] += 1
    method: Callable[..., None] | None = getattr(resource.handler, "on_" + message.name, None)
    if method is None:
        for argument, value in zip(message.arguments, values, strict=True):
            if argument.argument_type == ArgumentType.FileDescriptor:
                with contextlib.suppress(OSError):
                    os.close(value)
    else:
        try:
            method(resource, *values)
        except Exception:  # noqa: BLE001  # must not travel through C; written down, and the client ends
            resource.client.host_faults.append(traceback.format_exc())
            resource.post_error(IMPLEMENTATION, f"the host failed in {resource.interface.name}.{message.name}")
    if message.name in DESTRUCTORS:
        resource.destroy()
    return 0


@ffi.callback("wl_resource_destroy_func_t")  # type: ignore[untyped-decorator]
def _destroyed(pointer: Any) -> None:
    resource = _live.pop(address(pointer))
    resource.pointer = None
    gone: Callable[[Resource], None] | None = getattr(resource.handler, "gone", None)
    if gone is not None:
        try:
            gone(resource)
        except Exception:  # noqa: BLE001  # must not travel through C; written down
            resource.client.host_faults.append(traceback.format_exc())
