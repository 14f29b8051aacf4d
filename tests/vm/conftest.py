"""The fixtures are those of the sidecar's and the end-to-end tests, here and inside of a guest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import folder
from tests.sidecar.conftest import Compositor, serve, start
from tests.vm.machines import PATIENCE

__all__ = ["folder", "serve", "start"]


@pytest.fixture
def compositor(tmp_path: Path) -> Iterator[Compositor]:
    """One that waits for a guest as long as a machine may take to start."""
    made = Compositor(tmp_path / "host.sock")
    made.sock.settimeout(PATIENCE)
    yield made
    made.sock.close()
