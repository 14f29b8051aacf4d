"""Where keys and values stand: two ways to find out, held against each other and against tomllib."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wlproxy.policy.document import Document
from wlproxy.policy.positions import Path, from_lines, from_tree, positions

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
def documents(draw: Callable[..., Any], one_line: bool = False) -> str:
    """A TOML text: each table has a header, or is written with dotted keys, or inline; values stand on one line each or not."""
    lines: list[str] = []
    gap = "" if one_line else draw(st.sampled_from(["", "\n"]))
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
    return draw(st.sampled_from(["\n", "\r\n"])).join("\n".join(lines).split("\n")) + draw(st.sampled_from(["", "\n"]))


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every key that tomllib found."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        if isinstance(value, dict):
            yield (*path, key)
        yield from paths(inner, (*path, str(key)))


@given(documents())
def test_every_key_of_a_document_is_found_where_it_is_written(text: str) -> None:
    found = from_tree(text)
    lines = text.split("\n")
    for path in paths(tomllib.loads(text)):
        line, column, length = found.keys[path]
        assert tomllib.loads(lines[line - 1][column - 1 : column - 1 + length] + "=0") == {path[-1]: 0}


@given(documents())
def test_values_are_found_where_they_are_written(text: str) -> None:
    found = from_tree(text)
    lines = text.split("\n")
    for path, (line, column, length) in found.values.items():
        spelt = lines[line - 1][column - 1 : column - 1 + length]
        value: Any = tomllib.loads(text)
        for part in path:
            value = value[int(part)] if isinstance(value, list) else value[part]
        if not isinstance(value, list) or spelt.endswith("]"):  # of a list over several lines it is the first
            assert tomllib.loads("x=" + spelt) == {"x": value}


@given(documents(one_line=True))
def test_the_way_without_tree_sitter_agrees_wherever_it_knows_the_key(text: str) -> None:
    known = from_lines(text).keys
    exact = from_tree(text).keys
    for path in paths(tomllib.loads(text)):
        if path in known:
            assert known[path][0] == exact[path][0]


@given(documents(one_line=True))
def test_without_tree_sitter_every_key_has_a_line(text: str) -> None:
    """That of the table around it, where the key itself does not begin a line."""
    found = from_lines(text)
    for path in paths(tomllib.loads(text)):
        assert found.key(path)[0] > 0
        assert found.value(path)[0] > 0


@given(st.text())
def test_any_text_has_positions(text: str) -> None:
    from_tree(text)
    from_lines(text)


@given(st.binary())
def test_any_bytes_make_a_document_or_findings(data: bytes) -> None:
    document = Document("x", data)
    assert not (document.findings and document.data)
    assert all(finding.line > 0 and finding.column > 0 for finding in document.findings)


def test_without_tree_sitter_findings_have_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tree_sitter_toml", None)
    assert positions("a = 1\n[b.c]\n").keys == {("a",): (1, 0, 1), ("b",): (2, 0, 1), ("b", "c"): (2, 0, 1)}
    document = Document("x", b'format = 1\n[global]\n"wl_\\u0073hm" = 9\n')
    document.wrong_value(("global", "wl_shm"), "code", "message")
    document.wrong_key(("global", "wl_shm", "max"), "code", "message")
    assert [(f.line, f.column) for f in document.findings] == [(3, 0), (3, 0)]


def test_what_is_nowhere_in_the_file_has_no_line() -> None:
    assert from_tree("a = 1").key(("b",)) == (0, 0, 1)
