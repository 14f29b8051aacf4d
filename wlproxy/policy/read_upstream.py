"""The [upstream] table: how the proxy presents a guest to the compositor.

Promises: what the compositor is told of a guest is printable text of bounded length; everything else is a finding. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .document import Document
from .positions import Path
from .read_variables import OF_THE_START, fill

SECURITY_CONTEXT: Final = "security-context"
MODES: Final = ("prefer", "require", "off")
INSTANCE_ID: Final = "instance-id"
TEXTS: Final = ("engine", "app-id", INSTANCE_ID)
MOST_BYTES: Final = 128
INSTANCE: Final = f"${{{OF_THE_START}}}"  # stays as it is: the same policy is the same text, whatever is started from it
INSTANCE_BYTES: Final = 16  # that the sidecar puts in its place


def read_upstream(document: Document, variables: Mapping[str, str]) -> dict[str, str]:
    """The [upstream] table of one file, variables put in."""
    found: dict[str, str] = {}
    for key, value in document.table("upstream").items():
        path: Path = ("upstream", key)
        if key == SECURITY_CONTEXT:
            if value not in MODES:
                document.wrong_value(path, "unknown-word", f"{key} is one of: {', '.join(MODES)}", MODES, value)
                continue
            found[key] = value
        elif key not in TEXTS:
            document.wrong_key(path, "unknown-key", f"[upstream] has no '{key}'", [SECURITY_CONTEXT, *TEXTS])
        elif not isinstance(value, str):
            document.wrong_value(path, "type", "a text is needed")
        else:
            text = fill(document, path, value, variables, OF_THE_START if key == INSTANCE_ID else None)
            if text is None:
                continue
            longest = text.replace(INSTANCE, "x" * INSTANCE_BYTES)
            if not text or not text.isprintable() or len(longest.encode()) > MOST_BYTES:
                document.wrong_value(path, "text", f"1 to {MOST_BYTES} bytes of printable text are needed")
                continue
            found[key] = text
    return found
