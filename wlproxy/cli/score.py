"""wlproxy score: how much a policy gives away, by class of risk."""

from __future__ import annotations

import argparse
import json
from typing import Final

from .policies import EXIT_FINDINGS, add_variables, ceiling_of, coloured, reads_policy

EXAMPLE: Final = """example:
  wlproxy score desktop --threshold 40
  D data transfer             10.5 of 14   clipboard-out (desktop.toml:34), primary-out (desktop.toml:36), ...
  total 29.4 of 100: large exposure

How it is computed: each class of risk has a weight (A 1, B 1, C 12, D 14, E 8, F 10, G 16, H 16, I 14, J 6, K 2: 100 together). The first
power that is given in a class costs half its weight, the next one half of what is left, and so on; what asks the user counts half
a power. A power is a permission that is given and can be used, or a global that no permission speaks of (base and hints apart). To
give more never lowers the score. It says nothing of how well a compositor is written: it is for comparing policies, and for a gate.
Below 10 is small, below 25 moderate, below 50 large.

exit codes: 0 shown, 1 above the threshold, 2 usage, 6 the policy has findings."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "score",
        help="how much a policy gives away, by class of risk",
        description="Scores the exposure of a policy from 0 (nothing) to 100, class by class, with what is given.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("policy", metavar="P", help="a policy by name, its file, a compiled .json, or REVISION:NAME")
    parser.add_argument("--threshold", type=points, default=None, metavar="N", help="exit 1 where the score is above N (0 to 100)")
    parser.add_argument("--json", action="store_true", help="the score as one JSON object")
    add_variables(parser)
    parser.set_defaults(function=run)


def points(text: str) -> float:
    """A number from 0 to 100."""
    value = float(text)
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text}: a number from 0 to 100 is needed")
    return value


@reads_policy
def run(args: argparse.Namespace, given: dict[str, str]) -> int:
    """The exit code."""
    from ..policy.complain import words_of
    from ..policy.document import printable
    from ..policy.exposure import WEIGHTS, powers, rating, score_of
    from ..policy.load_interface_table import CLASSES
    from ..policy.load_protocols import load_shipped
    from ..tools.sources import compiled_of, risk_of

    interfaces = load_shipped()
    compiled = compiled_of(args.policy, given, interfaces, ceiling_of(args))
    found = powers(compiled, risk_of)
    scores = {risk: score_of(risk, found[risk]) for risk in WEIGHTS}
    total = sum(scores.values())
    over = args.threshold is not None and total > args.threshold
    if args.json:
        classes = {
            risk: {
                "name": CLASSES[risk],
                "score": round(scores[risk], 2),
                "weight": WEIGHTS[risk],
                "powers": [{"name": p.name, "asks": p.share < 1, "origin": p.origin} for p in found[risk]],
            }
            for risk in WEIGHTS
        }
        print(json.dumps({"policy": compiled["name"], "score": round(total, 2), "rating": rating(total), "classes": classes}, indent=1))
        return EXIT_FINDINGS if over else 0
    for risk, score in scores.items():
        listed = [f"{p.name}{' asks' if p.share < 1 else ''} ({p.origin})" for p in found[risk]]
        reasons = ", ".join(listed[:6]) + (f", and {len(listed) - 6} more" if len(listed) > 6 else "")
        line = f"{risk} {CLASSES[risk]:26} {score:5.1f} of {WEIGHTS[risk]:<3} {reasons or 'nothing'}"
        print(printable(line))
    print(coloured(f"total {total:.1f} of 100: {rating(total)} exposure", "1") + words_of(compiled))
    if over:
        print(f"above the threshold of {args.threshold:g}")
    return EXIT_FINDINGS if over else 0
