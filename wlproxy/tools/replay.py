"""A recording once more: under the policy it was made with, to read it, or beside another one, to see what would change.

Promises: every message is judged by the very core, twice: by the recorded policy, which the recording brings along, and by the other one.
Nothing is opened but the recording, nothing is connected. Trusts: nothing in the recording.

What a recording cannot tell, and what is done about it
    The host's events were answers to what the recorded policy let through, and the guest spoke of what that policy had shown it. So each
    message is put into the words of the other policy before it is judged there: names of globals, versions bound, serials and
    the compositor's ids are translated by way of what the host called them.
    An object that only one of the policies lets come to be has no past under the other: what is said to it and about it is not judged,
    and counted as such. That includes everything below a global that the other policy hides; of that the bind counts as denied.
    What the other policy shows and the recorded one did not, no program could use: such globals are listed, no more.
    A client that would have been disconnected is judged up to there. A refusal may lead a program to do something else than it did; where
    what it did then makes no sense under the other policy (a violation of the protocol that it did not commit as recorded), its
    conversation parts ways there, and is not judged any further.
    Deadlines, message rates and stalls are not replayed. Of descriptors the facts are known, not the content: memory is taken to be as
    large as a later request says, clipboard data does not flow, a table of dma-buf formats cannot be read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from ..core import wire
from ..core.errors import ConfigError, ConfigErrors
from ..core.fds import F_SEAL_SHRINK, FILE, MEMFD, PIPE, READ_ONLY, READ_WRITE, UNKNOWN, WRITE_ONLY, Fd, Files
from ..core.objects import LIVE, Object
from ..core.outcome import GUEST, HOST, WOULD_DENY
from ..core.quotas import Limits, Usage, limits_of
from ..core.session import Session
from ..core.tables import MISSING, MessageRule, Tables
from ..handlers import load_tables
from ..handlers.registry import Announced, Registry
from ..sidecar.watch import recording
from ..sidecar.watch.stepping import ALLOWED, DENIED, ENDED, HIDDEN, INERT, REWRITTEN, Cutter, Step, Stepped, Watcher, look

PASSED: Final = (ALLOWED, REWRITTEN, WOULD_DENY)
REFUSED: Final = (DENIED, ENDED)
UNKNOWN_SERIAL: Final = 0xFFFF_FFFF
ALL_OF_IT: Final = 1 << 40  # bytes: as large as the guest says
F_SEAL_SEAL: Final = 1  # linux/fcntl.h
NAME, INTERFACE, VERSION, NEW_ID = 0, 1, 2, 3  # wl_registry.bind
PROTOCOL: Final = "built-in: protocol"  # core/session.py: a violation of the protocol, not of the policy
MOST_CONNECTIONS: Final = 65536


class ReplayFiles(Files):
    """Descriptors that are numbers and facts."""

    def __init__(self) -> None:
        self._last = 1 << 20

    def number(self) -> int:
        """One that no other descriptor of this replay has."""
        self._last += 1
        return self._last

    def copy_of(self, fd: Fd, side: int = GUEST) -> Fd:
        """The same facts under a number of its own. Of the host's files the content is what is judged: they are of no known kind."""
        kind = UNKNOWN if side == HOST and fd.kind in (MEMFD, FILE) else fd.kind
        return Fd(self.number(), kind, fd.access, fd.size, fd.seals)

    def seal(self, fd: Fd) -> None:
        if fd.seals >= 0 and not fd.seals & F_SEAL_SEAL:
            fd.seals |= F_SEAL_SHRINK

    def refresh(self, fd: Fd) -> None:
        fd.size = ALL_OF_IT

    def duplicate(self, fd: Fd) -> Fd:
        return self.copy_of(fd)

    def shadow(self, size: int) -> Fd:
        return Fd(self.number(), MEMFD, READ_WRITE, size, F_SEAL_SHRINK)

    def grow(self, fd: Fd, size: int) -> None:
        fd.size = size

    def copy(self, source: Fd, target: Fd, offset: int, length: int) -> bool:
        return offset + length <= source.size

    def private_copy(self, source: Fd, size: int) -> Fd:
        if size > source.size:
            raise OSError("the file is shorter")
        return self.shadow(size)

    def read(self, fd: Fd, size: int) -> bytes:
        raise OSError("a recording has no content of files")

    def pipe(self) -> tuple[Fd, Fd]:
        return Fd(self.number(), PIPE, READ_ONLY), Fd(self.number(), PIPE, WRITE_ONLY)


@contextmanager
def open_recording(path: str) -> Iterator[recording.Reader]:
    """A recording at its first entry. Raises ConfigErrors where the file is none, also for what is wrong in a record later."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigErrors([ConfigError(path, 0, 0, "not a regular file")])
            yield recording.Reader(file.read)
    except recording.RecordingError as error:
        raise ConfigErrors([ConfigError(path, 0, 0, str(error), "made by: wlproxy record, or wlproxy run --record")]) from error
    except OSError as failed:
        if failed.filename != path:
            raise
        raise ConfigErrors([ConfigError(path, 0, 0, failed.strerror or str(failed))]) from failed


def always() -> bool:
    """A policy that complains does so for the whole of a replay."""
    return True


class Judging:
    """One policy over a whole recording: what its sessions share."""

    def __init__(self, compiled: dict[str, Any], files: ReplayFiles, usage: Usage) -> None:
        self.name = str(compiled.get("name", ""))
        self.sha256 = str(compiled.get("sha256", ""))
        self.tables: Tables = load_tables(compiled)
        self.limits: Limits = limits_of(compiled)
        self.usage = usage
        self.files = files

    def session(self) -> Session:
        return Session(self.tables, self.limits, self.files, self.usage, complaining=always)


def judging(body: bytes, files: ReplayFiles, usage: Usage) -> Judging:
    """The policy that a recording holds. Raises RecordingError."""
    try:
        return Judging(recording.policy_of(body), files, usage)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise recording.RecordingError("its policy is not of a form that this version reads") from error


class _Shower(Watcher):
    def __init__(self, play: Decided, connection: int) -> None:
        self._play = play
        self._connection = connection

    def after(self, step: Step) -> None:
        self._play.show(self._play.at, self._connection, step)


class Decided:
    """A recording under its own policy. `show` is told of each message: seconds, connection, what was decided."""

    def __init__(self, show: Callable[[float, int, Step], None]) -> None:
        self.show = show
        self.at = 0.0

    def play(self, reader: recording.Reader) -> None:
        """To the end of it. Raises RecordingError."""
        files, usage = ReplayFiles(), Usage()
        policy: Judging | None = None
        sessions: dict[int, Stepped] = {}
        for entry in reader.entries():
            self.at = entry.at
            if entry.kind == recording.POLICY:
                policy = judging(entry.body, files, usage)
            elif entry.kind == recording.OPEN and policy is not None and len(sessions) < MOST_CONNECTIONS:
                sessions[entry.connection] = Stepped(policy.session(), [_Shower(self, entry.connection)])
            elif entry.kind == recording.CLOSE and entry.connection in sessions:
                sessions.pop(entry.connection).close()
            elif entry.kind == recording.READ and entry.connection in sessions:
                side, data, fds = recording.read_of(entry.body)
                session = sessions[entry.connection]
                session.now = entry.at
                session.receive(side, data, [files.copy_of(fd, side) for fd in fds])


class Group:
    """Messages of one name that one rule decides otherwise: how many, and the first one's time."""

    def __init__(self, message: str, rule: str, reason: str, first: float) -> None:
        self.message = message
        self.rule = rule
        self.reason = reason
        self.first = first
        self.count = 0


class Disconnected:
    """A client that the other policy would have disconnected."""

    def __init__(self, connection: int, at: float, message: str, rule: str, reason: str) -> None:
        self.connection = connection
        self.at = at
        self.message = message
        self.rule = rule
        self.reason = reason


class Report:
    """What would change."""

    def __init__(self) -> None:
        self.messages = 0
        self.clients = 0
        self.same = 0
        self.denied: dict[tuple[str, str], Group] = {}
        self.allowed: dict[tuple[str, str], Group] = {}
        self.complained: dict[tuple[str, str], Group] = {}  # passed, and the other would deny them if it did not only complain
        self.rewritten: dict[tuple[str, str], Group] = {}
        self.untouched: dict[tuple[str, str], Group] = {}  # rewritten as recorded, and passed as they are by the other
        self.not_judged = 0
        self.disconnected: list[Disconnected] = []
        self.parted: list[Disconnected] = []  # judged up to there: what follows would not have been said
        self.hidden: dict[str, None] = {}  # globals that clients were offered and would not be
        self.offered: dict[str, None] = {}  # the other way round

    def add(self, groups: dict[tuple[str, str], Group], step: Step, name: str, at: float) -> None:
        """One message that is decided otherwise."""
        group = groups.get((name, step.origin))
        if group is None:
            group = groups[name, step.origin] = Group(name, step.origin, step.reason, at)
        group.count += 1


def total(groups: dict[tuple[str, str], Group]) -> int:
    """How many messages."""
    return sum(group.count for group in groups.values())


class Pair:
    """One connection under both policies: `a` as recorded, `b` the other. `absent`: client ids whose objects the two do not share."""

    def __init__(self, number: int, a: Session, b: Session) -> None:
        self.number = number
        self.a = a
        self.b = b
        self.absent: set[int] = set()
        self.surfaces: dict[int, int] = {}  # by xdg_surface: its wl_surface
        self.cutters = (Cutter(), Cutter())
        self.pending: tuple[list[Fd], list[Fd]] = ([], [])


class Replay:
    """A recording under its own policy and another one, side by side."""

    def __init__(self, other: dict[str, Any]) -> None:
        self._files = ReplayFiles()
        self._other = Judging(other, self._files, Usage())
        self._recorded_usage = Usage()
        self.report = Report()
        self.recorded = ""  # the recorded policy's name
        self._at = 0.0

    def play(self, reader: recording.Reader) -> Report:
        """To the end of it. Raises RecordingError."""
        policy: Judging | None = None
        pairs: dict[int, Pair] = {}
        for entry in reader.entries():
            self._at = entry.at
            if entry.kind == recording.POLICY:
                policy = judging(entry.body, self._files, self._recorded_usage)
                self.recorded = policy.name
            elif entry.kind == recording.OPEN and policy is not None and len(pairs) < MOST_CONNECTIONS:
                pairs[entry.connection] = Pair(entry.connection, policy.session(), self._other.session())
                self.report.clients += 1
            elif entry.kind == recording.CLOSE and entry.connection in pairs:
                pair = pairs.pop(entry.connection)
                pair.a.close()
                pair.b.close()
            elif entry.kind == recording.READ and entry.connection in pairs:
                self._read(pairs[entry.connection], *recording.read_of(entry.body))
        return self.report

    def _read(self, pair: Pair, side: int, data: bytes, fds: list[Fd]) -> None:
        pair.pending[side].extend(fds)
        for message in pair.cutters[side].messages(data):
            if pair.a.over:
                return
            self.report.messages += 1
            self._message(pair, side, message)

    def _message(self, pair: Pair, side: int, message: bytes) -> None:
        pair.a.now = pair.b.now = self._at
        step = look(pair.a, side, message, pair.pending[side])
        del pair.pending[side][: len(step.fds)]
        args = arguments(step, message)
        translated: bytes | None = None
        denial: Step | None = None
        if not pair.b.over:
            translated, denial = (_Request if side == GUEST else _Event)(pair, step, message, args).translated()
        step.decided(pair.a.receive(side, message, [self._files.copy_of(fd, side) for fd in step.fds]))
        other = denial
        if translated is not None and denial is None:
            other = look(pair.b, side, translated, step.fds)
            other.decided(pair.b.receive(side, translated, [self._files.copy_of(fd, side) for fd in step.fds]))
        if side == GUEST and not pair.a.over and not pair.b.over:
            self._line_up(pair, step, args)
        self._compare(pair, step, other, args)

    def _line_up(self, pair: Pair, step: Step, args: list[object] | None) -> None:
        """A request has created an object: do both policies have it?"""
        new_id = created_by(step.rule, args)
        if new_id == 0 or new_id >= len(pair.a.connection.objects.client):
            return
        of_a = pair.a.connection.objects.client[new_id]
        objects = pair.b.connection.objects
        of_b = objects.client[new_id] if new_id < len(objects.client) else None
        pair.absent.discard(new_id)
        if of_a is None or of_b is None or of_a.ghost != of_b.ghost or of_a.interface != of_b.interface:
            pair.absent.add(new_id)
            if step.interface == "xdg_surface":  # it has its role under one of them only, and its surface a buffer
                pair.absent |= {step.object_id, pair.surfaces.get(step.object_id, 0)}
        elif of_a.interface == "xdg_surface":
            pair.surfaces[new_id] = int(str((args or [0, 0])[1]))
        if of_a is not None and of_b is None:
            objects.create(new_id, pair.b.connection.tables.family("wl_callback").table(1))  # ids stay dense

    def _compare(self, pair: Pair, step: Step, other: Step | None, args: list[object] | None) -> None:
        report = self.report
        name = name_of(step, args)
        if other is None:
            if step.verdict in (INERT, HIDDEN, ENDED):
                report.same += 1
            else:
                report.not_judged += 1
            return
        if pair.b.over and not pair.a.over and other.origin == PROTOCOL and step.verdict in PASSED:
            report.parted.append(Disconnected(pair.number, self._at, name, other.origin, other.reason))
            report.not_judged += 1
            return
        if pair.b.over and not pair.a.over and (other.verdict == ENDED or other.shape == "disconnect"):
            report.disconnected.append(Disconnected(pair.number, self._at, name, other.origin, other.reason))
        if step.interface == "wl_registry" and step.rule is not None and step.rule.name == "global":
            interface = str(args[INTERFACE]) if args else ""
            if step.verdict in PASSED and other.verdict not in PASSED:
                report.hidden[interface] = None
            elif step.verdict not in PASSED and other.verdict in PASSED:
                report.offered[interface] = None
            report.same += 1  # counted by what is bound, not by what is shown
        elif step.verdict in PASSED and other.verdict in REFUSED:
            report.add(report.denied, other, name, self._at)
        elif step.verdict in REFUSED and other.verdict in PASSED:
            report.add(report.allowed, step, name, self._at)
        elif step.verdict in (ALLOWED, REWRITTEN) and other.verdict == WOULD_DENY:
            report.add(report.complained, other, name, self._at)
        elif step.verdict == ALLOWED and other.verdict == REWRITTEN:
            report.add(report.rewritten, other, name, self._at)
        elif step.verdict == REWRITTEN and other.verdict == ALLOWED:
            report.add(report.untouched, step, name, self._at)
        elif step.verdict in PASSED and other.verdict not in PASSED:
            report.not_judged += 1  # about something that is not there
        else:
            report.same += 1


class _Request:
    """A request in the words of the other policy."""

    def __init__(self, pair: Pair, step: Step, message: bytes, args: list[object] | None) -> None:
        self._pair = pair
        self._step = step
        self._message = message
        self._args = list(args or [])
        self._fits = args is not None
        self._a = pair.a.connection
        self._b = pair.b.connection

    def translated(self) -> tuple[bytes | None, Step | None]:
        """The bytes, or None for a message that is not judged; or else what a denial that no session says is like."""
        step = self._step
        rule = step.rule
        new_id = created_by(rule, self._args if self._fits else None)
        if new_id and new_id < len(self._b.objects.client) and new_id not in (0, 1):
            self._free(new_id)
        target = self._known(step.object_id)
        if rule is None and step.interface == "":
            return self._message, None  # to nothing at all
        if target is None:
            if rule is not None and rule.destructor and step.object_id in self._pair.absent:
                self._free(step.object_id)
            return None, None
        if rule is None or not self._fits:
            return self._message, None
        rules = target.requests
        if step.opcode >= len(rules):
            return None, None
        other = rules[step.opcode]
        if other.kind == MISSING:
            newest = f"{target.interface} is offered at version {target.version} at most"
            return None, self._denied(f"needs version {rule.since}", newest)
        for index, letter in enumerate(rule.signature):
            number = self._args[index]
            if letter == wire.OBJECT and isinstance(number, int) and number:
                known = self._known(number)
                if known is None:
                    return None, None
                self._args[index] = known.guest_id
        self._serial(rule, other)
        if rule.interface == "wl_registry" and rule.name == "bind":
            denial = self._bind(target)
            if denial is not None:
                return None, denial
        return wire.encode(target.guest_id, step.opcode, rule.signature, self._args), None

    def _free(self, number: int) -> None:
        """The recorded guest has this id free: then it must be so here."""
        objects = self._b.objects
        if number in self._pair.absent or self._a.objects.of_guest(number) is None:
            for _ in range(8):  # one for each earlier holder whose delete_id is still out
                held = objects.client[number] if number < len(objects.client) else None
                if held is None:
                    return
                if held.stage == LIVE:
                    objects.destroyed_by_guest(held)
                objects.deleted_by_host(number)

    def _known(self, number: int) -> Object | None:
        """The other policy's object for the recorded guest's id; None where the two do not share it."""
        if number in self._pair.absent:
            return None
        if number < wire.SERVER_IDS:
            return self._b.objects.of_guest(number)
        found = self._a.objects.of_guest(number)
        other = None if found is None else self._b.objects.of_host(found.host_id)
        return other if other is not None and other.stage == LIVE else None

    def _serial(self, rule: MessageRule, other: MessageRule) -> None:
        index = max(rule.serial_at, other.serial_at)
        number = self._args[index] if index >= 0 else None
        if not isinstance(number, int):
            return
        host: int | None = number
        if rule.serial_at >= 0:
            host = self._a.serials.host_of(number)
        if other.serial_at >= 0:
            host = None if host is None else self._b.serials.guest_of(host)
        self._args[index] = UNKNOWN_SERIAL if host is None else host

    def _bind(self, registry: Object) -> Step | None:
        recorded = self._a.objects.of_guest(self._step.object_id)
        told = announced(recorded).get(int(str(self._args[NAME])))
        if told is None:
            return None  # a violation under either policy
        note = registry.note
        offered = note.of_host(told.host_name) if isinstance(note, Registry) else None
        if offered is None:
            return self._denied(f"{told.interface} is not offered", f"{told.interface} is not in this policy")
        self._args[NAME] = offered.guest_name
        self._args[VERSION] = min(int(str(self._args[VERSION])), offered.version)
        return None

    def _denied(self, reason: str, rule: str) -> Step:
        step = look(self._pair.b, GUEST, self._message, [])
        step.verdict, step.reason, step.origin = DENIED, reason, rule
        return step


class _Event:
    """An event for the other policy: the host's words are the same, as far as their object is there."""

    def __init__(self, pair: Pair, step: Step, message: bytes, args: list[object] | None) -> None:
        self._pair = pair
        self._step = step
        self._message = message
        self._args = list(args or [])
        self._fits = args is not None

    def translated(self) -> tuple[bytes | None, Step | None]:
        """As of _Request."""
        pair, step = self._pair, self._step
        objects = pair.b.connection.objects
        target = objects.of_host(step.object_id)
        if target is None or step.object_id in pair.absent:
            return None, None
        rule = step.rule
        if rule is not None and (step.opcode >= len(target.events) or target.events[step.opcode].kind == MISSING):
            return None, None  # an event of a version that was not bound there
        if rule is not None and rule.interface == "wl_display" and rule.name == "delete_id" and self._args:
            number = int(str(self._args[0]))
            if number in pair.absent or objects.of_host(number) is None:
                return None, None
        if rule is not None and wire.NEW_ID in rule.signature and self._fits:
            held = objects.by_host.get(int(str(self._args[rule.signature.index(wire.NEW_ID)])))
            if held is not None and held.stage == LIVE:
                objects.destroyed_by_guest(held)  # the recorded policy had it destroyed, unseen
        return self._message, None


def arguments(step: Step, message: bytes) -> list[object] | None:
    """The decoded arguments; None where they do not fit."""
    if step.rule is None or int.from_bytes(message[6:8], "little") != len(message):
        return None
    try:
        return wire.decode(message, 0, len(message), step.rule.signature, [True] * len(step.rule.signature), False)[0]
    except wire.Malformed:
        return None


def created_by(rule: MessageRule | None, args: list[object] | None) -> int:
    """The id that a message creates; 0 for none."""
    if rule is None or args is None or wire.NEW_ID not in rule.signature:
        return 0
    return int(str(args[rule.signature.index(wire.NEW_ID)]))


def announced(registry: Object | None) -> dict[int, Announced]:
    """What a registry has been told, by the guest's names."""
    note = None if registry is None else registry.note
    return note.by_guest if isinstance(note, Registry) else {}


def name_of(step: Step, args: list[object] | None) -> str:
    """The message for a report; of a bind it matters what is bound."""
    if step.rule is None:
        return f"{step.interface or 'unknown object'}, {'request' if step.side == GUEST else 'event'} {step.opcode}"
    name = f"{step.rule.interface}.{step.rule.name}"
    if name == "wl_registry.bind" and args:
        return f"{name}({args[INTERFACE]})"
    return name
