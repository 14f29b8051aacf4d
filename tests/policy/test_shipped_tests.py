"""The shipped policies' own test files, in the default suite."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wlproxy.cli.main import main
from wlproxy.policy.load import shipped_names

TESTS = Path(__file__).parents[2] / "policies" / "tests"


def test_every_shipped_policy_has_one() -> None:
    assert {path.name.removesuffix(".test.toml") for path in TESTS.glob("*.test.toml")} == set(shipped_names())


@pytest.mark.parametrize("path", sorted(TESTS.glob("*.test.toml")), ids=lambda path: path.name)
def test_the_policy_does_what_its_tests_say(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["test", str(path), "--json"])
    (report,) = json.loads(capsys.readouterr().out)
    assert [(r["name"], r["failure"]) for r in report["results"] if not r["passed"]] == []
    assert report["coverage"] == 100 and code == 0


def test_without_arguments_the_shipped_ones_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test"]) == 0
    assert capsys.readouterr().out.count("ok  ") == len(shipped_names())
