"""Which layer decides: the floor, the host's ceiling, globals, permissions, messages; and what a child may not loosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scene import Scene, deny, policy, shipped
from wlproxy.core.errors import ConfigError, ConfigErrors
from wlproxy.policy.compare import Change, changes, submasks
from wlproxy.policy.compile import compile_policy, parameters_of, usual_shape
from wlproxy.policy.decide import global_steps, message_steps, strictest
from wlproxy.policy.document import show
from wlproxy.policy.load import load_ceiling, load_policy
from wlproxy.policy.load_interface_table import CLASSES, floor, interface_table, row_of
from wlproxy.policy.model import ALLOW, ASK, DENY, VIRTUAL, Origin, PermissionRule, Policy
from wlproxy.policy.permissions import OF_GLOBAL, OF_MESSAGE, PERMISSIONS

HEAD = 'format = 1\nname = "x"\n'
LINE = Origin("p.toml", 3)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(HEAD.replace('"x"', f'"{name}"') + text, encoding="utf-8")
    return path


def load(path: Path, ceiling: str = "") -> Policy:
    return load_policy(str(path), {}, shipped(), search=(), ceiling=ceiling)


def findings(path: Path, ceiling: str = "") -> list[ConfigError]:
    with pytest.raises(ConfigErrors) as caught:
        load(path, ceiling)
    return caught.value.findings


def compiled(rules: Policy) -> dict[str, Any]:
    return compile_policy(rules, shipped())


def decision(rules: Policy, interface: str, name: str) -> dict[str, Any]:
    entry = compiled(rules)["interfaces"][interface]
    return next(m[4] for m in (*entry["requests"], *entry["events"]) if m[0] == name) or {}


# permissions


def test_every_permission_covers_something_that_exists() -> None:
    for name, permission in PERMISSIONS.items():
        assert permission.globals or permission.messages, name
        assert permission.risk in CLASSES
        for interface in permission.globals:
            assert interface in shipped(), f"{name}: {interface}"
        for interface, message in permission.messages:
            known = {m.name for m in (*shipped()[interface].requests, *shipped()[interface].events)}
            assert message in known, f"{name}: {interface}.{message}"


def test_no_permission_refuses_what_ends_an_object() -> None:
    """A destructor can be refused only by disconnecting: a permission that is not given would end its guests."""
    for interface, name in OF_MESSAGE:
        message = next(m for m in (*shipped()[interface].requests, *shipped()[interface].events) if m.name == name)
        assert not message.destructor
        assert usual_shape(message, message in shipped()[interface].requests) != "disconnect"


@pytest.mark.parametrize("key", [k for k in OF_MESSAGE if k[0] not in ("gtk_primary_selection_offer",)], ids="{0[0]}.{0[1]}".format)
def test_a_message_is_refused_where_none_of_its_permissions_is_given(key: tuple[str, str]) -> None:
    interface, name = key
    ways = [n for n in shipped() if n not in OF_GLOBAL]
    without = policy(*[n for n in ways if row_of(n) is not None], permissions={})
    if interface not in compiled(without)["interfaces"]:
        pytest.skip("reached by globals with permissions of their own only")
    assert decision(without, interface, name)["verdict"] in ("ignore", "inert")
    for name_given in OF_MESSAGE[key]:
        allowed = policy(*[n for n in ways if row_of(n) is not None], permissions={name_given: PermissionRule(ALLOW, LINE)})
        assert decision(allowed, interface, name).get("verdict", ALLOW) == ALLOW


@pytest.mark.parametrize("name", sorted(OF_GLOBAL))
def test_a_global_is_hidden_where_none_of_its_permissions_is_given(name: str) -> None:
    assert name not in compiled(policy(name, permissions={}))["globals"]
    for name_given in OF_GLOBAL[name]:
        assert name in compiled(policy(name, permissions={name_given: PermissionRule(ALLOW, LINE)}))["globals"]


def test_asking_nobody_is_a_refusal_that_says_so() -> None:
    rules = policy("xdg_wm_base", permissions={"fullscreen": PermissionRule(ASK, LINE)})
    assert decision(rules, "xdg_toplevel", "set_fullscreen") == {"verdict": "ignore", "origin": "p.toml:3", "ask": 1}


def test_a_message_rule_can_take_away_what_a_permission_gives_and_not_the_other_way_round() -> None:
    key = ("xdg_toplevel", "set_fullscreen")
    wide = policy("xdg_wm_base", messages={key: deny("disconnect")})
    assert strictest(message_steps(wide, *key)).layer == "message"
    assert decision(wide, *key)["verdict"] == "disconnect"
    refused = policy("xdg_wm_base", permissions={}, messages={key: deny("ignore")})
    assert strictest(message_steps(refused, *key)).layer == "permission"


def test_a_rate_holds_for_the_guest_and_comes_back_with_time(tmp_path: Path) -> None:
    globals_ = "[global]\nwl_compositor = 6\nxdg_wm_base = 6\nwl_shm = 1\n"
    path = write(tmp_path, "x", globals_ + '[message.xdg_toplevel]\nset_maximized.rate = "2/s burst 3"\n')
    scene = Scene(load(path)).window().forget()
    for _ in range(5):
        scene.guest(8, "set_maximized")
    assert scene.host_lines == ["xdg_toplevel#8.set_maximized()"] * 3
    assert [r.rule for r in scene.records("refused")] == [f"{path}:8"] * 2
    scene.forget()
    scene.session.now += 1.0
    for _ in range(5):
        scene.guest(8, "set_maximized")
    assert scene.host_lines == ["xdg_toplevel#8.set_maximized()"] * 2


def test_the_parameters_of_a_transfer_hold() -> None:
    allowed = {"clipboard-out": PermissionRule(ALLOW, LINE, {"mime": ["text/plain"], "max-bytes": 10})}
    rules = policy("wl_seat", "wl_data_device_manager", permissions=allowed)
    scene = Scene(rules).announce().bind("wl_seat", 3).guest(3, "get_keyboard", 4).bind("wl_data_device_manager", 5)
    scene.guest(5, "get_data_device", 6, 3).event(4, "key", 60, 1, 30, 1)
    scene.guest(5, "create_data_source", 7).guest(7, "offer", "text/plain").guest(7, "offer", "text/html")
    scene.guest(6, "set_selection", 7, scene.serial()).forget()
    scene.event(7, "send", "text/html", fds=1).guest_gets()
    assert scene.records("refused")[-1].rule == "permission: clipboard-out"
    scene.event(7, "send", "text/plain", fds=1)
    assert scene.guest_lines[0].startswith("wl_data_source#7.send('text/plain'")


def test_an_offer_that_the_guest_was_not_told_of_cannot_be_read() -> None:
    """drag-in is given, clipboard-in is not: data_offer passes, the selection does not."""
    server = 0xFF000000
    allowed = {"drag-in": PermissionRule(ALLOW, LINE)}
    rules = policy("wl_seat", "wl_data_device_manager", permissions=allowed)
    scene = Scene(rules).announce().bind("wl_seat", 3).bind("wl_data_device_manager", 4).guest(4, "get_data_device", 5, 3)
    scene.event(5, "data_offer", server).event(server, "offer", "text/plain").event(5, "selection", server)
    assert scene.guest_lines[-1] == "wl_data_device#5.selection(0)"
    scene.forget()
    scene.guest(server, "receive", "text/plain", fds=1).host_gets().goes_on()


# floor and ceiling


def test_the_floor_is_what_the_table_never_gives() -> None:
    names = floor(list(shipped()))
    assert {"zwlr_virtual_pointer_manager_v1", "wp_security_context_manager_v1", "zwp_virtual_keyboard_manager_v1"} <= set(names)
    assert not {"wl_compositor", "zwlr_screencopy_manager_v1", "ext_foreign_toplevel_list_v1"} & set(names)
    assert len(interface_table()) > 120


def test_no_policy_goes_below_the_floor(tmp_path: Path) -> None:
    (finding,) = findings(write(tmp_path, "x", "[global]\nzwp_virtual_keyboard_manager_v1 = 1\n"))
    assert (finding.code, finding.line) == ("never", 4)
    assert "types into the focused window" in finding.message
    assert load(write(tmp_path, "y", '[global]\nzwp_virtual_keyboard_manager_v1 = "hide"\n')).name == "y"


CEILING = """[global]
"zwlr_*" = "never"
xdg_activation_v1 = "hide"
wl_compositor = 4
[permission]
clipboard-out = { at-most = "ask" }
clipboard-in = { at-most = "allow", max-bytes = "1KiB", mime = ["text/plain"] }
fullscreen = "deny"
bell = "allow"
"""


def test_nothing_is_wider_than_the_ceiling(tmp_path: Path) -> None:
    ceiling = write(tmp_path, "ceiling", CEILING)
    text = """extends = "desktop"
[global]
zwlr_layer_shell_v1 = 4
[permission]
overlay = "allow"
clipboard-in = { verdict = "allow", max-bytes = "1MiB", mime = ["text/plain", "image/png"] }
"""
    rules = load(write(tmp_path, "x", text), str(ceiling))
    made = compiled(rules)
    assert made["globals"]["wl_compositor"][0] == 4
    assert not {"zwlr_layer_shell_v1", "xdg_activation_v1"} & set(made["globals"])
    step = strictest(global_steps(rules, "zwlr_layer_shell_v1", 4))
    assert (step.layer, step.verdict, step.origin) == ("ceiling", "never", f"{ceiling}:4")
    assert decision(rules, "wl_data_device", "set_selection") == {"verdict": "ignore", "origin": f"{ceiling}:8", "ask": 1}
    assert decision(rules, "xdg_toplevel", "set_fullscreen")["origin"] == f"{ceiling}:10"
    assert parameters_of(rules, "clipboard-in") == {"max-bytes": 1024, "mime": ["text/plain"]}
    assert made["permissions"]["bell"][0] == ALLOW
    same = compiled(load(tmp_path / "x.toml"))
    assert {c.kind for c in changes(same, made)} == {"tighter"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[message.wl_surface]\ncommit = 'deny'\n", "unknown-key"),
        ('[permission]\nfullscreen = { verdict = "deny" }\n', "unknown-key"),
        ('[permission]\nfullscreen = { at-most = "never" }\n', "unknown-verdict"),
        ('[global]\nwl_shmm = "never"\n', "unknown-interface"),
        ("format = 2\n", "syntax"),
    ],
)
def test_a_ceiling_is_checked_like_a_policy(tmp_path: Path, text: str, code: str) -> None:
    found = findings(write(tmp_path, "x", "[global]\nwl_shm = 1\n"), str(write(tmp_path, "ceiling", text)))
    assert code in [f.code for f in found] and all(f.path.endswith("ceiling.toml") for f in found)


def test_no_ceiling_is_no_bound(tmp_path: Path) -> None:
    assert load_ceiling("", shipped()) is None
    with pytest.raises(ConfigErrors, match="No such file"):  # whoever names one means one
        load_ceiling(str(tmp_path / "none.toml"), shipped())


# final


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[permission]\nfullscreen = "allow"\n', "permission.fullscreen"),
        ("[global]\nwl_output = 4\n", "global.wl_output"),
        ("[global]\nzwp_tablet_manager_v2 = 1\n[permission]\ntablet = 'allow'\n", "global.zwp_tablet_manager_v2"),
        ('[message.xdg_toplevel]\nset_title.args.title = { max-bytes = 1000, sanitize = "plain" }\n', "message.xdg_toplevel.set_title"),
        ('[message.xdg_toplevel]\nset_maximized.rate = "100/s"\n', "message.xdg_toplevel.set_maximized"),
    ],
)
def test_a_child_loosens_nothing_that_is_final(tmp_path: Path, text: str, key: str) -> None:
    path = write(tmp_path, "x", f'extends = "viewer"\n{text}')
    found = findings(path)
    assert {f.code for f in found} == {"final"} and {f.path for f in found} == {str(path)}
    assert any(f.message.startswith(f"{key} is wider than viewer.toml allows") for f in found)
    assert all(f.because is not None and (f.because.path, f.because.line) == ("viewer.toml", 9) for f in found)
    assert all(f.line > 3 for f in found)


FIRM = (
    'final = ["rewrite.*", "upstream.*", "quota.upstream-queue", "message.wl_shm_pool.*"]\n[global]\nxdg_wm_base = 6\nwl_shm = 2\n'
    '[rewrite]\ntitle = "[x] {title}"\n[upstream]\nengine = "org.x"\nsecurity-context = "require"\n'
    '[quota]\nupstream-queue = "1MiB"\n[message.wl_shm_pool]\ncreate_buffer.args.width = { min = 5, max = 10 }\n'
)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[rewrite]\ntitle = "{title}"\n', "rewrite.title"),
        ('[rewrite]\ntitle = "[y] {title}"\n', "rewrite.title"),
        ('[upstream]\nengine = "org.flatpak"\n', "upstream.engine"),
        ('[upstream]\nsecurity-context = "off"\n', "upstream.security-context"),
        ('[quota]\nupstream-queue = "2MiB"\n', "quota.upstream-queue"),  # its field has another name
        # wider at one end, tighter at the other
        ("[message.wl_shm_pool]\ncreate_buffer.args.width = { min = 6, max = 11 }\n", "message.wl_shm_pool.create_buffer"),
    ],
)
def test_what_is_final_cannot_be_reworded_nor_moved(tmp_path: Path, text: str, key: str) -> None:
    write(tmp_path, "firm", FIRM)
    found = findings(write(tmp_path, "x", f'extends = "firm"\n{text}'))
    assert [(f.code, f.message.split()[0]) for f in found] == [("final", key)]
    assert found[0].because is not None and key.partition(".")[0] in found[0].because.message
    for part in (text, FIRM.partition("\n")[0]):  # both lines are shown
        assert part.strip().split("\n")[-1] in show(found[0])


@pytest.mark.parametrize(
    "text",
    [
        '[permission]\ncustom-cursor = "deny"\n',
        '[permission]\ncustom-cursor = { verdict = "allow", max-size = 64 }\n',
        '[global]\nwp_viewporter = "hide"\n',
        "[global]\nwl_compositor = 4\n",
        '[message.xdg_toplevel]\nset_title.args.title = { max-bytes = 100, sanitize = "plain" }\nset_maximized = "deny"\n',
        '[quota]\nclients = 64\n',
    ],
)
def test_a_child_may_tighten_what_is_final_and_loosen_what_is_not(tmp_path: Path, text: str) -> None:
    assert load(write(tmp_path, "x", f'extends = "viewer"\n{text}')).name == "x"


# globals that the proxy serves


def test_a_virtual_global_is_there_without_a_compositors_and_inert() -> None:
    rules = load_policy("conferencing", {}, shipped(), search=(), ceiling="")
    assert set(compiled(rules)["served"]) == {
        "ext_image_copy_capture_manager_v1",
        "ext_foreign_toplevel_image_capture_source_manager_v1",
        "ext_foreign_toplevel_list_v1",
        "zxdg_output_manager_v1",
    }


def test_a_list_of_windows_that_the_proxy_serves_is_empty() -> None:
    rules = policy("wl_compositor", "ext_foreign_toplevel_list_v1", permissions={"window-list": PermissionRule(ASK, LINE)})
    own = {name: replace(rule, verdict=VIRTUAL) if name.startswith("ext") else rule for name, rule in rules.globals.items()}
    served = replace(rules, globals=own)
    assert not compiled(replace(served, permissions={}))["served"]
    scene = Scene(served).announce(names=("wl_compositor", "ext_foreign_toplevel_list_v1"))
    assert list(scene.announced()) == ["ext_foreign_toplevel_list_v1", "wl_compositor"]
    scene.bind("ext_foreign_toplevel_list_v1", 3).forget()
    scene.guest(3, "stop").host_gets().guest_gets("ext_foreign_toplevel_list_v1#3.finished()").goes_on()
    scene.guest(3, "destroy").goes_on()


def test_the_screens_that_the_proxy_serves_have_the_sizes_of_the_outputs_and_no_names_of_the_host() -> None:
    scene = Scene(load_policy("strict", {}, shipped(), search=(), ceiling="")).announce(names=("wl_output",))
    scene.bind("wl_output", 3).bind("zxdg_output_manager_v1", 4).forget()
    scene.guest(4, "get_xdg_output", 5, 3).guest_gets().forget()
    scene.event(3, "mode", 1, 2560, 1440, 60000).event(3, "scale", 2).event(3, "name", "DP-1").event(3, "done")
    told = [line for line in scene.guest_lines if line.startswith("zxdg_output_v1#5")]
    assert told == [
        "zxdg_output_v1#5.logical_position(0, 0)",
        "zxdg_output_v1#5.logical_size(1280, 720)",
        "zxdg_output_v1#5.name('VM-2')",
        "zxdg_output_v1#5.description('VM-2')",
    ]
    assert scene.guest_lines[-1] == "wl_output#3.done()"
    scene.forget().guest(4, "get_xdg_output", 6, 3)
    assert "zxdg_output_v1#6.logical_size(1280, 720)" in scene.guest_lines
    assert scene.guest_lines[-1] == "wl_output#3.done()"
    scene.goes_on()


def test_a_screen_asked_for_before_it_is_known_is_done_twice() -> None:
    """As from compositors: SDL 2 sends both requests at once and counts one done for the output and one for its zxdg_output_v1."""
    scene = Scene(load_policy("strict", {}, shipped(), search=(), ceiling="")).announce(names=("wl_output",))
    scene.bind("wl_output", 3).bind("zxdg_output_manager_v1", 4).guest(4, "get_xdg_output", 5, 3).forget()
    scene.event(3, "mode", 1, 800, 600, 60000).event(3, "done")
    assert [line.partition(".")[2].partition("(")[0] for line in scene.guest_lines] == [
        "mode", "done", "logical_position", "logical_size", "name", "description", "done"
    ]  # fmt: skip
    scene.forget().event(3, "done")
    assert scene.guest_lines.count("wl_output#3.done()") == 1


# comparing


def kinds(before: Policy, after: Policy) -> dict[str, str]:
    return {c.key: c.kind for c in changes(compiled(before), compiled(after))}


def test_the_shipped_policies_widen_in_their_order() -> None:
    made = {name: load_policy(name, {}, shipped(), search=(), ceiling="") for name in ("viewer", "strict", "desktop", "trusted")}
    assert set(kinds(made["strict"], made["viewer"]).values()) <= {"tighter", "changed"}
    assert "permission.fullscreen" in kinds(made["strict"], made["desktop"])
    assert set(kinds(made["desktop"], made["trusted"]).values()) <= {"wider", "changed"}
    assert changes(compiled(made["desktop"]), compiled(made["desktop"])) == []


def test_a_change_knows_its_line_and_says_what_was_and_is(tmp_path: Path) -> None:
    before = load(write(tmp_path, "a", "[global]\nxdg_wm_base = 6\n"))
    after = load(write(tmp_path, "b", '[global]\nxdg_wm_base = 6\n[permission]\nfullscreen = "allow"\n'))
    assert changes(compiled(before), compiled(after)) == [
        Change("wider", "permission.fullscreen", DENY, ALLOW, f"{tmp_path / 'b.toml'}:6")
    ]


def test_where_policy_and_ceiling_have_no_type_of_data_in_common_none_passes(tmp_path: Path) -> None:
    ceiling = write(tmp_path, "ceiling", '[permission]\nclipboard-out = { at-most = "allow", mime = ["text/plain"] }\n')
    text = '[global]\nwl_seat = 5\nwl_data_device_manager = 3\n[permission]\nclipboard-out = { verdict = "allow", mime = ["image/png"] }\n'
    scene = Scene(load(write(tmp_path, "x", text), str(ceiling))).announce().bind("wl_seat", 3).guest(3, "get_keyboard", 4)
    scene.bind("wl_data_device_manager", 5).guest(5, "get_data_device", 6, 3).event(4, "key", 60, 1, 30, 1)
    scene.guest(5, "create_data_source", 7).guest(7, "offer", "text/plain").guest(7, "offer", "image/png")
    scene.guest(6, "set_selection", 7, scene.serial()).forget()
    for mime_type in ("text/plain", "image/png"):
        scene.event(7, "send", mime_type, fds=1).guest_gets().goes_on()


def test_a_host_with_a_ceiling_has_no_policy_that_passes_everything(tmp_path: Path) -> None:
    ceiling = write(tmp_path, "ceiling", '[permission]\nfullscreen = "deny"\n')
    (finding,) = findings(write(tmp_path, "x", "transparent = true\n"), str(ceiling))
    assert (finding.code, finding.line) == ("ceiling", 3) and str(ceiling) in finding.message


def test_what_the_ceiling_has_made_up_is_made_up(tmp_path: Path) -> None:
    ceiling = write(tmp_path, "ceiling", '[global]\nwl_output = { max = 3, virtualize = ["make", "name"] }\n')
    made = compiled(load(write(tmp_path, "x", '[global]\nwl_output = { max = 4, virtualize = ["make", "model"] }\n'), str(ceiling)))
    assert made["virtual"] == {"wl_output": ["make", "model", "name"]}
    assert made["globals"]["wl_output"][0] == 3


def test_a_rate_that_disconnects_is_said_once(tmp_path: Path) -> None:
    rule = '{ rate = "1/s burst 1", deny-as = "disconnect", verdict = "allow" }'
    globals_ = "[global]\nwl_compositor = 6\nxdg_wm_base = 6\nwl_shm = 1\n"
    scene = Scene(load(write(tmp_path, "x", f"{globals_}[message.xdg_toplevel]\nset_maximized = {rule}\n"))).window()
    scene.guest(8, "set_maximized").goes_on().guest(8, "set_maximized").ends(1, 3, "more than 1 a second")
    assert len(scene.records("refused")) == 1


@given(st.sets(st.integers(0, 31), max_size=10))
def test_submasks_are_all_of_them_whatever_the_bits(places: set[int]) -> None:
    flags = sum(1 << place for place in places)
    found = list(submasks(flags))
    assert len(found) == len(set(found)) == 2 ** len(places)
    assert all(bits & ~flags == 0 for bits in found)


# parameters


def with_permission(folder: Path, name: str, text: str) -> dict[str, Any]:
    return compiled(load(write(folder, "p", f"[permission]\n{name} = {text}\n")))


PARAMETER_STEPS = [  # what a child writes in place of what its parent wrote, and what that is
    ("gpu-buffers", "max-planes = 1", "max-planes = 2", "wider"),
    ("gpu-buffers", "max-planes = 1", "", "wider"),
    ("gpu-buffers", 'modifiers = ["linear"]', 'modifiers = ["implicit", "linear"]', "wider"),
    ("gpu-buffers", 'modifiers = ["linear"]', 'modifiers = ["advertised"]', "wider"),
    ("gpu-buffers", 'modifiers = ["linear"]', 'modifiers = ["implicit"]', "either"),
    ("popup-grab", "max-depth = 3", "max-depth = 2", "tighter"),
    ("clipboard-in", 'skip-if = ["a/b"]', 'skip-if = ["a/b", "c/d"]', "tighter"),
    ("clipboard-in", 'skip-if = ["a/b"]', 'skip-if = ["c/d"]', "either"),
    ("primary-in", 'skip-if = ["a/b"]', "", "wider"),
    ("focus-request", "", "needs-input-serial = true", "tighter"),
    ("focus-request", "", "needs-input-serial = false", ""),
    ("idle-inhibit", 'only = "visible"', 'only = "fullscreen"', "tighter"),
    ("idle-inhibit", "", 'only = "visible"', "tighter"),
    ("idle-inhibit", 'max-duration = "2h"', 'max-duration = "120m"', ""),
    ("idle-inhibit", 'max-duration = "2h"', 'max-duration = "4h"', "wider"),
    ("pointer-lock", "", 'escape = "Super+Escape"', "tighter"),
    ("pointer-lock", 'escape = "Super+Escape"', 'escape = ["Super+Escape", "Super+F12"]', "tighter"),
    ("pointer-lock", 'escape = "Super+Escape"', 'escape = "Super+F12"', "either"),
    ("shortcuts-inhibit", 'escape = "Alt+Super+Escape"', 'escape = ["Super+Alt+Escape"]', ""),
    ("gpu-buffers", 'modifiers = ["advertised", "linear"]', 'modifiers = ["advertised"]', ""),
]


@pytest.mark.parametrize(("name", "before", "after", "kind"), PARAMETER_STEPS)
def test_the_diff_knows_what_a_parameter_does(tmp_path: Path, name: str, before: str, after: str, kind: str) -> None:
    tables = [f'{{ {", ".join(["verdict = " + chr(34) + "allow" + chr(34), *filter(None, [said])])} }}' for said in (before, after)]
    was, now = (with_permission(tmp_path, name, text) for text in tables)
    there, back = {"wider": ("wider", "tighter"), "tighter": ("tighter", "wider"), "either": ("wider", "wider"), "": ("", "")}[kind]
    assert [change.kind for change in changes(was, now)] == [there] * bool(kind)
    assert [change.kind for change in changes(now, was)] == [back] * bool(kind)


@pytest.mark.parametrize(
    ("name", "own", "top", "both"),
    [
        ("gpu-buffers", "max-planes = 1", "max-planes = 3", {"max-planes": 1}),
        ("gpu-buffers", "", "max-planes = 3", {"max-planes": 3}),
        ("gpu-buffers", 'modifiers = ["linear", "implicit"]', 'modifiers = ["linear"]', {"modifiers": ["linear"]}),
        ("gpu-buffers", 'modifiers = ["advertised"]', 'modifiers = ["linear"]', {"modifiers": ["linear"]}),
        ("gpu-buffers", 'modifiers = ["linear"]', 'modifiers = ["advertised"]', {"modifiers": ["linear"]}),
        ("gpu-buffers", 'modifiers = ["implicit"]', 'modifiers = ["linear"]', {"modifiers": []}),
        ("popup-grab", "max-depth = 2", "max-depth = 1", {"max-depth": 1}),
        ("clipboard-in", 'skip-if = ["a/b"]', 'skip-if = ["c/d"]', {"skip-if": ["a/b", "c/d"]}),
        ("idle-inhibit", 'only = "visible"', 'only = "fullscreen"', {"only": "fullscreen"}),
        ("idle-inhibit", 'only = "fullscreen", max-duration = "1h"', 'only = "visible"', {"max-duration": 3600.0, "only": "fullscreen"}),
        ("idle-inhibit", 'max-duration = "1h"', 'max-duration = "30m"', {"max-duration": 1800.0}),
        ("pointer-confine", 'escape = "Super+F12"', 'escape = "Super+Escape"', {"escape": ["Super+Escape", "Super+F12"]}),
        ("focus-request", "", "needs-input-serial = true", {"needs-input-serial": True}),
        ("focus-request", "needs-input-serial = true", "needs-input-serial = false", {"needs-input-serial": True}),
    ],
)
def test_the_narrower_of_policy_and_ceiling_holds(tmp_path: Path, name: str, own: str, top: str, both: dict[str, Any]) -> None:
    ceiling = write(tmp_path, "ceiling", f'[permission]\n{name} = {{ {", ".join(filter(None, ["at-most = " + repr("allow"), top]))} }}\n')
    path = write(tmp_path, "p", f'[permission]\n{name} = {{ {", ".join(filter(None, ["verdict = " + repr("allow"), own]))} }}\n')
    assert compiled(load(path, str(ceiling)))["permissions"][name][2] == both


def test_a_list_without_a_layout_lets_none_pass(tmp_path: Path) -> None:
    """Not all of them, because it is empty."""
    rules = policy("zwp_linux_dmabuf_v1", permissions={"gpu-buffers": PermissionRule(ALLOW, LINE, {"modifiers": []})})
    scene = Scene(rules).announce(names=("zwp_linux_dmabuf_v1",)).bind("zwp_linux_dmabuf_v1", 3, version=3).forget()
    scene.event(3, "modifier", 1, 0, 0).guest_gets()


def test_a_count_is_the_lower_of_policy_and_ceiling_and_more_is_wider(tmp_path: Path) -> None:
    path = write(tmp_path, "p", "[global]\nwl_output = { max = 4, count = 2 }\nwl_seat = { max = 5, count = 3 }\nwl_shm = 1\n")
    top = write(tmp_path, "c", "[global]\nwl_output = { max = 4, count = 1 }\nwl_seat = 5\nwl_shm = { max = 1, count = 4 }\n")
    free, held = compiled(load(path)), compiled(load(path, str(top)))
    assert held["count"] == {"wl_output": 1, "wl_seat": 3, "wl_shm": 4}
    assert [(c.kind, c.key, c.before, c.after) for c in changes(held, free)] == [
        ("wider", "global.wl_output", "version 4, at most 1", "version 4, at most 2"),
        ("wider", "global.wl_shm", "version 1, at most 4", "version 1"),
    ]
    assert {c.kind for c in changes(free, held)} == {"tighter"}


def test_less_in_the_audit_log_is_wider_and_can_be_final(tmp_path: Path) -> None:
    write(tmp_path, "parent", 'final = ["audit.*"]\n[audit]\nrecord = "decisions"\n')
    assert compiled(load(write(tmp_path, "more", 'extends = "parent"\n[audit]\nrecord = "all"\n')))["record"] == "all"
    assert compiled(load(write(tmp_path, "same", 'extends = "parent"\n')))["record"] == "decisions"
    (finding,) = findings(write(tmp_path, "less", 'extends = "parent"\n[audit]\nrecord = "denied"\n'))
    assert (finding.code, finding.line) == ("final", 5)


def test_what_takes_windows_down_is_wider_and_inherited(tmp_path: Path) -> None:
    parent = compiled(load(write(tmp_path, "parent", 'early-destroy = "in-order"\n')))
    child = compiled(load(write(tmp_path, "child", 'extends = "parent"\n')))
    strict = compiled(load(write(tmp_path, "strict", 'extends = "parent"\nearly-destroy = "error"\n')))
    assert (parent["early-destroy"], child["early-destroy"], "early-destroy" in strict) == ("in-order", "in-order", False)
    assert [(change.kind, change.key) for change in changes(strict, child)] == [("wider", "early-destroy")]
    assert [(change.kind, change.key) for change in changes(child, strict)] == [("tighter", "early-destroy")]



def test_previews_are_the_youngest_file_s_word_and_stand_in_the_compiled_policy_where_there_are_some(tmp_path: Path) -> None:
    parent = compiled(load(write(tmp_path, "parent", '[audit]\npayload = "preview"\n')))
    child = compiled(load(write(tmp_path, "child", 'extends = "parent"\n')))
    never = compiled(load(write(tmp_path, "never", 'extends = "parent"\n[audit]\npayload = "never"\n')))
    assert (parent["payload"], child["payload"], "payload" in never) == ("preview", "preview", False)
    ((change),) = [c for c in changes(never, child) if c.key.startswith("audit")]
    assert (change.kind, change.key, change.before, change.after) == ("changed", "audit.payload", "never", "preview")


# the order of layers and files, whatever they say

whole_files = settings(deadline=None, max_examples=25)
SOME = ("wl_shm", "wl_seat", "zwlr_layer_shell_v1", "zwlr_gamma_control_manager_v1")
WILD = ("zwlr_*", "wl_s*", "zwlr_layer*", "wl_sh*")
lines_of_globals = st.dictionaries(st.sampled_from((*SOME, *WILD)), st.integers(1, 2), max_size=6).flatmap(
    lambda said: st.permutations(sorted(said.items()))
)


def global_lines(said: list[tuple[str, int]]) -> str:
    return "[global]\n" + "".join(f'"{name}" = {chr(34) + "hide" + chr(34) if "*" in name else number % 2 or 1}\n' for name, number in said)


@whole_files
@given(parent=lines_of_globals, child=lines_of_globals)
def test_an_exact_key_beats_a_wildcard_and_a_child_beats_its_parent(
    tmp_path_factory: pytest.TempPathFactory, parent: list[tuple[str, int]], child: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("globals")
    write(folder, "parent", global_lines(parent))
    allowed = load(write(folder, "child", 'extends = "parent"\n' + global_lines(child))).globals
    for name in SOME:
        wanted = "absent"
        for said in (parent, child):
            if name in dict(said):
                wanted = ALLOW
            elif any("*" in key and name.startswith(key[:-1]) for key, _ in said):
                wanted = "hide"
        assert (allowed[name].verdict if name in allowed else "absent") == wanted, (name, parent, child)


verdicts_of = st.dictionaries(st.sampled_from(("bell", "fullscreen", "clipboard-in", "gpu-buffers")), st.sampled_from((ALLOW, ASK, DENY)))


def permission_lines(said: dict[str, str]) -> str:
    return "[permission]\n" + "".join(f'{name} = "{verdict}"\n' for name, verdict in said.items())


@whole_files
@given(parent=verdicts_of, child=verdicts_of, top=verdicts_of)
def test_the_strictest_layer_decides_and_no_child_loosens_what_is_final(
    tmp_path_factory: pytest.TempPathFactory, parent: dict[str, str], child: dict[str, str], top: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("permissions")
    ceiling = write(folder, "ceiling", permission_lines(top))
    strict = (ALLOW, ASK, DENY).index
    own = {name: child.get(name, parent.get(name, DENY)) for name in {*parent, *child, *top}}
    write(folder, "parent", 'final = ["permission.*"]\n' + permission_lines(parent))
    path = write(folder, "child", 'extends = "parent"\n' + permission_lines(child))
    loosened = {name for name in own if strict(own[name]) < strict(parent.get(name, DENY))}
    if loosened:
        assert {finding.code for finding in findings(path)} == {"final"}
        assert {finding.line for finding in findings(path)} == {5 + list(child).index(name) for name in loosened}
        write(folder, "parent", permission_lines(parent))
    made = compiled(load(path, str(ceiling)))["permissions"]
    for name, verdict in own.items():
        assert made[name][0] == max(verdict, top.get(name, ALLOW), key=strict)


TYPES = st.lists(st.sampled_from(("a/b", "c/d", "e/f")), min_size=1, unique=True)


@whole_files
@given(parent=TYPES, child=TYPES)
def test_a_list_replaces_that_of_the_parent(tmp_path_factory: pytest.TempPathFactory, parent: list[str], child: list[str]) -> None:
    folder = tmp_path_factory.mktemp("lists")
    text = '[permission]\nclipboard-in = {{ verdict = "allow", mime = {} }}\n'
    write(folder, "parent", text.format(parent))
    path = write(folder, "child", 'extends = "parent"\n' + text.format(child))
    assert compiled(load(path))["permissions"]["clipboard-in"][2] == {"mime": sorted(child)}
