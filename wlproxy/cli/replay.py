"""wlproxy replay: yesterday's traffic under tomorrow's policy."""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any, Final

from .options import add_values

if TYPE_CHECKING:
    from ..tools.replay import Disconnected, Group, Replay, Report

EXIT_FINDINGS: Final = 1
EXIT_USAGE: Final = 2
EXIT_POLICY: Final = 6

EXAMPLE: Final = """example:
  wlproxy replay monday.wltrace --policy strict --fail-on denied
  41210 messages, 3 clients, recorded under desktop. Same verdict: 41188. Newly denied: 22
     19  wl_data_device.set_selection     strict.toml:63     first at 00:02:11
  Clients that would have been disconnected: none

Both policies judge each message with the code that runs in the sidecar; nothing is connected to. What it cannot know: events that the host
would only have sent under the other policy, what a program does after a refusal, the content of files and pipes, deadlines and
rates. What is said to objects that only one of the policies lets exist is counted as not judged. In a redacted recording texts
are x's: rules on their length hold, rules on their letters do not.

exit codes: 0 fine, 1 newly denied with --fail-on=denied (or newly allowed with --fail-on=allowed), 2 no recording or usage,
6 policy invalid. A recording that breaks off is judged as far as it goes."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "replay",
        description="Judges a recording under another policy and says what would change.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE.wltrace", help="made by `wlproxy record` or `wlproxy run --record`")
    parser.add_argument("--policy", required=True, metavar="NAME|FILE", help="the other policy: a name, its file, or a compiled .json")
    add_values(parser, "the guest's name, in the policy")
    parser.add_argument("--fail-on", action="append", default=[], choices=("denied", "allowed"), help="exit 1 where there is such a change")
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The verb; its exit code."""
    from ..core.errors import ConfigErrors
    from ..policy.complain import as_of
    from ..policy.load import explain
    from ..sidecar.compilation import compiled_policy
    from ..sidecar.compiled import PolicyInvalid
    from ..sidecar.say import say
    from ..tools.replay import Replay, open_recording
    from .run import variables_of

    variables = variables_of(args.var, args.guest)
    if variables is None:
        return EXIT_USAGE
    try:
        replay = Replay(as_of(compiled_policy(args.policy, variables), time.time()))
        with open_recording(args.file) as reader:
            report = replay.play(reader)
    except PolicyInvalid as error:
        for line in error.lines:
            say(line)
        return EXIT_POLICY
    except ConfigErrors as errors:
        for line in explain(errors):
            say(line)
        return EXIT_USAGE
    if args.json:
        print(json.dumps(as_json(replay, report, reader.damage), indent=1))
    else:
        print("\n".join(as_text(replay, report)))
    if reader.damage:
        say(f"{args.file}: {reader.damage}")
    changed = ("denied" in args.fail_on and report.denied) or ("allowed" in args.fail_on and report.allowed)
    return EXIT_FINDINGS if changed else 0


def as_text(replay: Replay, report: Report) -> list[str]:
    """The report for an admin."""
    from ..sidecar.audit import plain
    from ..tools.replay import total

    clients = f"{report.clients} client{'' if report.clients == 1 else 's'}"
    lines = [
        f"{report.messages} messages, {clients}, recorded under {plain(replay.recorded) or 'no policy'}. "
        f"Same verdict: {report.same}. Newly denied: {total(report.denied)}",
        *rows(report.denied),
    ]
    for title, groups in (
        ("Would be denied, if the policy did not only complain", report.complained),
        ("Newly allowed", report.allowed),
        ("Newly rewritten", report.rewritten),
        ("No longer rewritten", report.untouched),
    ):
        if groups:
            lines += [f"{title}: {total(groups)}", *rows(groups)]
    if report.not_judged:
        lines.append(f"Not judged, about what only one of the policies lets exist: {report.not_judged}")
    for title, names in (("Globals no longer offered", report.hidden), ("Globals offered besides", report.offered)):
        if names:
            lines.append(f"{title}: {', '.join(plain(name) for name in names)}")
    for gone in report.parted:
        what = f"{plain(gone.message)}: {plain(gone.reason)}"
        lines.append(f"Client {gone.connection} is judged up to {clock(gone.at)} only; it would not have gone on as it did ({what})")
    if not report.disconnected:
        lines.append("Clients that would have been disconnected: none")
    else:
        lines.append(f"Clients that would have been disconnected: {len(report.disconnected)}")
        for gone in report.disconnected:
            lines.append(f"  {gone.connection} at {clock(gone.at)}: {plain(gone.message)}: {plain(gone.reason)} ({plain(gone.rule)})")
    return lines


def rows(groups: dict[tuple[str, str], Group]) -> list[str]:
    """One line for each group, the largest first."""
    from ..sidecar.audit import plain

    ordered = sorted(groups.values(), key=lambda group: (-group.count, group.message))
    return [f"{g.count:6}  {plain(g.message):48}  {plain(g.rule):32}  first at {clock(g.first)}" for g in ordered]


def clock(seconds: float) -> str:
    """Hours, minutes, seconds since the start."""
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def as_json(replay: Replay, report: Report, damage: str) -> dict[str, Any]:
    """The report for a program; times in seconds since the start."""

    def listed(groups: dict[tuple[str, str], Group]) -> list[dict[str, Any]]:
        return [
            {"message": g.message, "rule": g.rule, "reason": g.reason, "count": g.count, "first": round(g.first, 6)}
            for g in groups.values()
        ]

    def gone(clients: list[Disconnected]) -> list[dict[str, Any]]:
        return [
            {"client": d.connection, "at": round(d.at, 6), "message": d.message, "rule": d.rule, "reason": d.reason} for d in clients
        ]

    return {
        "recorded_policy": replay.recorded,
        "messages": report.messages,
        "clients": report.clients,
        "same": report.same,
        "not_judged": report.not_judged,
        "newly_denied": listed(report.denied),
        "would_be_denied": listed(report.complained),
        "newly_allowed": listed(report.allowed),
        "newly_rewritten": listed(report.rewritten),
        "no_longer_rewritten": listed(report.untouched),
        "no_longer_offered": list(report.hidden),
        "offered_besides": list(report.offered),
        "disconnected": gone(report.disconnected),
        "parted": gone(report.parted),
        "damage": damage,
    }
