"""wlproxy top: who is doing what, again and again."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any, Final

from .ctl import HEAD, RIGHT, number, part, row, statuses, table
from .joining import add_asked, printed
from .run import seconds

HOME_AND_CLEAR: Final = "\x1b[H\x1b[2J"
LEAST_SECONDS: Final = 0.2

EXAMPLE: Final = """example:
  wlproxy top
    GUEST  STATE    POLICY                UP     CLIENTS  OBJECTS  QUEUED  QUOTA       REFUSED  WOULD-DENY  REQUESTS/S  EVENTS/S
    work   running  desktop@2 9f2c61d07a  2h 4m        3      214      0B  objects 3%        7           0       180.0     121.5
  wlproxy top --once

Asks every control socket (see wlproxy ctl --help) each --interval, busy guests first. Ctrl-C ends it; ctl kill ends a guest.

exit codes: 0 printed, 1 a sidecar did not answer, 2 usage, 4 guest unknown or nothing runs; 130 ended by Ctrl-C."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "top",
        description="Shows all guests that run, with their rates of messages, and shows them again.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_asked(parser)
    parser.add_argument("--interval", type=seconds, default=2.0, metavar="S", help="seconds between two looks (2)")
    parser.add_argument("--once", action="store_true", help="look twice, print once")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    from ..sidecar.control.client import Refused
    from ..sidecar.say import say

    interval = max(args.interval, LEAST_SECONDS)
    clear = HOME_AND_CLEAR if sys.stdout.isatty() and not args.once else ""
    try:
        before, then = statuses(args.guest, args.control), time.monotonic()
        while True:
            time.sleep(interval)
            found, now = statuses(args.guest, args.control), time.monotonic()
            print(clear + "\n".join(screen(before, found, now - then)), flush=True)
            if args.once:
                return 0
            before, then = found, now
    except Refused as error:
        say(printed(error))
        return error.exit_code


def screen(before: list[dict[str, Any]], found: list[dict[str, Any]], elapsed: float) -> list[str]:
    """The table, as wide as the terminal."""
    earlier = {str(one.get("guest")): one for one in before}
    rows = []
    for one in found:
        rates = [rate(earlier.get(str(one.get("guest")), {}), one, direction, elapsed) for direction in ("requests", "events")]
        words = tuple(f"{each:.1f}" if "policy" in one else "" for each in rates)
        rows.append((-sum(rates), (*row(one), *words)))
    rows.sort(key=lambda one: one[0])
    lines = table([line for _, line in rows], (*HEAD, "REQUESTS/S", "EVENTS/S"), RIGHT | {"REQUESTS/S", "EVENTS/S"})
    width = os.get_terminal_size(1).columns if sys.stdout.isatty() else 0
    return [line[:width] if width else line for line in lines]


def rate(before: dict[str, Any], now: dict[str, Any], direction: str, elapsed: float) -> float:
    """Messages a second; 0 for a guest whose relay is another one than before."""
    counts = [number(part(part(one, "relay"), direction), "messages") for one in (before, now)]
    return max(0, counts[1] - counts[0]) / elapsed if part(before, "relay") else 0.0
