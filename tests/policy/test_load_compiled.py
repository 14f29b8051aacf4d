"""Compiled policies: whole, signed, and never more than the host gives that they run on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.policy import made_up
from tests.scene import shipped
from wlproxy.core.compact import LETTERS
from wlproxy.core.errors import ConfigErrors
from wlproxy.core.protocol import FD, FIXED, INT, STRING, Argument
from wlproxy.policy.compile import _predicate, compile_policy
from wlproxy.policy.identity import canonical, digest
from wlproxy.policy.load import load_ceiling, load_policy
from wlproxy.policy.load_compiled import load_compiled
from wlproxy.policy.model import Origin, Predicate
from wlproxy.policy.recompiled import beyond, predicates

HEAD = 'format = 1\nname = "ceiling"\n'
relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def compiled(name: str) -> dict[str, Any]:
    return compile_policy(load_policy(name, {}, shipped(), search=(), ceiling=""), shipped())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "p.json"
    made.write_bytes(canonical(compiled("desktop")) + b"\n")
    return made


def refusal(path: Path, **more: str) -> list[tuple[str, str]]:
    with pytest.raises(ConfigErrors) as caught:
        load_compiled(str(path), **({"ceiling": ""} | more))
    return [(finding.code, finding.message) for finding in caught.value.findings]


@pytest.mark.parametrize("name", ["strict", "desktop", "trusted", "transparent", "conferencing"])
def test_each_shipped_policy_runs_compiled_where_there_is_no_ceiling(tmp_path: Path, name: str) -> None:
    made = tmp_path / "p.json"
    made.write_bytes(canonical(compiled(name)))
    assert load_compiled(str(made), ceiling="")["name"] == name


def test_a_compiled_policy_is_held_to_the_ceiling_of_the_host_it_runs_on(path: Path, tmp_path: Path) -> None:
    ceiling = tmp_path / "ceiling.toml"
    ceiling.write_text(
        HEAD + '[global]\nwl_shm = 1\nzwp_linux_dmabuf_v1 = "hide"\nwl_seat = 9\nwl_output = { max = 4, virtualize = ["mode"] }\n'
        '[permission]\nprimary-out = { at-most = "deny" }\nclipboard-out = { at-most = "allow", max-bytes = "1MiB" }\n'
        'fullscreen = { at-most = "allow" }\nscreenshot = { at-most = "deny" }\n'
    )
    found = refusal(path, ceiling=str(ceiling))
    assert [code for code, _ in found] == ["ceiling"] * len(found)
    keys = {message.split()[0]: message for _, message in found}
    assert set(keys) == {
        "global.wl_shm",
        "global.zwp_linux_dmabuf_v1",
        "global.wl_output",
        "permission.primary-out",
        "permission.clipboard-out",
    }
    assert f"({ceiling}:4)" in keys["global.wl_shm"] and "version 1, not version 2" in keys["global.wl_shm"]
    assert f"({ceiling}:9)" in keys["permission.primary-out"]


def test_what_the_ceiling_was_asked_about_when_it_was_compiled_runs(tmp_path: Path) -> None:
    ceiling = tmp_path / "ceiling.toml"
    ceiling.write_text(HEAD + '[global]\nwl_shm = 1\n[permission]\nclipboard-out = { at-most = "deny" }\n')
    policy = load_policy("desktop", {}, shipped(), search=(), ceiling=str(ceiling))
    made = tmp_path / "p.json"
    made.write_bytes(canonical(compile_policy(policy, shipped())))
    assert load_compiled(str(made), ceiling=str(ceiling))["globals"]["wl_shm"][0] == 1


def test_where_others_could_take_the_ceiling_away_nothing_compiled_runs(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    ceiling = str(folder / "ceiling.toml")
    monkeypatch.setattr("wlproxy.policy.load_compiled.CEILING_FILE", ceiling)
    assert load_compiled(str(path), ceiling=ceiling)
    folder.chmod(0o777)
    assert refusal(path, ceiling=ceiling)[0][0] == "unsafe"
    assert load_compiled(str(path), ceiling="")  # told that there is none


def test_a_transparent_policy_runs_under_no_ceiling(tmp_path: Path) -> None:
    made = tmp_path / "p.json"
    made.write_bytes(canonical(compiled("transparent")))
    ceiling = tmp_path / "ceiling.toml"
    ceiling.write_text(HEAD)
    assert refusal(made, ceiling=str(ceiling)) == [
        ("ceiling", f"transparent is more than this host allows: it has a ceiling, {ceiling}")
    ]


def edited(path: Path, name: str, version: int) -> None:
    """A global more, and the hash of it: what somebody could write by hand, or another version of wlproxy."""
    made = json.loads(path.read_bytes())
    made["globals"][name] = [version, "by hand"]
    made["interfaces"].setdefault(name, {"version": version, "requests": [], "events": []})
    made["sha256"] = digest(made)
    path.write_bytes(canonical(made))


def test_the_floor_holds_for_compiled_policies_too(path: Path) -> None:
    edited(path, "zwp_virtual_keyboard_manager_v1", 1)
    ((code, message),) = refusal(path)
    assert code == "ceiling" and message.startswith("global.zwp_virtual_keyboard_manager_v1 is more") and "the floor (" in message


def test_a_global_that_is_not_known_here_is_not_under_any_ceiling(path: Path, tmp_path: Path) -> None:
    edited(path, "acme_laser_v1", 1)
    ceiling = tmp_path / "ceiling.toml"
    ceiling.write_text(HEAD)
    assert "not in the protocol data" in refusal(path, ceiling=str(ceiling))[0][1]


@st.composite
def ceilings(draw: st.DrawFn) -> str:
    lines = ["[global]"]
    for name in draw(st.lists(st.sampled_from(made_up.GLOBALS), unique=True, max_size=6)):
        lines.append(f"{name} = " + draw(st.sampled_from(["1", "1", '"hide"', '"never"'])))
    lines.append("[permission]")
    for name in draw(st.lists(st.sampled_from(made_up.PERMISSION_NAMES), unique=True, max_size=6)):
        lines.append(f'{name} = {{ at-most = "{draw(st.sampled_from(["allow", "ask", "deny"]))}" }}')
    return HEAD + "\n".join(lines) + "\n"


@relaxed
@given(text=made_up.policies(), top=ceilings())
def test_it_is_refused_exactly_where_compiling_it_here_would_give_less(tmp_path: Path, text: str, top: str) -> None:
    (tmp_path / "p.toml").write_text(text, encoding="utf-8")
    (tmp_path / "c.toml").write_text(top, encoding="utf-8")
    ceiling = load_ceiling(str(tmp_path / "c.toml"), shipped())
    policy = load_policy(str(tmp_path / "p.toml"), {}, shipped(), search=(), ceiling="")
    free, held = compile_policy(policy, shipped()), compile_policy(replace(policy, ceiling=ceiling), shipped())

    def given_away(made: dict[str, Any]) -> list[Any]:
        offered = [{name: entry[0] for name, entry in made[table].items()} for table in ("globals", "served")]
        return [*offered, made["virtual"], {name: [v, p] for name, (v, _, p) in made["permissions"].items()}]

    assert bool(beyond(free, shipped(), policy.never, ceiling)) == (given_away(free) != given_away(held))


LINES = st.builds(Origin, st.sampled_from(["strict.toml", "/etc/a:b/p.toml"]), st.integers(1, 999))
TEXTS = st.builds(
    Predicate,
    max_bytes=st.none() | st.integers(0, 99),
    charset=st.sampled_from(["", "abc", "-"]),
    sanitize=st.sampled_from(["", "plain"]),
    origin=LINES,
)
BOUNDS = st.none() | st.integers(-(2**15), 2**15).map(lambda number: number / 256)
FIXEDS = st.builds(Predicate, minimum=BOUNDS, maximum=BOUNDS, origin=LINES)
NUMBERS = st.builds(
    Predicate,
    minimum=st.none() | st.integers(-9, 9),
    maximum=st.none() | st.integers(-9, 9),
    values=st.none() | st.lists(st.integers(-9, 9), min_size=1, unique=True).map(lambda found: tuple(sorted(found))),
    origin=LINES,
)
OTHERS = st.sampled_from([Predicate(null=True, origin=Origin("p", 1)), Predicate(kind="pipe", origin=Origin("p", 1))])


@relaxed
@given(st.one_of(*(st.tuples(st.just(kind), made) for kind, made in ((STRING, TEXTS), (FIXED, FIXEDS), (INT, NUMBERS), (FD, OTHERS)))))
def test_what_a_policy_demands_of_an_argument_is_read_back_from_its_checks(which: tuple[str, Predicate]) -> None:
    kind, predicate = which
    checked = [[0, *check, str(predicate.origin)] for check in _predicate(predicate, Argument("x", kind))]
    assert predicates([f"x {LETTERS[kind]}"], checked) == ({"x": predicate} if checked else {})


def test_what_the_protocol_demands_and_what_is_rewritten_is_no_demand_of_a_policy() -> None:
    checked = [[0, "in", [1, 2], "built-in: enum"], [1, "cut", 9, "built-in: size"], [1, "rewrite", "[x] {}", "p.toml:3"]]
    assert predicates(["x u", "y s"], checked) == {}


# not whole


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"1", b"null", b"\xff\xfe", b"[" * 100_000, b'{"sha256": 1}', b'{"sha256": "x", "globals": {"a": 1e999}}'],
)
def test_what_is_no_compiled_policy(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert [code for code, _ in refusal(path)] == ["compiled"]


def test_what_was_edited(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"wl_shm":[2', b'"wl_shm":[1'))
    assert "damaged or edited" in refusal(path)[0][1]


def test_what_others_can_change(path: Path) -> None:
    path.chmod(0o666)
    assert [code for code, _ in refusal(path)] == ["unsafe"]


def test_how_many_a_guest_is_told_of_is_held_to_the_ceiling_as_well(path: Path, tmp_path: Path) -> None:
    ceiling = tmp_path / "ceiling.toml"
    ceiling.write_text(HEAD + "[global]\nwl_output = { max = 4, count = 1 }\n")
    (found,) = refusal(path, ceiling=str(ceiling))
    assert "at most 1" in found[1]
    path.write_bytes(canonical(compiled("viewer")))  # has the same bound itself
    assert load_compiled(str(path), ceiling=str(ceiling))["count"] == {"wl_output": 1}
