"""Dispatches a verb; only the verb's own file is imported, because a guest waits while `run` starts, and none for a list of them."""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import sys
from typing import Any, Final

from .. import __version__
from .output import EXIT_BROKEN_PIPE, OutputFailed, give_up, guard

VERBS: Final = {
    "run": "one guest's sidecar",
    "serve": "many guests, each as its file says",
    "exec": "run a local program behind the proxy",
    "record": "record a guest, or a local program",
    "replay": "a recording under another policy",
    "trace": "print messages and verdicts, live or recorded",
    "ctl": "look at sidecars that run, reload them, end guests",
    "top": "who is doing what, again and again",
    "metrics": "counters of sidecars that run, for Prometheus",
    "check": "check policy files",
    "show": "every value of a policy, and the line that set it",
    "explain": "why a message is allowed, changed or refused",
    "shadow": "where a policy that is asked on the side would decide otherwise",
    "diff": "what one policy allows that another does not",
    "prove": "that a policy never gives a class of powers",
    "score": "how much a policy gives away, by class of risk",
    "test": "policy test files, run through the real session",
    "interfaces": "every known interface: class, verdicts, reason",
    "drift": "what a compositor has that a policy was not written for",
    "compile": "a policy as canonical JSON, with its hash",
    "verify": "a compiled policy: hash, signature, origins",
    "learn": "the smallest policy that a program needs",
    "report": "a policy as a page to look at",
    "completion": "completion of these verbs in bash, zsh or fish",
    "schema": "what an editor needs to know of policy files",
    "demo": "the main job, shown",
    "doctor": "what this installation and this machine can do",
    "fuzz": "made-up guests and compositors against the core",
}


class Parser(argparse.ArgumentParser):
    """Knows the terminal's width. argparse asks shutil for it at the first option already, and with it come four compression modules:
    a third of a MiB in each of a sidecar's two processes, and 2 ms of its start."""

    def __init__(self, *, formatter_class: type[argparse.HelpFormatter] = argparse.HelpFormatter, **kwargs: Any) -> None:
        super().__init__(formatter_class=functools.partial(formatter_class, width=columns() - 2), **kwargs)


def columns() -> int:
    """Of the terminal, as shutil.get_terminal_size() finds them: $COLUMNS, standard output, 80."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


def main(argv: list[str] | None = None) -> int:
    """The exit code: 0 fine, 2 usage, 74 standard output could not be written, else the verb's own."""
    guard()
    try:
        try:
            return dispatch(sys.argv[1:] if argv is None else argv)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except OutputFailed as failed:
        return give_up(failed.reason)
    except BrokenPipeError:  # of some other reader
        return EXIT_BROKEN_PIPE


def dispatch(argv: list[str]) -> int:
    """The verb's exit code. Raises SystemExit as argparse does."""
    parser = Parser(
        prog="wlproxy",
        description="A filtering Wayland proxy between an untrusted guest VM and the host's compositor.",
        epilog="example: wlproxy run --help",
    )
    parser.add_argument("--version", action="version", version=f"wlproxy {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="VERB", dest="verb")
    if not argv or argv[0] not in VERBS:
        for verb, does in VERBS.items():
            subparsers.add_parser(verb, help=does, add_help=False)
        args, _ = parser.parse_known_args(argv)
        parser.error(f"the verb comes first: wlproxy {args.verb} ...")
    importlib.import_module(f"wlproxy.cli.{argv[0]}").register(subparsers)
    args = parser.parse_args(argv)
    return int(args.function(args))
