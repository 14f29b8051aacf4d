"""An event of an audit log, found again by its id, and the message that it is about.

Promises: any file gives its events or `NoEvent` that says why not, reading bounded lines of a regular file: one that has lines and no
event among them is none of ours, and what is too long to be read is not read in part. Trusts: nothing in the log.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..core.outcome import WOULD_DENY
from ..core.protocol import Interface
from ..policy.grammar import ANY, EVENT, REQUEST, Literal, NewId

LONGEST: Final = 1 << 16
MOST_BYTES: Final = 1 << 32
REFUSED: Final = ("deny", WOULD_DENY, "hide", "virtual")
BOUND: Final = re.compile(r"([a-z][a-z0-9_]{0,127}) version ([0-9]{1,5})")
GUESSED: Final = re.compile(r"invalid (?:global|version for global) '?([a-z][a-z0-9_]{0,127})'?")


class NoEvent(Exception):
    """There is no such event; the text says where it was looked for."""


def find(path: str, wanted: str) -> dict[str, Any]:
    """The event of that id, the youngest of them; with "" the last refusal. Raises NoEvent."""
    found: dict[str, Any] | None = None
    for entry in entries(path):
        if entry.get("id") == wanted if wanted else entry.get("verdict") in REFUSED and "message" in entry:
            found = entry
    if found is None:
        raise NoEvent(f"{path}: " + (f"no event {wanted[:60]!a}" if wanted else "nothing was refused"))
    return found


def entries(path: str) -> Iterator[dict[str, Any]]:
    """The lines that are events. Raises NoEvent."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK | os.O_NOCTTY)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise NoEvent(f"{path}: is not a regular file")
            if os.fstat(file.fileno()).st_size > MOST_BYTES:
                raise NoEvent(f"{path}: is larger than {MOST_BYTES >> 30} GiB: split it at the ends of lines")
            read = events = 0
            while (line := file.readline(LONGEST)) and read < MOST_BYTES:
                read += len(line)
                if not line.startswith(b"{"):
                    continue
                try:
                    entry = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(entry, dict) and "event" in entry:
                    events += 1
                    yield entry
            if read and not events:
                raise NoEvent(f"{path}: no line of it is an event: give what --audit has written, not compressed")
    except OSError as error:
        raise NoEvent(f"{path}: {error.strerror}") from error
    except ValueError as error:  # a NUL in the name
        raise NoEvent(f"{path!a}: is no file name") from error


def literal_of(entry: Mapping[str, Any], interfaces: Mapping[str, Interface]) -> Literal | None:
    """The message of an event, its arguments open, which a log does not hold; None where the event is about no message that is known."""
    told = entry.get("message")
    if not isinstance(told, dict):
        return None
    interface, name, direction = told.get("interface"), told.get("name"), told.get("dir")
    held = interfaces.get(interface) if isinstance(interface, str) else None
    if held is None or direction not in (REQUEST, EVENT):
        return None
    messages = held.requests if direction == REQUEST else held.events
    if not any(message.name == name for message in messages):
        return None
    if (held.name, name) == ("wl_registry", "bind"):
        reason = str(entry.get("reason", ""))
        match = BOUND.match(reason) or GUESSED.match(reason)
        if match is not None:
            return Literal(REQUEST, held.name, None, "bind", (ANY, match[1], ANY, NewId()))
    return Literal(str(direction), held.name, None, str(name), None)
