"""What a guest can come to hold under a compiled policy, at which version, and by which way.

Promises: exact over the compiled policy, as the session goes about it: an object is real where a chain of messages that pass leads to
it from a global of the compositor's, and a ghost (for the guest alone) where the best chain has a refusal in it. Pure.
Source: core/judge.py for what becomes of what a refused message would have created.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..core.protocol import NEW_ID, OBJECT, Interface
from .model import ALLOW

REQUESTS: Final = "requests"
EVENTS: Final = "events"
SIDES: Final = (REQUESTS, EVENTS)


@dataclass(frozen=True, slots=True)
class Maker:
    """A message that creates: `side` is REQUESTS or EVENTS of `interface`."""

    interface: str
    side: str
    message: str


@dataclass(frozen=True, slots=True)
class Held:
    """The best object of an interface that a guest can have; `maker` None where it is bound, or object 1."""

    version: int
    real: bool
    maker: Maker | None = None


def holdings(compiled: Mapping[str, Any]) -> dict[str, Held]:
    """By interface; what is absent no guest can hold."""
    found = {"wl_display": Held(1, True)}
    found |= {name: Held(version, False) for name, (version, _) in compiled.get("served", {}).items()}
    found |= {name: Held(version, True) for name, (version, _) in compiled["globals"].items()}
    interfaces = compiled["interfaces"]
    todo = list(found)
    again: set[str] = set()
    while todo:
        for owner in todo:
            for held, target in made_by(found, interfaces, owner):
                known = found.get(target)
                if known is None or (held.real, held.version) > (known.real, known.version):
                    found[target] = held
                    again.add(target)
        # what has become real may be the argument that another message was waiting for
        todo = sorted(again | set(found)) if again else []
        again = set()
    return found


def made_by(found: Mapping[str, Held], interfaces: Mapping[str, Any], owner: str) -> Iterator[tuple[Held, str]]:
    """What the messages of an interface that is held create."""
    holder = found[owner]
    for side in SIDES:
        if side == EVENTS and not holder.real:
            continue
        for name, since, _, arguments, decision in interfaces[owner][side]:
            if since > holder.version:
                continue
            passes = verdict_of(decision) == ALLOW
            if side == EVENTS and not passes:
                continue  # what it creates is destroyed upstream
            target, needed = "", []
            for text in arguments:
                letter, _, interface = text.partition(" ")[2].partition(":")
                if letter == "n":
                    target = interface
                elif letter == "o" and interface:
                    needed.append(interface)
            if not target:
                continue
            real = holder.real and passes and all(found.get(n) is not None and found[n].real for n in needed)
            yield Held(min(holder.version, interfaces[target]["version"]), real, Maker(owner, side, name)), target


def verdict_of(decision: Mapping[str, Any] | None) -> str:
    """A message's verdict in a compiled policy: ALLOW or the shape of its refusal."""
    return str((decision or {}).get("verdict", ALLOW))


def entry_of(compiled: Mapping[str, Any], interface: str, side: str, message: str) -> list[Any] | None:
    """A message of a compiled policy."""
    entry = compiled["interfaces"].get(interface)
    return None if entry is None else next((item for item in entry[side] if item[0] == message), None)


COST_OF_HIDDEN: Final = 100
COST_OF_REFUSED: Final = 10


def ways(compiled: Mapping[str, Any], interfaces: Mapping[str, Interface], known_globals: list[str]) -> dict[str, list[Maker]]:
    """For each interface the way that meets the fewest refusals, from the global that it begins with (which is its first maker's
    interface) on; an empty list is a global, or object 1."""
    held = holdings(compiled)
    cost: dict[str, int] = {"wl_display": 0}
    way: dict[str, list[Maker]] = {"wl_display": []}
    for name in known_globals:
        cost[name] = 0 if name in compiled["globals"] else COST_OF_REFUSED if name in compiled.get("served", {}) else COST_OF_HIDDEN
        way[name] = []
    todo = list(cost)
    while todo:
        later: list[str] = []
        for owner in todo:
            for side, messages in ((REQUESTS, interfaces[owner].requests), (EVENTS, interfaces[owner].events)):
                for message in messages:
                    target = next((a.interface for a in message.arguments if a.type == NEW_ID and a.interface), "")
                    if not target:
                        continue
                    entry = entry_of(compiled, owner, side, message.name)
                    passes = entry is None or verdict_of(entry[4]) == ALLOW
                    passes = passes and (owner not in held or message.since <= held[owner].version)
                    objects = sum(a.type == OBJECT and not a.nullable for a in message.arguments)
                    price = cost[owner] + 1 + objects + (0 if passes else COST_OF_REFUSED)
                    if target not in cost or price < cost[target]:
                        cost[target] = price
                        way[target] = [*way[owner], Maker(owner, side, message.name)]
                        later.append(target)
        todo = later
    return way
