"""What an admin is told: every mistake of a file in one run, at its place, in words; and the verbs that tell it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.policy.broken import HEAD, planted
from tests.scene import shipped
from wlproxy.cli.main import main
from wlproxy.core.errors import ConfigError, ConfigErrors
from wlproxy.policy.document import show
from wlproxy.policy.load import load_policy

ROOT = Path(__file__).parents[2]

BROKEN = """format = ‹2›                                    #! format
name = ‹"a b"›                                          #! name
summary = ‹3›                                           #! type
final = [‹"permissions.*"›, "global.*"]                 #! unknown-key
shm-unsealable = ‹"coppy"›                              #! unknown-word
early-destroy = ‹"in order"›                            #! unknown-word
‹sumary› = "x"                                          #! unknown-key

[vars]
‹label› = { type = "text" }                             #! missing-variable
tint  = { type = ‹"color"› }                            #! unknown-type
owner = { type = "slug", default = ‹"a b"› }            #! variable
team  = { type = "slug", default = "x", ‹maxbytes› = 3 }  #! unknown-key

[global]
‹xdg_dialog_v1› = 1                                     #! not-a-global
‹wl_shmm› = 2                                           #! unknown-interface
wl_compositor = ‹99›                                    #! version-too-high
wl_fixes = ‹2›                                          #! version-too-high
wl_seat = ‹0›                                           #! version-too-low
wl_output = { max = 4, virtualize = ‹["maker"]› }       #! unknown-part
wl_shm = { max = 2, ‹mx› = 2 }                          #! unknown-key
wp_alpha_modifier_v1 = { max = 1, count = ‹0› }         #! type
wp_viewporter = ‹{}›                                    #! missing-key
wp_presentation = ‹"hid"›                               #! unknown-verdict
xdg_wm_base = ‹"virtual"›                               #! virtual
wl_data_device_manager = ‹"never"›                      #! never
‹wp_security_context_manager_v1› = 1                    #! never
wl_subcompositor = ‹true›                               #! type
‹"wl_*"› = 1                                            #! wildcard
‹"*_v1*"› = "hide"                                      #! wildcard

[permission]
‹clipbord-in› = "allow"                                 #! unknown-permission
clipboard-in = { verdict = ‹"alow"›, ‹bannner› = 1 }    #! unknown-verdict unknown-key
clipboard-out = { verdict = "allow", mime = ‹["text/*"]›, max-bytes = ‹"x"› }  #! mime type
primary-in = ‹3›                                        #! type
‹primary-out› = { remember = ‹["forever"]› }            #! missing-key forever
drag-in = { verdict = "ask", timeout = ‹"0s"›, note = ‹""› } #! type text
fullscreen = { verdict = "allow", ‹banner› = "3s" }     #! not-kept
idle-inhibit = { verdict = "allow", only = ‹"visibel"›, max-duration = ‹"2d"› } #! unknown-word type
pointer-lock = { verdict = "allow", escape = ‹["Super", "Escape"]› } #! no-key
pointer-confine = { verdict = "allow", escape = ‹["Sper+Escape"]›, ‹only› = "visible" } #! unknown-modifier unknown-key
shortcuts-inhibit = { verdict = "allow", escape = ‹"Escape"› } #! no-modifier
gpu-buffers = { verdict = "allow", max-planes = ‹5›, modifiers = ‹["linar"]› } #! type unknown-word
popup-grab = { verdict = "allow", max-depth = ‹0› }     #! type
focus-request = { verdict = "allow", needs-input-serial = ‹1›, ‹skip-if› = ["a/b"] } #! type unknown-key
drag-out = { verdict = "allow", ‹max-planes› = 2 }      #! unknown-key
window-icon = { verdict = "allow", ‹banner› = "3s" }    #! unknown-key
custom-cursor = { verdict = "allow", max-size = ‹1000› } #! type
bell = { verdict = "allow", rate = ‹"often"› }          #! type
‹"drag-*"› = "deny"                                     #! wildcard

[audit]
record = ‹"some"›                                       #! unknown-word
payload = ‹"all"›                                       #! unknown-word
on-failure = ‹"ignore"›                                 #! unknown-word
‹file› = "x"                                            #! unknown-key

[ask]
timeout = ‹3›                                           #! type
no-agent = ‹"allow"›                                    #! unknown-word
max-per-minute = ‹1000›                                 #! type
‹agent› = "x"                                           #! unknown-key

[upstream]
security-context = ‹"perfer"›                           #! unknown-word
‹engin› = "x"                                             #! unknown-key
app-id = ‹"${who}"›                                     #! unknown-variable
instance-id = ‹""›                                      #! text
engine = ‹3›                                            #! type

[quota]
‹client› = 3                                            #! unknown-key
objects = ‹"many"›                                      #! type
fds = ‹true›                                            #! type
toplevels = ‹0›                                         #! out-of-range
shm-bytes = ‹"12 MB"›                                   #! type
guest-queue = ‹1.5›                                     #! type
stall = ‹"10 parsecs"›                                  #! type
clipboard-idle = ‹5›                                    #! type
messages = ‹"20000"›                                    #! type
connects = ‹"0/s"›                                      #! out-of-range
on-exceed = ‹"warn"›                                    #! not-yet

[message.‹xdg_toplvel›]                                 #! unknown-interface
set_title = "deny"

[message.‹wl_registry›]                                 #! built-in
bind.args.name = { max = 3 }

[message.‹wl_display›]                                  #! built-in
sync = "deny"

[message.xdg_toplevel]
‹set_titel› = "deny"                                    #! unknown-message
set_maximized = ‹"denny"›                               #! unknown-verdict
unset_maximized = ‹1›                                   #! type
move = { rate = ‹"2"›, ‹remember› = ["once"], ‹timeout› = "3s", ‹note› = "x" } #! type not-yet not-yet not-yet
wm_capabilities = { ‹rate› = "2/s" }                    #! rate
show_window_menu = { ‹verdit› = "deny" }                #! unknown-key
set_fullscreen = { deny-as = ‹"ignored"› }              #! unknown-shape
unset_fullscreen = { deny-as = ‹"inert"› }              #! deny-shape
destroy = { deny-as = ‹"ignore"› }                      #! deny-shape
close = { deny-as = ‹"inert"› }                         #! deny-shape
set_title.args.‹text› = { max-bytes = 3 }               #! unknown-argument
set_title.args.title = { ‹max› = 3 }                    #! predicate-type
set_app_id.args.app_id = { ‹maxbytes› = 3 }             #! unknown-key
set_max_size.args.width = ‹{ min = 5, max = 3 }›        #! empty-range
set_max_size.args.height = ‹{ in = [5], max = 3 }›      #! empty-range
set_parent.args.parent = { null = ‹false› }             #! type
set_min_size.args.width = { min = ‹2147483648› }        #! out-of-range
set_min_size.args.height = { min = ‹1.5› }              #! type
resize.args.edges = { in = ["top", ‹"bottm"›] }         #! unknown-enum-value
resize.args.serial = { in = [‹"top"›] }                 #! unknown-enum-value
configure = { args = ‹1› }                              #! type

[message.wl_surface]
attach.args.x = { in = [‹4294967296›, ‹true›] }         #! out-of-range type
set_buffer_transform.args.transform = { in = [1, ‹8›] } #! unknown-enum-value
attach.args.y = { in = ‹[]› }                           #! type
damage.args.x = ‹3›                                     #! type
damage.args.y = { ‹kind› = "memfd" }                    #! predicate-type
commit = { deny-as = ‹"fail-event"› }                   #! deny-shape
offset = { deny-as = ‹"close-fd"› }                      #! deny-shape

[message.wl_compositor]
create_surface = { deny-as = ‹"ignore"› }               #! deny-shape

[message.wl_callback]
done = ‹"deny"›                                         #! deny-shape

[message.xdg_toplevel_icon_v1]
set_name.args.icon_name = { charset = ‹"z-a"›, max-bytes = ‹-1›, sanitize = ‹"plane"› } #! charset type unknown-value

[message.wp_viewport]
set_source.args.x = { min = ‹-9000000.0›, max = 1.5 }   #! out-of-range

[message.wl_shm]
create_pool.args.fd = { ‹max› = 3, kind = ‹"dmabuf"› }  #! predicate-type empty-range

[message.wl_keyboard]
keymap.args.fd = { kind = ‹"memfs"› }                   #! unknown-value

[message.wl_drm]
create_prime_buffer.args.name = { kind = ‹["dmabuf"]› } #! unknown-value

[rewrite]
tag = ‹"vm.{title}"›                                    #! template
‹titel› = "{title}"                                     #! unknown-key
title = ‹"[${colour}] {title}"›                         #! unknown-variable
app-id = ‹"vm."›                                        #! template
"""


def findings(tmp_path: Path, text: str) -> list[ConfigError]:
    path = tmp_path / "p.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigErrors) as caught:
        load_policy(str(path), {}, shipped(), search=())
    return caught.value.findings


def shown(tmp_path: Path, text: str) -> list[str]:
    """The printed lines of the one finding."""
    (finding,) = findings(tmp_path, text)
    return show(finding).split("\n")


def test_every_planted_mistake_is_found_at_its_place_in_one_run(tmp_path: Path) -> None:
    text, expected = planted(BROKEN)
    found = [(f.line, f.column, f.length, f.code) for f in findings(tmp_path, text)]
    assert sorted(found) == sorted(expected)


def test_the_places_need_nothing_that_is_not_in_the_standard_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tree_sitter", None)
    test_every_planted_mistake_is_found_at_its_place_in_one_run(tmp_path)


SUGGESTIONS = {
    "sumary": "summary",
    "xdg_dialog_v1": "xdg_wm_dialog_v1",
    "wl_shmm": "wl_shm",
    "'hid'": "hide",
    "xdg_toplvel": "xdg_toplevel",
    "set_titel": "set_title",
    "'denny'": "deny",
    "'ignored'": "ignore",
    "verdit": "verdict",
    "maxbytes": "max-bytes",
    "bottm": "bottom",
    "'color'": "colour",
    "plane": "plain",
    "titel'": "title",
}


@pytest.mark.parametrize("word", SUGGESTIONS)
def test_what_was_meant_is_suggested(tmp_path: Path, word: str) -> None:
    text, _ = planted(BROKEN)
    hints = [f.hint for f in findings(tmp_path, text) if word in f.message]
    assert f'did you mean "{SUGGESTIONS[word]}"?' in hints


def test_a_finding_says_what_may_stand_there(tmp_path: Path) -> None:
    text, _ = planted(BROKEN)
    messages = [f.message for f in findings(tmp_path, text)]
    for said in (
        "wlproxy can vet wl_fixes up to version 1, not 2",
        "set_title has no argument 'text'  (it has: title)",
        "'max' does not fit title, of type string  (it takes: max-bytes, charset, sanitize)",
        "'max' does not fit fd, of type fd  (it takes: kind)",
        "width is of type int: -2147483648 to 2147483647",
        "min 5 is above max 3: nothing is allowed",
        "create_surface creates an object: it cannot be ignored  (it can: inert, disconnect)",
        "destroy destroys its object: it can be refused only by disconnecting",
        "done ends its object: it cannot be kept from the guest",
        "enum wl_output.transform has no value 8",
        'the template needs "{app_id}" once, and no other braces but ${variables}',
    ):
        assert said in messages


SYNTAX = {
    "name = x": (3, 8),
    "a = [1, 2": (3, 10),
    "[global": (3, 8),
    "wl_shm = 1\nwl_shm = 2": (4, 11),
    'a = "b': (3, 7),
}


@pytest.mark.parametrize("text", SYNTAX)
def test_a_syntax_error_stands_where_tomllib_found_it(tmp_path: Path, text: str) -> None:
    (finding,) = findings(tmp_path, HEAD + text + "\n")
    assert finding.code == "syntax" and finding.line in (SYNTAX[text][0], SYNTAX[text][0] + 1) and finding.column


@pytest.mark.parametrize("template", ["x", "{title}{title}", "{title} {", "{ {title}", "{app_id}", "{title}\\u0007", "{title}\\u202e"])
def test_templates_that_are_none(tmp_path: Path, template: str) -> None:
    (finding,) = findings(tmp_path, HEAD + f'[rewrite]\ntitle = "{template}"\n')
    assert (finding.code, finding.line, finding.column) == ("template", 4, 9)


def test_a_template_that_leaves_no_room(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, HEAD + f'[rewrite]\ntitle = "{"é" * 100}{{title}}"\n')
    assert finding.code == "template"


@pytest.mark.parametrize("table", ["global", "message", "rewrite", "vars"])
@pytest.mark.parametrize("value", ["1", "[]", '"x"', "[{}]"])
def test_a_table_that_is_none(tmp_path: Path, table: str, value: str) -> None:
    (finding,) = findings(tmp_path, HEAD + f"{table} = {value}\n")
    assert (finding.code, finding.line) == ("type", 3)


# what is printed


def test_the_printed_form(tmp_path: Path) -> None:
    lines = shown(tmp_path, HEAD + "[global]\nwl_shmm = 2\n")
    assert lines == [
        f"{tmp_path}/p.toml:4:1: error[unknown-interface]: the protocol data has no global 'wl_shmm'",
        "    4 | wl_shmm = 2",
        '      | ^^^^^^^  did you mean "wl_shm"?',
    ]


def under(lines: list[str]) -> str:
    """What the carets point at, one column of the terminal per character."""
    return "".join(c for c, mark in zip(lines[1], lines[2].ljust(len(lines[1])), strict=False) if mark == "^")


@pytest.mark.parametrize("line", ["\twl_shm = 99", "wl_shm\t=\t99", "  wl_shm  =  99  # ü", 'wl_shm = { "max" = 99 }', "wl_shm = 99\r"])
def test_carets_stand_under_what_is_meant(tmp_path: Path, line: str) -> None:
    assert under(shown(tmp_path, HEAD + "[global]\n" + line + "\n")) == "99"


def test_carets_after_other_letters_and_combining_ones(tmp_path: Path) -> None:
    lines = shown(tmp_path, HEAD + '[message.xdg_toplevel]\nset_title.args.title = { charset = "äö", max = 99 }\n')
    assert under(lines) == "max"
    lines = shown(tmp_path, HEAD + '[message.xdg_toplevel]\nset_title.args.title = { charset = "a\u0308", max = 99 }\n')
    assert lines[2].index("^") == lines[1].index("max") - 1


def test_carets_after_characters_two_columns_wide(tmp_path: Path) -> None:
    lines = shown(tmp_path, HEAD + '[message.xdg_toplevel]\nset_title.args.title = { charset = "日本👍", max = 99 }\n')
    assert lines[2].index("^") == lines[1].index("max") + 3


@pytest.mark.parametrize("fill", [" ", "ü", "日"])
def test_a_very_long_line_is_shown_around_the_place(tmp_path: Path, fill: str) -> None:
    rule = f'set_title.args.title = {{ charset = "{fill * 200}", max = 99, sanitize = "plain" }} # {fill * 2000}'
    lines = shown(tmp_path, HEAD + "[message.xdg_toplevel]\n" + rule + "\n")
    assert len(lines[1]) < 180
    wide = 2 if fill == "日" else 1
    before = lines[1].index("max")
    assert lines[2].index("^") == before + lines[1][:before].count(fill) * (wide - 1)


def test_what_is_printed_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    text = "\n".join(shown(tmp_path, HEAD + '[global]\n"wl_\\u001b[31m\\u202e" = 1 # \u202e\n'))
    assert all(line.isprintable() for line in text.split("\n"))


# the verbs


def write(folder: Path, text: str, name: str = "p.toml") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_check_says_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "strict", "desktop"]) == 0
    assert capsys.readouterr().out.startswith("strict: valid, 15 globals, sha256:")


def test_check_of_a_good_and_two_bad_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = write(tmp_path, HEAD + "[global]\nwl_shmm = 1\nwl_seet = 1\n")
    assert main(["check", bad, "strict", str(tmp_path / "none")]) == 1
    out, err = capsys.readouterr()
    assert out.count("valid") == 1 and err.count("error[") == 3


def test_check_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = write(tmp_path, HEAD + "[global]\nwl_shmm = 1\n")
    assert main(["check", "--json", bad, "strict"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out) == [
        {
            "file": bad,
            "line": 4,
            "column": 1,
            "code": "unknown-interface",
            "severity": "error",
            "message": "the protocol data has no global 'wl_shmm'",
            "hint": 'did you mean "wl_shm"?',
        }
    ]
    assert main(["check", "--json", "strict"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_check_with_variables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "strict", "--var", "label=Work", "--var", "vm=w"]) == 0
    assert main(["check", "strict", "--var", "label=a\nb"]) == 1
    assert main(["check", "strict", "--var", "label"]) == 2
    assert main(["check", ""]) == 1


def test_check_of_a_file_whose_name_is_no_text(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff.toml"
    with open(name, "wb") as file:
        file.write(HEAD.encode())
    assert run("check", os.fsdecode(name)).returncode == 0


def test_compile_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    first, second = run("compile", "desktop", "--guest", "work"), run("compile", "desktop", "--guest", "work", PYTHONHASHSEED="1")
    assert first.returncode == 0 and first.stdout == second.stdout
    assert json.loads(first.stdout)["name"] == "desktop"


def test_compile_writes_a_file_that_compiles_to_itself(tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    assert b"strict sha256:" in run("compile", "strict", "-o", str(one)).stdout
    assert run("compile", str(one), "-o", str(two)).returncode == 0
    assert one.read_bytes() == two.read_bytes()
    assert sorted(tmp_path.iterdir()) == [one, two]


def test_compile_replaces_the_output_only_by_a_whole_one(tmp_path: Path) -> None:
    (tmp_path / "out.json").write_text("old")
    bad = write(tmp_path, HEAD + "x = 1\n")
    done = run("compile", bad, "-o", str(tmp_path / "out.json"))
    assert done.returncode == 1 and b"error[unknown-key]" in done.stderr
    assert (tmp_path / "out.json").read_text() == "old"


def test_compile_to_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for output in (str(tmp_path / "folder"), str(tmp_path / "none" / "x.json")):
        done = run("compile", "strict", "-o", output)
        assert done.returncode == 2 and output.encode() in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_compile_to_a_device_writes_to_it(tmp_path: Path) -> None:
    """Replacing it, as root, would be the end of /dev/null."""
    (tmp_path / "device").symlink_to("/dev/null")
    assert run("compile", "strict", "-o", str(tmp_path / "device")).returncode == 0
    assert (tmp_path / "device").is_symlink()


JSON = {
    "not JSON": "{",
    "deep": "[" * 100_000,
    "another thing": "[]",
    "no hash": '{"format": 1}',
    "odd parts": '{"format": 1, "sha256": "", "globals": [], "interfaces": {"wl_display": []}}',
    "odd messages": '{"format": 1, "sha256": "", "globals": {}, "interfaces": {"x": {"version": 1, "requests": [[]], "events": []}}}',
}


@pytest.mark.parametrize("which", JSON)
def test_a_compiled_policy_that_is_none(tmp_path: Path, which: str) -> None:
    done = run("compile", write(tmp_path, JSON[which], "x.json"))
    assert done.returncode == 1 and b"x.json: " in done.stderr and b"Traceback" not in done.stderr


def test_a_compiled_policy_that_was_edited(tmp_path: Path) -> None:
    text = run("compile", "strict").stdout.decode()
    done = run("compile", write(tmp_path, text.replace('"wl_shm":[2,', '"wl_shm":[1,'), "x.json"))
    assert done.returncode == 1 and b"its sha256 is not that of its content" in done.stderr


def test_run_with_a_bad_policy_prints_the_findings_and_does_not_listen(tmp_path: Path) -> None:
    bad = write(tmp_path, HEAD + "[global]\nwl_shmm = 1\n")
    done = run("run", "--listen", f"unix:{tmp_path}/s", "--upstream", "/x", "--policy", bad)
    assert done.returncode == 6
    assert b"p.toml:4:1: error[unknown-interface]" in done.stderr and b"did you mean" in done.stderr
    assert not (tmp_path / "s").exists()


def run(*args: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | environ
    return subprocess.run(
        [sys.executable, "-m", "wlproxy", *args], env=environment, capture_output=True, timeout=30, check=False, cwd="/"
    )


def test_a_bound_that_is_not_kept_is_a_warning_where_nothing_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.toml"
    head = 'format = 1\nname = "p"\n[global]\nxdg_wm_base = 6\nzwp_pointer_constraints_v1 = 1\n[permission]\n'
    lines = 'fullscreen = { verdict = "ask", banner = "3s" }\n'
    path.write_text(head + lines)
    assert main(["check", str(path)]) == 0
    said = capsys.readouterr()
    assert (said.out + said.err).count("warning[not-kept]") == 1
    path.write_text(head + 'fullscreen = { verdict = "allow", banner = "3s" }\n')
    assert main(["check", str(path)]) == 1
    said = capsys.readouterr()
    assert "error[not-kept]: 'banner' cannot be kept: wlproxy draws nothing" in said.out + said.err


@pytest.mark.parametrize(("until", "codes"), [("2999", ["too-long"]), ("2020", ["complain-over"])])
def test_check_warns_of_a_policy_that_complains(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], until: str, codes: list[str]
) -> None:
    path = tmp_path / "p.toml"
    path.write_text(f'format = 1\nname = "p"\nmode = "complain"\nuntil = {until}-12-05T18:00:00Z\n')
    assert main(["check", "--json", str(path)]) == (1 if until == "2999" else 0)
    assert [finding["code"] for finding in json.loads(capsys.readouterr().out)] == codes


@pytest.mark.parametrize(
    ("escape", "said"),
    [
        ('"Super+Escpae"', 'error[unknown-key]: \'Escpae\' is no key that a combination can have'),
        ('"Super+Esc"', 'did you mean "Escape"?'),
        ('"Win+Escape"', 'did you mean "Super"?'),
        ('"control+F1"', 'did you mean "Ctrl"?'),
        ('["Super", "Escape"]', 'error[no-key]: \'Super\' lacks its key: modifiers and one key are joined, as in "Super+Escape"'),
        ('"Super+Ctrl"', "error[no-key]: 'Super+Ctrl' lacks its key"),
        ('"Escape"', "error[no-modifier]: 'Escape' needs one or more of Super, Ctrl, Alt, Shift before its key"),
        ("[]", 'error[type]: a combination of keys such as "Super+Escape" is needed, or a list of 1 to 4'),
    ],
)
def test_a_combination_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], escape: str, said: str) -> None:
    path = tmp_path / "p.toml"
    head = 'format = 1\nname = "p"\nextends = "desktop"\n[permission]\n'
    path.write_text(f'{head}pointer-lock = {{ verdict = "allow", escape = {escape} }}\n')
    assert main(["check", str(path)]) == 1
    assert said in capsys.readouterr().err


def test_a_shadow_is_no_policys_to_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.toml"
    path.write_text('format = 1\nname = "p"\nextends = "desktop"\nshadow = "strict"\n')
    assert main(["check", str(path)]) == 1
    assert "p.toml:4:1: error[unknown-key]: a policy has no 'shadow': it stands in a guest's file" in capsys.readouterr().err
