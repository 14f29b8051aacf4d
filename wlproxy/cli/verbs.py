"""Every verb's parser, for those who write about them: manual page and completion."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator

from .main import VERBS


def parsers() -> dict[str, argparse.ArgumentParser]:
    """By verb, in the order of `wlproxy --help`."""
    found = {}
    for verb in VERBS:
        subparsers = argparse.ArgumentParser(prog="wlproxy").add_subparsers()
        importlib.import_module(f"wlproxy.cli.{verb}").register(subparsers)
        found[verb] = subparsers.choices[verb]
    return found


def options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Its options without --help, as declared."""
    for action in parser._actions:
        if action.option_strings and not isinstance(action, argparse._HelpAction) and action.help != argparse.SUPPRESS:
            yield action


def positionals(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """What stands without a name."""
    for action in parser._actions:
        if not action.option_strings and action.help != argparse.SUPPRESS:
            yield action


def value_of(action: argparse.Action) -> str:
    """What stands behind an option, or in a place: "" for a switch."""
    if action.nargs == 0:
        return ""
    if isinstance(action.metavar, str):
        return action.metavar
    return "|".join(str(choice) for choice in action.choices) if action.choices else action.dest.upper()
