"""Policies to fuzz with: a permissive one, one like a desktop's, one that lends and takes back, one that refuses in every shape, and that
one while it only complains, with the desktop's as its shadow.

Promises: `tables_of` gives tables for these names and for whatever `wlproxy run --policy` takes. Trusts: the protocol data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from wlproxy.core.protocol import Interface
from wlproxy.core.shadow import attach
from wlproxy.core.tables import Tables
from wlproxy.handlers import load_tables
from wlproxy.policy.compile import compile_policy, global_names
from wlproxy.policy.model import (
    ALLOW,
    DENY,
    DISCONNECT,
    IGNORE,
    IN_ORDER,
    INERT,
    GlobalRule,
    MessageRule,
    Origin,
    PermissionRule,
    Policy,
    Predicate,
    Rewrite,
)
from wlproxy.policy.permissions import ESCAPE, MAX_DURATION, ONLY, everything

DESKTOP: Final = (
    *("wl_compositor", "wl_subcompositor", "wl_shm", "wl_seat", "wl_output", "wl_data_device_manager", "xdg_wm_base"),
    *("wp_viewporter", "wp_presentation", "wp_fractional_scale_manager_v1", "zxdg_decoration_manager_v1", "wp_cursor_shape_manager_v1"),
    *("zwp_primary_selection_device_manager_v1", "wp_single_pixel_buffer_manager_v1", "xdg_activation_v1", "wl_fixes"),
)
LENDING: Final = (
    *("wl_compositor", "wl_subcompositor", "wl_shm", "wl_seat", "xdg_wm_base"),
    *("zwp_idle_inhibit_manager_v1", "zwp_pointer_constraints_v1", "zwp_keyboard_shortcuts_inhibit_manager_v1"),
)
COMPLAINING: Final = "fuzz-complaining"
BUILT_IN: Final = ("fuzz-transparent", "fuzz-desktop", "fuzz-lending", "fuzz-refusing", COMPLAINING)


def built_in(name: str, interfaces: Mapping[str, Interface]) -> Policy:
    """One of BUILT_IN."""
    here = Origin(name)
    if name == "fuzz-transparent":
        return Policy(name, transparent=True, origin=here)
    if name == "fuzz-desktop":
        text = Predicate(max_bytes=64, sanitize="plain", origin=here)
        return Policy(
            name,
            globals={n: GlobalRule(ALLOW, interfaces[n].version, here) for n in DESKTOP},
            messages={
                ("xdg_toplevel", "set_title"): MessageRule(ALLOW, "", {"title": text}, here),
                ("xdg_toplevel", "set_fullscreen"): MessageRule(DENY, IGNORE, {}, here),
                ("xdg_activation_v1", "activate"): MessageRule(DENY, IGNORE, {}, here),
                ("zwp_primary_selection_device_manager_v1", "create_source"): MessageRule(DENY, INERT, {}, here),
            },
            rewrites={"title": Rewrite("[vm] {title}", here), "app-id": Rewrite("vm.{app_id}", here)},
            origin=here,
            permissions=everything(here),
            early_destroy=IN_ORDER,
        )
    if name == "fuzz-lending":
        offered = {n: GlobalRule(ALLOW, interfaces[n].version, here) for n in LENDING}
        return Policy(name, globals=offered, origin=here, permissions=everything(here) | lent(here))
    if name == COMPLAINING:
        return replace(refusing(interfaces), name=name, until=1)  # which session it is decides whether that is over (drive.py)
    return refusing(interfaces)


def lent(here: Origin) -> dict[str, PermissionRule]:
    """What is given under a condition."""
    escape = {ESCAPE: [f"{modifier}+{key}" for modifier in ("Super", "Shift") for key in ("Escape", "F1")]}
    found = {name: PermissionRule(ALLOW, here, dict(escape)) for name in ("pointer-lock", "pointer-confine", "shortcuts-inhibit")}
    return found | {"idle-inhibit": PermissionRule(ALLOW, here, {ONLY: "visible", MAX_DURATION: 60.0})}


def refusing(interfaces: Mapping[str, Interface]) -> Policy:
    """Every global is there, and of each interface's requests every second one that can be refused without an end is refused."""
    here = Origin("fuzz-refusing")
    found: dict[tuple[str, str], MessageRule] = {}
    for interface in interfaces.values():
        for number, message in enumerate(interface.requests):
            creates = any(a.type == "new_id" for a in message.arguments)
            if message.destructor or interface.name in ("wl_display", "wl_registry") or (number + len(interface.name)) % 2:
                continue
            found[interface.name, message.name] = MessageRule(DENY, INERT if creates else IGNORE, {}, here)
        for number, message in enumerate(interface.events):
            if interface.name in ("wl_display", "wl_registry", "wl_callback") or message.destructor:
                continue
            if (number + len(interface.name)) % 5 == 0:
                found[interface.name, message.name] = MessageRule(DENY, IGNORE, {}, here)
    offered = {name: GlobalRule(ALLOW, interfaces[name].version, here) for name in global_names(interfaces)}
    found["zwlr_layer_shell_v1", "get_layer_surface"] = MessageRule(DENY, DISCONNECT, {}, here)
    return Policy("fuzz-refusing", globals=offered, messages=found, origin=here, permissions=everything(here))


def tables_of(name: str, interfaces: Mapping[str, Interface]) -> Tables:
    """Raises PolicyInvalid where `run` would."""
    if name in BUILT_IN:
        tables = load_tables(compile_policy(built_in(name, interfaces), interfaces))
        if name == COMPLAINING:
            attach(tables, tables_of("fuzz-desktop", interfaces))
        return tables
    from wlproxy.sidecar.compilation import compiled_policy

    return load_tables(compiled_policy(name, {"vm": "fuzz"}))
