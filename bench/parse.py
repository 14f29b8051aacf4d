"""ns per message of the core alone: Session.receive over canned reads, in this process, no sockets.

    python bench/parse.py [--policy desktop] [--json FILE]

Prints the installed build, and (from a copy of the sources without compiled modules) the interpreted one. The reads: requests (a
flood without answers), frames (their requests), replies (release, done, delete_id for those frames), motion (pointer motion and
frame). This is what a change to core/ or handlers/ should be judged by; run.py adds sockets, scheduling and memory.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GUEST, HOST = 0, 1
F_SEAL_SHRINK = 2
GLOBALS = (("wl_compositor", 4), ("wl_shm", 1), ("wl_seat", 7), ("xdg_wm_base", 2))
REGISTRY, COMPOSITOR, SHM, SEAT, WM_BASE, SURFACE, XDG_SURFACE, TOPLEVEL, POINTER, POOL, BUFFER = range(2, 13)
FIRST_CALLBACK = BUFFER + 2
FRAMES = 38  # with their requests one 4 KiB flush of libwayland
ROUNDS, REPEATS = 15, 40


def message(target: int, opcode: int, *args: int) -> bytes:
    return struct.pack(f"=II{len(args)}I", target, (8 + 4 * len(args)) << 16 | opcode, *args)


def text(value: str) -> bytes:
    raw = value.encode() + b"\0"
    return struct.pack("=I", len(raw)) + raw + bytes(-len(raw) % 4)


def with_body(target: int, opcode: int, body: bytes) -> bytes:
    return struct.pack("=II", target, (8 + len(body)) << 16 | opcode) + body


class Talk:
    """A session brought to a mapped window with a pointer in it."""

    def __init__(self, compiled: dict[str, Any]) -> None:
        from wlproxy.core.fds import MEMFD, Fd
        from wlproxy.core.quotas import Limits
        from wlproxy.core.session import Session
        from wlproxy.handlers import load_tables

        self.session = Session(load_tables(compiled), Limits())
        size = 2 * 64 * 64 * 4
        number = os.memfd_create("pool")
        pool = Fd(number, MEMFD, 2, size, F_SEAL_SHRINK)
        self.say(GUEST, message(1, 1, REGISTRY))
        announced = self.say(HOST, b"".join(with_body(REGISTRY, 0, struct.pack("=I", i + 1) + text(name) + struct.pack("=I", version))
                                            for i, (name, version) in enumerate(GLOBALS)))
        names = self.names(announced)
        for new_id, (interface, version) in enumerate(GLOBALS, COMPOSITOR):
            body = struct.pack("=I", names[interface]) + text(interface) + struct.pack("=II", version, new_id)
            self.say(GUEST, with_body(REGISTRY, 0, body))
        self.say(HOST, message(SEAT, 0, 3))
        self.say(GUEST, message(COMPOSITOR, 0, SURFACE) + message(WM_BASE, 2, XDG_SURFACE, SURFACE)
                 + message(XDG_SURFACE, 1, TOPLEVEL) + message(SEAT, 0, POINTER) + message(SURFACE, 6))
        self.say(HOST, message(TOPLEVEL, 0, 0, 0, 0) + message(XDG_SURFACE, 0, 1))
        self.say(GUEST, message(XDG_SURFACE, 4, 1))
        self.say(GUEST, message(SHM, 0, POOL, size), [pool])
        self.say(GUEST, b"".join(message(POOL, 0, BUFFER + i, i * size // 2, 64, 64, 256, 1) for i in (0, 1))
                 + message(SURFACE, 1, BUFFER, 0, 0) + message(SURFACE, 6))
        self.say(HOST, message(BUFFER, 0) + message(POINTER, 0, 2, SURFACE, 256, 256) + message(POINTER, 5))
        os.close(number)

    def say(self, side: int, data: bytes, fds: list[Any] | None = None) -> bytes:
        """What went to the other side; ends the bench when the session objected."""
        outcome = self.session.receive(side, data, fds or [])
        if outcome.farewell:
            sys.exit(f"parse.py: the session ended: {outcome.farewell}")
        return b"".join(p.data for p in (outcome.to_host if side == GUEST else outcome.to_guest))

    @staticmethod
    def names(announced: bytes) -> dict[str, int]:
        found, at = {}, 0
        while at < len(announced):
            _, head, name, length = struct.unpack_from("=IIII", announced, at)
            found[announced[at + 16:at + 15 + length].decode()] = name
            at += head >> 16
        return found


def reads() -> dict[str, tuple[int, bytes, int]]:
    """name -> side, one read, messages in it. Played in this order, over and over, they are a legal conversation."""
    flood = b"".join([message(SURFACE, 9, 0, 0, 64, 64) + message(SURFACE, 8, 1) + message(SURFACE, 9, 8, 8, 32, 32)
                      + message(SURFACE, 4, 0) + message(SURFACE, 9, 1, 2, 3, 4) + message(SURFACE, 5, 0) + message(SURFACE, 6)] * 30)
    frames, replies = [], []
    for i in range(FRAMES):
        callback, buffer = FIRST_CALLBACK + i, BUFFER + i % 2
        frames += [message(SURFACE, 1, buffer, 0, 0), message(SURFACE, 9, 0, 0, 64, 64), message(SURFACE, 3, callback),
                   message(SURFACE, 6)]
        replies += [message(buffer, 0), message(callback, 0, 1), message(1, 1, callback)]
    motion = (message(POINTER, 2, 99, 256, 256) + message(POINTER, 5)) * 100
    return {"requests": (GUEST, flood, 7 * 30), "frames": (GUEST, b"".join(frames), len(frames)),
            "replies": (HOST, b"".join(replies), len(replies)), "motion": (HOST, motion, 200)}


def bench(compiled: dict[str, Any]) -> dict[str, dict[str, float]]:
    """name -> median and least ns per message. CPU time of this thread, so that a busy machine disturbs little."""
    talk, clock = Talk(compiled), time.thread_time_ns
    canned = reads()
    for name, (side, data, _) in canned.items():
        if talk.say(side, data) != data:
            sys.exit(f"parse.py: {name} did not pass unchanged: the policy alters it, so that it is no measure of the fast path")
    taken: dict[str, list[float]] = {name: [] for name in canned}
    receive = talk.session.receive
    for _ in range(ROUNDS):
        sums = dict.fromkeys(canned, 0)
        for _ in range(REPEATS):
            for name, (side, data, _) in canned.items():
                start = clock()
                outcome = receive(side, data, [])
                sums[name] += clock() - start
                if outcome.farewell:
                    sys.exit(f"parse.py: the session ended in {name}: {outcome.farewell}")
        for name, (_, _, count) in canned.items():
            taken[name].append(sums[name] / REPEATS / count)
    return {name: {"median": statistics.median(t), "min": min(t)} for name, t in taken.items()}


def child(compiled: Path) -> int:
    """One build's figures as JSON on standard output."""
    from wlproxy.core import session
    data = json.loads(compiled.read_text())
    print(json.dumps({"compiled": str(session.__file__).endswith(".so"), "ns_per_message": bench(data)}))
    return 0


def run_child(compiled: Path, env: dict[str, str], folder: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-P", __file__, "--child", str(compiled)], env=env, cwd=folder, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        sys.exit(f"parse.py: {done.stderr.strip()[-600:]}")
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def main() -> int:
    p = argparse.ArgumentParser(prog="bench/parse.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--policy", default=str(Path(__file__).parent / "unpaced.toml"))
    p.add_argument("--json", type=Path)
    p.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.child:
        return child(args.child)
    with tempfile.TemporaryDirectory(prefix="wlbench-") as folder:
        compiled = Path(folder) / "policy.json"
        done = subprocess.run([sys.executable, "-P", "-m", "wlproxy", "compile", args.policy, "-o", str(compiled)],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"parse.py: wlproxy compile {args.policy}: {done.stderr.strip()[-600:]}")
        results = {"installed": run_child(compiled, dict(os.environ), folder)}
        plain = Path(folder) / "plain"
        shutil.copytree(ROOT / "wlproxy", plain / "wlproxy", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        results["interpreted"] = run_child(compiled, {**os.environ, "PYTHONPATH": str(plain)}, folder)
    kinds = list(results["installed"]["ns_per_message"])
    print("ns per message, median (least)".ljust(36) + "".join(k.rjust(16) for k in kinds))
    for build, result in results.items():
        name = build + ("" if build == "interpreted" else " (compiled)" if result["compiled"] else " (NOT compiled)")
        figures = result["ns_per_message"]
        print(name.ljust(36) + "".join(f"{figures[k]['median']:.1f} ({figures[k]['min']:.1f})".rjust(16) for k in kinds))
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
