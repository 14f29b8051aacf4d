"""Opens the protocol data: the shipped compiled form, and XML that an admin adds.

Promises: what is returned is complete (every reference leads somewhere) and unambiguous (one meaning per interface);
else ConfigErrors with all findings of all files. Reads bounded amounts, regular files only. Trusts: the shipped data to be
ours (it is checked all the same), the admin to mean the paths they name; not the contents.

An added interface that the shipped data has too must read bytes the same way: the newer of the two is kept.
"""

from __future__ import annotations

import json
import os
import pkgutil
import stat
from collections.abc import Iterable, Mapping
from typing import Final

from wlproxy.core.compact import from_compact
from wlproxy.core.errors import ConfigError, ConfigErrors
from wlproxy.core.protocol import Interface
from wlproxy.policy.protocol_set import breaks, dangling
from wlproxy.policy.protocol_xml import MAX_BYTES, parse_protocol_with_lines

DATA_PACKAGE: Final = "wlproxy.protocols_data"  # what the packager makes of protocols/
COMPILED: Final = "compiled.json"
MAX_FILES: Final = 2000


def load_shipped() -> dict[str, Interface]:
    """The interfaces that wlproxy comes with, by name."""
    data, path = _shipped_bytes()
    try:
        compact = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ConfigErrors([ConfigError(path, 0, 0, f"not JSON: {error}", "the installation is damaged")]) from error
    return from_compact(compact, path)


def _shipped_bytes() -> tuple[bytes, str]:
    try:
        # importlib.resources asks the same loader, and its import takes twice the time (19 ms against 11)
        data = pkgutil.get_data(DATA_PACKAGE, COMPILED)
    except (ModuleNotFoundError, FileNotFoundError):
        data = None
    if data is not None:
        return data, f"{DATA_PACKAGE}/{COMPILED}"
    tree = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    beside = os.path.join(tree, "protocols", COMPILED)
    try:
        with open(beside, "rb") as file:
            return file.read(), beside
    except OSError as error:
        hint = "install wlproxy again, or run from a complete source tree"
        raise ConfigErrors([ConfigError(beside, 0, 0, f"the protocol data is missing: {error.strerror}", hint)]) from error


def load_extra(paths: Iterable[str | os.PathLike[str]], shipped: Mapping[str, Interface] | None = None) -> dict[str, Interface]:
    """The interfaces of XML files, and of the *.xml below directories, that stand beside or replace the shipped ones."""
    known = load_shipped() if shipped is None else shipped
    findings: list[ConfigError] = []
    extra: dict[str, Interface] = {}
    places: dict[str, tuple[str, int]] = {}
    for path in _xml_files(paths, findings):
        try:
            parsed = parse_protocol_with_lines(_read(path), path)
        except ConfigErrors as errors:
            findings += errors.findings
            continue
        for interface in parsed.interfaces:
            place = (path, parsed.lines[interface.name])
            other = extra.get(interface.name, known.get(interface.name))
            origin = "{}:{}".format(*places[interface.name]) if interface.name in places else "wlproxy's own protocol data"
            kept = interface if other is None else _newer(interface, other, place, origin, findings)
            if kept is interface:
                extra[interface.name] = interface
                places[interface.name] = place
    everything = {**known, **extra}
    for name, interface in extra.items():
        findings += [
            ConfigError(*places[name], 0, wrong, "add the file that defines it") for wrong in dangling(interface, everything)
        ]
    if findings:
        raise ConfigErrors(findings)
    return extra


def load_protocols(paths: Iterable[str | os.PathLike[str]] = ()) -> dict[str, Interface]:
    """Shipped and added interfaces together."""
    shipped = load_shipped()
    return {**shipped, **load_extra(paths, shipped)}


def _newer(interface: Interface, other: Interface, place: tuple[str, int], origin: str, findings: list[ConfigError]) -> Interface:
    if not breaks(interface, other):
        return other  # what is there says all of it
    wrong = breaks(other, interface)
    if not wrong:
        return interface
    if interface.version < other.version:
        wrong = breaks(interface, other)
    hint = "one of the two is not the protocol that its name says"
    findings.append(ConfigError(*place, 0, f"{interface.name} contradicts {origin}: {'; '.join(wrong)}", hint))
    return other


def _xml_files(paths: Iterable[str | os.PathLike[str]], findings: list[ConfigError]) -> list[str]:
    """In the order given, a directory's files sorted; what cannot be opened is a finding."""
    files: list[str] = []
    for path in [os.fspath(path) for path in paths]:
        try:
            if stat.S_ISDIR(os.stat(path).st_mode):
                inside = sorted(
                    os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names if name.endswith(".xml")
                )
                if not inside:
                    findings.append(ConfigError(path, 0, 0, "no *.xml in this directory"))
                files += inside
            else:
                files.append(path)
        except OSError as error:
            findings.append(ConfigError(path, 0, 0, error.strerror or str(error)))
    if len(files) > MAX_FILES:
        findings.append(ConfigError(files[MAX_FILES], 0, 0, f"more than {MAX_FILES} protocol files"))
    return files[:MAX_FILES]


def _read(path: str) -> bytes:
    """At most one byte more than the parser accepts, so that it is the parser that says "too large"."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigErrors([ConfigError(path, 0, 0, "not a regular file")])
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigErrors([ConfigError(path, 0, 0, error.strerror or str(error))]) from error
