"""Many guests behind one parent: processes over Unix sockets, with pass-through sessions and a compositor that is a bare socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.sidecar.conftest import PATIENCE, Compositor, Serve, compiled_policy, entries_of, is_listening, read, read_all, until
from tests.sidecar.test_listeners import ACTIVATE


def connected(path: Path) -> socket.socket:
    """Once somebody listens there; a socket's file exists a moment earlier."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(PATIENCE)
    until(lambda: sock.connect_ex(str(path)) == 0, f"somebody listens on {path}")
    return sock


def speak(guest: socket.socket, host: socket.socket, text: bytes = b"hello") -> None:
    """There and back."""
    guest.sendall(text)
    assert read(host, len(text))[0] == text
    host.sendall(text[::-1])
    assert read(guest, len(text))[0] == text[::-1]


def test_each_guest_has_a_relay_and_a_name_of_its_own(serve: Serve, compositor: Compositor) -> None:
    paths = [serve.guest(name) for name in ("work", "bank", "dev")]
    serve.start()
    assert len(serve.relays()) == 3
    for path in paths:
        with connected(path) as guest, compositor.accept() as host:
            speak(guest, host)
    lines = until(lambda: len(serve.audit("disconnect")) == 3 and serve.audit("disconnect"), "three ends")
    assert {line["guest"] for line in lines} == {"work", "bank", "dev"}
    assert {line["policy"]["name"] for line in lines} == {"test"}


def test_a_relay_has_nothing_of_the_other_guests(serve: Serve, compositor: Compositor) -> None:
    for name in ("work", "bank", "dev"):
        serve.guest(name)
    serve.start()
    for pid in serve.relays():
        links = [os.readlink(f"/proc/{pid}/fd/{number}").split(":")[0] for number in os.listdir(f"/proc/{pid}/fd")]
        assert sorted(links) == ["/dev/null", "/dev/null", str(serve.errors), "anon_inode", "socket", "socket"]


def test_a_killed_relay_is_replaced_and_the_others_do_not_notice(serve: Serve, compositor: Compositor) -> None:
    work, bank = serve.guest("work"), serve.guest("bank")
    serve.start()
    with connected(bank) as other, compositor.accept() as other_host:
        speak(other, other_host)
        with connected(work) as guest, compositor.accept() as host:
            speak(guest, host)
            victim = pid_of(serve, "work", guest)
            os.kill(victim, signal.SIGKILL)
            assert read_all(guest) == b""
        with connected(work) as again, compositor.accept() as host:  # waits in the backlog for the next relay
            speak(again, host)
        speak(other, other_host, b"still here")
    assert victim not in serve.relays()
    (died,) = serve.audit("internal")
    assert died["guest"] == "work" and "SIGKILL" in died["reason"]
    assert [line["guest"] for line in serve.audit("restart")] == ["work"]


def pid_of(serve: Serve, name: str, guest: socket.socket) -> int:
    """The relay that holds the other end of a connection of this guest's: the one that accepted on its socket."""
    inodes = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    wanted = {f"socket:[{fields[6]}]" for fields in inodes if len(fields) > 7 and fields[7] == str(serve.folder / f"{name}.sock")}
    for pid in serve.relays():
        if wanted & {os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")}:
            return pid
    raise AssertionError(f"no relay of {name}")


def test_a_relay_that_keeps_dying_is_replaced_more_slowly(serve: Serve, compositor: Compositor) -> None:
    serve.guest("work")
    serve.start()
    for deaths in range(1, 4):
        (pid,) = until(serve.relays, "a relay")
        os.kill(pid, signal.SIGKILL)
        until(lambda deaths=deaths: len(serve.audit("restart")) == deaths, f"restart {deaths}")
    died = [line["mono"] for line in serve.audit("internal")]
    begun = [line["mono"] for line in serve.audit("restart")]
    waits = [later - earlier for earlier, later in zip(died, begun, strict=True)]
    assert waits[0] >= 0.09 and waits[1] >= 0.19 and waits[2] >= 0.39


def test_a_relay_that_does_not_end_is_killed(serve: Serve, compositor: Compositor) -> None:
    """A stopped process cannot exit: it stands for one that was taken over."""
    work, bank = serve.guest("work"), serve.guest("bank")
    serve.start()
    with connected(work) as guest, compositor.accept() as host:
        speak(guest, host)
        victim = pid_of(serve, "work", guest)
        os.kill(victim, signal.SIGSTOP)
        serve.process.send_signal(signal.SIGTERM)
        begin = time.monotonic()
        assert serve.process.wait(PATIENCE) == 0
        assert time.monotonic() - begin < 2
    assert not work.exists() and not bank.exists() and not os.path.exists(f"/proc/{victim}")


def test_reload_adds_changes_and_removes(serve: Serve, compositor: Compositor, tmp_path: Path) -> None:
    stays, goes = serve.guest("stays"), serve.guest("goes")
    serve.start()
    with connected(stays) as guest, compositor.accept() as host, connected(goes) as leaving, compositor.accept() as leaving_host:
        speak(guest, host)
        speak(leaving, leaving_host)
        before = pid_of(serve, "stays", guest)
        comes = serve.guest("comes")
        (serve.files / "goes.toml").unlink()
        compiled_policy(tmp_path / "test.json", name="second")
        serve.reload()
        assert read_all(leaving) == b""
        until(lambda: not goes.exists(), "the socket file of the guest that is gone")
        until(lambda: is_listening(comes), "the new guest's socket")
        with connected(comes) as new, compositor.accept() as new_host:
            speak(new, new_host)
        loads = until(lambda: len(serve.audit("policy-load", "stays")) == 2 and serve.audit("policy-load", "stays"), "the reload")
        assert [line["policy"]["name"] for line in loads] == ["test", "second"]
        speak(guest, host, b"the same relay")
        assert pid_of(serve, "stays", guest) == before
    assert serve.audit("guest-removed", "goes")


def test_reload_of_nothing_new_touches_nobody(serve: Serve, compositor: Compositor) -> None:
    work = serve.guest("work")
    serve.start()
    with connected(work) as guest, compositor.accept() as host:
        serve.reload()
        yonder = serve.guest("yonder")  # in the folder by the next reading at the latest, and read after work
        serve.reload()
        until(lambda: is_listening(yonder), "the second reading")
        speak(guest, host)
    serve.stop()  # with all that is to be in the log written
    assert len(serve.audit("policy-load", "work")) == 1


def test_other_listeners_are_another_start(serve: Serve, compositor: Compositor, tmp_path: Path) -> None:
    work, bank = serve.guest("work"), serve.guest("bank")
    serve.start()
    with connected(bank) as other, compositor.accept() as other_host:
        serve.guest("work", [f"unix:{tmp_path}/elsewhere.sock"])
        serve.reload()
        until(lambda: is_listening(tmp_path / "elsewhere.sock"), "the new socket")
        with connected(tmp_path / "elsewhere.sock") as guest, compositor.accept() as host:
            speak(guest, host)
        speak(other, other_host)
    assert not work.exists()


def test_one_bad_file_costs_the_others_nothing(serve: Serve, compositor: Compositor) -> None:
    work = serve.guest("work")
    (serve.files / "bad.toml").write_text('format = 1\npolicy = "strikt"\nlisten = ["unix:/nowhere/x"]\n')
    (serve.files / "worse.toml").write_text("format = \n")
    (serve.files / ".hidden.toml").write_text("an editor's")
    serve.start()
    with connected(work) as guest, compositor.accept() as host:
        speak(guest, host)
    said = serve.errors.read_text()
    assert "bad.toml" in said or "strikt" in said
    assert "guest bad: does not start" in said and "guest worse: does not start" in said and "hidden" not in said
    assert "worse.toml:1:10: error[syntax]" in said and "Traceback" not in said
    assert {line["reason"].split(":")[0].rpartition("/")[2] for line in serve.audit("policy-reject")} == {"strikt", "worse.toml"}


def test_a_file_that_becomes_bad_leaves_its_guest_as_it_is(serve: Serve, compositor: Compositor) -> None:
    work = serve.guest("work")
    serve.start()
    good = (serve.files / "work.toml").read_text()
    (serve.files / "work.toml").write_text(good + "polcy = 3\n")
    serve.reload()
    until(lambda: "guest work: stays as it is" in serve.errors.read_text(), "the message")
    assert 'did you mean "policy"?' in serve.errors.read_text()
    with connected(work) as guest, compositor.accept() as host:
        speak(guest, host)


def test_none_can_start(serve: Serve) -> None:
    (serve.files / "bad.toml").write_text("format = 1\n")
    serve.start(ready=False)
    assert serve.process.wait(PATIENCE) == 6
    assert "none of the guests" in serve.errors.read_text()


def test_no_guests_yet(serve: Serve, compositor: Compositor) -> None:
    serve.start()
    work = serve.guest("work")
    serve.reload()
    until(lambda: is_listening(work), "the socket")
    with connected(work) as guest, compositor.accept() as host:
        speak(guest, host)
    assert serve.stop() == 0


def test_no_folder(serve: Serve) -> None:
    serve.start(ready=False, folder=str(serve.folder / "nothing"))
    assert serve.process.wait(PATIENCE) == 2
    assert "No such file or directory" in serve.errors.read_text()


def test_guests_before_the_compositor(serve: Serve, tmp_path: Path) -> None:
    paths = [serve.guest(name) for name in ("work", "bank")]
    serve.start()
    guests = [connected(path) for path in paths]
    for guest in guests:
        guest.sendall(b"early")
    until(lambda: "no compositor" in serve.errors.read_text(), "the message")
    compositor = Compositor(tmp_path / "host.sock")
    for _ in guests:
        assert read(compositor.accept(), 5)[0] == b"early"
    until(lambda: "the compositor is there" in serve.errors.read_text(), "the good news")
    assert serve.errors.read_text().count("no compositor at") == 1  # not one for each guest
    compositor.close()


def test_sigterm_ends_all(serve: Serve, compositor: Compositor) -> None:
    paths = [serve.guest(f"g{number}") for number in range(4)]
    serve.start()
    guests = [connected(path) for path in paths]
    relays = serve.relays()
    begin = time.monotonic()
    assert serve.stop() == 0
    assert time.monotonic() - begin < 2
    for guest in guests:
        assert read_all(guest) == b""
    assert not any(path.exists() for path in paths)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in relays)


def test_the_parents_death_is_that_of_all(serve: Serve, compositor: Compositor) -> None:
    work = serve.guest("work")
    serve.start()
    with connected(work) as guest, compositor.accept():
        serve.process.kill()
        assert read_all(guest) == b""


def test_two_guests_want_one_path(serve: Serve, compositor: Compositor) -> None:
    path = serve.guest("first")
    serve.guest("second", [f"unix:{path}"])
    serve.start()
    with connected(path) as guest, compositor.accept() as host:
        speak(guest, host)
    assert "is guest first's already" in serve.errors.read_text()


def test_a_guest_that_is_renamed_keeps_its_path(serve: Serve, compositor: Compositor) -> None:
    """The new name is read while the old one still has the socket."""
    path = serve.guest("zebra")
    serve.start(retry_seconds=60.0)
    (serve.files / "zebra.toml").rename(serve.files / "ant.toml")
    serve.reload()
    until(lambda: serve.audit("confined", "ant"), "the new name")
    with connected(path) as guest, compositor.accept() as host:
        speak(guest, host)
    assert serve.audit("guest-removed", "zebra")


def test_a_folder_that_comes_later(serve: Serve, compositor: Compositor, tmp_path: Path) -> None:
    serve.guest("work")
    late = tmp_path / "late" / "guest.sock"
    serve.guest("late", [f"unix:{late}"])
    serve.start(retry_seconds=0.05)
    assert serve.errors.read_text().count("guest late: listen") == 1
    late.parent.mkdir()
    with connected(late) as guest, compositor.accept() as host:
        speak(guest, host)


def test_an_audit_file_of_its_own(serve: Serve, compositor: Compositor, tmp_path: Path) -> None:
    own = tmp_path / "own.jsonl"
    serve.guest("work", audit=json.dumps(str(own)))
    serve.guest("bank")
    serve.start()
    assert {line["guest"] for line in entries_of(own)} == {"work"}
    assert {line["guest"] for line in serve.audit("policy-load")} == {"bank"}


def test_a_socket_that_systemd_passed_outlives_its_guests_restart(serve: Serve, compositor: Compositor, tmp_path: Path) -> None:
    """Activation: the guest connects before there is a proxy; later its file goes and comes again, which takes the socket at its number."""
    path = tmp_path / "activated.sock"
    passed = socket.socket(socket.AF_UNIX)
    passed.bind(str(path))
    passed.listen(8)
    early = connected(path)
    early.sendall(b"early")
    serve.guest("work", ["systemd:work"])
    number = passed.fileno()
    serve.start(pass_fds=(number,), launcher=(sys.executable, "-c", ACTIVATE, "work", str(number)))
    passed.close()
    with compositor.accept() as host:
        assert read(host, 5)[0] == b"early"
    text = (serve.files / "work.toml").read_text()
    (serve.files / "work.toml").unlink()
    serve.reload()
    assert read_all(early) == b""
    until(lambda: serve.audit("guest-removed"), "its end")
    (serve.files / "work.toml").write_text(text)
    serve.reload()
    with connected(path) as guest, compositor.accept() as host:
        speak(guest, host)


def from_cid(folder: Path, cid: int, port: int, own_port: int) -> socket.socket:
    """A guest with that CID connects to a port, as tests.sidecar.serving has them."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(PATIENCE)
    sock.bind(str(folder / f"{cid}-{own_port}"))
    sock.connect(str(folder / str(port)))
    return sock


def test_guests_share_a_vsock_port_by_their_cids(serve: Serve, compositor: Compositor, tmp_path: Path) -> None:
    vsock = tmp_path / "vsock"
    vsock.mkdir()
    serve.guest("work", ["vsock:1024?cid=5"])
    serve.guest("bank", ["vsock:1024?cid=6"])
    serve.start(vsock=str(vsock))
    for cid, name in ((5, "work"), (6, "bank")):
        with from_cid(vsock, cid, 1024, 9) as guest, compositor.accept() as host:
            speak(guest, host)
            line = until(lambda name=name: serve.audit("connect", name), "the connection in its guest's name")[0]
            assert line["peer"] == {"cid": cid, "port": 9}
    with from_cid(vsock, 7, 1024, 9) as stranger:
        assert read_all(stranger) == b""
    (line,) = until(lambda: [line for line in serve.audit("connect") if line.get("verdict") == "deny"], "the stranger")
    assert line["peer"] == {"cid": 7} and line["guest"] == ""


def test_a_guest_comes_to_a_port_that_is_in_use_and_leaves_it(serve: Serve, compositor: Compositor, tmp_path: Path) -> None:
    vsock = tmp_path / "vsock"
    vsock.mkdir()
    serve.guest("work", ["vsock:1024?cid=5"])
    serve.start(vsock=str(vsock))
    with from_cid(vsock, 5, 1024, 1) as first, compositor.accept() as first_host:
        serve.guest("bank", ["vsock:1024?cid=6"])
        serve.reload()
        until(lambda: serve.audit("confined", "bank"), "the second guest")
        with from_cid(vsock, 6, 1024, 1) as guest, compositor.accept() as host:
            speak(guest, host)
        (serve.files / "bank.toml").unlink()
        serve.reload()
        until(lambda: len(serve.relays()) == 1, "its end")
        with from_cid(vsock, 6, 1024, 2) as stranger:
            assert read_all(stranger) == b""
        until(lambda: serve.audit("connect", ""), "the line about a stranger")
        speak(first, first_host)


def test_a_connection_to_a_shared_port_waits_for_the_next_relay(serve: Serve, compositor: Compositor, tmp_path: Path) -> None:
    vsock = tmp_path / "vsock"
    vsock.mkdir()
    serve.guest("work", ["vsock:1024?cid=5"])
    serve.start(vsock=str(vsock))
    (pid,) = serve.relays()
    os.kill(pid, signal.SIGKILL)
    until(lambda: serve.audit("internal"), "its end")
    with from_cid(vsock, 5, 1024, 1) as guest, compositor.accept() as host:
        speak(guest, host)


def test_one_cid_cannot_be_two_guests(serve: Serve, tmp_path: Path) -> None:
    vsock = tmp_path / "vsock"
    vsock.mkdir()
    serve.guest("a", ["vsock:1024?cid=5"])
    serve.guest("b", ["vsock:1024?cid=5"])
    serve.start(vsock=str(vsock))
    assert "CID 5 on this port is guest a's already" in serve.errors.read_text()
    assert len(serve.relays()) == 1


def test_expired_guests_fall_back_to_strict(serve: Serve) -> None:
    serve.guest("work", expires="2020-01-31", vars='{ tint = "x" }')
    serve.start()
    (line,) = serve.audit("guest-expired", "work")
    assert line["policy"]["name"] == "strict" and "2020-01-31" in line["reason"]
    assert "guest work: its file has expired (2020-01-31): it falls back to strict" in serve.errors.read_text()


def test_a_guest_expires_while_it_runs(serve: Serve, compositor: Compositor) -> None:
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    work = serve.guest("work", expires=soon)
    serve.start()
    with connected(work) as guest, compositor.accept() as host:
        speak(guest, host)
        until(lambda: serve.audit("guest-expired", "work"), "the fall-back")
        speak(guest, host)
    assert [line["policy"]["name"] for line in serve.audit("policy-load", "work")] == ["test", "strict"]


def test_run_reads_the_guests_file(tmp_path: Path, compositor: Compositor) -> None:
    file = tmp_path / "work.toml"
    file.write_text(
        f'format = 1\npolicy = "desktop"\nvars = {{ label = "Mine" }}\nlisten = ["unix:{tmp_path}/w.sock"]\n'
        f'upstream = "{compositor.path}"\naudit = "{tmp_path}/a.jsonl"\n'
    )
    reader, writer = os.pipe()
    argv = [sys.executable, "-P", "-m", "wlproxy", "run", "--config", str(file), "--ready-fd", str(writer)]
    with subprocess.Popen(argv, pass_fds=[writer], stderr=subprocess.PIPE) as process:
        os.close(writer)
        assert os.read(reader, 1) == b"\n"
        os.close(reader)
        with connected(tmp_path / "w.sock"), compositor.accept():
            pass
        file.write_text(file.read_text().replace("desktop", "strict").replace("w.sock", "x.sock"))
        process.send_signal(signal.SIGHUP)
        until(lambda: '"reload"' in (tmp_path / "a.jsonl").read_text(), "the reload")
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=PATIENCE)[1].decode()
        assert process.returncode == 0
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [line["policy"]["name"] for line in lines if line["event"] == "policy-load"] == ["desktop", "strict"]
    assert "'listen' has changed: that takes a restart" in said
    lines = [line for line in lines if line["policy"]["name"] == "desktop"]
    assert {(line["guest"], line["policy"]["name"]) for line in lines} == {("work", "desktop")}
