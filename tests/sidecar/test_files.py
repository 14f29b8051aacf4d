"""Facts about real descriptors, and what is done with them: the kernel's answers, not a fake's."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from wlproxy.core.fds import FILE, MEMFD, OTHER, PIPE, READ_ONLY, SOCKET, WRITE_ONLY, Fd
from wlproxy.sidecar.relay.fd_facts import gather
from wlproxy.sidecar.relay.files import HostFiles


@pytest.fixture
def opened() -> Iterator[list[int]]:
    """Descriptors to be closed after the test."""
    numbers: list[int] = []
    yield numbers
    for number in numbers:
        os.close(number)


def nonblocking(number: int) -> bool:
    return bool(fcntl.fcntl(number, fcntl.F_GETFL) & os.O_NONBLOCK)


def test_our_end_of_a_pipe_does_not_block_and_the_other_is_an_ordinary_one(opened):
    source, target = HostFiles().pipe()
    opened += (source.number, target.number)
    assert (source.kind, source.access, target.kind, target.access) == (PIPE, READ_ONLY, PIPE, WRITE_ONLY)
    assert nonblocking(source.number)
    assert not nonblocking(target.number)
    assert not os.get_inheritable(source.number)
    assert not os.get_inheritable(target.number)
    assert (gather(target.number).kind, gather(target.number).access) == (PIPE, WRITE_ONLY)


def test_a_copy_is_the_guests_own_and_can_be_written(opened):
    original = os.memfd_create("keymap", os.MFD_ALLOW_SEALING)
    opened.append(original)
    os.write(original, b"xkb_keymap")
    copy = HostFiles().private_copy(Fd(original), 10)
    opened.append(copy.number)
    os.pwrite(copy.number, b"XXX", 0)
    assert os.pread(original, 10, 0) == b"xkb_keymap"
    assert os.pread(copy.number, 10, 0) == b"XXX_keymap"
    assert os.fstat(original).st_ino != os.fstat(copy.number).st_ino


def test_a_copy_of_nothing_is_an_empty_file_and_the_descriptor_is_not_read(opened):
    reader, writer = os.pipe()
    opened += (reader, writer)
    copy = HostFiles().private_copy(Fd(reader), 0)
    opened.append(copy.number)
    assert os.pread(copy.number, 5000, 0) == bytes(4096)


@pytest.mark.parametrize("size", [11, 5000])
def test_a_file_that_is_shorter_than_it_is_said_to_be_is_not_copied(opened, size):
    original = os.memfd_create("keymap")
    opened.append(original)
    os.write(original, b"xkb_keymap")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="fewer than"):
        HostFiles().private_copy(Fd(original), size)
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_cannot_be_read_is_not_copied_and_nothing_leaks(opened):
    reader, writer = os.pipe()
    opened += (reader, writer)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match="Illegal seek"):
        HostFiles().private_copy(Fd(reader), 10)
    assert len(os.listdir("/proc/self/fd")) == before


def test_reading_leaves_the_offset_alone(opened):
    number = os.memfd_create("table")
    opened.append(number)
    os.write(number, b"0123456789")
    os.lseek(number, 4, os.SEEK_SET)
    assert HostFiles().read(Fd(number), 6) == b"012345"
    assert HostFiles().read(Fd(number), 100) == b"0123456789"
    assert os.lseek(number, 0, os.SEEK_CUR) == 4


def test_a_pipe_with_a_name_is_no_pipe(opened, tmp_path: Path):
    os.mkfifo(tmp_path / "fifo")
    number = os.open(tmp_path / "fifo", os.O_RDWR | os.O_NONBLOCK)
    opened.append(number)
    assert gather(number).kind == OTHER


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="no /dev/shm")
def test_a_file_in_memory_that_has_a_name_is_a_file(opened):
    """shmem takes F_GET_SEALS whether it has a name or not."""
    path = f"/dev/shm/wlproxy-test-{os.getpid()}"
    opened.append(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        assert gather(opened[0]).kind == FILE
    finally:
        os.unlink(path)


def test_kinds_are_told_apart(opened, tmp_path: Path):
    named = tmp_path / "file"
    named.write_bytes(b"x")
    one, two = socket.socketpair()
    numbers = [
        os.memfd_create("x", os.MFD_ALLOW_SEALING),
        os.open(named, os.O_RDWR),
        os.dup(one.fileno()),
        os.open(named, os.O_PATH),
        os.open(tmp_path, os.O_RDONLY),
        os.open("/dev/null", os.O_RDWR),
        os.open("/proc/self/status", os.O_RDONLY),
        os.eventfd(0),
        os.pidfd_open(os.getpid()),
    ]
    opened += numbers
    one.close()
    two.close()
    assert [gather(n).kind for n in numbers] == [MEMFD, FILE, SOCKET, OTHER, OTHER, OTHER, FILE, OTHER, OTHER]


def test_a_pool_is_sealed_in_the_kernel(opened):
    opened.append(os.memfd_create("x", os.MFD_ALLOW_SEALING))
    os.ftruncate(opened[0], 4096)
    fd = gather(opened[0])
    HostFiles().seal(fd)
    assert fd.seals & fcntl.F_SEAL_SHRINK
    with pytest.raises(PermissionError):
        os.ftruncate(opened[0], 0)
