"""The ids of the programs that are installed for the user we are: their .desktop files (Desktop Entry Specification, "Desktop File ID").

Promises: bounded work, whatever is there; what cannot be read is left out. Trusts: nothing in the files.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

FOLDER: Final = "applications"
SUFFIX: Final = ".desktop"
DEFAULT: Final = "/usr/local/share:/usr/share"
FLATPAK: Final = "/var/lib/flatpak/exports/share"  # in XDG_DATA_DIRS of a session, not of a service
MOST: Final = 20_000
MOST_BYTES: Final = 1 << 16
KWINS_OWN: Final = b"\nX-KDE-Wayland-Interfaces="  # what KWin then lets it bind


def installed(environ: Mapping[str, str]) -> dict[str, bool]:
    """By id: whether the file asks KWin for interfaces of its own."""
    home = environ.get("XDG_DATA_HOME") or os.path.join(environ.get("HOME") or "/", ".local", "share")
    places = [home, *(environ.get("XDG_DATA_DIRS") or DEFAULT).split(":"), FLATPAK, os.path.join(home, "flatpak/exports/share")]
    found: dict[str, bool] = {}
    for place in dict.fromkeys(places):
        if not place.startswith("/"):
            continue
        root = os.path.join(place, FOLDER)
        for folder, _, names in os.walk(root):
            for name in names:
                if name.endswith(SUFFIX) and len(found) < MOST:
                    path = os.path.join(folder, name)
                    wanted = os.path.relpath(path, root).removesuffix(SUFFIX).replace("/", "-")
                    found[wanted] = found.get(wanted, False) or asks_kwin(path)
    return found


def asks_kwin(path: str) -> bool:
    """Whether the file has the key."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY), "rb", buffering=0) as file:
            return KWINS_OWN in b"\n" + (file.read(MOST_BYTES) or b"")
    except OSError:
        return False
