"""The broker of one relay: the parent of the process that faces the guest. It does what that one may not (keeper.py), carries out orders,
which come as signals or over the control socket (control/server.py), and sees to the program that `exec` runs.

Promises: when it ends nothing is left: no process, no socket file, no guest connection, all within keeper.STOP_SECONDS of a
SIGTERM. Trusts: its command line, the policy, the compositor's path. It sleeps unless something happens, or a guest waits for the
compositor.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from .audit_file import AuditLog
from .compilation import Compilation
from .compiled import Compiled, PolicyInvalid, load_entry
from .control.orders import APPLIED, KEPT, SAME, Orders, Reloaded
from .control.server import Control
from .control.subject import Subject
from .keeper import Keeper
from .listener import Listener
from .loop import OUT, Loop, Signals, soonest
from .notify import Notifier, Watchdog
from .say import say
from .upstream import Upstream

EXIT_NO_COMPOSITOR: Final = 5
EXIT_INTERNAL: Final = 70
EXPIRY_CHECK_SECONDS: Final = 60.0  # a machine that slept has another time of day than one that waited
Callers = list[Callable[[list[Reloaded]], None]]
FORWARDED: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT)


class Broker:
    """`command_pid`: of the program that `exec` runs, 0 for none. `compilation`: the one of the start, for a reload. `subject`: the guest,
    as the control socket shows it; `controlled`: where that is."""

    def __init__(
        self,
        keeper: Keeper,
        listening: list[Listener],
        upstream: Upstream,
        log: AuditLog,
        compilation: Compilation,
        ready_fd: int,
        notifier: Notifier,
        subject: Subject,
        controlled: Listener | None,
    ) -> None:
        self._subject = subject
        self._keeper = keeper
        self._listening = listening
        self._upstream = upstream
        self._log = log
        self._first = compilation
        self._said = subject.compiled.guest  # what the guest's file says, or said when it could last be read
        self._ready_fd = ready_fd
        self._notifier = notifier
        self._watchdog = Watchdog(notifier.period)
        self.command_pid = 0
        self._exit_code: int | None = None
        self._single = any(listener.accepted for listener in listening)
        self._is_ready = False
        self._status = ""
        self._compilation: Compilation | None = None
        self._loop = Loop()
        self._signals = Signals(self._loop)
        self._log_watched = -1
        self._loop.watch(keeper.number, keeper.read)
        self._callers: Callers = []  # who waits for the outcome of the compilation under way
        self._next_callers: Callers = []  # and of the next one: that one began before they asked
        self._reload_again = False
        self._control = None if controlled is None else Control(controlled, self._loop, Orders(self, self._loop).obey)

    def catch_signals(self) -> None:
        """From here on signals are orders that `run` carries out."""
        self._signals.catch((*FORWARDED, signal.SIGCHLD))

    def run(self) -> int:
        """Until a signal or the end of the command says so; the exit code."""
        keeper = self._keeper
        while not keeper.gone:
            self._watch_log()
            now = time.monotonic()
            control = self._control
            waits = [keeper.next_event(now), self._until_expiry(), self._watchdog.next_event(now), self._subject.mode.seconds()]
            if control is not None:
                waits.append(control.next_event(now))
            self._loop.turn(soonest(waits))
            while self._signals.pending:
                self._obey(self._signals.pending.pop(0))
            now = time.monotonic()
            keeper.tick(now)
            if self._watchdog.due(now):
                keeper.answered = False
                keeper.ping()
            if control is not None:
                control.tick(now)
            self._subject.mode.tick()
            self._look_at_keeper()
            if self._until_expiry() == 0:
                self._reload()
        return self._end()

    def _watch_log(self) -> None:
        number = self._log.file.waits_on
        if number != self._log_watched:
            if self._log_watched >= 0:
                self._loop.forget(self._log_watched)
            if number >= 0:
                self._loop.watch(number, self._log.file.write, OUT)
            self._log_watched = number

    def _look_at_keeper(self) -> None:
        keeper = self._keeper
        if keeper.ready and not self._is_ready:
            self._ready()
        if keeper.answered:  # it is the relay that a guest could hang, so its answer is what feeds a watchdog
            keeper.answered = False
            if self._notifier.period:
                self._notifier.alive()
        if self._single and keeper.given_up:
            self.stop(EXIT_NO_COMPOSITOR)
        elif self._single and keeper.done:
            self.stop(0)
        status = self._status_now()
        if self._is_ready and status != self._status and self._compilation is None:
            self._status = status
            self._notifier.status(status)

    def _ready(self) -> None:
        self._is_ready = True
        self._ready_fd = tell_ready(self._ready_fd)
        self._ready_with(self._status_now())

    def _ready_with(self, status: str) -> None:
        self._status = self._status_now()
        self._notifier.ready(status)

    def _status_now(self) -> str:
        until = self._subject.mode.until
        complains = f", COMPLAINS ONLY, until {until}" if until else ""
        return f"{self._log.policy_name}: serving guests{complains}" + (", no compositor yet" if self._keeper.missing else "")

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
        """Ends everything."""
        if self._exit_code is None:
            self._exit_code = exit_code
            for listening in self._listening:
                listening.remove()
            self._keeper.stop()
            self._notifier.stopping()
            if self._control is not None:
                self._control.remove()

    @property
    def subjects(self) -> Mapping[str, Subject]:
        """For the control socket: the one guest."""
        return {self._subject.name: self._subject}

    @property
    def not_served(self) -> Mapping[str, str]:
        """None."""
        return {}

    def may_know(self, guest: str) -> bool:
        """Whether a reload could find that guest."""
        return guest in ("", self._subject.name)

    def reload(self, guest: str, caller: Callable[[list[Reloaded]], None] | None) -> None:
        """As SIGHUP; `caller` is told what has come of it."""
        self._reload(caller)

    def kill(self, guest: str) -> None:
        """The guest's sidecar ends, as by SIGTERM."""
        self.stop(0)

    def _reap(self) -> None:
        if self.command_pid:
            pid, status = os.waitpid(self.command_pid, os.WNOHANG)
            if pid:
                self.command_pid = 0
                self.stop(exit_code_of(status))

    # -- the policy

    def _until_expiry(self) -> float:
        """Seconds until it is worth looking whether the guest's file has expired; below 0: never."""
        return until_expiry(self._said) if self._compilation is None else -1.0

    def _reload(self, caller: Callable[[list[Reloaded]], None] | None = None) -> None:
        """New connections get the policy as it is on disk now; those that are there keep theirs."""
        try:
            self._log.file.open()
        except OSError as error:
            say(f"--audit: {error.filename}: {error.strerror}; the old file stays in use")
        if self._compilation is None:
            self._notifier.reloading()
            self._callers += [] if caller is None else [caller]
            self._compilation = self._first.again()
            self._loop.watch(self._compilation.fd, self._reloaded)
        else:
            self._reload_again = True
            self._next_callers += [] if caller is None else [caller]

    def _reloaded(self) -> None:
        compilation = self._compilation
        if compilation is None:
            return
        number = compilation.fd
        if not compilation.read():
            return
        self._loop.forget(number)
        self._compilation = None
        outcome = self._outcome(compilation)
        callers, self._callers, self._next_callers = self._callers, self._next_callers, []
        for caller in callers:
            caller([outcome])
        if self._reload_again and self._exit_code is None:
            self._reload_again = False
            self._reload()

    def _outcome(self, compilation: Compilation) -> Reloaded:
        """Puts the guest under what has been compiled, if that can be."""
        subject = self._subject
        try:
            compiled = compilation.result()
        except PolicyInvalid as error:
            for line in error.lines:
                say(line)
            say("the policy in force stays")
            self._log.add({"event": "policy-reject", "reason": error.lines[0][:200]})
            self._said = {**self._said, "expires": 0.0}
            self._ready_with(f"{self._status_now()}; the policy on disk is invalid")
            subject.keeps()
            return Reloaded(subject.name, KEPT, error.lines, subject.policy)
        if not self._keeper.give_policy(compiled.data):
            busy = "the relay is too busy to take a policy: send SIGHUP again"
            say(busy)
            self._ready_with(self._status_now())
            subject.keeps()
            return Reloaded(subject.name, KEPT, [busy], subject.policy)
        self._keeper.under(compiled)
        if self._upstream.context is not None:
            self._upstream.context.under(compiled.upstream)
        self._log.under({"name": compiled.name, "sha256": compiled.sha256}, compiled.record)
        self._log.add(load_entry(compiled, "reload"))
        subject.mode.under(compiled.until)
        if compiled.guest.get("expired") and not self._said.get("expired"):
            self._log.add(expired_entry(self._log.guest, compiled.guest, compiled.name))
        for key in ("listen", "upstream", "audit"):
            if compiled.guest.get(key) != self._said.get(key):
                say(f"{self._first.guest_file}: '{key}' has changed: that takes a restart")
        self._said = compiled.guest
        self._ready_with(self._status_now())
        return self._under(compiled)

    def _under(self, compiled: Compiled) -> Reloaded:
        """For whoever asks by way of the control socket; what they cannot ask for is not kept."""
        subject = self._subject
        if self._control is None:
            compiled.data = b""
        before = subject.compiled
        subject.under(compiled)
        if before.sha256 == compiled.sha256 and before.shadow == compiled.shadow:
            return Reloaded(subject.name, SAME, [], subject.policy)
        return Reloaded(subject.name, APPLIED, [], subject.policy, before.data, compiled.data)

    # -- the end

    def _end(self) -> int:
        for listening in self._listening:
            listening.remove()
        status = self._keeper.end()
        if self._control is not None:
            self._control.close()
        if self._exit_code is None:
            self._exit_code = EXIT_INTERNAL
            say(f"the relay has ended unexpectedly ({status}); all guest connections are closed")
            self._log.add({"event": "internal", "reason": f"the relay has ended unexpectedly ({status})"})
            if self.command_pid:
                os.kill(self.command_pid, signal.SIGTERM)
        self._upstream.close()
        self._log.file.close()
        return self._exit_code


def tell_ready(number: int) -> int:
    """Writes the newline of --ready-fd and closes it; what stands in its place from now on."""
    if number >= 0:
        try:
            os.write(number, b"\n")
        except OSError as error:
            say(f"--ready-fd {number}: {error.strerror}")
        os.close(number)
    return -1


def until_expiry(said: dict[str, Any]) -> float:
    """Seconds until it is worth looking whether what a guest's file said has expired, 0: it has; below 0: it never will."""
    if not said.get("expires") or said.get("expired"):
        return -1.0
    return min(max(0.0, float(said["expires"]) - time.time()), EXPIRY_CHECK_SECONDS)


def expired_entry(guest: str, said: dict[str, Any], policy: str) -> dict[str, Any]:
    """What is to be written down where a guest's file has expired; the admin is told."""
    why = f"its file has expired ({said['until']}): it falls back to {policy}"
    say(f"guest {guest}: {why}")
    return {"event": "guest-expired", "reason": why}


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
