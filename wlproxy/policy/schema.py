"""JSON Schema for the files an admin writes: what an editor offers, explains and underlines.

Promises: made from the very data that the readers check with (permissions, quotas, protocol data, deny shapes), so that what a reader
accepts the schema accepts, and a misspelt key of any table is refused by both. What a schema cannot say (`final`, min above max, the
range of "64MiB", variables) only `wlproxy check` finds. Pure.
Source: JSON Schema draft-07, which TOML language servers read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ..core.outcome import PAYLOADS, RECORDS, WOULD_DENY
from ..core.protocol import ARRAY, FD, FIXED, INT, OBJECT, STRING, UINT, Argument, Interface, Message, enum_of
from ..handlers import keys
from ..handlers.virtual import PARTS, SERVED
from . import read_audit, read_permissions, read_predicates, read_quotas, read_rules, read_upstream, read_variables
from .compile import REWRITES, global_names, legal_shapes, vetted_version
from .inheritance import TABLES
from .model import ALLOW, ASK, COPY, DENY, ERROR, HIDE, IN_ORDER, NEVER, REFUSE, VIRTUAL
from .permissions import (
    ESCAPE,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DURATION,
    MAX_PLANES,
    MAX_SIZE,
    MIME,
    MODIFIER_WORDS,
    MODIFIERS,
    NEEDS_INPUT_SERIAL,
    NOTE,
    ONLY,
    ONLY_WORDS,
    PERMISSIONS,
    RATE,
    REMEMBER,
    SKIP_IF,
    TIMEOUT,
)
from .read_guest import MOST_LISTENERS
from .read_mode import ENFORCE, MODES, MOST_DAYS

DIALECT: Final = "http://json-schema.org/draft-07/schema#"
NAME: Final = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
SIZE: Final = "^[0-9]{1,12}([.][0-9]{1,3})?(B|KiB|MiB|GiB)$"
TIME: Final = "^[0-9]{1,12}([.][0-9]{1,3})?(ms|s|m|h)$"
PER_SECOND: Final = "^[0-9]{1,12}([.][0-9]{1,3})?/([0-9]{1,4})?s( burst [0-9]{1,12})?$"
COMBINATION: Final = "^((" + "|".join(keys.MODIFIERS) + ")[+])+(" + "|".join(keys.KEYS) + ")$"
OFFSET_DATE_TIME: Final = "date-time"
DATES: Final = ("date", "date-time-local", OFFSET_DATE_TIME)
KINDS: Final = ("policy", "ceiling", "guest", "test")

Schema = dict[str, Any]
Words = Callable[[str], str]  # why a global has the verdict it has


def text(pattern: str = "", about: str = "") -> Schema:
    """A string."""
    return {"type": "string"} | ({"pattern": pattern} if pattern else {}) | ({"description": about} if about else {})


def whole(least: float, most: float, about: str = "") -> Schema:
    """An integer from `least` to `most`."""
    return {"type": "integer", "minimum": least, "maximum": most} | ({"description": about} if about else {})


def moment(format: str) -> Schema:
    """A date or a time of TOML's own, without quotes: JSON has them as texts, and an editor goes by the format."""
    return {"type": "string", "format": format}


def one_of_words(*words: str) -> Schema:
    return {"enum": list(words)}


def table(properties: Mapping[str, Any], required: Iterable[str] = (), about: str = "") -> Schema:
    """A table with these keys and no others."""
    said: Schema = {"type": "object", "additionalProperties": False, "properties": dict(properties)}
    needed = list(required)
    return said | ({"required": needed} if needed else {}) | ({"description": about} if about else {})


def items(item: Schema, least: int = 0) -> Schema:
    return {"type": "array", "items": item} | ({"minItems": least} if least else {})


def reference(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def head(title: str, about: str, body: Schema) -> Schema:
    """The outermost schema."""
    return {"$schema": DIALECT, "title": title, "x-tombi-toml-version": "v1.0.0"} | {"description": about} | body


# the whole files


def policy_schema(interfaces: Mapping[str, Interface], floor: Mapping[str, str], reason: Words) -> Schema:
    """Of a policy. `floor`: the globals that no policy may allow; `reason` says why a global is risky, "" where nobody knows."""
    definitions: Schema = {}
    prefixes = "|".join(TABLES)
    properties: Schema = {
        "format": {"const": 1, "description": "the version of the language"},
        "name": text(NAME, "how audit log, `check` and `diff` call this policy"),
        "summary": text("", "one sentence for people"),
        "extends": text("^.", "the one policy that this file changes: a shipped one's name, or a path beside this file"),
        "final": items(
            text(rf"^(mode|({prefixes})\.[^*]*\*?)$"), 0
        ) | {"description": "what a policy that extends this one may not loosen: keys, or beginnings of keys with a * at the end"},
        "transparent": {"type": "boolean", "description": "forward all the protocol data knows; for tests, never for a guest"},
        "shm-unsealable": one_of_words(COPY, REFUSE) | {"description": "what to do with memory that cannot be sealed"},
        "early-destroy": one_of_words(ERROR, IN_ORDER)
        | {"description": "what becomes of a window whose wl_surface is destroyed before its xdg_toplevel"},
        "mode": one_of_words(*MODES) | {"description": "complain: what the policy refuses passes until a moment, and is written down"},
        "until": moment(OFFSET_DATE_TIME) | {"description": f"the moment, with its offset; at most {MOST_DAYS} days ahead"},
        "vars": variables(),
        "global": globals_table(interfaces, floor, reason, False),
        "permission": permissions_table(read_permissions.VERDICT),
        "message": messages_table(interfaces, definitions),
        "rewrite": table({key: text("", f'the guest\'s own text is "{r.placeholder}"') for key, r in REWRITES.items()}),
        "quota": quotas_table(),
        "upstream": table(
            {read_upstream.SECURITY_CONTEXT: one_of_words(*read_upstream.MODES)} | {key: text("^.") for key in read_upstream.TEXTS}
        ),
        "ask": ask_table(),
        "audit": audit_table(),
    }
    body = table(properties, ("format", "name"))
    return head("wlproxy policy", "What one guest may do. wlproxy-policy(5)", body | {"definitions": definitions})


def ceiling_schema(interfaces: Mapping[str, Interface], floor: Mapping[str, str], reason: Words) -> Schema:
    """Of /etc/wlproxy/ceiling.toml."""
    properties = {
        "format": {"const": 1},
        "name": text(NAME),
        "summary": text(),
        "mode": {"const": ENFORCE, "description": "no policy on this host may only complain"},
        "global": globals_table(interfaces, floor, reason, True),
        "permission": permissions_table(read_permissions.AT_MOST),
    }
    return head("wlproxy ceiling", "What no guest of this host gets more than. wlproxy-policy(5)", table(properties, ("format", "name")))


def guest_schema() -> Schema:
    """Of a file in guests.d."""
    properties = {
        "format": {"const": 1},
        "policy": text("^.", "a policy by name, or its file"),
        "vars": {"type": "object", "additionalProperties": {"type": "string"}, "description": "what the policy's ${...} stand for"},
        "listen": items(text("^."), 1) | {"maxItems": MOST_LISTENERS, "description": "where the guest connects: URIs, as of `wlproxy run`"},
        "upstream": text("^/", "the compositor's socket"),
        "audit": text("^(/|-$)", "where its audit lines go; - is standard output"),
        "expires": {"anyOf": [moment(kind) for kind in DATES], "description": "a date: afterwards the guest falls back to `strict`"},
        "shadow": text("^.", "a policy that is asked beside the other and decides nothing"),
    }
    return head("wlproxy guest", "Which policy one guest has, and how it connects.", table(properties, ("format", "policy")))


def test_schema() -> Schema:
    """Of a policy's test file."""
    verdicts = (ALLOW, "rewrite", WOULD_DENY, DENY, ASK, HIDE, VIRTUAL, "violation")
    shapes = (*read_rules.SHAPES, VIRTUAL)
    message = text("^.", 'a message, as in xdg_toplevel.set_title("x")')
    expected = table(
        {
            "verdict": one_of_words(*verdicts),
            "becomes": text("", "what is forwarded in its place"),
            "deny-as": one_of_words(*shapes),
            "event": text("", "a message that the guest is sent in answer"),
            "rule": text("", "where the rule stands, or how that begins"),
        }
    )
    case = table(
        {
            "name": text("^.", "one sentence: what must hold"),
            "setup": items(message) | {"description": "said before, to the same objects"},
            "send": message,
            "receive": message,
            "answer": one_of_words(DENY) | {"description": "what the user says where the policy asks"},
            "expect": {"anyOf": [one_of_words(*verdicts), expected]},
        },
        ("expect",),
    )
    counts = table({key: whole(0, 1 << 31) for key in ("denied", "allowed", "rewritten", "disconnected")})
    properties = {
        "format": {"const": 1},
        "policy": text("^.", "a policy by name, or its path from here"),
        "vars": {"type": "object", "additionalProperties": {"type": "string"}},
        "case": items(case),
        "trace": items(table({"file": text("^."), "expect": counts}, ("file",))),
        "coverage": table({"rules": whole(0, 100, "per cent of the policy's own rules that some case or trace reaches")}),
    }
    return head("wlproxy policy test", "Cases that a policy must answer as expected.", table(properties, ("format", "policy")))


# the tables


def variables() -> Schema:
    """[vars]."""
    known = {
        "type": one_of_words(*read_variables.TYPES),
        "default": text(),
        "max-bytes": whole(1, read_variables.MAX_BYTES),
    }
    return {"type": "object", "additionalProperties": table(known, ("type",)), "description": "what ${...} stands for"}


def globals_table(interfaces: Mapping[str, Interface], floor: Mapping[str, str], reason: Words, ceiling: bool) -> Schema:
    """[global]: each global there is, at most at the version that can be vetted."""
    away = [HIDE, NEVER] if ceiling else [HIDE]
    properties: Schema = {}
    for name in sorted(global_names(interfaces)):
        about = {"description": why} if (why := reason(name)) else {}
        if name in floor and not ceiling:
            properties[name] = one_of_words(HIDE) | about
            continue
        version = whole(1, vetted_version(interfaces[name]))
        words = [*away, VIRTUAL] if name in SERVED else away
        count = whole(1, read_rules.MOST_COUNT, "of how many the guest is told")
        table_of = {"max": version, "count": count} | ({"virtualize": items(one_of_words(*PARTS[name]))} if name in PARTS else {})
        properties[name] = {"anyOf": [version, one_of_words(*words), table(table_of, ("max",))]} | about
    patterns = {r"^[A-Za-z0-9_]*\*$": one_of_words(*away) | {"description": "a wildcard can only take away"}}
    about_all = "a number: allowed, announced at most at that version; what is not named is hidden"
    return table(properties, (), about_all) | {"patternProperties": patterns}


def permissions_table(says: str) -> Schema:
    """[permission]; the verdict stands under the key `says`."""
    verdicts = one_of_words(*read_permissions.VERDICTS)
    properties = {}
    for name, permission in PERMISSIONS.items():
        keys = {key: PARAMETERS[key] for key in (*permission.parameters, REMEMBER, TIMEOUT, NOTE)}
        about = f"the guest may {permission.grants} (class {permission.risk})"
        properties[name] = {"anyOf": [verdicts, table({says: verdicts} | keys, (says,))], "description": about}
    return table(properties, (), "every permission that is not named is refused")


def ask_table() -> Schema:
    """[ask]."""
    time = text(TIME)
    properties = {TIMEOUT: time, "min-display": time, REMEMBER: PARAMETERS[REMEMBER]}
    return table(properties | {"max-per-minute": whole(1, 60), "no-agent": one_of_words(DENY)}, (), "how the user is asked")


def audit_table() -> Schema:
    """[audit]."""
    properties: Schema = {
        read_audit.RECORD: one_of_words(*RECORDS) | {"description": "what of the decisions is recorded"},
        read_audit.PAYLOAD: one_of_words(*PAYLOADS) | {"description": "whether an entry has the beginning of a title or app id"},
        read_audit.ON_FAILURE: one_of_words(*read_audit.FAILURES),
    }
    return table(properties, (), "what the audit log has of the guest")


PARAMETERS: Final[dict[str, Schema]] = {
    RATE: text(PER_SECOND, 'such as "1/s burst 5" or "1/5s"'),
    MIME: items(text("^[^*]+$"), 1) | {"maxItems": read_permissions.MOST_TYPES, "description": "types of data that pass, spelt whole"},
    MAX_BYTES: {"anyOf": [whole(1, 1 << 40), text(SIZE)], "description": "of one transfer"},
    MAX_SIZE: whole(1, read_permissions.MOST_SIZE, "logical pixels, either way"),
    MAX_PLANES: whole(1, read_permissions.MOST_PLANES, "of one buffer"),
    MODIFIERS: items(one_of_words(*MODIFIER_WORDS), 1) | {"description": "how a buffer's memory may be laid out"},
    MAX_DEPTH: whole(1, read_permissions.MOST_DEPTH, "of menus that hold the input, one out of the other"),
    ONLY: one_of_words(*ONLY_WORDS) | {"description": "what the inhibitor's window must be"},
    MAX_DURATION: text(TIME, "after the last key, click or touch in the guest"),
    ESCAPE: {"anyOf": [text(COMBINATION), items(text(COMBINATION), 1) | {"maxItems": read_permissions.MOST_ESCAPES}]}
    | {"description": "keys that take it back, until the next click in the guest"},
    SKIP_IF: items(text("^[^*]+$"), 1)
    | {"maxItems": read_permissions.MOST_TYPES, "description": "what has one of these types is not shown: the marks of password managers"},
    NEEDS_INPUT_SERIAL: {"type": "boolean", "description": "only with a token that the guest was given for a key or a click of its own"},
    REMEMBER: items({"anyOf": [one_of_words(read_permissions.ONCE, read_permissions.SESSION), text(TIME)]}, 1)
    | {"description": "for how long an answer holds"},
    TIMEOUT: text(TIME, "after which nobody has answered"),
    NOTE: text("^.{1,200}$", "one more sentence for the question"),
}


def quotas_table() -> Schema:
    """[quota]."""
    properties: Schema = {read_quotas.ON_EXCEED: one_of_words("disconnect")}
    for key, (_, kind, least, most) in read_quotas.QUOTAS.items():
        about = f"{read_quotas.shown(kind, least)} to {read_quotas.shown(kind, most)}"
        if kind == read_quotas.COUNT:
            properties[key] = whole(int(least), int(most), about)
        elif kind == read_quotas.BYTES:
            properties[key] = {"anyOf": [whole(int(least), int(most)), text(SIZE)], "description": about}
        elif kind == read_quotas.SECONDS:
            properties[key] = text(TIME, about)
        else:
            properties[key] = {"anyOf": [text(PER_SECOND), one_of_words(read_quotas.UNLIMITED)], "description": about}
    return table(properties, (), "for the guest as a whole, over all its connections")


def messages_table(interfaces: Mapping[str, Interface], definitions: Schema) -> Schema:
    """[message]. What many messages share is said once, in `definitions`."""
    properties: Schema = {}
    for name in sorted(interfaces):
        if name in read_rules.BUILT_IN:
            continue
        interface = interfaces[name]
        messages = {m.name: one_message(interfaces, definitions, name, m, False) for m in interface.events}
        messages |= {m.name: one_message(interfaces, definitions, name, m, True) for m in interface.requests}
        properties[name] = table(messages)
    return table(properties, (), "rules for single messages; what an allowed global brings with it is allowed unless one says otherwise")


def one_message(
    interfaces: Mapping[str, Interface], definitions: Schema, owner: str, message: Message, request: bool
) -> Schema:
    """A verdict or a table of it."""
    shapes = legal_shapes(owner, message, request)
    verdicts = shared(definitions, one_of_words(*(read_rules.VERDICTS if shapes else (ALLOW,))))
    keys: Schema = {"verdict": verdicts}
    if shapes:
        keys["deny-as"] = shared(definitions, one_of_words(*shapes))
    if request:
        keys[RATE] = shared(definitions, PARAMETERS[RATE])
    arguments = {a.name: predicate(interfaces, definitions, a) for a in message.arguments if a.type in read_predicates.FITTING}
    if arguments:
        keys["args"] = shared(definitions, table(arguments))
    return shared(definitions, {"anyOf": [verdicts, table(keys)]})


def shared(definitions: Schema, schema: Schema) -> Schema:
    """A reference to the schema, which is kept once, however often it is said."""
    key = "d" + hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:6]
    while definitions.setdefault(key, schema) != schema:
        key += "x"
    return reference(key)


def predicate(interfaces: Mapping[str, Interface], definitions: Schema, argument: Argument) -> Schema:
    """What may be demanded of an argument, by its type."""
    enum = enum_of(argument, interfaces)
    name = argument.type if enum is None else argument.enum
    if argument.type == OBJECT and not argument.nullable:
        name = "object-never-null"
    if name not in definitions:
        keys: Schema = {}
        if argument.type in (INT, UINT, FIXED):
            low, high = read_predicates.RANGES[argument.type]
            number = {"type": "number" if argument.type == FIXED else "integer", "minimum": low, "maximum": high}
            keys = {"min": number, "max": number}
            if argument.type != FIXED:
                values: Schema = number
                if enum is not None:
                    words = [e.name for e in enum.entries]
                    one = sorted({e.value for e in enum.entries})
                    values = {"anyOf": [one_of_words(*words), number]} if enum.bitfield else {"enum": [*words, *one]}
                keys["in"] = items(values, 1) | {"maxItems": read_predicates.MOST_VALUES}
        elif argument.type in (STRING, ARRAY):
            keys = {"max-bytes": whole(0, read_predicates.MOST_BYTES)}
            if argument.type == STRING:
                keys |= {"charset": text("^.", "such as A-Za-z0-9._-"), "sanitize": one_of_words("plain")}
        elif argument.type == FD:
            keys = {"kind": one_of_words(*read_predicates.KINDS)}
        elif argument.nullable:
            keys = {"null": {"const": True}}
        definitions[name] = table(keys)
    return reference(name)


def schema_of(kind: str, interfaces: Mapping[str, Interface], floor: Mapping[str, str], reason: Words) -> Schema:
    """One of KINDS."""
    if kind == "policy":
        return policy_schema(interfaces, floor, reason)
    if kind == "ceiling":
        return ceiling_schema(interfaces, floor, reason)
    return guest_schema() if kind == "guest" else test_schema()
