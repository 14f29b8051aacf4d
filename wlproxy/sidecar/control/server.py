"""The control socket of a sidecar: how `wlproxy ctl`, `trace`, `record` and `metrics` reach one that runs.

    request   {"do": WORD, "guest": NAME or "", ...}, one line of JSON; for a trace or a recording with the descriptor to write to
    answer    one line of JSON: {"ok": true, ...} or {"ok": false, "exit": CODE, "error": TEXT}; of what goes on a second line ends it

Promises: only root and our own user are heard (SO_PEERCRED); a request is at most REQUEST_BYTES and must be there within
REQUEST_SECONDS; nobody waits for a peer that does not send or does not read, and however many there are, MOST_CALLS are open at a time:
one that has said nothing makes room for the next. It is the broker's: no relay has it. Trusts: root and our own user.
"""

from __future__ import annotations

import array
import json
import os
import socket
import time
from collections.abc import Callable
from typing import Any, Final

from ..listener import Listener, peer_of
from ..loop import OUT, Loop

REQUEST_BYTES: Final = 4096
REQUEST_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 30.0  # for whoever is slow to read
MOST_CALLS: Final = 32
ACCEPTS_PER_TURN: Final = 16
PAUSE_SECONDS: Final = 0.5
MOST_FDS: Final = 4  # that are received: all but one are closed

EXIT_FINDINGS: Final = 1
EXIT_USAGE: Final = 2
EXIT_UNKNOWN: Final = 4  # guest unknown or not running


class Call:
    """One request and its answer. `fd` is what came with it, -1 for nothing; `hung_up` is called when the peer leaves before the end of
    what goes on, `on_time` once `deadline` (0: none) has come."""

    def __init__(self, control: Control, sock: socket.socket, uid: int, deadline: float) -> None:
        self.sock = sock
        self.uid = uid
        self.fd = -1
        self.deadline = deadline
        self.request: dict[str, Any] = {}
        self.heard = False  # its request is there
        self.over = False
        self.hung_up: Callable[[], None] = lambda: None
        self.on_time: Callable[[], None] = self.close
        self.got = b""
        self._control = control
        self._out = b""
        self._last = False

    def wait(self, seconds: float, on_time: Callable[[], None]) -> None:
        """`on_time` is called then, unless there is an answer before."""
        self.deadline = time.monotonic() + seconds
        self.on_time = on_time

    def answer(self, told: dict[str, Any], last: bool = True) -> None:
        """Sends it, and closes after the last."""
        if self.over or self._last:
            return
        self._last = last
        if last or self.deadline:
            self.deadline = time.monotonic() + ANSWER_SECONDS if last else 0.0
            self.on_time = self.close
        self._out += json.dumps({"ok": True} | told).encode("ascii") + b"\n"
        self.push()

    def refuse(self, exit_code: int, error: str, **more: Any) -> None:
        """Answers no."""
        self.answer({"ok": False, "exit": exit_code, "error": error} | more)

    def push(self) -> None:
        """Sends what waits, as far as the peer takes it."""
        try:
            while self._out:
                self._out = self._out[self.sock.send(self._out, socket.MSG_NOSIGNAL) :]
        except BlockingIOError:
            self._control.loop.forget(self.sock.fileno())
            self._control.loop.watch(self.sock.fileno(), self.push, OUT)
            return
        except OSError:
            self.close()
            return
        if self._last:
            self.close()
        else:
            self._control.loop.forget(self.sock.fileno())
            self._control.loop.watch(self.sock.fileno(), self.read)

    def read(self) -> None:
        """Takes the request; after it the peer has nothing more to say, and its end of stream means that it wants no more."""
        try:
            data, ancillary, _, _ = self.sock.recvmsg(REQUEST_BYTES, socket.CMSG_SPACE(MOST_FDS * 4), socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        except OSError:
            data, ancillary = b"", []
        for level, kind, raw in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                numbers = array.array("i")
                numbers.frombytes(raw[: len(raw) & ~3])
                for number in numbers:
                    if self.fd < 0 and not self.heard:
                        self.fd = number
                    else:
                        os.close(number)
        if not data:
            if self.heard:
                self._control.loop.forget(self.sock.fileno())  # or the end of its stream would be news for ever
                self.hung_up()
            else:
                self.close()
            return
        if self.heard:
            return
        self.got += data
        line, newline, _ = self.got.partition(b"\n")
        if not newline and len(self.got) < REQUEST_BYTES:
            return
        self.heard = True
        self.deadline = 0.0
        self.got = b""
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict) or not newline:
            self.refuse(EXIT_USAGE, "the request is no line of JSON")
            return
        self.request = request
        self._control.obey(self)

    def text(self, key: str) -> str:
        """A text of the request's, "" where there is none."""
        value = self.request.get(key, "")
        return value if isinstance(value, str) else ""

    def close_fd(self) -> None:
        """What came with it."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def close(self) -> None:
        """It is over."""
        if self.over:
            return
        self.over = True
        self.close_fd()
        self._control.loop.forget(self.sock.fileno())
        self.sock.close()
        self._control.ended(self)
        self.hung_up()


class Control:
    """The socket and the calls there are. `obey` is given each request."""

    def __init__(self, listener: Listener, loop: Loop, obey: Callable[[Call], None]) -> None:
        self.loop = loop
        self.obey = obey
        self._listener = listener
        self._calls: list[Call] = []
        self._listening = False
        self._again_at = 0.0
        listener.sock.setblocking(False)
        self._listen(True)

    def _listen(self, wanted: bool) -> None:
        number = self._listener.sock.fileno()
        if wanted and not self._listening and number >= 0:
            self.loop.watch(number, self._accept)
        elif not wanted and self._listening:
            self.loop.forget(number)
        self._listening = wanted and number >= 0

    def _accept(self) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            if len(self._calls) >= MOST_CALLS:
                silent = next((call for call in self._calls if not call.heard), None)
                if silent is None:
                    self._listen(False)  # until one is over
                    return
                silent.close()
            try:
                sock, address = self._listener.sock.accept()
            except BlockingIOError:
                return
            except OSError:  # out of descriptors: they wait in the backlog
                self._listen(False)
                self._again_at = time.monotonic() + PAUSE_SECONDS
                return
            uid = peer_of(socket.AF_UNIX, address, sock)["uid"]
            if uid not in (0, os.geteuid()):
                sock.close()
                continue
            sock.setblocking(False)
            call = Call(self, sock, uid, time.monotonic() + REQUEST_SECONDS)
            self._calls.append(call)
            self.loop.watch(sock.fileno(), call.read)
            call.read()

    def ended(self, call: Call) -> None:
        """That call is over."""
        self._calls.remove(call)
        self._listen(True)

    def next_event(self, now: float) -> float:
        """Seconds until `tick` has something to do; below 0: never."""
        due = [call.deadline for call in self._calls if call.deadline] + ([self._again_at] if self._again_at else [])
        return max(0.0, min(due) - now) if due else -1.0

    def tick(self, now: float) -> None:
        """Does what is due."""
        if self._again_at and now >= self._again_at:
            self._again_at = 0.0
            self._listen(True)
        for call in list(self._calls):
            if call.deadline and now >= call.deadline and not call.over:
                call.deadline = 0.0
                call.on_time()

    def remove(self) -> None:
        """No more calls: the file goes; those there are may be answered still."""
        self._listener.remove()
        self._listen(False)
        self._listener.sock.close()

    def close(self) -> None:
        """The end."""
        self.remove()
        for call in list(self._calls):
            call.close()
