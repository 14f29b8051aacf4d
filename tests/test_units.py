"""The unit files as systemd and wlproxy itself read them; the s6 service under s6. What the units do under systemd: tests/vm."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sidecar.conftest import PATIENCE, Compositor, compositor, until
from wlproxy.sidecar.address import parse

__all__ = ["compositor"]  # a fixture
ROOT = Path(__file__).resolve().parent.parent
UNITS = ROOT / "packaging/systemd"
S6 = ROOT / "packaging/s6/wlproxy-guest"
# ten times what `systemd-analyze security` prints: 0.7 for the one that faces a guest, 2.2 for the parent of many, which starts as root
MOST_EXPOSED = {"wlproxy@.service": 15, "wlproxy.service": 25}


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Copies whose program exists."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (Debian: systemd)")
    for path in UNITS.iterdir():
        text = path.read_text(encoding="utf-8").replace("/usr/bin/wlproxy", shutil.which("true") or "/bin/true")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    return tmp_path


def analyze(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_systemd_finds_nothing_wrong(units: Path) -> None:
    done = analyze("verify", "--man=no", *sorted(units.iterdir()))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_systemd_notices_what_is_wrong(units: Path) -> None:
    """The check above must be able to fail."""
    service = units / "wlproxy@.service"
    service.write_text(service.read_text(encoding="utf-8").replace("ProtectClock=yes", "ProtectClock=maybe"), encoding="utf-8")
    done = analyze("verify", "--man=no", service)
    assert "maybe" in done.stderr


@pytest.mark.parametrize(("name", "most"), MOST_EXPOSED.items())
def test_the_service_is_shut_in(units: Path, name: str, most: int) -> None:
    done = analyze("security", "--offline=yes", f"--threshold={most}", "--no-pager", units / name)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr


@pytest.mark.parametrize("name", MOST_EXPOSED)
def test_systemd_s_filter_lets_the_relay_confine_itself(name: str) -> None:
    """@system-service has none of these, and --confine require is what the units run with: refused one of them, no relay starts."""
    lines = (UNITS / name).read_text(encoding="utf-8").splitlines()
    allowed = {call for line in lines if re.match("SystemCallFilter=[a-z]", line) for call in line.partition("=")[2].split()}
    assert {"capset", "prlimit64", "seccomp", "landlock_create_ruleset", "landlock_restrict_self"} <= allowed


def words_of(path: Path, start: str) -> list[str]:
    """The command that stands in a file from `start` on, continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", path.read_text(encoding="utf-8"))
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return shlex.split(line.removeprefix(start))


@pytest.mark.parametrize(("path", "start"), [(UNITS / "wlproxy@.service", "ExecStart="), (S6 / "run", "exec wlproxy")])
def test_their_command_lines_are_wlproxy_s(path: Path, start: str) -> None:
    import argparse

    from wlproxy.cli import run

    words = words_of(path, start)
    parser = argparse.ArgumentParser()
    run.register(parser.add_subparsers())
    args = parser.parse_args(words[words.index("run") :])
    assert [parse(uri) for uri in args.listen]
    assert args.upstream and args.policy


def test_the_service_of_all_guests() -> None:
    import argparse

    from wlproxy.cli import serve

    words = words_of(UNITS / "wlproxy.service", "ExecStart=")
    parser = argparse.ArgumentParser()
    serve.register(parser.add_subparsers())
    args = parser.parse_args(words[words.index("serve") :])
    assert args.upstream and args.audit


def test_the_socket_has_the_name_that_the_service_asks_for() -> None:
    assert "\nFileDescriptorName=guest\n" in (UNITS / "wlproxy@.socket").read_text(encoding="utf-8")
    assert "systemd:guest" in words_of(UNITS / "wlproxy@.service", "ExecStart=")


def test_s6_is_notified_on_the_descriptor_that_it_watches() -> None:
    words = words_of(S6 / "run", "exec wlproxy")
    assert words[words.index("--ready-fd") + 1] == (S6 / "notification-fd").read_text(encoding="ascii").strip()
    assert S6.joinpath("run").stat().st_mode & 0o111


def s6(*args: str | Path) -> str:
    done = subprocess.run([str(arg) for arg in args], capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
    assert done.returncode == 0, f"{args}: {done.stdout}{done.stderr}"
    return done.stdout


def test_the_s6_service_under_s6(tmp_path: Path, compositor: Compositor) -> None:
    """Ready when it says so, there again after a kill, reloaded by SIGHUP, ended by s6-svc -d; only the paths are others."""
    if shutil.which("s6-supervise") is None:
        pytest.skip("s6 is not installed (Debian: s6)")
    policy = tmp_path / "vm.toml"  # the compositor here is a socket, to which the connection of a security context would be a guest's
    policy.write_text('format = 1\nname = "vm"\nextends = "strict"\n[upstream]\nsecurity-context = "off"\n')
    service, programs, sock = tmp_path / "service", tmp_path / "bin", tmp_path / "guest.sock"
    shutil.copytree(S6, service)
    script = (service / "run").read_text(encoding="utf-8")
    for theirs, ours in (("/run/wlproxy/guest.sock", sock), ("/run/user/1000/wayland-0", compositor.path), ("strict", policy)):
        assert f" {theirs}" in script or f":{theirs}" in script
        script = script.replace(theirs, str(ours))
    (service / "run").write_text(script, encoding="utf-8")
    programs.mkdir()
    (programs / "wlproxy").write_text(f'#!/bin/sh\nexec {sys.executable} -P -m wlproxy "$@"\n')
    (programs / "wlproxy").chmod(0o755)
    with (tmp_path / "log").open("wb") as log:
        environment = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
        supervise = subprocess.Popen(["s6-supervise", str(service)], stdout=log, stderr=log, env=environment)
    try:
        until(lambda: (service / "supervise/control").exists(), "s6 is there")
        wait = ["s6-svwait", "-t", str(int(PATIENCE * 1000))]
        pids = []
        for _ in range(2):
            s6(*wait, "-U", service)  # up, and ready by its own word
            pids.append(int(s6("s6-svstat", "-o", "pid", service)))
            with socket.socket(socket.AF_UNIX) as guest:
                guest.connect(str(sock))
                compositor.accept().close()
            os.kill(pids[-1], signal.SIGKILL)
            until(lambda: int(s6("s6-svstat", "-o", "pid", service)) not in (-1, *pids), "s6 has started another")
        s6(*wait, "-U", service)
        s6("s6-svc", "-h", service)
        until(lambda: '"reason":"reload"' in (tmp_path / "log").read_text(), "it has read its policy again")
        s6("s6-svc", "-d", service)
        s6(*wait, "-D", service)
        assert not sock.exists()
    finally:
        subprocess.run(["s6-svc", "-xd", str(service)], timeout=PATIENCE, check=False)
        assert supervise.wait(PATIENCE) == 0


@pytest.mark.parametrize("name", ["vsockserver", "vsockclient"])
def test_manual_pages(name: str) -> None:
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed (Debian: groff)")
    page = ROOT / f"docs/man/{name}.1"
    done = subprocess.run(["groff", "-man", "-ww", "-Tascii", str(page)], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    shown = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)
    for section in ("SYNOPSIS", "ENVIRONMENT", "EXIT STATUS", "EXAMPLES"):
        assert section in shown
    options = {"vsockserver": ("-1", "-c LIMIT", "-r FD"), "vsockclient": ("6", "7")}[name]
    assert all(option in shown for option in options)
