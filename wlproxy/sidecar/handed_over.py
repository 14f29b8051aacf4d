"""The connections to the compositor that a guest's relays have been given and that are still open, counted without asking a relay.

Promises: a relay that has been taken over holds no more of them than its guest may have, wherever it puts them. Trusts: the kernel, which
keeps a socket in an epoll set until its last descriptor is closed, in whatever process or in flight (epoll(7)), and shows the set
(proc(5), /proc/pid/fdinfo). The set is never waited for.
"""

from __future__ import annotations

import select
import socket


class HandedOver:
    """Of one guest, whatever becomes of its relay."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._most_open = 0  # as of the last look, and all that were given since

    def add(self, sock: socket.socket) -> None:
        """This one is being given away."""
        self._epoll.register(sock.fileno(), 0)
        self._most_open += 1

    def reach(self, most: int) -> bool:
        """Whether that many are open. Where the kernel does not say, none of them is known to have been closed."""
        if self._most_open >= most:
            try:
                with open(f"/proc/self/fdinfo/{self._epoll.fileno()}", "rb") as file:
                    self._most_open = sum(line.startswith(b"tfd:") for line in file)
            except OSError:
                pass
        return self._most_open >= most

    def close(self) -> None:
        """They are no longer counted."""
        self._epoll.close()
