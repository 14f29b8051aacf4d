"""python -m tests.vm.inside.limits: in a guest, takes the cross-domain channel to its limits, in both directions, and prints what it saw.

The compositor is played by tests/vm/test_cross_domain.py, which knows what will be sent: the constants here.
"""

from __future__ import annotations

import hashlib
import json
import struct

from tests.attack.wire import request
from tests.sidecar.vmm import MOST_FDS, SEND_BYTES
from tests.vm.inside.virtgpu import Blob, Context, Received
from tests.vm.tools.vhost_user_cross_domain import PAGE

GLOBALS = {"wl_compositor": 4, "wl_shm": 1, "wl_seat": 5}
COMPOSITOR, SHM, SEAT, SURFACE, KEYBOARD, POOL = 3, 4, 5, 6, 7, 8
REGISTRY = request(1, 1, 2)
BINDS = b"".join(request(2, 0, 1 + at, name, version, 3 + at) for at, (name, version) in enumerate(GLOBALS.items()))
MADE = request(COMPOSITOR, 0, SURFACE) + request(SEAT, 1, KEYBOARD)
POOLS = [PAGE * (1 + at) for at in range(MOST_FDS)]
SCALE = request(SURFACE, 8, 1)
STREAM = SCALE * (3 * SEND_BYTES // len(SCALE))
KEYMAPS = 40
LAST = request(SHM, 0, 0xFFFF)  # an event: the layout is the same


def contents(at: int) -> bytes:
    """What is in the pool of that number."""
    return bytes([at + 1]) * POOLS[at]


def keymap(at: int) -> bytes:
    return b"xkb_keymap { /* %d */ };\0" % at + bytes(7 * at)


def main() -> None:
    context = Context()
    context.send(REGISTRY)
    announced = b""
    while announced.count(b"wl_") < len(GLOBALS):
        event = context.receive(20)
        assert isinstance(event, Received) and event.data, "no globals"
        announced += event.data
    context.send(BINDS + MADE)
    files = []
    for at, size in enumerate(POOLS):
        files.append(context.file(size))
        files[-1].memory[:] = contents(at)
        files[-1].to_host()
    context.send(b"".join(request(SHM, 0, POOL + at, size) for at, size in enumerate(POOLS)), list(files))
    stream = STREAM
    while stream:
        context.send(stream[:SEND_BYTES])
        stream = stream[SEND_BYTES:]
    pieces: list[bytes] = []
    keymaps: list[list[bytes]] = []
    while not b"".join(pieces).endswith(LAST):
        event = context.receive(20)
        assert isinstance(event, Received) and event.data, "the host has hung up"
        pieces.append(event.data)
        keymaps.append([taken(made, size) for made, size in event.files])
    stream = b"".join(pieces)
    seen = {
        "stream": hashlib.sha256(stream).hexdigest(),
        "largest piece": max(map(len, pieces)),
        "pieces that end within a message": sum(not ends_whole(b"".join(pieces[: at + 1])) for at in range(len(pieces))),
        "most descriptors at once": max(map(len, keymaps)),
        "keymaps": sum(keymaps, []) == [keymap(at) for at in range(KEYMAPS)],
    }
    print(json.dumps(seen), flush=True)


def taken(made: Blob | int, size: int) -> bytes:
    """A keymap's bytes; the guest may write to it, and does."""
    assert isinstance(made, Blob)
    text = made.from_host()[:size]
    made.memory[:7] = b"hostile"
    made.to_host()
    return text


def ends_whole(stream: bytes) -> bool:
    """Whether a message ends where this does."""
    at = 0
    while at + 8 <= len(stream):
        at += int(struct.unpack_from("<HH", stream, at + 4)[1])
    return at == len(stream)


if __name__ == "__main__":
    main()
