"""python -m tests.vm.inside.cross_domain COMMAND...: in a guest, runs a Wayland program whose connections go through virtio-gpu's
cross-domain channel. In the place of sommelier, wayland-proxy-virtwl or wl-cross-domain-proxy, and as little as can be.

It carries bytes and does not know what they mean. A file of a program's (wl_shm) gets a counterpart on the host, brought up to date before
whatever the program says next; a pipe's write end becomes a READ_PIPE; a file of the host's (a keymap) becomes one of the guest's; the
host's pipe is written to by us. A file that grows later (wl_shm_pool.resize) is not followed.
"""

from __future__ import annotations

import mmap
import os
import select
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

from tests.sidecar.vmm import MOST_FDS, SEND_BYTES
from tests.vm.inside.virtgpu import Blob, Context, FromPipe

PIPE_BYTES = 16384


class Connection:
    """One program's, until either end closes it."""

    def __init__(self, program: socket.socket) -> None:
        self.program = program
        self.host = Context()
        self.pools: list[tuple[mmap.mmap, Blob]] = []
        self.reads: dict[int, int] = {}  # number of a READ_PIPE: the program's pipe
        self.writes: dict[int, int] = {}  # our end of a pipe that the program writes to: number of the host's

    def carry(self) -> None:
        try:
            while self.turn():
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass  # the program has gone
        for memory, blob in self.pools:
            memory.close()
            blob.close()
        for fd in (*self.reads.values(), *self.writes):
            os.close(fd)
        self.host.close()
        self.program.close()

    def turn(self) -> bool:
        """Carries what there is; False at the end."""
        ready, _, _ = select.select([self.host.gpu, self.program, *self.writes], [], [])
        for fd in ready:
            if fd is self.program:
                if not self.from_program():
                    return False
            elif fd in self.writes:
                self.from_programs_pipe(fd)
            elif not self.from_host():
                return False
        return True

    def from_program(self) -> bool:
        data, fds, _, _ = socket.recv_fds(self.program, SEND_BYTES, MOST_FDS)
        if not data:
            return False
        sent: list[Blob | None] = []
        pipes = []
        for fd in fds:
            if stat.S_ISFIFO(os.fstat(fd).st_mode):
                pipes.append(fd)
                sent.append(None)
            else:
                size = os.fstat(fd).st_size
                self.pools.append((mmap.mmap(fd, size, prot=mmap.PROT_READ), self.host.file(size)))
                sent.append(self.pools[-1][1])
                os.close(fd)
        for memory, blob in self.pools:
            pixels = memory[:]
            if blob.memory[: len(pixels)] != pixels:
                blob.memory[: len(pixels)] = pixels
                blob.to_host()
        self.reads |= dict(zip(self.host.send(data, sent), pipes, strict=True))
        return True

    def from_host(self) -> bool:
        event = self.host.receive()
        if isinstance(event, FromPipe):
            self.into_programs_pipe(event)
            return True
        if not event.data:
            return False
        fds = [self.given(made, size) for made, size in event.files]
        socket.send_fds(self.program, [event.data], fds)
        for fd in fds:
            os.close(fd)
        return True

    def given(self, made: Blob | int, size: int) -> int:
        """What the program gets for a file or a pipe of the host's."""
        if isinstance(made, int):
            reader, writer = os.pipe()
            self.writes[reader] = made
            return writer
        fd = os.memfd_create("host's")
        os.write(fd, made.from_host()[:size])
        made.close()
        return fd

    def into_programs_pipe(self, event: FromPipe) -> None:
        if event.pipe not in self.reads:
            return  # the program has stopped reading
        try:
            if event.data:
                os.write(self.reads[event.pipe], event.data)
                return
        except BrokenPipeError:
            pass
        os.close(self.reads.pop(event.pipe))

    def from_programs_pipe(self, fd: int) -> None:
        data = os.read(fd, PIPE_BYTES)
        self.host.write(self.writes[fd], data)
        if not data:
            del self.writes[fd]
            os.close(fd)


def serve(path: Path) -> None:
    """Listens, and carries each connection in a thread of its own."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def accept() -> None:
        while True:
            connection = Connection(listener.accept()[0])
            threading.Thread(target=connection.carry, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def main() -> int:
    path = Path(os.environ["XDG_RUNTIME_DIR"]) / "wayland-guest"
    serve(path)
    return subprocess.run(sys.argv[1:], env=os.environ | {"WAYLAND_DISPLAY": str(path)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
