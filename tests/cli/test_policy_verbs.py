"""The verbs that answer questions about a policy, as an admin calls them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from wlproxy.cli.main import main
from wlproxy.policy.load_file import MAX_BYTES

Run = Callable[..., tuple[int, str, str]]
HEAD = 'format = 1\nname = "p"\n'
CEILING = 'format = 1\nname = "ceiling"\n[global]\n"zwlr_*" = "never"\n[permission]\nscreencast = { at-most = "ask" }\n'


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def called(*args: str) -> tuple[int, str, str]:
        code = main(list(args))
        out, err = capsys.readouterr()
        return code, out, err

    return called


def file(tmp_path: Path, text: str, name: str = "p.toml") -> str:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


# show, interfaces


def test_show_says_what_a_policy_is_and_with_effective_each_value(run: Run) -> None:
    code, out, _ = run("show", "viewer")
    assert code == 0 and "# from viewer.toml extends strict.toml" in out and "wl_shm" not in out
    code, out, _ = run("show", "viewer", "--effective")
    assert code == 0 and "\nwl_shm = 2 " in out and "# strict.toml:" in out
    code, out, _ = run("show", "viewer", "--origin")
    assert any(line.startswith("strict.toml:") and line.endswith("wl_shm = 2") for line in out.split("\n"))


def test_times_are_written_as_an_admin_would(run: Run, tmp_path: Path) -> None:
    rule = 'idle-inhibit = { verdict = "allow", only = "visible", max-duration = "90m" }\n'
    mine = file(tmp_path, HEAD + 'extends = "desktop"\n[permission]\n' + rule)
    assert 'max-duration = "2h"' in run("show", "desktop", "--effective")[1]
    assert 'max-duration = "90m"' in run("show", mine, "--effective")[1]
    assert "allow (max-duration 2h, only visible) -> allow (max-duration 90m, only visible)" in run("diff", "desktop", mine)[1]


def test_show_as_json_has_values_and_origins(run: Run) -> None:
    code, out, _ = run("show", "desktop", "--json", "--guest", "work")
    settings = {(s["table"], s["key"]): s for s in json.loads(out)["settings"]}
    assert code == 0 and settings["permission", "fullscreen"]["value"] == {"verdict": "allow"}
    assert settings["upstream", "app-id"]["value"] == "wlproxy.work"
    assert settings["quota", "popups"] == settings["quota", "popups"] | {"origin": "built-in", "set": False}


def test_interfaces_by_class_and_by_policy(run: Run) -> None:
    code, out, _ = run("interfaces", "--class", "G", "--json", "--policy", "desktop")
    rows = json.loads(out)
    assert code == 0 and rows and all(row["class"] == "G" for row in rows)
    (keyboard,) = [row for row in rows if row["interface"] == "zwp_virtual_keyboard_manager_v1"]
    assert keyboard["policy"]["verdict"] == "never" and keyboard["reason"]
    code, out, _ = run("interfaces", "--class", "H,I")
    assert code == 0 and "zwlr_screencopy_manager_v1" in out and "wl_shm" not in out
    code, _, err = run("interfaces", "--class", "Q")
    assert code == 2 and "'Q'" in err


def test_interfaces_names_every_global_that_is_known(run: Run) -> None:
    from tests.scene import shipped
    from wlproxy.policy.compile import global_names

    named = {row["interface"] for row in json.loads(run("interfaces", "--json")[1])}
    assert set(global_names(shipped())) <= named


# explain


def test_explain_names_the_ceiling_and_the_nearest_thing(run: Run, tmp_path: Path) -> None:
    ceiling = file(tmp_path, CEILING, "ceiling.toml")
    message = "zwlr_screencopy_manager_v1.capture_output(new id, 0, wl_output#7)"
    code, out, _ = run("explain", message, "--policy", "desktop", "--ceiling", ceiling)
    assert code == 0 and out.startswith("DENIED (never) by the ceiling layer: ")
    assert f"{ceiling}:4" in out and "<- decides" in out and "binding it anyway ends the connection" in out
    assert "to allow it: not possible on this host: ceiling" in out and 'permission "screenshot"' in out


@pytest.mark.parametrize(
    ("message", "policy", "words"),
    [
        ('xdg_toplevel.set_title("a\\u0007")', "strict", ['becomes: xdg_toplevel.set_title("[guest] a")', "ALLOWED, changed"]),
        ("[3051713.123]  -> xdg_toplevel#9.set_minimized()", "strict", ["DENIED (ignore)", 'minimize = "allow"']),
        ("wl_shm_pool.create_buffer(width=20000)", "strict", ["DENIED (disconnect) by the argument", "{ min = 1, max = 20000 }"]),
        ("wl_shm_pool.create_buffer(format=77)", "strict", ["not possible: floor"]),
        ("ext_session_lock_manager_v1.lock", "trusted", ["DENIED (never) by the floor", "not possible: floor"]),
        ("wl_registry.bind(wl_compositor, 7)", "desktop", ["by the version layer", "wl_compositor = 7"]),
        ("wl_fixes.ack_global_remove", "desktop", ["not possible: wlproxy can vet wl_fixes up to version 1"]),
        ("zwp_pointer_constraints_v1.lock_pointer(lifetime=oneshot)", "desktop", ["nobody to ask", 'pointer-lock = "allow"']),
        ("wl_data_device.set_selection", "strict", ["the proxy answers cancelled of the object it names"]),
        ("wl_data_offer.receive", "strict", ["the guest never has a wl_data_offer, because wl_data_device.data_offer is refused"]),
        ("zxdg_output_manager_v1.get_xdg_output", "strict", ["VIRTUAL", "exists for the guest alone"]),
        ("wl_display.sync", "strict", ["ALLOWED: wl_display.sync"]),
    ],
)
def test_explain(run: Run, message: str, policy: str, words: list[str]) -> None:
    code, out, err = run("explain", message, "--policy", policy)
    assert code == 0 and err == ""
    for word in words:
        assert word in out, out


@pytest.mark.parametrize(
    ("message", "policy"),
    [
        ("xdg_toplevel.set_minimized", "strict"),
        ("wl_data_offer.receive", "strict"),
        ("zwp_linux_dmabuf_v1.create_params", "strict"),
        ("wl_shm_pool.create_buffer(width=20000)", "strict"),
        ("wl_registry.bind(wl_compositor, 7)", "strict"),
        ("zwlr_layer_shell_v1.get_layer_surface", "desktop"),
    ],
)
def test_what_explain_says_would_allow_it_does(run: Run, tmp_path: Path, message: str, policy: str) -> None:
    told = json.loads(run("explain", message, "--policy", policy, "--json")[1])
    assert told["verdict"] not in ("allow", "rewrite")
    text = HEAD + f'extends = "{policy}"\n'
    for change in told["changes"]:
        table, _, line = change.partition(" under [")[2].partition("]: ")
        text += f"[{table}]\n{line.partition('  (')[0]}\n"
    after = json.loads(run("explain", message, "--policy", file(tmp_path, text), "--json")[1])
    assert after["verdict"] == "allow", text


@pytest.mark.parametrize(
    ("message", "policy", "conditions"),
    [
        ("xdg_toplevel.show_window_menu", "desktop", ["a press of a button or a finger or a key, at most 10 s ago; otherwise left out"]),
        ("xdg_activation_v1.activate", "desktop", ["at most 0.2 a second, 5 at once (desktop.toml:", "otherwise left out"]),
        ("zwp_idle_inhibit_manager_v1.create_inhibitor", "desktop", ["its window is visible (desktop.toml:", "less than 2h ago"]),
        ("zwp_pointer_constraints_v1.confine_pointer", "desktop", ["the user has not pressed Super+Escape since the last click"]),
        ("zwp_confined_pointer_v1.destroy", "desktop", ["it has not been taken back: permission pointer-confine"]),
        ("xdg_toplevel.set_maximized", "viewer", ["at most 2 a second, 4 at once (viewer.toml:"]),
        ("xdg_surface.get_toplevel", "viewer", ["toplevels (viewer.toml:", "fewer than 8192 objects"]),
        ("wl_shm_pool.create_buffer", "viewer", ["at most 256MiB together (viewer.toml:"]),
        ("wl_shm.create_pool", "strict", ["fewer than 256 descriptors are held"]),
        ("xdg_surface.ack_configure", "strict", ["of a configure of that surface; otherwise an error"]),
    ],
)
def test_explain_says_what_only_a_session_knows_as_conditions(run: Run, message: str, policy: str, conditions: list[str]) -> None:
    code, out, _ = run("explain", message, "--policy", policy)
    assert code == 0 and "\nif: " in out
    for condition in conditions:
        assert condition in out, out
    assert json.loads(run("explain", message, "--policy", policy, "--json")[1])["conditions"]


@pytest.mark.parametrize("message", ["xdg_toplevel.set_minimized", "wl_display.sync", "xdg_toplevel.configure", "wl_surface.damage"])
def test_there_is_no_condition_on_what_does_not_pass_or_needs_none(run: Run, message: str) -> None:
    assert json.loads(run("explain", message, "--policy", "strict", "--json")[1])["conditions"] == []


def test_explain_of_a_compiled_policy(run: Run, tmp_path: Path) -> None:
    made = str(tmp_path / "d.json")
    assert run("compile", "desktop", "-o", made)[0] == 0
    code, out, _ = run("explain", "wl_data_offer.receive", "--policy", made)
    assert code == 0 and "desktop.toml:" in out and "permission.clipboard-in  <- decides" in out
    code, out, _ = run("explain", "wl_shm_pool.create_buffer(width=20000)", "--policy", made)
    where = 'in a policy of your own that extends "desktop", under [message.wl_shm_pool]'
    assert f"to allow it: {where}: create_buffer.args.width = {{ min = 1, max = 20000 }}" in out
    assert "message.wl_shm_pool.create_buffer\n" in out and "<- decides" in out
    ceiling = file(tmp_path, CEILING, "c.toml")
    assert "<- decides" in run("explain", "zwlr_screencopy_manager_v1.capture_output", "--policy", made, "--ceiling", ceiling)[1]


def test_guests_are_compared_by_their_files_and_their_names(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guests = tmp_path / "guests.d"
    guests.mkdir()
    work = file(guests, 'format = 1\npolicy = "desktop"\nvars = { label = "Work" }\n', "work.toml")
    own = file(guests, 'format = 1\npolicy = "./own.policy"\n', "home.toml")
    file(guests, 'format = 1\nname = "own"\nextends = "strict"\n', "own.policy")
    code, out, _ = run("diff", "strict", work, "--fail-on=wider")
    assert code == 1 and "permission.fullscreen" in out and "[Work] {title}" in out
    code, out, _ = run("diff", "strict", own)
    assert code == 0 and "0 wider, 0 tighter" in out
    monkeypatch.setattr("wlproxy.policy.load_guest.GUESTS_FOLDER", str(guests))
    assert "permission.fullscreen" in run("diff", "strict", "work")[1]
    assert "desktop.toml" in run("explain", "xdg_toplevel.set_fullscreen", "--policy", "work")[1]
    assert run("prove", "work", "--never", "permission:screenshot")[0] == 0
    assert "# desktop: " in run("show", "work")[1]
    file(guests, 'format = 1\npolicy = "trusted"\n', "strict.toml")
    assert "0 wider, 0 tighter" in run("diff", "strict", "strict")[1]  # a policy goes before a guest
    assert "no policy of that name" in run("diff", "strict", "nobody")[2]


def test_what_is_wider_at_one_end_and_tighter_at_the_other_is_wider(run: Run, tmp_path: Path) -> None:
    rule = '[global]\nwl_shm = 1\n[message.wl_shm_pool]\ncreate_buffer.args.width = {{ min = {}, max = {} }}\n'
    one, two = (file(tmp_path, HEAD + rule.format(*ends), f"{ends[0]}.toml") for ends in ((1, 10), (5, 11)))
    code, out, _ = run("diff", one, two, "--fail-on=wider")
    assert code == 1 and "1 wider" in out


def test_explain_reads_an_audit_log(run: Run, tmp_path: Path) -> None:
    policy = {"name": "strict", "sha256": "0" * 64}
    told = {"dir": "request", "interface": "xdg_toplevel", "object": 8, "name": "set_minimized"}
    lines = [
        {"id": "abc-1", "event": "decision", "guest": "work", "verdict": "deny", "deny_as": "ignore", "policy": policy, "message": told},
        {"id": "abc-2", "event": "decision", "guest": "work", "verdict": "allow", "policy": policy, "reason": "wl_shm version 2"},
    ]
    lines[1]["message"] = told | {"interface": "wl_registry", "name": "bind"}
    log = file(tmp_path, "\n".join(["no json", *map(json.dumps, lines), '{"cut'])) + ""
    for args in (["abc-1"], ["--last"]):
        code, out, _ = run("explain", *args, "--audit", log)
        assert code == 0 and out.startswith("event abc-1 work decision deny ignore") and 'minimize = "allow"' in out
        assert "has changed since" in out
    code, out, _ = run("explain", "abc-2", "--audit", log)
    assert code == 0 and "wl_registry.bind(_, \"wl_shm\"" in out
    code, _, err = run("explain", "abc-9", "--audit", log)
    assert code == 2 and "no event 'abc-9'" in err


@pytest.mark.parametrize(
    "args",
    [
        ["xdg_toplevel.set_titel"],
        ["xdg_toplevel.set_title", "--policy", ""],
        ["--last"],
        [],
        ["x", "--last", "--audit", "/dev/null"],
        ["--last", "--audit", "/dev/null"],
        ["--last", "--audit", "/nowhere"],
        ["", "--policy", "strict"],
        ["\x00", "--policy", "strict"],
    ],
    ids=" ".join,
)
def test_explain_of_nothing_that_can_be_explained_is_usage(run: Run, args: list[str]) -> None:
    code, out, err = run("explain", *args)
    assert (code, out) == (2, "") and err


# diff, prove, score


def test_diff_is_a_gate(run: Run, tmp_path: Path) -> None:
    wider = file(tmp_path, HEAD + 'extends = "strict"\n[permission]\nfullscreen = "allow"\n')
    code, out, _ = run("diff", "strict", wider, "--fail-on=wider")
    assert code == 1 and "WIDER    permission.fullscreen" in out and f"{wider}:5" in out and "1 wider, 0 tighter" in out
    assert run("diff", wider, "strict", "--fail-on=wider")[0] == 0
    assert run("diff", wider, "strict", "--fail-on=tighter")[0] == 1
    (change,) = [c for c in json.loads(run("diff", "strict", wider, "--json")[1]) if c["key"].startswith("permission")]
    assert (change["kind"], change["before"], change["after"]) == ("wider", "deny", "allow")


def test_diff_reads_compiled_policies_and_git_revisions(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*args: str) -> None:
        identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
        environment = os.environ | identity | {"GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(tmp_path)}
        subprocess.run(["git", *args], cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=20)

    monkeypatch.chdir(tmp_path)
    policies = tmp_path / "policies"
    policies.mkdir()
    base = HEAD.replace('"p"', '"base"') + "[global]\nwl_shm = 1\n"
    (policies / "base.toml").write_text(base)
    (policies / "mine.toml").write_text(HEAD + 'extends = "base"\n')
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    (policies / "base.toml").write_text(base + "wl_seat = 9\n")
    for earlier in ("HEAD:mine", "HEAD:policies/mine.toml"):
        code, out, _ = run("diff", earlier, "policies/mine.toml", "--fail-on=wider")
        assert code == 1 and "WIDER    global.wl_seat" in out and "policies/base.toml:5" in out
    assert run("compile", "policies/mine.toml", "-o", "mine.json")[0] == 0
    assert run("diff", "mine.json", "policies/mine.toml")[1].startswith("0 wider, 0 tighter")
    assert run("diff", "HEAD:mine", "mine.json", "--fail-on=wider")[0] == 1
    for wrong in ("HEAD:none", "nowhere:mine", "--x:mine", "HEAD:../../etc/passwd.toml", "HEAD:"):
        code, _, err = run("diff", "strict", "--", wrong) if not wrong.startswith("-") else run("diff", "--", "strict", wrong)
        assert code == 6 and err, wrong
    (policies / "mine.toml").write_text(HEAD + 'extends = "base"\n[global]\nwl_shmm = 1\n')
    git("commit", "-qam", "two")
    code, _, err = run("diff", "HEAD:mine", "strict")
    assert code == 6 and "HEAD:policies/mine.toml:5:1: error[unknown-interface]" in err and "/tmp" not in err


def test_prove(run: Run) -> None:
    code, out, _ = run("prove", "desktop", "--never", "class:H,G,I", "--never", "interface:zwlr_*")
    assert code == 0 and out.startswith("proved: 4 claims hold for desktop, over ")
    code, out, _ = run("prove", "trusted", "--never", "permission:clipboard-in", "--json")
    told = json.loads(out)
    assert code == 1 and not told["proved"] and told["claims"][0]["counterexamples"][0]["origin"].startswith("trusted.toml:")
    for wrong in ("class:Z", "clas:H", "interface:wl_shmm", "permission:cliboard-in", "class:", ""):
        code, _, err = run("prove", "desktop", "--never", wrong)
        assert code == 2 and err


def test_score_and_its_threshold(run: Run) -> None:
    scores = [json.loads(run("score", name, "--json")[1])["score"] for name in ("viewer", "strict", "desktop", "trusted", "transparent")]
    assert scores == sorted(scores) and scores[0] < 20 < scores[2]
    assert run("score", "desktop", "--threshold", "10")[0] == 1
    assert run("score", "desktop", "--threshold", "100")[0] == 0
    assert "fullscreen (desktop.toml:" in run("score", "desktop")[1]


# test

TESTS = """format = 1
policy = "strict"
vars   = { vm = "t1" }
[[case]]
name   = "good"
send   = 'xdg_toplevel.set_title("a")'
expect = { verdict = "rewrite", becomes = 'xdg_toplevel.set_title("[t1] a")', rule = "strict.toml" }
[[case]]
name   = "not as expected"
send   = "xdg_toplevel.set_minimized"
expect = "allow"
"""


def test_a_case_that_fails_says_what_was_expected_and_what_was_seen(run: Run, tmp_path: Path) -> None:
    path = file(tmp_path, TESTS, "x.test.toml")
    junit = tmp_path / "junit.xml"
    code, out, _ = run("test", str(tmp_path), "--junit", str(junit))
    assert code == 1 and f"{path}:10: not as expected: verdict allow was expected, it is deny" in out and "strict.toml" in out
    suite = ElementTree.parse(junit).getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert run("test", file(tmp_path, TESTS.replace('"allow"', '{ verdict = "deny", deny-as = "ignore" }'), "y.test.toml"))[0] == 0


@pytest.mark.parametrize(
    ("expect", "says"),
    [
        ("becomes = 'xdg_toplevel.set_title(\"[t1] b\")'", "it was to become xdg_toplevel.set_title"),
        ('deny-as = "ignore"', "it was to be refused as ignore, it is not refused"),
        ('event = "xdg_toplevel.configure"', "the guest was to be sent xdg_toplevel.configure, it is sent nothing"),
        ('rule = "desktop.toml"', "desktop.toml was to decide, it is strict.toml"),
        ('verdict = "virtual"', "verdict virtual was expected, it is rewrite"),
    ],
)
def test_each_expectation_can_fail(run: Run, tmp_path: Path, expect: str, says: str) -> None:
    text = 'format = 1\npolicy = "strict"\nvars = { vm = "t1" }\n[[case]]\nsend = \'xdg_toplevel.set_title("a")\'\n'
    code, out, _ = run("test", file(tmp_path, f"{text}expect = {{ {expect} }}\n", "x.test.toml"))
    assert code == 1 and says in out, out


@pytest.mark.parametrize("wrong", ["inert", "disconnect", "close-fd"])
def test_another_shape_than_expected_fails(run: Run, tmp_path: Path, wrong: str) -> None:
    text = TESTS.replace('expect = "allow"', f'expect = {{ verdict = "deny", deny-as = "{wrong}" }}')
    code, out, _ = run("test", file(tmp_path, text, "x.test.toml"))
    assert code == 1 and f"it was to be refused as {wrong}, it is ignore" in out


def test_coverage_names_the_rules_that_nothing_reaches(run: Run, tmp_path: Path) -> None:
    file(tmp_path, HEAD + '[global]\nwl_shm = 1\nwl_seat = 9\n[permission]\nbell = "allow"\n')
    case = '[[case]]\nsend = "wl_registry.bind(wl_shm, 1)"\nexpect = "allow"\n'
    path = file(tmp_path, f'format = 1\npolicy = "./p.toml"\n{case}[coverage]\nrules = 60\n', "x.test.toml")
    code, out, _ = run("test", path, "--coverage")
    assert code == 1 and "33 % of the policy's own rules are reached, 60 % are wanted: not global.wl_seat, permission.bell" in out
    assert "p.toml:5: global.wl_seat is reached by nothing" in out


MISTAKES = [
    ('format = 1\npolicy = "strict"\n[[case]]\nsend = "a"\n', "4:8", "unknown-interface"),
    ('format = 1\npolicy = "strict"\n[[case]]\nsend = "wl_surface.comit"\nexpect = "allow"\n', "4:8", "unknown-message"),
    ('format = 1\npolicy = "strict"\n[[case]]\nexpect = "allow"\n', "3:3", "missing-key"),
    ('format = 1\npolicy = "strict"\n[[case]]\nsend = "wl_surface.commit"\nexpect = "alow"\n', "5:10", "unknown-verdict"),
    ('format = 1\npolicy = "strict"\n[[case]]\nsend = "wl_surface.commit"\nexpect = "allow"\nsned = 1\n', "6:1", "unknown-key"),
    ('format = 1\npolicy = "strict"\n[[case]]\nreceive = "wl_surface.commit"\nexpect = "allow"\n', "4:11", "direction"),
    ('format = 1\npolicy = "strict"\n[coverage]\nrules = 101\n', "4:9", "type"),
    ('format = 1\npolicy = "strict"\n[[trace]]\nfile = "x"\nexpect = { denid = 0 }\n', "5:12", "unknown-key"),
    ('format = 1\npolicy = "strict"\ncase = 3\n', "3:8", "type"),
    ('policy = "strict"\n', "", "format"),
    ("format = 1\n", "", "missing-key"),
    ('format = 1\npolicy = "nowhere"\n', "", "not-found"),
]


@pytest.mark.parametrize(("text", "place", "code"), MISTAKES)
def test_a_mistake_in_a_test_file_is_found_at_its_place(run: Run, tmp_path: Path, text: str, place: str, code: str) -> None:
    path = file(tmp_path, text, "x.test.toml")
    exit_code, _, err = run("test", path)
    assert exit_code == 1 and f"error[{code}]" in err
    assert not place or f"{path}:{place}: " in err, err


def test_no_test_file_is_usage(run: Run, tmp_path: Path) -> None:
    assert run("test", str(tmp_path))[0] == 2
    assert run("test", str(tmp_path / "none"))[0] == 1


# odd files, for every verb that takes a policy


def binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


def huge(path: Path) -> None:
    with open(path, "wb") as out:
        out.truncate(100 << 20)


def just_too_large(path: Path) -> None:
    path.write_bytes(b"#" * (MAX_BYTES + 1))


def deep(path: Path) -> None:
    path.write_text("x = " + "[" * 20000)


def deep_tables(path: Path) -> None:
    path.write_text("x = " + "{a=" * 5000 + "1" + "}" * 5000)


def dotted(path: Path) -> None:
    path.write_text(".".join("a" * 20000) + " = 1")


def itself(path: Path) -> None:
    path.write_text(HEAD + f'extends = "{path}"\n')


def round_about(path: Path) -> None:
    other = path.with_name("other.toml")
    path.write_text(HEAD + f'extends = "{other}"\n')
    other.write_text(HEAD + f'extends = "{path}"\n')


def links(path: Path) -> None:
    path.symlink_to(path.name)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


def nothing(path: Path) -> None:
    """There is no file."""


def empty(path: Path) -> None:
    path.write_text("")


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def numbers(path: Path) -> None:
    path.write_text("format = " + "9" * 100000)


ODD = (binary, huge, just_too_large, deep, deep_tables, dotted, itself, round_about, links, fifo, folder, nothing, empty, device, numbers)
VERBS: dict[str, Callable[[str], list[str]]] = {
    "check": lambda p: ["check", p],
    "compile": lambda p: ["compile", p, "-o", "/dev/null"],
    "show": lambda p: ["show", p, "--effective"],
    "explain": lambda p: ["explain", "wl_surface.commit", "--policy", p],
    "interfaces": lambda p: ["interfaces", "--policy", p],
    "diff": lambda p: ["diff", "strict", p],
    "prove": lambda p: ["prove", p, "--never", "class:H"],
    "score": lambda p: ["score", p],
    "test": lambda p: ["test", p],
}


@pytest.mark.parametrize("make", ODD, ids=lambda make: make.__name__)
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.timeout(30)
def test_an_odd_file_gives_a_finding_and_no_traceback(run: Run, tmp_path: Path, verb: str, make: Callable[[Path], None]) -> None:
    path = tmp_path / "odd.toml"
    make(path)
    code, out, err = run(*VERBS[verb](str(path)))
    assert code in (1, 2, 6), out
    assert "odd.toml" in err and "Traceback" not in err and len(err) < 20_000


@pytest.mark.parametrize("make", [binary, huge, deep, fifo, folder, nothing, empty, links], ids=lambda make: make.__name__)
@pytest.mark.parametrize("verb", ["diff", "prove", "score", "explain"])
@pytest.mark.timeout(30)
def test_an_odd_compiled_policy_gives_a_finding(run: Run, tmp_path: Path, verb: str, make: Callable[[Path], None]) -> None:
    path = tmp_path / "odd.json"
    make(path)
    code, _, err = run(*VERBS[verb](str(path)))
    assert code == 6 and "odd.json" in err and "Traceback" not in err
