"""wl_shm: pools and buffers of shared memory.

Promises: pixels are read with pread when a surface is committed, never through a mapping, so that a client that shrinks its file
gets a protocol error and cannot kill the host with SIGBUS. Sizes are checked as libwayland checks them. Trusts: nothing.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pywayland.protocol.wayland import WlBuffer, WlShm, WlShmPool

from .resource import Client, Resource

if TYPE_CHECKING:
    from .compositor import Host

INVALID_FORMAT: Final = 0  # wl_shm.error
INVALID_STRIDE: Final = 1
INVALID_FD: Final = 2
ARGB8888: Final = 0
XRGB8888: Final = 1


@dataclass(frozen=True, slots=True)
class Image:
    """Pixels copied from a buffer: rows of `stride` bytes, each pixel blue, green, red, alpha (premultiplied)."""

    width: int
    height: int
    stride: int
    pixels: bytes
    has_alpha: bool


class _File:
    """The descriptor of a pool, shared by the pool and its buffers; the last one closes it."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor = descriptor
        self.size = size
        self._users = 1

    def use(self) -> _File:
        self._users += 1
        return self

    def leave(self) -> None:
        self._users -= 1
        if self._users == 0:
            os.close(self.descriptor)


class Buffer:
    """A wl_buffer made from a pool."""

    def __init__(self, file: _File, offset: int, width: int, height: int, stride: int, pixel_format: int) -> None:
        self._file = file.use()
        self._offset = offset
        self.width = width
        self.height = height
        self._stride = stride
        self._format = pixel_format
        self.resource: Resource | None = None

    def read(self) -> Image | None:
        """A copy of the pixels; None, and a protocol error, when the file does not have them."""
        size = self._stride * self.height
        pixels = b""
        try:
            while len(pixels) < size:
                part = os.pread(self._file.descriptor, size - len(pixels), self._offset + len(pixels))
                if not part:
                    break
                pixels += part
        except OSError:
            pixels = b""
        if len(pixels) < size:
            if self.resource is not None:
                self.resource.post_error(INVALID_FD, "error accessing SHM buffer")
            return None
        return Image(self.width, self.height, self._stride, pixels, self._format == ARGB8888)

    def release(self) -> None:
        """The client may draw into it again."""
        if self.resource is not None:
            self.resource.send("release")

    def gone(self, _resource: Resource) -> None:
        self.resource = None
        self._file.leave()


class _Pool:
    def __init__(self, file: _File) -> None:
        self._file = file

    def on_create_buffer(
        self, resource: Resource, object_id: int, offset: int, width: int, height: int, stride: int, pixel_format: int
    ) -> None:
        if pixel_format not in (ARGB8888, XRGB8888):
            resource.post_error(INVALID_FORMAT, f"invalid format {pixel_format:#x}")
        elif offset < 0 or width <= 0 or height <= 0 or stride < width * 4 or offset + stride * height > self._file.size:
            resource.post_error(INVALID_STRIDE, f"invalid width, height or stride ({width}x{height}, {stride})")
        else:
            buffer = Buffer(self._file, offset, width, height, stride, pixel_format)
            buffer.resource = resource.create(WlBuffer, object_id, buffer)

    def on_resize(self, resource: Resource, size: int) -> None:
        if size < self._file.size:
            resource.post_error(INVALID_FD, "shrinking pool invalid")
        else:
            self._file.size = size

    def gone(self, _resource: Resource) -> None:
        self._file.leave()


class _Shm:
    def on_create_pool(self, resource: Resource, object_id: int, descriptor: int, size: int) -> None:
        if size <= 0:
            os.close(descriptor)
            resource.post_error(INVALID_STRIDE, f"invalid size ({size})")
        elif not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            resource.post_error(INVALID_FD, "failed mmap: not a file")
        else:
            resource.create(WlShmPool, object_id, _Pool(_File(descriptor, size)))


def advertise_shm(host: Host) -> None:
    """The global."""
    shm: Any = _Shm()

    def bind(client: Client, version: int, object_id: int) -> None:
        resource = Resource(client, WlShm, version, object_id, shm)
        resource.send("format", ARGB8888)
        resource.send("format", XRGB8888)

    host.advertise(WlShm, 1, bind)
