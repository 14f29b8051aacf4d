"""Completion, asked of the shells themselves."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from wlproxy.cli.completion import verbs
from wlproxy.cli.main import VERBS, main
from wlproxy.tools.completion import Option, Value, Verb, script, words

ROOT = Path(__file__).parents[2]
Ask = Callable[[str], list[str]]

BASH = """source {script}
COMP_WORDS=({words}) COMP_CWORD=$(({count} - 1))
_wlproxy
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
# zsh's own completion needs a terminal: these stand in for what the script calls, and print what it hands over
ZSH = """autoload -U is-at-least
compdef() {{ }}
compadd() {{ [[ $1 == -a ]] && print -l -- ${{(P)2}} || {{ shift; print -l -- "$@" }} }}
_describe() {{ print -l -- "${{(@P)2%%:*}}" }}
_files() {{ print -l -- *.toml(N) }}
_command_names() {{ print -l -- commands }}
compset() {{ }}
words=({words}) CURRENT={count}
source {script}
_wlproxy
"""


def shell(name: str) -> str:
    return shutil.which(name) or pytest.skip(f"{name} is not installed (`make apt` installs it)")


@pytest.fixture(params=["bash", "zsh", "fish"])
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Ask:
    """What the shell offers for a command line, in a folder with work.toml and notes.txt."""
    name = request.param
    program = shell(name)
    (tmp_path / "bin").mkdir()
    here = tmp_path / "here"
    (here / "sub").mkdir(parents=True)
    (here / "work.toml").touch()
    (here / "notes.txt").touch()
    wlproxy = tmp_path / "bin/wlproxy"
    wlproxy.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m wlproxy "$@"\n')
    wlproxy.chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    env = {"PATH": path, "HOME": str(tmp_path), "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "LC_ALL": "C.UTF-8"}
    file = tmp_path / "script"
    file.write_text(script(name, verbs()))

    def answer(line: str) -> list[str]:
        said = line.split(" ")
        if name == "fish":
            command = f"source {file}; complete -C {shlex.quote(line)}"
        else:
            form = BASH if name == "bash" else ZSH
            command = form.format(script=file, words=" ".join(shlex.quote(word) for word in said), count=len(said))
        alone = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[name]
        done = subprocess.run([program, *alone, "-c", command], env=env, cwd=here, capture_output=True, text=True, timeout=60)
        assert done.stderr == ""
        found = [offered.split("\t")[0] for offered in done.stdout.splitlines() if offered]
        return found if name == "bash" else [word for word in found if word.startswith(said[-1].rpartition("=")[2])]

    return answer


def test_verbs_come_first(ask: Ask) -> None:
    assert set(ask("wlproxy ")) - {"--help", "--version"} == set(VERBS)


def test_a_policy_is_a_shipped_one_or_a_file(ask: Ask) -> None:
    offered = ask("wlproxy run --policy ")
    assert {"strict", "desktop", "viewer", "work.toml"} <= set(offered)
    assert "notes.txt" not in offered or "sub/" in offered  # fish offers every file, those with the suffix first
    assert "strict" in ask("wlproxy check str")


def test_options_and_their_words(ask: Ask) -> None:
    assert "--fail-on" in ask("wlproxy check --f")
    assert "--listen" not in ask("wlproxy check --l")
    assert ask("wlproxy check --fail-on wi") == ["wider"]
    assert {"live"} <= set(ask("wlproxy check --against li"))
    assert ask("wlproxy shadow rep") == ["report"]
    assert "work.toml" in ask("wlproxy shadow report wo")  # a log, of whatever name
    assert set(ask("wlproxy schema ")) == {"policy", "ceiling", "guest", "test"}


def test_interfaces_are_known(ask: Ask) -> None:
    assert "zwlr_screencopy_manager_v1" in ask("wlproxy trace --interface zwlr_scr")


def test_a_value_behind_an_equals_sign(tmp_path: Path) -> None:
    """bash splits there, and hands over three words."""
    file = tmp_path / "script"
    file.write_text(script("bash", verbs()))
    command = BASH.format(script=file, words="wlproxy check --fail-on = wi", count=5)
    done = subprocess.run([shell("bash"), "--norc", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["wider"]


def test_behind_two_hyphens_stands_a_command(tmp_path: Path) -> None:
    file = tmp_path / "script"
    file.write_text(script("bash", verbs()))
    command = BASH.format(script=file, words="wlproxy exec --policy strict -- bas", count=6)
    done = subprocess.run([shell("bash"), "--norc", "-c", command], capture_output=True, text=True, timeout=60)
    assert "bash" in done.stdout.split()


@pytest.mark.parametrize("kind", ["policies", "interfaces", "permissions"])
def test_the_verb_prints_words(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "--words", kind]) == 0
    found = capsys.readouterr().out.split("\n")
    assert {"policies": "strict", "interfaces": "wl_shm", "permissions": "clipboard-in"}[kind] in found


def test_a_policy_of_the_admin_is_a_word_unless_a_shell_would_obey_it(tmp_path: Path) -> None:
    for name in ("bank", "$(touch owned)", "a b", "`id`", "-rf", "x;y"):
        (tmp_path / f"{name}.toml").touch()
    found = words("policies", [str(tmp_path), str(tmp_path / "none")])
    assert "bank" in found
    assert not [word for word in found if set(word) & set("$`; ") or word.startswith("-")]


def test_a_description_cannot_end_its_quotes(tmp_path: Path) -> None:
    odd = Verb("odd", "it's $(touch owned) \\", (Option(("--x",), "that's `touch owned`", Value(True, ("a",))),), Value())
    for name in ("zsh", "fish"):
        file = tmp_path / name
        file.write_text(script(name, [odd]))
        command = ZSH.format(script=file, words="wlproxy odd", count=2) if name == "zsh" else f"source {file}; complete -C 'wlproxy o'"
        flags = "-f" if name == "zsh" else "--no-config"
        done = subprocess.run([shell(name), flags, "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert "odd" in done.stdout
        assert done.stderr == ""
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("argv", [[], ["tcsh"], ["bash", "--words", "policies"]])
def test_wrong_usage(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["completion", *argv])
    assert ended.value.code == 2
    assert capsys.readouterr().err
