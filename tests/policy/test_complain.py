"""mode = "complain": what passes is what enforcing lets through and what is called would-deny, and nothing that was never the policy's."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from tests.policy import made_up
from tests.policy.test_agreement import Engine, agree, every_message, relaxed
from tests.scene import BASIC, deny, policy, shipped
from tests.tools.test_replay import Recorded, dressed, messages
from wlproxy.cli.main import main
from wlproxy.core.errors import ConfigErrors
from wlproxy.core.quotas import limits_of
from wlproxy.core.session import Session
from wlproxy.handlers import load_tables
from wlproxy.policy.compare import TIGHTER, WIDER, changes
from wlproxy.policy.compile import compile_policy
from wlproxy.policy.complain import as_of, let_through, loosened
from wlproxy.policy.exposure import Never, powers, prove, score_of
from wlproxy.policy.grammar import Literal
from wlproxy.policy.identity import digest
from wlproxy.policy.load import load_policy
from wlproxy.policy.model import Policy
from wlproxy.policy.read_literal import read
from wlproxy.policy.recompiled import beyond
from wlproxy.tools.fuzzing.files import PretendedFiles
from wlproxy.tools.sources import risk_of
from wlproxy.tools.stage import Seen, Stage, Unstaged

WEEK = datetime.timedelta(days=7)
UNTIL = (datetime.datetime.now(datetime.UTC) + WEEK).replace(microsecond=0)
MODE = f'mode = "complain"\nuntil = {UNTIL.isoformat()}\n'
HEAD = 'format = 1\nname = "p"\n'
PASSES = ("allow", "rewrite", "would-deny")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made-up.toml"


def complaining(text: str) -> str:
    """The same policy in the other mode."""
    return MODE + text


def loaded(path: Path, text: str, ceiling: str = "") -> Policy:
    path.write_text(text, encoding="utf-8")
    return load_policy(str(path), {}, shipped(), search=(), ceiling=ceiling)


def compiled(path: Path, text: str, ceiling: str = "") -> dict[str, Any]:
    return compile_policy(loaded(path, text, ceiling), shipped())


def played(policy: dict[str, Any], *messages: str | Literal, complains: bool = True) -> Seen | None:
    """What becomes of the last message; None where it cannot be said."""
    files = PretendedFiles()
    session = Session(load_tables(policy), limits_of(policy), files, complaining=lambda: complains)
    stage = Stage(policy, shipped(), session, files=files)
    seen = None
    try:
        for message in messages:
            seen = stage.play(read(message, shipped(), partial=True) if isinstance(message, str) else message)
    except Unstaged:
        return None
    finally:
        session.close()
    return seen


# -- the property


@relaxed
@given(text=made_up.policies(), literal=made_up.messages())
def test_what_passes_is_what_enforcing_lets_through_and_what_it_calls_would_deny(path: Path, text: str, literal: Literal) -> None:
    strict, both = compiled(path, text), compiled(path, complaining(text))
    enforced, complained = played(strict, literal), played(both, literal)
    freed = played(let_through(both), literal)
    if complained is None:
        assert freed is None and enforced is None
        return
    assert freed is not None
    assert (complained.verdict in PASSES) == (freed.verdict in PASSES)
    assert complained.becomes == freed.becomes
    if enforced is None:
        return  # without the objects that refused messages would have made
    if enforced.verdict in PASSES:
        assert (complained.verdict, complained.becomes) == (enforced.verdict, enforced.becomes)
    elif complained.verdict in PASSES and "inert" not in enforced.shapes:
        assert complained.verdict == "would-deny"
    if complained.verdict == "would-deny":
        assert enforced.verdict not in PASSES


@relaxed
@given(text=made_up.policies(), literal=made_up.messages())
def test_when_the_time_is_over_it_is_the_policy_that_enforces(path: Path, text: str, literal: Literal) -> None:
    enforced, over = played(compiled(path, text), literal), played(compiled(path, complaining(text)), literal, complains=False)
    assert (enforced is None) == (over is None)
    if enforced is not None and over is not None:
        assert (over.verdict, over.shapes, over.becomes, over.events) == (
            enforced.verdict, enforced.shapes, enforced.becomes, enforced.events
        )  # fmt: skip


@relaxed
@given(text=made_up.policies(), literal=made_up.messages())
def test_explain_says_what_a_session_does_under_a_policy_that_complains(path: Path, text: str, literal: Literal) -> None:
    agree(Engine(loaded(path, complaining(text))), literal)


@pytest.mark.parametrize("name", ["strict", "desktop", "conferencing"])
def test_of_a_shipped_policy_that_complains_explain_says_what_a_session_does(path: Path, name: str) -> None:
    one = Engine(loaded(path, HEAD + MODE + f'extends = "{name}"\n'))
    said = {one.says(literal).verdict for literal in every_message()}
    assert "would-deny" in said
    for literal in every_message()[("strict", "desktop", "conferencing").index(name) :: 3]:
        agree(one, literal)


@relaxed
@given(text=made_up.policies())
def test_the_marks_are_what_the_same_policy_without_its_refusals_lets_through(path: Path, text: str) -> None:
    """Two ways to the same: marks taken for allowed, and the policy loosened and compiled."""
    policy = loaded(path, complaining(text))
    one = let_through(compile_policy(policy, shipped()))
    other = compile_policy(loosened(policy, {**one["globals"], **one["served"]}), shipped())
    assert one["globals"] == other["globals"] and one["served"] == other["served"]
    for name, entry in one["interfaces"].items():
        for side in ("requests", "events"):
            for mine, its in zip(entry[side], other["interfaces"][name][side], strict=True):
                assert [(c[0], c[1], c[2]) for c in (mine[4] or {}).get("checks", [])] == [
                    (c[0], c[1], c[2]) for c in (its[4] or {}).get("checks", [])
                ], (name, mine, its)
                assert (mine[4] or {}).get("verdict", "allow") == (its[4] or {}).get("verdict", "allow")


# -- what never gives way

TRANSFORMS = "[message.wl_surface]\nset_buffer_transform.args.transform = { in = [0] }\n"
WINDOWS = HEAD + "[global]\nwl_compositor = 6\nxdg_wm_base = 6\nwl_shm = 2\n"


def test_permissions_messages_and_arguments_give_way(path: Path) -> None:
    text = WINDOWS + '[message.xdg_toplevel]\nset_minimized = "deny"\nset_title.args.title = { max-bytes = 3 }\n'
    policy = compiled(path, complaining(text))
    for message in ("xdg_toplevel.set_minimized()", "xdg_toplevel.set_fullscreen(nil)", 'xdg_toplevel.set_title("four")'):
        seen = played(policy, message)
        assert seen is not None and seen.verdict == "would-deny" and seen.becomes, message
    seen = played(policy, 'xdg_toplevel.set_title("abc")')
    assert seen is not None and seen.verdict == "allow"


def test_a_session_that_is_not_told_enforces(path: Path) -> None:
    both = compiled(path, complaining(WINDOWS))
    seen = Stage(both, shipped(), Session(load_tables(both), limits_of(both))).play(read("xdg_toplevel.set_minimized()", shipped()))
    assert seen.verdict == "deny"


def test_nothing_gives_way_when_the_time_is_over(path: Path) -> None:
    both = compiled(path, complaining(WINDOWS + TRANSFORMS))
    for message, shape in (("wl_surface.set_buffer_transform(2)", "disconnect"), ("xdg_toplevel.set_minimized()", "ignore")):
        seen = played(both, message, complains=False)
        assert seen is not None and seen.verdict == "deny" and shape in seen.shapes


def test_what_a_refused_request_makes_is_real_while_the_policy_complains(path: Path) -> None:
    text = WINDOWS + "zwp_pointer_constraints_v1 = 1\nwl_seat = 9\n"
    seen = played(compiled(path, complaining(text)), "zwp_pointer_constraints_v1.lock_pointer", "zwp_locked_pointer_v1.set_region(nil)")
    assert seen is not None and seen.verdict == "allow"
    seen = played(compiled(path, text), "zwp_pointer_constraints_v1.lock_pointer", "zwp_locked_pointer_v1.set_region(nil)")
    assert seen is not None and seen.verdict == "deny"


@pytest.mark.parametrize(
    ("lines", "message", "verdict"),
    [
        ("", "wl_registry.bind(zwlr_screencopy_manager_v1, 1)", "hide"),  # the floor
        ("", "wl_registry.bind(wl_seat, 1)", "hide"),  # not named
        ('[message.wl_output]\n', "wl_registry.bind(wl_output, 1)", "hide"),
        ('[message.xdg_toplevel]\nresize.args.edges = { in = ["top"] }\n', "xdg_toplevel.resize(wl_seat, 1, 77)", None),
        (TRANSFORMS, "wl_surface.set_buffer_transform(2)", "would-deny"),
        ('[message.xdg_toplevel]\nset_title.args.title = { sanitize = "plain" }\n', 'xdg_toplevel.set_title("a\\u0007b")', "rewrite"),
    ],
)
def test_never_gives_way(path: Path, lines: str, message: str, verdict: str | None) -> None:
    seen = played(compiled(path, complaining(WINDOWS + lines)), message)
    if verdict is None:
        assert seen is None
    else:
        assert seen is not None and seen.verdict in verdict.split("|"), seen


def test_an_enum_of_the_protocol_never_gives_way(path: Path) -> None:
    """It is not the policy's to say, though the policy's own list stands for it where it enforces."""
    text = HEAD + "[global]\nwl_compositor = 6\nwp_content_type_manager_v1 = 1\n"
    text += "[message.wp_content_type_v1]\nset_content_type.args.content_type = { in = [0] }\n"
    for number, verdict in ((0, "allow"), (1, "would-deny"), (9, "deny")):
        seen = played(compiled(path, complaining(text)), f"wp_content_type_v1.set_content_type({number})")
        assert seen is not None and seen.verdict == verdict
    assert seen is not None and seen.origin == "built-in: enum"


def test_the_ceiling_never_gives_way(path: Path) -> None:
    ceiling = path.parent / "ceiling.toml"
    ceiling.write_text('format = 1\nname = "c"\n[permission]\nfullscreen = { at-most = "deny" }\nminimize = { at-most = "ask" }\n')
    policy = compiled(path, complaining(WINDOWS + "wl_seat = 9\n"), str(ceiling))
    for message, verdict in (("set_fullscreen(nil)", "deny"), ("set_minimized()", "deny"), ("show_window_menu", "would-deny")):
        seen = played(policy, f"xdg_toplevel.{message}")
        assert seen is not None and seen.verdict == verdict, message
    assert "fullscreen" not in policy["complain"]["permissions"] and "window-menu" in policy["complain"]["permissions"]


def test_a_bound_of_the_ceiling_holds_what_gives_way(path: Path) -> None:
    ceiling = path.parent / "ceiling.toml"
    bound = 'clipboard-in = { at-most = "allow", mime = ["text/plain"], max-bytes = "1KiB" }'
    ceiling.write_text(f'format = 1\nname = "c"\n[permission]\n{bound}\n')
    text = HEAD + "[global]\nwl_data_device_manager = 3\nwl_seat = 9\n"
    assert compiled(path, complaining(text), str(ceiling))["permissions"]["clipboard-in"][2] == {"max-bytes": 1024, "mime": ["text/plain"]}


def test_the_keys_that_take_back_what_gives_way_hold(path: Path) -> None:
    text = WINDOWS + "wl_seat = 9\nzwp_pointer_constraints_v1 = 1\n[permission]\n"
    text += 'pointer-lock = { verdict = "ask", escape = "Super+Escape" }\n'
    assert load_tables(compiled(path, complaining(text))).escapes == {"pointer-lock": ["Super+Escape"]}
    assert load_tables(compiled(path, text)).escapes == {}


def test_a_rate_holds(path: Path) -> None:
    text = complaining(WINDOWS + '[permission]\nfullscreen = { verdict = "ask", rate = "1/s" }\n')
    policy = compiled(path, text)
    seen = played(policy, *["xdg_toplevel.set_fullscreen(nil)"] * 3)
    assert seen is not None and seen.verdict == "deny" and "a second" in seen.reason


def test_the_clipboard_is_shown_as_would_deny(path: Path) -> None:
    text = HEAD + '[global]\nwl_data_device_manager = 3\nwl_seat = 9\n[permission]\ndrag-in = "allow"\n'
    events = ("event wl_data_device.data_offer", "event wl_data_offer.offer", "event wl_data_device.selection(wl_data_offer)")
    seen = played(compiled(path, complaining(text)), *events)
    assert seen is not None and seen.verdict == "would-deny" and "clipboard-in" in seen.origin
    seen = played(compiled(path, text), *events)
    assert seen is not None and seen.verdict == "rewrite" and "nil" in seen.becomes


# -- reading it


def codes(path: Path, text: str, ceiling: str = "") -> list[str]:
    try:
        loaded(path, text, ceiling)
    except ConfigErrors as errors:
        return [finding.code for finding in errors.findings]
    return []


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ('mode = "enforce"', ""),
        (MODE, ""),
        ('mode = "complain"\nuntil = 2020-12-05T18:00:00Z', ""),  # it enforces, and a warning says so
        ('mode = "complain"', "until"),
        ('mode = "complain"\nuntil = 2020-12-05', "date"),
        ('mode = "complain"\nuntil = 2020-12-05T18:00:00', "date"),
        ('mode = "complain"\nuntil = "2020-12-05T18:00:00Z"', "date"),
        (f'mode = "complain"\nuntil = {(UNTIL + 4 * WEEK).isoformat()}', "too-long"),
        ('mode = "complain"\nuntil = 9999-12-31T23:59:59-23:00', "too-long"),
        ('mode = "complain"\nuntil = 0001-01-01T00:00:00+23:00', ""),
        (f"until = {UNTIL.isoformat()}", "until"),
        ('mode = "complian"', "unknown-word"),
        ("mode = 3", "unknown-word"),
        (MODE + "transparent = true", "transparent"),
    ],
)
def test_a_mode_has_its_end(path: Path, lines: str, code: str) -> None:
    assert codes(path, HEAD + lines + "\n") == ([code] if code else [])


def test_a_ceiling_may_forbid_it(path: Path) -> None:
    ceiling = path.parent / "ceiling.toml"
    ceiling.write_text('format = 1\nname = "c"\nmode = "enforce"\n')
    assert codes(path, HEAD, str(ceiling)) == []
    assert codes(path, HEAD + MODE, str(ceiling)) == ["ceiling"]
    ceiling.write_text('format = 1\nname = "c"\nmode = "complain"\n')
    assert codes(path, HEAD, str(ceiling)) == ["unknown-word"]


def test_it_is_not_inherited_and_breaks_what_is_final(path: Path) -> None:
    parent = path.parent / "parent.toml"
    parent.write_text(HEAD + MODE)
    assert loaded(path, HEAD + 'extends = "parent"\n').until == 0
    for final, broken in (('["permission.*"]', True), ('["message.*"]', True), ('["mode"]', True), ('["global.*", "quota.*"]', False)):
        parent.write_text(HEAD + f"final = {final}\n")
        assert codes(path, HEAD + MODE + 'extends = "parent"\n') == (["final"] if broken else []), final


def test_a_compiled_policy_is_held_to_a_younger_ceiling(path: Path) -> None:
    ceiling = path.parent / "ceiling.toml"
    policy = compiled(path, complaining(WINDOWS))
    for said, key in (('mode = "enforce"', "mode"), ('[permission]\nfullscreen = { at-most = "deny" }', "permission.fullscreen"), ("", "")):
        ceiling.write_text(f'format = 1\nname = "c"\n{said}\n')
        top = loaded(path, HEAD, str(ceiling)).ceiling
        assert [found for found, _ in beyond(policy, shipped(), {}, top)] == ([key] if key else [])
    ceiling.write_text('format = 1\nname = "c"\n[permission]\nclipboard-in = { at-most = "allow", max-bytes = "1KiB" }\n')
    top = loaded(path, HEAD, str(ceiling)).ceiling
    assert [found for found, _ in beyond(policy, shipped(), {}, top)] == ["permission.clipboard-in"]


# -- what is said of it


def test_diff_calls_it_wider_and_nothing_else(path: Path) -> None:
    text = WINDOWS + '[message.wl_surface]\nset_buffer_transform.args.transform = { in = [0] }\n[permission]\nfullscreen = "ask"\n'
    strict, both = compiled(path, text), compiled(path, complaining(text))
    later = compiled(path, complaining(text).replace(UNTIL.isoformat(), (UNTIL + WEEK).isoformat()))
    assert [(c.kind, c.key, c.before) for c in changes(strict, both)] == [(WIDER, "mode", "enforce")]
    assert [(c.kind, c.key) for c in changes(both, strict)] == [(TIGHTER, "mode")]
    assert [(c.kind, c.key) for c in changes(both, later)] == [(WIDER, "mode")]
    assert changes(both, both) == []


def test_diff_shows_what_a_ceiling_holds_of_it(path: Path) -> None:
    ceiling = path.parent / "ceiling.toml"
    ceiling.write_text('format = 1\nname = "c"\n[permission]\nminimize = { at-most = "deny" }\n')
    held, free = compiled(path, complaining(WINDOWS), str(ceiling)), compiled(path, complaining(WINDOWS))
    found = [(c.kind, c.key) for c in changes(held, free)]
    assert found and all(kind == WIDER and key.startswith("message.xdg_toplevel.") and "minimized" in key for kind, key in found)


def test_nothing_is_proved_of_what_passes(path: Path) -> None:
    claim = Never("permission", "fullscreen")
    assert not prove(compiled(path, WINDOWS), [claim], risk_of).counterexamples
    assert prove(compiled(path, complaining(WINDOWS)), [claim], risk_of).counterexamples
    assert not prove(compiled(path, complaining(WINDOWS)), [Never("class", "H")], risk_of).counterexamples


def test_the_score_is_that_of_what_passes(path: Path) -> None:
    strict, both = (powers(compiled(path, text), risk_of) for text in (WINDOWS, complaining(WINDOWS)))
    assert sum(score_of(risk, given) for risk, given in both.items()) > sum(score_of(risk, given) for risk, given in strict.items())


def test_the_hash_has_mode_moment_and_marks(path: Path) -> None:
    strict, both = compiled(path, WINDOWS), compiled(path, complaining(WINDOWS))
    assert "complain" not in strict  # the hash of a policy that enforces is what it was
    assert strict["sha256"] != both["sha256"] == digest(both)
    assert digest(both | {"complain": both["complain"] | {"until": both["complain"]["until"] + 1}}) != both["sha256"]
    entry = next(m for m in both["interfaces"]["xdg_toplevel"]["requests"] if m[0] == "set_fullscreen")
    del entry[4]["complains"]
    assert digest(both) != both["sha256"]


# -- the verbs


def test_the_verbs_say_so(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(complaining(WINDOWS))
    moment = UNTIL.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert main(["explain", "xdg_toplevel.set_minimized()", "--policy", str(path)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("PASSES, and would be DENIED if the policy did not only complain by the permission layer")
    assert f"what happens: it reaches the compositor, and is written down as would-deny: the policy only complains, until {moment}" in said
    assert main(["show", str(path), "--effective"]) == 0
    said = capsys.readouterr().out
    assert 'mode = "complain"' in said and f"until = {moment}" in said
    assert main(["check", str(path), "--fail-on", "warning"]) == 1
    assert "warning[complain]" in capsys.readouterr().err
    assert main(["prove", str(path), "--never", "permission:fullscreen"]) == 1
    assert f"1 of 1 claims for p, only complaining until {moment}, over" in capsys.readouterr().out
    assert main(["score", str(path)]) == 0
    assert f"exposure, only complaining until {moment}" in capsys.readouterr().out
    strict = path.parent / "strict.toml"
    strict.write_text(WINDOWS)
    assert main(["diff", str(strict), str(path), "--fail-on=wider"]) == 1
    assert f"enforce -> complain until {moment}" in " ".join(capsys.readouterr().out.split())


OVER = 'mode = "complain"\nuntil = 2020-12-05T18:00:00Z\n'


def test_past_its_moment_the_verbs_say_what_is_in_force(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strict, json_path = path.parent / "strict.toml", path.parent / "p.json"
    strict.write_text(WINDOWS)
    path.write_text(OVER + WINDOWS)
    assert main(["compile", str(path), "-o", str(json_path)]) == 0
    for name in (str(path), str(json_path)):
        capsys.readouterr()
        assert main(["explain", "xdg_toplevel.set_minimized()", "--policy", name]) == 0
        said = capsys.readouterr().out
        assert said.startswith("DENIED (ignore) by the permission layer") and "complain" not in said
        assert main(["prove", name, "--never", "permission:fullscreen"]) == 0
        assert main(["score", name]) == 0
        assert main(["diff", str(strict), name, "--fail-on=wider"]) == 0
        said = capsys.readouterr().out
        assert "complain" not in said and "0 wider, 0 tighter" in said
    assert main(["check", str(path)]) == 0
    said = capsys.readouterr()
    assert "warning[complain-over]" in said.err and "wider" not in said.err + said.out
    assert main(["show", str(path), "--effective"]) == 0
    said = capsys.readouterr().out
    assert "complain" not in said
    assert f"# sha256:{compiled(path, OVER + WINDOWS)['sha256']}" in said.split("\n")  # as the sidecar's log has it


def test_at_a_moment_a_policy_is_what_it_is_then(path: Path) -> None:
    both, enforced = compiled(path, complaining(WINDOWS)), compiled(path, WINDOWS)
    until = both["complain"]["until"]
    assert as_of(both, until - 1) == both
    over = as_of(both, until)
    assert [change.key for change in changes(enforced, over)] == [] and "complain" not in over
    assert [played(one, "xdg_toplevel.set_minimized()").verdict for one in (over, enforced)] == ["deny", "deny"]


def test_what_is_shown_as_effective_means_the_same(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = compiled(path, complaining(WINDOWS))["sha256"]
    assert main(["show", str(path), "--effective"]) == 0
    assert compiled(path.parent / "again.toml", capsys.readouterr().out)["sha256"] == before


def test_replay_tells_what_would_be_denied_from_what_is() -> None:
    strict = policy(*BASIC, messages={("xdg_toplevel", "set_minimized"): deny("ignore")})
    scene = Recorded(policy(*BASIC))
    dressed(scene).guest(8, "set_minimized")
    enforced, complained = scene.under(strict), scene.under(replace(strict, until=1))
    assert messages(enforced.denied) == {"xdg_toplevel.set_minimized": 1} and not enforced.complained
    assert messages(complained.complained) == {"xdg_toplevel.set_minimized": 1} and not complained.denied


def test_a_policy_past_its_moment_is_replayed_as_one_that_enforces(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene = Recorded(policy(*BASIC))
    dressed(scene).guest(8, "set_minimized")
    recording = path.parent / "x.wltrace"
    recording.write_bytes(scene.file)
    rule = 'extends = "strict"\n[message.xdg_toplevel]\nset_minimized = "deny"\n'
    for mode, code in (("", 1), (MODE, 0), (OVER, 1)):
        path.write_text(HEAD + mode + rule)
        assert main(["replay", str(recording), "--policy", str(path), "--fail-on", "denied"]) == code, capsys.readouterr()
