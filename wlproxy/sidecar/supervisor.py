"""Many guests: one parent that is broker to all of them, one confined relay for each.

Promises: each guest has its own channel, user id (where we are root), policy and back-off, and a relay can speak for its own guest only; a
guest whose file is wrong, whose socket cannot be made or whose relay dies costs the others nothing; guests come, change and go
on SIGHUP; when this ends nothing is left. No byte of any guest's is read here. Trusts: the folder of guests' files, the compositors.

The files are read and the policies compiled in a child (guest_files.py), so that neither TOML nor the compiler is in the memory that all
relays share with this process.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..core.quotas import Usage
from . import address, listen, notify
from .audit_file import AuditFile
from .broker import expired_entry, tell_ready, until_expiry
from .compiled import EXIT_UNSAFE, Trust, of_head
from .confine import REQUIRE
from .control.orders import APPLIED, ENDS, KEPT, NOT_SERVED, SAME, STARTS, Orders, Reloaded
from .control.path import NOWHERE, open_control
from .control.server import Control
from .control.subject import Subject
from .guest_lines import GuestLines
from .keeper import Keeper, Presence
from .listener import AF_VSOCK, Listener
from .loop import OUT, Loop, Signals, soonest
from .relay_process import HELD_BACK, MakeSessions, RelayPlan, allow_fds, fork_relay, sessions_of, warm
from .say import say
from .served import Entry, Served, upstream_for
from .shared_port import SharedPort
from .watch.watched import Watched

EXIT_USAGE: Final = 2
EXIT_NONE: Final = 6  # of the guests can start
EXIT_INTERNAL: Final = 70
ORDERS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
PORT_TICK_SECONDS: Final = 1.0

Caller = Callable[[list[Reloaded]], None]


class ServeSettings:
    """What `serve` was asked for. `upstream` and `audit` are for guests whose file names none."""

    def __init__(self, folder: str, upstream: str) -> None:
        self.folder = folder
        self.upstream = upstream
        self.upstream_wait = 5.0
        self.audit = ""
        self.ready_fd = -1
        self.clients = 1024
        self.confine = REQUIRE
        self.control = NOWHERE  # the control socket's path, "" for the default one
        self.notifier = notify.Notifier("")
        self.trust = Trust()
        self.retry_seconds = 5.0  # between attempts to make a socket that could not be made


def serve_guests(settings: ServeSettings, sessions: MakeSessions = sessions_of) -> int:
    """Serves all guests of the folder to the end; the exit code. `sessions`: tests put their own in its place."""
    environ = dict(os.environ)
    notify.forget_sockets(os.environ)
    try:
        address.check_length(settings.upstream, "--upstream")
        file = AuditFile(settings.audit)
        controlled = open_control(settings.control, "", environ)
    except address.ListenError as error:
        say(str(error))
        return error.exit_code
    except OSError as error:
        say(f"--audit {settings.audit}: {error.strerror}")
        return EXIT_USAGE
    allow_fds()
    supervisor = Supervisor(settings, sessions, environ, file, controlled)
    return supervisor.run()


class Supervisor:
    """All guests, by name."""

    def __init__(
        self,
        settings: ServeSettings,
        sessions: MakeSessions,
        environ: dict[str, str],
        file: AuditFile,
        controlled: Listener | None = None,
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._environ = environ
        self._files = {settings.audit: file}
        self._log = file.log_of("")  # what is about no guest
        self._presence = Presence()
        self._loop = Loop()
        self._signals = Signals(self._loop)
        self._guests: dict[str, Served] = {}
        self._ports: dict[tuple[str, int], SharedPort] = {}
        self._watched_logs: dict[str, int] = {}
        self._lines: GuestLines | None = None
        self._only = ""  # whose file `_lines` reads, "" for all
        self._callers: list[Caller] = []  # who waits for what comes of it
        self._outcomes: list[Reloaded] = []
        self._readings: list[tuple[str, Caller | None]] = []  # the next ones
        self._bad: dict[str, str] = {}  # guests that are not served, or not as their files say
        self._unsafe: set[str] = set()  # those of them whose files others can change, or that nobody has signed
        self._refused: dict[str, Entry] = {}  # those whose file is right, and whose sockets or log could not be had
        self._retry_at = 0.0
        self._warm = False
        self._is_ready = False
        self._ready_fd = settings.ready_fd
        self._status = ""
        self._exit_code: int | None = None
        self._watchdog = notify.Watchdog(settings.notifier.period)
        self._control = None if controlled is None else Control(controlled, self._loop, Orders(self, self._loop).obey)

    def run(self) -> int:
        """Until a signal; the exit code."""
        self._signals.catch(ORDERS)
        self._read_folder()
        while self._exit_code is None or self._guests:
            self._watch_logs()
            self._loop.turn(self._patience())
            while self._signals.pending:
                self._obey(self._signals.pending.pop(0))
            now = time.monotonic()
            if self._watchdog.due(now) and self._is_ready:
                self._settings.notifier.alive()
            for served in list(self._guests.values()):
                self._tend(served, now)
                if self._signals.pending:
                    break  # a compositor that does not answer costs time with each guest: a SIGTERM goes first
            for served in self._guests.values():
                served.subject.mode.tick()
            for port in self._ports.values():
                if port.pending:
                    port.tick(now)
            if self._control is not None:
                self._control.tick(now)
            if self._lines is None and any(until_expiry(s.entry.compiled.guest) == 0 for s in self._guests.values()):
                self._read_folder()
            if self._refused and now >= self._retry_at:
                self._retry()
            self._settle()
        return self._end()

    def _patience(self) -> float:
        now = time.monotonic()
        due = [served.next_event(now) for served in self._guests.values()]
        due += [served.subject.mode.seconds() for served in self._guests.values()]
        if self._lines is None:
            due += [until_expiry(served.entry.compiled.guest) for served in self._guests.values()]
        due.append(self._watchdog.next_event(now))
        if any(port.pending for port in self._ports.values()):
            due.append(PORT_TICK_SECONDS)
        if self._refused:
            due.append(max(0.0, self._retry_at - now))
        if self._control is not None:
            due.append(self._control.next_event(now))
        return soonest(due)

    def _watch_logs(self) -> None:
        for path, file in self._files.items():
            before, number = self._watched_logs.get(path, -1), file.waits_on
            if before != number:
                if before >= 0:
                    self._loop.forget(before)
                if number >= 0:
                    self._loop.watch(number, file.write, OUT)
                self._watched_logs[path] = number

    # -- orders

    def _obey(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._reload()
        else:
            self._stop(0)

    def _stop(self, exit_code: int) -> None:
        if self._exit_code is None:
            self._exit_code = exit_code
            self._refused = {}
            self._settings.notifier.stopping()
            for served in self._guests.values():
                served.leave()
            if self._control is not None:
                self._control.remove()

    @property
    def subjects(self) -> Mapping[str, Subject]:
        """For the control socket: the guests that are served."""
        return {name: served.subject for name, served in self._guests.items()}

    @property
    def not_served(self) -> Mapping[str, str]:
        """Those that are not, or not as their files say, and why."""
        return self._bad

    def may_know(self, guest: str) -> bool:
        """Whether a reload could find that guest: its file may have been written just now."""
        return True

    def reload(self, guest: str, caller: Caller | None) -> None:
        """As SIGHUP, or for one guest only; `caller` is told what has come of it."""
        if guest:
            self._read_folder(guest, caller)
        else:
            self._reload(caller)

    def kill(self, guest: str) -> None:
        """Ends that guest, until a reload."""
        self._bad[guest] = "ended by way of the control socket; a reload starts it"
        self._guests[guest].leave()

    def _reload(self, caller: Caller | None = None) -> None:
        for path, file in self._files.items():
            try:
                file.open()
            except OSError as error:
                say(f"--audit: {path}: {error.strerror}; the old file stays in use")
        if self._is_ready:
            self._settings.notifier.reloading()
        self._read_folder("", caller)

    # -- the folder

    def _read_folder(self, only: str = "", caller: Caller | None = None) -> None:
        if self._lines is not None:  # which may have read that guest's file before it was changed
            if caller is not None or (only, None) not in self._readings:
                self._readings.append((only, caller))
            return
        self._only = only
        self._callers = [] if caller is None else [caller]
        self._outcomes = []
        self._lines = GuestLines(self._settings.folder, self._settings.trust, only)
        self._loop.watch(self._lines.fd, self._read_lines)

    def _read_lines(self) -> None:
        lines = self._lines
        if lines is None:
            return
        number = lines.fd
        over = lines.read()
        for told in lines.take_lines():
            if self._exit_code is None:
                self._guest_told(told)
        if not over:
            return
        self._loop.forget(number)
        self._lines = None
        if lines.error:
            say(lines.error + ("" if self._guests else "; it is the folder of guests' files: --config DIR"))
        else:
            self._end_gone(lines)
        if not self._is_ready:
            self._first_reading_over(lines)
        elif self._exit_code is None:
            self._status = self._status_now()
            self._settings.notifier.ready(self._status)
        self._tell_callers(lines)

    def _end_gone(self, lines: GuestLines) -> None:
        """Those whose files are no longer there."""
        for name in [name for name in self._bad if name not in lines.names and self._only in ("", name)]:
            del self._bad[name]
            self._refused.pop(name, None)
        for name, served in self._guests.items():
            if name not in lines.names and self._only in ("", name) and not served.leaving and self._exit_code is None:
                say(f"guest {name}: its file is gone: it ends")
                served.log.add({"event": "guest-removed", "reason": "its file is gone"})
                served.leave()
                self._outcomes.append(Reloaded(name, ENDS, []))

    def _tell_callers(self, lines: GuestLines) -> None:
        """A reading is over, and the next one begins."""
        outcomes, callers, self._callers = self._outcomes, self._callers, []
        if lines.error:
            outcomes = [Reloaded(self._only, KEPT, [lines.error])]
        elif self._only and not outcomes:
            outcomes = [Reloaded(self._only, NOT_SERVED, [f"there is no {self._only}.toml in {self._settings.folder}"])]
        for caller in callers:
            caller(outcomes)
        if self._readings and self._exit_code is None:
            only, next_caller = self._readings.pop(0)
            self._read_folder(only, next_caller)

    def _first_reading_over(self, lines: GuestLines) -> None:
        if lines.error:
            self._stop(lines.exit_code or EXIT_USAGE)
        elif lines.names and not self._guests:
            say(f"none of the guests in {self._settings.folder} can start")
            self._stop(EXIT_UNSAFE if self._unsafe else EXIT_NONE)

    def _guest_told(self, told: dict[str, Any]) -> None:
        """One guest's file, as it is on disk now."""
        name, head = str(told["name"]), told["head"]
        served = self._guests.get(name)
        if head["findings"]:
            for line in head["findings"]:
                say(line)
            stays = served is not None and not served.leaving
            say(f"guest {name}: {'stays as it is' if stays else 'does not start'}, its file is wrong; the others are not touched")
            self._bad[name] = "its file is wrong"
            if head["exit_code"] == EXIT_UNSAFE:
                self._unsafe.add(name)
            self._refused.pop(name, None)
            log = self._log if served is None else served.log
            log.add({"event": "policy-reject", "reason": head["findings"][0][:200]})
            if served is not None:
                served.entry.compiled.guest["expires"] = 0.0  # what it expires to cannot be had before the file is right
                served.subject.keeps()
            self._outcomes.append(
                Reloaded(name, KEPT if stays else NOT_SERVED, head["findings"], None if served is None else served.subject.policy)
            )
            return
        compiled = of_head(head, told["data"].encode("ascii"))
        entry = Entry(name, told["file"], compiled)
        if served is None or not served.entry.same(entry):
            for line in head["warnings"]:
                say(line)
        before = None if served is None else served.entry.compiled
        result = self._wanted(entry, served)
        now = self._guests.get(name)
        outcome = Reloaded(name, result, [self._bad[name]] if name in self._bad else [], None if now is None else now.subject.policy)
        if result == APPLIED and before is not None:
            outcome.before, outcome.after = before.data, compiled.data
        self._outcomes.append(outcome)

    def _wanted(self, entry: Entry, served: Served | None) -> str:
        """That guest shall be there, in this way; what comes of it, in a word (control/orders.py)."""
        if served is None:
            self._start(entry)
            return STARTS if entry.name in self._guests else NOT_SERVED
        self._bad.pop(entry.name, None)
        if served.leaving:
            served.following = entry
            return STARTS
        elif served.entry.same(entry):
            served.entry.compiled.guest = entry.compiled.guest
            return SAME
        elif served.entry.same_place(entry):
            if not served.under(entry, "reload"):
                say(f"guest {entry.name}: its relay is too busy to take a policy: send SIGHUP again")
                served.subject.keeps()
                return KEPT
            elif entry.compiled.guest["expired"]:
                served.log.add(expired_entry(entry.name, entry.compiled.guest, entry.compiled.name))
            return APPLIED
        else:
            say(f"guest {entry.name}: its listeners, compositor or log have changed: it starts anew")
            served.leave(entry)
            return STARTS

    # -- one guest

    def _start(self, entry: Entry) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
        try:
            served = self._make(entry)
        except address.ListenError as error:
            self._cannot_start(entry, str(error))
        except OSError as error:
            self._cannot_start(entry, f"audit {error.filename}: {error.strerror}")
        else:
            self._guests[entry.name] = served
            self._bad.pop(entry.name, None)
            self._refused.pop(entry.name, None)
            served.under(entry, "start")
            if entry.compiled.guest["expired"]:
                served.log.add(expired_entry(entry.name, entry.compiled.guest, entry.compiled.name))
            self._fork(served)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)

    def _cannot_start(self, entry: Entry, why: str) -> None:
        self._refused[entry.name] = entry
        self._retry_at = time.monotonic() + self._settings.retry_seconds
        if self._bad.get(entry.name) != why:
            self._bad[entry.name] = why
            say(f"guest {entry.name}: {why.removeprefix('--')} ({entry.file}); it starts when that is no longer so")
            self._log.add({"event": "guest-rejected", "reason": f"{entry.name}: {why}"[:1000]})

    def _retry(self) -> None:
        """A folder may have been made meanwhile, a path or a CID may have become free."""
        for entry in list(self._refused.values()):
            self._start(entry)

    def _make(self, entry: Entry) -> Served:
        """Everything but the relay. Raises ListenError, and OSError for the log."""
        path = entry.audit or self._settings.audit
        if path not in self._files:
            self._files[path] = AuditFile(path)
        upstream = upstream_for(entry, self._settings.upstream, self._settings.upstream_wait)
        served = Served(entry, [], upstream, self._files[path].log_of(entry.name))
        try:
            if not upstream.path:
                raise address.ListenError("no compositor's path: add upstream = \"/path\", or give --upstream")
            if not entry.listen:
                raise address.ListenError('the file has no listen = ["unix:/path", ...]')
            for uri in entry.listen:
                self._open(uri, served)
        except address.ListenError:
            self._release(served)
            raise
        return served

    def _open(self, uri: str, served: Served) -> None:
        """One of a guest's listeners. Raises ListenError."""
        one = address.parse(uri)
        if isinstance(one, address.VsockAddress) and ("port", one.port) in self._ports:
            port = self._ports["port", one.port]
            port.claim(one.cid, served, port.framing, uri)
            return
        if isinstance(one, address.UnixAddress):
            for other in self._guests.values():  # said without a connection to it, which its guest would see
                if any(listener.path == one.path for listener in other.listeners):
                    raise address.ListenError(f"--listen {uri}: is guest {other.name}'s already")
        for made in listen.open_listeners(one, self._environ):
            if made.sock.family == AF_VSOCK:
                self._share(one, made, served)
                continue
            whose = self._owner_of(made.sock)
            if whose:
                made.sock.close()
                raise address.ListenError(f"--listen {uri}: is guest {whose}'s already")
            served.listeners.append(made)

    def _share(self, one: address.Address, made: Listener, served: Served) -> None:
        """Connections of a vsock port are told apart by their CIDs, here: another guest may come to the same port at any time. Raises
        ListenError."""
        key = ("port", one.port) if isinstance(one, address.VsockAddress) else ("inode", os.fstat(made.sock.fileno()).st_ino)
        port = self._ports.get(key)
        if port is None:
            port = self._ports[key] = SharedPort(made, self._log)
            self._loop.watch(made.sock.fileno(), port.accept)
        else:
            made.sock.close()
        port.claim(made.cid, served, made.framing, made.uri)

    def _owner_of(self, sock: socket.socket) -> str:
        """Which guest has this very socket, "" for none: two guests cannot be told apart on one."""
        inode = os.fstat(sock.fileno()).st_ino
        for served in self._guests.values():
            if any(os.fstat(listener.sock.fileno()).st_ino == inode for listener in served.listeners):
                return served.name
        return ""

    def _fork(self, served: Served) -> None:
        if not self._warm:
            self._warm = True
            warm()
            if self._control is not None:
                from .watch import watching as _watching  # noqa: F401  once confined a relay imports nothing
            self._sessions(served.entry.compiled.data, Usage())  # what that makes once and keeps is made for all
            gc.collect()
            gc.freeze()  # no collector shall write to the pages that all processes share
        settings, entry = self._settings, served.entry
        plan = RelayPlan(served.name, entry.compiled, served.listeners, settings.confine, settings.clients)
        plan.joined = self._control is not None
        plan.framed = any(port.framed_for(served) for port in self._ports.values())
        pid, channel = fork_relay(plan, self._sessions, Watched())
        keeper = Keeper(channel, pid, served.upstream, served.log, self._presence, settings.clients)
        keeper.under(entry.compiled)
        self._loop.watch(keeper.number, keeper.read)
        served.begin(keeper)

    def _tend(self, served: Served, now: float) -> None:
        """What is due for one guest."""
        keeper = served.keeper
        if keeper is not None:
            keeper.tick(now)
            served.settled = served.settled or keeper.ready
            if keeper.gone:
                self._loop.forget(keeper.number)
                served.died()
        if served.keeper is None:
            if served.leaving:
                self._ended(served)
            elif now >= served.restart_at:
                served.log.add({"event": "restart", "reason": "the relay had ended unexpectedly"})
                signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
                self._fork(served)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)

    def _ended(self, served: Served) -> None:
        """A guest is over; what follows it begins."""
        del self._guests[served.name]
        self._release(served)
        if served.following is not None and self._exit_code is None:
            self._start(served.following)
        if self._exit_code is None:
            self._retry()

    def _release(self, served: Served) -> None:
        served.close()
        for key, port in list(self._ports.items()):
            if not port.release(served):
                self._loop.forget(port.sock.fileno())
                port.close()
                del self._ports[key]
        for path, file in list(self._files.items()):
            if not file.used:
                self._loop.forget(self._watched_logs.pop(path, -1))
                file.close()
                del self._files[path]

    # -- what others are told

    def _settle(self) -> None:
        if self._exit_code is not None or self._lines is not None:
            return
        if self._is_ready:
            status = self._status_now()
            if status != self._status:
                self._status = status
                self._settings.notifier.status(status)
        elif all(served.settled for served in self._guests.values()):
            if self._guests and not any(served.keeper is not None and served.keeper.ready for served in self._guests.values()):
                say("none of the guests' relays stays alive")
                self._stop(EXIT_INTERNAL)
                return
            self._is_ready = True
            self._ready_fd = tell_ready(self._ready_fd)
            self._status = self._status_now()
            self._settings.notifier.ready(self._status)

    def _status_now(self) -> str:
        running = [served for served in self._guests.values() if served.keeper is not None and served.keeper.ready]
        parts = [f"serving {len(running)} of {len(self._guests.keys() | self._bad.keys())} guests"]
        parts += [f"{name}: {why}" for name, why in sorted(self._bad.items())[:3]]
        parts += [f"{name} COMPLAINS ONLY, until {until}" for name, until in self._complaining()[:3]]
        if any(served.keeper is not None and served.keeper.missing for served in running):
            parts.append("no compositor yet")
        return "; ".join(parts)

    def _complaining(self) -> list[tuple[str, str]]:
        """The guests whose policies only complain, and until when."""
        return sorted((name, served.subject.mode.until) for name, served in self._guests.items() if served.subject.mode.until)

    # -- the end

    def _end(self) -> int:
        if self._lines is not None:
            self._lines.abandon()
        if self._control is not None:
            self._control.close()
        for port in self._ports.values():
            port.close()
        for file in self._files.values():
            file.close()
        return self._exit_code or 0
