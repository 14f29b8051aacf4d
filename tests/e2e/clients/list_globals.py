"""Prints what the registry announces, one "interface version" a line, sorted."""

from __future__ import annotations

from typing import Any

from pywayland.client import Display

found: list[tuple[str, int]] = []


def on_global(_registry: Any, _name: int, interface: str, version: int) -> None:
    found.append((interface, version))


if __name__ == "__main__":
    display = Display()
    display.connect()
    registry = display.get_registry()
    registry.dispatcher["global"] = on_global
    display.roundtrip()
    for interface, version in sorted(found):
        print(interface, version)
    display.disconnect()
