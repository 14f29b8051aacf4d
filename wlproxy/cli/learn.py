"""wlproxy learn: what does a program need, and what would be the smallest policy for it."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Final

from .run import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..core.protocol import Interface
    from ..policy.model import Policy
    from ..tools.learn import Run
    from ..tools.proposing import Proposal

EXIT_FINDINGS: Final = 1
EXIT_USAGE: Final = 2
EXIT_NO_COMPOSITOR: Final = 5
EXIT_POLICY: Final = 6
EXIT_SIGTERM: Final = 143  # what a shell says of a program that SIGTERM ended
LEAST_TRIAL: Final = 15.0  # seconds within which a program has to show itself

EXAMPLE: Final = """example:
  wlproxy learn --command 'foot' --base strict --seconds 10 -o foot.toml
  wlproxy learn --command 'firefox-esr --no-remote' --host weston -o firefox.toml

The program runs against a private headless compositor, with a home folder of its own; nothing reaches your desktop. It may bind every
global of the base and, beyond it, what could be proposed; what the compositor lacks, and what no policy should open, is bait: announced,
inert, and written down when it is bound. Nobody sits in front of it, so what only a click would need is not learned: read the file,
and add it. A program that fails over bait is watched again without. The proposal is tried at once: the program must show a window under it.

It runs as you, unconfined but for its Wayland socket: do not learn from a program that you would not start.

exit codes: 0 proposed and the program shows itself under it, 1 it did not, or never spoke Wayland, 2 usage, 5 the compositor cannot be
started, 6 the base policy is invalid."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "learn",
        description="Runs a program against a private headless compositor and proposes the smallest policy over a base that runs it.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--command", required=True, metavar="CMD", help="the program and its arguments, quoted as for a shell")
    parser.add_argument("--base", default="strict", metavar="NAME|FILE", help="the policy that is extended (strict)")
    parser.add_argument("--seconds", type=seconds, default=20.0, metavar="N", help="how long the program is watched (20)")
    parser.add_argument("--host", choices=("embedded", "weston", "sway"), default="embedded", help="the compositor (embedded)")
    parser.add_argument("-o", "--output", default="-", metavar="FILE", help="where the policy goes; - is standard output (the default)")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("--no-try", action="store_true", help="do not run the program again under the proposal")
    parser.add_argument("--json", action="store_true", help="print what was learned as one JSON object; needs -o FILE")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    from dataclasses import replace

    from ..core.errors import ConfigErrors
    from ..policy.load import explain, load_policy
    from ..policy.load_protocols import load_shipped
    from ..sidecar.say import say

    try:
        from ..tools.learn import LearnError, words_of
    except ImportError as missing:
        say(f"{missing}; pip install 'wlproxy[tools]'")
        return EXIT_USAGE
    if wrong := misused(args):
        say(wrong)
        return EXIT_USAGE
    interfaces = load_shipped()
    try:
        command = words_of(args.command)
        base = replace(load_policy(args.base, {}, interfaces, ceiling=""), until=0)  # what extends it enforces, whether or not it does
    except LearnError as error:
        say(str(error))
        return EXIT_USAGE
    except ConfigErrors as errors:
        print("\n".join(explain(errors)), file=sys.stderr)
        return EXIT_POLICY
    if base.transparent:
        say(f"{args.base} has no rules that could be extended")
        return EXIT_POLICY
    return watch(args, command, base, interfaces)


def misused(args: argparse.Namespace) -> str:
    """What is wrong with the options, or ""."""
    if args.seconds < 1:
        return "--seconds: at least 1 is needed"
    if args.json and args.output == "-":
        return "--json needs -o FILE: standard output can hold one of them"
    if args.output != "-" and os.path.lexists(args.output) and not args.force:
        return f"{args.output}: is there already; --force replaces it"
    return ""


def watch(args: argparse.Namespace, command: list[str], base: Policy, interfaces: Mapping[str, Interface]) -> int:
    """The program is run and watched, and again under the proposal, which is written; the exit code."""
    import subprocess
    import tempfile
    from pathlib import Path

    import trio

    from ..core.errors import ConfigErrors
    from ..policy.load import explain, load_policy
    from ..sidecar.say import say
    from ..tools.learn import Ended, LearnError, attempt, learn, unless_ended
    from ..tools.proposing import toml

    failures = (OSError, RuntimeError, LearnError, trio.TooSlowError, subprocess.SubprocessError)
    name = name_of(args.output, command[0])
    trial: Run | None = None
    folders = [tempfile.TemporaryDirectory(prefix="wlp-") for _ in range(3)]  # the compositors run in the first two, as another user
    try:
        learned, proposal, failure = trio.run(
            unless_ended, lambda: learn(Path(folders[0].name), args.host, command, base, interfaces, args.seconds)
        )
        if not learned.used.clients:
            say(f"{command[0]} never connected to Wayland{said_by(learned)}")
            return EXIT_FINDINGS
        extends = args.base if os.sep not in args.base and not os.path.exists(args.base) else os.path.abspath(args.base)
        text = toml(proposal, name, extends, args.command, learned.seconds)
        file = Path(folders[2].name) / f"{name}.toml"
        file.write_text(text, encoding="utf-8")
        policy = load_policy(str(file), {}, interfaces, ceiling="")
        if not args.no_try:
            patience = max(args.seconds, LEAST_TRIAL)
            trial = trio.run(
                unless_ended, lambda: attempt(Path(folders[1].name), args.host, command, policy, interfaces, patience)
            )
    except ConfigErrors as errors:  # the base has made something final
        print("\n".join(explain(errors)), file=sys.stderr)
        say(f"{args.base} allows no policy over it that would give what the program used")
        return EXIT_FINDINGS
    except (BaseExceptionGroup, *failures) as failed:
        reason = first_of(failed)
        if isinstance(reason, KeyboardInterrupt):  # main.py knows what it means
            raise reason from None
        if not isinstance(reason, failures):
            raise
        if isinstance(reason, Ended):
            return EXIT_SIGTERM
        say(f"{args.host}: {reason}")
        return EXIT_NO_COMPOSITOR
    finally:
        for folder in folders:
            folder.cleanup()
    return publish(args, text, proposal, learned, trial, failure)


def publish(args: argparse.Namespace, text: str, proposal: Proposal, learned: Run, trial: Run | None, failure: str) -> int:
    """The policy to where it is wanted, and the account of it beside; the exit code."""
    from ..sidecar.say import say
    from ..tools.learn import json_of
    from ..tools.proposing import as_json
    from .compile import write

    if args.output == "-":
        print(text, end="")
    else:
        try:
            write(args.output, text.encode())
        except OSError as error:
            say(f"{args.output}: {error.strerror}")
            return EXIT_USAGE
    if args.json:
        print(json_of(as_json(proposal), learned, trial))
    else:
        print("\n".join(account(proposal, learned, trial, args.output, failure)), file=sys.stderr if args.output == "-" else sys.stdout)
    return 0 if trial is None or trial.used.shown else EXIT_FINDINGS


def name_of(output: str, program: str) -> str:
    """A name for the policy: the file's, or the program's."""
    import re

    stem = os.path.basename(program if output == "-" else output).removesuffix(".toml")
    return (re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_") or "learned")[:64]


def account(proposal: Proposal, learned: Run, trial: Run | None, output: str, failure: str) -> list[str]:
    """What was learned, in words."""
    from ..sidecar.audit import plain
    from ..tools.proposing import RISKS

    ended = "" if learned.status is None else f", then it ended by itself with status {learned.status}"
    lines = [f"ran {learned.seconds:.0f} s against a private headless compositor{ended}; nothing reached your desktop"]
    if failure:
        lines.append("with bait in front of it, it failed; this is what it did without")
    if learned.status:
        lines.append(f"its last words{said_by(learned)}")
    lines.append(f'needs beyond "{proposal.base}", by risk:' if proposal.needs else f'needs nothing beyond "{proposal.base}"')
    for level, _ in RISKS:
        found = [f"{n.key} {n.value}" if n.table == "global" else n.key for n in proposal.needs if n.level == level]
        if found:
            lines.append(f"  {level:8} {', '.join(found)}")
    for about, names in (
        ("bound and not used, not proposed", [need.key for need in proposal.unused]),
        ("asks in the base, refused until somebody can be asked", proposal.asks),
        ("bait that was bound, never proposed", proposal.bait),
    ):
        if names:
            lines.append(f"{about}: {', '.join(names)}")
    for message, reason, count in proposal.refused[:8]:
        lines.append(f"refused {count}x by the base's own rules: {message}: {plain(reason)}")
    if not learned.used.shown:
        lines.append("it showed no window while it was watched")
    if trial is not None:
        said = "shows a window" if trial.used.shown else f"shows NO window{said_by(trial)}"
        lines.append(f"tried again under the proposal: {said}")
        lines += [f"  it was disconnected: {plain(reason)}" for reason in trial.used.ended[:4]]
    if output != "-":
        lines.append(f"wrote {output}")
    return lines


def said_by(run: Run) -> str:
    """The program's own last words, as text."""
    from ..sidecar.audit import plain

    words = [line for line in run.words.splitlines() if line.strip()][-3:]
    return "".join(f"\n  | {plain(line)}" for line in words)


def first_of(found: BaseException) -> BaseException:
    """What was wrong, out of the groups that trio makes."""
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
