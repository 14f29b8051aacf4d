"""Many clients for a long time through the sidecar that is installed; its memory and descriptors must not grow.

    python -m tests.soak --seconds 600 [--seed 1]

Clients come and go, politely, in the middle of a message, and with protocol errors; one stays and draws all the time; clipboards are
copied and pasted; the policy is loaded anew. The compositor is the recording one of tests/attack. After each round everybody but
the one that stays has left: then relay and broker are measured. Exit code 1, and figures, where
    a descriptor is left over after any round
    the proportional set size has grown: the least of the second half of the rounds against the least of the first, both after a
        quarter of the time, by which every way has been taken and every table grown
    a process has died, or the audit log tells of an error of our own
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from wlproxy.policy.load_protocols import load_shipped

from .attack.processes import stop, until
from .attack.rows_pipes import SEND, device_of, offer_of, receive
from .attack.stub import PASTE_BYTES, STREAM, Stub
from .attack.wire import Guest, Missing, request

DELETE_ID = 1, 1
ROUNDS = 24
WARM = 0.25  # part of the rounds that is not judged
MOST_CLIENTS = 40
MOST_GROWTH_KIB = 768  # one arena of the allocator and some; a KiB for each client that leaks is more than this within a minute
COPY_BYTES = 1 << 17
RELOAD_SECONDS = 2.0
POLICY = """format = 1
name = "soak"
summary = "{summary}"
extends = "desktop"
[permission]
clipboard-in = "allow"
[quota]
connects = "5000/s burst 5000"
messages = "10000000/s burst 10000000"
"""


class Client(Guest):
    """A guest that uses its ids again, so that it can stay for hours."""

    def __init__(self, path: str) -> None:
        self.free: list[int] = []
        super().__init__(path)

    def new(self) -> int:
        if not self.free:
            return super().new()
        made = self.free.pop()
        self.events = [e for e in self.events if e.object_id != made]  # of the last holder of this id
        return made

    def sync(self) -> bool:
        done = super().sync()
        self.free += [e.words()[0] for e in self.events if (e.object_id, e.opcode) == DELETE_ID]
        self.events = [e for e in self.events if (e.object_id, e.opcode) != DELETE_ID]
        return done

    def forget(self) -> None:
        """What has come so far."""
        self.events.clear()

    def begin(self) -> None:
        """A window with a buffer."""
        _, self.surface_id, *_ = self.window()
        _, _, self.buffer_id = self.buffer()

    def frame(self) -> None:
        self.show(self.surface_id, self.buffer_id)
        if not self.sync():
            raise RuntimeError(f"a frame was refused: {self.error}")
        self.forget()

    def paste(self) -> None:
        """Reads the host's clipboard to its end."""
        reader = receive(self, offer_of(self))
        size = 0
        while data := os.read(reader, 65536):
            size += len(data)
        self.own.remove(reader)
        os.close(reader)
        if size != PASTE_BYTES:
            raise RuntimeError(f"a paste of {size} bytes, not {PASTE_BYTES}")

    def copy(self) -> None:
        """Gives another client what it has on the clipboard."""
        device_of(self)
        source = self.make(self.bind("wl_data_device_manager"), 0)
        self.ask(source, 0, STREAM)
        if self.until(source, SEND) is None or not self.fds:
            raise RuntimeError(f"nobody asked for the clipboard: {self.error}")
        pipe = self.fds.pop()
        left = COPY_BYTES
        while left:
            left -= os.write(pipe, bytes(left))
        os.close(pipe)


@dataclass(frozen=True)
class Figures:
    """Of one process: KiB, and descriptors."""

    pss: int
    rss: int
    fds: int

    def __str__(self) -> str:
        return f"PSS {self.pss:6} RSS {self.rss:6} KiB, {self.fds:2} fds"


def figures(pid: int) -> Figures:
    """proc(5), smaps_rollup. Raises OSError where the process is gone."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        sizes[name] = int(rest.split()[0])
    return Figures(sizes["Pss"], sizes["Rss"], len(os.listdir(f"/proc/{pid}/fd")))


class Sidecar:
    """`wlproxy run` as it is installed: -P keeps this folder out of its way."""

    def __init__(self, directory: str, upstream: str) -> None:
        self.path = os.path.join(directory, "guest.sock")
        self.audit = Path(directory, "audit.jsonl")
        self.policy = Path(directory, "soak.toml")
        self.errors = Path(directory, "stderr")
        self.generation = 0
        self.write_policy()
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        command = [sys.executable, "-P", "-m", "wlproxy", "run", "--listen", f"unix:{self.path}", "--upstream", upstream]
        command += ["--policy", str(self.policy), "--audit", str(self.audit)]
        reading, ready = os.pipe()  # the socket is there before the relay is
        command += ["--ready-fd", str(ready)]
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command, env=environment, cwd=directory, stdin=subprocess.DEVNULL, stderr=errors, pass_fds=[ready]
            )
        os.close(ready)
        with open(reading, "rb") as told:
            if not told.readline():
                raise RuntimeError(self.errors.read_text())
        self.relay = self.children()[0]

    @property
    def broker(self) -> int:
        return self.process.pid

    def children(self) -> list[int]:
        """The relay, and while a policy is being compiled whoever does that: until then the broker shares its memory."""
        return [int(pid) for pid in Path(f"/proc/{self.broker}/task/{self.broker}/children").read_text().split()]

    def write_policy(self) -> None:
        self.generation += 1
        self.policy.write_text(POLICY.format(summary=f"generation {self.generation}"))

    def reload(self) -> None:
        self.write_policy()
        self.process.send_signal(signal.SIGHUP)

    def told(self) -> Counter[str]:
        """How many audit lines of each event."""
        lines = self.audit.read_text().splitlines(keepends=True)
        return Counter(json.loads(line)["event"] for line in lines if line.endswith("\n"))  # the last may still be on its way


class Soak:
    """The clients, by chance."""

    def __init__(self, sidecar: Sidecar, stub: Stub, seed: int) -> None:
        self.sidecar, self.stub = sidecar, stub
        self.chance = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.clients: list[Client] = []
        self.steady = Client(sidecar.path)
        self.steady.begin()
        self.reload_at = time.monotonic() + RELOAD_SECONDS

    def round(self, end: float) -> None:
        """Until the clock says `end`; then everybody has left."""
        while time.monotonic() < end:
            self.steady.frame()
            self.counts["frames"] += 1
            if len(self.clients) < MOST_CLIENTS and self.chance.random() < 0.3:
                self.clients.append(Client(self.sidecar.path))
                self.clients[-1].begin()
                self.counts["clients"] += 1
            if self.clients:
                self.act(self.chance.choice(self.clients))
            if time.monotonic() >= self.reload_at:
                self.reload_at = time.monotonic() + RELOAD_SECONDS
                self.sidecar.reload()
                self.counts["reloads"] += 1
            self.stub.clear()
        for client in self.clients:
            client.close()
        self.clients = []

    def act(self, client: Client) -> None:
        what = self.chance.choices(("frame", "paste", "copy", "leave", "break off", "err"), (10, 2, 2, 2, 1, 1))[0]
        if what == "frame":
            client.frame()
            self.counts["frames"] += 1
        elif what == "paste":
            client.paste()
            self.counts["transfers"] += 1
        elif what == "copy":
            client.copy()
            self.counts["transfers"] += 1
        else:
            if what == "break off":
                client.send(request(1, 0, client.new())[:7])
            elif what == "err":
                client.ask(9999, 0)
                client.sync()
            self.clients.remove(client)
            client.close()


def soak(seconds: float, seed: int) -> list[str]:
    """What was wrong."""
    directory = tempfile.mkdtemp(prefix="wlproxy-soak-", dir="/tmp")
    os.chmod(directory, 0o755)
    stub = Stub(os.path.join(directory, "host.sock"), load_shipped())
    sidecar = Sidecar(directory, stub.path)
    wrong: list[str] = []
    samples: list[tuple[Figures, Figures]] = []
    try:
        play = Soak(sidecar, stub, seed)
        began = time.monotonic()
        for number in range(1, ROUNDS + 1):
            play.round(began + seconds * number / ROUNDS)
            try:
                samples.append(settled(sidecar, samples[0] if samples else None))
            except OSError:
                wrong.append(f"broker or relay died: {sidecar.errors.read_text()[-500:]}")
                break
            counts = ", ".join(f"{count} {name}" for name, count in sorted(play.counts.items()))
            relay, broker = samples[-1]
            print(f"{time.monotonic() - began:6.0f} s  relay {relay}  broker {broker}  {counts}", flush=True)
        play.steady.close()
        told = sidecar.told()
        if told["internal"]:
            wrong.append(f"{told['internal']} errors of our own: {sidecar.errors.read_text()[-500:]}")
        if not wrong and told["policy-reload"] + told["policy-load"] < 2:
            wrong.append(f"no reload took place: {dict(told)}")
    except (RuntimeError, Missing, OSError) as error:
        wrong.append(f"{type(error).__name__}: {error}; the sidecar said: {sidecar.errors.read_text()[-500:]!r}")
    finally:
        stop(sidecar.process)
        stub.close()
        shutil.rmtree(directory, ignore_errors=True)
    return wrong + judged(samples)


def settled(sidecar: Sidecar, first: tuple[Figures, Figures] | None) -> tuple[Figures, Figures]:
    """Relay and broker once the last descriptors of those who left are closed and no policy is being compiled, or after some time as
    they are."""

    def measure() -> tuple[Figures, Figures]:
        return figures(sidecar.relay), figures(sidecar.broker)

    before = [-1]

    def quiet() -> bool:
        """Two looks agree, and there is no more than after the first round."""
        now = measure()
        agrees = sum(f.fds for f in now) == before[0] and sidecar.children() == [sidecar.relay]
        before[0] = sum(f.fds for f in now)
        return agrees and (first is None or all(f.fds <= was.fds for f, was in zip(now, first, strict=True)))

    with contextlib.suppress(RuntimeError):  # the figures tell
        until(quiet, "as many descriptors as after the first round")
    return measure()


def judged(samples: list[tuple[Figures, Figures]]) -> list[str]:
    """What the figures say."""
    wrong = []
    for name, of_one in zip(("relay", "broker"), zip(*samples, strict=True), strict=False):
        fds = [f.fds for f in of_one]
        if max(fds) > fds[0]:
            wrong.append(f"{name}: {fds[0]} descriptors after the first round, later {max(fds)}")
        judged_ones = of_one[int(len(of_one) * WARM) :]
        half = len(judged_ones) // 2
        if half:
            before, after = min(f.pss for f in judged_ones[:half]), min(f.pss for f in judged_ones[half:])
            line = f"{name}: {before} KiB of proportional set size in the first half, {after} in the second"
            print(line)
            if after - before > MOST_GROWTH_KIB:
                wrong.append(line)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    build = subprocess.run(
        [sys.executable, "-P", "-m", "wlproxy.cli.doctor", "--build"], cwd="/", capture_output=True, text=True, check=True,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )  # fmt: skip
    print(build.stdout.strip())
    wrong = soak(args.seconds, args.seed)
    for line in wrong:
        print(f"GREW OR FAILED: {line}")
    print("soak: " + ("failed" if wrong else "nothing grew"))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
