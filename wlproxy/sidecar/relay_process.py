"""The process that faces one guest: how it is forked, and what it keeps and gives up before its first guest byte.

Promises: it begins with the listening sockets, its end of the channel, what it is to write down and standard error open, and nothing
else; it is confined before it accepts. It is forked before it loads its tables, so that the parent never has them, and after the
import of everything both need (`warm`), so that they share it. Trusts: the parent.
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
import time
from collections.abc import Callable
from typing import Any, Final

from ..core.connection import NOTHING
from ..core.fds import Files
from ..core.quotas import Limits, Usage, limits_of
from ..core.session import Session
from ..core.shadow import attach
from ..handlers import load_tables
from . import confine
from .address import WAYPIPE
from .compiled import Compiled
from .deadline import deadline
from .listener import Listener
from .relay.compression import Codec
from .relay.files import HostFiles
from .relay.relay import NewSession, Relay
from .watch.watched import Watched

EXIT_INTERNAL: Final = 70
MOST_FDS: Final = 65536
# Objects made more than ended before the collector looks: the 700 it comes with cost a stream of frames a twentieth (bench stream).
GC_THRESHOLD: Final = 10_000
HELD_BACK: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
LATE: Final = ("unicodedata", "encodings.unicode_escape", "encodings.ascii", "traceback", "linecache")  # Python imports these when in need

MakeSessions = Callable[[bytes, Usage], tuple[NewSession, Limits]]


def sessions_of(compiled: bytes, usage: Usage) -> tuple[NewSession, Limits]:
    """What makes the session of each new connection under this policy, and its limits."""
    policy = json.loads(compiled)
    tables = load_tables(policy)
    if "shadow" in policy:
        attach(tables, load_tables(policy["shadow"]))
    limits = limits_of(policy)
    files = HostFiles()
    usage.complains = "complain" in policy
    end = deadline(int(policy["complain"]["until"]) if usage.complains else 0)

    def complaining() -> bool:
        """Also of the connections that are there already: no longer than the policy in force, and than their own."""
        return usage.complains and end.ahead()

    def new_session(own_files: Files = files, hidden: frozenset[str] = NOTHING) -> Session:
        return Session(tables, limits, own_files, usage, hidden, complaining)

    return new_session, limits


class RelayPlan:
    """What one relay is: whose, under which policy, listening where, confined how (confine.py), for how many connections at a time.
    `framed`: connections with waypipe's framing will be handed to it; `joined`: it can be asked to record and trace (control/server.py)."""

    def __init__(self, guest: str, compiled: Compiled, listeners: list[Listener], mode: str, clients: int) -> None:
        self.guest = guest
        self.compiled = compiled
        self.listeners = listeners
        self.confine = mode
        self.clients = clients
        self.framed = False
        self.joined = False


def fork_relay(plan: RelayPlan, sessions: MakeSessions, watched: Watched) -> tuple[int, socket.socket]:
    """The process id and our end of its channel. Signals of HELD_BACK must be blocked."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os._exit(be_relay(plan, sessions, theirs, watched))
    theirs.close()
    return pid, ours


def be_relay(plan: RelayPlan, sessions: MakeSessions, broker: socket.socket, watched: Watched) -> int:
    """The relay process. Its parent tells it when to end, so that it is not killed by the signal sent to both."""
    signal.set_wakeup_fd(-1)
    for number in HELD_BACK:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    try:
        close_others([2, broker.fileno(), *watched.fds] + [listener.sock.fileno() for listener in plan.listeners])
        usage = Usage(boottime)
        watching = watched.watching(plan.joined)
        if watching is not None:
            sessions = watching.around(sessions)
        new_session, limits = sessions(plan.compiled.data, usage)
        plan.compiled.data = b""

        def reload(data: bytes) -> tuple[NewSession, Limits]:
            made = sessions(data, usage)
            gc.collect()  # the tables before the last ones, some MiB that hold each other
            return made

        relay = Relay(broker, plan.listeners, new_session, limits, usage, reload, plan.clients, allow_fds(), codecs_for(plan))
        if watching is not None:
            watching.reports_to(relay.report, relay.untapped)
            relay.watch, relay.tap = watching.watch, watching.tap
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD)
        relay.report(confined(plan.guest, plan.confine))
        relay.run()
        if watching is not None:
            watching.close(relay.epoll)
    except confine.ConfinementError as error:
        print(f"wlproxy: {error}", file=sys.stderr, flush=True)
        return EXIT_INTERNAL
    except BaseException:  # noqa: BLE001  the last frame of the process: nothing may unwind into the broker's code
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        return EXIT_INTERNAL
    return 0


def boottime() -> float:
    """Seconds that go on while the host sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def codecs_for(plan: RelayPlan) -> dict[int, Codec]:
    """What waypipe guests may ask for; nothing is imported where there are none."""
    if not plan.framed and not any(listener.framing == WAYPIPE for listener in plan.listeners):
        return {}
    from .relay.compression import load

    return load()


def warm() -> None:
    """Has Python import and make now what it would otherwise when it is first in need: once confined it could not, and what is there
    before the fork is shared."""
    for module in LATE:
        importlib.import_module(module)
    codecs.lookup("unicode_escape")
    codecs.lookup("ascii")
    confine.libc()


def confined(guest: str, mode: str) -> dict[str, Any]:
    """Confines this process and says in an audit entry what is in force."""
    warm()
    uid = confine.uid_for(guest) if os.geteuid() == 0 else 0
    steps = confine.confine(mode, uid)
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
