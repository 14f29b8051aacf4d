"""wlproxy diff: what one policy allows that another does not, by effect and not by text."""

from __future__ import annotations

import argparse
import json
from typing import Final

from .policies import EXIT_FINDINGS, GREEN, RED, add_variables, ceiling_of, coloured, reads_policy

EXAMPLE: Final = """example:
  wlproxy diff HEAD~1:desktop policies/desktop.toml --fail-on=wider
    WIDER    permission.fullscreen     ask -> allow  policies/desktop.toml:50
  1 wider, 0 tighter

A and B are policies by name, files, compiled .json, guests by name or file (their policy with their values), or what a file was in a git
revision (HEAD~1:policies/desktop.toml, HEAD~1:desktop).

exit codes: 0 compared, 1 there is such a change (--fail-on), 2 usage, 6 one of them has findings."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "diff",
        help="what one policy allows that another does not",
        description="Compares the effect of two policies: what B makes wider, tighter or otherwise different than A.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("a", metavar="A", help="the earlier policy")
    parser.add_argument("b", metavar="B", help="the later policy")
    parser.add_argument(
        "--fail-on", action="append", default=[], choices=("wider", "tighter", "changed"), help="exit 1 where there is such a change"
    )
    parser.add_argument("--json", action="store_true", help="the changes as one JSON array")
    add_variables(parser)
    parser.set_defaults(function=run)


@reads_policy
def run(args: argparse.Namespace, given: dict[str, str]) -> int:
    """The exit code."""
    from ..policy.compare import TIGHTER, WIDER, changes
    from ..policy.document import printable
    from ..policy.load_protocols import load_shipped
    from ..tools.sources import compiled_of

    interfaces = load_shipped()
    before, after = (compiled_of(name, given, interfaces, ceiling_of(args)) for name in (args.a, args.b))
    found = changes(before, after)
    kinds = [change.kind for change in found]
    if args.json:
        rows = [{"kind": c.kind, "key": c.key, "before": c.before, "after": c.after, "origin": c.origin} for c in found]
        print(json.dumps(rows, indent=1))
    else:
        width = max([len(change.key) for change in found], default=0)
        for change in found:
            word = f"{change.kind.upper() if change.kind == WIDER else change.kind:8}"
            colour = RED if change.kind == WIDER else GREEN if change.kind == TIGHTER else ""
            line = printable(f"{change.key:<{width}}  {change.before} -> {change.after}  {change.origin}").rstrip()
            print(f"  {coloured(word, colour) if colour else word} {line}")
        other = kinds.count("changed")
        print(f"{kinds.count(WIDER)} wider, {kinds.count(TIGHTER)} tighter" + (f", {other} otherwise changed" if other else ""))
    return EXIT_FINDINGS if any(kind in args.fail_on for kind in kinds) else 0
