"""Descriptors that exist as numbers: what a handler asks of them, answered as a test wants it."""

from __future__ import annotations

from tests.scene import Scene
from wlproxy.core.fds import DMABUF, MEMFD, PIPE, READ_ONLY, READ_WRITE, WRITE_ONLY, Fd, Files


class FakeFiles(Files):
    """Remembers what it made; `failing` makes every call raise; `content` is what is in every file."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = content
        self.failing = False
        self.made: list[Fd] = []

    def _make(self, kind: int, access: int, size: int) -> Fd:
        if self.failing:
            raise OSError(24, "Too many open files")
        self.made.append(Fd(700 + len(self.made), kind, access, size, 2 if kind == MEMFD else -1))
        return self.made[-1]

    def private_copy(self, source: Fd, size: int) -> Fd:
        return self._make(MEMFD, READ_WRITE, size)

    def duplicate(self, fd: Fd) -> Fd:
        return self._make(fd.kind, fd.access, fd.size)

    def shadow(self, size: int) -> Fd:
        return self._make(MEMFD, READ_WRITE, size)

    def copy(self, source: Fd, target: Fd, offset: int, length: int) -> bool:
        return offset + length <= source.size

    def read(self, fd: Fd, size: int) -> bytes:
        if self.failing:
            raise OSError(5, "Input/output error")
        return self.content[:size]

    def pipe(self) -> tuple[Fd, Fd]:
        return self._make(PIPE, READ_ONLY, 0), self._make(PIPE, WRITE_ONLY, 0)


def with_files(scene: Scene, files: FakeFiles) -> Scene:
    """The scene with these files, its past forgotten."""
    scene.session.connection.files = files
    return scene.forget()


def pipe_end(number: int = 500, access: int = WRITE_ONLY) -> Fd:
    return Fd(number, PIPE, access, 0, -1)


def dmabuf(number: int = 500, size: int = 1 << 20) -> Fd:
    return Fd(number, DMABUF, READ_WRITE, size, -1)
