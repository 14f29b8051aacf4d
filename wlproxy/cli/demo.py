"""wlproxy demo: the main job, shown."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """example:
  wlproxy demo --host embedded --out /tmp/demo

exit codes: 0 shown, 1 something did not work (and is said), 2 usage."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "demo",
        help="a guest's window through the proxy, and a picture of it",
        description="Starts a headless host, the proxy and a guest; shows what was allowed, changed and refused; writes a PNG.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", choices=("embedded", "weston", "sway"), default="", help="weston where installed, else embedded")
    parser.add_argument("--out", type=Path, default=Path("demo-out"), metavar="DIR", help="for the picture (demo-out)")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    try:
        from ..host import demo
    except ModuleNotFoundError as error:
        print(f"wlproxy demo needs {error.name}: pip install 'wlproxy[tools]'")
        return 1
    return demo.run(args.host, args.out)
