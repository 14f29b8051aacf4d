"""The table of attacks. A row is a function that plays it, and what in a recording compositor's log shows that it got there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .wire import Guest

Play = Callable[[Guest], None]
Reached = Callable[[str], bool]


@dataclass(frozen=True)
class Row:
    """`id` is the catalogue's; `title` what the guest tries."""

    id: str
    title: str
    play: Play
    reached: Reached


ROWS: list[Row] = []


def row(id: str, title: str, reached: str | Reached) -> Callable[[Play], Play]:
    """Adds a row. `reached`: a pattern to be found in the log's lines, or a function of the log."""

    def add(play: Play) -> Play:
        found = (lambda log: re.search(reached, log, re.DOTALL) is not None) if isinstance(reached, str) else reached
        ROWS.append(Row(id, title, play, found))
        return play

    return add


def more_than(most: int, pattern: str) -> Reached:
    """More lines than that."""
    return lambda log: len(re.findall(pattern, log)) > most


def table() -> list[Row]:
    """All rows, in the catalogue's order."""
    from . import rows_files, rows_objects, rows_pipes, rows_privileged, rows_rates, rows_wire  # noqa: F401 - they register themselves

    return sorted(ROWS, key=lambda r: (r.id[0], int(re.sub(r"\D", "", r.id)), r.id))
