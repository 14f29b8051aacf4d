"""What explain and diff say of a policy is what a session does under it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from tests.policy import made_up
from tests.scene import OPEN, Scene, shipped
from wlproxy.core.fds import Fd
from wlproxy.core.outcome import GUEST, Outcome
from wlproxy.core.quotas import limits_of
from wlproxy.core.session import Session
from wlproxy.handlers import load_tables
from wlproxy.policy.compare import WIDER, changes
from wlproxy.policy.compile import compile_policy
from wlproxy.policy.explain import ARGUMENT, Explainer, Explanation
from wlproxy.policy.grammar import ANY, EVENT, REQUEST, Literal, NewId, write
from wlproxy.policy.load import load_policy
from wlproxy.policy.model import Policy
from wlproxy.policy.permissions import OF_GLOBAL, OF_MESSAGE
from wlproxy.policy.reach import holdings
from wlproxy.policy.recompiled import explainable
from wlproxy.tools.fuzzing.files import PretendedFiles
from wlproxy.tools.sources import risk_of
from wlproxy.tools.stage import Seen, Stage, Unstaged

# no shrinking: an example is a whole conversation, and making it smaller took minutes
relaxed = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    max_examples=40,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
NAMES = ("strict", "viewer", "desktop", "conferencing", "trusted", "transparent")


class Engine:
    """A policy, explained, and played in scenes: a real session between strict peers."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.compiled: dict[str, Any] = compile_policy(policy, shipped())
        self.explainer = Explainer(policy, self.compiled, load_tables(self.compiled), shipped(), risk_of)

    def says(self, literal: Literal) -> Explanation:
        return self.explainer.explain(literal)

    def does(self, literal: Literal) -> Seen | None:
        """None where the objects that the message needs cannot be had."""
        scene, files = Scene(self.policy), PretendedFiles()
        OPEN.remove(scene)  # what descriptors there are is the stage's to say
        scene.session = Session(load_tables(self.compiled), limits_of(self.compiled), files, complaining=lambda: True)

        def deliver(side: int, data: bytes, fds: list[Fd]) -> Outcome:
            (scene.client if side == GUEST else scene.host).said(data)
            return (scene.guest_bytes if side == GUEST else scene.host_bytes)(data, fds).outcome

        try:
            return Stage(self.compiled, shipped(), scene.session, deliver, files).play(literal)
        except Unstaged:
            return None


@functools.cache
def shipped_engine(name: str) -> Engine:
    return Engine(load_policy(name, {}, shipped(), search=(), ceiling=""))


def engine(path: Path, text: str) -> Engine:
    path.write_text(text, encoding="utf-8")
    return Engine(load_policy(str(path), {}, shipped(), search=(), ceiling=""))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made-up.toml"


def agree(one: Engine, literal: Literal) -> None:
    """Holds what is said against what is done."""
    said, done = one.says(literal), one.does(literal)
    where = f"{said} {done}"
    if done is None:
        assert not (said.real and said.passes) or cannot_be_named(one, literal), where
        return
    if literal.interface != "wl_registry":
        by_version = said.real and said.decides >= 0 and said.words[said.decides].layer == "version"
        assert by_version == ("is bound at version" in done.reason), where
    if done.origin.startswith("built-in") and not done.origin.startswith(("built-in: enum", "built-in: size")) and done.verdict != "hide":
        return  # the specification's own rules, which come before the policy's: explain says that it does not judge them
    if done.origin.startswith("permission: ") and said.passes:  # a parameter, and what went before: explain names it beside its verdict
        noted = any(note.startswith(done.origin.replace(": ", " ")) for note in said.notes)
        assert noted or done.verdict == "would-deny", where  # the event passes either way, and names an offer or none
        return
    if done.shapes == ("inert",) and not done.origin and any(text.startswith("it has not been taken back") for text in said.conditions):
        return
    assert said.passes == (done.verdict in ("allow", "rewrite", "would-deny")), where
    assert (said.verdict == "would-deny") == (done.verdict == "would-deny"), where
    assert (said.verdict == "virtual") == (done.verdict == "virtual") or not said.real, where
    if literal.interface == "wl_registry" and done.verdict == "hide":
        assert said.verdict in ("hide", "never"), where
    if not said.passes and said.real and done.verdict == "deny":
        assert said.shape in done.shapes, where
        assert (said.verdict == "ask") == done.asks, where
        assert said.words[said.decides].origin == done.origin, where
    if done.verdict == "rewrite" and all(v is not ANY for v in literal.arguments or (ANY,)):
        assert said.verdict == "rewrite", where
    if said.becomes and done.becomes and literal.direction == REQUEST and all(v is not ANY for v in literal.arguments or ()):
        assert said.becomes == done.becomes, where


def cannot_be_named(one: Engine, literal: Literal) -> bool:
    """Whether an argument is an object that the guest cannot have, so that nobody can say the message."""
    interface = shipped()[literal.interface]
    message = next(m for m in (*interface.requests, *interface.events) if m.name == literal.message)
    needed = [a.interface for a in message.arguments if a.type == "object" and a.interface and not a.nullable]
    return any(one.explainer.held.get(name) is None or not one.explainer.held[name].real for name in needed)


@relaxed
@given(text=made_up.policies(), literal=made_up.messages())
def test_what_explain_says_is_what_a_session_does(path: Path, text: str, literal: Literal) -> None:
    agree(engine(path, text), literal)


@relaxed
@given(text=made_up.policies(), literal=made_up.messages())
def test_explain_says_of_a_compiled_policy_what_it_says_of_its_source(path: Path, text: str, literal: Literal) -> None:
    one = engine(path, text)
    model = explainable(one.compiled, one.policy.never, None)
    two = Explainer(model, one.compiled, one.explainer.tables, shipped(), risk_of).explain(literal)
    said = one.says(literal)
    assert (two.verdict, two.shape, two.sees, two.becomes, two.conditions) == (
        said.verdict,
        said.shape,
        said.sees,
        said.becomes,
        said.conditions,
    )
    assert [word for word in two.words if word.layer == ARGUMENT] == [word for word in said.words if word.layer == ARGUMENT]
    assert [line_and_text(change) for change in two.changes if ".args." in change] == [
        line_and_text(change) for change in said.changes if ".args." in change
    ]


def line_and_text(change: str) -> str:
    """What is to be written, and where: a compiled policy has to be made anew as well."""
    return change.removeprefix("change ").replace(", and compile it again", "")


def every_message() -> list[Literal]:
    """Each message of the interfaces that the made-up policies speak of, and each global's bind."""
    found = [Literal(REQUEST, "wl_registry", None, "bind", (ANY, name, ANY, NewId())) for name in made_up.GLOBALS]
    for name in made_up.INTERFACES:
        found += [Literal(REQUEST, name, None, m.name, None) for m in shipped()[name].requests]
        found += [Literal(EVENT, name, None, m.name, None) for m in shipped()[name].events]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_of_a_shipped_policy_explain_says_what_a_session_does(name: str) -> None:
    one = shipped_engine(name)
    for literal in every_message()[NAMES.index(name) :: len(NAMES)]:
        agree(one, literal)


def covering(one: Engine, literal: Literal) -> set[str]:
    """The keys of a policy that can make a message pass or not."""
    if literal.interface == "wl_registry":
        todo: list[tuple[str, str]] = []
        globals_ = {str((literal.arguments or ("", ""))[1])}
    else:
        todo, globals_ = [(literal.interface, literal.message)], set()
    told: set[tuple[str, str]] = set()
    while todo:
        key = todo.pop()
        if key in told:
            continue
        told.add(key)
        way = one.explainer.ways.get(key[0])
        globals_.add(way[0].interface if way else key[0])
        todo += [(maker.interface, maker.message) for maker in way or []]
        message = next(m for m in (*shipped()[key[0]].requests, *shipped()[key[0]].events) if m.name == key[1])
        needed = {a.interface for a in message.arguments if a.type == "object" and a.interface and not a.nullable}
        for other in needed & set(one.explainer.ways):  # without such an object nobody can say it
            globals_.add(other)
            todo += [(maker.interface, maker.message) for maker in one.explainer.ways[other]]
    keys = {f"global.{name}" for name in globals_} | {f"message.{interface}.{message}" for interface, message in told}
    keys |= {f"permission.{p}" for name in globals_ for p in OF_GLOBAL.get(name, ())}
    return keys | {f"permission.{p}" for key in told for p in OF_MESSAGE.get(key, ())}


FOUND = (  # the popup needs a wl_surface, so that wl_compositor makes it pass
    'format = 1\nname = "a"\n[global]\nwl_compositor = 1\nxdg_wm_base = 5\n',
    'format = 1\nname = "b"\n[global]\nxdg_wm_base = 7\n',
    Literal(REQUEST, "xdg_surface", None, "get_popup", (ANY, ANY, ANY)),
)


@relaxed
@example(before=FOUND[0], after=FOUND[1], literal=FOUND[2])
@given(before=made_up.policies(), after=made_up.policies(), literal=made_up.messages())
def test_what_passes_only_in_the_later_policy_is_wider_in_the_diff(path: Path, before: str, after: str, literal: Literal) -> None:
    a, b = engine(path, before), engine(path, after)
    for old, new in ((a, b), (b, a)):
        wider = {change.key for change in changes(old.compiled, new.compiled) if change.kind == WIDER}
        # two demands on a text need not be one wider than the other
        wider |= {c.key for c in changes(old.compiled, new.compiled) if c.kind == "changed" and c.key.startswith("message.")}
        if new.says(literal).passes and not old.says(literal).passes:
            keys = covering(old, literal) | covering(new, literal)
            assert wider & keys, (write(literal, shipped()), wider, keys)


def since_of(interface: str, message: str) -> int:
    """The version that brought a message."""
    return next(m.since for m in (*shipped()[interface].requests, *shipped()[interface].events) if m.name == message)


@relaxed
@given(before=made_up.policies(), after=made_up.policies())
def test_what_the_diff_calls_wider_lets_a_message_pass(path: Path, before: str, after: str) -> None:
    a, b = engine(path, before), engine(path, after)
    for change in changes(a.compiled, b.compiled):
        table, _, rest = change.key.partition(".")
        if change.kind != WIDER or table not in ("global", "message"):
            continue
        if table == "global":
            offered = b.compiled["globals"].get(rest)
            if offered is None:
                continue  # it is virtual now, and was hidden
            literal = Literal(REQUEST, "wl_registry", None, "bind", (ANY, rest, offered[0], NewId()))
        else:
            interface, _, message = rest.partition(".")
            request = any(m.name == message for m in shipped()[interface].requests)
            held = holdings(b.compiled).get(interface)
            if held is None or held.version < since_of(interface, message):
                continue  # the rule is wider for a version that is not announced
            literal = Literal(REQUEST if request else EVENT, interface, None, message, None)
            if change.before == "allow" or not change.before.startswith(("deny", "ask")) or not b.says(literal).real:
                continue  # an argument's demand is wider: which value, the diff says
        assert b.says(literal).passes and not a.says(literal).passes, (change, a.says(literal), b.says(literal))


def test_the_tests_meet_both_verdicts(path: Path) -> None:
    """Not all of it may be assumed away."""
    text = 'format = 1\nname = "x"\n[global]\nxdg_wm_base = 6\nwl_compositor = 6\n[message.xdg_toplevel]\nset_maximized = "deny"\n'
    one = engine(path, text)
    for message, passes in (("set_maximized", False), ("set_fullscreen", False), ("unset_maximized", True)):
        literal = Literal(REQUEST, "xdg_toplevel", None, message, None)
        seen = one.does(literal)
        assert seen is not None and (seen.verdict == "allow") == passes == one.says(literal).passes
