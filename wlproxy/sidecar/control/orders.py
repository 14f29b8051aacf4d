"""What is done for whoever calls on the control socket (server.py), the same for one guest and for many.

    status   {"guest", "brief"}             {"version", "guests": [subject.told | {"relay": state.checked or null}, ...]}
    reload   {"guest", "wait"}              {"guests": [{"guest", "result", "generation", ...}]}; with "wait" once it is known
    kill     {"guest", "client": 0}         the guest, or one connection of it
    trace    {"guest", "payload"} + pipe    connections to come (watch/watching.py); a second line when it is over
    record   {"guest", "redact", "most"} + an empty file

Promises: a guest's name picks that guest and touches no other; a relay that does not answer costs RELAY_SECONDS of the caller's time and
none of a guest's; that somebody looks at a guest, and whether with what it types and shows, is in its audit log. Trusts: the caller.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Mapping
from typing import IO, Any, Final, Protocol

from ... import __version__
from ..forked import Forked
from ..keeper import Keeper
from ..loop import Loop
from . import state
from .server import EXIT_FINDINGS, EXIT_UNKNOWN, EXIT_USAGE, Call
from .subject import Subject

RELAY_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 0.2
MOST_TAPS: Final = 8  # of one guest
RECORD_BYTES: Final = 1 << 30


class Ordered(Protocol):
    """Who carries out what concerns more than one relay's channel: the broker or the supervisor."""

    @property
    def subjects(self) -> Mapping[str, Subject]: ...
    @property
    def not_served(self) -> Mapping[str, str]: ...
    def may_know(self, guest: str) -> bool: ...
    def reload(self, guest: str, caller: Callable[[list[Reloaded]], None] | None) -> None: ...
    def kill(self, guest: str) -> None: ...


class Reloaded:
    """What a reload has come to for one guest. `before` and `after` are compiled policies where they differ."""

    def __init__(
        self, guest: str, result: str, findings: list[str], policy: dict[str, Any] | None = None, before: bytes = b"", after: bytes = b""
    ) -> None:
        self.guest = guest
        self.result = result
        self.findings = findings
        self.policy = policy
        self.before = before
        self.after = after


APPLIED: Final = "applied"
SAME: Final = "unchanged"
KEPT: Final = "kept"  # what is on disk cannot be used: the policy in force stays
STARTS: Final = "starts"
ENDS: Final = "ends"
NOT_SERVED: Final = "not served"


class Comparison(Forked):
    """How much wider and tighter policies have become: a child's work, for the comparison's code is no broker's."""

    def __init__(self, pairs: list[tuple[bytes, bytes]]) -> None:
        def work(out: IO[bytes]) -> None:
            from ...policy.compare import CHANGED, TIGHTER, WIDER, changes

            found = []
            for before, after in pairs:
                kinds = [change.kind for change in changes(json.loads(before), json.loads(after))]
                found.append({"wider": kinds.count(WIDER), "tighter": kinds.count(TIGHTER), "changed": kinds.count(CHANGED)})
            out.write(json.dumps(found).encode())

        super().__init__(work)


class Orders:
    """`obey` is what a Control is given."""

    def __init__(self, ordered: Ordered, loop: Loop) -> None:
        self._ordered = ordered
        self._loop = loop
        self._words: dict[str, Callable[[Call], None]] = {
            "status": self._status,
            "reload": self._reload,
            "kill": self._kill,
            "trace": self._trace,
            "record": self._record,
        }

    def obey(self, call: Call) -> None:
        """Carries out one request."""
        word = self._words.get(call.text("do"))
        if word is None:
            call.refuse(EXIT_USAGE, f"unknown request; there are: {', '.join(self._words)}")
            return
        word(call)

    def _running(self, call: Call) -> tuple[Subject, Keeper] | None:
        """The guest that the request names, with its relay; None where the answer was no."""
        guest = call.text("guest")
        subject = self._ordered.subjects.get(guest)
        if subject is None or subject.keeper is None or not subject.keeper.ready or subject.leaving:
            self._unknown(call, guest)
            return None
        return subject, subject.keeper

    def _unknown(self, call: Call, guest: str) -> None:
        why = self._ordered.not_served.get(guest)
        call.refuse(EXIT_UNKNOWN, f"guest {guest[:80]!a}: " + (f"is not served: {why}" if why else "unknown or not running"))

    # -- looking

    def _status(self, call: Call) -> None:
        guest = call.text("guest")
        subjects, refused = self._ordered.subjects, self._ordered.not_served
        if guest and guest not in subjects and guest not in refused:
            self._unknown(call, guest)
            return
        wanted = [subject for name, subject in sorted(subjects.items()) if guest in ("", name)]
        rest = [
            {"guest": name, "state": NOT_SERVED, "reason": why}
            for name, why in sorted(refused.items())
            if guest in ("", name) and name not in subjects
        ]
        if call.request.get("brief"):
            told = [{"guest": subject.name, "state": subject.state} for subject in wanted]
            call.answer({"version": __version__, "guests": told + rest})
            return
        answers: dict[str, dict[str, Any] | None] = {subject.name: None for subject in wanted}
        open_questions: dict[str, tuple[Keeper, int]] = {}
        whole = False

        def send() -> None:
            for keeper, question in open_questions.values():
                keeper.unask(question)
            told = [subject.told() | {"relay": answers[subject.name]} for subject in wanted]
            for subject, row in zip(wanted, told, strict=True):
                if subject.name in refused:
                    row["reason"] = refused[subject.name]
            call.answer({"version": __version__, "guests": told + rest})

        def answered(name: str, data: bytes) -> None:
            answers[name] = state.checked(data)
            open_questions.pop(name, None)
            if whole and not open_questions:
                send()

        for subject in wanted:
            keeper = subject.keeper
            if keeper is not None and keeper.ready and not keeper.gone:
                open_questions[subject.name] = (keeper, 0)
                question = keeper.ask(lambda data, name=subject.name: answered(name, data))  # type: ignore[misc]
                if subject.name in open_questions:
                    open_questions[subject.name] = (keeper, question)
        whole = True
        if open_questions:
            call.wait(RELAY_SECONDS, send)
        else:
            send()

    # -- changing

    def _reload(self, call: Call) -> None:
        guest = call.text("guest")
        if not self._ordered.may_know(guest):
            self._unknown(call, guest)
            return
        if not call.request.get("wait"):
            self._ordered.reload(guest, None)
            call.answer({"ordered": True, "guests": []})
            return
        self._ordered.reload(guest, lambda outcomes: self._reloaded(call, outcomes))

    def _reloaded(self, call: Call, outcomes: list[Reloaded]) -> None:
        told: list[dict[str, Any]] = []
        for outcome in outcomes:
            row: dict[str, Any] = {"guest": outcome.guest, "result": outcome.result}
            if outcome.policy is not None:
                row["policy"] = outcome.policy
            if outcome.findings:
                row["findings"] = outcome.findings[:100]
            told.append(row)
        different = [number for number, outcome in enumerate(outcomes) if outcome.before and outcome.after]
        if call.over or not different:
            call.answer({"guests": told})
            return
        comparison = Comparison([(outcomes[number].before, outcomes[number].after) for number in different])

        def compared() -> None:
            descriptor = comparison.fd
            if not comparison.read():
                return
            self._loop.forget(descriptor)
            data = comparison.take()
            for number, counts in zip(different, json.loads(data) if data else [], strict=False):
                told[number] |= counts
            call.answer({"guests": told})

        self._loop.watch(comparison.fd, compared)

    def _kill(self, call: Call) -> None:
        client = call.request.get("client", 0)
        guest = call.text("guest")
        subject = self._ordered.subjects.get(guest)
        if type(client) is not int or client < 0:
            call.refuse(EXIT_USAGE, "a client is a number from 1 up")
        elif subject is None or subject.leaving:
            self._unknown(call, guest)
        elif not client:
            subject.log.add({"event": "kill", "reason": "by way of the control socket", "uid": call.uid})
            call.answer({"killed": guest})
            self._ordered.kill(guest)
        else:
            found = self._running(call)
            if found is not None:
                self._end_client(call, *found, client)

    def _end_client(self, call: Call, subject: Subject, keeper: Keeper, client: int) -> None:
        def answered(data: bytes) -> None:
            if data == b"true":
                subject.log.add({"event": "kill", "client": client, "reason": "by way of the control socket", "uid": call.uid})
                call.answer({"killed": subject.name, "client": client})
            elif data:
                call.refuse(EXIT_UNKNOWN, f"guest {subject.name}: client {client} is not connected")
            else:
                late()

        def late() -> None:
            keeper.unask(question)
            call.refuse(EXIT_FINDINGS, f"guest {subject.name}: its relay did not answer within {RELAY_SECONDS:g} s")

        question = 0
        call.wait(RELAY_SECONDS, late)
        question = keeper.end_client(client, answered)

    # -- joining

    def _trace(self, call: Call) -> None:
        found = self._running(call)
        if found is None or not self._may_join(call, found[0]):
            return
        if not stat.S_ISFIFO(os.fstat(call.fd).st_mode):
            call.refuse(EXIT_USAGE, "a trace goes to a pipe")
            return
        payload = call.request.get("payload") is True
        os.set_blocking(call.fd, False)  # it is the relay that would block
        self._join(call, *found, {"kind": "trace", "payload": payload}, {"event": "trace", "payload": payload})

    def _record(self, call: Call) -> None:
        found = self._running(call)
        if found is None or not self._may_join(call, found[0]):
            return
        redact, most = call.request.get("redact") is True, call.request.get("most", RECORD_BYTES)
        facts = os.fstat(call.fd)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size:
            call.refuse(EXIT_USAGE, "a recording goes to an empty regular file")
            return
        if type(most) is not int or most <= 0:
            call.refuse(EXIT_USAGE, "the most bytes of a recording are a number from 1 up")
            return
        subject = found[0]
        head = beginning(subject, redact)
        try:
            if os.write(call.fd, head) < len(head):
                raise OSError(28, os.strerror(28))
        except OSError as error:
            call.refuse(EXIT_FINDINGS, f"the recording cannot be begun: {error.strerror}")
            return
        how = {"kind": "record", "redact": redact, "most": most, "size": len(head)}
        self._join(call, *found, how, {"event": "recording", "redacted": redact})

    def _may_join(self, call: Call, subject: Subject) -> bool:
        if call.fd < 0:
            call.refuse(EXIT_USAGE, "no descriptor to write to came with the request")
        elif subject.taps >= MOST_TAPS:
            call.refuse(EXIT_FINDINGS, f"guest {subject.name}: {MOST_TAPS} traces and recordings have joined already")
        else:
            return True
        return False

    def _join(self, call: Call, subject: Subject, keeper: Keeper, how: dict[str, Any], entry: dict[str, Any]) -> None:
        said = False

        def over(reason: str) -> None:
            nonlocal said
            said = True
            subject.taps -= 1
            subject.log.add(entry | {"state": "ended", "joined": True, "reason": reason or "as was asked"})
            call.answer({"over": reason})

        def leave() -> None:
            if not said and not keeper.untap(number):
                call.wait(RETRY_SECONDS, leave)

        number = keeper.tap(how, call.fd, over)
        call.close_fd()
        if not number:
            call.refuse(EXIT_FINDINGS, f"guest {subject.name}: its relay is too busy: try again")
            return
        subject.taps += 1
        subject.log.add(entry | {"state": "started", "joined": True, "uid": call.uid})
        call.hung_up = leave
        call.answer({"joined": subject.name, "policy": subject.policy}, last=False)


def beginning(subject: Subject, redact: bool) -> bytes:
    """What a recording begins with: its header, and the policy in force."""
    from ..watch import recording

    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    header = recording.header_body(recording.Header(subject.name, started, redact, __version__))
    policy = recording.policy_body(subject.compiled.data)
    return recording.beginning() + recording.record(recording.HEADER, 0.0, 0, header) + recording.record(recording.POLICY, 0.0, 0, policy)
