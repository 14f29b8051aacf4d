"""wlproxy metrics: counters of sidecars that run, for Prometheus."""

from __future__ import annotations

import argparse
from typing import Final

from .joining import add_asked, printed

EXAMPLE: Final = """example:
  wlproxy metrics
    # HELP wlproxy_clients Connections of the guest now.
    # TYPE wlproxy_clients gauge
    wlproxy_clients{guest="work"} 3
  wlproxy metrics > /var/lib/node_exporter/textfile/wlproxy.prom.new && mv ...new .../wlproxy.prom

Asks every control socket (see wlproxy ctl --help) and prints the text format that Prometheus reads. No port is opened: node_exporter's
textfile collector, or whatever runs a program, carries it on. Labels are guests' names and words from closed sets, never a guest's text.
Decisions are counted from audit entries: wlproxy_audit_dropped_total says how many of those a flood has cost.

exit codes: 0 printed, 1 a sidecar did not answer, 2 usage, 4 guest unknown or not running (without a guest: nothing runs, which prints
wlproxy_build_info alone and is 0)."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "metrics",
        description="Prints the counters of all sidecars that run, or of one guest, in the text format of Prometheus.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_asked(parser)
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    from ..policy.load_protocols import load_shipped
    from ..sidecar.control.client import Refused
    from ..sidecar.control.server import EXIT_UNKNOWN
    from ..sidecar.say import say
    from ..tools.metrics import exposition
    from .ctl import statuses

    try:
        found = statuses(args.guest, args.control)
    except Refused as error:
        if error.exit_code != EXIT_UNKNOWN or args.guest or args.control:
            say(printed(error))
            return error.exit_code
        found = []
    print(exposition(found, frozenset(load_shipped())), end="")
    return 0
