"""wlproxy prove: that a policy never gives what is named, by going through everything that it lets a guest reach."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Final

from .policies import EXIT_FINDINGS, EXIT_USAGE, GREEN, RED, add_variables, ceiling_of, coloured, reads_policy

if TYPE_CHECKING:
    from ..policy.exposure import Never

EXAMPLE: Final = """example:
  wlproxy prove desktop --never class:H,G,I --never permission:clipboard-in
  proved: 4 claims hold for desktop, over 91 interfaces and 620 messages that a guest can reach

A claim is class:LETTER[,LETTER], interface:NAME (a * at the end stands for anything) or permission:NAME. What asks the user counts as not
given while there is nobody to ask; what the proxy serves itself ("virtual") reaches nothing. A global that the table of interfaces does
not class is a counterexample to every claim about classes. Of a policy that only complains, what it lets through counts as given.

exit codes: 0 proved, 1 refuted (each counterexample with its line), 2 usage, 6 the policy has findings."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "prove",
        help="that a policy never gives a class of powers",
        description="Proves that a policy never gives what is named, by enumeration over what a guest can reach under it.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("policy", metavar="P", help="a policy by name, its file, a compiled .json, or REVISION:NAME")
    parser.add_argument("--never", action="append", required=True, metavar="KIND:NAME", help="what is never given; repeatable")
    parser.add_argument("--json", action="store_true", help="the proof as one JSON object")
    add_variables(parser)
    parser.set_defaults(function=run)


def claims_of(items: list[str], known: set[str]) -> list[Never] | str:
    """The claims, or what is wrong with one. `known`: the interfaces of the protocol data."""
    from fnmatch import fnmatchcase

    from ..policy.document import nearest
    from ..policy.exposure import CLASS, INTERFACE, KINDS, Never
    from ..policy.load_interface_table import CLASSES
    from ..policy.permissions import PERMISSIONS

    found = []
    for item in items:
        kind, _, names = item.partition(":")
        if kind not in KINDS or not names:
            return f"--never {item[:60]!a}: class:LETTER, interface:NAME or permission:NAME is needed"
        for name in names.split(","):
            if kind == CLASS and name not in CLASSES:
                return f"--never class:{name[:20]!a}: the classes are {', '.join(CLASSES)}"
            if kind == INTERFACE and not any(fnmatchcase(other, name) for other in known):
                near = nearest(name[:64], known)
                return f"--never interface:{name[:60]!a}: no such interface" + (f": did you mean {near}?" if near else "")
            if kind not in (CLASS, INTERFACE) and name not in PERMISSIONS:
                near = nearest(name[:64], PERMISSIONS)
                return f"--never permission:{name[:60]!a}: no such permission" + (f": did you mean {near}?" if near else "")
            found.append(Never(kind, name))
    return found


@reads_policy
def run(args: argparse.Namespace, given: dict[str, str]) -> int:
    """The exit code."""
    from ..policy.complain import words_of
    from ..policy.document import printable
    from ..policy.exposure import prove
    from ..policy.load_protocols import load_shipped
    from ..sidecar.say import say
    from ..tools.sources import compiled_of, risk_of

    interfaces = load_shipped()
    claims = claims_of(args.never, set(interfaces))
    if isinstance(claims, str):
        say(claims)
        return EXIT_USAGE
    compiled = compiled_of(args.policy, given, interfaces, ceiling_of(args))
    proof = prove(compiled, claims, risk_of)
    size = f"{proof.interfaces} interfaces and {proof.messages} messages that a guest can reach"
    name = printable(compiled["name"]) + words_of(compiled)
    refuted = {example.claim for example in proof.counterexamples}
    if args.json:
        rows = [
            {
                "claim": f"{claim.kind}:{claim.name}",
                "holds": claim not in refuted,
                "counterexamples": [{"what": c.what, "origin": c.origin} for c in proof.counterexamples if c.claim == claim],
            }
            for claim in claims
        ]
        whole = {"policy": compiled["name"], "sha256": compiled["sha256"], "proved": not refuted}
        whole |= {"interfaces": proof.interfaces, "messages": proof.messages, "claims": rows}
        print(json.dumps(whole, indent=1))
    elif not refuted:
        number = f"{len(claims)} claim{'s hold' if len(claims) > 1 else ' holds'}"
        print(f"{coloured('proved', GREEN)}: {number} for {name}, over {size}")
    else:
        for example in proof.counterexamples:
            print(printable(f"{example.origin}: never {example.claim.kind}:{example.claim.name}, but {example.what}"))
        print(f"{coloured('refuted', RED)}: {len(refuted)} of {len(claims)} claims for {name}, over {size}")
    return EXIT_FINDINGS if refuted else 0
