"""Shell completion: a script for each shell, and the words that only this machine knows.

Promises: a script names every verb and option there is; policies, interfaces, permissions and guests it asks for when they are wanted, so
that they are today's. A word is letters, digits and `._-`: nothing that a shell would expand, whatever an admin calls a file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

POLICIES, INTERFACES, PERMISSIONS, GUESTS = "policies", "interfaces", "permissions", "guests"
FILES, FOLDERS, COMMAND, NOTHING = "files", "folders", "command", ""
LISTS: Final = (POLICIES, INTERFACES, PERMISSIONS, GUESTS)
WORD: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
ASK: Final = "wlproxy completion --words"

# what stands for a value in --help -> what may stand there
KINDS: Final = {
    "NAME|FILE": POLICIES,
    "P": POLICIES,
    "POLICY": POLICIES,
    "A": POLICIES,
    "B": POLICIES,
    "GLOB": INTERFACES,
    "INTERFACE": INTERFACES,
    "MESSAGE": INTERFACES,
    "MESSAGE|EVENT-ID": INTERFACES,
    "PERMISSION": PERMISSIONS,
    "GUEST": GUESTS,
    "GUEST | FILE.wltrace | -- COMMAND...": GUESTS,
    "GUEST | -- COMMAND...": GUESTS,
    "DIR": FOLDERS,
    "FOLDER": FOLDERS,
    "FILE": FILES,
    "AUDIT-LOG": FILES,
    "PATH": FILES,
    "OUT": FILES,
    "-- COMMAND...": COMMAND,
}


@dataclass(frozen=True, slots=True)
class Value:
    """What may stand in a place: `words`, else something of a kind. `taken` is False where nothing stands there."""

    taken: bool = False
    words: tuple[str, ...] = ()
    kind: str = NOTHING


@dataclass(frozen=True, slots=True)
class Option:
    """One option under its names."""

    names: tuple[str, ...]
    about: str
    value: Value


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb. `place` is what stands without a name."""

    name: str
    about: str
    options: tuple[Option, ...]
    place: Value


def kind_of(metavar: str) -> str:
    """What a value is, by the word that stands for it in --help."""
    return KINDS.get(metavar, FILES if "FILE" in metavar or "PATH" in metavar else NOTHING)


def words(kind: str, folders: Sequence[str]) -> list[str]:
    """The words of one of LISTS; `folders` hold an admin's policies."""
    from ..policy.compile import global_names
    from ..policy.load import shipped_names
    from ..policy.load_protocols import load_shipped
    from ..policy.permissions import PERMISSIONS as NAMED

    if kind == POLICIES:
        found: Iterable[str] = (*shipped_names(), *(name for folder in folders for name in _policies_in(folder)))
    elif kind == GUESTS:
        from ..sidecar.control.client import guest_names

        found = guest_names(os.environ)
    elif kind == INTERFACES:
        found = global_names(load_shipped())
    else:
        found = NAMED
    return sorted({word for word in found if WORD.fullmatch(word)})


def _policies_in(folder: str) -> list[str]:
    try:
        return [name.removesuffix(".toml") for name in os.listdir(folder) if name.endswith(".toml")]
    except OSError:  # there is none
        return []


def script(shell: str, verbs: Sequence[Verb]) -> str:
    """The script for "bash", "zsh" or "fish"."""
    return {"bash": bash, "zsh": zsh, "fish": fish}[shell](verbs)


def quoted(text: str) -> str:
    """A text between single quotes, for all three."""
    return "'" + text.replace("\\", "\\\\").replace("'", "'\\''") + "'"


def _cases(verbs: Sequence[Verb]) -> list[str]:
    """For bash and zsh: by verb and the word before, what is wanted; then by verb."""
    lines = ['  case "$verb,$prev" in']
    for verb in verbs:
        for option in verb.options:
            if option.value.taken:
                names = "|".join(f"{verb.name},{name}" for name in option.names)
                lines.append(f"    {names}) {_wanted(option.value)} ;;")
    lines += ["    *)", '      case "$verb" in']
    for verb in verbs:
        names = " ".join(name for option in verb.options for name in option.names)
        lines.append(f"        {verb.name}) options='{names} --help'; {_wanted(verb.place)} ;;")
    return [*lines, "      esac ;;", "  esac"]


def _wanted(value: Value) -> str:
    return f"words='{' '.join(value.words)}'; kind='{value.kind}'"


def bash(verbs: Sequence[Verb]) -> str:
    """For bash 4.4 and newer. Source: bash(1), Programmable Completion."""
    names = " ".join(verb.name for verb in verbs)
    return "\n".join(
        [
            "# bash completion for wlproxy; put it where bash-completion looks: ~/.local/share/bash-completion/completions/wlproxy",
            "_wlproxy() {",
            '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" verb="${COMP_WORDS[1]}" word',
            "  local options='' words='' kind=''",
            "  COMPREPLY=()",
            f"  if ((COMP_CWORD == 1)); then mapfile -t COMPREPLY < <(compgen -W '{names} --help --version' -- \"$cur\"); return; fi",
            "  # bash splits --option=value at the =",
            '  if [[ $cur == = ]]; then cur=""; elif [[ $prev == = ]]; then prev="${COMP_WORDS[COMP_CWORD-2]}"; fi',
            '  for word in "${COMP_WORDS[@]:2:COMP_CWORD-2}"; do',
            '    if [[ $word == -- ]]; then mapfile -t COMPREPLY < <(compgen -c -- "$cur"); return; fi',
            "  done",
            *_cases(verbs),
            '  if [[ $cur == -* ]]; then mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur"); return; fi',
            "  case $kind in",
            f"    {'|'.join(LISTS)}) words+=\" $({ASK} \"$kind\" 2>/dev/null)\" ;;&",
            '    policies) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -X "!*.@(toml|json)" -- "$cur"; '
            'compgen -d -- "$cur") ;;',
            '    guests) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -X "!*.wltrace" -- "$cur") ;;',
            '    files) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;',
            '    folders) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;',
            "  esac",
            '  mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$words" -- "$cur")',
            "}",
            "shopt -s extglob",
            "complete -F _wlproxy wlproxy",
            "",
        ]
    )


def zsh(verbs: Sequence[Verb]) -> str:
    """For zsh 5. Source: zshcompsys(1)."""
    described = " ".join(quoted(f"{verb.name}:{verb.about}") for verb in verbs)
    return "\n".join(
        [
            "#compdef wlproxy",
            "# zsh completion for wlproxy; put it into a folder of $fpath, as _wlproxy",
            "_wlproxy() {",
            '  local verb="${words[2]}" cur="${words[CURRENT]}" prev="${words[CURRENT-1]}" options kind',
            "  local -a listed verbs",
            f"  verbs=({described})",
            "  if ((CURRENT == 2)); then _describe verb verbs; return; fi",
            '  if [[ $cur == --*=* ]]; then prev="${cur%%=*}"; compset -P "*="; cur="${cur#*=}"; fi',
            "  if ((${words[(I)--]} > 0 && ${words[(I)--]} < CURRENT)); then _command_names; return; fi",
            '  _wlproxy_wanted "$verb" "$prev"',
            '  if [[ $cur == -* ]]; then compadd -- ${=options}; return; fi',
            f"  if [[ -n $kind && '{' '.join(LISTS)}' == *$kind* ]]; then listed+=(${{(f)\"$({ASK} $kind 2>/dev/null)\"}}); fi",
            "  ((${#listed})) && compadd -a listed",
            "  case $kind in",
            '    policies) _files -g "*.(toml|json)" ;;',
            '    guests) _files -g "*.wltrace" ;;',
            "    files) _files ;;",
            "    folders) _files -/ ;;",
            "  esac",
            "}",
            "_wlproxy_wanted() {  # sets options, kind and listed of its caller",
            '  local verb="$1" prev="$2" words=""',
            *_cases(verbs),
            "  listed=(${=words})",
            "}",
            'if [[ "${funcstack[1]}" == _wlproxy ]]; then _wlproxy "$@"; else compdef _wlproxy wlproxy; fi',
            "",
        ]
    )


def fish(verbs: Sequence[Verb]) -> str:
    """For fish 3. Source: complete(1) of fish."""
    lines = [
        "# fish completion for wlproxy; put it into ~/.config/fish/completions/wlproxy.fish",
        "complete -c wlproxy -f",
        "complete -c wlproxy -n __fish_use_subcommand -l help",
        "complete -c wlproxy -n __fish_use_subcommand -l version",
    ]
    for verb in verbs:
        lines.append(f"complete -c wlproxy -n __fish_use_subcommand -a {verb.name} -d {quoted(verb.about)}")
        seen = f"complete -c wlproxy -n '__fish_seen_subcommand_from {verb.name}'"
        if verb.place.taken:
            lines.append(seen + _fish_value(verb.place))
        for option in verb.options:
            spelt = "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in option.names)
            value = " -x" + _fish_value(option.value) if option.value.taken else ""
            lines.append(f"{seen}{spelt} -d {quoted(option.about)}{value}")
    return "\n".join([*lines, ""])


def _fish_value(value: Value) -> str:
    sources: Mapping[str, str] = {
        **{kind: f"({ASK} {kind} 2>/dev/null)" for kind in LISTS},
        POLICIES: f"({ASK} policies 2>/dev/null) (__fish_complete_suffix .toml)",
        GUESTS: f"({ASK} guests 2>/dev/null) (__fish_complete_suffix .wltrace)",
        FILES: "(__fish_complete_path)",
        FOLDERS: "(__fish_complete_directories)",
        COMMAND: "(__fish_complete_subcommand)",
    }
    said = " ".join((*value.words, *([sources[value.kind]] if value.kind else [])))
    return f" -a {quoted(said)}" if said else ""
