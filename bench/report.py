"""The readable table and the picture. Neither decides anything; see summary.py for what the numbers are."""

from __future__ import annotations

import math
from typing import Any
from xml.sax.saxutils import escape

from bench.scenarios import SCENARIOS

COLUMNS = "{:<13}{:<20}{:>10} {:<17}{:>9}{:>9}{:>10}{:>12}{:>9}"


def _number(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.0f}"


def table(summary: list[dict[str, Any]], pins: list[str]) -> str:
    lines = []
    for pin in pins:
        where = "free, the scheduler decides" if pin == "free" else f"pinned: client, proxy and stub share core {pin}"
        lines += [f"== {where}",
                  COLUMNS.format("scenario", "peer", "figure", "", "p99 us", "/direct", "/forward", "CPU us/msg", "PSS MiB")]
        last = ""
        for row in (r for r in summary if r["pin"] == pin):
            s, m = SCENARIOS[row["scenario"]], row["median"]
            value = m.get(s.figure)
            direct = row["peer"] == "direct"
            lines.append(COLUMNS.format(
                "" if row["scenario"] == last else row["scenario"], row["peer"],
                _number(value / s.divide if value is not None else None), s.unit, _number(m.get("p99_us"), 1),
                _number(row["to_direct"]), _number(row["to_forwarder"]),
                "" if direct else _number(m.get("proxy_cpu_us_per_message"), 3),
                "" if direct or "pss_kib" not in m else _number(m["pss_kib"] / 1024, 1)).rstrip())
            last = row["scenario"]
        lines.append("")
    return "\n".join(lines)


def verdicts(judged: list[dict[str, Any]], peer: str, pin: str) -> str:
    lines = [f"== targets of {peer}, core {pin}"]
    for t in judged:
        word = "not measured" if t["met"] is None else "ok" if t["met"] else "MISSED"
        bound = f"{'>=' if t['at_least'] else '<='} {t['bound']:g}"
        lines.append(f"{t['target']:<45}{bound:>10}{_number(t['value'], 3):>12}  {word}")
    return "\n".join(lines) + "\n"


STYLE = """
text { font: 12px system-ui, sans-serif; fill: #222 } .dim { fill: #666 } .grid { stroke: #ddd } .one { stroke: #222 }
.background { fill: #fff }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .dim { fill: #999 } .grid { stroke: #333 } .one { stroke: #ddd }
.background { fill: #16181c } }
"""
COLOURS = ("#8a8f98", "#2f7ed8", "#8fbfef", "#d9822b", "#9b59b6", "#3d9970")
LEFT, WIDTH, BAR, GAP, TOP = 110, 620, 13, 12, 64


def plot(summary: list[dict[str, Any]], pin: str) -> str:
    """Bars of how many times worse than a direct connection each peer is, on a logarithmic scale."""
    rows = [r for r in summary if r["pin"] == pin and r["peer"] != "direct" and r["to_direct"]]
    peers = list(dict.fromkeys(r["peer"] for r in rows))
    names = list(dict.fromkeys(r["scenario"] for r in rows))
    worse = {(r["scenario"], r["peer"]): r["to_direct"] if SCENARIOS[r["scenario"]].lower_is_better else 1 / r["to_direct"]
             for r in rows}
    most = max([10.0, *worse.values()])
    decades = math.ceil(math.log10(most) * 2) / 2
    low = -0.05  # a little room left of 1, for what is no slower than direct

    def x(value: float) -> float:
        return LEFT + WIDTH * (max(math.log10(value), low) - low) / (decades - low)

    where = "free" if pin == "free" else "all pinned to one core"
    height = TOP + sum(GAP + BAR * sum((n, p) in worse for p in peers) for n in names) + 24
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 60} {height}" role="img">',
           f"<title>Cost of each proxy against a direct connection</title><style>{STYLE}</style>",
           '<rect class="background" width="100%" height="100%"/>',
           f'<text x="8" y="18">Times worse than a direct connection (1 = as good; logarithmic), {where}</text>']
    at = 8.0
    for i, peer in enumerate(peers):
        out.append(f'<rect x="{at:.0f}" y="30" width="11" height="11" fill="{COLOURS[i % len(COLOURS)]}"/>'
                   f'<text x="{at + 16:.0f}" y="40">{escape(peer)}</text>')
        at += 36 + 7 * len(peer)
    for tick in (n * 10 ** d for d in range(4) for n in (1, 2, 5)):
        if math.log10(tick) <= decades:
            out.append(f'<line class="{"one" if tick == 1 else "grid"}" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP - 8}" '
                       f'y2="{height - 20}"/><text class="dim" text-anchor="middle" x="{x(tick):.1f}" y="{height - 6}">{tick}</text>')
    y = float(TOP)
    for name in names:
        there = [p for p in peers if (name, p) in worse]
        out.append(f'<text text-anchor="end" x="{LEFT - 8}" y="{y + BAR * len(there) / 2 + 4:.1f}">{escape(name)}</text>')
        for peer in there:
            value, colour = worse[name, peer], COLOURS[peers.index(peer) % len(COLOURS)]
            start = x(1)
            out.append(f'<rect x="{min(start, x(value)):.1f}" y="{y:.1f}" width="{max(abs(x(value) - start), 1):.1f}" '
                       f'height="{BAR - 2}" fill="{colour}"><title>{escape(name)}, {escape(peer)}: {value:.2f}</title></rect>'
                       f'<text class="dim" x="{max(start, x(value)) + 4:.1f}" y="{y + BAR - 4:.1f}">{value:.2f}</text>')
            y += BAR
        y += GAP
    return "\n".join([*out, "</svg>", ""])
