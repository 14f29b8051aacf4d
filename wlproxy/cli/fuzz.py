"""wlproxy fuzz: made-up guests and compositors against the core, for auditors."""

from __future__ import annotations

import argparse
from typing import Final

EXIT_FINDINGS: Final = 1
EXIT_USAGE: Final = 2
EXIT_POLICY: Final = 6

EXAMPLE: Final = """example:
  wlproxy fuzz --seconds 60 --jobs 2
  wlproxy fuzz --replay fuzz-findings/finding-upstream-0123456789ab.json

It is the build that is installed which is fuzzed, and the first line of the report says whether that is the compiled one. In a source
tree `python -m wlproxy fuzz` fuzzes the interpreted files; the installed `wlproxy fuzz` the compiled ones.

Nothing is opened and nothing is connected to: both peers are made up in this process, and two readers that share no code with the
proxy judge what it lets through. The same seed makes up the same conversations.

exit codes: 0 nothing found, 1 findings, 2 usage, 6 policy invalid."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "fuzz",
        description="Makes up conversations that know the protocols, damages them, and watches what the proxy does.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=60.0, metavar="N", help="how long (60)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the first conversation's number (1)")
    parser.add_argument(
        "--policy",
        action="append",
        default=[],
        metavar="NAME|FILE",
        help="as for `wlproxy run`, or fuzz-transparent, fuzz-desktop, fuzz-lending, fuzz-refusing, fuzz-complaining; repeatable "
        "(those five)",
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (1)")
    parser.add_argument("--findings", default="fuzz-findings", metavar="DIR", help="where reproducers go (fuzz-findings)")
    parser.add_argument("--coverage", action="store_true", help="say which lines of core/ and handlers/ ran (slow; interpreted build)")
    parser.add_argument("--replay", default="", metavar="FILE", help="play one reproducer and say what comes of it")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The verb; its exit code."""
    from ..sidecar.compiled import PolicyInvalid
    from ..tools.fuzzing import work

    if args.seconds <= 0 or not 1 <= args.jobs <= 256:
        print("wlproxy fuzz: --seconds must be above 0, --jobs 1 to 256")
        return EXIT_USAGE
    try:
        if args.replay:
            return EXIT_FINDINGS if work.replay(args.replay) else 0
        names = args.policy or list(work.BUILT_IN)
        found = work.work(names, args.seed, args.seconds, args.jobs, args.findings, args.coverage)
    except PolicyInvalid as error:
        print("\n".join(f"wlproxy fuzz: {line}" for line in error.lines))
        return EXIT_POLICY
    except (OSError, ValueError) as error:
        print(f"wlproxy fuzz: {error}")
        return EXIT_USAGE
    return EXIT_FINDINGS if found else 0
