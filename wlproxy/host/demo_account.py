"""The demo's account: what was allowed, changed and refused, from the proxy's audit lines and the host's own record.

Promises: pure; text of a peer is printed as printable ASCII and cut. Trusts: the audit lines' form (sidecar/audit.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

TEXT_CHARACTERS: Final = 110


def plain(text: str, limit: int = TEXT_CHARACTERS) -> str:
    """For a terminal: printable ASCII, everything else as an escape, cut."""
    safe = text.encode("unicode_escape").decode("ascii")
    return safe if len(safe) <= limit else safe[: limit - 3] + "..."


def entries(audit: str) -> list[dict[str, Any]]:
    """The audit lines; a last one that is not whole yet is left out."""
    return [json.loads(line) for line in audit.split("\n")[:-1] if line]


def _name(entry: Mapping[str, Any]) -> str:
    message = entry.get("message", {})
    return f"{message.get('interface', '')}.{message.get('name', '')}"


def _unique(lines: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(lines))


def allowed(log: list[dict[str, Any]]) -> list[str]:
    """The globals that the guest bound, with the rule for each."""
    return _unique(
        f"{entry['reason']:<44} {entry['decided']['rule']}"
        for entry in log
        if entry["event"] == "decision" and entry["verdict"] == "allow"
    )


def changed(log: list[dict[str, Any]]) -> list[str]:
    """What was rewritten on its way."""
    return _unique(f"{_name(entry):<44} {entry['decided']['rule']}" for entry in log if entry["event"] == "rewrite")


def refused(log: list[dict[str, Any]]) -> list[str]:
    """What was not let through, and why."""
    return _unique(
        f"{_name(entry)}: {plain(entry['reason'])} ({entry.get('deny_as', 'deny')}; {entry['decided']['rule']})"
        for entry in log
        if entry.get("verdict") == "deny"
    )


def bullets(lines: Iterable[str], none: str = "nothing") -> str:
    """Lines as a list."""
    return "".join(f"  {line}\n" for line in lines) or f"  {none}\n"


def columns(names: Iterable[str], width: int = 100) -> list[str]:
    """Names in lines of at most `width` characters."""
    lines: list[str] = []
    for name in names:
        if lines and len(lines[-1]) + len(name) + 2 <= width:
            lines[-1] += ", " + name
        else:
            lines.append(name)
    return lines
