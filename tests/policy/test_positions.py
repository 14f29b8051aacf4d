"""Positions of keys and values: by example, against tree-sitter, and bounded on any text."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.policy.toml_tree import Disagrees, spots
from wlproxy.policy.positions import Path as KeyPath
from wlproxy.policy.positions import positions

SHIPPED = sorted((Path(__file__).parents[2] / "policies").glob("*.toml"))


def found_in(data: Any, path: KeyPath = ()) -> set[KeyPath]:
    """The path of every key that tomllib finds, items of lists counted."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return {path} - {()} | {deeper for name, value in items for deeper in found_in(value, (*path, str(name)))}


@pytest.mark.parametrize(
    ("text", "path", "key", "value"),
    [
        ("a = 1", "a", (1, 1, 1), (1, 5, 1)),
        ("\r\n  a=1\r\n", "a", (2, 3, 1), (2, 5, 1)),
        ("\t[ t ] # c\n\ta . b = 'x'", "t.a.b", (2, 6, 1), (2, 10, 3)),
        ('[t]\n"é\\u0061".x = "日本" # x = 1', "t.éa.x", (2, 11, 1), (2, 15, 4)),
        ("a = { b = [1, { c = 2.5 }] }", "a.b.1.c", (1, 17, 1), (1, 21, 3)),
        ("a = [ # [\n '''x\n]''' ,\n 2\n]", "a.1", (1, 1, 1), (4, 2, 1)),
        ('a = """x\r\n"" \\""" \nb = 9 """""\nb = 7', "b", (4, 1, 1), (4, 5, 1)),
        ("a = 1979-05-27 07:32:00Z # x\nb = 7", "a", (1, 1, 1), (1, 5, 20)),
        ("[a.b]\nx = 1\n[a.c]\n", "a.c", (3, 4, 1), (3, 4, 1)),
        ('text = """\n[global]\nwl_shm = 9\n"""\n[global]\nwl_shm = 1', "global.wl_shm", (6, 1, 6), (6, 10, 1)),
    ],
)
def test_places_by_example(text: str, path: str, key: tuple[int, int, int], value: tuple[int, int, int]) -> None:
    tomllib.loads(text)
    found = positions(text)
    assert (found.key(tuple(path.split("."))), found.value(tuple(path.split(".")))) == (key, value)


def test_what_has_no_place_of_its_own_has_that_of_what_is_around_it() -> None:
    found = positions('[message.xdg_toplevel]\nset_minimized = "ask"\nset_title = { args = 1 }\n')
    assert found.key(("message", "xdg_toplevel", "set_title", "verdict")) == (3, 1, 9)
    assert found.value(("message", "xdg_toplevel", "set_title", "verdict")) == (3, 1, 9)
    assert found.value(("message", "xdg_toplevel", "set_minimized", "verdict")) == (2, 17, 5), "short for a table"
    assert found.key(("nowhere",)) == (0, 0, 1)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_policies_as_tree_sitter_sees_them(path: Path) -> None:
    text = path.read_text()
    found = positions(text)
    keys, values = spots(text)
    assert {k: found.key(k) for k in found.keys} == keys
    assert {k: found.value(k) for k in found.values} == values


blanks = st.sampled_from(["", " ", "\t", "  "])
spaces = st.sampled_from(["", " ", "\n", "\r\n", " # ]}\"'''\n", "\t"])
names = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
    st.sampled_from(['"a b"', "'a.b'", '"]"', '"\\""', "'\"'", '"é"', '"日="', '"\\u00e9#"', '""', "''"]),
)
scalars = st.one_of(
    st.sampled_from(["1", "-0x1F", "1_000", "true", "inf", "-1.5e+3", "1979-05-27", "1979-05-27 07:32:00", "07:32:00.5"]),
    st.sampled_from(['"x # y"', "'[x]'", '"\\"\\\\"', '"日本"', '""', "''", "'é'", "'\\'"]),
    st.sampled_from(['"""\n[a]\nb = 1\n"""', "'''a'' '\n'''", '"""a\\\n  b"""', '""""""', "''''x''''", '"""x"""""', '"""\r\nx\\"""" # """']),
)


@st.composite
def dotted(draw: st.DrawFn) -> str:
    parts = draw(st.lists(names, min_size=1, max_size=3))
    return "".join(part + (draw(blanks) + "." + draw(blanks) if i < len(parts) - 1 else "") for i, part in enumerate(parts))


@st.composite
def arrays(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    items = [draw(spaces) + item + draw(spaces) for item in draw(st.lists(inner, max_size=3))]
    return "[" + ",".join(items) + draw(st.sampled_from(["", ","] if items else [""])) + draw(spaces) + "]"


@st.composite
def inline_tables(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    pairs = [draw(blanks) + pair + draw(blanks) for pair in draw(st.lists(pair_lines(inner), max_size=3))]
    return "{" + ",".join(pairs) + draw(blanks) + "}"


@st.composite
def pair_lines(draw: st.DrawFn, value: st.SearchStrategy[str]) -> str:
    return draw(dotted()) + draw(blanks) + "=" + draw(blanks) + draw(value)


values = st.recursive(scalars, lambda inner: arrays(inner) | inline_tables(inner), max_leaves=6)


@st.composite
def documents(draw: st.DrawFn) -> str:
    headers = dotted().map("[{}]".format) | dotted().map("[[ {} ]]".format) | dotted().map("[\t{} ]".format)
    lines = draw(st.lists(pair_lines(values) | pair_lines(values) | headers | st.sampled_from(["", "# x = 1", "#[t]"]), max_size=8))
    return "".join(draw(blanks) + line + draw(st.sampled_from(["\n", "\r\n", " # é\n", "\t\n"])) for line in lines)


def is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except ValueError:
        return False
    return True


@given(documents())
def test_any_document_as_tree_sitter_sees_it(text: str) -> None:
    assume(is_toml(text))
    found = positions(text)
    try:
        keys, values = spots(text)
    except Disagrees:
        assume(False)
    assert {k: found.key(k) for k in found.keys} == keys
    assert {k: found.value(k) for k in found.values} == values


@given(documents())
def test_every_key_that_tomllib_finds_has_a_place_and_its_text(text: str) -> None:
    assume(is_toml(text) and "[[" not in text)
    data = tomllib.loads(text)
    found = positions(text)
    lines = text.split("\n")
    assert found_in(data) <= found.keys.keys() | found.values.keys()
    for path in found.keys:
        line, column, length = found.key(path)
        assert next(iter(tomllib.loads(lines[line - 1][column - 1 :][:length] + "=0"))) == path[-1]


@given(st.text(st.sampled_from("ab.=[]{},#\"'\\\n\r\t 1é-"), max_size=60))
@example('a="')
@example("[")
@example("a=[[{b=")
@example("'''")
def test_any_text_ends_without_an_exception(text: str) -> None:
    found = positions(text)
    for path in [*found.keys, *found.values]:
        assert found.value(path)[0] <= text.count("\n") + 1


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "a=[" + "1," * 400_000 + "]",
        "".join(f"k{i}=1\n" for i in range(90_000)),
        'a="' + "\\" * 1_000_000,
        'a="""' + '""x' * 330_000,
        "#" * 1_000_000,
        "a=" + "\n" * 1_000_000,
        "[" * 1_000_000,
        "a = '''" + "'' " * 300_000,
        "[a" + " ." * 400_000,
    ],
    ids=lambda text: text[:6],
)
def test_a_megabyte_takes_seconds_at_most(text: str) -> None:
    start = time.monotonic()
    positions(text)
    assert time.monotonic() - start < 10
