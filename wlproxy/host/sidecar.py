"""`wlproxy run` as a process of its own, for the demo and for `learn`.

Promises: the block begins once a guest can connect; the process is ended with the block, by pid. Trusts: the options.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import trio

from .demo_hosts import DEADLINE, end

TAIL: Final = 2000  # characters of its last words


@contextlib.asynccontextmanager
async def sidecar(options: list[str], log: Path) -> AsyncIterator[None]:
    """What it says goes to `log`. Raises RuntimeError with the end of that where it does not start, trio.TooSlowError after DEADLINE."""
    ready, said = os.pipe()
    command = [sys.executable, "-m", "wlproxy", "run", *options, "--ready-fd", str(said), "--confine", "prefer"]
    try:
        with open(log, "wb") as output:
            process = await trio.lowlevel.open_process(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=dict(os.environ), pass_fds=[said]
            )
    finally:
        os.close(said)
    try:
        with trio.fail_after(DEADLINE):
            async with trio.lowlevel.FdStream(ready) as stream:
                if not await stream.receive_some(1):
                    raise RuntimeError(f"wlproxy run did not start:\n{log.read_text(errors='replace')[-TAIL:]}")
        yield
    finally:
        await end(process)
