"""Which compiled policy this is: its one text, and the hash over what it means.

Promises: equal policies have equal bytes; what only tells a reader (summary, where a line stands) changes the bytes, not the hash.
Apart from compile.py, because whoever starts from a compiled policy needs this and no compiler (bench startup).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest(compiled: Mapping[str, Any]) -> str:
    """SHA-256 over what the policy means: where its lines stand and what it says of itself changes nothing."""
    return hashlib.sha256(canonical(meaning(compiled))).hexdigest()


def meaning(compiled: Mapping[str, Any]) -> dict[str, Any]:
    """The compiled policy without its hash, its summary and its origins."""
    kept = {key: value for key, value in compiled.items() if key not in ("sha256", "summary")}
    kept["globals"] = {name: version for name, (version, _) in compiled["globals"].items()}
    kept["served"] = {name: version for name, (version, _) in compiled.get("served", {}).items()}
    kept["permissions"] = {name: [verdict, said] for name, (verdict, _, said) in compiled.get("permissions", {}).items()}
    kept["quota"] = {name: amount for name, (amount, _) in compiled.get("quota", {}).items()}
    kept["interfaces"] = {
        name: [entry["version"], *([_meant(item) for item in entry[side]] for side in ("requests", "events"))]
        for name, entry in compiled["interfaces"].items()
    }
    return kept


def _meant(message: list[Any]) -> list[Any]:
    decision = message[4] or {}
    shape = [decision.get(key) for key in ("verdict", "shape", "rate", "ask")]
    marks = [decision["complains"]] if "complains" in decision else []
    return [*message[:4], shape + marks, [[*check[:3], *check[4:]] for check in decision.get("checks", [])]]


def canonical(compiled: Mapping[str, Any]) -> bytes:
    """The one text of a compiled policy: sorted keys, no spaces, ASCII."""
    return json.dumps(compiled, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
