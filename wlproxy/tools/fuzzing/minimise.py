"""Cuts a conversation down to what its finding needs: delta debugging, first over steps, then inside them.

Promises: the result still has a finding with the same key; at most `most` tries. Trusts: `fails` to be deterministic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .conversation import Step

Fails = Callable[[list[Step]], bool]


class Budget:
    """Tries `fails` no more than so often."""

    def __init__(self, fails: Fails, most: int) -> None:
        self._fails = fails
        self.left = most

    def fails(self, steps: list[Step]) -> bool:
        """Whether the finding is still there; False once the budget is spent."""
        if self.left <= 0:
            return False
        self.left -= 1
        return self._fails(steps)


def minimise(steps: list[Step], fails: Fails, most: int = 2000) -> list[Step]:
    """The shortest conversation found."""
    budget = Budget(fails, most)
    steps = fewer(steps, budget)
    for index, step in enumerate(steps):
        for simpler in (replace(step, cuts=()), replace(step, fds=())):
            if simpler != steps[index]:
                tried = [*steps[:index], simpler, *steps[index + 1 :]]
                if budget.fails(tried):
                    steps = tried
    return steps


def fewer(steps: list[Step], budget: Budget) -> list[Step]:
    """Leaves out ever smaller runs of steps."""
    size = max(1, len(steps) // 2)
    while True:
        at = len(steps)
        before = len(steps)
        while at > 0:
            start = max(0, at - size)
            tried = steps[:start] + steps[at:]
            if tried and budget.fails(tried):
                steps = tried
            at = start
        if size == 1:
            if len(steps) == before or budget.left <= 0:
                return steps
        else:
            size //= 2
