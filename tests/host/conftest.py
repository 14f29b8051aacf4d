"""A host for each test, and windows on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import trio
from pytest_trio import trio_fixture

pytest.importorskip("pywayland")

from tests.host.window import TestWindow
from wlproxy.host.compositor import Host, serving

Opener = Callable[[str, int, int, bytes], Awaitable[TestWindow]]


@pytest.fixture
def socket_path(tmp_path: Path) -> str:
    return str(tmp_path / "host.sock")


@trio_fixture
async def host(socket_path: str) -> AsyncIterator[Host]:
    async with serving(socket_path, 640, 480) as running:
        yield running
        assert running.faults == []


@trio_fixture
async def open_window(host: Host, socket_path: str) -> AsyncIterator[Opener]:
    opened: list[TestWindow] = []

    async def opener(title: str, width: int, height: int, pixel: bytes) -> TestWindow:
        with trio.fail_after(5):
            window = await trio.to_thread.run_sync(TestWindow, socket_path)
            opened.append(window)
            await trio.to_thread.run_sync(window.open, title, width, height, pixel)
        return window

    yield opener
    for window in opened:
        await trio.to_thread.run_sync(window.leave)
