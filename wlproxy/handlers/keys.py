"""Combinations of keys as an admin writes them ("Super+Escape") and as the kernel numbers them.

Promises: `combination` takes what it prints and nothing else. Physical keys, whatever the layout makes of them: a guest cannot move them.
Pure. Source: linux/input-event-codes.h.
"""

from __future__ import annotations

from typing import Final

JOINED_BY: Final = "+"
# The keys of which one must be down, in the order in which they are written.
MODIFIERS: Final[dict[str, frozenset[int]]] = {
    "Super": frozenset((125, 126)),
    "Ctrl": frozenset((29, 97)),
    "Alt": frozenset((56, 100)),
    "Shift": frozenset((42, 54)),
}
KEYS: Final[dict[str, int]] = {
    "Escape": 1,
    "Backspace": 14,
    "Tab": 15,
    "Enter": 28,
    "Space": 57,
    "ScrollLock": 70,
    "Print": 99,
    "Home": 102,
    "End": 107,
    "Insert": 110,
    "Delete": 111,
    "Pause": 119,
    "Menu": 127,
    **{f"F{number}": 58 + number for number in range(1, 11)},
    "F11": 87,
    "F12": 88,
}


class Combination:
    """One or more modifiers and a key. `text` is how it is written."""

    def __init__(self, modifiers: list[str], key: str) -> None:
        self.text = JOINED_BY.join([name for name in MODIFIERS if name in modifiers] + [key])
        self.code = KEYS[key]
        self._modifiers = [MODIFIERS[name] for name in MODIFIERS if name in modifiers]

    def completed_by(self, code: int, held: set[int]) -> bool:
        """Whether this key completes it, while those of `held` are down; more modifiers than it has do no harm."""
        return code == self.code and all(not keys.isdisjoint(held) for keys in self._modifiers)


def combination(text: str) -> Combination:
    """Raises ValueError, which names the word that is wrong: of a key alone a guest's program would be deprived all the time."""
    *modifiers, key = text.split(JOINED_BY)
    for name in modifiers:
        if name not in MODIFIERS:
            raise ValueError(name)
    if key not in KEYS or not modifiers or len(set(modifiers)) < len(modifiers):
        raise ValueError(key)
    return Combination(modifiers, key)
