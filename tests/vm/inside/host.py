"""python -m tests.vm.inside.host FOLDER, in a machine that plays the host: two sidecars on two vsock ports, for CID 3 and CID 4, and
a compositor that welcomes whoever comes. Says READY, serves one client, ends; the audit logs are FOLDER/PORT.jsonl."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tests.sidecar.conftest import Compositor, Sidecar, read, until


def main() -> None:
    share = Path(sys.argv[1])
    work = Path(tempfile.mkdtemp())
    compositor = Compositor(work / "host.sock")
    sidecars = {}
    for port, cid in ((1024, 3), (1025, 4)):
        folder = work / str(port)
        folder.mkdir()
        sidecars[port] = Sidecar(
            folder, listen=[f"vsock:{port}?cid={cid}"], framing="raw", confine="prefer", upstream=str(compositor.path)
        )
    print("READY", flush=True)
    compositor.sock.settimeout(40)
    with compositor.accept() as host:
        assert read(host, 5)[0] == b"hello"
        host.sendall(b"welcome")
        assert host.recv(1) == b""
    for port, sidecar in sidecars.items():
        until(lambda sidecar=sidecar: sidecar.audit("connect"), "the guest has come")
        assert sidecar.stop() == 0
        shutil.copy(sidecar.audit_path, share / f"{port}.jsonl")


if __name__ == "__main__":
    main()
