"""Transfers between real pipes, driven by a real epoll."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import time
from typing import Any

import pytest

from wlproxy.core.fds import PIPE, READ_ONLY, WRITE_ONLY, Fd
from wlproxy.core.outcome import HOST, Transfer
from wlproxy.sidecar.relay.files import HostFiles
from wlproxy.sidecar.relay.pump import Pumps

PATIENCE = 10.0


class Bench:
    """One transfer: `writer` is what the data's owner holds, `reader` what the one who asked for it reads."""

    def __init__(self, most: int = 1 << 20, idle: float = 5.0, total: float = 30.0, transfers: int = 4) -> None:
        self.epoll = select.epoll()
        self.pumps = Pumps(self.epoll, transfers)
        self.entries: list[dict[str, Any]] = []
        self.before = open_fds()
        self.most, self.idle, self.total = most, idle, total
        self.writer, self.reader = self.begin()

    def begin(self, client: int = 7) -> tuple[int, int]:
        source, writer = HostFiles().pipe()
        reader, target = os.pipe()
        transfer = Transfer(source, Fd(target, PIPE, WRITE_ONLY), self.most, self.idle, self.total, HOST, "text/plain")
        self.entries += self.pumps.begin(transfer, client, 100.0)
        return writer.number, reader

    def turn(self, now: float = 100.0, seconds: float = 0.0) -> int:
        """Serves what is ready; how many were."""
        ready = self.epoll.poll(seconds)
        for number, mask in ready:
            found = self.pumps.serve(number, mask, now)
            assert found is not None
            self.entries += found
        return len(ready)

    def settle(self) -> None:
        """Until nothing is ready any more; more turns than that are a busy loop."""
        for _ in range(500):
            if not self.turn():
                return
        pytest.fail("something is ready for ever")

    def over(self, reason: str, size: int) -> None:
        """The one transfer has ended, both ends are closed, and the log says why."""
        (entry,) = self.entries
        assert (entry.get("reason", ""), entry["bytes"], entry["to"], entry["client"]) == (reason, size, "host", 7)
        assert entry["mime_type"] == "text/plain"
        assert self.pumps.fds == 0
        for fd in (self.writer, self.reader):
            if fd >= 0:
                os.close(fd)
        assert open_fds() == self.before
        self.epoll.close()


def open_fds() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_what_is_written_is_read_and_then_the_end() -> None:
    bench = Bench()
    os.write(bench.writer, b"hello ")
    bench.settle()
    os.write(bench.writer, b"world")
    os.close(bench.writer)
    bench.writer = -1
    bench.settle()
    assert os.read(bench.reader, 100) == b"hello world"
    assert os.read(bench.reader, 100) == b""
    bench.over("", 11)


def test_a_megabyte_goes_through_a_pipe_that_is_full_most_of_the_time() -> None:
    bench = Bench()
    data = os.urandom(1 << 20)
    os.set_blocking(bench.writer, False)
    os.set_blocking(bench.reader, False)
    sent = 0
    got = bytearray()
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if sent < len(data):
            try:
                sent += os.write(bench.writer, data[sent : sent + 50000])
            except BlockingIOError:
                pass
            if sent == len(data):
                os.close(bench.writer)
                bench.writer = -1
        bench.settle()
        try:
            piece = os.read(bench.reader, 9000)
        except BlockingIOError:
            continue
        if not piece:
            break
        got += piece
    assert bytes(got) == data
    bench.settle()
    bench.over("", 1 << 20)


def test_nothing_blocks_on_a_pipe_that_its_reader_made_blocking_again() -> None:
    bench = Bench()
    shared = bench.pumps._by_fd  # the peer's own copy of the write end shares its flags with ours
    target = next(number for number, pump in shared.items() if number == pump.target)
    assert not fcntl.fcntl(target, fcntl.F_GETFL) & os.O_NONBLOCK
    os.set_blocking(bench.writer, False)
    written = 0
    for _ in range(40):
        try:
            written += os.write(bench.writer, bytes(65536))
        except BlockingIOError:
            pass
        bench.settle()
    assert written < 40 * 65536
    os.close(bench.reader)
    bench.reader = -1
    bench.settle()
    bench.over("the reader has gone", 65536)


def test_nothing_blocks_where_neither_end_says_so_itself() -> None:
    """Without SPLICE_F_NONBLOCK splice(2) asks the ends' own flags: before Linux 5.1 the one at hand, since then either."""
    bench = Bench()
    source = next(pump.source for pump in bench.pumps._by_fd.values())
    os.set_blocking(source, True)

    def too_late(number: int, frame: object) -> None:
        raise TimeoutError("splice(2) waits for the reader")

    before = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(int(PATIENCE))
    try:
        for _ in range(3):  # into a pipe that takes 65536
            os.write(bench.writer, bytes(32768))
            bench.turn()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    os.close(bench.reader)
    bench.reader = -1
    bench.settle()
    bench.over("the reader has gone", 65536)


def test_a_writer_that_is_done_while_the_reader_is_slow_is_no_busy_loop() -> None:
    bench = Bench()
    for _ in range(2):
        os.write(bench.writer, bytes(60000))
        bench.settle()
    os.close(bench.writer)
    bench.writer = -1
    bench.settle()
    got = 0
    while got < 120000:
        got += len(os.read(bench.reader, 65536))
        bench.settle()
    assert os.read(bench.reader, 1) == b""
    bench.over("", 120000)


def test_a_reader_that_has_gone_ends_it_at_once() -> None:
    bench = Bench()
    os.close(bench.reader)
    bench.reader = -1
    bench.settle()
    bench.over("the reader has gone", 0)


@pytest.mark.parametrize(("size", "reason"), [(1000, ""), (1001, "more than 1000 bytes")])
def test_no_more_than_the_quota_comes_through(size: int, reason: str) -> None:
    bench = Bench(most=1000)
    os.write(bench.writer, bytes(size))
    os.close(bench.writer)
    bench.writer = -1
    bench.settle()
    assert len(os.read(bench.reader, 5000)) == 1000
    assert os.read(bench.reader, 1) == b""
    bench.over(reason, 1000)


def test_exactly_the_quota_waits_for_the_end() -> None:
    bench = Bench(most=4)
    os.write(bench.writer, b"1234")
    bench.settle()
    assert bench.entries == []
    os.close(bench.writer)
    bench.writer = -1
    bench.settle()
    bench.over("", 4)


def test_the_quota_used_up_while_the_reader_was_slow_is_no_busy_loop() -> None:
    bench = Bench(most=3 * 65536)
    for turn in range(3):
        os.write(bench.writer, bytes(65536))
        bench.settle()
        if turn == 1:  # the reader's pipe and ours are full: makes room for the third
            assert len(os.read(bench.reader, 65536)) == 65536
            bench.settle()
    assert len(os.read(bench.reader, 65536)) == 65536
    bench.settle()
    assert bench.entries == []
    assert len(os.read(bench.reader, 65536)) == 65536
    bench.settle()
    os.close(bench.writer)
    bench.writer = -1
    bench.settle()
    bench.over("", 3 * 65536)


def test_one_that_stands_still_is_ended() -> None:
    bench = Bench()
    os.write(bench.writer, b"x")
    bench.turn(now=104.0)
    bench.entries += bench.pumps.tick(108.9)
    assert bench.entries == []
    bench.entries += bench.pumps.tick(109.1)
    bench.over("nothing moved for 5 s", 1)


def test_one_that_creeps_is_ended_too() -> None:
    bench = Bench()
    for second in range(104, 132, 4):
        os.write(bench.writer, b"x")
        bench.turn(now=float(second))
    bench.entries += bench.pumps.tick(130.0)
    assert bench.entries == []
    bench.entries += bench.pumps.tick(130.1)
    bench.over("not done after 30 s", 7)


def test_one_too_many_is_not_carried() -> None:
    bench = Bench(transfers=1)
    writer, reader = bench.begin(client=8)
    (entry,) = bench.entries
    assert (entry["reason"], entry["client"]) == ("more than 1 transfers at a time", 8)
    assert os.read(reader, 1) == b""
    with pytest.raises(BrokenPipeError):
        os.write(writer, b"x")
    for fd in (writer, reader):
        os.close(fd)
    bench.entries = []
    bench.pumps.close()
    for fd in (bench.writer, bench.reader):
        os.close(fd)
    assert open_fds() == bench.before
    bench.epoll.close()


def test_what_is_no_pipe_is_not_carried() -> None:
    bench = Bench()
    source, writer = HostFiles().pipe()
    file = os.memfd_create("t")
    bench.entries += bench.pumps.begin(Transfer(source, Fd(file), 10, 1.0, 1.0, HOST), 9, 100.0)
    (entry,) = bench.entries
    assert entry["reason"] == "cannot be carried: Operation not permitted"
    os.close(writer.number)
    bench.entries = []
    os.close(bench.writer)
    bench.writer = -1
    bench.settle()
    bench.over("", 0)


def test_other_descriptors_are_none_of_its_business() -> None:
    bench = Bench()
    assert bench.pumps.serve(0, 1, 100.0) is None
    bench.pumps.close()
    for fd in (bench.writer, bench.reader):
        os.close(fd)
    assert open_fds() == bench.before


def test_the_source_does_not_block() -> None:
    source, writer = HostFiles().pipe()
    assert source.access == READ_ONLY
    with pytest.raises(BlockingIOError):
        os.read(source.number, 1)
    for fd in (source, writer):
        os.close(fd.number)
