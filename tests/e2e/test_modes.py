"""A real client under a policy that only complains of it, and under one that has that policy as its shadow, on the embedded host."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import environment, need, program, until
from tests.e2e.proxy import with_own_wlproxy

pytest.importorskip("pywayland")
pytestmark = [pytest.mark.e2e, pytest.mark.trio]

WLPROXY = [sys.executable, "-P", "-m", "wlproxy"]
SMALL = '[message.wl_shm_pool]\ncreate_buffer.args.width = { max = 10 }\n[message.wl_surface]\nframe = "deny"\n'


def policy(folder: Path, name: str, lines: str) -> str:
    path = folder / f"{name}.toml"
    path.write_text(f'format = 1\nname = "{name}"\nextends = "strict"\n{lines}')
    return str(path)


@pytest.mark.parametrize("way", ["complain", "shadow", "enforce"])
async def test_a_program_that_a_policy_would_end(folder: Path, way: str) -> None:
    client = need("weston-simple-shm", "weston")
    until_then = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)).isoformat(timespec="seconds")
    small = policy(folder, "small", (f'mode = "complain"\nuntil = {until_then}\n' if way == "complain" else "") + SMALL)
    options = ["--policy", "strict", "--shadow", small] if way == "shadow" else ["--policy", small]
    host, guest, log = folder / "host.sock", folder / "guest.sock", folder / "audit.jsonl"
    env = environment(**{k: v for k, v in with_own_wlproxy().items() if k == "PYTHONPATH"}, XDG_RUNTIME_DIR=str(folder))
    async with program([sys.executable, "-P", "-m", "wlproxy.host", "--socket", str(host), "--commands"], env, folder) as embedded:
        await embedded.until_says('"ready"')
        command = [*WLPROXY, "run", *options, "--listen", f"unix:{guest}", "--upstream", str(host), "--audit", str(log)]
        async with program(command, env, folder) as sidecar:
            await until("the guest's socket", lambda: sidecar.check_alive() and guest.exists())
            async with program([client], {**env, "WAYLAND_DISPLAY": str(guest)}, folder) as running:
                if way == "enforce":
                    await running.until_says("is above 10")
                    assert '"event": "window"' not in embedded.output
                    return
                await until("a window", lambda: running.check_alive() and '"event": "window"' in embedded.output)
                await until("its frames", lambda: running.check_alive() and '"frame"' in log.read_text())
            await until("its end", lambda: '"disconnect"' in log.read_text())
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert not [entry for entry in entries if entry.get("verdict") == "deny"]
    seen = {entry["message"]["name"] for entry in entries if entry.get("verdict") == "would-deny" or entry["event"] == "shadow"}
    assert seen == {"create_buffer", "frame"}
    done = subprocess.run([*WLPROXY, "shadow", "report", str(log), "--json"], env=with_own_wlproxy(), capture_output=True, check=True)
    shadows = json.loads(done.stdout)["shadows"]
    if way == "complain":
        assert shadows == []
    else:
        told = {row["message"]: row["would_be"] for row in shadows[0]["rows"]}
        assert told == {"wl_shm_pool.create_buffer": "stricter", "wl_surface.frame": "stricter"}
