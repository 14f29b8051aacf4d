"""The [global], [message] and [rewrite] tables of one file, checked against the protocol data.

Promises: what is returned names things that exist and fits their types; everything else is a finding of the document. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from ..core.protocol import Interface, Message
from ..handlers.virtual import PARTS, SERVED
from .compile import REWRITES, deny_shape, global_names, usual_shape, vetted_version
from .document import Document
from .model import (
    ALLOW,
    ASK,
    CLOSE_FD,
    DENY,
    DISCONNECT,
    FAIL_EVENT,
    HIDE,
    IGNORE,
    INERT,
    NEVER,
    VIRTUAL,
    GlobalRule,
    MessageRule,
    Origin,
    Rewrite,
)
from .positions import Path
from .read_permissions import read_rate
from .read_predicates import is_whole, read_predicate
from .read_variables import fill

VERDICTS: Final = (ALLOW, ASK, DENY)
SHAPES: Final = (DISCONNECT, IGNORE, INERT, FAIL_EVENT, CLOSE_FD)
MESSAGE_KEYS: Final = ("verdict", "deny-as", "args", "rate")
# words of the full language
NOT_YET_MESSAGE: Final = ("remember", "timeout", "note")
BUILT_IN: Final = ("wl_display", "wl_registry")  # the session lives by these
MOST_TEMPLATE: Final = 200
MOST_COUNT: Final = 1024
GLOBAL_KEYS: Final = ("max", "count", "virtualize")


def read_globals(document: Document, interfaces: Mapping[str, Interface], ceiling: bool = False) -> dict[str, GlobalRule]:
    """The [global] table of a policy or a ceiling; wildcards stand in the result under the names they match."""
    found: dict[str, GlobalRule] = {}
    table = document.table("global")
    known = global_names(interfaces)
    for name in sorted(table, key=lambda n: "*" not in n):  # an exact key beats a wildcard
        path = ("global", name)
        origin = document.origin(path)
        if "*" in name:
            says = (HIDE, NEVER) if ceiling else (HIDE,)
            if table[name] not in says or "*" in name[:-1]:
                words = " or ".join(f'"{word}"' for word in says)
                document.wrong_key(path, "wildcard", f"a wildcard stands at the end of a name and can only say {words}")
                continue
            found |= {match: GlobalRule(table[name], 0, origin) for match in known if match.startswith(name[:-1])}
        elif name in known:
            rule = one_global(document, path, name, table[name], interfaces[name], origin, ceiling)
            if rule is not None:
                found[name] = rule
        elif name in interfaces:
            document.wrong_key(path, "not-a-global", f"'{name}' is created by other objects and never advertised", known)
        else:
            document.wrong_key(path, "unknown-interface", f"the protocol data has no global '{name}'", known)
    return found


def one_global(
    document: Document, path: Path, name: str, value: Any, interface: Interface, origin: Origin, ceiling: bool
) -> GlobalRule | None:
    """A number, "hide", "virtual", or { max = number, ... }; in a ceiling "never", too."""
    if value == HIDE or (value == NEVER and ceiling):
        return GlobalRule(value, 0, origin)
    if value == VIRTUAL:
        if name not in SERVED:
            has = ", ".join(sorted(SERVED))
            document.wrong_value(path, "virtual", f"wlproxy cannot serve {name} itself  (it can: {has})", [HIDE])
            return None
        return GlobalRule(VIRTUAL, vetted_version(interface), origin)
    virtual: tuple[str, ...] = ()
    count = 0
    if isinstance(value, dict):
        for key in value:
            if key not in GLOBAL_KEYS:
                document.wrong_key((*path, key), "unknown-key", f"'{key}' does not belong to a global", GLOBAL_KEYS)
        count = read_count(document, (*path, "count"), value["count"]) if "count" in value else 0
        virtual = virtual_parts(document, (*path, "virtualize"), name, value.get("virtualize", []))
        if "max" not in value:
            document.wrong_value(path, "missing-key", f"how much of '{name}' is allowed? say max = a version")
            return None
        path, value = (*path, "max"), value["max"]
    newest = vetted_version(interface)
    if isinstance(value, str):
        if value == NEVER:
            document.wrong_value(path, "never", '"never" is for the ceiling of a host; a policy says "hide"', [HIDE], value)
        else:
            document.wrong_value(path, "unknown-verdict", f"'{value}' is neither a version nor \"hide\"", [HIDE, VIRTUAL], value)
    elif not is_whole(value):
        document.wrong_value(path, "type", 'a version (a whole number) or "hide" is needed')
    elif value > newest:
        document.wrong_value(path, "version-too-high", f"wlproxy can vet {name} up to version {newest}, not {value}")
    elif value < 1:
        document.wrong_value(path, "version-too-low", f'versions begin at 1; to leave {name} out say "hide"')
    else:
        return GlobalRule(ALLOW, value, origin, virtual, count)
    return None


def read_count(document: Document, path: Path, value: Any) -> int:
    """Of how many the guest is told; 0, and a finding, where it is no number of them."""
    if is_whole(value) and 1 <= value <= MOST_COUNT:
        return value
    document.wrong_value(path, "type", f'a number from 1 to {MOST_COUNT} is needed; to leave all of them out say "hide"')
    return 0


def virtual_parts(document: Document, path: Path, name: str, value: Any) -> tuple[str, ...]:
    """What of a global is made up."""
    known = PARTS.get(name, ())
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        document.wrong_value(path, "type", 'a list such as ["make", "model"] is needed')
        return ()
    for part in value:
        if part not in known:
            has = ", ".join(known) or "nothing"
            document.wrong_value(path, "unknown-part", f"'{part}' of {name} cannot be made up  (what can: {has})", known, part)
    return tuple(sorted(set(value)))


def read_messages(
    document: Document, interfaces: Mapping[str, Interface], inherited: Mapping[tuple[str, str], MessageRule]
) -> dict[tuple[str, str], MessageRule]:
    """The [message] tables over the parent's. What a file says of one argument replaces what its parent said of that argument."""
    found = dict(inherited)
    for owner, table in document.table("message").items():
        path = ("message", owner)
        interface = interfaces.get(owner)
        if interface is None:
            document.wrong_key(path, "unknown-interface", f"the protocol data has no interface '{owner}'", interfaces)
        elif owner in BUILT_IN:
            document.wrong_key(path, "built-in", f"{owner} is the proxy's own: [global] says what a guest may bind")
        elif not isinstance(table, dict):
            document.wrong_value(path, "type", f"a table of {owner}'s messages is needed")
        else:
            messages = {m.name: m for m in (*interface.requests, *interface.events)}
            for name, value in table.items():
                message = messages.get(name)
                if message is None:
                    document.wrong_key((*path, name), "unknown-message", f"{owner} has no message '{name}'", messages)
                    continue
                request = message in interface.requests
                usual = MessageRule(ALLOW, usual_shape(message, request), {}, Origin(""))
                before = inherited.get((owner, name), usual)
                found[owner, name] = one_message(document, (*path, name), value, interfaces, message, request, before)
    return found


def one_message(
    document: Document,
    path: Path,
    value: Any,
    interfaces: Mapping[str, Interface],
    message: Message,
    request: bool,
    before: MessageRule,
) -> MessageRule:
    """A verdict, or a table of verdict, deny-as and args; what it does not say is as `before`."""
    said = (*path, "verdict")  # where the verdict stands
    if isinstance(value, str):
        value, said = {"verdict": value}, path
    if not isinstance(value, dict):
        document.wrong_value(path, "type", '"allow", "deny" or a table is needed')
        return before
    for key in value:
        if key in NOT_YET_MESSAGE:
            document.not_yet((*path, key))
        elif key not in MESSAGE_KEYS:
            document.wrong_key((*path, key), "unknown-key", f"'{key}' does not belong to a message", MESSAGE_KEYS)
    verdict = value.get("verdict", DENY if "deny-as" in value else before.verdict)
    if verdict not in VERDICTS:
        document.wrong_value(said, "unknown-verdict", f"{verdict!r} is no verdict", VERDICTS, verdict)
    shape = value.get("deny-as", before.deny_as)
    if shape not in SHAPES:
        document.wrong_value((*path, "deny-as"), "unknown-shape", f"{shape!r} is no deny shape", SHAPES, shape)
    if shape not in SHAPES:
        shape = before.deny_as
    rate = before.rate
    if "rate" in value:
        limit = read_rate(document, (*path, "rate"), value["rate"])
        rate = (limit[0], limit[1]) if limit is not None else None
        if not request:
            document.wrong_key((*path, "rate"), "rate", f"{message.name} is an event: only requests have a rate")
    rule = replace(before, verdict=verdict, deny_as=shape, origin=document.origin(path), rate=rate)
    if verdict != ALLOW or "deny-as" in value:
        try:
            deny_shape(rule, path[1], message, request)
        except ValueError as error:
            document.wrong_value((*path, "deny-as") if "deny-as" in value else said, "deny-shape", str(error))
    args = value.get("args", {})
    if not isinstance(args, dict):
        document.wrong_value((*path, "args"), "type", "a table of arguments is needed")
        return rule
    arguments = {a.name: a for a in message.arguments}
    predicates = dict(rule.args)
    for name, wanted in args.items():
        place = (*path, "args", name)
        if name not in arguments:
            has = ", ".join(arguments) or "none"
            document.wrong_key(place, "unknown-argument", f"{message.name} has no argument '{name}'  (it has: {has})", arguments)
            continue
        predicate = read_predicate(document, place, wanted, interfaces, arguments[name])
        if predicate is not None:
            predicates[name] = predicate
    return replace(rule, args=predicates)


def read_rewrites(document: Document, variables: Mapping[str, str]) -> dict[str, Rewrite]:
    """The [rewrite] table with its variables put in."""
    found: dict[str, Rewrite] = {}
    for key, template in document.table("rewrite").items():
        path = ("rewrite", key)
        if key not in REWRITES:
            document.wrong_key(path, "unknown-key", f"'{key}' cannot be rewritten", REWRITES)
            continue
        own = REWRITES[key].placeholder
        if not isinstance(template, str):
            document.wrong_value(path, "type", f'a text with "{own}" in it is needed')
            continue
        parts = template.split(own)
        filled = [fill(document, path, part, variables) for part in parts]
        if None in filled:
            continue
        text = own.join(part or "" for part in filled)
        around = text.replace(own, "")
        if len(parts) != 2 or "{" in around or "}" in around:
            document.wrong_value(path, "template", f'the template needs "{own}" once, and no other braces but ${{variables}}')
        elif not text.isprintable():
            document.wrong_value(path, "template", "the template has control or invisible characters")
        elif len(text.encode()) > MOST_TEMPLATE:
            document.wrong_value(path, "template", f"with its variables the template has more than {MOST_TEMPLATE} bytes")
        else:
            found[key] = Rewrite(text, document.origin(path))
    return found
