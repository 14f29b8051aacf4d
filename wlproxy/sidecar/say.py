"""Messages to the admin: one line on standard error, led by our name."""

from __future__ import annotations

import sys


def say(message: str) -> None:
    """One line for the admin. A log that is full or gone must not end a sidecar: then nobody is told."""
    try:
        print(f"wlproxy: {message}", file=sys.stderr, flush=True)
    except OSError:
        pass
