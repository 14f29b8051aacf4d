"""protocols/ against its originals and against pywayland's scanner, and the tool that makes it."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import pkgutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from wlproxy.core.compact import LETTERS, from_compact
from wlproxy.core.errors import ConfigErrors
from wlproxy.core.protocol import NEW_ID, Interface, Message
from wlproxy.policy.load_protocols import load_shipped
from wlproxy.policy.protocol_set import breaks
from wlproxy.policy.protocol_xml import parse_protocol
from wlproxy.tools import distil
from wlproxy.tools.distil import corrected, find_original
from wlproxy.tools.distilled_xml import licence_of
from wlproxy.tools.manifest import Source, manifest_bytes, read_manifest

PROTOCOLS = Path(__file__).parents[2] / "protocols"  # the tree's, not an installation's
MANIFEST = read_manifest(PROTOCOLS)
SOURCES = pytest.mark.parametrize("source", MANIFEST.files, ids=lambda source: source.path)

# where Debian packages install protocol XML
INSTALLED = (
    "wayland",
    "wayland-protocols",
    "plasma-wayland-protocols",
    "libweston-*/protocols",
    "wayland-eglstream",
    "hyprland-protocols",
    "treeland-protocols",
    "qt6/wayland",
    "wayfire/protocols",
)
# upstream put a request before `destroy` between treeland-protocols 0.4.5 (trixie) and 0.7.0
REORDERED_UPSTREAM = {"treeland_output_manager_v1"}


@cache
def shipped() -> dict[str, Interface]:
    return load_shipped()


def distilled(source: Source) -> list[Interface]:
    return parse_protocol((PROTOCOLS / source.path).read_bytes(), source.path)


# the distilled files and their originals


@pytest.mark.parametrize("package", sorted({(source.package, source.version) for source in MANIFEST.files}), ids=" ".join)
def test_equals_the_installed_originals(package: tuple[str, str]) -> None:
    """Where files with the manifest's hashes are installed; else the next test compares with what is.

    WLPROXY_ORIGINALS names a folder of unpacked packages, as tools/fetch_originals.py makes it, to compare with as well.
    """
    roots = [Path("/"), *map(Path, filter(None, os.environ.get("WLPROXY_ORIGINALS", "").split(":")))]
    compared = 0
    for source in MANIFEST.files:
        data = find_original(source, roots) if (source.package, source.version) == package else None
        if data is not None:
            assert distilled(source) == parse_protocol(corrected(source, data), source.original)
            compared += 1
    if not compared:
        pytest.skip(f"nothing of {' '.join(package)} is installed here")


def installed_xml() -> list[Path]:
    found = [file for folder in INSTALLED for file in Path("/usr/share").glob(f"{folder}/**/*.xml")]
    return sorted(file for file in found if b"<protocol" in file.read_bytes())


@pytest.mark.parametrize("path", installed_xml() or [None], ids=str)
def test_stands_in_for_what_is_installed(path: Path | None) -> None:
    """Debian 12's files are older than ours: each interface of theirs must read the same bytes in ours."""
    if path is None:
        pytest.skip("neither libwayland-dev nor wayland-protocols is installed here")
    refused = {Path(entry.original).name for entry in MANIFEST.refused}
    if path.name in refused:
        pytest.skip("left out, see [[refused]] in the manifest")
    for theirs in parse_protocol(path.read_bytes(), str(path)):
        if theirs.version > shipped()[theirs.name].version:
            pytest.skip(f"the package that installed {path} is newer than our source")
        if theirs.name not in REORDERED_UPSTREAM:
            assert breaks(theirs, shipped()[theirs.name]) == []


@SOURCES
def test_distilled_files_say_nothing_but_facts(source: Source) -> None:
    text = (PROTOCOLS / source.path).read_text("utf-8")
    assert not [word for word in ("<description", "<copyright", "summary=") if word in text]
    assert text.splitlines()[1].startswith(f"<!-- SPDX-License-Identifier: {source.licence}")
    assert text.count("<!--") == 1


def test_manifest_names_everything_and_no_machine() -> None:
    files = {str(path.relative_to(PROTOCOLS)) for path in PROTOCOLS.rglob("*.xml")}
    assert {source.path for source in MANIFEST.files} == files
    assert all(len(source.sha256) == 64 and source.licence and source.interfaces for source in MANIFEST.files)
    assert all(not source.original.startswith("/") and source.kind in ("deb", "deb-source") for source in MANIFEST.files)
    assert manifest_bytes(MANIFEST) == (PROTOCOLS / "MANIFEST.toml").read_bytes()


def test_compiled_form_is_what_the_xml_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert distil.main(["--check", "--protocols", str(PROTOCOLS)]) == 0, capsys.readouterr().err
    assert shipped() == distil.read_distilled(PROTOCOLS, MANIFEST)


# pywayland's scanner as the reference reader, and the protocols that pywayland bundles. It appends "_" to names that are
# Python's own ("global", "import").


def scanner_signature(message: Message) -> list[tuple[str, str, str | None, bool]]:
    return [(a.name.rstrip("_"), LETTERS[a.type], a.interface or None, a.nullable) for a in message.arguments]


@SOURCES
def test_pywayland_scanner_reads_the_same(source: Source) -> None:
    scanner = pytest.importorskip("pywayland.scanner", reason="pywayland is not installed")
    kinds = pytest.importorskip("pywayland.scanner.argument").ArgumentType
    letters = {
        kinds.Int: "i",
        kinds.Uint: "u",
        kinds.Fixed: "f",
        kinds.String: "s",
        kinds.Object: "o",
        kinds.NewId: "n",
        kinds.Array: "a",
        kinds.FileDescriptor: "h",
    }
    theirs = scanner.Protocol.parse_file(str(PROTOCOLS / source.path)).interface
    ours = distilled(source)
    assert [interface.name for interface in theirs] == [interface.name for interface in ours]
    for their, our in zip(theirs, ours, strict=True):
        assert int(their.version) == our.version
        for their_messages, our_messages in ((their.request, our.requests), (their.event, our.events)):
            assert [(m.name.rstrip("_"), int(m.since or 1)) for m in their_messages] == [(m.name, m.since) for m in our_messages]
            for their_message, our_message in zip(their_messages, our_messages, strict=True):
                signature = [(a.name.rstrip("_"), letters[a.type], a.interface, a.allow_null) for a in their_message.arg]
                assert signature == scanner_signature(our_message)
                assert [a.enum for a in their_message.arg] == [a.enum or None for a in our_message.arguments]
        their_enums = [(enum.name, int(enum.since or 1), enum.is_bitfield) for enum in their.enum]
        assert their_enums == [(enum.name, enum.since, enum.bitfield) for enum in our.enums]
        for their_enum, our_enum in zip(their.enum, our.enums, strict=True):
            entries = [(entry.name, int(entry.value, 0), int(entry.since or 1)) for entry in their_enum.entry]
            assert entries == [(entry.name, entry.value, entry.since) for entry in our_enum.entries]


def bundled_modules() -> list[str]:
    try:
        bundle = importlib.import_module("pywayland.protocol")
    except ImportError:
        return []
    return sorted(module.name for module in pkgutil.iter_modules(bundle.__path__))


def wire_signature(message: Message) -> str:
    letters = ["sun" if a.type == NEW_ID and not a.interface else LETTERS[a.type] for a in message.arguments]
    return "".join("?" * a.nullable + letter for a, letter in zip(message.arguments, letters, strict=True))


@pytest.mark.parametrize("name", bundled_modules() or [None])
def test_holds_what_pywayland_bundles(name: str | None) -> None:
    """The wheel has no XML, but its generated modules say the same. Debian's and pywayland's differ in age only."""
    if name is None:
        pytest.skip("pywayland is not installed")
    if name == "xdg_shell_unstable_v5":
        pytest.skip("left out, see [[refused]] in the manifest")
    module: ModuleType = importlib.import_module(f"pywayland.protocol.{name}")
    base = importlib.import_module("pywayland.protocol_core").Interface
    theirs: list[Any] = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, base)]
    for their in theirs:
        if their.__module__ != module.__name__:  # imported: the base, and what other protocols define
            continue
        our = shipped()[their.name]
        assert our.version >= their.version, f"{their.name}: pywayland is newer"
        for their_messages, our_messages in ((their.requests, our.requests), (their.events, our.events)):
            if our.version == their.version:
                assert len(their_messages) == len(our_messages)
            for their_message, our_message in zip(their_messages, our_messages, strict=False):
                assert (their_message.name, their_message.version or 1) == (our_message.name.strip("_"), our_message.since)
                assert "".join(a.signature for a in their_message.arguments) == wire_signature(our_message)
                interfaces = [a.interface and a.interface.name for a in their_message.arguments]
                assert interfaces == [a.interface or None for a in our_message.arguments]


# the tool


ORIGINAL = b"""<?xml version="1.0"?>
<protocol name="p">
  <copyright>
    Copyright \xc2\xa9 2020 Some One
    Copyright 2021 Any -- One

    Permission is hereby granted, free of charge, to any person obtaining a
    copy of this software
  </copyright>
  <interface name="p_thing" version="2"><description summary="x">prose</description>
    <request name="go"><arg name="w" type="uint" enum="way" summary="s"/></request>
    <enum name="way"><entry name="up" value="0x10000" summary="s"/></enum>
  </interface>
</protocol>"""

DISTILLED = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: MIT; Copyright © 2020 Some One; Copyright 2021 Any - One -->
<protocol name="p">
  <interface name="p_thing" version="2">
    <request name="go">
      <arg name="w" type="uint" enum="p_thing.way"/>
    </request>
    <enum name="way">
      <entry name="up" value="0x10000"/>
    </enum>
  </interface>
</protocol>
"""


def make_tree(tmp_path: Path, original: bytes = ORIGINAL, extra: str = "") -> tuple[Path, Path]:
    root, protocols = tmp_path / "root", tmp_path / "protocols"
    (root / "pkg_1%3a2-3" / "usr").mkdir(parents=True)
    (root / "pkg_1%3a2-3" / "usr" / "p.xml").write_bytes(original)
    protocols.mkdir()
    entry = f'[[file]]\npath = "p/p.xml"\npackage = "pkg"\nversion = "1:2-3"\nkind = "deb"\noriginal = "usr/p.xml"\n{extra}'
    (protocols / "MANIFEST.toml").write_text(entry)
    return root, protocols


def run(protocols: Path, *arguments: object) -> int:
    return distil.main([*map(str, arguments), "--protocols", str(protocols)])


def test_distils(tmp_path: Path) -> None:
    root, protocols = make_tree(tmp_path)
    assert run(protocols, root) == 0
    assert (protocols / "p" / "p.xml").read_text("utf-8") == DISTILLED
    (source,) = read_manifest(protocols).files
    assert source.sha256 == hashlib.sha256(ORIGINAL).hexdigest()
    assert source.interfaces == {"p_thing": 2}
    compiled = (protocols / "compiled.json").read_bytes()
    assert compiled == b'{"format":1,"interfaces":{\n"p_thing":[2,"p",["go w=u:p_thing.way"],[],["way up=65536"]]\n}}\n'
    before = {path: path.read_bytes() for path in protocols.rglob("*") if path.is_file()}
    assert run(protocols, root) == 0
    assert run(protocols, "--check") == 0
    assert before == {path: path.read_bytes() for path in protocols.rglob("*") if path.is_file()}


def test_check_tells_a_stale_compiled_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, protocols = make_tree(tmp_path)
    assert run(protocols, root) == 0
    (protocols / "compiled.json").write_text("{}")
    assert run(protocols, "--check") == 1
    assert "--compile" in capsys.readouterr().err
    assert run(protocols, "--compile") == 0
    assert run(protocols, "--check") == 0


def test_an_original_with_another_hash_is_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, protocols = make_tree(tmp_path)
    assert run(protocols, root) == 0
    (root / "pkg_1%3a2-3" / "usr" / "p.xml").write_bytes(ORIGINAL.replace(b"go", b"stop"))
    assert run(protocols, root) == 0
    assert "left as it is" in capsys.readouterr().out
    assert (protocols / "p" / "p.xml").read_text("utf-8") == DISTILLED


def test_corrections(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = ORIGINAL.replace(b'enum="way"', b'enum="ways"')
    root, protocols = make_tree(tmp_path, broken, "replace = [['\"ways\"', '\"way\"', 'misspelt']]\n")
    assert run(protocols, root) == 0
    assert (protocols / "p" / "p.xml").read_text("utf-8") == DISTILLED
    (protocols / "MANIFEST.toml").write_text((protocols / "MANIFEST.toml").read_text().replace("ways", "gone"))
    assert run(protocols, root) == 1
    assert "does not occur" in capsys.readouterr().err


def test_strays_and_doubles_are_found(tmp_path: Path) -> None:
    root, protocols = make_tree(tmp_path)
    assert run(protocols, root) == 0
    (protocols / "p" / "q.xml").write_text(DISTILLED)
    with pytest.raises(ConfigErrors, match="q.xml: not in MANIFEST.toml"):
        distil.read_distilled(protocols, read_manifest(protocols))


def test_usage() -> None:
    for arguments in ([], ["--check", "--compile"], ["/", "--check"]):
        with pytest.raises(SystemExit):
            distil.main(arguments)


def test_licences() -> None:
    spdx = b"<!-- SPDX-FileCopyrightText: 2015 A B <a@b>\n SPDX-License-Identifier: LGPL-2.1-or-later\n--><protocol/>"
    assert licence_of(spdx) == ("LGPL-2.1-or-later", ["Copyright 2015 A B <a@b>"])
    assert licence_of(b"<protocol><copyright>All mine</copyright></protocol>") == ("NOASSERTION", [])


def test_compiled_bytes_are_json_and_stable() -> None:
    data = (PROTOCOLS / "compiled.json").read_bytes()
    assert from_compact(json.loads(data)) == shipped()
    assert distil.compiled_bytes(dict(reversed(shipped().items()))) == data


def test_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "wlproxy.tools.distil", "--check"]
    done = subprocess.run(command, cwd=PROTOCOLS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
