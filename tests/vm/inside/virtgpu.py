"""A guest's render node with a cross-domain context: the ioctls by which a program of the guest reaches a Wayland socket of the host.

`Context` carries bytes and files; what is in them it does not know. One is one connection of the host's. See virtgpu_drm.h, and
tests/vm/tools/vhost_user_cross_domain.py for the device at the other end.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import select
import struct
from dataclasses import dataclass
from pathlib import Path

from tests.vm.tools.vhost_user_cross_domain import (
    CAPSET,
    CHANNEL_RING,
    CHANNEL_WAYLAND,
    COMMAND,
    FIRST_READ_PIPE,
    GET_IMAGE_REQUIREMENTS,
    ID_BLOB,
    ID_READ_PIPE,
    ID_WRITE_PIPE,
    INIT,
    MEM_GUEST,
    MEM_HOST3D_GUEST,
    MOST_FDS,
    PAGE,
    POLL,
    READ,
    READ_WRITE,
    RECEIVE,
    REQUIREMENTS,
    SEND,
    TRANSFER,
    WRITE,
)


def _iowr(number: int, size: int) -> int:
    return 3 << 30 | size << 16 | ord("d") << 8 | number


MAP, EXECBUFFER, FROM_HOST, TO_HOST = _iowr(0x41, 16), _iowr(0x42, 40), _iowr(0x46, 44), _iowr(0x47, 44)
WAIT, CREATE_BLOB, CONTEXT_INIT = _iowr(0x48, 8), _iowr(0x4A, 48), _iowr(0x4B, 16)
GEM_CLOSE = 1 << 30 | 8 << 16 | ord("d") << 8 | 0x09
PARAM_CAPSET, PARAM_RINGS, PARAM_POLL_RINGS = 1, 2, 3
EXEC_RING_INDEX = 4
MAPPABLE_AND_SHAREABLE = 3
QUERY_RING = 0
R8 = 0x20203852  # drm_fourcc.h: an image of it is as many bytes as it is wide


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes of the stream, none at its end; the files that came are blobs, the pipes numbers for `write`."""

    data: bytes
    files: list[tuple[Blob | int, int]]  # a blob and its bytes, or a pipe's number and 0


@dataclass(frozen=True, slots=True)
class FromPipe:
    """Bytes of a pipe that was sent as a number; none: it has been closed."""

    pipe: int
    data: bytes


class Blob:
    """A resource, mapped: of the guest's memory alone, or with a file of the host's."""

    def __init__(self, gpu: int, memory: int, size: int, which: int = 0) -> None:
        self._gpu, self._size = gpu, size
        made = fcntl.ioctl(gpu, CREATE_BLOB, struct.pack("<4IQIIQQ", memory, MAPPABLE_AND_SHAREABLE, 0, 0, size, 0, 0, 0, which))
        self.handle, self.resource = struct.unpack_from("<II", made, 8)
        (offset,) = struct.unpack_from("<Q", fcntl.ioctl(gpu, MAP, struct.pack("<QII", 0, self.handle, 0)))
        self.memory = mmap.mmap(gpu, size, offset=offset)

    def _transfer(self, request: int) -> None:
        fcntl.ioctl(self._gpu, request, struct.pack("<11I", self.handle, 0, 0, 0, self._size, 1, 1, 0, 0, 0, 0))

    def to_host(self) -> None:
        """What is sent after this finds the memory's bytes in the host's file."""
        self._transfer(TO_HOST)

    def from_host(self) -> bytes:
        self._transfer(FROM_HOST)
        self.wait()
        return self.memory[:]

    def wait(self) -> None:
        fcntl.ioctl(self._gpu, WAIT, struct.pack("<II", self.handle, 0))

    def close(self) -> None:
        self.memory.close()
        fcntl.ioctl(self._gpu, GEM_CLOSE, struct.pack("<II", self.handle, 0))


class Context:
    """A connection to the host. `gpu` is readable when `receive` has something."""

    def __init__(self) -> None:
        (node,) = Path("/dev/dri").glob("renderD*")
        self.gpu = os.open(node, os.O_RDWR | os.O_CLOEXEC)
        parameters = struct.pack("<6Q", PARAM_CAPSET, CAPSET, PARAM_RINGS, 2, PARAM_POLL_RINGS, 1 << CHANNEL_RING)
        buffer = ctypes.create_string_buffer(parameters, len(parameters))
        fcntl.ioctl(self.gpu, CONTEXT_INIT, struct.pack("<IIQ", 3, 0, ctypes.addressof(buffer)))
        self._query, self._ring = (Blob(self.gpu, MEM_GUEST, PAGE) for _ in range(2))
        self._pipes = 0
        fields = (self._query.resource, self._ring.resource, CHANNEL_WAYLAND)
        self._execute(struct.pack("<BBHI3I", INIT, 0, COMMAND.size + 12, 0, *fields))
        self._poll()

    def _execute(self, command: bytes, ring: int | None = None, blob: Blob | None = None) -> None:
        buffer = ctypes.create_string_buffer(command, len(command))
        handle = struct.pack("<I", blob.handle if blob else 0)
        handles = ctypes.create_string_buffer(handle, 4)
        flags = 0 if ring is None else EXEC_RING_INDEX
        fields = (flags, len(command), ctypes.addressof(buffer), ctypes.addressof(handles), int(blob is not None), -1, ring or 0, 0)
        fcntl.ioctl(self.gpu, EXECBUFFER, struct.pack("<IIQQIiII", *fields))

    def _poll(self) -> None:
        self._execute(COMMAND.pack(POLL, 0, COMMAND.size + 8, 0) + bytes(8), CHANNEL_RING)

    def file(self, size: int) -> Blob:
        """A new file of the host's, of `size` bytes or, to a whole page, more."""
        body = struct.pack("<4I", size, 1, R8, 0)
        self._execute(COMMAND.pack(GET_IMAGE_REQUIREMENTS, 0, COMMAND.size + len(body), 0) + body, QUERY_RING, self._query)
        self._query.wait()
        *_, image, which, _, _, _ = REQUIREMENTS.unpack_from(self._query.memory)
        return Blob(self.gpu, MEM_HOST3D_GUEST, image, which)

    def send(self, data: bytes, fds: list[Blob | None] | None = None) -> list[int]:
        """One SEND. None among the descriptors is a pipe that the host's side reads; the numbers of these are returned."""
        ids, kinds, pipes = [0] * MOST_FDS, [0] * MOST_FDS, []
        for at, blob in enumerate(fds or []):
            if blob is None:
                ids[at], kinds[at] = FIRST_READ_PIPE + self._pipes, ID_READ_PIPE  # a guess, as sommelier makes it
                pipes.append(ids[at])
                self._pipes += 1
            else:
                ids[at], kinds[at] = blob.resource, ID_BLOB
        head = TRANSFER.pack(SEND, 0, TRANSFER.size + len(data), 0, len(fds or []), len(data), *ids, *kinds, *[0] * MOST_FDS)
        self._execute(head + data)
        return pipes

    def write(self, pipe: int, data: bytes) -> None:
        """Into a pipe of the host's; nothing closes it."""
        head = READ_WRITE.pack(WRITE, 0, READ_WRITE.size + len(data), 0, pipe, not data, len(data), 0)
        self._execute(head + data)

    def receive(self, seconds: float | None = None) -> Received | FromPipe:
        """Waits for one event of the host's."""
        if not select.select([self.gpu], [], [], seconds)[0]:
            raise TimeoutError(f"no event within {seconds} s")
        os.read(self.gpu, 1024)  # the driver's event of a fence
        op = self._ring.memory[0]
        if op == READ:
            _, _, _, _, pipe, _, size, _ = READ_WRITE.unpack_from(self._ring.memory)
            event: Received | FromPipe = FromPipe(pipe, self._ring.memory[READ_WRITE.size : READ_WRITE.size + size])
        else:
            assert op == RECEIVE, f"an event {op}"
            _, _, _, _, count, size, *rest = TRANSFER.unpack_from(self._ring.memory)
            data, files = self._ring.memory[TRANSFER.size : TRANSFER.size + size], []
            for number, kind, length in zip(rest[:count], rest[MOST_FDS:], rest[2 * MOST_FDS :], strict=False):
                assert kind in (ID_BLOB, ID_WRITE_PIPE), f"a descriptor of kind {kind}"
                made = Blob(self.gpu, MEM_HOST3D_GUEST, length, number) if kind == ID_BLOB else number
                files.append((made, length))
            event = Received(data, files)
        self._poll()
        return event

    def close(self) -> None:
        """The mappings of blobs keep the context, too: close those first."""
        self._query.close()
        self._ring.close()
        os.close(self.gpu)
