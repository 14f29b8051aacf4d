"""Where a shadow policy would have decided otherwise (shadow.py): counted exactly, written down rarely.

Promises: bounded by what the two policies can differ over; the first of a kind is told at once, then one record in TELL_SECONDS says how
many there were, and `rest` what has not been told yet. Trusts: the session's clock.
"""

from __future__ import annotations

from typing import Final

from .outcome import SHADOW, Record, Told

STRICTER: Final = "stricter"  # the shadow refuses what passes
WIDER: Final = "wider"  # and the other way round
TELL_SECONDS: Final = 60.0

Key = tuple[str, str, int, str, str, str, str]


class Difference:
    """One message over which the policies differ, an example of its kind. `about`: the global that a wl_registry's message is about."""

    def __init__(
        self,
        kind: str,
        policy: str,
        digest: str,
        side: int,
        interface: str,
        message: str,
        about: str,
        object_id: int,
        reason: str,
        rule: str,
    ) -> None:
        self.kind = kind
        self.policy = policy  # the shadow's name ...
        self.digest = digest  # ... and hash
        self.side = side
        self.interface = interface
        self.message = message
        self.about = about
        self.object_id = object_id
        self.reason = reason
        self.rule = rule

    def key(self) -> Key:
        """What is counted together."""
        return (self.digest, self.kind, self.side, self.interface, self.message, self.about, self.rule)


class Counted:
    """How many of a kind have come since the last record, the first and the last of them."""

    def __init__(self) -> None:
        self.example: Difference | None = None
        self.count = 0
        self.first = 0.0
        self.last = 0.0
        self.told_at = -TELL_SECONDS

    def add(self, one: Difference, now: float) -> None:
        """One more."""
        if self.example is None:
            self.example = one
            self.first = now
        self.count += 1
        self.last = now

    def records(self) -> list[Record]:
        """What is to be written down, if anything; from then on it counts anew."""
        one, self.example = self.example, None
        if one is None:
            return []
        told = Record(SHADOW, one.side, one.interface, one.object_id, one.message, one.reason, one.kind, one.rule)
        told.shadow = Told(one.policy, one.digest, one.about, self.count, self.first, self.last)
        self.count = 0
        return [told]


class Differences:
    """All of one guest, over its connections. `stricter` and `wider` count them in all."""

    def __init__(self) -> None:
        self.stricter = 0
        self.wider = 0
        self._counted: dict[Key, Counted] = {}

    def add(self, one: Difference, now: float) -> list[Record]:
        """Counts one more; what is to be written down at once."""
        if one.kind == STRICTER:
            self.stricter += 1
        else:
            self.wider += 1
        counted = self._counted.setdefault(one.key(), Counted())
        counted.add(one, now)
        if now - counted.told_at < TELL_SECONDS:
            return []
        counted.told_at = now
        return counted.records()

    def rest(self) -> list[Record]:
        """Of everything that was counted and not written down yet."""
        return [record for counted in self._counted.values() for record in counted.records()]
