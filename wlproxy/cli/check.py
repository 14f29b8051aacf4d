"""wlproxy check: is a policy right, and if not, where."""

from __future__ import annotations

import argparse
import json
import sys

EXAMPLE = """example:
  wlproxy check /etc/wlproxy/policies/work.toml
  work.toml:7:17: error[version-too-high]: wlproxy can vet wl_compositor up to version 7, not 99

exit codes: 0 valid, 1 findings (all of them in one run), 2 usage."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "check",
        description="Checks policies and everything they extend: every finding with file, line and column.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("policy", nargs="+", metavar="NAME|FILE", help="a policy by name, or its file")
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="a policy variable; repeatable")
    parser.add_argument("--json", action="store_true", help="findings as one JSON array")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    from ..core.errors import ConfigErrors
    from ..policy.compile import compile_policy
    from ..policy.document import printable
    from ..policy.load import explain, load_policy
    from ..policy.load_protocols import load_shipped
    from .run import variables_of

    variables = variables_of(args.var, "guest")
    if variables is None:
        return 2
    rows: list[dict[str, object]] = []
    for name in args.policy:
        try:
            interfaces = load_shipped()
            compiled = compile_policy(load_policy(name, variables, interfaces), interfaces)
        except ConfigErrors as errors:
            rows += [
                {"file": f.path, "line": f.line, "column": f.column, "code": f.code, "message": f.message, "hint": f.hint}
                for f in errors.findings
            ]
            if not args.json:
                print("\n".join(explain(errors)), file=sys.stderr)
        else:
            if not args.json:
                print(f"{printable(name)}: valid, {len(compiled['globals'])} globals, sha256:{compiled['sha256'][:16]}")
    if args.json:
        print(json.dumps(rows, indent=1))
    return 1 if rows else 0
