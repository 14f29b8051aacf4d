"""Drags on the embedded host, between programs of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.host import drag
from wlproxy.host.compositor import Host, Window

pytestmark = pytest.mark.trio

PATIENCE = 20.0


@asynccontextmanager
async def end(socket_path: str, what: str, file: Path) -> AsyncIterator[trio.Process]:
    """One end of a drag, whose window is there."""
    process = await trio.lowlevel.open_process(
        [sys.executable, drag.__file__, what, str(file)], stdout=subprocess.PIPE, env=os.environ | {"WAYLAND_DISPLAY": socket_path}
    )
    try:
        yield process
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
            if process.stdout is not None:
                await process.stdout.aclose()


def middle(window: Window) -> tuple[float, float]:
    return window.x + window.width / 2, window.y + window.height / 2


async def words(process: trio.Process) -> list[str]:
    assert process.stdout is not None
    found = b""
    with trio.fail_after(PATIENCE):
        while data := await process.stdout.receive_some():
            found += data
    return found.decode().split()


async def begin(host: Host, giver: Window) -> None:
    """The button goes down, and what is there is dragged."""
    host.inject_motion(*middle(giver))
    host.inject_button(True)
    await host.wait_until(lambda: host.seat.drag is not None, PATIENCE)


async def test_what_is_dropped_arrives(host: Host, socket_path: str, tmp_path: Path) -> None:
    (tmp_path / "from").write_bytes(b"dragged " * 40_000)
    async with end(socket_path, "give", tmp_path / "from") as giver, end(socket_path, "take", tmp_path / "to") as taker:
        source, target = [await host.wait_for_window(title, PATIENCE) for title in ("give", "take")]
        await begin(host, source)
        host.inject_motion(*middle(target))
        await host.wait_until(lambda: host.seat.drag is not None and host.seat.drag.taken, PATIENCE)
        host.inject_button(False)
        assert await words(taker) == ["entered", "taken"]
        assert await words(giver) == ["pressed", "finished"]
    assert (tmp_path / "to").read_bytes() == b"dragged " * 40_000
    assert host.seat.drag is None and host.requests["wl_data_offer.receive"] == 1


@pytest.mark.parametrize("over", ["who refuses", "nobody"])
async def test_what_nobody_takes_is_cancelled(host: Host, socket_path: str, tmp_path: Path, over: str) -> None:
    (tmp_path / "from").touch()
    async with end(socket_path, "give", tmp_path / "from") as giver, end(socket_path, "refuse", tmp_path / "to") as other:
        source, target = [await host.wait_for_window(title, PATIENCE) for title in ("give", "refuse")]
        await begin(host, source)
        host.inject_motion(*(middle(target) if over == "who refuses" else (host.width - 1, host.height - 1)))
        host.inject_button(False)
        assert await words(giver) == ["pressed", "cancelled"]
        if over == "who refuses":
            assert await words(other) == ["entered", "left"]
    assert host.requests["wl_data_offer.receive"] == 0


async def test_whose_source_ends_drags_nothing(host: Host, socket_path: str, tmp_path: Path) -> None:
    (tmp_path / "from").touch()
    async with end(socket_path, "refuse", tmp_path / "to") as other:
        target = await host.wait_for_window("refuse", PATIENCE)
        async with end(socket_path, "give", tmp_path / "from"):
            await begin(host, await host.wait_for_window("give", PATIENCE))
            host.inject_motion(*middle(target))
        await host.wait_until(lambda: host.seat.drag is None, PATIENCE)
        assert await words(other) == ["entered", "left"]
        host.inject_button(False)


async def test_a_drag_without_a_button_is_none(host: Host, socket_path: str, tmp_path: Path) -> None:
    """The client has the press by way of what it was sent; the host has seen it go up since."""
    (tmp_path / "from").touch()
    async with end(socket_path, "give", tmp_path / "from") as giver:
        host.inject_motion(*middle(await host.wait_for_window("give", PATIENCE)))
        host.inject_click()
        assert await words(giver) == ["pressed", "cancelled"]
    assert host.seat.drag is None
