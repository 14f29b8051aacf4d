"""The table of every global there is (protocols/interfaces.tsv): its class of risk, the verdict each policy gives it, and why.

A row's name may end in a wildcard, or name several with spaces between. The verdicts are words for people; what they mean is in the
policies. From the table the proxy takes one thing by itself: what is "never" in all columns is the floor, beyond any policy.
"""

from __future__ import annotations

import os
import pkgutil
from functools import cache
from typing import Final, NamedTuple

DATA_PACKAGE: Final = "wlproxy.protocols_data"
FILE: Final = "interfaces.tsv"
NEVER: Final = "never"
CLASSES: Final[dict[str, str]] = {
    "A": "base",
    "B": "harmless hint",
    "C": "parser or GPU",
    "D": "data transfer",
    "E": "focus and spoofing",
    "F": "input grabbing",
    "G": "input injection",
    "H": "observing others",
    "I": "session and output control",
    "J": "identity",
    "K": "fingerprint and timing",
}


class Row(NamedTuple):
    """One line. `risk` is a letter of CLASSES, "" where it is mixed; the three verdicts are those of the policies of that name."""

    name: str
    origin: str
    risk: str
    strict: str
    desktop: str
    trusted: str
    reason: str

    def covers(self, interface: str) -> bool:
        """Whether the row speaks of the interface."""
        return any(
            interface.startswith(part[:-1]) if part.endswith("*") else interface == part for part in self.name.split()
        )

    @property
    def is_floor(self) -> bool:
        """Whether no policy may allow it."""
        return self.strict == self.desktop == self.trusted == NEVER


@cache
def interface_table() -> tuple[Row, ...]:
    """All rows, in the order of the file."""
    rows = []
    for line in data_bytes(FILE).decode("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, origin, risk, strict, desktop, trusted, reason = line.split("|")
            rows.append(Row(name, origin, risk[:1] if risk[1:2] == " " else "", strict, desktop, trusted, reason))
    return tuple(rows)


def data_bytes(name: str) -> bytes:
    """A table among the protocol data, from the installation or the source tree."""
    try:
        found = pkgutil.get_data(DATA_PACKAGE, name)
    except (ModuleNotFoundError, FileNotFoundError):
        found = None
    if found is not None:
        return found
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(os.path.join(root, "protocols", name), "rb") as file:
        return file.read()


def row_of(interface: str) -> Row | None:
    """The row that speaks of an interface; an exact name beats a wildcard."""
    exact, wildcards = by_name()
    return exact.get(interface) or next((row for row in wildcards if row.covers(interface)), None)


@cache
def by_name() -> tuple[dict[str, Row], tuple[Row, ...]]:
    """The rows without a wildcard by each name they have, and the others: every policy that is loaded asks for each interface there is."""
    exact: dict[str, Row] = {}
    for row in interface_table():
        if "*" not in row.name:
            for name in row.name.split():
                exact.setdefault(name, row)
    return exact, tuple(row for row in interface_table() if "*" in row.name)


def floor(names: list[str]) -> dict[str, str]:
    """Of these interfaces, those that no policy may allow, with the reason."""
    found = {}
    for name in names:
        row = row_of(name)
        if row is not None and row.is_floor:
            found[name] = row.reason
    return found
