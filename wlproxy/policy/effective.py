"""A policy with everything that it inherits, as one list of values: each with the line that set it.

Promises: written out as TOML (`as_toml`) it is a policy that means the same (tests compare the hashes); what the ceiling of the host or a
permission takes away is shown as taken away, with the line that does it. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core.protocol import Interface, Message, enum_of
from ..core.quotas import COUNTED, Limits
from .compile import usual_shape, vetted_version
from .decide import BUILT_IN, GLOBAL, global_steps, permission_verdict, strictest
from .document import Document
from .model import ALLOW, HIDE, VIRTUAL, MessageRule, Policy, Predicate
from .permissions import ESCAPE, NOTE, ONLY, PERMISSIONS, RATE
from .read_audit import PAYLOAD, RECORD
from .read_mode import COMPLAIN, MODE, UNTIL, as_text
from .read_quotas import BYTE_UNITS, BYTES, COUNT, QUOTAS, SECONDS, time_text


@dataclass(frozen=True, slots=True)
class Setting:
    """One value. `table` as in the file, "" for the keys above the tables; `text` its TOML; `said` false: it is a default, which no file
    sets; `remark`: words about it, "" for none."""

    table: str
    key: str
    value: Any
    text: str
    origin: str
    said: bool = True
    remark: str = ""


def settings(
    policy: Policy, chain: list[Document], compiled: Mapping[str, Any], interfaces: Mapping[str, Interface]
) -> list[Setting]:
    """Every value, table by table."""
    found = [*_head(policy, chain)]
    found += _variables(policy, chain)
    if not policy.transparent:
        found += _globals(policy, compiled, interfaces)
        found += _permissions(policy, compiled)
        found += _messages(policy, interfaces)
        found += [
            Setting("rewrite", key, rule.template, quoted(rule.template), str(rule.origin)) for key, rule in sorted(policy.rewrites.items())
        ]
    found += _upstream(policy, chain, compiled)
    found += _quotas(policy)
    for key, word in ((RECORD, policy.record), (PAYLOAD, policy.payload)):
        said = origin_of(chain, ("audit", key))
        found.append(Setting("audit", key, word, quoted(word), said, said != BUILT_IN))
    return found + _ask(chain)


def origin_of(chain: list[Document], path: tuple[str, ...]) -> str:
    """The line of the youngest file that says something at `path`; BUILT_IN where none does."""
    return next((str(document.origin(path)) for document in reversed(chain) if document.has(path)), BUILT_IN)


def as_toml(found: list[Setting], origins_first: bool = False) -> list[str]:
    """The values as a policy file, origins as comments behind or (as of a blamed file) in front of each line."""
    lines: list[str] = []
    table = ""
    width = max([len(line_of(setting)) for setting in found if len(line_of(setting)) <= 60], default=0)
    margin = max([len(setting.origin) for setting in found], default=0) + 2
    for setting in found:
        if setting.table != table:
            table = setting.table
            lines += ["", f"[{table}]"] if not origins_first else ["", " " * margin + f"[{table}]"]
        text = line_of(setting)
        remark = f"  {setting.remark}" if setting.remark else ""
        if origins_first:
            lines.append(f"{setting.origin:<{margin}}{text}" + (f"  #{remark}" if remark else ""))
        else:
            lines.append(f"{text:<{width}}  # {setting.origin}{remark}")
    return lines


def line_of(setting: Setting) -> str:
    """One line of TOML; a default stands as a comment."""
    return f"{'' if setting.said else '# '}{setting.key} = {setting.text}"


def quoted(text: str) -> str:
    """A basic string of TOML, printable ASCII."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def listed(items: list[str]) -> str:
    """A list of strings."""
    return "[" + ", ".join(quoted(item) for item in items) + "]"


def inline(pairs: Mapping[str, str]) -> str:
    """An inline table of texts of TOML."""
    return "{ " + ", ".join(f"{key} = {text}" for key, text in pairs.items()) + " }" if pairs else "{}"


def _head(policy: Policy, chain: list[Document]) -> list[Setting]:
    found = [Setting("", "format", 1, "1", origin_of(chain[-1:], ("format",)))]
    found.append(Setting("", "name", policy.name, quoted(policy.name), origin_of(chain[-1:], ("name",))))
    found.append(Setting("", "summary", policy.summary, quoted(policy.summary), origin_of(chain[-1:], ("summary",)), bool(policy.summary)))
    if policy.transparent:
        found.append(Setting("", "transparent", True, "true", str(policy.origin)))
    if policy.until:
        found += [Setting("", MODE, COMPLAIN, quoted(COMPLAIN), origin_of(chain[-1:], (MODE,)))]
        until = as_text(policy.until)
        found += [Setting("", UNTIL, until, until, origin_of(chain[-1:], (UNTIL,)), True, "what is refused passes until then")]
    for key, word in (("shm-unsealable", policy.shm_unsealable), ("early-destroy", policy.early_destroy)):
        origin = origin_of(chain, (key,))
        found.append(Setting("", key, word, quoted(word), origin, origin != BUILT_IN))
    return found


def _variables(policy: Policy, chain: list[Document]) -> list[Setting]:
    """What stands for ${...}: filled in everywhere below, so it is shown for people only."""
    return [
        Setting("vars", name, text, quoted(text), origin_of(chain, ("vars", name)), False, "already filled in below")
        for name, text in sorted(policy.variables.items())
    ]


def _globals(policy: Policy, compiled: Mapping[str, Any], interfaces: Mapping[str, Interface]) -> list[Setting]:
    found = []
    for name, rule in sorted(policy.globals.items()):
        steps = global_steps(policy, name, vetted_version(interfaces[name]))
        step = strictest(steps)
        if name in compiled["globals"]:
            version = compiled["globals"][name][0]
            value: Any = {"max": version}
            texts = {"max": str(version)}
            if name in compiled["count"]:
                value["count"] = compiled["count"][name]
                texts["count"] = str(value["count"])
            if rule.virtual:
                value["virtualize"] = list(rule.virtual)
                texts["virtualize"] = listed(list(rule.virtual))
            value, text = (value, inline(texts)) if len(texts) > 1 else (version, str(version))
        else:
            value = VIRTUAL if name in compiled["served"] else HIDE
            text = quoted(value)
        cap = compiled["globals"].get(name, [0])[0]
        lower = [s for s in steps if s.layer != GLOBAL and s.version and s.version == cap < rule.max_version]
        taken = step if step.verdict != rule.verdict else lower[0] if lower else None
        remark = f"not {rule.verdict}: {taken.layer} {taken.key} ({taken.origin})" if taken is not None else ""
        found.append(Setting("global", name, value, text, str(rule.origin), True, remark))
    return found


def _permissions(policy: Policy, compiled: Mapping[str, Any]) -> list[Setting]:
    found = []
    for name, permission in PERMISSIONS.items():
        verdict, origin, parameters = compiled["permissions"][name]
        rule = policy.permissions.get(name)
        step = permission_verdict(policy, name)
        texts = {"verdict": quoted(verdict)} | {key: parameter_text(key, value) for key, value in parameters.items()}
        text = inline(texts) if parameters else quoted(verdict)
        remark = f"the guest may {permission.grants}" if verdict == ALLOW else f"to {permission.grants}"
        if rule is not None and rule.verdict != verdict:
            remark += f"; not {rule.verdict}: {step.key} ({step.origin})"
            origin = str(rule.origin)
        said = origin if rule is not None else BUILT_IN
        found.append(Setting("permission", name, {"verdict": verdict} | parameters, text, said, rule is not None, remark))
    return found


def parameter_text(key: str, value: Any) -> str:
    """A parameter of a permission as TOML."""
    if key == RATE:
        return quoted(rate_text(value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return quoted(value[0]) if key == ESCAPE and len(value) == 1 else listed([str(item) for item in value])
    if key in (NOTE, ONLY):
        return quoted(value)
    return quoted(time_text(value)) if isinstance(value, float) else str(value)


def rate_text(rate: Any) -> str:
    """A rate as an admin writes it."""
    return f"{rate[0]:g}/s burst {rate[1]:g}" if rate[0] else "unlimited"


def _messages(policy: Policy, interfaces: Mapping[str, Interface]) -> list[Setting]:
    found = []
    for (owner, name), rule in sorted(policy.messages.items()):
        interface = interfaces[owner]
        request = next((m for m in interface.requests if m.name == name), None)
        message = request or next(m for m in interface.events if m.name == name)
        table = f"message.{owner}"
        for key, text in rule_texts(rule, message, request is not None).items():
            value = getattr(rule, {"verdict": "verdict", "deny-as": "deny_as", "rate": "rate"}[key])
            found.append(Setting(table, f"{name}.{key}", value, text, str(rule.origin)))
        for argument, predicate in sorted(rule.args.items()):
            of = next(a for a in message.arguments if a.name == argument)
            enum = enum_of(of, interfaces)
            names = {entry.value: entry.name for entry in enum.entries} if enum is not None else {}
            text = predicate_text(predicate, names)
            found.append(Setting(table, f"{name}.args.{argument}", text, text, str(predicate.origin)))
    return found


def rule_texts(rule: MessageRule, message: Message, request: bool) -> dict[str, str]:
    """What a rule says beside its arguments."""
    texts = {}
    unusual = bool(rule.deny_as) and rule.deny_as != usual_shape(message, request)
    if rule.verdict != ALLOW or unusual:
        texts["verdict"] = quoted(rule.verdict)
    if unusual:
        texts["deny-as"] = quoted(rule.deny_as)
    if rule.rate is not None:
        texts["rate"] = quoted(rate_text(rule.rate))
    return texts


def predicate_text(predicate: Predicate, names: Mapping[int, str] | None = None) -> str:
    """A predicate as TOML; numbers by the names of their enum where they have some."""
    pairs: dict[str, str] = {}
    for key, number in (("min", predicate.minimum), ("max", predicate.maximum)):
        if number is not None:
            pairs[key] = repr(number)
    if predicate.values is not None:
        pairs["in"] = "[" + ", ".join(quoted(names[v]) if names and v in names else str(v) for v in predicate.values) + "]"
    if predicate.max_bytes is not None:
        pairs["max-bytes"] = str(predicate.max_bytes)
    if predicate.charset:
        pairs["charset"] = quoted(ranges(predicate.charset))
    if predicate.sanitize:
        pairs["sanitize"] = quoted(predicate.sanitize)
    if predicate.null:
        pairs["null"] = "true"
    if predicate.kind:
        pairs["kind"] = quoted(predicate.kind)
    return inline(pairs)


def ranges(characters: str) -> str:
    """Characters as `charset` takes them: runs as a-z, the hyphen last, where it is itself."""
    runs: list[list[str]] = []
    for character in sorted(set(characters) - {"-"}):
        if runs and ord(character) == ord(runs[-1][-1]) + 1:
            runs[-1].append(character)
        else:
            runs.append([character])
    texts = ["".join(run) if len(run) < 3 else f"{run[0]}-{run[-1]}" for run in runs]
    return "".join(texts) + ("-" if "-" in characters else "")


def _upstream(policy: Policy, chain: list[Document], compiled: Mapping[str, Any]) -> list[Setting]:
    return [
        Setting("upstream", key, text, quoted(text), origin_of(chain, ("upstream", key)), key in policy.upstream)
        for key, text in sorted(compiled["upstream"].items())
    ]


def _quotas(policy: Policy) -> list[Setting]:
    limits = Limits()
    found = []
    for key, (field, kind, _, _) in QUOTAS.items():
        quota = policy.quotas.get(key)
        if quota is not None:
            amount: Any = quota.amount
        elif field in COUNTED:
            amount = limits.counted[COUNTED.index(field)]
        else:
            amount = getattr(limits, field.replace("-", "_"))
        origin = str(quota.origin) if quota is not None else BUILT_IN
        value = list(amount) if isinstance(amount, tuple | list) else amount
        found.append(Setting("quota", key, value, amount_text(kind, value), origin, quota is not None))
    return found


def amount_text(kind: str, amount: Any) -> str:
    """A quota's amount as an admin writes it."""
    if kind == COUNT:
        return str(amount)
    if kind == SECONDS:
        return quoted(time_text(amount))
    if kind == BYTES:
        unit, factor = next((u, f) for u, f in reversed(BYTE_UNITS.items()) if amount % f == 0)
        return quoted(f"{amount // factor}{unit}")
    return quoted(rate_text(amount))


def _ask(chain: list[Document]) -> list[Setting]:
    said: dict[str, Any] = {}
    for document in chain:
        said |= document.table("ask")
    found = []
    for key, value in sorted(said.items()):
        text = listed(value) if isinstance(value, list) else quoted(value) if isinstance(value, str) else str(value)
        found.append(Setting("ask", key, value, text, origin_of(chain, ("ask", key))))
    return found

