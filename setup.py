"""Builds wlproxy; compiles the data plane where that is possible.

Promises: the files listed in COMPILED become one native library if a C compiler and Python's headers are there; else the same
files are installed as they are and run interpreted, and a note says so (`pip install -v`, `wlproxy doctor`). Both builds do
the same, at different speed.

    WLPROXY_BUILD=interpreted   do not compile
    WLPROXY_BUILD=compiled      fail where compiling fails, instead of falling back
    WLPROXY_PURE=1              the same as interpreted
"""

from __future__ import annotations

import os
import sys
import tempfile
from glob import glob
from typing import Any

from setuptools import find_packages, setup
from setuptools.command.build_ext import build_ext

# what every byte of a guest passes through, and what that calls. Not the __init__ files: nothing of theirs is called per message.
COMPILED = ["wlproxy/core/*.py", "wlproxy/handlers/*.py", "wlproxy/sidecar/relay/*.py"]
NOT_COMPILED = {"__init__.py"}
# the data folders become packages beside the code; pyproject.toml says where they are in the source tree
PACKAGES = [*find_packages(include=["wlproxy", "wlproxy.*"]), "wlproxy.protocols_data", "wlproxy.policies_data"]

OPTIMISATION = "3"
DEBUG_LEVEL = "1"
# Else each function of mypyc's runtime could be replaced from outside and is called through the procedure linkage table, never
# inlined (bench/parse.py: a fifth of what a message costs). Nothing but the modules' own init functions is called from outside.
OWN_SYMBOLS = ["-fvisibility=hidden", "-fno-semantic-interposition"]


def wanted() -> str:
    """'compiled', 'interpreted' or 'any'."""
    if os.environ.get("WLPROXY_PURE", "") not in ("", "0"):
        return "interpreted"
    build = os.environ.get("WLPROXY_BUILD", "any")
    if build not in ("compiled", "interpreted", "any"):
        sys.exit(f"WLPROXY_BUILD is {build!r}; it may be compiled, interpreted or any")
    return build


def note(reason: str) -> None:
    """Says that this will be the interpreted build, or ends the build where that will not do."""
    if wanted() == "compiled":
        sys.exit(f"wlproxy: WLPROXY_BUILD=compiled, but {reason}")
    print(f"wlproxy: NOTE: {reason}. The data plane will run interpreted: same decisions, slower.", file=sys.stderr, flush=True)


def sources() -> list[str]:
    found = [path for pattern in COMPILED for path in sorted(glob(pattern)) if os.path.basename(path) not in NOT_COMPILED]
    return list(dict.fromkeys(found))


def why_no_compiler() -> str:
    """Empty where a program that includes Python.h compiles."""
    import sysconfig

    from setuptools._distutils.ccompiler import new_compiler
    from setuptools._distutils.sysconfig import customize_compiler

    compiler: Any = new_compiler()
    customize_compiler(compiler)
    with tempfile.TemporaryDirectory() as folder:
        probe = os.path.join(folder, "probe.c")
        with open(probe, "w", encoding="ascii") as file:
            file.write("#include <Python.h>\nint probe(void) { return PY_MAJOR_VERSION; }\n")
        try:
            compiler.compile([probe], output_dir=folder, include_dirs=[sysconfig.get_path("include")])
        except Exception as error:
            return f"there is no working C compiler with Python's headers ({type(error).__name__})"
    return ""


def extensions() -> list[Any]:
    if wanted() == "interpreted":
        note("compiling was switched off")
        return []
    if not sources():
        return []
    if reason := why_no_compiler():
        note(reason)
        return []
    try:
        from mypyc.build import mypycify

        made = mypycify(
            ["--config-file=pyproject.toml", *sources()],
            opt_level=OPTIMISATION,
            debug_level=DEBUG_LEVEL,
            group_name="wlproxy",
            target_dir="build/mypyc",
        )
    except (Exception, SystemExit) as error:  # mypyc ends the process where a file does not type-check
        note(f"mypyc did not accept the sources ({type(error).__name__}: {error})")
        return []
    for extension in made:
        extension.extra_compile_args += OWN_SYMBOLS
    return made


class BuildExtensions(build_ext):
    """All of the extensions or none: half of them would not import."""

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:
            note(f"compiling failed ({type(error).__name__}: {error})")
            for path in self.get_outputs():
                if os.path.exists(path):
                    os.unlink(path)
            self.extensions = []
            self.distribution.ext_modules = []


setup(packages=PACKAGES, ext_modules=extensions(), cmdclass={"build_ext": BuildExtensions})
