"""wlproxy ctl: orders to sidecars that run, over their control sockets."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from typing import Any, Final

from .joining import add_asked, printed

EXIT_FINDINGS: Final = 1
EXIT_USAGE: Final = 2
EXIT_UNKNOWN: Final = 4
LARGEST: Final = 1 << 63  # of the numbers that a sidecar tells

EXAMPLE: Final = """example:
  wlproxy ctl status
    GUEST  STATE    POLICY                UP      CLIENTS  OBJECTS  QUEUED  QUOTA        REFUSED  WOULD-DENY
    work   running  desktop@2 9f2c61d07a  2h 4m         3      214      0B  objects 3%         7           0
  wlproxy ctl status work --json
  wlproxy ctl reload work --wait
    work: applied, desktop@3 sha256:b81e..., 0 wider, 1 tighter
  wlproxy ctl kill work --client 2
  wlproxy ctl kill work

Sidecars are found in $XDG_RUNTIME_DIR/wlproxy and /run/wlproxy-ctl; root sees those of all sessions. Each answers root and its own user.
  status   what runs, under which policy, how much of its quotas it has, what was refused and which confinement is in force;
           COMPLAIN, and until when, stands beside a policy that only complains, WOULD-DENY says what passed because of that
  reload   reads the guest's policy again, for its new connections; --wait says what has come of it. A policy that is wrong is not taken:
           KEPT, with the findings
  kill     ends one connection (--client, by its number in status --json, trace or audit), or the whole guest: the sidecar of `run` ends,
           with exit code 0; `serve` starts that guest again at a reload

exit codes: 0 done, 1 a reload was not taken or a sidecar did not answer, 2 usage, 4 guest or client unknown or not running."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "ctl",
        description="Looks at sidecars that run, has them read their policies again, ends connections and guests.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("order", choices=("status", "reload", "kill"), metavar="status|reload|kill", help="what is to be done")
    add_asked(parser, "the guest's name; without it: all of them (not for kill)")
    parser.add_argument("--client", type=int, default=0, metavar="N", help="kill: this connection only")
    parser.add_argument("--wait", action="store_true", help="reload: wait for what comes of it, and say so")
    parser.add_argument("--json", action="store_true", help="the answer as JSON")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    from ..sidecar.control.client import Refused
    from ..sidecar.say import say

    if args.order == "kill" and not args.guest:
        say("a guest is needed: wlproxy ctl kill GUEST, or wlproxy ctl kill GUEST --client N")
        return EXIT_USAGE
    if args.client and args.order != "kill":
        say("--client N goes with kill")
        return EXIT_USAGE
    try:
        return {"status": status, "reload": reload, "kill": kill}[args.order](args)
    except Refused as error:
        say(printed(error))
        return error.exit_code


def statuses(guest: str, control: str) -> list[dict[str, Any]]:
    """Of one guest, or of all that are found. Raises Refused."""
    from ..sidecar.control.client import Refused, ask, everybody, socket_of

    if guest:
        guests = ask(socket_of(guest, control, os.environ), {"do": "status", "guest": guest}).get("guests")
        found = guests if isinstance(guests, list) else []
    else:
        sidecars = everybody(control, os.environ)
        if not sidecars:
            raise Refused("no sidecar with a control socket is running (wlproxy run --control PATH makes one)", EXIT_UNKNOWN)
        found = [one for _, told in sidecars for one in told["guests"]]
    return [one for one in found if isinstance(one, dict)]


def status(args: argparse.Namespace) -> int:
    """Prints it."""
    found = statuses(args.guest, args.control)
    if args.json:
        print(json.dumps(found, indent=1))
    else:
        print("\n".join(table([row(one) for one in found], HEAD)))
        if args.guest:
            for one in found:
                print("\n".join(details(one)))
    return 0


HEAD: Final = ("GUEST", "STATE", "POLICY", "UP", "CLIENTS", "OBJECTS", "QUEUED", "QUOTA", "REFUSED", "WOULD-DENY")
RIGHT: Final = frozenset(("CLIENTS", "OBJECTS", "QUEUED", "REFUSED", "WOULD-DENY"))


def row(one: Mapping[str, Any]) -> tuple[str, ...]:
    """A guest as a line of the table."""
    if "policy" not in one:
        return (text(one, "guest"), f"{text(one, 'state')}: {text(one, 'reason')}", *[""] * (len(HEAD) - 2))
    policy, relay = part(one, "policy"), part(one, "relay")
    under = f"{text(policy, 'name')}@{number(policy, 'generation')} {text(policy, 'sha256')[:10]}"
    if text(one, "mode") != "enforce":
        under += f" ({text(one, 'mode').upper()}{' until ' + text(one, 'until') if text(one, 'until') else ''})"
    state = text(one, "state") + (", no compositor" if part(one, "upstream").get("missing") else "")
    refused = str(number(one, "refused")), str(number(one, "would_deny"))
    if not relay:
        return text(one, "guest"), state, under, duration(number(one, "seconds")), "-", "-", "-", "-", *refused
    queued = sum(number(part(relay, "queue_bytes"), side) for side in ("guest", "host"))
    used, most = part(relay, "used"), part(relay, "limits")
    shares = [(number(used, key) / number(most, key), clean(key)) for key in used if number(most, key)]
    share, name = max(shares, default=(0.0, ""))
    counts = str(number(relay, "clients")), str(number(used, "objects")), amount(queued), f"{name} {share:.0%}"
    return text(one, "guest"), state, under, duration(number(one, "seconds")), *counts, *refused


def details(one: Mapping[str, Any]) -> list[str]:
    """What the table has no room for."""
    if "policy" not in one:
        return []
    relay, upstream = part(one, "relay"), part(one, "upstream")
    context = text(upstream, "security_context")
    lines = [
        f"  listens    {', '.join(clean(uri) for uri in listed(one, 'listen'))}",
        f"  compositor {text(upstream, 'path')}" + (f" ({context})" if context else ""),
        f"  confined   {', '.join(clean(name) for name in listed(one, 'confined')) or 'nothing is known of it'}",
    ]
    shadow, differs = part(one, "shadow"), part(relay, "shadow_differences")
    if shadow:
        counts = f"would refuse {number(differs, 'stricter')} messages that passed, and pass {number(differs, 'wider')} that were refused"
        lines.append(f"  shadow     {text(shadow, 'name')} {text(shadow, 'sha256')[:10]}: {counts}")
    lines += [f"  MISSING    {clean(name)}" for name in listed(one, "unconfined")]
    if text(one, "reason"):
        lines.append(f"  note       {text(one, 'reason')}")
    for client in (row for row in listed(relay, "client_list") if isinstance(row, dict)):
        carried = f"{number(client, 'requests')} requests, {number(client, 'events')} events"
        lines.append(f"  client {number(client, 'client')}   {duration(number(client, 'seconds'))}, {carried}")
    if number(relay, "unnamed"):
        lines.append(f"  and {number(relay, 'unnamed')} clients more")
    return lines


def reload(args: argparse.Namespace) -> int:
    """Has policies read again."""
    from ..sidecar.control.client import RELOAD_SECONDS, Refused, ask, everybody, socket_of
    from ..sidecar.control.path import OF_MANY, SYSTEM_OF_MANY

    if args.guest:
        try:
            paths = [socket_of(args.guest, args.control, os.environ)]
        except Refused:
            paths = [path for path, _ in everybody("", os.environ, brief=True) if path.endswith(f"/{OF_MANY}") or path == SYSTEM_OF_MANY]
            if len(paths) != 1:  # else: its file may be there, and not be read yet
                raise
    else:
        paths = [path for path, _ in everybody(args.control, os.environ, brief=True)]
        if not paths:
            raise Refused("no sidecar with a control socket is running", EXIT_UNKNOWN)
    found: list[dict[str, Any]] = []
    for path in paths:
        told = ask(path, {"do": "reload", "guest": args.guest, "wait": args.wait}, RELOAD_SECONDS)
        found += [one for one in listed(told, "guests") if isinstance(one, dict)]
    results = [text(one, "result") for one in found]
    if args.json:
        print(json.dumps(found, indent=1))
    elif not args.wait:
        print("ordered (--wait says what comes of it)")
    else:
        for one in found:
            print("\n".join(outcome(one)))
    if args.guest and results == ["not served"] and not found[0].get("policy"):
        return EXIT_UNKNOWN
    return EXIT_FINDINGS if {"kept", "not served"} & set(results) else 0


def outcome(one: Mapping[str, Any]) -> list[str]:
    """What a reload has come to for a guest."""
    policy, result = part(one, "policy"), text(one, "result")
    line = f"{text(one, 'guest')}: {'KEPT' if result == 'kept' else result}"
    if policy:
        line += f", {text(policy, 'name')}@{number(policy, 'generation')} sha256:{text(policy, 'sha256')[:16]}"
    if "wider" in one:
        line += f", {number(one, 'wider')} wider, {number(one, 'tighter')} tighter"
        line += f", {number(one, 'changed')} otherwise changed" if number(one, "changed") else ""
    return [line, *(f"  {clean(words)}" for finding in listed(one, "findings") for words in str(finding).splitlines())]


def kill(args: argparse.Namespace) -> int:
    """Ends a guest or a connection of it."""
    from ..sidecar.control.client import ask, socket_of

    told = ask(socket_of(args.guest, args.control, os.environ), {"do": "kill", "guest": args.guest, "client": args.client})
    if args.json:
        print(json.dumps(told))
    else:
        print(f"{clean(args.guest)}: " + (f"client {args.client} ended" if args.client else "ended"))
    return 0


# -- words


def table(rows: list[tuple[str, ...]], head: tuple[str, ...], right: frozenset[str] = RIGHT) -> list[str]:
    """Columns, those of `right` to the right. A line that says in its second column why there is no more makes no column wide."""
    whole = [head, *rows]
    widths = [max(len(line[column]) for line in whole if line[-1] or column == 0) for column in range(len(head))]
    return [
        "  ".join(
            word.rjust(width) if name in right else word.ljust(width) for word, width, name in zip(line, widths, head, strict=True)
        ).rstrip()
        for line in whole
    ]


def clean(value: object) -> str:
    """A sidecar's text for a terminal, cut."""
    from ..policy.document import printable

    return printable(str(value))[:200]


def text(given: Mapping[str, Any], key: str) -> str:
    """A text in an answer."""
    return clean(given.get(key, ""))


def number(given: Mapping[str, Any], key: str) -> int:
    """A number in an answer."""
    value = given.get(key, 0)
    return value if isinstance(value, int) and 0 <= value < LARGEST else 0


def listed(given: Mapping[str, Any], key: str) -> list[Any]:
    """A list in an answer."""
    value = given.get(key)
    return value if isinstance(value, list) else []


def part(given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A part of an answer."""
    value = given.get(key)
    return value if isinstance(value, dict) else {}


def duration(seconds: int) -> str:
    """For people."""
    for size, unit, smaller, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= size:
            return f"{seconds // size}{unit} {seconds % size // smaller}{small}"
    return f"{seconds}s"


def amount(size: int) -> str:
    """Bytes, for people."""
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << power:
            return f"{size / (1 << power):.1f}{unit}"
    return f"{size}B"
