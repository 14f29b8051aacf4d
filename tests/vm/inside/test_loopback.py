"""One guest that talks to itself: AF_VSOCK as the kernel has it, CID 1 at both ends (vsock_loopback)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sidecar.conftest import PASSING, PATIENCE, Compositor, Serve, Sidecar, compiled_policy, read, read_all, until

Start = Callable[..., Sidecar]
LOCAL = 1
SERVER = [sys.executable, "-P", "-m", "wlproxy.ucspi.server"]
CLIENT = [sys.executable, "-P", "-m", "wlproxy.ucspi.client"]


def connect(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    sock.settimeout(PATIENCE)
    sock.connect((LOCAL, port))
    return sock


def serve_port(*command: str) -> tuple[subprocess.Popen[bytes], int]:
    """A vsockserver, and the port that the kernel gave it."""
    server = subprocess.Popen([*SERVER, "-1", "any", "0", *command], stdout=subprocess.PIPE)
    assert server.stdout is not None
    return server, int(server.stdout.readline())


def test_vsockserver_and_vsockclient() -> None:
    script = 'echo "$PROTO $VSOCKREMOTECID $VSOCKLOCALCID $VSOCKLOCALPORT"; read line; echo "got $line"'
    server, port = serve_port("sh", "-c", script)
    script = 'read a <&6; echo hello >&7; read b <&6; echo "$a|$b|$VSOCKREMOTECID $VSOCKREMOTEPORT"'
    done = subprocess.run([*CLIENT, "local", str(port), "sh", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"VSOCK 1 1 {port}|got hello|1 {port}\n"
    server.terminate()
    assert server.wait(PATIENCE) == 0
    done = subprocess.run([*CLIENT, "local", str(port), "true"], capture_output=True, text=True, check=False)
    assert done.returncode == 111 and f"cannot connect to CID 1 port {port}: Connection reset by peer" in done.stderr


def test_a_port_that_is_taken() -> None:
    server, port = serve_port("true")
    done = subprocess.run([*SERVER, "any", str(port), "true"], capture_output=True, text=True, check=False)
    assert done.returncode == 111 and "Address already in use" in done.stderr
    server.terminate()
    server.wait(PATIENCE)


def test_the_right_guest_is_served(start: Start, compositor: Compositor) -> None:
    sidecar = start(listen=["vsock:1024?cid=1"], framing="raw", confine="prefer")
    guest = connect(1024)
    host = compositor.accept()
    guest.sendall(b"there")
    assert read(host, 5) == (b"there", [])
    host.sendall(b"x" * 300_000)
    assert read(guest, 300_000)[0] == b"x" * 300_000
    guest.shutdown(socket.SHUT_WR)
    assert read_all(host) == b""
    host.close()
    guest.close()
    (connect_line,) = sidecar.audit("connect")
    assert connect_line["peer"]["cid"] == LOCAL and connect_line["peer"]["port"] > 0
    (end,) = until(lambda: sidecar.audit("disconnect"), "it is over")
    assert end["peer"] == connect_line["peer"] and end["events"]["bytes"] == 300_000
    assert sidecar.stop() == 0


def test_guests_of_one_port_are_told_apart(serve: Serve, compositor: Compositor) -> None:
    """Two guests, one port: this machine is CID 1 and no other's connection may reach it; the other guest's CID nobody here has."""
    serve.guest("here", ["vsock:1024?cid=1"])
    serve.guest("elsewhere", ["vsock:1024?cid=9"])
    serve.start(confine="prefer")
    guest = connect(1024)
    host = compositor.accept()
    guest.sendall(b"there")
    assert read(host, 5) == (b"there", [])
    host.sendall(b"back")
    assert read(guest, 4) == (b"back", [])
    assert [line["peer"]["cid"] for line in until(lambda: serve.audit("connect", "here"), "its line")] == [LOCAL]
    assert not serve.audit("connect", "elsewhere")
    (serve.files / "here.toml").unlink()
    serve.reload()
    assert read_all(guest) == b""
    until(lambda: len(serve.relays()) == 1, "its end")
    stranger = connect(1024)
    assert read_all(stranger) == b""  # the other guest's port, and not the other guest
    (line,) = until(lambda: serve.audit("connect", ""), "the stranger")
    assert line["verdict"] == "deny" and line["peer"] == {"cid": LOCAL}
    assert serve.stop() == 0


def test_descriptors_vanish_and_the_proxy_does_not_mind(start: Start, compositor: Compositor) -> None:
    """The kernel takes SCM_RIGHTS on AF_VSOCK and loses them; that is why raw framing is refused there."""
    start(listen=["vsock:1024?cid=1"], framing="raw", confine="prefer")
    guest = connect(1024)
    host = compositor.accept()
    socket.send_fds(guest, [b"with"], [0])
    assert read(host, 4) == (b"with", [])


def test_another_guest_is_refused(start: Start, compositor: Compositor) -> None:
    sidecar = start(listen=["vsock:1024?cid=3"], framing="raw", confine="prefer")
    before = sidecar.fds()
    for _ in range(20):
        with connect(1024) as guest:
            try:
                assert guest.recv(1) == b""
            except OSError:
                pass
    until(lambda: sidecar.fds() == before, "nothing is kept")
    compositor.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        compositor.sock.accept()
    assert sidecar.stop() == 0
    lines = sidecar.audit("connect")
    assert {(line["verdict"], line["peer"]["cid"]) for line in lines} == {("deny", LOCAL)}
    assert "peer CID 1, this listener serves CID 3" in lines[0]["reason"]
    assert sum(line.get("count", 1) for line in lines) >= 19 and len(lines) < 20


def test_any_guest(start: Start, compositor: Compositor) -> None:
    start(listen=["vsock:1024?cid=any"], framing="raw", confine="prefer")
    with connect(1024) as guest, compositor.accept() as host:
        guest.sendall(b"there")
        assert read(host, 5)[0] == b"there"


def test_an_inherited_port(start: Start, compositor: Compositor) -> None:
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as sock:
        sock.bind((socket.VMADDR_CID_ANY, 1024))
        sock.listen()
        start(listen=[f"fd:{sock.fileno()}?framing=waypipe&cid=1"], framing="raw", pass_fds=(sock.fileno(),), confine="prefer")
        with connect(1024) as guest, compositor.accept() as host:
            guest.sendall(b"there")
            assert read(host, 5)[0] == b"there"


@pytest.mark.parametrize(("options", "why"), [("", "carries no descriptors"), ("?framing=waypipe", "cid=N")])
def test_an_inherited_port_that_says_too_little(tmp_path: Path, options: str, why: str) -> None:
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as sock:
        sock.bind((socket.VMADDR_CID_ANY, 1024))
        sock.listen()
        settings = {"listen": [f"fd:{sock.fileno()}{options}"], "framing": "raw", "upstream": "/x"}
        settings["policy"] = compiled_policy(tmp_path / "p.json")
        command = [*PASSING, json.dumps(settings)]
        done = subprocess.run(command, pass_fds=[sock.fileno()], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and why in done.stderr


def test_a_sidecar_for_each_connection(tmp_path: Path, compositor: Compositor) -> None:
    """vsockserver runs it; its one connection's CID is checked as well."""
    for cid, served in ((1, True), (3, False)):
        audit = tmp_path / f"audit-{cid}"
        settings = {
            "listen": [f"ucspi:?framing=waypipe&cid={cid}"],
            "framing": "raw",
            "confine": "prefer",
            "upstream": str(compositor.path),
            "policy": compiled_policy(tmp_path / "p.json"),
            "audit": str(audit),
        }
        server, port = serve_port(*PASSING, json.dumps(settings))
        with connect(port) as guest:
            if served:
                with compositor.accept() as host:
                    guest.sendall(b"there")
                    assert read(host, 5)[0] == b"there"
                    host.sendall(b"back")
                    assert read(guest, 4)[0] == b"back"
            else:
                assert guest.recv(1) == b""
        server.terminate()
        assert server.wait(PATIENCE) == 0
        lines = [json.loads(line) for line in audit.read_text().splitlines()]
        connects = [line for line in lines if line["event"] in ("connect", "disconnect")]
        assert connects[0]["peer"]["cid"] == 1
        if served:
            told = connects[0]["ucspi"]
            assert told["PROTO"] == "VSOCK" and told["VSOCKREMOTECID"] == "1" and told["VSOCKLOCALPORT"] == str(port)
        else:
            assert "peer CID 1, this listener serves CID 3" in connects[0]["reason"]


@pytest.mark.parametrize("scheme", ["vsock", "vsock-stream"])
def test_readiness(start: Start, compositor: Compositor, scheme: str) -> None:
    kinds = (socket.SOCK_SEQPACKET, socket.SOCK_STREAM) if scheme == "vsock" else (socket.SOCK_STREAM,)
    told: list[bytes] = []
    for kind in kinds:
        try:
            manager = socket.socket(socket.AF_VSOCK, kind)
            break
        except OSError:  # this kernel's transport has no such type
            continue
    with manager:
        manager.bind((socket.VMADDR_CID_ANY, 9999))
        manager.listen()
        manager.settimeout(PATIENCE)
        sidecar = start(shell=f"export NOTIFY_SOCKET={scheme}:{LOCAL}:9999;", confine="prefer")
        for end in (False, True):
            if end:
                assert sidecar.stop() == 0
            with manager.accept()[0] as conn:
                conn.settimeout(PATIENCE)
                told.append(conn.recv(4096))
    assert told == [b"READY=1\nSTATUS=test: serving guests", b"STOPPING=1"]


def test_where_this_ran() -> None:
    """Nothing above was tried on the machine that started this guest."""
    assert os.environ["WLPROXY_IN_VM"] == "1" and os.path.exists("/run/vm/command")
