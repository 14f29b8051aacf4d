"""Whatever the bytes: a policy or findings; and whatever loads also compiles, to tables a session can run with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.scene import shipped
from wlproxy.core.errors import ConfigErrors
from wlproxy.handlers import load_tables
from wlproxy.policy.compile import compile_policy
from wlproxy.policy.identity import canonical, digest
from wlproxy.policy.load import explain, load_policy
from wlproxy.policy.model import Policy

POLICIES = Path(__file__).parents[2] / "policies"
SHIPPED = [path.read_text(encoding="utf-8") for path in sorted(POLICIES.glob("*.toml"))]
TOKENS = ["{", "}", "[", "]", '"', "'", "=", ".", ",", "\n", "#", "*", "0", "-1", "99", "true", "nan", "1e400", "1979-05-27"]
TOKENS += ["''", "\\u0000", "deny", "ask", "hide", "inert", "ignore", "disconnect", "${", "${vm}", "${x}", "{title}"]
TOKENS += ["é", "\u202e", "\t", "[[global]]\n"]
TOKENS += ["min", "max", "in", "max-bytes", "charset", "sanitize", "null", "args", "deny-as", "verdict", 'extends = "strict"\n']

relaxed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)


def outcome(path: Path, data: bytes, variables: Mapping[str, str]) -> Policy | None:
    """The policy; None where there are findings, each of which can be shown."""
    path.write_bytes(data)
    try:
        return load_policy(str(path), variables, shipped(), search=())
    except ConfigErrors as errors:
        assert errors.findings and all(explain(errors))
        assert all(f.path and f.code and f.message for f in errors.findings)
        return None


def runs(policy: Policy) -> None:
    value = json.loads(canonical(compile_policy(policy, shipped())))
    assert digest(value) == value["sha256"]
    load_tables(value)


@st.composite
def mutated(draw: Callable[..., Any]) -> bytes:
    """A shipped policy with a few places cut out, doubled, swapped or replaced by words of the language."""
    text = draw(st.sampled_from(SHIPPED))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 30)))
        kind = draw(st.sampled_from(["cut", "double", "token", "line"]))
        if kind == "cut":
            text = text[:at] + text[end:]
        elif kind == "double":
            text = text[:end] + text[at:end] + text[end:]
        elif kind == "token":
            text = text[:at] + draw(st.sampled_from(TOKENS)) + text[end:]
        else:
            lines = text.split("\n")
            lines.insert(draw(st.integers(0, len(lines))), lines.pop(draw(st.integers(0, len(lines) - 1))))
            text = "\n".join(lines)
    return text.encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "p.toml"


@relaxed
@given(data=st.binary(max_size=200))
def test_any_bytes_are_a_policy_or_findings(path: Path, data: bytes) -> None:
    outcome(path, data, {})


@relaxed
@given(data=mutated(), vm=st.none() | st.text(max_size=5))
def test_a_damaged_policy_is_a_policy_that_runs_or_findings(path: Path, data: bytes, vm: str | None) -> None:
    policy = outcome(path, data, {} if vm is None else {"vm": vm})
    if policy is not None:
        runs(policy)


WORDS = ["min", "max", "in", "max-bytes", "charset", "sanitize", "null", "args", "verdict", "deny-as", "x"]
DEMANDS = st.fixed_dictionaries({}, optional={"min": st.integers(-5, 5), "max": st.integers(0, 9), "in": st.just([1, 2])})
VALUES = st.recursive(
    st.one_of(st.integers(-3, 100), st.booleans(), st.floats(), st.sampled_from(TOKENS), st.just("plain")),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
    max_leaves=4,
)


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return str(value)
    return json.dumps(value)


@st.composite
def rules(draw: Callable[..., Any]) -> bytes:
    """A policy of any values under names that exist: valid TOML, mostly wrong."""
    lines = ["format = 1", 'name = "x"', "[global]"]
    names = sorted(shipped())
    for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=3)):
        lines.append(f"{name} = {toml(draw(st.integers(-1, 9) | VALUES))}")
    for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=3)):
        interface = shipped()[name]
        messages = [*interface.requests, *interface.events]
        if messages:
            lines.append(f"[message.{name}]")
            for message in draw(st.lists(st.sampled_from(messages), unique_by=lambda m: m.name, max_size=3)):
                demands = {argument.name: draw(DEMANDS) for argument in message.arguments}
                shapes = st.sampled_from(["allow", "deny", {"deny-as": "ignore"}, {"deny-as": "inert"}, {"args": demands}])
                lines.append(f"{message.name} = {toml(draw(shapes | VALUES))}")
    return "\n".join(lines).encode()


@relaxed
@given(data=rules())
def test_any_rules_about_what_exists_run_or_are_findings(path: Path, data: bytes) -> None:
    policy = outcome(path, data, {})
    if policy is not None:
        runs(policy)
