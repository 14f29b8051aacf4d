"""What the service manager is told, by a socket in its place."""

from __future__ import annotations

import errno
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sidecar.conftest import PATIENCE, Compositor, Serve, Sidecar
from wlproxy.sidecar import notify
from wlproxy.sidecar.notify import Notifier

Start = Callable[..., Sidecar]


def manager(name: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(name)
    sock.settimeout(PATIENCE)
    return sock


def told(sock: socket.socket) -> list[str]:
    return sock.recv(4096).decode().split("\n")


@pytest.mark.parametrize("abstract", [False, True])
def test_a_life(start: Start, compositor: Compositor, tmp_path: Path, abstract: bool) -> None:
    shown = f"@wlproxy-test-{os.getpid()}" if abstract else f"{tmp_path}/notify"
    with manager("\0" + shown[1:] if abstract else shown) as sock:
        sidecar = start(shell=f"export NOTIFY_SOCKET={shown};")
        assert told(sock) == ["READY=1", "STATUS=test: serving guests"]
        before = time.monotonic_ns() // 1000
        sidecar.process.send_signal(signal.SIGHUP)
        reloading, usec = told(sock)
        assert reloading == "RELOADING=1"
        name, _, value = usec.partition("=")
        assert name == "MONOTONIC_USEC" and before <= int(value) <= time.monotonic_ns() // 1000
        assert told(sock)[0] == "READY=1"
        (tmp_path / "test.json").write_text("{")
        sidecar.process.send_signal(signal.SIGHUP)
        assert told(sock)[0] == "RELOADING=1"
        assert told(sock) == ["READY=1", "STATUS=test: serving guests; the policy on disk is invalid"]
        assert sidecar.stop() == 0
        assert told(sock) == ["STOPPING=1"]


def test_a_watchdog_is_fed_while_the_relay_answers(start: Start, compositor: Compositor, tmp_path: Path) -> None:
    """The relay is what a guest could hang: a broker that is well does not speak for it."""
    with manager(f"{tmp_path}/notify") as sock:
        sidecar = start(shell=f"export NOTIFY_SOCKET={tmp_path}/notify WATCHDOG_USEC=200000 WATCHDOG_PID=$$;")
        assert told(sock)[0] == "READY=1"
        for _ in range(4):
            assert told(sock) == ["WATCHDOG=1"]
        os.kill(sidecar.relay, signal.SIGSTOP)
        sock.settimeout(1.0)  # five periods
        with pytest.raises(TimeoutError):
            for _ in range(3):  # an answer or two were under way
                assert told(sock) == ["WATCHDOG=1"]
        os.kill(sidecar.relay, signal.SIGCONT)
        sock.settimeout(PATIENCE)
        assert told(sock) == ["WATCHDOG=1"]
        assert sidecar.stop() == 0


def test_a_watchdog_of_many_guests_is_fed_by_their_parent(serve: Serve, compositor: Compositor, tmp_path: Path) -> None:
    serve.guest("one")
    with manager(f"{tmp_path}/notify") as sock:
        environment = ("env", f"NOTIFY_SOCKET={tmp_path}/notify", "WATCHDOG_USEC=200000")
        serve.start(launcher=environment)
        assert told(sock)[0] == "READY=1"
        for _ in range(4):
            assert told(sock) == ["WATCHDOG=1"]
        assert serve.stop() == 0


@pytest.mark.parametrize(
    ("environ", "period"),
    [
        ({"WATCHDOG_USEC": "20000000"}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getpid())}, 20.0),
        ({"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": "1"}, 0.0),  # another process' dog
        ({"WATCHDOG_USEC": "-5"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({}, 0.0),
    ],
)
def test_whose_watchdog(environ: dict[str, str], period: float) -> None:
    notifier = notify.take(environ | {"NOTIFY_SOCKET": "/x"})
    assert notifier.period == period
    assert notify.take(dict(environ)).period == 0.0  # nobody to tell
    watchdog = notify.Watchdog(period)
    now = time.monotonic()
    assert watchdog.next_event(now) == (pytest.approx(period / 2, abs=1) if period else -1.0)
    assert watchdog.due(now + period) == bool(period)
    assert not watchdog.due(now + period)


def test_the_compositor_in_the_status(start: Start, tmp_path: Path) -> None:
    with manager(f"{tmp_path}/notify") as sock:
        sidecar = start(shell=f"export NOTIFY_SOCKET={tmp_path}/notify;")
        assert told(sock) == ["READY=1", "STATUS=test: serving guests, no compositor yet"]
        compositor = Compositor(tmp_path / "host.sock")
        with sidecar.connect(), compositor.accept():
            assert told(sock) == ["STATUS=test: serving guests"]
        compositor.close()


@pytest.mark.parametrize("where", ["/nowhere/at/all", "@nobody-listens-here", "vsock:2", "vsock:x:y", "tcp:1:2", "vsock:2:99999999999"])
def test_a_manager_that_is_not_there(start: Start, compositor: Compositor, where: str) -> None:
    sidecar = start(shell=f"export NOTIFY_SOCKET={where};")
    with sidecar.connect(), compositor.accept():
        pass
    assert sidecar.stop() == 0
    said = [line for line in sidecar.errors.read_text().splitlines() if "NOTIFY_SOCKET" in line]
    assert len(said) == 1 and where in said[0]


def test_a_manager_that_does_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with manager(f"{tmp_path}/notify"):
        notifier = Notifier(f"{tmp_path}/notify")
        for _ in range(2000):
            notifier.status("x" * 100)
    assert capsys.readouterr().err.count("NOTIFY_SOCKET") == 1


def test_it_is_taken_out_of_the_environment() -> None:
    environ = {"NOTIFY_SOCKET": "/x", "LISTEN_FDS": "1", "LISTEN_PID": "1", "LISTEN_FDNAMES": "a", "HOME": "/"}
    environ |= {"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"}
    notify.take(environ)
    notify.forget_sockets(environ)
    assert environ == {"HOME": "/"}


class Transport:
    """The kernel's vsock with a list of types that it has; Unix pairs carry the bytes."""

    def __init__(self, *types: int) -> None:
        self.types = types
        self.asked: list[tuple[int, int]] = []
        self.connected: list[object] = []
        self.ends: list[socket.socket] = []

    def socket(self, family: int, kind: int) -> socket.socket:
        self.asked.append((family, kind))
        if kind not in self.types:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        transport = self

        class Connecting(socket.socket):
            def connect(self, address: object) -> None:
                transport.connected.append(address)

        ours, theirs = socket.socketpair()
        self.ends.append(theirs)
        return Connecting(fileno=ours.detach())


@pytest.mark.parametrize(
    ("scheme", "types", "asked"),
    [
        ("vsock", (socket.SOCK_STREAM,), [socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM]),
        ("vsock", (socket.SOCK_SEQPACKET, socket.SOCK_STREAM), [socket.SOCK_DGRAM, socket.SOCK_SEQPACKET]),
        ("vsock-stream", (socket.SOCK_DGRAM, socket.SOCK_STREAM), [socket.SOCK_STREAM]),
    ],
)
def test_vsock_types(scheme: str, types: tuple[int, ...], asked: list[int]) -> None:
    transport = Transport(*types)
    Notifier(f"{scheme}:2:9999", transport.socket).ready("well")
    assert transport.asked == [(socket.AF_VSOCK, kind) for kind in asked]
    assert transport.connected == [(2, 9999)]
    (end,) = transport.ends
    assert end.recv(100) == b"READY=1\nSTATUS=well"
    assert end.recv(100) == b""  # one connection for each
    end.close()


def test_no_vsock_at_all(capsys: pytest.CaptureFixture[str]) -> None:
    Notifier("vsock:2:9999", Transport().socket).ready("well")
    assert "No such device; the service manager is not told" in capsys.readouterr().err


def test_a_peer_s_newline_is_no_line_of_ours(tmp_path: Path) -> None:
    with manager(f"{tmp_path}/n") as sock:
        Notifier(f"{tmp_path}/n").status("a\nREADY=1")
        assert told(sock) == ["STATUS=a READY=1"]
