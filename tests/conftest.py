"""Which wlproxy is under test, said in the header and checked where the Makefile expects one build."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator

import pytest

import wlproxy
from tests.scene import OPEN, balance
from wlproxy.cli.doctor import build_word, data_plane


def pytest_report_header() -> str:
    return f"wlproxy: {build_word(data_plane())} build, from {os.path.dirname(wlproxy.__file__)}"


def pytest_sessionstart(session: pytest.Session) -> None:
    expected = os.environ.get("WLPROXY_EXPECT_BUILD")
    found = build_word(data_plane())
    if expected and expected != found:
        raise pytest.UsageError(f"the tests would run against the {found} build of {wlproxy.__file__}, not the {expected} one")


WATCHED = ("core", "handlers", "sidecar", "fuzz")


@pytest.fixture(autouse=True)
def nothing_is_left_open(request: pytest.FixtureRequest) -> Iterator[None]:
    """Around every test: a scene's descriptors have come out exactly once; where descriptors are what is tested (WATCHED), this process has
    those it had."""
    OPEN.clear()
    before = descriptors()
    yield
    balance()
    if request.path.parent.name not in WATCHED:
        return
    if descriptors().keys() != before.keys():
        gc.collect()  # what a test has let go of, but the interpreter not yet
    after = descriptors()
    assert after.keys() <= before.keys(), {number: after[number] for number in after.keys() - before.keys()}
    assert before.keys() <= after.keys(), {number: before[number] for number in before.keys() - after.keys()}


def descriptors() -> dict[int, str]:
    """What is open here, but for the folder that tells."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
    return found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real compositors last: what is quick to fail comes first."""
    items.sort(key=lambda item: item.get_closest_marker("e2e") is not None)
