"""Where a shadow policy would have decided otherwise than the one in force, added up from audit logs.

Promises: any file gives a report or `NoEvent` (audit_log.py); counts are of the messages that the sidecar counted, and where lines are
missing from a log (audit-gap) the report says that there may be more. Only a guest's youngest shadow is counted, unless all are asked
for: what an earlier version of it would have done is no word on the one at hand. Trusts: nothing in the logs.
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..core.differences import STRICTER, WIDER
from ..core.outcome import SHADOW

KINDS: Final = (STRICTER, WIDER)
LOADED: Final = "policy-load"
GAP: Final = "audit-gap"
LARGEST: Final = 1 << 53
LONGEST_SECONDS: Final = 366 * 86400

Key = tuple[str, str, str, str, str]


@dataclass(slots=True)
class Row:
    """Messages of one name that one rule decides otherwise. `would_be` stricter or wider; `first` and `last` as the log writes times."""

    would_be: str
    message: str
    rule: str
    count: int = 0
    first: str = ""
    last: str = ""
    example: str = ""


@dataclass(slots=True)
class Beside:
    """One shadow policy of one guest: name and hash, the rows, the policy in force when it was last heard of."""

    guest: str
    policy: str
    sha256: str
    in_force: str = ""
    rows: dict[Key, Row] = field(default_factory=dict)

    def total(self, would_be: str) -> int:
        """How many messages."""
        return sum(row.count for row in self.rows.values() if row.would_be == would_be)

    def ordered(self) -> list[Row]:
        """The most frequent first."""
        return sorted(self.rows.values(), key=lambda row: (-row.count, row.would_be, row.message, row.rule))


@dataclass(slots=True)
class Report:
    """`beside`: those that are counted; `older`: how many messages of versions that are not; `lost`: lines that the logs lack."""

    beside: list[Beside]
    older: int
    lost: int


def report_of(entries: Iterable[Mapping[str, Any]], guest: str = "", every: bool = False) -> Report:
    """What the entries of audit logs come to, for one guest or, with "", for all. `every`: also of earlier versions of a shadow."""
    found: dict[tuple[str, str, str], Beside] = {}
    youngest: dict[str, tuple[str, tuple[str, str, str]]] = {}  # by guest: the time, and whose
    lost = 0
    for entry in entries:
        name = text(entry.get("guest"))
        if guest not in ("", name):
            continue
        if entry.get("event") == GAP:
            lost += number(entry.get("count"))
        told = entry.get("shadow")
        if entry.get("event") not in (SHADOW, LOADED) or not isinstance(told, dict):
            continue
        key = (name, text(told.get("policy")), text(told.get("sha256")))
        if not all(key):
            continue  # no sidecar wrote that
        beside = found.setdefault(key, Beside(*key))
        policy = entry.get("policy")
        beside.in_force = text(policy.get("name")) if isinstance(policy, dict) else beside.in_force
        youngest[name] = max(youngest.get(name, ("", key)), (text(entry.get("ts")), key), key=lambda pair: pair[0])
        if entry["event"] == SHADOW:
            add(beside, entry, told)
    wanted = [one for key, one in found.items() if every or youngest[one.guest][1] == key]
    older = sum(one.total(kind) for one in found.values() if one not in wanted for kind in KINDS)
    return Report(sorted(wanted, key=lambda one: (one.guest, one.policy, one.sha256)), older, lost)


def add(beside: Beside, entry: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    """One entry's messages."""
    message, decided = entry.get("message"), entry.get("decided")
    if told.get("would_be") not in KINDS or not isinstance(message, dict) or not isinstance(decided, dict):
        return
    interface, name, about = text(message.get("interface")), text(message.get("name")), text(message.get("global"))
    label = f"{interface}.{name}({about})" if about else f"{interface}.{name}"
    would_be, rule = str(told["would_be"]), text(decided.get("rule"))
    row = beside.rows.setdefault((would_be, interface, name, about, rule), Row(would_be, label, rule))
    row.count += number(entry.get("count"))
    first, last = moment(entry, "first"), moment(entry, "last")
    if not row.first or first < row.first:
        row.first = first
        row.example = f"{interface}#{number(message.get('object'))}.{name}: {text(entry.get('reason'))}"
    row.last = max(row.last, last)


def moment(entry: Mapping[str, Any], key: str) -> str:
    """A time on the clock of `mono` as one of day, to the second; the line's own where it cannot be told."""
    stamp, mono, then = text(entry.get("ts"))[:19], entry.get("mono"), entry.get(key)
    try:
        written = calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%S"))
    except (ValueError, OverflowError):
        return stamp
    if not isinstance(mono, int | float) or not isinstance(then, int | float) or not 0 <= mono - then < LONGEST_SECONDS:
        return stamp
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(written - (mono - then)))


def text(value: object) -> str:
    """A text of an entry, cut."""
    return value[:200] if isinstance(value, str) else ""


def number(value: object) -> int:
    """A count of an entry."""
    return value if type(value) is int and 0 <= value < LARGEST else 0
