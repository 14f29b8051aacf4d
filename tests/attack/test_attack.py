"""The attacks are real (a forwarder lets each through, and fragile compositors die of some), and the proxy stops them."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.attack.play import play, play_all, shown
from tests.attack.processes import Compositor, Forwarder, Proxy
from tests.attack.rows import Row, table
from tests.attack.stub import Stub
from tests.scene import shipped
from wlproxy.policy.compile import compile_policy
from wlproxy.policy.identity import canonical
from wlproxy.policy.model import Origin, Quota
from wlproxy.tools.fuzzing.policies import built_in

ROWS = table()
# What kills the releases of Debian 12 when nothing filters; others may have been mended.
KILLS = {"weston": {"A05", "A06b", "B63b"}, "sway": {"A05", "B64"}}
VERSIONS = {"weston": "10.", "sway": "1.7"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("attack")


@pytest.fixture(scope="module")
def policy(directory: Path) -> str:
    path = directory / "policy.json"
    desktop = built_in("fuzz-desktop", shipped())
    here = Origin("attack")
    # Quicker than the default, so that a debt is paid, and a reader given up on, before the next row is played.
    quotas = {"messages": Quota("messages", [100_000.0, 50_000.0], here), "idle": Quota("clipboard-idle-seconds", 0.5, here)}
    path.write_bytes(canonical(compile_policy(replace(desktop, quotas=quotas), shipped())))
    return str(path)


@pytest.fixture(scope="module")
def stub(directory: Path) -> Iterator[Stub]:
    made = Stub(str(directory / "host.sock"), shipped())
    yield made
    made.close()


@pytest.fixture(scope="module")
def forwarder(directory: Path, stub: Stub) -> Iterator[Forwarder]:
    made = Forwarder(str(directory), stub.path)
    yield made
    made.close()


def command(policy: str) -> str:
    return f"{sys.executable} -m wlproxy run --listen unix:{{listen}} --upstream {{upstream}} --policy {policy}"


@pytest.fixture(scope="module")
def proxy(directory: Path, stub: Stub, policy: str) -> Iterator[Proxy]:
    made = Proxy(command(policy), str(directory), stub.path)
    yield made
    made.close()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_an_attack_is_real(row: Row, forwarder: Forwarder, stub: Stub):
    assert play(row, forwarder.path, stub, lambda: True).reached == "yes", stub.lines()[-2000:]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_an_attack_does_not_reach_the_compositor_through_the_proxy(row: Row, proxy: Proxy, stub: Stub):
    assert play(row, proxy.path, stub, proxy.lives).reached == "no", stub.lines()[-2000:]
    assert proxy.lives()


@pytest.fixture(params=["weston", "sway"])
def compositor(request: pytest.FixtureRequest) -> Iterator[Compositor]:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    made = Compositor(request.param)
    yield made
    made.close()


@pytest.mark.e2e
def test_compositors_die_of_some_when_nothing_filters(compositor: Compositor):
    said = version(compositor.name)
    if VERSIONS[compositor.name] not in said:
        pytest.skip(f"known of another release than {said}")
    rows = [r for r in ROWS if r.id in KILLS[compositor.name]]
    assert {r.row.id for r in play_all(rows, compositor.path, None, compositor) if not r.lives} == KILLS[compositor.name]


def version(name: str) -> str:
    import subprocess

    return re.sub(r"\s+", " ", subprocess.run([name, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout)


@pytest.mark.e2e
def test_compositors_live_through_all_of_them_behind_the_proxy(compositor: Compositor, policy: str, tmp_path: Path):
    proxy = Proxy(command(policy), str(tmp_path), compositor.path)
    try:
        results = play_all(ROWS, proxy.path, None, compositor)
        assert all(r.lives for r in results), shown(results)
        assert proxy.lives()
    finally:
        proxy.close()
