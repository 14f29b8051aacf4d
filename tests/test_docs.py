"""What is written about wlproxy: the command lines, URIs and guests' files in it are ones that wlproxy takes; each way to connect a guest
says whether it was tried."""

from __future__ import annotations

import argparse
import itertools
import re
import shlex
from pathlib import Path

import pytest

from wlproxy.cli.main import VERBS
from wlproxy.cli.verbs import parsers
from wlproxy.policy.document import Document
from wlproxy.policy.read_guest import read_guest
from wlproxy.sidecar.address import OPTIONS, ListenError, parse

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs/guests").glob("*.md"))
PROSE = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("packaging/systemd/*"), *PAGES])
URI = re.compile(rf"(?<![\w+/-])(?:{'|'.join(map(re.escape, OPTIONS))}):[^\s'\"`,\]]+")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8").replace("$XDG_RUNTIME_DIR", "/run/user/1000")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_uris(page: Path) -> None:
    found = URI.findall(text_of(page))
    assert found
    for uri in found:
        try:
            parse(uri)
        except ListenError as error:
            assert "there is no group" in str(error)  # of this machine


def commands(text: str) -> list[str]:
    """What stands after "wlproxy": in lines of code (up to a remark, which more than one space parts from it), between backticks, and as
    the program of a unit."""
    found = re.findall(r"^ {4}(?:host +)?(?:WAYLAND_DISPLAY=\S+ )?wlproxy (.*?)(?: {2,}.*)?$", text.replace("\\\n", ""), re.MULTILINE)
    found += [" ".join(words.split()) for words in re.findall(r"`wlproxy\s([^`]*)`", text)]
    return found + re.findall(r"/bin/wlproxy ([^\"\n]*)", text.replace("\\\n", ""))


@pytest.mark.parametrize("page", PROSE, ids=lambda page: page.name)
def test_command_lines(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every verb that a page names is there, and takes what it is given; of "a|b" the first."""
    known = parsers()
    for line in commands(text_of(page)):
        verb, *words = (word.split("|")[0] for word in shlex.split(line))
        if verb not in ("NAME", "--version"):
            assert verb in known, line
            if words and words != ["--help"]:
                assert parses(known[verb], words), f"{line}: {capsys.readouterr().err}"


@pytest.mark.parametrize("verb", VERBS)
def test_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that `wlproxy VERB --help` ends with, up to a remark or to what is another program's."""
    known = parsers()
    for line in re.findall(r"^  (?:\S+=\S+ )?wlproxy ((?:'[^']*'| (?! )|[^ \n])*)", known[verb].epilog or "", re.MULTILINE):
        lexer = shlex.shlex(line.replace("%%", "%"), posix=True, punctuation_chars=True)
        lexer.whitespace_split, lexer.commenters = True, ""
        words = list(itertools.takewhile(lambda word: word not in ("|", ">", "&&"), lexer))
        if "..." not in words:
            assert parses(known[words[0]], words[1:]), f"{line}: {capsys.readouterr().err}"


def parses(parser: argparse.ArgumentParser, words: list[str]) -> bool:
    try:
        parser.parse_args(words)
    except SystemExit:
        return False
    return True


def test_the_reader_of_command_lines() -> None:
    text = "    host    wlproxy run --guest x     a remark\n`wlproxy\nctl status` `wlproxy.x`\n"
    text += "Exec=/usr/bin/wlproxy serve --audit \\\n -\n    wlproxy show a\n"
    assert commands(text) == ["run --guest x", "show a", "ctl status", "serve --audit  -"]


def test_guests_files() -> None:
    blocks = [block for page in PAGES for block in re.findall(r"```toml\n(.*?)```", text_of(page), re.DOTALL)]
    assert blocks
    for block in blocks:
        document = Document("page", block.encode())
        read_guest(document)
        assert not document.findings


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem != "README"], ids=lambda page: page.stem)
def test_each_way_says_whether_it_was_tried(page: Path) -> None:
    """In its heading, in that of the page, or in the first words below it."""
    text = page.read_text(encoding="utf-8")
    if "(untested)" in text.splitlines()[0]:
        return
    ways = text.split("\n## ")[1:] or [text]
    for way in ways:
        assert "(untested)" in way.splitlines()[0] or re.search(r"^Tried: ", way, re.MULTILINE), way


def test_every_page_is_in_the_list() -> None:
    listed = (PAGES[0].parent / "README.md").read_text(encoding="utf-8")
    assert all(f"({page.name})" in listed for page in PAGES if page.stem != "README")
