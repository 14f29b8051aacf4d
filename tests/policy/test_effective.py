"""What show prints of a policy is a policy that means the same, and each line of it says where it comes from."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.policy import made_up
from tests.scene import shipped
from wlproxy.policy.compile import compile_policy
from wlproxy.policy.effective import as_toml, ranges
from wlproxy.policy.effective import settings as settings_of
from wlproxy.policy.load import load_policy
from wlproxy.policy.read_predicates import Demand, read_charset
from wlproxy.tools.sources import Source, load_source

NAMES = ("strict", "viewer", "desktop", "conferencing", "trusted", "transparent")


def shown(source: Source, origins_first: bool = False) -> str:
    return "\n".join(as_toml(settings_of(source.policy, source.chain, source.compiled, shipped()), origins_first))


def means_the_same(path: Path, source: Source) -> None:
    path.write_text(shown(source), encoding="utf-8")
    again = compile_policy(load_policy(str(path), {}, shipped(), search=(), ceiling=""), shipped())
    assert again["sha256"] == source.compiled["sha256"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_of_a_shipped_policy_means_the_same(tmp_path: Path, name: str) -> None:
    means_the_same(tmp_path / "shown.toml", load_source(name, {"vm": "work"}, shipped(), ""))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "p.toml"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=30)
@given(text=made_up.policies())
def test_what_is_shown_of_any_policy_means_the_same(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    source = load_source(str(path), {}, shipped(), "")
    means_the_same(path.with_name("shown.toml"), source)


def test_every_value_names_the_line_that_sets_it(tmp_path: Path) -> None:
    child = tmp_path / "child.toml"
    text = 'format = 1\nname = "child"\nextends = "strict"\n[global]\nwl_shm = 1\n[permission]\nbell = "allow"\n'
    child.write_text(text, encoding="utf-8")
    lines = shown(load_source(str(child), {}, shipped(), "")).split("\n")
    (shm,) = [line for line in lines if line.startswith("wl_shm ")]
    assert shm.split("#")[1].split()[0] == f"{child}:5"
    (seat,) = [line for line in lines if line.startswith("wl_seat ")]
    assert seat.split("#")[1].split()[0].startswith("strict.toml:")
    (bell,) = [line for line in lines if line.startswith("bell ")]
    assert f"{child}:7" in bell and "ring the bell" in bell
    assert tomllib.loads("\n".join(lines))["global"]["wl_shm"] == 1


def test_what_a_permission_takes_away_is_shown_as_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('format = 1\nname = "p"\n[global]\nzwp_tablet_manager_v2 = 1\n', encoding="utf-8")
    (line,) = [line for line in shown(load_source(str(path), {}, shipped(), "")).split("\n") if line.startswith("zwp_tablet")]
    assert line.startswith('zwp_tablet_manager_v2 = "hide"') and "not allow: permission permission.tablet" in line


@pytest.mark.parametrize("text", ["A-Za-z0-9._-", "-", "a-c", "ab", "a-z é", " -~"])
def test_characters_are_written_as_they_are_read(text: str) -> None:
    def spelt(text: str) -> str:
        return read_charset(Demand(None, (), None, None), text)  # type: ignore[arg-type]

    assert spelt(ranges(spelt(text))) == spelt(text)
