"""wlproxy interfaces: what is known of every interface, and what a policy makes of it."""

from __future__ import annotations

import argparse
import json
from typing import Any, Final

from .policies import EXIT_USAGE, add_variables, ceiling_of, reads_policy

EXAMPLE: Final = """example:
  wlproxy interfaces --class H --policy conferencing
  ext_image_copy_capture_manager_v1  H  virtual  conferencing.toml:10  one chosen window

classes: A base, B harmless hint, C parser or GPU, D data transfer, E focus and spoofing, F input grabbing, G input injection,
H observing others, I session and output control, J identity, K fingerprint and timing; - is mixed or not classed.
Without --policy the three verdicts are those of strict, desktop and trusted.

exit codes: 0 shown, 2 usage, 6 the policy has findings."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "interfaces",
        help="every known interface: class, verdicts, reason",
        description="Lists every known interface: its class of risk, the default verdicts and the reason for them.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--class", dest="risk", action="append", default=[], metavar="H", help="only this class; repeatable, or H,G,I")
    parser.add_argument("--policy", default="", metavar="NAME|FILE", help="what this policy makes of each global")
    parser.add_argument("--json", action="store_true", help="as one JSON array")
    add_variables(parser)
    parser.set_defaults(function=run)


@reads_policy
def run(args: argparse.Namespace, given: dict[str, str]) -> int:
    """The exit code."""
    from ..policy.document import printable
    from ..policy.load_interface_table import CLASSES
    from ..policy.load_protocols import load_shipped
    from ..sidecar.say import say
    from ..tools.sources import load_source

    wanted = {letter.strip().upper() for item in args.risk for letter in item.split(",")}
    unknown = wanted - {*CLASSES, "-"}
    if unknown:
        say(f"--class {','.join(sorted(unknown))[:40]!a}: the classes are {', '.join(CLASSES)}, and - for none")
        return EXIT_USAGE
    interfaces = load_shipped()
    source = load_source(args.policy, given, interfaces, ceiling_of(args)) if args.policy else None
    rows = [row for row in table(interfaces, source) if not wanted or row["class"] in wanted]
    if args.json:
        print(json.dumps(rows, indent=1))
        return 0
    width = max([len(row["interface"]) for row in rows], default=0)
    for row in rows:
        if source is None:
            middle = " | ".join(row[name] or "-" for name in ("strict", "desktop", "trusted"))
        else:
            middle = f"{row['policy']['verdict']:8}  {row['policy']['rule']}"
        print(printable(f"{row['interface']:<{width}}  {row['class']}  {middle}  {row['reason']}"))
    return 0


def table(interfaces: Any, source: Any) -> list[dict[str, Any]]:
    """A row for each interface of the table, and for each global of the protocol data that the table does not name."""
    from ..policy.compile import global_names, vetted_version
    from ..policy.decide import global_steps, strictest
    from ..policy.load_interface_table import interface_table, row_of

    globals_ = set(global_names(interfaces))
    names = [part for row in interface_table() for part in row.name.split()]
    names += sorted(globals_ - set(names))
    found = []
    for name in names:
        row = row_of(name.removesuffix("*"))
        row = row or next((r for r in interface_table() if name in r.name.split()), None)
        entry: dict[str, Any] = {
            "interface": name,
            "class": (row.risk if row is not None else "") or "-",
            "origin": row.origin if row is not None else "",
            "strict": row.strict if row is not None else "",
            "desktop": row.desktop if row is not None else "",
            "trusted": row.trusted if row is not None else "",
            "reason": row.reason if row is not None else "not looked at yet: hidden unless a policy names it",
            "global": name in globals_,
            "version": vetted_version(interfaces[name]) if name in interfaces else 0,
        }
        if source is not None:
            if name in globals_:
                step = strictest(global_steps(source.policy, name, vetted_version(interfaces[name])))
                entry["policy"] = {"verdict": step.verdict, "layer": step.layer, "key": step.key, "rule": step.origin}
            else:
                what = "made by others" if name in interfaces else "not in the protocol data"
                entry["policy"] = {"verdict": "-", "layer": "", "key": "", "rule": what}
        found.append(entry)
    return found
