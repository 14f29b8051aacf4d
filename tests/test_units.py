"""The unit files and the s6 service as systemd and wlproxy itself read them. No service manager runs here: what they do is not tried."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from wlproxy.sidecar.address import parse

ROOT = Path(__file__).resolve().parent.parent
UNITS = ROOT / "packaging/systemd"
S6 = ROOT / "packaging/s6/wlproxy-guest"
MOST_EXPOSED = 15  # ten times what `systemd-analyze security` prints; the unit has 0.7


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


def test_the_service_is_shut_in(units: Path) -> None:
    done = analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSED}", "--no-pager", units / "wlproxy@.service")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr


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
