"""Where keys and values stand: by example, held against tomllib and against tree-sitter, and bounded on any text."""

from __future__ import annotations

import json
import pathlib
import re
import time
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.policy.toml_tree import Disagrees, spots
from wlproxy.policy.document import Document
from wlproxy.policy.positions import Path, positions

SHIPPED = sorted((pathlib.Path(__file__).parents[2] / "policies").glob("*.toml"))
KEYS = st.text("ab_-1.\"'é日#=[]{} \\\u0308", min_size=1, max_size=5)
TEXTS = st.text("ab=[]{}#\"'\\é日,.", max_size=8)
LEAVES = st.one_of(st.integers(-99, 99), st.booleans(), TEXTS)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=4)
TABLES = st.dictionaries(KEYS, VALUES, max_size=3)
TREES = st.recursive(TABLES, lambda inner: st.dictionaries(KEYS, inner | VALUES, max_size=4), max_leaves=6)


def spell(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=len(key) % 2 == 0)


def inline(value: Any, gap: str) -> str:
    """A value on one line, or with its arrays over several."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{spell(k)} = {inline(v, '')}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return f"[{gap}" + f",{gap} ".join(inline(v, "") for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


@st.composite
def documents(draw: Callable[..., Any]) -> str:
    """A TOML text: each table has a header, or is written with dotted keys, or inline; values stand on one line each or not."""
    lines: list[str] = []
    gap = draw(st.sampled_from(["", "\n"]))
    dot = draw(st.sampled_from([".", " . "]))

    def dotted(prefix: str, value: dict[str, Any]) -> None:
        for key, inner in value.items():
            if isinstance(inner, dict) and inner:
                dotted(prefix + spell(key) + dot, inner)
            else:
                lines.append(f"{prefix}{spell(key)} = {inline(inner, gap)}")

    def table(path: tuple[str, ...], value: dict[str, Any]) -> None:
        headers = []
        for key, inner in value.items():
            style = draw(st.sampled_from(["header", "dotted", "inline"])) if isinstance(inner, dict) else "inline"
            if style == "header":
                headers.append((key, inner))
            elif style == "dotted" and inner:
                dotted(draw(st.sampled_from(["", "  ", "\t"])) + spell(key) + dot, inner)
            else:
                lines.append(f"{spell(key)} = {inline(inner, gap)}" + draw(st.sampled_from(["", "  # a = 1", " "])))
        for key, inner in headers:
            lines.append(draw(st.sampled_from(["", "# [x]\n"])) + "[" + dot.join(map(spell, (*path, key))) + "]")
            table((*path, key), inner)

    table((), draw(TREES))
    text: str = draw(st.sampled_from(["\n", "\r\n"])).join("\n".join(lines).split("\n")) + draw(st.sampled_from(["", "\n"]))
    return text


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every key that tomllib found."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        if isinstance(value, dict):
            yield (*path, str(key))
        yield from paths(inner, (*path, str(key)))


BLANKS = st.sampled_from(["", " ", "\t", "  "])
SPACES = st.sampled_from(["", " ", "\n", "\r\n", " # ]}\"'''\n", "\t"])
ODD_KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True),
    st.sampled_from(['"a b"', "'a.b'", '"]"', '"\\""', "'\"'", '"é"', '"日="', '"\\u00e9#"', '""', "''"]),
)
ODD_SCALARS = st.one_of(
    st.sampled_from(["1", "-0x1F", "1_000", "true", "inf", "-1.5e+3", "1979-05-27", "1979-05-27 07:32:00", "07:32:00.5"]),
    st.sampled_from(['"x # y"', "'[x]'", '"\\"\\\\"', '"日本"', '""', "''", "'é'", "'\\'"]),
    st.sampled_from(['"""\n[a]\nb = 1\n"""', "'''a'' '\n'''", '"""a\\\n  b"""', '""""""', "''''x''''", '"""x"""""']),
    st.just('"""\r\nx\\"""" # """'),
)


@st.composite
def dotted(draw: st.DrawFn) -> str:
    parts = draw(st.lists(ODD_KEYS, min_size=1, max_size=3))
    return "".join(part + (draw(BLANKS) + "." + draw(BLANKS) if i < len(parts) - 1 else "") for i, part in enumerate(parts))


@st.composite
def arrays(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    items = [draw(SPACES) + item + draw(SPACES) for item in draw(st.lists(inner, max_size=3))]
    return "[" + ",".join(items) + draw(st.sampled_from(["", ","] if items else [""])) + draw(SPACES) + "]"


@st.composite
def inline_tables(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    pairs = [draw(BLANKS) + pair + draw(BLANKS) for pair in draw(st.lists(pair_lines(inner), max_size=3))]
    return "{" + ",".join(pairs) + draw(BLANKS) + "}"


@st.composite
def pair_lines(draw: st.DrawFn, value: st.SearchStrategy[str]) -> str:
    return draw(dotted()) + draw(BLANKS) + "=" + draw(BLANKS) + draw(value)


ODD_VALUES = st.recursive(ODD_SCALARS, lambda inner: arrays(inner) | inline_tables(inner), max_leaves=6)


@st.composite
def odd_documents(draw: st.DrawFn) -> str:
    headers = dotted().map("[{}]".format) | dotted().map("[[ {} ]]".format) | dotted().map("[\t{} ]".format)
    lines = draw(st.lists(pair_lines(ODD_VALUES) | pair_lines(ODD_VALUES) | headers | st.sampled_from(["", "# x = 1", "#[t]"]), max_size=8))
    return "".join(draw(BLANKS) + line + draw(st.sampled_from(["\n", "\r\n", " # é\n", "\t\n"])) for line in lines)


def is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except ValueError:
        return False
    return True


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


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_policies_as_tree_sitter_sees_them(path: pathlib.Path) -> None:
    text = path.read_text()
    found = positions(text)
    keys, values = spots(text)
    assert {k: found.key(k) for k in found.keys} == keys
    assert {k: found.value(k) for k in found.values} == values


@given(documents() | odd_documents())
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
def test_every_key_of_a_document_is_found_where_it_is_written(text: str) -> None:
    found = positions(text)
    lines = text.split("\n")
    for path in paths(tomllib.loads(text)):
        assert path in found.keys
        line, column, length = found.key(path)
        assert tomllib.loads(lines[line - 1][column - 1 : column - 1 + length] + "=0") == {path[-1]: 0}


@given(documents())
def test_values_are_found_where_they_are_written(text: str) -> None:
    found = positions(text)
    lines = text.split("\n")
    for path in found.values:
        line, column, length = found.value(path)
        spelt = lines[line - 1][column - 1 : column - 1 + length]
        value: Any = tomllib.loads(text)
        for part in path:
            value = value[int(part)] if isinstance(value, list) else value[part]
        if not isinstance(value, list) or spelt.endswith("]"):  # of a list over several lines it is the first
            assert tomllib.loads("x=" + spelt) == {"x": value}


@given(st.text())
def test_any_text_has_positions(text: str) -> None:
    positions(text)


@given(st.binary())
def test_any_bytes_make_a_document_or_findings(data: bytes) -> None:
    document = Document("x", data)
    assert not (document.findings and document.data)
    assert all(finding.line > 0 and finding.column > 0 for finding in document.findings)


def test_what_is_nowhere_in_the_file_has_no_line() -> None:
    assert positions("a = 1").key(("b",)) == (0, 0, 1)


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


def test_tables_of_an_array_have_their_index() -> None:
    text = '[[case]]\nsend = "a"\n[[case]]\nsend = "b"\nexpect = { verdict = "x" }\n[case.more]\nlast = 1\n[coverage]\nrules = 1\n'
    found = positions(text)
    assert found.key(("case", "0", "send")) == (2, 1, 4)
    assert found.value(("case", "1", "send")) == (4, 8, 3)
    assert found.value(("case", "1", "expect", "verdict"))[:2] == (5, 22)
    assert found.key(("case", "1", "more", "last")) == (7, 1, 4)
    assert found.key(("case", "1", "absent"))[0] == 3 and found.key(("coverage", "rules"))[0] == 9
