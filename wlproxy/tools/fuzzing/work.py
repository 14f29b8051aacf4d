"""Runs campaigns for a time, in several processes if asked, and prints what came of them.

Promises: ends within the time given plus one conversation (and the cutting down of its findings). Trusts: the command line.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from contextlib import nullcontext
from typing import Final

from wlproxy.policy.load_protocols import load_shipped

from .campaign import TIGHT, Campaign, play
from .conversation import read
from .drive import Drive, Finding
from .lines import Lines, is_compiled
from .policies import BUILT_IN, tables_of
from .report import save, summary

__all__ = ["BUILT_IN", "replay", "work"]

FAR_APART: Final = 1 << 32  # seeds of one process and the next
TRACED: Final = 0.25  # part of the time in which lines are traced, where asked

Result = tuple[Counter[str], list[str], dict[str, set[int]]]


def campaigns(names: list[str], seed: int, seconds: float, directory: str, traced: bool) -> Result:
    """All policies in turn, in this process: counts, findings and the lines that ran."""
    interfaces = load_shipped()
    counts: Counter[str] = Counter()
    lines: list[str] = []
    traces = Lines()
    with traces if traced else nullcontext():
        tables = {name: tables_of(name, interfaces) for name in names}
    for name in names:
        campaign = Campaign(tables[name], interfaces)
        end = time.monotonic() + seconds / len(names)
        if traced:
            with traces:
                spend(campaign, seed + (1 << 31), end - seconds / len(names) * (1 - TRACED))
        spend(campaign, seed, end)
        counts.update(
            executions=campaign.executions,
            bytes=campaign.bytes,
            messages=campaign.messages,
            ended=campaign.ended,
            findings=len(campaign.findings),
        )
        lines += save(campaign, name, directory)
    return counts, lines, traces.ran


def spend(campaign: Campaign, seed: int, end: float) -> None:
    """Conversations from `seed` on until the clock says `end`."""
    for _ in campaign.seeds(seed):
        if time.monotonic() >= end:
            return


def work(names: list[str], seed: int, seconds: float, jobs: int, directory: str, traced: bool) -> int:
    """Prints the report; the number of findings. Raises PolicyInvalid."""
    started = time.monotonic()
    arguments = [(names, seed + job * FAR_APART, seconds, directory, traced and job == 0) for job in range(jobs)]
    if jobs == 1:
        results = [campaigns(*arguments[0])]
    else:
        with multiprocessing.get_context("fork").Pool(jobs) as pool:
            results = pool.starmap(campaigns, arguments)
    counts: Counter[str] = Counter()
    traces = Lines()
    for one, lines, ran in results:
        counts.update(one)
        traces.ran.update(ran)
        print("\n".join(lines), end="\n" if lines else "")
    build = "compiled" if is_compiled() else "interpreted"
    print(f"{build} core; policies: {', '.join(names)}; seed {seed}, {jobs} job{'' if jobs == 1 else 's'}")
    print(summary(counts, time.monotonic() - started))
    if traced:
        print_lines(traces)
    return counts["findings"]


def print_lines(traces: Lines) -> None:
    """Coverage by file."""
    if is_compiled():
        print("coverage: the core is compiled here; run the interpreted build to see lines")
        return
    rows = traces.report()
    for name, ran, there, missing in rows:
        print(f"{name:28} {ran:4} of {there:4} lines {100 * ran // there:3} %  not: {' '.join(map(str, missing[:14]))}")
    ran, there = sum(r[1] for r in rows), sum(r[2] for r in rows)
    print(f"{'core/ and handlers/':28} {ran:4} of {there:4} lines {100 * ran / max(there, 1):.1f} %")


def replay(path: str) -> bool:
    """Plays a reproducer; prints and says whether it still comes to a finding. Raises ValueError, OSError, PolicyInvalid."""
    with open(path, encoding="utf-8") as file:
        steps, policy, was = read(file.read())
    name, _, tight = policy.partition(" ")
    interfaces = load_shipped()
    drive = Drive(tables_of(name, interfaces), interfaces, TIGHT if tight else None)
    print(f"found: {was.partition(chr(10))[0]!a}")
    try:
        play(drive, steps)
    except Finding as finding:
        print(f"now: {finding}")
        return True
    print(f"now: nothing; the session {'ended: ' + ascii(drive.farewell) if drive.farewell else 'goes on'}")
    return False
