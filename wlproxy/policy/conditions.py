"""What else has to hold for a request that a policy allows: serials, rates, quotas. Only a session knows whether it does; the conditions
can be said.

Promises: what is said here is what core/judge.py, core/serials.py and core/quotas.py ask, read from the same tables. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..core import serials
from ..core.quotas import COUNTED, UNCOUNTED, Limits, limits_of
from ..core.tables import MessageRule
from ..core.wire import FD, NEW_ID
from ..handlers.constraints import HELD
from ..handlers.costs import COUNTED as KIND_OF
from ..handlers.escape import SHORTCUTS
from ..handlers.inhibitors import FULLSCREEN, PERMISSION
from .complain import COMPLAIN
from .effective import parameter_text
from .model import ALLOW, DENY, DISCONNECT, IGNORE, INERT
from .permissions import ESCAPE, MAX_DURATION, ONLY
from .read_quotas import BYTES, shown, time_text

KINDS: Final = (
    (serials.PRESS, "a press of a button or a finger"),
    (serials.KEY, "a key"),
    (serials.FOCUS, "the keyboard coming to a window"),
    (serials.POINT, "the pointer coming over a window"),
    (serials.CONFIGURE, "a configure of that surface"),
    (serials.PING, "a ping"),
)
OTHERWISE: Final = {IGNORE: "left out", INERT: "what it creates exists for the guest alone", DISCONNECT: "the connection ends"}
LENT: Final = {"zwp_idle_inhibitor_v1": PERMISSION} | {name: permission for name, (permission, *_) in HELD.items()}
BUFFER: Final = ("wl_shm_pool", "create_buffer")


def conditions(rule: MessageRule, decision: Mapping[str, Any], compiled: Mapping[str, Any]) -> list[str]:
    """Of a request that passes: each condition, and what happens where it does not hold."""
    return [*of_loan(rule, compiled), *of_serial(rule), *of_rate(decision), *of_quotas(rule, limits_of(dict(compiled)))]


def of_loan(rule: MessageRule, compiled: Mapping[str, Any]) -> Iterator[str]:
    """Of what is given under a condition, and taken back where that does not hold."""
    if rule.interface in LENT:
        for key, value, origin in bounds_of(LENT[rule.interface], compiled):
            text = f"it has not been taken back: permission {LENT[rule.interface]}, {key} = {parameter_text(key, value)} ({origin})"
            yield f"{text}; otherwise it reaches nobody"
    for index, letter in enumerate(rule.signature):
        permission = LENT.get(rule.argument_interfaces[index], "") if letter == NEW_ID else ""
        for key, value, origin in bounds_of(permission, compiled):
            yield f"{bound_text(permission, key, value)} ({origin}); otherwise, and until then, what it creates exists for the guest alone"


def bounds_of(permission: str, compiled: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """The parameters of a permission that is given, or gives way, by which it is taken back."""
    verdict, origin, parameters = compiled.get("permissions", {}).get(permission, [DENY, "", {}])
    if verdict == ALLOW or permission in compiled.get(COMPLAIN, {}).get("permissions", ()):
        yield from ((key, value, origin) for key, value in parameters.items() if key in (ONLY, MAX_DURATION, ESCAPE))


def bound_text(permission: str, key: str, value: Any) -> str:
    """One of them as a condition."""
    if key == ONLY:
        return f"its window is {'full screen' if value == FULLSCREEN else value}"
    if key == MAX_DURATION:
        return f"the user has pressed something in the guest less than {time_text(value)} ago, or the guest had no inhibitor before"
    keyboard = "has a wl_keyboard" if permission == SHORTCUTS else "has the keyboard's focus, with a wl_keyboard"
    return f"its connection {keyboard}, and the user has not pressed {' or '.join(value)} since the last click in the guest"


def of_serial(rule: MessageRule) -> Iterator[str]:
    """The serial that it names."""
    if rule.serial_at < 0:
        return
    words = [word for bit, word in KINDS if rule.serial_kinds & bit and rule.serial_kinds != serials.ANY]
    what = " or ".join(words) if words else "any event"
    when = f", at most {rule.serial_seconds:g} s ago" if rule.serial_seconds else ""
    otherwise = "an error of the protocol" if rule.serial_kinds == serials.CONFIGURE else "left out"
    yield f"its serial is this guest's, of {what}{when}; otherwise {otherwise}"


def of_rate(decision: Mapping[str, Any]) -> Iterator[str]:
    """How often."""
    if decision.get("rate"):
        per_second, at_once = decision["rate"]
        often = f"at most {per_second:g} a second, {at_once:g} at once" if per_second else f"at most {at_once:g} in all"
        yield f"{often} ({decision['origin']}); otherwise {OTHERWISE.get(decision.get('shape', ''), 'refused')}"


def of_quotas(rule: MessageRule, limits: Limits) -> Iterator[str]:
    """How much of it."""
    for index, letter in enumerate(rule.signature):
        kind = KIND_OF.get(rule.argument_interfaces[index], UNCOUNTED) if letter == NEW_ID else UNCOUNTED
        if kind:
            name = COUNTED[kind]
            yield f"the guest has fewer than {limits.counted[kind]} {name} ({limits.rule(name)}); otherwise the connection ends"
    if any(letter == NEW_ID for letter in rule.signature):
        yield f"the guest has fewer than {limits.objects} objects ({limits.rule('objects')}); otherwise the connection ends"
    if any(letter == FD for letter in rule.signature):
        yield f"fewer than {limits.fds} descriptors are held for the guest ({limits.rule('fds')}); otherwise the connection ends"
    if (rule.interface, rule.name) == BUFFER:
        most = shown(BYTES, limits.shm_bytes)
        yield f"its buffers have at most {most} together ({limits.rule('shm-bytes')}); otherwise the connection ends"


def pace(rule: MessageRule, compiled: Mapping[str, Any]) -> list[str]:
    """What a request counts for that costs the host more than others."""
    limits = limits_of(dict(compiled))
    if not rule.weight or not limits.messages[0]:
        return []
    text = f"it counts as {rule.weight} of the guest's {limits.messages[0]:g} requests a second ({limits.rule('messages')})"
    return [f"{text}; what is more waits, and none is lost"]
