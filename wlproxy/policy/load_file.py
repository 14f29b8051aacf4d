"""One file of a policy, read: of bounded size, a regular file, of nobody's but whom we trust.

By itself, for a compiled policy needs this and none of the language: a sidecar waits for it.
"""

from __future__ import annotations

import errno
from typing import Final

from ..core.errors import ConfigError
from .load_safely import ROOT_AND_US, Owners, open_file

CEILING_FILE: Final = "/etc/wlproxy/ceiling.toml"
MAX_BYTES: Final = 1 << 20


def read_file(path: str, owners: Owners | None = ROOT_AND_US, most: int = MAX_BYTES) -> bytes:
    """A regular file of at most so many bytes; opening neither waits (FIFO, device) nor follows more links than the kernel allows. Raises
    ConfigError."""
    try:
        if not path:
            raise ValueError("empty")
        with open(open_file(path, owners), "rb", buffering=0) as file:
            data = b""
            while len(data) <= most and (part := file.read(most + 1 - len(data))):
                data += part
    except OSError as error:
        code = "not-found" if error.errno == errno.ENOENT else "unreadable"
        raise ConfigError(path, 0, 0, error.strerror or "cannot be read", "", code) from error
    except ValueError as error:  # a NUL or a surrogate in the name, or nothing
        raise ConfigError(repr(path), 0, 0, "is no file name", "", "not-found") from error
    if len(data) > most:
        raise ConfigError(path, 0, 0, f"is larger than {most} bytes, the most it may have", "", "too-large")
    return data
