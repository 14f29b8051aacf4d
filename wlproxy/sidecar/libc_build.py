"""Writes `_libc.py`, cffi's out-of-line ABI form of the two C functions that confinement needs. Run by hand after an edit:

    python -m wlproxy.sidecar.libc_build

The form needs no C compiler, and the relay imports only `_cffi_backend` of cffi, not its C parser.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

DECLARATIONS: Final = """
int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
long syscall(long number, ...);
"""


def main(folder: Path) -> Path:
    """The written file."""
    import cffi

    ffi = cffi.FFI()
    ffi.cdef(DECLARATIONS)
    ffi.set_source("_libc", None)
    written: str = ffi.compile(tmpdir=str(folder))
    return Path(written)


if __name__ == "__main__":
    print(main(Path(__file__).parent))
