"""A conversation of a guest and a compositor as it can be written down, replayed and cut down.

Promises: `read(write(steps)) == steps`. Trusts: `read` checks the form, because reproducer files are passed around.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from wlproxy.core.fds import MEMFD, READ_WRITE, Fd

FORMAT: Final = 1

SAY: Final = "say"  # one side sends bytes and descriptors
TICK: Final = "tick"  # time passes
END: Final = "end"  # one side closes its end
TRUNCATE: Final = "truncate"  # the guest cuts every file that it still can to nothing
ACTIONS: Final = frozenset((SAY, TICK, END, TRUNCATE))


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a side sends as a descriptor; the fields are those of core.fds.Fd. `sealable` false: F_ADD_SEALS fails on it."""

    kind: int = MEMFD
    access: int = READ_WRITE
    size: int = 4096
    seals: int = 0
    sealable: bool = True

    def fd(self, number: int) -> Fd:
        """As the transport would hand it in."""
        return Fd(number, self.kind, self.access, self.size, self.seals)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens. `cuts`: where in `data` one read ends and the next begins. `seconds`: of a tick."""

    side: int
    data: bytes = b""
    fds: tuple[Descriptor, ...] = ()
    cuts: tuple[int, ...] = ()
    action: str = SAY
    seconds: float = 0.0


def write(steps: list[Step], policy: str, finding: str) -> str:
    """A reproducer file."""
    rows = []
    for step in steps:
        row: dict[str, Any] = {"side": step.side}
        if step.action != SAY:
            row["action"] = step.action
        if step.seconds:
            row["seconds"] = step.seconds
        if step.data:
            row["data"] = step.data.hex(" ", 4)
        if step.fds:
            row["fds"] = [[d.kind, d.access, d.size, d.seals, d.sealable] for d in step.fds]
        if step.cuts:
            row["cuts"] = list(step.cuts)
        rows.append("  " + json.dumps(row))
    head = json.dumps({"format": FORMAT, "policy": policy, "finding": finding})[:-1]
    return head + ', "steps": [\n' + ",\n".join(rows) + "\n]}\n"


def read(text: str) -> tuple[list[Step], str, str]:
    """The steps, the policy's name and the finding of a reproducer file. Raises ValueError."""
    value = json.loads(text)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ValueError("not a conversation of wlproxy fuzz")
    try:
        steps = [
            Step(
                int(row["side"]) & 1,
                bytes.fromhex(row.get("data", "")),
                tuple(Descriptor(int(k), int(a), int(s), int(f), bool(m)) for k, a, s, f, m in row.get("fds", [])),
                tuple(int(c) for c in row.get("cuts", [])),
                str(row.get("action", SAY)),
                float(row.get("seconds", 0)),
            )
            for row in value["steps"]
        ]
        policy, finding = str(value["policy"]), str(value["finding"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a conversation of wlproxy fuzz: {error!r}") from error
    if any(step.action not in ACTIONS for step in steps):
        raise ValueError("a step of the conversation is of no kind known")
    return steps, policy, finding
