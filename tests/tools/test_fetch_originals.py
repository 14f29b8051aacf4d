"""Unpacking what the manifest names, and nothing else. What goes over the network is not tested here."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from wlproxy.tools import fetch_originals
from wlproxy.tools.fetch_originals import own_mirror, prepare_apt, unpack


def tarball(*names: str, mode: str = "w:xz") -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
        link = tarfile.TarInfo("p-1/link.xml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    buffer.seek(0)
    return buffer


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def test_binary_package(tmp_path: Path) -> None:
    stream = tarball("./usr/share/a.xml", "./usr/share/b.xml", "../../escape", mode="w:")
    assert unpack(stream, tmp_path, {"usr/share/a.xml", "usr/c.xml"}, source=False) == {"usr/share/a.xml"}
    assert files(tmp_path) == ["usr/share/a.xml"]


def test_source_package(tmp_path: Path) -> None:
    stream = tarball("p-1/proto/a.xml", "p-1/b.xml")
    assert unpack(stream, tmp_path, {"proto/a.xml", "link.xml"}, source=True) == {"proto/a.xml"}
    assert unpack(tarball("q-1/a.xml"), tmp_path, {"part/a.xml"}, source=True, prefix="part/") == {"part/a.xml"}
    assert files(tmp_path) == ["part/a.xml", "proto/a.xml"]


@pytest.mark.parametrize(
    "text",
    [
        "# URIs: x\nTypes: deb\nURIs: mirror:/debian\nSuites: bookworm\n",
        "deb-src other: x\ndeb [signed-by=/k] mirror:/debian bookworm main\n",
        "deb mirror:/debian-security x\ndeb  mirror:/debian bookworm main\n",
    ],
)
def test_own_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "list").write_text(text)
    monkeypatch.setattr(fetch_originals, "APT_SOURCES", (str(tmp_path / "none"), str(tmp_path / "list")))
    assert own_mirror() == "mirror:/debian"
    options = prepare_apt(tmp_path / "apt")
    assert f"Dir::Etc::sourcelist={tmp_path}/apt/sources.list" in options
    assert "mirror:/debian sid main" in (tmp_path / "apt" / "sources.list").read_text()


def test_no_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_originals, "APT_SOURCES", (str(tmp_path / "none"),))
    with pytest.raises(SystemExit, match="no Debian mirror"):
        own_mirror()
