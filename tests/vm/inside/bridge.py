"""python -m tests.vm.inside.bridge PORT COMMAND...: in a guest, runs a Wayland program with `waypipe server`, whose connections it carries
to a vsock port of the host: what a guest does whose waypipe is older than --vsock (Debian 12 has 0.8.4)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading

PATH = "/run/waypipe.sock"
HOST = 2


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def carry(ours: socket.socket, port: int) -> None:
    theirs = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    theirs.connect((HOST, port))
    for ends in ((ours, theirs), (theirs, ours)):
        threading.Thread(target=pump, args=ends, daemon=True).start()


def main() -> int:
    port, command = int(sys.argv[1]), sys.argv[2:]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(PATH)
    listener.listen()

    def accept() -> None:
        while True:
            carry(listener.accept()[0], port)

    threading.Thread(target=accept, daemon=True).start()
    waypipe = os.environ.get("WLPROXY_WAYPIPE", "waypipe").split()
    return subprocess.run([*waypipe, "--socket", PATH, "server", "--", *command], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
