"""What is odd about a valid policy: rules that decide nothing, powers that are hidden under one name and open under another.

Promises: each finding names the line and what would mend it; none of them keeps a policy from running. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..core.errors import ConfigError
from ..core.protocol import Interface
from .compile import legal_shapes, vetted_version
from .decide import permission_step, permission_verdict
from .document import Document
from .model import ALLOW, ASK, DENY, HIDE, IGNORE, Policy
from .permissions import OF_GLOBAL, OF_MESSAGE, PERMISSIONS
from .reach import SIDES, holdings
from .read_mode import COMPLAIN, MODE, OVER, as_text

CONTEXT: Final = "security-context"
MANAGER: Final = "wp_security_context_manager_v1"
WINDOW: Final = "xdg_toplevel"
LABELS: Final = {"title": "[GUEST] {title}", "app-id": "vm.GUEST.{app_id}"}  # by key of [rewrite]
MISSED: Final = ("wl_data_device_manager",)  # without it GTK serves no keyboard
BASE: Final = "A"  # the class of what every program needs
# One power under several names: a policy that hides one of a row and allows another has probably forgotten something.
TWINS: Final[tuple[tuple[str, ...], ...]] = (
    ("ext_data_control_manager_v1", "zwlr_data_control_manager_v1"),
    ("zwp_primary_selection_device_manager_v1", "gtk_primary_selection_device_manager"),
    ("zwlr_screencopy_manager_v1", "ext_output_image_capture_source_manager_v1", "weston_capture_v1", "zwlr_export_dmabuf_manager_v1"),
    ("ext_foreign_toplevel_image_capture_source_manager_v1", "hyprland_toplevel_export_manager_v1"),
    ("zwlr_output_power_manager_v1", "org_kde_kwin_dpms_manager"),
    ("zwlr_gamma_control_manager_v1", "hyprland_ctm_control_manager_v1"),
    ("zxdg_exporter_v1", "zxdg_exporter_v2"),
    ("zxdg_importer_v1", "zxdg_importer_v2"),
    ("ext_foreign_toplevel_list_v1", "zwlr_foreign_toplevel_manager_v1"),
    ("ext_idle_notifier_v1", "org_kde_kwin_idle"),
    ("zwp_text_input_manager_v1", "zwp_text_input_manager_v3"),
    ("zwlr_output_manager_v1", "kde_output_management_v2", "org_kde_kwin_outputmanagement"),
)
# A toolkit that is not heard here waits for ever or loses its place: refuse by disconnecting, or not at all.
UNSAFE_TO_IGNORE: Final = frozenset(
    {
        ("wl_surface", name) for name in ("attach", "commit", "damage", "damage_buffer", "frame")
    }
    | {("xdg_surface", "ack_configure"), ("xdg_wm_base", "pong"), ("wl_display", "sync"), ("wl_display", "get_registry")}
    | {("wl_shm_pool", "resize"), ("wl_registry", "bind"), ("zwp_linux_buffer_params_v1", "add")}
    | {("xdg_surface", "configure"), ("xdg_wm_base", "ping"), ("wl_buffer", "release"), ("wl_callback", "done")}
)


def lint(
    chain: list[Document],
    policy: Policy,
    compiled: Mapping[str, Any],
    interfaces: Mapping[str, Interface],
    risk_of: Callable[[str], str],
) -> list[ConfigError]:
    """Warnings about a policy that compiles, in the order of its lines. `risk_of`: the class of a global, "" where it has none."""
    if policy.transparent:
        last = chain[-1]
        return [last.finding(("transparent",), "transparent", "everything passes: for tests, never for a guest", "warning")]
    youngest = chain[-1]
    found = [*only_complains(youngest, policy), *permissions_without_use(youngest, policy, compiled)]
    found += globals_without_permission(youngest, policy)
    found += globals_without_use(youngest, policy, compiled, risk_of)
    found += windows_without_label(youngest, policy, compiled)
    found += [*messages_without_use(youngest, policy, compiled, interfaces), *twins(youngest, policy, compiled)]
    return sorted([*youngest.warnings, *found], key=lambda finding: (finding.line, finding.column))


def only_complains(document: Document, policy: Policy) -> list[ConfigError]:
    """That it does, where it does still."""
    if not policy.until or any(warning.code == OVER for warning in document.warnings):
        return []
    text = f"until {as_text(policy.until)} what this policy refuses passes, but for hidden globals and quotas, and is only written down"
    return [document.finding((MODE,), COMPLAIN, text, "warning")]


def permissions_without_use(document: Document, policy: Policy, compiled: Mapping[str, Any]) -> list[ConfigError]:
    """Permissions that are given, though nothing of what they cover can be reached; and those that ask, as nobody is asked yet."""
    found = []
    for name in document.table("permission"):
        rule = policy.permissions.get(name)
        if rule is None or rule.verdict == DENY:
            continue
        path = ("permission", name)
        step = permission_verdict(policy, name)
        if not covers_something(name, policy, compiled):
            covered = PERMISSIONS[name]
            needs = ", ".join(covered.globals or sorted({interface for interface, _ in covered.messages}))
            text = f"'{name}' is given, but nothing that it covers can be reached  (it covers: {needs})"
            found.append(document.finding(path, "dead-permission", text, "warning"))
        elif step.verdict != rule.verdict:
            text = f"the ceiling of this host makes '{name}' {step.verdict}: {step.origin}"
            found.append(document.finding(path, "ceiling", text, "warning"))
        elif step.verdict == ASK:
            text = f"'{name}' asks, and there is nobody to ask yet: until there is, the answer is no"
            found.append(document.finding(path, "nobody-to-ask", text, "warning"))
    return found


def covers_something(name: str, policy: Policy, compiled: Mapping[str, Any]) -> bool:
    """Whether a permission decides about anything that the policy speaks of, be it hidden by the permission itself."""
    covered = PERMISSIONS[name]
    if any(interface in compiled["interfaces"] for interface, _ in covered.messages):
        return True
    rules = [policy.globals.get(interface) for interface in covered.globals]
    return any(rule is not None and rule.verdict != HIDE for rule in rules)


def globals_without_permission(document: Document, policy: Policy) -> list[ConfigError]:
    """Globals that are allowed and hidden all the same, by their permission."""
    found = []
    for name in document.table("global"):
        rule = policy.globals.get(name)
        covering = OF_GLOBAL.get(name, ())
        if rule is None or rule.verdict != ALLOW or not covering:
            continue
        step = permission_step(policy, covering)
        if step.verdict not in (ALLOW, ASK):
            text = f"{name} is allowed here and hidden all the same: permission {' or '.join(covering)} is {step.verdict}"
            found.append(document.finding(("global", name), "hidden-by-permission", text, "warning"))
    return found


def globals_without_use(
    document: Document, policy: Policy, compiled: Mapping[str, Any], risk_of: Callable[[str], str]
) -> list[ConfigError]:
    """Globals that are announced, while each permission for what they are there for is denied: programs see them, and get nothing."""
    found = []
    for name in document.table("global"):
        if name not in compiled["globals"] or OF_GLOBAL.get(name) or risk_of(name) == BASE or name in MISSED:
            continue
        below = reached_from(name, compiled) - reached_from("", compiled, name)
        names = sorted({p for (interface, _), by in OF_MESSAGE.items() if interface in below for p in by})
        if names and all(permission_verdict(policy, p).verdict == DENY for p in names):
            text = f"{name} is announced, and all that it is for is denied: permission {', '.join(names)}"
            found.append(document.finding(("global", name), "denied-in-use", text, "warning"))
    return found


def windows_without_label(document: Document, policy: Policy, compiled: Mapping[str, Any]) -> list[ConfigError]:
    """Windows that nothing tells from those of the host's own programs."""
    if WINDOW not in compiled["interfaces"] or "xdg_wm_base" not in document.table("global"):
        return []
    missing = [key for key in LABELS if key not in policy.rewrites]
    if not missing:
        return []
    guest = "${vm}" if "vm" in policy.variables else policy.name
    advice = ", ".join(f'{key} = "{LABELS[key]}"'.replace("GUEST", guest) for key in missing)
    text = f"the {' and the '.join(missing)} of a window are what the guest says, be it another program's: under [rewrite], {advice}"
    return [document.finding(("global", "xdg_wm_base"), "unlabelled", text, "note")]


def reached_from(name: str, compiled: Mapping[str, Any], but: str = "") -> set[str]:
    """The interfaces that a global leads to; with "" all globals, except the one of `but`."""
    todo = [name] if name else [other for other in compiled["globals"] if other != but]
    found: set[str] = set()
    while todo:
        interface = todo.pop()
        if interface in found:
            continue
        found.add(interface)
        for side in SIDES:
            for message in compiled["interfaces"][interface][side]:
                made = [text.partition(" n:")[2] for text in message[3]]
                todo += [other for other in made if other]
    return found


def messages_without_use(
    document: Document, policy: Policy, compiled: Mapping[str, Any], interfaces: Mapping[str, Interface]
) -> list[ConfigError]:
    """Rules that no message can reach, that another layer overrules, or that leave out what toolkits wait for."""
    found = []
    held = holdings(compiled)
    for owner, table in document.table("message").items():
        if owner not in compiled["interfaces"]:
            text = f"no global of this policy leads to a {owner}: the rules for it decide nothing"
            found.append(document.finding(("message", owner), "unreachable", text, "warning"))
            continue
        requests = {message.name for message in interfaces[owner].requests}
        messages = {message.name: message for message in (*interfaces[owner].requests, *interfaces[owner].events)}
        for name in table:
            rule, path = policy.messages.get((owner, name)), ("message", owner, name)
            if rule is None:
                continue
            version = held[owner].version if owner in held else 0
            if version and messages[name].since > version:
                text = f"{owner}.{name} is new in version {messages[name].since}, and this policy has {owner} at most at version {version}"
                found.append(document.finding(path, "unreachable", f"{text}: the rule decides nothing", "warning"))
                continue
            covering = OF_MESSAGE.get((owner, name), ())
            step = permission_step(policy, covering) if covering else None
            if rule.verdict == ALLOW and step is not None and step.verdict not in (ALLOW, ASK):
                text = f"{owner}.{name} is allowed here and refused all the same: permission {' or '.join(covering)} is {step.verdict}"
                found.append(document.finding(path, "hidden-by-permission", text, "warning"))
            if rule.verdict != ALLOW and rule.deny_as == IGNORE and (owner, name) in UNSAFE_TO_IGNORE:
                can = ", ".join(shape for shape in legal_shapes(owner, messages[name], name in requests) if shape != IGNORE)
                text = f"programs wait for ever where {owner}.{name} is left out without a word  (it can be refused by: {can})"
                found.append(document.finding(path, "unsafe-to-ignore", text, "warning"))
            if rule.verdict == ASK:
                text = f"{owner}.{name} asks, and there is nobody to ask yet: until there is, the answer is no"
                found.append(document.finding(path, "nobody-to-ask", text, "warning"))
    return found


def twins(document: Document, policy: Policy, compiled: Mapping[str, Any]) -> list[ConfigError]:
    """Powers that are allowed under one name and not under another, where the file speaks of either."""
    found = []
    for row in TWINS:
        allowed = [name for name in row if name in compiled["globals"]]
        said = [name for name in row if name in document.table("global")]
        hidden = [name for name in row if name in policy.globals and name not in compiled["globals"] and name not in compiled["served"]]
        if allowed and hidden and said:
            text = f"{', '.join(allowed)} is allowed and {', '.join(hidden)} is not, though both give the same power"
            found.append(document.finding(("global", said[0]), "twins", text, "warning"))
    return found


def lacking(
    chain: list[Document],
    policy: Policy,
    compiled: Mapping[str, Any],
    interfaces: Mapping[str, Interface],
    offered: Mapping[str, int],
    risk_of: Callable[[str], str],
) -> list[ConfigError]:
    """What the policy allows and a compositor with these globals (by version) does not have; and what has come to it since the policy was
    written: what it has that the policy does not name, newer versions, and what nobody has reviewed."""
    found = []
    if compiled["upstream"].get(CONTEXT) == "require" and MANAGER not in offered:
        document = next((d for d in reversed(chain) if d.has(("upstream", CONTEXT))), chain[-1])
        text = f"the compositor has no security contexts ({MANAGER}), and this policy requires one: no guest would be served"
        found.append(document.finding(("upstream", CONTEXT), "impossible", text, "error"))
    for name, (version, _) in compiled["globals"].items():
        document = next((d for d in reversed(chain) if name in d.table("global")), chain[-1])
        path = ("global", name)
        if name not in offered:
            if not policy.transparent:
                found.append(document.finding(path, "not-offered", f"the compositor has no {name}: guests will do without", "warning"))
        elif offered[name] < version:
            text = f"the compositor has {name} at version {offered[name]}, the policy allows {version}"
            found.append(document.finding(path, "older", text, "note"))
    since = drift(chain, policy, compiled, interfaces, offered, risk_of)
    if since.newer:
        words = ", ".join(f"{name} {now} (policy: {was})" for name, (was, now) in since.newer.items())
        text = f"the compositor has newer versions that wlproxy can vet: {words}"
        found.append(ConfigError(chain[-1].name, 0, 0, text, "", "newer", severity="note"))
    if since.new:
        risks = sorted({risk_of(name) for name in since.new})
        listed = "; ".join(f"{risk} {', '.join(name for name in since.new if risk_of(name) == risk)}" for risk in risks)
        text = f"the compositor has globals that this policy does not name ({len(since.new)}), all hidden, by class of risk: {listed}"
        hint = 'to have seen one: NAME = "hide" under [global]'
        found.append(ConfigError(chain[-1].name, 0, 0, text, hint, "not-named", severity="note"))
    if since.unknown:
        text = f"the compositor has globals that nobody has reviewed, all hidden: {', '.join(since.unknown)}"
        found.append(ConfigError(chain[-1].name, 0, 0, text, "", "unreviewed", severity="note"))
    return found


@dataclass(frozen=True, slots=True)
class Drift:
    """What a compositor has that a policy was not written for. `newer`: version allowed, and the one to be had, by global; `new`: globals
    that the policy does not name; `unknown`: those that the table of interfaces does not know either."""

    newer: dict[str, tuple[int, int]]
    new: list[str]
    unknown: list[str]


def drift(
    chain: list[Document],
    policy: Policy,
    compiled: Mapping[str, Any],
    interfaces: Mapping[str, Interface],
    offered: Mapping[str, int],
    risk_of: Callable[[str], str],
) -> Drift:
    """All of it is hidden from guests; what no policy may have is left out."""
    newer = {}
    for name, (version, _) in compiled["globals"].items():
        now = min(offered.get(name, 0), vetted_version(interfaces[name]))
        if now > version:
            newer[name] = (version, now)
    unknown = sorted(name for name in offered if not risk_of(name))
    reviewed = {*unknown, *policy.never, *compiled["globals"]}
    new = sorted(name for name in offered if name not in reviewed and not named(name, chain))
    return Drift(newer, [] if policy.transparent else new, unknown)


def named(name: str, chain: list[Document]) -> bool:
    """Whether a file of the chain speaks of a global, be it by the beginning of its name."""
    keys = [key for document in chain for key in document.table("global")]
    return any(name.startswith(key[:-1]) if key.endswith("*") else name == key for key in keys)
