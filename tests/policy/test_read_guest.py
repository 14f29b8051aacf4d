"""Guests' files: what they say, and every mistake in them at its place."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.broken import planted
from wlproxy.cli.main import main
from wlproxy.core.errors import ConfigErrors
from wlproxy.policy.document import Document
from wlproxy.policy.load_guest import declared_only, guest_files, load_guest, means_guest, policy_of
from wlproxy.policy.read_guest import KEYS, read_guest
from wlproxy.sidecar.guest_files import checked

WORK = """format = 1
policy = "conferencing"
vars = { vm = "work", label = "Work", colour = "#2266cc" }
listen = ["unix:/run/wlproxy/work.sock", "vsock:1024?cid=7"]
upstream = "/run/user/1000/wayland-0"
audit = "-"
expires = 2027-01-31
shadow = "strict"
"""
BROKEN = """format = ‹2›                             #! format
policy = ‹3›                             #! type
‹polcy› = "strict"                       #! unknown-key
vars = { a = ‹1›, b = "x" }              #! type
listen = ["unix:/a", ‹"unix:/a"›, ‹4›]   #! twice type
upstream = ‹"wayland-0"›                 #! path
audit = ‹"audit.jsonl"›                  #! path
expires = ‹"2027-01-31"›                 #! type
shadow = ‹""›                            #! type
"""


def findings(text: str) -> list[tuple[int, int, str]]:
    document = Document("work.toml", text.encode())
    read_guest(document)
    return sorted((f.line, f.column, f.code) for f in document.findings)


def test_what_a_file_says(tmp_path: Path) -> None:
    path = tmp_path / "work.toml"
    path.write_text(WORK)
    document, guest = load_guest(str(path))
    assert not document.findings
    assert (guest.policy, guest.variables["label"], guest.audit) == ("conferencing", "Work", "-")
    assert guest.listen == ["unix:/run/wlproxy/work.sock", "vsock:1024?cid=7"]
    assert guest.shadow == "strict" and not document.warnings
    assert guest.expires == datetime.datetime(2027, 2, 1)
    last = datetime.datetime(2027, 1, 31, 23, 59, 59).timestamp()
    assert policy_of(guest, last) == ("conferencing", False)
    assert policy_of(guest, last + 1) == ("strict", True)


def test_an_expiry_to_the_second() -> None:
    document = Document("x", WORK.replace("2027-01-31", "2027-01-31T12:00:00Z").encode())
    expires = read_guest(document).expires
    assert expires is not None and expires.timestamp() == datetime.datetime(2027, 1, 31, 12, tzinfo=datetime.UTC).timestamp()


def test_every_mistake_has_its_place() -> None:
    text, expected = planted(BROKEN)
    assert findings(text) == sorted((line, column, code) for line, column, _, code in expected)


@pytest.mark.parametrize("date", ["0001-01-01", "9999-12-31", "9999-12-31T23:59:59Z"])
def test_dates_that_no_clock_shows(date: str) -> None:
    assert [code for _, _, code in findings(f'format = 1\npolicy = "strict"\nexpires = {date}\n')] == ["date"]


@pytest.mark.parametrize(
    ("uri", "says"),
    [("unx:/a", "unknown scheme"), ("vsock:1024", "cid=any"), ("stdio:", "wlproxy run"), ("unix:relative", "absolute")],
)
def test_uris_are_read_where_they_stand(tmp_path: Path, uri: str, says: str) -> None:
    path = tmp_path / "work.toml"
    path.write_text(f'format = 1\npolicy = "strict"\nlisten = [\n  "{uri}",\n]\n')
    with pytest.raises(ConfigErrors) as raised:
        checked(str(path))
    (finding,) = raised.value.findings
    assert (finding.line, finding.column) == (4, 3) and says in finding.message and "--listen" not in finding.message


KEY = st.one_of(st.sampled_from(KEYS), st.text("abc-", min_size=1, max_size=4))
VALUE = st.one_of(
    st.integers(-3, 3).map(str),
    st.text(max_size=8).map(json.dumps),
    st.lists(st.text(max_size=8).map(json.dumps), max_size=3).map(lambda items: f"[{', '.join(items)}]"),
    st.sampled_from(["true", "2027-01-31", "2027-01-31T00:00:00", "12:00:00", "{}", '{ a = "b" }', "nan"]),
)


@given(st.dictionaries(KEY, VALUE, max_size=6))
def test_any_file_gives_a_guest_or_findings(pairs: dict[str, str]) -> None:
    document = Document("x", "\n".join(f"{key} = {value}" for key, value in pairs.items()).encode())
    guest = read_guest(document)
    if not document.findings:
        assert guest.policy and all(isinstance(uri, str) for uri in guest.listen)


def test_what_belongs_into_the_policy() -> None:
    document = Document("x", b'format = 1\npolicy = "strict"\nmode = "complain"\n')
    read_guest(document)
    assert [(f.line, f.message) for f in document.findings] == [(3, "a guest's file has no 'mode': it stands in the policy")]


def test_the_files_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.toml", "a.toml", ".#a.toml", "a.toml~", "README"):
        (tmp_path / name).write_text("")
    assert [Path(path).name for path in guest_files(str(tmp_path))] == ["a.toml", "b.toml"]


def test_what_is_a_guests_file(tmp_path: Path) -> None:
    for name, text in (("guest", WORK), ("policy", 'format = 1\nname = "a"\n[global]\n'), ("test", 'policy = "a"\n[[case]]\nname = "x"\n')):
        (tmp_path / name).write_text(text)
    assert [name for name in ("guest", "policy", "test", "nothing") if means_guest(str(tmp_path / name))] == ["guest"]


def test_the_fallback_gets_the_values_that_it_knows() -> None:
    given_ = {"vm": "a", "label": "b", "team": "c"}
    assert declared_only("strict", given_) == {"vm": "a", "label": "b"}


def test_a_guests_name(tmp_path: Path) -> None:
    path = tmp_path / "a b.toml"
    path.write_text(WORK)
    document, _ = load_guest(str(path))
    assert [finding.code for finding in document.findings] == ["name"]


def test_check_guests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "work.toml").write_text(WORK)
    assert main(["check", "--guests", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert "work.toml: valid" in told.out and not told.err
    (tmp_path / "bad.toml").write_text('format = 1\npolicy = "strikt"\nlisten = ["unix:/a"]\n')
    (tmp_path / "odd.toml").write_text('format = 1\npolicy = "strict"\nvars = { team = "x" }\nlisten = ["unix:/a"]\n')
    assert main(["check", "--guests", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert "work.toml: valid" in told.out and "bad.toml:2:10: error[not-found]: policy 'strikt': no policy of that name" in told.err
    assert "odd.toml:3:10: error[unknown-variable]" in told.err
    assert main(["check", str(tmp_path / "work.toml"), "--fail-on", "warning"]) == 0
    assert main(["check", "--guests", str(tmp_path / "nothing")]) == 2
    assert main(["check"]) == 2


def test_check_is_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    until = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)).isoformat(timespec="seconds")
    (tmp_path / "loud.toml").write_text(f'format = 1\nname = "loud"\nmode = "complain"\nuntil = {until}\n')
    guests = tmp_path / "guests"
    guests.mkdir()
    (guests / "work.toml").write_text(WORK.replace('"conferencing"', '"../loud.toml"').replace("vars", "# vars"))
    main(["check", "--guests", str(guests), "--json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["code"], row["severity"], row["line"]) == ("complain", "warning", 2)


def test_check_looks_at_the_shadow_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "work.toml").write_text(WORK.replace('shadow = "strict"', 'shadow = "next.toml"').replace("next", "./next"))
    assert main(["check", str(tmp_path / "work.toml")]) == 1
    assert "error[not-found]: shadow './next.toml': No such file" in capsys.readouterr().err
    (tmp_path / "next.toml").write_text('format = 1\nname = "next"\n[global]\nwl_shmm = 1\n')
    assert main(["check", str(tmp_path / "work.toml")]) == 1
    assert "next.toml:4:1: error[unknown-interface]" in capsys.readouterr().err
