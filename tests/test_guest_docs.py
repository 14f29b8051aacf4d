"""The pages of docs/guests/: their URIs, command lines and files are ones that wlproxy takes, and each way says whether it was tried."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from wlproxy.cli import run, serve
from wlproxy.policy.document import Document
from wlproxy.policy.read_guest import read_guest
from wlproxy.sidecar.address import OPTIONS, ListenError, parse

PAGES = sorted((Path(__file__).parents[1] / "docs/guests").glob("*.md"))
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_command_lines(page: Path) -> None:
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers()
    run.register(verbs)
    serve.register(verbs)
    lines = re.findall(r"(?:^ {4}(?:host +)?|/)wlproxy ((?:run|serve) --.*?)(?:\"|$)", text_of(page), re.MULTILINE)
    assert lines
    for line in lines:
        parser.parse_args(shlex.split(line))


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
