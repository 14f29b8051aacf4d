"""Which wlproxy is under test, said in the header and checked where the Makefile expects one build."""

from __future__ import annotations

import os

import pytest

import wlproxy
from wlproxy.cli.doctor import build_word, data_plane


def pytest_report_header() -> str:
    return f"wlproxy: {build_word(data_plane())} build, from {os.path.dirname(wlproxy.__file__)}"


def pytest_sessionstart(session: pytest.Session) -> None:
    expected = os.environ.get("WLPROXY_EXPECT_BUILD")
    found = build_word(data_plane())
    if expected and expected != found:
        raise pytest.UsageError(f"the tests would run against the {found} build of {wlproxy.__file__}, not the {expected} one")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real compositors last: what is quick to fail comes first."""
    items.sort(key=lambda item: item.get_closest_marker("e2e") is not None)
