"""Real clients on real compositors, with and without the proxy: they work, look the same to the pixel, and bind no more.

Each scene runs directly, through a forwarder that filters nothing (which proves the harness) and through `wlproxy run` with each
shipped policy.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e import scenes
from tests.e2e.compositors import sway
from tests.e2e.images import difference
from tests.e2e.proxy import DIRECT, FORWARDER, GUEST, POLICIES, way

pytestmark = [pytest.mark.e2e, pytest.mark.trio]

ALL_WAYS = (DIRECT, FORWARDER, *POLICIES)
PROXIED = (FORWARDER, *POLICIES)
WITH_CLIPBOARD = (DIRECT, FORWARDER, "trusted", "transparent")
# what lets a client see or do what is not its own; sway 1.7 offers all of these
PRIVILEGED = {
    "zwlr_data_control_manager_v1",
    "zwlr_export_dmabuf_manager_v1",
    "zwlr_foreign_toplevel_manager_v1",
    "zwlr_gamma_control_manager_v1",
    "zwlr_input_inhibit_manager_v1",
    "zwlr_layer_shell_v1",
    "zwlr_output_manager_v1",
    "zwlr_output_power_manager_v1",
    "zwlr_screencopy_manager_v1",
    "zwlr_virtual_pointer_manager_v1",
    "zwp_input_method_manager_v2",
    "zwp_virtual_keyboard_manager_v1",
}


async def check(compositor: str, name: str, scene: scenes.Scene, folder: Path) -> scenes.Seen:
    """Plays the scene over a way and compares it with the direct one."""
    directly = await scenes.without_proxy(compositor, scene)
    taken, seen = await scenes.played(compositor, name, scene, folder, directly.shot)
    assert seen.bound, "the client bound nothing: WAYLAND_DEBUG is not understood"
    assert set(seen.bound) <= set(directly.bound) | {"wl_fixes"}, "the client bound what it does not bind without the proxy"
    if taken.changes_nothing:
        assert seen.bound == directly.bound
        assert (seen.title, seen.app_id) == (directly.title, directly.app_id)
        assert taken.denials() == []
    else:
        assert not PRIVILEGED & set(seen.bound)
        if directly.app_id:  # where the compositor tells: every window says which guest it belongs to
            assert seen.title == f"[{GUEST}] {directly.title}"
            assert seen.app_id == f"vm.{GUEST}.{re.sub('[^A-Za-z0-9._-]', '_', directly.app_id)}"
    return seen


async def check_pixels(compositor: str, name: str, scene: scenes.Scene, folder: Path) -> None:
    seen = await check(compositor, name, scene, folder)
    directly = await scenes.without_proxy(compositor, scene)
    assert len(seen.shot.colours()) > 1, "the screen is blank"
    changed = difference(directly.shot, seen.shot)
    if changed:
        (folder.parent / f"{folder.name}-direct.ppm").write_bytes(directly.shot.to_ppm())
        (folder.parent / f"{folder.name}-{name}.ppm").write_bytes(seen.shot.to_ppm())
    assert changed == "", f"{name} against direct (pictures: {folder}-*.ppm): {changed}"


@pytest.mark.parametrize("name", PROXIED)
@pytest.mark.parametrize("compositor", ["weston", "sway"])
async def test_a_still_picture_is_the_same_to_the_pixel(compositor: str, name: str, folder: Path) -> None:
    await check_pixels(compositor, name, scenes.still, folder)


@pytest.mark.parametrize("name", PROXIED)
async def test_weston_simple_shm(name: str, folder: Path) -> None:
    """Not on sway 1.7: there it aborts without any proxy, "Both buffers busy at redraw()": sway keeps a buffer over a resize."""
    await check("weston", name, scenes.simple_shm, folder)


@pytest.mark.parametrize("name", PROXIED)
async def test_weston_terminal(name: str, folder: Path) -> None:
    await check_pixels("weston", name, scenes.weston_terminal, folder)


@pytest.mark.parametrize("name", PROXIED)
async def test_foot_with_typed_input(name: str, folder: Path) -> None:
    await check_pixels("sway", name, scenes.foot, folder)


@pytest.mark.parametrize("name", PROXIED)
async def test_gtk4(name: str, folder: Path) -> None:
    await check_pixels("sway", name, scenes.gtk4, folder)


@pytest.mark.parametrize("name", PROXIED)
async def test_qt6(name: str, folder: Path) -> None:
    await check_pixels("sway", name, scenes.qt6, folder)


@pytest.mark.parametrize("name", PROXIED)
async def test_qt5(name: str, folder: Path) -> None:
    await check_pixels("sway", name, scenes.qt5, folder)


@pytest.mark.parametrize("name", PROXIED)
async def test_sdl(name: str, folder: Path) -> None:
    await check("sway", name, scenes.sdl, folder)


@pytest.mark.parametrize("name", PROXIED)
async def test_mpv(name: str, folder: Path) -> None:
    await check("sway", name, scenes.mpv, folder)


@pytest.mark.parametrize("name", PROXIED)
async def test_weston_simple_touch(name: str, folder: Path) -> None:
    await check("weston", name, scenes.simple_touch, folder)


@pytest.mark.parametrize("name", PROXIED)
async def test_gtk3(name: str, folder: Path) -> None:
    await check("sway", name, scenes.gtk3, folder)


@pytest.mark.parametrize("name", WITH_CLIPBOARD)
@pytest.mark.parametrize("size", [17, 300_000])  # the second is more than a pipe holds
async def test_copy_and_paste(name: str, size: int, folder: Path) -> None:
    text = ("wäyland " * size).encode()[: size - 1] + b"!"
    async with sway(folder) as compositor, way(name, compositor) as taken:
        assert await scenes.copy_and_paste(taken, text) == text


async def test_desktop_gives_the_hosts_clipboard_to_nobody_while_there_is_nobody_to_ask(folder: Path) -> None:
    async with sway(folder) as compositor, way(DIRECT, compositor) as directly, way("desktop", compositor) as taken:
        assert await scenes.paste_of_anothers_copy(taken, directly, b"a password of the host's") == b""


@pytest.mark.parametrize("name", PROXIED)
async def test_what_is_announced(name: str, folder: Path) -> None:
    async with sway(folder) as compositor, way(DIRECT, compositor) as directly, way(name, compositor) as taken:
        everything, offered = await scenes.globals_of(directly), await scenes.globals_of(taken)
    assert set(everything) >= PRIVILEGED, "this sway does not offer what the test is about"
    assert all(offered[interface] <= version for interface, version in everything.items() if interface in offered)
    if taken.name == FORWARDER:
        assert offered == everything
    elif taken.changes_nothing:
        assert set(offered) >= set(everything) - {"wl_drm", "wp_security_context_manager_v1"}
    else:
        assert not PRIVILEGED & set(offered)
        assert {"wl_compositor", "wl_shm", "wl_seat", "wl_output", "xdg_wm_base"} <= set(offered)
