"""The control socket of sidecars that run: who is heard, what garbage costs, what each order does, and what a tap has."""

from __future__ import annotations

import array
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sidecar.conftest import PATIENCE, ROOT, Compositor, Serve, Sidecar, compiled_policy, read, read_all, until
from tests.sidecar.test_cli import wlproxy
from tests.sidecar.test_supervisor import connected
from tests.sidecar.test_watching import step
from wlproxy.cli.ctl import HEAD, details, outcome, row, table
from wlproxy.cli.joining import until_over
from wlproxy.cli.top import screen
from wlproxy.policy.compile import digest
from wlproxy.sidecar.control import client as control_client
from wlproxy.sidecar.control import path as control_path
from wlproxy.sidecar.control import server as control
from wlproxy.sidecar.control import state
from wlproxy.sidecar.control.client import Conversation, Refused, ask
from wlproxy.sidecar.control.path import default_path, open_control, quoted
from wlproxy.sidecar.control.tally import Tally
from wlproxy.sidecar.watch.recording import OPEN, READ, Reader
from wlproxy.sidecar.watch.watching import TracePipe
from wlproxy.tools.metrics import exposition

Start = Callable[..., Sidecar]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "c"


def raw(path: Path, data: bytes) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(PATIENCE)
    sock.connect(str(path))
    sock.sendall(data)
    return sock


def status(path: Path, guest: str = "guest") -> dict[str, Any]:
    (found,) = ask(str(path), {"do": "status", "guest": guest})["guests"]
    assert isinstance(found, dict)
    return found


# -- the socket


def test_the_file_is_ours_alone_replaced_where_stale_and_gone_at_the_end(path: Path, compositor: Compositor, start: Start) -> None:
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    sidecar = start(control=str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert status(path)["state"] == "running"
    assert str(path) not in [os.readlink(f"/proc/{sidecar.relay}/fd/{n}") for n in os.listdir(f"/proc/{sidecar.relay}/fd")]
    assert sidecar.stop() == 0 and not path.exists()


def test_the_relay_has_no_control_socket(path: Path, compositor: Compositor, start: Start) -> None:
    sidecar = start(control=str(path))
    inodes = [line.split()[6] for line in Path("/proc/net/unix").read_text().splitlines() if line.endswith(f" {path}")]
    assert len(inodes) == 1
    held = {os.readlink(f"/proc/{sidecar.relay}/fd/{n}") for n in os.listdir(f"/proc/{sidecar.relay}/fd")}
    assert f"socket:[{inodes[0]}]" not in held


def test_without_it_nothing_of_it_is_imported_by_the_relay(compositor: Compositor, tmp_path: Path) -> None:
    script = "import sys, wlproxy.sidecar.start; print('wlproxy.sidecar.watch.watching' in sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("data", [b"\n", b"\xff\xfe\n", b"[]\n", b"[" * 5000, b'{"do": 7}\n', b'{"do": "format-disk"}\n', b"x" * 9000])
def test_garbage_is_answered_and_costs_nothing(path: Path, compositor: Compositor, start: Start, data: bytes) -> None:
    sidecar = start(control=str(path))
    with raw(path, data) as sock, contextlib.suppress(ConnectionResetError):
        told = json.loads(read_all(sock))
        assert told["ok"] is False and told["exit"] == 2
    assert status(path)["state"] == "running"
    assert "Traceback" not in sidecar.errors.read_text()


def test_half_a_line_and_silence_ends_and_serves_others_meanwhile(
    path: Path, compositor: Compositor, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    sidecar = start(control=str(path))
    with raw(path, b'{"do": "sta') as half:
        assert status(path)["state"] == "running"
        guest, host = sidecar.pair(compositor)
        guest.sendall(b"hello")
        assert read(host, 5)[0] == b"hello"
        assert read_all(half) == b""  # after REQUEST_SECONDS
    assert control.REQUEST_SECONDS < PATIENCE


def test_a_thousand_silent_ones_keep_nobody_out(path: Path, compositor: Compositor, start: Start) -> None:
    sidecar = start(control=str(path))
    broker = Path(f"/proc/{sidecar.process.pid}/fd")
    silent = []
    try:
        for _ in range(1000):
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(PATIENCE)
            sock.connect(str(path))
            silent.append(sock)
        assert status(path)["state"] == "running"
        assert len(list(broker.iterdir())) < control.MOST_CALLS + 30
    finally:
        for sock in silent:
            sock.close()
    assert status(path)["state"] == "running"


def test_another_user_is_not_heard(path: Path, compositor: Compositor, start: Start) -> None:
    if os.geteuid():
        pytest.skip("takes root, to be somebody else")
    start(control=str(path))
    path.chmod(0o666)  # as if the mode were no protection
    for folder in (path.parent, *path.parent.parents):
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 1:
            folder.chmod(folder.stat().st_mode | 0o11)
    pid = os.fork()
    if pid == 0:
        heard = 1
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(PATIENCE)
                sock.connect(str(path))
                heard = 2
                with contextlib.suppress(OSError):
                    sock.sendall(b'{"do": "status"}\n')
                    heard = 3 if sock.recv(9) else 0
                heard = 0 if heard == 2 else heard
        finally:
            os._exit(heard)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0  # it came as far as the socket, and was not answered
    assert status(path)["state"] == "running"


def test_descriptors_that_nobody_asked_for_are_closed(path: Path, compositor: Compositor, start: Start) -> None:
    sidecar = start(control=str(path))
    folder = f"/proc/{sidecar.process.pid}/fd"
    status(path)
    before = len(os.listdir(folder))  # perhaps with that call's
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(PATIENCE)
        sock.connect(str(path))
        sock.sendmsg([b'{"do": "status"}\n'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 0, 0, 0, 0, 0]))])
        assert b'"ok": true' in read_all(sock)
    until(lambda: len(os.listdir(folder)) <= before, "as many descriptors as before")


def test_a_path_that_is_taken(path: Path, compositor: Compositor, start: Start, tmp_path: Path) -> None:
    start(control=str(path))
    policy = compiled_policy(tmp_path / "p.json")
    other = ["run", "--listen", f"unix:{tmp_path}/other", "--policy", policy, "--upstream", str(compositor.path)]
    done = wlproxy(*other, "--control", str(path))
    assert done.returncode == 2 and f"--control {path}: is in use" in done.stderr and not (tmp_path / "other").exists()
    assert status(path)["state"] == "running"


# -- names


@pytest.mark.parametrize("name", ["work", "..", ".", "a/b", "a b", "%2F", "\x1b[31m", "ü", "\udcff"])
def test_any_name_is_one_part_of_a_path(name: str) -> None:
    made = default_path(name, {"XDG_RUNTIME_DIR": "/run/user/7"})
    assert os.path.dirname(made) == "/run/user/7/wlproxy" and made.isascii() and os.path.normpath(made) == made
    assert default_path(name, {}).startswith("/run/wlproxy-ctl/") and default_path(name, {}).count("/") == 4


@pytest.mark.parametrize("guest", ["work", ""])
def test_a_folder_of_the_system_s_goes_with_its_socket(guest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_path, "SYSTEM", str(tmp_path / "ctl"))
    monkeypatch.setattr(control_path, "SYSTEM_OF_MANY", str(tmp_path / "ctl/.serve/guests"))
    for kept in (False, True):
        listener = open_control("", guest, {})
        assert listener is not None and Path(listener.path).is_socket()
        folder = Path(listener.path).parent
        if kept:
            (folder / "another's").touch()
        listener.remove()
        listener.sock.close()
        assert not Path(listener.path).exists() and folder.exists() == kept


def test_a_session_s_folder_is_for_all_its_guests(tmp_path: Path) -> None:
    listener = open_control("", "work", {"XDG_RUNTIME_DIR": str(tmp_path)})
    assert listener is not None
    listener.remove()
    listener.sock.close()
    assert list((tmp_path / "wlproxy").iterdir()) == []


@given(st.text(min_size=1), st.text(min_size=1))
def test_two_names_have_two_paths(one: str, other: str) -> None:
    assert (quoted(one) == quoted(other)) == (one == other) and quoted(one) not in ("", ".", "..") and "/" not in quoted(one)


def test_a_guest_of_any_name_is_found_by_it(tmp_path: Path, compositor: Compositor) -> None:
    name = "a/b \x1b[31m"
    policy = compiled_policy(tmp_path / "p.json")
    command = [sys.executable, "-m", "wlproxy", "run", "--guest", name, "--listen", f"unix:{tmp_path}/s", "--policy", policy]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(tmp_path)}
    process = subprocess.Popen([*command, "--upstream", str(compositor.path)], env=environment)
    try:
        until(lambda: list((tmp_path / "wlproxy").glob("*.control")), "the control socket")
        done = wlproxy("ctl", "status", name, "--json", XDG_RUNTIME_DIR=str(tmp_path))
        assert done.returncode == 0 and json.loads(done.stdout)[0]["guest"] == name
        table = wlproxy("ctl", "status", XDG_RUNTIME_DIR=str(tmp_path)).stdout
        assert "\x1b" not in table and "a/b" in table
        prometheus = wlproxy("metrics", XDG_RUNTIME_DIR=str(tmp_path)).stdout
        assert 'wlproxy_up{guest="a/b ?[31m"} 1' in prometheus
        assert "a/b" not in wlproxy("completion", "--words", "guests", XDG_RUNTIME_DIR=str(tmp_path)).stdout  # no word for a shell
        assert wlproxy("ctl", "status", "other", XDG_RUNTIME_DIR=str(tmp_path)).returncode == 4
        assert wlproxy("ctl", "kill", name, XDG_RUNTIME_DIR=str(tmp_path)).returncode == 0
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()


# -- orders


def test_status_counts(path: Path, compositor: Compositor, start: Start) -> None:
    sidecar = start(control=str(path))
    guest, host = sidecar.pair(compositor)
    guest.sendall(b"hello")
    assert read(host, 5)[0] == b"hello"
    other, other_host = sidecar.pair(compositor)
    other.close()
    other_host.close()
    found = until(lambda: (now := status(path))["relay"]["clients"] == 1 and now, "one client")
    assert found["policy"]["name"] == "test" and found["policy"]["generation"] == 1 and "Landlock" in found["confined"]
    relay = found["relay"]
    assert (relay["accepted"], relay["requests"]["bytes"], relay["client_list"][0]["client"]) == (2, 5, 1)
    assert found["disconnects"] == {"guest": 1}
    guest.close()
    host.close()
    again = until(lambda: (now := status(path))["relay"]["clients"] == 0 and now, "no client")
    assert again["relay"]["requests"]["bytes"] == 5  # what a connection carried stays counted when it is over


def test_one_client_or_the_guest_is_ended(path: Path, compositor: Compositor, start: Start) -> None:
    sidecar = start(control=str(path))
    first, host = sidecar.pair(compositor)
    second, other = sidecar.pair(compositor)
    assert ask(str(path), {"do": "kill", "guest": "guest", "client": 1})["client"] == 1
    assert read_all(first) == b""
    second.sendall(b"here")
    assert read(other, 4)[0] == b"here"
    host.close()
    assert until(lambda: sidecar.audit("disconnect"), "its end")[0]["ended_by"] == "admin"
    assert sidecar.audit("kill")[0]["uid"] == os.geteuid()
    for client, code in ((99, 4), (-1, 2), ("1", 2), (True, 2)):
        with pytest.raises(Refused) as refused:
            ask(str(path), {"do": "kill", "guest": "guest", "client": client})
        assert refused.value.exit_code == code
    with pytest.raises(Refused) as refused:
        ask(str(path), {"do": "kill", "guest": "nobody"})
    assert refused.value.exit_code == 4
    assert ask(str(path), {"do": "kill", "guest": "guest"})["killed"] == "guest"
    assert sidecar.process.wait(PATIENCE) == 0


def tighter(policy: Path) -> None:
    """Rewrites a compiled policy so that it offers one global less."""
    compiled = json.loads(policy.read_text())
    del compiled["sha256"]
    del compiled["globals"]["wl_output"]
    compiled["sha256"] = digest(compiled)
    policy.write_text(json.dumps(compiled))


def test_a_reload_says_what_has_come_of_it(path: Path, compositor: Compositor, start: Start, tmp_path: Path) -> None:
    policy = tmp_path / "strict.json"
    assert wlproxy("compile", "strict", "-o", str(policy)).returncode == 0
    sidecar = start(control=str(path), policy=str(policy))
    request = {"do": "reload", "guest": "guest", "wait": True}
    assert ask(str(path), request)["guests"][0]["result"] == "unchanged"
    tighter(policy)
    (told,) = ask(str(path), request)["guests"]
    assert (told["result"], told["policy"]["generation"], told["wider"], told["tighter"]) == ("applied", 2, 0, 1)
    policy.write_text("{}")
    (told,) = ask(str(path), request)["guests"]
    assert (told["result"], told["policy"]["generation"]) == ("kept", 2) and str(policy) in told["findings"][0]
    done = wlproxy("ctl", "reload", "guest", "--wait", "--control", str(path))
    assert done.returncode == 1 and done.stdout.startswith("guest: KEPT") and str(policy) in done.stdout
    assert wlproxy("ctl", "reload", "nobody", "--control", str(path)).returncode == 4
    assert status(path)["reloads"]["kept"] == 2
    assert "Traceback" not in sidecar.errors.read_text()


def test_a_name_picks_its_guest_of_many(path: Path, serve: Serve, compositor: Compositor) -> None:
    sockets = {name: serve.guest(name) for name in ("work", "bank")}
    serve.start(control=str(path))
    with connected(sockets["bank"]) as guest, compositor.accept() as host:
        assert {one["guest"] for one in ask(str(path), {"do": "status"})["guests"]} == {"work", "bank"}
        (serve.files / "bank.toml").write_text("broken")
        (told,) = ask(str(path), {"do": "reload", "guest": "work", "wait": True})["guests"]
        assert (told["guest"], told["result"]) == ("work", "unchanged")
        assert "bank" not in serve.errors.read_text()  # its file was not looked at
        (told,) = ask(str(path), {"do": "reload", "guest": "bank", "wait": True})["guests"]
        assert told["result"] == "kept" and "bank.toml" in told["findings"][0]
        (told,) = ask(str(path), {"do": "reload", "guest": "new", "wait": True})["guests"]
        assert told["result"] == "not served" and "new.toml" in told["findings"][0]
        late = serve.guest("new")
        (told,) = ask(str(path), {"do": "reload", "guest": "new", "wait": True})["guests"]
        assert told["result"] == "starts" and late.exists()
        assert ask(str(path), {"do": "kill", "guest": "work"})["killed"] == "work"
        until(lambda: not sockets["work"].exists(), "the end of that guest")
        guest.sendall(b"still")
        assert read(host, 5)[0] == b"still"
    until(lambda: [one["state"] for one in ask(str(path), {"do": "status", "guest": "work"})["guests"]] == ["not served"], "its state")
    (told,) = ask(str(path), {"do": "reload", "guest": "work", "wait": True})["guests"]
    assert told["result"] == "starts"
    until(lambda: status(path, "work")["state"] == "running", "the guest is there again")


def test_a_relay_that_is_stopped_costs_the_caller_some_time_only(path: Path, compositor: Compositor, start: Start) -> None:
    sidecar = start(control=str(path))
    os.kill(sidecar.relay, signal.SIGSTOP)
    try:
        assert status(path)["relay"] is None
        with pytest.raises(Refused, match="did not answer"):
            ask(str(path), {"do": "kill", "guest": "guest", "client": 1})
    finally:
        os.kill(sidecar.relay, signal.SIGCONT)
    assert status(path)["relay"] is not None


# -- taps


def joined(path: Path, request: dict[str, Any], fd: int) -> Conversation:
    conversation = Conversation(str(path), {"guest": "guest"} | request, fd, PATIENCE)
    assert conversation.line()["joined"] == "guest"
    return conversation


def test_a_recording_has_the_connections_that_come_after_it(path: Path, compositor: Compositor, start: Start, tmp_path: Path) -> None:
    sidecar = start(control=str(path))
    before, before_host = sidecar.pair(compositor)
    file = tmp_path / "r"
    fd = os.open(file, os.O_WRONLY | os.O_CREAT)
    conversation = joined(path, {"do": "record"}, fd)
    guest, host = sidecar.pair(compositor)
    for sock, peer, text in ((before, before_host, b"old"), (guest, host, b"new")):
        sock.sendall(text)
        assert read(peer, 3)[0] == text
    conversation.sock.shutdown(socket.SHUT_WR)
    assert conversation.line()["over"] == ""
    guest.sendall(b"after")
    assert read(host, 5)[0] == b"after"
    with file.open("rb") as raw_file:
        reader = Reader(raw_file.read)
        entries = list(reader.entries())
    assert reader.header.guest == "guest" and not reader.damage
    assert [(e.kind, e.connection) for e in entries if e.kind in (OPEN, READ)] == [(OPEN, 2), (READ, 2)]
    assert [line["state"] for line in sidecar.audit("recording")] == ["started", "ended"]
    assert sidecar.audit("recording")[0]["redacted"] is False
    assert status(path)["watched_by"] == 0
    os.close(fd)


def test_a_recording_that_is_full_ends_and_the_guest_goes_on(path: Path, compositor: Compositor, start: Start, tmp_path: Path) -> None:
    sidecar = start(control=str(path))
    fd = os.open(tmp_path / "r", os.O_WRONLY | os.O_CREAT)
    conversation = joined(path, {"do": "record", "most": 2000}, fd)
    guest, host = sidecar.pair(compositor)
    for _ in range(5):
        guest.sendall(b"x" * 1000)
        assert read(host, 1000)[0] == b"x" * 1000
    assert "--record-max" in conversation.line()["over"] and (tmp_path / "r").stat().st_size <= 2000
    os.close(fd)


@pytest.mark.parametrize("leave", ["close", "relay", "reader"])
def test_a_tap_ends_with_whoever_reads_and_with_the_relay(path: Path, compositor: Compositor, start: Start, leave: str) -> None:
    sidecar = start(control=str(path))
    reader, writer = os.pipe()
    conversation = joined(path, {"do": "trace"}, writer)
    os.close(writer)
    assert status(path)["watched_by"] == 1 and status(path)["relay"] is not None
    fds = sidecar.fds()
    if leave == "close":
        conversation.close()
        until(lambda: status(path)["watched_by"] == 0, "the end of the tap")
        assert sidecar.fds() < fds and os.read(reader, 1) == b""
    elif leave == "relay":
        sidecar.stop()
        assert conversation.line()["over"] == "the relay has ended"
    else:
        conversation.sock.shutdown(socket.SHUT_WR)
        assert conversation.line()["over"] == ""
    assert sidecar.audit("trace")[-1]["state"] == "ended"
    os.close(reader)


def test_what_cannot_be_written_to_is_refused(path: Path, compositor: Compositor, start: Start, tmp_path: Path) -> None:
    sidecar = start(control=str(path))
    full = tmp_path / "full"
    full.write_text("mine")
    reader, writer = os.pipe()
    opened = [os.open(name, os.O_WRONLY) for name in ("/dev/null", "/dev/full", str(full))]
    try:
        for word, fd in (
            *(("trace", fd) for fd in (opened[0], opened[2])),
            *(("record", fd) for fd in opened),
            *((word, -1) for word in ("trace", "record")),
            ("record", writer),
        ):
            with pytest.raises(Refused) as refused:
                Conversation(str(path), {"do": word, "guest": "guest"}, fd, PATIENCE).line()
            assert refused.value.exit_code == 2
        taps = [joined(path, {"do": "trace"}, writer) for _ in range(8)]
        with pytest.raises(Refused, match="joined already"):
            joined(path, {"do": "trace"}, writer)
        for tap in taps:
            tap.close()
    finally:
        for fd in (reader, writer, *opened):
            os.close(fd)
    guest, host = sidecar.pair(compositor)
    guest.sendall(b"hello")
    assert read(host, 5)[0] == b"hello" and full.read_text() == "mine"


@pytest.mark.parametrize("payload", [False, True])
def test_a_trace_without_payload_leaves_the_relay_without_it(payload: bool) -> None:
    """The process at the other end of the pipe may be anybody's of our user, and only a trace with payload is written down as one."""
    reader, writer = os.pipe()
    pipe = TracePipe(writer, payload)
    pipe.add(1, step(b"a title"))
    data = os.read(reader, 1 << 16)
    assert (b"a title" in data) == payload and b"xdg_toplevel" in data
    pipe.close()
    os.close(reader)


@pytest.mark.parametrize(("over", "told"), [("the relay has ended", "the relay has ended"), ("nobody reads it any more", ""), ("", "")])
def test_whoever_prints_may_end_before_the_sidecar_says_why(tmp_path: Path, over: str, told: str) -> None:
    """Both ends of a trace go with the relay, in any order."""
    printed, ended = os.pipe()
    os.close(ended)
    before = signal.getsignal(signal.SIGTERM)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(tmp_path / "c"))
        listening.listen()

        def answer() -> None:
            call, _ = listening.accept()
            with call:
                while call.recv(4096):
                    pass
                call.sendall(json.dumps({"ok": True, "over": over}).encode() + b"\n")

        sidecar = threading.Thread(target=answer)
        sidecar.start()
        conversation = Conversation(str(tmp_path / "c"), {"do": "trace", "guest": "guest"})
        try:
            assert until_over(conversation, printed) == told
        finally:
            conversation.close()
            sidecar.join()
            os.close(printed)
            signal.signal(signal.SIGTERM, before)


def test_joining_by_the_verbs(compositor: Compositor, start: Start, tmp_path: Path) -> None:
    """The guest speaks no Wayland here, so nothing is traced: this is how they begin and end. e2e/test_recording.py has the rest."""
    sidecar = start(control=str(tmp_path / "c"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    base = [sys.executable, "-m", "wlproxy"]
    out = tmp_path / "r.wltrace"
    verbs = (["record", "guest", "-o", str(out), "--redact"], ["trace", "guest", "--only", "denied", "--iface", "xdg_*", "--json"])
    asked = ["--control", str(tmp_path / "c")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started = [subprocess.Popen([*base, *verb, *asked], env=environment, text=True, **pipes) for verb in verbs]
    until(lambda: status(tmp_path / "c")["watched_by"] == 2, "both have joined")
    guest, host = sidecar.pair(compositor)
    guest.sendall(b"hello")
    assert read(host, 5)[0] == b"hello"
    for process in started:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0 and "connections from now on" in errors and "Traceback" not in errors, errors
    assert Reader(out.open("rb").read).header.redacted
    until(lambda: status(tmp_path / "c")["watched_by"] == 0, "both have left")
    guest.sendall(b"again")
    assert read(host, 5)[0] == b"again"
    done = wlproxy("record", "guest", "-o", str(out), "--control", str(tmp_path / "c"))
    assert done.returncode == 2 and "not overwritten" in done.stderr
    for verb in (["record", "-o", str(tmp_path / "new"), "nobody"], ["trace", "nobody"]):
        done = wlproxy(*verb, "--control", str(tmp_path / "c"))
        assert done.returncode == 4 and "nobody" in done.stderr and not (tmp_path / "new").exists()
    for verb in (["trace", "guest", "more"], ["trace", "guest", "--no-such"], ["ctl", "kill"], ["ctl", "status", "--client", "1"]):
        assert wlproxy(*verb, "--control", str(tmp_path / "c")).returncode == 2
    last = subprocess.Popen([*base, *verbs[1], *asked], env=environment, text=True, **pipes)
    until(lambda: status(tmp_path / "c")["watched_by"] == 1, "it has joined")
    sidecar.stop()
    _, errors = last.communicate(timeout=PATIENCE)
    assert last.returncode == 0 and "the relay has ended" in errors


def test_top_shows_rates(compositor: Compositor, start: Start, tmp_path: Path) -> None:
    start(control=str(tmp_path / "c"))
    done = wlproxy("top", "--once", "--interval", "0", "--control", str(tmp_path / "c"))
    head, line = done.stdout.splitlines()
    assert done.returncode == 0 and head.split()[-2:] == ["REQUESTS/S", "EVENTS/S"] and line.split()[:2] == ["guest", "running"]
    assert line.split()[-2:] == ["0.0", "0.0"] and "\x1b" not in done.stdout
    assert wlproxy("top", "--once", "nobody", "--control", str(tmp_path / "c")).returncode == 4
    before = [{"guest": "a", "policy": {}, "relay": {"requests": {"messages": 5}}}, {"guest": "b", "reason": "no", "state": "not served"}]
    after = [*before[1:], {"guest": "a", "policy": {}, "relay": {"requests": {"messages": 25}, "used": {}, "limits": {}}}]
    lines = screen(before, after, 2.0)
    assert lines[1].split()[0] == "a" and lines[1].split()[-2:] == ["10.0", "0.0"] and "not served: no" in lines[2]


PLAIN = st.none() | st.integers() | st.booleans() | st.text()
KEYS = ["guest", "state", "policy", "listen", "confined", "unconfined", "relay", "upstream", "seconds", "findings", "wider", "result"]
RELAY = ["used", "limits", "queue_bytes", "client_list", "clients", "unnamed", "requests", "objects", "messages", "sha256"]
JSON = PLAIN | st.lists(PLAIN | st.dictionaries(st.sampled_from(RELAY), PLAIN, max_size=2), max_size=2)

NESTED = st.dictionaries(st.sampled_from(["objects", "fds", "guest", "host", "messages"]), PLAIN, max_size=2)


@given(st.dictionaries(st.sampled_from(KEYS), JSON | st.dictionaries(st.sampled_from(RELAY), JSON | NESTED, max_size=3), max_size=5))
def test_an_answer_is_printed_whatever_it_says(one: dict[str, Any]) -> None:
    """Root asks the sockets of all users."""
    lines = [*table([row(one)], HEAD), *details(one), *outcome(one), *screen([one], [one], 1.0)]
    assert all(line.isprintable() for line in lines)


METRIC = re.compile(r'wlproxy_[a-z_]+(\{[a-z0-9_]+="(?:[^"\\\n]|\\\\|\\")*"(,[a-z0-9_]+="(?:[^"\\\n]|\\\\|\\")*")*\})? [0-9.e+-]+')


@given(st.text(), st.text(), st.integers() | st.text() | st.none())
def test_metrics_are_lines_of_closed_words_whatever_a_sidecar_says(guest: str, word: str, count: Any) -> None:
    one: dict[str, Any] = {"guest": guest, "state": word, "policy": {"name": word}, "mode": word, "disconnects": {word: count}}
    decisions = [[word, word, word, count], ["deny", "refused", "wl_seat", 3], ["deny", "refused", "wl_made_up", 4]]
    one |= {"decisions": decisions, "relay": count}
    text = exposition([one], frozenset(("wl_seat",)))
    for line in text.split("\n")[:-1]:
        assert line.startswith("# ") or METRIC.fullmatch(line), line
    assert 'interface="wl_seat"} 3' in text and "wl_made_up" not in text


# -- what is said


@given(JSON | st.dictionaries(st.text(), PLAIN, max_size=3))
def test_a_state_that_is_none_is_none(value: Any) -> None:
    assert state.checked(json.dumps(value).encode()) is None


@pytest.mark.parametrize("value", [-1, True, 1.5, "1", None, 1 << 63])
def test_numbers_of_a_state_are_numbers(value: Any) -> None:
    told: dict[str, Any] = {"counts": [1, 0, 1, 0], "used": [0] * len(state.USED), "most": [9] * len(state.USED), "queue": [0, 0]}
    told |= {"carried": [[0, 0, 0], [0, 0, 0]], "differs": [3, 0], "rows": [[1, 2, 3, 4, 5, 6, 7, 8]]}
    assert state.checked(json.dumps(told).encode()) is not None
    told["queue"] = [0, value]
    assert state.checked(json.dumps(told).encode()) is None


@given(st.binary())
def test_bytes_that_are_no_state(data: bytes) -> None:
    assert state.checked(data) is None


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["event", "verdict", "count", "message", "decided", "ended_by", "in_force"]),
            st.sampled_from(["decision", "quota", "disconnect", "deny", "confined", 7, -1, 1 << 40, True, None, ["x" * 999], {"kind": []}])
            | st.text(),
        )
    )
)
def test_a_tally_takes_whatever_a_relay_says(entries: list[dict[str, Any]]) -> None:
    tally = Tally()
    for entry in entries:
        tally.add(entry)
    assert tally.refused >= 0 and all(isinstance(word, str) and len(word) <= 80 for key in tally.decisions for word in key)


def test_a_tally_is_bounded_and_its_words_are_closed() -> None:
    tally = Tally()
    for number in range(2000):
        decided = {"kind": "refused", "rule": "x"}
        tally.add({"event": "decision", "verdict": "deny", "decided": decided, "message": {"interface": f"made_up_{number}"}})
    tally.add({"event": "decision", "verdict": "evil\n", "decided": {"kind": '"}'}, "message": {"interface": 'a"} 1\nb{c="'}, "count": 3})
    assert len(tally.decisions) <= 302 and tally.refused == 2000 and tally.decisions["other", "other", "other"] == 3


def test_an_answer_of_a_sidecar_that_lies(tmp_path: Path) -> None:
    """Root asks the sockets of every session: what is there may be anything."""
    folder = tmp_path / "wlproxy"
    folder.mkdir()
    for number, answer in enumerate((b"", b"\xff\n", b"[]\n", b'{"ok": true}\n', b'{"ok": true, "guests": [7]}\n')):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(folder / f"{number}.control"))
            sock.listen()
            with contextlib.ExitStack() as stack:
                pid = os.fork()
                if pid == 0:
                    peer, _ = sock.accept()
                    peer.recv(4096)
                    peer.sendall(answer)
                    os._exit(0)
                stack.callback(os.waitpid, pid, 0)
                found = control_client.everybody("", {"XDG_RUNTIME_DIR": str(tmp_path)})
                assert [path for path, _ in found if path.startswith(str(tmp_path))] == []  # the host may have sidecars of its own
        (folder / f"{number}.control").unlink()
