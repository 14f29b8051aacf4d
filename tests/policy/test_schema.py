"""The schema that editors read, held against the reader that decides: both accept the same, both refuse the same."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.policy.broken import HEAD, planted
from tests.policy.test_check import BROKEN
from tests.scene import shipped
from wlproxy.cli.main import main
from wlproxy.core.errors import ConfigErrors
from wlproxy.policy import read_guest
from wlproxy.policy.load import load_ceiling, load_policy
from wlproxy.policy.load_interface_table import floor
from wlproxy.policy.read_rules import BUILT_IN, SHAPES
from wlproxy.policy.schema import KINDS, schema_of
from wlproxy.tools import policy_tests

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed (requirements-dev.txt)")
ROOT = Path(__file__).parents[2]
Keys = tuple[str, ...]


@cache
def validator(kind: str = "policy") -> Any:
    interfaces = shipped()
    schema = schema_of(kind, interfaces, floor(list(interfaces)), lambda name: "")
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def wrong(text: str, kind: str = "policy") -> set[Keys]:
    """The keys under which the schema finds something; of an unknown key, the key itself."""
    found: set[Keys] = set()
    todo = list(validator(kind).iter_errors(tomllib.loads(text)))
    while todo:
        error = todo.pop()
        path = tuple(str(part) for part in error.absolute_path)
        if error.validator == "additionalProperties":
            known = error.schema.get("properties", {})
            found |= {(*path, key) for key in error.instance if key not in known}
        else:
            found.add(path)
    return found


def covers(found: set[Keys], path: Keys) -> bool:
    return any(path[: len(keys)] == keys for keys in found)


@pytest.mark.parametrize("path", sorted((ROOT / "policies").glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_policy_fits(path: Path) -> None:
    assert wrong(path.read_text()) == set()


# what only the reader can know: variables, parents, bounds within a text, what fits together
BEYOND = {"missing-variable", "variable", "template", "unknown-variable", "not-found", "out-of-range", "empty-range", "rate", "deny-shape"}


def test_what_check_finds_in_a_broken_policy_the_schema_finds() -> None:
    text, mistakes = planted(BROKEN)
    lines = text.split("\n")
    found = wrong(text)
    named = {"/".join(keys) for keys in found}
    missed = []
    for number, _, _, code in mistakes:
        line = lines[number - 1].removeprefix("[message.").strip("] ")
        key = line.partition("=")[0].strip().strip('"').split(".")[0]
        if code not in BEYOND and not any(key in keys for keys in found):
            missed.append((code, lines[number - 1]))
    assert not missed, named


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('name = "x"', ()),
        (HEAD + "[global]\nwl_compositor = 99", ("global", "wl_compositor")),
        (HEAD + "[global]\nwl_shmm = 1", ("global", "wl_shmm")),
        (HEAD + '[global]\n"zwlr_*" = 1', ("global", "zwlr_*")),
        (HEAD + "[global]\nwp_security_context_manager_v1 = 1", ("global", "wp_security_context_manager_v1")),
        (HEAD + '[global]\nwl_shm = "virtual"', ("global", "wl_shm")),
        (HEAD + '[permission]\nbell = { verdict = "allow", max-size = 3 }', ("permission", "bell")),
        (HEAD + '[permission]\nbell = { rate = "1/s" }', ("permission", "bell")),
        (HEAD + '[message.xdg_toplevel]\nresize.args.edges = { in = ["topp"] }', ("message", "xdg_toplevel", "resize")),
        (HEAD + "[message.xdg_toplevel]\nset_title.args.title = { min = 3 }", ("message", "xdg_toplevel", "set_title")),
        (HEAD + "[message.wl_registry]\nbind = {}", ("message", "wl_registry")),
        (HEAD + "[quota]\nclients = 0", ("quota", "clients")),
        (HEAD + '[quota]\nshm-bytes = "3MB"', ("quota", "shm-bytes")),
        (HEAD + '[upstream]\nsecurity-context = "maybe"', ("upstream", "security-context")),
    ],
)
def test_a_mistake_is_found_by_both(text: str, path: Keys, tmp_path: Path) -> None:
    assert wrong(text) == {path}
    file = tmp_path / "x.toml"
    file.write_text(text)
    with pytest.raises(ConfigErrors):
        load_policy(str(file), {}, shipped(), search=(), ceiling="")


@pytest.mark.parametrize("shape", [*SHAPES, "deny", "rate"])
def test_of_every_message_schema_and_reader_allow_the_same(shape: str, tmp_path: Path) -> None:
    said = f'{{ deny-as = "{shape}" }}' if shape in SHAPES else '{ rate = "2/s burst 3" }' if shape == "rate" else f'"{shape}"'
    lines, at = ['format = 1', 'name = "x"'], {}
    for interface in shipped().values():
        if interface.name in BUILT_IN:
            continue
        lines.append(f"[message.{interface.name}]")
        for name in dict.fromkeys(m.name for m in (*interface.events, *interface.requests)):
            lines.append(f"{name} = {said}")
            at[len(lines)] = (interface.name, name)
    file = tmp_path / "x.toml"
    file.write_text("\n".join(lines))
    by_reader: set[tuple[str, ...]] = set()
    try:
        load_policy(str(file), {}, shipped(), search=(), ceiling="")
    except ConfigErrors as errors:
        by_reader = {at[finding.line] for finding in errors.findings}
    by_schema = {keys[1:3] for keys in wrong(file.read_text())}
    assert by_schema == by_reader
    assert len(at) > 2000


def test_of_every_global_schema_and_reader_allow_the_same(tmp_path: Path) -> None:
    lines = ['format = 1', 'name = "x"', "[global]"] + [f"{name} = {len(name) % 9}" for name in sorted(shipped())]
    file = tmp_path / "x.toml"
    file.write_text("\n".join(lines))
    with pytest.raises(ConfigErrors) as caught:
        load_policy(str(file), {}, shipped(), search=(), ceiling="")
    by_reader = {lines[finding.line - 1].partition(" ")[0] for finding in caught.value.findings}
    assert {keys[1] for keys in wrong(file.read_text())} == by_reader


def test_a_ceiling_may_say_never_and_has_no_messages(tmp_path: Path) -> None:
    text = HEAD + '[global]\n"zwlr_*" = "never"\nwl_shm = 1\n[permission]\nclipboard-in = { at-most = "ask", max-bytes = "1MiB" }\n'
    assert wrong(text, "ceiling") == set()
    file = tmp_path / "ceiling.toml"
    file.write_text(text)
    assert load_ceiling(str(file), shipped())
    assert wrong(text + "[message]\n", "ceiling") == {("message",)}
    assert wrong(HEAD + '[permission]\nbell = { verdict = "deny" }', "ceiling") == {("permission", "bell")}


@pytest.mark.parametrize("path", sorted((ROOT / "policies/tests").glob("*.test.toml")), ids=lambda path: path.name)
def test_every_shipped_test_file_fits(path: Path) -> None:
    assert wrong(path.read_text(), "test") == set()


def test_of_a_test_file_the_schema_has_the_keys_that_the_reader_has() -> None:
    top = validator("test").schema["properties"]
    case = top["case"]["items"]["properties"]
    assert set(top) == set(policy_tests.TOP)
    assert set(case) == set(policy_tests.CASE)
    words, expected = case["expect"]["anyOf"]
    assert set(expected["properties"]) == set(policy_tests.EXPECT)
    assert set(words["enum"]) == {*policy_tests.VERDICTS, policy_tests.ASK}
    assert set(expected["properties"]["deny-as"]["enum"]) == set(policy_tests.SHAPES)
    assert set(top["trace"]["items"]["properties"]) == set(policy_tests.TRACE)
    assert set(top["trace"]["items"]["properties"]["expect"]["properties"]) == set(policy_tests.COUNTS)
    assert wrong('format = 1\npolicy = "strict"\n[[case]]\nsend = "x"', "test") == {("case", "0")}


def test_a_guest() -> None:
    assert wrong('format = 1\npolicy = "strict"\nvars = { vm = 3 }', "guest") == {("vars", "vm")}
    text = 'format = 1\npolicy = "strict"\nshadwo = "strict"\nlisten = []\naudit = "x"'
    assert wrong(text, "guest") == {("shadwo",), ("listen",), ("audit",)}
    assert set(schema_of("guest", {}, {}, lambda name: "")["properties"]) == set(read_guest.KEYS)


def test_dates_are_those_of_toml() -> None:
    """JSON has no dates. tombi goes by the format: a text under one is an error to it, a date without one is."""
    policy, guest = (schema_of(kind, {}, {}, lambda name: "")["properties"] for kind in ("policy", "guest"))
    assert policy["until"]["format"] == "date-time"
    assert [one["format"] for one in guest["expires"]["anyOf"]] == ["date", "date-time-local", "date-time"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_verb_prints_it(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", kind]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"].startswith("http://json-schema.org/")
    if kind == "policy":  # an editor explains with it
        assert "clipboard" not in schema["properties"]["global"]["properties"]["wl_shm"]["description"]
        assert schema["properties"]["permission"]["properties"]["bell"]["description"] == "the guest may ring the bell (class E)"


def test_an_unknown_kind_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["schema", "polcy"])
    assert ended.value.code == 2
    assert "polcy" in capsys.readouterr().err
