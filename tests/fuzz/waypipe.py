"""Hostile waypipe guests: streams that are nearly right, against the display side with a real session behind it.

    python -m tests.fuzz.waypipe [--seconds 10] [--seed 1]       from a grammar, with flipped bytes and lengths
    python -m tests.fuzz.waypipe --guided [libFuzzer options] [FOLDER]   atheris shapes the bytes (pip install atheris)

    python -m tests.fuzz.waypipe --seeds FOLDER [--seed 1]        guests of the grammar for it to begin with

The oracles: no exception; descriptors before are descriptors after; what a guest uses is counted back to nothing; memory stays
within the quotas; whatever is sent to a guest re-parses as waypipe's messages. A finding prints its seed or its bytes.
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
import time
from pathlib import Path

from tests.sidecar.waypipe_guest import (
    CODECS,
    Display,
    announce,
    bind,
    header,
    inject,
    open_descriptors,
    open_file,
    protocol,
    run,
    wayland,
    words,
)
from wlproxy.core import waypipe
from wlproxy.core.quotas import Limits
from wlproxy.sidecar.relay.compression import Codec

SHM_BYTES = 8 << 20
PIECES = 24
CUTS = 4
SEEDS = 600
SEED_BYTES = 4000


def piece(choice: random.Random, codec: Codec) -> bytes:
    """A message or two, more often right than wrong."""
    rid = choice.choice((1, 2, 3, 4)) if choice.random() < 0.95 else choice.choice((-1, 0, 1 << 30))
    size = choice.choice((64, 4096, 4099, 1 << 20, 1 << 30)) if choice.random() < 0.9 else choice.choice((0, 1, 0xFFFFFFFF))
    start = choice.choice((0, 1, 15)) if choice.random() < 0.9 else choice.choice((1023, 1024, 1 << 18, 0x3FFFFFFF))
    data = bytes(choice.randrange(4, 40) & ~3)
    kind = choice.randrange(15)
    if kind == 0:
        return open_file(rid, size)
    if kind == 1:
        return open_file(rid, 4096) + inject(rid) + protocol(wayland(4, 0, choice.randrange(5, 9), 4096, fds=1))
    if kind == 2:
        return words(waypipe.EXTEND_FILE, rid, size)
    if kind <= 4 and choice.random() < 0.2:  # large enough to be read to where it belongs
        large, said = bytes(choice.randrange(40_000, 90_000)), choice.choice((0, 0, 0, 4, -4))
        if kind == 3:
            return words(waypipe.BUFFER_FILL, rid, start & ~3, (start & ~3) + len(large) + said, rest=codec.pack(large))
        return words(waypipe.BUFFER_DIFF, rid, (len(large) & ~3) + 8 + said, 0, rest=codec.pack(run(start, large[: len(large) & ~3])))
    if kind <= 4:
        return words(waypipe.BUFFER_FILL, rid, start, start + len(data), rest=codec.pack(data))
    if kind <= 6:
        return words(waypipe.BUFFER_DIFF, rid, len(data) + 8, 0, rest=codec.pack(run(start, data)))
    if kind == 7:
        return words(waypipe.OPEN_IR_PIPE, rid) + words(choice.choice((10, 11, 12)), rid, rest=data)
    if kind == 8:
        return words(choice.choice((7, 8)), rid)
    if kind == 9:
        return words(choice.choice((11, 12)), rid)
    if kind == 10:
        return protocol(wayland(choice.randrange(5, 9), choice.randrange(4), 9, 0, 8, 8, 32, 0))
    if kind == 11:
        return protocol(wayland(choice.randrange(5, 9), 1))
    if kind == 12:
        return inject(*[rid] * choice.randrange(3))
    if choice.random() < 0.7:
        return b""
    return words(choice.randrange(32), rid, size, start) if kind == 13 else choice.randbytes(choice.randrange(24))


def stream(choice: random.Random) -> list[bytes]:
    """What one guest sends, in pieces as they are read."""
    compression = choice.choice(list(CODECS))
    parts = [header(compression, choice.choice((16, 17, 18))), protocol(wayland(1, 1, 2))]
    parts.append(protocol(bind(2, 1, "wl_compositor", 4, 3), bind(2, 2, "wl_shm", 1, 4)))
    parts += [piece(choice, CODECS[compression]) for _ in range(choice.randrange(30))]
    whole = bytearray(b"".join(parts))
    for _ in range(choice.choice((0, 0, 0, 1, 3))):
        whole[choice.randrange(16, len(whole))] = choice.randrange(256)
    cuts = sorted({0, len(whole), *(choice.randrange(len(whole)) for _ in range(choice.randrange(PIECES)))})
    return [bytes(whole[a:b]) for a, b in zip(cuts, cuts[1:], strict=False)]


def play(pieces: list[bytes]) -> str:
    """One guest from its first byte to its end; why it was refused, "" if it was not. Raises AssertionError where an oracle speaks."""
    before = open_descriptors()
    made = Display(Limits(shm_bytes=SHM_BYTES, fds=64), start=False)
    told = False
    for data in pieces:
        made.guest(data)
        if not told and made.waypipe.terms is not None:
            told = True
            made.host(announce(2, 1, "wl_compositor", 4) + announce(2, 2, "wl_shm", 1))
        for number, mask in made.epoll.poll(0):
            pipe = made.pipes.find(number)
            assert pipe is not None
            made.pipes.serve(pipe, mask)
            made.waypipe.pipe_served(pipe)
        made.send([])
        assert made.usage.mirrored_bytes <= SHM_BYTES + 2 * waypipe.MESSAGE_BYTES or made.waypipe.refused
        assert made.usage.fds <= 64 or made.session.over
    made.received()
    made.close()
    assert open_descriptors() == before, "a descriptor is left"
    assert (made.usage.fds, made.usage.mirrored_bytes, made.usage.shm_bytes) == (0, 0, 0), "something is still counted"
    return made.waypipe.refused


def one(data: bytes) -> None:
    """Bytes from atheris: lengths of pieces first."""
    if len(data) < 2 * CUTS:
        return
    lengths = struct.unpack(f"<{CUTS}H", data[: 2 * CUTS])
    rest, pieces = header(1 + lengths[0] % len(CODECS)) + data[2 * CUTS :], []
    for length in lengths:
        pieces.append(rest[:length])
        rest = rest[length:]
    play([part for part in [*pieces, rest] if part])


def seed_of(pieces: list[bytes]) -> bytes:
    """What `one` plays as these pieces, but for where the last of them are cut."""
    whole = b"".join(pieces)
    compression = whole[1] & 7  # bits 8 to 10 of the header
    lengths = [len(part) for part in pieces[:CUTS]] + [0] * (CUTS - len(pieces))
    lengths[0] += (compression - 1 - lengths[0]) % len(CODECS)
    return struct.pack(f"<{CUTS}H", *lengths) + whole[len(header()) :]


def write_seeds(folder: Path, seed: int) -> None:
    """Guests that are small enough to be shaped further."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(seed, seed + SEEDS):
        pieces = stream(random.Random(number))
        if sum(map(len, pieces)) <= SEED_BYTES:
            (folder / f"{number}").write_bytes(seed_of(pieces))


def guided() -> None:
    import atheris  # type: ignore[import-not-found]

    atheris.instrument_all()
    atheris.Setup([arg for arg in sys.argv if arg != "--guided"], one)
    atheris.Fuzz()


def main() -> int:
    if "--guided" in sys.argv:
        guided()
        return 0
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="tests.fuzz.waypipe", description=__doc__, formatter_class=formatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    if given.seeds:
        write_seeds(given.seeds, given.seed)
        return 0
    end, seed, refusals = time.monotonic() + given.seconds, given.seed, 0
    while time.monotonic() < end:
        try:
            refusals += play(stream(random.Random(seed))) != ""
        except Exception:
            print(f"finding: python -m tests.fuzz.waypipe --seconds 0.001 --seed {seed}", file=sys.stderr)
            raise
        seed += 1
    print(f"{seed - given.seed} waypipe guests, {refusals} refused, nothing left over")
    return 0


if __name__ == "__main__":
    sys.exit(main())
