"""Writes the manual pages: `python -m wlproxy.cli.man [--check] [FOLDER]`, by default docs/man/.

wlproxy(1) is made from the parsers, so that no option is missing; the others from the data (tools/man_pages.py). With --check nothing is
written, and the exit code is 1 where a page is not up to date.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from itertools import groupby
from pathlib import Path
from typing import Final

from ..tools.man_pages import PAGES, data_pages
from ..tools.roff import Page
from .main import VERBS
from .verbs import options, parsers, positionals, value_of

EXIT_CODES: Final = {
    "0": "fine",
    "1": "findings: `check`, `test`, a gate of `diff` or `replay`, a reload that was not taken",
    "2": "usage",
    "3": "unsafe ownership: others can change the policy, or it is not signed as it must be",
    "4": "a guest that is unknown or does not run",
    "5": "the compositor is missing, or something of it that the policy requires",
    "6": "the policy is invalid",
    "70": "internal",
    "74": "standard output could not be written",
}


def wlproxy_page() -> Page:
    """wlproxy(1)."""
    page = Page("wlproxy", 1, "a filtering Wayland proxy between an untrusted guest VM and the host's compositor")
    page.section("SYNOPSIS").synopsis("`wlproxy` VERB [OPTION...]", "`wlproxy` VERB `--help`")
    page.section("DESCRIPTION").text(
        "wlproxy stands on the host between a guest's Wayland programs and the compositor. Every byte and every descriptor of the guest "
        "is checked against the protocols and against a policy, wlproxy-policy(5); what the policy does not name is refused.",
        "The verb comes first.",
    )
    page.section("VERBS")
    for verb, parser in parsers().items():
        page.part(f"wlproxy {verb}")
        usage = " ".join(value_of(action) + ("..." if action.nargs == "+" else "") for action in positionals(parser))
        page.text(f"`wlproxy {verb}` [OPTION...]" + (f" {usage}" if usage else ""))
        page.text(parser.description or VERBS[verb])
        for action in (*positionals(parser), *options(parser)):
            value = value_of(action)
            tag = ", ".join(f"`{option}`" for option in action.option_strings)
            page.item(f"{tag} {value}".strip(), (action.help or "").replace("%%", "%") or VERBS[verb])
        example, _, codes = (parser.epilog or "").partition("exit codes:")
        add_epilog(page, example.removeprefix("example:\n"))
        if codes:
            page.text("Exit codes: " + " ".join(codes.split()))
    page.section("EXIT STATUS").text("Of all verbs together:")
    for code, about in EXIT_CODES.items():
        page.item(code, about)
    page.section("ENVIRONMENT")
    page.item("`WAYLAND_DISPLAY`, `XDG_RUNTIME_DIR`", "where the compositor is, unless `--upstream` says it")
    return page.see(*[other for other in PAGES if other[0] != "wlproxy"], ("vsockclient", 1), ("vsockserver", 1))


def add_epilog(page: Page, text: str) -> None:
    """What stands below a verb's options: indented lines as they are typed, those at the margin as running text that fits any width."""
    for paragraph in text.strip("\n").split("\n\n"):
        for typed, lines in groupby(paragraph.split("\n"), key=lambda line: line.startswith(" ")):
            said = "\n".join(lines)
            if typed:
                page.example(textwrap.dedent(said))
            elif said.strip():
                page.text(said)


def pages() -> dict[str, str]:
    """By file name."""
    return {page.file: page.roff() for page in (wlproxy_page(), *data_pages())}


def main(argv: list[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m wlproxy.cli.man", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; 1 where a page is not up to date")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("docs/man"), metavar="FOLDER")
    args = parser.parse_args(argv)
    stale = []
    for name, text in pages().items():
        path = args.folder / name
        if path.is_file() and path.read_text(encoding="ascii") == text:
            continue
        stale.append(str(path))
        if not args.check:
            args.folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="ascii")
    for path_name in stale:
        print(f"{path_name}: {'not up to date: run python -m wlproxy.cli.man' if args.check else 'written'}")
    return 1 if args.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
