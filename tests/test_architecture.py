"""The import arrows of ARCHITECTURE.md, and the purity of what decides, read from the source with ast.

ruff's banned-api says the same in the editor; here it holds for every import, wherever in a file it stands.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wlproxy.cli.doctor import data_plane

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "wlproxy"

# each package -> the packages of ours that it may import (itself aside)
ARROWS = {
    "core": set(),
    "ucspi": set(),
    "handlers": {"core"},
    "policy": {"core", "handlers"},
    "sidecar": {"core", "handlers", "policy"},
    "host": {"core", "handlers", "policy", "sidecar"},
    "tools": {"core", "handlers", "policy", "sidecar", "host"},
    "cli": {"core", "handlers", "policy", "sidecar", "tools", "host"},
}
PURE = ("core", "handlers", "policy")
IMPURE_FILES = "load"  # policy/load*.py opens files

# what makes a module act, wait, know the time or differ from run to run
FORBIDDEN = {
    *("asyncio", "cffi", "ctypes", "fcntl", "http", "io", "logging", "mmap", "multiprocessing", "os", "pathlib", "pickle"),
    *("random", "secrets", "select", "selectors", "shutil", "signal", "socket", "subprocess", "sys", "tempfile", "threading"),
    *("time", "trio", "urllib", "uuid"),
}
# what policy/load*.py, which may open files and ask whether a moment has passed, may not do either: start a process, speak to one
NOT_FOR_FILES = FORBIDDEN - {"io", "os", "pathlib", "sys", "tempfile", "time"}
STARTS = ("exec", "fork", "popen", "posix_spawn", "spawn", "system")  # functions of os begin with these
FORBIDDEN_CALLS = {"open", "print", "input", "eval", "exec", "compile", "__import__", "breakpoint"}
# beside the standard library, what may the core know? The two companions of the compiler, and nothing else.
CORE_LIBRARIES = {
    *("__future__", "collections", "dataclasses", "enum", "hashlib", "json", "librt", "mypy_extensions", "re", "struct", "typing"),
    "unicodedata",
}


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    """The package of ours that a file stands in; '' for the files of wlproxy itself."""
    relative = path.relative_to(PACKAGE).parts
    return relative[0] if len(relative) > 1 else ""


def module_of(path: Path) -> str:
    """The dotted name that it is imported by."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class WithoutTypes(ast.NodeTransformer):
    """Takes away what no interpreter runs."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)


def imports(path: Path, run: bool = False) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of each import, relative ones resolved; `from a import b` yields a.b. `run`: not those of types."""
    package = ["wlproxy", *path.relative_to(PACKAGE).parts[:-1]]
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    for node in ast.walk(WithoutTypes().visit(tree) if run else tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}"


def ours(name: str) -> str | None:
    """The package of ours that a dotted name reaches into."""
    parts = name.split(".")
    return parts[1] if parts[0] == "wlproxy" and len(parts) > 1 and (PACKAGE / parts[1]).is_dir() else None


def is_pure(path: Path) -> bool:
    return part_of(path) in PURE and not (part_of(path) == "policy" and path.name.startswith(IMPURE_FILES))


def test_every_folder_has_its_place_in_the_order() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert folders - {"protocols_data", "policies_data"} == set(ARROWS)


def test_imports_point_downwards() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {part_of(path) or 'wlproxy'} imports {name}"
        for path in files()
        for line, name in imports(path)
        if (target := ours(name)) is not None
        and target != part_of(path)
        and target not in ARROWS.get(part_of(path), {"cli"} if path.name == "__main__.py" else set())
    ]
    assert not wrong, "\n".join(wrong)


def test_what_decides_performs_nothing() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: imports {name}"
        for path in files()
        if is_pure(path)
        for line, name in imports(path)
        if name.split(".")[0] in FORBIDDEN
    ]
    for path in files():
        if is_pure(path):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: calls {node.func.id}()")
    assert not wrong, "\n".join(wrong)


def test_the_core_and_the_handlers_know_only_a_little_of_the_standard_library() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: imports {name}"
        for path in files()
        if part_of(path) in ("core", "handlers")
        for line, name in imports(path)
        if name.split(".")[0] not in CORE_LIBRARIES | {"wlproxy"}
    ]
    assert not wrong, "\n".join(wrong)


def test_only_load_files_of_the_policy_package_open_files() -> None:
    """The compiler and what it imports decide; nobody below may reach the loader behind their back."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: imports {name}"
        for path in files()
        if is_pure(path)
        for line, name in imports(path)
        if name.startswith("wlproxy.policy.load")
    ]
    assert not wrong, "\n".join(wrong)


def test_the_policy_package_starts_no_process() -> None:
    """Its load*.py open files, and that is all they do: what runs a program (ssh-keygen, for a signature) is handed in."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: imports {name}"
        for path in files()
        if part_of(path) == "policy"
        for line, name in imports(path)
        if name.split(".")[0] in NOT_FOR_FILES or name.startswith(tuple(f"os.{word}" for word in STARTS))
    ]
    for path in files():
        if part_of(path) == "policy":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "os" and node.attr.startswith(STARTS):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}: os.{node.attr}")
    assert not wrong, "\n".join(wrong)


def test_no_two_modules_need_each_other() -> None:
    """No circle of imports, wherever in a file they stand: what can be read, tested and replaced by itself has an order. The types that
    only a checker reads (TYPE_CHECKING) may point back."""
    modules = {module_of(path): path for path in files()}
    needs = {
        name: {needed if needed in modules else needed.rpartition(".")[0] for _, needed in imports(path, run=True)} & modules.keys()
        for name, path in modules.items()
    }
    while free := {name for name, needed in needs.items() if not needed & needs.keys()}:
        for name in free:
            del needs[name]
    assert not needs, "a circle is among: " + ", ".join(sorted(needs))


def test_no_assert_decides() -> None:
    """`python -O` drops asserts; a check is an if and a raise (STYLE 8). Where an assert explains, it may stay: count them."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files()
        if part_of(path) in ("core", "handlers")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
    ]
    assert len(found) < 10, "many asserts for code whose checks must raise:\n" + "\n".join(found)


def test_one_name_of_an_except_clause_has_one_type() -> None:
    """mypyc types a name once per function: `except A as e: ... except B as e:` compiles, and raises TypeError where B is caught.
    mypy allows it, and the interpreter runs it."""
    wrong = []
    for path in (PACKAGE.parent.joinpath(*name.split(".")).with_suffix(".py") for name in data_plane()):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            types: dict[str, set[str]] = {}
            for node in ast.walk(function):
                if isinstance(node, ast.ExceptHandler) and node.name and node.type:
                    types.setdefault(node.name, set()).add(ast.unparse(node.type))
            wrong += [f"{path.relative_to(ROOT)}: {function.name}: {name}: {found}" for name, found in types.items() if len(found) > 1]
    assert not wrong, "\n".join(wrong)


def test_modules_say_what_they_promise() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in files()
        if (text := path.read_text(encoding="utf-8")) and ast.get_docstring(ast.parse(text)) is None
        if not text.startswith("# auto-generated")
    ]
    assert not silent, "no module docstring: " + ", ".join(silent)


@pytest.mark.parametrize(
    ("code", "where", "expected"),
    [
        ("from ..sidecar import relay", "core/x.py", ["wlproxy.sidecar.relay"]),
        ("from . import wire", "core/x.py", ["wlproxy.core.wire"]),
        ("def f():\n    import os.path", "core/x.py", ["os.path"]),
        ("from wlproxy.cli import main", "tools/x.py", ["wlproxy.cli.main"]),
    ],
)
def test_the_reader_of_imports_itself(
    code: str, where: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / where
    path.parent.mkdir(parents=True)
    path.write_text(code, encoding="utf-8")
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    assert [name for _, name in imports(path)] == expected


DEAR = ("dataclasses", "inspect", "platform", "tomllib", "trio", "logging", "asyncio", "lz4", "zstandard", "wlproxy.tools")


@pytest.mark.parametrize(
    ("first", "dear"),
    [("wlproxy.sidecar.start", (*DEAR, "wlproxy.policy")), ("wlproxy.policy.load_compiled", (*DEAR, "wlproxy.policy.compile"))],
    ids=["the sidecar", "the child that checks a compiled policy"],
)
def test_what_a_guest_waits_for_imports_nothing_dear(first: str, dear: tuple[str, ...]) -> None:
    """A sidecar's start and its memory are mostly imports: 1 MiB and 7 ms for `dataclasses` alone, for each guest."""
    script = f"import sys, {first}; print(*[m for m in {dear!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
