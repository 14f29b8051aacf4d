"""Compiles the C of the bench into bench/build, again whenever a source is newer. Nothing of it is shipped."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bench.processes import BenchError

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "c"
PROGRAMS = {
    "stub_compositor": ["stub_compositor.c", "stub_objects.c"],
    "load_client": ["load_client.c", "client.c", "scenarios.c"],
    "forwarder": ["forwarder.c"],
}
FLAGS = ["-O2", "-Wall", "-Wextra", "-Wshadow"]


def compiler() -> str | None:
    return shutil.which(os.environ.get("CC", "cc"))


def build(into: Path | None = None) -> Path:
    """The folder that holds the three programs."""
    into = into or HERE / "build"
    cc = compiler()
    if cc is None:
        raise BenchError("no C compiler: install gcc or clang, or set CC")
    into.mkdir(parents=True, exist_ok=True)
    newest = max(f.stat().st_mtime for f in SOURCES.iterdir())
    for name, files in PROGRAMS.items():
        target = into / name
        if target.exists() and target.stat().st_mtime > newest:
            continue
        done = subprocess.run([cc, *FLAGS, "-o", str(target), *(str(SOURCES / f) for f in files)],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"compiling {name} failed:\n{done.stderr}")
    return into
