"""wlproxy verify, and what `run` and `serve` make of a signature."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.policy.test_load_compiled import path
from tests.sidecar.test_signature import sign, signed
from wlproxy.cli.main import main

__all__ = ["path", "signed"]  # fixtures


def told(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, dict[str, list[tuple[bool, str]]]]:
    code = main(["verify", *args, "--json"])
    found: dict[str, list[tuple[bool, str]]] = {}
    for row in json.loads(capsys.readouterr().out)["findings"]:
        found.setdefault(row["what"], []).append((row["holds"], row["says"]))
    return code, found


def test_all_of_it_holds(signed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = told(capsys, str(signed), "--allowed-signers", str(tmp_path / "allowed"))
    assert code == 0 and all(holds for rows in found.values() for holds, _ in rows)
    assert set(found) == {"content", "owners", "signature", "host", "origins"}
    assert found["signature"] == [(True, "by admin@example")]
    assert main(["verify", str(signed)]) == 0
    assert capsys.readouterr().out.endswith("verified\n")


def test_what_does_not_hold_has_its_exit_code(signed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sign(signed, tmp_path / "other")
    assert told(capsys, str(signed), "--allowed-signers", str(tmp_path / "allowed"))[0] == 3
    ceiling = tmp_path / "ceiling.toml"
    ceiling.write_text('format = 1\nname = "c"\n[global]\nwl_shm = 1\n')
    code, found = told(capsys, str(signed), "--ceiling", str(ceiling))
    assert code == 1 and not found["host"][0][0]
    signed.chmod(0o666)
    code, found = told(capsys, str(signed))
    assert code == 3 and "can be written to by everybody" in found["owners"][0][1]
    signed.chmod(0o644)
    signed.write_bytes(b"{}")
    assert told(capsys, str(signed))[0] == 1
    assert main(["verify", str(tmp_path / "none.json")]) == 2
    assert main(["verify", str(tmp_path)]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_other_bytes_of_the_same_meaning_are_told(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=1))
    assert told(capsys, str(path))[0] == 1


def test_origins_that_have_moved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, made = tmp_path / "p.toml", tmp_path / "p.json"
    text = 'format = 1\nname = "p"\n[global]\nwl_shm = 1\nwl_compositor = 6\n[permission]\nbell = "allow"\n'
    source.write_text(text)
    assert main(["compile", str(source), "-o", str(made)]) == 0
    capsys.readouterr()
    assert told(capsys, str(made))[1]["origins"] == [(True, "3 lines of 1 file, which say it still")]
    source.write_text(text.replace("wl_shm = 1\n", ""))
    code, found = told(capsys, str(made))
    assert code == 1 and f"{source}:4 no longer speaks of wl_shm" in found["origins"][0][1]
    source.unlink()
    code, found = told(capsys, str(made))
    assert code == 1 and "cannot be read from here" in found["origins"][0][1]


def test_a_guest_s_compiled_policy_is_beside_its_file(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guests = tmp_path / "guests.d"
    guests.mkdir()
    path.rename(guests / "p.json")
    (guests / "work.toml").write_text('format = 1\npolicy = "./p.json"\n')
    monkeypatch.chdir("/")
    assert main(["check", "--guests", str(guests)]) == 0
    assert main(["diff", "desktop", str(guests / "work.toml"), "--fail-on=wider"]) == 0
    (guests / "p.json").chmod(0o666)
    assert main(["check", "--guests", str(guests)]) == 1


def wlproxy(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-P", "-m", "wlproxy", *args], capture_output=True, text=True, timeout=60, check=False)


def test_run_and_serve_take_only_what_is_signed(signed: Path, tmp_path: Path) -> None:
    allowed = ["--allowed-signers", str(tmp_path / "allowed"), "--upstream", str(tmp_path / "none")]
    listen = f"unix:{tmp_path}/s"
    sign(signed, tmp_path / "other")
    for policy, word in ((str(signed), "its signature is not good"), ("strict", "only a compiled policy can be signed")):
        done = wlproxy("run", "--listen", listen, "--policy", policy, *allowed)
        assert done.returncode == 3 and word in done.stderr
        guests = tmp_path / "guests.d"
        guests.mkdir(exist_ok=True)
        (guests / "work.toml").write_text(f'format = 1\npolicy = "{policy}"\nlisten = ["{listen}"]\n')
        done = wlproxy("serve", "--config", str(guests), *allowed)
        assert done.returncode == 3 and word in done.stderr
