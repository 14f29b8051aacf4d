"""The verbs as an admin calls them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sidecar.conftest import ROOT, Compositor, compiled_policy


def wlproxy(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "WAYLAND_SOCKET")}
    environment |= {"PYTHONPATH": str(ROOT)} | environ
    command = [sys.executable, "-m", "wlproxy", *args]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)


def test_no_compositor_path() -> None:
    done = wlproxy("run", "--listen", "unix:/tmp/x", "--policy", "x.json")
    assert done.returncode == 5 and "set --upstream PATH, or WAYLAND_DISPLAY" in done.stderr


def test_policy_that_is_none(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    for path in (str(bad), str(tmp_path / "missing.json")):
        done = wlproxy("run", "--listen", f"unix:{tmp_path}/s", "--policy", path, "--upstream", "/x")
        assert done.returncode == 6 and path in done.stderr
        assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("option", [["--config", "/x"], ["--listen", "vsock:1"], ["--var", "x"], ["--ready-fd", "77"]])
def test_usage(tmp_path: Path, option: list[str]) -> None:
    done = wlproxy("run", "--listen", f"unix:{tmp_path}/s", "--policy", "p.json", "--upstream", "/x", *option)
    assert done.returncode == 2 and option[0] in done.stderr


def test_exec_status_environment_and_clean_up(tmp_path: Path) -> None:
    policy = compiled_policy(tmp_path / "p.json")
    compositor = Compositor(tmp_path / "host")
    base = ["exec", "--policy", policy, "--upstream", str(compositor.path), "--"]
    script = 'test -S "$WAYLAND_DISPLAY" && test -z "$WAYLAND_SOCKET" && ls -A "$(dirname "$WAYLAND_DISPLAY")" && ls /proc/self/fd; exit 7'
    done = wlproxy(*base, "sh", "-c", script, WAYLAND_SOCKET="9", XDG_RUNTIME_DIR=str(tmp_path))
    assert (done.returncode, done.stdout.split()) == (7, ["wayland-0", "0", "1", "2", "3"])
    assert wlproxy(*base, "sh", "-c", "kill -9 $$").returncode == 137
    assert wlproxy(*base, "sh", "-c", "kill -TERM $PPID; sleep 10").returncode == 143
    assert wlproxy(*base, "no-such-program-here").returncode == 127
    assert not list(tmp_path.glob("wlproxy-*"))


def test_exec_without_compositor(tmp_path: Path) -> None:
    done = wlproxy("exec", "--upstream", str(tmp_path / "none"), "--upstream-wait", "0.1", "--", "true")
    assert done.returncode == 5 and str(tmp_path / "none") in done.stderr
