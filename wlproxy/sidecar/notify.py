"""Tells a service manager how this service is, over $NOTIFY_SOCKET.

Promises: a manager that is gone, slow or never was costs at most CONNECT_SECONDS and one message to the admin; nothing here raises.
Trusts: the environment this process was started with, until `take` has removed the variable from it.

Source: sd_notify(3). The socket is a Unix datagram socket, by path or abstract ("@"), or vsock:CID:PORT: a manager outside of this
VM, which takes one notification a connection. A type may be named (vsock-stream:, vsock-seqpacket:, vsock-dgram:); without,
what the transport has is tried in systemd's order: datagrams, which virtio has none of (ENODEV), then SEQPACKET, then STREAM.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, MutableMapping
from typing import Final

from .address import ANY, whole
from .say import say

VARIABLE: Final = "NOTIFY_SOCKET"
CONNECT_SECONDS: Final = 0.5
TYPES: Final = {
    "vsock": (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM),
    "vsock-dgram": (socket.SOCK_DGRAM,),
    "vsock-seqpacket": (socket.SOCK_SEQPACKET,),
    "vsock-stream": (socket.SOCK_STREAM,),
}
# no such type here: the next one may do (EAFNOSUPPORT: no vsock at all)
NEXT_TYPE: Final = (errno.ENODEV, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT, errno.EOPNOTSUPP, errno.EAFNOSUPPORT)

MakeSocket = Callable[[int, int], socket.socket]


class Notifier:
    """`address` is $NOTIFY_SOCKET; "" tells nobody. `make`: tests put their own in the place of socket.socket."""

    def __init__(self, address: str, make: MakeSocket = socket.socket) -> None:
        self._address = address
        self._make = make
        self._said = False

    def ready(self, status: str) -> None:
        """READY=1: guests can connect."""
        self._tell("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """RELOADING=1, with the time without which `systemctl reload` waits for ever (sd_notify(3): CLOCK_MONOTONIC)."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def status(self, status: str) -> None:
        """STATUS=: one line for `systemctl status`."""
        self._tell(f"STATUS={status}")

    def stopping(self) -> None:
        """STOPPING=1: the end has begun."""
        self._tell("STOPPING=1")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        data = "\n".join(line.replace("\n", " ") for line in lines).encode("utf-8", "replace")
        try:
            self._send(data)
        except (OSError, ValueError, OverflowError) as error:
            if not self._said:
                self._said = True
                say(f"{VARIABLE}={self._address}: {getattr(error, 'strerror', None) or error}; the service manager is not told")

    def _send(self, data: bytes) -> None:
        address = self._address
        if address.startswith(("/", "@")):
            name = "\0" + address[1:] if address.startswith("@") else address
            with self._make(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                sock.sendto(data, name)
            return
        scheme, _, rest = address.partition(":")
        cid, _, port = rest.partition(":")
        if scheme not in TYPES or not 0 < whole(cid) < ANY or not 0 < whole(port) < ANY:
            raise ValueError("a path, @name or vsock:CID:PORT is needed")
        self._send_vsock(data, TYPES[scheme], (whole(cid), whole(port)))

    def _send_vsock(self, data: bytes, types: tuple[int, ...], where: tuple[int, int]) -> None:
        for kind in types:
            try:
                with self._make(socket.AF_VSOCK, kind) as sock:
                    sock.settimeout(CONNECT_SECONDS)
                    sock.connect(where)
                    sock.sendall(data)
                return
            except OSError as error:
                if kind == types[-1] or error.errno not in NEXT_TYPE:
                    raise


def take(environ: MutableMapping[str, str]) -> Notifier:
    """The notifier of this process. No program that it starts shall speak in its name."""
    return Notifier(environ.pop(VARIABLE, ""))


def forget_sockets(environ: MutableMapping[str, str]) -> None:
    """Removes what sd_listen_fds(3) would take for its own in a program started by this process."""
    for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"):
        environ.pop(name, None)

