"""Work in a forked child whose answer comes back as bytes: what it imports, reads and computes stays out of this process' memory.

Promises: `fd` becomes readable when there is something to `read`; a child that dies, of whatever, is an end of its answer. Trusts: the
work, which runs with everything this process has.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import IO

Work = Callable[[IO[bytes]], None]


class Forked:
    """A child at work."""

    def __init__(self, work: Work) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self.fd, to_parent = os.pipe2(os.O_CLOEXEC)
        self._parts: list[bytes] = []
        self._pid = os.fork()
        if self._pid == 0:
            status = 70
            try:
                os.close(self.fd)
                with open(to_parent, "wb") as out:
                    work(out)
                status = 0
            except BrokenPipeError:
                pass  # nobody wants to know any more
            except BaseException:  # noqa: BLE001  the last frame of the process
                sys.excepthook(*sys.exc_info())
                sys.stderr.flush()
            finally:
                os._exit(status)
        os.close(to_parent)

    def read(self) -> bool:
        """Takes what has come; True when that was all. Blocks while nothing comes."""
        data = os.read(self.fd, 1 << 20)
        if data:
            self._parts.append(data)
            return False
        os.close(self.fd)
        os.waitpid(self._pid, 0)
        return True

    def take(self) -> bytes:
        """What has been read and not yet been taken."""
        data = b"".join(self._parts)
        self._parts = []
        return data

    def give_back(self, data: bytes) -> None:
        """Puts the end of what was taken back, for it is not whole yet."""
        self._parts.insert(0, data)
