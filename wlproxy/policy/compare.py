"""What one compiled policy allows that another does not: effect, not text.

Promises: exact for what can be enumerated (globals, versions, verdicts, numbers, sets, quotas, rates). What lets anything pass that did not
pass is "wider", whatever it keeps back besides, so that a gate on it cannot be talked past; "changed" lets nothing more pass
and nothing less: other words for the host, another shape of a refusal. Equal compiled policies have no changes. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..core import checks
from ..core.outcome import ALL, NO_PREVIEW, RECORDS
from .compile import BUILT_IN_ENUM, BUILT_IN_SIZE, REWRITES
from .complain import COMPLAIN, GIVES_WAY
from .decide import ORDER
from .model import ALLOW, COPY, DENY, ERROR, HIDE, IN_ORDER
from .permissions import ADVERTISED, ESCAPE, MODIFIER_WORDS, MODIFIERS, NOTE, OF_GLOBAL, OF_MESSAGE, ONLY, ONLY_WORDS, SKIP_IF
from .read_mode import MODE, as_text
from .read_quotas import COUNT, QUOTAS, RATE, SECONDS, shown, time_text

WIDER: Final = "wider"
TIGHTER: Final = "tighter"
CHANGED: Final = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `key` as in a policy file; `before` and `after` in words; `origin` the line of the later policy, or of the earlier
    where the later has none."""

    kind: str
    key: str
    before: str
    after: str
    origin: str


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Every difference between two compiled policies, by key."""
    if before.get("names") != after.get("names"):
        kind = WIDER if after.get("names") == "keep" else TIGHTER
        yes_no = ("false", "true")
        whole = Change(kind, "transparent", yes_no[kind == TIGHTER], yes_no[kind == WIDER], "")
        return [whole]
    found = [*_mode(before, after), *_globals(before, after), *_permissions(before, after), *_messages(before, after)]
    found += [*_rewrites(before, after), *_quotas(before, after), *_others(before, after)]
    return found


def _kind(wider: bool, tighter: bool) -> str:
    return WIDER if wider else TIGHTER if tighter else CHANGED


# mode


def _mode(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[Change]:
    """Until when a policy only complains. The rest compares what the two say, whatever gives way."""
    was, now = (compiled.get(COMPLAIN, {}).get("until", 0) for compiled in (before, after))
    if was != now:
        words = [f"complain until {as_text(until)}" if until else "enforce" for until in (was, now)]
        yield Change(_kind(now > was, now < was), MODE, words[0], words[1], "")


# globals


def _globals(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[Change]:
    names = sorted({*before["globals"], *after["globals"], *before.get("served", {}), *after.get("served", {})})
    for name in names:
        was, now = _offer(before, name), _offer(after, name)
        if was[:4] == now[:4]:
            continue
        wider = now[0] > was[0] or (now[0] == was[0] and (now[1] > was[1] or now[3] > was[3] or bool(set(was[2]) - set(now[2]))))
        tighter = now[0] < was[0] or (now[0] == was[0] and (now[1] < was[1] or now[3] < was[3] or bool(set(now[2]) - set(was[2]))))
        yield Change(_kind(wider, tighter), f"global.{name}", _offer_text(was), _offer_text(now), now[4] or was[4])


Offer = tuple[int, int, tuple[str, ...], float, str]


def _offer(compiled: Mapping[str, Any], name: str) -> Offer:
    """How far a global is offered: 2 the compositor's, 1 the proxy's own, 0 not; version, made-up parts, how many at most, origin."""
    if name in compiled["globals"]:
        version, origin = compiled["globals"][name]
        return 2, version, tuple(compiled.get("virtual", {}).get(name, ())), compiled.get("count", {}).get(name, math.inf), origin
    if name in compiled.get("served", {}):
        version, origin = compiled["served"][name]
        return 1, version, (), 0, origin
    return 0, 0, (), 0, ""


def _offer_text(offer: Offer) -> str:
    how, version, virtual, count, _ = offer
    if how < 2:
        return "virtual" if how else HIDE
    many = f", at most {count}" if count != math.inf else ""
    return f"version {version}{many}" + (f", made up: {', '.join(virtual)}" if virtual else "")


# permissions


def _permissions(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[Change]:
    for name in sorted({*before.get("permissions", {}), *after.get("permissions", {})}):
        was = before.get("permissions", {}).get(name, [DENY, "", {}])
        now = after.get("permissions", {}).get(name, [DENY, "", {}])
        if was[0] == now[0] and (was[2] == now[2] or was[0] == DENY):
            continue  # of what is denied the bounds are said only where it gives way
        rank = ORDER.index(now[0]) - ORDER.index(was[0])
        wider, tighter = rank < 0, rank > 0
        if rank == 0:
            for key in {*was[2], *now[2]}:
                more, less = _parameter(key, was[2].get(key), now[2].get(key))
                wider, tighter = wider or more, tighter or less
        yield Change(_kind(wider, tighter), f"permission.{name}", _given(was), _given(now), now[1] or was[1])


def _parameter(key: str, was: Any, now: Any) -> tuple[bool, bool]:
    """Whether a parameter's change widens, and whether it tightens; None is "no bound"."""
    if was is None or now is None:
        return now is None, was is None
    if key == NOTE:
        return False, False
    if key == ONLY:
        was, now = (-ONLY_WORDS.index(said) for said in (was, now))
    if key in (SKIP_IF, ESCAPE):
        return bool(set(was) - set(now)), bool(set(now) - set(was))
    if key == MODIFIERS:
        was, now = ([*MODIFIER_WORDS] if ADVERTISED in said else said for said in (was, now))
    if isinstance(now, list) and now and isinstance(now[0], str):
        return bool(set(now) - set(was)), bool(set(was) - set(now))
    return now > was, now < was


def _given(entry: list[Any]) -> str:
    verdict, _, parameters = entry
    said = ", ".join(f"{key} {time_text(value) if isinstance(value, float) else _value(value)}" for key, value in parameters.items())
    return f"{verdict} ({said})" if said else str(verdict)


def _value(value: Any) -> str:
    if isinstance(value, list):
        if len(value) == 2 and all(isinstance(item, float) for item in value):
            return f"{value[0]:g}/s burst {value[1]:g}"
        return " ".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


# messages


def _messages(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[Change]:
    moved = {
        name
        for name in {*before.get("permissions", {}), *after.get("permissions", {})}
        if _meant(before, name) != _meant(after, name)
    }
    for name in sorted({*before["interfaces"]} & {*after["interfaces"]}):
        was, now = before["interfaces"][name], after["interfaces"][name]
        for side in ("requests", "events"):
            for old, new in zip(was[side], now[side], strict=False):
                if old[4] == new[4]:
                    continue
                change = _message(name, old, new) or (_yielding(name, old, new) if COMPLAIN in before and COMPLAIN in after else None)
                if change is None:
                    continue
                told = moved.intersection((*OF_MESSAGE.get((name, new[0]), ()), *OF_GLOBAL.get(name, ())))
                refused = _verdict(new[4]) != ALLOW  # then, or in either shape
                if told and (refused or _verdict(old[4]) != ALLOW or change.before.startswith("rate ")):
                    continue  # the permission's own change says it
                yield change


def _meant(compiled: Mapping[str, Any], name: str) -> list[Any]:
    verdict, _, parameters = compiled.get("permissions", {}).get(name, [DENY, "", {}])
    return [verdict, parameters]


def _verdict(decision: Mapping[str, Any] | None) -> str:
    said = (decision or {}).get("verdict", ALLOW)
    return ALLOW if said == ALLOW else DENY


def _yielding(interface: str, old: list[Any], new: list[Any]) -> Change | None:
    """Of two policies that complain: what only one of them holds to, because this host's ceiling says so."""
    words = [_decision(decision or {}) + (", gives way" if (decision or {}).get(GIVES_WAY) else ", held") for decision in (old[4], new[4])]
    wider = bool((new[4] or {}).get(GIVES_WAY))
    if words[0] == words[1] or _verdict(old[4]) == ALLOW:
        return None
    return Change(_kind(wider, not wider), f"message.{interface}.{new[0]}", words[0], words[1], (new[4] or {}).get("origin", ""))


def demands(decision: Mapping[str, Any], index: int) -> list[list[Any]]:
    """The checks on one argument, but for those of a rewrite. Where a policy names values, they are what counts: that they are of the enum
    is said beside them only where they give way."""
    found = [check for check in decision.get("checks", []) if check[0] == index and not of_rewrite(check)]
    named = any(check[1] == checks.IN and check[3] != BUILT_IN_ENUM for check in found)
    return [check for check in found if check[3] != BUILT_IN_ENUM] if named else found


def _message(interface: str, old: list[Any], new: list[Any]) -> Change | None:
    was, now = old[4] or {}, new[4] or {}
    key = f"message.{interface}.{new[0]}"
    origin = now.get("origin", "") or was.get("origin", "")
    if _verdict(was) != _verdict(now):
        wider = _verdict(now) == ALLOW
        return Change(_kind(wider, not wider), key, _decision(was), _decision(now), origin)
    if _verdict(now) != ALLOW:
        if (was.get("verdict"), was.get("ask")) == (now.get("verdict"), now.get("ask")):
            return None
        return Change(CHANGED, key, _decision(was), _decision(now), origin)
    wider = tighter = False
    if was.get("rate") != now.get("rate"):
        more, less = _parameter("rate", was.get("rate"), now.get("rate"))
        wider, tighter = wider or more, tighter or less
    arguments = {check[0] for check in (*was.get("checks", []), *now.get("checks", []))}
    texts: list[tuple[str, str]] = []
    for index in sorted(arguments):
        one, other = demands(was, index), demands(now, index)
        if [check[:3] for check in one] == [check[:3] for check in other]:
            continue
        more, less = compared(one, other)
        wider, tighter = wider or more, tighter or less
        named = old[3][index].partition(" ")[0]
        texts.append((f"{named}: {_checks(one)}", f"{named}: {_checks(other)}"))
        origin = next((check[3] for check in other if check[:3] not in [c[:3] for c in one]), origin)
    if not texts and was.get("rate") == now.get("rate"):
        return None
    before = "; ".join(text for text, _ in texts) or f"rate {_value(was.get('rate') or 'none')}"
    after = "; ".join(text for _, text in texts) or f"rate {_value(now.get('rate') or 'none')}"
    return Change(_kind(wider, tighter), key, before, after, origin)


def compared(one: list[list[Any]], other: list[list[Any]]) -> tuple[bool, bool]:
    """Whether the second list of checks on an argument passes a value that the first does not, and the other way round."""
    if all(check[1] in checks.NUMERIC for check in (*one, *other)):
        return not within(other, one), not within(one, other)
    was, now = by_operation(one), by_operation(other)
    wider = tighter = False
    for operation in sorted({*was, *now}):
        before, after = was.get(operation), now.get(operation)
        if before == after:
            continue
        if before is None or after is None:
            wider, tighter = wider or after is None, tighter or before is None
        elif operation in (checks.CHARSET, checks.TRANSLATE):
            wider, tighter = wider or bool(set(after) - set(before)), tighter or bool(set(before) - set(after))
        elif operation in (checks.MAX_BYTES, checks.CUT):
            wider, tighter = wider or after > before, tighter or after < before
    return wider, tighter


def of_rewrite(check: list[Any]) -> bool:
    """Whether a check is a template, or the room that it leaves: what the host is told, and none of what the guest may say."""
    operation, origin = check[1], check[3]
    return bool(operation == checks.REWRITE or origin == BUILT_IN_SIZE)


def by_operation(found: list[list[Any]]) -> dict[str, Any]:
    """The checks on a text; of two bounds on its length the lower, as both are asked."""
    said: dict[str, Any] = {}
    for _, operation, value, *_ in found:
        length = operation in (checks.MAX_BYTES, checks.CUT)
        said[operation] = min(value, said.get(operation, value)) if length else value
    return said


LOW, HIGH = -(2**31), 2**32 - 1


def within(inner: list[list[Any]], outer: list[list[Any]]) -> bool:
    """Whether every number that passes `inner` passes `outer`, too."""
    values, low, high, flags = bounds(inner)
    o_values, o_low, o_high, o_flags = bounds(outer)
    if values is not None:
        allowed = [v for v in values if low <= v <= high and v & ~flags == 0]
        return all(
            (o_values is None or v in o_values) and o_low <= v <= o_high and v & ~o_flags == 0 for v in allowed
        )
    if low > high:
        return True
    if o_values is not None:
        if flags != HIGH and flags.bit_count() <= 12:
            return all(bits in o_values for bits in submasks(flags) if low <= bits <= high)
        if high - low > len(o_values):
            return False
        return all(v in o_values for v in range(low, high + 1) if v & ~flags == 0)
    return o_low <= low and high <= o_high and (flags & ~o_flags) == 0


def submasks(flags: int) -> Iterable[int]:
    """Every number that has no bit outside `flags`."""
    bits = flags
    while bits:
        yield bits
        bits = (bits - 1) & flags
    yield 0


def bounds(found: list[list[Any]]) -> tuple[frozenset[int] | None, int, int, int]:
    """The values, the range and the bits that the checks on a number allow."""
    values: frozenset[int] | None = None
    low, high, flags = LOW, HIGH, HIGH
    for _, operation, value, *_ in found:
        if operation == checks.IN:
            values = frozenset(value) if values is None else values & frozenset(value)
        elif operation == checks.MIN:
            low = max(low, value)
        elif operation == checks.MAX:
            high = min(high, value)
        elif operation == checks.FLAGS:
            flags &= value
            low = max(low, 0)
    return values, low, high, flags


def _decision(decision: Mapping[str, Any]) -> str:
    if _verdict(decision) == ALLOW:
        return ALLOW
    return f"{'ask' if decision.get('ask') else DENY} ({decision['verdict']})"


def _checks(found: list[list[Any]]) -> str:
    said = []
    for check in found:
        value = check[2]
        text = f"{len(value)} values" if isinstance(value, list) and len(value) > 6 else _value(value)
        if check[1] in (checks.CHARSET, checks.TRANSLATE):
            text = f"{len(value)} characters"
        said.append(f"{check[1]} {text}")
    return ", ".join(said) or "anything"


# the rest


def _rewrites(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[Change]:
    for key, place in REWRITES.items():
        was, now = (_template(compiled, place.interface, place.request) for compiled in (before, after))
        if (was or [""])[0] != (now or [""])[0] and place.interface in before["interfaces"] and place.interface in after["interfaces"]:
            words = ["none" if entry is None else '"' + entry[0].replace("{}", place.placeholder) + '"' for entry in (was, now)]
            yield Change(_kind(now is None, was is None), f"rewrite.{key}", words[0], words[1], (now or was or ["", ""])[1])


def _template(compiled: Mapping[str, Any], interface: str, request: str) -> list[str] | None:
    """The template of a request, and its line."""
    for name, _, _, _, decision in compiled["interfaces"].get(interface, {}).get("requests", []):
        if name == request:
            return next(([c[2], c[3]] for c in (decision or {}).get("checks", []) if c[1] == checks.REWRITE), None)
    return None


KEY_OF_FIELD: Final = {field: (key, kind) for key, (field, kind, _, _) in QUOTAS.items()}


def _quotas(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[Change]:
    for name in sorted({*before.get("quota", {}), *after.get("quota", {})}):
        was, now = before.get("quota", {}).get(name), after.get("quota", {}).get(name)
        if was is not None and now is not None:
            if was[0] == now[0]:
                continue
            kind = _kind(_more(now[0], was[0]), _more(was[0], now[0]))
        else:
            kind = CHANGED  # against the built-in default
        key, unit = KEY_OF_FIELD.get(name, (name, COUNT))
        words = ["default" if entry is None else _amount(unit, entry[0]) for entry in (was, now)]
        yield Change(kind, f"quota.{key}", words[0], words[1], (now or was)[1])


def _amount(unit: str, amount: Any) -> str:
    """As a policy says it."""
    if unit == RATE:
        return _value(amount) if amount[0] else "unlimited"
    return shown(unit, amount) if amount or unit != SECONDS else "0s"


def _more(one: Any, other: Any) -> bool:
    """Whether a quota allows more than another; a rate of 0 is unlimited."""
    if isinstance(one, list):
        return bool(other[0]) and (not one[0] or one[0] > other[0] or one[1] > other[1])
    return bool(one > other)


def _others(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[Change]:
    was, now = before["shm-unsealable"], after["shm-unsealable"]
    if was != now:
        yield Change(_kind(now == COPY, now != COPY), "shm-unsealable", was, now, "")
    was, now = (compiled.get("early-destroy", ERROR) for compiled in (before, after))
    if was != now:
        yield Change(_kind(now == IN_ORDER, now != IN_ORDER), "early-destroy", was, now, "")
    was, now = (RECORDS.index(compiled.get("record", ALL)) for compiled in (before, after))
    if was != now:  # what nobody sees is as good as allowed
        yield Change(_kind(now < was, now > was), "audit.record", RECORDS[was], RECORDS[now], "")
    said, says = (compiled.get("payload", NO_PREVIEW) for compiled in (before, after))
    if said != says:
        yield Change(CHANGED, "audit.payload", said, says, "")
    modes = ("require", "prefer", "off")
    for key in sorted({*before.get("upstream", {}), *after.get("upstream", {})}):
        was, now = before.get("upstream", {}).get(key, ""), after.get("upstream", {}).get(key, "")
        if was != now:
            kind = CHANGED
            if key == "security-context":
                kind = _kind(modes.index(now) > modes.index(was), modes.index(now) < modes.index(was))
            yield Change(kind, f"upstream.{key}", was, now, "")
