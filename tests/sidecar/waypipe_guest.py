"""What a guest's waypipe does, by hand: messages to send, and the display side with a session behind it and no socket."""

from __future__ import annotations

import os
import select
import struct
from collections.abc import Mapping

from tests.scene import policy, shipped
from wlproxy.core import waypipe
from wlproxy.core.outcome import Outcome, Parcel
from wlproxy.core.quotas import Limits, Usage
from wlproxy.core.session import GUEST, HOST, Session
from wlproxy.handlers import load_tables
from wlproxy.policy.compile import compile_policy
from wlproxy.sidecar.relay.compression import Codec, load
from wlproxy.sidecar.relay.half import close_all
from wlproxy.sidecar.relay.mirrors import Mirrors
from wlproxy.sidecar.relay.remote_pipes import RemotePipes
from wlproxy.sidecar.relay.waypipe import UNPASSABLE, Waypipe

CODECS: Mapping[int, Codec] = load()


def header(compression: int = waypipe.NO_COMPRESSION, version: int = 16) -> bytes:
    return (0x880 | compression << 8 | version >> 4 << 16 | (version & 15) << 3).to_bytes(4, "little") + bytes(12)


def words(kind: int, *values: int, rest: bytes = b"") -> bytes:
    return waypipe.message(kind, b"".join((value & 0xFFFFFFFF).to_bytes(4, "little") for value in values) + rest)


def open_file(rid: int, size: int) -> bytes:
    return words(waypipe.OPEN_FILE, rid, size)


def run(start_word: int, data: bytes) -> bytes:
    return struct.pack("<II", start_word, start_word + len(data) // 4) + data


def diff(rid: int, runs: bytes, trailing: bytes = b"", codec: Codec | None = None) -> bytes:
    packed = runs + trailing if codec is None else codec.pack(runs + trailing)
    return words(waypipe.BUFFER_DIFF, rid, len(runs), len(trailing), rest=packed)


def fill(rid: int, start: int, data: bytes, codec: Codec | None = None) -> bytes:
    return words(waypipe.BUFFER_FILL, rid, start, start + len(data), rest=data if codec is None else codec.pack(data))


def inject(*rids: int) -> bytes:
    return words(waypipe.INJECT_RIDS, *rids)


def protocol(*messages: bytes) -> bytes:
    return waypipe.message(waypipe.PROTOCOL, b"".join(messages))


def wayland(target: int, opcode: int, *arguments: int, fds: int = 0) -> bytes:
    return struct.pack(f"<{2 + len(arguments)}I", target, 8 + 4 * len(arguments) << 16 | fds << 11 | opcode, *arguments)


def bind(registry: int, name: int, interface: str, version: int, new_id: int) -> bytes:
    text = interface.encode() + b"\0"
    body = struct.pack("<II", name, len(text)) + text + bytes(-len(text) & 3) + struct.pack("<II", version, new_id)
    return struct.pack("<II", registry, 8 + len(body) << 16) + body


def announce(registry: int, name: int, interface: str, version: int) -> bytes:
    text = interface.encode() + b"\0"
    body = struct.pack("<II", name, len(text)) + text + bytes(-len(text) & 3) + struct.pack("<I", version)
    return struct.pack("<II", registry, 8 + len(body) << 16) + body


class Display:
    """The display side and its session. `outcomes`: of every read so far; descriptors for the compositor stay open in `to_host`."""

    def __init__(
        self, limits: Limits | None = None, version: int = 16, compression: int = waypipe.NO_COMPRESSION, start: bool = True
    ) -> None:
        self.limits = limits or Limits()
        self.usage = Usage()
        self.epoll = select.epoll()
        self.pipes = RemotePipes(self.epoll, self.limits.clipboard_bytes)
        self.files = Mirrors(self.limits, self.usage)
        self.waypipe = Waypipe(1, self.files, self.pipes, self.limits, self.usage, dict(CODECS))
        names = ("wl_compositor", "wl_shm", "wl_seat", "wl_data_device_manager", "zwp_linux_dmabuf_v1")
        tables = load_tables(compile_policy(policy(*names), shipped()))
        self.session = Session(tables, self.limits, self.files, self.usage, UNPASSABLE)
        self.outcomes: list[Outcome] = []
        self.sent = b""
        self.now = 0.0
        if start:
            self.guest(header(compression, version))

    def guest(self, *data: bytes) -> Outcome:
        """One read of the relay's from the guest, or two where the first of the bytes belong in a file."""
        rest = b"".join(data)
        sink = self.waypipe.sink
        if sink is not None:
            size = min(len(sink), len(rest))
            sink[:size] = rest[:size]
            self.waypipe.sunk(size, self.now)
            rest = rest[size:]
        payload = self.waypipe.receive(rest, self.now)
        outcome = self.session.receive(GUEST, payload, self.waypipe.take_fds())
        self.waypipe.settle()
        return self._judged(outcome)

    def host(self, data: bytes) -> Outcome:
        return self._judged(self.session.receive(HOST, data, []))

    def _judged(self, outcome: Outcome) -> Outcome:
        self.outcomes.append(outcome)
        close_all(outcome.discarded)
        if outcome.to_guest:
            self.send(outcome.to_guest)
        return outcome

    def send(self, parcels: list[Parcel]) -> None:
        """To the guest, after what waits."""
        self.sent += b"".join([parcel.data for parcel in self.waypipe.wrap(parcels)])

    def received(self) -> list[tuple[int, bytes]]:
        """What the guest has been sent since the last call."""
        framer = waypipe.Framer()
        framer.feed(self.sent)
        self.sent = b""
        found = []
        while framer.next():
            found.append((framer.kind, framer.body))
        assert not framer.partial
        return found

    def with_shm(self) -> Display:
        """A registry 2, wl_compositor 3 and wl_shm 4."""
        self.guest(protocol(wayland(1, 1, 2)))
        self.host(announce(2, 1, "wl_compositor", 4) + announce(2, 2, "wl_shm", 1) + announce(2, 3, "zwp_linux_dmabuf_v1", 3))
        self.guest(protocol(bind(2, 1, "wl_compositor", 4, 3), bind(2, 2, "wl_shm", 1, 4)))
        return self

    def close(self) -> None:
        self.waypipe.close()
        close_all(self.session.close())
        for outcome in self.outcomes:
            for parcel in outcome.to_host:
                close_all(parcel.fds)
            for transfer in outcome.transfers:
                close_all([transfer.source, transfer.target])
        self.pipes.close_all()
        self.epoll.close()


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
