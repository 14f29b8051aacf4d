"""wlproxy schema: what a TOML language server needs to know of our files."""

from __future__ import annotations

import argparse
import json

EXAMPLE = """example:
  wlproxy schema > policy-1.json      and, as the first line of work.toml:    #:schema ./policy-1.json
  wlproxy schema ceiling > ceiling-1.json

Editors with a TOML language server (tombi, taplo) then offer keys, explain them and underline what is wrong. `wlproxy check`
finds more: what a schema cannot say, such as `final`, and everything with its suggestion.

exit codes: 0 printed, 2 usage."""

KINDS = ("policy", "ceiling", "guest", "test")  # policy/schema.py has them too; this file is imported for --help alone


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "schema",
        description="Prints the JSON Schema of a kind of file, made from the data that policies are checked with.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", nargs="?", choices=KINDS, default="policy", help="which file (policy)")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    from ..policy.load_interface_table import floor, row_of
    from ..policy.load_protocols import load_shipped
    from ..policy.schema import schema_of

    def reason(name: str) -> str:
        row = row_of(name)
        return f"{row.risk + ': ' if row.risk else ''}{row.reason}" if row is not None else ""

    interfaces = load_shipped()
    print(json.dumps(schema_of(args.kind, interfaces, floor(list(interfaces)), reason), separators=(",", ":")))
    return 0
