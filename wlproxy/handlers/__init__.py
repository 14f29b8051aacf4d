"""What allow and deny cannot say: one pure file per concern, attached to the tables here and nowhere else."""

from __future__ import annotations

from typing import Any

from ..core.tables import Handlers, Tables, load
from . import display, ghosts, registry

HANDLERS = Handlers(
    inspectors={
        ("wl_registry", "global"): registry.on_global,
        ("wl_registry", "global_remove"): registry.on_global_remove,
        ("wl_registry", "bind"): registry.on_bind,
        ("wl_fixes", "destroy_registry"): registry.on_destroy_registry,
        ("wl_display", "error"): display.on_error,
    },
    effects={},
    tracked=set(),
    notes={},
    answers=ghosts.ANSWERS,
)


def load_tables(compiled: dict[str, Any]) -> Tables:
    """A compiled policy as look-up tables with every handler attached. Raises ValueError where its form is wrong."""
    return load(compiled, HANDLERS)
