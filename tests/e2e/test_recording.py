"""A real client recorded on the embedded host, then replayed under its own and a narrower policy, and printed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import environment, need, program, until
from tests.e2e.proxy import with_own_wlproxy
from tests.scene import shipped
from wlproxy.policy import read_literal

pytest.importorskip("pywayland")
pytestmark = [pytest.mark.e2e, pytest.mark.trio]

WLPROXY = [sys.executable, "-P", "-m", "wlproxy"]
NARROW = """
format = 1
name = "narrow"
extends = "strict"
[message.xdg_toplevel]
set_title = { verdict = "deny", deny-as = "ignore" }
[global]
wl_seat = "hide"
"""


def wlproxy(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*WLPROXY, *args], env=with_own_wlproxy(), capture_output=True, text=True, timeout=30, check=False)


def replay(path: Path, policy: str, *more: str) -> dict[str, object]:
    done = wlproxy("replay", str(path), "--policy", policy, "--json", *more)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("redact", [(), ("--redact",)], ids=["whole", "redacted"])
async def test_a_terminal_recorded_and_replayed(folder: Path, redact: tuple[str, ...]) -> None:
    terminal = need("weston-terminal", "weston")
    host, file, live = folder / "host.sock", folder / "r.wltrace", folder / "live"
    env = environment(**{k: v for k, v in with_own_wlproxy().items() if k == "PYTHONPATH"}, XDG_RUNTIME_DIR=str(folder))
    async with program([sys.executable, "-P", "-m", "wlproxy.host", "--socket", str(host), "--commands"], env, folder) as embedded:
        await embedded.until_says('"ready"')
        command = [*WLPROXY, "run", "--policy", "strict", "--listen", f"unix:{folder}/guest.sock", "--upstream", str(host)]
        command += ["--record", str(file), "--trace", str(live), *redact]
        async with program(command, env, folder) as sidecar:
            await until("the guest's socket", lambda: sidecar.check_alive() and (folder / "guest.sock").exists())
            client = {**env, "WAYLAND_DISPLAY": str(folder / "guest.sock"), "WAYLAND_DEBUG": "1"}
            async with program([terminal, "--shell=/bin/cat"], client, folder) as running:
                await until("a window", lambda: running.check_alive() and '"event": "window"' in embedded.output)
                await until("a frame", lambda: live.exists() and ".frame(new id" in live.read_text())
                debug = [line for line in running.output.splitlines() if line.startswith("[") and line.endswith(")")]
        assert "Traceback" not in sidecar.output and "internal" not in sidecar.output, sidecar.output

    same = replay(file, "strict")
    assert (same["newly_denied"], same["newly_allowed"], same["disconnected"], same["parted"], same["damage"]) == ([], [], [], [], "")
    assert same["same"] == same["messages"] and int(str(same["messages"])) > 50 and same["recorded_policy"] == "strict"

    (folder / "narrow.toml").write_text(NARROW)
    narrow = replay(file, str(folder / "narrow.toml"))
    denied = {group["message"]: group["rule"] for group in narrow["newly_denied"]}  # type: ignore[attr-defined]
    assert {"wl_registry.bind(wl_seat)", "xdg_toplevel.set_title"} <= set(denied)
    assert denied["xdg_toplevel.set_title"].endswith("narrow.toml:6")
    assert narrow["disconnected"] == narrow["parted"] == [] and "wl_seat" in narrow["no_longer_offered"]  # type: ignore[operator]
    gate = wlproxy("replay", str(file), "--policy", str(folder / "narrow.toml"), "--fail-on", "denied")
    assert gate.returncode == 1 and "Clients that would have been disconnected: none" in gate.stdout

    printed = wlproxy("trace", str(file))
    lines = printed.stdout.splitlines()
    assert printed.returncode == 0 and len(lines) == same["messages"]
    assert all(read_literal.read(line, shipped(), partial=True) for line in lines + live.read_text().splitlines())
    assert len(debug) > 50 and all(read_literal.read(line, shipped()) for line in debug)  # what libwayland itself prints
    titles = [line for line in lines if ".set_title(" in line]
    assert titles and all("rewritten" in line for line in titles)
    assert (b"Terminal" in file.read_bytes()) == (not redact)

    whole = file.read_bytes()
    (folder / "cut").write_bytes(whole[: len(whole) * 2 // 3])
    cut = wlproxy("replay", str(folder / "cut"), "--policy", "strict")
    assert cut.returncode == 0 and "breaks off" in cut.stderr and "Newly denied: 0" in cut.stdout


async def test_a_sidecar_that_runs_is_joined(folder: Path) -> None:
    terminal = need("weston-terminal", "weston")
    host, file, lines = folder / "host.sock", folder / "r.wltrace", folder / "lines"
    env = environment(**{k: v for k, v in with_own_wlproxy().items() if k == "PYTHONPATH"}, XDG_RUNTIME_DIR=str(folder))
    client = {**env, "WAYLAND_DISPLAY": str(folder / "guest.sock")}
    async with program([sys.executable, "-P", "-m", "wlproxy.host", "--socket", str(host), "--commands"], env, folder) as embedded:
        await embedded.until_says('"ready"')
        command = [*WLPROXY, "run", "--guest", "work", "--policy", "strict", "--upstream", str(host), "--audit", str(folder / "audit")]
        async with program([*command, "--listen", f"unix:{folder}/guest.sock"], env, folder) as sidecar:
            await until("the control socket", lambda: sidecar.check_alive() and (folder / "wlproxy/work.control").exists())
            record, trace = [*WLPROXY, "record", "work", "-o", str(file)], [*WLPROXY, "trace", "work", "--json", "-o", str(lines)]
            async with program([terminal, "--shell=/bin/cat"], client, folder):
                await until("a first window", lambda: '"event": "window"' in embedded.output)
                async with program(record, env, folder) as recording, program(trace, env, folder) as tracing:
                    await recording.until_says("connections from now on")
                    await tracing.until_says("connections from now on")
                    async with program([terminal, "--shell=/bin/cat"], client, folder):
                        await until("a frame", lambda: lines.exists() and ".frame(new id" in lines.read_text())
        assert "Traceback" not in sidecar.output and "internal" not in sidecar.output, sidecar.output
    seen = [json.loads(line) for line in lines.read_text().splitlines() if line.endswith("}")]
    assert {line["client"] for line in seen} == {2} and {"rewritten", "allowed"} <= {line["verdict"] for line in seen}
    assert "Terminal" not in lines.read_text() and all(read_literal.read(line["message"], shipped(), partial=True) for line in seen)
    same = replay(file, "strict")
    assert same["same"] == same["messages"] and int(str(same["messages"])) > 50 and same["damage"] == ""
    audit = [json.loads(line) for line in (folder / "audit").read_text().splitlines()]
    assert [(line["event"], line["state"]) for line in audit if line.get("joined")][:2] in (
        [("recording", "started"), ("trace", "started")],
        [("trace", "started"), ("recording", "started")],
    )
