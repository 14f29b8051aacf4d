"""A guest behind virtio-gpu's cross-domain channel, at a real `wlproxy run`: what the VMM cannot do the proxy must not ask of it."""

from __future__ import annotations

import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.attack.wire import request
from tests.sidecar.conftest import PATIENCE, Compositor, read, until
from tests.sidecar.vmm import BLOB, MOST_FDS, RECEIVE_BYTES, SEND_BYTES, WRITE_PIPE, Channel, Halted

GLOBALS = {
    "wl_shm": 1,
    "wl_seat": 5,
    "wl_data_device_manager": 3,
    "zwp_linux_dmabuf_v1": 4,
    "wp_drm_lease_device_v1": 1,
    "wl_compositor": 4,
}
POLICY = """
format = 1
name = "vmm"
transparent = true
[upstream]
security-context = "off"
[quota]
stall = "1s"
messages = "{messages}"
fds = 1024
shm-pools = 1024
objects = 60000
callbacks = 60000
"""
Start = Callable[..., Path]
event = request  # the layout is the same


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `wlproxy run`; the path that a VMM is given."""
    started: list[subprocess.Popen[bytes]] = []

    def start_one(messages: str = "unlimited") -> Path:
        policy = tmp_path / "vmm.toml"
        policy.write_text(POLICY.format(messages=messages))
        ready, writer = os.pipe()
        command = [sys.executable, "-P", "-m", "wlproxy", "run", "--listen", f"unix:{tmp_path}/guest.sock", "--policy", str(policy)]
        command += ["--upstream", f"{tmp_path}/host.sock", "--ready-fd", str(writer), "--audit", f"{tmp_path}/audit"]
        started.append(subprocess.Popen(command, pass_fds=[writer], stdin=subprocess.DEVNULL))
        os.close(writer)
        assert select.select([ready], [], [], PATIENCE)[0] and os.read(ready, 1) == b"\n"
        os.close(ready)
        return tmp_path / "guest.sock"

    yield start_one
    for process in started:
        process.terminate()
        assert process.wait(PATIENCE) == 0


class Guest:
    """A program in the guest: its channel, and the compositor's end of it. Ids: 2 registry, 3 and on the globals in their order."""

    def __init__(self, path: Path, compositor: Compositor) -> None:
        self.channel = Channel(path)
        self.channel.sock.settimeout(PATIENCE)
        self.buffer = b""
        self.ids = {name: number for number, name in enumerate(GLOBALS, 3)}
        self.next = 3 + len(GLOBALS)
        self.channel.send(request(1, 1, 2))
        self.host = compositor.accept()
        read(self.host, 12)
        self.host.sendall(b"".join(event(2, 0, n, name, version) for n, (name, version) in enumerate(GLOBALS.items(), 1)))
        names = {}
        for _ in GLOBALS:
            _, _, body = self.next_event()
            name, size = struct.unpack_from("<II", body)
            names[body[8 : 8 + size - 1].decode()] = name
        binds = b"".join(request(2, 0, names[name], name, version, self.ids[name]) for name, version in GLOBALS.items())
        self.channel.send(binds)
        read(self.host, len(binds))

    def new(self) -> int:
        self.next += 1
        return self.next - 1

    def next_event(self) -> tuple[int, int, bytes]:
        """One event, read as the VMM reads: in pieces of 3744 bytes."""
        while len(self.buffer) < 8 or len(self.buffer) < struct.unpack_from("<HH", self.buffer, 4)[1]:
            data = self.channel.receive()
            assert data, "end of stream"
            self.buffer += data
        object_id, opcode, size = struct.unpack_from("<IHH", self.buffer)
        body, self.buffer = self.buffer[8:size], self.buffer[size:]
        return object_id, opcode, body

    def ask(self, object_id: int, opcode: int, *args: object) -> bytes:
        """Sends a request without descriptors; what the compositor reads of it."""
        data = request(object_id, opcode, *args)
        self.channel.send(data)
        return read(self.host, len(data))[0]

    def keyboard(self) -> int:
        made = self.new()
        self.ask(self.ids["wl_seat"], 1, made)
        return made

    def close(self) -> None:
        self.channel.close()
        self.host.close()


@pytest.fixture
def meet(start: Start, compositor: Compositor) -> Iterator[Callable[..., Guest]]:
    """A guest of a sidecar, and further ones of the same."""
    guests: list[Guest] = []
    paths: list[Path] = []

    def meet_one(**settings: str) -> Guest:
        if not paths:
            paths.append(start(**settings))
        guests.append(Guest(paths[0], compositor))
        return guests[-1]

    yield meet_one
    for guest in guests:
        guest.close()


def relay_of(guest: Guest) -> int:
    """The process that faces the guest: its parent, who connected to the compositor, has no other child."""
    pid = struct.unpack("iii", guest.host.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())


def held_by(pid: int) -> list[str]:
    """What its descriptors are, sockets and pipes without their numbers."""
    folder = f"/proc/{pid}/fd"
    return sorted(os.readlink(f"{folder}/{name}").split("[")[0] for name in os.listdir(folder))


def memfd(data: bytes, seals: int = 0) -> int:
    fd = os.memfd_create("compositor's", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    if seals:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


ALL_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL


def send(sock: socket.socket, data: bytes, *fds: int) -> None:
    socket.send_fds(sock, [data], list(fds))
    for fd in fds:
        os.close(fd)


# -- from the guest


def test_28_descriptors_in_one_send_and_chunks_that_end_anywhere(meet: Callable[..., Guest]) -> None:
    """Pools by the dozen within 64 KiB chunks whose ends are in the middle of messages; in the end every file is at its pool."""
    guest = meet()
    shm, display = guest.ids["wl_shm"], 1
    pools, stream, sizes = 4 * MOST_FDS, b"", []
    for number in range(pools):
        sizes.append(4096 + number)
        stream += request(shm, 0, guest.new(), sizes[-1])
        # 12-byte requests in between, so that the pools are spread over chunks
        stream += b"".join(request(display, 0, guest.new()) for _ in range(300))
    fds = [memfd(bytes(size)) for size in sizes]
    chunks = [stream[at : at + SEND_BYTES - 1] for at in range(0, len(stream), SEND_BYTES - 1)]
    assert len(chunks) > 5 and (SEND_BYTES - 1) % 4
    got: list[int] = []

    def host_reads() -> None:
        left = len(stream)
        while left:
            data, new, flags, _ = socket.recv_fds(guest.host, min(left, 4096), MOST_FDS)
            assert data and not flags & socket.MSG_CTRUNC
            got.extend(new)
            left -= len(data)

    reader = threading.Thread(target=host_reads)
    reader.start()
    left = list(fds)
    for chunk in chunks:
        now, left = left[:MOST_FDS], left[MOST_FDS:]
        assert guest.channel.send(chunk, now)
    reader.join(PATIENCE)
    assert not reader.is_alive()
    assert [os.fstat(fd).st_size for fd in got] == sizes
    for fd in fds + got:
        os.close(fd)


def test_a_pipe_of_the_guest_s(meet: Callable[..., Guest]) -> None:
    """READ_PIPE: the guest reads a selection; the VMM sends the write end of its own pipe."""
    guest = meet()
    device = guest.new()
    guest.ask(guest.ids["wl_data_device_manager"], 1, device, guest.ids["wl_seat"])
    offer = 0xFF000000
    guest.host.sendall(event(device, 0, offer) + event(offer, 0, "text/plain") + event(device, 5, offer))
    for _ in range(3):
        guest.next_event()
    reader, writer = os.pipe()
    data = request(offer, 1, "text/plain")
    assert guest.channel.send(data, [writer])
    os.close(writer)
    got, fds = read(guest.host, len(data))
    assert got == data and len(fds) == 1
    os.write(fds[0], b"the selection")
    os.close(fds[0])
    assert os.read(reader, 100) == b"the selection"
    assert os.read(reader, 100) == b""
    os.close(reader)


# -- a guest that dies: nothing of it may stay in the proxy, and nobody on the host may wait for it


def test_it_dies_while_it_reads_a_selection(meet: Callable[..., Guest]) -> None:
    """The program on the host that writes must learn that its reader has gone."""
    other = meet()
    relay = relay_of(other)
    before = held_by(relay)
    guest = meet()
    device = guest.new()
    guest.ask(guest.ids["wl_data_device_manager"], 1, device, guest.ids["wl_seat"])
    offer = 0xFF000000
    guest.host.sendall(event(device, 0, offer) + event(offer, 0, "text/plain") + event(device, 5, offer))
    for _ in range(3):
        guest.next_event()
    reader, writer = os.pipe()
    data = request(offer, 1, "text/plain")
    assert guest.channel.send(data, [writer])
    os.close(writer)
    _, (theirs,) = read(guest.host, len(data))
    os.write(theirs, b"half of")
    os.close(reader)
    guest.channel.close()
    assert guest.host.recv(1) == b""
    until(lambda: broken(theirs), "the writer is told")
    os.close(theirs)
    until(lambda: held_by(relay) == before, "nothing is left over")
    other.ask(1, 0, other.new())


def broken(writer: int) -> bool:
    try:
        os.write(writer, b"more")
    except BrokenPipeError:
        return True
    return False


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_it_dies_while_its_selection_is_read(meet: Callable[..., Guest], kind: str) -> None:
    """The program on the host that reads gets what came, and the end."""
    other = meet()
    relay = relay_of(other)
    before = held_by(relay)
    guest = meet()
    source = guest.new()
    guest.ask(guest.ids["wl_data_device_manager"], 0, source)
    guest.ask(source, 0, "text/plain")
    reader, writer = (end.detach() for end in socket.socketpair()) if kind == "socket" else os.pipe()
    send(guest.host, event(source, 1, "text/plain"), writer)
    assert guest.next_event()[:2] == (source, 1)
    os.write(guest.channel.fds[0], b"half of")
    guest.channel.close()
    assert os.read(reader, 100) == b"half of"
    assert select.select([reader], [], [], PATIENCE)[0] and os.read(reader, 100) == b""
    os.close(reader)
    assert guest.host.recv(1) == b""
    until(lambda: held_by(relay) == before, "nothing is left over")
    other.ask(1, 0, other.new())


def test_it_dies_in_the_middle_of_a_frame(meet: Callable[..., Guest]) -> None:
    """A pool, a buffer and a surface, attached and damaged, and the commit not whole; a descriptor whose message never came."""
    other = meet()
    relay = relay_of(other)
    before = held_by(relay)
    guest = meet()
    pool, buffer, surface = guest.new(), guest.new(), guest.new()
    whole = request(guest.ids["wl_shm"], 0, pool, 4096) + request(pool, 0, buffer, 0, 32, 32, 128, 0)
    whole += request(guest.ids["wl_compositor"], 0, surface) + request(surface, 1, buffer, 0, 0) + request(surface, 2, 0, 0, 32, 32)
    file, more = memfd(bytes(4096)), memfd(bytes(4096))
    assert guest.channel.send(whole + request(surface, 6)[:7], [file, more])
    got, fds = read(guest.host, len(whole))
    assert got == whole and len(fds) == 1  # the second has no message
    for fd in (file, more, *fds):
        os.close(fd)
    guest.channel.close()
    assert guest.host.recv(1) == b""
    until(lambda: held_by(relay) == before, "nothing is left over")
    other.ask(1, 0, other.new())


# -- to the guest


@pytest.mark.parametrize("seals", [0, ALL_SEALS])
def test_a_keymap_can_be_mapped_writable_and_is_the_guest_s_own(meet: Callable[..., Guest], seals: int) -> None:
    guest = meet()
    keyboard = guest.keyboard()
    ours = memfd(b"xkb_keymap {};\0" + bytes(50000), seals)
    kept = os.dup(ours)
    read_only = os.open(f"/proc/self/fd/{ours}", os.O_RDONLY)
    os.close(ours)
    send(guest.host, event(keyboard, 0, 1, 50015), read_only)
    assert guest.next_event() == (keyboard, 0, struct.pack("<II", 1, 50015))
    assert guest.channel.kinds == [BLOB]
    os.pwrite(guest.channel.fds[0], b"hostile", 0)
    assert os.pread(kept, 10, 0) == b"xkb_keymap"
    os.close(kept)


def test_no_keymap(meet: Callable[..., Guest]) -> None:
    """Format 0 comes with whatever the compositor had at hand, and with no bytes: a VMM can share neither."""
    guest = meet()
    keyboard = guest.keyboard()
    send(guest.host, event(keyboard, 0, 0, 0), os.open("/dev/null", os.O_RDWR))
    assert guest.next_event()[:2] == (keyboard, 0)
    assert guest.channel.kinds == [BLOB]


def test_a_table_of_formats(meet: Callable[..., Guest]) -> None:
    guest = meet()
    feedback = guest.new()
    guest.ask(guest.ids["zwp_linux_dmabuf_v1"], 2, feedback)
    send(guest.host, event(feedback, 1, 16), memfd(struct.pack("<IIQ", 875713112, 0, 0), ALL_SEALS))
    assert guest.next_event()[:2] == (feedback, 1)
    assert guest.channel.kinds == [BLOB]


@pytest.mark.parametrize("kind", ["pipe", "socket", "read-write pipe"])
def test_a_selection_of_the_guest_s_is_read(meet: Callable[..., Guest], kind: str) -> None:
    """wl_data_source.send: compositors pass on what the other client gave them, which need not be a pipe's write-only end."""
    guest = meet()
    source = guest.new()
    guest.ask(guest.ids["wl_data_device_manager"], 0, source)
    guest.ask(source, 0, "text/plain")
    if kind == "socket":
        ours, theirs = socket.socketpair()
        reader, writer = ours.detach(), theirs.detach()
    else:
        reader, writer = os.pipe()
        if kind == "read-write pipe":
            both = os.open(f"/proc/self/fd/{writer}", os.O_RDWR)
            os.close(writer)
            writer = both
    send(guest.host, event(source, 1, "text/plain"), writer)
    assert guest.next_event()[:2] == (source, 1)
    assert guest.channel.kinds == [WRITE_PIPE]
    os.write(guest.channel.fds[0], b"the guest's")
    assert os.read(reader, 100) == b"the guest's"
    os.close(reader)


def test_descriptors_that_would_end_the_channel_do_not_arrive(meet: Callable[..., Guest]) -> None:
    """A drm node, which a VMM cannot pass on; the next event does arrive."""
    guest = meet()
    send(guest.host, event(guest.ids["wp_drm_lease_device_v1"], 0), os.open("/dev/null", os.O_RDWR))
    guest.host.sendall(event(guest.ids["wl_shm"], 0, 1))
    assert guest.next_event() == (guest.ids["wl_shm"], 0, struct.pack("<I", 1))
    assert guest.channel.kinds == []


def test_the_stand_in_halts_at_such_a_descriptor() -> None:
    """What the tests above would see if the proxy let it pass."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("")
        sock.listen()
        channel = Channel.__new__(Channel)
        ours, theirs = socket.socketpair()
        channel.sock, channel.fds, channel.kinds, channel.slowest = ours, [], [], 0.0
        sealed = memfd(b"keymap", ALL_SEALS)
        reader, writer = os.pipe()
        os.close(writer)
        for fd in (os.open("/dev/null", os.O_RDWR), reader, sealed, memfd(b"")):
            send(theirs, b"x", fd)
            with pytest.raises(Halted):
                channel.receive()
        channel.close()
        theirs.close()


def test_a_burst_of_events_with_descriptors_fits_the_vmm_s_reads(meet: Callable[..., Guest]) -> None:
    """A hundred keymaps at once: never more than 28 descriptors to a read, each with its event or before."""
    guest = meet()
    keyboards = [guest.keyboard() for _ in range(100)]
    guest.host.sendall(event(guest.ids["wl_seat"], 1, "x" * 991) * 400)  # more than the socket holds: what follows is queued together
    for number, keyboard in enumerate(keyboards):
        # names of other events in between, so that the pieces end within messages
        send(guest.host, event(keyboard, 0, 1, 4096 + number) + event(guest.ids["wl_seat"], 1, "x" * 50), memfd(bytes(4096 + number)))
    for _ in range(400):
        assert guest.next_event()[:2] == (guest.ids["wl_seat"], 1)
    for number, keyboard in enumerate(keyboards):
        object_id, opcode, body = guest.next_event()
        assert (object_id, opcode, struct.unpack("<II", body)[1]) == (keyboard, 0, 4096 + number)
        assert len(guest.channel.fds) > number, "the descriptor comes with its event"
        assert os.fstat(guest.channel.fds[number]).st_size == 4096 + number
        assert guest.next_event()[:2] == (guest.ids["wl_seat"], 1)
    assert set(guest.channel.kinds) == {BLOB}


def test_a_large_burst_is_read_in_small_pieces(meet: Callable[..., Guest]) -> None:
    guest = meet()
    whole = b"".join(event(guest.ids["wl_seat"], 1, "x" * (n % 900)) for n in range(1, 300))
    sender = threading.Thread(target=guest.host.sendall, args=(whole,))
    sender.start()
    got = b""
    while len(got) < len(whole):
        data = guest.channel.receive()
        assert len(data) <= RECEIVE_BYTES
        got += data
    sender.join()
    assert got == whole


# -- nobody waits for long


def requests(guest: Guest, count: int) -> bytes:
    """So many requests that nothing folds: wl_surface.set_buffer_scale."""
    surface = guest.new()
    guest.ask(guest.ids["wl_compositor"], 0, surface)
    return request(surface, 8, 1) * count


def flood(channel: Channel, chunk: bytes, seconds: float) -> bool:
    """Sends until the peer has gone (True), or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not channel.send(chunk):
            return True
    return False


def test_a_compositor_that_does_not_read_stalls_the_vmm_no_longer_than_the_deadline(meet: Callable[..., Guest]) -> None:
    """The VMM's one thread stands in sendmsg meanwhile: with it every other program of the guest."""
    guest = meet()
    chunk = requests(guest, 4000)
    guest.channel.sock.settimeout(None)
    assert flood(guest.channel, chunk, PATIENCE), guest.channel.slowest
    assert guest.channel.slowest < 1.0 + 1.0  # the deadline, a tick, and what a busy machine takes
    other = meet()
    assert other.ask(1, 0, other.new())


@pytest.mark.timeout(60)
@pytest.mark.parametrize("dear", [True, False])
def test_a_flood_stalls_the_vmm_no_longer_than_the_deadline(meet: Callable[..., Guest], dear: bool) -> None:
    """Floods are read more slowly, but not so slowly: what would take longer than the deadline ends that connection."""
    guest = meet(messages="20000/s burst 20000")
    drained = threading.Thread(target=drain, args=(guest.host,), daemon=True)
    if dear:
        device = guest.new()
        guest.ask(guest.ids["wl_data_device_manager"], 1, device, guest.ids["wl_seat"])
        chunk = request(device, 1, 0, 1) * 3000  # set_selection, 2000 messages' worth each
    else:
        chunk = requests(guest, 5000)
    drained.start()
    guest.channel.sock.settimeout(None)
    assert flood(guest.channel, chunk, 4.0) == dear
    assert guest.channel.slowest < 1.0 + 1.0
    other = meet()
    began = time.monotonic()
    assert other.ask(1, 0, other.new())
    assert time.monotonic() - began < 2 * (1.0 + 1.0)


def drain(sock: socket.socket) -> None:
    try:
        while sock.recv(65536):
            pass
    except OSError:
        pass
