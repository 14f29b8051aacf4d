"""What the broker's side knows of one guest, for whoever asks over the control socket: its policy and since when, its relay, what was
counted. It outlives the relay. No behaviour but to put that into words (`told`).
"""

from __future__ import annotations

import json
import time
from typing import Any

from ..audit_file import AuditLog
from ..compiled import Compiled
from ..keeper import Keeper
from ..mode import Mode
from ..upstream import Upstream
from .tally import Tally


class Subject:
    """`generation` counts the policies it has been under since it was started, `compiled` is the one in force; `kept`: how often a reload
    came to nothing. `keeper` is None while there is no relay. `taps`: how many record or trace it by way of the control socket."""

    def __init__(self, name: str, listen: list[str], upstream: Upstream, log: AuditLog, compiled: Compiled) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self.log = log
        self.compiled = compiled
        self.generation = 1
        self.kept = 0
        self.reloaded_at = 0.0
        self.since = time.time()
        self.restarts = 0
        self.leaving = False
        self.taps = 0
        self.keeper: Keeper | None = None
        self.mode = Mode(name, log)
        self._before = Tally()  # of relays that are gone

    def begin(self, keeper: Keeper) -> None:
        """It has a relay, perhaps another one."""
        self.keeper = keeper

    def died(self) -> None:
        """It has none."""
        if self.keeper is not None:
            self._before.take_over(self.keeper.tally)
            self.keeper = None
            self.restarts += 1

    def under(self, compiled: Compiled) -> None:
        """A reload has put it under this policy."""
        self.reloaded_at = time.time()
        if compiled.sha256 != self.compiled.sha256:
            self.generation += 1
        self.compiled = compiled

    def keeps(self) -> None:
        """A reload came to nothing: the policy in force stays."""
        self.kept += 1
        self.reloaded_at = time.time()

    @property
    def state(self) -> str:
        """In a word."""
        if self.leaving or (self.keeper is not None and self.keeper.stopping):
            return "ending"
        if self.keeper is None:
            return "restarting"
        return "running" if self.keeper.ready else "starting"

    @property
    def policy(self) -> dict[str, Any]:
        """Which one is in force."""
        return {"name": self.compiled.name, "generation": self.generation, "sha256": self.compiled.sha256}

    def told(self) -> dict[str, Any]:
        """For status and metrics, but for what only the relay knows."""
        tally = Tally()
        tally.take_over(self._before)
        keeper, upstream = self.keeper, self.upstream
        if keeper is not None:
            tally.take_over(keeper.tally)
        return {
            "guest": self.name,
            "state": self.state,
            "policy": self.policy,
            "mode": "complain" if self.mode.until else "transparent" if transparent(self.compiled.data) else "enforce",
            "until": self.mode.until,
            "shadow": self.compiled.shadow,
            "seconds": max(0, int(time.time() - self.since)),
            "restarts": self.restarts,
            "listen": self.listen,
            "upstream": {
                "path": upstream.path,
                "missing": keeper is not None and keeper.missing,
                "security_context": "" if upstream.context is None else upstream.context.state,
            },
            "confined": [] if keeper is None else keeper.tally.confined,
            "unconfined": [] if keeper is None else keeper.tally.unconfined,
            "refused": tally.refused,
            "would_deny": tally.would_deny,
            "quota_exceeded": tally.quotas,
            "decisions": [[*key, count] for key, count in sorted(tally.decisions.items())],
            "disconnects": tally.ends,
            "audit": {"entries": tally.entries, "dropped": tally.dropped},
            "reloads": {"applied": self.generation - 1, "kept": self.kept, "at": round(self.reloaded_at, 3)},
            "watched_by": self.taps,
        }


def transparent(compiled: bytes) -> bool:
    """Whether a policy lets everything pass (policy/effective.py)."""
    return bool(compiled) and json.loads(compiled).get("names") == "keep"
