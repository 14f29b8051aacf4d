"""vsockserver: processes, descriptors, environment, limits, signals."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wlproxy.ucspi import server, vsock

ROOT = Path(__file__).parents[2]
PATIENCE = 10.0


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.005)


class Server:
    """The process, listening."""

    def __init__(self, path: Path, options: list[str], *program: str) -> None:
        self.path = path
        ready, writer = os.pipe()
        command = [sys.executable, "-m", "tests.ucspi.over_unix", "server", str(path), "-r", str(writer), *options, "any", "1024", *program]
        self.process = subprocess.Popen(
            command, cwd=ROOT, pass_fds=[writer], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        os.close(writer)
        assert select.select([ready], [], [], PATIENCE)[0]
        assert os.read(ready, 9) == b"\n"
        assert os.read(ready, 9) == b""  # and closed
        os.close(ready)

    def connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        sock.connect(str(self.path))
        return sock

    def ask(self) -> bytes:
        """What the program writes to a connection."""
        with self.connect() as sock:
            sock.shutdown(socket.SHUT_WR)
            parts = []
            while data := sock.recv(65536):
                parts.append(data)
        return b"".join(parts)

    def children(self) -> list[int]:
        pid = self.process.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def end(self, times: int = 1) -> int:
        for _ in range(times):
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def said(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()


Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Server] = []

    def start_one(options: list[str], *program: str) -> Server:
        started.append(Server(tmp_path / "port", options, *program))
        return started[-1]

    yield start_one
    for one in started:
        if one.process.poll() is None:
            for pid in one.children():
                os.kill(pid, signal.SIGKILL)
            one.process.kill()
            one.process.wait()
        for pipe in (one.process.stdout, one.process.stderr):
            assert pipe is not None
            pipe.close()


def test_environment_and_descriptors(start: Start) -> None:
    script = 'echo "$PROTO $VSOCKLOCALCID $VSOCKLOCALPORT $VSOCKREMOTECID $VSOCKREMOTEPORT"; ls /proc/self/fd | tr "\\n" " "; cat'
    served = start([], "sh", "-c", script)
    assert served.ask() == b"VSOCK 2 1024 3 5\n0 1 2 3 "  # 3 is ls reading the directory
    with served.connect() as sock:
        sock.sendall(b"echoed")
        sock.shutdown(socket.SHUT_WR)
        assert sock.makefile("rb").read().endswith(b" echoed")


def test_no_signal_is_ignored_by_a_program(start: Start) -> None:
    """Python ignores SIGPIPE and SIGXFSZ, and what is ignored would stay so; then a writer to nobody might never end."""
    served = start([], "grep", "SigIgn", "/proc/self/status")
    ignored = int(served.ask().split()[1], 16)
    assert not [number for number in (signal.SIGPIPE, signal.SIGXFSZ) if ignored >> number - 1 & 1]


def test_the_port_is_told_and_standard_output_closed(start: Start) -> None:
    served = start(["-1"], "true")
    assert served.process.stdout is not None
    assert served.process.stdout.read() == b"1024\n"


def test_no_more_than_the_limit_at_a_time(start: Start) -> None:
    served = start(["-c", "2"], "cat")
    socks = [served.connect() for _ in range(3)]
    for sock in socks[:2]:
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
    socks[2].sendall(b"x")
    assert len(served.children()) == 2
    assert not select.select([socks[2]], [], [], 0.2)[0]
    socks[0].close()
    assert socks[2].recv(1) == b"x"  # its turn has come
    for sock in socks[1:]:
        sock.close()
    until(lambda: not served.children(), "children are waited for")
    pid = served.process.pid
    assert "zombie" not in Path(f"/proc/{pid}/status").read_text()
    assert served.end() == 0


def test_sigterm_stops_listening_and_waits_for_programs(start: Start) -> None:
    served = start([], "sh", "-c", "trap 'echo bye; exit' TERM; echo up; while :; do sleep 0.05; done")
    sock = served.connect()
    assert sock.recv(3) == b"up\n"
    assert served.end() == 0
    assert sock.recv(9) == b"bye\n"
    with pytest.raises(ConnectionRefusedError):
        served.connect()


def test_a_second_sigterm_does_not_wait(start: Start) -> None:
    served = start([], "sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.05; done")
    sock = served.connect()
    assert sock.recv(3) == b"up\n"
    (child,) = served.children()
    served.process.send_signal(signal.SIGTERM)

    def refuses() -> bool:
        try:
            served.connect().close()
        except ConnectionRefusedError:
            return True
        return False

    until(refuses, "it stops listening")
    assert served.process.poll() is None
    assert served.end() == 0
    os.kill(child, signal.SIGKILL)


def test_a_program_that_is_none(start: Start) -> None:
    served = start([], "no-such-program-here")
    assert served.ask() == b""
    assert served.ask() == b""
    assert served.end() == 0
    assert served.said().count("no-such-program-here: No such file or directory") == 2


def test_closed_standard_descriptors(tmp_path: Path) -> None:
    """Started with 0 and 1 closed, the listening socket must not be what -1 writes to and closes, nor the program's."""
    program = "sh -c 'test -S /proc/self/fd/0; echo $?'"
    command = f"exec {sys.executable} -m tests.ucspi.over_unix server {tmp_path}/port -1 any 1 {program} <&- >&-"
    process = subprocess.Popen(["sh", "-c", command], cwd=ROOT, stderr=subprocess.PIPE)
    until((tmp_path / "port").exists, "it listens")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PATIENCE)
        until(lambda: sock.connect_ex(str(tmp_path / "port")) == 0, "it accepts")
        assert sock.recv(9) == b"0\n"
    process.terminate()
    assert process.wait(PATIENCE) == 0
    assert process.stderr is not None and process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        ([], "a CID, a port and a program"),
        (["any", "1024"], "a CID, a port and a program"),
        (["x", "1024", "true"], "CID x"),
        (["0", "1024", "true"], "CID 0"),
        (["any", "99999999999", "true"], "port 99999999999"),
        (["-c", "0", "any", "1", "true"], "-c 0"),
        (["-r", "77", "any", "1", "true"], "-r 77"),
        (["-r", "-1", "any", "1", "true"], "-r -1"),
        (["-q", "any", "1", "true"], "option -q not recognized"),
    ],
)
def test_usage(argv: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert server.main(argv) == 100
    said = capsys.readouterr().err
    assert why in said and "usage: vsockserver" in said


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert server.main(["--help"]) == 0
    assert "example: vsockserver any 1024" in capsys.readouterr().out


def test_options_end_at_the_cid() -> None:
    settings = server.settings_of(["-c", "3", "host", "0", "prog", "-c", "9", "-r", "x"])
    assert (settings.limit, settings.cid, settings.port) == (3, 2, 0xFFFFFFFF)
    assert settings.command == ["prog", "-c", "9", "-r", "x"]


def test_a_port_that_cannot_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(cid: int, port: int, backlog: int) -> socket.socket:
        raise OSError(98, "Address already in use")

    assert server.main(["any", "7", "true"], refuse) == 111
    assert "CID 4294967295 port 7: Address already in use" in capsys.readouterr().err


def test_words() -> None:
    assert [vsock.cid_of(word, any_allowed=True) for word in ("any", "local", "host", "7")] == [0xFFFFFFFF, 1, 2, 7]
    with pytest.raises(vsock.UsageError):
        vsock.cid_of("any", any_allowed=False)
