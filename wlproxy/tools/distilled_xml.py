"""Writes interfaces as protocol XML without prose, and finds the licence line that goes with it.

Promises: parsing what is written gives the same interfaces; the same interfaces give the same bytes. Trusts: the
interfaces to come from `parse_protocol`, so that no name needs escaping.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from xml.parsers import expat

from wlproxy.core.protocol import Argument, Entry, Enum, Interface, Message

# (SPDX id, words that only this licence has), the narrower ones first; white space and case do not count
LICENCES: Final = (
    ("LGPL-2.1-or-later", "lesser general public license as published by the free software foundation; either version 2.1"),
    ("LGPL-2.1-or-later", "lgpl version 2.1 or any later"),
    ("LGPL-2.0-or-later", "library general public license as published by the free software foundation; either version 2"),
    ("LGPL-2.0-or-later", "lesser general public license as published by the free software foundation; either version 2 "),
    ("LGPL-3.0-only", "gnu lesser general public license version 3"),
    ("LGPL-3.0-only", "lesser general public license version 2 or 3"),
    ("GPL-3.0-or-later", "gnu general public license as published by the free software foundation, either version 3"),
    ("GPL-2.0-or-later", "gnu general public license as published by the free software foundation; either version 2"),
    ("HPND-sell-variant", "permission to use, copy, modify, distribute, and sell this software"),
    ("MIT", "permission is hereby granted, free of charge, to any person obtaining a copy"),
    ("BSD-3-Clause", "neither the name of"),
    ("BSD-3-Clause", "use of this source code is governed by a bsd-style license"),
    ("BSD-2-Clause", "redistribution and use in source and binary forms"),
    ("LicenseRef-Qt", "licensees holding valid commercial qt licenses"),
)
IDENTIFIER: Final = re.compile(r"SPDX-License-Identifier:\s*([A-Za-z0-9.+() -]+?)\s*(?:-->|\n|$)")
HOLDER: Final = re.compile(r"^\W*(?:SPDX-FileCopyrightText:\s*|copyright\b|©|\(c\))", re.IGNORECASE)


def licence_of(data: bytes) -> tuple[str, list[str]]:
    """The SPDX identifier of an upstream file ("NOASSERTION" where it names none that we know) and its copyright lines."""
    text = _legal_text(data)
    named = IDENTIFIER.search(text)
    if named:
        licence = named[1]
    else:
        words = " ".join(re.sub(r"[*#]", " ", text).lower().split()) + " "
        licence = next((spdx for spdx, phrase in LICENCES if phrase in words), "NOASSERTION")
    holders = []
    for line in text.splitlines():
        line = " ".join(line.strip(" \t*#").split())
        if HOLDER.match(line) and re.search(r"\d{4}", line):
            holders.append(re.sub(r"^SPDX-FileCopyrightText:\s*(?=\d)", "Copyright ", line).replace("--", "-"))
    return licence, list(dict.fromkeys(holders))


def _legal_text(data: bytes) -> str:
    """What stands in <copyright> and in comments outside of interfaces."""
    pieces: list[str] = []
    inside: list[str] = []
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        inside.append(name)

    def end(name: str) -> None:
        inside.pop()

    def text(words: str) -> None:
        if inside[-1] == "copyright":
            pieces.append(words)

    def comment(words: str) -> None:
        if "interface" not in inside:
            pieces.append(words)

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.CommentHandler = text, comment
    parser.Parse(data, True)
    return "\n".join(pieces)


def distilled_xml(interfaces: Sequence[Interface], licence: str, holders: Sequence[str]) -> bytes:
    """One file's interfaces, which all belong to one protocol."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<!-- {'; '.join((f'SPDX-License-Identifier: {licence}', *holders))} -->",
        f'<protocol name="{interfaces[0].protocol}">',
    ]
    for interface in interfaces:
        lines.append(f'  <interface name="{interface.name}" version="{interface.version}">')
        for kind, messages in (("request", interface.requests), ("event", interface.events)):
            for message in messages:
                lines += _element(
                    f"    <{kind}{_message(message)}", kind, [f"      <arg{_argument(a)}/>" for a in message.arguments]
                )
        for enum in interface.enums:
            lines += _element(f"    <enum{_enum(enum)}", "enum", [f"      <entry{_entry(entry)}/>" for entry in enum.entries])
        lines.append("  </interface>")
    lines.append("</protocol>\n")
    return "\n".join(lines).encode()


def _element(opening: str, kind: str, children: list[str]) -> list[str]:
    return [f"{opening}>", *children, f"    </{kind}>"] if children else [f"{opening}/>"]


def _since(since: int) -> str:
    return f' since="{since}"' if since != 1 else ""


def _message(message: Message) -> str:
    return f' name="{message.name}"' + (' type="destructor"' if message.destructor else "") + _since(message.since)


def _argument(argument: Argument) -> str:
    return (
        f' name="{argument.name}" type="{argument.type}"'
        + (f' interface="{argument.interface}"' if argument.interface else "")
        + (' allow-null="true"' if argument.nullable else "")
        + (f' enum="{argument.enum}"' if argument.enum else "")
    )


def _enum(enum: Enum) -> str:
    return f' name="{enum.name}"' + (' bitfield="true"' if enum.bitfield else "") + _since(enum.since)


def _entry(entry: Entry) -> str:
    value = str(entry.value) if entry.value <= 0xFFFF else hex(entry.value)
    return f' name="{entry.name}" value="{value}"' + _since(entry.since)
