"""wlproxy test: policy test files, played through the real session."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Final

from ..core.errors import ConfigError, ConfigErrors
from .policies import EXIT_FINDINGS, EXIT_USAGE, GREEN, RED, coloured

if TYPE_CHECKING:
    from ..tools.policy_tests import Report

EXAMPLE: Final = """example:
  wlproxy test /etc/wlproxy/policies/tests --coverage
  ok    work.test.toml: 14 cases of policy work, 100 % of its own rules

A test file (NAME.test.toml):
  format = 1
  policy = "strict"
  vars   = { vm = "t1" }
  [[case]]
  name   = "title gets the label, controls are stripped"
  setup  = ["xdg_toplevel.set_maximized"]             said before it, where it matters
  send   = 'xdg_toplevel.set_title("a\\u0007")'        receive = "..." is an event of the compositor's
  expect = { verdict = "allow", becomes = 'xdg_toplevel.set_title("[t1] a")' }
  [[trace]]
  file   = "traces/foot.wltrace"
  expect = { denied = 0 }                             or allowed, rewritten, disconnected
  [coverage]
  rules = 100
expect is a verdict (allow, rewrite, would-deny, deny, ask, hide, virtual, violation) or a table of verdict, becomes, deny-as, event (that
the guest is sent in answer) and rule (where the one that decides stands). "allow" holds for what is changed as well, "deny" for what would
be asked; "would-deny" is what passes because the policy only complains.

Without arguments the tests of the shipped policies run. Every message is judged by the session that runs in the sidecar; the objects it
needs are made first, as a program would. `wlproxy explain` says why a message is judged as it is.

exit codes: 0 all as expected, 1 something is not, or a file has findings, 2 usage."""

SUFFIX: Final = ".test.toml"
MOST_FILES: Final = 10_000


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "test",
        help="policy test files, run through the real session",
        description="Plays policy test files (*.test.toml) through the real session and says what is not as expected.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", nargs="*", metavar="DIR|FILE", help="test files, and folders of them; default: the shipped ones")
    parser.add_argument("--coverage", action="store_true", help="list the policies' own rules that nothing reaches")
    parser.add_argument("--junit", default="", metavar="FILE", help="also write the results as JUnit XML")
    parser.add_argument("--json", action="store_true", help="the results as one JSON array")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    from ..policy.document import printable, show
    from ..policy.load_protocols import load_shipped
    from ..sidecar.say import say
    from ..tools.policy_tests import run_file

    try:
        files = [file for path in args.path or [shipped()] for file in files_of(path)]
        interfaces = load_shipped()
    except OSError as error:
        say(f"{error.filename}: {error.strerror}")
        return EXIT_USAGE
    except ConfigErrors as errors:
        for finding in errors.findings:
            print(show(finding), file=sys.stderr)
        return EXIT_USAGE
    if not files:
        say(f"no {SUFFIX} file in {', '.join(args.path)}")
        return EXIT_USAGE
    reports: list[Report] = []
    broken: list[ConfigError] = []
    for file in files:
        try:
            report = run_file(file, interfaces)
        except ConfigErrors as errors:
            broken += errors.findings
            sys.stdout.flush()
            print("\n".join(show(finding) for finding in errors.findings), file=sys.stderr)
            continue
        reports.append(report)
        if not args.json:
            print("\n".join(printable_but_colour(line) for line in as_text(report, args.coverage)))
    if args.json:
        print(json.dumps([as_json(report) for report in reports], indent=1))
    if args.junit:
        try:
            with open(args.junit, "wb") as out:
                out.write(junit(reports, broken))
        except (OSError, ValueError) as error:
            say(f"--junit {printable(args.junit)}: {getattr(error, 'strerror', None) or 'is no file name'}")
            return EXIT_USAGE
    return EXIT_FINDINGS if broken or any(report.failed for report in reports) else 0


def shipped() -> str:
    """The folder of the tests that come with the policies. Raises OSError."""
    import importlib.resources

    from ..policy.load import DATA_PACKAGE, source_folder

    try:
        folder = str(importlib.resources.files(DATA_PACKAGE) / "tests")
    except ModuleNotFoundError:
        folder = os.path.join(source_folder(), "tests")
    return folder


def files_of(path: str) -> list[str]:
    """A test file itself, or those of a folder, sorted. Raises OSError."""
    try:
        if not os.path.isdir(path):
            return [path]
    except ValueError as error:
        raise OSError(0, "is no file name", ascii(path)) from error
    names = sorted(name for name in os.listdir(path) if name.endswith(SUFFIX))
    return [os.path.join(path, name) for name in names[:MOST_FILES]]


def printable_but_colour(line: str) -> str:
    """A line for a terminal, its own colour kept."""
    from ..policy.document import printable

    return "\x1b".join(printable(part) for part in line.split("\x1b")) if line.startswith("\x1b") else printable(line)


def as_text(report: Report, coverage: bool) -> list[str]:
    """A line for the file, and one for each thing that is not as expected."""
    count = f"{len(report.results)} result{'' if len(report.results) == 1 else 's'}"
    what = f"{report.path}: {count} of policy {report.policy}, {report.coverage:.0f} % of its own rules"
    word = coloured("FAIL", RED) if report.failed else coloured("ok", GREEN) + "  "
    lines = [f"{word}  {what}"]
    lines += [f"{report.path}:{result.line}: {result.name}: {result.failure}" for result in report.failed]
    if coverage:
        lines += [f"{origin}: {key} is reached by nothing" for key, origin in report.missed]
    return lines


def as_json(report: Report) -> dict[str, object]:
    """For programs."""
    return {
        "file": report.path,
        "policy": report.policy,
        "results": [{"name": r.name, "line": r.line, "passed": not r.failure, "failure": r.failure or None} for r in report.results],
        "rules": report.rules,
        "coverage": round(report.coverage, 1),
        "missed": [{"key": key, "origin": origin} for key, origin in report.missed],
    }


def junit(reports: list[Report], broken: list[ConfigError]) -> bytes:
    """JUnit XML as CI systems read it: a suite for each file, an error for each finding."""
    from xml.etree import ElementTree as Tree

    from ..policy.document import printable

    root = Tree.Element("testsuites", name="wlproxy test")
    for report in reports:
        suite = Tree.SubElement(root, "testsuite", name=printable(report.path), tests=str(len(report.results)))
        suite.set("failures", str(len(report.failed)))
        for result in report.results:
            case = Tree.SubElement(suite, "testcase", classname=printable(report.policy), name=printable(result.name))
            case.set("file", printable(report.path))
            case.set("line", str(result.line))
            if result.failure:
                Tree.SubElement(case, "failure", message=printable(result.failure))
    if broken:
        suite = Tree.SubElement(root, "testsuite", name="findings", tests=str(len(broken)), errors=str(len(broken)))
        for finding in broken:
            case = Tree.SubElement(suite, "testcase", classname=printable(finding.path), name=printable(finding.code or "policy"))
            Tree.SubElement(case, "error", message=printable(str(finding)))
    return bytes(Tree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"
