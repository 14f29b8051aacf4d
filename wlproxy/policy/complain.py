"""What a policy comes to while it only complains: `mode = "complain"`.

Promises: one engine, asked twice. The policy is compiled as it stands, and once more as `loosened` has it: every permission given, every
message allowed, no demand on an argument that would refuse it. What differs is marked as giving way, and nothing else is. So what is
not the policy's own to say never gives way: floor and ceiling (decide.py puts them above either), enums of the protocol, rates and
quotas, the kinds of descriptors, what cleans or rewrites a text, and the parameters of permissions, the ceiling's included.
Globals do not change: those that the policy hides stay hidden, because a program that finds one more global binds it, goes another way and
asks for things that nobody would have seen it ask for otherwise; and one that it has bound could not be taken back. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Final

from .model import ALLOW, MessageRule, Origin, PermissionRule, Policy, Predicate
from .permissions import PERMISSIONS
from .read_mode import as_text

COMPLAIN: Final = "complain"  # the key of a compiled policy: {"until": seconds of the epoch, "permissions": those that give way}
GIVES_WAY: Final = "complains"  # of a decision: 1; of a check: a fifth item, 1


def loosened(policy: Policy, announced: Collection[str]) -> Policy:
    """The policy without what it refuses by its permissions, messages and arguments. `announced`: the globals that it announces."""
    permissions = {name: given(policy.permissions.get(name), policy.origin) for name in PERMISSIONS}
    messages = {key: allowed(rule) for key, rule in policy.messages.items()}
    globals_ = {name: rule for name, rule in policy.globals.items() if name in announced}
    return replace(policy, globals=globals_, permissions=permissions, messages=messages, until=0)


def given(rule: PermissionRule | None, origin: Origin) -> PermissionRule:
    """The permission with what bounds it."""
    return PermissionRule(ALLOW, origin) if rule is None else replace(rule, verdict=ALLOW)


def allowed(rule: MessageRule) -> MessageRule:
    """The rule without a refusal, but for its rate."""
    return replace(rule, verdict=ALLOW, args={name: harmless(demand) for name, demand in rule.args.items()})


def harmless(demand: Predicate) -> Predicate:
    """What of a demand changes a value, and what is asked of a descriptor."""
    kept = replace(demand, minimum=None, maximum=None, values=None, null=False)
    return kept if demand.sanitize else replace(kept, charset="", max_bytes=None)


def marked(strict: dict[str, Any], loose: Mapping[str, Any], until: int) -> None:
    """Puts into the compiled policy what of it gives way until then."""
    permissions = [name for name, entry in strict["permissions"].items() if entry[0] != ALLOW and loose["permissions"][name][0] == ALLOW]
    for name in permissions:
        strict["permissions"][name][2] = loose["permissions"][name][2]
    strict[COMPLAIN] = {"until": until, "permissions": permissions}
    for name, entry in strict["interfaces"].items():
        for side in ("requests", "events"):
            for message, other in zip(entry[side], loose["interfaces"][name][side], strict=True):
                message[4] = both(message[4], other[4])


def both(strict: dict[str, Any] | None, loose: dict[str, Any] | None) -> dict[str, Any] | None:
    """One decision out of two."""
    if strict is None:
        return None
    milder = loose or {}
    if strict.get("verdict", ALLOW) != ALLOW:
        if milder.get("verdict", ALLOW) != ALLOW:
            return strict
        return strict | {key: milder[key] for key in ("checks", "rate", "shape") if key in milder} | {GIVES_WAY: 1}
    held = [check[:3] for check in milder.get("checks", [])]
    own = [check[:3] for check in strict["checks"]]
    checks = [check if check[:3] in held else [*check, 1] for check in strict["checks"]]
    checks += [check for check in milder.get("checks", []) if check[:3] not in own]
    return strict | {"checks": checks}


def let_through(compiled: Mapping[str, Any]) -> dict[str, Any]:
    """A compiled policy as if it said what it lets through: what gives way is allowed, and nothing complains any more. The same where it
    enforces."""
    told = compiled.get(COMPLAIN)
    if told is None:
        return dict(compiled)
    plain = {key: value for key, value in compiled.items() if key != COMPLAIN}
    plain["permissions"] = {
        name: [ALLOW if name in told["permissions"] else verdict, origin, said]
        for name, (verdict, origin, said) in compiled["permissions"].items()
    }
    plain["interfaces"] = {
        name: {
            "version": entry["version"],
            **{side: [[*message[:4], softened(message[4])] for message in entry[side]] for side in ("requests", "events")},
        }
        for name, entry in compiled["interfaces"].items()
    }
    return plain


def as_of(compiled: Mapping[str, Any], now: float) -> dict[str, Any]:
    """What a compiled policy comes to at a moment (seconds of the epoch): past its own it enforces, under the hash that it has."""
    told = compiled.get(COMPLAIN)
    if told is None or told["until"] > now:
        return dict(compiled)
    plain = {key: value for key, value in compiled.items() if key != COMPLAIN}
    plain["interfaces"] = {
        name: {
            "version": entry["version"],
            **{side: [[*message[:4], unmarked(message[4])] for message in entry[side]] for side in ("requests", "events")},
        }
        for name, entry in compiled["interfaces"].items()
    }
    return plain


def unmarked(decision: dict[str, Any] | None) -> dict[str, Any] | None:
    """The decision, in which nothing gives way."""
    if decision is None:
        return None
    plain = {key: value for key, value in decision.items() if key != GIVES_WAY}
    return plain | {"checks": [check[:4] for check in decision["checks"]]} if "checks" in decision else plain


def words_of(compiled: Mapping[str, Any]) -> str:
    """What is to stand behind the name of a policy that only complains, "" where it enforces."""
    return f", only complaining until {as_text(compiled[COMPLAIN]['until'])}" if COMPLAIN in compiled else ""


def softened(decision: dict[str, Any] | None) -> dict[str, Any] | None:
    """The decision without what gives way."""
    if decision is None:
        return None
    if decision.get("verdict", ALLOW) != ALLOW and not decision.get(GIVES_WAY):
        return decision
    kept = {key: value for key, value in decision.items() if key not in ("verdict", "ask", GIVES_WAY)}
    kept["checks"] = [check for check in decision.get("checks", []) if len(check) == 4]
    return kept | ({"verdict": ALLOW} if "rate" in kept else {})

