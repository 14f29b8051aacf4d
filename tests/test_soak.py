"""The soak itself: that it runs, and that it notices what grows."""

from __future__ import annotations

from tests import soak
from tests.soak import MOST_GROWTH_KIB, ROUNDS, Figures

STILL = Figures(8000, 16000, 8)


def rounds(*relay: Figures) -> list[tuple[Figures, Figures]]:
    return [(figures, STILL) for figures in relay]


def test_a_short_run_is_served_and_measured(monkeypatch, capsys):
    monkeypatch.setattr(soak, "ROUNDS", 3)
    monkeypatch.setattr(soak, "RELOAD_SECONDS", 0.2)
    assert [line for line in soak.soak(1.5, 1) if "proportional set size" not in line] == []  # too short to judge memory
    last = capsys.readouterr().out.splitlines()[2]
    assert " clients, " in last and " reloads, " in last and " transfers" in last


def test_what_stays_the_same_is_fine(capsys):
    assert soak.judged(rounds(*[STILL] * ROUNDS)) == []


def test_a_warm_up_is_not_held_against_it():
    early = [Figures(1000 * n, 16000, 8) for n in range(ROUNDS // 4)]
    assert soak.judged(rounds(*early, *[STILL] * (ROUNDS - len(early)))) == []


def test_steady_growth_is_noticed_and_said_in_figures():
    step = 3 * MOST_GROWTH_KIB // ROUNDS
    (said,) = soak.judged(rounds(*[Figures(8000 + step * n, 16000, 8) for n in range(ROUNDS)]))
    assert said.startswith("relay: ") and "KiB" in said


def test_one_descriptor_is_noticed():
    (said,) = soak.judged(rounds(STILL, STILL, Figures(8000, 16000, 9), STILL))
    assert said == "relay: 8 descriptors after the first round, later 9"
