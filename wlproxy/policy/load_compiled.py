"""A compiled policy from its file: whole, of this version, signed where that is asked for, and under the floor and this host's ceiling.

Promises: such a policy, or ConfigErrors; never another exception, never a wait. Trusts: whom load_safely.py trusts, with the text; the hash
in it says that the text is whole, not who wrote it: that is what a signature is for, and whoever asks for one hands in the
check (sidecar/signature.py): it runs a program, which nothing here does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, Final

from ..core.errors import ConfigError, ConfigErrors
from ..handlers import load_tables
from .identity import canonical, digest
from .load_file import CEILING_FILE, read_file
from .load_interface_table import floor
from .load_safely import ROOT_AND_US, UNSIGNED, Owners, check_folder

MOST_BYTES: Final = 1 << 24
MADE_BY: Final = "made by: wlproxy compile NAME -o FILE.json"
Check = Callable[[str, bytes], object]  # of path and content: raises ConfigError where these bytes may not be used
AGAIN: Final = "compile it again here, or change what this host allows"


def load_compiled(
    path: str, owners: Owners | None = ROOT_AND_US, check: Check | None = None, ceiling: str = CEILING_FILE
) -> dict[str, Any]:
    """What a sidecar may run; `check` has its say about the file's bytes before they are read as anything. Raises ConfigErrors."""
    try:
        raw = read_file(path, owners, MOST_BYTES)
        if check is not None:
            check(path, raw)
    except ConfigError as error:
        raise ConfigErrors([error]) from error
    compiled = parse(path, raw)
    found = past_the_host(path, compiled, ceiling, owners)
    if found:
        raise ConfigErrors(found)
    return compiled


def only_compiled(name: str) -> ConfigErrors:
    """The finding where a signature is asked for and there can be none."""
    text = "only a compiled policy can be signed, and a signature is asked for (--allowed-signers)"
    return ConfigErrors([ConfigError(name, 0, 0, text, "wlproxy compile NAME -o FILE.json, and sign that", UNSIGNED)])


def parse(path: str, raw: bytes) -> dict[str, Any]:
    """The text as a compiled policy. Raises ConfigErrors."""
    try:
        compiled = json.loads(raw)
        if not isinstance(compiled, dict) or "sha256" not in compiled:
            raise ConfigErrors([ConfigError(path, 0, 0, "is no compiled policy", MADE_BY, "compiled")])
        if digest(compiled) != compiled["sha256"]:
            text = "its sha256 is not that of its content: it was damaged or edited"
            raise ConfigErrors([ConfigError(path, 0, 0, text, "compile it again", "compiled")])
        load_tables(compiled)
    except json.JSONDecodeError as error:
        text = f"is no compiled policy, and no JSON at all: {error}"
        raise ConfigErrors([ConfigError(path, 0, 0, text, MADE_BY, "compiled")]) from error
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        text = f"is no compiled policy of this version ({type(error).__name__}: {str(error)[:80]})"
        raise ConfigErrors([ConfigError(path, 0, 0, text, MADE_BY, "compiled")]) from error
    return compiled


def is_canonical(raw: bytes, compiled: dict[str, Any]) -> bool:
    """Whether the file has the very bytes that `wlproxy compile` writes."""
    return raw.rstrip(b"\n") == canonical(compiled)


def past_the_host(path: str, compiled: dict[str, Any], ceiling: str, owners: Owners | None) -> list[ConfigError]:
    """A finding for each thing that the policy gives and that this host does not. Raises ConfigErrors where the ceiling has findings."""
    never = {} if compiled["names"] == "keep" else floor(list(compiled["globals"]))  # what wlproxy serves itself reaches nothing
    if not never and not ceiling:
        return []
    if not never and ceiling == CEILING_FILE and not os.path.lexists(ceiling):
        try:
            check_folder(os.path.dirname(ceiling), owners)  # who can write there can take it away
        except ConfigError as error:
            raise ConfigErrors([error]) from error
        return []
    from .load import load_ceiling  # the whole language, which a sidecar need not wait for where there is no ceiling
    from .load_protocols import load_shipped
    from .recompiled import beyond

    interfaces = load_shipped()
    top = load_ceiling(ceiling, interfaces, owners)
    return [
        ConfigError(path, 0, 0, f"{key} is more than this host allows: {says}", AGAIN, "ceiling")
        for key, says in beyond(compiled, interfaces, never, top)
    ]
