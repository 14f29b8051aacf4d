"""wlproxy shadow: where the policy that is asked beside the one in force would have decided otherwise."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any, Final

from ..core.differences import STRICTER, WIDER
from .policies import BOLD, EXIT_FINDINGS, EXIT_USAGE, GREEN, RED, YELLOW, coloured

if TYPE_CHECKING:
    from ..tools.shadow_report import Beside, Report

EXAMPLE: Final = """example:
  wlproxy run --guest work --policy desktop --shadow desktop-next --audit /var/log/wlproxy/work.jsonl ...
  wlproxy shadow report /var/log/wlproxy/work.jsonl
    guest work: desktop-next 9f2c61d07a beside desktop: 19 messages would be refused that passed, 3 the other way round
    COUNT  WOULD BE  MESSAGE                       BY                   FIRST                LAST
       19  stricter  wl_data_device.set_selection  desktop-next.toml:8  2026-11-23T09:11:17  2026-11-23T17:40:02
           wl_data_device#31.set_selection: not allowed by the policy
        3  wider     xdg_toplevel.set_minimized    desktop.toml:20      2026-11-23T09:14:00  2026-11-23T11:02:51
           xdg_toplevel#12.set_minimized: not allowed by the policy

A guest's file names its shadow: shadow = "POLICY"; so does wlproxy run --shadow. The shadow decides nothing. It is asked about each message
that has come, by itself: what it says of globals and their versions, of permissions, messages and arguments. Rates, quotas and the
parameters of permissions are not compared: wlproxy diff names those. BY is the line of the policy that refuses.

The audit log has the first message of a kind at once, then one line a minute, and the rest when a connection ends: of connections that
are open the last minute may be missing. ctl status GUEST and metrics have the exact totals. Only the youngest version of a guest's shadow
is counted: --all adds those before.

exit codes: 0 reported, 1 there is what --fail-on names, 2 usage or no such log, or --fail-on where no shadow has been asked."""

ANY: Final = "any"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "shadow",
        description="Reports from audit logs where a guest's shadow policy would have decided otherwise than the one in force.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("order", choices=("report",), metavar="report", help="what is to be done")
    parser.add_argument("log", nargs="+", metavar="AUDIT-LOG", help="audit logs, in any order")
    parser.add_argument("--guest", default="", metavar="NAME", help="this guest only")
    parser.add_argument("--all", action="store_true", help="also what earlier versions of a shadow would have decided")
    parser.add_argument(
        "--fail-on", choices=(STRICTER, WIDER, ANY), default="", metavar="KIND", help="exit 1 where there is any: stricter, wider or any"
    )
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    from itertools import chain

    from ..sidecar.say import say
    from ..tools.audit_log import NoEvent, entries
    from ..tools.shadow_report import report_of

    try:
        report = report_of(chain.from_iterable(entries(path) for path in args.log), args.guest, args.all)
    except NoEvent as none:
        say(str(none))
        return EXIT_USAGE
    if args.json:
        print(json.dumps(as_json(report), indent=1))
    else:
        print("\n".join(as_text(report, args.guest)))
    if args.fail_on and not report.beside:
        return EXIT_USAGE  # a gate that nobody passed through holds nothing
    found = {kind: sum(one.total(kind) for one in report.beside) for kind in (STRICTER, WIDER)}
    wanted = {STRICTER: found[STRICTER], WIDER: found[WIDER], ANY: sum(found.values()), "": 0}[args.fail_on]
    return EXIT_FINDINGS if wanted else 0


def as_text(report: Report, guest: str) -> list[str]:
    """For an admin, of one guest or, with "", of all."""
    from ..policy.document import printable

    lines = [line for one in report.beside for line in of_one(one)]
    if not report.beside:
        whose = printable(f" of guest {guest}") if guest else ""
        lines.append(f'no shadow{whose} has been asked: shadow = "POLICY" in the guest\'s file, or wlproxy run --shadow POLICY')
    if report.older:
        lines.append(f"earlier versions of a shadow differed over {report.older} messages, which are left out (--all)")
    if report.lost:
        lines.append(f"the logs lack {report.lost} lines (audit-gap): there may be more")
    return lines


HEAD: Final = ("COUNT", "WOULD BE", "MESSAGE", "BY", "FIRST", "LAST")
COLOURS: Final = {STRICTER: RED, WIDER: YELLOW}


def of_one(one: Beside) -> list[str]:
    """The heading and the table of one shadow."""
    from ..policy.document import printable

    named = printable(f"guest {one.guest}: {one.policy} {one.sha256[:10]} beside {one.in_force}")
    if not one.rows:
        return [f"{coloured(named, BOLD)}: {coloured('no difference', GREEN)}"]
    counts = f"{one.total(STRICTER)} messages would be refused that passed, {one.total(WIDER)} the other way round"
    rows = [(str(r.count), r.would_be, *map(printable, (r.message, r.rule, r.first, r.last))) for r in one.ordered()]
    widths = [max(len(row[column]) for row in (HEAD, *rows)) for column in range(len(HEAD))]

    def line(row: tuple[str, ...]) -> list[str]:
        return [row[0].rjust(widths[0]), *(word.ljust(width) for word, width in zip(row[1:], widths[1:], strict=True))]

    lines = [f"{coloured(named, BOLD)}: {counts}", "  ".join(line(HEAD)).rstrip()]
    for row, told in zip(rows, one.ordered(), strict=True):
        words = line(row)
        words[1] = coloured(words[1], COLOURS[told.would_be])
        lines += ["  ".join(words).rstrip(), f"{' ' * widths[0]}  {printable(told.example)}"]
    return lines


def as_json(report: Report) -> dict[str, Any]:
    """For programs."""
    return {
        "shadows": [
            {
                "guest": one.guest,
                "policy": one.policy,
                "sha256": one.sha256,
                "beside": one.in_force,
                STRICTER: one.total(STRICTER),
                WIDER: one.total(WIDER),
                "rows": [
                    {
                        "count": row.count,
                        "would_be": row.would_be,
                        "message": row.message,
                        "rule": row.rule,
                        "first": row.first,
                        "last": row.last,
                        "example": row.example,
                    }
                    for row in one.ordered()
                ],
            }
            for one in report.beside
        ],
        "older": report.older,
        "lost": report.lost,
    }
