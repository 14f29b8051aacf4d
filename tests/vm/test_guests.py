"""Guests that are real: kernels of their own, their vsock drivers, and wlproxy on either side."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sidecar.conftest import Compositor, Sidecar, read, until
from tests.vm.machines import PATIENCE, PYTHON, Device, Machine, inside, join, module, need

pytestmark = pytest.mark.vm

Start = Callable[..., Sidecar]
Boot = Callable[..., Machine]


@pytest.fixture
def boot() -> Iterator[Boot]:
    """Starts machines, and ends them."""
    machines: list[Machine] = []

    def boot_one(*args: object, **more: object) -> Machine:
        machines.append(Machine(*args, **more))  # type: ignore[arg-type]
        return machines[-1]

    yield boot_one
    for machine in machines:
        machine.close()


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Callable[..., Device]]:
    """Makes vsock devices, and ends them."""
    devices: list[Device] = []

    def make(cid: int) -> Device:
        devices.append(Device(tmp_path / f"cid{cid}", cid))
        return devices[-1]

    yield make
    for one in devices:
        one.close()


@pytest.mark.parametrize("accel", ["uml", pytest.param("tcg", marks=pytest.mark.slow)])
def test_one_kernel(boot: Boot, accel: str) -> None:
    """AF_VSOCK as that kernel has it: the programs, the listeners, the CID check, readiness."""
    output = boot(accel, inside("test_loopback.py"), seconds=150).finish()
    assert " passed" in output and "failed" not in output and "skipped" not in output


@pytest.mark.timeout(700)
@pytest.mark.parametrize(
    ("accel", "which"),
    [
        pytest.param("uml", "life or hangs", id="uml-short"),
        pytest.param("uml", "", marks=pytest.mark.slow, id="uml"),
        pytest.param("tcg", "", marks=pytest.mark.slow, id="tcg"),
    ],
)
def test_the_units_under_systemd(boot: Boot, accel: str, which: str) -> None:
    """The shipped units, with systemd as process 1 of that kernel."""
    if not Path("/lib/systemd/systemd").exists():
        pytest.skip("there is no systemd that a machine could boot (Debian: apt-get install systemd)")
    output = boot(accel, inside("test_systemd.py", "-k", which), seconds=600, systemd=True).finish()
    assert " passed" in output and "failed" not in output and "skipped" not in output


# what a guest's program does over hybrid vsock: says that it is ready, then sends, receives and half-closes
HYBRID = """
import hashlib, os, socket, subprocess, sys
done = subprocess.run([sys.executable, "-P", "-m", "wlproxy.ucspi.client", "host", "1025", "sh", "-c", "echo ready >&7"])
assert done.returncode == 0
sock = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
sock.settimeout(30)
sock.connect((2, 1024))
blob = os.urandom(1 << 18)
sock.sendall(hashlib.sha256(blob).digest() + blob)
got = b""
while len(got) < 1 << 18:
    data = sock.recv(65536)
    assert data, len(got)
    got += data
sock.sendall(hashlib.sha256(got).digest())
sock.shutdown(socket.SHUT_WR)
assert sock.recv(1) == b""
refused = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
try:
    refused.connect((2, 1026))
except ConnectionResetError:
    print("ended well")
"""


@pytest.mark.parametrize("accel", ["uml", "tcg"])
def test_hybrid_vsock(boot: Boot, device: Callable[..., Device], start: Start, compositor: Compositor, accel: str) -> None:
    """The guest's AF_VSOCK, its virtio driver and rings; on the host a Unix socket, as Firecracker and Cloud Hypervisor have it."""
    import hashlib
    import os

    need(accel)
    vsock = device(3)
    sidecar = start(listen=[f"hybrid:{vsock.path}?port=1024"], framing="raw")
    with vsock.listen(1025) as ready:
        machine = boot(accel, [PYTHON, "-P", "-c", HYBRID], vsock)
        with ready.accept()[0] as conn:
            assert conn.recv(100) == b"ready\n"  # vsockclient in the guest
            assert conn.recv(100) == b""
    with compositor.accept() as host:
        data = read(host, 32 + (1 << 18))[0]
        assert hashlib.sha256(data[32:]).digest() == data[:32]
        blob = os.urandom(1 << 18)
        host.sendall(blob)
        assert read(host, 32)[0] == hashlib.sha256(blob).digest()
        assert host.recv(1) == b""
    assert "ended well" in machine.finish()
    (end,) = until(lambda: sidecar.audit("disconnect"), "it is over")
    assert end["ended_by"] == "guest" and end["requests"]["bytes"] == 64 + (1 << 18)
    assert sidecar.stop() == 0
    assert not Path(f"{vsock.path}_1024").exists()


def test_a_guest_that_dies_in_the_middle(boot: Boot, device: Callable[..., Device], start: Start, compositor: Compositor) -> None:
    need("uml")
    vsock = device(3)
    sidecar = start(listen=[f"hybrid:{vsock.path}?port=1024"], framing="raw")
    before = sidecar.fds()
    script = "import socket,time; s=socket.socket(socket.AF_VSOCK); s.connect((2,1024)); s.sendall(b'half a mess'); time.sleep(60)"
    machine = boot("uml", [PYTHON, "-P", "-c", script], vsock)
    with compositor.accept() as host:
        assert read(host, 11)[0] == b"half a mess"
        machine.close()
        assert host.recv(1) == b""
    until(lambda: sidecar.fds() == before, "nothing is left over")
    assert sidecar.stop() == 0


def test_a_proxy_that_is_killed_and_started_again(
    boot: Boot, device: Callable[..., Device], start: Start, compositor: Compositor
) -> None:
    """The guest stays; its program sees the end of the connection, and a new one is served as soon as there is a proxy again. Until then it
    tries: a listener that is about to die may still take its connection, and nobody ever answers."""
    need("uml")
    vsock = device(3)
    script = (
        "import socket, time\n"
        "def turn(number):\n"
        "    try:\n"
        "        with socket.socket(socket.AF_VSOCK) as s:\n"
        "            s.settimeout(30); s.connect((2, 1024)); s.sendall(b'turn %d' % number)\n"
        "            return s.recv(1)\n"
        "    except ConnectionError: return b''\n"
        "print(turn(1))\n"
        "while not (said := turn(2)): time.sleep(0.05)\n"
        "print(said)\n"
    )
    sidecar = start(listen=[f"hybrid:{vsock.path}?port=1024"], framing="raw")
    machine = boot("uml", [PYTHON, "-P", "-c", script], vsock)
    with compositor.accept() as host:
        assert read(host, 6)[0] == b"turn 1"
        relay = sidecar.relay
        sidecar.process.kill()
        sidecar.process.wait(PATIENCE)
        assert host.recv(1) == b""  # the relay does not outlive its broker
    until(lambda: not Path(f"/proc/{relay}").exists(), "no process is left")
    assert Path(f"{vsock.path}_1024").exists()  # killed, it could not remove it; the next one does
    again = start(listen=[f"hybrid:{vsock.path}?port=1024"], framing="raw")
    with compositor.accept() as host:
        assert read(host, 6)[0] == b"turn 2"
        host.sendall(b"!")
        assert machine.finish().split() == ["b''", "b'!'"]
        assert again.stop() == 0


def test_two_kernels_and_their_cids(boot: Boot, device: Callable[..., Device], tmp_path: Path) -> None:
    """One machine plays the host and runs the sidecars; the other is CID 3. One port serves CID 3, the other CID 4."""
    need("uml")
    host_side, guest_side = device(100), device(3)
    share = tmp_path / "share"
    share.mkdir()
    host = boot("uml", module("tests.vm.inside.host", str(share)), host_side, share, seconds=60)
    host.until("READY")
    joined = [join(guest_side, host_side, port) for port in (1024, 1025)]
    script = (
        "import socket\n"
        "for port in (1025, 1024):\n"
        "    s = socket.socket(socket.AF_VSOCK); s.settimeout(20); s.connect((2, port))\n"
        "    try:\n"
        "        s.sendall(b'hello'); print(port, s.recv(100))\n"
        "    except OSError: print(port, 'reset')\n"
    )
    said = boot("uml", [PYTHON, "-P", "-c", script], guest_side).finish().split("\n")
    assert "1024 b'welcome'" in said
    assert "1025 b''" in said or "1025 reset" in said
    host.finish()
    for listener in joined:
        listener.close()
    served = [json.loads(line) for line in (share / "1024.jsonl").read_text().splitlines()]
    refused = [json.loads(line) for line in (share / "1025.jsonl").read_text().splitlines()]
    (connect,) = [line for line in served if line["event"] == "connect"]
    assert connect["peer"]["cid"] == 3 and "verdict" not in connect
    (denied,) = [line for line in refused if line["event"] == "connect"]
    assert denied["verdict"] == "deny" and denied["peer"] == {"cid": 3}
    assert "peer CID 3, this listener serves CID 4" in denied["reason"]


def test_readiness_of_a_guest_s_service(boot: Boot, device: Callable[..., Device]) -> None:
    """A service manager on the host, as systemd's NOTIFY_SOCKET=vsock:2:PORT for a whole VM: here, of a proxy within the guest."""
    need("uml")
    vsock = device(3)
    script = (
        "from wlproxy.sidecar.notify import take; import os\n"
        "os.environ['NOTIFY_SOCKET'] = 'vsock:2:9999'\n"
        "n = take(os.environ); n.ready('well'); n.stopping(); print('NOTIFY_SOCKET' in os.environ)\n"
    )
    with vsock.listen(9999) as manager:
        machine = boot("uml", [PYTHON, "-P", "-c", script], vsock)
        told = []
        for _ in range(2):
            with manager.accept()[0] as conn:
                conn.settimeout(PATIENCE)
                told.append(conn.recv(4096))
    assert told == [b"READY=1\nSTATUS=well", b"STOPPING=1"]
    assert machine.finish().split() == ["False"]


def test_the_tools_open_no_vsock_on_this_machine() -> None:
    """They are standard library programs that speak vhost-user; were one to open AF_VSOCK here, other VMs of this host could reach it."""
    tools = Path(__file__).parent / "tools"
    assert [path.name for path in sorted(tools.iterdir()) if path.is_file() and "AF_VSOCK" in path.read_text()] == []
    assert hasattr(socket, "AF_VSOCK")
