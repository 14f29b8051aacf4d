"""Dispatches a verb; only the verb's own file is imported."""

from __future__ import annotations

import argparse
import importlib
import sys

VERBS = ("run", "exec", "fuzz")


def main(argv: list[str] | None = None) -> int:
    """The exit code."""
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="wlproxy")
    subparsers = parser.add_subparsers(required=True)
    for verb in VERBS:
        if not argv or argv[0] not in VERBS or verb == argv[0]:
            importlib.import_module(f"wlproxy.cli.{verb}").register(subparsers)
    args = parser.parse_args(argv)
    return int(args.function(args))


if __name__ == "__main__":
    sys.exit(main())
