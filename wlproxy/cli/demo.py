"""wlproxy demo: the main job, shown."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from .output import OutputFailed

EXIT_FAILED: Final = 1
EXIT_MISSING: Final = 2

EXAMPLE: Final = """example:
  wlproxy demo --host embedded --out /tmp/demo && xdg-open /tmp/demo/host.png

exit codes: 0 as promised, 1 something got through or failed, 2 a program or pywayland is not installed."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "demo",
        description="Starts a host, the proxy and guest programs; prints what was allowed, changed and refused; tries three forbidden "
        "things; writes a picture of what the host saw. Needs no desktop and no root.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", choices=("embedded", "weston", "sway"), help="the compositor; default: weston, else embedded")
    parser.add_argument("--out", type=Path, default=Path("demo-out"), metavar="DIR", help="where picture and logs go (demo-out)")
    parser.add_argument("--policy", default="strict", metavar="NAME|FILE", help="(strict)")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    try:
        import trio

        from ..host.demo import show
        from ..host.demo_hosts import default_host
    except ImportError as missing:
        print(f"wlproxy demo: {missing}; pip install 'wlproxy[tools]'", file=sys.stderr)
        return EXIT_MISSING
    try:
        failures = trio.run(show, args.host or default_host(), args.out, args.policy)
    except (BaseExceptionGroup, OSError, RuntimeError) as failed:
        first = _first(failed)
        if isinstance(first, (OutputFailed, BrokenPipeError, KeyboardInterrupt)):  # main.py knows what these mean
            raise first from None
        if not isinstance(first, (OSError, RuntimeError, trio.TooSlowError)):
            raise
        print(f"wlproxy demo: {first}", file=sys.stderr)
        return EXIT_MISSING if isinstance(first, FileNotFoundError) else EXIT_FAILED
    for failure in failures:
        print(f"wlproxy demo: {failure}", file=sys.stderr)
    return EXIT_FAILED if failures else 0


def _first(found: BaseException) -> BaseException:
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
