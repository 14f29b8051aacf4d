"""wlproxy verify: whether a compiled policy is whole, whose it is, and what it was made of."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Final

from ..core.errors import ConfigError, ConfigErrors
from .options import add_ceiling
from .policies import EXIT_FINDINGS, EXIT_USAGE, GREEN, RED, ceiling_of, coloured
from .run import add_owner

if TYPE_CHECKING:
    from ..tools.verifying import Finding

EXAMPLE: Final = """example:
  wlproxy compile work.toml --guest work -o work.json
  ssh-keygen -Y sign -n wlproxy-policy -f ~/.ssh/id_ed25519 work.json
  echo "admin@example $(cat ~/.ssh/id_ed25519.pub)" > allowed_signers
  wlproxy verify work.json --allowed-signers allowed_signers
  ok    content    work, sha256:9f2c...
  ok    owners     nobody else can change it
  ok    signature  by admin@example
  ok    host       nothing beyond this host's floor and ceiling
  ok    origins    64 lines of 2 files, which say it still
  wlproxy run --policy work.json --allowed-signers allowed_signers ...

The signature is FILE.sig, over the bytes of FILE, in the namespace wlproxy-policy; the file of allowed signers is that of ssh-keygen(1).
Origins are where each global and each permission was written: a line that no longer speaks of it says that the policy was changed after
it was compiled, and is no reason not to run it.

exit codes: 0 all of it holds, 1 not whole, beyond this host, or made of what has changed, 2 usage, 3 others can change it, or it is not
signed as it must be."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "verify",
        help="a compiled policy: hash, signature, origins",
        description="Checks a compiled policy: that it is whole, that nobody else can change it, who has signed it, that it stays under "
        "this host's ceiling, and that the lines it was made of still say so.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="a compiled policy (wlproxy compile)")
    parser.add_argument("--allowed-signers", default="", metavar="FILE", help="one of these must have signed it (ssh-keygen(1))")
    add_ceiling(parser)
    add_owner(parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    from ..policy.document import printable, show
    from ..sidecar.say import say
    from ..tools.verifying import verify

    try:
        found = verify(args.file, args.allowed_signers, ceiling_of(args), args.trust_owner)
    except ConfigError as error:
        say(show(error))
        return EXIT_USAGE
    except ConfigErrors as errors:  # in the ceiling
        say("\n".join(show(finding) for finding in errors.findings))
        return EXIT_USAGE
    if args.json:
        rows = [{"what": f.what, "holds": f.holds, "says": f.says, "hint": f.hint} for f in found]
        print(json.dumps({"file": args.file, "holds": all(f.holds for f in found), "findings": rows}, indent=1))
    else:
        print("\n".join(printable(line) for finding in found for line in as_text(finding)))
        print(coloured("verified", GREEN) if all(f.holds for f in found) else coloured("not verified", RED))
    return exit_code(found)


def as_text(finding: Finding) -> list[str]:
    """For an admin."""
    first = f"{'ok' if finding.holds else 'NOT':4}  {finding.what:9}  {finding.says}"
    return [first, *([f"                 {finding.hint}"] if finding.hint else [])]


def exit_code(found: list[Finding]) -> int:
    """The gravest."""
    from ..sidecar.compiled import EXIT_UNSAFE
    from ..tools.verifying import OWNERS, SIGNATURE

    broken = {finding.what for finding in found if not finding.holds}
    return EXIT_UNSAFE if broken & {OWNERS, SIGNATURE} else EXIT_FINDINGS if broken else 0
