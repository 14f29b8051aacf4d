"""The broker's side of a relay, with a relay that has been taken over: what it says costs its own guest, and not for long."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wlproxy.sidecar import audit_file, channel
from wlproxy.sidecar.audit_file import AuditFile
from wlproxy.sidecar.compiled import Compiled
from wlproxy.sidecar.keeper import Keeper, Presence, end_of
from wlproxy.sidecar.security_context import IN_FORCE, SecurityContext
from wlproxy.sidecar.upstream import Upstream

from .conftest import Compositor
from .test_security_context import Host

MOST_CLIENTS = 8


class Scene:
    def __init__(self, folder: Path) -> None:
        ours, self.relay = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.audit_path = folder / "audit"
        self.file = AuditFile(str(self.audit_path))
        self.upstream = Upstream(str(folder / "host.sock"), 0.0)
        self.log = self.file.log_of("work")
        self.keeper = Keeper(ours, 0, self.upstream, self.log, Presence(), MOST_CLIENTS)

    def close(self) -> None:
        self.keeper._relay.close()
        self.relay.close()
        self.upstream.close()
        self.file.close()

    def says(self, data: bytes) -> None:
        self.relay.send(data)
        self.keeper.read()

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.audit_path.read_text().splitlines()]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.close()


def test_it_cannot_ask_for_more_connections_than_it_may_accept(scene: Scene) -> None:
    for number in range(100):
        scene.says(channel.packet(channel.CONNECT, number))
        scene.upstream.asked = {n: time.monotonic() + 60 for n in range(min(number + 1, MOST_CLIENTS))}
    assert len(scene.upstream.asked) == MOST_CLIENTS
    scene.relay.setblocking(False)
    kinds = [channel.parts(scene.relay.recv(4096))[0] for _ in range(50)]
    assert channel.REFUSED in kinds


def under(clients: int) -> Compiled:
    return Compiled("strict", "0", b"", clients=(clients, "strict.toml:9"))


def given(scene: Scene, number: int) -> int:
    """What the relay has after asking for one more: a descriptor, or -1 where it was told no."""
    scene.says(channel.packet(channel.CONNECT, number))
    data, fds = channel.receive(scene.relay)
    assert channel.parts(data)[:2] == (channel.CONNECT if fds else channel.REFUSED, number)
    return fds[0] if fds else -1


def test_it_has_no_more_connections_than_the_policy_allows_wherever_it_puts_them(scene: Scene, compositor: Compositor) -> None:
    scene.keeper.under(under(3))
    held = [given(scene, number) for number in range(3)]
    assert min(held) >= 0
    here, there = socket.socketpair()
    socket.send_fds(here, [b"x"], [held[0]])  # out of its table of descriptors, and still open
    os.close(held[0])
    copy = os.dup(held[1])
    os.close(held[1])
    assert given(scene, 3) == -1
    (line,) = [line for line in scene.lines() if line["event"] == "quota"]
    assert (line["reason"], line["decided"]) == (
        "more than 3 connections to the compositor",
        {"kind": "quota", "rule": "strict.toml:9"},
    )
    for sock in (here, there):
        sock.close()
    assert (fd := given(scene, 4)) >= 0
    assert given(scene, 5) == -1
    os.close(copy)
    assert (last := given(scene, 6)) >= 0
    for number in (held[2], fd, last):
        os.close(number)


def test_the_log_says_as_which_instance_the_compositor_knows_a_guest(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    host = Host(tmp_path / "host.sock")
    scene.upstream.context = SecurityContext({"security-context": "prefer", "instance-id": "${instance}"}, "work")
    os.close(given(scene, 1))
    (line,) = [line for line in scene.lines() if line.get("state") == "security-context"]
    assert (line["reason"], line["instance"]) == (IN_FORCE, scene.upstream.context.instance_id)
    scene.upstream.close()
    host.end()


def test_a_relay_that_follows_has_what_the_one_before_has_left(scene: Scene, compositor: Compositor, tmp_path: Path) -> None:
    scene.keeper.under(under(2))
    held = given(scene, 1)
    ours, scene.relay = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    scene.keeper = Keeper(ours, 0, scene.upstream, scene.log, Presence(), MOST_CLIENTS)
    scene.keeper.under(under(2))
    other = given(scene, 1)
    assert other >= 0
    assert given(scene, 2) == -1
    scene.keeper.under(under(3))
    last = given(scene, 3)
    assert last >= 0
    for number in (held, other, last):
        os.close(number)


def test_where_the_kernel_does_not_say_none_has_been_closed(scene: Scene, compositor: Compositor, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_proc(path: str, mode: str) -> object:
        raise FileNotFoundError(path)

    monkeypatch.setattr("builtins.open", without_proc)
    scene.keeper.under(under(1))
    os.close(given(scene, 1))
    assert scene.upstream.handed_over.reach(1)


def test_it_speaks_in_its_guests_name_only(scene: Scene) -> None:
    scene.log.under({"name": "strict", "sha256": "0"})
    forged = {"event": "connect", "guest": "bank", "policy": {"name": "trusted"}, "v": 9, "ts": "yesterday"}
    scene.says(channel.packet(channel.AUDIT, 0, json.dumps(forged).encode()))
    line = scene.lines()[-1]
    assert (line["guest"], line["policy"], line["v"]) == ("work", {"name": "strict", "sha256": "0"}, 1)
    assert line["ts"] != "yesterday"


@pytest.mark.parametrize("data", [b"x", b"A" + bytes(8) + b"[" * 4000, b"A" + bytes(8) + b"{nothing", bytes(9), b"S" + bytes(8)])
def test_nonsense_is_a_line_at_most(scene: Scene, data: bytes) -> None:
    scene.says(data)
    assert not scene.keeper.gone
    assert len(scene.lines()) <= 2


def test_descriptors_it_sends_are_closed(scene: Scene) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with open("/dev/null", "rb") as file:
        for _ in range(50):
            socket.send_fds(scene.relay, [channel.packet(channel.READY)], [file.fileno()])
            scene.keeper.read()
    assert len(os.listdir("/proc/self/fd")) == before
    assert scene.keeper.ready


def test_a_flood_of_lines_takes_no_room_of_another_guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_file, "LINES_PER_SECOND", 1 << 20)  # what bounds it before its part of the queue does
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # it does not read for now
    file = AuditFile(str(path))
    loud, quiet = file.log_of("loud"), file.log_of("quiet")
    for _ in range(5000):
        loud.add({"event": "noise", "text": "x" * 1000})
    quiet.add({"event": "signal"})
    got = b""
    while b'"signal"' not in got and len(got) < 1 << 22:
        got += os.read(reader, 65536)
        file.write()
    lines = [json.loads(line) for line in got.split(b"\n")[:-1]]
    assert [line["guest"] for line in lines if line["event"] == "signal"] == ["quiet"]
    assert {line["guest"] for line in lines if line["event"] == "audit-gap"} <= {"loud"}
    file.close()
    os.close(reader)


def test_one_that_hangs_up_and_lives_on_is_killed() -> None:
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    begin = time.monotonic()
    assert end_of(pid) == "SIGKILL"
    assert time.monotonic() - begin < 2
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    assert end_of(pid) == "exit code 7"


def test_a_missing_compositor_is_one_message_for_all_guests(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    presence = Presence()
    for _ in range(3):
        presence.missing("/a", "no compositor at /a")
    presence.missing("/b", "no compositor at /b")
    presence.present("/a")
    presence.present("/a")
    said = capsys.readouterr().err
    assert said.count("no compositor at /a") == 1 and said.count("no compositor at /b") == 1
    assert said.count("the compositor is there: /a") == 1
