"""How a trace is to look. Values only; in a file of its own because every sidecar's settings hold one."""

from __future__ import annotations


class View:
    """`only`: verdicts that are shown, none for all; `interfaces`: globs, none for all; `payload`: text and keys are shown; `json`: a line
    is an object."""

    def __init__(
        self, only: tuple[str, ...] = (), interfaces: tuple[str, ...] = (), payload: bool = False, colour: bool = False, json: bool = False
    ) -> None:
        self.only = only
        self.interfaces = interfaces
        self.payload = payload
        self.colour = colour
        self.json = json
