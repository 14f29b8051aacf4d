"""Starts a sidecar: policy, sockets, then two processes, broker and relay.

Promises: nothing is left behind when a start fails. Trusts: the command line as cli/ has checked it.
"""

from __future__ import annotations

import gc
import os
import signal
from typing import Any, Final

from . import address, confine, listen, notify
from .audit_file import AuditFile, AuditLog
from .broker import Broker, expired_entry
from .compilation import Compilation
from .compiled import Compiled, PolicyInvalid, load_entry
from .control.path import NOWHERE, open_control
from .control.subject import Subject
from .keeper import Keeper, Presence
from .listener import Listener
from .relay_process import HELD_BACK, MakeSessions, RelayPlan, fork_relay, sessions_of
from .say import say
from .security_context import SecurityContext
from .upstream import Upstream, default_path
from .watch.view import View
from .watch.watched import Watched, WatchError

EXIT_USAGE: Final = 2
EXIT_NO_COMPOSITOR: Final = 5
RECORD_BYTES: Final = 1 << 30


class Settings:
    """What `run` and `exec` were asked for. What the guest's file says, where `compilation` reads one, fills in where nothing was asked
    for ("" and empty lists)."""

    def __init__(self, listen: list[str], upstream: str, compilation: Compilation) -> None:
        self.listen = listen
        self.upstream = upstream
        self.compilation = compilation
        self.guest = "guest"
        self.audit = ""
        self.ready_fd = -1
        self.upstream_wait = 5.0
        self.clients = 1024
        self.confine = confine.REQUIRE
        self.notifier = notify.Notifier("")
        self.command: list[str] = []
        self.environment: dict[str, str] = {}
        self.record = ""  # the recording's path
        self.record_bytes = RECORD_BYTES
        self.redact = False
        self.trace = ""  # where traced messages go, "-" for standard output
        self.trace_view = View()
        self.control = NOWHERE  # the control socket's path, "" for the default one

    def fill_in(self, said: dict[str, Any]) -> None:
        """From the guest's file (guest_files.py)."""
        self.listen = self.listen or said.get("listen", [])
        self.upstream = self.upstream or said.get("upstream", "") or default_path(dict(os.environ))
        self.audit = self.audit or said.get("audit", "")


class Unusable(Exception):
    """Nothing can be started from what was asked for; `exit_code` as documented."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def serve(settings: Settings, sessions: MakeSessions = sessions_of) -> int:
    """Runs a sidecar to its end; the exit code. `sessions`: tests put their own in its place."""
    listening: list[Listener] = []
    environ = dict(os.environ)
    notify.forget_sockets(os.environ)
    watched = Watched()
    controlled: Listener | None = None
    try:
        if settings.control != NOWHERE:
            from .watch import watching as _watching  # noqa: F401  while the policy is compiled: once confined a relay imports nothing
        if settings.compilation.guest_file:
            compiled = settings.compilation.finish()
            settings.fill_in(compiled.guest)
        check_settings(settings)
        addresses = together([address.parse(uri) for uri in settings.listen], "-" in (settings.audit, settings.trace))
        if not settings.compilation.guest_file:  # a mistake in a URI is found without waiting for the compiler
            compiled = settings.compilation.finish()
        log = AuditFile(settings.audit).log_of(settings.guest)
        watched = open_watched(settings)
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)  # until the broker can act on them: no socket file may stay behind
        for one in addresses:
            listening += listen.open_listeners(one, environ)
        controlled = open_control(settings.control, settings.guest, environ)
    except address.ListenError as error:
        say(str(error))
        code = error.exit_code
    except Unusable as error:
        say(str(error))
        code = error.exit_code
    except PolicyInvalid as error:
        for line in error.lines:
            say(line)
        code = error.exit_code
    except WatchError as error:
        say(str(error))
        code = EXIT_USAGE
    except OSError as error:
        say(f"--audit {settings.audit}: {error.strerror}")
        code = EXIT_USAGE
    else:
        code = run_both(settings, sessions, compiled, listening, log, watched, controlled)
        watched.finish()
        return code
    watched.abandon()
    for made in listening:
        made.remove()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    return code


def check_settings(settings: Settings) -> None:
    """Raises Unusable where neither the command line nor the guest's file says what is needed, and ListenError."""
    if not settings.listen:
        file = settings.compilation.guest_file
        more = f", or listen = [...] in {file}" if file else ""
        raise Unusable(f"--listen URI is needed, for example --listen unix:/run/wlproxy/guest.sock{more}", EXIT_USAGE)
    if not settings.upstream:
        why = "no compositor's path: set --upstream PATH, or WAYLAND_DISPLAY and XDG_RUNTIME_DIR"
        raise Unusable(why, EXIT_NO_COMPOSITOR)
    address.check_length(settings.upstream, "--upstream")


def together(addresses: list[address.Address], written: bool) -> list[address.Address]:
    """The addresses, where all of them can be served by one sidecar; `written`: standard output is needed. Raises ListenError."""
    for one in addresses:
        if isinstance(one, address.AcceptedAddress):
            if len(addresses) > 1:
                raise address.ListenError(f"--listen {one}: is one connection, and ends with it: no other --listen can be served")
            if written:
                raise address.ListenError(f"--listen {one}: standard output is the guest's: --audit and --trace need a file")
    return addresses


def open_watched(settings: Settings) -> Watched:
    """What the relay is to write down besides; nothing is opened or imported where nothing was asked for. Raises WatchError."""
    watched = Watched()
    if settings.record:
        watched.open_recording(settings.record, settings.record_bytes, settings.redact, settings.guest)
    if settings.trace:
        watched.start_trace(settings.trace, settings.trace_view, settings.confine, settings.guest)
    return watched


def run_both(
    settings: Settings,
    sessions: MakeSessions,
    compiled: Compiled,
    listening: list[Listener],
    log: AuditLog,
    watched: Watched,
    controlled: Listener | None = None,
) -> int:
    """Forks the relay and is the broker."""
    gc.freeze()  # neither process' collector shall write to the pages they share
    plan = RelayPlan(settings.guest, compiled, listening, settings.confine, settings.clients)
    plan.joined = controlled is not None
    pid, channel = fork_relay(plan, sessions, watched)
    watched.handed_over()
    for made in listening:
        made.sock.close()
    upstream = Upstream(settings.upstream, settings.upstream_wait, SecurityContext(compiled.upstream, settings.guest))
    log.under({"name": compiled.name, "sha256": compiled.sha256}, compiled.record)
    log.add(load_entry(compiled, "start"))
    if compiled.guest.get("expired"):
        log.add(expired_entry(settings.guest, compiled.guest, compiled.name))
    for entry in watched.entries():
        log.add(entry)
    keeper = Keeper(channel, pid, upstream, log, Presence(), settings.clients)
    keeper.under(compiled)
    subject = Subject(settings.guest, [made.uri for made in listening], upstream, log, compiled)
    subject.begin(keeper)
    subject.mode.under(compiled.until)
    again = settings.compilation
    broker = Broker(keeper, listening, upstream, log, again, settings.ready_fd, settings.notifier, subject, controlled)
    broker.catch_signals()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    if controlled is None:
        compiled.data = b""
    code = 0
    if settings.command:
        code = start_command(settings, broker)
    if code:
        broker.stop(code)
    return broker.run()


def start_command(settings: Settings, broker: Broker) -> int:
    """Starts what `exec` was given; 0, or the exit code a shell would give where that fails."""
    restored = [signal.SIGPIPE, signal.SIGXFSZ]  # Python ignores these, and what is ignored stays so across execve(2)
    try:
        broker.command_pid = os.posix_spawnp(settings.command[0], settings.command, settings.environment, setsigdef=restored)
    except OSError as error:
        say(f"{settings.command[0]}: {error.strerror}")
        return 127 if isinstance(error, FileNotFoundError) else 126
    return 0


