"""The distribution's own waypipe as the guest's side of `--listen waypipe+unix:`: real clients work through it and look the same to
the pixel, with each compression, and nothing of what passed is left over.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from tests.e2e import scenes
from tests.e2e.compositors import Compositor, sway, weston
from tests.e2e.images import difference
from tests.e2e.processes import DEADLINE, need, output_of, program, until
from tests.e2e.proxy import DIRECT, GUEST, Way, descriptors, relay_of, way
from tests.host import drag
from wlproxy.host.compositor import serving

pytestmark = [pytest.mark.e2e, pytest.mark.trio]

LIBRARIES = {"none": "", "lz4": "lz4", "zstd": "zstandard"}
COMPRESSIONS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            bool(library) and importlib.util.find_spec(library) is None, reason=f"the Python package {library} is not installed"
        ),
    )
    for name, library in LIBRARIES.items()
]
UNSERVABLE = {"zwp_linux_dmabuf_v1", "wl_drm", "zwlr_screencopy_manager_v1", "zwlr_export_dmabuf_manager_v1"}


async def check_pixels(compositor: str, name: str, scene: scenes.Scene, folder: Path, compression: str) -> None:
    directly = await scenes.without_proxy(compositor, scene)
    taken, seen = await scenes.played(compositor, name, scene, folder, directly.shot, compression)
    assert seen.bound, "the client bound nothing: WAYLAND_DEBUG is not understood"
    assert not UNSERVABLE & set(seen.bound)
    if taken.changes_nothing:
        assert taken.denials() == []
        assert (seen.title, seen.app_id) == (directly.title, directly.app_id)
    elif directly.title:
        assert seen.title == f"[{GUEST}] {directly.title}"
    assert not (wrong := difference(directly.shot, seen.shot)), wrong


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("compositor", ["weston", "sway"])
async def test_every_pixel(compositor: str, compression: str, folder: Path) -> None:
    await check_pixels(compositor, "transparent", scenes.still, folder, compression)


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_simple_shm(compression: str, folder: Path) -> None:
    async with weston(folder) as compositor, way("strict", compositor, waypipe=compression) as taken:
        seen = await scenes.simple_shm(taken)
        assert len(seen.shot.colours()) > 100  # it draws rings


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_foot_and_typing(compression: str, folder: Path) -> None:
    await check_pixels("sway", "desktop", scenes.foot, folder, compression)


async def test_gtk4(folder: Path) -> None:
    await check_pixels("sway", "strict", scenes.gtk4, folder, "none")


async def test_weston_terminal(folder: Path) -> None:
    await check_pixels("weston", "transparent", scenes.weston_terminal, folder, "none")


async def copied(giver: Way, taker: Way, text: bytes) -> bytes:
    """What wl-paste gets on one way of what wl-copy offers on another."""
    folder = giver.compositor.folder
    copy = [need("wl-copy", "wl-clipboard"), "--foreground"]
    async with program(copy, giver.client_environment(WAYLAND_DEBUG="1"), folder, stdin=text) as owner:
        await owner.until_says(".selection(zwlr_data_control_offer")  # the compositor has it: another way may be faster than this one
        paste = [need("wl-paste", "wl-clipboard"), "--no-newline"]
        return await output_of(paste, taker.client_environment(), folder)


@pytest.mark.parametrize("compression", COMPRESSIONS)
# The last is more than a pipe holds: a guest's waypipe 0.8.4 never sends so much, whoever is its display.
@pytest.mark.parametrize(
    ("route", "size"),
    [
        *(("guest to host", 17), ("guest to host", 60_000), ("within the guest", 60_000)),
        *(("host to guest", 17), ("host to guest", 300_000)),
    ],
)
async def test_clipboard(route: str, size: int, compression: str, folder: Path) -> None:
    text = ("wäyland " * size).encode()[: size - 1] + b"!"
    async with (
        sway(folder) as compositor,
        way(DIRECT, compositor) as directly,
        way("transparent", compositor, waypipe=compression) as taken,
    ):
        giver = directly if route == "host to guest" else taken
        taker = directly if route == "guest to host" else taken
        assert await copied(giver, taker, text) == text


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize(("route", "size"), [("guest to host", 17), ("guest to host", 60_000), ("host to guest", 300_000)])
async def test_drag_and_drop(route: str, size: int, compression: str, folder: Path) -> None:
    """The embedded host, because the pointer is ours there: what is dropped is the same bytes, and nobody holds a pipe afterwards."""
    data = os.urandom(size)
    (folder / "from").write_bytes(data)
    async with serving(folder / "host.sock") as host:
        compositor = Compositor("embedded", folder, folder, folder / "host.sock")
        async with way(DIRECT, compositor) as directly, way("trusted", compositor, waypipe=compression) as taken:
            relay = relay_of(os.getpid())
            before = descriptors(relay), descriptors(os.getpid())
            ways = (directly, taken) if route == "host to guest" else (taken, directly)
            ends = [
                program([sys.executable, drag.__file__, what, str(folder / name)], one.client_environment(), folder)
                for what, name, one in zip(("give", "take"), ("from", "to"), ways, strict=True)
            ]
            async with ends[0] as giver, ends[1] as taker:
                source, target = [await host.wait_for_window(what, DEADLINE) for what in ("give", "take")]
                host.inject_motion(source.x + 10, source.y + 10)
                host.inject_button(True)
                await host.wait_until(lambda: host.seat.drag is not None, DEADLINE)
                host.inject_motion(target.x + 10, target.y + 10)
                await host.wait_until(lambda: host.seat.drag is not None and host.seat.drag.taken, DEADLINE)
                host.inject_button(False)
                assert await taker.until_ends() == 0 == await giver.until_ends()
                assert (taker.output.split(), giver.output.split()) == (["entered", "taken"], ["pressed", "finished"])
            assert (folder / "to").read_bytes() == data
            assert taken.denials() == []
            await until("every pipe to be closed", lambda: (descriptors(relay), descriptors(os.getpid())) == before)
            assert host.faults == []


async def test_what_cannot_be_carried_is_not_announced(folder: Path) -> None:
    async with (
        sway(folder) as compositor,
        way(DIRECT, compositor) as directly,
        way("transparent", compositor, waypipe="none") as taken,
    ):
        everything, offered = await scenes.globals_of(directly), await scenes.globals_of(taken)
    assert "zwlr_screencopy_manager_v1" in everything, "this sway does not offer what the test is about"
    assert not UNSERVABLE & set(offered)
    assert {"wl_compositor", "wl_shm", "wl_seat", "wl_output", "xdg_wm_base"} <= set(offered)


async def test_nothing_is_left_of_many_windows(folder: Path) -> None:
    async with weston(folder) as compositor, way("strict", compositor, waypipe="none") as taken:
        relay = relay_of(os.getpid())
        before = descriptors(relay)
        for _ in range(3):
            await scenes.simple_shm(taken)
        await until("the descriptors of three clients to be closed", lambda: descriptors(relay) == before)

        def ends() -> list[str]:
            return [record["ended_by"] for record in taken.audit() if record["event"] == "disconnect"]

        await until("the ends of three clients to be written down", lambda: len(ends()) == 3)
        assert set(ends()) == {"guest"}
