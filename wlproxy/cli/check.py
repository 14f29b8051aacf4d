"""wlproxy check: is a policy right, and if not, where."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

from .options import add_ceiling, add_var
from .run import add_owner, variables_of

if TYPE_CHECKING:
    from ..core.errors import ConfigError
    from ..policy.load_safely import Owners

EXAMPLE = """example:
  wlproxy check /etc/wlproxy/policies/work.toml
  work.toml:7:17: error[version-too-high]: wlproxy can vet wl_compositor up to version 7, not 99

  wlproxy check --fail-on=wider work.toml       a gate for reviews: nothing may be looser than in the policy it extends
  wlproxy check --guests /etc/wlproxy/guests.d  guests' files, each with the policy it names
  wlproxy check --against live desktop          can the running compositor serve it, and what has it gained?

exit codes: 0 valid, 1 findings (all of them in one run; a file that others can change is one), 2 usage,
5 the compositor cannot be reached."""

ERROR: Final = "error"
GATES: Final = {"error": (ERROR,), "wider": (ERROR, "wider"), "warning": (ERROR, "warning")}
LIVE: Final = "live"
EXIT_NO_COMPOSITOR: Final = 5


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "check",
        description="Checks policies and everything they extend: every finding with file, line and column. Errors make a policy "
        "invalid; warnings say what is odd about a valid one, 'wider' what it allows beyond the policy it extends.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("policy", nargs="*", metavar="NAME|FILE", help="a policy by name, its file, or a guest's file")
    parser.add_argument("--guests", metavar="DIR", help="also check every guest's file in a folder, for example /etc/wlproxy/guests.d")
    add_var(parser)
    parser.add_argument(
        "--fail-on",
        action="append",
        choices=tuple(GATES),
        default=[],
        help="what makes the exit code 1, beside errors; repeatable",
    )
    parser.add_argument(
        "--against",
        metavar="live|COMPOSITOR|FILE",
        help="also say what the running compositor lacks and has that the policy does not name; or one that wlproxy has a list of (kwin, "
        "labwc, mutter, sway, weston), or the list of globals in FILE (a line of 'NAME VERSION' each)",
    )
    add_ceiling(parser)
    parser.add_argument(
        "--allow-unsafe-permissions",
        action="store_true",
        help="do not ask who could change the files, as `wlproxy run` will (OWNERS in wlproxy-policy(5))",
    )
    add_owner(parser)
    parser.add_argument("--json", action="store_true", help="findings as one JSON array")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    from ..core.errors import ConfigError, ConfigErrors
    from ..policy.document import printable, show
    from ..policy.load_guest import means_guest
    from ..policy.load_safely import ANYBODY, Owners
    from .check_guests import files_in, findings_of_guest

    variables = variables_of(args.var, "guest")
    if variables is None:
        return 2
    offered: Offered | None = None
    if args.against:
        try:
            offered = offered_by(args.against)
        except ConfigError as error:
            print(f"wlproxy check: {error}", file=sys.stderr)
            return EXIT_NO_COMPOSITOR if args.against == LIVE else 2
    gates = {severity for gate in ("error", *args.fail_on) for severity in GATES[gate]}
    rows: list[ConfigError] = []
    guests: list[str] = []
    try:
        guests = files_in(args.guests) if args.guests else []
    except ConfigErrors as errors:
        print(f"wlproxy check: --guests {errors}", file=sys.stderr)
        return 2
    if not args.policy and not args.guests:
        print("wlproxy check: what is to be checked? A policy's name, a file, or --guests DIR", file=sys.stderr)
        return 2
    for name in [*args.policy, *guests]:
        unsafe: list[ConfigError] = []
        owners = ANYBODY if args.allow_unsafe_permissions else Owners(args.trust_owner, unsafe)
        try:
            if name in guests or means_guest(name):
                findings, compiled = findings_of_guest(name, args.ceiling, owners)
            else:
                findings, compiled = findings_of(name, variables, args.ceiling, offered, owners)
        except ConfigErrors as errors:
            findings, compiled = errors.findings, None
        findings = [*unsafe, *findings]
        rows += findings
        if args.json:
            continue
        if findings:
            print("\n".join(show(f) if f.severity != "wider" else show(f).split("\n")[0] for f in findings), file=sys.stderr)
        if compiled is not None and not unsafe:
            print(f"{printable(name)}: valid, {len(compiled['globals'])} globals, sha256:{compiled['sha256'][:16]}{summary(findings)}")
    if args.json:
        print(json.dumps([as_json(finding) for finding in rows], indent=1))
    return 1 if any(finding.severity in gates for finding in rows) else 0


def as_json(finding: ConfigError) -> dict[str, Any]:
    """For programs. "because": the other place that makes it one, where there is such."""
    row: dict[str, Any] = {"file": finding.path}
    row |= {key: getattr(finding, key) for key in ("line", "column", "code", "severity", "message", "hint")}
    return row if finding.because is None else row | {"because": as_json(finding.because)}


def findings_of(
    name: str, variables: dict[str, str], ceiling: str | None, offered: Offered | None, owners: Owners | None
) -> tuple[list[Any], dict[str, Any] | None]:
    """What there is to say about a valid policy, and what it compiles to. Raises ConfigErrors."""
    from ..core.errors import ConfigError
    from ..policy.inheritance import loosenings
    from ..policy.lint import lacking, lint
    from ..policy.load import replaces_shipped
    from ..policy.load_desktop_files import installed
    from ..policy.load_file import CEILING_FILE
    from ..policy.load_protocols import load_shipped
    from ..policy.tokens import collisions
    from ..tools.sources import load_source, part_of, risk_of

    interfaces = load_shipped()
    source = load_source(name, variables, interfaces, CEILING_FILE if ceiling is None else ceiling, owners)
    chain, compiled = source.chain, source.compiled
    found = [*lint(chain, source.policy, compiled, interfaces, risk_of)]
    found += collisions(chain, source.policy, installed(os.environ))
    found.sort(key=lambda finding: (finding.path, finding.line, finding.column))
    found += loosenings(chain, lambda part: part_of(part, interfaces, variables))
    for document in chain:
        replaced = replaces_shipped(document)
        if replaced:
            text = f"stands in for the shipped policy {replaced}"
            found.append(ConfigError(document.name, 0, 0, text, "", "replaces-shipped", severity="warning"))
    if offered is not None:
        found += lacking(chain, source.policy, compiled, interfaces, offered.shown_to(compiled), class_of)
        found.sort(key=lambda finding: (finding.severity == "wider", finding.path, not finding.line, finding.line, finding.column))
    return found, compiled


def summary(findings: list[Any]) -> str:
    """How many of what, in words."""
    counts = {severity: sum(finding.severity == severity for finding in findings) for severity in ("warning", "wider", "note")}
    words = [f"{number} {word}{'s' if word == 'warning' and number > 1 else ''}" for word, number in counts.items() if number]
    return f" ({', '.join(words)})" if words else ""


class Offered:
    """The globals of a compositor with their versions; `in_context`: those that a client in a security context is shown, as far as that is
    known."""

    def __init__(self, outside: dict[str, int], in_context: dict[str, int] | None = None) -> None:
        self.outside = outside
        self.in_context = outside if in_context is None else in_context

    def shown_to(self, compiled: dict[str, Any]) -> dict[str, int]:
        """Those that a guest's connection is shown under a policy."""
        return self.outside if compiled["upstream"].get("security-context") == "off" else self.in_context


def class_of(interface: str) -> str:
    """The class of risk of an interface, "-" where the table has it without one, "" where the table does not have it."""
    from ..policy.load_interface_table import row_of

    row = row_of(interface)
    return "" if row is None else row.risk or "-"


def offered_by(against: str) -> Offered:
    """The globals of a running compositor, of one that is known by name, or those listed in a file. Raises ConfigError."""
    from ..core.errors import ConfigError
    from ..policy.load_compositors import compositors
    from ..policy.load_file import read_file
    from ..policy.load_safely import ANYBODY

    if against == LIVE:
        from ..sidecar.security_context import globals_of
        from ..sidecar.upstream import default_path

        path = default_path(dict(os.environ))
        if not path:
            raise ConfigError(LIVE, 0, 0, "there is no XDG_RUNTIME_DIR, so no compositor to ask")
        try:
            return Offered(globals_of(path))
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else error.strerror or str(error)
            raise ConfigError(path, 0, 0, f"the compositor does not answer: {why}") from error
    known = compositors().get(against)
    if known is not None and not os.path.lexists(against):
        return Offered(known.globals, known.in_context)
    found: dict[str, int] = {}
    if not os.path.lexists(against) and "/" not in against:
        text = f"is no file, and no compositor that wlproxy has a list of (it has: {', '.join(compositors())})"
        raise ConfigError(against, 0, 0, text)
    for number, line in enumerate(read_file(against, ANYBODY).decode("utf-8", "replace").splitlines(), 1):
        words = line.partition("#")[0].split()
        if words and (len(words) != 2 or not words[1].isdigit()):
            raise ConfigError(against, number, 1, "a line of NAME VERSION is needed")
        if words:
            found[words[0]] = max(found.get(words[0], 0), int(words[1]))
    return Offered(found)
