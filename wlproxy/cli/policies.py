"""What the verbs that read policies have in common: options, findings on standard error, colour on a terminal."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Final

from ..core.errors import ConfigErrors
from .options import add_ceiling, add_values

EXIT_FINDINGS: Final = 1
EXIT_USAGE: Final = 2
EXIT_POLICY: Final = 6
RED: Final = "31"
GREEN: Final = "32"
YELLOW: Final = "33"
BOLD: Final = "1"


def add_variables(parser: argparse.ArgumentParser) -> None:
    """The options that say how a policy is read: its variables, the host's ceiling."""
    add_values(parser)
    add_ceiling(parser)


def variables(args: argparse.Namespace) -> dict[str, str] | None:
    """Their values; None, and a message, where one is no NAME=VALUE."""
    from .run import variables_of

    return variables_of(args.var, args.guest)


def reads_policy(work: Callable[[argparse.Namespace, dict[str, str]], int]) -> Callable[[argparse.Namespace], int]:
    """A verb's `run` of what it does with its variables: what is wrong with them or with a policy is told, and is the exit code."""

    def run(args: argparse.Namespace) -> int:
        given = variables(args)
        if given is None:
            return EXIT_USAGE
        try:
            return work(args, given)
        except ConfigErrors as errors:
            return tell(errors)

    return run


def ceiling_of(args: argparse.Namespace) -> str:
    """The ceiling's file."""
    from ..policy.load_file import CEILING_FILE

    return CEILING_FILE if args.ceiling is None else str(args.ceiling)


def tell(errors: ConfigErrors) -> int:
    """Prints every finding; the exit code of a policy that cannot be used."""
    from ..policy.load import explain

    sys.stdout.flush()
    print("\n".join(explain(errors)), file=sys.stderr)
    return EXIT_POLICY


def coloured(text: str, code: str) -> str:
    """The text in a colour, where a person looks at it."""
    if sys.stdout is None or not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{code}m{text}\x1b[0m"
