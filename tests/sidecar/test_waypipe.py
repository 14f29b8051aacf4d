"""The display side of waypipe: files, pipes and numbers of a guest; what is wrong with them ends the connection and leaves nothing."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import mmap
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.scene import policy, shipped
from tests.sidecar.conftest import Compositor, Sidecar, read, read_all, until
from tests.sidecar.waypipe_guest import (
    CODECS,
    Display,
    announce,
    bind,
    diff,
    fill,
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
from wlproxy.core.fds import F_SEAL_SHRINK, Fd
from wlproxy.core.outcome import Parcel
from wlproxy.core.quotas import Limits
from wlproxy.policy.compile import compile_policy
from wlproxy.sidecar.relay.waypipe import UNPASSABLE

CREATE_POOL = wayland(4, 0, 5, 4096, fds=1)
PACKED = [pytest.param(n, marks=pytest.mark.skipif(n not in CODECS, reason="its library is not installed")) for n in (1, 2, 3)]


@pytest.fixture
def display() -> Iterator[Display]:
    before = open_descriptors()
    made = Display().with_shm()
    made.received()
    yield made
    made.close()
    assert open_descriptors() == before
    assert (made.usage.fds, made.usage.mirrored_bytes, made.usage.shm_bytes) == (0, 0, 0)


def contents(fd: Fd) -> bytes:
    return os.pread(fd.number, fd.size, 0)


def pool_of(display: Display, rid: int = 1, size: int = 4096) -> Fd:
    outcome = display.guest(open_file(rid, size), inject(rid), protocol(wayland(4, 0, 5, size, fds=1)))
    ((fd,),) = [parcel.fds for parcel in outcome.to_host]
    return fd


def test_a_pool_is_a_sealed_file_of_ours_with_what_the_guest_wrote(display: Display) -> None:
    outcome = display.guest(open_file(1, 4096), diff(1, run(1, b"abcdefgh"), b"end!"), inject(1), protocol(CREATE_POOL))
    (parcel,) = outcome.to_host
    assert parcel.data == wayland(4, 0, 5, 4096)
    (fd,) = parcel.fds
    assert contents(fd) == bytes(4) + b"abcdefgh" + bytes(4080) + b"end!"
    assert fcntl.fcntl(fd.number, fcntl.F_GET_SEALS) & F_SEAL_SHRINK
    with pytest.raises(PermissionError):
        os.ftruncate(fd.number, 100)
    with mmap.mmap(fd.number, 4096) as seen:  # as a compositor has it
        display.guest(fill(1, 8, b"later"), diff(1, run(1023, b"last")))
        assert seen[8:13] == b"later" and seen[4092:] == b"last"


def test_a_file_is_sealed_from_the_beginning(display: Display) -> None:
    display.guest(open_file(1, 4096))
    file = display.files.give(1)
    assert fcntl.fcntl(file.number, fcntl.F_GET_SEALS) & F_SEAL_SHRINK
    os.close(file.number)


@pytest.mark.parametrize("compression", PACKED)
def test_each_compression(compression: int) -> None:
    made = Display(compression=compression).with_shm()
    fd = pool_of(made)
    codec = CODECS[compression]
    made.guest(diff(1, run(0, bytes(1000)) + run(300, b"words..."), b"tail", codec), fill(1, 2000, b"filled" * 100, codec))
    assert not made.waypipe.refused
    assert contents(fd)[1200:1208] == b"words..." and contents(fd)[2000:2600] == b"filled" * 100 and contents(fd)[-4:] == b"tail"
    made.close()


@pytest.mark.parametrize("compression", PACKED[1:])
def test_what_does_not_unpack_to_what_it_says_is_refused(compression: int) -> None:
    good = CODECS[compression].pack(b"abcd" * 250)
    bomb = CODECS[compression].pack(bytes(1 << 24))
    wrong = ((good[:-3], 1000), (good, 996), (good, 1004), (b"", 1000), (os.urandom(99), 1000), (bomb, 1000), (good + good, 1000))
    for packed, size in wrong:
        made = Display(compression=compression)
        made.guest(open_file(1, 1 << 20), words(waypipe.BUFFER_FILL, 1, 0, size, rest=packed))
        assert made.waypipe.rule == "built-in: waypipe compression", (len(packed), size)
        made.close()


@pytest.mark.parametrize("compression", PACKED)
def test_what_unpacks_to_much_counts_for_many_messages(compression: int) -> None:
    made = Display(compression=compression)
    made.guest(open_file(1, 1 << 20))
    made.waypipe.cost = 0
    made.guest(fill(1, 0, bytes(1 << 19), CODECS[compression]))
    assert made.waypipe.cost == (0 if compression == waypipe.NO_COMPRESSION else 8)
    many = b"".join(run(2 * n, b"abcd") for n in range(6400))
    made.guest(diff(1, many, codec=CODECS[compression]))
    assert made.waypipe.cost >= 100
    made.close()


def test_a_file_grows_and_never_shrinks(display: Display) -> None:
    fd = pool_of(display)
    outcome = display.guest(fill(1, 0, b"kept"), words(waypipe.EXTEND_FILE, 1, 8192), protocol(wayland(5, 2, 8192)), fill(1, 8188, b"more"))
    assert outcome.to_host[0].data == wayland(5, 2, 8192)
    assert os.pread(fd.number, 8192, 0) == b"kept" + bytes(8184) + b"more"
    display.guest(words(waypipe.EXTEND_FILE, 1, 8191))
    assert display.waypipe.refused.startswith("ExtendFile from 8192 to 8191")


def test_a_pool_resized_beyond_its_file_is_the_session_s_to_refuse(display: Display) -> None:
    pool_of(display)
    outcome = display.guest(protocol(wayland(5, 2, 8192)))
    assert "exceeds the file" in outcome.farewell


def test_a_file_goes_with_the_last_buffer_of_its_pool(display: Display) -> None:
    pool_of(display)
    buffer = wayland(5, 0, 6, 0, 16, 16, 64, 0)
    display.guest(protocol(buffer, wayland(5, 1)))
    assert 1 in display.files
    display.guest(fill(1, 0, b"the buffer lives on"))
    assert not display.waypipe.refused
    display.guest(protocol(wayland(6, 0)))
    assert 1 not in display.files
    display.guest(fill(1, 0, b"too late, and no harm"), diff(1, run(0, b"nor ")), words(waypipe.EXTEND_FILE, 1, 8192))
    assert not display.waypipe.refused


def test_one_file_may_be_two_pools(display: Display) -> None:
    pool_of(display)
    display.guest(inject(1), protocol(wayland(4, 0, 6, 4096, fds=1), wayland(5, 1)))
    assert 1 in display.files
    display.guest(protocol(wayland(6, 1)))
    assert 1 not in display.files


def test_a_file_that_no_request_wanted_goes(display: Display) -> None:
    outcome = display.guest(open_file(7, 4096), inject(7), protocol(wayland(4, 0, 5, 8192, fds=1)))
    assert "exceeds the file's 4096" in outcome.farewell
    assert display.files.count == 0


def test_memory_is_counted_by_what_is_written_to() -> None:
    before = open_descriptors()
    made = Display(Limits(shm_bytes=1 << 20))
    made.guest(open_file(1, 1 << 29), *(fill(1, n << 20, b"x") for n in range(16)))
    assert made.usage.mirrored_bytes == 1 << 20 and not made.waypipe.refused
    made.guest(fill(1, 5 << 20, b"again"))
    assert not made.waypipe.refused
    made.guest(fill(1, 17 << 20, b"x"))
    assert (made.waypipe.refused, made.waypipe.rule) == ("more than 1048576 bytes in shared memory", "quota: shm-bytes")
    made.close()
    assert made.usage.mirrored_bytes == 0 and open_descriptors() == before


@pytest.mark.parametrize("opener", [lambda n: open_file(n, 1), lambda n: words(waypipe.OPEN_IR_PIPE, n)])
def test_files_and_pipes_are_counted_as_descriptors(opener: Callable[[int], bytes]) -> None:
    before = open_descriptors()
    made = Display(Limits(fds=20))
    made.guest(*(opener(n) for n in range(1, 11)))
    assert not made.waypipe.refused and made.usage.fds == 20
    made.guest(opener(11))
    assert (made.waypipe.refused, made.waypipe.rule) == ("more than 20 descriptors", "quota: fds")
    made.close()
    assert made.usage.fds == 0 and open_descriptors() == before


# what a display sends


def test_messages_are_acknowledged_up_to_version_16() -> None:
    for version, expected in ((16, [(waypipe.ACK_NBLOCKS, b"\x40\0\0\0")]), (17, [])):
        made = Display(version=version)
        made.send([])
        first = made.received()
        assert first == ([] if version == 16 else [(waypipe.VERSION, b"\x11\0\0\0")])
        made.guest(*(open_file(n, 1) for n in range(1, 64)))
        assert not made.waypipe.due
        made.guest(open_file(64, 1))
        assert made.waypipe.due == (version == 16)
        made.send([])
        assert made.received() == expected
        made.close()


def test_an_answer_acknowledges_what_came_before_it() -> None:
    made = Display()
    made.guest(protocol(wayland(1, 1, 2)))
    made.host(announce(2, 1, "wl_shm", 1))
    assert made.received() == [(waypipe.ACK_NBLOCKS, b"\1\0\0\0"), (waypipe.PROTOCOL, announce(2, 1, "wl_shm", 1))]
    made.close()


@pytest.mark.parametrize("compression", PACKED)
def test_a_file_of_the_host_s_is_copied_to_the_guest(compression: int) -> None:
    before = open_descriptors()
    made = Display(compression=compression)
    text = os.urandom(200) * 1000
    copy = made.files.shadow(len(text))
    os.pwrite(copy.number, text, 0)
    made.send([Parcel(wayland(9, 3) + wayland(9, 0, 1, 7), [copy], [8])])
    (opened, *fills, injected, said) = made.received()
    assert opened == (waypipe.OPEN_FILE, b"\xff\xff\xff\xff" + (len(text)).to_bytes(4, "little"))
    got = b""
    for kind, body in fills:
        start, end = int.from_bytes(body[4:8], "little"), int.from_bytes(body[8:12], "little")
        assert (kind, start) == (waypipe.BUFFER_FILL, len(got))
        got += CODECS[compression].unpack(body[12:], end - start)
    assert got == text
    assert injected == (waypipe.INJECT_RIDS, b"\xff\xff\xff\xff")
    assert said == (waypipe.PROTOCOL, wayland(9, 3) + wayland(9, 0, 1, 7, fds=1))
    made.close()
    assert open_descriptors() == before


def test_long_bursts_leave_in_pieces_of_whole_messages() -> None:
    made = Display()
    burst = b"".join(wayland(2, 0, n, n, n) for n in range(1000))
    made.send([Parcel(burst, [])])
    bodies = [body for kind, body in made.received() if kind == waypipe.PROTOCOL]
    assert b"".join(bodies) == burst and len(bodies) > 4 and max(map(len, bodies)) <= 4096
    made.close()


def test_what_needs_dma_bufs_is_not_announced(display: Display) -> None:
    outcome = display.host(announce(2, 9, "zwp_linux_dmabuf_v1", 3))
    assert outcome.to_guest == []
    assert "zwp_linux_dmabuf_v1" in UNPASSABLE


# pipes


def served(display: Display) -> None:
    """The relay's loop, until nothing is ready."""
    while ready := display.epoll.poll(0):
        for number, mask in ready:
            pipe = display.pipes.find(number)
            assert pipe is not None
            display.pipes.serve(pipe, mask)
            display.waypipe.pipe_served(pipe)
    display.send([])


def host_pipe(display: Display) -> tuple[int, int]:
    """An event hands the guest a write end: its number, and our read end."""
    source, target = display.files.pipe()
    display.send([Parcel(wayland(9, 0, 1), [target], [0])])
    return -1, source.number


def test_what_a_guest_writes_comes_out_of_the_pipe(display: Display) -> None:
    rid, reader = host_pipe(display)
    text = os.urandom(150_000)  # more than a pipe holds
    display.guest(*(words(waypipe.PIPE_TRANSFER, rid, rest=text[n : n + 50_000]) for n in range(0, len(text), 50_000)))
    display.guest(words(waypipe.PIPE_SHUTDOWN_W, rid))
    got = b""
    while part := os.read(reader, 65536):
        got += part
        served(display)
    assert got == text and display.usage.fds == 0
    display.guest(words(waypipe.PIPE_TRANSFER, rid, rest=b"late"))
    assert not display.waypipe.refused
    os.close(reader)


def test_what_a_guest_wrote_before_it_left_is_delivered() -> None:
    made = Display()
    rid, reader = host_pipe(made)
    made.guest(words(waypipe.PIPE_TRANSFER, rid, rest=bytes(100_000)), words(waypipe.CLOSE, 0))
    made.waypipe.close()
    got = 0
    while part := os.read(reader, 65536):
        got += len(part)
        served(made)
    assert got == 100_000 and made.pipes.fds == 0
    os.close(reader)
    made.close()


def test_a_reader_that_has_gone_is_told_and_the_rest_is_dropped(display: Display) -> None:
    rid, reader = host_pipe(display)
    os.close(reader)
    served(display)
    assert display.received()[-1] == (waypipe.PIPE_SHUTDOWN_R, b"\xff\xff\xff\xff")
    display.guest(words(waypipe.PIPE_TRANSFER, rid, rest=b"x"), words(waypipe.PIPE_SHUTDOWN_W, rid))
    assert not display.waypipe.refused and display.usage.fds == 0


def test_a_pipe_holds_back_at_most_one_transfer() -> None:
    made = Display(Limits(clipboard_bytes=1 << 17))
    rid, reader = host_pipe(made)
    made.guest(*(words(waypipe.PIPE_TRANSFER, rid, rest=bytes(50_000)) for _ in range(10)))
    assert made.pipes.fds == 0 and not made.waypipe.refused
    os.close(reader)
    made.close()


def test_a_guest_reads_a_pipe(display: Display) -> None:
    display.guest(words(waypipe.OPEN_IR_PIPE, 3), inject(3))
    display.waypipe.receive(protocol(wayland(9, 0, 1, fds=1)), 0.0)
    (end,) = display.waypipe.take_fds()
    os.write(end.number, b"from the host")
    served(display)
    os.close(end.number)
    served(display)
    said = [(kind, body[4:]) for kind, body in display.received() if kind != waypipe.ACK_NBLOCKS]
    assert said == [(waypipe.PIPE_TRANSFER, b"from the host"), (waypipe.PIPE_SHUTDOWN_W, b"")]


def test_a_guest_that_reads_nothing_is_read_nothing_for(display: Display) -> None:
    display.guest(words(waypipe.OPEN_IR_PIPE, 3), inject(3))
    display.waypipe.receive(protocol(wayland(9, 0, 1, fds=1)), 0.0)
    (end,) = display.waypipe.take_fds()
    display.waypipe.pause(True)
    os.write(end.number, b"x")
    assert display.epoll.poll(0) == []
    display.waypipe.pause(False)
    served(display)
    assert display.received() != []
    os.close(end.number)


# large messages, whose bytes are read to where they belong

BIG = 200_000
PIXELS = bytes(range(250)) * (BIG // 250)
LARGE = {"fill": fill(1, 400, PIXELS), "diff": diff(1, run(100, PIXELS))}


def acknowledged(display: Display) -> int:
    """The count in the last AckNblocks."""
    display.send([Parcel(wayland(1, 0, 9), [])])
    return max(int.from_bytes(body, "little") for kind, body in display.received() if kind == waypipe.ACK_NBLOCKS)


@pytest.mark.parametrize("name", LARGE)
def test_a_large_run_is_read_into_the_file(display: Display, name: str) -> None:
    pool = pool_of(display, size=BIG + 1000)
    before = acknowledged(display)
    held = display.usage.held_bytes
    for start in range(0, len(LARGE[name]), 50_000):
        display.guest(LARGE[name][start : start + 50_000])
        assert display.usage.held_bytes <= held + 50_000
    assert contents(pool) == bytes(400) + PIXELS + bytes(600) and not display.waypipe.refused
    display.guest(fill(1, 0, b"next"))
    assert contents(pool)[:4] == b"next" and display.waypipe.waits_since < 0
    assert acknowledged(display) == before + 2


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("size", [4096, BIG + 396])
def test_a_large_run_beyond_the_end_is_refused_when_it_begins(display: Display, name: str, size: int) -> None:
    pool = pool_of(display, size=size)
    display.guest(LARGE[name][:100])
    assert "of a file of" in display.waypipe.refused and display.waypipe.sink is None
    assert contents(pool) == bytes(size)


def test_a_large_run_of_our_own_file_is_refused(display: Display) -> None:
    display.guest(fill(-1, 0, PIXELS)[:100])
    assert "no file of the guest's" in display.waypipe.refused


def test_a_large_run_takes_memory_before_it_is_there() -> None:
    made = Display(Limits(shm_bytes=1 << 17))
    made.guest(open_file(1, BIG), fill(1, 0, PIXELS)[:100])
    assert made.waypipe.refused == "more than 131072 bytes in shared memory" and made.waypipe.sink is None
    made.close()
    assert made.usage.mirrored_bytes == 0


def test_a_file_stays_until_what_is_under_way_has_come(display: Display) -> None:
    pool_of(display, size=BIG + 1000)
    display.guest(protocol(wayland(5, 1)), LARGE["fill"][:1000])  # the pool is destroyed before
    assert 1 in display.files
    display.guest(LARGE["fill"][1000:])
    display.guest(protocol(wayland(1, 0, 6)))
    assert 1 not in display.files and not display.waypipe.refused


@pytest.mark.parametrize("name", LARGE)
def test_a_large_run_must_end(display: Display, name: str) -> None:
    display.guest(open_file(1, BIG + 1000), LARGE[name][:1000])
    display.guest(bytes(1000))
    display.waypipe.tick(10.1)
    assert display.waypipe.refused == "neither the rest of a message nor 64 KiB of it came within 10 s"


SLOW = LARGE | {"two runs": diff(1, run(0, PIXELS[:100_000]) + run(25_050, PIXELS[:100_000]))}  # the last is held until it is whole


@pytest.mark.parametrize("name", SLOW)
def test_a_large_message_has_time_on_a_slow_link(display: Display, name: str) -> None:
    pool_of(display, size=BIG + 1000)
    for start in range(0, len(SLOW[name]), 66_000):
        display.guest(SLOW[name][start : start + 66_000])
        display.now += 9
        display.waypipe.tick(display.now)
    assert display.waypipe.refused == "" and display.waypipe.waits_since < 0


@pytest.mark.parametrize("name", SLOW)
def test_a_trickle_is_not_what_keeps_a_message_going(display: Display, name: str) -> None:
    pool_of(display, size=BIG + 1000)
    for start in range(0, 50_000, 10_000):
        display.guest(SLOW[name][start : start + 10_000])
        display.now += 2.1
    display.waypipe.tick(display.now)
    assert "64 KiB of it" in display.waypipe.refused


# what is wrong

POOL = open_file(1, 4096)
HOSTILE = {
    "a type that is none": ((8 << 5 | 31).to_bytes(4, "little") + bytes(4), "unknown type 31"),
    "an endless message": ((0x7FFFFFF << 5 | 6).to_bytes(4, "little"), "bytes, must have 4 to"),
    "no length": (bytes(4), "0 bytes"),
    "OpenFile of nothing": (open_file(1, 0), "OpenFile of 0 bytes"),
    "OpenFile of all there is": (open_file(1, 0xFFFFFFFF), "OpenFile of 4294967295"),
    "OpenFile without a size": (words(waypipe.OPEN_FILE, 1), "OpenFile of 8 bytes"),
    "a number twice": (POOL + POOL, "not free"),
    "a pipe under a file's number": (POOL + words(waypipe.OPEN_IR_PIPE, 1), "not free"),
    "number zero": (open_file(0, 4096), "OpenFile of number 0"),
    "a number of ours": (open_file(-1, 4096), "OpenFile of number -1"),
    "a fill of our file": (fill(-1, 0, b"keymap"), "no file of the guest's"),
    "a diff of our file": (diff(-1, run(0, b"keym")), "no file of the guest's"),
    "a fill of what was never opened": (fill(5, 0, b"x"), "no file of the guest's"),
    "a diff of what was never opened": (diff(5, run(0, b"abcd")), "no file of the guest's"),
    "ExtendFile of what was never opened": (words(waypipe.EXTEND_FILE, 5, 1), "no file of the guest's"),
    "a fill beyond the end": (POOL + fill(1, 4095, b"xy"), "the file has 4096"),
    "a fill from behind": (POOL + words(waypipe.BUFFER_FILL, 1, 100, 99), "BufferFill of -1"),
    "a fill with fewer bytes": (POOL + words(waypipe.BUFFER_FILL, 1, 0, 100, rest=b"x"), "does not unpack"),
    "a fill too large": (POOL + words(waypipe.BUFFER_FILL, 1, 0, 0xFFFFFFFF), "unpacks to 4294967295"),
    "a diff beyond the end": (POOL + diff(1, run(1024, b"abcd")), "the file has 4096"),
    "a diff of half words": (POOL + diff(1, b"123"), "must be words"),
    "a diff with fewer bytes": (POOL + words(waypipe.BUFFER_DIFF, 1, 12, 0, rest=b"x"), "does not unpack"),
    "a diff too large": (POOL + words(waypipe.BUFFER_DIFF, 1, 0xFFFFFFFC, 0xFFFFFFFF), "unpacks to"),
    "injected, but nothing": (inject(9) + protocol(wayland(1, 0, 2, fds=1)), "nothing to go with it"),
    "injected, but ours": (inject(-1), "the guest cannot have"),
    "half a number": (waypipe.message(1, b"123"), "InjectRIDs of 3 bytes"),
    "too many numbers": (POOL + inject(*[1] * 65), "InjectRIDs"),
    "descriptors that were not injected": (protocol(wayland(1, 0, 2, fds=1)), "1 descriptors of 0"),
    "a pipe given twice": (words(waypipe.OPEN_IR_PIPE, 1) + inject(1, 1) + protocol(wayland(1, 0, 2, fds=2)), "nothing to go with it"),
    "half a Wayland message": (protocol(wayland(1, 0, 2)[:10]), "Protocol holds"),
    "a pipe of both kinds": (words(waypipe.OPEN_RW_PIPE, 1), "OpenRWPipe"),
    "a write to what it reads": (words(waypipe.OPEN_IR_PIPE, 1) + words(waypipe.PIPE_TRANSFER, 1, rest=b"x"), "which the guest reads"),
    "a write to no pipe": (words(waypipe.PIPE_TRANSFER, 1, rest=b"x"), "no pipe"),
    "a write to no pipe of ours": (words(waypipe.PIPE_TRANSFER, -1, rest=b"x"), "no pipe"),
    "a write to a file": (POOL + words(waypipe.PIPE_TRANSFER, 1, rest=b"x"), "no pipe"),
    "a shutdown of nothing": (waypipe.message(waypipe.PIPE_SHUTDOWN_W, b""), "PipeShutdownW of 4 bytes"),
    "a dma-buf": (words(waypipe.OPEN_DMABUF, 1, 4096, rest=bytes(64)), "no dma-bufs"),
    "video": (words(waypipe.OPEN_DMAVID_SRC_V2, 1, 4096), "no dma-bufs"),
    "a video packet": (words(waypipe.SEND_DMAVID_PACKET, 1), "no dma-bufs"),
    "a timeline": (words(waypipe.OPEN_TIMELINE, 1, 0, 0), "no dma-bufs"),
    "a restart": (words(waypipe.RESTART, 0), "Restart: not from a guest"),
    "a version": (words(waypipe.VERSION, 17), "Version: not from a guest"),
    "more acknowledged than sent": (words(waypipe.ACK_NBLOCKS, 1), "AckNblocks of 1 messages, 0 were sent"),
    "an acknowledgement of nothing": (waypipe.message(waypipe.ACK_NBLOCKS, b""), "AckNblocks of 4 bytes"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_are_refused_and_leave_nothing(name: str) -> None:
    data, reason = HOSTILE[name]
    before = open_descriptors()
    made = Display()
    made.guest(data)
    assert reason in made.waypipe.refused and made.waypipe.rule.startswith("built-in: waypipe")
    made.guest(open_file(77, 4096))
    assert 77 not in made.files  # it is not listened to any more
    made.close()
    assert open_descriptors() == before and (made.usage.fds, made.usage.mirrored_bytes) == (0, 0)


@pytest.mark.parametrize("message", [words(waypipe.EXTEND_FILE, 1, 4096), inject(1), words(waypipe.PIPE_TRANSFER, -1, rest=b"x")])
def test_what_costs_a_system_call_costs_the_guest_s_rate(display: Display, message: bytes) -> None:
    host_pipe_reader = host_pipe(display)[1]
    display.guest(POOL)
    display.waypipe.cost = 0
    display.guest(message * 20)
    assert display.waypipe.cost == 20 and not display.waypipe.refused
    os.close(host_pipe_reader)


def test_what_was_good_before_is_still_judged(display: Display) -> None:
    outcome = display.guest(protocol(wayland(3, 0, 5)), open_file(0, 1))
    assert outcome.to_host[0].data == wayland(3, 0, 5)
    assert display.waypipe.refused


def test_a_message_begun_must_end(display: Display) -> None:
    whole = fill(1, 0, bytes(4000))
    display.guest(open_file(1, 4096), whole[:3000])
    assert display.usage.held_bytes > 2900
    for now, said in ((9.0, ""), (10.0, ""), (10.1, "neither the rest of a message nor 64 KiB of it came within 10 s")):
        display.waypipe.tick(now)
        assert display.waypipe.refused == said


def test_a_message_that_ended_in_time_is_no_reason(display: Display) -> None:
    display.guest(open_file(1, 4096), fill(1, 0, bytes(4000))[:3000])
    display.guest(fill(1, 0, bytes(4000))[3000:])
    display.waypipe.tick(100.0)
    assert (display.waypipe.refused, display.usage.held_bytes) == ("", 0)


def test_unfinished_messages_are_bounded_for_a_guest_as_a_whole() -> None:
    made = Display()
    made.usage.held_bytes = 64 << 20
    made.guest(fill(1, 0, bytes(100))[:50])
    assert made.waypipe.refused == "more than 67108864 bytes of messages that are not complete"
    made.close()
    assert made.usage.held_bytes == 64 << 20


def test_version_17_is_not_acknowledged() -> None:
    made = Display(version=17)
    made.guest(words(waypipe.ACK_NBLOCKS, 0))
    assert made.waypipe.refused == "AckNblocks in wire version 17"
    made.close()


def test_nothing_counts_after_the_last_message(display: Display) -> None:
    display.guest(words(waypipe.CLOSE, 0), open_file(1, 4096), bytes(100))
    assert display.files.count == 0 and not display.waypipe.refused


MESSAGE = st.one_of(
    st.sampled_from([data for data, _ in HOSTILE.values()]),
    st.builds(lambda kind, *values: words(kind, *values), st.integers(0, 23), *[st.integers(-3, 9)] * 3),
    st.builds(lambda rid, size: open_file(rid, size), st.integers(1, 5), st.integers(1, 1 << 20)),
    st.builds(lambda rid, at, data: fill(rid, at, data), st.integers(1, 5), st.integers(0, 5000), st.binary(max_size=50)),
    st.builds(lambda rid, at, n: diff(rid, run(at, bytes(4 * n))), st.integers(1, 5), st.integers(0, 2000), st.integers(1, 9)),
    st.builds(lambda rid: inject(rid), st.integers(1, 5)),
    st.just(protocol(CREATE_POOL)),
    st.just(protocol(wayland(5, 1))),
    st.binary(max_size=20),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=150)
@given(st.lists(MESSAGE, max_size=12))
def test_whatever_a_guest_sends_nothing_is_left(parts: list[bytes]) -> None:
    before = open_descriptors()
    made = Display().with_shm()
    for part in parts:
        made.guest(part)
        served(made)
    made.close()
    assert open_descriptors() == before
    assert (made.usage.fds, made.usage.mirrored_bytes, made.usage.shm_bytes) == (0, 0, 0)


# the whole sidecar


@pytest.fixture
def sidecar(start: Callable[..., Sidecar], compositor: Compositor) -> Sidecar:
    folder = compositor.path.parent
    plain = dataclasses.replace(policy("wl_compositor", "wl_shm"), upstream={"security-context": "off"})
    file = folder / "some.json"
    file.write_text(json.dumps(compile_policy(plain, shipped())))
    return start(listen=[f"waypipe+unix:{folder / 'guest.sock'}"], policy=str(file), real=True)


def violations(sidecar: Sidecar) -> list[dict[str, Any]]:
    return [line for line in sidecar.audit("decision") if line["verdict"] == "deny"]


def test_a_refusal_is_one_line_of_the_audit_log_and_leaves_no_descriptor(sidecar: Sidecar, compositor: Compositor) -> None:
    before = sidecar.fds()
    for number, name in enumerate(("a fill of our file", "a diff beyond the end", "a dma-buf", "an endless message"), 1):
        guest, host = sidecar.pair(compositor)
        data, reason = HOSTILE[name]
        guest.sendall(header() + open_file(2, 4096) + words(waypipe.OPEN_IR_PIPE, 3) + data)
        said = read_all(guest)
        assert b"wlproxy: " in said and reason.encode() in said  # wl_display.error: the guest's user learns why, too
        assert read_all(host) == b""
        guest.close()
        host.close()
        lines = until(lambda n=number: len(found := violations(sidecar)) == n and found, "the audit line")
        assert reason in lines[-1]["reason"] and lines[-1]["decided"]["rule"].startswith("built-in: waypipe")
    until(lambda: sidecar.fds() == before, "descriptors to be closed")
    assert len(until(lambda: len(ends := sidecar.audit("disconnect")) == 4 and ends, "their ends")) == 4


@pytest.mark.parametrize("first", [b"\1\0\0\0\1\0\x0c\0\2\0\0\0" + bytes(8), header()[:1] + b"\x0c\1" + header()[3:], header(version=3)])
def test_a_wrong_header_is_one_line_and_no_word(sidecar: Sidecar, compositor: Compositor, first: bytes) -> None:
    guest, host = sidecar.pair(compositor)
    guest.sendall(first)
    assert read_all(guest) == b""
    assert read_all(host) == b""
    guest.close()
    host.close()
    (line,) = until(lambda: violations(sidecar), "the audit line")
    assert line["decided"]["rule"] == "built-in: waypipe header"


@pytest.fixture
def passing(start: Callable[..., Sidecar], compositor: Compositor) -> Sidecar:
    """One whose sessions pass everything on."""
    return start(listen=[f"waypipe+unix:{compositor.path.parent / 'guest.sock'}"])


def pair_of(sidecar: Sidecar, compositor: Compositor) -> tuple[socket.socket, socket.socket]:
    guest, host = sidecar.pair(compositor)
    for sock in (guest, host):
        sock.settimeout(10)
    guest.sendall(header() + protocol(wayland(1, 0, 2)))
    assert host.recv(100) == wayland(1, 0, 2)
    return guest, host


def gone(sidecar: Sidecar, before: int, host: socket.socket) -> None:
    """A guest's end is one line, and nothing of it is left."""
    assert read_all(host) == b""
    host.close()
    (end,) = until(lambda: sidecar.audit("disconnect"), "its end")
    assert end["ended_by"] == "guest" and violations(sidecar) == []
    until(lambda: sidecar.fds() == before, "descriptors to be closed")


@pytest.mark.parametrize("last", [b"", words(waypipe.PIPE_TRANSFER, -1, rest=bytes(9000))[:5000]])
def test_a_guest_that_dies_while_the_host_pastes(passing: Sidecar, compositor: Compositor, last: bytes) -> None:
    before, text = passing.fds(), os.urandom(200_000)  # more than a pipe holds
    guest, host = pair_of(passing, compositor)
    reader, writer = os.pipe()
    socket.send_fds(host, [wayland(9, 1, 0)], [writer])
    os.close(writer)
    asked = b""
    while words(waypipe.OPEN_IR_PIPE, -1) not in asked:
        asked += guest.recv(4096)
    guest.sendall(b"".join(words(waypipe.PIPE_TRANSFER, -1, rest=text[at : at + 50_000]) for at in range(0, len(text), 50_000)) + last)
    guest.close()
    got = b""
    while part := os.read(reader, 65536):
        got += part
    assert got == text
    os.close(reader)
    gone(passing, before, host)


def test_a_guest_that_dies_while_it_pastes(passing: Sidecar, compositor: Compositor) -> None:
    before = passing.fds()
    guest, host = pair_of(passing, compositor)
    guest.sendall(words(waypipe.OPEN_IR_PIPE, 3) + inject(3) + protocol(wayland(9, 0, 1, fds=1)))
    data, (writer,) = read(host, 12)
    assert data == wayland(9, 0, 1)
    os.write(writer, bytes(50_000))
    got = b""
    while len(got) < 50_000:
        got += guest.recv(65536)
    os.write(writer, bytes(50_000))
    guest.close()
    gone(passing, before, host)
    with pytest.raises(BrokenPipeError):  # the host's program does not write for nobody
        os.write(writer, b"more")
    os.close(writer)


@pytest.mark.parametrize("message", [fill(2, 0, PIXELS), diff(2, run(0, PIXELS)), diff(2, run(0, b"abcd") + run(5, PIXELS))])
@pytest.mark.parametrize("part", [3, 30, 100_000])
def test_a_guest_that_dies_in_mid_message_leaves_nothing(sidecar: Sidecar, compositor: Compositor, message: bytes, part: int) -> None:
    before = sidecar.fds()
    guest, host = sidecar.pair(compositor)
    guest.sendall(header() + open_file(2, BIG + 100) + protocol(wayland(1, 0, 2)) + message[:part])
    assert host.recv(100) == wayland(1, 0, 2)
    guest.close()
    gone(sidecar, before, host)


def test_large_runs_arrive_as_they_were_sent(sidecar: Sidecar, compositor: Compositor) -> None:
    size = 2 * BIG
    before = sidecar.fds()
    guest, host = sidecar.pair(compositor)
    host.settimeout(10)
    guest.sendall(header() + protocol(wayland(1, 1, 2)))
    assert read(host, 12)[0] == wayland(1, 1, 2)
    host.sendall(announce(2, 1, "wl_shm", 1))
    guest.settimeout(10)
    guest.recv(4096)
    guest.sendall(protocol(bind(2, 1, "wl_shm", 1, 3)) + open_file(1, size) + inject(1) + protocol(wayland(3, 0, 4, size, fds=1)))
    asked = bind(2, 1, "wl_shm", 1, 3) + wayland(3, 0, 4, size)
    data, (file,) = read(host, len(asked))
    assert data == asked
    expected = bytearray(size)
    for at in (0, 100, BIG):
        for message in (fill(1, at, PIXELS), diff(1, run(at // 4, PIXELS[::-1]))):
            guest.sendall(message)
        expected[at : at + BIG] = PIXELS[::-1]
    guest.sendall(protocol(wayland(1, 0, 5)))
    assert read(host, 12)[0] == wayland(1, 0, 5)
    assert os.pread(file, size, 0) == expected
    os.close(file)
    guest.close()
    host.close()
    until(lambda: sidecar.fds() == before, "descriptors to be closed")


def test_half_a_message_is_not_waited_for(start: Callable[..., Sidecar], compositor: Compositor) -> None:
    sidecar = start(listen=[f"waypipe+unix:{compositor.path.parent / 'guest.sock'}"], limits={"stall_seconds": 0.2})
    guest, host = sidecar.pair(compositor)
    guest.sendall(header() + open_file(1, 4096)[:6])
    assert read_all(guest) == waypipe.numbers(waypipe.CLOSE, 0)
    (line,) = until(lambda: violations(sidecar), "the audit line")
    assert line["reason"].startswith("neither the rest of a message nor")
    guest.close()
    host.close()


def test_what_waits_is_sent_before_the_end(sidecar: Sidecar, compositor: Compositor) -> None:
    guest, host = sidecar.pair(compositor)
    guest.sendall(header() + protocol(wayland(1, 0, 2)))
    assert host.recv(100) == wayland(1, 0, 2)
    host.sendall(wayland(2, 0, 7))
    host.close()
    framer = waypipe.Framer()
    framer.feed(read_all(guest))
    kinds = []
    while framer.next():
        kinds.append(framer.kind)
    assert kinds == [waypipe.ACK_NBLOCKS, waypipe.PROTOCOL, waypipe.CLOSE]


def test_descriptors_beside_the_stream_are_closed(sidecar: Sidecar, compositor: Compositor) -> None:
    before = sidecar.fds()
    guest, host = sidecar.pair(compositor)
    reader, writer = os.pipe()
    socket.send_fds(guest, [header() + protocol(wayland(1, 0, 2))], [writer])
    os.close(writer)
    assert host.recv(100) == wayland(1, 0, 2)
    assert os.read(reader, 1) == b""
    os.close(reader)
    guest.close()
    host.close()
    until(lambda: sidecar.fds() == before, "descriptors to be closed")
