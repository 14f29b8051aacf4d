"""Names by which a host trusts programs, and which a policy lends to a guest: the engine and the app id of a security context, the app
id of a window.

Promises: each finding stands at the line that says the name. Pure: which programs are installed is handed over (load_desktop_files.py).
Sources: cosmic-comp, `not_sandboxed` (src/state.rs); KWin, `fetchRequestedInterfaces` (src/wayland_server.cpp) by the context's app id;
wayland-protocols, security-context-v1/engines.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ..core.errors import ConfigError
from .compile import REWRITES
from .document import Document
from .model import Policy
from .positions import Path

ENGINES: Final = {
    "com.system76.CosmicPanel": "COSMIC takes its clients for not sandboxed at all",
    "org.flatpak": "portals and desktops take app-id and instance-id for those of a Flatpak that runs, with what that was granted",
}
COSMIC: Final = "com.system76."
MOST_SHOWN: Final = 3


def collisions(chain: Sequence[Document], policy: Policy, installed: Mapping[str, bool]) -> list[ConfigError]:
    """A warning for each. `installed`: the ids of the programs here, and whether one is given interfaces of KWin's own."""
    if policy.transparent:
        return []
    found: list[ConfigError] = []
    engine = policy.upstream.get("engine", "")
    why = ENGINES.get(engine) or ("it belongs to COSMIC" if engine.startswith(COSMIC) else "")
    if why:
        text = f"the engine {engine!a} is another program's: {why}"
        found.append(said(chain, ("upstream", "engine"), text))
    by_id = {name.casefold(): name for name in installed}
    app_id = by_id.get(policy.upstream.get("app-id", "").casefold())
    if app_id is not None:
        more = ", and KWin gives it interfaces that it hides from others" if installed[app_id] else ""
        text = f"the app id {app_id!a} is that of a program installed here (its .desktop file): the guest passes for it{more}"
        found.append(said(chain, ("upstream", "app-id"), text))
    rewrite = policy.rewrites.get("app-id")
    if rewrite is not None:
        before, _, after = rewrite.template.casefold().partition(REWRITES["app-id"].placeholder)
        room = len(before) + len(after)
        taken = sorted(by_id[name] for name in by_id if len(name) > room and name.startswith(before) and name.endswith(after))
        if taken:
            more = f" and {len(taken) - MOST_SHOWN} more" if len(taken) > MOST_SHOWN else ""
            text = f"under this template a window can have the app id of a program installed here: {', '.join(taken[:MOST_SHOWN])}{more}"
            found.append(said(chain, ("rewrite", "app-id"), text))
    return found


def said(chain: Sequence[Document], path: Path, text: str) -> ConfigError:
    """The warning, at the youngest line that says it."""
    document = next((document for document in reversed(chain) if document.has(path)), chain[-1])
    return document.finding(path, "trust-token", text, "warning")
