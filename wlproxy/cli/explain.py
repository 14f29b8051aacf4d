"""wlproxy explain: why a message is allowed, changed or refused, and what would change that."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from ..core.errors import ConfigError, ConfigErrors
from ..core.outcome import WOULD_DENY
from .policies import BOLD, EXIT_USAGE, GREEN, RED, YELLOW, add_variables, ceiling_of, coloured, tell, variables

if TYPE_CHECKING:
    from ..policy.explain import Explanation

EXAMPLE: Final = """example:
  wlproxy explain 'xdg_toplevel.set_title("a")' --policy strict
  wlproxy explain '[3051713.123]  -> wl_data_device#9.set_selection(wl_data_source#12, 44)' --policy strict
  wlproxy explain --last --audit /var/log/wlproxy/work.jsonl
  wlproxy explain 3kq7zt-1c --audit /var/log/wlproxy/work.jsonl

A message is written interface.message(arguments); arguments may be left out, or named: wl_shm_pool.create_buffer(width=20000). Lines of
WAYLAND_DEBUG=1 and of `wlproxy trace` can be pasted. Each layer has to agree: floor, ceiling, global, permission, message, argument;
the strictest decides. What only a session knows is said as a condition: "if" its serial is a recent one, if it does not come too often,
if the guest has not too much of it already. Not judged are the specification's own rules about order and roles, and what a descriptor
holds.

exit codes: 0 explained, whatever the verdict, 2 usage, a message that cannot be read or no such event, 6 the policy has findings."""

LAYER: Final = 10


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "explain",
        help="why a message is allowed, changed or refused",
        description="Says what each layer of a policy makes of a message, which of them decides, and which line would change it.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("message", nargs="?", default="", metavar="MESSAGE|EVENT-ID", help="a message, or with --audit an event's id")
    about = "a policy by name, its file, or a compiled .json; with --audit: the one it names"
    parser.add_argument("--policy", default="", metavar="NAME|FILE", help=about)
    parser.add_argument("--audit", default="", metavar="FILE", help="an audit log, as written by wlproxy run --audit FILE")
    parser.add_argument("--last", action="store_true", help="the last message that was refused, in the audit log")
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    add_variables(parser)
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    from ..handlers import load_tables
    from ..policy.document import show
    from ..policy.explain import Explainer
    from ..policy.load_protocols import load_shipped
    from ..policy.read_literal import read
    from ..sidecar.say import say
    from ..tools.audit_log import NoEvent, find, literal_of
    from ..tools.sources import explained, risk_of

    if args.last and not args.audit:
        say("--last needs --audit FILE: the log that it is the last of")
        return EXIT_USAGE
    if bool(args.message) == args.last:
        say("one MESSAGE is needed; or an EVENT-ID or --last, with --audit FILE")
        return EXIT_USAGE
    entry: dict[str, Any] | None = None
    try:
        interfaces = load_shipped()
        if args.audit:
            entry = find(args.audit, args.message)
            literal = literal_of(entry, interfaces)
            name = entry.get("policy", {}).get("name", "") if isinstance(entry.get("policy"), dict) else ""
            policy = args.policy or str(name)
            if args.guest == "guest":
                args.guest = str(entry.get("guest", "guest"))
        else:
            policy = args.policy
            literal = read(args.message, interfaces, partial=True)
    except NoEvent as none:
        say(str(none))
        return EXIT_USAGE
    except ConfigError as error:
        print(show(error), file=sys.stderr)
        return EXIT_USAGE
    except ConfigErrors as damaged:
        return tell(damaged)
    if not policy:
        say("--policy NAME|FILE is needed: whose answer is it?")
        return EXIT_USAGE
    given = variables(args)
    if given is None:
        return EXIT_USAGE
    try:
        model, compiled = explained(policy, given, interfaces, ceiling_of(args))
    except ConfigErrors as errors:
        return tell(errors)
    found = None
    if literal is not None:
        explainer = Explainer(model, compiled, load_tables(compiled), interfaces, risk_of)
        found = explainer.explain(literal)
    if args.json:
        print(json.dumps(as_json(found, entry, model.name), indent=1))
    else:
        print("\n".join([*event_lines(entry, compiled), *(as_text(found) if found is not None else [])]))
    return 0


WORDS: Final = {
    "allow": "ALLOWED",
    "rewrite": "ALLOWED, changed",
    WOULD_DENY: "PASSES, and would be DENIED if the policy did not only complain",
    "ask": "DENIED, as there is nobody to ask yet",
    "deny": "DENIED",
    "virtual": "VIRTUAL",
    "hide": "DENIED",
    "never": "DENIED",
}


def as_text(found: Explanation) -> list[str]:
    """For an admin."""
    from ..policy.document import printable

    colour = GREEN if found.verdict == "allow" else YELLOW if found.verdict in ("rewrite", WOULD_DENY, "virtual") else RED
    title = coloured(WORDS[found.verdict], colour)
    kind = found.verdict if found.verdict in ("hide", "never") else found.shape
    if not found.passes and found.verdict != "virtual" and kind:
        title += f" ({kind})"
    decider = found.words[found.decides].layer if found.decides >= 0 else ""
    lines = [f"{title}{f' by the {decider} layer' if decider else ''}: {coloured(printable(found.message), BOLD)}"]
    about = ""
    width = max([len(word.origin or "-") for word in found.words], default=0)
    for index, word in enumerate(found.words):
        if not word.verdict and word.layer not in ("floor", "ceiling", "argument"):
            continue
        if word.about != about:
            about = word.about
            lines.append(f" {printable(about)}")
        mark = "  <- decides" if index == found.decides else ""
        verdict = word.verdict.upper() if index == found.decides else word.verdict or "-"
        lines.append(printable(f"  {word.layer:{LAYER}}  {verdict:8} {word.origin or '-':<{width}}  {word.says}") + mark)
    if found.becomes:
        lines.append(printable(f"becomes: {found.becomes}"))
    lines.append(printable(f"what the guest sees: {found.sees}" if not found.passes else f"what happens: {found.sees}"))
    lines += [printable(("if: " if not number else "and: ") + each) for number, each in enumerate(found.conditions)]
    lines += [printable(f"note: {note}") for note in found.notes]
    for number, change in enumerate(found.changes):
        lines.append(printable(("to allow it: " if not number else "        and: ") + change))
    return lines


def event_lines(entry: dict[str, Any] | None, compiled: dict[str, Any]) -> list[str]:
    """What the audit log says of it."""
    from ..sidecar.audit import plain

    if entry is None:
        return []
    decided = entry.get("decided") if isinstance(entry.get("decided"), dict) else {}
    words = [str(entry.get(key, "")) for key in ("ts", "guest", "event", "verdict", "deny_as", "reason")]
    lines = ["event " + plain(" ".join([str(entry.get("id", "")), *[word for word in words if word]]))]
    lines.append(f"  decided by {plain(str((decided or {}).get('rule', '')) or 'nothing')}")
    policy = entry.get("policy")
    if isinstance(policy, dict) and policy.get("sha256") != compiled["sha256"]:
        lines.append(f"  the policy {plain(str(policy.get('name', '')))} has changed since: what follows is what it says now")
    return lines


def as_json(found: Explanation | None, entry: dict[str, Any] | None, policy: str) -> dict[str, Any]:
    """For programs."""
    whole: dict[str, Any] = {"policy": policy}
    if entry is not None:
        whole["event"] = entry
    if found is not None:
        whole |= {
            "message": found.message,
            "direction": found.direction,
            "verdict": found.verdict,
            "deny_as": found.shape or None,
            "decided": found.decides if found.decides >= 0 else None,
            "layers": [
                {"layer": w.layer, "verdict": w.verdict or None, "origin": w.origin or None, "says": w.says, "about": w.about}
                for w in found.words
            ],
            "becomes": found.becomes or None,
            "sees": found.sees,
            "notes": found.notes,
            "conditions": found.conditions,
            "changes": found.changes,
        }
    return whole
