"""Where a made-up conversation takes its decisions from: a seed, or bytes that a coverage-guided fuzzer shapes.

Promises: the same seed or bytes give the same decisions, on any machine. Trusts: nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """`below(n)` gives the next decision, 0 to n - 1; `spent()` says that no more are to be had."""

    def __init__(self, below: Callable[[int], int], spent: Callable[[], bool]) -> None:
        self.below = below
        self.spent = spent

    def pick(self, among: Sequence[T]) -> T:
        """One of them."""
        return among[self.below(len(among))]

    def one_in(self, n: int) -> bool:
        """True once in n. Bytes that have run out give False, so that a conversation ends tamely."""
        return self.below(n) == n - 1

    def text(self, length: int) -> bytes:
        """So many bytes of anything."""
        return bytes(self.below(256) for _ in range(length))


def from_seed(seed: int) -> Choices:
    """Decisions without end."""
    source = random.Random(seed)
    return Choices(source.randrange, lambda: False)


def from_bytes(data: bytes) -> Choices:
    """One byte for each decision among up to 256, two or four for others; zeros once they have run out."""
    at = 0

    def below(n: int) -> int:
        nonlocal at
        width = 0 if n <= 1 else 1 if n <= 256 else 2 if n <= 65536 else 4
        word = data[at : at + width]
        at += width
        return int.from_bytes(word, "little") % n if n > 1 else 0

    return Choices(below, lambda: at >= len(data))
