"""A sidecar with a shadow policy: what its audit log, its status and its metrics say, and the report that adds it up."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sidecar.conftest import Compositor, Serve, Sidecar, until
from tests.sidecar.test_cli import wlproxy
from tests.sidecar.test_control import status
from tests.sidecar.wayland import Talk
from wlproxy.cli.ctl import details
from wlproxy.cli.main import main
from wlproxy.tools.metrics import exposition
from wlproxy.tools.shadow_report import report_of

Start = Callable[..., Sidecar]


def policy(path: Path, rules: str = "", name: str = "plain") -> str:
    path.write_text(f'format = 1\nname = "{name}"\n[upstream]\nsecurity-context = "off"\n[global]\nwl_compositor = 6\n{rules}\n')
    return str(path)


NO_REGIONS = '[message.wl_compositor]\ncreate_region = "deny"'


def told(sidecar: Sidecar) -> list[tuple[str, str, int]]:
    return [(e["shadow"]["would_be"], e["message"]["name"], e["count"]) for e in sidecar.audit("shadow")]


def test_a_shadow_decides_nothing_and_its_log_adds_up(
    tmp_path: Path, compositor: Compositor, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    real, shadow = policy(tmp_path / "p.toml"), policy(tmp_path / "s.toml", NO_REGIONS, "next")
    sidecar = start(policy=real, shadow=shadow, real=True, control=str(tmp_path / "c"))
    talk = Talk(sidecar, compositor)
    for number in range(4, 9):
        assert talk.region(number)
    until(lambda: told(sidecar) == [("stricter", "create_region", 1)], "the first")
    found = until(lambda: (one := status(tmp_path / "c"))["relay"]["shadow_differences"]["stricter"] == 5 and one, "the count")
    assert found["shadow"]["name"] == "next" and found["shadow"]["sha256"] != found["policy"]["sha256"]
    assert any("would refuse 5 messages that passed" in line for line in details(found))
    assert 'wlproxy_shadow_differences_total{guest="guest",kind="stricter"} 5' in exposition([found], frozenset())
    talk.close()
    until(lambda: told(sidecar) == [("stricter", "create_region", 1), ("stricter", "create_region", 4)], "the rest")
    assert sidecar.audit("decision")[-1]["verdict"] == "allow"  # the bind
    assert main(["shadow", "report", str(sidecar.audit_path), "--fail-on", "wider"]) == 0
    text = capsys.readouterr().out
    assert "next" in text and "5 messages would be refused that passed, 0 the other way round" in text
    assert "    5  stricter  wl_compositor.create_region" in text and "s.toml:8" in text
    assert main(["shadow", "report", str(sidecar.audit_path), "--fail-on", "stricter", "--json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)["shadows"][0]["rows"]
    assert row["count"] == 5 and row["first"] <= row["last"] and row["example"].startswith("wl_compositor#3.create_region: not allowed")


def test_a_reload_changes_the_shadow_too(
    tmp_path: Path, compositor: Compositor, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    real, shadow = policy(tmp_path / "p.toml"), policy(tmp_path / "s.toml", NO_REGIONS, "next")
    sidecar = start(policy=real, shadow=shadow, real=True, control=str(tmp_path / "c"))
    talk = Talk(sidecar, compositor)
    assert talk.region(4)
    talk.close()
    until(lambda: told(sidecar), "the difference")
    policy(tmp_path / "s.toml", name="next")
    done = wlproxy("ctl", "reload", "guest", "--wait", "--control", str(tmp_path / "c"))
    assert "guest: applied" in done.stdout  # though the policy in force is the same
    talk = Talk(sidecar, compositor)
    assert talk.region(4)
    talk.close()
    until(lambda: len(sidecar.audit("disconnect")) == 2, "the end")
    assert len(told(sidecar)) == 1
    assert main(["shadow", "report", str(sidecar.audit_path), "--fail-on", "any"]) == 0
    text = capsys.readouterr().out
    assert "no difference" in text and "earlier versions of a shadow differed over 1 messages" in text
    assert main(["shadow", "report", str(sidecar.audit_path), "--fail-on", "any", "--all"]) == 1


def test_a_shadow_that_is_wrong(tmp_path: Path, compositor: Compositor, start: Start) -> None:
    real, shadow = policy(tmp_path / "p.toml"), policy(tmp_path / "s.toml", "wl_shmm = 1", "next")
    done = wlproxy("run", "--listen", f"unix:{tmp_path}/g", "--upstream", str(compositor.path), "--policy", real, "--shadow", shadow)
    assert done.returncode == 6 and "s.toml:7:1: error[unknown-interface]" in done.stderr
    policy(tmp_path / "s.toml", "", "next")
    sidecar = start(policy=real, shadow=shadow, real=True)
    policy(tmp_path / "s.toml", "wl_shmm = 1", "next")
    sidecar.process.send_signal(signal.SIGHUP)
    until(lambda: sidecar.audit("policy-reject"), "the refusal")
    assert "the policy in force stays" in sidecar.errors.read_text()


def test_a_shadow_is_held_to_the_floor(tmp_path: Path, compositor: Compositor) -> None:
    real, shadow = policy(tmp_path / "p.toml"), policy(tmp_path / "s.toml", "ext_session_lock_manager_v1 = 1", "next")
    done = wlproxy("run", "--listen", f"unix:{tmp_path}/g", "--upstream", str(compositor.path), "--policy", real, "--shadow", shadow)
    assert done.returncode == 6 and "error[never]" in done.stderr


def test_a_compiled_file_cannot_bring_a_shadow(tmp_path: Path, compositor: Compositor) -> None:
    policy(tmp_path / "p.toml")
    assert main(["compile", str(tmp_path / "p.toml"), "-o", str(tmp_path / "p.json")]) == 0
    whole = json.loads((tmp_path / "p.json").read_text())
    (tmp_path / "p.json").write_text(json.dumps(whole | {"shadow": whole}))
    done = wlproxy("run", "--listen", f"unix:{tmp_path}/g", "--upstream", str(compositor.path), "--policy", str(tmp_path / "p.json"))
    assert done.returncode == 6 and "was damaged or edited" in done.stderr


def test_a_guests_file_names_its_shadow(serve: Serve, compositor: Compositor, tmp_path: Path) -> None:
    """Beside the file, with the variables that it has of those that are given."""
    labelled = policy(tmp_path / "p.toml", '[vars]\nlabel = { type = "text" }')
    policy(tmp_path / "next.toml", NO_REGIONS, "next")
    serve.guest("work", vars='{ label = "x" }', shadow='"../next.toml"')
    file = serve.files / "work.toml"
    file.write_text(file.read_text().replace(serve.policy, labelled))
    serve.start()
    (line,) = until(lambda: serve.audit("policy-load", "work"), "the start")
    assert line["shadow"]["policy"] == "next" and line["policy"]["name"] == "plain"


# -- the report


def test_no_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shadow", "report", str(tmp_path / "none")]) == 2
    for text in (b"\x7fELF\0\0{\n" * 9, b"# wlproxy\n{}\n", b'{"event": "decis'):
        (tmp_path / "log").write_bytes(text)
        assert main(["shadow", "report", str(tmp_path / "log")]) == 2
        assert "log: no line of it is an event: give what --audit has written" in capsys.readouterr().err
    with open(tmp_path / "log", "wb") as file:
        file.truncate((1 << 32) + 1)
    assert main(["shadow", "report", str(tmp_path / "log")]) == 2
    assert "log: is larger than 4 GiB" in capsys.readouterr().err


def test_a_gate_that_nobody_passed_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").write_text(
        '{"event": "policy-load", "guest": "work", "shadow": {"policy": "next", "sha256": "00"}, "policy": {"name": "p"}}\n{"event": "sha'
    )
    gate = ["shadow", "report", str(tmp_path / "log"), "--fail-on", "any", "--guest"]
    assert main([*gate, "work"]) == 0
    assert "no difference" in capsys.readouterr().out
    assert main([*gate, "wrok"]) == 2
    assert "no shadow of guest wrok has been asked" in capsys.readouterr().out
    (tmp_path / "empty").touch()
    assert main(["shadow", "report", str(tmp_path / "empty")]) == 0
    (tmp_path / "log").write_text('{"event": "shadow", "shadow": {"policy": 3}, "guest": "work"}\n')
    assert main([*gate, "work"]) == 2


KEYS = ("event", "shadow", "policy", "sha256", "would_be", "message", "interface", "name", "count", "first", "mono", "ts", "decided")
values = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["shadow", "policy-load", "stricter"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(KEYS), values, max_size=10), max_size=6))
def test_a_report_takes_whatever_a_log_says(entries: list[dict[str, Any]]) -> None:
    report = report_of(entries, every=True)
    assert report.older == 0 and all(row.count >= 0 for one in report.beside for row in one.rows.values())


def line(ts: str, count: int, sha256: str = "1", guest: str = "work", would_be: str = "stricter", mono: float = 100.0) -> dict[str, Any]:
    return {
        "event": "shadow", "ts": f"2026-11-23T{ts}Z", "mono": mono, "guest": guest, "policy": {"name": "p"},
        "shadow": {"policy": "next", "sha256": sha256, "would_be": would_be}, "reason": f"why {count}", "decided": {"rule": "next.toml:8"},
        "message": {"dir": "request", "interface": "wl_surface", "object": count, "name": "commit"},
        "count": count, "first": 90.0, "last": 99.5,
    }  # fmt: skip


def test_rows_add_up_over_logs_in_any_order() -> None:
    late, early = line("12:00:00.5", 7), line("10:00:00.5", 3)
    for entries in ([late, early], [early, late]):
        (row,) = report_of(entries).beside[0].ordered()
        assert (row.count, row.first, row.last) == (10, "2026-11-23T09:59:50", "2026-11-23T11:59:59")
        assert row.example == "wl_surface#3.commit: why 3"


def test_the_youngest_shadow_of_each_guest_counts() -> None:
    entries = [line("10:00:00", 1, "old"), line("11:00:00", 2, "new"), line("09:00:00", 4, "old", guest="other")]
    entries.append({"event": "audit-gap", "count": 5})
    report = report_of(entries)
    assert [(one.guest, one.sha256, one.total("stricter")) for one in report.beside] == [("other", "old", 4), ("work", "new", 2)]
    assert (report.older, report.lost) == (1, 5)
    assert len(report_of(entries, every=True).beside) == 3 and len(report_of(entries, "work").beside) == 1
