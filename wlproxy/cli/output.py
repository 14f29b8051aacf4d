"""Standard output that may be full or gone, for every verb in one place.

Promises: once `guard` has run, a write to standard output that fails raises `OutputFailed` and no OSError, so that no verb takes it for a
failure of its own; `give_up` says what happened and lets the interpreter end without another word. Trusts: nothing.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, Final

from ..sidecar.say import say

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

EXIT_OUTPUT: Final = 74  # EX_IOERR of sysexits.h
EXIT_BROKEN_PIPE: Final = 141  # what a shell says of a program that SIGPIPE ended
STDOUT: Final = 1


class OutputFailed(Exception):
    """Standard output takes no more. `reason`: the error's number."""

    def __init__(self, reason: int) -> None:
        super().__init__(os.strerror(reason))
        self.reason = reason


class Guarded(io.FileIO):
    """Standard output's descriptor."""

    def write(self, data: ReadableBuffer) -> int:
        """write(2). Raises OutputFailed."""
        try:
            return super().write(data)
        except OSError as error:
            raise OutputFailed(error.errno or errno.EIO) from error


def guard() -> None:
    """Puts `Guarded` under sys.stdout, unless somebody (a test) has put something else there, or there is none."""
    old = sys.__stdout__
    if old is None or sys.stdout is not old:
        return
    old.flush()
    buffered = io.BufferedWriter(Guarded(STDOUT, "wb", closefd=False))
    sys.stdout = io.TextIOWrapper(buffered, encoding=old.encoding, errors=old.errors, line_buffering=old.isatty())


def give_up(reason: int) -> int:
    """The exit code after a failed write. A reader that has read enough (`wlproxy show ... | head`) is no news."""
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere, STDOUT)  # the interpreter flushes what is left once more at its end
    os.close(nowhere)
    if reason == errno.EPIPE:
        return EXIT_BROKEN_PIPE
    say(f"standard output: {os.strerror(reason)}; what was printed is not complete")
    return EXIT_OUTPUT
