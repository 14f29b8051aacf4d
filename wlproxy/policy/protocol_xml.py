"""Reads protocol XML: bytes in, interfaces out.

Promises: whatever the bytes are, the result is either interfaces that are consistent in themselves or ConfigErrors with
every finding of the file, each with line and column; nothing is opened, fetched or expanded. Size, depth and counts are
bounded. Trusts: expat to be a correct XML parser; nothing in the file.

What has no meaning on the wire (descriptions, copyright, summaries, deprecation) is passed over; a word that is not known is
refused, since it could change the meaning of what stands beside it.

Sources: wayland.dtd and the checks of wayland-scanner (scanner.c) of libwayland 1.23; what the upstream files really hold
was counted over 1395 files of Debian packages. Where both differ it is said beside the rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final
from xml.parsers import expat

from wlproxy.core.errors import ConfigError, ConfigErrors
from wlproxy.core.protocol import (
    ARGUMENT_TYPES,
    ENTRY_NAME,
    INT,
    MAX_ARGUMENTS,
    MAX_MESSAGES,
    MAX_VALUE,
    MAX_VERSION,
    NAME,
    NEW_ID,
    OBJECT,
    STRING,
    UINT,
    Argument,
    Entry,
    Enum,
    Interface,
    Message,
)

MAX_BYTES: Final = 2 * 1024 * 1024  # the largest upstream file, wayland.xml, has 150 KiB
MAX_DEPTH: Final = 16  # protocol > interface > request > arg > description is 5
MAX_INTERFACES: Final = 256
MAX_ENUMS: Final = 256
MAX_ENTRIES: Final = 4096  # wl_shm.format and its like have some 130
MAX_FINDINGS: Final = 100

# Events that end their object although older XML does not say so: what the newest XML of each (libwayland 1.26,
# wayland-protocols 1.49, wlr-protocols) marks as destructor and a copy of it in some other Debian package does not. wl_callback
# is first in the list of traps (docs/traps.md, 18). The object is gone whatever the file says.
KNOWN_DESTRUCTOR_EVENTS: Final = frozenset(
    {
        ("wl_callback", "done"),
        ("wp_presentation_feedback", "presented"),
        ("wp_presentation_feedback", "discarded"),
        ("zwlr_foreign_toplevel_manager_v1", "finished"),
        ("zwlr_output_manager_v1", "finished"),
        ("zwp_fullscreen_shell_mode_feedback_v1", "mode_successful"),
        ("zwp_fullscreen_shell_mode_feedback_v1", "mode_failed"),
        ("zwp_fullscreen_shell_mode_feedback_v1", "present_cancelled"),
        ("zwp_linux_buffer_release_v1", "fenced_release"),
        ("zwp_linux_buffer_release_v1", "immediate_release"),
    }
)

PROTOCOL_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")  # no identifier: "qt-shell" and the like exist
NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,9}")
SHIFT: Final = re.compile(r"(0|[1-9][0-9]?) << (0|[1-9][0-9]?)")  # plasma-wayland-protocols 1.10 writes "1 << 3"
HEXADECIMAL: Final = re.compile(r"0[xX][0-9A-Fa-f]{1,8}")

CHILDREN: Final[dict[str, frozenset[str]]] = {
    "": frozenset({"protocol"}),
    "protocol": frozenset({"copyright", "description", "interface"}),
    "interface": frozenset({"description", "request", "event", "enum"}),
    "request": frozenset({"description", "arg"}),
    "event": frozenset({"description", "arg"}),
    "enum": frozenset({"description", "entry"}),
    "entry": frozenset({"description"}),
    "arg": frozenset({"description"}),
    "description": frozenset(),
    "copyright": frozenset(),
}
REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "protocol": ("name",),
    "interface": ("name", "version"),
    "request": ("name",),
    "event": ("name",),
    "enum": ("name",),
    "entry": ("name", "value"),
    "arg": ("name", "type"),
}
OPTIONAL: Final[dict[str, frozenset[str]]] = {
    "interface": frozenset({"frozen"}),
    # "version" on a message is a slip of hyprland-ctm-control-v1.xml for "since"; passed over, as wayland-scanner does
    "request": frozenset({"type", "since", "deprecated-since", "version"}),
    "event": frozenset({"type", "since", "deprecated-since", "version"}),
    "enum": frozenset({"since", "bitfield", "deprecated-since"}),
    "entry": frozenset({"summary", "since", "deprecated-since"}),
    "arg": frozenset({"summary", "interface", "allow-null", "enum"}),
    "description": frozenset({"summary", "since"}),
}
PROSE: Final = frozenset({"description", "copyright"})

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Parsed:
    """`lines` tells where each interface begins, for errors that only show when files are put together."""

    interfaces: list[Interface]
    lines: dict[str, int]


class _Enough(Exception):
    """Raised inside expat's callbacks to end the parse; the findings say why."""


@dataclass(slots=True)
class _Message:
    kind: str
    name: str
    since: int
    destructor: bool
    arguments: list[tuple[Argument, Place]] = field(default_factory=list)


@dataclass(slots=True)
class _Enum:
    name: str
    since: int
    bitfield: bool
    entries: dict[str, Entry] = field(default_factory=dict)


@dataclass(slots=True)
class _Interface:
    name: str
    version: int
    place: Place
    messages: dict[str, dict[str, _Message]] = field(default_factory=lambda: {"request": {}, "event": {}})
    enums: dict[str, _Enum] = field(default_factory=dict)


class _Reader:
    """The state of one parse: the open elements, what they have given so far, and the findings."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.findings: list[ConfigError] = []
        self.protocol = ""
        self.interfaces: dict[str, _Interface] = {}
        self.open: list[str] = []  # names of the open elements; "?" for one that was refused, with all below it
        self.interface: _Interface | None = None
        self.message: _Message | None = None
        self.enum: _Enum | None = None
        self.parser = expat.ParserCreate("utf-8")  # overrides the declaration, though not a UTF-16 byte order mark
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.EntityDeclHandler = self.doctype
        self.parser.ExternalEntityRefHandler = self.external
        self.parser.SkippedEntityHandler = self.doctype
        self.parser.XmlDeclHandler = self.declaration
        self.start_element: dict[str, Callable[[dict[str, str]], None]] = {
            "protocol": self.start_protocol,
            "interface": self.start_interface,
            "request": self.start_message,
            "event": self.start_message,
            "enum": self.start_enum,
            "entry": self.start_entry,
            "arg": self.start_argument,
        }

    def place(self) -> Place:
        return self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1

    def find(self, message: str, hint: str = "", place: Place | None = None) -> None:
        line, column = place or self.place()
        self.findings.append(ConfigError(self.path, line, column, message, hint))
        if len(self.findings) >= MAX_FINDINGS:
            self.findings.append(
                ConfigError(self.path, line, column, f"more than {MAX_FINDINGS} findings, the rest is not shown")
            )
            raise _Enough

    def stop(self, message: str, hint: str = "") -> None:
        self.find(message, hint)
        raise _Enough

    # expat's callbacks

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "us-ascii"):
            self.stop(f"the encoding is {encoding!r}", "protocol files are UTF-8")

    def doctype(self, *_: object) -> None:
        self.stop("a document type or an entity is declared or used", "protocol files need none, and none is read here")

    def external(self, *_: object) -> int:
        self.stop("an external entity is used", "protocol files need none, and none is read here")
        return 0

    def text(self, data: str) -> None:
        if data.strip() and self.open and self.open[-1] not in PROSE and self.open[-1] != "?":
            self.find(f"text in <{self.open[-1]}>", "text belongs into <description>")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.open) >= MAX_DEPTH:
            self.stop(f"elements nest deeper than {MAX_DEPTH}")
        above = self.open[-1] if self.open else ""
        if above == "?":
            self.open.append("?")
            return
        if name not in CHILDREN[above]:
            inside = f"inside <{above}>" if above else "as the outermost element"
            self.find(f"<{name}> {inside}", f"known there: {', '.join(sorted(CHILDREN[above])) or 'text alone'}")
            self.open.append("?")
            return
        self.open.append(name)
        if not self.check_attributes(name, attributes):
            self.open[-1] = "?"
            return
        begin = self.start_element.get(name)
        if begin is not None:
            begin(attributes)

    def end(self, name: str) -> None:
        closed = self.open.pop()
        if closed in ("request", "event"):
            self.message = None
        elif closed == "enum":
            self.enum = None
        elif closed == "interface":
            self.interface = None

    # what each element says

    def check_attributes(self, name: str, attributes: dict[str, str]) -> bool:
        """False where the element cannot be understood at all."""
        required, optional = REQUIRED.get(name, ()), OPTIONAL.get(name, frozenset())
        complete = True
        for attribute in required:
            if attribute not in attributes:
                self.find(f"<{name}> has no {attribute}=")
                complete = False
        for attribute in attributes:
            if attribute not in required and attribute not in optional:
                known = ", ".join((*required, *sorted(optional))) or "none"
                self.find(f"<{name}> has an unknown attribute {_shown(attribute)}", f"known: {known}")
        return complete

    def identifier(self, what: str, name: str, pattern: re.Pattern[str] = NAME) -> None:
        if not pattern.fullmatch(name):
            self.find(f"{what} name {_shown(name)} is not an identifier", "letters, digits and _, at most 128")

    def number(self, what: str, text: str, least: int, most: int, hint: str = "") -> int:
        if NUMBER.fullmatch(text) and least <= int(text) <= most:
            return int(text)
        self.find(f"{what} is {_shown(text)}", hint or f"a number from {least} to {most}")
        return least

    def since(self, attributes: dict[str, str]) -> int:
        most = self.interface.version if self.interface is not None else MAX_VERSION
        text = attributes.get("since", "1")
        return self.number("since", text, 1, most, f"a number from 1 to the interface's version, {most}")

    def flag(self, attributes: dict[str, str], name: str) -> bool:
        text = attributes.get(name, "false")
        if text not in ("true", "false"):
            self.find(f"{name} is {_shown(text)}", "true or false")
        return text == "true"

    def start_protocol(self, attributes: dict[str, str]) -> None:
        self.protocol = attributes["name"]
        if not PROTOCOL_NAME.fullmatch(self.protocol):
            self.find(f"protocol name {_shown(self.protocol)}", "letters, digits, _, - and ., at most 128")

    def start_interface(self, attributes: dict[str, str]) -> None:
        name = attributes["name"]
        self.identifier("interface", name)
        version = self.number("version", attributes["version"], 1, MAX_VERSION)
        self.interface = _Interface(name, version, self.place())
        if name in self.interfaces:
            self.find(f"interface {_shown(name)} stands twice", f"first on line {self.interfaces[name].place[0]}")
        elif len(self.interfaces) >= MAX_INTERFACES:
            self.stop(f"more than {MAX_INTERFACES} interfaces")
        self.interfaces.setdefault(name, self.interface)

    def start_message(self, attributes: dict[str, str]) -> None:
        assert self.interface is not None  # CHILDREN: only an interface holds messages, and it was complete
        kind, name = self.open[-1], attributes["name"]
        self.identifier(kind, name)
        type_ = attributes.get("type", "")
        if type_ not in ("", "destructor"):
            self.find(f"{kind} {_shown(name)} has the type {_shown(type_)}", "destructor, or none")
        # an order of `since` that falls is no finding: org_kde_plasma_window.pid_changed has it, wayland-scanner only warns
        destructor = type_ == "destructor" or (kind == "event" and (self.interface.name, name) in KNOWN_DESTRUCTOR_EVENTS)
        self.message = _Message(kind, name, self.since(attributes), destructor)
        messages = self.interface.messages[kind]
        if name in messages:
            self.find(f"{kind} {_shown(name)} stands twice in {self.interface.name}")
        elif len(messages) >= MAX_MESSAGES:
            self.stop(f"more than {MAX_MESSAGES} {kind}s in {self.interface.name}")
        messages.setdefault(name, self.message)

    def start_argument(self, attributes: dict[str, str]) -> None:
        assert self.message is not None  # CHILDREN: only a message holds arguments
        name, type_, interface = attributes["name"], attributes["type"], attributes.get("interface", "")
        self.identifier("argument", name)
        nullable, enum = self.flag(attributes, "allow-null"), attributes.get("enum", "")
        arguments = self.message.arguments
        if type_ not in ARGUMENT_TYPES:
            self.find(f"argument type {_shown(type_)}", f"known: {', '.join(ARGUMENT_TYPES)}")
            return
        if any(other.name == name for other, _ in arguments):
            self.find(f"argument {_shown(name)} stands twice in {self.message.name}")
        if len(arguments) >= MAX_ARGUMENTS:
            self.find(f"{self.message.name} has more than {MAX_ARGUMENTS} arguments", "libwayland's limit")
            return
        if "interface" in attributes:
            self.identifier("interface", interface)
            if type_ not in (OBJECT, NEW_ID):
                self.find(f"interface= on an argument of type {type_}", "only object and new_id have one")
        # wayland-scanner would take arrays and new_ids as well; on the wire neither can be told from an empty one, and no
        # upstream file has it
        if nullable and type_ not in (OBJECT, STRING):
            self.find(f"allow-null on an argument of type {type_}", "only objects and strings can be null")
        if "enum" in attributes and type_ not in (INT, UINT):
            self.find(f"enum= on an argument of type {type_}", "only int and uint have one")
            enum = ""
        if type_ == NEW_ID:
            if not interface and self.message.kind == "event":
                self.find(
                    f"event {self.message.name} creates an object of no interface", "only a request can, as wl_registry.bind"
                )
            if any(other.type == NEW_ID for other, _ in arguments):
                self.find(f"{self.message.name} creates two objects", "wlproxy follows one new_id per message")
        arguments.append((Argument(name, type_, interface, nullable, enum), self.place()))

    def start_enum(self, attributes: dict[str, str]) -> None:
        assert self.interface is not None  # CHILDREN
        name = attributes["name"]
        self.identifier("enum", name)
        self.enum = _Enum(name, self.since(attributes), self.flag(attributes, "bitfield"))
        if name in self.interface.enums:
            self.find(f"enum {_shown(name)} stands twice in {self.interface.name}")
        elif len(self.interface.enums) >= MAX_ENUMS:
            self.stop(f"more than {MAX_ENUMS} enums in {self.interface.name}")
        self.interface.enums.setdefault(name, self.enum)

    def start_entry(self, attributes: dict[str, str]) -> None:
        assert self.enum is not None  # CHILDREN
        name = attributes["name"]
        self.identifier("entry", name, ENTRY_NAME)
        entry = Entry(name, self.value(attributes["value"]), self.since(attributes))
        if name in self.enum.entries:
            self.find(f"entry {_shown(name)} stands twice in {self.enum.name}")
        elif len(self.enum.entries) >= MAX_ENTRIES:
            self.stop(f"more than {MAX_ENTRIES} entries in {self.enum.name}")
        self.enum.entries.setdefault(name, entry)

    def value(self, text: str) -> int:
        """The 32 bits that go over the wire: -1 is 0xffffffff, as for the argument of type int that carries it."""
        number = -1
        if NUMBER.fullmatch(text):
            number = int(text)
        elif HEXADECIMAL.fullmatch(text):
            number = int(text, 16)
        elif text.startswith("-") and NUMBER.fullmatch(text[1:]) and int(text[1:]) <= 1 << 31:
            number = -int(text[1:]) & MAX_VALUE
        elif shift := SHIFT.fullmatch(text):
            number = int(shift[1]) << int(shift[2])
        if not 0 <= number <= MAX_VALUE:
            self.find(f"value {_shown(text)}", "decimal without leading 0, or 0x..., at most 32 bits")
            return 0
        return number

    # the whole

    def finish(self) -> Parsed:
        interfaces = [self.finish_interface(raw) for raw in self.interfaces.values()]
        return Parsed(interfaces, {raw.name: raw.place[0] for raw in self.interfaces.values()})

    def finish_interface(self, raw: _Interface) -> Interface:
        return Interface(
            name=raw.name,
            version=raw.version,
            requests=tuple(self.finish_message(raw, message) for message in raw.messages["request"].values()),
            events=tuple(self.finish_message(raw, message) for message in raw.messages["event"].values()),
            enums=tuple(Enum(enum.name, tuple(enum.entries.values()), enum.bitfield, enum.since) for enum in raw.enums.values()),
            protocol=self.protocol,
        )

    def finish_message(self, owner: _Interface, raw: _Message) -> Message:
        arguments = tuple(self.resolve_enum(owner, argument, place) for argument, place in raw.arguments)
        return Message(raw.name, arguments, raw.since, raw.destructor)

    def resolve_enum(self, owner: _Interface, argument: Argument, place: Place) -> Argument:
        """An enum of another file's interface cannot be looked up here; `protocol_set` does that."""
        if not argument.enum:
            return argument
        interface, dot, name = argument.enum.rpartition(".")
        if dot == ".":
            self.qualified(interface, name, argument.enum, place)
        else:
            interface = owner.name
        holder = self.interfaces.get(interface)
        if holder is not None:
            enum = holder.enums.get(name)
            if enum is None:
                known = ", ".join(sorted(holder.enums)) or "none"
                self.find(f"{interface} has no enum {_shown(name)}", f"known there: {known}", place)
            elif enum.bitfield and argument.type == INT:
                self.find(f"argument {argument.name} is an int, {interface}.{name} a bitfield", "bitfields are uint", place)
        return replace(argument, enum=f"{interface}.{name}")

    def qualified(self, interface: str, name: str, text: str, place: Place) -> None:
        if not NAME.fullmatch(interface) or not NAME.fullmatch(name):
            self.find(f"enum={_shown(text)}", "enum, or interface.enum", place)


def _shown(text: str) -> str:
    """What stands in the file, quoted, printable and of bounded length."""
    return ascii(text if len(text) <= 64 else text[:61] + "...")


def _check_encoding(data: bytes, path: str) -> None:
    """Leaves expat nothing to guess: it takes a byte order mark, or NULs between the letters, for UTF-16."""
    bad = data.find(0)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        bad = error.start
    if bad >= 0:
        line_start = data.rfind(b"\n", 0, bad) + 1
        place = (data.count(b"\n", 0, bad) + 1, bad - line_start + 1)
        raise ConfigErrors([ConfigError(path, *place, f"not UTF-8 text: byte 0x{data[bad]:02x}", "protocol files are UTF-8")])


def parse_protocol_with_lines(data: bytes, path: str) -> Parsed:
    """As parse_protocol, and where each interface begins."""
    if len(data) > MAX_BYTES:
        raise ConfigErrors([ConfigError(path, 0, 0, f"{len(data)} bytes", f"a protocol file has at most {MAX_BYTES}")])
    _check_encoding(data, path)
    reader = _Reader(path)
    parsed = Parsed([], {})
    try:
        reader.parser.Parse(data, True)
        parsed = reader.finish()
    except expat.ExpatError as error:
        reader.findings.append(ConfigError(path, error.lineno, error.offset + 1, f"not XML: {expat.ErrorString(error.code)}"))
    except _Enough:
        pass
    if reader.findings:
        raise ConfigErrors(reader.findings)
    return parsed


def parse_protocol(data: bytes, path: str) -> list[Interface]:
    """The interfaces of one XML file in its own order; `path` is for the errors alone. Raises ConfigErrors."""
    return parse_protocol_with_lines(data, path).interfaces
