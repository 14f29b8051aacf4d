"""The compositor's socket, seen from the broker: it may not be there yet, go away, and come back.

Promises: where the policy says so the connections are those of a security context (security_context.py); every connection
resolves the path anew; a guest waits at most `wait` seconds, then it is told no; an admin reads one message when the compositor is
missing and one when it is there, not one for each guest. Trusts: the admin's path.
connect(2) on a Unix socket does not wait unless the backlog is full, which a non-blocking socket is told by EAGAIN.
"""

from __future__ import annotations

import os
import socket
import stat
from typing import Final

from .handed_over import HandedOver
from .security_context import SecurityContext

RETRY_SECONDS: Final = (0.02, 0.05, 0.1, 0.25)  # the last for ever


class Upstream:
    """`asked` holds the guest connections that wait, with the time at which each gives up; `handed_over` those that got theirs."""

    def __init__(self, path: str, wait: float, context: SecurityContext | None = None) -> None:
        self.path = path
        self.wait = wait
        self.asked: dict[int, float] = {}
        self.handed_over = HandedOver()
        self.missing = ""  # why the last attempt failed
        self.retry_at = 0.0
        self._attempts = 0
        self.context = context
        self._busy = False  # it is there, and its backlog full

    def there(self) -> bool:
        """Whether there is a socket file; without a connection, which the compositor would take for a client."""
        try:
            facts = os.stat(self.path)
        except OSError as error:
            self.missing = error.strerror or str(error)
            return False
        self.missing = "" if stat.S_ISSOCK(facts.st_mode) else "is no socket"
        return not self.missing

    def connect(self) -> socket.socket | None:
        """A connection, or None and the reason in `missing`."""
        sock = self._attempt()
        if sock is None and self.context is not None and not self._busy and self.context.lost():
            sock = self._attempt()  # a compositor that was restarted has a new socket, and we need a new context
        return sock

    def _attempt(self) -> socket.socket | None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        self._busy = False
        try:
            sock.connect(self.path if self.context is None else self.context.socket_path(self.path))
        except OSError as error:
            sock.close()
            self._busy = isinstance(error, BlockingIOError)
            self.missing = os.strerror(error.errno) if error.errno else error.strerror or str(error)
            return None
        self.missing = ""
        self._attempts = 0
        return sock

    def retry_after(self, now: float) -> None:
        """Sets when to try next."""
        self.retry_at = now + RETRY_SECONDS[min(self._attempts, len(RETRY_SECONDS) - 1)]
        self._attempts += 1

    def given_up(self, now: float) -> list[int]:
        """Those that have waited long enough; they are no longer asked for."""
        late = [number for number, until in self.asked.items() if now >= until]
        for number in late:
            del self.asked[number]
        return late

    def next_event(self, now: float) -> float:
        """Seconds until something is due here; below 0: never."""
        if not self.asked:
            return -1.0
        return max(0.0, min(self.retry_at, *self.asked.values()) - now)

    def close(self) -> None:
        """No more connections are asked for; those there are stay."""
        if self.context is not None:
            self.context.close()
        self.handed_over.close()

    def advice(self) -> str:
        """What an admin should read."""
        return f"no compositor at {self.path}: {self.missing} (set --upstream PATH, or WAYLAND_DISPLAY and XDG_RUNTIME_DIR)"


def default_path(environ: dict[str, str]) -> str:
    """Where libwayland would connect: $WAYLAND_DISPLAY, absolute or in $XDG_RUNTIME_DIR; "" where that says nothing."""
    display = environ.get("WAYLAND_DISPLAY") or "wayland-0"
    if display.startswith("/"):
        return display
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    return os.path.join(runtime, display) if runtime.startswith("/") else ""
