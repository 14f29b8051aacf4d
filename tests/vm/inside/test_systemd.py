"""The shipped units under a systemd that is process 1: started by a guest's connection, watched, reloaded, restarted, given up, stopped.

The units are as they are shipped; a drop-in lets them see a wlproxy that is not in /usr, and, where the kernel has no Landlock
(user-mode Linux), run without it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.sidecar.conftest import Compositor, read

T = TypeVar("T")
PATIENCE = 60.0  # an emulated processor takes ten seconds to a service that is ready
ROOT = Path(__file__).resolve().parents[3]
UNITS = Path("/etc/systemd/system")
HOST = Path("/run/user/1000/wayland-0")
GUEST = Path("/run/wlproxy/work/guest.sock")
POLICY = Path("/etc/wlproxy/vm.toml")
COMPILED = Path("/var/lib/wlproxy/compiled/work.json")
ONE = "wlproxy@work.service"


def until(condition: Callable[[], T], what: str) -> T:
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {PATIENCE:g} s: {what}\n{journalctl('-n', '40')}"
        time.sleep(0.05)
    return found


def sync(number: int) -> bytes:
    """wl_display.sync with that id."""
    return b"".join(word.to_bytes(4, "little") for word in (1, 12 << 16, number))


def systemctl(*args: str, status: int | None = 0) -> str:
    done = subprocess.run(["systemctl", *args], capture_output=True, text=True, timeout=60, check=False)
    if status is not None and done.returncode != status:
        raise AssertionError(f"systemctl {' '.join(args)}: {done.returncode} {done.stdout}{done.stderr}\n{journalctl('-n', '40')}")
    return done.stdout.strip()


def journalctl(*args: str) -> str:
    return subprocess.run(["journalctl", "--no-pager", *args], capture_output=True, text=True, check=True).stdout


def shown(unit: str, name: str) -> str:
    return systemctl("show", "--value", "-p", name, unit)


def main_pid(unit: str) -> int:
    return int(shown(unit, "MainPID"))


def relays(unit: str) -> list[int]:
    pid = main_pid(unit)
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] if pid else []


def journal(unit: str, event: str) -> list[dict[str, Any]]:
    """The audit lines of one kind in the journal."""
    lines = [json.loads(line) for line in journalctl("-u", unit, "-o", "cat").splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def guest() -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(PATIENCE)
    sock.connect(str(GUEST))
    return sock


def served(compositor: Compositor) -> tuple[socket.socket, socket.socket]:
    """A guest whose request has reached the compositor, and the compositor's end."""
    conn = guest()
    conn.sendall(sync(2))
    try:
        host = compositor.accept()
    except TimeoutError:
        raise AssertionError(f"nobody has come to the compositor:\n{journalctl('-n', '40')}") from None
    assert read(host, 12)[0] == sync(2)
    return conn, host


def drop_in(unit: str, name: str, *lines: str) -> None:
    folder = UNITS / f"{unit}.d"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.conf").write_text("\n".join(["[Service]", *lines, ""]))


def exec_start(unit: str) -> str:
    """The command of a unit's file, on one line."""
    text = (UNITS / unit).read_text().replace("\\\n", " ")
    return next(line for line in text.splitlines() if line.startswith("ExecStart=")).removeprefix("ExecStart=")


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    """wlproxy, its units and what an admin makes beside them."""
    program = Path("/usr/bin/wlproxy")
    path = f"export PYTHONPATH={os.environ['PYTHONPATH']}\n" if os.environ.get("PYTHONPATH") else ""
    program.write_text(f'#!/bin/sh\n{path}exec {sys.executable} -P -m wlproxy "$@"\n')
    program.chmod(0o755)
    for unit in (ROOT / "packaging/systemd").iterdir():
        shutil.copy(unit, UNITS)
    seen = sorted({str(place) for place in (sys.base_prefix, sys.prefix, ROOT) if not str(place).startswith("/usr")})
    for unit in ("wlproxy@.service", "wlproxy.service"):
        lines = [f"BindReadOnlyPaths={' '.join(seen)}"]
        if not has_landlock():
            lines += ["ExecStart=", f"ExecStart={exec_start(unit)} --confine prefer"]
        drop_in(unit, "here", *lines)
    for group in ("wlproxy-work", "vmm-work"):
        subprocess.run(["groupadd", "--system", group], check=True)
    for folder in ("/etc/wlproxy/guests.d", "/var/lib/wlproxy/compiled", HOST.parent):
        os.makedirs(folder, exist_ok=True)
    Path("/etc/wlproxy/work.env").write_text(f"WLPROXY_UPSTREAM={HOST}\n")
    Path("/etc/wlproxy/serve.env").write_text(f"WLPROXY_UPSTREAM={HOST}\n")
    # without a security context, whose connection the stand-in for a compositor would have to tell from the guests'
    POLICY.write_text('format = 1\nname = "vm"\nextends = "strict"\n[upstream]\nsecurity-context = "off"\n')
    compile_for_work()
    systemctl("daemon-reload")


def has_landlock() -> bool:
    import ctypes

    return ctypes.CDLL(None).syscall(444, None, 0, 1) > 0  # landlock_create_ruleset: which version there is


def kept_from_confining(lines: list[dict[str, Any]]) -> list[str]:
    """What this kernel could have done and the unit stood in the way of."""
    assert lines
    unknown = ("no writable code",) if has_landlock() else ("no writable code", "Landlock")  # the first came with Linux 6.3
    return [missing for line in lines for missing in line.get("missing", []) if not missing.startswith(unknown)]


def compile_for_work() -> None:
    subprocess.run(["wlproxy", "compile", str(POLICY), "--guest", "work", "-o", str(COMPILED)], check=True)


@pytest.fixture
def compositor() -> Iterator[Compositor]:
    made = Compositor(HOST)
    made.sock.settimeout(PATIENCE)
    HOST.chmod(0o666)
    yield made
    made.close()


@pytest.fixture
def one() -> Iterator[None]:
    """The socket of guest work, and no service yet."""
    systemctl("start", "wlproxy@work.socket")
    yield
    systemctl("stop", "wlproxy@work.socket", ONE)
    systemctl("reset-failed", status=None)
    assert not GUEST.exists(), "RemoveOnStop"


def test_systemd_is_process_1() -> None:
    assert Path("/proc/1/comm").read_text() == "systemd\n"


def test_the_units_have_no_mistake() -> None:
    files = [str(UNITS / name) for name in ("wlproxy.service", "wlproxy@work.service", "wlproxy@work.socket")]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_life(one: None, compositor: Compositor) -> None:
    """A guest that comes first starts it; it says when it is ready, and reloads; it runs as nobody's user; then it ends."""
    assert shown(ONE, "ActiveState") == "inactive"
    conn, host = served(compositor)
    assert until(lambda: systemctl("is-active", ONE, status=None) == "active", "it is ready")
    assert until(lambda: "vm: serving guests" in shown(ONE, "StatusText"), "its status")
    uid = int(Path(f"/proc/{main_pid(ONE)}/status").read_text().split("Uid:")[1].split()[0])
    assert uid >= 61184, "DynamicUser"
    assert kept_from_confining(journal(ONE, "confined")) == []
    before = relays(ONE)
    compiled = COMPILED.read_text()
    first = journal(ONE, "policy-load")[0]["policy"]["sha256"]
    try:
        COMPILED.write_text("{")
        systemctl("reload", ONE, status=1)  # which says that what is on the disk now is not taken
        POLICY.write_text(POLICY.read_text() + "[global]\nwp_viewporter = \"hide\"\n")
        compile_for_work()
        systemctl("reload", ONE)
    finally:
        COMPILED.write_text(compiled)
    loads = until(lambda: journal(ONE, "policy-load")[1:], "the policy has been read again")
    assert loads[-1]["reason"] == "reload" and loads[-1]["policy"]["sha256"] != first
    conn.sendall(sync(3))
    assert read(host, 12)[0] == sync(3)  # connections that are there stay
    assert relays(ONE) == before
    conn.close()
    assert host.recv(1) == b""
    systemctl("stop", ONE)
    assert shown(ONE, "Result") == "success"


def test_killed_it_comes_back_and_guests_wait(one: None, compositor: Compositor) -> None:
    conn, host = served(compositor)
    old, (relay,) = main_pid(ONE), relays(ONE)
    os.kill(old, signal.SIGKILL)
    assert host.recv(1) == b""
    again, host = served(compositor)  # the socket is systemd's: this one waited in it
    assert main_pid(ONE) not in (0, old) and not Path(f"/proc/{relay}").exists()
    assert int(shown(ONE, "NRestarts")) >= 1
    again.close()


def test_a_relay_that_hangs_is_noticed(one: None, compositor: Compositor) -> None:
    drop_in("wlproxy@.service", "soon", "WatchdogSec=4")
    systemctl("daemon-reload")
    try:
        conn, _ = served(compositor)
        old, (relay,) = main_pid(ONE), relays(ONE)
        os.kill(relay, signal.SIGSTOP)
        until(lambda: main_pid(ONE) not in (0, old), "systemd has replaced it")
        assert "Watchdog timeout" in journalctl("-u", ONE)
        assert not Path(f"/proc/{relay}").exists()
        again, _ = served(compositor)
        again.close()
        conn.close()
    finally:
        (UNITS / "wlproxy@.service.d/soon.conf").unlink()
        systemctl("daemon-reload")


def test_a_policy_that_is_wrong_is_no_reason_to_try_again(one: None, compositor: Compositor) -> None:
    COMPILED.write_text("{")
    try:
        systemctl("start", ONE, status=1)
        assert shown(ONE, "ActiveState") == "failed" and shown(ONE, "ExecMainStatus") == "6" and shown(ONE, "NRestarts") == "0"
    finally:
        compile_for_work()
    systemctl("reset-failed", ONE)
    conn, _ = served(compositor)
    conn.close()


@pytest.mark.parametrize(("cid", "verdict"), [(1, "allow"), (3, "deny")])
def test_a_guest_by_vsock(compositor: Compositor, cid: int, verdict: str) -> None:
    """The drop-ins that wlproxy@.socket speaks of; this machine is CID 1 to itself."""
    sockets = UNITS / "wlproxy@.socket.d"
    sockets.mkdir(exist_ok=True)
    (sockets / "vsock.conf").write_text("[Socket]\nListenStream=\nListenStream=vsock::1024\n")
    command = exec_start("wlproxy@.service").replace("systemd:guest", f"'systemd:guest?framing=waypipe&cid={cid}'")
    drop_in("wlproxy@.service", "vsock", "ExecStart=", f"ExecStart={command}{'' if has_landlock() else ' --confine prefer'}")
    systemctl("daemon-reload")
    before = len(journal(ONE, "connect"))
    systemctl("start", "wlproxy@work.socket")
    try:
        with socket.socket(socket.AF_VSOCK) as guest:
            guest.settimeout(PATIENCE)
            guest.connect((1, 1024))
            lines = until(lambda: journal(ONE, "connect")[before:], "the guest has come")
        assert lines[0]["peer"]["cid"] == 1 and lines[0].get("verdict", "allow") == verdict
    finally:
        systemctl("stop", "wlproxy@work.socket", ONE)
        shutil.rmtree(sockets)
        (UNITS / "wlproxy@.service.d/vsock.conf").unlink()
        systemctl("daemon-reload")


def test_many_guests(compositor: Compositor) -> None:
    folder = Path("/etc/wlproxy/guests.d")
    for name in ("one", "two"):
        (folder / f"{name}.toml").write_text(f'format = 1\npolicy = "{POLICY}"\nlisten = ["unix:/run/wlproxy/{name}.sock"]\n')
    unit = "wlproxy.service"
    systemctl("start", unit)
    assert shown(unit, "StatusText") == "serving 2 of 2 guests"
    uids = {Path(f"/proc/{pid}/status").read_text().split("Uid:")[1].split()[0] for pid in relays(unit)}
    assert len(uids) == 2 and "0" not in uids, "each has a user id of its own"
    (folder / "two.toml").unlink()
    (folder / "three.toml").write_text(f'format = 1\npolicy = "{POLICY}"\nlisten = ["unix:/run/wlproxy/three.sock"]\n')
    systemctl("reload", unit)
    until(lambda: not Path("/run/wlproxy/two.sock").exists() and Path("/run/wlproxy/three.sock").exists(), "one comes, one goes")
    until(lambda: shown(unit, "StatusText") == "serving 2 of 2 guests", "the status")
    with socket.socket(socket.AF_UNIX) as conn:
        conn.connect("/run/wlproxy/three.sock")
        conn.sendall(sync(2))
        with compositor.accept() as host:
            assert read(host, 12)[0] == sync(2)
    old = main_pid(unit)
    os.kill(old, signal.SIGKILL)
    until(lambda: main_pid(unit) not in (0, old) and shown(unit, "ActiveState") == "active", "it is there again")
    with socket.socket(socket.AF_UNIX) as conn:
        conn.connect("/run/wlproxy/one.sock")
        conn.sendall(sync(2))
        with compositor.accept() as host:
            assert read(host, 12)[0] == sync(2)
    systemctl("stop", unit)
    assert shown(unit, "Result") == "success"
    lines = [json.loads(line) for line in Path("/var/log/wlproxy/audit.jsonl").read_text().splitlines()]
    assert kept_from_confining([line for line in lines if line["event"] == "confined"]) == []
    assert {line["guest"] for line in lines if line["event"] == "connect"} == {"one", "three"}
