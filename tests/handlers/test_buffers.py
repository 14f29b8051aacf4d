"""wl_shm pools and buffers: what a compositor may be handed to map."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.scene import BASIC, Scene, policy
from wlproxy.core.fds import DMABUF, FILE, MEMFD, OTHER, PIPE, READ_ONLY, READ_WRITE, SOCKET, Fd, Files
from wlproxy.core.quotas import Limits, Usage

SHRINK = 2
FOURCC_NV12 = int.from_bytes(b"NV12", "little")


class FakeFiles(Files):
    """Files whose sizes and seals a test sets; remembers what was asked of it."""

    def __init__(self, takes_seals: bool = True) -> None:
        self.takes_seals = takes_seals
        self.sizes: dict[int, int] = {}
        self.copies: list[tuple[int, int, int, int]] = []
        self.next = 700
        self.made: list[Fd] = []

    def seal(self, fd: Fd) -> None:
        if self.takes_seals:
            fd.seals |= SHRINK
        self.refresh(fd)

    def refresh(self, fd: Fd) -> None:
        fd.size = self.sizes.get(fd.number, fd.size)

    def duplicate(self, fd: Fd) -> Fd:
        self.next += 1
        made = Fd(self.next, fd.kind, fd.access, fd.size, fd.seals)
        self.made.append(made)
        return made

    def shadow(self, size: int) -> Fd:
        self.next += 1
        made = Fd(self.next, MEMFD, READ_WRITE, size, SHRINK)
        self.made.append(made)
        return made

    def copy(self, source: Fd, target: Fd, offset: int, length: int) -> bool:
        self.copies.append((source.number, target.number, offset, length))
        return source.size >= offset + length


def scene_with(files: FakeFiles, limits: Limits | None = None, usage: Usage | None = None) -> Scene:
    scene = Scene(limits=limits, usage=usage).window().forget()
    scene.session.connection.files = files
    return scene


def memfd(number: int = 500, size: int = 4096, seals: int = 0) -> Fd:
    return Fd(number, MEMFD, READ_WRITE, size, seals)


def test_a_pool_is_sealed_before_the_compositor_gets_it():
    files = FakeFiles()
    scene = scene_with(files).guest(4, "create_pool", 9, 4096, fds=[memfd()])
    assert scene.outcome.to_host[0].fds[0].seals & SHRINK


@pytest.mark.parametrize("kind", [FILE, PIPE, SOCKET, DMABUF, OTHER])
def test_a_pool_that_is_no_shared_memory_is_invalid_fd(kind):
    scene = scene_with(FakeFiles()).guest(4, "create_pool", 9, 4096, fds=[Fd(500, kind, READ_WRITE, 4096, -1)])
    scene.host_gets().ends(4, 2, "must be a memfd")
    scene.close()


def test_a_pool_that_cannot_be_written_is_invalid_fd():
    fd = Fd(500, MEMFD, READ_ONLY, 4096, 0)
    scene_with(FakeFiles()).guest(4, "create_pool", 9, 4096, fds=[fd]).ends(4, 2, "not open for reading and writing")


@pytest.mark.parametrize("seals", [8, 16, 2 | 8])
def test_a_pool_sealed_against_writing_is_invalid_fd(seals):
    scene = scene_with(FakeFiles()).guest(4, "create_pool", 9, 4096, fds=[memfd(seals=seals)])
    scene.ends(4, 2, "not open for reading and writing")


@pytest.mark.parametrize("size", [0, -1, -(2**31)])
def test_a_pool_of_no_size_is_invalid_stride(size):
    scene_with(FakeFiles()).guest(4, "create_pool", 9, size, fds=[memfd()]).ends(4, 1, "invalid size")


def test_a_pool_larger_than_its_file_is_invalid_fd():
    scene_with(FakeFiles()).guest(4, "create_pool", 9, 4097, fds=[memfd()]).ends(4, 2, "exceeds the file's 4096")


def test_the_size_is_looked_at_after_sealing_not_before():
    files = FakeFiles()
    files.sizes[500] = 100  # truncated between the transport's look and the seal
    scene_with(files).guest(4, "create_pool", 9, 4096, fds=[memfd()]).ends(4, 2, "exceeds the file's 100")


def test_a_pool_beyond_the_quota_is_refused():
    fd = memfd(size=1 << 31)
    scene_with(FakeFiles()).guest(4, "create_pool", 9, (1 << 30) + 1, fds=[fd]).ends(1, 3, "more than")


def test_a_buffer_beyond_the_quota_is_refused():
    scene = scene_with(FakeFiles()).guest(4, "create_pool", 9, 1 << 30, fds=[memfd(size=1 << 30)])
    scene.guest(9, "create_buffer", 10, 0, 16, 16384, 16388, 0).ends(1, 3, "more than")


@pytest.mark.parametrize(("width", "height"), [(16385, 1), (1, 16385)])
def test_a_buffer_that_no_screen_can_show_is_refused(width, height):
    scene = scene_with(FakeFiles()).guest(4, "create_pool", 9, 1 << 20, fds=[memfd(size=1 << 20)])
    scene.guest(9, "create_buffer", 10, 0, width, height, 4 * width, 0).ends(1, 3, "above 16384")


def test_a_pool_does_not_grow_beyond_what_a_pool_may_be():
    scene = scene_with(FakeFiles()).guest(4, "create_pool", 9, 4096, fds=[memfd(size=1 << 31)])
    scene.guest(9, "resize", (1 << 30) + 1).ends(9, 2, "resize from 4096")


def test_a_pool_may_grow_only_as_far_as_its_file():
    files = FakeFiles()
    scene = scene_with(files).guest(4, "create_pool", 9, 4096, fds=[memfd()])
    files.sizes[701] = 8192
    scene.guest(9, "resize", 8192).goes_on().guest(9, "resize", 8193).ends(9, 2, "exceeds the file's 8192")


def test_a_pool_may_not_shrink():
    scene = scene_with(FakeFiles()).guest(4, "create_pool", 9, 4096, fds=[memfd()])
    scene.guest(9, "resize", 4095).ends(9, 2, "resize from 4096 to 4095")


@pytest.mark.parametrize(
    ("offset", "width", "height", "stride"),
    [
        (0, 16, 16, 63),
        (0, 0, 16, 64),
        (0, 16, 0, 64),
        (-4, 16, 16, 64),
        (1, 16, 64, 64),
        (0, 16, 65, 64),
        (0x7FFFFFC0, 16, 1, 64),
        (0, 16, 0x04000000, 64),
        (0, 0x40000001, 1, 4),
        (0, 16, 16, -64),
        (0, 2**31 - 1, 2**31 - 1, 2**31 - 1),
    ],
)
def test_a_buffer_that_does_not_lie_in_its_pool_is_invalid_stride(offset, width, height, stride):
    scene = Scene().window().guest(4, "create_pool", 9, 4096, fds=1).forget()
    scene.guest(9, "create_buffer", 10, offset, width, height, stride, 0).host_gets().ends(9, 1, "not inside a pool")


@pytest.mark.parametrize("pixels", [2, FOURCC_NV12, 0xFFFFFFFF, 0])
def test_only_formats_whose_size_is_known_make_a_buffer(pixels):
    scene = Scene().window().guest(4, "create_pool", 9, 4096, fds=1)
    scene.guest(9, "create_buffer", 10, 0, 16, 16, 64, pixels)
    scene.goes_on() if pixels == 0 else scene.ends(9, 0, "invalid format")


def test_one_pool_has_a_bounded_number_of_buffers():
    scene = Scene().window().guest(4, "create_pool", 9, 4096, fds=1)
    for number in range(256):
        scene.guest(9, "create_buffer", 10 + number, 0, 16, 16, 64, 0)
    scene.goes_on().guest(9, "create_buffer", 266, 0, 16, 16, 64, 0).ends(1, 3, "more than 256 buffers")


def test_a_file_that_takes_no_seals_is_replaced_by_a_copy_that_commits_bring_up_to_date():
    files = FakeFiles(takes_seals=False)
    scene = scene_with(files).guest(4, "create_pool", 9, 4096, fds=[memfd()])
    sent = scene.outcome.to_host[0].fds[0]
    assert sent.number != 500
    assert sent.seals & SHRINK
    assert [fd.number for fd in scene.outcome.discarded] == [500]
    scene.guest(9, "create_buffer", 10, 1024, 16, 16, 64, 0).guest(8, "destroy").guest(7, "destroy")
    scene.guest(6, "attach", 10, 0, 0).guest(6, "commit").goes_on()
    assert [(offset, length) for _, _, offset, length in files.copies] == [(1024, 1024)]
    scene.guest(9, "destroy").guest(10, "destroy")


def test_a_copied_file_that_is_truncated_meanwhile_ends_the_guest_and_not_the_compositor():
    files = FakeFiles(takes_seals=False)
    scene = scene_with(files).guest(4, "create_pool", 9, 4096, fds=[memfd()])
    scene.guest(9, "create_buffer", 10, 0, 16, 16, 64, 0).guest(8, "destroy").guest(7, "destroy")
    for fd in files.made:
        fd.size = 10
    scene.guest(6, "attach", 10, 0, 0).forget().guest(6, "commit").host_gets().ends(10, 2, "truncated")


def test_descriptors_kept_for_pools_come_back_with_the_pool_or_at_the_end():
    files = FakeFiles()
    scene = scene_with(files).guest(4, "create_pool", 9, 4096, fds=[memfd()]).guest(9, "destroy")
    assert [fd.number for fd in scene.outcome.discarded] == [701]
    scene.guest(4, "create_pool", 10, 4096, fds=[memfd(501)])


def test_descriptors_kept_for_pools_are_bounded():
    scene = scene_with(FakeFiles(), Limits(fds=2))
    for number in range(2):
        scene.guest(4, "create_pool", 9 + number, 4096, fds=[memfd(500 + number)]).goes_on()
    scene.guest(4, "create_pool", 11, 4096, fds=[memfd(502)]).ends(1, 2, "more than 2 descriptors")


def test_pools_that_are_alive_are_bounded():
    scene = Scene(limits=Limits(shm_pools=20)).window()
    for number in range(20):
        scene.guest(4, "create_pool", 9 + number, 4096, fds=1)
    scene.guest(9, "destroy").event(1, "delete_id", 9).guest(4, "create_pool", 9, 4096, fds=1).goes_on()
    scene.guest(4, "create_pool", 29, 4096, fds=1).ends(1, 2, "more than 20 shm-pools")


def test_all_buffers_of_a_guest_together_are_bounded_over_its_connections():
    usage, limits = Usage(), Limits(shm_bytes=3 * 4096)
    first, second = (Scene(limits=limits, usage=usage).window() for _ in range(2))
    for scene in (first, second):
        scene.guest(4, "create_pool", 9, 1 << 20, fds=1)
    first.guest(9, "create_buffer", 10, 0, 32, 32, 128, 0).guest(9, "create_buffer", 11, 0, 32, 32, 128, 0).goes_on()
    second.guest(9, "create_buffer", 10, 0, 32, 32, 128, 0).goes_on()
    first.guest(10, "destroy").goes_on()
    second.guest(9, "create_buffer", 11, 0, 32, 32, 128, 0).goes_on()
    assert usage.shm_bytes == 3 * 4096
    second.guest(9, "create_buffer", 12, 0, 32, 32, 128, 0).ends(1, 2, "more than 12288 bytes in buffers")
    second.close()
    assert usage.shm_bytes == 4096


def test_descriptors_held_for_pools_are_bounded_over_connections():
    usage, limits = Usage(), Limits(fds=2)
    files = FakeFiles()
    scenes = [scene_with(files, limits, usage) for _ in range(3)]
    for scene in scenes[:2]:
        scene.guest(4, "create_pool", 9, 4096, fds=[Fd(500, MEMFD, READ_WRITE, 4096, 0)]).goes_on()
    scenes[2].guest(4, "create_pool", 9, 4096, fds=[Fd(501, MEMFD, READ_WRITE, 4096, 0)]).ends(1, 2, "more than 2 descriptors")
    for scene in scenes:
        scene.close()
    assert usage.fds == 0


@pytest.mark.parametrize("word", ["copy", "refuse"])
def test_a_file_that_takes_no_seals_is_refused_where_the_policy_says_so(word: str) -> None:
    files = FakeFiles(takes_seals=False)
    scene = Scene(replace(policy(*BASIC), shm_unsealable=word)).window().forget()
    scene.session.connection.files = files
    scene.guest(4, "create_pool", 9, 4096, fds=[memfd()])
    if word == "copy":
        scene.goes_on()
    else:
        scene.ends(4, 2, "cannot be sealed against shrinking")
    scene.close()
