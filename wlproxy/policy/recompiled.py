"""What a compiled policy gives that a floor and a ceiling do not, though they may be younger than it.

Promises: exact: the policy's globals and permissions are compiled again, with and without the two (compile.py, which is what a policy in
TOML goes through), and every difference is told. A compiled policy can be explained as well, down to the argument: what its checks were
made of is read back from them. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..core import checks
from ..core.compact import LETTERS
from ..core.protocol import FIXED, Interface
from .compare import changes
from .compile import compile_policy
from .complain import COMPLAIN
from .decide import BUILT_IN, permission_step
from .model import ALLOW, ASK, DENY, VIRTUAL, Ceiling, GlobalRule, MessageRule, Origin, PermissionRule, Policy, Predicate
from .permissions import OF_MESSAGE


def beyond(
    compiled: Mapping[str, Any], interfaces: Mapping[str, Interface], never: Mapping[str, str], ceiling: Ceiling | None
) -> list[tuple[str, str]]:
    """Key and reason of each thing that is given in excess."""
    if COMPLAIN in compiled and ceiling is not None and ceiling.enforces:
        return [("mode", f"the ceiling ({ceiling.origin}) makes it enforce")]
    if compiled["names"] == "keep":
        return [] if ceiling is None else [("transparent", f"it has a ceiling, {ceiling.origin}")]
    strange = [name for name in (*compiled["globals"], *compiled.get("served", {})) if name not in interfaces]
    if strange:
        return [(f"global.{name}", "it is not in the protocol data of this wlproxy") for name in strange]
    policy = as_policy(compiled)
    own = compile_policy(policy, interfaces)
    held = compile_policy(replace(policy, never=dict(never), ceiling=ceiling), interfaces)
    found = [
        (change.key, f"{said_by(change.key, never, ceiling)} makes it {change.before}, not {change.after}")
        for change in changes(held, own)
        if change.key.partition(".")[0] in ("global", "permission")
    ]
    return found + yielding(compiled, held, ceiling)


def yielding(compiled: Mapping[str, Any], held: Mapping[str, Any], ceiling: Ceiling | None) -> list[tuple[str, str]]:
    """Permissions that a policy which only complains lets be used, past a ceiling that is younger than it, or beyond what that bounds."""
    found = []
    for name in compiled.get(COMPLAIN, {}).get("permissions", []):
        holds = name not in held[COMPLAIN]["permissions"]
        if holds or held["permissions"][name][2] != compiled["permissions"][name][2]:
            key, does = f"permission.{name}", "holds" if holds else "bounds"
            found.append((key, f"{said_by(key, {}, ceiling)} {does} it, where the policy only complains"))
    return found


def as_policy(compiled: Mapping[str, Any]) -> Policy:
    """Globals and permissions of a compiled policy, as if a file had said them."""
    virtual, counts = compiled.get("virtual", {}), compiled.get("count", {})
    rules = {
        name: GlobalRule(ALLOW, version, Origin(origin), tuple(virtual.get(name, ())), counts.get(name, 0))
        for name, (version, origin) in compiled["globals"].items()
    }
    rules |= {name: GlobalRule(VIRTUAL, version, Origin(origin)) for name, (version, origin) in compiled.get("served", {}).items()}
    given = {
        name: PermissionRule(verdict, Origin(origin), dict(said))
        for name, (verdict, origin, said) in compiled.get("permissions", {}).items()
    }
    return Policy(compiled["name"], globals=rules, permissions=given, until=compiled.get(COMPLAIN, {}).get("until", 0))


def explainable(compiled: Mapping[str, Any], never: Mapping[str, str], ceiling: Ceiling | None) -> Policy:
    """The same with the rules for messages, under the floor and a ceiling."""
    policy = as_policy(compiled)
    if compiled["names"] == "keep":
        return replace(policy, globals={}, permissions={}, transparent=True)
    rules: dict[tuple[str, str], MessageRule] = {}
    for name, entry in compiled["interfaces"].items():
        for message, _, _, arguments, decision in (*entry["requests"], *entry["events"]):
            told = decision or {}
            covering = OF_MESSAGE.get((name, message), ())
            if covering and permission_step(policy, covering).verdict != ALLOW:
                continue
            origin, demands = told.get("origin", ""), predicates(arguments, told.get("checks", []))
            if not demands and (not origin or origin.startswith(BUILT_IN)):
                continue  # no file says anything of it
            allowed = told.get("verdict", ALLOW) == ALLOW
            verdict = ALLOW if allowed else ASK if told.get("ask") else DENY
            rules[name, message] = MessageRule(verdict, "" if allowed else told["verdict"], demands, place(origin))
    return replace(policy, messages=rules, never=dict(never), ceiling=ceiling)


def predicates(arguments: list[str], checked: list[list[Any]]) -> dict[str, Predicate]:
    """What the policy demands of each argument, by name: the checks that come from a line of it, but for what it rewrites."""
    found: dict[str, Predicate] = {}
    for index, operation, value, origin in (check[:4] for check in checked):
        if origin.startswith(BUILT_IN) or operation == checks.REWRITE:
            continue
        name, _, kind = arguments[index].partition(" ")
        demand = found.get(name, Predicate(origin=place(origin)))
        number = value / 256 if isinstance(value, int) and kind[0] == LETTERS[FIXED] else value
        found[name] = {
            checks.NULL: replace(demand, null=True),
            checks.KIND: replace(demand, kind=value),
            checks.MIN: replace(demand, minimum=number),
            checks.MAX: replace(demand, maximum=number),
            checks.IN: replace(demand, values=tuple(value) if isinstance(value, list) else None),
            checks.PLAIN: replace(demand, sanitize=value),
            checks.CHARSET: replace(demand, charset=value),
            checks.TRANSLATE: replace(demand, charset=value),
            checks.MAX_BYTES: replace(demand, max_bytes=value),
            checks.CUT: replace(demand, max_bytes=value),
        }.get(operation, demand)
    return found


def place(origin: str) -> Origin:
    """The line of a file that a text names."""
    file, colon, line = origin.rpartition(":")
    return Origin(file, int(line)) if colon and line.isdecimal() else Origin(origin)


def said_by(key: str, never: Mapping[str, str], ceiling: Ceiling | None) -> str:
    """Who says no to a key."""
    table, _, name = key.partition(".")
    if table == "global" and name in never:
        return f"the floor ({never[name]})"
    rules: Mapping[str, GlobalRule | PermissionRule] = {}
    if ceiling is not None:
        rules = ceiling.globals if table == "global" else ceiling.permissions
    return f"the ceiling ({rules[name].origin})" if name in rules else "the ceiling"
