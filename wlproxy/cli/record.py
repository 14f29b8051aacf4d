"""wlproxy record: what a guest that runs, or a local program behind the proxy, says and hears, written down."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from .exec import run_behind
from .joining import add_control, join_record
from .run import add_common, add_record
from .trace import one_word

if TYPE_CHECKING:
    from ..sidecar.start import Settings

EXIT_USAGE: Final = 2

EXAMPLE: Final = """example:
  wlproxy record work -o work.wltrace --redact
  wlproxy record --policy desktop -o monday.wltrace --redact -- foot
  wlproxy replay monday.wltrace --policy strict

A guest is joined by way of its sidecar's control socket: its connections from then on are recorded, those that are open are not. Ctrl-C
ends the recording and nothing else. That somebody records is in the guest's audit log.

A recording holds what either side said, when, and the facts about descriptors (kind, size, seals), never what is in them: no pixels.
Without --redact it does hold what was typed, copied and shown as text. The program's status is the exit status, as with exec.

exit codes: the program's; for a guest 0, 1 where the recording cannot go on, 4 unknown or not running; 2 usage."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "record",
        description="Records both sides for `replay` and `trace`: of a guest that runs, or of a program behind the proxy, as with `exec`.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_common(parser)
    add_record(parser, "-o")
    add_control(parser)
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="GUEST | -- COMMAND...", help="a guest, or a program")
    parser.set_defaults(function=lambda args: run(args, parser))


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """The verb; the program's exit status."""
    from ..sidecar.say import say

    guest = "" if args.command[:1] == ["--"] else one_word(args, parser)
    if not args.record:
        say("-o FILE is needed: wlproxy record GUEST -o FILE, or wlproxy record --policy strict -o FILE -- COMMAND")
        return EXIT_USAGE
    if guest:
        return join_record(args, guest)

    def record(settings: Settings) -> None:
        settings.record, settings.record_bytes, settings.redact = args.record, args.record_max, args.redact

    return run_behind(args, "record", record)
