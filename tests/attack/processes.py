"""Throw-away compositors and proxies, and a forwarder that forwards anything."""

from __future__ import annotations

import os
import select
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 15.0
NOBODY = 65534
WESTON = "weston --backend=headless-backend.so --use-pixman --no-config --idle-time=0 --width=640 --height=480 --socket={socket}"
SWAY = "sway --config {config}"


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {PATIENCE:g} s: {what}")
        time.sleep(0.01)


def accepts(path: str) -> bool:
    """Whether somebody listens there."""
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(path)
        except OSError:
            return False
    return True


class Compositor:
    """weston or sway without a screen, in a directory of its own, as another user where we are root. `again()` starts it anew."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.directory = tempfile.mkdtemp(prefix=f"wlproxy-{name}-", dir="/tmp")
        self._user = NOBODY if os.getuid() == 0 else os.getuid()
        os.chmod(self.directory, 0o700)
        config = Path(self.directory, "config")
        config.write_text("xwayland disable\n")
        self.path = str(Path(self.directory, "wayland-1"))
        if os.getuid() == 0:
            for path in (self.directory, str(config)):
                os.chown(path, NOBODY, NOBODY)
        command = WESTON.format(socket="wayland-1") if name == "weston" else SWAY.format(config=config)
        self._command = shlex.split(command)
        self.again()

    def again(self) -> None:
        for left in Path(self.directory).glob("wayland-*"):
            left.unlink()
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": self.directory,
            "XDG_RUNTIME_DIR": self.directory,
            "WLR_BACKENDS": "headless",
            "WLR_RENDERER": "pixman",
            "WLR_LIBINPUT_NO_DEVICES": "1",
        }
        with open(os.path.join(self.directory, "stderr"), "ab") as errors:
            self.process = subprocess.Popen(
                self._command, env=environment, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                user=self._user, group=self._user if self._user == NOBODY else None,
            )  # fmt: skip
        until(lambda: self.process.poll() is not None or accepts(self.path), f"{self.name} listens")
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended: {Path(self.directory, 'stderr').read_text()[-500:]}")

    def lives(self) -> bool:
        """Whether it still answers; waits for a process that is about to die of what it was just told."""
        if self.process.poll() is None and accepts(self.path):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(PATIENCE)
                try:
                    sock.connect(self.path)
                    sock.send(b"\1\0\0\0\0\0\f\0\2\0\0\0")
                    return len(sock.recv(64)) > 0
                except OSError:
                    pass
        self.process.wait(PATIENCE)
        return False

    def close(self) -> None:
        stop(self.process)
        shutil.rmtree(self.directory, ignore_errors=True)


class Proxy:
    """A proxy's command with {listen} and {upstream} in it, run until `close`."""

    def __init__(self, command: str, directory: str, upstream: str) -> None:
        self.path = os.path.join(directory, "guest.sock")
        filled = [word.replace("{listen}", self.path).replace("{upstream}", upstream) for word in shlex.split(command)]
        with open(os.path.join(directory, "proxy-stderr"), "ab") as errors:
            self.process = subprocess.Popen(filled, stdin=subprocess.DEVNULL, stderr=errors)
        until(lambda: self.process.poll() is not None or accepts(self.path), "the proxy listens")
        if self.process.poll() is not None:
            raise RuntimeError(f"the proxy ended: {Path(directory, 'proxy-stderr').read_text()[-500:]}")

    def lives(self) -> bool:
        return self.process.poll() is None

    def close(self) -> None:
        stop(self.process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends one process of ours by its id."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Forwarder:
    """Bytes and descriptors, both ways, whatever they are: what a proxy is that filters nothing."""

    def __init__(self, directory: str, upstream: str) -> None:
        self.path = os.path.join(directory, "forward.sock")
        self._upstream = upstream
        self._sock = socket.socket(socket.AF_UNIX)
        self._sock.bind(self.path)
        self._sock.listen(64)
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        other: dict[socket.socket, socket.socket] = {}
        while True:
            ready, _, _ = select.select([self._sock, self._woken, *other], [], [])
            if self._woken in ready:
                break
            for sock in ready:
                if sock is self._sock:
                    guest, host = self._sock.accept()[0], socket.socket(socket.AF_UNIX)
                    host.connect(self._upstream)
                    other.update({guest: host, host: guest})
                elif sock in other and not self._pass(sock, other[sock]):
                    peer = other.pop(sock)
                    other.pop(peer)
                    sock.close()
                    peer.close()
        for sock in (*other, self._sock):
            sock.close()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket) -> bool:
        fds: list[int] = []
        try:
            data, fds, _, _ = socket.recv_fds(source, 65536, 253)
            if data:
                target.settimeout(PATIENCE)
                sent = socket.send_fds(target, [data], fds)
                if sent < len(data):  # nothing more to send to one that has gone is no failure: what it sent is still to be passed on
                    target.sendall(data[sent:])
        except OSError:
            return False
        finally:
            for number in fds:
                os.close(number)
        return bool(data)

    def lives(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        self._wake.send(b"x")
        self._thread.join()
        self._wake.close()
        self._woken.close()
