"""What a policy makes wider than the policy it extends, and whether it may.

Promises: every loosening is found by comparing what both compile to, however it is written; one that an ancestor has made `final` is an
error with both lines. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..core.errors import ConfigError
from .compare import CHANGED, WIDER, Change, changes
from .document import Document
from .positions import Path
from .read_mode import MODE

FINAL: Final = "final"
TEXTS: Final = ("upstream", "rewrite")
TABLES: Final = ("global", "permission", "message", "quota", "upstream", "rewrite", "audit")

CompileChain = Callable[[list[Document]], Mapping[str, Any]]


def read_final(document: Document) -> list[str]:
    """The patterns of `final`: keys, or the beginning of keys with a * at the end."""
    value = document.data.get(FINAL, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        document.wrong_value((FINAL,), "type", 'a list such as ["permission.*", "global.wl_output"] is needed')
        return []
    for index, item in enumerate(value):
        if (item.partition(".")[0] not in TABLES and item != MODE) or "*" in item[:-1]:
            text = f"{item!a} is no key of a policy: table.name, or table.* ({', '.join(TABLES)})"
            document.wrong_value((FINAL, str(index)), "unknown-key", text, [f"{table}.*" for table in TABLES], item)
    return value


def matches(pattern: str, key: str) -> bool:
    """Whether a pattern of `final` speaks of a key. A policy that only complains keeps to no permission and no rule for a message."""
    if key == MODE:
        return pattern.partition(".")[0] in (MODE, "permission", "message")
    return key.startswith(pattern[:-1]) if pattern.endswith("*") else key == pattern or key.startswith(pattern + ".")


def path_of(key: str) -> Path:
    """The place of a change's key in a policy file."""
    return tuple(key.split("."))


def broken_finals(chain: list[Document], compiled: CompileChain) -> list[ConfigError]:
    """An error for each loosening, or rewording, of what an ancestor has made final."""
    found: list[ConfigError] = []
    whole: Mapping[str, Any] | None = None
    for index, ancestor in enumerate(chain[:-1]):
        patterns = [item for item in ancestor.data.get(FINAL, []) if isinstance(item, str)]
        if not patterns:
            continue
        whole = whole or compiled(chain)
        for change in changes(compiled(chain[: index + 1]), whole):
            number = next((n for n, p in enumerate(patterns) if matches(p, change.key)), None)
            if number is not None and breaks(change):
                how = "wider" if change.kind == WIDER else "other"
                text = f"{change.key} is {how} than {ancestor.name} allows ({change.before} -> {change.after}), which has it final"
                finding = at(chain[index + 1 :], change, FINAL, text, "error")
                finding.because = ancestor.place((FINAL, str(number)), f"{patterns[number]!a} is final since here")
                found.append(finding)
    return found


def breaks(change: Change) -> bool:
    """Whether a change is none that may be made to what is final. Of two texts for the host, none is the tighter one."""
    return change.kind == WIDER or (change.kind == CHANGED and change.key.partition(".")[0] in TEXTS)


def loosenings(chain: list[Document], compiled: CompileChain) -> list[ConfigError]:
    """A finding for each thing that the youngest file makes wider than its parent."""
    if len(chain) < 2:
        return []
    found = changes(compiled(chain[:-1]), compiled(chain))
    texts = {c: f"{c.key} is wider than in {chain[-2].name}: {c.before} -> {c.after}" for c in found if c.kind == WIDER}
    rows = [at(chain[-1:], change, WIDER, text, WIDER) for change, text in texts.items()]
    return sorted(rows, key=lambda finding: (finding.path != chain[-1].name, finding.path, finding.line, finding.column))


def at(documents: list[Document], change: Change, code: str, text: str, severity: str) -> ConfigError:
    """The finding, at the youngest line that sets the key."""
    for document in reversed(documents):
        path = path_of(change.key)
        while path and not document.has(path):
            path = path[:-1]
        if len(path) > 1 or (path and path[0] not in TABLES):
            return document.finding(path, code, text, severity)
    file, _, line = change.origin.rpartition(":")
    return ConfigError(file or documents[-1].name, int(line) if line.isdigit() else 0, 0, text, "", code, severity=severity)
