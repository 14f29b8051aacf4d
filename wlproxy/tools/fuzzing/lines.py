"""Which lines of the core and the handlers ran, where those are interpreted.

Promises: counts every line that has code of its own, functions that never ran included. Trusts: nothing. The standard library's
sys.settrace is enough for this; it makes the traced code some twenty times slower, so campaigns trace a part of themselves.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any, Final

import wlproxy.core
import wlproxy.handlers

PACKAGES: Final = ("core", "handlers")
NOT_THE_DATA_PLANE: Final = frozenset(("compact.py", "protocol.py"))  # these read protocol data, not a peer's bytes


class Lines:
    """Use as a context manager around what is to be traced."""

    def __init__(self) -> None:
        self.ran: dict[str, set[int]] = {}

    def __enter__(self) -> Lines:
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        path = frame.f_code.co_filename
        if "/wlproxy/core/" not in path and "/wlproxy/handlers/" not in path:
            return None
        ran = self.ran.setdefault(path, set())
        ran.add(frame.f_lineno)

        def line(frame: FrameType, event: str, argument: Any) -> Any:
            ran.add(frame.f_lineno)
            return line

        return line

    def report(self) -> list[tuple[str, int, int, list[int]]]:
        """(file, lines that ran, lines there are, lines that did not) of functions; empty for a compiled build."""
        rows = []
        for path in sorted(data_plane()):
            with open(path, encoding="utf-8") as file:
                code = compile(file.read(), path, "exec")
            there = {line for function in functions(code) for line in lines_of(function)}
            ran = self.ran.get(path, set()) & there
            if there:
                rows.append(("/".join(path.split("/")[-2:]), len(ran), len(there), sorted(there - ran)))
        return rows


def data_plane() -> Iterator[str]:
    """The source files of the core and the handlers that are running as such."""
    for package in (wlproxy.core, wlproxy.handlers):
        prefix = package.__name__ + "."
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None) or ""
            known = name == package.__name__ or name.startswith(prefix)
            if known and path.endswith(".py") and path.rpartition("/")[2] not in NOT_THE_DATA_PLANE:
                yield path


def functions(code: CodeType) -> Iterator[CodeType]:
    """The functions in a module, methods and inner ones included; not the classes' own bodies."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if "self" in constant.co_varnames or constant.co_flags & 2:  # CO_NEWLOCALS: a function, not a class body
                yield constant
            yield from functions(constant)


def lines_of(code: CodeType) -> set[int]:
    """Lines with code, apart from the `def` itself."""
    return {line for _, _, line in code.co_lines() if line is not None and line != code.co_firstlineno}


def is_compiled() -> bool:
    """Whether the session that runs is machine code, of which no lines can be seen."""
    module = importlib.import_module("wlproxy.core.session")
    return not (module.__file__ or "").endswith(".py")
