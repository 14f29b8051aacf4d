"""Policy test files: traces, set-up messages, objects by number; and the stage they are played on."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from tests.scene import BASIC, policy, shipped
from tests.tools.test_replay import Recorded, dressed
from wlproxy.policy.read_literal import read
from wlproxy.sidecar.watch.recording import CLOSE, record
from wlproxy.tools.policy_tests import Report, run_file
from wlproxy.tools.sources import load_source
from wlproxy.tools.stage import Stage, Unstaged

HEAD = 'format = 1\npolicy = "strict"\n'


def played(tmp_path: Path, text: str) -> Report:
    path = tmp_path / "x.test.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return run_file(str(path), shipped())


@pytest.mark.parametrize(("denied", "fails"), [(0, True), (1, False)])
def test_a_trace_is_replayed_under_the_policy(tmp_path: Path, denied: int, fails: bool) -> None:
    scene = Recorded(policy(*BASIC))
    dressed(scene).guest(8, "set_fullscreen", 0)
    (tmp_path / "x.wltrace").write_bytes(scene.file + record(CLOSE, scene.clock, 1))
    report = played(tmp_path, f'[[trace]]\nfile = "x.wltrace"\nexpect = {{ denied = {denied}, disconnected = 0 }}\n')
    assert bool(report.failed) == fails
    if fails:
        assert "1 denied, 0 expected" in report.failed[0].failure and "xdg_toplevel.set_fullscreen" in report.failed[0].failure
    assert "permission.custom-cursor" not in dict(report.missed) and "permission.popup-grab" in dict(report.missed)


def test_a_trace_that_is_none_fails(tmp_path: Path) -> None:
    (tmp_path / "x.wltrace").write_bytes(b"no recording")
    for name in ("x.wltrace", "absent.wltrace"):
        (failed,) = played(tmp_path, f'[[trace]]\nfile = "{name}"\n').failed
        assert name in failed.failure


def test_a_message_before_it_changes_what_a_case_meets(tmp_path: Path) -> None:
    case = 'send = "xdg_surface#1.get_toplevel"\nexpect = "{}"\n'
    assert not played(tmp_path, "[[case]]\n" + case.format("allow")).failed
    assert not played(tmp_path, '[[case]]\nsetup = ["xdg_surface#1.get_toplevel"]\n' + case.format("violation")).failed
    assert not played(tmp_path, '[[case]]\nsetup = ["xdg_surface#2.get_toplevel"]\n' + case.format("allow")).failed


def test_a_policy_that_complains_is_expected_to(tmp_path: Path) -> None:
    until = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).isoformat(timespec="seconds")
    (tmp_path / "loud.toml").write_text(f'format = 1\nname = "loud"\nmode = "complain"\nuntil = {until}\nextends = "strict"\n')
    test = tmp_path / "loud.test.toml"
    for expect, fails in (("would-deny", False), ("deny", True), ("allow", True)):
        test.write_text(
            f'format = 1\npolicy = "./loud.toml"\n[[case]]\nsend = "xdg_toplevel.set_fullscreen"\nexpect = "{expect}"\n'
            '[[case]]\nsend = "xdg_toplevel.set_fullscreen"\nexpect = { verdict = "would-deny", deny-as = "ignore" }\n'
        )
        failed = run_file(str(test), shipped()).failed
        assert bool(failed) == fails and len(failed) <= 1


def test_what_cannot_be_said_fails_and_says_why(tmp_path: Path) -> None:
    (failed,) = played(tmp_path, '[[case]]\nsend = "zwlr_layer_shell_v1.get_layer_surface"\nexpect = "deny"\n').failed
    assert "zwlr_layer_shell_v1 is hidden from the guest" in failed.failure


def test_a_stage_goes_on_until_the_session_ends() -> None:
    stage = Stage(load_source("strict", {}, shipped(), "").compiled, shipped())
    assert stage.play(read("xdg_toplevel.set_maximized", shipped(), True)).verdict == "allow"
    assert stage.play(read("wl_surface.set_buffer_scale(99)", shipped(), True)).verdict == "deny"
    with pytest.raises(Unstaged):
        stage.play(read("xdg_toplevel.set_maximized", shipped(), True))


def test_descriptors_are_of_the_kind_that_is_named() -> None:
    compiled = load_source("strict", {}, shipped(), "").compiled
    for kind, verdict in (("memfd 4096", "allow"), ("socket", "violation"), ("pipe", "violation")):
        literal = read(f"wl_shm.create_pool(new id, fd {kind}, 4096)", shipped())
        assert Stage(compiled, shipped()).play(literal).verdict == verdict
