"""What the policy takes back, on sway: the screen that is kept awake, the pointer that is held."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from tests.e2e.compositors import Sway, sway
from tests.e2e.hands import ESCAPE, SUPER, A, hands_on
from tests.e2e.processes import DEADLINE, Program, program, until
from tests.e2e.proxy import Way, way
from tests.e2e.scenes import CLIENTS

pytestmark = [pytest.mark.e2e, pytest.mark.trio]

POLICY = """\
format  = 1
name    = "taking-back"
extends = "desktop"
[permission]
idle-inhibit = { verdict = "allow", only = "visible", max-duration = "3s" }
pointer-lock = { verdict = "allow", escape = "Super+Escape" }
"""


@asynccontextmanager
async def holding(compositor: Sway, folder: Path, *how: str) -> AsyncIterator[tuple[Way, Program]]:
    policy = folder / "taking-back.toml"
    policy.write_text(POLICY)
    async with way("desktop", compositor, "--policy", str(policy)) as taken:
        command = [sys.executable, str(CLIENTS / "holding.py"), "app", "title", *how]
        async with program(command, taken.client_environment(), folder) as client:
            await client.until_says("drawn")
            await compositor.window()
            yield taken, client


async def until_awake(compositor: Sway, awake: bool) -> None:
    """The compositor says whether the window keeps the screen awake."""
    with trio.fail_after(DEADLINE):
        while True:
            (window,) = await compositor.windows()
            if window["inhibit_idle"] is awake:
                return
            await trio.sleep(0.05)


def taken_back(taken: Way, message: str) -> list[str]:
    return [
        record["reason"] for record in taken.audit()
        if record.get("decided", {}).get("kind") == "taken-back" and record["message"]["name"] == message
    ]  # fmt: skip


async def test_the_screen_is_kept_awake_by_a_window_that_is_seen_for_a_time_and_again_after_a_key(folder: Path) -> None:
    async with sway(folder) as compositor, holding(compositor, folder) as (taken, _client):
        await until_awake(compositor, True)
        await until_awake(compositor, False)  # nobody has said anything meanwhile
        with hands_on(compositor, mouse=False) as hands:
            hands.key(A)
            await until_awake(compositor, True)
        await until_awake(compositor, False)
        reasons = await until("its line of the audit log", lambda: taken_back(taken, "create_inhibitor"))
        assert all("3 s without a key, a click or a touch" in reason for reason in reasons)


async def test_the_user_takes_the_pointer_back_and_gives_it_with_a_click(folder: Path) -> None:
    async with sway(folder) as compositor, holding(compositor, folder) as (taken, client):
        with hands_on(compositor) as hands:
            hands.point()
            await client.until_says("locked")
            hands.key(ESCAPE, SUPER)
            await client.until_says("unlocked")
            (reason,) = await until("its line of the audit log", lambda: taken_back(taken, "lock_pointer"))
            assert "the user has taken it back" in reason
            before = client.output.count("locked\n")
            hands.key(A)
            await client.until_says(f"key {A}")
            assert client.output.count("locked\n") == before
            assert f"key {SUPER}\n" in client.output
            assert f"key {ESCAPE}\n" not in client.output
            hands.click()
            with trio.fail_after(DEADLINE):
                while client.output.count("locked\n") == before:
                    client.check_alive()
                    await trio.sleep(0.02)


@pytest.mark.parametrize("how", [(), ("released",)])
async def test_a_mouse_that_is_unplugged_takes_no_compositor_along(folder: Path, how: tuple[str, ...]) -> None:
    """sway 1.7 dies of a lock for a pointer that its seat has lost."""
    async with sway(folder) as compositor, holding(compositor, folder, *how) as (taken, client):
        with hands_on(compositor) as hands:
            hands.point()
            if not how:
                await client.until_says("locked")
        await client.until_says("no pointer")
        await until("the refusal", lambda: [r for r in taken.denials() if r["decided"]["rule"] == "built-in: pointer gone"])
        client.check_alive()
        await compositor.window()
