"""The scenarios by name: what the load client is told, which figure counts, which way is better."""

from __future__ import annotations

from dataclasses import dataclass

LATENCY = "p50_us"
RATE = "rate"
STARTUP = "startup_ms"


@dataclass(frozen=True, slots=True)
class Scenario:
    """`figure`: the main one, a key of a measurement. `divide`, `unit`: how the table prints it."""

    name: str
    run: str
    figure: str
    unit: str
    divide: float = 1.0
    clients: int = 1
    flush: int = 4096
    about: str = ""

    @property
    def lower_is_better(self) -> bool:
        return self.figure != RATE


SCENARIOS = {s.name: s for s in (
    Scenario("roundtrip", "roundtrip", LATENCY, "us p50", about="one sync at a time"),
    Scenario("requests", "requests", RATE, "M requests/s", 1e6, about="small requests, flushed at 4 KiB as libwayland does"),
    Scenario("requests-64k", "requests", RATE, "M requests/s", 1e6, flush=65536, about="the same, flushed at 64 KiB"),
    Scenario("stream", "stream", RATE, "M requests/s", 1e6, about="frames with their callbacks and releases, not waited for"),
    Scenario("events", "events", RATE, "M events/s", 1e6, about="pointer motion as fast as it is taken"),
    Scenario("bursts", "bursts", LATENCY, "us p50", about="500 events from standstill, until the last is there"),
    Scenario("motion", "motion", LATENCY, "us p50", about="1 kHz pointer motion, age when read"),
    Scenario("churn", "churn", RATE, "k objects/s", 1e3, about="surfaces and regions made and destroyed"),
    Scenario("fds", "fds", RATE, "k fds/s", 1e3, about="28 pools up, one keymap down, then a sync"),
    Scenario("frames", "frames", LATENCY, "us p50", about="4K frames with 8 damaged squares, one at a time"),
    Scenario("clients-100", "clients", RATE, "k round trips/s", 1e3, clients=100, about="100 clients, each with a sync under way"),
    Scenario("clients-500", "clients", RATE, "k round trips/s", 1e3, clients=500, about="500 clients, each with a sync under way"),
    Scenario("startup", "startup", STARTUP, "ms", about="from spawn to the first round trip"),
)}
