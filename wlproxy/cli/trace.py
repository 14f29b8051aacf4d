"""wlproxy trace: messages with their verdicts, of a guest or a local program as it runs, or of a recording."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Final, TextIO

from .exec import run_behind
from .joining import add_control, join_trace
from .run import add_common, add_view, view_of

if TYPE_CHECKING:
    from ..sidecar.start import Settings

EXIT_FINDINGS: Final = 1
EXIT_USAGE: Final = 2

EXAMPLE: Final = """example:
  wlproxy trace work --only denied --iface 'xdg_*'
  wlproxy trace --policy strict --only denied -- foot
  wlproxy trace --interface 'xdg_*' monday.wltrace
  [    0.123456] 1  -> xdg_toplevel#9.set_minimized()  ; denied ignore (strict.toml:55)

A guest is joined by way of its sidecar's control socket: its connections from then on are shown, those that are open are not. Ctrl-C ends
the trace and nothing else. That somebody traces is in the guest's audit log, and whether with --payload.

A line is time, connection, message, verdict: allowed, rewritten, would-deny, denied and how, hidden (the guest is not told), no object (to
something that exists for the guest alone), ended (it broke the protocol). "->" leads what the guest says. Ids are those of the side that
speaks.
Such a line, and those of WAYLAND_DEBUG=1, can be given to the verbs that take a message. A recording is printed under the policy it was
recorded with; `wlproxy replay` tries another one.

exit codes: the program's; for a recording 0, 1 where it breaks off; for a guest 0, 4 unknown or not running; 2 usage."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "trace",
        description="Prints what a guest or a program behind the proxy says and hears, with what was decided; or prints a recording.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_common(parser)
    add_view(parser)
    add_control(parser)
    parser.add_argument("-o", dest="trace", default="-", metavar="FILE|-", help="append to a file instead of standard output")
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="GUEST | FILE.wltrace | -- COMMAND...", help="a guest, a recording, or a program"
    )
    parser.set_defaults(function=lambda args: run(args, parser))


def run(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """The verb; its exit code."""
    from ..sidecar.say import say

    if args.command[:1] == ["--"]:

        def trace(settings: Settings) -> None:
            settings.trace, settings.trace_view = args.trace, view_of(args)

        return run_behind(args, "trace", trace)
    name = one_word(args, parser)
    if not name:
        words = "wlproxy trace GUEST, wlproxy trace FILE.wltrace, or wlproxy trace --policy strict -- COMMAND"
        say(f"a guest, a recording or a command is needed: {words}")
        return EXIT_USAGE
    if "/" in name or name.endswith(".wltrace") or (os.path.isfile(name) and not args.control):
        return print_recording(args, name)
    return join_trace(name, args.control, args.trace, view_of(args), args.confine)


def one_word(args: argparse.Namespace, parser: argparse.ArgumentParser) -> str:
    """The guest or the recording, "" where there is none; options may stand behind it as well. A second word is an error of usage."""
    if not args.command:
        return ""
    name, *rest = args.command
    parser.parse_args(rest, args)
    if args.command:
        parser.error(f"{args.command[0]}: one guest or recording is enough; a program and its arguments stand behind --")
    return str(name)


def print_recording(args: argparse.Namespace, path: str) -> int:
    """Prints a recording; the exit code."""
    from ..core.errors import ConfigErrors
    from ..policy.load import explain
    from ..policy.load_protocols import load_shipped
    from ..sidecar.say import say
    from ..sidecar.watch.printing import Printer, traced
    from ..sidecar.watch.stepping import Step
    from ..tools.replay import Decided, open_recording

    out: TextIO = sys.stdout
    try:
        if args.trace != "-":
            out = open(args.trace, "a", encoding="ascii", opener=private)  # noqa: SIM115  until the process ends
        view = view_of(args)
        view.colour = out.isatty()
        printer = Printer(load_shipped(), view)

        def show(at: float, connection: int, step: Step) -> None:
            if text := printer.line(at, connection, traced(step)):
                out.write(text + "\n")

        with open_recording(path) as reader:
            Decided(show).play(reader)
            out.flush()
            if reader.damage:
                say(f"{path}: {reader.damage}")
                return EXIT_FINDINGS
    except OSError as error:
        say(f"-o {args.trace}: {error.strerror}")
        return EXIT_USAGE
    except ConfigErrors as errors:
        for line in explain(errors):
            say(line)
        return EXIT_USAGE
    return 0


def private(path: str, flags: int) -> int:
    """For open(): a file of the owner's alone."""
    return os.open(path, flags | os.O_NOCTTY, 0o600)
