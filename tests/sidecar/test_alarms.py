"""Alarms: when a session is asked though nobody says anything."""

from __future__ import annotations

from wlproxy.sidecar.relay.alarms import LONGEST_SECONDS, Alarms


def test_without_one_nobody_is_woken() -> None:
    alarms = Alarms()
    assert alarms.at == 0
    assert alarms.rung(100.0) == []


def test_each_rings_once_when_its_time_has_come() -> None:
    alarms = Alarms()
    alarms.set(1, 5.0, 100.0)
    alarms.set(2, 3.0, 100.0)
    assert alarms.at == 103.0
    assert alarms.rung(103.0) == [2]
    assert alarms.at == 105.0
    assert alarms.rung(104.9) == []
    assert alarms.rung(105.0) == [1]
    assert alarms.at == 0


def test_what_is_said_meanwhile_does_not_put_one_off() -> None:
    alarms = Alarms()
    alarms.set(1, 5.0, 100.0)
    alarms.set(1, 5.0, 104.0)
    assert alarms.rung(105.0) == [1]
    alarms.set(1, 5.0, 105.0)
    alarms.set(1, 1.0, 105.0)
    assert alarms.rung(106.0) == [1]


def test_one_is_looked_at_now_and_then_because_the_host_may_have_slept() -> None:
    alarms = Alarms()
    alarms.set(1, 7200.0, 100.0)
    assert alarms.rung(100.0 + LONGEST_SECONDS) == [1]


def test_a_connection_that_is_over_has_none() -> None:
    alarms = Alarms()
    alarms.set(1, 5.0, 100.0)
    alarms.forget(1)
    assert alarms.rung(105.0) == []
    assert alarms.at == 0
