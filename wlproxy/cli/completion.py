"""wlproxy completion: so that the shell knows verbs, options, policies, interfaces and permissions."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..tools.completion import Value, Verb

EXAMPLE = """example:
  bash:  wlproxy completion bash > ~/.local/share/bash-completion/completions/wlproxy
  zsh:   wlproxy completion zsh > ~/.zfunc/_wlproxy                   (with ~/.zfunc in $fpath, before compinit)
  fish:  wlproxy completion fish > ~/.config/fish/completions/wlproxy.fish
  wlproxy completion --words policies

exit codes: 0 printed, 2 usage."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb."""
    parser = subparsers.add_parser(
        "completion",
        description="Prints the completion script of a shell, or the words that it asks for.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("shell", nargs="?", choices=("bash", "zsh", "fish"), help="the shell")
    what.add_argument("--words", choices=("policies", "interfaces", "permissions", "guests"), help="one list of words, a line each")
    parser.set_defaults(function=run)


def run(args: argparse.Namespace) -> int:
    """The exit code."""
    from ..tools.completion import script, words

    if args.words:
        from ..policy.load import ADMIN_FOLDER

        print("\n".join(words(args.words, [ADMIN_FOLDER])))
        return 0
    print(script(args.shell, verbs()), end="")
    return 0


def verbs() -> list[Verb]:
    """Every verb, as its parser declares it."""
    from ..tools.completion import Option, Value, Verb, kind_of
    from .main import VERBS
    from .verbs import options, parsers, positionals, value_of

    def value(action: argparse.Action) -> Value:
        if action.nargs == 0:
            return Value()
        if action.choices:
            return Value(True, tuple(str(choice) for choice in action.choices))
        said = value_of(action)
        return Value(True, tuple(word for word in said.split("|") if word.isalpha() and word.islower()), kind_of(said))

    found: list[Verb] = []
    for name, parser in parsers().items():
        places = [value(action) for action in positionals(parser)]
        listed = tuple(Option(tuple(a.option_strings), a.help or "", value(a)) for a in options(parser))
        found.append(Verb(name, VERBS[name], listed, first_of(places)))
    return found


def first_of(places: list[Value]) -> Value:
    """What may stand in the first place, and in the next one where the first is a word of a few."""
    from ..tools.completion import Value as Made

    if len(places) > 1 and places[0].words and not places[0].kind:  # as in: ctl reload GUEST
        return Made(True, places[0].words, places[1].kind)
    return places[0] if places else Made()
