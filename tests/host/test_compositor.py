"""The embedded host against libwayland's client: windows, pixels, frames, input, what it records and what it refuses."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.host.conftest import Opener
from tests.host.window import BLUE, GREEN, RED, TestWindow
from wlproxy.host.compositor import Host, serving
from wlproxy.host.png import read_png
from wlproxy.host.raw_client import RawClient, Refused, string, uint
from wlproxy.host.shell import TITLE_BAR

pytestmark = pytest.mark.trio


async def in_thread(function: Any, *arguments: Any) -> Any:
    with trio.fail_after(5):
        return await trio.to_thread.run_sync(function, *arguments)


async def test_window_appears_with_its_pixels(host: Host, open_window: Opener, tmp_path: Path) -> None:
    client = await open_window("hello", 60, 40, RED)
    window = await host.wait_for_window(title="hello", timeout=2)
    assert (window.title, window.app_id, window.width, window.height) == ("hello", "test", 60, 40)
    assert client.frames == 1 and client.released == 1
    picture = tmp_path / "seen.png"
    host.screenshot(picture)
    width, height, rgb = read_png(picture)
    assert (width, height) == (640, 480)

    def pixel(x: int, y: int) -> bytes:
        return rgb[(y * width + x) * 3 : (y * width + x) * 3 + 3]

    assert pixel(window.x, window.y) == pixel(window.x + 59, window.y + 39) == b"\xff\0\0"
    assert pixel(window.x + 60, window.y) == pixel(window.x, window.y + 40) == pixel(639, 479) != b"\xff\0\0"
    bar = rgb[((window.y - TITLE_BAR) * width + window.x) * 3 :][:180]
    assert bar != rgb[:180], "a title bar stands above the window"


async def test_new_content_replaces_old_and_unmapping_removes(host: Host, open_window: Opener) -> None:
    client = await open_window("w", 10, 10, RED)
    (window,) = host.windows
    await in_thread(client.show, await in_thread(client.buffer, 10, 10, GREEN))
    assert host.render().pixel(window.x, window.y) == (0, 255, 0)
    assert client.frames == 2
    client.surface.attach(None, 0, 0)
    client.surface.commit()
    await in_thread(client.roundtrip)
    assert host.windows == []


async def test_windows_do_not_cover_each_other_while_there_is_room(host: Host, open_window: Opener) -> None:
    await open_window("one", 200, 100, RED)
    await open_window("two", 200, 100, GREEN)
    canvas = host.render()
    one, two = host.windows
    assert canvas.pixel(one.x + 199, one.y + 99) == (255, 0, 0)
    assert canvas.pixel(two.x, two.y) == (0, 255, 0)


async def test_transparent_pixels_show_what_is_below(host: Host, open_window: Opener) -> None:
    client = await open_window("glass", 10, 10, RED)
    (window,) = host.windows
    background = host.render().pixel(0, 0)
    await in_thread(client.show, await in_thread(client.buffer, 10, 10, b"\0\0\0\0", 0))
    assert host.render().pixel(window.x + 5, window.y + 5) == background
    await in_thread(client.show, await in_thread(client.buffer, 10, 10, b"\x80\x80\x80\x80", 0))
    assert host.render().pixel(window.x + 5, window.y + 5) == tuple(0x80 + value * 127 // 255 for value in background)


async def test_keys_go_to_the_window_with_the_focus(host: Host, open_window: Opener) -> None:
    first = await open_window("first", 20, 20, RED)
    second = await open_window("second", 20, 20, GREEN)
    host.type_text("aB")
    await in_thread(first.roundtrip)
    await in_thread(second.roundtrip)
    assert first.keys == [] and second.keys == [(30, 1), (30, 0), (42, 1), (48, 1), (48, 0), (42, 0)]
    host.focus_window(next(window for window in host.windows if window.title == "first"))
    host.inject_key(28, True)
    await in_thread(first.roundtrip)
    assert first.keys == [(28, 1)] and first.entered == 2
    assert first.keymap.startswith(b"xkb_keymap {") and first.keymap.endswith(b"};\n\0")


async def test_pointer_is_told_where_it_is_and_a_click_raises(host: Host, open_window: Opener) -> None:
    client = await open_window("under", 50, 50, BLUE)
    await open_window("over", 50, 50, RED)
    under = next(window for window in host.windows if window.title == "under")
    host.inject_motion(under.x + 7.5, under.y + 9)
    host.inject_click()
    await in_thread(client.roundtrip)
    assert client.motions == [(7.5, 9.0)] and client.buttons == [1, 0]
    assert host.windows[-1].title == "under"


async def test_close_reaches_the_client_and_leaving_frees_everything(host: Host, socket_path: str) -> None:
    client = await in_thread(TestWindow, socket_path)
    await in_thread(client.open, "short", 10, 10, RED)
    host.close_window(host.windows[0])
    await in_thread(client.roundtrip)
    assert client.closed
    await in_thread(client.leave)
    await host.wait_until(lambda: not host.clients, 2)
    assert host.windows == [] and host.seat.keyboard_focus is None


async def test_subsurface_waits_for_its_parent(host: Host, open_window: Opener) -> None:
    client = await open_window("parent", 40, 40, RED)
    (window,) = host.windows
    child = client.bound["wl_compositor"].create_surface()
    role = client.bound["wl_subcompositor"].get_subsurface(child, client.surface)
    role.set_position(10, 10)
    child.attach(await in_thread(client.buffer, 5, 5, GREEN), 0, 0)
    child.commit()
    await in_thread(client.roundtrip)
    assert host.render().pixel(window.x + 12, window.y + 12) == (255, 0, 0)
    client.surface.commit()
    await in_thread(client.roundtrip)
    assert host.render().pixel(window.x + 12, window.y + 12) == (0, 255, 0)
    assert host.render().pixel(window.x + 15, window.y + 15) == (255, 0, 0)


async def test_clipboard_goes_from_one_client_to_another(host: Host, open_window: Opener, socket_path: str) -> None:
    giver = await open_window("giver", 10, 10, RED)
    manager = giver.bound["wl_data_device_manager"]
    source = manager.create_data_source()
    source.offer("text/plain")

    def send(_source: Any, _mime_type: str, descriptor: int) -> None:
        os.write(descriptor, b"copied")
        os.close(descriptor)

    source.dispatcher["send"] = send
    device = manager.get_data_device(giver.bound["wl_seat"])
    device.set_selection(source, 1)
    await in_thread(giver.roundtrip)
    assert host.selections.current is not None and host.selections.current.mime_types == ["text/plain"]

    reading, writing = os.pipe()
    taker = await in_thread(take, socket_path, writing)
    os.close(writing)
    await in_thread(giver.roundtrip)
    assert await in_thread(os.read, reading, 100) == b"copied" and await in_thread(os.read, reading, 100) == b""
    os.close(reading)
    taker.close()
    await in_thread(giver.leave)
    await host.wait_until(lambda: host.selections.current is None, 2)


def take(path: str, writing: int) -> RawClient:
    """Reads the selection through data control. Raw, because pywayland gives an offer to whichever display it finds first."""
    client = RawClient(path)
    registry, found = client.globals()
    seat = client.bind(registry, found["wl_seat"][0], "wl_seat", 1)
    manager = client.bind(registry, found["zwlr_data_control_manager_v1"][0], "zwlr_data_control_manager_v1", 1)
    device = client.new_id()
    client.request(manager, 1, uint(device, seat))
    (offer,) = [event.body for event in client.roundtrip() if (event.object_id, event.opcode) == (device, 0)]
    client.request(int.from_bytes(offer, sys.byteorder), 0, string("text/plain"), [writing])
    client.roundtrip()
    return client


async def test_record_of_what_reached_the_host(host: Host, open_window: Opener) -> None:
    await open_window("w", 10, 10, RED)
    assert host.globals["zwlr_screencopy_manager_v1"] == 1 and "ext_session_lock_manager_v1" in host.globals
    assert {bind.interface for bind in host.bound} >= {"wl_compositor", "wl_shm", "xdg_wm_base", "wl_seat"}
    assert {bind.pid for bind in host.bound} == {os.getpid()}
    assert host.requests["wl_surface.commit"] == 2 and host.requests_of("xdg_toplevel") == 2


def risky(path: str) -> list[int]:
    """Binds every risky global and uses the first."""
    client = RawClient(path)
    registry, found = client.globals()
    output = client.bind(registry, found["wl_output"][0], "wl_output", 1)
    wanted = [name for name in found if name.startswith(("zwlr_", "zwp_", "ext_"))]
    objects = {name: client.bind(registry, found[name][0], name, 1) for name in wanted}
    frame = client.new_id()
    client.request(objects["zwlr_screencopy_manager_v1"], 0, uint(frame, 0, output))
    events = client.roundtrip()
    client.close()
    return [event.opcode for event in events if event.object_id == frame]


async def test_binds_of_risky_globals_are_recorded_and_answered(host: Host, socket_path: str) -> None:
    assert await in_thread(risky, socket_path) == [3], "failed, not silence"
    assert {bind.interface for bind in host.bound} >= {
        "zwlr_screencopy_manager_v1", "zwlr_layer_shell_v1", "ext_session_lock_manager_v1", "zwp_virtual_keyboard_manager_v1",
        "zwlr_data_control_manager_v1",
    }  # fmt: skip


def shrunk_pool(path: str) -> Refused:
    """A buffer whose file ends before it does."""
    client = RawClient(path)
    registry, found = client.globals()
    shm = client.bind(registry, found["wl_shm"][0], "wl_shm", 1)
    compositor = client.bind(registry, found["wl_compositor"][0], "wl_compositor", 4)
    descriptor = os.memfd_create("short", os.MFD_CLOEXEC)
    os.ftruncate(descriptor, 100)
    pool, buffer, surface = client.new_id(), client.new_id(), client.new_id()
    client.request(shm, 0, uint(pool, 4096), [descriptor])
    os.close(descriptor)
    client.request(pool, 0, uint(buffer, 0, 32, 32, 128, 1))
    client.request(compositor, 0, uint(surface))
    client.request(surface, 1, uint(buffer, 0, 0))
    client.request(surface, 6)
    try:
        with pytest.raises(Refused) as refused:
            client.roundtrip()
        return refused.value
    finally:
        client.close()


async def test_a_file_too_short_ends_the_client_and_not_the_host(host: Host, socket_path: str, open_window: Opener) -> None:
    refused = await in_thread(shrunk_pool, socket_path)
    assert (refused.code, refused.text) == (2, "error accessing SHM buffer")
    await open_window("after", 10, 10, RED)


@pytest.mark.parametrize(
    ("offset", "width", "height", "stride"), [(0, 33, 32, 128), (4, 32, 32, 128), (-1, 1, 1, 4), (0, 0, 1, 4), (0, 1, 1 << 30, 4)]
)
async def test_buffers_beyond_their_pool(host: Host, socket_path: str, offset: int, width: int, height: int, stride: int) -> None:
    def attempt() -> int:
        client = RawClient(socket_path)
        registry, found = client.globals()
        shm = client.bind(registry, found["wl_shm"][0], "wl_shm", 1)
        descriptor = os.memfd_create("pool", os.MFD_CLOEXEC)
        os.ftruncate(descriptor, 4096)
        pool, buffer = client.new_id(), client.new_id()
        client.request(shm, 0, uint(pool, 4096), [descriptor])
        os.close(descriptor)
        client.request(pool, 0, uint(buffer, offset, width, height, stride, 1))
        try:
            with pytest.raises(Refused) as refused:
                client.roundtrip()
            return refused.value.code
        finally:
            client.close()

    assert await in_thread(attempt) == 1  # invalid_stride


async def test_no_descriptors_are_left_when_clients_leave(host: Host, socket_path: str) -> None:
    def session() -> None:
        window = TestWindow(socket_path)
        window.open("again", 10, 10, RED)
        window.leave()

    await in_thread(session)
    await host.wait_until(lambda: not host.clients, 2)
    before = len(os.listdir("/proc/self/fd"))
    for _round in range(3):
        await in_thread(session)
    await host.wait_until(lambda: not host.clients, 2)
    assert len(os.listdir("/proc/self/fd")) == before


async def test_socket_file_comes_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with serving(path, 64, 64):
        assert stat.S_ISSOCK(path.stat().st_mode)
    assert not path.exists()
