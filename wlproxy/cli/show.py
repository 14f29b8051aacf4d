"""wlproxy show: a policy with everything it inherits, and where each value comes from."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Final

from .policies import add_variables, ceiling_of, reads_policy

if TYPE_CHECKING:
    from ..policy.effective import Setting
    from ..tools.sources import Source

EXAMPLE: Final = """example:
  wlproxy show desktop --effective
  wl_compositor = 6                                  # strict.toml:14
  clipboard-out = "allow"                            # desktop.toml:34  the guest may offer what is copied in it ...

The output is a policy file of its own: it means the same, and extends nothing. A line that begins with # is a default that no file
sets, or a variable that is filled in already. --origin puts the lines' origins in front.

exit codes: 0 shown, 2 usage, 6 the policy has findings."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "show",
        help="every value of a policy, and the line that set it",
        description="Shows a policy: what it is made of, or with --effective every value and the file and line that set it.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("policy", metavar="NAME|FILE", help="a policy by name, or its file")
    parser.add_argument("--effective", action="store_true", help="every value, inherited ones included")
    parser.add_argument("--origin", action="store_true", help="the origin of each value first (implies --effective)")
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    add_variables(parser)
    parser.set_defaults(function=run)


@reads_policy
def run(args: argparse.Namespace, given: dict[str, str]) -> int:
    """The exit code."""
    from ..policy.document import printable
    from ..policy.effective import as_toml, settings
    from ..policy.load_protocols import load_shipped
    from ..tools.sources import load_source

    interfaces = load_shipped()
    source = load_source(args.policy, given, interfaces, ceiling_of(args))
    found = settings(source.policy, source.chain, source.compiled, interfaces)
    if args.json:
        print(json.dumps(as_json(source, found), indent=1))
        return 0
    print("\n".join(printable(line) for line in head(source)))
    if args.effective or args.origin:
        print("\n".join(printable(line) for line in as_toml(found, args.origin)))
    else:
        print("# all of it: wlproxy show --effective")
    return 0


def head(source: Source) -> list[str]:
    """What the policy is, as comments."""
    compiled, policy = source.compiled, source.policy
    ceiling = f", under {policy.ceiling.origin}" if policy.ceiling is not None else ""
    given = [name for name, entry in compiled["permissions"].items() if entry[0] == "allow"]
    asked = [name for name, entry in compiled["permissions"].items() if entry[0] == "ask"]
    lines = [
        f"# {policy.name}: {policy.summary}",
        f"# from {' extends '.join(document.name for document in reversed(source.chain))}{ceiling}",
        f"# sha256:{compiled['sha256']}",
        f"# {len(compiled['globals'])} globals, {len(compiled['served'])} more are the proxy's own",
    ]
    if not policy.transparent:
        lines.append(f"# {len(given)} permissions given, {len(asked)} asked for")
    return lines


def as_json(source: Source, found: list[Setting]) -> dict[str, object]:
    """The same for programs."""
    rows = [
        {"table": s.table, "key": s.key, "value": s.value, "origin": s.origin, "set": s.said, "remark": s.remark} for s in found
    ]
    return {
        "name": source.policy.name,
        "summary": source.policy.summary,
        "sha256": source.compiled["sha256"],
        "files": [document.name for document in source.chain],
        "ceiling": str(source.policy.ceiling.origin) if source.policy.ceiling is not None else None,
        "settings": rows,
    }
