"""The compact form: round trips, stable bytes, and refusal of whatever the writer could not have written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.interfaces import interfaces
from wlproxy.core.compact import from_compact, to_compact
from wlproxy.core.errors import ConfigErrors
from wlproxy.core.protocol import Argument, Entry, Enum, Interface, Message

SHM = Interface(
    "wl_shm",
    2,
    (
        Message("create_pool", (Argument("id", "new_id", "wl_shm_pool"), Argument("fd", "fd"), Argument("size", "int"))),
        Message("release", (), since=2, destructor=True),
    ),
    (Message("format", (Argument("format", "uint", enum="wl_shm.format"),)),),
    (Enum("format", (Entry("argb8888", 0), Entry("r8", 0x20203852, since=2))), Enum("caps", (), bitfield=True, since=2)),
    "wayland",
)


def test_form() -> None:
    assert to_compact([SHM]) == {
        "format": 1,
        "interfaces": {
            "wl_shm": [
                2,
                "wayland",
                ["create_pool id=n:wl_shm_pool fd=h size=i", "release!@2"],
                ["format format=u:wl_shm.format"],
                ["format argb8888=0 r8=538982482@2", "caps*@2"],
            ]
        },
    }


@given(interfaces())
def test_round_trip(made: list[Interface]) -> None:
    through_json = json.loads(json.dumps(to_compact(made)))
    assert from_compact(through_json) == {interface.name: interface for interface in made}


@given(interfaces())
def test_order_of_interfaces_does_not_matter(made: list[Interface]) -> None:
    assert json.dumps(to_compact(made)) == json.dumps(to_compact(reversed(made)))


@pytest.mark.parametrize(
    "fields",
    [
        None,
        [],
        [1, "p", [], []],
        [0, "p", [], [], []],
        [True, "p", [], [], []],
        [1 << 16, "p", [], [], []],
        [1, "p q", [], [], []],
        [1, "p", [""], [], []],
        [1, "p", ["a "], [], []],
        [1, "p", ["a", "a!"], [], []],
        [1, "p", ["a@2"], [], []],
        [1, "p", ["a@1x"], [], []],
        [1, "p", ["a@01"], [], []],
        [1, "p", ["a b=x"], [], []],
        [1, "p", ["a b=?i"], [], []],
        [1, "p", ["a b=?n:c"], [], []],
        [1, "p", ["a b=?h"], [], []],
        [1, "p", ["a b=s:c"], [], []],
        [1, "p", ["a b=u:c"], [], []],
        [1, "p", ["a b=o:c.d"], [], []],
        [1, "p", ["a b=i b=i"], [], []],
        [1, "p", ["a" + "".join(f" b{n}=i" for n in range(21))], [], []],
        [1, "p", ["a\n"], [], []],
        [1, "p", [], [], ["e x"]],
        [1, "p", [], [], ["e x=-1"]],
        [1, "p", [], [], ["e x=4294967296"]],
        [1, "p", [], [], ["e x=00"]],
        [1, "p", [], [], ["e x=1 x=2"]],
        [1, "p", [], [], ["e", "e*"]],
        [1, "p", [], [], [1]],
        [1, "p", "a", [], []],
    ],
    ids=repr,
)
def test_refused(fields: object) -> None:
    with pytest.raises(ConfigErrors):
        from_compact({"format": 1, "interfaces": {"i": fields}})


@pytest.mark.parametrize(
    "data",
    [None, [], {}, {"format": 2, "interfaces": {}}, {"format": 1, "interfaces": []}, {"format": 1, "interfaces": {"a b": []}}],
)
def test_refused_as_a_whole(data: object) -> None:
    with pytest.raises(ConfigErrors):
        from_compact(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab @!*=?:.1", max_size=12), lambda inner: st.lists(inner, max_size=5)
)


@given(JSON)
def test_any_json_gives_interfaces_or_config_errors(data: object) -> None:
    try:
        from_compact({"format": 1, "interfaces": {"i": data}})
    except ConfigErrors as errors:
        assert errors.findings
