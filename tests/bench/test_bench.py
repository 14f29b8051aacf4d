"""The bench measures what it says: counts and complaints are asserted here, never speed."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Any

import pytest

from bench import report, summary
from bench.compile_c import build, compiler
from bench.measure import measure
from bench.peers import DIRECT, FORWARDER, Peer, Stage, from_template
from bench.processes import BenchError, Group
from bench.scenarios import SCENARIOS

pytestmark = pytest.mark.skipif(compiler() is None, reason="the bench needs a C compiler")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("bench"))


@pytest.mark.parametrize("peer", [DIRECT, FORWARDER], ids=lambda p: p.name)
@pytest.mark.parametrize("scenario", ["roundtrip", "stream", "bursts", "churn", "fds", "frames"])
def test_scenario_counts(built: Path, peer: Peer, scenario: str) -> None:
    figures = measure(peer, SCENARIOS[scenario], built, seconds=0.02, limit=10)
    assert figures["count"] > 0
    assert figures["messages"] >= figures["count"]
    assert (figures["pss_kib"] > 0) == (peer is FORWARDER)


def test_startup_is_measured_from_the_spawn(built: Path) -> None:
    assert measure(FORWARDER, SCENARIOS["startup"], built, seconds=0.02, limit=10)["startup_ms"] > 0


def test_a_peer_that_dies_is_named(built: Path) -> None:
    with pytest.raises(BenchError, match="broken: ended with status 7"):
        measure(Peer("broken", (Stage(("/bin/sh", "-c", "exit 7")),)), SCENARIOS["roundtrip"], built, seconds=0.02, limit=10)


@pytest.mark.parametrize(("sent", "complaint"), [
    (struct.pack("=III", 1, 12 << 16, 3), "not a valid new object id"),          # id 2 was left out
    (struct.pack("=III", 9, 12 << 16, 2), "invalid object"),
    (struct.pack("=IIII", 1, 16 << 16, 2, 0), "wrong size"),
    (struct.pack("=III", 1, 12 << 16 | 7, 2), "invalid method"),
    (struct.pack("=II", 1, 12 << 16), "ended inside a message"),
], ids=["gap in the ids", "object", "size", "opcode", "cut short"])
def test_stub_notices_broken_wire_rules(built: Path, tmp_path: Path, sent: bytes, complaint: str) -> None:
    stub = Group("stub", tmp_path)
    try:
        stub.start([str(built / "stub_compositor"), "host"], {}, ready=tmp_path / "host")
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(5)
            s.connect(str(tmp_path / "host"))
            s.sendall(sent)
            s.shutdown(socket.SHUT_WR)
            while s.recv(4096):
                pass
    finally:
        stub.stop()
    assert stub.roots[0].returncode == 1
    assert complaint in (tmp_path / "stub.log").read_text()


def rows(**rates: list[float]) -> list[dict[str, Any]]:
    return [{"pin": "0", "round": n, "scenario": "requests", "peer": peer, "figures": {"rate": rate}}
            for peer, values in rates.items() for n, rate in enumerate(values)]


def test_ratios_are_taken_inside_a_round() -> None:
    noisy = rows(direct=[100, 10, 40], wlproxy=[50, 5, 20])
    assert summary.ratio(noisy, "0", "requests", "wlproxy", "direct", "rate") == 0.5
    verdict = next(t for t in summary.judge(noisy, "0", "wlproxy") if t["target"] == "requests, to direct")
    assert (verdict["value"], verdict["met"]) == (0.5, True)
    assert all(t["met"] is None for t in summary.judge([], "0", "wlproxy"))


def test_table_and_plot_hold_every_peer() -> None:
    short = summary.summarise(rows(direct=[100.0], forwarder=[80.0], other=[10.0]), ["0"], ["requests"],
                              ["direct", "forwarder", "other"])
    assert all(word in report.table(short, ["0"]) for word in ("direct", "forwarder", "other", "0.10"))
    assert all(word in report.plot(short, "0") for word in ("forwarder", "other", ">10.00<", "prefers-color-scheme"))


def test_peer_template_needs_both_sockets() -> None:
    assert from_template("x=prog {listen} {upstream}").stages[0].argv == ("prog", "{listen}", "{upstream}")
    with pytest.raises(ValueError, match="NAME=COMMAND"):
        from_template("x=prog")
