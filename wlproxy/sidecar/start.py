"""Starts a sidecar: policy, sockets, then two processes, broker and relay.

Promises: nothing is left behind when a start fails; the relay begins with the listening sockets, its end of the channel and standard
error open, and nothing else. Trusts: the command line as cli/ has checked it.

The relay is forked before it loads its tables, so that the broker never has them, and after the import of everything both need,
so that they share it.
"""

from __future__ import annotations

import codecs
import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, Final

from ..core.quotas import Limits, Usage, limits_of
from ..core.session import Session
from ..handlers import load_tables
from . import address, confine, listen, notify
from .audit_file import AuditFile
from .broker import Broker
from .compiled import Compilation, Compiled, PolicyInvalid
from .files import HostFiles
from .listener import Listener
from .relay import NewSession, Relay
from .say import say
from .security_context import SecurityContext
from .upstream import Upstream
from .view import View
from .watched import Watched, WatchError

EXIT_USAGE: Final = 2
EXIT_POLICY: Final = 6
EXIT_INTERNAL: Final = 70
MOST_FDS: Final = 65536
# Objects made more than ended before the collector looks: the 700 it comes with cost a stream of frames a twentieth (bench stream).
GC_THRESHOLD: Final = 10_000
SERVED_FRAMINGS: Final = (address.RAW,)
RECORD_BYTES: Final = 1 << 30
HELD_BACK: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)


class Settings:
    """What `run` and `exec` were asked for. `policy` and `variables` are what `compilation` works on, for a reload."""

    def __init__(
        self, listen: list[str], upstream: str, policy: str, variables: dict[str, str], compilation: Compilation
    ) -> None:
        self.listen = listen
        self.upstream = upstream
        self.policy = policy
        self.variables = variables
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


MakeSessions = Callable[[bytes, Usage], tuple[NewSession, Limits]]


def sessions_of(compiled: bytes, usage: Usage) -> tuple[NewSession, Limits]:
    """What makes the session of each new connection under this policy, and its limits."""
    policy = json.loads(compiled)
    tables = load_tables(policy)
    limits = limits_of(policy)
    files = HostFiles()

    def new_session() -> Session:
        return Session(tables, limits, files, usage)

    return new_session, limits


def serve(settings: Settings, sessions: MakeSessions = sessions_of) -> int:
    """Runs a sidecar to its end; the exit code. `sessions`: tests put their own in its place."""
    listening: list[Listener] = []
    environ = dict(os.environ)
    notify.forget_sockets(os.environ)
    watched = Watched()
    try:
        address.check_length(settings.upstream, "--upstream")
        addresses = together([address.parse(uri) for uri in settings.listen], settings.audit)
        compiled = settings.compilation.finish()
        log = AuditFile(settings.audit, settings.guest)
        watched = open_watched(settings)
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)  # until the broker can act on them: no socket file may stay behind
        for one in addresses:
            listening += listen.open_listeners(one, environ)
    except address.ListenError as error:
        say(str(error))
        code = error.exit_code
    except PolicyInvalid as error:
        for line in error.lines:
            say(line)
        code = EXIT_POLICY
    except WatchError as error:
        say(str(error))
        code = EXIT_USAGE
    except OSError as error:
        say(f"--audit {settings.audit}: {error.strerror}")
        code = EXIT_USAGE
    else:
        code = run_both(settings, sessions, compiled, listening, log, watched)
        watched.finish()
        return code
    watched.abandon()
    for made in listening:
        made.remove()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    return code


def together(addresses: list[address.Address], audit: str) -> list[address.Address]:
    """The addresses, where all of them can be served by one sidecar. Raises ListenError."""
    for one in addresses:
        if isinstance(one, address.AcceptedAddress):
            if len(addresses) > 1:
                raise address.ListenError(f"--listen {one}: is one connection, and ends with it: no other --listen can be served")
            if audit == "-":
                raise address.ListenError(f"--listen {one}: standard output is the guest's: --audit needs a file")
        if one.framing not in SERVED_FRAMINGS:
            raise address.ListenError(f"--listen {one}: {one.framing} framing is not served yet")
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
    log: AuditFile,
    watched: Watched,
) -> int:
    """Forks the relay and is the broker."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # neither process' collector shall write to the pages they share
    pid = os.fork()
    if pid == 0:
        os._exit(be_relay(settings, sessions, compiled, theirs, listening, watched))
    theirs.close()
    watched.handed_over()
    for made in listening:
        made.sock.close()
    upstream = Upstream(settings.upstream, settings.upstream_wait, SecurityContext(compiled.upstream, settings.guest))
    policy = (settings.policy, settings.variables)
    broker = Broker(ours, pid, listening, upstream, log, policy, settings.ready_fd, settings.notifier)
    log.under({"name": compiled.name, "sha256": compiled.sha256})
    log.add({"event": "policy-load", "reason": "start"})
    for entry in watched.entries():
        log.add(entry)
    broker.catch_signals()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
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


def be_relay(
    settings: Settings,
    sessions: MakeSessions,
    compiled: Compiled,
    broker: socket.socket,
    listeners: list[Listener],
    watched: Watched,
) -> int:
    """The relay process. The broker tells it when to end, so that it is not killed by the signal sent to both."""
    for number in HELD_BACK:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    try:
        close_others([2, broker.fileno(), *watched.fds] + [listener.sock.fileno() for listener in listeners])
        usage = Usage()
        watching = watched.watching()
        if watching is not None:
            sessions = watching.around(sessions)
        new_session, limits = sessions(compiled.data, usage)
        compiled.data = b""

        def reload(data: bytes) -> tuple[NewSession, Limits]:
            made = sessions(data, usage)
            gc.collect()  # the tables before the last ones, some MiB that hold each other
            return made

        relay = Relay(broker, listeners, new_session, limits, usage, reload, settings.clients, allow_fds())
        if watching is not None:
            watching.reports_to(relay.report)
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD)
        relay.report(confined(settings))
        relay.run()
        if watching is not None:
            watching.close()
    except confine.ConfinementError as error:
        print(f"wlproxy: {error}", file=sys.stderr, flush=True)
        return EXIT_INTERNAL
    except BaseException:  # noqa: BLE001  the last frame of the process: nothing may unwind into the broker's code
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        return EXIT_INTERNAL
    return 0


def confined(settings: Settings) -> dict[str, Any]:
    """Confines this process and says in an audit entry what is in force. What Python would import late it imports now."""
    for module in ("unicodedata", "encodings.unicode_escape", "encodings.ascii", "traceback", "linecache"):
        importlib.import_module(module)
    codecs.lookup("unicode_escape")
    codecs.lookup("ascii")
    uid = confine.uid_for(settings.guest) if os.geteuid() == 0 else 0
    steps = confine.confine(settings.confine, uid)
    return {
        "event": "confined",
        "in_force": [step.name for step in steps if step.done],
        "missing": [str(step) for step in steps if not step.done],
    }


def close_others(kept: list[int]) -> None:
    """Closes every descriptor that the relay has no use for; standard input and output become /dev/null."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(null, 1)
    start = 3
    for number in sorted(n for n in kept if n > 2):
        os.closerange(start, number)
        start = number + 1
    os.closerange(start, most_open() + 1)


def most_open() -> int:
    """The highest descriptor that may be open: as /proc says, or the limit."""
    try:
        return max(int(name) for name in os.listdir("/proc/self/fd"))
    except OSError:
        return int(os.sysconf("SC_OPEN_MAX"))


def allow_fds() -> int:
    """Raises the soft limit on descriptors as far as the hard one goes, within reason (getrlimit(2)); the limit in force."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FDS if hard == resource.RLIM_INFINITY else min(hard, MOST_FDS)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
