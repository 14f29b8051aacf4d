"""The shipped policies do what protocols/interfaces.tsv says of each interface, word for word, and it speaks of each.

The first word of a verdict is what is held to: allow (with the highest version), hide, never, virtual, inert, rewrite, ask, out. Words
in brackets and after a semicolon are for people, but for "virtual in conferencing".
"""

from __future__ import annotations

import functools
import re
from typing import Any

import pytest

from tests.scene import shipped
from wlproxy.core.tables import ALLOW
from wlproxy.policy.compile import compile_policy, global_names, reachable
from wlproxy.policy.decide import global_steps, strictest
from wlproxy.policy.load import load_policy
from wlproxy.policy.load_interface_table import CLASSES, floor, interface_table, row_of
from wlproxy.policy.model import ASK, Policy

COLUMNS = {"strict": "strict", "viewer": "strict", "desktop": "desktop", "conferencing": "desktop", "trusted": "trusted"}
STRICTER = {"viewer": {"wp_presentation"}}  # hidden beyond the column; the row's reason says so
BUILT_IN = ("wl_display", "wl_registry")  # the proxy's own, under every policy
GLOBALS = sorted(set(global_names(shipped())) - set(BUILT_IN))
POLICIES = sorted(COLUMNS)


@functools.cache
def rules(name: str) -> Policy:
    return load_policy(name, {}, shipped(), search=(), ceiling="")


@functools.cache
def compiled(name: str) -> dict[str, Any]:
    return compile_policy(rules(name), shipped())


def verdict(name: str, interface: str) -> str:
    """The table's words, as they concern the policy: "allow ≤6"."""
    row = row_of(interface)
    assert row is not None
    words = str(getattr(row, COLUMNS[name]))
    if name == "conferencing" and "virtual in conferencing" in words:
        return "virtual"
    if name in STRICTER and interface in STRICTER[name]:
        return "hide"
    return words


def first(name: str, interface: str) -> str:
    """The first word of the verdict."""
    found = re.match("[a-z]+", verdict(name, interface))
    assert found is not None, f"no verdict of {name} on {interface}"
    return found[0]


def conditions(name: str, interface: str) -> set[str]:
    """What becomes of requests below a global that do not simply pass: "ask", "deny", "rate", "check"."""
    found = set()
    for below in reachable([interface], shipped()) - reachable([], shipped()):
        for item in compiled(name)["interfaces"].get(below, {"requests": []})["requests"]:
            decision = item[4] or {}
            if decision.get("rate"):
                found.add("rate")
            if decision.get("verdict", ALLOW) != ALLOW:
                found.add("ask" if decision.get("ask") else "deny")
            if any(check[1] == "rewrite" for check in decision.get("checks", [])):
                found.add("rewrite")
    return found


def test_every_global_has_a_row_with_a_class_verdicts_and_a_reason() -> None:
    assert [name for name in GLOBALS if row_of(name) is None] == []
    for row in interface_table():
        assert row.reason and row.origin and (row.risk in CLASSES or row.risk == ""), row.name
        for words in (row.strict, row.desktop, row.trusted):
            assert re.match("(allow|hide|never|virtual|inert|rewrite|ask|out)\\b", words), f"{row.name}: {words}"


def test_no_interface_has_two_rows() -> None:
    names = [part for row in interface_table() for part in row.name.split()]
    assert len(names) == len(set(names))
    for name in GLOBALS:
        rows = [row.name for row in interface_table() if row.covers(name)]
        assert len([found for found in rows if "*" not in found]) <= 1 and len(rows) <= 2, rows


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_serves_exactly_what_the_table_gives(name: str) -> None:
    offered, served = compiled(name)["globals"], compiled(name)["served"]
    wrong = []
    for interface in GLOBALS:
        word, known = first(name, interface), interface in offered
        if word in ("hide", "never"):
            fits = not known and interface not in served
        elif word == "virtual":
            fits = interface in served and not known
        elif word == "ask":  # named and hidden until it is answered, or there with conditions
            fits = bool(conditions(name, interface) & {"ask", "rate"}) if known else asks(name, interface)
        else:
            fits = known and interface not in served
        if not fits:
            wrong.append(f"{interface}: {verdict(name, interface)}, but served as {offered.get(interface) or served.get(interface)}")
    assert wrong == []


def asks(name: str, interface: str) -> bool:
    return strictest(global_steps(rules(name), interface, shipped()[interface].version)).verdict == ASK


@pytest.mark.parametrize("name", POLICIES)
def test_versions_are_at_most_those_of_the_table(name: str) -> None:
    for interface, (version, _) in compiled(name)["globals"].items():
        if most := re.search("≤([0-9]+)", verdict(name, interface)):
            assert version <= int(most[1]), interface


@pytest.mark.parametrize(
    ("name", "interface", "expected"),
    [
        ("strict", "wl_data_device_manager", {"deny"}),
        ("desktop", "wl_data_device_manager", {"ask"}),
        ("trusted", "wl_data_device_manager", set()),
        ("desktop", "zwp_primary_selection_device_manager_v1", {"deny"}),
        ("desktop", "zwp_pointer_constraints_v1", {"ask"}),
        ("desktop", "xdg_activation_v1", {"rate"}),
        ("desktop", "xdg_system_bell_v1", {"rate"}),
        ("desktop", "xdg_toplevel_tag_manager_v1", {"rewrite"}),
        ("trusted", "xdg_toplevel_tag_manager_v1", {"rewrite"}),
    ],
)
def test_what_a_verdict_says_of_parts_of_an_interface(name: str, interface: str, expected: set[str]) -> None:
    assert conditions(name, interface) == expected


@pytest.mark.parametrize("name", POLICIES)
def test_screens_are_made_up_where_the_table_says_so(name: str) -> None:
    assert bool(compiled(name)["virtual"].get("wl_output")) is ("virtualize" in verdict(name, "wl_output"))


def test_the_floor_is_what_no_column_gives() -> None:
    found = floor(GLOBALS)
    assert {"zwp_virtual_keyboard_manager_v1", "wp_security_context_manager_v1", "weston_screenshooter"} <= set(found)
    assert not {"wl_shm", "zwlr_layer_shell_v1"} & set(found)


def test_the_row_of_a_name_is_found_as_if_all_were_compared() -> None:
    """An exact name before a wildcard, then the order of the file."""
    for name in [*shipped(), "zwlr_of_tomorrow_v1", "kde_of_tomorrow", "nobody_s"]:
        rows = sorted((row for row in interface_table() if row.covers(name)), key=lambda row: "*" in row.name)
        assert row_of(name) == (rows[0] if rows else None), name
