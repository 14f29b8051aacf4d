"""What a relay's audit entries come to, counted by the broker for status and metrics, whether or not there is a log.

Promises: bounded, whatever a relay that was taken over says: words that are no names are counted as "other", and so are new ones beyond
MOST_KEYS. An entry is counted once it is written or folded; what the relay dropped in a flood is `dropped` only. Trusts: nothing.
"""

from __future__ import annotations

from typing import Any, Final

from ...core.outcome import TAKEN_BACK, WOULD_DENY

MOST_KEYS: Final = 300
MOST_WORDS: Final = 20
LONGEST: Final = 80
OTHER: Final = "other"
VERDICTS: Final = ("allow", "virtual", "rewrite", WOULD_DENY, "deny")
KINDS: Final = ("refused", "violation", "bind", "rewritten", TAKEN_BACK, WOULD_DENY, "quota")
ENDS: Final = ("guest", "host", "policy", "proxy", "admin")


class Tally:
    """`decisions` by (verdict, kind, interface), `ends` of connections by who ended them; `entries` of the audit log in all. `confined`
    and `unconfined`: what the relay said is in force, and what is not."""

    def __init__(self) -> None:
        self.decisions: dict[tuple[str, str, str], int] = {}
        self.ends: dict[str, int] = {}
        self.quotas = 0
        self.entries = 0
        self.dropped = 0
        self.confined: list[str] = []
        self.unconfined: list[str] = []

    @property
    def refused(self) -> int:
        """All that was denied."""
        return self._counted("deny")

    @property
    def would_deny(self) -> int:
        """All that passed because the policy only complains."""
        return self._counted(WOULD_DENY)

    def _counted(self, wanted: str) -> int:
        return sum(count for (verdict, _, _), count in self.decisions.items() if verdict == wanted)

    def add(self, entry: dict[str, Any]) -> None:
        """One entry as the relay sends it."""
        count = entry.get("count", 1)
        if type(count) is not int or not 0 < count < 1 << 31:
            count = 1
        event = entry.get("event")
        if event == "audit-gap":
            self.dropped += count
            return
        self.entries += count
        if event in ("decision", "rewrite", "transfer") or entry.get("verdict") is not None:
            message, decided = entry.get("message"), entry.get("decided")
            interface = message.get("interface") if isinstance(message, dict) else ""
            kind = decided.get("kind") if isinstance(decided, dict) else ""
            self._decision(one_of(entry.get("verdict"), VERDICTS), one_of(kind, KINDS), word(interface), count)
        elif event == "quota":
            self.quotas += count
        elif event == "disconnect":
            by = one_of(entry.get("ended_by"), ENDS)
            self.ends[by] = self.ends.get(by, 0) + count
        elif event == "confined":
            self.confined = words(entry.get("in_force"))
            self.unconfined = words(entry.get("missing"))

    def _decision(self, verdict: str, kind: str, interface: str, count: int) -> None:
        key = (verdict, kind, interface)
        if key not in self.decisions and len(self.decisions) >= MOST_KEYS:
            key = (verdict, kind, OTHER)
        self.decisions[key] = self.decisions.get(key, 0) + count

    def take_over(self, before: Tally) -> None:
        """Counts on from where a relay before this one ended."""
        for key, count in before.decisions.items():
            self.decisions[key] = self.decisions.get(key, 0) + count
        for by, count in before.ends.items():
            self.ends[by] = self.ends.get(by, 0) + count
        self.quotas += before.quotas
        self.entries += before.entries
        self.dropped += before.dropped


def one_of(value: object, known: tuple[str, ...]) -> str:
    """The word if it is one of these."""
    return value if isinstance(value, str) and value in known else OTHER


def word(value: object) -> str:
    """An interface's name, or what looks like one."""
    if isinstance(value, str) and 0 < len(value) <= LONGEST and value.isascii() and value.replace("_", "").isalnum():
        return value
    return OTHER if value else ""


def words(value: object) -> list[str]:
    """A few texts, printable and cut."""
    found = value if isinstance(value, list) else []
    return ["".join(c if " " <= c <= "~" else "?" for c in str(text)[:LONGEST]) for text in found[:MOST_WORDS]]
