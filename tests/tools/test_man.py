"""The manual pages: up to date with parsers and data, and readable by both readers of man(7)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.scene import shipped
from wlproxy.cli.main import VERBS
from wlproxy.cli.man import main, pages
from wlproxy.cli.verbs import options, parsers
from wlproxy.policy.compile import global_names
from wlproxy.policy.permissions import PERMISSIONS
from wlproxy.policy.read_quotas import QUOTAS
from wlproxy.tools.man_pages import PARAMETERS
from wlproxy.tools.man_policy import QUOTA_WORDS
from wlproxy.tools.roff import Page

FOLDER = Path(__file__).parents[2] / "docs/man"
NAMES = ("wlproxy.1", "wlproxy-policy.5", "wlproxy-permissions.7", "wlproxy-interfaces.7")


@cache
def made() -> dict[str, str]:
    return pages()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text() == made()[name], "run: python -m wlproxy.cli.man"


def run(*command: str, text: str = "", width: int = 100) -> subprocess.CompletedProcess[str]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    env = os.environ | {"LC_ALL": "C.UTF-8", "MANWIDTH": str(width), "MANPAGER": "cat"}
    return subprocess.run(command, input=text, env=env, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", NAMES)
def test_man_and_mandoc_have_nothing_to_say_about_it(name: str) -> None:
    read = run("man", "--warnings=all", "-l", str(FOLDER / name))
    assert (read.returncode, read.stderr) == (0, "")
    assert "SEE ALSO" in read.stdout
    lint = run("mandoc", "-T", "lint", "-W", "warning", str(FOLDER / name))
    assert (lint.returncode, lint.stdout) == (0, "")


def test_only_what_is_typed_or_printed_is_wider_than_a_terminal() -> None:
    read = run("man", "-l", str(FOLDER / "wlproxy.1"), width=80).stdout
    assert "SYNOPSIS" in read
    assert [line for line in read.split("\n") if len(line) > 80 and not line.startswith(" " * 11)] == []


def test_the_warnings_would_be_seen() -> None:
    assert run("mandoc", "-T", "lint", "-W", "warning", text=".TH X 1 2026-11-24\n.SH NAME\nx\n.XYZ\n").returncode != 0


def test_every_verb_option_permission_global_and_quota_is_there() -> None:
    first = made()["wlproxy.1"]
    for verb, parser in parsers().items():
        assert f'.SS "wlproxy {verb}"' in first
        body = first.partition(f'.SS "wlproxy {verb}"')[2].partition(".SS ")[0]
        for action in options(parser):
            assert all(option.replace("-", r"\-") in body for option in action.option_strings)
    assert set(parsers()) == set(VERBS)
    seventh = made()["wlproxy-permissions.7"]
    assert not [name for name in PERMISSIONS if rf"\fB{name}\fR".replace("-", r"\-") not in seventh]
    assert {key for permission in PERMISSIONS.values() for key in permission.parameters} == set(PARAMETERS)
    plain = re.sub(r"\\f.", "", made()["wlproxy-interfaces.7"])
    words = set(re.split(r"[\s,.:]+", plain))
    assert not [name for name in global_names(shipped()) if name not in words | {"wl_registry"}]
    assert set(QUOTA_WORDS) == set(QUOTAS)


def test_text_cannot_act_on_roff() -> None:
    page = Page("x", 7, "a page").section("S").text(".so /etc/passwd", "a\\*b 'c'").example("'so x\n.so y\n\\n(zZ")
    page.item("`-x`", "it is ≤ `a-b`, a-b")
    assert not [line for line in page.roff().split("\n") if line.startswith((".so", "'"))]
    shown = run("man", "--warnings=all", "-E", "UTF-8", "-l", "-", text=page.roff())
    assert shown.stderr == ""
    for said in (".so /etc/passwd", "a\\*b 'c'", "'so x", ".so y", "\\n(zZ", "it is ≤ a-b, a-b"):
        assert said in re.sub("\x1b\\[[0-9;]*m|.\b", "", shown.stdout).replace("‐", "-")


def test_the_tool_writes_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "man")]) == 0
    assert sorted(path.name for path in (tmp_path / "man").iterdir()) == sorted(NAMES)
    capsys.readouterr()
    assert main(["--check", str(tmp_path / "man")]) == 0
    (tmp_path / "man/wlproxy.1").write_text("old")
    assert main(["--check", str(tmp_path / "man")]) == 1
    assert "wlproxy.1: not up to date" in capsys.readouterr().out
    assert (tmp_path / "man/wlproxy.1").read_text() == "old"
