"""One measurement: a fresh stub, a fresh peer, one client; figures out, nothing left behind."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.peers import Peer
from bench.processes import BenchError, Client, Group
from bench.scenarios import Scenario

SETTLE_SECONDS = 0.05


def measure(peer: Peer, scenario: Scenario, build: Path, seconds: float, limit: float = 25.0) -> dict[str, Any]:
    """The figures of one run. Raises BenchError when anything was wrong, the stub's complaints about the wire included."""
    folder = Path(tempfile.mkdtemp(prefix="wlbench-"))
    stub, proxy = Group("stub", folder), Group(peer.name, folder)
    client: Client | None = None
    upstream = folder / "host"
    listen = folder / "listen" if peer.stages else upstream
    argv = [str(build / "load_client"), scenario.run, str(listen), "--seconds", str(seconds), "--clients", str(scenario.clients),
            "--flush", str(scenario.flush), "--limit", str(int(limit) - 2), "--attended"]
    try:
        stub.start([str(build / "stub_compositor"), str(upstream)], {}, ready=upstream)
        if scenario.run == "startup":
            client = Client(argv, folder / "client.log")
            time.sleep(SETTLE_SECONDS)
            started = time.monotonic_ns()
            peer.start(proxy, listen, upstream, build)
            said = json.loads(client.line(proxy, limit))
            figures: dict[str, Any] = {"startup_ms": (said["first_roundtrip_at_ns"] - started) / 1e6}
            figures["startup_cpu_ms"] = proxy.cpu_ns() / 1e6
        else:
            peer.start(proxy, listen, upstream, build)
            client = Client(argv, folder / "client.log")
            figures = _attended(client, proxy, limit)
        if peer.name.startswith("wlproxy"):
            figures["compiled"] = proxy.has_mapped("__mypyc")
        proxy.check()
    except BenchError as e:
        complaint = stub.said()
        raise BenchError(f"{e}{'; stub' + complaint if complaint else ''}") from None
    finally:
        if client:
            client.stop()
        proxy.stop()
        stub.stop()
        log = stub.said()
        shutil.rmtree(folder, ignore_errors=True)
    if stub.roots[0].returncode:
        raise BenchError(f"the stub saw broken wire rules{log}")
    return figures


def _attended(client: Client, proxy: Group, limit: float) -> dict[str, Any]:
    client.line(proxy, limit)
    before = proxy.cpu_ns()
    client.go_on()
    said = json.loads(client.line(proxy, limit))
    cpu = proxy.cpu_ns() - before
    time.sleep(SETTLE_SECONDS)
    pss, private = proxy.memory_kib()
    client.go_on()
    seconds, messages = said["elapsed_ns"] / 1e9, said["requests"] + said["events"]
    figures = {
        "rate": said["count"] / seconds,
        "count": said["count"],
        "messages": messages,
        "proxy_cpu_us_per_message": cpu / 1e3 / messages,
        "proxy_cpu_share": cpu / 1e9 / seconds,
        "client_cpu_share": said["client_cpu_ns"] / 1e9 / seconds,
        "pss_kib": pss,
        "private_kib": private,
    }
    if "p50_ns" in said:
        figures["p50_us"] = said["p50_ns"] / 1e3
        figures["p99_us"] = said["p99_ns"] / 1e3
    return figures
