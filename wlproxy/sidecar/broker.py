"""The broker: the parent of the relay. It does what the process that faces the guest may not, and never reads a guest's byte.

Promises: connects to the compositor for each guest connection, writes the audit log, turns signals into orders, and when it ends
nothing is left: no process, no socket file, no guest connection, all within STOP_SECONDS of a SIGTERM. Whatever the relay
says can cost no more than a connection or a line of the log. Trusts: its command line, the policy, the compositor's path.

A plain poll(2) loop; it sleeps unless something happens, or a guest waits for the compositor.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from typing import Final

from . import channel
from .audit_file import AuditFile
from .compiled import Compilation, PolicyInvalid
from .listener import Listener
from .notify import Notifier
from .say import say
from .upstream import Upstream

EXIT_NO_COMPOSITOR: Final = 5
EXIT_INTERNAL: Final = 70
STOP_SECONDS: Final = 0.8  # then the relay is killed
FORWARDED: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT)


class Broker:
    """`command_pid`: of the program that `exec` runs, 0 for none. `policy`: name and variables, for a reload."""

    def __init__(
        self,
        relay: socket.socket,
        relay_pid: int,
        listening: list[Listener],
        upstream: Upstream,
        log: AuditFile,
        policy: tuple[str, dict[str, str]],
        ready_fd: int,
        notifier: Notifier,
    ) -> None:
        self._relay = relay
        self._relay_pid = relay_pid
        self._listening = listening
        self._upstream = upstream
        self._log = log
        self._policy = policy
        self._ready_fd = ready_fd
        self._notifier = notifier
        self.command_pid = 0
        self._exit_code: int | None = None
        self._single = any(listener.accepted for listener in listening)
        self._is_ready = False
        self._stop_at = 0.0
        self._relay_gone = False
        self._said_missing = False
        self._said_context = ""
        self._compilation: Compilation | None = None
        self._signals: list[int] = []
        self._wake, self._wake_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def catch_signals(self) -> None:
        """From here on signals are orders that `run` carries out."""
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        for number in (*FORWARDED, signal.SIGCHLD):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: object) -> None:
        self._signals.append(number)

    def run(self) -> int:
        """Until a signal or the end of the command says so; the exit code."""
        self._relay.setblocking(False)
        self._look_for_compositor()
        while not self._relay_gone:
            for number in self._wait():
                if number == self._relay.fileno():
                    self._from_relay()
                elif number == self._wake:
                    os.read(self._wake, 512)
                elif self._compilation is not None and number == self._compilation.fd:
                    self._reloaded(self._compilation)
                else:
                    self._log.write()
            while self._signals:
                self._obey(self._signals.pop(0))
            now = time.monotonic()
            if self._upstream.asked and now >= self._upstream.retry_at:
                self._connect_all(now)
            if self._stop_at and now >= self._stop_at:
                os.kill(self._relay_pid, signal.SIGKILL)
                self._relay_gone = True
        return self._end()

    def _wait(self) -> list[int]:
        poll = select.poll()
        poll.register(self._relay.fileno(), select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        if self._compilation is not None:
            poll.register(self._compilation.fd, select.POLLIN)
        if self._log.waits_on >= 0:
            poll.register(self._log.waits_on, select.POLLOUT)
        now = time.monotonic()
        due = [self._upstream.next_event(now), self._stop_at - now if self._stop_at else -1.0]
        seconds = min([max(0.0, d) for d in due if d >= 0] or [-1.0])
        return [number for number, _ in poll.poll(None if seconds < 0 else seconds * 1000 + 1)]

    # -- the relay

    def _from_relay(self) -> None:
        for _ in range(64):
            try:
                data, fds = channel.receive(self._relay)
            except BlockingIOError:
                return
            except OSError:
                data, fds = b"", []
            for fd in fds:
                os.close(fd)
            if not data:
                self._relay_gone = True
                return
            try:
                kind, number, text = channel.parts(data)
                if kind == channel.CONNECT:
                    self._connect_for(number)
                elif kind == channel.AUDIT:
                    entry = json.loads(text)
                    if isinstance(entry, dict):
                        self._log.add(entry)
                elif kind == channel.READY:
                    self._ready()
                elif kind == channel.DONE and self._single:
                    self.stop(0)
            except (ValueError, RecursionError):
                self._log.add({"event": "internal", "reason": "the relay said something that is no message"})

    def _ready(self) -> None:
        self._is_ready = True
        if self._ready_fd >= 0:
            try:
                os.write(self._ready_fd, b"\n")
            except OSError as error:
                say(f"--ready-fd {self._ready_fd}: {error.strerror}")
            os.close(self._ready_fd)
            self._ready_fd = -1
        self._notifier.ready(self._status())

    def _status(self) -> str:
        return f"{self._log.policy_name}: serving guests" + (", no compositor yet" if self._said_missing else "")

    def _tell(self, data: bytes, fd: int = -1) -> bool:
        try:
            channel.send(self._relay, data, fd)
        except BlockingIOError:
            return False
        except OSError:
            self._relay_gone = True
        return True

    # -- the compositor

    def _look_for_compositor(self) -> None:
        if not self._upstream.there():
            self._missing()

    def _missing(self) -> None:
        if not self._said_missing:
            self._said_missing = True
            say(self._upstream.advice() + f"; guests wait up to {self._upstream.wait:g} s for it")
            if self._is_ready:
                self._notifier.status(self._status())
            self._log.add({"event": "upstream", "state": "missing", "path": self._upstream.path, "reason": self._upstream.missing})

    def _connect_for(self, number: int) -> None:
        now = time.monotonic()
        if self._upstream.asked and self._upstream.missing:
            self._upstream.asked[number] = now + self._upstream.wait  # others wait already; the next retry serves all
            return
        self._upstream.asked[number] = now + self._upstream.wait
        self._connect_all(now)

    def _connect_all(self, now: float) -> None:
        upstream = self._upstream
        for number in list(upstream.asked):
            sock = upstream.connect()
            if sock is None:
                self._missing()
                upstream.retry_after(now)
                break
            if self._said_missing:
                self._said_missing = False
                say(f"the compositor is there: {upstream.path}")
                self._notifier.status(self._status())
                self._log.add({"event": "upstream", "state": "present", "path": upstream.path})
            self._say_context()
            told = self._tell(channel.packet(channel.CONNECT, number), sock.fileno())
            sock.close()
            if not told:
                upstream.retry_after(now)
                break
            del upstream.asked[number]
        for number in upstream.given_up(now):
            self._tell(channel.packet(channel.REFUSED, number, upstream.advice().encode()[:1000]))
            if self._single:
                self.stop(EXIT_NO_COMPOSITOR)

    def _say_context(self) -> None:
        context = self._upstream.context
        if context is not None and context.state != self._said_context:
            self._said_context = context.state
            self._log.add({"event": "upstream", "state": "security-context", "path": self._upstream.path, "reason": context.state})

    # -- orders

    def _obey(self, number: int) -> None:
        if number == signal.SIGCHLD:
            self._reap()
        elif self.command_pid:
            if number not in (signal.SIGINT, signal.SIGQUIT) or not typed_at_our_terminal():
                os.kill(self.command_pid, number)
        elif number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            self.stop(0)
        elif number == signal.SIGHUP:
            self._reload()

    def stop(self, exit_code: int) -> None:
        """Ends everything, within STOP_SECONDS."""
        if self._exit_code is None:
            self._exit_code = exit_code
            self._stop_at = time.monotonic() + STOP_SECONDS
            for listening in self._listening:
                listening.remove()
            self._tell(channel.packet(channel.STOP))
            self._notifier.stopping()

    def _reap(self) -> None:
        if self.command_pid:
            pid, status = os.waitpid(self.command_pid, os.WNOHANG)
            if pid:
                self.command_pid = 0
                self.stop(exit_code_of(status))

    def _reload(self) -> None:
        """New connections get the policy as it is on disk now; those that are there keep theirs."""
        try:
            self._log.open()
        except OSError as error:
            say(f"--audit: {error.filename}: {error.strerror}; the old file stays in use")
        if self._compilation is None:
            self._notifier.reloading()
            self._compilation = Compilation(*self._policy)

    def _reloaded(self, compilation: Compilation) -> None:
        if not compilation.read():
            return
        self._compilation = None
        try:
            compiled = compilation.result()
        except PolicyInvalid as error:
            for line in error.lines:
                say(line)
            say("the policy in force stays")
            self._log.add({"event": "policy-reject", "reason": error.lines[0][:200]})
            self._notifier.ready(f"{self._status()}; the policy on disk is invalid")
            return
        memfd = os.memfd_create("wlproxy-policy", os.MFD_CLOEXEC)
        with open(memfd, "wb") as file:
            file.write(compiled.data)
            file.seek(0)
            if not self._tell(channel.packet(channel.POLICY), memfd):
                say("the relay is too busy to take a policy: send SIGHUP again")
                self._notifier.ready(self._status())
                return
        if self._upstream.context is not None:
            self._upstream.context.under(compiled.upstream)
        self._log.under({"name": compiled.name, "sha256": compiled.sha256})
        self._log.add({"event": "policy-load", "reason": "reload"})
        self._notifier.ready(self._status())

    # -- the end

    def _end(self) -> int:
        for listening in self._listening:
            listening.remove()
        status = end_of(self._relay_pid)
        self._drain_relay()
        if self._exit_code is None:
            self._exit_code = EXIT_INTERNAL
            say(f"the relay has ended unexpectedly ({status}); all guest connections are closed")
            self._log.add({"event": "internal", "reason": f"the relay has ended unexpectedly ({status})"})
            if self.command_pid:
                os.kill(self.command_pid, signal.SIGTERM)
        if self._upstream.context is not None:
            self._upstream.context.close()
        self._log.close()
        return self._exit_code

    def _drain_relay(self) -> None:
        """The relay's last lines may still be in the channel."""
        self._relay_gone = False
        while not self._relay_gone:
            self._from_relay()


def typed_at_our_terminal() -> bool:
    """Whether Ctrl-C reaches the command without us: the terminal signals its whole foreground group."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def exit_code_of(status: int) -> int:
    """As a shell has it: 128 + N for signal N."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def end_of(pid: int) -> str:
    """Waits for a process that is ending, and says how it did."""
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name

