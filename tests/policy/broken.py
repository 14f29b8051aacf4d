"""Policies with planted mistakes: each mistake is marked where it stands, so that the tests say no numbers.

    wl_compositor = ‹99›        #! version-too-high
takes the marks out and remembers line, column and code; two marks on a line have two codes.
"""

from __future__ import annotations

import re

HEAD = 'format = 1\nname = "x"\n'

Mistake = tuple[int, int, int, str]  # line, column, length, code


def planted(text: str) -> tuple[str, list[Mistake]]:
    """The text as an admin wrote it, and what is wrong with it."""
    lines, mistakes = [], []
    for number, line in enumerate(text.split("\n"), 1):
        line, _, codes = line.partition("#!")
        for code in codes.split():
            before, _, rest = line.partition("‹")
            meant, _, after = rest.partition("›")
            mistakes.append((number, len(before) + 1, len(meant), code))
            line = before + meant + after
        lines.append(line.rstrip())
    clean = "\n".join(lines)
    assert not re.search("[‹›]", clean), "a mark without a code"
    return clean, mistakes
