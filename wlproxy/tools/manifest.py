"""protocols/MANIFEST.toml: where each distilled file comes from, and what could not be had.

Promises: reading and writing again gives the same bytes. Trusts: the file is the project's own; a mistake in it ends in a
KeyError or TypeError for the developer who made it, not in a kind word for an admin.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

NAME: Final = "MANIFEST.toml"

HEADER: Final = """\
# Where the files of this directory come from. Written by `python -m wlproxy.tools.distil`; to add a file, write a [[file]]
# with path, package, version, kind and original, and run it with the root that holds the original.
#
# [[file]]     path here; Debian package and its version; kind: "deb" = a binary package, `original` is the installed path,
#              "deb-source" = a source package, `original` is the path in its unpacked tree; sha256 of the original;
#              licence as the original states it; `replace`: [find, put, why] where upstream's file is in error;
#              interfaces and their versions.
# [[missing]]  interfaces that wlproxy's lists name and that no package at hand documents.
# [[refused]]  protocols that packages do document and that are left out all the same.

"""


@dataclass(frozen=True, slots=True)
class Source:
    """One distilled file and its original; `sha256`, `licence` and `interfaces` are filled in when it is distilled."""

    path: str
    package: str
    version: str
    kind: str
    original: str
    sha256: str = ""
    licence: str = ""
    replace: list[list[str]] = field(default_factory=list)
    interfaces: dict[str, int] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The folder of an unpacked package below a root; an epoch's colon is written as in Debian's file names."""
        return f"{self.package}_{self.version.replace(':', '%3a')}"


@dataclass(frozen=True, slots=True)
class Missing:
    interfaces: list[str]
    looked: str


@dataclass(frozen=True, slots=True)
class Refused:
    package: str
    version: str
    original: str
    interfaces: list[str]
    why: str


@dataclass(frozen=True, slots=True)
class Manifest:
    files: list[Source]
    missing: list[Missing]
    refused: list[Refused]


def read_manifest(protocols: Path) -> Manifest:
    data = tomllib.loads((protocols / NAME).read_text("utf-8"))
    return Manifest(
        [Source(**entry) for entry in data.get("file", [])],
        [Missing(**entry) for entry in data.get("missing", [])],
        [Refused(**entry) for entry in data.get("refused", [])],
    )


def manifest_bytes(manifest: Manifest) -> bytes:
    tables = [
        *(_table("file", source) for source in sorted(manifest.files, key=lambda source: source.path)),
        *(_table("missing", missing) for missing in manifest.missing),
        *(_table("refused", refused) for refused in manifest.refused),
    ]
    return (HEADER + "\n".join(tables)).encode()


def _table(name: str, values: Source | Missing | Refused) -> str:
    fields = ((key, getattr(values, key)) for key in values.__dataclass_fields__)
    return f"[[{name}]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in fields if value not in ("", [], {}))


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, Iterable) and not isinstance(value, str):
        return "[" + ", ".join(_toml(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False)  # a JSON string or number is a TOML one
