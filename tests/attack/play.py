"""Plays rows against a socket and says what came of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .processes import until
from .rows import Row
from .stub import Stub
from .wire import Guest, Missing


class Target(Protocol):
    """A compositor that can die."""

    def lives(self) -> bool: ...

    def again(self) -> None: ...


@dataclass(frozen=True)
class Result:
    """`reached`: "yes", "no", or "?" where nothing records it. `came_back`: what the guest was told. `lives`: the compositor."""

    row: Row
    reached: str
    came_back: str
    lives: bool


def serves(path: str) -> bool:
    """Whether a guest that does nothing wrong gets an answer, and another: one who is read more slowly gets only the first at once."""
    guest = Guest(path)
    try:
        return guest.sync() and guest.sync()
    finally:
        guest.close()


def play(row: Row, path: str, stub: Stub | None, alive: Callable[[], bool]) -> Result:
    """One row, on a connection of its own, once a harmless guest is served: else nothing would be shown. What the row before made still
    counts against the guest's quota until the compositor has let go of it."""
    until(lambda: serves(path), f"{path}: a guest that does nothing wrong is served (before row {row.id})")
    if stub is not None:
        stub.settle()
        stub.clear()
    came_back = "nothing; it goes on"
    guest = Guest(path)
    try:
        try:
            row.play(guest)
        except Missing as missing:
            came_back = str(missing)
        if guest.error is not None:
            about, code, text = guest.error
            came_back = f"error {code} on {about}: {text[:90]}"
        elif guest.closed:
            came_back = "hung up"
    finally:
        guest.close()
    if stub is not None:
        stub.settle()
    reached = "?" if stub is None else "yes" if row.reached(stub.lines()) else "no"
    return Result(row, reached, came_back, alive())


def play_all(rows: list[Row], path: str, stub: Stub | None, target: Target | None) -> list[Result]:
    """All of them; a compositor that died is started anew for the next."""
    results = []
    for row in rows:
        results.append(play(row, path, stub, (lambda: True) if target is None else target.lives))
        if target is not None and not results[-1].lives:
            target.again()
    return results


def shown(results: list[Result]) -> str:
    """The table."""
    lines = [f"{'row':5} {'reached':8} {'compositor':11} {'attack':58} what came back"]
    for r in results:
        lines.append(f"{r.row.id:5} {r.reached:8} {'lives' if r.lives else 'DIED':11} {r.row.title[:58]:58} {ascii(r.came_back)[1:-1]}")
    reached, died = sum(r.reached == "yes" for r in results), sum(not r.lives for r in results)
    seen = "what reached the compositor does not show" if any(r.reached == "?" for r in results) else f"{reached} reached the compositor"
    lines.append(f"{len(results)} attacks, {seen}, {died} killed it")
    return "\n".join(lines)
