"""A sidecar whose sessions pass everything on, run as a process of its own: python -P tests/sidecar/passing.py JSON

A read that begins with a word in capitals makes the session do what its name says. "framing" overrides what the listeners' URIs say:
these sessions carry bytes of any kind. "real" has sessions as ever instead. "stranger_cid" makes Unix listeners ask for a CID, which no
Unix peer has.
"""

from __future__ import annotations

import json
import os
import sys

from wlproxy.core.fds import Fd
from wlproxy.core.outcome import Outcome, Parcel, Record
from wlproxy.core.quotas import Limits, Usage
from wlproxy.sidecar import listen, notify
from wlproxy.sidecar.address import Address
from wlproxy.sidecar.compilation import Compilation
from wlproxy.sidecar.listener import Listener
from wlproxy.sidecar.relay.relay import NewSession
from wlproxy.sidecar.start import Settings, serve


class Passing:
    """Hands on what comes; see `receive` for the exceptions."""

    def __init__(self) -> None:
        self.now = 0.0
        self._held: list[Fd] = []
        self._messages = [0, 0]
        self._deaf = False
        self._tells = False  # the compositor, when that changes

    @property
    def waiting(self) -> bool:
        return False

    def receive(self, side: int, data: bytes, fds: list[Fd]) -> Outcome:
        self._messages[side] += 1
        outcome = self._answer(side, data, fds)
        outcome.cost = 1
        return outcome

    def _answer(self, side: int, data: bytes, fds: list[Fd]) -> Outcome:
        if data.startswith(b"BUG"):
            raise KeyError("a bug of ours")
        if data.startswith(b"HOLD"):
            self._held.extend(fds)
            return Outcome([], [], [], [], "")
        if data.startswith(b"DISCARD"):
            return Outcome([], [], fds, [], "")
        if data.startswith(b"ALARM"):
            return Outcome([], [], [], [], "", alarm=0.2)
        if data.startswith(b"DEAF"):
            self._tells = True
            return Outcome([], [], [], [], "")
        if data.startswith(b"STIR"):
            return Outcome([], [], [], [], "", stirs=True)
        if data.startswith(b"REFUSE"):
            records = [Record("refused", side, "wl_shm", 4, "create_pool", f"why {n}\x1b[31m", "disconnect", "t:1") for n in range(3)]
            return Outcome([], [], fds, records + records, "")
        if data.startswith(b"FAREWELL"):
            return Outcome([Parcel(b"error" * 1000, [])], [Parcel(b"last", [])], fds, [], "enough")
        if data.startswith(b"SPLIT"):
            parcels = [Parcel(data[:5], []), Parcel(data[5:], fds)]
        elif data.startswith(b"FACTS"):
            text = json.dumps([[fd.kind, fd.access, fd.size, fd.seals] for fd in fds]).encode()
            return Outcome([Parcel(text, [])], [], fds, [], "")
        else:
            parcels = [Parcel(data, fds[:28])] + [Parcel(b"+", fds[n : n + 28]) for n in range(28, len(fds), 28)]
        return Outcome([], parcels, [], [], "") if side == 0 else Outcome(parcels, [], [], [], "")

    def end_of_stream(self, side: int) -> Outcome:
        return Outcome([], [], [], [], "")

    def refuse(self, reason: str, rule: str) -> Outcome:
        return Outcome([], [], [], [Record("violation", 0, "", 0, "", reason, "disconnect", rule)], reason)

    def tick(self, now: float, deaf: bool = False) -> Outcome:
        if deaf == self._deaf:
            return Outcome([], [Parcel(b"asked", [])], [], [], "")
        self._deaf = deaf
        return Outcome([], [Parcel(b"deaf!" if deaf else b"hears", [])] if self._tells else [], [], [], "")

    def messages(self, side: int) -> int:
        return self._messages[side]

    def close(self) -> list[Fd]:
        held, self._held = self._held, []
        return held


def change_listeners(framing: str, cid: int) -> None:
    """Has the listeners say something else than their URIs, once they are open."""
    really = listen.open_listeners

    def changed(of: Address, environ: dict[str, str]) -> list[Listener]:
        opened = really(of, environ)
        for made in opened:
            made.framing = framing or made.framing
            made.cid = cid or made.cid
        return opened

    listen.open_listeners = changed


def main() -> int:
    given = json.loads(sys.argv[1])
    policy = given.pop("policy")
    change_listeners(given.pop("framing", ""), given.pop("stranger_cid", 0))
    compilation = Compilation(policy, {}, shadow=given.pop("shadow", ""))
    settings = Settings(given.pop("listen"), given.pop("upstream"), compilation)
    rates = {name: tuple(value) if isinstance(value, list) else value for name, value in given.pop("limits", {}).items()}
    limits = Limits(**{"connects": (0.0, 0.0), "messages": (0.0, 0.0)} | rates)

    def passing_sessions(compiled: bytes, usage: Usage) -> tuple[NewSession, Limits]:
        return lambda *_: Passing(), limits

    real = given.pop("real", False)
    settings.notifier = notify.take(os.environ)
    for name, value in given.items():
        setattr(settings, name, value)
    return serve(settings) if real else serve(settings, passing_sessions)


if __name__ == "__main__":
    sys.exit(main())
