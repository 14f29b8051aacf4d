"""A policy that is asked on the side: what it would have decided otherwise, and that it decides nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy import made_up
from tests.policy.test_agreement import relaxed
from tests.policy.test_complain import compiled, path
from tests.scene import BASIC, Scene, deny, only, policy, shipped
from wlproxy.core.differences import STRICTER, TELL_SECONDS, WIDER, Difference, Differences
from wlproxy.core.outcome import SHADOW
from wlproxy.core.quotas import Usage, limits_of
from wlproxy.core.session import Session
from wlproxy.core.shadow import attach
from wlproxy.core.tables import FULL, REFER
from wlproxy.handlers import load_tables
from wlproxy.policy.compile import compile_policy
from wlproxy.policy.grammar import Literal
from wlproxy.policy.model import VIRTUAL, Policy, Predicate
from wlproxy.tools.fuzzing.files import PretendedFiles
from wlproxy.tools.stage import Seen, Stage, Unstaged

__all__ = ["path"]  # the fixture


OUTPUTS = "zxdg_output_manager_v1"


def beside(real: Policy, shadow: Policy, usage: Usage | None = None) -> Scene:
    """A scene under the one, with the other asked on the side."""
    scene = Scene(real, usage=usage)
    attach(scene.session.connection.tables, load_tables(compile_policy(shadow, shipped())))
    return scene


def told(scene: Scene) -> list[tuple[str, str, str]]:
    return [(r.verdict, f"{r.interface}.{r.message}", r.rule) for r in scene.records(SHADOW)]


def test_what_the_shadow_refuses_passes_and_is_told() -> None:
    scene = beside(policy(*BASIC), policy(*BASIC, messages={("wl_compositor", "create_region"): deny("inert")}))
    scene.announce().bind("wl_compositor", 3).forget().guest(3, "create_region", 4)
    scene.host_gets("wl_compositor#3.create_region(4)")
    assert told(scene) == [(STRICTER, "wl_compositor.create_region", "scene.toml:77")]
    assert scene.records("refused") == []


def test_what_only_the_shadow_would_pass_stays_refused() -> None:
    scene = beside(policy(*BASIC, messages={("wl_compositor", "create_region"): deny("inert")}), policy(*BASIC))
    scene.announce().bind("wl_compositor", 3).forget().guest(3, "create_region", 4)
    scene.host_gets("wl_display#1.sync(4)")
    assert told(scene) == [(WIDER, "wl_compositor.create_region", "scene.toml:77")]


def test_also_where_the_refusal_ends_the_connection() -> None:
    scene = beside(policy(*BASIC, messages={("wl_compositor", "create_region"): deny("disconnect")}), policy(*BASIC))
    scene.announce().bind("wl_compositor", 3).forget().guest(3, "create_region", 4)
    assert scene.session.over and told(scene) == [(WIDER, "wl_compositor.create_region", "scene.toml:77")]


def test_arguments_are_asked_before_either_policy_changes_them() -> None:
    most = only(scale=Predicate(maximum=2))
    scene = beside(policy(*BASIC), policy(*BASIC, messages={("wl_surface", "set_buffer_scale"): most}))
    scene.announce().bind("wl_compositor", 3).guest(3, "create_surface", 4).forget()
    scene.guest(4, "set_buffer_scale", 2)
    assert told(scene) == []
    scene.guest(4, "set_buffer_scale", 3)
    assert [record.reason for record in scene.records(SHADOW)] == ["argument scale: 3 is above 2"]


def test_what_handlers_refuse_is_no_difference() -> None:
    """It would have been refused under either policy."""
    scene = beside(policy(*BASIC), policy(*BASIC, messages={("wl_surface", "set_buffer_scale"): deny("ignore")}))
    scene.announce().bind("wl_compositor", 3).guest(3, "create_surface", 4).forget().guest(4, "set_buffer_scale", 0)
    assert told(scene) == []
    scene.ends(4, 0, "scale 0 is not positive")


def test_a_global_that_the_shadow_hides_is_told_where_it_is_bound() -> None:
    scene = beside(policy("wl_compositor", "wl_seat"), policy("wl_compositor"))
    scene.announce()
    assert told(scene) == []
    scene.bind("wl_seat", 3)
    (record,) = scene.records(SHADOW)
    assert (record.verdict, record.message, record.reason) == (STRICTER, "bind", "wl_seat is not announced")
    assert record.shadow is not None and record.shadow.about == "wl_seat"


def test_a_global_that_the_proxy_serves_under_one_of_the_policies_is_announced_under_both() -> None:
    passed_on = policy(*BASIC, OUTPUTS)
    served = replace(passed_on, globals=passed_on.globals | {OUTPUTS: replace(passed_on.globals[OUTPUTS], verdict=VIRTUAL)})
    for real, shadow in ((passed_on, served), (served, passed_on)):
        scene = beside(real, shadow)
        scene.announce(names=("wl_output", OUTPUTS)).bind("wl_output", 3).bind(OUTPUTS, 4).guest(4, "get_xdg_output", 5, 3).goes_on()
        assert told(scene) == []


def test_a_version_that_the_shadow_does_not_announce() -> None:
    scene = beside(policy(wl_compositor=6), policy(wl_compositor=4))
    scene.announce().bind("wl_compositor", 3, version=4)
    assert told(scene) == []
    scene.bind("wl_compositor", 4, version=5)
    assert [record.reason for record in scene.records(SHADOW)] == ["wl_compositor at version 5, and 4 at most is announced"]


def test_a_global_that_only_the_shadow_announces_is_told_where_the_compositor_offers_it() -> None:
    scene = beside(policy("wl_compositor"), policy("wl_compositor", "wl_seat"))
    scene.announce()
    (record,) = scene.records(SHADOW)
    assert (record.verdict, record.message, record.reason) == (WIDER, "global", "wl_seat is not announced")


def test_a_bind_of_what_nobody_announced_is_no_difference() -> None:
    """The guest's text is no key of anything."""
    scene = beside(policy("wl_compositor"), policy("wl_compositor", "wl_seat"))
    scene.announce().forget().guest_bytes(scene.request(2, "bind", 77, "wl_seat" * 9, 1, 3))
    assert scene.session.over and told(scene) == []


def test_the_same_policy_beside_itself_costs_the_fast_path_nothing() -> None:
    real = policy(*BASIC, messages={("wl_surface", "set_buffer_scale"): deny("ignore")})
    tables, alone = (load_tables(compile_policy(real, shipped())) for _ in range(2))
    attach(tables, load_tables(compile_policy(replace(real, name="other"), shipped())))
    for name, family in tables.families.items():
        if name != "wl_registry":
            for mine, its in zip(family.requests + family.events, alone.families[name].requests + alone.families[name].events, strict=True):
                assert (mine.kind, mine.shadow) == (its.kind, None)


def test_only_what_differs_leaves_the_fast_path() -> None:
    tables, alone = (load_tables(compile_policy(policy(*BASIC), shipped())) for _ in range(2))
    attach(tables, load_tables(compile_policy(policy(*BASIC, messages={("wl_surface", "set_input_region"): deny("ignore")}), shipped())))
    changed = [
        (mine.name, its.kind, mine.kind)
        for mine, its in zip(tables.families["wl_surface"].requests, alone.families["wl_surface"].requests, strict=True)
        if mine.kind != its.kind
    ]
    assert changed == [("set_input_region", REFER, FULL)]


# -- counting


def test_the_first_is_told_at_once_then_one_in_a_while_and_the_rest_at_the_end() -> None:
    usage = Usage()
    scene = beside(policy(*BASIC), policy(*BASIC, messages={("wl_compositor", "create_region"): deny("inert")}), usage)
    scene.announce().bind("wl_compositor", 3).forget()
    for number in range(4, 104):
        scene.session.now = float(number)
        scene.guest(3, "create_region", number)
    counts = [(r.shadow.count, r.shadow.first, r.shadow.last) for r in scene.records(SHADOW) if r.shadow is not None]
    assert counts == [(1, 4.0, 4.0), (60, 5.0, 64.0)]
    rest = [record.shadow for record in usage.differences.rest()]
    assert [(r.count, r.first, r.last) for r in rest if r is not None] == [(39, 65.0, 103.0)]
    assert usage.differences.rest() == [] and (usage.differences.stricter, usage.differences.wider) == (100, 0)


@given(st.lists(st.tuples(st.sampled_from([STRICTER, WIDER]), st.sampled_from("abc"), st.floats(0, 5 * TELL_SECONDS))))
def test_every_difference_is_told_exactly_once(found: list[tuple[str, str, float]]) -> None:
    differences, told = Differences(), []
    for kind, rule, at in sorted(found, key=lambda one: one[2]):
        told += differences.add(Difference(kind, "p", "0", 0, "wl_surface", "commit", "", 3, "why", rule), at)
    told += differences.rest()
    for kind in (STRICTER, WIDER):
        for rule in "abc":
            counted = sum(r.shadow.count for r in told if r.shadow is not None and (r.verdict, r.rule) == (kind, rule))
            assert counted == sum(one[:2] == (kind, rule) for one in found)


# -- one engine


def under(real: dict[str, object], shadow: dict[str, object] | None, literal: Literal) -> tuple[Seen, list[tuple[str, str]]] | None:
    """What becomes of a message, and the differences over it."""
    tables, files = load_tables(real), PretendedFiles()
    if shadow is not None:
        attach(tables, load_tables(shadow))
    session = Session(tables, limits_of(real), files)
    found: list[tuple[str, str]] = []

    def deliver(side, data, fds):  # type: ignore[no-untyped-def]
        outcome = session.receive(side, data, fds)
        found[:] = [(record.verdict, record.rule) for record in outcome.audit if record.event == SHADOW]
        return outcome

    try:
        return Stage(real, shipped(), session, deliver, files).play(literal), found
    except Unstaged:
        return None
    finally:
        session.close()


@relaxed
@given(one=made_up.policies(), two=made_up.policies(), literal=made_up.messages())
def test_a_shadow_decides_nothing_and_says_what_it_would(path, one: str, two: str, literal: Literal) -> None:  # type: ignore[no-untyped-def]
    real, other = compiled(path, one), compiled(path, two)
    alone, with_it, its = under(real, None, literal), under(real, other, literal), under(other, None, literal)
    assert (alone is None) == (with_it is None)
    if alone is None or with_it is None:
        return
    seen, found = with_it
    assert seen == alone[0]
    if its is None or literal.interface == "wl_registry" or literal.arguments is None:
        return
    if any("built-in" in verdict.origin or "inert" in verdict.shapes or verdict.verdict == "violation" for verdict in (seen, its[0])):
        return
    passes = ("allow", "rewrite")
    if seen.verdict in passes and its[0].verdict not in passes:
        assert found == [(STRICTER, its[0].origin)]
    elif seen.verdict not in passes and its[0].verdict in passes:
        assert found == [(WIDER, seen.origin)]
    else:
        assert found == []


@pytest.mark.parametrize(("one", "two"), [("strict", "desktop"), ("desktop", "conferencing")])
def test_shipped_policies_beside_each_other(one: str, two: str) -> None:
    """Each loads beside each: their tables are of the same protocol data."""
    from wlproxy.policy.load import load_policy

    policies = [compile_policy(load_policy(name, {}, shipped(), search=(), ceiling=""), shipped()) for name in (one, two)]
    for real, shadow in (policies, policies[::-1]):
        tables = load_tables(real)
        attach(tables, load_tables(shadow))
        attached = [rule for family in tables.families.values() for rule in family.requests if rule.shadow is not None]
        assert attached and tables.shadow is not None
