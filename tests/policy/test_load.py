"""Opening policies: where a name leads, what a file may be, what a child and its parents make together, variables."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from tests.policy.broken import HEAD
from tests.scene import shipped
from wlproxy.core.errors import ConfigError, ConfigErrors
from wlproxy.policy.load import explain, load_policy, shipped_names
from wlproxy.policy.load_safely import ANYBODY
from wlproxy.policy.model import HIDE, Policy


def load(path: Path | str, **variables: str) -> Policy:
    return load_policy(str(path), variables, shipped(), search=())


def refused(path: Path | str, **variables: str) -> list[ConfigError]:
    """The findings; there is at least one, and they can be shown."""
    before = time.monotonic()
    with pytest.raises(ConfigErrors) as caught:
        load(path, **variables)
    assert time.monotonic() - before < 10
    assert all(explain(caught.value))
    assert caught.value.findings
    return caught.value.findings


def codes(path: Path | str, **variables: str) -> list[str]:
    return [finding.code for finding in refused(path, **variables)]


def write(folder: Path, name: str, text: str = "", extends: str = "") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(f'format = 1\nname = "{name}"\n' + (f'extends = "{extends}"\n' if extends else "") + text, encoding="utf-8")
    return path


# where a name leads


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_policies_load(name: str) -> None:
    assert load(name).name == name
    assert load(name + ".toml").name == name
    assert load(name, vm="work").name == name


def test_the_tests_know_all_shipped_policies() -> None:
    assert shipped_names() == ["conferencing", "desktop", "strict", "transparent", "trusted", "viewer"]


def test_the_guests_name_becomes_the_label() -> None:
    assert load("strict").rewrites["title"].template == "[guest] {title}"
    assert load("strict", vm="work").rewrites["title"].template == "[work] {title}"
    assert load("desktop", vm="work", label="Büro 日本 €").rewrites["title"].template == "[Büro 日本 €] {title}"


def test_a_name_that_leads_nowhere_lists_those_that_do() -> None:
    (finding,) = refused("stric")
    assert finding.code == "not-found"
    assert finding.hint == "shipped: conferencing, desktop, strict, transparent, trusted, viewer; or give a path"


def test_a_name_is_found_in_the_folders_of_the_search(tmp_path: Path) -> None:
    write(tmp_path, "mine")
    assert load_policy("mine", {}, shipped(), search=[str(tmp_path / "none"), str(tmp_path)]).name == "mine"


def test_a_file_name_is_a_file_before_it_is_a_shipped_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "strict.toml").write_text("format = 1\nname = 'own'\n")
    assert load("strict.toml").name == "own"
    assert load("strict").name == "strict"


def test_a_finding_in_a_shipped_policy_shows_its_line_and_not_that_of_a_file_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "strict.toml").write_text("# not this\n" * 100)
    with pytest.raises(ConfigErrors) as caught:
        load("strict", label="\n")
    assert "label = {" in explain(caught.value)[0]


ODD = ["", " ", "/", ".", "..", "a/b", "a\0b", "\udcff", "x" * 300, "-", "~root", "strict\n", "shipped:strict.toml"]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_findings(name: str) -> None:
    assert codes(name)[0] in ("not-found", "unreadable")


# what a file may be


def test_a_missing_file(tmp_path: Path) -> None:
    (finding,) = refused(tmp_path / "none.toml")
    assert (finding.code, finding.message) == ("not-found", "No such file or directory")


def test_a_directory(tmp_path: Path) -> None:
    assert codes(tmp_path) == ["unreadable"]


def test_a_fifo_without_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.toml")
    assert codes(tmp_path / "p.toml") == ["unreadable"]


def test_a_fifo_with_an_idle_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.toml")
    writer = os.open(tmp_path / "p.toml", os.O_RDWR)
    assert codes(tmp_path / "p.toml") == ["unreadable"]
    os.close(writer)


def test_a_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.toml"))
        assert codes(tmp_path / "s.toml") == ["unreadable"]


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/full", "/dev/tty"])
def test_a_device(device: str) -> None:
    assert codes(device) == ["unreadable"]


def test_a_regular_file_that_cannot_be_read() -> None:
    """Its size is 0 and read(2) gives EIO."""
    assert codes("/proc/self/mem") == ["unreadable"]


def test_a_file_of_two_megabytes(tmp_path: Path) -> None:
    (tmp_path / "big.toml").write_bytes(b"#" * (2 << 20))
    assert codes(tmp_path / "big.toml") == ["too-large"]


def test_a_link_to_itself(tmp_path: Path) -> None:
    (tmp_path / "l.toml").symlink_to(tmp_path / "l.toml")
    assert codes(tmp_path / "l.toml") == ["unreadable"]


def test_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "l.toml").symlink_to(tmp_path / "nowhere")
    assert codes(tmp_path / "l.toml") == ["not-found"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = write(tmp_path, "secret")
    path.chmod(0)
    assert codes(path) == ["unreadable"]


def test_a_refused_open_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As above, for root as well."""

    def no(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path, "secret")
    monkeypatch.setattr("wlproxy.policy.load.os.open", no)
    (finding,) = refused(path)
    assert (finding.code, finding.message) == ("unreadable", "Permission denied")


CHARSET = HEAD + '[message.xdg_toplevel]\nset_title.args.title = { charset = "' + "\\u0000-\uffff" * 90_000 + '" }'
BYTES = {
    "empty": (b"", ["format", "missing-key"]),
    "binary": (bytes(range(256)), ["not-utf8"]),
    "elf": (b"\x7fELF\x02\x01\x01\0\0\0", ["syntax"]),
    "utf-16": ("format = 1".encode("utf-16"), ["not-utf8"]),
    "latin-1": ('format = 1\nname = "x"\nsummary = "ü"\n'.encode("latin-1"), ["not-utf8"]),
    "byte order mark": (("\ufeff" + HEAD).encode(), ["syntax"]),
    "no TOML": (b"format: 1\n", ["syntax"]),
    "twice": (b"format = 1\nformat = 1\n", ["syntax"]),
    "endless text": (b'summary = """' + b"x" * 1000, ["syntax"]),
    "endless number": (b"format = " + b"9" * 10_000, ["syntax"]),
    "deep arrays": (b"a = " + b"[" * 100_000, ["too-deep"]),
    "deep arrays, closing brackets in texts": (b"a = " + b'["]",' * 100_000, ["too-deep"]),
    "deep tables": (b"a = " + b"{a=" * 100_000, ["too-deep"]),
    "deep key": (b"a" + b".a" * 400_000 + b" = 1", ["too-deep"]),
    "deep key in a table": (b"x = {a" + b".a" * 400_000 + b" = 1}", ["too-deep"]),
    "deep header": (b"[a" + b".a" * 400_000 + b"]", ["too-deep"]),
    "charset of endless ranges": (CHARSET.encode(), ["charset"]),
}


@pytest.mark.parametrize("which", BYTES)
def test_bytes_that_are_no_policy(tmp_path: Path, which: str) -> None:
    data, expected = BYTES[which]
    (tmp_path / "p.toml").write_bytes(data)
    assert codes(tmp_path / "p.toml") == expected


def test_the_place_of_what_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_bytes('format = 1\nname = "日'.encode() + b'\xff"\n')
    (finding,) = refused(tmp_path / "p.toml")
    assert (finding.line, finding.column) == (2, 10)


def many(line: str) -> str:
    return HEAD + "[global]\n" + "".join(line.format(i) for i in range(1_000_000 // len(line.format(0))))


@pytest.mark.parametrize(
    "text",
    [
        many("wl_shx{:06} = 1\n"),
        HEAD + "[message.wl_shm_pool]\ncreate_buffer.args.format.in = [" + "1," * 500_000 + "]",
        HEAD + 'summary = "ü"\nx = [' + '"ü",' * 200_000 + "]",
    ],
    ids=["names", "values", "one long line"],
)
def test_a_megabyte_of_mistakes_is_read_in_seconds(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.toml").write_text(text, encoding="utf-8")
    before = time.process_time()
    with pytest.raises(ConfigErrors):
        load(tmp_path / "p.toml")
    assert time.process_time() - before < 15


# a child and its parents


def test_a_child_beats_its_parent_key_by_key(tmp_path: Path) -> None:
    write(tmp_path, "parent", "[global]\nwl_shm = 2\nwl_seat = 5\nwl_compositor = 4\n")
    child = load(write(tmp_path, "child", '[global]\nwl_seat = 7\nwl_shm = "hide"\n', "parent"))
    assert {n: (r.verdict, r.max_version) for n, r in child.globals.items()} == {
        "wl_shm": (HIDE, 0),
        "wl_seat": ("allow", 7),
        "wl_compositor": ("allow", 4),
    }
    assert str(child.globals["wl_seat"].origin).endswith("child.toml:5")
    assert str(child.globals["wl_compositor"].origin).endswith("parent.toml:6")


def test_a_list_replaces_the_parents(tmp_path: Path) -> None:
    rule = "[message.wl_shm_pool]\ncreate_buffer.args.format.in = ["
    write(tmp_path, "parent", rule + '"argb8888", "xrgb8888"]\ncreate_buffer.args.width.max = 5\n')
    child = load(write(tmp_path, "child", rule + '"xrgb8888"]\n', "parent"))
    args = child.messages["wl_shm_pool", "create_buffer"].args
    assert args["format"].values == (1,) and args["width"].maximum == 5


def test_an_exact_name_beats_a_wildcard_and_a_childs_wildcard_its_parent(tmp_path: Path) -> None:
    write(tmp_path, "parent", "[global]\nwp_viewporter = 1\nwp_presentation = 1\n")
    child = load(write(tmp_path, "child", '[global]\nwp_presentation = 1\n"wp_*" = "hide"\n', "parent"))
    assert child.globals["wp_viewporter"].verdict == HIDE
    assert child.globals["wp_presentation"].verdict == "allow"


def test_a_child_may_only_change_the_verdict(tmp_path: Path) -> None:
    write(tmp_path, "parent", '[message.xdg_toplevel]\nset_title = { verdict = "deny", args.title.max-bytes = 5 }\n')
    child = load(write(tmp_path, "child", '[message.xdg_toplevel]\nset_title = "allow"\n', "parent"))
    rule = child.messages["xdg_toplevel", "set_title"]
    assert (rule.verdict, rule.args["title"].max_bytes) == ("allow", 5)


def test_extends_by_path_is_relative_to_the_file_that_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "base").mkdir()
    write(tmp_path / "base", "parent", "[global]\nwl_shm = 1\n")
    child = write(tmp_path, "child", "", "base/parent.toml")
    assert "wl_shm" in load(child).globals
    monkeypatch.chdir(tmp_path)
    assert "wl_shm" in load("child.toml").globals


def test_extends_finds_the_file_beside_before_the_shipped_policy(tmp_path: Path) -> None:
    write(tmp_path, "strict", "[global]\nwl_shm = 1\n")
    assert list(load(write(tmp_path, "child", "", "strict")).globals) == ["wl_shm"]


def test_an_absent_parent_is_a_finding_of_the_child(tmp_path: Path) -> None:
    (finding,) = refused(write(tmp_path, "child", "", "nowhere"))
    assert (finding.code, finding.line, finding.column) == ("not-found", 3, 11)


def test_what_else_is_wrong_with_a_child_is_said_without_its_parent(tmp_path: Path) -> None:
    text = '[global]\nwl_shmm = 1\n[rewrite]\ntitle = "[${label}] {title}"\n'
    assert codes(write(tmp_path, "child", text, "nowhere")) == ["not-found", "unknown-interface"]
    write(tmp_path, "b", "[global]\nwl_seet = 1\n", "a")
    assert sorted(codes(write(tmp_path, "a", text, "b"))) == ["cycle", "unknown-interface", "unknown-interface"]


@pytest.mark.parametrize(
    ("raw", "says", "line"),
    [
        (b"\xef\xbb\xbfformat = 1\n", "byte order mark", 1),
        (b"format = 1\n[quota]\nobjects = " + b"9" * 5000 + b"\n[global]\n", "more digits", 3),
    ],
)
def test_odd_bytes_have_a_finding_in_an_admin_s_words(tmp_path: Path, raw: bytes, says: str, line: int) -> None:
    (tmp_path / "p.toml").write_bytes(raw)
    (finding,) = refused(tmp_path / "p.toml")
    assert says in finding.message and finding.line == line


@pytest.mark.parametrize("parent", ["1", "[]", '["strict", "desktop"]', "false", '""', "{}"])
def test_extends_is_one_name(tmp_path: Path, parent: str) -> None:
    path = tmp_path / "p.toml"
    path.write_text(HEAD + f"extends = {parent}\n")
    assert codes(path) == ["type"]


@pytest.mark.parametrize("name", ["a", "a.toml", "./a.toml", "../{}/a.toml"])
def test_a_policy_cannot_extend_itself(tmp_path: Path, name: str) -> None:
    (finding,) = refused(write(tmp_path, "a", "", name.format(tmp_path.name)))
    assert finding.code == "cycle"


def test_a_policy_cannot_extend_itself_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.toml").symlink_to("a.toml")
    with pytest.raises(ConfigErrors) as caught:
        load_policy(str(write(tmp_path, "a", "", "link.toml")), {}, shipped(), search=(), owners=ANYBODY)
    assert [finding.code for finding in caught.value.findings] == ["cycle"]


def test_two_policies_cannot_extend_each_other(tmp_path: Path) -> None:
    write(tmp_path, "b", "", "a")
    (finding,) = refused(write(tmp_path, "a", "", "b"))
    assert finding.code == "cycle"
    assert finding.message.endswith(f"a.toml extends {tmp_path}/b.toml extends {tmp_path}/a.toml")


def test_eight_policies_are_a_chain_and_nine_too_many(tmp_path: Path) -> None:
    paths = [write(tmp_path, f"p{i}", "", f"p{i + 1}" if i < 8 else "") for i in range(9)]
    assert load(paths[1]).name == "p1"
    assert codes(paths[0]) == ["too-deep"]


def test_findings_of_parent_and_child_come_in_one_run(tmp_path: Path) -> None:
    write(tmp_path, "parent", "[global]\nwl_shmm = 1\n")
    found = refused(write(tmp_path, "child", "[global]\nwl_seet = 1\n", "parent"))
    assert [(Path(f.path).name, f.line, f.hint) for f in found] == [
        ("parent.toml", 4, 'did you mean "wl_shm"?'),
        ("child.toml", 5, 'did you mean "wl_seat"?'),
    ]


def test_a_transparent_policy_cannot_be_extended(tmp_path: Path) -> None:
    assert codes(write(tmp_path, "child", "[global]\nwl_shm = 1\n", "transparent")) == ["transparent"]


# variables


VARIABLES = """
[vars]
vm    = { type = "slug", default = "guest" }
label = { type = "text", default = "${vm}!", max-bytes = 8 }
tint  = { type = "colour", default = "#cc3333" }
[rewrite]
title = "${label}${tint} {title}"
"""


def test_what_is_another_at_each_start_is_for_the_instance_id_alone(tmp_path: Path) -> None:
    good = load(write(tmp_path, "good", '[vars]\nvm = { type = "slug", default = "x" }\n[upstream]\ninstance-id = "${vm}.${instance}"\n'))
    assert good.upstream["instance-id"] == "x.${instance}"
    for rule in ('[upstream]\napp-id = "${instance}"\n', '[rewrite]\ntitle = "${instance} {title}"\n'):
        (finding,) = refused(write(tmp_path, "bad", rule))
        assert (finding.code, "instance-id alone" in finding.message) == ("unknown-variable", True)
    (finding,) = refused(write(tmp_path, "own", '[vars]\ninstance = { type = "slug", default = "x" }\n'))
    assert (finding.code, finding.line) == ("reserved", 4)


@pytest.mark.parametrize(("room", "good"), [(112, True), (113, False)])
def test_an_instance_id_has_room_for_what_comes_later(tmp_path: Path, room: int, good: bool) -> None:
    path = write(tmp_path, "p", f'[upstream]\ninstance-id = "{"x" * room}${{instance}}"\n')
    assert load(path) if good else codes(path) == ["text"]


def test_defaults_use_the_variables_above_them(tmp_path: Path) -> None:
    path = write(tmp_path, "p", VARIABLES)
    assert load(path).variables == {"vm": "guest", "label": "guest!", "tint": "#cc3333"}
    assert load(path, vm="a").rewrites["title"].template == "a!#cc3333 {title}"
    assert load(path, label="b").variables["label"] == "b"


@pytest.mark.parametrize("default", ["${late}", "${none}", "${label}", "${}"])
def test_a_default_cannot_use_what_is_not_above_it(tmp_path: Path, default: str) -> None:
    rules = f'[vars]\nlabel = {{ type = "text", default = "{default}" }}\nlate = {{ type = "slug", default = "x" }}\n'
    (finding,) = refused(write(tmp_path, "p", rules + '[rewrite]\ntitle = "${label} {title}"\n'))
    assert (finding.code, finding.line) == ("unknown-variable", 4)


def test_a_childs_default_reaches_its_parents_templates(tmp_path: Path) -> None:
    child = load(write(tmp_path, "child", '[vars]\nvm = { type = "slug", default = "kid" }\n', "strict"))
    assert child.rewrites["title"].template == "[kid] {title}"


@pytest.mark.parametrize("value", ["", "a b", "-a", "a/b", "é", "x" * 65, "a\n", "${vm}", "\udcff"])
def test_what_is_no_slug(tmp_path: Path, value: str) -> None:
    assert codes(write(tmp_path, "p", VARIABLES), vm=value, label="x") == ["variable"]


FEIGNED = ["", "toolong89", "ééééé", "{", "a}", "${", "${vm}", "a\nb", "\x1b[31m", "\x7f", "\x85"]
FEIGNED += ["a\u202eb", "\u2066", "\u200f", "\u2028", "\ufeff", "\udcff"]


@pytest.mark.parametrize("value", FEIGNED)
def test_a_label_cannot_feign_another(tmp_path: Path, value: str) -> None:
    assert codes(write(tmp_path, "p", VARIABLES), label=value) == ["variable"]


@pytest.mark.parametrize("value", ["a b", "[x]", "é", "日本", "$vm", "\\", '"', "a:b", "👍"])
def test_a_label_may_have_odd_characters(tmp_path: Path, value: str) -> None:
    assert load(write(tmp_path, "p", VARIABLES), label=value).variables["label"] == value


@pytest.mark.parametrize("value", ["", "red", "#ccc", "#gggggg", "#cc33333", "#cc3333\n"])
def test_what_is_no_colour(tmp_path: Path, value: str) -> None:
    assert codes(write(tmp_path, "p", VARIABLES), tint=value) == ["variable"]


def test_a_variable_that_no_file_declares() -> None:
    (finding,) = refused("strict", tint="#cc3333")
    assert (finding.code, finding.message) == ("unknown-variable", "variable 'tint' was given, the policy has: vm, label, colour")


def test_every_policy_may_be_told_the_guests_name(tmp_path: Path) -> None:
    assert load(write(tmp_path, "p"), vm="work").variables == {}


def test_a_variable_without_a_value(tmp_path: Path) -> None:
    path = write(tmp_path, "p", '[vars]\nowner = { type = "text" }\n[rewrite]\ntitle = "${owner} {title}"\n')
    (finding,) = refused(path)
    assert (finding.code, finding.line) == ("missing-variable", 4)
    assert load(path, owner="me").rewrites["title"].template == "me {title}"


DECLARATIONS = {
    "1": "type",
    "{}": "missing-key",
    '{ type = "slag", default = "x" }': "unknown-type",
    '{ type = [], default = "x" }': "unknown-type",
    '{ type = "slug", default = 1 }': "type",
    '{ type = "slug", default = "x", max-bytes = 0 }': "type",
    '{ type = "slug", default = "x", max-bytes = true }': "type",
    '{ type = "slug", default = "x", maxbytes = 1 }': "unknown-key",
    '{ type = "slug", default = "xyz", max-bytes = 2 }': "variable",
    '{ type = "slug", default = "x y" }': "variable",
}


@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_wrong_declarations_have_one_finding_and_no_train_of_others(tmp_path: Path, declaration: str) -> None:
    path = write(tmp_path, "p", f'[vars]\nowner = {declaration}\n[rewrite]\ntitle = "${{owner}} {{title}}"\n')
    assert codes(path) == [DECLARATIONS[declaration]]
