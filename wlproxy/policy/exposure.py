"""What a policy gives away, by class of risk: a proof that it is nothing, or a number.

Promises: `prove` goes through everything that the compiled policy lets a guest reach and names each counterexample; a global whose class
the table of interfaces does not know counts as one, so that a proof never rests on what nobody looked at. `scores` only ever rises
with more power given. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from .complain import let_through
from .model import ALLOW, ASK
from .permissions import OF_GLOBAL, OF_MESSAGE, PERMISSIONS
from .reach import SIDES, Held, holdings, verdict_of

CLASS: Final = "class"
INTERFACE: Final = "interface"
PERMISSION: Final = "permission"
KINDS: Final = (CLASS, INTERFACE, PERMISSION)

# How much a class can add to the score: 100 in all.
WEIGHTS: Final = {"A": 1, "B": 1, "C": 12, "D": 14, "E": 8, "F": 10, "G": 16, "H": 16, "I": 14, "J": 6, "K": 2}
RATINGS: Final = ((10, "small"), (25, "moderate"), (50, "large"), (101, "very large"))

RiskOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Never:
    """What is to be shown not to be given: a class of risk, an interface (a * at its end stands for anything), a permission."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Counterexample:
    """`what` is given, in words, by the line `origin`."""

    claim: Never
    what: str
    origin: str


@dataclass(frozen=True, slots=True)
class Proof:
    """`interfaces` and `messages`: how many were looked at, of those that a guest can reach."""

    interfaces: int
    messages: int
    counterexamples: list[Counterexample]


@dataclass(frozen=True, slots=True)
class Power:
    """Something that is given: a global or a permission. `share`: 1, or 1/2 where the user would be asked."""

    name: str
    share: float
    origin: str


def prove(compiled: Mapping[str, Any], claims: list[Never], risk_of: RiskOf) -> Proof:
    """By enumeration, over what passes: what a policy that only complains lets through is not kept from anybody."""
    compiled = let_through(compiled)
    held = {name: entry for name, entry in holdings(compiled).items() if entry.real}
    passing = list(reached(compiled, held))
    found: list[Counterexample] = []
    for claim in claims:
        if claim.kind == CLASS:
            found += of_class(compiled, claim, risk_of, passing)
        elif claim.kind == INTERFACE:
            found += [
                Counterexample(claim, f"the guest can have a {name} (version {held[name].version})", origin_of(compiled, name, held))
                for name in sorted(held)
                if fnmatchcase(name, claim.name)
            ]
        else:
            found += of_permission(compiled, claim, claim.name, passing)
    return Proof(len(held), len(passing), found)


def reached(compiled: Mapping[str, Any], held: Mapping[str, Held]) -> list[tuple[str, str]]:
    """Every message that passes, of an object that the guest can have."""
    found = []
    for name, entry in held.items():
        for side in SIDES:
            for message, since, _, _, decision in compiled["interfaces"][name][side]:
                if since <= entry.version and verdict_of(decision) == ALLOW:
                    found.append((name, message))
    return found


def of_class(compiled: Mapping[str, Any], claim: Never, risk_of: RiskOf, passing: list[tuple[str, str]]) -> list[Counterexample]:
    """Globals and permissions of a class."""
    found = []
    for name, (version, origin) in compiled["globals"].items():
        risk = risk_of(name)
        if risk in ("", claim.name):
            why = f"of class {claim.name}" if risk else "whose class the table of interfaces does not know"
            found.append(Counterexample(claim, f"global {name} at version {version}, {why}", origin))
    for name, permission in PERMISSIONS.items():
        if permission.risk == claim.name:
            found += [c for c in of_permission(compiled, claim, name, passing) if not c.what.startswith("global ")]
    return found


def of_permission(compiled: Mapping[str, Any], claim: Never, name: str, passing: list[tuple[str, str]]) -> list[Counterexample]:
    """What a permission covers and a guest can reach. A message that another permission covers as well counts where this one is given."""
    permission = PERMISSIONS[name]
    entry = compiled["permissions"].get(name, [ALLOW, compiled["name"], {}])  # a transparent policy has them all
    given = entry[0] == ALLOW
    found = []
    for interface in permission.globals:
        if interface in compiled["globals"]:
            others = [other for other in OF_GLOBAL[interface] if other != name]
            also = f", by permission {' or '.join(others)}" if not given else ""
            origin = compiled["globals"][interface][1]
            found.append(Counterexample(claim, f"global {interface} is announced{also}: the guest may {permission.grants}", origin))
    covered = [key for key in permission.messages if key in passing and (given or OF_MESSAGE[key] == (name,))]
    if covered:
        example = f"{covered[0][0]}.{covered[0][1]}"
        found.append(Counterexample(claim, f"permission {name}: the guest may {permission.grants} ({example} passes)", entry[1]))
    return found


def origin_of(compiled: Mapping[str, Any], name: str, held: Mapping[str, Held]) -> str:
    """The line of the global that an object comes from."""
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        if name in compiled["globals"]:
            return str(compiled["globals"][name][1])
        maker = held[name].maker if name in held else None
        if maker is None:
            break
        name = maker.interface
    return "built-in"


def powers(compiled: Mapping[str, Any], risk_of: RiskOf) -> dict[str, list[Power]]:
    """What is given, by class: globals, and permissions that something can be done with. What a policy only complains of is given."""
    compiled = let_through(compiled)
    found: dict[str, list[Power]] = {risk: [] for risk in WEIGHTS}
    held = {name: entry for name, entry in holdings(compiled).items() if entry.real}
    passing = set(reached(compiled, held))
    by_permission = {*OF_GLOBAL, *(interface for interface, _ in OF_MESSAGE)}  # what they can do for harm has a permission of its own
    for name, (_, origin) in compiled["globals"].items():
        risk = risk_of(name)
        if risk in found and risk not in ("A", "B") and name not in by_permission:
            found[risk].append(Power(name, 1.0, origin))
    for name, permission in PERMISSIONS.items():
        verdict, origin, _ = compiled["permissions"].get(name, [ALLOW, compiled["name"], {}])
        reachable = any(g in compiled["globals"] for g in permission.globals) or any(key in passing for key in permission.messages)
        if verdict == ALLOW and reachable:
            found[permission.risk].append(Power(name, 1.0, origin))
        elif verdict == ASK:
            found[permission.risk].append(Power(name, 0.5, origin))
    return found


def score_of(risk: str, given: list[Power]) -> float:
    """Half the weight of a class for the first power in it, half of what is left for the next, and so on."""
    return WEIGHTS[risk] * (1 - 0.5 ** sum(power.share for power in given))


def rating(total: float) -> str:
    """A word for a score."""
    return next(word for bound, word in RATINGS if total < bound)
