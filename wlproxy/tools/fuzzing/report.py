"""What a campaign found, for people and for files.

Promises: a reproducer file for each kind of finding, named for it, never written over another's. Trusts: the directory it is given.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

from .campaign import Campaign
from .conversation import write


def save(campaign: Campaign, policy: str, directory: str) -> list[str]:
    """Writes the reproducers; a line for each finding."""
    lines = []
    for key, found in sorted(campaign.findings.items()):
        name = f"finding-{found.finding.oracle}-{hashlib.sha256((policy + key).encode()).hexdigest()[:12]}.json"
        path = os.path.join(directory, name)
        os.makedirs(directory, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(write(found.steps, policy + (" tight" if found.tight else ""), str(found.finding)))
        first = found.finding.detail.partition("\n")[0][:200]
        lines.append(f"{policy}: {found.finding.oracle}: {first!a} ({found.times} times, {len(found.steps)} steps) -> {path}")
    return lines


def summary(counts: Mapping[str, int], seconds: float) -> str:
    """One line of numbers."""
    rate = counts["executions"] / max(seconds, 0.001)
    return (
        f"{counts['executions']} conversations in {seconds:.1f} s ({rate:.0f}/s), {counts['bytes']} bytes said, "
        f"{counts['messages']} messages delivered, {counts['ended']} ended by the proxy, {counts['findings']} findings"
    )
