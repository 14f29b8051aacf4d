"""Proofs and scores: what is given is found, and to give more never lowers a score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scene import shipped
from wlproxy.policy.exposure import WEIGHTS, Never, powers, prove, rating, score_of
from wlproxy.policy.permissions import PERMISSIONS
from wlproxy.policy.reach import holdings
from wlproxy.tools.sources import load_source, risk_of

FULL = '[global]\nxdg_wm_base = 6\nwl_compositor = 6\n[permission]\nfullscreen = "allow"\n'
HEAD = 'format = 1\nname = "p"\n'


def compiled(tmp_path: Path, text: str) -> dict[str, Any]:
    path = tmp_path / "p.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return load_source(str(path), {}, shipped(), "").compiled


def total(policy: dict[str, Any]) -> float:
    return sum(score_of(risk, given) for risk, given in powers(policy, risk_of).items())


@pytest.mark.parametrize(
    ("text", "claim", "says", "line"),
    [
        ("[global]\next_idle_notifier_v1 = 1\n[permission]\nidle-notify = \"allow\"\n", Never("class", "H"), "ext_idle_notifier_v1", 4),
        ("[global]\nwl_shm = 1\n", Never("interface", "wl_buffer"), "a wl_buffer", 4),
        ("[global]\nwl_shm = 1\n", Never("interface", "wl_shm*"), "a wl_shm", 4),
        (FULL, Never("permission", "fullscreen"), "screen", 7),
        (FULL, Never("class", "E"), "fullscreen", 7),
    ],
)
def test_a_counterexample_names_what_is_given_and_the_line(tmp_path: Path, text: str, claim: Never, says: str, line: int) -> None:
    proof = prove(compiled(tmp_path, text), [claim], risk_of)
    assert any(says in example.what and example.origin.endswith(f"p.toml:{line}") for example in proof.counterexamples)


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("[global]\next_idle_notifier_v1 = 1\n", Never("class", "H")),  # without its permission it is hidden
        ('[global]\next_idle_notifier_v1 = 1\n[permission]\nidle-notify = "ask"\n', Never("permission", "idle-notify")),
        ('[global]\next_foreign_toplevel_list_v1 = "virtual"\n', Never("interface", "ext_foreign_toplevel_handle_v1")),
        ('[global]\nxdg_wm_base = 6\n[permission]\nfullscreen = "allow"\n', Never("permission", "fullscreen")),  # no surface, no window
        ('[global]\nwl_shm = 1\n[message.wl_shm]\ncreate_pool = "deny"\n', Never("interface", "wl_buffer")),
    ],
)
def test_what_cannot_be_reached_is_proved(tmp_path: Path, text: str, claim: Never) -> None:
    proof = prove(compiled(tmp_path, text), [claim], risk_of)
    assert proof.counterexamples == [] and proof.messages > 0


def test_a_global_that_nobody_classed_refutes_claims_about_classes(tmp_path: Path) -> None:
    proof = prove(compiled(tmp_path, "[global]\nwl_shm = 1\n"), [Never("class", "G")], lambda _name: "")
    assert [example.what for example in proof.counterexamples] == [
        "global wl_shm at version 1, whose class the table of interfaces does not know"
    ]


@pytest.mark.parametrize("name", ["strict", "viewer", "desktop", "conferencing"])
def test_no_shipped_policy_for_the_untrusted_gives_observing_injecting_or_controlling(name: str) -> None:
    source = load_source(name, {}, shipped(), "")
    assert prove(source.compiled, [Never("class", risk) for risk in "GHI"], risk_of).counterexamples == []


def test_to_give_more_never_lowers_the_score(tmp_path: Path) -> None:
    text, before = "[global]\n" + "".join(f"{name} = 1\n" for name in ("wl_compositor", "xdg_wm_base", "wl_seat", "wl_shm")), 0.0
    text += "wl_data_device_manager = 3\nzwp_linux_dmabuf_v1 = 3\next_idle_notifier_v1 = 1\n[permission]\n"
    for name in PERMISSIONS:
        asked = total(compiled(tmp_path, text + f'{name} = "ask"\n'))
        text += f'{name} = "allow"\n'
        after = total(compiled(tmp_path, text))
        assert before <= after and before <= asked, name
        before = after
    assert 0 < before < 100


def test_the_weights_are_a_hundred() -> None:
    assert sum(WEIGHTS.values()) == 100
    assert [rating(n) for n in (0, 9.9, 10, 99)] == ["small", "small", "moderate", "very large"]


def test_holdings_know_ghosts_and_versions(tmp_path: Path) -> None:
    text = '[global]\nwl_compositor = 4\nzxdg_output_manager_v1 = "virtual"\n[message.wl_compositor]\ncreate_region = "deny"\n'
    held = holdings(compiled(tmp_path, text))
    assert held["wl_surface"].real and held["wl_surface"].version == 4
    assert not held["wl_region"].real and not held["zxdg_output_v1"].real
    assert "xdg_surface" not in held
