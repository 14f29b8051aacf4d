"""The relay with pass-through sessions, real sockets and a real process."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable

import pytest

from tests.sidecar.conftest import PATIENCE, Compositor, Sidecar, read, read_all, send_fds, until

Start = Callable[..., Sidecar]


def memfd(text: bytes) -> int:
    fd = os.memfd_create("t", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, text)
    return fd


def test_bytes_pass_both_ways(start: Start, compositor: Compositor) -> None:
    guest, host = start().pair(compositor)
    guest.sendall(b"hello")
    assert read(host, 5) == (b"hello", [])
    host.sendall(b"world")
    assert read(guest, 5) == (b"world", [])


def test_descriptors_pass_in_order_and_none_stays(start: Start, compositor: Compositor) -> None:
    sidecar = start()
    guest, host = sidecar.pair(compositor)
    guest.sendall(b"x")
    read(host, 1)
    before = sidecar.fds()
    for sender, receiver in ((guest, host), (host, guest)):
        sent = [memfd(b"%d" % n) for n in range(28)]
        send_fds(sender, b"with", sent)
        data, got = read(receiver, 4)
        assert data == b"with"
        assert [os.pread(fd, 9, 0) for fd in got] == [b"%d" % n for n in range(28)]
        for fd in sent + got:
            os.close(fd)
    until(lambda: sidecar.fds() == before, "the relay closes its own")


def test_253_descriptors_in_one_read_leave_28_at_a_time(start: Start, compositor: Compositor) -> None:
    sidecar = start()
    guest, host = sidecar.pair(compositor)
    guest.sendall(b"x")
    read(host, 1)
    before = sidecar.fds()
    sent = [memfd(b"%d" % n) for n in range(253)]
    send_fds(guest, b"many", sent)
    data, got = read(host, 4 + 9)
    assert data == b"many+++++++++"
    assert [os.pread(fd, 9, 0) for fd in got] == [b"%d" % n for n in range(253)]
    for fd in sent + got:
        os.close(fd)
    until(lambda: sidecar.fds() == before, "the relay closes its own")


def test_two_parcels_of_one_read_leave_in_one_write(start: Start, compositor: Compositor) -> None:
    guest, host = start().pair(compositor)
    fd = memfd(b"")
    send_fds(guest, b"SPLITrest", [fd])
    assert len(host.recv(100)) == len(b"SPLITrest")
    os.close(fd)


@pytest.mark.parametrize("word", [b"HOLD", b"DISCARD"])
def test_descriptors_that_are_not_passed_on_are_closed(start: Start, compositor: Compositor, word: bytes) -> None:
    sidecar = start()
    guest, host = sidecar.pair(compositor)
    guest.sendall(b"x")
    read(host, 1)
    idle = sidecar.fds() - 2
    fd = memfd(b"")
    send_fds(guest, word, [fd, fd, fd])
    os.close(fd)
    guest.close()
    assert read_all(host) == b""
    host.close()
    until(lambda: sidecar.fds() == idle, "all descriptors closed")


def test_facts(start: Start, compositor: Compositor) -> None:
    guest, _host = start().pair(compositor)
    sealed = memfd(b"12345")
    reader, writer = os.pipe()
    path_only = os.open("/", os.O_PATH)
    directory = os.open("/", os.O_RDONLY)
    regular = os.open(__file__, os.O_RDONLY)
    event = os.eventfd(0)
    null = os.open("/dev/null", os.O_RDWR)
    fds = [sealed, reader, writer, guest.fileno(), path_only, directory, regular, event, null]
    send_fds(guest, b"FACTS", fds)
    got = json.loads(guest.recv(4096))
    memfds, pipes = [[1, 2, 5, 0]], [[3, 0, 0, -1], [3, 1, 0, -1]]
    files = [[2, 0, os.fstat(regular).st_size, got[6][3]]]
    others = [[6, 2, 0, -1], [6, 0, 0, -1]]
    assert got == memfds + pipes + [[4, 2, 0, -1]] + others + files + [[6, 2, 0, -1], [6, 2, 0, -1]]
    for fd in fds[:3] + fds[4:]:
        os.close(fd)


def test_back_pressure_keeps_every_byte(start: Start, compositor: Compositor) -> None:
    """Far more than the socket buffers and the queue hold, to a reader that starts late."""
    guest, host = start().pair(compositor)
    data = os.urandom(1 << 20) * 6
    sender = threading.Thread(target=host.sendall, args=(data,))
    sender.start()
    guest.settimeout(PATIENCE)
    got = bytearray()
    while len(got) < len(data):
        got += guest.recv(4096)
    sender.join()
    assert bytes(got) == data


def test_a_session_is_asked_again_when_it_wants_to_be_though_nobody_says_anything(start: Start, compositor: Compositor) -> None:
    guest, host = start().pair(compositor)
    began = time.monotonic()
    guest.sendall(b"ALARM")
    assert read(host, 5)[0] == b"asked"
    assert time.monotonic() - began >= 0.2
    host.sendall(b"still here")
    assert read(guest, 10)[0] == b"still here"


def test_what_a_session_decides_can_concern_the_guests_others(start: Start, compositor: Compositor) -> None:
    sidecar = start()
    (one, host_of_one), (other, host_of_other) = sidecar.pair(compositor), sidecar.pair(compositor)
    for guest, host in ((one, host_of_one), (other, host_of_other)):
        guest.sendall(b"x")
        read(host, 1)
    one.sendall(b"STIR")
    assert read(host_of_other, 5)[0] == b"asked"
    one.sendall(b"next")
    assert read(host_of_one, 4)[0] == b"next"


def test_the_sender_is_read_until_the_limit_and_no_further(start: Start, compositor: Compositor) -> None:
    sidecar = start(limits={"guest_queue_bytes": 300_000})
    guest, host = sidecar.pair(compositor)
    host.setblocking(False)
    taken, quiet_since = 0, time.monotonic()
    while time.monotonic() - quiet_since < 0.3:
        try:
            taken += host.send(bytes(65536))
            quiet_since = time.monotonic()
        except BlockingIOError:
            pass
    buffers = 2 * (guest.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) + 65536)
    assert 300_000 < taken < 300_000 + 65536 + buffers
    guest.sendall(b"still heard")
    assert read(host, 11)[0] == b"still heard"


def test_a_session_is_told_when_the_compositor_is_not_read_and_when_it_is_again(start: Start, compositor: Compositor) -> None:
    sidecar = start(limits={"guest_queue_bytes": 300_000})
    guest, host = sidecar.pair(compositor)
    guest.sendall(b"DEAF")
    sender = threading.Thread(target=host.sendall, args=(bytes(1 << 20),))
    sender.start()
    assert read(host, 5)[0] == b"deaf!"
    read(guest, 1 << 20)
    sender.join()
    assert read(host, 5)[0] == b"hears"


def test_a_stalled_guest_is_ended_and_no_other(start: Start, compositor: Compositor) -> None:
    sidecar = start(limits={"stall_seconds": 0.3})
    _stalled, host = sidecar.pair(compositor)
    other, other_host = sidecar.pair(compositor)
    host.settimeout(PATIENCE)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        while True:
            host.sendall(bytes(65536))
    other.sendall(b"alive")
    assert read(other_host, 5)[0] == b"alive"
    line = until(lambda: sidecar.audit("disconnect"), "audit")[0]
    assert line["ended_by"] == "guest" and "read nothing" in line["reason"]


def test_guest_half_closes_and_still_reads(start: Start, compositor: Compositor) -> None:
    sidecar = start()
    guest, host = sidecar.pair(compositor)
    guest.sendall(b"last words")
    guest.shutdown(socket.SHUT_WR)
    assert read_all(host) == b"last words"
    host.sendall(b"answer" * 50_000)
    host.close()
    assert read_all(guest) == b"answer" * 50_000
    line = until(lambda: sidecar.audit("disconnect"), "audit")[0]
    assert line["ended_by"] == "guest"
    assert line["requests"]["bytes"] == 10 and line["events"]["bytes"] == 300_000


def test_last_bytes_of_a_guest_that_closes_at_once(start: Start, compositor: Compositor) -> None:
    guest, host = start().pair(compositor)
    guest.sendall(b"x" * 150_000)
    guest.close()
    assert read_all(host) == b"x" * 150_000


def test_last_bytes_of_the_host_reach_a_guest_that_is_writing(start: Start, compositor: Compositor) -> None:
    """As a compositor's final wl_display.error: the guest's own bytes are unread when the host closes."""
    sidecar = start()
    guest, host = sidecar.pair(compositor)
    guest.sendall(b"request")
    read(host, 7)
    guest.sendall(b"never read by the host")
    host.sendall(b"e" * 100_000)
    host.close()
    try:
        guest.sendall(b"more")
    except BrokenPipeError:
        pass
    assert read_all(guest) == b"e" * 100_000
    guest.close()
    line = until(lambda: sidecar.audit("disconnect"), "audit")[0]
    assert line["ended_by"] == "host"


def test_a_guest_that_stays_after_the_end_is_closed(start: Start, compositor: Compositor) -> None:
    sidecar = start()
    guest, host = sidecar.pair(compositor)
    host.close()
    assert read_all(guest) == b""
    until(lambda: sidecar.audit("disconnect"), "the end without the guest's help")


def test_farewell_delivers_both_ways(start: Start, compositor: Compositor) -> None:
    sidecar = start()
    guest, host = sidecar.pair(compositor)
    guest.sendall(b"FAREWELL")
    assert read_all(host) == b"last"
    assert read_all(guest) == b"error" * 1000
    line = until(lambda: sidecar.audit("disconnect"), "audit")[0]
    assert (line["ended_by"], line["reason"]) == ("policy", "enough")


def test_a_bug_of_ours_ends_its_connection_alone(start: Start, compositor: Compositor) -> None:
    sidecar = start()
    guest, host = sidecar.pair(compositor)
    other, other_host = sidecar.pair(compositor)
    other.sendall(b"x")
    read(other_host, 1)
    before = sidecar.fds()
    fd = memfd(b"")
    send_fds(guest, b"BUG", [fd])
    assert read_all(guest) == read_all(host) == b""
    other.sendall(b"alive")
    assert read(other_host, 5)[0] == b"alive"
    assert sidecar.fds() == before - 2
    line = until(lambda: sidecar.audit("internal"), "audit")[0]
    assert line["reason"].startswith("KeyError at passing.py:")
    os.close(fd)


def test_audit_lines_are_folded_escaped_and_complete(start: Start, compositor: Compositor) -> None:
    sidecar = start(guest="work")
    guest, _host = sidecar.pair(compositor)
    guest.sendall(b"REFUSE")
    lines = until(lambda: len(sidecar.audit("decision")) == 6 and sidecar.audit("decision"), "three lines and their repeats")
    assert [line.get("count") for line in lines] == [None] * 3 + [1] * 3
    assert lines[0]["reason"] == r"why 0\x1b[31m"
    assert lines[0]["message"] == {"dir": "request", "interface": "wl_shm", "object": 4, "name": "create_pool"}
    assert lines[0]["decided"] == {"kind": "refused", "rule": "t:1"} and lines[0]["deny_as"] == "disconnect"
    assert lines[0]["peer"] == {"pid": os.getpid(), "uid": os.getuid()}
    assert lines[0]["guest"] == "work" and lines[0]["policy"]["name"] == "test" and lines[0]["v"] == 1
    assert oct(os.stat(sidecar.audit_path).st_mode & 0o777) == "0o600"


def test_churn_of_200_clients_leaves_nothing(start: Start, compositor: Compositor) -> None:
    sidecar = start()
    idle = sidecar.fds()
    for turn in range(4):
        pairs = [sidecar.pair(compositor) for _ in range(50)]
        for number, (guest, _host) in enumerate(pairs):
            guest.sendall(b"%03d" % number)
        got = sorted(read(host, 3)[0] for _guest, host in pairs)
        assert got == [b"%03d" % n for n in range(50)]
        for guest, host in pairs:
            (guest if turn % 2 else host).close()
        for guest, host in pairs:
            assert read_all(host if turn % 2 else guest) == b""
            (host if turn % 2 else guest).close()
    until(lambda: sidecar.fds() == idle, "all descriptors closed")


def test_too_many_clients_are_closed_at_once(start: Start, compositor: Compositor) -> None:
    sidecar = start(clients=1)
    guest, host = sidecar.pair(compositor)
    second = sidecar.connect()
    assert read_all(second) == b""
    guest.sendall(b"still here")
    assert read(host, 10)[0] == b"still here"
    assert until(lambda: sidecar.audit("quota"), "audit")[0]["reason"] == "more than 1 clients"


def test_the_policys_number_of_clients_counts_too(start: Start, compositor: Compositor) -> None:
    sidecar = start(limits={"clients": 1})
    guest, host = sidecar.pair(compositor)
    assert read_all(sidecar.connect()) == b""
    guest.sendall(b"still here")
    assert read(host, 10)[0] == b"still here"
    assert until(lambda: sidecar.audit("quota"), "audit")[0]["decided"] == {"kind": "quota", "rule": "quota: clients"}


def test_a_guest_that_sends_too_much_is_read_more_slowly_and_loses_nothing(start: Start, compositor: Compositor) -> None:
    sidecar = start(limits={"messages": (20.0, 5.0)})  # a passing session counts each read as a message
    guest, host = sidecar.pair(compositor)
    began = time.monotonic()
    for number in range(25):
        guest.sendall(b"%03d" % number)
        if number < 5:  # one read each, so that the burst is used up
            assert read(host, 3)[0] == b"%03d" % number
    host.sendall(b"events pass")
    assert read(guest, 11)[0] == b"events pass"
    assert read(host, 60)[0] == b"".join(b"%03d" % number for number in range(5, 25))
    for number in range(10):
        guest.sendall(b"%03d" % number)
        assert read(host, 3)[0] == b"%03d" % number
    assert time.monotonic() - began > 0.25  # ten reads beyond the burst, at 20 a second and a burst more
    entry = until(lambda: sidecar.audit("quota"), "audit")[0]
    assert entry["decided"]["rule"] == "quota: messages" and "read more slowly" in entry["reason"]


def test_a_paused_guest_that_goes_away_leaves_nothing(start: Start, compositor: Compositor) -> None:
    sidecar = start(limits={"messages": (2.0, 1.0)})
    idle = sidecar.fds()
    guest, host = sidecar.pair(compositor)
    for number in range(3):
        guest.sendall(b"%d" % number)
        if number < 2:
            assert read(host, 1)[0] == b"%d" % number
    guest.close()
    assert read_all(host) == b"2"
    host.close()
    until(lambda: sidecar.fds() == idle, "all descriptors closed")


def test_connections_beyond_the_rate_take_turns(start: Start, compositor: Compositor) -> None:
    sidecar = start(limits={"connects": (4.0, 2.0)})
    began = time.monotonic()
    pairs = [sidecar.pair(compositor) for _ in range(6)]
    assert time.monotonic() - began > 0.4
    for guest, host in pairs:
        guest.sendall(b"x")
        assert read(host, 1)[0] == b"x"
    assert until(lambda: sidecar.audit("quota"), "audit")[0]["decided"]["rule"] == "quota: connects"


def test_who_comes_after_a_flood_does_not_wait_for_it_to_be_served(start: Start, compositor: Compositor) -> None:
    """2 a second: the flood alone would take minutes. Its connections stay open, and say nothing."""
    sidecar = start(limits={"connects": (2.0, 2.0)})
    flood = [sidecar.connect() for _ in range(300)]
    began = time.monotonic()
    honest = sidecar.connect()
    honest.sendall(b"honest")
    hosts = []
    while True:
        hosts.append(compositor.accept())
        hosts[-1].settimeout(0.05)
        with contextlib.suppress(TimeoutError):
            if hosts[-1].recv(10) == b"honest":
                break
    assert time.monotonic() - began < 2.0
    assert len(hosts) <= 5
    turned_away = [entry for entry in sidecar.audit("quota") if "turned away" in entry["reason"]]
    assert turned_away and all(entry["decided"]["rule"] == "quota: connects" for entry in turned_away)
    for sock in (*flood, honest, *hosts):
        sock.close()


def test_a_flood_of_connections_that_hang_up_never_reaches_the_compositor(start: Start, compositor: Compositor) -> None:
    sidecar = start(limits={"connects": (2.0, 1.0)})
    first, host = sidecar.pair(compositor)
    for _ in range(300):
        sidecar.connect().close()
    honest, other = sidecar.pair(compositor)
    honest.sendall(b"x")
    assert read(other, 1)[0] == b"x"
    for sock in (first, host, honest, other):
        sock.close()
    idle = sidecar.fds
    until(lambda: idle() < 12, "all descriptors closed")


def test_connections_that_say_nothing_are_ended_but_for_a_few(start: Start, compositor: Compositor) -> None:
    sidecar = start(limits={"silent_clients": 2, "silent_seconds": 0.3})
    talking = sidecar.pair(compositor)
    talking[0].sendall(b"x")
    read(talking[1], 1)
    pairs = [sidecar.pair(compositor) for _ in range(5)]
    for guest, _host in pairs[:3]:
        assert read_all(guest) == b""
    for guest, host in [*pairs[3:], talking]:
        guest.sendall(b"late")
        assert read(host, 4)[0] == b"late"
    until(lambda: [entry["decided"]["rule"] for entry in sidecar.audit("quota")] == ["quota: silent-clients"] * 3, "three audit lines")


def test_without_traffic_nobody_wakes(start: Start, compositor: Compositor) -> None:
    sidecar = start()
    guest, host = sidecar.pair(compositor)
    guest.sendall(b"x")
    read(host, 1)

    def switches() -> int:
        total = 0
        for pid in (sidecar.relay, sidecar.process.pid):
            with open(f"/proc/{pid}/status") as file:
                total += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
        return total

    def quiet_for_a_second() -> bool:
        before = switches()
        time.sleep(1.0)  # nothing to wait for: that is the point
        return switches() == before

    until(quiet_for_a_second, "a second without a wake-up")


def test_out_of_descriptors_guests_wait_and_come_later(start: Start, compositor: Compositor) -> None:
    sidecar = start(most_fds=340)  # room for 253 in one read is kept, which leaves about 27 connections
    guests = [sidecar.connect() for _ in range(60)]
    for guest in guests:
        guest.sendall(b"x")
    hosts = []
    compositor.sock.settimeout(0.3)
    with pytest.raises(TimeoutError):
        while True:
            hosts.append(compositor.accept())
    assert 10 < len(hosts) < 60
    before = sidecar.cpu()
    time.sleep(0.5)  # the rest waits in the backlog, for as long as it takes
    assert sidecar.cpu() - before < 0.1
    compositor.sock.settimeout(PATIENCE)
    for guest in guests:
        guest.close()
    for host in hosts:
        host.close()
    while len(hosts) < 60:
        host = compositor.accept()
        assert read_all(host) == b"x"
        host.close()
        hosts.append(host)


def test_nobody_spins_on_a_half_closed_or_paused_connection(start: Start, compositor: Compositor) -> None:
    sidecar = start(limits={"host_queue_bytes": 100_000})
    half_closed, _host = sidecar.pair(compositor)
    half_closed.shutdown(socket.SHUT_WR)
    paused, paused_host = sidecar.pair(compositor)
    paused.setblocking(False)
    sent = 0
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < 0.3:
        try:
            sent += paused.send(bytes(65536))
            quiet_since = time.monotonic()
        except BlockingIOError:
            pass
    paused.close()
    before = sidecar.cpu()
    time.sleep(0.5)
    assert sidecar.cpu() - before < 0.1
    assert len(read_all(paused_host)) == sent
