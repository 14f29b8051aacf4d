"""Removes each defence, one at a time, and sees a test fail.

    python -m tests.mutate [--only handlers/windows.py] [--row A05] [--list]

A table (tests/mutants.py) names for each mutant a file, text that stands in it once, what takes its place, and the tests that must then
fail. It is done to a copy of the tree in a temporary folder, one mutant after the other, with no test but those; a mutant's tests
have SECONDS, and a hang counts as noticed. Exit code 1 where a mutant survives or the table no longer fits the source.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hypothesis  # noqa: F401 - so that no child has to
import pytest

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("wlproxy", "tests", "protocols", "policies", "pyproject.toml")
GENERATED = shutil.ignore_patterns("__pycache__", "*.so", ".*", "*.egg-info")
SECONDS = 60
FAILED = 1  # pytest's exit code where tests ran and some failed; 2 and above are its own trouble
TROUBLE = 70


@dataclass(frozen=True)
class Mutant:
    """`file` below wlproxy/; `old` stands in it exactly once; `tests`: node ids below tests/."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def what(self) -> str:
        """One line of what is gone."""
        before, after = (text.strip().splitlines() for text in (self.old, self.new))
        gone = next((line for line in before if line not in after), "")
        come = next((line for line in after if line not in before), "")
        name = next((line for line in before if line.strip().startswith("def ")), "")
        return f"{(gone or name).strip()} -> {come.strip() or 'gone'}"


def fits(mutant: Mutant, root: Path = ROOT) -> str:
    """"", or why a mutant cannot be made of the source as it is."""
    path = root / "wlproxy" / mutant.file
    count = path.read_text(encoding="utf-8").count(mutant.old) if path.exists() else 0
    if count != 1:
        return f"wlproxy/{mutant.file}: {count} times, not once: {mutant.old.strip().splitlines()[0]!r}"
    if mutant.old == mutant.new or not mutant.tests:
        return f"wlproxy/{mutant.file}: nothing is changed or nothing tests it: {mutant.what}"
    return ""


@contextmanager
def tree() -> Iterator[Path]:
    """A copy of the repository that may be changed."""
    with tempfile.TemporaryDirectory(prefix="wlproxy-mutate-") as directory:
        for name in NEEDED:
            source, target = ROOT / name, Path(directory, name)
            if source.is_dir():
                shutil.copytree(source, target, ignore=GENERATED)
            else:
                shutil.copy2(source, target)
        yield Path(directory)


def tests_pass(root: Path, tests: tuple[str, ...], seconds: int = SECONDS) -> bool:
    """Whether all of them pass there, in a forked child: pytest is imported already, which is most of what a test costs. Raises
    RuntimeError where pytest could not run them."""
    with tempfile.TemporaryFile() as output:
        pid = os.fork()
        if pid == 0:
            with contextlib.suppress(BaseException):
                os._exit(run_in_child(root, tests, seconds, output.fileno()))
            os._exit(TROUBLE)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):  # what it had started is in a group of its own
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) not in (0, FAILED):
            output.seek(0)
            raise RuntimeError(f"pytest: exit code {os.WEXITSTATUS(status)}: {output.read()[-1200:].decode()}")
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0


def run_in_child(root: Path, tests: tuple[str, ...], seconds: int, output: int) -> int:
    """pytest's exit code, of the tests and the sources below `root`; SIGALRM ends this process when the time is over."""
    signal.alarm(seconds)
    os.setpgid(0, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(root)
    os.environ["PYTHONPATH"] = str(root)
    os.environ.pop("WLPROXY_EXPECT_BUILD", None)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("tests", "wlproxy")]:
        del sys.modules[name]
    sys.path[:] = [str(root)] + [path for path in sys.path if path and Path(path).resolve() != ROOT]
    arguments = ["-q", "-x", "--no-header", "--tb=no", "-p", "no:cacheprovider"]
    return int(pytest.main([*arguments, *(f"tests/{test}" for test in tests)]))


def survives(root: Path, mutant: Mutant) -> bool:
    """Whether one of its tests passes although the defence is gone. The tree is as before afterwards."""
    path = root / "wlproxy" / mutant.file
    source = path.read_text(encoding="utf-8")
    path.write_text(source.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        return any(tests_pass(root, (test,)) for test in mutant.tests)
    finally:
        path.write_text(source, encoding="utf-8")


def rows_of(mutant: Mutant) -> list[str]:
    """The rows of the attack catalogue that its tests are proofs of."""
    from tests.attack.catalogue import ROWS

    names = {test.removesuffix("]").partition("[")[0].replace(".py::", ":").replace("/", ".") for test in mutant.tests}
    return [id for id, entry in ROWS.items() if names & set(entry.proofs)]


def chosen(only: str, row: str) -> list[Mutant]:
    from tests.mutants import TABLE

    return [m for m in TABLE if m.file.startswith(only) and (not row or row in rows_of(m))]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutate", description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", metavar="FILE", help="mutants of this file or folder below wlproxy/")
    parser.add_argument("--row", default="", metavar="ID", help="mutants that a row of the attack catalogue rests on")
    parser.add_argument("--list", action="store_true", help="only show the table")
    args = parser.parse_args()
    mutants = chosen(args.only, args.row)
    wrong = [reason for mutant in mutants if (reason := fits(mutant))]
    if wrong:
        print("\n".join(wrong))
        return 1
    began = time.monotonic()
    survivors: list[Mutant] = []
    with tree() as root:
        if not args.list and mutants and not tests_pass(root, tuple(sorted({t for m in mutants for t in m.tests})), 10 * SECONDS):
            print("the tests fail without any mutant: nothing can be shown")
            return 1
        for number, mutant in enumerate(mutants, 1):
            alive = not args.list and survives(root, mutant)
            survivors += [mutant] * alive
            state = "-" if args.list else "SURVIVES" if alive else "noticed"
            print(f"{number:4} {state:8} {mutant.file:26} {','.join(rows_of(mutant)) or '-':12} {mutant.what[:110]}", flush=True)
    covered = {row for mutant in mutants for row in rows_of(mutant)}
    print(f"{len(mutants)} mutants of {len({m.file for m in mutants})} files, {len(survivors)} survive; ", end="")
    print(f"{len(covered)} rows of the catalogue rest on one; {time.monotonic() - began:.0f} s")
    return int(bool(survivors))


if __name__ == "__main__":
    sys.exit(main())
