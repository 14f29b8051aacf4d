"""`wlproxy demo` and the host as a program of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wlproxy.host.demo_account import columns, plain, refused
from wlproxy.host.png import read_png


def test_account_escapes_and_cuts() -> None:
    assert plain("a\x1b[31mb\u202e") == "a\\x1b[31mb\\u202e"
    assert len(plain("x" * 1000)) == 110
    assert columns(["aaa", "bbb", "ccc"], 9) == ["aaa, bbb", "ccc"]


def test_account_folds_what_is_said_twice() -> None:
    entry = {"verdict": "deny", "reason": "no", "message": {"interface": "a", "name": "b"}, "decided": {"rule": "p:1"}}
    assert refused([entry, entry]) == ["a.b: no (deny; p:1)"]


def test_host_as_a_program(tmp_path: Path) -> None:
    path, picture = tmp_path / "s", tmp_path / "p.png"
    command = [
        sys.executable,
        "-m",
        "wlproxy.host",
        "--socket",
        str(path),
        "--png",
        str(picture),
        "--seconds",
        "20",
        "--commands",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "ready"
        process.stdin.write("nonsense\nquit\n")
        process.stdin.flush()
        rest = [json.loads(line) for line in process.stdout]
    assert process.returncode == 0
    assert [line["event"] for line in rest] == ["error", "picture"]
    assert read_png(picture)[:2] == (1280, 800)


@pytest.mark.e2e
@pytest.mark.parametrize("host", ["embedded", "weston", "sway"])
def test_demo(host: str, tmp_path: Path) -> None:
    if host != "embedded" and shutil.which(host) is None:
        pytest.skip(f"{host} is not installed")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "wlproxy", "demo", "--host", host, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("REFUSED\n") == 3 and "reach the host? no" in done.stdout
    assert "[demo] Your bank - log in" in done.stdout
    _width, _height, rgb = read_png(out / "host.png")
    assert b"\x40\xdc\x40" * 300 in rgb, "the guest's green bar, in full: thirty frames were drawn"
