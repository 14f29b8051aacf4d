"""The end of descriptors that a peer sent and nobody shall get.

Promises: each is closed once. Trusts: the caller to own them (core/fds.py).
"""

from __future__ import annotations

import os

from ...core.fds import Fd


def close_all(fds: list[Fd]) -> None:
    """Closes them."""
    for fd in fds:
        os.close(fd.number)
