"""The broker's side of recording and tracing: opens the file, starts the process that prints, before anything is confined.

Promises: a recording never overwrites a file and is the owner's alone; where a start fails, an empty recording is not left behind.
The process that prints takes the guest's bytes apart, so it is confined as the relay is, and holds nothing but the pipe and its output.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, Any, Final

from .view import View

if TYPE_CHECKING:
    from .watching import Watching

PRINTED_WITHIN_SECONDS: Final = 2.0  # after the end of the relay; then whoever does not read the trace has lost the rest


class WatchError(Exception):
    """A recording or a trace cannot be made; the text says the option, what, and what to do."""


class Watched:
    """`fds` are those that the relay keeps."""

    def __init__(self) -> None:
        self.fds: list[int] = []
        self._record = -1
        self._path = ""
        self._most = 0
        self._redact = False
        self._guest = ""
        self._trace = -1
        self._payload = False
        self._printer = 0

    def open_recording(self, path: str, most_bytes: int, redact: bool, guest: str) -> None:
        """Makes the file. Raises WatchError."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._record = os.open(path, flags, 0o600)
        except FileExistsError as error:
            raise WatchError(f"--record {path}: exists already, and is not overwritten: remove it or name another") from error
        except OSError as error:
            raise WatchError(f"--record {path}: {error.strerror}") from error
        self._path, self._most, self._redact, self._guest = path, most_bytes, redact, guest
        self.fds.append(self._record)
        from ... import __version__
        from . import recording, watching

        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        try:
            self._file = watching.RecordFile(self._record, most_bytes)
            self._file.begin(recording.Header(guest, started, redact, __version__))
        except OSError as error:
            self.abandon()
            raise WatchError(f"--record {path}: {error.strerror}") from error

    def start_trace(self, path: str, view: View, confine: str, guest: str) -> None:
        """Starts the process that prints. Raises WatchError."""
        self._payload = view.payload
        out = 1
        if path != "-":
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY
            try:
                out = os.open(path, flags, 0o600)
            except OSError as error:
                self.abandon()
                raise WatchError(f"--trace {path}: {error.strerror}") from error
        view.colour = os.isatty(out)
        from .printing import print_live

        reader, self._trace = os.pipe2(os.O_CLOEXEC)
        self._printer = os.fork()
        if self._printer == 0:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
                signal.signal(number, signal.SIG_IGN)  # it ends when the relay has
            os.close(self._trace)
            os._exit(print_live(reader, out, view, confine, guest))
        os.close(reader)
        if out > 1:
            os.close(out)
        self.fds.append(self._trace)

    def watching(self, joined: bool) -> Watching | None:
        """In the relay: what it is to do; None for nothing. `joined`: it may be asked for more when it runs (control/server.py)."""
        if not self.fds and not joined:
            return None
        from .watching import Tap, TracePipe, Watching

        made = Watching()
        if self._record >= 0:
            made.add(Tap(0, self._file, self._redact, None))
        if self._trace >= 0:
            made.add(Tap(0, None, False, TracePipe(self._trace)))
        return made

    def entries(self) -> list[dict[str, Any]]:
        """For the audit log: that a guest is recorded must be seen."""
        found: list[dict[str, Any]] = []
        if self._path:
            found.append({"event": "recording", "state": "started", "path": self._path, "redacted": self._redact})
        if self._printer:
            found.append({"event": "trace", "state": "started", "payload": self._payload})
        return found

    def handed_over(self) -> None:
        """The relay has been forked: these descriptors are its own now."""
        for fd in self.fds:
            os.close(fd)
        self.fds = []

    def finish(self) -> None:
        """Waits until what was traced is printed."""
        until = time.monotonic() + PRINTED_WITHIN_SECONDS
        while self._printer:
            pid, _ = os.waitpid(self._printer, os.WNOHANG)
            if pid:
                self._printer = 0
            elif time.monotonic() > until:
                os.kill(self._printer, signal.SIGKILL)
                until += PRINTED_WITHIN_SECONDS
            else:
                time.sleep(0.01)

    def abandon(self) -> None:
        """The start has failed."""
        self.handed_over()
        if self._path:
            with contextlib.suppress(OSError):
                os.unlink(self._path)
        self.finish()
