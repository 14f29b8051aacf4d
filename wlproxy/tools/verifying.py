"""What can be found out about a compiled policy: whether it is whole, who could change it, who signed it, what it was made of.

Promises: a finding for each question, good or bad; ConfigError where there is no such file. Trusts: nothing in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..core.errors import ConfigError, ConfigErrors
from ..policy.complain import words_of
from ..policy.load import shipped_bytes
from ..policy.load_compiled import MOST_BYTES, is_canonical, parse, past_the_host
from ..policy.load_file import read_file
from ..policy.load_safely import ANYBODY, UNSAFE, Owners
from ..sidecar.signature import check_signature

CONTENT: Final = "content"
OWNERS: Final = "owners"
SIGNATURE: Final = "signature"
HOST: Final = "host"
ORIGINS: Final = "origins"
MOST_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was asked, whether it `holds`, and what there is to say."""

    what: str
    holds: bool
    says: str
    hint: str = ""


def verify(path: str, signers: str, ceiling: str, trusted: list[int]) -> list[Finding]:
    """All that is found. Raises ConfigError where the file cannot be read, and ConfigErrors for a ceiling that has findings."""
    noted: list[ConfigError] = []
    raw = read_file(path, Owners(trusted, noted), MOST_BYTES)
    found: list[Finding] = []
    compiled: dict[str, Any] | None = None
    try:
        compiled = parse(path, raw)
        whole = is_canonical(raw, compiled)
        says = f"{compiled['name']}, sha256:{compiled['sha256']}{words_of(compiled)}"
        hint = "" if whole else "it means that, but not one byte after another as wlproxy compile writes it: compile it again"
        found.append(Finding(CONTENT, whole, says, hint))
    except ConfigErrors as errors:
        found += [Finding(CONTENT, False, finding.message, finding.hint) for finding in errors.findings]
    found += [Finding(OWNERS, False, finding.message, finding.hint) for finding in noted if finding.code == UNSAFE]
    if not noted:
        found.append(Finding(OWNERS, True, "nobody else can change it"))
    if signers:
        found.append(signed(path, raw, signers, trusted))
    if compiled is not None:
        more = past_the_host(path, compiled, ceiling, ANYBODY)
        found += [Finding(HOST, False, finding.message, finding.hint) for finding in more]
        if not more:
            found.append(Finding(HOST, True, "nothing beyond this host's floor and ceiling"))
        found.append(origins(compiled))
    return found


def signed(path: str, raw: bytes, signers: str, trusted: list[int]) -> Finding:
    """Whether one of the allowed signers has signed these bytes."""
    try:
        return Finding(SIGNATURE, True, f"by {check_signature(path, raw, signers, Owners(trusted))}")
    except ConfigError as error:
        about = "" if error.path == path else f"{error.path}: "
        return Finding(SIGNATURE, False, about + error.message, error.hint)


def origins(compiled: Mapping[str, Any]) -> Finding:
    """Whether the lines that the policy was made of are still there, and speak of what was made of them."""
    files: dict[str, list[str] | None] = {}
    lines: set[tuple[str, int]] = set()
    wrong: list[str] = []
    for name, origin in spoken_of(compiled):
        path, _, line = origin.rpartition(":")
        if not path or not line.isdigit():
            continue  # a whole file, or built in
        if path not in files:
            files[path] = lines_of(path)
            if files[path] is None:
                wrong.append(f"{path} cannot be read from here")
        text = files[path]
        lines.add((path, int(line)))
        if text is not None and (int(line) > len(text) or name not in text[int(line) - 1]):
            wrong.append(f"{origin} no longer speaks of {name}")
    if not wrong:
        return Finding(ORIGINS, True, f"{len(lines)} lines of {len(files)} file{'s' if len(files) != 1 else ''}, which say it still")
    more = f", and {len(wrong) - MOST_SHOWN} more" if len(wrong) > MOST_SHOWN else ""
    return Finding(ORIGINS, False, "; ".join(wrong[:MOST_SHOWN]) + more, "it was changed after it was compiled: compile it again")


def spoken_of(compiled: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each global and each permission that is given, with its origin."""
    for table in (compiled["globals"], compiled.get("served", {}), compiled.get("permissions", {})):
        for name, entry in table.items():
            yield name, str(entry[1])


def lines_of(path: str) -> list[str] | None:
    """The lines of a file that a policy names, by its path or a shipped policy's name; None where there is none."""
    try:
        raw = shipped_bytes(path, ANYBODY) if "/" not in path else None
        return (read_file(path, ANYBODY) if raw is None else raw).decode("utf-8", "replace").split("\n")
    except ConfigError:
        return None
