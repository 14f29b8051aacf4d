"""wlproxy report: a policy as a page to look at."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from .policies import add_variables

if TYPE_CHECKING:
    from ..tools.report import Subject

EXIT_FINDINGS = 1
EXIT_USAGE = 2

EXAMPLE = """example:
  wlproxy report desktop -o desktop.html && xdg-open desktop.html

One HTML file that needs nothing else: interfaces by class of risk and verdict, what differs from the policy it extends, permissions in
words, rules with the line that sets them, quotas. It runs no script and loads nothing.

exit codes: 0 written, 1 the policy has errors, 2 usage, or the file cannot be written."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "report",
        description="Writes a policy as one HTML page that shows an admin what it opens.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("policy", metavar="NAME|FILE", help="a policy by name, or its file")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="where to; - is standard output")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    add_variables(parser)
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    import os

    from ..core.errors import ConfigErrors
    from ..policy.load import explain
    from ..sidecar.say import say
    from ..tools.report import page
    from .compile import write
    from .run import variables_of

    variables = variables_of(args.var, args.guest)
    if variables is None:
        return EXIT_USAGE
    if args.output != "-" and os.path.lexists(args.output) and not args.force:
        say(f"{args.output}: is there already; --force replaces it")
        return EXIT_USAGE
    try:
        text = page(subject_of(args.policy, variables, args.ceiling))
    except ConfigErrors as errors:
        print("\n".join(explain(errors)), file=sys.stderr)
        return EXIT_FINDINGS
    if args.output == "-":
        sys.stdout.buffer.write(text.encode())
        return 0
    try:
        write(args.output, text.encode())
    except OSError as error:
        say(f"{args.output}: {error.strerror}")
        return EXIT_USAGE
    print(f"{args.output}: {len(text.encode()) // 1024} KiB")
    return 0


def subject_of(name: str, variables: dict[str, str], ceiling: str | None) -> Subject:
    """What the page is about. Raises ConfigErrors."""
    from ..policy.compare import changes
    from ..policy.lint import lint
    from ..policy.load_file import CEILING_FILE
    from ..policy.load_protocols import load_shipped
    from ..tools.report import Subject
    from ..tools.sources import load_source, part_of, risk_of

    interfaces = load_shipped()
    source = load_source(name, variables, interfaces, CEILING_FILE if ceiling is None else ceiling)
    policy, chain, compiled = source.policy, source.chain, source.compiled
    found = []
    if len(chain) > 1:
        found = changes(part_of(chain[:-1], interfaces, variables), part_of(chain, interfaces, variables))
    ancestors = [str(document.data.get("name", document.name)) for document in chain[:-1]]
    warnings = [finding for finding in lint(chain, policy, compiled, interfaces, risk_of) if finding.severity == "warning"]
    return Subject(policy, compiled, ancestors, found, warnings, interfaces)
