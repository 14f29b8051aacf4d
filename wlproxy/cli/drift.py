"""wlproxy drift: what a compositor has that a policy was not written for."""

from __future__ import annotations

import argparse
import json
from typing import Final

from .policies import EXIT_FINDINGS, EXIT_USAGE, add_variables, ceiling_of, reads_policy

EXAMPLE: Final = """example:
  wlproxy drift desktop
  new      ext_idle_notifier_v1 2         H observing others: when the user is away
  newer    wl_seat 9 -> 10
  2 globals to look at; guests see none of it before the policy says so

After a compositor's upgrade: the globals that it has and that neither the policy nor what it extends names, and newer versions of those it
allows, as far as wlproxy can vet them. To have looked at one: NAME = "hide" under [global], or a version.

exit codes: 0 nothing new, 1 there is, 2 usage, 5 the compositor cannot be reached, 6 the policy has findings."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "drift",
        help="what a compositor has that a policy was not written for",
        description="Says what the running compositor, or another, has gained since a policy was written.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("policy", metavar="NAME|FILE", help="a policy by name, or its file")
    parser.add_argument(
        "--against", default="live", metavar="live|COMPOSITOR|FILE", help="as for `wlproxy check` (default: the running compositor)"
    )
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    add_variables(parser)
    parser.set_defaults(function=run)


@reads_policy
def run(args: argparse.Namespace, given: dict[str, str]) -> int:
    """The exit code."""
    from ..core.errors import ConfigError
    from ..policy.document import printable
    from ..policy.lint import drift
    from ..policy.load_interface_table import CLASSES, row_of
    from ..policy.load_protocols import load_shipped
    from ..sidecar.say import say
    from ..tools.sources import load_source
    from .check import EXIT_NO_COMPOSITOR, LIVE, class_of, offered_by

    try:
        offered = offered_by(args.against)
    except ConfigError as error:
        say(str(error))
        return EXIT_NO_COMPOSITOR if args.against == LIVE else EXIT_USAGE
    interfaces = load_shipped()
    source = load_source(args.policy, given, interfaces, ceiling_of(args))
    shown = offered.shown_to(source.compiled)
    found = drift(source.chain, source.policy, source.compiled, interfaces, shown, class_of)
    number = len(found.new) + len(found.newer) + len(found.unknown)
    if args.json:
        newer = {name: {"policy": was, "compositor": now} for name, (was, now) in found.newer.items()}
        new = {name: {"version": shown[name], "class": class_of(name)} for name in found.new}
        print(json.dumps({"policy": source.policy.name, "new": new, "newer": newer, "unknown": found.unknown}, indent=1))
        return EXIT_FINDINGS if number else 0
    for name in sorted(found.new, key=lambda name: (class_of(name), name)):
        row = row_of(name)
        about = f"{class_of(name)} {CLASSES.get(class_of(name), 'mixed')}: {row.reason}" if row is not None else ""
        print(printable(f"new      {f'{name} {shown[name]}':<45} {about}"))
    for name, (was, now) in found.newer.items():
        print(printable(f"newer    {name} {was} -> {now}"))
    for name in found.unknown:
        print(printable(f"unknown  {name[:64]} {shown[name]}"))
    if number:
        print(f"{number} global{'s' if number > 1 else ''} to look at; guests see none of it before the policy says so")
    else:
        print("nothing that the policy does not know of")
    return EXIT_FINDINGS if number else 0
