"""The display side of waypipe, ours beside the C one: frames per second, and what each costs.

    python -m bench.waypipe [--rounds 5] [--seconds 1] [--pin both] [--compress none] [--scenario video] [--out bench/results]

The load client of the bench draws into shared memory, `waypipe server` sends what has changed, and the display side under test shows
it to the stub compositor: `waypipe client`, which passes everything on, or wlproxy under the bench's policy (desktop without
pacing), which judges every message. Both in every round, one after the other, so that a noisy minute hits both alike; the ratios are
medians over the rounds of wlproxy's figure to waypipe's in the same round. The CPU is that of the display side alone, the guest's
waypipe and the client are not in it.

Scenarios: typing (800x600, one cell of a terminal changes), frames (4K, eight squares of 128 pixels change a little), rows (800x600, 160
pixels of every row change: 600 runs), video (800x600, every pixel changes). Pinned: all of it shares one core, as in the other bench.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.compile_c import HERE, build
from bench.main import machine
from bench.peers import COMPILED, POLICY, wlproxy_command
from bench.processes import BenchError, Client, Group

SCENARIOS = ("typing", "frames", "rows", "video")
COMPRESSIONS = ("none", "lz4", "zstd")
LIMIT = 40.0


def display_of(name: str, command: list[str], folder: Path, built: Path, compression: str) -> tuple[list[str], dict[str, str]]:
    """The command of a display side that listens on wire.sock, and what its environment has besides."""
    wire, host = folder / "wire.sock", folder / "host"
    if name == "waypipe":
        return [str(shutil.which("waypipe")), "-n", "-c", compression, "-s", str(wire), "client"], {"WAYLAND_DISPLAY": str(host)}
    words = ["run", "--listen", f"waypipe+unix:{wire}", "--upstream", str(host), "--policy", str(built / COMPILED)]
    return [*command, *words], {}


def measure(name: str, command: list[str], built: Path, scenario: str, compression: str, seconds: float) -> dict[str, Any]:
    """Frames a second, and the display side's CPU ms for each. Raises BenchError."""
    folder = Path(tempfile.mkdtemp(prefix="wlbench-"))
    stub, display, guest = Group("stub", folder), Group(name, folder), Group("guest", folder)
    client: Client | None = None
    try:
        stub.start([str(built / "stub_compositor"), str(folder / "host")], {}, ready=folder / "host")
        argv, more = display_of(name, command, folder, built, compression)
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder)}
        display.start(argv, environment | more, folder / "wire.sock")
        server = [str(shutil.which("waypipe")), "-n", "-c", compression, "-s", str(folder / "wire.sock"), "--display", "listen"]
        guest.start([*server, "server", "--", "sleep", "1000"], environment, folder / "listen")
        client = Client(
            [str(built / "load_client"), scenario, str(folder / "listen"), "--seconds", str(seconds), "--limit", "38", "--attended"],
            folder / "client.log",
        )
        client.line(display, LIMIT)
        before = display.cpu_ns()
        client.go_on()
        said = json.loads(client.line(display, LIMIT))
        cpu = display.cpu_ns() - before
        compiled = display.has_mapped("__mypyc")
        client.go_on()
        display.check()
        took = said["elapsed_ns"] / 1e9
        return {"rate": said["count"] / took, "cpu_ms": cpu / 1e6 / said["count"], "share": cpu / 1e9 / took, "compiled": compiled}
    finally:
        if client:
            client.stop()
        for group in (guest, display, stub):
            group.stop()
        shutil.rmtree(folder, ignore_errors=True)


def compare(command: list[str], built: Path, scenario: str, compression: str, rounds: int, seconds: float) -> dict[str, Any]:
    """Medians of both, and of the ratios within the rounds."""
    pairs = [
        [measure(name, command, built, scenario, compression, seconds) for name in ("waypipe", "wlproxy")[:: 1 if n % 2 else -1]]
        for n in range(rounds)
    ]
    pairs = [pair if n % 2 else pair[::-1] for n, pair in enumerate(pairs)]
    middle = statistics.median
    result: dict[str, Any] = {"scenario": scenario, "compression": compression, "compiled": pairs[0][1]["compiled"]}
    for figure in ("rate", "cpu_ms"):
        result[figure] = [middle(pair[n][figure] for pair in pairs) for n in (0, 1)]
        result[f"{figure}_ratio"] = middle(pair[1][figure] / pair[0][figure] for pair in pairs)
    return result


def main() -> int:
    """Exit status: 1 where a measurement failed, or nothing could be measured."""
    parser = argparse.ArgumentParser(prog="bench.waypipe", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--compress", action="append", choices=COMPRESSIONS)
    parser.add_argument("--scenario", action="append", choices=SCENARIOS)
    parser.add_argument("--pin", choices=["0", "free", "both"], default="both", help="0: everything on one core (default %(default)s)")
    parser.add_argument("--out", type=Path, help="a folder for waypipe.txt")
    parser.add_argument("--wlproxy", default="", metavar="COMMAND", help="how wlproxy is called (default: beside this Python, then PATH)")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    command = wlproxy_command(given.wlproxy)
    if command is None or shutil.which("waypipe") is None:
        print("bench.waypipe: wlproxy or waypipe is not installed", file=sys.stderr)
        return 1
    built = build(HERE / "build")
    subprocess.run([*command, "compile", str(POLICY), "-o", str(built / COMPILED)], check=True, capture_output=True)
    results, lines = [], [" ".join(f"{name}={value}" for name, value in machine().items())]
    cores = os.sched_getaffinity(0)
    try:
        for pin in ("0", "free") if given.pin == "both" else (given.pin,):
            os.sched_setaffinity(0, cores if pin == "free" else {min(cores)})
            lines.append("\n== pinned: all of it on one core" if pin == "0" else "\n== free: the scheduler decides")
            for scenario in given.scenario or SCENARIOS:
                for compression in given.compress or COMPRESSIONS:
                    results.append(compare(command, built, scenario, compression, given.rounds, given.seconds) | {"pin": pin})
                    lines.append(line_of(results[-1]))
                    if not given.json:
                        print(f"pin {pin:5}{lines[-1]}", flush=True)
    except BenchError as error:
        print(f"bench.waypipe: {error}", file=sys.stderr)
        return 1
    finally:
        os.sched_setaffinity(0, cores)
    if given.json:
        print(json.dumps(results, indent=1))
    if given.out:
        given.out.mkdir(parents=True, exist_ok=True)
        (given.out / "waypipe.txt").write_text("\n".join(lines) + "\n")
    return 0


def line_of(result: dict[str, Any]) -> str:
    """One line of the table."""
    rate, cpu = result["rate"], result["cpu_ms"]
    note = "" if result["compiled"] else "   wlproxy is not compiled"
    return (
        f"{result['scenario']:8}{result['compression']:6}"
        f"waypipe {rate[0]:7.0f} frames/s {cpu[0]:7.3f} ms   wlproxy {rate[1]:7.0f} frames/s {cpu[1]:7.3f} ms   "
        f"ratio: frames {result['rate_ratio']:.2f}, CPU {result['cpu_ms_ratio']:.2f}{note}"
    )


if __name__ == "__main__":
    sys.exit(main())
