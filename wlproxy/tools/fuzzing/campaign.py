"""A campaign: conversation after conversation under one policy, findings told apart and cut down.

Promises: deterministic for a seed, apart from when the time is over; one finding of a kind. Trusts: the drive's oracles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from wlproxy.core.fds import Fd
from wlproxy.core.protocol import Interface
from wlproxy.core.quotas import Limits
from wlproxy.core.tables import Tables
from wlproxy.policy.compile import global_names

from .choices import Choices, from_seed
from .conversation import Step
from .drive import Drive, Finding
from .generate import Generator
from .minimise import minimise
from .mutate import disordered, in_pieces, joined
from .policies import DESKTOP
from .reference import Peer

MOST_STEPS: Final = 120
TIGHT: Final = Limits(message_bytes=4096, objects=40, unclaimed_fds=8, fds_per_parcel=3)


@dataclass
class Found:
    """One finding, cut down; `times` it came up."""

    finding: Finding
    steps: list[Step]
    tight: bool
    times: int = 1


@dataclass
class Campaign:
    """Counts what was tried; `findings` by key."""

    tables: Tables
    interfaces: Mapping[str, Interface]
    executions: int = 0
    messages: int = 0
    bytes: int = 0
    ended: int = 0
    findings: dict[str, Found] = field(default_factory=dict)

    def __post_init__(self) -> None:
        offered = sorted(global_names(self.interfaces))
        self._offered = [n for n in offered if n in self.tables.globals] * 3 + offered
        self._offered += [n for n in DESKTOP if n in offered] * (len(self._offered) // len(DESKTOP))  # handlers look at these
        self._tight = False

    def seeds(self, first: int) -> Iterator[None]:
        """One conversation and its variations for each step of the iterator, without end."""
        seed = first
        while True:
            self.one(from_seed(seed))
            seed += 1
            yield

    def one(self, choices: Choices) -> list[Step]:
        """A conversation, said again joined, in pieces and out of order. Returns its steps."""
        self._tight = choices.one_in(6)
        steps, drive = self.generate(choices)
        if drive is None or choices.spent():
            return steps
        kind = choices.below(4)
        if kind == 0:
            self._same(drive, joined(steps), "joined")
        elif kind == 1:
            self._same(drive, in_pieces(steps, choices), "in pieces")
        elif kind == 2:
            self.replay(disordered(steps, choices))
        return steps

    def drive(self) -> Drive:
        """A new session with its peers."""
        return Drive(self.tables, self.interfaces, TIGHT if self._tight else None)

    def generate(self, choices: Choices) -> tuple[list[Step], Drive | None]:
        """Makes up a conversation while it is played; without the drive where that came to a finding."""
        drive = self.drive()
        generator = Generator(choices, self.interfaces, self._offered)
        steps: list[Step] = []
        self.executions += 1
        try:
            while len(steps) < MOST_STEPS and not drive.over and not (choices.spent() and len(steps) > 2):
                steps.append(generator.step(drive))
                drive.play(steps[-1])
            drive.finish()
        except Finding as finding:
            self._found(finding, steps)
            return steps, None
        finally:
            self._count(drive, steps)
        return steps, drive

    def replay(self, steps: list[Step]) -> Drive | None:
        """Plays a conversation that is there already."""
        drive = self.drive()
        self.executions += 1
        try:
            play(drive, steps)
        except Finding as finding:
            self._found(finding, steps)
            return None
        finally:
            self._count(drive, steps)
        return drive

    def _count(self, drive: Drive, steps: list[Step]) -> None:
        self.messages += len(drive.guest.heard) + len(drive.host.heard)
        self.bytes += sum(len(step.data) for step in steps)
        self.ended += bool(drive.farewell)

    def _same(self, first: Drive, others: list[Step], how: str) -> None:
        """Chunking must change nothing that either peer can see."""
        second = self.replay(others)
        # Said in one read, an id may be used again before its holder was ended: then a peer cannot follow. And how many descriptors
        # may wait is counted at the end of a read: those ends do depend on it.
        followed = second is not None and not second.lost and second.honest and first.honest
        if second is not None and followed and not any("descriptor" in d.farewell for d in (first, second)):
            difference = unlike(first, second)
            if difference:
                self._found(Finding("chunks", f"{how}: {difference}"), others)

    def _found(self, finding: Finding, steps: list[Step]) -> None:
        known = self.findings.get(finding.key)
        if known is not None:
            known.times += 1
            return
        cut = steps
        if finding.oracle != "chunks":
            cut = minimise(steps, still(self.drive, finding.key))
        self.findings[finding.key] = Found(finding, cut, self._tight)


def play(drive: Drive, steps: list[Step]) -> None:
    """Plays to the end of the session. Raises Finding."""
    for step in steps:
        if drive.over:
            break
        drive.play(step)
    drive.finish()


def still(drive: Callable[[], Drive], key: str) -> Callable[[list[Step]], bool]:
    """Whether steps come to the same finding."""

    def fails(steps: list[Step]) -> bool:
        try:
            play(drive(), steps)
        except Finding as finding:
            return finding.key == key
        return False

    return fails


def shown(argument: object) -> object:
    """An argument as it compares: descriptors have other numbers each time."""
    return (argument.kind, argument.access) if isinstance(argument, Fd) else argument


def unlike(first: Drive, second: Drive) -> str:
    """The first difference between what the peers of two drives were told, "" where there is none."""
    pairs: tuple[tuple[str, Peer, Peer], ...] = (("guest", first.guest, second.guest), ("host", first.host, second.host))
    for name, one, other in pairs:
        heard = [[(h.object_id, h.interface, h.message.name, [shown(a) for a in h.args]) for h in p.heard] for p in (one, other)]
        if heard[0] != heard[1]:
            at = next((i for i, (a, b) in enumerate(zip(*heard, strict=False)) if a != b), min(map(len, heard)))
            return f"{name} was told {heard[0][at : at + 1]} and {heard[1][at : at + 1]} as message {at}"
    return "" if bool(first.farewell) == bool(second.farewell) else "only one of them ended"
