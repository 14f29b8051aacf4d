"""A sidecar whose policy only complains: it says so everywhere, and enforces by itself when the time is over."""

from __future__ import annotations

import datetime
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sidecar.conftest import Compositor, Serve, Sidecar, until
from tests.sidecar.test_control import status
from tests.sidecar.test_notify import manager, told
from tests.sidecar.wayland import Talk
from wlproxy.cli.ctl import row
from wlproxy.sidecar.deadline import Deadline, deadline
from wlproxy.tools.metrics import exposition

SOON = 6.0  # seconds: a sidecar has started by then, on a loaded machine too
Start = Callable[..., Sidecar]


def policy(path: Path, seconds: float, mode: bool = True) -> str:
    """A policy without regions, which complains of them for so long."""
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    said = f'mode = "complain"\nuntil = {end.isoformat(timespec="seconds")}\n' if mode else ""
    rules = '[upstream]\nsecurity-context = "off"\n[global]\nwl_compositor = 6\n[message.wl_compositor]\ncreate_region = "deny"\n'
    path.write_text(f'format = 1\nname = "regions"\n{said}{rules}')
    return str(path)


def test_it_complains_and_says_so(tmp_path: Path, compositor: Compositor, start: Start) -> None:
    sidecar = start(policy=policy(tmp_path / "p.toml", 3600), real=True, control=str(tmp_path / "c"))
    talk = Talk(sidecar, compositor)
    assert talk.region(4)
    (line,) = until(lambda: [e for e in sidecar.audit("decision") if e["verdict"] == "would-deny"], "the line")
    assert line["deny_as"] == "inert" and line["decided"]["kind"] == "would-deny" and line["decided"]["rule"].endswith("p.toml:10")
    assert [e["reason"].startswith("the policy only complains until 20") for e in sidecar.audit("mode")] == [True]
    state = until(lambda: (found := status(tmp_path / "c"))["would_deny"] and found, "the count")
    assert state["mode"] == "complain" and state["until"].endswith("Z") and state["refused"] == 0 and state["would_deny"] == 1
    assert f"COMPLAIN until {state['until']}" in row(state)[2]
    text = exposition([state], frozenset(["wl_compositor"]))
    assert 'wlproxy_policy_mode{guest="guest",mode="complain"} 1' in text
    assert 'verdict="would-deny",layer="would-deny",interface="wl_compositor"} 1' in text
    assert "only complains until" in sidecar.errors.read_text()
    talk.close()


def test_it_enforces_by_itself_when_the_time_is_over(tmp_path: Path, compositor: Compositor, start: Start) -> None:
    sidecar = start(policy=policy(tmp_path / "p.toml", SOON), real=True, control=str(tmp_path / "c"))
    talk = Talk(sidecar, compositor)
    assert talk.region(4)
    until(lambda: len(sidecar.audit("mode")) == 2, "the end")
    assert not talk.region(5)  # the same connection
    later = Talk(sidecar, compositor)
    assert not later.region(4)
    assert status(tmp_path / "c")["mode"] == "enforce"
    assert "is over" in sidecar.audit("mode")[1]["reason"] and len(sidecar.audit("mode")) == 2
    talk.close()
    later.close()


def test_a_policy_past_its_time_starts_and_enforces(tmp_path: Path, compositor: Compositor, start: Start) -> None:
    sidecar = start(policy=policy(tmp_path / "p.toml", -3600), real=True, control=str(tmp_path / "c"))
    talk = Talk(sidecar, compositor)
    assert not talk.region(4)
    assert status(tmp_path / "c")["mode"] == "enforce"
    assert len(sidecar.audit("mode")) == 1 and "is over" in sidecar.audit("mode")[0]["reason"]
    talk.close()


def test_a_reload_ends_it_for_those_who_are_there(tmp_path: Path, compositor: Compositor, start: Start) -> None:
    sidecar = start(policy=policy(tmp_path / "p.toml", 3600), real=True)
    talk = Talk(sidecar, compositor)
    assert talk.region(4)
    for seconds, mode, passes in ((3600, False, False), (7200, True, True)):
        policy(tmp_path / "p.toml", seconds, mode)
        before = len(sidecar.audit("policy-load"))
        sidecar.process.send_signal(signal.SIGHUP)
        until(lambda before=before: len(sidecar.audit("policy-load")) > before, "the reload")  # type: ignore[misc]
        new = Talk(sidecar, compositor)  # the relay has been told before this one came
        assert new.region(4) == passes
        new.close()
        assert talk.region(5 + passes) == passes  # its own time is not over
    talk.close()


def test_the_service_manager_is_told(tmp_path: Path, compositor: Compositor, start: Start) -> None:
    with manager(f"{tmp_path}/notify") as sock:
        sidecar = start(policy=policy(tmp_path / "p.toml", SOON), shell=f"export NOTIFY_SOCKET={tmp_path}/notify;")
        ready, status_line = told(sock)
        assert ready == "READY=1" and status_line.startswith("STATUS=regions: serving guests, COMPLAINS ONLY, until 20")
        assert told(sock) == ["STATUS=regions: serving guests"]
        assert sidecar.stop() == 0


def test_serve_says_which_guest(serve: Serve, compositor: Compositor, tmp_path: Path) -> None:
    serve.guest("work")
    file = serve.files / "work.toml"
    file.write_text(file.read_text().replace(serve.policy, policy(tmp_path / "p.toml", SOON)))
    serve.start()
    assert until(lambda: serve.audit("mode", "work"), "the beginning")
    until(lambda: len(serve.audit("mode", "work")) == 2, "the end")


class Clocks:
    """Of a machine whose hands are moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.boot = 1_000_000.0, 500.0
        monkeypatch.setattr(time, "time", lambda: self.wall)
        monkeypatch.setattr(time, "clock_gettime", lambda which: self.boot)


@pytest.mark.parametrize(("wall", "boot", "over"), [(99, 99, False), (100, 1, True), (-5000, 100, True), (-5000, 99, False)])
def test_the_first_of_two_clocks_ends_it(monkeypatch: pytest.MonkeyPatch, wall: int, boot: int, over: bool) -> None:
    clocks = Clocks(monkeypatch)
    end = Deadline(1_000_100)
    assert end.ahead() and end.seconds() == 100
    clocks.wall += wall
    clocks.boot += boot
    assert end.ahead() != over
    clocks.wall, clocks.boot = 1_000_000.0, 500.0
    assert end.ahead() != over  # what is over stays over


def test_a_reload_after_the_clock_was_set_back_prolongs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(monkeypatch)
    deadline.cache_clear()
    assert deadline(1_000_100).seconds() == 100
    clocks.wall -= 5000
    clocks.boot += 99
    assert deadline(1_000_100).seconds() == 1
    deadline.cache_clear()
