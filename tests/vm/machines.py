"""Machines to test with: user-mode Linux (an ordinary process, 2 s to a command) or QEMU, and the devices that join them to the host.

Promises: nothing is left running; no AF_VSOCK socket is opened on this machine: its side of a guest's vsock is Unix sockets, as with
Firecracker's and Cloud Hypervisor's hybrid vsock. Where no machine can be had a test is skipped, and the reason says what is missing.
"""

from __future__ import annotations

import functools
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.vm.tools import gpu_kernel

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(__file__).resolve().parent / "tools"
PATIENCE = 60.0
PYTHON = sys.executable
VIRTIO_GPU = 16  # virtio_ids.h


@functools.cache
def missing(accel: str) -> str:
    """Why there can be no such machine; "" where there can. The first time it fetches the kernel, some ten seconds."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return "the machines of tests/vm are for x86_64 Linux"
    if accel == "tcg" and shutil.which("qemu-system-x86_64") is None:
        return "there is no qemu-system-x86_64 (Debian: apt-get install qemu-system-x86)"
    done = subprocess.run(vm_run(accel, "--prepare"), capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        return f"no {accel} machine: {done.stderr.strip()[:300]}"
    done = subprocess.run(vm_run(accel, "--timeout", "60", "--", "true"), capture_output=True, text=True, timeout=90, check=False)
    return f"no {accel} machine starts: {done.stderr.strip()[-300:]}" if done.returncode else ""


def need(accel: str) -> None:
    """Skips the test where there is no such machine."""
    if why := missing(accel):
        pytest.skip(why)


def need_gpu() -> None:
    """Skips the test where there is no machine with a virtio-gpu."""
    need("uml")
    if not gpu_kernel.path().exists():
        pytest.skip("no kernel with virtio-gpu has been built yet: `make test-vm` does it, once (six minutes of processor time)")


def vm_run(accel: str, *args: str) -> list[str]:
    return [PYTHON, str(TOOLS / "vm_run.py"), "--accel", accel, *args]


def started(command: list[str], *paths: Path) -> subprocess.Popen[bytes]:
    """A device's process, once its sockets are there."""
    process = subprocess.Popen(command, cwd=ROOT)
    end = time.monotonic() + PATIENCE
    while not all(path.exists() for path in paths):
        assert process.poll() is None and time.monotonic() < end, f"{command[1]} does not start"
        time.sleep(0.01)
    return process


class Gpu:
    """A guest's virtio-gpu: each cross-domain context of the guest connects to the Unix socket `wayland`."""

    def __init__(self, folder: Path, wayland: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.vmm = folder / "vmm"
        command = [PYTHON, "-m", "tests.vm.tools.vhost_user_cross_domain", "--socket", str(self.vmm), "--wayland", str(wayland)]
        self.process = started(command, self.vmm)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


class Device:
    """A guest's vsock: connections to CID 2, port N reach the Unix socket PATH_N; `connect` goes the other way."""

    def __init__(self, folder: Path, cid: int) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.cid = cid
        self.path = folder / "vm.sock"
        self.vmm = folder / "vmm"
        command = [PYTHON, str(TOOLS / "vhost_user_vsock.py"), "--socket", str(self.vmm), "--uds", str(self.path), "--cid", str(cid)]
        self.process = started(command, self.vmm, self.path)

    def listen(self, port: int) -> socket.socket:
        """The host's end of a port."""
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(f"{self.path}_{port}")
        sock.listen(8)
        sock.settimeout(PATIENCE)
        return sock

    def connect(self, port: int, cid: int = 2) -> socket.socket:
        """A connection to a port in the guest, which sees it come from `cid`. Raises ConnectionError where nobody listens."""
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        sock.connect(str(self.path))
        sock.sendall(b"CONNECT %d FROM %d\n" % (port, cid))
        answer = b""
        while not answer.endswith(b"\n"):  # byte by byte: what the guest says may follow at once
            byte = sock.recv(1)
            if not byte:
                sock.close()
                raise ConnectionRefusedError(f"nobody listens on port {port} of CID {self.cid}")
            answer += byte
        return sock

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


class Machine:
    """A guest that runs `command` with the working tree as its folder."""

    def __init__(
        self,
        accel: str,
        command: list[str],
        device: Device | None = None,
        share: Path | None = None,
        seconds: int = 60,
        systemd: bool = False,
        gpu: Gpu | None = None,
    ) -> None:
        need(accel)
        options = ["--timeout", str(seconds), "--env", "WLPROXY_IN_VM=1", "--cwd", str(ROOT)]
        options += ["--systemd"] if systemd else []
        for name in ("PYTHONPATH", "WLPROXY_EXPECT_BUILD", "WLPROXY_WAYPIPE"):
            if name in os.environ:
                options += ["--env", f"{name}={os.environ[name]}"]
        if gpu:  # with a kernel of its own, which has no modules
            options += ["--kernel", str(gpu_kernel.path()), "--uml-virtio", f"{gpu.vmm}:{VIRTIO_GPU}"]
        else:
            options += ["--vhost-vsock-user", str(device.vmm)] if device else ["--module", "vsock_loopback"]
        options += ["--share", str(share)] if share else []
        self.seconds = seconds
        self.gpu = gpu
        self.process = subprocess.Popen(
            vm_run(accel, *options, "--", *command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL
        )

    def until(self, line: str) -> None:
        """Reads the machine's output up to a line."""
        assert self.process.stdout is not None
        seen = []
        for read in self.process.stdout:
            if read.strip() == line:
                return
            seen.append(read)
        raise AssertionError(f"no line {line!r} in:\n{''.join(seen)}")

    def finish(self) -> str:
        """Waits for the end; all that was written since. Fails where the command did."""
        output, _ = self.process.communicate(timeout=self.seconds + 30)
        assert self.process.returncode == 0, f"status {self.process.returncode}:\n{output}"
        return output

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()


def inside(name: str, *more: str) -> list[str]:
    """The command that runs a file of tests/vm/inside in a guest."""
    without = [word for plugin in ("cacheprovider", "hypothesispytest") for word in ("-p", f"no:{plugin}")]
    return [PYTHON, "-P", "-m", "pytest", "-q", "--color=no", *without, f"tests/vm/inside/{name}", *more]


def module(name: str, *args: str) -> list[str]:
    """The command that runs a module of the tests with the wlproxy that is installed, or that PYTHONPATH names."""
    code = f"import runpy, sys; sys.path.append({str(ROOT)!r}); runpy.run_module({name!r}, run_name='__main__')"
    return [PYTHON, "-P", "-c", code, *args]


def join(guest: Device, host: Device, port: int) -> socket.socket:
    """Carries what `guest` connects to on CID 2 on to the machine behind `host`, which plays the host and sees the guest's CID.
    Closing the socket that is returned ends it."""
    listener = guest.listen(port)
    listener.settimeout(None)

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        try:
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def carry(ours: socket.socket) -> None:
        try:
            theirs = host.connect(port, guest.cid)
        except OSError:
            ours.close()
            return
        back = threading.Thread(target=pump, args=(theirs, ours), daemon=True)
        back.start()
        pump(ours, theirs)
        back.join()
        ours.close()
        theirs.close()

    def accept() -> None:
        while True:
            try:
                ours, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=carry, args=(ours,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener
