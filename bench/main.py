"""The proxy against its rivals, side by side: python bench/run.py [--quick] [--scenario NAME ...]

Every peer is measured in every round, one after the other, so that a noisy minute hits all alike. Writes latest.json, latest.txt
and latest.svg. Missed targets are said, not punished: the exit status is 1 only where a measurement failed.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import report, summary
from bench.compile_c import HERE, build
from bench.measure import measure
from bench.peers import DIRECT, FORWARDER, Peer, from_template, waypipe, wlproxy, wlproxy_command, wlproxy_interpreted
from bench.processes import BenchError
from bench.scenarios import SCENARIOS


def arguments(argv: list[str] | None) -> argparse.Namespace:
    p = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example: python bench/run.py --scenario roundtrip --rounds 3 --peer 'sommelier=sommelier --parent "
               "--socket={listen} --display={upstream}'")
    p.add_argument("--scenario", action="append", choices=list(SCENARIOS), metavar="NAME",
                   help="one of " + ", ".join(SCENARIOS) + " (repeatable; default: all)")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=0.5, help="length of one measurement (default %(default)s)")
    p.add_argument("--quick", action="store_true", help="one round of 0.1 s: does it run at all")
    p.add_argument("--pin", choices=["0", "free", "both"], default="both", help="0: everything on one core (default %(default)s)")
    p.add_argument("--out", type=Path, default=HERE / "results")
    p.add_argument("--peer", action="append", type=from_template, default=[], metavar="NAME=COMMAND",
                   help="one more peer; {listen} and {upstream} in COMMAND stand for the sockets")
    p.add_argument("--only", action="append", default=[], metavar="PEER", help="these peers, beside direct and the forwarder")
    p.add_argument("--wlproxy", default="", metavar="COMMAND", help="how wlproxy is called (default: beside this Python, then PATH)")
    return p.parse_args(argv)


def all_peers(args: argparse.Namespace, built: Path) -> tuple[list[Peer], list[str]]:
    """The peers there are, and a note for each there is not."""
    found, notes = [DIRECT, FORWARDER], []
    command = wlproxy_command(args.wlproxy)
    if command:
        found.append(wlproxy(command, built))
    else:
        notes.append("wlproxy: no such command; install it or give --wlproxy")
    interpreted = wlproxy_interpreted(built)
    if interpreted:
        found.append(interpreted)
    other = waypipe()
    if other:
        found.append(other)
    else:
        notes.append("waypipe: not installed")
    found += args.peer
    if args.only:
        found = [p for p in found if p.name in args.only or p in (DIRECT, FORWARDER)]
    return found, notes


def machine() -> dict[str, Any]:
    """What the figures depend on; nothing that names the machine or its owner."""
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    facts = {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version(),
             "date": datetime.datetime.now(datetime.UTC).date().isoformat(), "load": os.getloadavg()[0]}
    if shutil.which("waypipe"):
        said = subprocess.run(["waypipe", "--version"], capture_output=True, text=True, check=False).stdout.split()
        facts["waypipe"] = said[1] if len(said) > 1 else "?"
    return facts


def run(args: argparse.Namespace, peers: list[Peer], built: Path) -> list[dict[str, Any]]:
    """All measurements, in the order they were taken; a failed one has "error" instead of "figures"."""
    rows: list[dict[str, Any]] = []
    names = list(dict.fromkeys(args.scenario or SCENARIOS))
    rounds, seconds = (1, 0.1) if args.quick else (args.rounds, args.seconds)
    cores = os.sched_getaffinity(0)
    try:
        for pin in pins(args):
            os.sched_setaffinity(0, cores if pin == "free" else {min(cores)})
            for number in range(rounds):
                for name in names:
                    for peer in peers:
                        if SCENARIOS[name].clients > peer.most_clients or (name == "startup" and not peer.stages):
                            continue
                        row = {"pin": pin, "round": number, "scenario": name, "peer": peer.name}
                        try:
                            row["figures"] = measure(peer, SCENARIOS[name], built, seconds)
                        except BenchError as e:
                            row["error"] = str(e)
                            print(f"{pin} round {number} {name} {peer.name}: {e}", file=sys.stderr, flush=True)
                        rows.append(row)
                print(f"pin {pin}: round {number + 1} of {rounds} done", file=sys.stderr, flush=True)
    finally:
        os.sched_setaffinity(0, cores)
    return rows


def pins(args: argparse.Namespace) -> list[str]:
    return ["0", "free"] if args.pin == "both" else [args.pin]


def notes_on(rows: list[dict[str, Any]], names: list[str], peers: list[Peer]) -> list[str]:
    notes = [f"{p.name}: {n} left out, more than {p.most_clients} clients" for p in peers for n in names
             if SCENARIOS[n].clients > p.most_clients]
    if any(r["peer"] == "wlproxy" and not r.get("figures", {"compiled": True})["compiled"] for r in rows):
        notes.append("wlproxy: NOT COMPILED; these are the figures of the interpreted build")
    failed: dict[tuple[str, str], list[str]] = {}
    for r in rows:
        if "error" in r:
            failed.setdefault((r["peer"], r["scenario"]), []).append(r["error"])
    notes += [f"{peer}: {scenario} FAILED {len(errors)} times, first: {errors[0]}" for (peer, scenario), errors in failed.items()]
    return notes


def main(argv: list[str] | None = None) -> int:
    args = arguments(argv)
    try:
        built = build()
    except BenchError as e:
        print(f"bench: {e}", file=sys.stderr)
        return 2
    peers, notes = all_peers(args, built)
    facts = machine()
    rows = run(args, peers, built)
    names = list(dict.fromkeys(args.scenario or SCENARIOS))
    notes += notes_on(rows, names, peers)
    short = summary.summarise(rows, pins(args), names, [p.name for p in peers])
    judged = {p.name: summary.judge(rows, "0", p.name) for p in peers if p.name == "wlproxy"} if "0" in pins(args) else {}
    text = " ".join(f"{k}={v}" for k, v in facts.items()) + "\n\n" + report.table(short, pins(args)) + "\n"
    text += "".join(report.verdicts(targets, name, "0") for name, targets in judged.items())
    text += "".join(f"note: {n}\n" for n in notes)
    args.out.mkdir(parents=True, exist_ok=True)
    result = {"machine": facts, "notes": notes, "summary": short, "targets": judged, "measurements": rows}
    (args.out / "latest.json").write_text(json.dumps(result, indent=1) + "\n")
    (args.out / "latest.txt").write_text(text)
    (args.out / "latest.svg").write_text(report.plot(short, pins(args)[0]))
    print(text, end="")
    return 1 if any("error" in r for r in rows) else 0
