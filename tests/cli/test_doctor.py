"""What `wlproxy doctor` says of confinement and of the compositor, on this machine and on poorer ones."""

from __future__ import annotations

import errno
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sidecar.test_security_context import Host
from wlproxy.cli import doctor, main
from wlproxy.sidecar import confine, probe, seccomp
from wlproxy.sidecar.security_context import MANAGER

confined = pytest.mark.skipif(platform.machine() not in seccomp.ARCHITECTURES, reason=f"no filter for {platform.machine()}")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Callable[..., Host]]:
    made: list[Host] = []

    def start(*offers: str) -> Host:
        made.append(Host(tmp_path / "host.sock", offers))
        return made[-1]

    yield start
    for each in made:
        each.end()


def asked(capsys: pytest.CaptureFixture[str], *args: str) -> Any:
    main.main(["doctor", "--json", *args])
    return json.loads(capsys.readouterr().out)


def failing(number: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def lines_of(found: probe.Found) -> dict[str, str]:
    return {finding.text: finding.state for finding in doctor.confinement_findings(found)}


@confined
def test_every_step_and_every_attempt_is_shown(capsys):
    said = asked(capsys)["confinement"]
    assert [step["name"] for step in said["steps"]][-2:] == ["Landlock", "seccomp"]
    assert {step["state"] for step in said["steps"]} <= {"applied", "not available"}
    assert said["attempts"] == dict.fromkeys(probe.PROBES, "EPERM")
    assert said["error"] == ""


@confined
def test_a_step_that_the_kernel_does_not_know_and_one_that_fails(monkeypatch):
    monkeypatch.setattr(confine, "landlock", failing(errno.ENOSYS))
    monkeypatch.setattr(confine, "no_core", failing(errno.EPERM))
    lines = lines_of(probe.probe("guest"))
    assert lines["Landlock: not available (Function not implemented)"] == doctor.WARN
    assert lines["no core dumps: failed (Operation not permitted)"] == doctor.WARN
    assert lines["seccomp: applied"] == doctor.OK


@confined
def test_without_a_filter_the_attempts_work_and_are_said_to(monkeypatch):
    monkeypatch.setattr(confine, "filter_calls", failing(errno.EINVAL))
    monkeypatch.setattr(confine, "landlock", failing(errno.ENOSYS))
    found = probe.probe("guest")
    assert found.probes == dict.fromkeys(probe.PROBES, probe.WORKED)
    assert lines_of(found)["is not refused: " + ", ".join(f"{name} (worked)" for name in probe.PROBES)] == doctor.WARN


@confined
def test_a_filter_that_claims_to_be_there_and_is_not_is_a_failure(monkeypatch):
    monkeypatch.setattr(confine, "filter_calls", lambda machine: None)
    monkeypatch.setattr(confine, "landlock", lambda: None)
    assert doctor.FAIL in lines_of(probe.probe("guest")).values()


def test_a_child_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(confine, "confine", lambda mode, uid: time.sleep(60))
    began = time.monotonic()
    found = probe.probe("guest", seconds=0.2)
    assert time.monotonic() - began < 10
    assert found.why == "the child said no more for 0.2 s" and not found.steps
    assert lines_of(found)[found.why] == doctor.FAIL


def test_a_child_that_dies_is_said_to(monkeypatch):
    monkeypatch.setattr(confine, "confine", lambda mode, uid: os._exit(3))
    assert probe.probe("guest").why == f"the child could not confine itself (status {3 << 8})"


def test_no_child_is_left(monkeypatch):
    probe.probe("guest")
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_compositor_with_security_contexts_and_one_global_that_nobody_knows(host, capsys):
    path = str(host("wl_compositor", MANAGER, "evil_\x1b[31m_manager").path)
    said = asked(capsys, "--upstream", path)["upstream"]
    assert said["security_context"] is True and said["unknown"] == ["evil_\x1b[31m_manager"]
    assert said["globals"] == sorted(["wl_compositor", MANAGER, "evil_\x1b[31m_manager"])


def test_a_compositor_without_them(host, capsys):
    main.main(["doctor", "--upstream", str(host("wl_compositor", "evil_\x1b[31m_" + "x" * 200).path)])
    said = capsys.readouterr().out
    assert "not offered; security-context = prefer: guests connect to the compositor's own socket; require: no guest is served" in said
    assert "\x1b" not in said and "evil_\\x1b[31m_xxx" in said and "x" * 129 not in said


def test_no_compositor(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert asked(capsys)["upstream"]["globals"] is None
    said = asked(capsys, "--upstream", str(tmp_path / "none"))
    assert said["upstream"]["why"] == "No such file or directory"
    (finding,) = [f for f in said["findings"] if f["topic"] == "compositor"]
    assert finding["state"] == doctor.WARN


def test_a_socket_that_never_answers_does_not_hang(tmp_path, capsys):
    import socket

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "silent"))
        listener.listen(1)
        assert asked(capsys, "--upstream", str(tmp_path / "silent"))["upstream"]["why"] == "timed out"
