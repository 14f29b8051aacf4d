"""From single measurements to medians, ratios and the targets of the project."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bench.scenarios import SCENARIOS

Rows = list[dict[str, Any]]


def rounds_of(rows: Rows, pin: str, scenario: str, peer: str) -> dict[int, dict[str, Any]]:
    """Round -> figures, for what was measured without an error."""
    return {r["round"]: r["figures"] for r in rows
            if r["pin"] == pin and r["scenario"] == scenario and r["peer"] == peer and "figures" in r}


def median(rows: Rows, pin: str, scenario: str, peer: str, figure: str) -> float | None:
    values = [f[figure] for f in rounds_of(rows, pin, scenario, peer).values() if figure in f]
    return statistics.median(values) if values else None


def ratio(rows: Rows, pin: str, scenario: str, peer: str, base: str, figure: str) -> float | None:
    """Median over the rounds of peer / base: both ran within seconds of each other, so that a noisy minute cancels out."""
    ours, theirs = rounds_of(rows, pin, scenario, peer), rounds_of(rows, pin, scenario, base)
    both = [ours[k][figure] / theirs[k][figure] for k in ours if k in theirs and figure in ours[k] and theirs[k].get(figure)]
    return statistics.median(both) if both else None


def summarise(rows: Rows, pins: Iterable[str], scenarios: Iterable[str], peers: Iterable[str]) -> list[dict[str, Any]]:
    """One entry for each pin, scenario and peer that gave figures."""
    found = []
    for pin in pins:
        for scenario in scenarios:
            main = SCENARIOS[scenario].figure
            for peer in peers:
                rounds = rounds_of(rows, pin, scenario, peer)
                if not rounds:
                    continue
                names = {n for f in rounds.values() for n, v in f.items() if isinstance(v, int | float) and not isinstance(v, bool)}
                found.append({
                    "pin": pin, "scenario": scenario, "peer": peer, "rounds": len(rounds),
                    "median": {n: median(rows, pin, scenario, peer, n) for n in sorted(names)},
                    "to_direct": ratio(rows, pin, scenario, peer, "direct", main),
                    "to_forwarder": ratio(rows, pin, scenario, peer, "forwarder", main),
                })
    return found


@dataclass(frozen=True, slots=True)
class Target:
    """`base`: "" for an absolute figure, else the peer it is a ratio to. `at_least`: else at most."""

    text: str
    scenario: str
    figure: str
    bound: float
    base: str = ""
    at_least: bool = False
    scale: float = 1.0


TARGETS = (
    Target("round trip p50, to the forwarder", "roundtrip", "p50_us", 1.10, base="forwarder"),
    Target("proxy CPU, us per request", "requests", "proxy_cpu_us_per_message", 0.06),
    Target("proxy CPU, us per event", "events", "proxy_cpu_us_per_message", 0.04),
    Target("requests, to direct", "requests", "rate", 0.45, base="direct", at_least=True),
    Target("requests in a stream of frames, to direct", "stream", "rate", 0.45, base="direct", at_least=True),
    Target("memory at 500 clients, MiB PSS", "clients-500", "pss_kib", 25.0, scale=1 / 1024),
    Target("start-up to first round trip, ms", "startup", "startup_ms", 120.0),
)


def judge(rows: Rows, pin: str, peer: str) -> list[dict[str, Any]]:
    """Each target with what was measured; "value" is None where nothing was."""
    found = []
    for t in TARGETS:
        value = ratio(rows, pin, t.scenario, peer, t.base, t.figure) if t.base else median(rows, pin, t.scenario, peer, t.figure)
        if value is not None:
            value *= t.scale
        met = None if value is None else (value >= t.bound if t.at_least else value <= t.bound)
        found.append({"target": t.text, "bound": t.bound, "at_least": t.at_least, "value": value, "met": met})
    return found
