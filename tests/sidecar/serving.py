"""Many sidecars whose sessions pass everything on, run as one process: python -P tests/sidecar/serving.py JSON

vsock ports have raw framing, because these sessions carry bytes of any kind. "vsock" is a folder: then AF_VSOCK sockets are Unix sockets
in it, a port a file (no kernel module is needed), and a peer's CID is what the name that it is bound to begins with.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from wlproxy.core.quotas import Limits, Usage
from wlproxy.sidecar import listen, notify
from wlproxy.sidecar.address import RAW, VsockAddress
from wlproxy.sidecar.listener import Listener
from wlproxy.sidecar.relay.relay import NewSession
from wlproxy.sidecar.supervisor import ServeSettings, serve_guests


class Vsock(socket.socket):
    """What AF_VSOCK looks like from here."""

    folder = ""

    def __init__(self, family: int = -1, kind: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        if fileno is not None:
            super().__init__(fileno=fileno)
        else:
            super().__init__(socket.AF_UNIX, kind)

    @property
    def family(self) -> socket.AddressFamily:
        return socket.AF_VSOCK

    def bind(self, address: Any) -> None:
        super().bind(f"{self.folder}/{address[1]}")

    def accept(self) -> tuple[socket.socket, Any]:
        sock, name = super().accept()
        cid, _, port = os.path.basename(name).partition("-")
        return sock, (int(cid), int(port))


def change_vsock(folder: str) -> None:
    really = listen.open_vsock
    Vsock.folder = folder

    def opened(address: VsockAddress) -> Listener:
        made = really(address, Vsock) if folder else really(address)
        made.framing = RAW
        return made

    listen.open_vsock = opened  # type: ignore[assignment]


def main() -> int:
    sys.path.append(str(Path(__file__).parents[2]))  # behind the wlproxy that is installed, where that is tested
    from tests.sidecar.passing import Passing

    given = json.loads(sys.argv[1])
    change_vsock(given.pop("vsock", ""))
    limits = Limits(connects=(0.0, 0.0), messages=(0.0, 0.0))

    def passing_sessions(compiled: bytes, usage: Usage) -> tuple[NewSession, Limits]:
        return lambda *_: Passing(), limits

    settings = ServeSettings(given.pop("folder"), given.pop("upstream"))
    settings.notifier = notify.take(os.environ)
    for name, value in given.items():
        setattr(settings, name, value)
    return serve_guests(settings, passing_sessions)


if __name__ == "__main__":
    sys.exit(main())
