"""wlproxy compile: a policy as the one canonical value that a sidecar runs from."""

from __future__ import annotations

import argparse
import os
import sys

from .options import add_values
from .run import add_owner

EXAMPLE = """example:
  wlproxy compile desktop --guest work -o work.json && wlproxy run --policy work.json ...

exit codes: 0 written, 1 the policy has findings, 2 usage, 3 others than its owner can change it."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "compile",
        description="Compiles a policy, its parents and its variables into one file. The same input gives the same bytes.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("policy", metavar="NAME|FILE", help="a policy by name, or its file")
    parser.add_argument("-o", "--output", default="-", metavar="OUT", help="where to; - is standard output (the default)")
    add_values(parser)
    add_owner(parser)
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    from ..sidecar.compilation import Compilation
    from ..sidecar.compiled import EXIT_UNSAFE, PolicyInvalid, Trust
    from .run import variables_of

    variables = variables_of(args.var, args.guest)
    if variables is None:
        return 2
    try:
        compiled = Compilation(args.policy, variables, trust=Trust(args.trust_owner)).finish()
    except PolicyInvalid as error:
        print("\n".join(error.lines), file=sys.stderr)
        return EXIT_UNSAFE if error.exit_code == EXIT_UNSAFE else 1
    data = compiled.data + b"\n"
    if args.output == "-":
        sys.stdout.buffer.write(data)
        return 0
    try:
        write(args.output, data)
    except OSError as error:
        print(f"wlproxy: {args.output}: {error.strerror}", file=sys.stderr)
        return 2
    print(f"{args.output}: {compiled.name} sha256:{compiled.sha256}")
    return 0


def write(path: str, data: bytes) -> None:
    """The whole file or none of it; a device or pipe is written to and not replaced. Raises OSError."""
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:
            file.write(data)
        return
    temporary = f"{path}.{os.getpid()}"
    with open(temporary, "xb") as file:
        try:
            file.write(data)
            file.close()
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise
