"""A guest and a compositor at the ends of a sidecar with real sessions, who say Wayland by name."""

from __future__ import annotations

import socket

from tests.reference import pack
from tests.scene import shipped
from tests.sidecar.conftest import Compositor, Sidecar, read


class Talk:
    """A registry (2) and wl_compositor (3), bound; messages are sent and read whole."""

    def __init__(self, sidecar: Sidecar, compositor: Compositor) -> None:
        self.guest, self.host = sidecar.pair(compositor)
        self.say(self.guest, 1, "wl_display", "get_registry", 2)
        self.hears(self.host)
        self.say(self.host, 2, "wl_registry", "global", 1, "wl_compositor", 6, event=True)
        name = int.from_bytes(self.hears(self.guest)[8:12], "little")
        self.say(self.guest, 2, "wl_registry", "bind", name, "wl_compositor", 6, 3)
        self.hears(self.host)

    def say(self, sock: socket.socket, number: int, interface: str, message: str, *args: object, event: bool = False) -> bytes:
        """The bytes sent."""
        messages = shipped()[interface].events if event else shipped()[interface].requests
        opcode = next(index for index, one in enumerate(messages) if one.name == message)
        data = pack(number, opcode, messages[opcode], args)
        sock.sendall(data)
        return data

    def region(self, number: int) -> bool:
        """The guest makes a wl_region: whether the compositor is asked for that one."""
        sent = self.say(self.guest, 3, "wl_compositor", "create_region", number)
        return self.hears(self.host) == sent

    def hears(self, sock: socket.socket) -> bytes:
        """One whole message."""
        head, _ = read(sock, 8)
        return head + read(sock, int.from_bytes(head[6:8], "little") - 8)[0]

    def close(self) -> None:
        self.guest.close()
        self.host.close()
