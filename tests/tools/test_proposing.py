"""The deciding half of `wlproxy learn`: what was used is proposed, and no more; what is proposed is a valid policy."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.scene import shipped
from wlproxy.policy.compare import WIDER, changes
from wlproxy.policy.compile import compile_policy, global_names
from wlproxy.policy.load import load_policy
from wlproxy.policy.load_interface_table import interface_table, row_of
from wlproxy.policy.model import NEVER, Policy
from wlproxy.tools.learn import caps_of
from wlproxy.tools.man_pages import compiled_shipped
from wlproxy.tools.proposing import Proposal, Stage, Used, is_never, propose, staged, toml

HOST = {"wl_compositor": 6, "wl_shm": 1, "wl_seat": 9, "zwp_linux_dmabuf_v1": 4, "zwlr_screencopy_manager_v1": 3, "xdg_activation_v1": 1}


@cache
def base(name: str) -> Policy:
    return load_policy(name, {}, shipped(), search=(), ceiling="")


@cache
def caps() -> dict[str, int]:
    return caps_of(compiled_shipped(shipped()))


@cache
def stage(name: str) -> Stage:
    return staged(base(name), shipped(), HOST, caps())


def used(bound: dict[str, int], *requests: tuple[str, str], events: tuple[tuple[str, str], ...] = ()) -> Used:
    found = Used(bound=bound)
    found.requests.update(requests)
    found.events.update(events)
    return found


def proposed(name: str, what: Used) -> Proposal:
    return propose(base(name), stage(name), what, shipped(), caps())


def keys(proposal: Proposal) -> list[str]:
    return [need.key for need in proposal.needs]


def test_the_stage_opens_what_the_host_has_and_feigns_the_rest() -> None:
    shown = stage("strict")
    assert {"zwp_linux_dmabuf_v1", "xdg_activation_v1"} <= shown.real
    assert {"zwp_text_input_manager_v3", "zwp_tablet_manager_v2"} <= shown.inert
    assert {"zwlr_screencopy_manager_v1", "zwp_virtual_keyboard_manager_v1", "ext_session_lock_manager_v1"} <= shown.inert
    assert "wl_compositor" not in shown.real | shown.inert  # the base's own
    compiled = compile_policy(shown.policy, shipped())
    assert not [name for name in compiled["globals"] if is_never(row_of(name))]
    assert shown.inert <= set(compiled["served"])
    assert not {"wl_shell", "zwp_fullscreen_shell_v1", "zxdg_shell_v6"} & (shown.real | shown.inert)


def test_what_is_never_for_anybody_is_bait_however_much_it_is_used() -> None:
    for row in interface_table():
        if NEVER in (row.strict, row.desktop, row.trusted) and row.name in stage("strict").inert:
            messages = [(row.name, m.name) for m in shipped()[row.name].requests]
            proposal = proposed("strict", used({row.name: 1}, *messages))
            assert row.name not in keys(proposal)
            assert proposal.bait == (row.name,)


def test_bound_is_not_used() -> None:
    bound = {"zwp_linux_dmabuf_v1": 4, "zwp_tablet_manager_v2": 1}
    proposal = proposed("strict", used(bound, ("zwp_linux_dmabuf_v1", "get_default_feedback")))
    assert proposal.needs == ()
    assert [need.key for need in proposal.unused] == ["zwp_linux_dmabuf_v1", "zwp_tablet_manager_v2"]


def test_a_global_brings_its_permission() -> None:
    what = used({"zwp_linux_dmabuf_v1": 4}, ("zwp_linux_dmabuf_v1", "create_params"), ("zwp_linux_buffer_params_v1", "add"))
    assert keys(proposed("strict", what)) == ["zwp_linux_dmabuf_v1", "gpu-buffers"]


def test_an_object_for_a_seat_is_no_use_until_something_is_asked_of_it() -> None:
    bound = {"zwp_text_input_manager_v3": 1}
    made = ("zwp_text_input_manager_v3", "get_text_input")
    assert keys(proposed("strict", used(bound, made))) == []
    assert keys(proposed("strict", used(bound, made, ("zwp_text_input_v3", "enable")))) == ["zwp_text_input_manager_v3", "text-input"]


def test_an_object_that_is_the_use_itself_counts() -> None:
    what = used({"zwp_idle_inhibit_manager_v1": 1}, ("zwp_idle_inhibit_manager_v1", "create_inhibitor"))
    assert keys(proposed("strict", what)) == ["zwp_idle_inhibit_manager_v1", "idle-inhibit"]


@pytest.mark.parametrize(
    ("requests", "events", "permission"),
    [
        ((("wl_data_device_manager", "create_data_source"),), (), []),
        ((("wl_data_device_manager", "create_data_source"), ("wl_data_device", "set_selection")), (), ["clipboard-out"]),
        ((("wl_data_device_manager", "create_data_source"), ("wl_data_device", "start_drag")), (), ["drag-out"]),
        ((("wl_data_offer", "receive"),), (), ["clipboard-in"]),
        ((("wl_data_offer", "receive"),), (("wl_data_device", "enter"),), ["drag-in"]),
    ],
)
def test_one_request_of_two_permissions(
    requests: tuple[tuple[str, str], ...], events: tuple[tuple[str, str], ...], permission: list[str]
) -> None:
    assert keys(proposed("strict", used({"wl_data_device_manager": 3}, *requests, events=events))) == permission


def test_what_the_base_gives_is_not_proposed_and_what_it_asks_is_said() -> None:
    bound = {"zwp_linux_dmabuf_v1": 5, "zxdg_exporter_v2": 1}
    what = used(bound, ("zwp_linux_dmabuf_v1", "create_params"), ("wl_data_offer", "receive"), ("zxdg_exporter_v2", "export_toplevel"))
    proposal = proposed("desktop", what)
    assert proposal.needs == ()
    assert proposal.asks == ("clipboard-in", "parent-link")


def test_the_gravest_comes_last_and_is_marked() -> None:
    bound = {"wp_alpha_modifier_v1": 1, "ext_idle_notifier_v1": 1, "zwp_linux_dmabuf_v1": 9}
    what = used(
        bound,
        ("wp_alpha_modifier_surface_v1", "set_multiplier"),
        ("ext_idle_notifier_v1", "get_idle_notification"),
        ("zwp_linux_buffer_params_v1", "add"),
    )
    proposal = proposed("strict", what)
    assert [need.level for need in proposal.needs] == ["low", "medium", "medium", "gravest", "gravest"]
    text = toml(proposal, "x", "strict", "x", 3)
    assert text.count("# review: ") == 2
    assert "zwp_linux_dmabuf_v1 = 5 " in text  # the highest that a shipped policy opens


MESSAGES = sorted((i.name, m.name) for i in shipped().values() for m in i.requests)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["strict", "desktop", "trusted"]),
    bound=st.dictionaries(st.sampled_from(sorted(global_names(shipped()))), st.integers(1, 9), max_size=12),
    requests=st.lists(st.sampled_from(MESSAGES), max_size=60),
    command=st.text(max_size=40),
    refused=st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=3),
)
def test_whatever_was_used_the_file_is_valid_and_gives_just_what_it_says(
    tmp_path: Path,
    name: str,
    bound: dict[str, int],
    requests: list[tuple[str, str]],
    command: str,
    refused: list[tuple[str, str]],
) -> None:
    what = used({key: min(version, shipped()[key].version) for key, version in bound.items()}, *requests)
    what.refused.update(refused)
    proposal = proposed(name, what)
    text = toml(proposal, "x", name, command, 3)
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    after = compile_policy(load_policy(str(tmp_path / "x.toml"), {}, shipped(), search=(), ceiling=""), shipped())
    before = compile_policy(base(name), shipped())
    given_keys = {f"{need.table}.{need.key}" for need in proposal.needs}
    wider = {change.key for change in changes(before, after) if change.kind == WIDER}
    assert {key for key in wider if not key.startswith("message.")} <= given_keys
    assert set(tomllib.loads(text)) <= {"format", "name", "summary", "extends", "global", "permission"}
    assert not [need for need in proposal.needs if need.table == "global" and is_never(row_of(need.key))]
