"""Compositor, signals, ends: what the broker sees to."""

from __future__ import annotations

import os
import signal
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sidecar.conftest import Compositor, Sidecar, compiled_policy, read, read_all, until

Start = Callable[..., Sidecar]


def test_guest_before_compositor(start: Start, tmp_path: Path) -> None:
    sidecar = start()
    guest = sidecar.connect()
    guest.sendall(b"early")
    assert f"no compositor at {tmp_path}/host.sock" in until(sidecar.errors.read_text, "the message")
    assert "--upstream" in sidecar.errors.read_text()
    compositor = Compositor(tmp_path / "host.sock")
    assert read(compositor.accept(), 5)[0] == b"early"


def test_no_compositor_gives_the_guest_a_clean_end(start: Start) -> None:
    sidecar = start(upstream_wait=0.2)
    guests = [sidecar.connect() for _ in range(3)]
    for guest in guests:
        assert read_all(guest) == b""
    lines = until(lambda: len(sidecar.audit("disconnect")) == 3 and sidecar.audit("disconnect"), "audit")
    assert "no compositor at" in lines[0]["reason"]
    assert sidecar.errors.read_text().count("no compositor") == 1


def test_compositor_restarts(start: Start, tmp_path: Path) -> None:
    sidecar = start()
    first = Compositor(tmp_path / "host.sock")
    guest, host = sidecar.pair(first)
    host.close()
    first.close()
    assert read_all(guest) == b""
    waiting = sidecar.connect()
    second = Compositor(tmp_path / "host.sock")
    host = second.accept()
    waiting.sendall(b"again")
    assert read(host, 5)[0] == b"again"


def test_sigterm_ends_everything_within_a_second(start: Start, compositor: Compositor) -> None:
    sidecar = start()
    pairs = [sidecar.pair(compositor) for _ in range(20)]
    for guest, host in pairs:
        guest.sendall(b"x")
        read(host, 1)
    relay = sidecar.relay
    begin = time.monotonic()
    assert sidecar.stop() == 0
    assert time.monotonic() - begin < 1.0
    assert not sidecar.path.exists()
    assert not os.path.exists(f"/proc/{relay}")
    for guest, _host in pairs:
        assert read_all(guest) == b""


def test_sigterm_with_a_guest_that_reads_nothing(start: Start, compositor: Compositor) -> None:
    sidecar = start()
    _guest, host = sidecar.pair(compositor)
    host.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            host.send(bytes(65536))
    begin = time.monotonic()
    assert sidecar.stop() == 0
    assert time.monotonic() - begin < 1.0


def test_sigterm_to_both_processes(start: Start, compositor: Compositor) -> None:
    """As systemd does it."""
    sidecar = start()
    guest, _host = sidecar.pair(compositor)
    os.kill(sidecar.relay, signal.SIGTERM)
    assert sidecar.stop() == 0
    assert read_all(guest) == b""


def test_relay_dies(start: Start, compositor: Compositor) -> None:
    sidecar = start()
    sidecar.pair(compositor)
    os.kill(sidecar.relay, signal.SIGKILL)
    assert sidecar.process.wait(10) == 70
    assert "ended unexpectedly (SIGKILL)" in sidecar.errors.read_text()
    assert not sidecar.path.exists()


def test_broker_dies(start: Start, compositor: Compositor) -> None:
    sidecar = start()
    guest, _host = sidecar.pair(compositor)
    relay = sidecar.relay
    sidecar.process.kill()
    assert read_all(guest) == b""
    until(lambda: not os.path.exists(f"/proc/{relay}") or "Z" in Path(f"/proc/{relay}/stat").read_text(), "the relay's end")


def test_reload(start: Start, compositor: Compositor, tmp_path: Path) -> None:
    sidecar = start()
    compiled_policy(tmp_path / "test.json", name="second")
    sidecar.process.send_signal(signal.SIGHUP)
    lines = until(lambda: len(sidecar.audit("policy-load")) == 2 and sidecar.audit("policy-load"), "the reload")
    assert [line["policy"]["name"] for line in lines] == ["test", "second"]
    (tmp_path / "test.json").write_text("{}")
    sidecar.process.send_signal(signal.SIGHUP)
    until(lambda: sidecar.audit("policy-reject"), "the refusal")
    guest, host = sidecar.pair(compositor)
    guest.sendall(b"x")
    read(host, 1)


def test_the_relay_has_no_descriptor_too_many(start: Start, compositor: Compositor) -> None:
    sidecar = start()
    links = sorted(os.readlink(f"/proc/{sidecar.relay}/fd/{n}") for n in os.listdir(f"/proc/{sidecar.relay}/fd"))
    kinds = [link.split(":")[0] for link in links]
    assert kinds == ["/dev/null", "/dev/null", str(sidecar.errors), "anon_inode", "socket", "socket"]


def test_audit_reader_that_does_not_read(start: Start, compositor: Compositor, tmp_path: Path) -> None:
    """A FIFO whose reader sleeps costs lines, never the guest's time."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    sidecar = start(audit=str(fifo))
    for _ in range(300):
        guest, host = sidecar.pair(compositor)
        guest.close()
        assert read_all(host) == b""
        host.close()
    assert sidecar.stop() == 0
    assert os.read(reader, 65536).startswith(b'{"v":1')
    os.close(reader)


def test_socket_file_is_private(start: Start) -> None:
    sidecar = start()
    facts = os.stat(sidecar.path)
    assert stat.S_ISSOCK(facts.st_mode) and facts.st_mode & 0o777 == 0o600


def test_stale_socket_is_replaced(start: Start, compositor: Compositor, tmp_path: Path) -> None:
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(tmp_path / "guest.sock"))
    stale.close()
    guest, host = start().pair(compositor)
    guest.sendall(b"x")
    read(host, 1)
