"""What `pip install` makes of the source tree: both builds, the way back where compiling fails, the data, nothing of this machine.

The wheels are built from a copy, with the build tools that are installed here. That the compiled wheel works is shown by every other
test of a compiled run: `make` installs that wheel and tests it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from wlproxy.cli.doctor import build_word, data_plane

ROOT = Path(__file__).resolve().parent.parent
GENERATED = shutil.ignore_patterns("__pycache__", "*.so", "build", "dist", ".*", "*.egg-info")
INTERPRETED_NAME = r"wlproxy-[\d.]+-py3-none-any\.whl"
NEEDED_TO_BUILD = ("setuptools", "mypyc")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in NEEDED_TO_BUILD:
        pytest.importorskip(name)
    copy = tmp_path / "source"
    shutil.copytree(ROOT, copy, ignore=GENERATED)
    return copy


def build(source: Path, out: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "pip", "wheel", "-v", "--no-deps", "--no-build-isolation", "-w", str(out), str(source)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WLPROXY_") and name != "PYTHONPATH"}
    return subprocess.run(command, env=clean | env, capture_output=True, text=True, timeout=300)


def only_wheel(folder: Path) -> Path:
    (wheel,) = folder.glob("*.whl")
    return wheel


def in_wheel(path: Path) -> str:
    """Where a file of the source tree stands in the wheel."""
    top, *rest = path.relative_to(ROOT).parts
    return "/".join([{"protocols": "wlproxy/protocols_data", "policies": "wlproxy/policies_data"}.get(top, top), *rest])


@pytest.mark.packaging
def test_the_interpreted_build_has_every_file_and_runs(source: Path, tmp_path: Path) -> None:
    done = build(source, tmp_path / "out", WLPROXY_BUILD="interpreted")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "NOTE: compiling was switched off" in done.stdout + done.stderr
    wheel = only_wheel(tmp_path / "out")
    assert re.fullmatch(INTERPRETED_NAME, wheel.name)
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    files = [path for top in ("wlproxy", "protocols", "policies") for path in (ROOT / top).rglob("*") if path.is_file()]
    expected = {in_wheel(path) for path in files if "__pycache__" not in path.parts and path.suffix != ".so"}
    assert expected <= names
    pages = {path.name for path in (ROOT / "docs/man").glob("*.[1-8]")}
    assert pages == {os.path.basename(name) for name in names if f".data/data/share/man/man{name[-1]}/" in name}
    assert not {name for name in names if name.startswith(("tests", "bench")) or name.endswith(".so")}

    # PYTHONPATH comes before what is installed; the working folder has no source tree to find the data in
    env = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    script = (
        "import wlproxy.policy.load_protocols as load, wlproxy.cli.doctor as doctor\n"
        "print(load.__file__, len(load.load_shipped()) > 100, doctor.build_word(doctor.data_plane()))"
    )
    ran = subprocess.run([sys.executable, "-P", "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == [str(tmp_path / "site/wlproxy/policy/load_protocols.py"), "True", "interpreted"]


@pytest.mark.packaging
def test_without_a_compiler_it_falls_back_and_says_so(source: Path, tmp_path: Path) -> None:
    done = build(source, tmp_path / "out", CC="false")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "NOTE: there is no working C compiler" in done.stdout + done.stderr
    assert re.fullmatch(INTERPRETED_NAME, only_wheel(tmp_path / "out").name)


@pytest.mark.packaging
def test_without_a_compiler_it_fails_where_compiled_is_demanded(source: Path, tmp_path: Path) -> None:
    done = build(source, tmp_path / "out", CC="false", WLPROXY_BUILD="compiled")
    assert done.returncode != 0
    assert "WLPROXY_BUILD=compiled, but there is no working C compiler" in done.stdout + done.stderr


@pytest.mark.packaging
def test_sources_that_mypyc_refuses_fall_back_too(source: Path, tmp_path: Path) -> None:
    with (source / "wlproxy/core/errors.py").open("a") as file:
        file.write('\nBROKEN: int = "not a number"\n')
    done = build(source, tmp_path / "out")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert re.search("NOTE: (mypyc did not accept the sources|there is no working C compiler)", done.stdout + done.stderr)


def test_doctor_looks_at_what_setup_compiles() -> None:
    text = (ROOT / "setup.py").read_text(encoding="utf-8")
    patterns = re.findall(r'"(wlproxy/[^"]+\.py)"', text)
    compiled = {path for pattern in patterns for path in ROOT.glob(pattern) if path.name != "__init__.py"}
    assert compiled
    assert set(data_plane()) == {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in compiled}


def test_all_of_the_data_plane_is_of_one_build() -> None:
    assert build_word(data_plane()) in ("compiled", "interpreted")


def test_development_requirements_are_pinned_and_cover_the_extras() -> None:
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines if line and not line.startswith("#")}
    assert all("==" in line for line in lines if line and not line.startswith("#"))
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    named = project["project"]["dependencies"] + [item for extra in ("tools", "test") for item in extras(project, extra)]
    named += project["build-system"]["requires"]
    missing = {re.split(r"[^\w.-]", item)[0].lower().replace("_", "-") for item in named} - pinned
    assert not missing


def extras(project: dict[str, dict[str, dict[str, list[str]]]], name: str) -> list[str]:
    return [item for item in project["project"]["optional-dependencies"][name] if not item.startswith("wlproxy[")]


# spelt so that this file does not find itself
MACHINE = re.compile(
    r"(?<![\w./>}$-])/(?:ro[o]t|wo[r]k|ho[m]e/\w+)/\w"
    r"|pyp[i]\.org|pyth[o]nhosted|deb\.deb[i]an\.org|(?:index|find)-[l]inks?\b"
)


def test_nothing_names_a_machine_or_a_registry() -> None:
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True)
    if listed.returncode:
        pytest.skip("not a git work tree")
    found = []
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), 1):
            if MACHINE.search(line[:2000]):
                found.append(f"{name}:{number}: {line.strip()[:120]}")
    assert not found, "\n".join(found)
