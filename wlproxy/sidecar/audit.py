"""Audit entries: what they look like, and how a flood of them is kept from filling a disk.

Promises: an entry is one line of JSON in ASCII; a peer's text in it is escaped and cut; what was typed or copied is in none. At most
LINES_PER_SECOND a second for a guest, BURST_LINES more after a quiet time (a toolkit's start is some forty); equal entries within a
second are folded into one with a count, what goes beyond that is counted in an "audit-gap".
Trusts: `Record.rule` and `verdict` (the policy's and our own words).

The relay makes the entry; the broker, which the guest cannot reach, adds version, time, guest and policy (`line`), so that even a
relay taken over cannot write in another guest's name. Fields are only ever added.
"""

from __future__ import annotations

import json
from typing import Any, Final

from ..core.outcome import ALL, DECISIONS, SHADOW, TAKEN_BACK, WOULD_DENY, Record, Told

VERSION: Final = 1
LINES_PER_SECOND: Final = 20
BURST_LINES: Final = 300
TEXT_CHARACTERS: Final = 200
PREVIEW_CHARACTERS: Final = 64  # of what the guest calls a window, where the policy has it recorded
DIRECTIONS: Final = ("request", "event")  # by side: guest, host
GIVEN: Final = ("allow", "virtual")  # verdicts under which the guest has what it asked for
REFUSALS: Final = ("deny", WOULD_DENY)
DECISION: Final = "decision"
REWRITE: Final = "rewrite"
EVENTS: Final = dict.fromkeys(("refused", "violation", "bind", TAKEN_BACK, WOULD_DENY), DECISION) | {"rewritten": REWRITE}
VERDICTS: Final = {"rewritten": REWRITE, WOULD_DENY: WOULD_DENY}  # by what the session calls it


def plain(text: str, most: int = TEXT_CHARACTERS) -> str:
    """A peer's text for an admin's terminal: printable ASCII, everything else as an escape, cut."""
    safe = text[:most].encode("unicode_escape").decode("ascii")
    return safe if len(safe) <= most and len(text) <= most else safe[: most - 3] + "..."


def entry_of(record: Record, client: int, peer: dict[str, Any]) -> dict[str, Any]:
    """The entry for one of the session's records; `peer` as listener.peer_of has it."""
    if record.shadow is not None:
        return shadow_entry(record, record.shadow)
    entry: dict[str, Any] = {
        "event": EVENTS.get(record.event, record.event),
        "client": client,
        "peer": peer,
        "verdict": VERDICTS.get(record.event) or (record.verdict if record.verdict in GIVEN else "deny"),
        "reason": plain(record.reason),
        "decided": {"kind": record.event, "rule": plain(record.rule)},
    }
    if entry["verdict"] in REFUSALS:
        entry["deny_as"] = record.verdict
    if record.interface or record.message:
        entry["message"] = {
            "dir": DIRECTIONS[record.side],
            "interface": plain(record.interface),
            "object": record.object_id,
            "name": plain(record.message),
        }
        if record.said:
            entry["message"]["said"] = plain(record.said, PREVIEW_CHARACTERS)
    return entry


def shadow_entry(record: Record, told: Told) -> dict[str, Any]:
    """The entry for messages of one kind that a shadow policy would have decided otherwise: how many there were since the entry before, and
    the first of them as an example. It is about all connections of the guest. `first` and `last` are on the clock of `mono`."""
    message: dict[str, Any] = {
        "dir": DIRECTIONS[record.side],
        "interface": plain(record.interface),
        "object": record.object_id,
        "name": plain(record.message),
    }
    if told.about:
        message["global"] = plain(told.about)
    return {
        "event": SHADOW,
        "shadow": {"policy": plain(told.policy), "sha256": plain(told.digest), "would_be": record.verdict},
        "reason": plain(record.reason),
        "decided": {"kind": SHADOW, "rule": plain(record.rule)},
        "message": message,
        "count": int(told.count),
        "first": round(told.first, 6),
        "last": round(told.last, 6),
    }


def wanted(entry: dict[str, Any], record: str) -> bool:
    """Whether an entry is to be written where so much is recorded. A refusal always is, and what would have been one."""
    event = entry.get("event")
    if record == ALL or entry.get("verdict") in REFUSALS or event not in (DECISION, REWRITE):
        return True
    return record == DECISIONS and event == DECISION


def quota_entry(rule: str, client: int, peer: dict[str, Any], reason: str) -> dict[str, Any]:
    """The entry for a quota of the policy that has taken effect; `rule` as Limits.rule has it."""
    return {"event": "quota", "client": client, "peer": peer, "reason": reason, "decided": {"kind": "quota", "rule": rule}}


def encode(entry: dict[str, Any]) -> bytes:
    """One line without its end."""
    return json.dumps(entry, separators=(",", ":"), ensure_ascii=True).encode("ascii")


class Folder:
    """Decides which entries become lines. `add` and `tick` return the lines to write now; times are monotonic seconds."""

    def __init__(self) -> None:
        self.pending = False  # a window is open: `tick` must be called
        self._until = 0.0
        self._room = [float(BURST_LINES)] * 3  # lines that may still be written, by `room_for`
        self._room_at = 0.0
        self._repeats: dict[bytes, int] = {}
        self._dropped = 0

    def add(self, entry: dict[str, Any], now: float) -> list[bytes]:
        """Takes one entry."""
        lines = self.tick(now)
        if not self.pending:
            self.pending = True
            self._until = now + 1.0
            gained = (now - self._room_at) * LINES_PER_SECOND
            self._room = [min(BURST_LINES, room + gained) for room in self._room]
            self._room_at = now
        line = encode(entry)
        kind = room_for(entry)
        if line in self._repeats:
            self._repeats[line] += 1
        elif self._room[kind] >= 1:
            self._room[kind] -= 1
            self._repeats[line] = 0
            lines.append(line)
        else:
            self._dropped += 1
        return lines

    def tick(self, now: float) -> list[bytes]:
        """Closes the window when its second is over."""
        if not self.pending or now < self._until:
            return []
        return self.flush()

    def flush(self) -> list[bytes]:
        """Closes the window."""
        lines = [line[:-1] + b',"count":%d}' % count for line, count in self._repeats.items() if count]
        if self._dropped:
            lines.append(encode({"event": "audit-gap", "count": self._dropped, "reason": f"more than {LINES_PER_SECOND} lines a second"}))
        self.pending = False
        self._repeats = {}
        self._dropped = 0
        return lines


def room_for(entry: dict[str, Any]) -> int:
    """What an entry competes with for its place: cheap binds must not crowd out refusals."""
    verdict = entry.get("verdict")
    if verdict in (*GIVEN, REWRITE):
        return 0
    if verdict == WOULD_DENY or entry["event"] == SHADOW:
        return 1
    return 2


def line(entry: dict[str, Any], stamp: str, mono: float, guest: str, policy: dict[str, str], event_id: str = "") -> bytes:
    """The finished line: what the broker vouches for goes over whatever the entry says of it."""
    vouched: dict[str, Any] = {"v": VERSION, "id": event_id, "ts": stamp, "mono": round(mono, 6)}
    whole = vouched | entry | vouched | {"guest": guest, "policy": policy}
    return encode(whole) + b"\n"


DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def short(number: int) -> str:
    """A number in base 36."""
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = DIGITS[digit] + text
    return text or "0"
