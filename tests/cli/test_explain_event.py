"""From a guest that is refused to the words for it: a real sidecar, its audit log, and explain."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.sidecar.conftest import ROOT, Compositor

GUEST = """
import os, socket, struct
def message(target, opcode, body): return struct.pack("<IHH", target, opcode, 8 + len(body)) + body
sock = socket.socket(socket.AF_UNIX)
sock.settimeout(15)
sock.connect(os.environ["WAYLAND_DISPLAY"])
name = b"zwlr_layer_shell_v1\\0"
sock.sendall(message(1, 1, struct.pack("<I", 2)) + message(2, 0, struct.pack("<II", 77, len(name)) + name + struct.pack("<II", 1, 3)))
try:
    while sock.recv(4096): pass
except ConnectionResetError: pass  # it is refused with bytes unread
"""


def serve(compositor: Compositor) -> None:
    """A compositor without globals: it answers wl_display.sync, and nothing else."""
    held = []
    try:
        while True:
            held.append(compositor.accept())
            threading.Thread(target=answer, args=(held[-1],), daemon=True).start()
    except OSError:
        pass  # the test is over


def answer(sock: socket.socket) -> None:
    try:
        while data := sock.recv(4096):
            while len(data) >= 12:
                target, opcode, size, new_id = struct.unpack_from("<IHHI", data)
                if (target, opcode) == (1, 0):
                    sock.sendall(struct.pack("<IHHI", new_id, 0, 12, 0) + struct.pack("<IHHI", 1, 1, 12, new_id))
                data = data[size:]
    except OSError:
        pass


@pytest.mark.timeout(60)
def test_the_last_refusal_of_a_real_sidecar_is_explained(tmp_path: Path) -> None:
    compositor, log = Compositor(tmp_path / "host"), tmp_path / "audit.jsonl"
    threading.Thread(target=serve, args=(compositor,), daemon=True).start()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(tmp_path)}

    def wlproxy(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "wlproxy", *args]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=40, check=False)

    base = ["exec", "--policy", "strict", "--audit", str(log), "--upstream", str(compositor.path)]
    done = wlproxy(*base, "--", sys.executable, "-c", GUEST)
    compositor.close()
    assert done.returncode == 0, done.stderr
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    ids = [entry["id"] for entry in entries]
    assert len(set(ids)) == len(ids)
    (refused,) = [entry for entry in entries if entry.get("verdict") == "deny"]
    for args in (["--last"], [refused["id"]]):
        told = wlproxy("explain", *args, "--audit", str(log))
        assert told.returncode == 0, told.stderr
        assert told.stdout.startswith(f"event {refused['id']} ") and "has changed since" not in told.stdout
        assert "DENIED (hide) by the global layer" in told.stdout and "zwlr_layer_shell_v1" in told.stdout
        assert 'overlay = "allow"' in told.stdout
