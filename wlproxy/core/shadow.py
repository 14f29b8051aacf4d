"""A second policy that is asked beside the one in force, and decides nothing.

Promises: a message costs nothing here where there is no shadow, or where the two say the same of it: which messages they can differ over
is settled when the policies are loaded (`attach`), and only those are looked at. What is compared is what each says by itself of a
message that has come: global and version, permission and message, demands on arguments. Rates, quotas, the parameters of permissions and
whatever else handlers decide are those of the policy in force, whatever its mode. What the shadow would not have let come to be is asked
about like anything else; what exists for the guest alone is not.
"""

from __future__ import annotations

from typing import Final

from .checks import REFUSING, Check
from .differences import STRICTER, WIDER, Difference
from .errors import PolicyViolation
from .message import Message
from .outcome import GUEST
from .tables import ALLOW, FULL, MessageRule, Tables
from .wire import DISPLAY_ID, IMPLEMENTATION

LIVED_BY: Final = ("wl_display", "wl_callback")  # no policy has rules for them
REGISTRY: Final = "wl_registry"
OF_GLOBALS: Final = ("bind", "global")
INTERFACE: Final = 1  # argument of both
VERSION: Final = 2


def attach(tables: Tables, shadow: Tables) -> None:
    """Has the judge look at the messages over which the two can differ."""
    tables.shadow = shadow
    for name, family in tables.families.items():
        other = shadow.families.get(name)
        if other is not None and name not in LIVED_BY:  # else nothing that the shadow announces leads there: that differs
            attach_rules(family.requests, other.requests)
            attach_rules(family.events, other.events)


def attach_rules(rules: list[MessageRule], others: list[MessageRule]) -> None:
    """Of one interface and one direction."""
    for rule, other in zip(rules, others, strict=False):
        if (rule.interface == REGISTRY and rule.name in OF_GLOBALS) or says(rule) != says(other):
            rule.shadow = other
            rule.kind = FULL


def says(rule: MessageRule) -> list[tuple[object, ...]]:
    """What of a rule can refuse a message."""
    return [meant(check) for check in rule.checks if check.operation in REFUSING] if rule.verdict == ALLOW else [()]


def meant(check: Check) -> tuple[object, ...]:
    """A check without its line."""
    return (check.argument, check.operation, int(check.number), tuple(sorted(check.values)), check.text)


def difference(tables: Tables, message: Message) -> Difference | None:
    """What there is between the policies over a message, before either has changed it."""
    shadow, rule, other = tables.shadow, message.rule, message.rule.shadow
    if shadow is None or other is None:
        return None
    if rule.interface == REGISTRY:
        return over_global(tables, shadow, message)
    mine, its = refusal(rule, message.args), refusal(other, message.args)
    if mine is None and its is not None:
        return told(STRICTER, shadow, message, "", its.reason, its.origin)
    if mine is not None and its is None:
        return told(WIDER, shadow, message, "", mine.reason, mine.origin)
    return None


def told(kind: str, shadow: Tables, message: Message, about: str, reason: str, rule: str) -> Difference:
    """The difference in words; `rule`: the line of the policy that refuses."""
    interface, name, object_id = message.rule.interface, message.rule.name, message.target.guest_id
    return Difference(kind, shadow.name, shadow.digest, message.side, interface, name, about, object_id, reason, rule)


def refusal(rule: MessageRule, args: list[object]) -> PolicyViolation | None:
    """What the rule has against a message with these arguments."""
    if rule.verdict != ALLOW:
        return PolicyViolation(DISPLAY_ID, IMPLEMENTATION, "not allowed by the policy", rule.origin)
    for check in rule.checks:
        if check.operation in REFUSING:
            try:
                check.apply(args[check.argument])
            except PolicyViolation as refused:
                return refused
    return None


def announced(tables: Tables, name: str) -> tuple[int, str]:
    """The version that a global has for guests, the compositor's or one that the proxy serves itself, and the line that says so."""
    return tables.globals.get(name) or tables.served.get(name) or (0, tables.name)


def over_global(tables: Tables, shadow: Tables, message: Message) -> Difference | None:
    """The bind of a global that the shadow would not have announced (so), or the announcement of one that only the shadow would pass on."""
    name, version = message.text(INTERFACE), message.number(VERSION)
    mine, origin = announced(tables, name)
    its, other = announced(shadow, name)
    least, most = (its, mine) if message.side == GUEST else (mine, its)
    wanted = min(version, most)
    if wanted <= least:
        return None
    reason = f"{name} at version {wanted}, and {least} at most is announced" if least else f"{name} is not announced"
    kind, rule = (STRICTER, other) if message.side == GUEST else (WIDER, origin)
    return told(kind, shadow, message, name, reason, rule)
