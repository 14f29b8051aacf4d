"""A proxy that understands nothing: bytes and descriptors pass as they come. It shows that the harness's proxied way works, and what
is lost on that way without any filter.

    python forwarder.py LISTEN UPSTREAM READY_FD
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from array import array

MOST_FDS = 253


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while True:
            data, ancillary, _, _ = source.recvmsg(65536, socket.CMSG_SPACE(MOST_FDS * 4), socket.MSG_CMSG_CLOEXEC)
            if not data:
                break
            fds = array("i")
            for _, _, raw in ancillary:
                fds.frombytes(raw[: len(raw) - len(raw) % 4])
            sent = target.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)] if fds else [])
            for fd in fds:
                os.close(fd)
            if sent < len(data):  # nothing more to send to one that has gone is no failure: what it sent is still to be passed on
                target.sendall(data[sent:])
    except OSError:
        pass
    try:
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(guest: socket.socket, upstream: str) -> None:
    host = socket.socket(socket.AF_UNIX)
    with guest, host:
        host.connect(upstream)
        back = threading.Thread(target=pump, args=(host, guest), daemon=True)
        back.start()
        pump(guest, host)
        back.join()


def main(listen: str, upstream: str, ready_fd: str) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(listen)
    listener.listen(64)
    os.write(int(ready_fd), b"\n")
    while True:
        guest, _ = listener.accept()
        threading.Thread(target=serve, args=(guest, upstream), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
