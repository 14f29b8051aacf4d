"""docs/traps.md promises a test for each trap; here it is made sure that there is one."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_trap_has_its_test():
    rows = re.findall(r"^\| (\d+) \|.*\| (test_\w+) \|$", (ROOT / "docs" / "traps.md").read_text("utf-8"), re.M)
    assert [int(number) for number, _ in rows] == list(range(1, 35))
    defined = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^\s*(?:async )?def (test_\w+)", path.read_text("utf-8"), re.M)
    }
    assert [name for _, name in rows if name not in defined] == []
