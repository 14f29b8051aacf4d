"""Policies and messages made up by Hypothesis: valid ones, of few globals, so that they meet."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from tests.scene import shipped
from wlproxy.core.protocol import INT, STRING, UINT
from wlproxy.handlers.virtual import SERVED
from wlproxy.policy.compile import legal_shapes, reachable, vetted_version
from wlproxy.policy.grammar import ANY, EVENT, REQUEST, Literal, NewId, Value, wire_arguments
from wlproxy.policy.model import DISCONNECT, IGNORE, INERT
from wlproxy.policy.permissions import PERMISSIONS

GLOBALS = (
    "wl_compositor", "wl_subcompositor", "wl_shm", "wl_seat", "wl_output", "xdg_wm_base", "wl_data_device_manager", "wp_viewporter",
    "zwp_primary_selection_device_manager_v1", "zwp_linux_dmabuf_v1", "zwp_pointer_constraints_v1", "xdg_activation_v1",
    "zwp_idle_inhibit_manager_v1", "ext_foreign_toplevel_list_v1", "ext_idle_notifier_v1", "zxdg_output_manager_v1",
    "zwlr_layer_shell_v1", "xdg_system_bell_v1", "wp_presentation", "zwp_text_input_manager_v3",
)  # fmt: skip
PERMISSION_NAMES = (
    "bell", "clipboard-in", "clipboard-out", "custom-cursor", "drag-in", "drag-out", "focus-request", "fullscreen", "gpu-buffers",
    "idle-inhibit", "idle-notify", "minimize", "pointer-lock", "popup-grab", "primary-in", "primary-out", "text-input", "window-menu",
)  # fmt: skip
INTERFACES = sorted(reachable(GLOBALS, shipped()) - {"wl_display", "wl_registry", "wl_callback"})
assert set(PERMISSION_NAMES) <= set(PERMISSIONS)
NUMBERS = st.sampled_from([-1, 0, 1, 2, 3, 15, 16, 17, 100, 2**31 - 1])
TEXTS = st.sampled_from(["", "a", "title", "a\u202eb", "x" * 40, "<b>", "../a b", "é"])


def quoted(text: str) -> str:
    return json.dumps(text)


@st.composite
def policies(draw: st.DrawFn) -> str:
    """The text of a policy without findings."""
    lines = ["format = 1", 'name = "made-up"', "[global]"]
    for name in draw(st.lists(st.sampled_from(GLOBALS), unique=True, max_size=12)):
        words = [*map(str, range(1, vetted_version(shipped()[name]) + 1)), quoted("hide")]
        words += [quoted("virtual")] if name in SERVED else []
        lines.append(f"{name} = {draw(st.sampled_from(words))}")
    lines.append("[permission]")
    for name in draw(st.lists(st.sampled_from(PERMISSION_NAMES), unique=True, max_size=10)):
        lines.append(f"{name} = {quoted(draw(st.sampled_from(['allow', 'allow', 'ask', 'deny'])))}")
    for owner in draw(st.lists(st.sampled_from(INTERFACES), unique=True, max_size=4)):
        rules = {m.name: draw(message_rule(owner, m.name)) for m in draw(some_messages(owner))}
        written = [f"{name} = {rule}" for name, rule in rules.items() if rule]
        lines += [f"[message.{owner}]", *written] if written else []
    if draw(st.booleans()):
        lines += ["[rewrite]", 'title = "[x] {title}"']
    return "\n".join(lines) + "\n"


def some_messages(owner: str) -> st.SearchStrategy[list]:  # type: ignore[type-arg]
    interface = shipped()[owner]
    messages = [*interface.requests, *interface.events]
    return st.lists(st.sampled_from(messages), unique_by=lambda m: m.name, max_size=3) if messages else st.just([])


@st.composite
def message_rule(draw: st.DrawFn, owner: str, name: str) -> str:
    interface = shipped()[owner]
    request = next((m for m in interface.requests if m.name == name), None)
    message = request or next(m for m in interface.events if m.name == name)
    shapes = [s for s in legal_shapes(owner, message, request is not None) if s in (DISCONNECT, IGNORE, INERT)]
    kind = draw(st.sampled_from(["deny", "ask", "args", "allow"]))
    if kind in ("deny", "ask") and shapes:
        return f"{{ verdict = {quoted(kind)}, deny-as = {quoted(draw(st.sampled_from(shapes)))} }}"
    fitting = [a for a in message.arguments if a.type in (INT, UINT, STRING) and not a.enum and a.name != "serial"]
    if kind == "args" and fitting:
        argument = draw(st.sampled_from(fitting))
        if argument.type == STRING:
            demand = draw(st.sampled_from(["{ max-bytes = 3 }", '{ charset = "a-z" }', '{ max-bytes = 2, sanitize = "plain" }']))
        else:
            demand = draw(st.sampled_from(["{ min = 1 }", "{ max = 16 }", "{ min = 1, max = 16 }", "{ in = [1, 16] }"]))
        return f"{{ args = {{ {argument.name} = {demand} }} }}"
    return '"allow"' if shapes else ""


@st.composite
def messages(draw: st.DrawFn) -> Literal:
    """A message, some of its arguments open; or a bind."""
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(GLOBALS))
        version = draw(st.integers(1, vetted_version(shipped()[name])))
        return Literal(REQUEST, "wl_registry", None, "bind", (ANY, name, version, NewId()))
    interface = shipped()[draw(st.sampled_from([i for i in INTERFACES if shipped()[i].requests or shipped()[i].events]))]
    message = draw(st.sampled_from([*interface.requests, *interface.events]))
    values: list[Value] = []
    for argument in wire_arguments(message):
        value: Value = ANY
        if draw(st.booleans()) and not argument.enum and argument.name != "serial":
            if argument.type == STRING:
                value = draw(TEXTS)
            elif argument.type in (INT, UINT):
                value = max(draw(NUMBERS), 0 if argument.type == UINT else -1)
        values.append(value)
    return Literal(REQUEST if message in interface.requests else EVENT, interface.name, None, message.name, tuple(values))
