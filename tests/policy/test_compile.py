"""From a policy to the compiled form: nothing is left implicit, the default is no, the hash is over the meaning."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.policy.broken import HEAD
from tests.scene import BASIC, Scene, deny, only, policy, shipped
from wlproxy.core.protocol import NEW_ID, UINT, Argument, Entry, Enum, Interface, Message
from wlproxy.core.quotas import Limits
from wlproxy.handlers import load_tables
from wlproxy.policy.compile import VETTED, compile_policy, deny_shape, legal_shapes, usual_shape
from wlproxy.policy.identity import canonical, digest
from wlproxy.policy.load import load_policy
from wlproxy.policy.model import CLOSE_FD, DISCONNECT, FAIL_EVENT, IGNORE, INERT, Origin, Policy, Predicate, Rewrite

LINE = Origin("p.toml", 7)
SHIPPED = ("strict", "desktop", "transparent")


def compiled(rules: Policy) -> dict[str, Any]:
    return compile_policy(rules, shipped())


def load(name: str, **variables: str) -> dict[str, Any]:
    return compiled(load_policy(name, variables, shipped(), search=()))


def compiled_text(folder: Path, text: str, name: str = "p.toml") -> dict[str, Any]:
    (folder / name).write_text(text, encoding="utf-8")
    return load(str(folder / name))


def message(value: dict[str, Any], name: str) -> list[Any]:
    interface, _, word = name.partition(".")
    entry = value["interfaces"][interface]
    return next(item for item in (*entry["requests"], *entry["events"]) if item[0] == word)


def checks(value: dict[str, Any], name: str) -> list[Any]:
    return (message(value, name)[4] or {}).get("checks", [])


# enums


def test_a_value_must_be_in_its_enum() -> None:
    found = checks(compiled(policy(*BASIC)), "wl_surface.set_buffer_transform")
    assert found == [[0, "in", list(range(8)), "built-in: enum"]]


def test_a_bit_must_be_in_its_bitfield() -> None:
    found = checks(compiled(policy("wl_data_device_manager")), "wl_data_source.set_actions")
    assert found == [[0, "flags", 7, "built-in: enum"]]


def test_an_in_of_the_policy_stands_for_the_enum_and_other_predicates_beside_it() -> None:
    rules = {("wl_surface", "set_buffer_transform"): only(transform=Predicate(values=(0, 1), origin=LINE))}
    assert checks(compiled(policy(*BASIC, messages=rules)), "wl_surface.set_buffer_transform") == [[0, "in", [0, 1], "p.toml:7"]]
    rules = {("wl_surface", "set_buffer_transform"): only(transform=Predicate(maximum=3, origin=LINE))}
    assert [c[1] for c in checks(compiled(policy(*BASIC, messages=rules)), "wl_surface.set_buffer_transform")] == ["max", "in"]


@pytest.mark.parametrize("name", ["strict", "desktop"])
def test_every_enum_of_a_request_is_checked(name: str) -> None:
    value = load(name)
    for interface in value["interfaces"]:
        for request in shipped()[interface].requests:
            item = message(value, f"{interface}.{request.name}")
            checked = {c[0] for c in (item[4] or {}).get("checks", []) if c[1] in ("in", "flags")}
            for index, argument in enumerate(request.arguments):
                if argument.enum and argument.type in ("int", "uint") and (item[4] or {}).get("verdict", "allow") == "allow":
                    assert index in checked, f"{interface}.{request.name} {argument.name}"


def test_the_compositors_enums_may_be_newer_than_ours() -> None:
    value = load("strict")
    assert all(not item[4] or not item[4].get("checks") for entry in value["interfaces"].values() for item in entry["events"])


# predicates


def test_a_string_is_cleaned_then_translated_then_cut_then_rewritten() -> None:
    demand = Predicate(max_bytes=9, charset="ab", sanitize="plain", origin=LINE)
    rules = policy(*BASIC, messages={("xdg_toplevel", "set_title"): only(title=demand)}, rewrites={"title": Rewrite("[x] {title}", LINE)})
    found = checks(compiled(rules), "xdg_toplevel.set_title")
    assert [c[:3] for c in found] == [
        [0, "plain", "plain"],
        [0, "translate", "ab"],
        [0, "cut", 9],
        [0, "cut", 4080 - len("[x] {}")],
        [0, "rewrite", "[x] {}"],
    ]


def test_without_sanitize_a_string_that_does_not_fit_is_refused() -> None:
    rules = {("xdg_toplevel", "set_title"): only(title=Predicate(max_bytes=9, charset="ab", origin=LINE))}
    found = checks(compiled(policy(*BASIC, messages=rules)), "xdg_toplevel.set_title")
    assert found == [[0, "charset", "ab", "p.toml:7"], [0, "max-bytes", 9, "p.toml:7"]]


def test_fixed_point_is_compared_in_256ths() -> None:
    rules = {("wp_viewport", "set_source"): only(x=Predicate(minimum=0.5, maximum=2, origin=LINE))}
    found = checks(compiled(policy(*BASIC, "wp_viewporter", messages=rules)), "wp_viewport.set_source")
    assert [c[:3] for c in found] == [[0, "min", 128], [0, "max", 512]]


def test_indices_are_those_of_the_wire_where_a_new_id_is_untyped() -> None:
    """wl_registry.bind has four arguments on the wire; what stands behind its new_id would be off by two."""
    made = Message("make", (Argument("id", NEW_ID), Argument("mode", UINT, enum="factory.mode")))
    factory = Interface("factory", 1, (made,), enums=(Enum("mode", (Entry("a", 1), Entry("b", 2))),))
    value = compile_policy(policy_of("factory"), {"factory": factory, "wl_display": shipped()["wl_display"]} | registry())
    item = message(value, "factory.make")
    assert item[3] == ["interface s", "version u", "id n", "mode u"]
    assert item[4]["checks"][0][:3] == [3, "in", [1, 2]]


def registry() -> dict[str, Interface]:
    return {name: shipped()[name] for name in ("wl_registry", "wl_callback")}


def policy_of(name: str) -> Policy:
    made = policy("wl_shm")
    return Policy("x", globals={name: made.globals["wl_shm"]})


# rewriting


@pytest.mark.parametrize("letter", ["x", "é", "日"])
def test_the_longest_title_keeps_the_label_in_front_and_fits_libwaylands_buffer(letter: str) -> None:
    rules = policy(*BASIC, rewrites={"title": Rewrite("[work] {title}", LINE)})
    scene = Scene(rules, Limits(message_bytes=65532)).window().forget()
    scene.guest(8, "set_title", letter * (60_000 // len(letter.encode()))).goes_on()
    (line,) = scene.host_lines
    assert line.startswith("xdg_toplevel#8.set_title('[work] ")
    assert sum(len(p.data) for p in scene.outcome.to_host) <= 4096


# deny shapes


def message_of(name: str) -> tuple[Message, bool]:
    interface, _, word = name.partition(".")
    found = next(m for m in (*shipped()[interface].requests, *shipped()[interface].events) if m.name == word)
    return found, found in shipped()[interface].requests


SHAPES = {  # message -> the shapes it can take, the usual one first
    "xdg_toplevel.set_title": (IGNORE, DISCONNECT),
    "wl_data_device.set_selection": (IGNORE, DISCONNECT, FAIL_EVENT),
    "wl_data_offer.receive": (IGNORE, DISCONNECT, CLOSE_FD),
    "wp_presentation.feedback": (INERT, DISCONNECT, FAIL_EVENT),
    "wl_compositor.create_surface": (INERT, DISCONNECT),
    "xdg_toplevel.destroy": (DISCONNECT,),
    "wp_drm_lease_request_v1.submit": (DISCONNECT,),  # destroys itself and creates
    "wl_data_device.data_offer": (IGNORE, DISCONNECT),  # an event that creates
    "wl_data_device.selection": (IGNORE, DISCONNECT),
    "wl_callback.done": (),  # an event that ends its object
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_shapes_a_message_can_be_refused_in(name: str) -> None:
    subject, request = message_of(name)
    interface = name.partition(".")[0]
    assert legal_shapes(interface, subject, request) == SHAPES[name]
    possible = []
    for shape in (IGNORE, INERT, DISCONNECT, FAIL_EVENT, CLOSE_FD):
        try:
            core = deny_shape(deny(shape), interface, subject, request)
        except ValueError:
            continue
        assert core == (SHAPES[name][0] if shape in (FAIL_EVENT, CLOSE_FD) else shape)
        possible.append(shape)
    assert set(possible) == set(SHAPES[name])
    if possible:
        assert usual_shape(subject, request) == SHAPES[name][0]


def test_the_usual_shape_of_every_message_is_possible() -> None:
    for interface in shipped().values():
        for subject in interface.requests:
            deny_shape(deny(usual_shape(subject, True)), interface.name, subject, True)
        for subject in interface.events:
            if not subject.destructor:
                deny_shape(deny(usual_shape(subject, False)), interface.name, subject, False)


# what an allowed global brings with it


def test_nothing_is_held_that_a_guest_cannot_come_to() -> None:
    assert set(compiled(policy("wl_shm"))["interfaces"]) == {
        "wl_display", "wl_registry", "wl_callback", "wl_shm", "wl_shm_pool", "wl_buffer"
    }  # fmt: skip


@pytest.mark.parametrize("name", SHIPPED)
def test_everything_that_an_object_can_create_is_held(name: str) -> None:
    held = load(name)["interfaces"]
    for interface in held:
        for subject in (*shipped()[interface].requests, *shipped()[interface].events):
            assert {a.interface for a in subject.arguments if a.type == NEW_ID and a.interface} <= set(held)


def test_versions_end_where_the_vetting_ends() -> None:
    assert {name: VETTED[name] < shipped()[name].version for name in VETTED} == {"wl_fixes": True}
    for rules in (policy("wl_fixes"), policy(transparent=True)):
        value = compiled(rules)
        assert value["globals"]["wl_fixes"][0] == value["interfaces"]["wl_fixes"]["version"] == 1


# transparent


def test_transparent_checks_nothing_and_keeps_the_names_of_globals() -> None:
    value = load("transparent")
    assert value["names"] == "keep"
    assert all(item[4] is None for entry in value["interfaces"].values() for item in (*entry["requests"], *entry["events"]))
    assert "zwlr_screencopy_manager_v1" in value["globals"] and "wl_display" not in value["globals"]


def test_no_other_policy_keeps_them() -> None:
    assert [load(name)["names"] for name in ("strict", "desktop")] == ["renumber", "renumber"]


# canonical bytes and the hash


@pytest.mark.parametrize("name", SHIPPED)
def test_canonical_bytes_read_back_as_the_same_policy(name: str) -> None:
    value = load(name)
    again = json.loads(canonical(value))
    assert again == value and canonical(again) == canonical(value) and digest(again) == value["sha256"]


def test_the_order_of_a_file_makes_no_difference(tmp_path: Path) -> None:
    one = compiled_text(tmp_path, HEAD + "[global]\nwl_shm = 1\nwl_seat = 5\n")
    two = compiled_text(tmp_path, HEAD + "[global]\nwl_seat = 5\nwl_shm = 1\n")
    assert one["sha256"] == two["sha256"]
    assert list(one["globals"]) == list(two["globals"])


RULES = HEAD + """summary = "a"
[global]
wl_compositor = 6
xdg_wm_base = 6
[permission]
fullscreen = "allow"
[message.xdg_toplevel]
set_title.args.title = { max-bytes = 9 }
set_fullscreen = { deny-as = "ignore" }
[rewrite]
title = "x {title}"
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [("[global]", "# a comment\n\n[global]"), ('summary = "a"', 'summary = "b"'), ("wl_compositor = 6", "wl_compositor = { max = 6 }")],
)
def test_the_hash_stays_where_the_meaning_stays(tmp_path: Path, old: str, new: str) -> None:
    before, after = compiled_text(tmp_path, RULES), compiled_text(tmp_path, RULES.replace(old, new), "elsewhere.toml")
    assert before["sha256"] == after["sha256"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("wl_compositor = 6", "wl_compositor = 5"),
        ("wl_compositor = 6", 'wl_compositor = "hide"'),
        ("max-bytes = 9", "max-bytes = 8"),
        ("max-bytes = 9", 'max-bytes = 9, sanitize = "plain"'),
        ('deny-as = "ignore"', 'deny-as = "disconnect"'),
        ('deny-as = "ignore"', 'verdict = "allow"'),
        ("x {title}", "y {title}"),
        ('name = "x"', 'name = "y"'),
    ],
)
def test_the_hash_changes_with_the_meaning(tmp_path: Path, old: str, new: str) -> None:
    assert old in RULES
    assert compiled_text(tmp_path, RULES)["sha256"] != compiled_text(tmp_path, RULES.replace(old, new))["sha256"]


def test_a_charset_survives_the_way_through_json(tmp_path: Path) -> None:
    """Two surrogates next to each other would come back as one character."""
    text = HEAD + '[global]\nxdg_wm_base = 1\n[message.xdg_toplevel]\nset_title.args.title.charset = "\\u0020-\\uffff\U0001f600"\n'
    value = compiled_text(tmp_path, text)
    assert json.loads(canonical(value)) == value


@pytest.mark.parametrize("name", SHIPPED)
def test_the_tables_accept_what_is_compiled(name: str) -> None:
    assert load_tables(load(name)).name == name
