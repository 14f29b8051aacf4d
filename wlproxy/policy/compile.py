"""From a checked policy and the protocol data to the compiled policy: one canonical value, nothing left implicit.

Promises: the default is "no". An interface that the policy does not name is not in `globals`, so it is neither announced nor bindable;
what an allowed global brings with it is exactly what its XML lets it create; messages newer than the version allowed, values
outside their enum and bits outside their bitfield are refused. The same policy and data give the same bytes.
Trusts: the policy model (checked by load.py), the protocol data (checked by protocol_xml.py).

The form, JSON-able, read by core/tables.py:
    {"format": 1, "name", "summary", "sha256", "names": "renumber" | "keep",
     "globals": {interface: [max version, origin]},
     "interfaces": {name: {"version", "requests": [message], "events": [message]}}}
    message = [name, since, destructor 0|1, ["argument type?:interface"], null | {"verdict", "origin", "checks"}]
    check = [argument index, operation, value, origin]
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from ..core import checks
from ..core.protocol import FD, FIXED, NEW_ID, OBJECT, Argument, Enum, Interface, Message
from .model import ALLOW, DISCONNECT, IGNORE, INERT, MessageRule, Policy, Predicate

LETTERS: Final = {"int": "i", "uint": "u", "fixed": "f", "string": "s", "object": "o", "new_id": "n", "array": "a", "fd": "h"}

# Versions beyond these have duties for a proxy that it does not carry out yet.
VETTED: Final = {
    "wl_fixes": 1,  # 2 adds ack_global_remove, owed for every hidden global as well (WAYLAND.md trap 11)
}

REWRITES: Final = {  # [rewrite] key -> the argument it rewrites
    "title": ("xdg_toplevel", "set_title", "title", "{title}"),
    "app-id": ("xdg_toplevel", "set_app_id", "app_id", "{app_id}"),
}

BUILT_IN_ENUM: Final = "built-in: enum"


def compile_policy(policy: Policy, interfaces: Mapping[str, Interface]) -> dict[str, Any]:
    """The compiled policy with its hash. Raises KeyError only where `policy` was not checked against `interfaces`."""
    offered = _globals(policy, interfaces)
    compiled: dict[str, Any] = {
        "format": 1,
        "name": policy.name,
        "summary": policy.summary,
        "names": "keep" if policy.transparent else "renumber",
        "globals": offered,
        "interfaces": {
            name: _interface(policy, interfaces, name) for name in sorted(reachable(offered, interfaces))
        },
    }
    compiled["sha256"] = digest(compiled)
    return compiled


def digest(compiled: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical text of everything but the hash itself."""
    return hashlib.sha256(canonical({k: v for k, v in compiled.items() if k != "sha256"})).hexdigest()


def canonical(compiled: Mapping[str, Any]) -> bytes:
    """The one text of a compiled policy: sorted keys, no spaces, ASCII."""
    return json.dumps(compiled, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _globals(policy: Policy, interfaces: Mapping[str, Interface]) -> dict[str, list[Any]]:
    if policy.transparent:
        created = created_by_others(interfaces)
        return {
            name: [min(interface.version, VETTED.get(name, interface.version)), str(policy.origin)]
            for name, interface in sorted(interfaces.items())
            if name not in created and name != "wl_display"
        }
    return {
        name: [min(rule.max_version, interfaces[name].version, VETTED.get(name, rule.max_version)), str(rule.origin)]
        for name, rule in sorted(policy.globals.items())
        if rule.verdict == ALLOW
    }


def created_by_others(interfaces: Mapping[str, Interface]) -> set[str]:
    """The interfaces that some message creates with a typed new_id: those are not globals (wl_display is object 1)."""
    return {
        argument.interface
        for interface in interfaces.values()
        for message in (*interface.requests, *interface.events)
        for argument in message.arguments
        if argument.type == NEW_ID and argument.interface
    }


def reachable(offered: Mapping[str, object], interfaces: Mapping[str, Interface]) -> set[str]:
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
        "version": min(interface.version, VETTED.get(name, interface.version)),
        "requests": [_message(policy, interfaces, interface, m, True) for m in interface.requests],
        "events": [_message(policy, interfaces, interface, m, False) for m in interface.events],
    }


def _message(
    policy: Policy, interfaces: Mapping[str, Interface], interface: Interface, message: Message, request: bool
) -> list[Any]:
    arguments: list[str] = []
    for argument in message.arguments:
        if argument.type == NEW_ID and not argument.interface:  # wl_registry.bind: string, uint, new_id on the wire
            arguments += ["interface s", "version u"]
        suffix = "?" if argument.nullable else ""
        target = ":" + argument.interface if argument.interface and argument.type in (OBJECT, NEW_ID) else ""
        arguments.append(f"{argument.name} {LETTERS[argument.type]}{suffix}{target}")
    rule = policy.messages.get((interface.name, message.name))
    decision: dict[str, Any] = {}
    if rule is not None and rule.verdict != ALLOW:
        decision = {"verdict": deny_shape(rule, message, request), "origin": str(rule.origin)}
    else:
        found = _checks(policy, interfaces, interface, message, rule, request)
        if found:
            decision = {"checks": found, "origin": str(rule.origin) if rule is not None else ""}
    return [message.name, message.since, int(message.destructor), arguments, decision or None]


def deny_shape(rule: MessageRule, message: Message, request: bool) -> str:
    """The shape the rule asks for. Raises ValueError for one that the message cannot take."""
    if not request:  # what an event creates is destroyed upstream, unseen
        if rule.deny_as == INERT:
            raise ValueError(f"{message.name} is an event: it cannot be inert")
        if message.destructor:
            raise ValueError(f"{message.name} ends its object: it cannot be kept from the guest")
        return rule.deny_as
    creates = any(a.type == NEW_ID for a in message.arguments)
    if rule.deny_as not in (DISCONNECT, IGNORE, INERT):
        raise ValueError(f"{message.name}: deny-as {rule.deny_as!r}")
    if rule.deny_as == DISCONNECT:
        return DISCONNECT
    if message.destructor:
        raise ValueError(f"{message.name} destroys its object: it can be refused only by disconnecting")
    if creates != (rule.deny_as == INERT):
        raise ValueError(f"{message.name}: deny-as {rule.deny_as!r} does not fit what it creates")
    return rule.deny_as


def _checks(
    policy: Policy,
    interfaces: Mapping[str, Interface],
    interface: Interface,
    message: Message,
    rule: MessageRule | None,
    request: bool,
) -> list[list[Any]]:
    found: list[list[Any]] = []
    for index, argument in enumerate(message.arguments):
        predicate = rule.args.get(argument.name) if rule is not None else None
        if predicate is not None:
            found += [[index, *check, str(predicate.origin)] for check in _predicate(predicate, argument)]
        if request and argument.enum and not policy.transparent and (predicate is None or predicate.values is None):
            check = enum_check(argument, interfaces)
            if check is not None:
                found.append([index, *check, BUILT_IN_ENUM])
    for key, (owner, request_name, argument_name, placeholder) in REWRITES.items():
        rewrite = policy.rewrites.get(key)
        if rewrite is not None and (owner, request_name) == (interface.name, message.name):
            index = next(i for i, a in enumerate(message.arguments) if a.name == argument_name)
            found.append([index, checks.REWRITE, rewrite.template.replace(placeholder, "{}"), str(rewrite.origin)])
    return found


def _predicate(predicate: Predicate, argument: Argument) -> list[list[Any]]:
    """The checks of one predicate, in the order they apply: a string is cleaned, then cut, then looked at."""
    scale = 256 if argument.type == FIXED else 1
    found: list[list[Any]] = []
    if predicate.null:
        found.append([checks.NULL, 0])
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


def enum_check(argument: Argument, interfaces: Mapping[str, Interface]) -> list[Any] | None:
    """The check that a value is one its enum has, or None where the enum is not in the data."""
    owner, _, name = argument.enum.rpartition(".")
    enums = interfaces[owner].enums if owner in interfaces else ()
    found: Enum | None = next((e for e in enums if e.name == name), None)
    if found is None or argument.type in (FD, NEW_ID, OBJECT):
        return None
    values = [entry.value for entry in found.entries]
    if found.bitfield:
        mask = 0
        for value in values:
            mask |= value
        return [checks.FLAGS, mask]
    return [checks.IN, sorted(set(values))]
