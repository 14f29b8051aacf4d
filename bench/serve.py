"""What `wlproxy serve` costs for each idle guest: memory, and the time from fork to accepting.

    python bench/serve.py [--guests 20] [--policy desktop] [--wlproxy COMMAND]

Prints figures and judges nothing. PSS is the kernel's (/proc/PID/smaps_rollup): a page that N processes share counts a Nth for each.
From fork to accepting is the time between two lines of the audit log, written by the parent before it forks a relay and when that relay,
confined, is about to accept. The compositor is a listening socket; the machine should be idle.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shlex
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--guests", type=int, default=20)
    parser.add_argument("--policy", default="desktop")
    parser.add_argument("--wlproxy", default=f"{sys.executable} -m wlproxy", help="the command")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wlproxy-bench-") as name:
        measure(Path(name), args.guests, args.policy, shlex.split(args.wlproxy))
    return 0


def measure(folder: Path, guests: int, policy: str, command: list[str]) -> None:
    """One run, printed."""
    files = folder / "guests.d"
    files.mkdir()
    for number in range(guests):
        listen = f"unix:{folder}/guest{number}.sock"
        (files / f"guest{number}.toml").write_text(f'format = 1\npolicy = "{policy}"\nlisten = ["{listen}"]\n')
    audit = folder / "audit.jsonl"
    with socket.socket(socket.AF_UNIX) as compositor:
        compositor.bind(str(folder / "host.sock"))
        compositor.listen(guests)
        ready, writer = os.pipe()
        argv = [*command, "serve", "--config", str(files), "--upstream", str(folder / "host.sock"), "--audit", str(audit)]
        begin = time.monotonic()
        process = subprocess.Popen([*argv, "--ready-fd", str(writer)], pass_fds=[writer])
        os.close(writer)
        try:
            if not select.select([ready], [], [], 120)[0] or os.read(ready, 1) != b"\n":
                raise SystemExit("serve did not become ready")
            print(f"{guests} guests under {policy}: ready after {time.monotonic() - begin:.2f} s (reading and compiling included)")
            report(process.pid, audit)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)
            os.close(ready)


def report(parent: int, audit: Path) -> None:
    """Memory and times of a serve that is ready."""
    children = [int(word) for word in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    pss = [memory(pid, "Pss") for pid in children]
    own = [memory(pid, "Private_Dirty") for pid in children]
    total = sum(pss) + memory(parent, "Pss")
    print(f"PSS of a guest's relay: median {statistics.median(pss) / 1024:.2f} MiB, most {max(pss) / 1024:.2f} MiB")
    print(f"its own pages: median {statistics.median(own) / 1024:.2f} MiB")
    print(f"PSS of the parent: {memory(parent, 'Pss') / 1024:.2f} MiB; all together a guest: {total / len(children) / 1024:.2f} MiB")
    began: dict[str, float] = {}
    took = []
    for line in map(json.loads, audit.read_text().splitlines()):
        if line["event"] == "policy-load":
            began[line["guest"]] = line["mono"]
        elif line["event"] == "confined":
            took.append((line["mono"] - began[line["guest"]]) * 1000)
    print(f"from fork to accepting: median {statistics.median(took):.1f} ms, most {max(took):.1f} ms ({len(took)} guests)")


def memory(pid: int, field: str) -> int:
    """KiB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
