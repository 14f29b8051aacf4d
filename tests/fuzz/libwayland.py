"""Real libwayland on both sides, spoken to through pywayland's own binding of it, with interfaces made from our protocol data.

`Server` is a wl_display whose globals accept everything: what its demarshaller does not refuse is dispatched to a function that makes
the resources a request asks for, and ends the ones it ends. `Client` is a wl_display of the client library; its proxies are made by its
own marshaller. Needs pywayland, whose wheels bring a libwayland of their own.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping

from pywayland import ffi, lib

from wlproxy.core.protocol import Interface, Message
from wlproxy.tools.fuzzing.reference import wire_arguments

LETTERS = {"int": "i", "uint": "u", "fixed": "f", "string": "s", "object": "o", "new_id": "n", "array": "a", "fd": "h"}


class Structs:
    """wl_interface structures for all of the data; kept alive here, because C holds bare pointers into them."""

    def __init__(self, interfaces: Mapping[str, Interface]) -> None:
        self.interfaces = interfaces
        self._kept: list[object] = []
        self._by_name = {name: self._keep(ffi.new("struct wl_interface *")) for name in interfaces}
        for name, interface in interfaces.items():
            made = self._by_name[name]
            made.name = self._keep(ffi.new("char[]", name.encode()))
            made.version = interface.version
            made.method_count, made.methods = len(interface.requests), self._messages(interface.requests)
            made.event_count, made.events = len(interface.events), self._messages(interface.events)

    def __getitem__(self, name: str):
        return self._by_name[name]

    def _keep(self, value):
        self._kept.append(value)
        return value

    def _messages(self, messages: tuple[Message, ...]):
        made = self._keep(ffi.new("struct wl_message[]", max(1, len(messages))))
        for place, message in zip(made, messages, strict=False):
            layout = wire_arguments(message)
            signature = str(message.since) if message.since > 1 else ""
            signature += "".join("?" * nullable + LETTERS[kind] for kind, _, nullable, _ in layout)
            types = self._keep(ffi.new("struct wl_interface *[]", max(1, len(layout))))
            for index, (kind, interface, _, _) in enumerate(layout):
                if kind in ("object", "new_id") and interface in self._by_name:
                    types[index] = self._by_name[interface]
            place.name = self._keep(ffi.new("char[]", message.name.encode()))
            place.signature = self._keep(ffi.new("char[]", signature.encode()))
            place.types = ffi.cast("struct wl_interface **", types)
        return made


class Server:
    """A compositor that lets everything happen. `talk(data, fds)` gives what it answers."""

    def __init__(self, structs: Structs, offered: list[str]) -> None:
        self._structs = structs
        self._resources: dict[int, tuple[object, str, int]] = {}
        self._dispatcher = ffi.callback("wl_dispatcher_func_t", self._request)
        self._bind = ffi.callback("wl_global_bind_func_t", self._bound)
        self._gone = ffi.callback("wl_resource_destroy_func_t", self._destroyed)
        self._handles = {name: ffi.new_handle(name) for name in structs.interfaces}
        self._display = lib.wl_display_create()
        for name in offered:
            version = structs.interfaces[name].version
            lib.wl_global_create(self._display, structs[name], version, self._handles[name], self._bind)
        self.sock, theirs = socket.socketpair()
        self.sock.setblocking(False)
        self._client = lib.wl_client_create(self._display, theirs.detach())
        self._loop = lib.wl_display_get_event_loop(self._display)
        self.dispatched = 0
        self.error = ""

    def _bound(self, client, data, version: int, new_id: int) -> None:
        self._make(client, ffi.from_handle(data), version, new_id)

    def _make(self, client, name: str, version: int, new_id: int):
        resource = lib.wl_resource_create(client, self._structs[name], version, new_id)
        lib.wl_resource_set_dispatcher(resource, self._dispatcher, self._handles[name], ffi.NULL, self._gone)
        self._resources[lib.wl_resource_get_id(resource)] = (resource, name, version)
        return resource

    def _destroyed(self, resource) -> None:
        self._resources.pop(lib.wl_resource_get_id(resource), None)

    def _request(self, implementation, target, opcode: int, message, args) -> int:
        resource = ffi.cast("struct wl_resource *", target)
        name = ffi.from_handle(implementation)
        version = self._resources[lib.wl_resource_get_id(resource)][2]
        request = self._structs.interfaces[name].requests[opcode]
        self.dispatched += 1
        for index, (kind, interface, _, _) in enumerate(wire_arguments(request)):
            if kind == "fd":
                os.close(args[index].h)
            elif kind == "new_id":
                top = self._structs.interfaces[interface].version
                self._make(lib.wl_resource_get_client(resource), interface, min(version, top), args[index].n)
        if (name, request.name) == ("wl_fixes", "destroy_registry"):
            lib.wl_resource_destroy(ffi.cast("struct wl_resource *", args[0].o))
        if request.destructor:
            lib.wl_resource_destroy(resource)
        return 0

    def post(self, object_id: int, opcode: int, values: list[object], arrays: list[bytes]) -> bool:
        """Sends an event with numbers, strings and arrays, as far as the object has it."""
        resource, name, version = self._resources[object_id]
        event = self._structs.interfaces[name].events[opcode]
        if event.since > version:
            return False
        args = ffi.new("union wl_argument[]", max(1, len(values)))
        kept = []
        for index, ((kind, interface, _, _), value) in enumerate(zip(wire_arguments(event), values, strict=True)):
            if kind == "string":
                kept.append(ffi.new("char[]", value.encode()) if value is not None else ffi.NULL)
                args[index].s = kept[-1]
            elif kind == "array":
                data = ffi.new("char[]", arrays[index])
                array = ffi.new("struct wl_array *", {"size": len(arrays[index]), "alloc": len(arrays[index]), "data": data})
                kept += [data, array]
                args[index].a = array
            elif kind == "object":
                found = self._resources.get(value)
                args[index].o = ffi.cast("struct wl_object *", found[0]) if found and found[1] == interface else ffi.NULL
                if args[index].o == ffi.NULL and value:
                    return False
            elif kind == "new_id":
                made = self._make(lib.wl_resource_get_client(resource), interface, version, 0)
                args[index].o = ffi.cast("struct wl_object *", made)
            elif kind == "fd":
                args[index].h = value
            elif kind == "uint":
                args[index].u = value & 0xFFFFFFFF
            else:
                args[index].i = value
        lib.wl_resource_post_event_array(resource, opcode, args)
        if event.destructor:
            lib.wl_resource_destroy(resource)
        return True

    @property
    def objects(self) -> dict[int, str]:
        """Interfaces by id of what is alive here."""
        return {i: row[1] for i, row in self._resources.items()}

    def hear(self, data: bytes, fds: list[int]) -> None:
        """Hands over what left for the compositor."""
        while data:
            sent = socket.send_fds(self.sock, [data], fds) if fds else self.sock.send(data)
            data, fds = data[sent:], []
            self.turn()

    def turn(self) -> None:
        """Lets libwayland read, dispatch and write all there is."""
        lib.wl_event_loop_dispatch(self._loop, 0)
        lib.wl_display_flush_clients(self._display)

    def answer(self) -> tuple[bytes, list[int]]:
        """What libwayland sent back so far; remembers an error it raised, and that it hung up."""
        self.turn()
        parts, fds = [], []
        while True:
            try:
                part, more, _, _ = socket.recv_fds(self.sock, 1 << 16, 64)
            except BlockingIOError:
                break
            except ConnectionResetError:
                part, more = b"", []
            if not part:
                self.error = self.error or "hung up"
                break
            parts.append(part)
            fds += more
        data = b"".join(parts)
        at = 0
        while at + 8 <= len(data):
            object_id, opcode, size = struct.unpack_from("<IHH", data, at)
            if (object_id, opcode) == (1, 0):
                self.error = data[at + 20 : at + size].rstrip(b"\0").decode("utf-8", "replace")
            at += max(size, 8)
        return data, fds

    def close(self) -> None:
        """Ends it all."""
        self.sock.close()
        lib.wl_display_destroy_clients(self._display)
        lib.wl_display_destroy(self._display)


class Client:
    """A client as toolkits have it. `fd` side: `said()` and `hear(data, fds)`."""

    def __init__(self, structs: Structs) -> None:
        self._structs = structs
        self.sock, theirs = socket.socketpair()
        self.sock.setblocking(False)
        self._display = lib.wl_display_connect_to_fd(theirs.detach())
        self._dispatcher = ffi.callback("wl_dispatcher_func_t", self._event)
        self.proxies: list[tuple[object, str, int]] = [(ffi.cast("struct wl_proxy *", self._display), "wl_display", 1)]
        self._handles: list[object] = []
        self.heard: list[tuple[str, str, list[object]]] = []

    def _listen(self, proxy, name: str, version: int) -> None:
        handle = ffi.new_handle((name, version))
        self._handles.append(handle)
        lib.wl_proxy_add_dispatcher(proxy, self._dispatcher, handle, ffi.NULL)
        self.proxies.append((proxy, name, version))

    def _event(self, implementation, target, opcode: int, message, args) -> int:
        name, version = ffi.from_handle(implementation)
        event = self._structs.interfaces[name].events[opcode]
        values: list[object] = []
        for index, (kind, interface, _, _) in enumerate(wire_arguments(event)):
            if kind == "fd":
                os.close(args[index].h)
            if kind == "new_id":
                self._listen(ffi.cast("struct wl_proxy *", args[index].o), interface, version)
            if kind == "string" and args[index].s != ffi.NULL:
                values.append(ffi.string(args[index].s))
            else:
                values.append(args[index].u if kind == "uint" else None)
        self.heard.append((name, event.name, values))
        if event.destructor:
            self._forget(ffi.cast("struct wl_proxy *", target))
        return 0

    def _forget(self, proxy) -> None:
        self.proxies = [row for row in self.proxies if row[0] != proxy]
        lib.wl_proxy_destroy(proxy)

    def request(self, index: int, opcode: int, values: list[object]) -> None:
        """Sends a request of `proxies[index]`; an object is given as an index into `proxies`, -1 as null."""
        proxy, name, version = self.proxies[index]
        request = self._structs.interfaces[name].requests[opcode]
        args = ffi.new("union wl_argument[]", max(1, len(values)))
        kept, created, created_version = [], "", version
        for place, ((kind, interface, _, argument), value) in enumerate(zip(wire_arguments(request), values, strict=True)):
            if kind == "string":
                kept.append(ffi.new("char[]", value.encode()) if value is not None else ffi.NULL)
                args[place].s = kept[-1]
                created = value if argument == "interface" else created
            elif kind == "array":
                data = ffi.new("char[]", value)
                kept += [data, ffi.new("struct wl_array *", {"size": len(value), "alloc": len(value), "data": data})]
                args[place].a = kept[-1]
            elif kind == "object":
                args[place].o = ffi.cast("struct wl_object *", self.proxies[value][0]) if value >= 0 else ffi.NULL
            elif kind == "new_id":
                created = interface or created
            elif kind == "fd":
                args[place].h = value
            elif kind == "uint":
                args[place].u = value & 0xFFFFFFFF
                created_version = value if argument == "version" and created else created_version
            else:
                args[place].i = value
        if created:
            made = lib.wl_proxy_marshal_array_constructor(proxy, opcode, args, self._structs[created])
            self._listen(made, created, min(created_version, self._structs.interfaces[created].version))
        else:
            lib.wl_proxy_marshal_array(proxy, opcode, args)
        if request.destructor:
            self._forget(proxy)

    def said(self) -> tuple[bytes, list[int]]:
        """What the library has written."""
        lib.wl_display_flush(self._display)
        parts, fds = [], []
        while True:
            try:
                part, more, _, _ = socket.recv_fds(self.sock, 1 << 16, 64)
            except BlockingIOError:
                return b"".join(parts), fds
            if not part:
                return b"".join(parts), fds
            parts.append(part)
            fds += more

    def hear(self, data: bytes, fds: list[int]) -> int:
        """Hands over what left for the guest and dispatches it; libwayland's error code, 0 for none, -1 for more than it read."""
        while data:
            sent = socket.send_fds(self.sock, [data], fds) if fds else self.sock.send(data)
            data, fds = data[sent:], []
            if lib.wl_display_dispatch(self._display) < 0:
                break
            lib.wl_display_dispatch_pending(self._display)
        return int(lib.wl_display_get_error(self._display))

    def close(self) -> None:
        """Ends the connection; proxies go first."""
        for proxy, name, _ in self.proxies:
            if name != "wl_display":
                lib.wl_proxy_destroy(proxy)
        lib.wl_display_disconnect(self._display)
        self.sock.close()
