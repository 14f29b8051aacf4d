"""Made-up hostile guests through `wlproxy run` at a live compositor, which must live.

    python -m tests.fuzz.live --compositor weston --seconds 30 [--seed 1] [--policy FILE|NAME]

Each guest is the generator of `wlproxy fuzz` with a temper, its descriptors are real files, and what it knows comes from what the
compositor really sends. A conversation after which the compositor (or the proxy) is gone is saved for `wlproxy fuzz --replay`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

from tests.attack.processes import Compositor, Proxy
from wlproxy.core.fds import DMABUF, FILE, MEMFD, OTHER, PIPE, READ_ONLY, SOCKET
from wlproxy.policy.compile import compile_policy, global_names
from wlproxy.policy.identity import canonical
from wlproxy.policy.load_protocols import load_shipped
from wlproxy.tools.fuzzing.choices import from_seed
from wlproxy.tools.fuzzing.conversation import SAY, TRUNCATE, Descriptor, Step, write
from wlproxy.tools.fuzzing.drive import Drive
from wlproxy.tools.fuzzing.generate import Generator
from wlproxy.tools.fuzzing.policies import BUILT_IN, built_in, tables_of
from wlproxy.tools.fuzzing.reference import Rejected

MOST_STEPS = 150
PATIENCE = 5.0


def real(descriptor: Descriptor) -> int:
    """A descriptor as the guest's side might send it."""
    if descriptor.kind == PIPE:
        reader, writer = os.pipe()
        kept, gone = (reader, writer) if descriptor.access == READ_ONLY else (writer, reader)
        os.close(gone)
        return kept
    if descriptor.kind == SOCKET:
        one, other = socket.socketpair()
        other.close()
        return one.detach()
    if descriptor.kind in (FILE, OTHER, DMABUF):
        return os.open("/dev/null", os.O_RDWR)
    number = os.memfd_create("fuzz", os.MFD_ALLOW_SEALING if descriptor.sealable else 0)
    os.ftruncate(number, descriptor.size if descriptor.kind == MEMFD else 4096)
    return number


class Live:
    """One guest connection: the generator's view of it is kept in a `Drive` whose session is never asked."""

    def __init__(self, path: str, drive: Drive) -> None:
        self.drive = drive
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.sock.setblocking(False)
        self.open = True
        self.files: list[int] = []

    def say(self, step: Step) -> None:
        """Sends a step and takes what there is to read."""
        if step.action == TRUNCATE:
            for number in self.files:
                with contextlib.suppress(OSError):
                    os.ftruncate(number, 0)
        if step.action != SAY or step.side:
            return
        self.drive.guest.said(step.data)
        made = [real(d) for d in step.fds]
        data, fds = step.data, made
        while data and self.open:
            try:
                sent = socket.send_fds(self.sock, [data], fds) if fds else self.sock.send(data)
                data, fds = data[sent:], []
            except BlockingIOError:
                select.select([self.sock], [self.sock], [], PATIENCE)
                self.read()
            except OSError:
                self.open = False
        for number in made:
            if len(self.files) < 64:
                self.files.append(number)
            else:
                os.close(number)
        self.read()

    def read(self, wait: float = 0.0) -> None:
        """Takes in what the proxy sent."""
        while self.open and select.select([self.sock], [], [], wait)[0]:
            try:
                data, fds, _, _ = socket.recv_fds(self.sock, 1 << 16, 253)
            except OSError:
                data, fds = b"", []
            self.open = bool(data)
            with contextlib.suppress(Rejected) if self.drive.lost else contextlib.nullcontext():
                self.drive.guest.take(data, [None] * len(fds))
            for number in fds:
                os.close(number)
            wait = 0.0

    def close(self) -> None:
        self.sock.close()
        for number in self.files:
            os.close(number)


def guest(path: str, seed: int, policy: str) -> tuple[list[Step], int]:
    """One made-up guest; what it said, and how many messages it was sent."""
    interfaces = load_shipped() if not CACHE else CACHE["interfaces"]
    if not CACHE:
        CACHE.update(interfaces=interfaces, tables=tables_of(policy, interfaces))
    drive = Drive(CACHE["tables"], interfaces, again=False)
    generator = Generator(from_seed(seed), interfaces, sorted(global_names(interfaces)))
    generator.is_told()
    live = Live(path, drive)
    steps: list[Step] = []
    try:
        while len(steps) < MOST_STEPS and live.open:
            step = generator.step(drive)
            steps.append(step)
            live.say(step)
            if step.side:  # a turn of the compositor's: it is given a moment to say something
                live.read(0.02)
            elif len(steps) == 1 and not drive.guest.heard:
                live.read(PATIENCE)
    finally:
        live.close()
    return steps, len(drive.guest.heard)


CACHE: dict = {}  # type: ignore[type-arg]


def campaign(name: str, seconds: float, seed: int, policy: str, directory: str) -> tuple[int, int, list[str]]:
    """Guests for so long: how many, how many steps, and the files of the conversations that something died of."""
    compositor = Compositor(name)
    saved: list[str] = []
    count = said = 0
    with tempfile.TemporaryDirectory(prefix="wlproxy-live-") as scratch:
        given = policy
        if policy in BUILT_IN:
            given = str(Path(scratch, "policy.json"))
            Path(given).write_bytes(canonical(compile_policy(built_in(policy, load_shipped()), load_shipped())))
        command = f"{sys.executable} -m wlproxy run --listen unix:{{listen}} --upstream {{upstream}} --policy {given}"
        proxy = Proxy(command, scratch, compositor.path)
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                steps, _ = guest(proxy.path, seed, policy)
                count, said = count + 1, said + len(steps)
                died = [w for w, alive in ((name, compositor.lives()), ("proxy", proxy.lives())) if not alive]
                if died:
                    os.makedirs(directory, exist_ok=True)
                    saved.append(os.path.join(directory, f"live-{name}-{seed}.json"))
                    Path(saved[-1]).write_text(write(steps, policy, f"{', '.join(died)} died"))
                    if name in died:
                        compositor.again()
                    if "proxy" in died:
                        break
                seed += 1
        finally:
            proxy.close()
            compositor.close()
    return count, said, saved


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.live", description=__doc__.partition("\n")[0])
    parser.add_argument("--compositor", choices=("weston", "sway"), default="weston")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--policy", default="fuzz-desktop", help="a built-in policy of wlproxy fuzz, or as for wlproxy run")
    parser.add_argument("--findings", default="fuzz-findings", metavar="DIR")
    args = parser.parse_args()
    if shutil.which(args.compositor) is None:
        print(f"{args.compositor} is not installed: skipped")
        return 0
    count, said, saved = campaign(args.compositor, args.seconds, args.seed, args.policy, args.findings)
    print(f"{args.compositor}: {count} guests, {said} steps; it {'died: ' + ', '.join(saved) if saved else 'lives'}")
    return int(bool(saved))


if __name__ == "__main__":
    sys.exit(main())
