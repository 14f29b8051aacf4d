"""A program in a guest shows its window on the host's compositor: guest kernel, vsock, the distribution's waypipe, wlproxy, weston."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.e2e.compositors import WIDTH, Weston, weston
from tests.e2e.processes import need as need_program
from tests.e2e.processes import program
from tests.e2e.proxy import until_ready, with_own_wlproxy
from tests.vm.machines import Device, Machine, module, need
from wlproxy.sidecar import start

pytestmark = [pytest.mark.vm, pytest.mark.trio]
BACKGROUND = (0x20, 0x30, 0x40)
PATIENCE = 40.0


@pytest.fixture(params=["bridge", "--vsock"])
def command(request: pytest.FixtureRequest) -> list[str]:
    """What runs a client over waypipe in a guest; a skip where this machine's waypipe cannot."""
    need("uml")
    client = [need_program("weston-simple-shm", "weston")]
    waypipe = os.environ.get("WLPROXY_WAYPIPE", "").split() or [need_program("waypipe", "waypipe")]
    if request.param == "bridge":
        return module("tests.vm.inside.bridge", "1024", *client)
    usage = subprocess.run([*waypipe, "--help"], capture_output=True, text=True, timeout=20, check=False)
    if "--vsock" not in usage.stdout + usage.stderr:
        pytest.skip("this waypipe has no --vsock (0.9 and later): name one, WLPROXY_WAYPIPE='DIR/run waypipe' (tests/vm/tools/trixie-get)")
    return [*waypipe, "--vsock", "-s", "2:1024", "server", "--", *client]


async def window_appears(host: Weston, there: bool) -> None:
    """Waits until the screen shows something beside its background, or nothing."""
    with trio.move_on_after(PATIENCE):
        while True:
            shot = await host.screenshot()
            if (shot.share(BACKGROUND) < 1.0) == there:
                return
            await trio.sleep(0.1)
    pytest.fail(f"no window within {PATIENCE:g} s" if there else f"the window is still there after {PATIENCE:g} s")


@pytest.mark.skipif("waypipe" not in getattr(start, "SERVED_FRAMINGS", ("waypipe",)), reason="this wlproxy has no waypipe framing yet")
async def test_a_window_of_a_guest(folder: Path, command: list[str]) -> None:
    device = Device(folder / "vsock", 3)
    audit = folder / "audit.jsonl"
    ready, writer = os.pipe()
    try:
        run = [sys.executable, "-P", "-m", "wlproxy", "run", "--guest", "vm", "--policy", "strict", "--ready-fd", str(writer)]
        run += ["--listen", f"hybrid:{device.path}?port=1024", "--audit", str(audit)]
        async with weston(folder) as host:
            run += ["--upstream", str(host.socket)]
            async with program(run, with_own_wlproxy(), folder, pass_fds=(writer,)) as running:
                await until_ready(running, ready)
                machine = Machine("uml", command, device)
                try:
                    await window_appears(host, there=True)
                    shot = await host.still_screenshot(seconds=0.0, expected=await host.screenshot())
                    assert shot.width == WIDTH and len(shot.colours()) > 50, "simple-shm's pattern has many colours"
                finally:
                    machine.close()
                await window_appears(host, there=False)  # the guest has gone, and with it all it showed
                running.check_alive()
    finally:
        device.close()
        os.close(ready)
        os.close(writer)
    text = audit.read_text()
    assert '"event":"connect"' in text and '"event":"disconnect"' in text and '"event":"internal"' not in text
