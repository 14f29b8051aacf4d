"""`wlproxy learn` with real programs on the embedded host: what it proposes, and that the proposal runs them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from wlproxy.cli.main import main

pytest.importorskip("pywayland", reason="pywayland is not installed")

WINDOW = f"{sys.executable} -m wlproxy.host.demo_client --title x --app-id x"
# binds what it is told to and leaves; a window it never has
BINDER = """
import sys
from wlproxy.host.raw_client import RawClient, uint
client = RawClient(__import__("os").environ["WAYLAND_DISPLAY"])
registry, found = client.globals()
for name in sys.argv[1:]:
    bound = client.bind(registry, found[name][0], name, 1)
client.roundtrip()
"""


def learned(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, *more: str) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """The exit code, what was printed, and the file."""
    out = tmp_path / "learned.toml"
    code = main(["learn", "--command", command, "-o", str(out), "--json", *more])
    return code, json.loads(capsys.readouterr().out), tomllib.loads(out.read_text())


def test_a_window_that_fills_the_screen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, policy = learned(tmp_path, capsys, WINDOW + " --fullscreen", "--seconds", "3")
    assert code == 0
    assert said["shown"] and said["tried"] == {"shown": True, "ended": [], "status": None}
    assert policy["extends"] == "strict"
    assert policy["permission"] == {"fullscreen": "allow"}
    assert "global" not in policy
    assert main(["check", str(tmp_path / "learned.toml")]) == 0


def test_a_window_that_needs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, policy = learned(tmp_path, capsys, WINDOW, "--seconds", "2")
    assert (code, said["needs"], said["tried"]["shown"]) == (0, [], True)
    assert set(policy) == {"format", "name", "summary", "extends"}


def test_bait_is_taken_and_never_proposed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "binder.py").write_text(BINDER)
    names = ["zwlr_screencopy_manager_v1", "zwp_virtual_keyboard_manager_v1", "zwp_tablet_manager_v2", "wl_shm"]
    command = shlex.join([sys.executable, str(tmp_path / "binder.py"), *names])
    code, said, policy = learned(tmp_path, capsys, command, "--seconds", "5", "--no-try")
    assert code == 0
    assert said["bait"] == ["zwlr_screencopy_manager_v1", "zwp_virtual_keyboard_manager_v1"]
    assert said["unused"] == ["zwp_tablet_manager_v2"]
    assert said["status"] == 0 and said["seconds"] < 5  # it ended, and was not waited for
    assert "global" not in policy
    assert "#   zwlr_screencopy_manager_v1" in (tmp_path / "learned.toml").read_text()


def test_a_program_that_fails_over_bait_is_watched_without(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "binder.py").write_text(BINDER + "assert 'zwlr_screencopy_manager_v1' not in found\n")
    command = shlex.join([sys.executable, str(tmp_path / "binder.py"), "wl_shm"])
    code, said, _ = learned(tmp_path, capsys, command, "--seconds", "5", "--no-try")
    assert (code, said["status"]) == (0, 0)
    assert main(["learn", "--command", command, "--seconds", "5", "--no-try"]) == 0
    printed = capsys.readouterr()
    assert "with bait in front of it, it failed" in printed.err
    assert tomllib.loads(printed.out)["extends"] == "strict"


def test_a_base_that_allows_no_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.toml"
    code = main(["learn", "--command", WINDOW + " --fullscreen", "--base", "viewer", "--seconds", "2", "-o", str(out)])
    said = capsys.readouterr().err
    assert code == 1
    assert "permission.fullscreen is wider than viewer.toml allows" in said
    assert "viewer allows no policy over it" in said
    assert not out.exists()


def test_a_program_that_does_not_speak_wayland(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", "--command", "sh -c 'echo no display >&2; exit 3'", "--seconds", "5"]) == 1
    said = capsys.readouterr()
    assert "never connected to Wayland" in said.err and "no display" in said.err
    assert said.out == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_over_when_it_is_ended(number: signal.Signals, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    command = f"sh -c 'echo $$ > {told}.new; mv {told}.new {told}; exec sleep 100'"
    env = os.environ | {"TMPDIR": str(tmp_path)}
    learning = [sys.executable, "-m", "wlproxy", "learn", "--command", command, "-o", str(tmp_path / "x.toml")]
    # a shell's background job ignores SIGINT, and the tests may be one
    with subprocess.Popen(learning, env=env, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as process:
        deadline = time.monotonic() + 30
        while not told.exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(number)
        assert process.wait(20) == 128 + number
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)
    assert os.listdir(tmp_path) == ["pid"]


@pytest.mark.parametrize(
    ("argv", "code", "why"),
    [
        (["--command", ""], 2, "--command is empty"),
        (["--command", "'"], 2, "No closing quotation"),
        (["--command", "no-such-program-here"], 2, "there is no program 'no-such-program-here'"),
        (["--command", "true", "--seconds", "0"], 2, "at least 1"),
        (["--command", "true", "--json"], 2, "--json needs -o"),
        (["--command", "true", "--base", "nowhere"], 6, "no policy of that name"),
        (["--command", "true", "--base", "transparent"], 6, "has no rules"),
    ],
)
def test_wrong_usage(argv: list[str], code: int, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", *argv]) == code
    assert why in capsys.readouterr().err


def test_a_file_in_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.toml").write_text("mine")
    assert main(["learn", "--command", "true", "-o", str(tmp_path / "x.toml")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "x.toml").read_text() == "mine"


@pytest.mark.e2e
@pytest.mark.parametrize(("program", "package"), [("foot", "foot"), ("gtk4-widget-factory", "gtk-4-examples")])
def test_programs_run_under_what_was_learned_of_them(
    program: str, package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (Debian package {package})")
    code, said, policy = learned(tmp_path, capsys, program, "--seconds", "6")
    assert code == 0
    assert said["tried"]["shown"] and said["tried"]["ended"] == []
    assert policy["extends"] == "strict"
    assert said["bait"] == []
