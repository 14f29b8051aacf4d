"""Floods: what is legal once and harmful at a rate."""

from __future__ import annotations

import socket
import struct

from .rows import row
from .stub import STORM
from .wire import Guest, request

COMMITS = STORM["commit"] * 5 // 4
CONNECTIONS = STORM["connect"] + 40  # connects: 64 at once, as many again, 20 a second
WAIT = struct.pack("ll", 0, 500_000)  # struct timeval


@row("B27", f"{CONNECTIONS} connections at once", r"!storm: more than \d+ of connect")
def connect_flood(g: Guest) -> None:
    made: list[socket.socket] = []
    try:
        for _ in range(CONNECTIONS):
            made.append(socket.socket(socket.AF_UNIX))
            made[-1].setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, WAIT)
            made[-1].connect(g.sock.getpeername())
    except BlockingIOError:  # nobody accepts for half a second: the backlog is full (unix(7))
        pass
    g.sync()
    for sock in made:
        sock.close()


@row("B34", f"{COMMITS} commits in one burst", r"!storm: more than \d+ of commit")
def commit_flood(g: Guest) -> None:
    surface = g.surface()
    g.sync()
    g.send(request(surface, 6) * COMMITS)
