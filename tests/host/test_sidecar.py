"""`wlproxy run` as the demo and `learn` start it."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("trio")

from wlproxy.host.demo_hosts import accepts
from wlproxy.host.sidecar import sidecar

pytestmark = pytest.mark.trio


async def test_a_guest_can_connect_as_long_as_the_block_lasts(tmp_path: Path) -> None:
    path = tmp_path / "guest.sock"
    async with sidecar(["--listen", f"unix:{path}", "--upstream", str(tmp_path / "none"), "--guest", "g"], tmp_path / "log"):
        assert accepts(path)
    assert not path.exists()


async def test_one_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)did not start:.*--listen nothing:"):
        async with sidecar(["--listen", "nothing:", "--upstream", str(tmp_path / "none"), "--guest", "g"], tmp_path / "log"):
            raise AssertionError("it has started")
