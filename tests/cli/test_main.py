"""What holds for every verb: the list of them, and a standard output that is full or gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wlproxy.cli.main import VERBS

ROOT = Path(__file__).parents[2]
FULL = "/dev/full"


def wlproxy(*args: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    command = [sys.executable, "-m", "wlproxy", *args]
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=30, check=False)


def test_the_list_of_verbs_imports_none_of_them():
    code = (
        "import sys; from wlproxy.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in sys.modules if m.startswith('wlproxy.') and m.count('.') == 2 and '.cli.' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    listed, _, imported = done.stdout.rstrip().rpartition("\n")
    words = listed.split()
    assert all(verb in words and does in listed for verb, does in VERBS.items())
    assert imported == "['wlproxy.cli.output', 'wlproxy.cli.main']"


def test_every_file_of_a_verb_is_in_the_list():
    files = {p.stem for p in (ROOT / "wlproxy" / "cli").glob("*.py") if "def register(" in p.read_text()}
    assert files == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb):
    done = wlproxy(verb, "--help")
    assert done.returncode == 0 and "example:" in done.stdout


@pytest.mark.parametrize("args", [[], ["bogus"], ["-q", "run"], ["--", "run"]])
def test_without_a_verb_it_is_usage(args):
    done = wlproxy(*args)
    assert done.returncode == 2 and done.stderr.startswith("usage: wlproxy ")


@pytest.mark.skipif(not os.path.exists(FULL), reason=f"no {FULL}")
@pytest.mark.parametrize("args", [["check", "strict"], ["compile", "strict"], ["--help"], ["doctor", "--json"]], ids=" ".join)
def test_a_full_standard_output_is_said_once(args):
    with open(FULL, "wb") as full:
        done = wlproxy(*args, stdout=full.fileno())
    assert (done.returncode, done.stderr) == (
        74,
        "wlproxy: standard output: No space left on device; what was printed is not complete\n",
    )


@pytest.mark.parametrize("args", [["check", "strict"], ["compile", "strict"], ["doctor"]], ids=" ".join)
def test_a_reader_that_has_gone_is_no_news(args):
    reader, writer = os.pipe()
    os.close(reader)
    done = wlproxy(*args, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists(FULL), reason=f"no {FULL}")
def test_a_full_log_is_no_reason_to_end():
    code = "from wlproxy.sidecar.say import say; say('x'); print('goes on', flush=True)"
    with open(FULL, "wb") as full:
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=full, timeout=30, check=False)
    assert done.stdout == b"goes on\n"
