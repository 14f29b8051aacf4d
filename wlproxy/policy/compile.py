"""From a checked policy and the protocol data to the compiled policy: one canonical value, nothing left implicit.

Promises: the default is "no" (decide.py). An interface that the policy does not name is not in `globals`, so it is neither announced nor
bindable; what an allowed global brings with it is exactly what its XML lets it create; messages newer than the version allowed,
values outside their enum and bits outside their bitfield are refused. The same policy and data give the same bytes.
Trusts: the policy model (checked by load.py), the protocol data (checked by protocol_xml.py).

The form, JSON-able, read by core/tables.py:
    {"format": 1, "name", "summary", "sha256", "names": "renumber" | "keep",
     "globals": {interface: [max version, origin]}, "served": {the same, announced by the proxy itself}, "quota": {name: [amount, origin]},
     "virtual": {global: [part]}, "count": {global: so many at most}, "shm-unsealable": "copy" | "refuse",
     "upstream": {key of [upstream]: text}, "record": "denied" | "decisions" | "all",
     "payload": "preview", where [audit] says so, "early-destroy": "in-order", where that is taken down,
     "permissions": {name: [verdict, origin, {parameter: value}]},
     "complain": {"until": seconds of the epoch, "permissions": [those that give way]}, where it does not enforce (complain.py),
     "interfaces": {name: {"version", "requests": [message], "events": [message]}}}
    message = [name, since, destructor 0|1, ["argument type?:interface"],
               null | {"verdict", "origin", "checks", "rate", "ask", "complains": 1 where it gives way}]
    check = [argument index, operation, value, origin] and 1 where it gives way
    rate = [a second, at once]; ask = the user would be asked, if there were whom to ask
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..core import checks
from ..core.compact import LETTERS
from ..core.outcome import PREVIEW
from ..core.protocol import FD, FIXED, NEW_ID, OBJECT, Argument, Enum, Interface, Message, enum_of
from ..handlers.ghosts import ANSWERS
from .complain import loosened, marked
from .decide import GLOBAL, allowed_version, capped, global_steps, message_steps, permission_verdict, strictest
from .identity import digest
from .model import (
    ALLOW,
    ASK,
    CLOSE_FD,
    DENY,
    DISCONNECT,
    FAIL_EVENT,
    IGNORE,
    IN_ORDER,
    INERT,
    VIRTUAL,
    GlobalRule,
    MessageRule,
    Policy,
    Predicate,
)
from .permissions import (
    ADVERTISED,
    ESCAPE,
    MIME,
    MODIFIERS,
    NEEDS_INPUT_SERIAL,
    OF_MESSAGE,
    ONLY,
    ONLY_WORDS,
    PERMISSIONS,
    RATE,
    REMEMBER,
    SKIP_IF,
)

# Versions beyond these have duties for a proxy that it does not carry out yet.
VETTED: Final = {
    "wl_fixes": 1,  # 2 adds ack_global_remove, owed for every hidden global as well (docs/traps.md 11)
}

BUILT_IN_ENUM: Final = "built-in: enum"
BUILT_IN_SIZE: Final = "built-in: size"
# libwayland's buffer has 4096 bytes: a header of 8, the length of 4, the NUL and its padding go off
LONGEST_REWRITTEN: Final = 4080

UPSTREAM: Final = {"security-context": "prefer", "engine": "org.wlproxy", "app-id": "", "instance-id": ""}


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The string argument that a key of [rewrite] is about; `placeholder` is the guest's own text in a template."""

    interface: str
    request: str
    argument: str
    placeholder: str


REWRITES: Final = {
    "title": Rewritten("xdg_toplevel", "set_title", "title", "{title}"),
    "app-id": Rewritten("xdg_toplevel", "set_app_id", "app_id", "{app_id}"),
    "tag": Rewritten("xdg_toplevel_tag_manager_v1", "set_toplevel_tag", "tag", "{tag}"),
}


def compile_policy(policy: Policy, interfaces: Mapping[str, Interface]) -> dict[str, Any]:
    """The compiled policy with its hash. Raises KeyError only where `policy` was not checked against `interfaces`."""
    compiled = compile_strict(policy, interfaces)
    if policy.until:
        announced = {**compiled["globals"], **compiled["served"]}
        marked(compiled, compile_strict(loosened(policy, announced), interfaces), policy.until)
    compiled["sha256"] = digest(compiled)
    return compiled


def compile_strict(policy: Policy, interfaces: Mapping[str, Interface]) -> dict[str, Any]:
    """The same without its hash, and as if it enforced."""
    offered, served = _globals(policy, interfaces)
    return {
        "format": 1,
        "name": policy.name,
        "summary": policy.summary,
        "names": "keep" if policy.transparent else "renumber",
        "globals": offered,
        "served": served,
        "quota": {quota.field: [quota.amount, str(quota.origin)] for _, quota in sorted(policy.quotas.items())},
        "virtual": {name: parts for name in offered if (parts := _virtual(policy, name))},
        "count": {name: count for name in offered if (count := count_of(policy, name))},
        "shm-unsealable": policy.shm_unsealable,
        "upstream": UPSTREAM | policy.upstream,
        "record": policy.record,
        **({"early-destroy": IN_ORDER} if policy.early_destroy == IN_ORDER else {}),
        **({"payload": PREVIEW} if policy.payload == PREVIEW else {}),
        "permissions": {} if policy.transparent else _permissions(policy),
        "interfaces": {
            name: _interface(policy, interfaces, name) for name in sorted(reachable([*offered, *served], interfaces))
        },
    }


def vetted_version(interface: Interface) -> int:
    """The newest version of it that this proxy can vet."""
    return min(interface.version, VETTED.get(interface.name, interface.version))


def _globals(policy: Policy, interfaces: Mapping[str, Interface]) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """What is announced of the compositor's, and what the proxy serves itself."""
    offered: dict[str, list[Any]] = {}
    served: dict[str, list[Any]] = {}
    for name in sorted(global_names(interfaces)) if policy.transparent else sorted(policy.globals):
        steps = global_steps(policy, name, vetted_version(interfaces[name]))
        step = strictest(steps)
        if step.verdict in (ALLOW, VIRTUAL):
            origin = next(s.origin for s in steps if s.layer == GLOBAL)
            (offered if step.verdict == ALLOW else served)[name] = [allowed_version(steps), origin]
    return offered, served


def _virtual(policy: Policy, name: str) -> list[str]:
    """The parts of a global that are made up: those that the policy names and those that the ceiling does."""
    return sorted({part for rule in _rules(policy, name) for part in rule.virtual})


def count_of(policy: Policy, name: str) -> int:
    """Of how many globals of that interface the guest is told: the lower of the policy's bound and the ceiling's, 0 where there is none."""
    return min((rule.count for rule in _rules(policy, name) if rule.count), default=0)


def _rules(policy: Policy, name: str) -> list[GlobalRule]:
    """What policy and ceiling say of a global."""
    rules = [policy.globals.get(name), policy.ceiling.globals.get(name) if policy.ceiling is not None else None]
    return [rule for rule in rules if rule is not None]


def _permissions(policy: Policy) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name in PERMISSIONS:
        step = permission_verdict(policy, name)
        found[name] = [step.verdict, step.origin, parameters_of(policy, name) if step.verdict != DENY else {}]
    return found


def parameters_of(policy: Policy, name: str) -> dict[str, Any]:
    """The parameters of a permission, the narrower of the policy's and the ceiling's."""
    own = policy.permissions.get(name)
    top = capped(policy, name)
    merged = dict(own.parameters) if own is not None else {}
    for key, bound in (top.parameters if top is not None else {}).items():
        merged[key] = narrower(key, merged[key], bound) if key in merged else bound
    return dict(sorted(merged.items()))


def narrower(key: str, one: Any, other: Any) -> Any:
    """Of two values of a parameter, what both allow."""
    if key in (SKIP_IF, ESCAPE):
        return sorted({*one, *other})
    if key == ONLY:
        return max(one, other, key=ONLY_WORDS.index)
    if key == NEEDS_INPUT_SERIAL:
        return one or other
    if key == MODIFIERS and ADVERTISED in (*one, *other):
        return other if ADVERTISED in one else one
    if key in (MIME, REMEMBER, MODIFIERS):
        return [item for item in one if item in other]
    if key == RATE:
        return [min(one[0], other[0]), min(one[1], other[1])]
    return min(one, other) if isinstance(one, int | float) else one


def global_names(interfaces: Mapping[str, Interface]) -> list[str]:
    """The interfaces that a compositor may announce: what no message creates with a typed new_id, but for object 1."""
    created = {
        argument.interface
        for interface in interfaces.values()
        for message in (*interface.requests, *interface.events)
        for argument in message.arguments
        if argument.type == NEW_ID
    }
    return [name for name in interfaces if name not in created and name != "wl_display"]


def reachable(offered: Iterable[str], interfaces: Mapping[str, Interface]) -> set[str]:
    """Every interface an object of which a guest can come to hold, refused creations included: those become ghosts."""
    found: set[str] = set()
    todo = ["wl_display", *offered]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        for message in (*interfaces[name].requests, *interfaces[name].events):
            todo += [a.interface for a in message.arguments if a.type == NEW_ID and a.interface]
    return found


def _interface(policy: Policy, interfaces: Mapping[str, Interface], name: str) -> dict[str, Any]:
    interface = interfaces[name]
    return {
        "version": vetted_version(interface),
        "requests": [_message(policy, interfaces, interface, m, True) for m in interface.requests],
        "events": [_message(policy, interfaces, interface, m, False) for m in interface.events],
    }


def _message(
    policy: Policy, interfaces: Mapping[str, Interface], interface: Interface, message: Message, request: bool
) -> list[Any]:
    arguments: list[str] = []
    for argument in message.arguments:
        if is_untyped(argument):
            arguments += ["interface s", "version u"]
        suffix = "?" if argument.nullable else ""
        target = ":" + argument.interface if argument.interface and argument.type in (OBJECT, NEW_ID) else ""
        arguments.append(f"{argument.name} {LETTERS[argument.type]}{suffix}{target}")
    rule = policy.messages.get((interface.name, message.name))
    step = strictest(message_steps(policy, interface.name, message.name))
    decision: dict[str, Any] = {}
    if step.verdict != ALLOW:
        decision = {"verdict": shape_of(rule, interface.name, message, request), "origin": step.origin}
        if step.verdict == ASK:
            decision["ask"] = 1
    else:
        found = _checks(policy, interfaces, interface, message, rule, request)
        rate = rate_of(policy, interface.name, message.name) if request else None
        if found or rate:
            decision = {"checks": found, "origin": str(rule.origin) if rule is not None else ""}
        if rate:
            decision |= {"rate": rate, "verdict": ALLOW, "shape": shape_of(rule, interface.name, message, request)}
            decision["origin"] = decision["origin"] or step.origin
    return [message.name, message.since, int(message.destructor), arguments, decision or None]


def shape_of(rule: MessageRule | None, interface: str, message: Message, request: bool) -> str:
    """How the message is refused: as the policy's rule for it says, if there is one."""
    return deny_shape(rule, interface, message, request) if rule is not None and rule.deny_as else usual_shape(message, request)


def rate_of(policy: Policy, interface: str, message: str) -> list[float] | None:
    """[a second, at once] of a request, the lower where both its rule and a permission bound it."""
    rule = policy.messages.get((interface, message))
    rates = [list(rule.rate)] if rule is not None and rule.rate is not None else []
    for name in OF_MESSAGE.get((interface, message), ()):
        parameters = {} if policy.transparent else parameters_of(policy, name)
        if RATE in parameters and permission_verdict(policy, name).verdict == ALLOW:
            rates.append(list(parameters[RATE]))
    return min(rates) if rates else None


def usual_shape(message: Message, request: bool) -> str:
    """How a message is refused where the policy does not say."""
    if message.destructor:
        return DISCONNECT
    return INERT if request and creates(message) else IGNORE


def legal_shapes(interface: str, message: Message, request: bool) -> tuple[str, ...]:
    """Every shape in which the message can be refused, the usual one first. Derived from the XML and from the events by which a protocol
    says no (handlers/ghosts.py); the first is what is safest. () = it cannot be refused."""
    if not request:
        return () if message.destructor else (IGNORE, DISCONNECT)  # what an event creates is destroyed upstream, unseen
    if message.destructor:
        return (DISCONNECT,)
    shapes: tuple[str, ...] = (INERT, DISCONNECT) if creates(message) else (IGNORE, DISCONNECT)
    if (interface, message.name) in ANSWERS:
        shapes = (*shapes, FAIL_EVENT)
    if any(argument.type == FD for argument in message.arguments):
        shapes = (*shapes, CLOSE_FD)
    return shapes


def deny_shape(rule: MessageRule, interface: str, message: Message, request: bool) -> str:
    """The shape the rule asks for, as the core knows it. Raises ValueError for one that the message cannot take."""
    legal = legal_shapes(interface, message, request)
    if rule.deny_as in legal:
        return legal[0] if rule.deny_as in (FAIL_EVENT, CLOSE_FD) else rule.deny_as
    can = f"(it can: {', '.join(legal)})"
    if not request and message.destructor:
        raise ValueError(f"{message.name} ends its object: it cannot be kept from the guest")
    if message.destructor:
        raise ValueError(f"{message.name} destroys its object: it can be refused only by disconnecting")
    if rule.deny_as == IGNORE:
        raise ValueError(f"{message.name} creates an object: it cannot be ignored  {can}")
    if rule.deny_as == INERT:
        what = "is an event: it cannot be inert" if not request else "creates no object that could be inert"
        raise ValueError(f"{message.name} {what}  {can}")
    if rule.deny_as == FAIL_EVENT:
        raise ValueError(f"the protocol has no event by which {message.name} could fail  {can}")
    raise ValueError(f"{message.name} brings no descriptor that could be closed  {can}")


def creates(message: Message) -> bool:
    """Whether it has a new_id."""
    return any(argument.type == NEW_ID for argument in message.arguments)


def _checks(
    policy: Policy,
    interfaces: Mapping[str, Interface],
    interface: Interface,
    message: Message,
    rule: MessageRule | None,
    request: bool,
) -> list[list[Any]]:
    found: list[list[Any]] = []
    index = -1  # on the wire
    for argument in message.arguments:
        index += 3 if is_untyped(argument) else 1
        predicate = rule.args.get(argument.name) if rule is not None else None
        if predicate is not None:
            found += [[index, *check, str(predicate.origin)] for check in _predicate(predicate, argument)]
        if request and not policy.transparent and (predicate is None or predicate.values is None):
            found += [[index, *check, BUILT_IN_ENUM] for check in _enum(argument, interfaces)]
        for key, place in REWRITES.items():
            rewrite = policy.rewrites.get(key)
            if rewrite and (place.interface, place.request, place.argument) == (interface.name, message.name, argument.name):
                template = rewrite.template.replace(place.placeholder, "{}")
                room = LONGEST_REWRITTEN - len(template.encode())
                found.append([index, checks.CUT, room, BUILT_IN_SIZE])
                found.append([index, checks.REWRITE, template, str(rewrite.origin)])
    return found


def is_untyped(argument: Argument) -> bool:
    """A new_id of any interface, as in wl_registry.bind: string, uint, new_id on the wire."""
    return argument.type == NEW_ID and not argument.interface


def _predicate(predicate: Predicate, argument: Argument) -> list[list[Any]]:
    """The checks of one predicate, in the order they apply: a string is cleaned, then cut, then looked at."""
    scale = 256 if argument.type == FIXED else 1
    found: list[list[Any]] = []
    if predicate.null:
        found.append([checks.NULL, 0])
    if predicate.kind:
        found.append([checks.KIND, predicate.kind])
    if predicate.minimum is not None:
        found.append([checks.MIN, round(predicate.minimum * scale)])
    if predicate.maximum is not None:
        found.append([checks.MAX, round(predicate.maximum * scale)])
    if predicate.values is not None:
        found.append([checks.IN, sorted(predicate.values)])
    if predicate.sanitize:
        found.append([checks.PLAIN, predicate.sanitize])
    if predicate.charset:
        found.append([checks.TRANSLATE if predicate.sanitize else checks.CHARSET, predicate.charset])
    if predicate.max_bytes is not None:
        found.append([checks.CUT if predicate.sanitize else checks.MAX_BYTES, predicate.max_bytes])
    return found


def mask(enum: Enum) -> int:
    """All bits of a bitfield."""
    bits = 0
    for entry in enum.entries:
        bits |= entry.value
    return bits


def _enum(argument: Argument, interfaces: Mapping[str, Interface]) -> list[list[Any]]:
    """The check, if any, that a value is one its enum has."""
    enum = enum_of(argument, interfaces)
    if enum is None:
        return []
    if enum.bitfield:
        return [[checks.FLAGS, mask(enum)]]
    return [[checks.IN, sorted({entry.value for entry in enum.entries})]]
