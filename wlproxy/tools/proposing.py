"""What a recorded program used, and the smallest policy over a base that gives it: the half of `wlproxy learn` that decides.

Promises: what is proposed is what was used, and nothing that the table of interfaces calls "never" for anybody; what was bound and left
alone is not proposed. The base's own rules keep their say. Trusts: nothing in the recording. Pure.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..core.outcome import GUEST
from ..core.protocol import NEW_ID, Interface
from ..policy.compile import global_names, reachable, vetted_version
from ..policy.decide import permission_verdict
from ..policy.document import printable
from ..policy.load_interface_table import CLASSES, Row, row_of
from ..policy.model import ALLOW, ASK, DENY, HIDE, NEVER, VIRTUAL, GlobalRule, Origin, Policy
from ..policy.permissions import OF_GLOBAL, OF_MESSAGE, PERMISSIONS, Key, everything
from ..sidecar.watch import recording
from ..sidecar.watch.stepping import ALLOWED, DENIED, ENDED, REWRITTEN, Step
from .replay import Decided, arguments

# what lets a guest reach further comes last, and is marked
RISKS: Final = (("low", "AB"), ("medium", "CEK"), ("high", "DF"), ("gravest", "GHIJ"))
REVIEW: Final = ("high", "gravest")
LEARNING: Final = Origin("learn")
INTERFACE, VERSION = 1, 2  # of wl_registry.bind
# A request of several permissions, where another message tells which one is meant.
DRAG_SEEN: Final = ("wl_data_device", "enter")
# What toolkits ask for each seat and each screen at their start, whether or not anything comes of it.
SETS_UP: Final = (
    ("zwp_linux_dmabuf_v1", "get_default_feedback"),
    ("zwp_linux_dmabuf_v1", "get_surface_feedback"),
    ("zwp_pointer_gestures_v1", "get_hold_gesture"),
    ("zwp_pointer_gestures_v1", "get_pinch_gesture"),
    ("zwp_pointer_gestures_v1", "get_swipe_gesture"),
    ("zwp_tablet_manager_v2", "get_tablet_seat"),
)
CLIPBOARD_IN, DRAG_IN, RECEIVE = "clipboard-in", "drag-in", ("wl_data_offer", "receive")


def is_never(row: Row | None) -> bool:
    """Whether the table says "never" to it, for any of the policies."""
    return row is not None and NEVER in (row.strict, row.desktop, row.trusted)


@dataclass(frozen=True, slots=True)
class Stage:
    """What a program is shown while it is watched: `policy` announces `real` globals of the host and `inert` ones of the proxy's own."""

    policy: Policy
    real: frozenset[str]
    inert: frozenset[str]


def staged(
    base: Policy, interfaces: Mapping[str, Interface], offered: Mapping[str, int], reviewed: Iterable[str], bait: bool = True
) -> Stage:
    """The base with everything a program may ask for: what the host has and may be proposed is let through, what may not be proposed
    or the host lacks is inert, or hidden without `bait`. `offered`: the host's globals; `reviewed`: those that some shipped policy
    opens."""
    known = set(global_names(interfaces))
    wanted = {name for name in (*reviewed, *OF_GLOBAL) if name in known}
    rules = dict(base.globals)
    real: set[str] = set()
    inert: set[str] = set()
    for name in sorted(known):
        row = row_of(name)
        if row is None or (name in rules and rules[name].verdict != HIDE):
            continue
        newest = vetted_version(interfaces[name])
        if name in wanted and name in offered and not is_never(row):
            rules[name] = GlobalRule(ALLOW, newest, LEARNING)
            real.add(name)
        elif bait and (name in wanted or row.name == name and is_never(row)) and not is_shell(name):
            rules[name] = GlobalRule(VIRTUAL, newest, LEARNING)
            inert.add(name)
    given = {name: rule for name, rule in base.permissions.items() if rule.verdict == ALLOW}  # with their parameters
    policy = replace(base, globals=rules, permissions={**everything(LEARNING), **given}, never={}, ceiling=None)
    return Stage(policy, frozenset(real), frozenset(inert))


def is_shell(name: str) -> bool:
    """A shell that a program might take instead of xdg_wm_base: with an inert one it would show nothing."""
    return "shell" in name and name != "zwlr_layer_shell_v1"


@dataclass(slots=True)
class Used:
    """What a program did. `bound`: global -> version; `requests` and `events`: how often; `refused`: (message, reason) -> how often."""

    bound: dict[str, int] = field(default_factory=dict)
    requests: Counter[Key] = field(default_factory=Counter)
    events: Counter[Key] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    clients: set[int] = field(default_factory=set)
    ended: list[str] = field(default_factory=list)
    shown: bool = False  # a buffer on a surface after a window had been made

    def see(self, _at: float, connection: int, step: Step) -> None:
        """One message."""
        self.clients.add(connection)
        if step.rule is None:
            return
        key = (step.interface, step.rule.name)
        if step.verdict in (DENIED, ENDED) and key != ("wl_registry", "bind"):
            self.refused[f"{key[0]}.{key[1]}", step.reason] += 1
        if step.verdict == ENDED or step.shape == "disconnect":
            self.ended.append(f"{key[0]}.{key[1]}: {step.reason}")
        if step.side != GUEST:
            self.events[key] += step.verdict in (ALLOWED, REWRITTEN)
            return
        self.requests[key] += 1
        if key == ("wl_registry", "bind"):
            args = arguments(step, step.message) or []
            if len(args) > VERSION:
                name = str(args[INTERFACE])
                self.bound[name] = max(self.bound.get(name, 0), int(str(args[VERSION])))
        elif key == ("wl_surface", "attach") and step.verdict in (ALLOWED, REWRITTEN):
            self.shown = self.shown or bool(self.requests["xdg_surface", "get_toplevel"])


def used_in(reader: recording.Reader) -> Used:
    """What a recording holds. Raises RecordingError."""
    found = Used()
    Decided(found.see).play(reader)
    return found


@dataclass(frozen=True, slots=True)
class Need:
    """One line of the proposal. `key`: a global or a permission; `value`: its version or verdict; `risk`: a letter of CLASSES."""

    table: str
    key: str
    value: str
    risk: str
    reason: str
    evidence: str

    @property
    def level(self) -> str:
        return next(level for level, classes in RISKS if self.risk in classes)


@dataclass(frozen=True, slots=True)
class Proposal:
    """`needs` by risk; `bait`: bound and never proposed; `unused`: bound and never used; `asks`: permissions that ask in the base."""

    base: str
    needs: tuple[Need, ...]
    bait: tuple[str, ...]
    unused: tuple[Need, ...]
    asks: tuple[str, ...]
    refused: tuple[tuple[str, str, int], ...]


def propose(base: Policy, stage: Stage, used: Used, interfaces: Mapping[str, Interface], caps: Mapping[str, int]) -> Proposal:
    """The smallest policy over the base for what was used. `caps`: the highest version that a shipped policy opens of a global."""
    needs: list[Need] = []
    bait: list[str] = []
    unused: list[Need] = []
    own = territories(interfaces)
    permissions: dict[str, list[str]] = {}
    for name, version in sorted(used.bound.items()):
        if name not in stage.real | stage.inert:
            asked = use_of(name, used, own[name], interfaces) if name in OF_GLOBAL and name in own else ""
            for permission in OF_GLOBAL[name] if asked else ():
                permissions.setdefault(permission, []).append(f"{name} {asked}")
            continue
        row = row_of(name)
        if row is None or is_never(row):
            bait.append(name)
            continue
        asked = use_of(name, used, own[name], interfaces)
        at_most = str(min(version, caps.get(name, version)))
        if not asked:
            unused.append(Need("global", name, at_most, row.risk or "I", row.reason, "not used"))
            continue
        needs.append(Need("global", name, at_most, row.risk or "I", row.reason, asked))
        for permission in OF_GLOBAL.get(name, ()):
            permissions.setdefault(permission, []).append(f"{name} {asked}")
    for key, count in sorted(used.requests.items()):
        for permission in meant(key, used):
            permissions.setdefault(permission, []).append(f"{key[0]}.{key[1]} {count}x")
    asks = []
    for name, evidence in permissions.items():
        verdict = permission_verdict(base, name).verdict
        if verdict == ASK:
            asks.append(name)
        elif verdict == DENY:
            said = PERMISSIONS[name]
            needs.append(Need("permission", name, ALLOW, said.risk, f"the guest may {said.grants}", ", ".join(evidence)))
    needs.sort(key=lambda need: ([level for level, _ in RISKS].index(need.level), need.table, need.key))
    # what a message of the base's globals had to be refused for, though every permission was given
    refused = tuple((message, reason, count) for (message, reason), count in used.refused.most_common())
    return Proposal(base.name, tuple(needs), tuple(bait), tuple(unused), tuple(sorted(asks)), refused)


def use_of(name: str, used: Used, own: frozenset[str], interfaces: Mapping[str, Interface]) -> str:
    """What a program made of a global, "" for nothing that matters: toolkits bind what they know and make one object for each seat, which
    is no use yet. `own`: the interfaces that are reached by way of this global alone."""
    said = []
    for (owner, message_name), count in sorted(used.requests.items()):
        if owner not in own or (owner, message_name) in SETS_UP:
            continue
        message = next(m for m in interfaces[owner].requests if m.name == message_name)
        made = [interfaces[a.interface] for a in message.arguments if a.type == NEW_ID and a.interface in own]
        later = owner == name and any(not m.destructor for child in made for m in child.requests)
        if not message.destructor and (not later or (owner, message_name) in OF_MESSAGE):
            said.append(f"{message_name} {count}x")
    return ", ".join(said)


def territories(interfaces: Mapping[str, Interface]) -> dict[str, frozenset[str]]:
    """By global: itself and the interfaces that no other global leads to."""
    reached = {name: reachable([name], interfaces) for name in global_names(interfaces)}
    times = Counter(interface for found in reached.values() for interface in found)
    return {name: frozenset({name} | {i for i in found if times[i] == 1}) for name, found in reached.items()}


def meant(key: Key, used: Used) -> tuple[str, ...]:
    """The permissions that a request shows a need of."""
    covering = OF_MESSAGE.get(key, ())
    if len(covering) < 2:
        return covering
    if key == RECEIVE:
        return (DRAG_IN,) if used.events[DRAG_SEEN] else (CLIPBOARD_IN,)
    return ()  # a source that was only made: the request that uses it says for what


def toml(proposal: Proposal, name: str, extends: str, command: str, seconds: float) -> str:
    """The policy file. `extends`: the base's name, or its path."""
    counts = Counter(need.level for need in proposal.needs)
    said = ", ".join(f"{counts[level]} {level}" for level, _ in RISKS if counts[level]) or "nothing"
    lines = [
        f"# Proposed by `wlproxy learn` after {seconds:.0f} s of: {plain(command)}",
        f"# Beyond {proposal.base}: {said}. Read what is marked review before a guest that you do not trust gets it.",
        "",
        "format  = 1",
        f'name    = "{name}"',
        f'summary = "What {name} used, beyond {proposal.base}."',
        f"extends = {json.dumps(extends)}",
    ]
    for table in ("global", "permission"):
        rows = [need for need in proposal.needs if need.table == table]
        if rows:
            lines += ["", f"[{table}]"]
        level = ""
        for need in rows:
            if need.level != level:
                level = need.level
                lines.append(f"# risk: {level}")
            value = need.value if table == "global" else f'"{need.value}"'
            mark = "review: " if level in REVIEW else ""
            why = f"{need.reason} (class {need.risk}, {CLASSES[need.risk]}; {need.evidence})"
            lines.append(f"{need.key} = {value}  # {mark}{plain(why)}")
    if proposal.unused:
        lines += ["", "# Bound, or set up for each seat as toolkits do, and not used while it was watched. Move up what you need:"]
        for need in proposal.unused:
            with_it = "".join(f'  [permission] {name} = "allow"' for name in OF_GLOBAL.get(need.key, ()))
            lines.append(f"#   [global] {need.key} = {need.value}{with_it}  (class {need.risk}, {CLASSES[need.risk]})")
    for title, names in (
        (f"Used, and asked for in {proposal.base} already", proposal.asks),
        ("Bait that was taken; never proposed", proposal.bait),
    ):
        if names:
            lines += ["", f"# {title}:", *(f"#   {item}" for item in names)]
    if proposal.refused:
        lines += ["", f"# Refused by rules of {proposal.base} that no permission lifts:"]
        lines += [f"#   {count}x {plain(message)}: {plain(reason)}" for message, reason, count in proposal.refused]
    return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    """One line for a comment."""
    return printable(text.replace("\n", " "))[:200]


def as_json(proposal: Proposal) -> dict[str, Any]:
    """For programs."""
    return {
        "base": proposal.base,
        "needs": [
            {"table": n.table, "key": n.key, "value": n.value, "class": n.risk, "level": n.level, "evidence": n.evidence}
            for n in proposal.needs
        ],
        "bait": list(proposal.bait),
        "unused": [need.key for need in proposal.unused],
        "asks": list(proposal.asks),
        "refused": [{"message": message, "reason": reason, "count": count} for message, reason, count in proposal.refused],
    }
