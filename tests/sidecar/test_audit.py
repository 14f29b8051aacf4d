"""Audit entries and the folding of floods."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wlproxy.core.outcome import ALL, DECISIONS, DENIED, GUEST, WOULD_DENY, Record
from wlproxy.sidecar.audit import BURST_LINES, Folder, entry_of, line, plain, short, wanted
from wlproxy.sidecar.audit_file import AuditFile
from wlproxy.sidecar.compilation import Compilation


def test_text_is_escaped_and_cut() -> None:
    assert plain("a\x1b[0m\nü\u202e") == r"a\x1b[0m\n\xfc\u202e"
    assert len(plain("\U0001f600" * 1000)) == 200


def test_repeats_are_folded() -> None:
    folder = Folder()
    lines = [line for _ in range(500) for line in folder.add({"event": "decision", "reason": "same"}, 10.0)]
    assert len(lines) == 1
    assert folder.tick(10.5) == []
    assert [json.loads(line)["count"] for line in folder.tick(11.0)] == [499]
    assert not folder.pending


def test_a_flood_is_cut_and_counted() -> None:
    folder = Folder()
    lines = [line for n in range(500) for line in folder.add({"event": "decision", "object": n}, 10.0)]
    assert len(lines) == BURST_LINES
    (gap,) = folder.tick(11.0)
    assert json.loads(gap)["event"] == "audit-gap" and json.loads(gap)["count"] == 500 - BURST_LINES


def test_the_relay_cannot_speak_for_another_guest() -> None:
    written = json.loads(line({"event": "connect", "guest": "bank", "ts": "then", "policy": {}}, "now", 1.0, "work", {"name": "p"}))
    assert (written["guest"], written["ts"], written["policy"]) == ("work", "now", {"name": "p"})


def test_what_was_allowed_does_not_crowd_out_refusals() -> None:
    folder = Folder()
    for number in range(1000):
        folder.add({"event": "decision", "verdict": "allow", "reason": str(number)}, 10.0)
    assert len(folder.add({"event": "decision", "verdict": "deny", "reason": "no"}, 10.5)) == 1


@pytest.mark.parametrize("entry", [{"event": "decision", "verdict": "would-deny"}, {"event": "shadow"}])
def test_what_would_have_been_refused_does_not_crowd_out_refusals_either(entry: dict[str, str]) -> None:
    folder = Folder()
    for number in range(1000):
        folder.add(entry | {"reason": str(number)}, 10.0)
    assert len(folder.add({"event": "decision", "verdict": "deny", "reason": "no"}, 10.5)) == 1


def test_what_would_have_been_refused_is_always_recorded() -> None:
    record = Record(WOULD_DENY, GUEST, "wl_surface", 3, "commit", "no", "ignore", "p.toml:3")
    entry = entry_of(record, 1, {})
    assert (entry["event"], entry["verdict"], entry["deny_as"]) == ("decision", "would-deny", "ignore")
    assert wanted(entry, DENIED)


def test_every_line_has_an_id_of_its_own_that_the_relay_cannot_give(tmp_path: Path) -> None:
    path = tmp_path / "audit"
    for guest in ("work", "bank"):
        file = AuditFile(str(path))
        log = file.log_of(guest)
        for number in range(40):
            log.add({"event": "connect", "client": number, "id": "mine"})
        file.close()
    ids = [json.loads(text)["id"] for text in path.read_text().splitlines()]
    assert len(ids) == 80 == len(set(ids)) and "mine" not in ids
    assert all(len(found) <= 14 and found.replace("-", "").isalnum() for found in ids)


def test_numbers_are_short() -> None:
    assert [short(number) for number in (0, 35, 36, 36**3)] == ["0", "z", "10", "1000"]


@pytest.mark.parametrize(
    ("event", "decided", "said"),
    [("bind", "allow", "allow"), ("bind", "virtual", "virtual"), ("rewritten", "rewrite", "rewrite"), ("refused", "inert", "deny")],
)
def test_what_the_proxy_serves_itself_is_no_refusal(event: str, decided: str, said: str) -> None:
    entry = entry_of(Record(event, 0, "wl_registry", 2, "bind", "a global", decided, "p.toml:1"), 1, {"pid": 2})
    assert entry["verdict"] == said and entry.get("deny_as") == (decided if said == "deny" else None)


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("", None),
        ("Report", "Report"),
        ("a\n\x1b[31m\u202e", "a\\n\\x1b[31m\\u202e"),
        ("x" * 64, "x" * 64),
        ("x" * 65, "x" * 61 + "..."),
        ("\U0001f600" * 64, ("\\U0001f600" * 7)[:61] + "..."),
    ],
)
def test_what_a_guest_calls_its_window_is_escaped_and_cut(said: str, written: str | None) -> None:
    entry = entry_of(Record("rewritten", 0, "xdg_toplevel", 8, "set_title", "sanitize", "allow", "p.toml:1", said), 1, {"pid": 2})
    assert entry["message"].get("said") == written


ENTRIES = (("connect", ""), ("decision", "deny"), ("decision", "allow"), ("decision", "virtual"), ("rewrite", "rewrite"), ("audit-gap", ""))


@pytest.mark.parametrize(("record", "left_out"), [(DENIED, {"allow", "virtual", "rewrite"}), (DECISIONS, {"rewrite"}), (ALL, set())])
def test_a_policy_says_how_much_is_recorded(tmp_path: Path, record: str, left_out: set[str]) -> None:
    file = AuditFile(str(tmp_path / "audit"))
    log = file.log_of("work")
    log.under({"name": "p", "sha256": "0"}, record)
    for event, verdict in ENTRIES:
        log.add({"event": event, "verdict": verdict} if verdict else {"event": event})
    file.close()
    written = [json.loads(text) for text in (tmp_path / "audit").read_text().splitlines()]
    assert [(entry["event"], entry.get("verdict", "")) for entry in written] == [e for e in ENTRIES if e[1] not in left_out]


@pytest.mark.parametrize(("text", "record"), [("", ALL), ('[audit]\nrecord = "denied"\npayload = "never"\n', DENIED)])
def test_the_broker_learns_of_it_with_the_policy(tmp_path: Path, text: str, record: str) -> None:
    path = tmp_path / "p.toml"
    path.write_text('format = 1\nname = "p"\n' + text)
    assert Compilation(str(path), {}).finish().record == record
