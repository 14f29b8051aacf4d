"""The table of `make mutate` fits the source, and no defence of the handlers is left out of it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.mutants import TABLE
from tests.mutate import ROOT, Mutant, fits, rows_of

HANDLERS = sorted((ROOT / "wlproxy" / "handlers").glob("*.py"))
VIOLATIONS = ("ProtocolViolation", "PolicyViolation")


def test_every_entry_fits_the_source_once():
    assert [reason for mutant in TABLE if (reason := fits(mutant))] == []


def test_every_mutant_is_a_program():
    """One that is none would be noticed by every test, and prove nothing."""
    for mutant in TABLE:
        source = (ROOT / "wlproxy" / mutant.file).read_text()
        ast.parse(source.replace(mutant.old, mutant.new), mutant.file)


def test_every_entrys_test_is_there():
    for mutant in TABLE:
        for test in mutant.tests:
            path, _, name = test.partition("::")
            assert f"def {name.partition('[')[0]}(" in (ROOT / "tests" / path).read_text(), test


def functions_that_refuse(source: str) -> Iterator[ast.FunctionDef]:
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            raised = [node.exc for node in ast.walk(function) if isinstance(node, ast.Raise)]
            if any(isinstance(exc, ast.Call) and isinstance(exc.func, ast.Name) and exc.func.id in VIOLATIONS for exc in raised):
                yield function


@pytest.mark.parametrize("path", HANDLERS, ids=lambda path: path.stem)
def test_every_function_of_a_handler_that_refuses_has_a_mutant(path):
    source = path.read_text()
    lines = set()
    for mutant in TABLE:
        if mutant.file == f"handlers/{path.name}":
            first = source[: source.index(mutant.old)].count("\n") + 1
            lines.update(range(first, first + mutant.old.count("\n") + 1))
    assert [f.name for f in functions_that_refuse(source) if not lines & set(range(f.lineno, (f.end_lineno or 0) + 1))] == []


MOST_OF_A04 = Mutant(
    "handlers/buffers.py",
    "    if pool.buffers >= limits.pool_buffers:",
    "    if False:",
    ("handlers/test_buffers.py::test_one_pool_has_a_bounded_number_of_buffers",),
)


def test_what_it_says_of_an_entry():
    assert rows_of(MOST_OF_A04) == ["A04"]
    assert MOST_OF_A04.what == "if pool.buffers >= limits.pool_buffers: -> if False:"
    assert fits(Mutant("handlers/buffers.py", "no such line", "x", ("y",))).startswith("wlproxy/handlers/buffers.py: 0 times")
    assert "nothing tests it" in fits(Mutant("handlers/buffers.py", MOST_OF_A04.old, "x", ()))


SCRIPT = """
from pathlib import Path
from tests.mutate import survives, tree
from tests.test_mutants import MOST_OF_A04, Mutant
harmless = Mutant(MOST_OF_A04.file, MOST_OF_A04.old, MOST_OF_A04.old + "  # as before", MOST_OF_A04.tests)
with tree() as root:
    path = Path(root, "wlproxy", MOST_OF_A04.file)
    before = path.read_text()
    print(survives(root, MOST_OF_A04), survives(root, harmless), path.read_text() == before)
"""


def test_a_mutant_is_noticed_and_one_that_changes_nothing_survives():
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "False True True\n", done.stderr
