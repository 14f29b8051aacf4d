"""Options that several verbs have. Imports argparse alone: `run` waits for it."""

from __future__ import annotations

import argparse


def add_values(parser: argparse.ArgumentParser, guest: str = "the value of the variable vm") -> None:
    """The values of a policy's variables; `guest`: what --guest is."""
    add_var(parser)
    parser.add_argument("--guest", default="guest", metavar="NAME", help=guest)


def add_var(parser: argparse.ArgumentParser) -> None:
    """Variables alone."""
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="a policy variable; repeatable")


def add_ceiling(parser: argparse.ArgumentParser) -> None:
    """The host's ceiling."""
    parser.add_argument("--ceiling", metavar="FILE", help="the host's ceiling (default: /etc/wlproxy/ceiling.toml, where it exists)")
