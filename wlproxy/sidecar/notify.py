"""Tells a service manager how this service is, over $NOTIFY_SOCKET.

Promises: a manager that is gone, slow or never was costs at most CONNECT_SECONDS and one message to the admin; nothing here raises.
Trusts: the environment this process was started with, until `take` has removed the variable from it.

Where the manager wants to hear from this service again and again (WATCHDOG_USEC), `Watchdog` says when; a service that does not answer is
killed by it.

Source: sd_notify(3), sd_watchdog_enabled(3). The socket is a Unix datagram socket, by path or abstract ("@"), or vsock:CID:PORT: a
manager outside of this VM, which takes one notification a connection. A type may be named (vsock-stream:, vsock-seqpacket:,
vsock-dgram:); without, what the transport has is tried in systemd's order: datagrams, which virtio has none of (ENODEV), then SEQPACKET,
then STREAM.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable, MutableMapping
from typing import Final

from .address import ANY, whole
from .say import say

VARIABLE: Final = "NOTIFY_SOCKET"
WATCHDOG: Final = ("WATCHDOG_USEC", "WATCHDOG_PID")
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
    """`address` is $NOTIFY_SOCKET; "" tells nobody. `period`: within so many seconds it is to be told that all is well, 0 for never.
    `make`: tests put their own in the place of socket.socket."""

    def __init__(self, address: str, make: MakeSocket = socket.socket, period: float = 0.0) -> None:
        self._address = address
        self.period = period if address else 0.0
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

    def alive(self) -> None:
        """WATCHDOG=1: all is well."""
        self._tell("WATCHDOG=1")

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


class Watchdog:
    """When a service manager's watchdog is to be fed: twice in each period, as sd_watchdog_enabled(3) advises."""

    def __init__(self, period: float) -> None:
        self._every = period / 2
        self._next = time.monotonic() + self._every

    def next_event(self, now: float) -> float:
        """Seconds until it is `due`; below 0: never."""
        return max(0.0, self._next - now) if self._every else -1.0

    def due(self, now: float) -> bool:
        """Whether it is; asked once for each time that it is."""
        if not self._every or now < self._next:
            return False
        self._next = now + self._every
        return True


def take(environ: MutableMapping[str, str]) -> Notifier:
    """The notifier of this process. No program that it starts shall speak in its name."""
    usec, pid = (environ.pop(name, "") for name in WATCHDOG)
    ours = pid in ("", str(os.getpid()))
    return Notifier(environ.pop(VARIABLE, ""), period=max(0, whole(usec)) / 1e6 if ours else 0.0)


def forget_sockets(environ: MutableMapping[str, str]) -> None:
    """Removes what sd_listen_fds(3) would take for its own in a program started by this process."""
    for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"):
        environ.pop(name, None)

