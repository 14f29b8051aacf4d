"""Dispatches a verb; only the verb's own file is imported, because a guest waits while `run` starts."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Final

from .. import __version__

VERBS: Final = ("run", "exec", "check", "compile", "demo", "doctor", "fuzz")


def main(argv: list[str] | None = None) -> int:
    """The exit code: 0 fine, 2 usage, else the verb's own."""
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(
        prog="wlproxy", description="A filtering Wayland proxy between an untrusted guest VM and the host's compositor."
    )
    parser.add_argument("--version", action="version", version=f"wlproxy {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="VERB")
    named = argv[0] if argv and argv[0] in VERBS else ""
    for verb in VERBS:
        if not named or verb == named:
            importlib.import_module(f"wlproxy.cli.{verb}").register(subparsers)
    args = parser.parse_args(argv)
    try:
        return int(args.function(args))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `wlproxy check ... | head`
        sys.stderr.close()
        return 141
