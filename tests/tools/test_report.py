"""The report of a policy: complete, escaped, needing nothing, readable; and the verb's errors."""

from __future__ import annotations

import base64
import datetime
import hashlib
import os
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.scene import shipped
from wlproxy.cli.main import main
from wlproxy.cli.report import subject_of
from wlproxy.policy.compile import global_names
from wlproxy.policy.permissions import PERMISSIONS
from wlproxy.tools.report import openings_of, page, style

VOID = {"meta", "br", "wbr"}
EVIL = """format = 1
name = "evil"
summary = '''<script>alert(1)</script> " ' & \u202e'''
[vars]
vm = { type = "slug", default = "g" }
[global]
zwlr_screencopy_manager_v1 = 1
[permission]
screenshot = { verdict = "allow", note = "</style><img src=x onerror=alert(1)>" }
[message.xdg_toplevel]
set_app_id.args.app_id = { charset = "<>&\\"'" }
set_minimized = "deny"
[message.zwp_pointer_constraints_v1]
lock_pointer.args.lifetime = { in = ["oneshot"] }
[rewrite]
title = "<b>${vm}</b> {title}"
"""


class Reader(HTMLParser):
    """What stands in a page; raises where its elements do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag
        self.words.append("" if tag in ("code", "b") else " ")

    def handle_data(self, data: str) -> None:
        if self.stack[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


@cache
def report(name: str) -> str:
    return page(subject_of(name, {}, ""))


@pytest.fixture
def evil(tmp_path: Path) -> str:
    (tmp_path / "evil.toml").write_text(EVIL)
    return page(subject_of(str(tmp_path / "evil.toml"), {}, ""))


POLICIES = ("strict", "viewer", "desktop", "conferencing", "trusted", "transparent")


@pytest.mark.parametrize("name", POLICIES)
def test_a_page_needs_nothing_else(name: str) -> None:
    read = Reader(report(name))
    tags = {tag for tag, _ in read.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "form", "svg", "base"}
    attributes = {(key, value) for _, attrs in read.elements for key, value in attrs.items()}
    assert not [key for key, _ in attributes if key in ("style", "src") or key.startswith("on")]
    assert [value for key, value in attributes if key == "href"] == ["#main"]
    css = style()
    assert "url(" not in css and "@import" not in css and "</" not in css
    (policy,) = [attrs["content"] for tag, attrs in read.elements if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None and policy.startswith("default-src 'none'; style-src 'sha256-")
    (inside,) = re.findall("<style>(.*?)</style>", report(name), re.DOTALL)
    assert base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode() in policy


@pytest.mark.parametrize("name", POLICIES)
def test_a_page_has_the_structure_that_readers_aloud_need(name: str) -> None:
    read = Reader(report(name))
    ids = [attrs["id"] for _, attrs in read.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert all(attrs["aria-labelledby"] in ids for _, attrs in read.elements if "aria-labelledby" in attrs)
    tags = [tag for tag, _ in read.elements]
    assert (tags.count("main"), tags.count("h1"), tags.count("header")) == (1, 1, 1)
    assert tags.count("caption") == tags.count("table")
    assert all(attrs.get("scope") for tag, attrs in read.elements if tag == "th")
    assert ("html", {"lang": "en"}) in read.elements


@pytest.mark.parametrize("name", POLICIES)
def test_every_global_and_every_permission_is_on_it(name: str) -> None:
    read = Reader(report(name))
    words = set(re.findall(r"[a-z0-9_-]+", read.text))
    assert not set(global_names(shipped())) - words
    assert not set(PERMISSIONS) - words
    kinds = {f"c {kind}" for kind in ("open", "virtual", "ask", "shut", "never")}
    squares = [attrs for tag, attrs in read.elements if tag == "i" and attrs["class"] in kinds]
    assert len(squares) - 5 == len(global_names(shipped()))  # five stand in the legend


def test_what_it_says_is_what_the_compiled_policy_does() -> None:
    for name in POLICIES:
        subject = subject_of(name, {}, "")
        openings = openings_of(subject)
        assert {o.name: o.version for o in openings if o.verdict == "allow"} == {n: v for n, (v, _) in subject.compiled["globals"].items()}
        assert {o.name for o in openings if o.verdict == "virtual"} == set(subject.compiled["served"])


def test_the_headline_says_that_a_policy_only_complains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    until = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).replace(microsecond=0)
    path = tmp_path / "loud.toml"
    path.write_text(f'format = 1\nname = "loud"\nmode = "complain"\nuntil = {until.isoformat()}\n')
    assert main(["report", str(path), "-o", str(tmp_path / "page.html")]) == 0
    said = Reader((tmp_path / "page.html").read_text()).text
    assert f"This policy only complains, until {until:%Y-%m-%dT%H:%M:%SZ}." in said
    path.write_text('format = 1\nname = "loud"\nmode = "complain"\nuntil = 2020-12-05T18:00:00Z\n')
    assert main(["report", str(path), "-o", str(tmp_path / "page.html"), "--force"]) == 0
    said = Reader((tmp_path / "page.html").read_text()).text
    assert "only complains" not in said and "that moment has passed: the policy enforces" in said


def test_the_headline_follows_the_risk(evil: str) -> None:
    assert 'class="verdict warm"' in report("desktop")
    assert 'class="verdict hot"' in report("transparent")
    assert "1 open global reaches beyond the guest" in Reader(evil).text
    assert 'class="verdict hot"' in evil


def test_differences_are_those_of_the_parent() -> None:
    read = Reader(report("conferencing"))
    assert "What it changes of desktop" in read.text
    assert "permission.screencast" in read.text and "conferencing.toml:16" in read.text
    assert "It extends no other policy." in Reader(report("strict")).text


def test_rules_stand_in_words(evil: str) -> None:
    assert "lifetime one of oneshot" in Reader(evil).text
    text = Reader(report("desktop")).text
    assert "title as plain text on one line, cut at 256 bytes" in text
    assert "width from 1 to 16384" in text
    assert "2 GiB" in text
    assert "only visible" in text and "max-duration 2 h" in text


def test_text_of_a_policy_stays_text(evil: str) -> None:
    assert "<script" not in evil and "<img" not in evil and "<b>g" not in evil
    assert evil.count("</style>") == 1
    read = Reader(evil)
    assert "<script>alert(1)</script> \" ' & \ufffd" in read.text
    assert "</style><img src=x onerror=alert(1)>." in read.text
    assert "of the characters \"&'<>" in read.text


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    digits = colour.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_can_be_read_in_light_in_dark_and_on_paper() -> None:
    """WCAG AA: 4.5 to 1."""
    themes = [dict(re.findall(r"--([\w-]+):(#[0-9a-f]{3,6})", block)) for block in re.findall(r":root{(.*?)}", style())]
    assert len(themes) == 3
    for theme in themes:
        assert all(contrast(theme[ink], theme[paper]) >= 4.5 for ink in ("ink", "soft") for paper in ("paper", "card"))
        for tone in ("calm", "warm", "hot"):
            assert contrast(theme[tone], theme[f"{tone}-bg"]) >= 4.5
            assert contrast(theme["ink"], theme[f"{tone}-bg"]) >= 4.5
            assert contrast(theme[tone], theme["card"]) >= 4.5
        assert contrast(theme["soft"], theme["faint"]) >= 4.5


# the verb


def test_the_verb_writes_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "strict.html"
    assert main(["report", "strict", "-o", str(out)]) == 0
    assert out.read_text().startswith("<!DOCTYPE html>")
    assert main(["report", "strict", "-o", str(out)]) == 2
    assert "is there already; --force replaces it" in capsys.readouterr().err
    out.write_text("old")
    assert main(["report", "strict", "-o", str(out), "--force"]) == 0
    assert out.read_text() != "old"
    assert os.listdir(tmp_path) == ["strict.html"]


@pytest.mark.parametrize(("where", "why"), [("none/x.html", "No such file"), ("file/x.html", "Not a directory"), ("dir", "already")])
def test_a_place_where_nothing_can_be_written(where: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dir").mkdir()
    assert main(["report", "strict", "-o", str(tmp_path / where)]) == 2
    assert why in capsys.readouterr().err


def test_a_folder_is_not_replaced_by_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "strict", "-o", str(tmp_path), "--force"]) == 2
    assert "Is a directory" in capsys.readouterr().err


def test_a_broken_policy_gets_its_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.toml").write_text('format = 1\nname = "x"\n[global]\nwl_shmm = 1\n')
    assert main(["report", str(tmp_path / "x.toml"), "-o", str(tmp_path / "x.html")]) == 1
    assert 'did you mean "wl_shm"' in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()
    assert main(["report", "nowhere", "-o", str(tmp_path / "x.html")]) == 1
    assert main(["report", str(tmp_path / "y.json"), "-o", str(tmp_path / "x.html")]) == 1
    assert "compiled policy" in capsys.readouterr().err
