"""The table of what compositors announce (protocols/compositors.tsv), for `wlproxy check --against NAME` where none is running.

A compositor that has no list for security contexts announces everything to everybody. Trusts: the table, which is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from .lint import MANAGER
from .load_interface_table import data_bytes

FILE: Final = "compositors.tsv"


@dataclass(frozen=True, slots=True)
class Known:
    """`globals` by name, with their versions; `in_context`: those of them that a client in a security context is shown."""

    name: str
    version: str
    globals: dict[str, int]
    in_context: dict[str, int]


@cache
def compositors() -> dict[str, Known]:
    """By name."""
    found = {}
    for line in data_bytes(FILE).decode("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, version, announced, hidden = line.split("|")
            offered = {word.partition(":")[0]: int(word.partition(":")[2]) for word in announced.split()}
            shown = {word: number for word, number in offered.items() if word not in hidden.split()}
            found[name] = Known(name, version, offered, shown if MANAGER in offered else offered)
    return found
