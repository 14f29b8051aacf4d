"""Makes protocols/ from the originals that packages carry: distilled XML, the manifest's figures, compiled.json.

    python -m wlproxy.tools.distil ROOT...     originals from ROOT/<package>_<version>/ or, installed, from ROOT itself ("/")
    python -m wlproxy.tools.distil --compile   compiled.json alone, from the XML that is there
    python -m wlproxy.tools.distil --check     changes nothing; fails if compiled.json is not what the XML says

Promises: the same originals give the same bytes; an original whose hash is not the manifest's is not used; a file whose
original is not on this machine stays as it is. Trusts: the manifest. The originals pass through the strict reader.
`fetch_originals` gets the packages.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from wlproxy.core.compact import to_compact
from wlproxy.core.errors import ConfigError, ConfigErrors
from wlproxy.core.protocol import Interface
from wlproxy.policy.protocol_set import dangling
from wlproxy.policy.protocol_xml import parse_protocol
from wlproxy.tools.distilled_xml import distilled_xml, licence_of
from wlproxy.tools.manifest import NAME, Manifest, Source, manifest_bytes, read_manifest

PROTOCOLS: Final = Path(__file__).resolve().parents[2] / "protocols"
COMPILED: Final = "compiled.json"


def find_original(source: Source, roots: Sequence[Path]) -> bytes | None:
    """The bytes that the manifest names, or None; without a hash in the manifest the first file of that name is taken."""
    for root in roots:
        for path in (root / source.folder / source.original, root / source.original):
            if path.is_file():
                data = path.read_bytes()
                if source.sha256 in ("", hashlib.sha256(data).hexdigest()):
                    return data
    return None


def corrected(source: Source, data: bytes) -> bytes:
    """The original with the manifest's corrections of upstream's errors."""
    for find, put, why in source.replace:
        if find.encode() not in data:
            raise ConfigErrors([ConfigError(source.path, 0, 0, f"{find!r} does not occur", f"it was to be corrected: {why}")])
        data = data.replace(find.encode(), put.encode())
    return data


def distil(source: Source, data: bytes) -> tuple[Source, bytes]:
    """The manifest entry with its figures, and the distilled file."""
    interfaces = parse_protocol(corrected(source, data), f"{source.package} {source.version}: {source.original}")
    licence, holders = licence_of(data)
    entry = replace(
        source,
        sha256=hashlib.sha256(data).hexdigest(),
        licence=licence,
        interfaces={interface.name: interface.version for interface in interfaces},
    )
    return entry, distilled_xml(interfaces, licence, holders)


def read_distilled(protocols: Path, manifest: Manifest) -> dict[str, Interface]:
    """All interfaces of protocols/, checked as a whole. Raises ConfigErrors."""
    found: dict[str, Interface] = {}
    findings: list[ConfigError] = []
    listed = {source.path for source in manifest.files}
    for path in sorted(str(file.relative_to(protocols)) for file in protocols.rglob("*.xml")):
        if path not in listed:
            findings.append(ConfigError(path, 0, 0, f"not in {NAME}", "say where it comes from"))
    for source in manifest.files:
        try:
            interfaces = parse_protocol((protocols / source.path).read_bytes(), source.path)
        except ConfigErrors as errors:
            findings += errors.findings
            continue
        if {interface.name: interface.version for interface in interfaces} != source.interfaces:
            findings.append(ConfigError(source.path, 0, 0, f"{NAME} lists other interfaces or versions", "distil it again"))
        for interface in interfaces:
            if interface.name in found:
                findings.append(ConfigError(source.path, 0, 0, f"{interface.name} stands in another file, too"))
            found[interface.name] = interface
    for interface in found.values():
        findings += [ConfigError(interface.protocol, 0, 0, wrong) for wrong in dangling(interface, found)]
    if findings:
        raise ConfigErrors(findings)
    return found


def compiled_bytes(interfaces: dict[str, Interface]) -> bytes:
    """compiled.json: one interface a line, so that a change of the data is a change of few lines."""
    compact = to_compact(interfaces.values())
    each = compact.pop("interfaces")
    assert isinstance(each, dict)  # to_compact's own form
    lines = [f"{json.dumps(name)}:{json.dumps(fields, separators=(',', ':'))}" for name, fields in each.items()]
    head = json.dumps(compact, separators=(",", ":"))[:-1]
    return (head + ',"interfaces":{\n' + ",\n".join(lines) + "\n}}\n").encode()


def distil_all(protocols: Path, manifest: Manifest, roots: Sequence[Path]) -> tuple[Manifest, list[Source]]:
    """Writes what can be written; returns the manifest with its figures and the files whose originals are not here."""
    done: list[Source] = []
    absent: list[Source] = []
    for source in manifest.files:
        data = find_original(source, roots)
        if data is None:
            absent.append(source)
            done.append(source)
            continue
        entry, distilled = distil(source, data)
        target = protocols / source.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(distilled)
        done.append(entry)
    return replace(manifest, files=done), absent


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="distil", description="Makes protocols/ from the XML that packages carry.")
    parser.add_argument("roots", nargs="*", type=Path, metavar="ROOT", help="folder of unpacked packages, or /")
    parser.add_argument("--compile", action="store_true", help="only write compiled.json from the distilled XML")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if compiled.json is out of date")
    parser.add_argument("--protocols", type=Path, default=PROTOCOLS, metavar="DIR", help="the directory to work on")
    options = parser.parse_args(arguments)
    if bool(options.roots) + options.compile + options.check != 1:
        parser.error("one of: ROOT..., --compile, --check")
    protocols: Path = options.protocols
    try:
        manifest = read_manifest(protocols)
        absent: list[Source] = []
        if options.roots:
            manifest, absent = distil_all(protocols, manifest, options.roots)
            (protocols / NAME).write_bytes(manifest_bytes(manifest))
        interfaces = read_distilled(protocols, manifest)
    except ConfigErrors as errors:
        print(errors, file=sys.stderr)
        return 1
    compiled = compiled_bytes(interfaces)
    target = protocols / COMPILED
    if options.check:
        if not target.is_file() or target.read_bytes() != compiled:
            print(f"{COMPILED} is not what the XML says (run: python -m wlproxy.tools.distil --compile)", file=sys.stderr)
            return 1
    else:
        target.write_bytes(compiled)
    for source in absent:
        print(f"left as it is, the original is not here: {source.path} ({source.package} {source.version})")
    print(f"{len(manifest.files)} files, {len(interfaces)} interfaces, {COMPILED} {len(compiled)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
