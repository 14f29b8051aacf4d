"""The broker's side of one relay: what it does for that relay's guest, and for no other.

Promises: whatever the relay says on its channel is said for its own guest; it can cost a connection to the compositor, a line of the log
or a second of waiting, never the peace of another guest; it has no more connections to the compositor than the policy allows its guest
clients, which it is not asked for (handed_over.py). No byte of the guest's is read here. Trusts: the policy, the compositor's path, the
parent process whose part this is (broker.py: one relay; supervisor.py: many).
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from typing import Any, Final

from . import channel
from .audit_file import AuditLog
from .compiled import Compiled
from .control.tally import Tally
from .say import say
from .security_context import IN_FORCE
from .upstream import Upstream

STOP_SECONDS: Final = 0.8  # then the relay is killed
END_SECONDS: Final = 0.2  # for the exit of a process that has hung up; nobody else is served meanwhile
PACKETS_PER_TURN: Final = 64
MOST_ASKED: Final = 256  # questions that the relay has not answered

Answer = Callable[[bytes], None]  # b"" where there is none


class Presence:
    """Which compositors an admin knows to be missing: one message when it goes, one when it comes, whatever the number of guests."""

    def __init__(self) -> None:
        self._missing: set[str] = set()

    def missing(self, path: str, message: str) -> None:
        """Says that it is."""
        if path not in self._missing:
            self._missing.add(path)
            say(message)

    def present(self, path: str) -> None:
        """Says that it is there again."""
        if path in self._missing:
            self._missing.discard(path)
            say(f"the compositor is there: {path}")


class Keeper:
    """`ready`: the relay accepts. `answered`: it has said so since this was last made False. `done`: the one connection that there was to
    serve is over. `gone`: the relay has ended, or is about to. `missing`: there is no compositor. `given_up`: some connection got
    none."""

    def __init__(
        self, relay: socket.socket, pid: int, upstream: Upstream, log: AuditLog, presence: Presence, most_clients: int
    ) -> None:
        relay.setblocking(False)
        self.number = relay.fileno()
        self.ready = False
        self.answered = False
        self.done = False
        self.gone = False
        self.missing = False
        self.given_up = False
        self._relay = relay
        self._pid = pid
        self._upstream = upstream
        self._log = log
        self._presence = presence
        self._most_clients = most_clients
        self._clients = (most_clients, "quota: clients")
        self._context = ""
        self._stop_at = 0.0
        self._over = False
        self.pid = pid
        self.tally = Tally()
        self._next_question = 1
        self._questions: dict[int, Answer] = {}
        self._taps: dict[int, Callable[[str], None]] = {}
        upstream.asked.clear()  # by numbers of a relay before this one
        if not upstream.there():
            self._miss()

    @property
    def stopping(self) -> bool:
        """Whether it has been told to end."""
        return self._stop_at > 0

    # -- the relay

    def read(self) -> None:
        """Does what the relay asks for."""
        for _ in range(PACKETS_PER_TURN):
            try:
                data, fds = channel.receive(self._relay)
            except BlockingIOError:
                return
            except OSError:
                data, fds = b"", []
            for fd in fds:
                if fd >= 0:
                    os.close(fd)
            if not data:
                self.gone = True
                return
            try:
                kind, number, text = channel.parts(data)
                if kind == channel.CONNECT:
                    if not self._over:
                        self._connect_for(number)
                elif kind == channel.AUDIT:
                    entry = json.loads(text)
                    if isinstance(entry, dict):
                        self.tally.add(entry)
                        self._log.add(entry)
                elif kind == channel.READY:
                    self.ready = self.answered = True
                elif kind == channel.DONE:
                    self.done = True
                elif kind == channel.TOLD:
                    self._questions.pop(number, ignore)(text)
                elif kind == channel.UNTAPPED:
                    self._taps.pop(number, ignore_text)(text.decode("utf-8", "replace"))
            except (ValueError, RecursionError):
                self._log.add({"event": "internal", "reason": "the relay said something that is no message"})

    def ping(self) -> None:
        """Has the relay say that its loop runs; one that is too busy to be asked is not."""
        self._tell(channel.packet(channel.PING))

    def under(self, compiled: Compiled) -> None:
        """The policy in force from now on."""
        most, rule = compiled.clients
        self._clients = (min(most, self._most_clients), rule)

    def give_policy(self, data: bytes) -> bool:
        """Has the relay put its connections to come under a compiled policy; False where it is too busy to be told."""
        memfd = os.memfd_create("wlproxy-policy", os.MFD_CLOEXEC)
        with open(memfd, "wb") as file:
            file.write(data)
            file.seek(0)
            return self._tell(channel.packet(channel.POLICY), memfd)

    def give_connection(self, fd: int, facts: dict[str, Any]) -> bool:
        """Hands over a connection of its guest's that was accepted here (channel.GIVEN); the descriptor stays the caller's."""
        return self._tell(channel.packet(channel.GIVEN, 0, json.dumps(facts).encode()), fd)

    def ask(self, answer: Answer) -> int:
        """Has the relay say how it is (control/state.py); the number of the question."""
        return self._ask(channel.ASK, b"", answer)

    def end_client(self, client: int, answer: Answer) -> int:
        """Has the relay end one connection; it answers true, or false where there is none."""
        return self._ask(channel.END, str(client).encode(), answer)

    def unask(self, question: int) -> None:
        """Nobody waits for that answer any more."""
        self._questions.pop(question, None)

    def tap(self, how: dict[str, Any], fd: int, over: Callable[[str], None]) -> int:
        """Has the connections to come written to a descriptor, which stays the caller's; the tap's number, 0 where the relay is too busy.
        `over` is called when it is, with the reason."""
        number = self._next_question
        self._next_question += 1
        if not self._tell(channel.packet(channel.TAP, number, json.dumps(how).encode()), fd):
            return 0
        self._taps[number] = over
        return number

    def untap(self, number: int) -> bool:
        """Ends a tap; False where the relay is too busy to be told."""
        return number not in self._taps or self._tell(channel.packet(channel.UNTAP, number))

    def _ask(self, kind: int, text: bytes, answer: Answer) -> int:
        number = self._next_question
        self._next_question += 1
        if len(self._questions) >= MOST_ASKED or not self._tell(channel.packet(kind, number, text)):
            answer(b"")
        else:
            self._questions[number] = answer
        return number

    def _tell(self, data: bytes, fd: int = -1) -> bool:
        try:
            channel.send(self._relay, data, fd)
        except BlockingIOError:
            return False
        except OSError:
            self.gone = True
        return True

    # -- the compositor

    def _miss(self) -> None:
        upstream = self._upstream
        self._presence.missing(upstream.path, upstream.advice() + f"; guests wait up to {upstream.wait:g} s for it")
        if not self.missing:
            self.missing = True
            self._log.add({"event": "upstream", "state": "missing", "path": upstream.path, "reason": upstream.missing})

    def _connect_for(self, number: int) -> None:
        now = time.monotonic()
        upstream = self._upstream
        if len(upstream.asked) >= self._most_clients:  # more than the relay accepts: it has been taken over
            self._tell(channel.packet(channel.REFUSED, number, b"too many connections wait for the compositor"))
            return
        others_wait = bool(upstream.asked and upstream.missing)  # then the next retry serves all
        upstream.asked[number] = now + upstream.wait
        if not others_wait:
            self._connect_all(now)

    def _connect_all(self, now: float) -> None:
        upstream = self._upstream
        for number in list(upstream.asked):
            if upstream.handed_over.reach(self._clients[0]):
                del upstream.asked[number]
                self._one_too_many(number)
                continue
            sock = upstream.connect()
            if sock is None:
                self._miss()
                upstream.retry_after(now)
                break
            if self.missing:
                self.missing = False
                self._log.add({"event": "upstream", "state": "present", "path": upstream.path})
            self._presence.present(upstream.path)
            self._say_context()
            upstream.handed_over.add(sock)  # before the relay can have closed it
            told = self._tell(channel.packet(channel.CONNECT, number), sock.fileno())
            sock.close()
            if not told:
                upstream.retry_after(now)
                break
            del upstream.asked[number]
        for number in upstream.given_up(now):
            self._tell(channel.packet(channel.REFUSED, number, upstream.advice().encode()[:1000]))
            self.given_up = True

    def _one_too_many(self, number: int) -> None:
        """A relay that counts what it holds asks for none beyond the quota."""
        most, rule = self._clients
        why = f"more than {most} connections to the compositor"
        self._log.add({"event": "quota", "client": number, "reason": why, "decided": {"kind": "quota", "rule": rule}})
        self._tell(channel.packet(channel.REFUSED, number, why.encode()))

    def _say_context(self) -> None:
        context = self._upstream.context
        if context is not None and context.state != self._context:
            self._context = context.state
            entry = {"event": "upstream", "state": "security-context", "path": self._upstream.path, "reason": context.state}
            self._log.add(entry | ({"instance": context.instance_id} if context.state == IN_FORCE else {}))

    # -- time and the end

    def next_event(self, now: float) -> float:
        """Seconds until `tick` has something to do; below 0: never."""
        if self.gone:
            return 0.0
        waits = self._upstream.next_event(now)
        if not self._stop_at:
            return waits
        until = max(0.0, self._stop_at - now)
        return until if waits < 0 else min(waits, until)

    def tick(self, now: float) -> None:
        """Does what is due."""
        if self._upstream.asked and now >= self._upstream.retry_at:
            self._connect_all(now)
        if self._stop_at and now >= self._stop_at and not self.gone:
            os.kill(self._pid, signal.SIGKILL)
            self.gone = True

    def stop(self) -> None:
        """Has the relay end, within STOP_SECONDS."""
        if not self._stop_at:
            self._stop_at = time.monotonic() + STOP_SECONDS
            self._tell(channel.packet(channel.STOP))

    def end(self) -> str:
        """Once it is gone: takes its last lines, closes the channel; how the process ended."""
        status = end_of(self._pid)
        self._over = True
        self.gone = False
        while not self.gone:
            self.read()
        self._relay.close()
        questions, self._questions = self._questions, {}
        for answer in questions.values():
            answer(b"")
        taps, self._taps = self._taps, {}
        for over in taps.values():
            over("the relay has ended")
        return status


def ignore(_answer: bytes) -> None:
    """What nobody asked, or waits for."""


def ignore_text(_reason: str) -> None:
    """The end of a tap that is over already."""


def end_of(pid: int) -> str:
    """Waits for a process that is ending, kills it where that takes long, and says how it ended. One that was taken over can hang up and
    live on."""
    pidfd = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    if not poll.poll(END_SECONDS * 1000):
        os.kill(pid, signal.SIGKILL)
    os.close(pidfd)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
