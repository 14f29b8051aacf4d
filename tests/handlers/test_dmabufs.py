"""linux-dmabuf: planes, formats that were offered, sizes; the errors that the specification names."""

from __future__ import annotations

import struct

import pytest

from tests.handlers.fakes import FakeFiles, dmabuf, with_files
from tests.scene import Scene, policy
from wlproxy.core.fds import DMABUF, FILE, MEMFD, OTHER, PIPE, READ_WRITE, SOCKET, UNKNOWN, Fd, Files
from wlproxy.handlers.buffers import fourcc
from wlproxy.handlers.dmabufs import formats_of
from wlproxy.policy.model import Origin, PermissionRule, Policy

NAME = "zwp_linux_dmabuf_v1"
RULES = policy("wl_compositor", "wp_viewporter", NAME, "wl_drm")
XR24, NV12 = fourcc("XR24"), fourcc("NV12")
IMPLICIT_HI, IMPLICIT_LO = 0x00FFFFFF, 0xFFFFFFFF
TILED = (0x01000000, 2)
UNOFFERED = [(NV12, TILED), (NV12, (IMPLICIT_HI, IMPLICIT_LO)), (XR24, (7, 7)), (fourcc("AB24"), (0, 0))]
BY_NAME = [("create_buffer", (4, 1, 16, 16, 64, XR24)), ("create_planar_buffer", (4, 1, 16, 16, XR24, 0, 64, 0, 0, 0, 0))]
SERVER = 0xFF000000


def scene_of(version: int = 3, files: FakeFiles | None = None) -> Scene:
    """dmabuf 3, params 4; XR24 is offered linear, tiled and implicit, NV12 linear."""
    scene = Scene(RULES).announce(names=("wl_compositor", "wp_viewporter", NAME)).bind(NAME, 3, version=version)
    if version == 3:
        for pixels, high, low in ((XR24, 0, 0), (XR24, *TILED), (XR24, IMPLICIT_HI, IMPLICIT_LO), (NV12, 0, 0)):
            scene.event(3, "modifier", pixels, high, low)
    return with_files(scene.guest(3, "create_params", 4), files or FakeFiles())


def add(scene: Scene, index: int = 0, offset: int = 0, stride: int = 64, modifier: tuple[int, int] = (0, 0), size: int = 1 << 20) -> Scene:
    return scene.guest(4, "add", index, offset, stride, *modifier, fds=[dmabuf(500 + index, size)])


def test_a_buffer_as_it_should_be_passes():
    scene = add(scene_of()).guest(4, "create_immed", 5, 16, 16, XR24, 0).goes_on()
    assert scene.host_lines[-1] == f"zwp_linux_buffer_params_v1#4.create_immed(5, 16, 16, {XR24}, 0)"
    scene.close()


@pytest.mark.parametrize("kind", [MEMFD, FILE, PIPE, SOCKET, OTHER])
def test_a_plane_is_a_dma_buf(kind):
    scene = scene_of().guest(4, "add", 0, 0, 64, 0, 0, fds=[Fd(500, kind, READ_WRITE, 1 << 20)]).host_gets()
    scene.ends(1, 3, "must be a dmabuf")
    scene.close()


def test_a_plane_beyond_the_fourth_is_plane_idx():
    add(scene_of(), index=4).ends(4, 1, "too high")


def test_a_plane_set_twice_is_plane_set():
    add(add(scene_of())).ends(4, 2, "set already")


@pytest.mark.parametrize("planes", [(), (1,), (0, 2), (1, 2)])
def test_a_gap_in_the_planes_is_incomplete(planes):
    scene = scene_of()
    for index in planes:
        add(scene, index)
    scene.forget().guest(4, "create", 16, 16, XR24, 0).host_gets().ends(4, 3, "not all there")


@pytest.mark.parametrize("request_name", ["add", "create", "create_immed", "set_sampling_device"])
def test_params_make_one_buffer(request_name):
    scene = Scene(RULES).announce(names=(NAME,)).bind(NAME, 3, version=6)
    scene = with_files(scene.guest(3, "create_params", 4), FakeFiles())
    formats_of(scene.session.connection).add(XR24, 0)
    add(scene).guest(4, "create", 16, 16, XR24, 0).goes_on()
    if request_name == "add":
        add(scene, 1)
    elif request_name == "create":
        scene.guest(4, "create", 16, 16, XR24, 0)
    elif request_name == "set_sampling_device":
        scene.guest(4, "set_sampling_device", bytes(8))
    else:
        scene.guest(4, "create_immed", 5, 16, 16, XR24, 0)
    scene.ends(4, 0, "made a buffer already")


@pytest.mark.parametrize(("pixels", "modifier"), UNOFFERED)
def test_a_pair_that_was_not_offered_is_invalid_format(pixels, modifier):
    add(scene_of(), modifier=modifier).guest(4, "create", 16, 16, pixels, 0).ends(4, 4, "was not offered")


@pytest.mark.parametrize("modifier", [(0, 0), TILED, (IMPLICIT_HI, IMPLICIT_LO)])
def test_each_pair_that_was_offered_passes(modifier):
    add(scene_of(), modifier=modifier).guest(4, "create", 16, 16, XR24, 0).goes_on()


def test_nothing_was_offered_so_nothing_is_taken():
    scene = Scene(RULES).announce(names=(NAME,)).bind(NAME, 3, version=3).guest(3, "create_params", 4)
    add(scene).guest(4, "create", 16, 16, XR24, 0).ends(4, 4, "was not offered")


def test_a_format_of_the_first_versions_goes_without_a_modifier():
    scene = Scene(RULES).announce(names=(NAME,)).bind(NAME, 3, version=2).event(3, "format", XR24).guest(3, "create_params", 4)
    add(scene).guest(4, "create", 16, 16, XR24, 0).goes_on()


def test_planes_of_different_modifiers_are_invalid_format_from_version_5():
    scene = scene_of(version=5)
    add(add(scene), 1, modifier=TILED).ends(4, 4, "not that of the other planes")


@pytest.mark.parametrize("size", [(0, 16), (16, 0), (-1, 16), (16, -(2**31))])
def test_a_size_that_is_not_positive_is_invalid_dimensions(size):
    add(scene_of()).guest(4, "create", *size, XR24, 0).ends(4, 5, "not positive")


@pytest.mark.parametrize(("width", "height"), [(16385, 16), (16, 16385)])
def test_a_size_that_no_screen_can_show_is_refused(width, height):
    add(scene_of(), stride=1 << 17, size=1 << 40).guest(4, "create", width, height, XR24, 0).ends(1, 3, "above 16384")


@pytest.mark.parametrize(
    ("offset", "stride", "height", "size"),
    [
        (0, 64, 17, 1024),
        (1, 64, 16, 1024),
        (0xFFFFFFC0, 64, 16, 1 << 40),
        (0, 0xFFFFFFFF, 16, 1 << 40),
        (0, 0, 16, 1024),
        (0, 63, 16, 1024),
        (0, 0x10000001, 16, 0),
    ],
)
def test_a_plane_that_does_not_lie_in_its_dma_buf_is_out_of_bounds(offset, stride, height, size):
    scene = add(scene_of(), offset=offset, stride=stride, size=size)
    scene.forget().guest(4, "create_immed", 5, 16, height, XR24, 0).host_gets().ends(4, 6, "plane 0")


def test_a_stride_of_nothing_is_out_of_bounds_whatever_the_layout():
    add(scene_of(), stride=0, modifier=TILED).guest(4, "create", 16, 16, XR24, 0).ends(4, 6, "plane 0")


@pytest.mark.parametrize(("offset", "size", "good"), [(1024, 1280, True), (1024, 1279, False), (1 << 20, 1 << 20, False)])
def test_the_second_plane_lies_in_its_dma_buf_as_far_as_anybody_can_tell(offset, size, good):
    scene = add(add(scene_of()), 1, offset=offset, size=size).guest(4, "create", 16, 16, NV12, 0)
    scene.goes_on() if good else scene.ends(4, 6, "plane 1")


def test_a_device_is_a_dev_t():
    scene = scene_of(version=6)
    scene.guest(4, "set_sampling_device", bytes(8)).goes_on().guest(4, "set_sampling_device", bytes(7)).ends(4, 8, "8 bytes")


@pytest.mark.parametrize("how", ["create", "create_immed"])
def test_a_buffers_size_is_known_to_its_viewport(how):
    scene = add(scene_of().guest(3, "create_params", 5))
    scene.bind("wl_compositor", 6).bind("wp_viewporter", 7).guest(6, "create_surface", 8).guest(7, "get_viewport", 9, 8)
    if how == "create":
        scene.guest(4, "create", 16, 16, XR24, 0).event(4, "created", SERVER)
        buffer = SERVER
    else:
        buffer = 10
        scene.guest(4, "create_immed", buffer, 16, 16, XR24, 0)
    scene.guest(8, "attach", buffer, 0, 0).guest(9, "set_source", 0, 0, 16 << 8, 16 << 8).guest(8, "commit").goes_on()
    scene.guest(9, "set_source", 0, 0, 17 << 8, 16 << 8).guest(8, "commit").ends(9, 2, "outside the buffer")


def table(*pairs: tuple[int, int]) -> bytes:
    return b"".join(struct.pack("<IIQ", pixels, 0, modifier) for pixels, modifier in pairs)


def feedback(files: FakeFiles) -> Scene:
    """dmabuf 3, params 4, feedback 5 with a table of three pairs, two of which a tranche names."""
    scene = scene_of(version=4, files=files).guest(3, "get_default_feedback", 5)
    return scene.event(5, "format_table", 48, fds=[Fd(600, MEMFD, READ_WRITE, 48)])


def test_the_table_of_formats_is_a_copy_and_says_what_may_be_used():
    files = FakeFiles(table((XR24, 0), (NV12, 0), (XR24, 5)))
    scene = feedback(files).guest_gets("zwp_linux_dmabuf_feedback_v1#5.format_table(700, 48)")
    scene.event(5, "tranche_formats", struct.pack("<3H", 0, 1, 9)).goes_on()
    assert formats_of(scene.session.connection).pairs == {(XR24, 0), (NV12, 0)}
    add(scene).guest(4, "create", 16, 16, XR24, 0).goes_on()
    scene.guest(3, "create_params", 6).guest(6, "add", 0, 0, 64, 0, 5, fds=[dmabuf(501)])
    scene.guest(6, "create", 16, 16, XR24, 0).ends(6, 4, "was not offered")


def test_a_table_whose_facts_are_unknown_leaves_the_choice_to_the_driver():
    scene = scene_of(version=4)
    scene.session.connection.files = Files()
    scene.guest(3, "get_default_feedback", 5).event(5, "format_table", 48, fds=[Fd(600, UNKNOWN)])
    scene.guest(4, "add", 0, 0, 64, 7, 7, fds=[Fd(500, DMABUF, READ_WRITE, 0)]).guest(4, "create", 16, 16, XR24, 0).goes_on()


# -- wl_drm


def drm() -> Scene:
    return Scene(RULES).announce(names=("wl_drm",)).bind("wl_drm", 3).forget()


@pytest.mark.parametrize(("request_name", "args"), BY_NAME)
def test_a_buffer_by_name_is_invalid_name(request_name, args):
    drm().guest(3, request_name, *args).host_gets().ends(3, 2, "not from names")


def prime(scene: Scene, *args: int, fd: Fd | None = None) -> Scene:
    return scene.guest(3, "create_prime_buffer", 4, *args, 0, 0, 0, 0, fds=[fd or dmabuf(size=1024)])


def test_a_prime_buffer_passes():
    prime(drm(), 16, 16, XR24, 0, 64).goes_on()


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ((0, 16, XR24, 0, 64), 1),
        ((16, 0, XR24, 0, 64), 1),
        ((16, 16, XR24, -1, 64), 1),
        ((16, 16, XR24, 0, 0), 1),
        ((16, 17, XR24, 0, 64), 2),
        ((16, 16, XR24, 1, 64), 2),
    ],
)
def test_a_prime_buffer_lies_in_its_dma_buf(args, code):
    scene = prime(drm(), *args).host_gets()
    assert scene.client.log[-1].startswith(f"wl_display#1.error(3, {code}, ")


def test_a_prime_buffer_is_a_dma_buf():
    prime(drm(), 16, 16, XR24, 0, 64, fd=Fd(500, MEMFD, READ_WRITE, 4096)).ends(3, 2, "must be a dmabuf")


@pytest.mark.parametrize(("width", "height"), [(16385, 1), (1, 16385)])
def test_a_prime_buffer_that_no_screen_can_show_is_refused(width, height):
    prime(drm(), width, height, XR24, 0, 1 << 17, fd=dmabuf(size=1 << 40)).ends(1, 3, "above 16384")


def test_a_prime_buffers_size_is_known_to_its_viewport():
    names = ("wl_drm", "wl_compositor", "wp_viewporter")
    scene = Scene(RULES).announce(names=names).bind("wl_drm", 3)
    prime(scene, 16, 16, XR24, 0, 64).bind("wl_compositor", 5).bind("wp_viewporter", 6)
    scene.guest(5, "create_surface", 7).guest(6, "get_viewport", 8, 7).guest(8, "set_source", 0, 0, 17 << 8, 1 << 8)
    scene.guest(7, "attach", 4, 0, 0).guest(7, "commit").ends(8, 2, "16 x 16")


# -- permission gpu-buffers


def held_to(**parameters: object) -> Policy:
    given = {key.replace("_", "-"): value for key, value in parameters.items()}
    return policy("wl_compositor", NAME, "wl_drm", permissions={"gpu-buffers": PermissionRule("allow", Origin("p.toml", 1), given)})


def held_scene(version: int, files: FakeFiles | None = None, **parameters: object) -> Scene:
    """dmabuf 3, params 4."""
    scene = Scene(held_to(**parameters)).announce(names=(NAME, "wl_drm")).bind(NAME, 3, version=version).forget()
    return with_files(scene.guest(3, "create_params", 4).forget(), files or FakeFiles())


PAIRS = {"linear": (0, 0), "implicit": (IMPLICIT_HI, IMPLICIT_LO), "tiled": TILED}


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (["linear"], {"linear"}),
        (["implicit"], {"implicit"}),
        (["linear", "implicit"], {"linear", "implicit"}),
        (["advertised"], set(PAIRS)),
    ],
)
def test_only_layouts_that_the_policy_is_for_are_announced_and_taken(words, seen):
    for name, pair in PAIRS.items():
        scene = held_scene(3, modifiers=words).event(3, "modifier", XR24, *pair)
        scene.guest_gets(*[f"zwp_linux_dmabuf_v1#3.modifier({XR24}, {pair[0]}, {pair[1]})"] * (name in seen))
        add(scene, modifier=pair).guest(4, "create_immed", 5, 16, 16, XR24, 0)
        assert scene.outcome.farewell == "" if name in seen else "was not offered" in scene.outcome.farewell


def test_a_format_alone_stands_for_the_implicit_layout():
    held_scene(3, modifiers=["linear"]).event(3, "format", XR24).guest_gets()
    held_scene(3, modifiers=["implicit"]).event(3, "format", XR24).guest_gets(f"zwp_linux_dmabuf_v1#3.format({XR24})")


def test_a_tranche_lacks_the_layouts_that_the_policy_is_not_for():
    files = FakeFiles(table((XR24, 0), (NV12, 5), (NV12, 0)))
    scene = held_scene(4, files, modifiers=["linear"]).guest(3, "get_default_feedback", 5)
    scene.event(5, "format_table", 48, fds=[Fd(600, MEMFD, READ_WRITE, 48)]).forget()
    scene.event(5, "tranche_formats", struct.pack("<3H", 0, 1, 2))
    scene.guest_gets(f"zwp_linux_dmabuf_feedback_v1#5.tranche_formats({struct.pack('<2H', 0, 2)})")
    assert formats_of(scene.session.connection).pairs == {(XR24, 0), (NV12, 0)}


def test_a_layout_that_no_table_could_be_read_for_is_judged_all_the_same():
    scene = held_scene(4, modifiers=["linear"])
    formats_of(scene.session.connection).complete = False
    add(scene, modifier=TILED).guest(4, "create", 16, 16, XR24, 0)
    scene.guest_gets("zwp_linux_buffer_params_v1#4.failed()").goes_on()


def test_a_buffer_of_more_planes_than_the_policy_is_for_fails():
    scene = held_scene(3, max_planes=1).event(3, "modifier", NV12, 0, 0)
    add(add(scene), 1).forget().guest(4, "create", 16, 16, NV12, 0).guest_gets("zwp_linux_buffer_params_v1#4.failed()").goes_on()
    assert scene.host_lines == []
    scene.guest(3, "create_params", 5).guest(5, "add", 0, 0, 64, 0, 0, fds=[dmabuf(510)]).guest(5, "add", 1, 0, 64, 0, 0, fds=[dmabuf(511)])
    scene.forget().guest(5, "create_immed", 6, 16, 16, NV12, 0).host_gets("wl_display#1.sync(6)").goes_on()


@pytest.mark.parametrize(
    ("parameters", "passes"), [({"max_planes": 2}, True), ({"max_planes": 1}, False), ({"modifiers": ["linear"]}, False)]
)
def test_wl_drm_is_held_to_the_same(parameters, passes):
    scene = Scene(held_to(**parameters)).announce(names=("wl_drm",)).bind("wl_drm", 3).forget()
    scene.guest(3, "create_prime_buffer", 4, 16, 16, XR24, 0, 64, 0, 64, 0, 0, fds=[dmabuf(500)]).goes_on()
    assert scene.host_lines[-1].startswith("wl_drm#3.create_prime_buffer" if passes else "wl_display#1.sync(4)")
