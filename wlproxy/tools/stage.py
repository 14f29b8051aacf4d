"""A session of its own in which one message can be tried: the objects that it needs are made first, by messages as a program would send
them, and judged like any other.

Promises: every verdict is the session's; nothing is opened or connected to. Where the objects cannot be had, `Unstaged` says which
message stood in the way. Trusts: the compiled policy, whoever wrote the messages.

What is made up: the compositor offers every global there is in its newest version; a serial that a request needs was given to the guest
a moment ago by an event of every kind; descriptors are facts without a kernel behind them. An object that a message does not name
by number is the youngest of its interface, or a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..core import serials, wire
from ..core.compact import LETTERS
from ..core.errors import PolicyViolation
from ..core.fds import DMABUF, KIND_NAMES, MEMFD, PIPE, READ_WRITE, WRITE_ONLY, Fd
from ..core.objects import LIVE
from ..core.outcome import GUEST, HOST, WOULD_DENY, Outcome
from ..core.protocol import ARRAY, FD, FIXED, INT, NEW_ID, OBJECT, STRING, UINT, Argument, Interface, enum_of
from ..core.quotas import limits_of
from ..core.session import Session
from ..core.tables import MessageRule
from ..handlers import descriptors, host_files, load_tables
from ..policy.compile import global_names
from ..policy.grammar import (
    ANY,
    EVENT,
    REQUEST,
    Array,
    Descriptor,
    Fixed,
    Literal,
    NewId,
    Reference,
    Unshown,
    Value,
    wire_arguments,
    write,
)
from ..policy.reach import REQUESTS, Maker, ways
from ..sidecar.watch.stepping import ALLOWED, ENDED, HIDDEN, INERT, REWRITTEN, Cutter, Step, look
from .fuzzing.conversation import Descriptor as Facts
from .fuzzing.files import PretendedFiles
from .fuzzing.reference import pack

# the words of a test file
ALLOW: Final = "allow"
REWRITE: Final = "rewrite"
DENY: Final = "deny"
HIDE: Final = "hide"
VIRTUAL: Final = "virtual"
VIOLATION: Final = "violation"  # of the protocol, by built-in rules
VERDICTS: Final = (ALLOW, REWRITE, WOULD_DENY, DENY, HIDE, VIRTUAL, VIOLATION)
FAIL_EVENT: Final = "fail-event"
CLOSE_FD: Final = "close-fd"
DISCONNECT: Final = "disconnect"

DISPLAY: Final = 1
REGISTRY: Final = 2
FIRST_NAME: Final = 1000  # of the compositor's globals
FILE_BYTES: Final = 1 << 16
MIME: Final = "text/plain"
# one for the whole conversation, beside the globals: a second of them would be another device
SINGLE: Final = frozenset(("wl_pointer", "wl_keyboard", "wl_touch", "wl_registry", "wl_display"))
# How an interface is best made, where the shortest way is an odd one.
MAKERS: Final = {
    "wl_callback": Maker("wl_display", REQUESTS, "sync"),
    "wl_buffer": Maker("wl_shm_pool", REQUESTS, "create_buffer"),
}
ZERO: Final = ("offset", "format", "x", "y", "plane_idx", "modifier_hi", "modifier_lo", "flags", "state", "transform")
NUMBERS: Final = {"width": 16, "height": 16, "stride": 64, "size": FILE_BYTES, "scale": 1, "version": 1} | dict.fromkeys(ZERO, 0)
TEXTS: Final = {"mime_type": MIME, "app_id": "app", "title": "title"}
# What is said before a message can be, and after something is made; "!" an event.
BEFORE: Final = {
    ("xdg_surface", "ack_configure"): ("!xdg_surface.configure",),
    ("xdg_wm_base", "pong"): ("!xdg_wm_base.ping",),
    ("zwp_linux_buffer_params_v1", "create"): ("!zwp_linux_dmabuf_v1.format", "zwp_linux_buffer_params_v1.add"),
    ("zwp_linux_buffer_params_v1", "create_immed"): ("!zwp_linux_dmabuf_v1.format", "zwp_linux_buffer_params_v1.add"),
    ("wl_surface", "commit"): ("wl_surface.attach",),
    ("xdg_toplevel_icon_manager_v1", "set_icon"): ("xdg_toplevel_icon_v1.set_name",),
    ("wl_data_offer", "receive"): ("!wl_data_offer.offer", "!wl_data_device.selection"),
    ("zwp_primary_selection_offer_v1", "receive"): (
        "!zwp_primary_selection_offer_v1.offer",
        "!zwp_primary_selection_device_v1.selection",
    ),
    ("wl_data_device", "selection"): ("!wl_data_device.data_offer", "!wl_data_offer.offer"),
    ("wl_data_source", "send"): ("wl_data_source.offer",),
}
# The object that a message goes to has been completed: an xdg_surface has its window.
COMPLETED: Final = {"xdg_surface": "xdg_toplevel"}
INCOMPLETE: Final = ("get_toplevel", "get_popup", "destroy")
SELECTION: Final = ("selection", "id")  # of every kind of offer
PARENT: Final = ("xdg_surface", "get_popup", "parent")  # an argument that may be null on paper only
AFTER: Final = {
    "xdg_positioner": ("xdg_positioner.set_size", "xdg_positioner.set_anchor_rect"),
    "wl_data_source": ("wl_data_source.offer",),
    "zwp_primary_selection_source_v1": ("zwp_primary_selection_source_v1.offer",),
}


class Unstaged(Exception):
    """The objects for a message could not be made; the text says why."""


@dataclass(slots=True)
class Seen:
    """What became of a message. `verdict`: one of VERDICTS; `shapes`: every name that its refusal has; `becomes`: as it was forwarded, ""
    where it was not; `events`: what the guest was sent; `asks`: a refusal because nobody can be asked yet."""

    verdict: str
    message: str
    shapes: tuple[str, ...] = ()
    becomes: str = ""
    events: list[str] = field(default_factory=list)
    origin: str = ""
    reason: str = ""
    asks: bool = False


Deliver = Callable[[int, bytes, list[Fd]], Outcome]


class Stage:
    """One connection under a compiled policy. `session` with its `files` and `deliver` let a test put its own in their place."""

    def __init__(
        self,
        compiled: dict[str, Any],
        interfaces: Mapping[str, Interface],
        session: Session | None = None,
        deliver: Deliver | None = None,
        files: PretendedFiles | None = None,
    ) -> None:
        self.compiled = compiled
        self.interfaces = interfaces
        self.files = files or PretendedFiles()
        self.session = session or Session(load_tables(compiled), limits_of(compiled), self.files, complaining=lambda: True)
        self._deliver = deliver or self.session.receive
        self._ways = ways(compiled, interfaces, global_names(interfaces))
        self._announced: dict[str, tuple[int, int]] = {}  # name, version: as the guest was told
        self._young: dict[str, list[int]] = {}  # the guest's ids by interface, the youngest last
        self._named: dict[tuple[str, int], int] = {}  # by the number in a message
        self._host_ids = 0
        self._serial = 0
        self._making: list[str] = []
        self._last = ""  # what a test has said
        self.judged: set[tuple[str, str]] = set()  # interface, message
        self.bound: set[str] = set()
        self._send(GUEST, 1, "get_registry", [REGISTRY], [])
        for number, name in enumerate(sorted(global_names(interfaces)), FIRST_NAME):
            self._send(HOST, REGISTRY, "global", [number, name, interfaces[name].version], [])
        self.judged.clear()

    def play(self, literal: Literal) -> Seen:
        """Has the session judge the message. Raises Unstaged."""
        self._before(literal)
        side = GUEST if literal.direction == REQUEST else HOST
        if literal.interface == "wl_registry" and literal.message == "bind":
            return self._bind(literal)
        target = self._target(literal)
        values = self._values(side, target, literal)
        fds = self._fds(side, literal)
        self.judged.add((literal.interface, literal.message))
        self._last = f"{literal.interface}.{literal.message}"
        return self._send(side, target, literal.message, values, fds)

    # -- making objects

    def obtain(self, interface: str, fresh: bool = False) -> int:
        """The guest's id of an object. Raises Unstaged."""
        young = [number for number in self._young.get(interface, []) if self._alive(number)]
        if young and (not fresh or interface in SINGLE or not self._ways.get(interface)):
            return young[-1]
        if interface == "wl_display":
            return 1
        if interface == "wl_registry":
            return REGISTRY
        if interface in self._making:
            raise Unstaged(f"a {interface} is needed to make one")
        self._making.append(interface)
        try:
            way = self._ways.get(interface)
            if way is None:
                raise Unstaged(f"nothing creates a {interface}")
            if not way:
                return self._bound(interface)
            usual = MAKERS.get(interface)
            if usual is not None:
                try:
                    return self._made(interface, usual)
                except Unstaged:
                    if self.session.over:
                        raise
            return self._made(interface, way[-1])
        finally:
            self._making.pop()

    def _bound(self, interface: str) -> int:
        if interface not in self._announced:
            raise Unstaged(f"{interface} is hidden from the guest")
        seen = self._bind(Literal(REQUEST, "wl_registry", None, "bind", (ANY, interface, ANY, NewId())))
        if not self._young.get(interface):
            raise Unstaged(f"{interface} cannot be bound: {seen.reason}")
        return self._young[interface][-1]

    def _made(self, interface: str, maker: Maker) -> int:
        side = GUEST if maker.side == REQUESTS else HOST
        direction = REQUEST if side == GUEST else EVENT
        owner = self.obtain(maker.interface, fresh=maker.interface not in SINGLE)
        literal = Literal(direction, maker.interface, None, maker.message, None)
        self._before(literal)
        values = self._values(side, owner, literal, fresh=True)
        count = len(self._young.get(interface, []))
        self.judged.add((maker.interface, maker.message))
        seen = self._send(side, owner, maker.message, values, self._fds(side, literal))
        if self.session.over or len(self._young.get(interface, [])) == count:
            raise Unstaged(f"no {interface}: {seen.message} is judged {seen.verdict}: {seen.reason} ({seen.origin})")
        made = self._young[interface][-1]
        for text in AFTER.get(interface, ()):
            self._aside(text)
        return made

    def _before(self, literal: Literal) -> None:
        """What a program would have said before this message, where it has not just been said."""
        for text in BEFORE.get((literal.interface, literal.message), ()):
            if text == self._last:
                continue
            try:
                self._aside(text, literal)
            except Unstaged:  # then the message has to do without
                if self.session.over:
                    raise

    def _aside(self, text: str, literal: Literal | None = None) -> None:
        """A message that goes before another, to the same object where it is of the same interface."""
        interface, _, message = text.removeprefix("!").partition(".")
        event = text.startswith("!")
        number = literal.object_id if literal is not None and literal.interface == interface else None
        aside = Literal(EVENT if event else REQUEST, interface, number, message, None)
        side = HOST if event else GUEST
        target = self._target(aside)
        self.judged.add((interface, message))
        self._send(side, target, message, self._values(side, target, aside), self._fds(side, aside))

    def _target(self, literal: Literal) -> int:
        if literal.object_id is None:
            if literal.interface in COMPLETED and literal.message not in INCOMPLETE:
                self.obtain(COMPLETED[literal.interface])
            return self.obtain(literal.interface)
        return self._number(literal.interface, literal.object_id)

    def _number(self, interface: str, number: int) -> int:
        """The object that a number in a message stands for: the same one each time."""
        key = (interface, number)
        if key not in self._named:
            named = set(self._named.values())
            free = [n for n in self._young.get(interface, []) if n not in named and self._alive(n)]
            self._named[key] = free[-1] if free else self.obtain(interface, fresh=True)
        return self._named[key]

    def _alive(self, number: int) -> bool:
        found = self.session.connection.objects.of_guest(number)
        return found is not None and found.stage == LIVE

    # -- arguments

    def _values(self, side: int, target: int, literal: Literal, fresh: bool = False) -> list[object]:
        """The values to send, without the descriptors; what is left open is filled in."""
        interface = self.interfaces[literal.interface]
        message = next(m for m in (interface.requests if side == GUEST else interface.events) if m.name == literal.message)
        arguments = wire_arguments(message)
        given = literal.arguments or (ANY,) * len(arguments)
        rule = self._rule(side, target, literal.message)
        found: list[object] = []
        taken = [target]
        for index, (argument, value) in enumerate(zip(arguments, given, strict=True)):
            if argument.type == FD:
                continue
            try:
                made = self._value(side, literal, argument, value, rule, index, fresh, taken)
            except Unstaged:
                held = self.session.connection.objects.of_guest(target)
                if self.session.over or held is None or not held.ghost:
                    raise
                made = DISPLAY  # nobody asks what a request to a ghost names
            if argument.type == OBJECT and isinstance(made, int):
                taken.append(made)
            found.append(made)
        for index, argument in enumerate(a for a in arguments if a.type != FD):
            if argument.type == NEW_ID:  # the last of all, because arguments are made with ids, too
                found[index] = self._new_id(side)
        if side == HOST:  # ids as the compositor knows them
            for index, argument in enumerate(a for a in arguments if a.type != FD):
                number = found[index]
                if argument.type == OBJECT and isinstance(number, int) and number:
                    held = self.session.connection.objects.of_guest(number)
                    found[index] = held.host_id if held is not None else number
        return found

    def _value(
        self,
        side: int,
        literal: Literal,
        argument: Argument,
        value: Value,
        rule: MessageRule | None,
        index: int,
        fresh: bool,
        taken: list[int],
    ) -> object:
        if argument.type == NEW_ID:
            return 0
        if argument.type == OBJECT:
            if value is ANY and (literal.interface, literal.message, argument.name) == PARENT:
                self.obtain("xdg_toplevel", fresh=True)
                return self._young[argument.interface][-1]
            if value is ANY and (literal.message, argument.name) == SELECTION and self._young.get(argument.interface):
                return self._young[argument.interface][-1]
            return self._object(argument, value, fresh, taken)
        if argument.type == ARRAY:
            return bytes(value.size) if isinstance(value, Array) and value.size > 0 else b""
        if argument.type == STRING:
            if isinstance(value, Unshown):
                return value.begins + "x" * max(0, value.size - len(value.begins.encode("utf-8", "surrogateescape")))
            if isinstance(value, str) or value is None:
                return value
            types = [word for _, words in self.session.connection.tables.transfers.values() for word in sorted(words or ())]
            first = types[:1] if argument.name == "mime_type" and types else []
            return self._suits(rule, index, [*first, TEXTS.get(argument.name, "a"), "a", "A", "0", ""])
        if isinstance(value, Fixed):
            return value.raw
        if isinstance(value, int):
            return value
        if argument.name == "serial" and rule is not None and rule.serial_at == index:
            return self._a_serial(side, literal)
        return self._number_for(argument, rule, index)

    def _object(self, argument: Argument, value: Value, fresh: bool, taken: list[int]) -> int:
        if value is None:
            return 0
        interface = argument.interface
        if isinstance(value, Reference):
            interface = value.interface or interface
            if value.object_id:
                return self._number(interface, value.object_id)
        elif argument.nullable:
            return 0
        interface = interface or "wl_surface"
        number = self.obtain(interface, fresh=fresh)
        if number in taken and interface not in SINGLE and self._ways.get(interface):
            number = self.obtain(interface, fresh=True)
        return number

    def _new_id(self, side: int) -> int:
        if side == HOST:
            self._host_ids += 1
            return wire.SERVER_IDS + self._host_ids - 1
        return len(self.session.connection.objects.client)

    def _a_serial(self, side: int, literal: Literal) -> int:
        self._serial += 1
        if side == HOST or self.session.connection.tables.keep_names:
            return self._serial
        given = self.session.connection.serials
        if (literal.interface, literal.message) in BEFORE:
            return given.give(self._serial - 1, serials.OTHER, self.session.now)  # that of the event before
        return given.give(self._serial + FIRST_NAME, serials.ANY, self.session.now)

    def _number_for(self, argument: Argument, rule: MessageRule | None, index: int) -> int:
        candidates = [NUMBERS.get(argument.name, 1), 1, 0]
        enum = enum_of(argument, self.interfaces)
        if enum is not None:
            candidates = [*([NUMBERS[argument.name]] if argument.name in NUMBERS else []), *(entry.value for entry in enum.entries)]
        for check in rule.checks if rule is not None else []:
            if check.argument == index:
                candidates += [int(check.number), *sorted(check.values)]
        scale = 256 if argument.type == FIXED else 1
        chosen = self._suits(rule, index, [c * scale if c < 2**20 else c for c in candidates])
        return chosen if isinstance(chosen, int) else 0

    def _suits(self, rule: MessageRule | None, index: int, candidates: list[Any]) -> object:
        """The first that the policy's checks let pass; else the first."""
        for candidate in candidates:
            try:
                for check in rule.checks if rule is not None else []:
                    if check.argument == index:
                        check.apply(candidate)
            except PolicyViolation:
                continue
            return candidate
        return candidates[0]

    def _fds(self, side: int, literal: Literal) -> list[Fd]:
        interface = self.interfaces[literal.interface]
        message = next(m for m in (interface.requests if side == GUEST else interface.events) if m.name == literal.message)
        wanted = [a for a in wire_arguments(message) if a.type == FD]
        given = [v for v in literal.arguments or () if isinstance(v, Descriptor)]
        key = (literal.interface, literal.message)
        usual = descriptors.REQUESTS.get(key, descriptors.NOTHING).kind if side == GUEST else PIPE if key in host_files.PIPES else MEMFD
        facts = []
        for place in range(len(wanted)):
            said = given[place] if place < len(given) else Descriptor()
            kind = KIND_NAMES.index(said.kind) if said.kind else usual
            size = said.size if said.size >= 0 else FILE_BYTES if kind in (MEMFD, DMABUF) else 0
            facts.append(Facts(kind, WRITE_ONLY if kind == PIPE else READ_WRITE, size, 0 if kind == MEMFD else -1, kind == MEMFD))
        return self.files.hand_in(facts)

    # -- saying it

    def _bind(self, literal: Literal) -> Seen:
        number, interface, version, _ = literal.arguments or (ANY, ANY, ANY, ANY)
        if not isinstance(interface, str):
            raise Unstaged("which global is bound? wl_registry.bind(NAME, VERSION)")
        name, announced = self._announced.get(interface, (len(self._announced) + 1, 1))
        if isinstance(number, int):
            name = number
        self.bound.add(interface)
        new_id = self._new_id(GUEST)
        seen = self._send(GUEST, REGISTRY, "bind", [name, interface, version if isinstance(version, int) else announced, new_id], [])
        if interface not in self._announced:
            seen.verdict, seen.shapes = HIDE, (DISCONNECT,)
        return seen

    def _rule(self, side: int, target: int, name: str) -> MessageRule | None:
        held = self.session.connection.objects.of_guest(target)
        if held is None:
            return None
        rules = held.table.requests if side == GUEST else held.table.events
        return next((rule for rule in rules if rule.name == name), None)

    def _send(self, side: int, target: int, name: str, values: list[object], fds: list[Fd]) -> Seen:
        objects = self.session.connection.objects
        held = objects.of_guest(target)
        if held is None:
            raise Unstaged("the connection is over" if self.session.over else f"there is no object {target}")
        interface = self.interfaces[held.interface]
        messages = interface.requests if side == GUEST else interface.events
        opcode = next(index for index, message in enumerate(messages) if message.name == name)
        address = target if side == GUEST else held.host_id
        data = pack(address, opcode, messages[opcode], values)
        if self.session.over:
            raise Unstaged("the connection is over: an earlier message ended it")
        if side == HOST and held.ghost:
            text = self._text(side, interface, opcode, values, fds)
            return Seen(DENY, text, ("inert",), reason="the compositor does not have this object")
        created = self._creates(side, interface.name, opcode, values)
        step = look(self.session, side, data, fds)
        discarded_before = len(fds)
        outcome = self._deliver(side, data, fds)
        step.decided(outcome)
        passed = self._read(HOST, outcome) if side == GUEST else self._read(GUEST, outcome)
        told = self._read(GUEST, outcome) if side == GUEST else []
        text = self._text(side, interface, opcode, values, fds)
        if created is not None:
            new_interface, number = created
            made = objects.of_guest(number) if side == GUEST else objects.by_host.get(number)
            if made is not None and made.stage == LIVE and made.interface == new_interface:
                self._young.setdefault(new_interface, []).append(made.guest_id)
        seen = self._seen(step, outcome, text, told, bool(discarded_before and outcome.discarded))
        if seen.verdict in (ALLOW, REWRITE, WOULD_DENY):
            seen.becomes = next((line for line in passed if f".{name}" in line), "")
        decision = self._decision(side, interface.name, opcode)
        seen.asks = bool(decision.get("ask")) and seen.verdict == DENY
        return seen

    def _decision(self, side: int, interface: str, opcode: int) -> Mapping[str, Any]:
        entry = self.compiled["interfaces"].get(interface)
        return {} if entry is None else entry["requests" if side == GUEST else "events"][opcode][4] or {}

    def _creates(self, side: int, interface: str, opcode: int, values: list[object]) -> tuple[str, int] | None:
        """Interface and id of what a message creates."""
        messages = self.interfaces[interface].requests if side == GUEST else self.interfaces[interface].events
        arguments = [a for a in wire_arguments(messages[opcode]) if a.type != FD]
        for argument, value in zip(arguments, values, strict=True):
            if argument.type == NEW_ID and isinstance(value, int):
                return argument.interface or str(values[1]), value
        return None

    def _seen(self, step: Step, outcome: Outcome, text: str, told: list[str], closed: bool) -> Seen:
        shapes = [step.shape] if step.shape else []
        verdict = {ALLOWED: ALLOW, REWRITTEN: REWRITE, WOULD_DENY: WOULD_DENY, ENDED: VIOLATION}.get(step.verdict, DENY)
        if step.verdict == INERT:
            shapes.append("inert")
        elif step.verdict == HIDDEN:
            shapes.append("ignore")
        if step.shape == VIRTUAL:
            verdict, shapes = VIRTUAL, [VIRTUAL]
        if outcome.farewell and step.verdict == ENDED:
            refused = any(record.event == "refused" and record.verdict == DISCONNECT for record in outcome.audit)
            verdict, shapes = DENY if refused else VIOLATION, [DISCONNECT]
        answered = [line for line in told if not line.startswith(("wl_display", "event wl_display"))]
        if verdict == DENY and step.side == GUEST:
            shapes += [FAIL_EVENT] if answered else []
            shapes += [CLOSE_FD] if closed else []
        return Seen(verdict, text, tuple(dict.fromkeys(shapes)), "", told, step.origin, step.reason)

    def _text(self, side: int, interface: Interface, opcode: int, values: list[object], fds: list[Fd]) -> str:
        """A message in the grammar, ids left out: they are the stage's."""
        message = (interface.requests if side == GUEST else interface.events)[opcode]
        rest = iter(values)
        told: list[Value] = []
        given = iter(fds)
        for argument in wire_arguments(message):
            if argument.type == FD:
                fd = next(given, None)
                told.append(Descriptor() if fd is None or not fd.kind else Descriptor(KIND_NAMES[fd.kind]))
                continue
            told.append(self._told(argument, next(rest)))
        if (interface.name, message.name) == ("wl_registry", "bind"):
            told[0] = ANY
        direction = REQUEST if side == GUEST else EVENT
        return write(Literal(direction, interface.name, None, message.name, tuple(told)), self.interfaces)

    def _told(self, argument: Argument, value: object) -> Value:
        if argument.type == ARRAY:
            return Array(len(value) if isinstance(value, bytes) else 0)
        if argument.type == FIXED:
            return Fixed(value if isinstance(value, int) else 0)
        if argument.type == NEW_ID:
            return NewId()
        if argument.type == OBJECT:
            if not isinstance(value, int) or not value:
                return None
            return Reference(argument.interface, 0 if argument.interface else value)
        if argument.type in (INT, UINT):
            return value if isinstance(value, int) else 0
        return value if isinstance(value, str) or value is None else ""

    def _read(self, side: int, outcome: Outcome) -> list[str]:
        """The messages that an outcome takes to that side, as text."""
        cutter = Cutter()
        parcels = outcome.to_host if side == HOST else outcome.to_guest
        found = [self._decoded(side, data) for parcel in parcels for data in cutter.messages(parcel.data)]
        return [text for text in found if text]

    def _decoded(self, side: int, data: bytes) -> str:
        objects = self.session.connection.objects
        number = int.from_bytes(data[:4], "little")
        held = objects.of_host(number) if side == HOST else objects.of_guest(number)
        if held is None:
            return ""
        interface = self.interfaces[held.interface]
        messages = interface.requests if side == HOST else interface.events
        opcode = int.from_bytes(data[4:6], "little")
        if opcode >= len(messages):
            return ""
        arguments = wire_arguments(messages[opcode])
        signature = "".join(LETTERS[a.type] for a in arguments)
        try:
            values, _ = wire.decode(data, 0, len(data), signature, [True] * len(arguments), False)
        except wire.Malformed:
            return ""
        kept = [value for argument, value in zip(arguments, values, strict=True) if argument.type != FD]
        if side == GUEST and (interface.name, messages[opcode].name) == ("wl_registry", "global"):
            name, announced, version = kept
            if isinstance(name, int) and isinstance(version, int):
                self._announced[str(announced)] = (name, version)
        return self._text(GUEST if side == HOST else HOST, interface, opcode, kept, [])
