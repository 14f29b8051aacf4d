"""wlproxy record: a local program behind the proxy, and all that was said written down."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from .exec import run_behind
from .run import add_common, add_record

if TYPE_CHECKING:
    from ..sidecar.start import Settings

EXIT_USAGE: Final = 2

EXAMPLE: Final = """example:
  wlproxy record --policy desktop -o monday.wltrace --redact -- foot
  wlproxy replay monday.wltrace --policy strict

A recording holds what either side said, when, and the facts about descriptors (kind, size, seals), never what is in them: no pixels.
Without --redact it does hold what was typed, copied and shown as text. The program's status is the exit status, as with exec."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "record",
        description="Runs a program behind the proxy, as `wlproxy exec` does, and records both sides for `replay` and `trace`.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_common(parser)
    add_record(parser, "-o")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND...", help="the program and its arguments")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The verb; the program's exit status."""
    from ..sidecar.say import say

    if not args.record:
        say("-o FILE is needed: wlproxy record --policy strict -o FILE -- COMMAND")
        return EXIT_USAGE

    def record(settings: Settings) -> None:
        settings.record, settings.record_bytes, settings.redact = args.record, args.record_max, args.redact

    return run_behind(args, "record", record)
