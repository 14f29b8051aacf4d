"""vsockclient: one connection, one program on 6 and 7."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wlproxy.ucspi import client

ROOT = Path(__file__).parents[2]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "port"))
        sock.listen(8)
        sock.settimeout(10)
        yield sock


def run(tmp_path: Path, *argv: str, shell: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.ucspi.over_unix", "client", str(tmp_path / "port"), *argv]
    wrapped = ["sh", "-c", f'{shell} exec "$@"', "sh", *command]
    return subprocess.run(wrapped, cwd=ROOT, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL, check=False)


def test_ready(tmp_path: Path, port: socket.socket) -> None:
    done = run(tmp_path, "2", "1024", "sh", "-c", "echo >&7; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
    conn, _ = port.accept()
    with conn:
        assert conn.recv(9) == b"\n"
        assert conn.recv(9) == b""


NULLS = "exec 3</dev/null 4</dev/null 5</dev/null"


@pytest.mark.parametrize("shell", ["", f"{NULLS};", f"{NULLS} 6</dev/null;"])
def test_descriptors_and_environment(tmp_path: Path, port: socket.socket, shell: str) -> None:
    """Also where the connection's own number is 6 or 7."""
    script = 'test -S /proc/self/fd/6 && test -S /proc/self/fd/7 && env | grep -E "^(PROTO|VSOCK)" | sort && echo $(ls /proc/self/fd)'
    done = run(tmp_path, "host", "1024", "sh", "-c", script, shell=shell)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:5] == ["PROTO=VSOCK", "VSOCKLOCALCID=2", "VSOCKLOCALPORT=1024", "VSOCKREMOTECID=3", "VSOCKREMOTEPORT=5"]
    inherited = {str(n) for n in range(3, 6)} & set(shell.replace("<", " ").split())
    assert set(lines[5].split()) - {"3", "4", "5", "8"} == {"0", "1", "2", "6", "7"}
    assert inherited <= set(lines[5].split())


def test_nobody_listens(tmp_path: Path) -> None:
    done = run(tmp_path, "2", "1024", "true")
    assert done.returncode == 111 and "cannot connect to CID 2 port 1024: No such file" in done.stderr


def test_a_program_that_is_none(tmp_path: Path, port: socket.socket) -> None:
    done = run(tmp_path, "2", "1024", "no-such-program-here")
    assert done.returncode == 100 and "no-such-program-here: No such file" in done.stderr


@pytest.mark.parametrize(
    ("argv", "why"), [([], "a CID"), (["any", "1", "true"], "CID any"), (["2", "0", "true"], "port 0"), (["2", "1"], "a CID")]
)
def test_usage(argv: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert client.main(argv) == 100
    assert why in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert client.main(["--help"]) == 0
    assert "echo ready >&7" in capsys.readouterr().out
