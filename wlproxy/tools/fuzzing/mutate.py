"""Other ways to say the same, and almost the same: joined and cut reads, steps out of order, left out or said twice.

Promises: `joined` changes nothing that the session may take notice of. Trusts: nothing.
"""

from __future__ import annotations

from dataclasses import replace

from .choices import Choices
from .conversation import SAY, Step

MOST_JOINED_FDS = 40  # below what the session lets run ahead of its message


def joined(steps: list[Step]) -> list[Step]:
    """What one side says in a row comes in one read."""
    made: list[Step] = []
    for step in steps:
        last = made[-1] if made else None
        if (
            last is not None
            and step.action == last.action == SAY
            and step.side == last.side
            and len(last.fds) + len(step.fds) <= MOST_JOINED_FDS
        ):
            made[-1] = replace(last, data=last.data + step.data, fds=last.fds + step.fds, cuts=())
        else:
            made.append(replace(step, cuts=()))
    return made


def in_pieces(steps: list[Step], choices: Choices) -> list[Step]:
    """Every read comes in up to three."""
    return [
        replace(step, cuts=tuple(1 + choices.below(len(step.data) - 1) for _ in range(2))) if len(step.data) > 1 else step
        for step in steps
    ]


def disordered(steps: list[Step], choices: Choices) -> list[Step]:
    """A few steps are left out, said twice, moved, or have a word of another's."""
    made = list(steps)
    for _ in range(1 + choices.below(4)):
        if len(made) < 3:
            break
        at = 2 + choices.below(len(made) - 2)
        kind = choices.below(4)
        if kind == 0:
            del made[at]
        elif kind == 1:
            made.insert(at, made[at])
        elif kind == 2:
            made.insert(2 + choices.below(len(made) - 2), made.pop(at))
        elif len(made[at].data) >= 12:
            word = 8 + 4 * choices.below((len(made[at].data) - 8) // 4)
            data = made[at].data
            made[at] = replace(made[at], data=data[:word] + choices.pick(WORDS).to_bytes(4, "little") + data[word + 4 :])
    return made


WORDS = (0, 1, 2, 5, 7, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFF000000, 0x10000, 0xFFFFFFFE, 16385)
