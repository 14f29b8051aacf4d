"""python -m tests.ucspi.over_unix server|client PATH ARGUMENTS: the program as it is, with the socket at PATH in the place of its port."""

from __future__ import annotations

import socket
import sys

from wlproxy.ucspi import client, server


class Named(socket.socket):
    """A Unix socket that answers with vsock's kind of names."""

    def getsockname(self) -> tuple[int, int]:
        return (2, 1024)

    def getpeername(self) -> tuple[int, int]:
        return (3, 5)

    def accept(self) -> tuple[socket.socket, tuple[int, int]]:
        sock, _ = super().accept()
        return Named(fileno=sock.detach()), (3, 5)


def main() -> int:
    which, path, *rest = sys.argv[1:]

    def listen(cid: int, port: int, backlog: int) -> socket.socket:
        sock = Named(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.bind(path)
        sock.listen(backlog)
        return sock

    def connect(cid: int, port: int) -> socket.socket:
        sock = Named(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(path)
        return sock

    return server.main(rest, listen) if which == "server" else client.main(rest, connect)


if __name__ == "__main__":
    sys.exit(main())
