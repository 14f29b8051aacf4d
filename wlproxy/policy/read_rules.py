"""The [global], [message] and [rewrite] tables of one file, checked against the protocol data.

Promises: what is returned names things that exist and fits their types; everything else is a finding of the document. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from ..core.protocol import ARRAY, FIXED, INT, NEW_ID, OBJECT, STRING, UINT, Argument, Enum, Interface, Message
from .compile import VETTED, created_by_others, deny_shape
from .document import Document
from .model import ALLOW, DENY, DISCONNECT, HIDE, IGNORE, INERT, GlobalRule, MessageRule, Origin, Predicate, Rewrite
from .positions import Path

VERDICTS: Final = (ALLOW, DENY)
SHAPES: Final = (DISCONNECT, IGNORE, INERT)
MESSAGE_KEYS: Final = ("verdict", "deny-as", "args")
PREDICATES: Final = {
    INT: ("min", "max", "in"),
    UINT: ("min", "max", "in"),
    FIXED: ("min", "max"),
    STRING: ("max-bytes", "charset", "sanitize"),
    ARRAY: ("max-bytes",),
    OBJECT: ("null",),
}
ALL_PREDICATES: Final = ("min", "max", "in", "max-bytes", "charset", "sanitize", "null")
REWRITE_PLACES: Final = {"title": "{title}", "app-id": "{app_id}"}
NOT_YET_GLOBAL: Final = ("virtual", "never")
INT_RANGES: Final = {INT: (-(2**31), 2**31 - 1), UINT: (0, 2**32 - 1), FIXED: (-(2**23), 2**23 - 1)}


def read_globals(document: Document, interfaces: Mapping[str, Interface]) -> dict[str, GlobalRule]:
    """The [global] table; wildcards stand in the result under the names they match."""
    found: dict[str, GlobalRule] = {}
    table = table_at(document, ("global",))
    children = created_by_others(interfaces)
    known = [name for name in interfaces if name not in children and name != "wl_display"]
    for name in sorted(table, key=lambda n: "*" not in n):  # an exact key beats a wildcard
        value = table[name]
        path = ("global", name)
        origin = document.origin(path)
        if "*" in name:
            if value != HIDE or not name.endswith("*"):
                document.wrong_value(path, "wildcard", 'a wildcard stands at the end of a name and can only say "hide"')
            for match in known:
                if match.startswith(name[:-1]):
                    found[match] = GlobalRule(HIDE, 0, origin)
            continue
        if name in children:
            document.wrong_key(path, "not-a-global", f"'{name}' is created by other objects and never advertised", known)
            continue
        if name not in interfaces or name == "wl_display":
            document.wrong_key(path, "unknown-interface", f"the protocol data has no global '{name}'", known)
            continue
        rule = one_global(document, path, name, value, interfaces[name], origin)
        if rule is not None:
            found[name] = rule
    return found


def one_global(
    document: Document, path: Path, name: str, value: Any, interface: Interface, origin: Origin
) -> GlobalRule | None:
    """A number, "hide", or { max = number }."""
    if isinstance(value, dict):
        for key in value:
            if key in ("count", "virtualize"):
                document.wrong_key((*path, key), "not-yet", f"'{key}' is not served by this version of wlproxy")
            elif key != "max":
                document.wrong_key((*path, key), "unknown-key", f"'{key}' does not belong to a global", ["max"])
        if "max" not in value:
            document.wrong_value(path, "missing-key", f"how much of '{name}' is allowed? say max = a version")
            return None
        path, value = (*path, "max"), value["max"]
    if isinstance(value, str):
        if value == HIDE:
            return GlobalRule(HIDE, 0, origin)
        if value in NOT_YET_GLOBAL:
            document.wrong_value(path, "not-yet", f'"{value}" is not served by this version of wlproxy: say "hide"')
        else:
            document.wrong_value(path, "unknown-verdict", f"'{value}' is neither a version nor \"hide\"", [HIDE], value)
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        document.wrong_value(path, "type", 'a version (a whole number) or "hide" is needed')
        return None
    vetted = min(interface.version, VETTED.get(name, interface.version))
    if value > vetted:
        document.wrong_value(path, "version-too-high", f"wlproxy can vet {name} up to version {vetted}, not {value}")
    elif value < 1:
        document.wrong_value(path, "version-too-low", f'versions begin at 1; to leave {name} out say "hide"')
    else:
        return GlobalRule(ALLOW, value, origin)
    return None


def read_messages(
    document: Document, interfaces: Mapping[str, Interface], inherited: Mapping[tuple[str, str], MessageRule]
) -> dict[tuple[str, str], MessageRule]:
    """The [message] tables. What a file says of one argument replaces what its parent said of that argument."""
    found = dict(inherited)
    for owner, table in table_at(document, ("message",)).items():
        path = ("message", owner)
        interface = interfaces.get(owner)
        if interface is None:
            document.wrong_key(path, "unknown-interface", f"the protocol data has no interface '{owner}'", interfaces)
            continue
        if owner in ("wl_display", "wl_registry"):
            document.wrong_key(path, "built-in", f"{owner} is the proxy's own: [global] says what a guest may bind")
            continue
        if not isinstance(table, dict):
            document.wrong_value(path, "type", f"a table of {owner}'s messages is needed")
            continue
        messages = {m.name: (m, m in interface.requests) for m in (*interface.requests, *interface.events)}
        for name, value in table.items():
            if name not in messages:
                known = list(messages)
                document.wrong_key((*path, name), "unknown-message", f"{owner} has no message '{name}'", known)
                continue
            message, request = messages[name]
            before = inherited.get((owner, name))
            rule = one_message(document, (*path, name), value, interfaces, message, request, before)
            if rule is not None:
                found[owner, name] = rule
    return found


def one_message(
    document: Document,
    path: Path,
    value: Any,
    interfaces: Mapping[str, Interface],
    message: Message,
    request: bool,
    before: MessageRule | None,
) -> MessageRule | None:
    """A verdict, or a table of verdict, deny-as and args."""
    origin = document.origin(path)
    usual = INERT if any(a.type == NEW_ID for a in message.arguments) and request else DISCONNECT if message.destructor else IGNORE
    rule = before or MessageRule(ALLOW, usual, {}, origin)
    if isinstance(value, str):
        value = {"verdict": value}
    if not isinstance(value, dict):
        document.wrong_value(path, "type", '"allow", "deny" or a table is needed')
        return None
    for key in value:
        if key not in MESSAGE_KEYS:
            code = "not-yet" if key == "rate" else "unknown-key"
            text = "is not served by this version of wlproxy" if key == "rate" else "does not belong to a message"
            document.wrong_key((*path, key), code, f"'{key}' {text}", MESSAGE_KEYS)
    verdict = value.get("verdict", DENY if "deny-as" in value else rule.verdict)
    shape = value.get("deny-as", rule.deny_as)
    if verdict == "ask":
        document.wrong_value((*path, "verdict"), "not-yet", '"ask" is not served by this version of wlproxy: say "deny"')
    elif verdict not in VERDICTS:
        document.wrong_value((*path, "verdict"), "unknown-verdict", f"{verdict!r} is no verdict", VERDICTS, str(verdict))
    if shape not in SHAPES:
        document.wrong_value((*path, "deny-as"), "unknown-shape", f"{shape!r} is no deny shape", SHAPES, str(shape))
        return None
    rule = replace(rule, verdict=verdict, deny_as=shape, origin=origin)
    try:
        if verdict == DENY or request:
            deny_shape(rule, message, request)
    except ValueError as error:
        document.wrong_value((*path, "deny-as"), "deny-shape", str(error))
        return None
    args = value.get("args", {})
    if not isinstance(args, dict):
        document.wrong_value((*path, "args"), "type", "a table of arguments is needed")
        return None
    arguments = {a.name: a for a in message.arguments}
    predicates = dict(rule.args)
    for name, wanted in args.items():
        place = (*path, "args", name)
        if name not in arguments:
            has = ", ".join(arguments) or "none"
            document.wrong_key(place, "unknown-argument", f"{message.name} has no argument '{name}'  (it has: {has})", arguments)
        else:
            predicate = one_predicate(document, place, wanted, interfaces, arguments[name])
            if predicate is not None:
                predicates[name] = predicate
    return replace(rule, args=predicates)


def one_predicate(
    document: Document, path: Path, value: Any, interfaces: Mapping[str, Interface], argument: Argument
) -> Predicate | None:
    """A table of what the argument must be, fitting its type."""
    if not isinstance(value, dict):
        document.wrong_value(path, "type", f"a table such as {{ {(PREDICATES.get(argument.type) or ('max',))[0]} = ... }} is needed")
        return None
    fitting = PREDICATES.get(argument.type, ())
    predicate = Predicate(origin=document.origin(path))
    for key, wanted in value.items():
        place = (*path, key)
        if key not in ALL_PREDICATES:
            document.wrong_key(place, "unknown-key", f"'{key}' is no predicate", fitting)
        elif key not in fitting:
            may = ", ".join(fitting) or "no predicate"
            document.wrong_key(place, "predicate-type", f"'{key}' does not fit {argument.name}, a {argument.type} (it takes: {may})")
        else:
            predicate = READERS[key](document, place, wanted, predicate, interfaces, argument)
    if predicate.minimum is not None and predicate.maximum is not None and predicate.minimum > predicate.maximum:
        document.wrong_value(path, "empty-range", f"min {predicate.minimum:g} is above max {predicate.maximum:g}")
    return predicate


def read_bound(
    document: Document, path: Path, value: Any, predicate: Predicate, interfaces: Mapping[str, Interface], argument: Argument
) -> Predicate:
    """min and max."""
    whole = argument.type != FIXED
    if isinstance(value, bool) or not isinstance(value, (int,) if whole else (int, float)):
        document.wrong_value(path, "type", "a whole number is needed" if whole else "a number is needed")
        return predicate
    low, high = INT_RANGES[argument.type]
    if not low <= value <= high:
        document.wrong_value(path, "out-of-range", f"{argument.name} is a {argument.type}: {low} to {high}")
        return predicate
    return replace(predicate, minimum=value) if path[-1] == "min" else replace(predicate, maximum=value)


def read_values(
    document: Document, path: Path, value: Any, predicate: Predicate, interfaces: Mapping[str, Interface], argument: Argument
) -> Predicate:
    """in: numbers, or names of the argument's enum."""
    if not isinstance(value, list) or not value:
        document.wrong_value(path, "type", "a list of at least one number or enum name is needed")
        return predicate
    enum = enum_of(argument, interfaces)
    names = {entry.name: entry.value for entry in enum.entries} if enum else {}
    numbers: list[int] = []
    for index, item in enumerate(value):
        place = (*path, str(index))
        if isinstance(item, str):
            if item in names:
                numbers.append(names[item])
            elif enum is None:
                document.wrong_value(place, "unknown-enum-value", f"{argument.name} has no enum: give a number")
            else:
                text = f"enum {argument.enum} has no '{item}'"
                document.wrong_value(place, "unknown-enum-value", text, names, item)
        elif isinstance(item, bool) or not isinstance(item, int):
            document.wrong_value(place, "type", "a number or an enum name is needed")
        elif not INT_RANGES[argument.type][0] <= item <= INT_RANGES[argument.type][1]:
            document.wrong_value(place, "out-of-range", f"{argument.name} is a {argument.type}")
        else:
            numbers.append(item)
    return replace(predicate, values=tuple(sorted(set(numbers))))


def read_max_bytes(
    document: Document, path: Path, value: Any, predicate: Predicate, interfaces: Mapping[str, Interface], argument: Argument
) -> Predicate:
    """max-bytes."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65532:
        document.wrong_value(path, "type", "a number of bytes from 0 to 65532 is needed")
        return predicate
    return replace(predicate, max_bytes=value)


def read_charset(
    document: Document, path: Path, value: Any, predicate: Predicate, interfaces: Mapping[str, Interface], argument: Argument
) -> Predicate:
    """charset: characters and ranges such as A-Za-z0-9._-"""
    if not isinstance(value, str) or not value:
        document.wrong_value(path, "type", 'a text such as "A-Za-z0-9._-" is needed')
        return predicate
    spelt = ""
    index = 0
    while index < len(value):
        if index + 2 < len(value) and value[index + 1] == "-":
            first, last = value[index], value[index + 2]
            if first > last or ord(last) - ord(first) > 65535:
                document.wrong_value(path, "charset", f"the range {first}-{last} runs backwards or is too long")
                return predicate
            spelt += "".join(map(chr, range(ord(first), ord(last) + 1)))
            index += 3
        else:
            spelt += value[index]
            index += 1
    return replace(predicate, charset="".join(sorted(set(spelt))))


def read_sanitize(
    document: Document, path: Path, value: Any, predicate: Predicate, interfaces: Mapping[str, Interface], argument: Argument
) -> Predicate:
    """sanitize."""
    if value != "plain":
        document.wrong_value(path, "unknown-value", f'{value!r} is no way to sanitize: "plain" is', ["plain"], str(value))
        return predicate
    return replace(predicate, sanitize="plain")


def read_null(
    document: Document, path: Path, value: Any, predicate: Predicate, interfaces: Mapping[str, Interface], argument: Argument
) -> Predicate:
    """null."""
    if value is not True:
        document.wrong_value(path, "type", "null = true is the only thing to say")
    elif not argument.nullable:
        document.wrong_value(path, "predicate-type", f"{argument.name} can never be null")
    else:
        return replace(predicate, null=True)
    return predicate


Reader = Callable[[Document, Path, Any, Predicate, Mapping[str, Interface], Argument], Predicate]
READERS: Final[dict[str, Reader]] = {
    "min": read_bound,
    "max": read_bound,
    "in": read_values,
    "max-bytes": read_max_bytes,
    "charset": read_charset,
    "sanitize": read_sanitize,
    "null": read_null,
}


def enum_of(argument: Argument, interfaces: Mapping[str, Interface]) -> Enum | None:
    """The enum of an argument, where it has one that is known."""
    owner, _, name = argument.enum.rpartition(".")
    return next((e for e in interfaces[owner].enums if e.name == name), None) if owner in interfaces else None


def read_rewrites(document: Document, fill: Callable[[Document, Path, str], str]) -> dict[str, Rewrite]:
    """The [rewrite] table; `fill` puts variables in."""
    found: dict[str, Rewrite] = {}
    for key, template in table_at(document, ("rewrite",)).items():
        path = ("rewrite", key)
        if key not in REWRITE_PLACES:
            document.wrong_key(path, "unknown-key", f"'{key}' cannot be rewritten", REWRITE_PLACES)
        elif not isinstance(template, str):
            document.wrong_value(path, "type", f'a text with "{REWRITE_PLACES[key]}" in it is needed')
        else:
            place = REWRITE_PLACES[key]
            before = len(document.findings)
            filled = fill(document, path, template.replace(place, "\0"))
            if len(document.findings) > before:
                continue
            if filled.count("\0") != 1 or "{" in filled or "}" in filled:
                document.wrong_value(path, "template", f'the template needs "{place}" once, and no other braces but variables')
            elif len(filled.encode("utf-8")) > 200:
                document.wrong_value(path, "template", "the template leaves no room for the guest's own text (over 200 bytes)")
            else:
                found[key] = Rewrite(filled.replace("\0", place), document.origin(path))
    return found


def table_at(document: Document, path: Path) -> dict[str, Any]:
    """The table under a top-level key; empty, and a finding, where it is something else."""
    value = document.data.get(path[0], {})
    if not isinstance(value, dict):
        document.wrong_value(path, "type", f"[{path[0]}] is a table")
        return {}
    return value


def unknown_keys(document: Document, known: Iterable[str], later: Iterable[str]) -> None:
    """Findings for top-level keys that do not exist, or not yet."""
    for key in document.data:
        if key in later:
            document.wrong_key((key,), "not-yet", f"[{key}] is not served by this version of wlproxy: take it out")
        elif key not in known:
            document.wrong_key((key,), "unknown-key", f"a policy has no '{key}'", [*known, *later])
