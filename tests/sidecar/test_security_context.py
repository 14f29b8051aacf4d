"""The security context upstream, against a compositor that speaks as much of it as is needed."""

from __future__ import annotations

import array
import os
import select
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wlproxy.core import wire
from wlproxy.policy.read_upstream import INSTANCE_BYTES
from wlproxy.sidecar.compilation import Compilation
from wlproxy.sidecar.compiled import Compiled
from wlproxy.sidecar.security_context import IN_FORCE, MANAGER, SecurityContext
from wlproxy.sidecar.upstream import Upstream

PATIENCE = 10.0


class Host:
    """A compositor's socket. `offers`: its globals; `answer`: "done", "error", "silence" or "noise" after the commit."""

    def __init__(self, path: Path, offers: tuple[str, ...] = ("wl_compositor", MANAGER), answer: str = "done") -> None:
        self.path, self.offers, self.answer = path, offers, answer
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(str(path))
        self.sock.listen(16)
        self.sock.settimeout(PATIENCE)
        self.said: list[tuple[int, int, bytes]] = []
        self.listening: socket.socket | None = None
        self.alive = -1
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        sock, _ = self.sock.accept()
        with sock:
            sock.settimeout(PATIENCE)
            rest = b""
            while True:
                try:
                    data, ancillary, _, _ = sock.recvmsg(65536, socket.CMSG_SPACE(64))
                except ConnectionResetError:
                    return
                if not data:
                    return
                for _, _, raw in ancillary:
                    fds = array.array("i", raw)
                    self.listening, self.alive = socket.socket(fileno=fds[0]), fds[1]
                rest += data
                while len(rest) >= 8:
                    target, head = struct.unpack_from("=II", rest)
                    if len(rest) < head >> 16:
                        break
                    body, rest = rest[8 : head >> 16], rest[head >> 16 :]
                    self.said.append((target, head & 0xFFFF, body))
                    self._answer(sock, target, head & 0xFFFF, body)

    def _answer(self, sock: socket.socket, target: int, opcode: int, body: bytes) -> None:
        if (target, opcode) != (1, 0):
            return
        callback = struct.unpack("=I", body)[0]
        if self.answer == "noise":
            sock.sendall(bytes(64))
            return
        if callback == 3:
            for name, interface in enumerate(self.offers, 7):
                event = wire.encode(2, 0, "usu", [name, interface, 1])
                for at in range(0, len(event), 5):  # in pieces
                    sock.sendall(event[at : at + 5])
        elif self.answer == "error":
            sock.sendall(wire.display_error(5, 1, "already used"))
            return
        elif self.answer == "silence":
            return
        sock.sendall(wire.encode(callback, 0, "u", [1]) + wire.delete_id(callback))

    def end(self) -> None:
        """As when a compositor ends: its sockets close, the file stays."""
        self.sock.close()
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        if self.listening is not None:
            self.listening.close()
        if self.alive >= 0:
            os.close(self.alive)


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    before = set(os.listdir("/proc/self/fd"))
    yield folder
    assert list(folder.iterdir()) == []
    assert set(os.listdir("/proc/self/fd")) == before


def context(mode: str = "prefer") -> SecurityContext:
    return SecurityContext({"security-context": mode, "engine": "org.wlproxy"}, "work")


def text(body: bytes) -> str:
    values, _ = wire.decode(bytes(8) + body, 0, 8 + len(body), "s", [False], True)
    return str(values[0])


def test_connections_come_by_way_of_the_context(runtime: Path, tmp_path: Path) -> None:
    host = Host(tmp_path / "host.sock")
    made = context()
    path = made.socket_path(str(host.path))
    assert made.state == IN_FORCE
    assert path.startswith(f"{runtime}/wlproxy-") and os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700
    host.thread.join(PATIENCE)
    assert [(target, opcode) for target, opcode, _ in host.said] == [(1, 1), (1, 0), (2, 0), (4, 1), (5, 1), (5, 2), (5, 3), (5, 4), (1, 0)]
    assert [text(body) for target, opcode, body in host.said if target == 5 and opcode < 4] == ["org.wlproxy", "wlproxy.work", "work"]
    client = Upstream(str(host.path), 1.0, made).connect()
    assert client is not None and host.listening is not None
    accepted, _ = host.listening.accept()
    client.sendall(b"hello")
    assert accepted.recv(5) == b"hello"
    assert made.socket_path(str(host.path)) == path  # one for all connections
    accepted.close()
    client.close()
    assert select.select([host.alive], [], [], 0)[0] == []
    made.close()
    assert select.select([host.alive], [], [], PATIENCE)[0] == [host.alive]  # the compositor learns that it is over
    host.end()


def compile_with(tmp_path: Path, instance_id: str) -> Compiled:
    path = tmp_path / "p.toml"
    path.write_text(f'format = 1\nname = "p"\n[upstream]\ninstance-id = "{instance_id}"\n')
    return Compilation(str(path), {}).finish()


def test_an_instance_is_another_at_each_start_of_the_same_policy(runtime: Path, tmp_path: Path) -> None:
    """And one, from the start to the end of a sidecar: also with the compositor's next start, and under a policy that was read again."""
    host = Host(tmp_path / "host.sock")
    compiled = compile_with(tmp_path, "vm-${instance}.x")
    assert compiled.data == compile_with(tmp_path, "vm-${instance}.x").data and b"vm-${instance}.x" in compiled.data
    one, other = (SecurityContext(compiled.upstream, "work") for _ in range(2))
    assert one.socket_path(str(host.path))
    host.thread.join(PATIENCE)
    (told,) = [text(body) for target, opcode, body in host.said if (target, opcode) == (5, 3)]
    assert told == one.instance_id != other.instance_id
    assert told[:3] == "vm-" and len(told[3:-2]) == INSTANCE_BYTES and told[3:-2].isalnum() and told[-2:] == ".x"
    one.under(compiled.upstream | {"app-id": "another"})
    assert one.instance_id == told
    one.close()
    host.end()


@pytest.mark.parametrize("mode", ["prefer", "require"])
def test_a_compositor_without_contexts_is_used_as_it_is_unless_one_is_required(runtime: Path, tmp_path: Path, mode: str) -> None:
    host = Host(tmp_path / "host.sock", offers=("wl_compositor",))
    upstream = Upstream(str(host.path), 1.0, context(mode))
    client = upstream.connect()
    host.thread.join(PATIENCE)
    if mode == "prefer":
        assert client is not None
        client.close()
        assert upstream.context is not None and upstream.context.state == f"the compositor has no {MANAGER}"
        again = upstream.connect()  # without asking again
        assert again is not None
        again.close()
    else:
        assert client is None
        assert upstream.missing == f"the policy requires a security context: the compositor has no {MANAGER}"
    host.end()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("error", "the compositor refused: 'already used' (1)"),
        ("silence", "no answer within 0.3 s|timed out"),
        ("noise", "the compositor sent no Wayland"),
    ],
)
def test_a_handshake_that_fails_is_no_reason_to_go_without(runtime: Path, tmp_path: Path, answer: str, reason: str) -> None:
    host = Host(tmp_path / "host.sock", answer=answer)
    upstream = Upstream(str(host.path), 1.0, context("prefer"))
    assert upstream.connect() is None
    assert any(part in upstream.missing for part in reason.split("|"))
    host.end()


def test_a_compositor_that_restarts_gets_a_new_context(runtime: Path, tmp_path: Path) -> None:
    host = Host(tmp_path / "host.sock")
    made = context()
    upstream = Upstream(str(host.path), 1.0, made)
    first = made.socket_path(str(host.path))
    host.end()
    host.path.unlink()
    assert upstream.connect() is None
    assert upstream.missing == "No such file or directory"
    again = Host(tmp_path / "host.sock")
    client = upstream.connect()
    assert client is not None and made.state == IN_FORCE and again.listening is not None
    assert made.socket_path(str(again.path)) != first
    again.listening.accept()[0].close()
    client.close()
    made.close()
    again.end()


def test_another_policy_counts_from_then_on(runtime: Path, tmp_path: Path) -> None:
    host = Host(tmp_path / "host.sock")
    made = context()
    path = made.socket_path(str(host.path))
    made.under({"security-context": "prefer", "engine": "org.wlproxy"})
    assert made.socket_path(str(host.path)) == path  # nothing has changed
    made.under({"security-context": "off"})
    assert made.socket_path(str(host.path)) == str(host.path)
    host.end()


def test_a_context_that_takes_no_connection_is_tried_anew_once(runtime: Path, tmp_path: Path) -> None:
    class Refusing(SecurityContext):
        asked = 0

        def socket_path(self, compositor: str) -> str:
            self.asked += 1
            raise ConnectionRefusedError(111, "Connection refused")

        def lost(self) -> bool:
            return True

    refusing = Refusing({"security-context": "prefer"}, "work")
    assert Upstream(str(tmp_path / "host.sock"), 1.0, refusing).connect() is None
    assert refusing.asked == 2


def test_no_folder_to_put_it_in_is_said(runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "nowhere"))
    host = Host(tmp_path / "host.sock")
    upstream = Upstream(str(host.path), 1.0, context())
    assert upstream.connect() is None
    assert upstream.missing == f"no folder for the security context in {tmp_path}/nowhere: No such file or directory (set XDG_RUNTIME_DIR)"
    host.end()


def test_no_context_where_the_policy_says_off(runtime: Path, tmp_path: Path) -> None:
    listener: Any = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "host.sock"))
    listener.listen(1)
    client = Upstream(str(tmp_path / "host.sock"), 1.0, context("off")).connect()
    assert client is not None
    accepted, _ = listener.accept()
    for sock in (accepted, client, listener):
        sock.close()
