"""Guests that arrive in each of the ways of --listen, at a real sidecar with pass-through sessions."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sidecar.conftest import PASSING, PATIENCE, Compositor, Sidecar, compiled_policy, is_listening, read, read_all, until
from wlproxy.sidecar.address import NO_CID, UNCHECKED
from wlproxy.sidecar.listener import Listener, peer_of, stranger

Start = Callable[..., Sidecar]
# what systemd does for a unit with sockets: names, numbers, then the program
ACTIVATE = """
import fcntl, os, sys
numbers = [fcntl.fcntl(int(n), fcntl.F_DUPFD, 100) for n in sys.argv[2].split(",")]
for place, number in enumerate(numbers, 3):
    os.dup2(number, place)
    os.close(number)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(numbers)), "LISTEN_FDNAMES": sys.argv[1]}
os.execv(sys.argv[3], sys.argv[3:])
"""
AS_SYSTEMD = "export LISTEN_PID=$$ LISTEN_FDS={} LISTEN_FDNAMES={};"


def listening(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen(8)
    return sock


def speak(path: str | Path, compositor: Compositor) -> None:
    """One guest, to the compositor and back."""
    with socket.socket(socket.AF_UNIX) as guest:
        guest.settimeout(PATIENCE)
        guest.connect(str(path))
        with compositor.accept() as host:
            guest.sendall(b"there")
            assert read(host, 5) == (b"there", [])
            host.sendall(b"back")
            assert read(guest, 4) == (b"back", [])


def refused(tmp_path: Path, uri: str, shell: str = "", **popen: Any) -> str:
    """What a sidecar that does not start says; its exit code is the usage one."""
    settings = {"listen": [uri], "upstream": str(tmp_path / "host.sock"), "policy": compiled_policy(tmp_path / "p.json")}
    command = ["sh", "-c", f'{shell} exec "$@"', "sh", *PASSING, json.dumps(settings)]
    popen.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False, **popen)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_hybrid(start: Start, compositor: Compositor, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    sidecar = start(listen=[f"hybrid:{tmp_path}/vm.sock?port=1024"], framing="raw")
    speak(tmp_path / "vm.sock_1024", compositor)
    assert sidecar.stop() == 0
    assert not (tmp_path / "vm.sock_1024").exists()


def test_a_hybrid_socket_is_waypipe_s_and_never_raw(start: Start, compositor: Compositor, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    sidecar = start(listen=[f"hybrid:{tmp_path}/vm.sock?port=1"])
    with socket.socket(socket.AF_UNIX) as guest:
        guest.connect(str(tmp_path / "vm.sock_1"))
        host = compositor.accept()
        guest.sendall(b"\1\0\0\0\1\0\x0c\0\2\0\0\0raw!")  # wl_display.get_registry and some more
        assert read_all(guest) == b""
        host.close()
    (line,) = until(lambda: [entry for entry in sidecar.audit("decision") if entry["verdict"] == "deny"], "the audit line")
    assert line["decided"]["rule"] == "built-in: waypipe header"


def test_an_inherited_socket(start: Start, compositor: Compositor, tmp_path: Path) -> None:
    with listening(tmp_path / "inherited") as sock:
        sidecar = start(listen=[f"fd:{sock.fileno()}"], pass_fds=(sock.fileno(),))
        speak(tmp_path / "inherited", compositor)
        assert sidecar.stop() == 0
        assert (tmp_path / "inherited").exists()  # not ours to remove


@pytest.mark.parametrize("name", ["guest", ""])
def test_sockets_by_systemd_s_names(start: Start, compositor: Compositor, tmp_path: Path, name: str) -> None:
    """Descriptors 3, 4 and 5; the guest's are two of them, or all."""
    socks = [listening(tmp_path / f"{n}") for n in range(3)]
    numbers = tuple(sock.fileno() for sock in socks)
    launcher = (sys.executable, "-c", ACTIVATE, "guest:other:guest", ",".join(map(str, numbers)))
    sidecar = start(listen=[f"systemd:{name}"], launcher=launcher, pass_fds=numbers)
    speak(tmp_path / "0", compositor)
    speak(tmp_path / "2", compositor)
    if not name:
        speak(tmp_path / "1", compositor)
    assert sidecar.stop() == 0
    for sock in socks:
        sock.close()


@pytest.mark.parametrize(
    ("uri", "shell", "why"),
    [
        ("systemd:guest", "", "LISTEN_FDS is not set"),
        ("systemd:guest", "export LISTEN_FDS=1 LISTEN_PID=1;", "LISTEN_PID is 1, this process is"),
        ("systemd:guest", "export LISTEN_FDS=x LISTEN_PID=$$;", "LISTEN_FDS is x"),
        ("systemd:guest", AS_SYSTEMD.format(2, "a:b"), "there: a, b"),
        ("systemd:guest", AS_SYSTEMD.format(2, "a"), "1 names for 2 sockets"),
        ("systemd:a", "exec 3</dev/null;" + AS_SYSTEMD.format(1, "a"), "descriptor 3 is no socket"),
        ("fd:99", "", "descriptor 99"),
        ("fd:9", "exec 9</dev/null;", "descriptor 9 is no socket"),
        ("stdio:", "", "descriptor 0 is no socket"),
        ("ucspi:", "exec <&-;", "must be the accepted connection"),
    ],
)
def test_what_is_not_there(tmp_path: Path, uri: str, shell: str, why: str) -> None:
    said = refused(tmp_path, uri, shell)
    assert why in said and uri in said


def test_sockets_of_the_wrong_kind(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    packets, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, packets, listening(tmp_path / "l") as sock, socket.create_server(("127.0.0.1", 0)) as tcp:
        number = theirs.fileno()
        assert "does not listen" in refused(tmp_path, f"fd:{number}", pass_fds=(number,))
        assert "a TCP socket; Unix and vsock" in refused(tmp_path, f"fd:{tcp.fileno()}", pass_fds=(tcp.fileno(),))
        assert "cid is for vsock sockets" in refused(tmp_path, f"fd:{sock.fileno()}?cid=3", pass_fds=(sock.fileno(),))
        assert "not the same socket" in refused(tmp_path, "stdio:", stdin=theirs, stdout=ours)
        assert "descriptor 0 listens" in refused(tmp_path, "stdio:", stdin=sock, stdout=sock)
        assert "no stream socket" in refused(tmp_path, "stdio:", stdin=packets, stdout=packets)
        with socket.create_connection(tcp.getsockname()) as client:
            said = refused(tmp_path, "ucspi:", stdin=client, stdout=client)
            assert "a TCP socket carries no descriptors: write ucspi:?framing=waypipe" in said


def test_only_one_connection_is_served_from_stdio(tmp_path: Path) -> None:
    settings = {"listen": ["stdio:", f"unix:{tmp_path}/s"], "upstream": "/x", "policy": compiled_policy(tmp_path / "p.json")}
    for more, why in (({}, "no other --listen"), ({"listen": ["stdio:"], "audit": "-"}, "--audit and --trace need a file")):
        done = subprocess.run([*PASSING, json.dumps(settings | more)], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 2 and why in done.stderr


def test_one_connection_and_the_end(start: Start, compositor: Compositor) -> None:
    """As a UCSPI server starts it: the sidecar ends with the connection, and says in its log who that was."""
    guest, theirs = socket.socketpair()
    variables = r"export PROTO=UNIX UNIXREMOTEPID=7 UNIXREMOTEEUID=$(printf '1\0332') UNIXCONNMAX=3 PATHREMOTE=x;"
    sidecar = start(listen=["ucspi:"], shell=variables, connection=theirs.fileno())
    theirs.close()
    host = compositor.accept()
    guest.sendall(b"there")
    assert read(host, 5) == (b"there", [])
    host.sendall(b"back")
    assert read(guest, 4) == (b"back", [])
    guest.close()
    assert read_all(host) == b""
    host.close()
    assert sidecar.process.wait(PATIENCE) == 0
    (connect,) = sidecar.audit("connect")
    assert connect["ucspi"] == {"PROTO": "UNIX", "UNIXREMOTEEUID": r"1\x1b2", "UNIXREMOTEPID": "7"}
    assert connect["peer"] == {"pid": os.getpid(), "uid": os.getuid()}
    assert sidecar.audit("disconnect")[0]["ended_by"] == "guest"
    assert "unexpectedly" not in sidecar.errors.read_text()


def test_the_guest_s_connection_is_closed_everywhere(start: Start, compositor: Compositor) -> None:
    """The guest must see the end whenever the relay closes its connection, so the broker may hold no copy of it."""
    guest, theirs = socket.socketpair()
    sidecar = start(listen=["stdio:"], connection=theirs.fileno())
    link = f"socket:[{os.fstat(theirs.fileno()).st_ino}]"
    theirs.close()
    host = compositor.accept()
    holders = {pid: [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()] for pid in (sidecar.process.pid, sidecar.relay)}
    assert [found.count(link) for found in holders.values()] == [0, 1]
    host.sendall(b"last")
    host.close()
    assert read_all(guest) == b"last"
    guest.close()
    assert sidecar.process.wait(PATIENCE) == 0


def test_one_connection_without_compositor(start: Start, tmp_path: Path) -> None:
    guest, theirs = socket.socketpair()
    sidecar = start(listen=["stdio:"], connection=theirs.fileno(), upstream_wait=0.05)
    theirs.close()
    assert read_all(guest) == b""
    assert sidecar.process.wait(PATIENCE) == 5
    assert "no compositor at" in sidecar.errors.read_text()


def test_sigterm_ends_the_one_connection(start: Start, compositor: Compositor) -> None:
    guest, theirs = socket.socketpair()
    sidecar = start(listen=["stdio:"], connection=theirs.fileno())
    theirs.close()
    compositor.accept()
    assert sidecar.stop() == 0
    assert read_all(guest) == b""


# -- who is at the other end


def test_peers() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer_of(socket.AF_UNIX, "", ours) == {"pid": os.getpid(), "uid": os.getuid()}
        assert peer_of(socket.AF_VSOCK, (3, 2657370696), ours) == {"cid": 3, "port": 2657370696}
        assert peer_of(socket.AF_INET6, ("::1", 9, 0, 0), ours) == {"address": "::1", "port": 9}


@pytest.mark.parametrize(
    ("cid", "peer", "served"),
    [
        (3, {"cid": 3, "port": 1}, True),
        (3, {"cid": 4, "port": 1}, False),
        (3, {"cid": 1, "port": 1}, False),
        (3, {"pid": 1, "uid": 0}, False),
        (3, {}, False),
        (UNCHECKED, {"cid": 4, "port": 1}, True),
        (NO_CID, {"pid": 1, "uid": 0}, True),
    ],
)
def test_strangers(cid: int, peer: dict[str, int], served: bool) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        why = stranger(Listener(sock, "vsock:1?cid=3", "waypipe", cid), peer)
    assert (why == "") == served
    if not served and "cid" in peer:
        assert str(peer["cid"]) in why and "CID 3" in why


def test_a_stranger_costs_a_line_a_second_and_nothing_else(start: Start, compositor: Compositor) -> None:
    """The listener asks for a CID that a Unix peer does not have; passing.py opens it, as no vsock may be opened here."""
    sidecar = start(stranger_cid=3, limits={"connects": [0.01, 5.0]})
    before = sidecar.fds()
    for _ in range(50):
        with sidecar.connect() as guest:
            try:
                assert guest.recv(1) == b""
            except ConnectionResetError:
                pass
    until(lambda: sidecar.fds() == before, "none is kept")
    with pytest.raises(BlockingIOError):
        compositor.sock.setblocking(False)
        compositor.sock.accept()
    denied = until(lambda: sidecar.audit("connect"), "the log names it")
    assert denied[0]["verdict"] == "deny" and denied[0]["peer"] == {"cid": -1} and "client" not in denied[0]
    assert sidecar.stop() == 0
    denied = sidecar.audit("connect")
    assert len(denied) < 10 and sum(line.get("count", 1) for line in denied) >= 45
    assert not sidecar.audit("quota")  # the guest's own rate was not touched


# -- started by systemd's own tool


@pytest.fixture
def activate(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Has systemd-socket-activate(1) listen at tmp_path/guest and start a sidecar for what comes."""
    tool = shutil.which("systemd-socket-activate")
    if tool is None:
        pytest.skip("systemd-socket-activate is not installed (Debian: systemd)")
    started: list[subprocess.Popen[bytes]] = []

    def activate_one(uri: str, *options: str) -> None:
        settings = {"listen": [uri], "upstream": f"{tmp_path}/host.sock", "policy": compiled_policy(tmp_path / "p.json")}
        settings["audit"] = f"{tmp_path}/audit.jsonl"
        named = ["-E", f"PYTHONPATH={os.environ['PYTHONPATH']}"] if "PYTHONPATH" in os.environ else []
        command = [tool, "-l", f"{tmp_path}/guest", *options, *named, *PASSING, json.dumps(settings)]
        started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        until(lambda: is_listening(tmp_path / "guest"), "it listens")

    yield activate_one
    for process in started:
        process.terminate()
        process.wait(PATIENCE)


def test_a_socket_unit(activate: Callable[..., None], compositor: Compositor, tmp_path: Path) -> None:
    """The first guest has the sidecar started, and is served by it, as is the next."""
    activate("systemd:guest", "--fdname=guest")
    speak(tmp_path / "guest", compositor)
    speak(tmp_path / "guest", compositor)
    assert json.loads((tmp_path / "audit.jsonl").read_text().splitlines()[0])["event"] == "policy-load"


def test_an_inetd_service(activate: Callable[..., None], compositor: Compositor, tmp_path: Path) -> None:
    """Accept=yes: a sidecar for each guest, which ends with it."""
    activate("stdio:", "--inetd", "--accept")
    for turn in (1, 2):
        speak(tmp_path / "guest", compositor)

        def ends(turn: int = turn) -> bool:
            return (tmp_path / "audit.jsonl").read_text().count('"disconnect"') == turn

        until(ends, "it is over")
