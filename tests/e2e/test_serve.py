"""Real clients in two guests of one `wlproxy serve`: each under its own policy, each with its own name on its windows."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import accepts, environment, need, program, until
from tests.e2e.proxy import with_own_wlproxy

pytest.importorskip("pywayland")
pytestmark = [pytest.mark.e2e, pytest.mark.trio]


def titles(output: str) -> set[str]:
    """Of the windows that the embedded host has had."""
    found = set()
    for line in output.splitlines():
        if line.startswith("{") and '"event": "window"' in line:
            found.add(str(json.loads(line).get("title", "")))
    return found


async def test_two_guests_and_a_third(folder: Path) -> None:
    terminal = need("weston-terminal", "weston")
    host, files, audit = folder / "host.sock", folder / "guests.d", folder / "audit.jsonl"
    files.mkdir()

    def guest(name: str, policy: str) -> Path:
        path = folder / f"{name}.sock"
        text = f'format = 1\npolicy = "{policy}"\nvars = {{ label = "{name.upper()}" }}\nlisten = ["unix:{path}"]\n'
        (files / f"{name}.toml").write_text(text)
        return path

    work, bank = guest("work", "desktop"), guest("bank", "strict")
    env = environment(**{k: v for k, v in with_own_wlproxy().items() if k == "PYTHONPATH"}, XDG_RUNTIME_DIR=str(folder))
    serve = [sys.executable, "-P", "-m", "wlproxy", "serve", "--config", str(files), "--upstream", str(host), "--audit", str(audit)]
    async with program(serve, env, folder) as serving:  # before the compositor
        for path in (work, bank):
            await until("a guest's socket", lambda path=path: serving.check_alive() and accepts(path))  # type: ignore[misc]
        async with program([sys.executable, "-P", "-m", "wlproxy.host", "--socket", str(host), "--commands"], env, folder) as embedded:
            await embedded.until_says('"ready"')

            async def shows(path: Path, label: str) -> None:
                client = {**env, "WAYLAND_DISPLAY": str(path)}
                async with program([terminal, "--shell=/bin/cat"], client, folder) as running:
                    await until(
                        f"a window of {label}",
                        lambda: running.check_alive() and any(title.startswith(f"[{label}]") for title in titles(embedded.output)),
                    )

            await shows(work, "WORK")
            await shows(bank, "BANK")
            third = guest("third", "strict")
            os.kill(serving.process.pid, signal.SIGHUP)
            await until("the third guest's socket", lambda: serving.check_alive() and accepts(third))
            await shows(third, "THIRD")
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    assert {(line["guest"], line["policy"]["name"]) for line in lines if line["event"] == "disconnect"} >= {
        ("work", "desktop"),
        ("bank", "strict"),
        ("third", "strict"),
    }
    assert not [line for line in lines if line["event"] == "internal"]
    assert not any(path.exists() for path in (work, bank, third))
