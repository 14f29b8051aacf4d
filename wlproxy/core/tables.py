"""The compiled policy as the tables the session looks things up in.

Promises: for each interface and version an exhaustive list of rules, one per opcode, so that "not in the table" is the refusal.
Everything a rule can know (size, descriptors, what it creates, who refused it) is settled here, before the first guest.
Trusts: the compiled policy, which `from_compiled` checks for shape only.

`MessageRule.kind` says how much work a message is. PLAIN costs a header look-up and a size check; the kinds up to DELETE_ID are
the common shapes with one object in them, handled in the session's loop; everything else is FULL and gets decoded
(bench/parse.py shows the difference: about 20 ns against 1 us).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from mypy_extensions import i64

from . import serials
from .checks import NUMERIC, OPERATIONS, Check
from .outcome import PREVIEW
from .wire import ARRAY, FD, FIXED, HEADER_BYTES, INT, NEW_ID, OBJECT, STRING, UINT

if TYPE_CHECKING:
    from .connection import Connection
    from .message import Message
    from .objects import Object

PLAIN: Final = 0  # numbers only: forward
REFER: Final = 1  # numbers and one object
CREATE: Final = 2  # numbers and one new_id of a fixed interface
DESTROY: Final = 3  # numbers; the object is gone afterwards
DELETE_ID: Final = 4  # wl_display.delete_id
FULL: Final = 5  # decode, check, decide
TRACK: Final = 6  # numbers; the object's note looks at them first
GHOST: Final = 7  # a request to an object that exists for the guest alone
MUTED: Final = 8  # an event of an object the guest does not have (any more): read, drop
SWALLOW: Final = 9  # the answer to a placeholder
MISSING: Final = 10  # not in this version

ALLOW: Final = "allow"
IGNORE: Final = "ignore"
INERT: Final = "inert"
DISCONNECT: Final = "disconnect"
VERDICTS: Final = frozenset((ALLOW, IGNORE, INERT, DISCONNECT))

TYPE_LETTERS: Final = frozenset("iufsonah")

# What a handler does with a message: forward it, or one of the deny shapes.
FORWARD: Final = 0
DROP: Final = 1
MAKE_INERT: Final = 2

Inspector = Callable[["Connection", "Message"], int]
Effect = Callable[["Connection", "Message"], None]
# Who says an Answer, where it is not an argument.
SELF: Final = -1
CHILD: Final = -2

NoteFactory = Callable[["Connection", "Object"], "Note"]


class Note:
    """What a handler remembers about one object. A subclass for each interface that has a state worth modelling.

    Native methods with native arguments, because `look` sits on the hot path: an attach, damage and commit per frame cost about
    10 ns each this way and about 1 us as decoded messages (bench/parse.py).
    """

    def look(self, opcode: i64, data: bytes, at: i64) -> bool:
        """Takes notice of a fixed-size request whose first argument word stands at `at`. False: decode it and ask `inspect`."""
        return True

    def ending(self) -> None:
        """The guest destroys the object. Raises ProtocolViolation where the specification forbids it now."""

    def settle(self) -> bool:
        """Of an object in Connection.loans, when something has changed: sees to it. False: it is no loan any more."""
        return False


class Answer:
    """An event the proxy sends in the compositor's stead after a request that nobody upstream will answer.

    `speaker`: who says it: the request's own object (SELF), the one it creates (CHILD), or the object that the argument of that
    index names. `to_ghosts`, `to_real`: what the speaker may be.
    """

    def __init__(self, event: str, args: list[object], speaker: int, to_ghosts: bool, to_real: bool) -> None:
        self.event = event
        self.args = args
        self.speaker = speaker
        self.to_ghosts = to_ghosts
        self.to_real = to_real


class MessageRule:
    """One message of one interface under this policy. `size` is exact, 0 where the message has a string or an array."""

    def __init__(self, interface: str, name: str, opcode: int, since: int, destructor: bool) -> None:
        self.interface = interface
        self.name = name
        self.opcode = opcode
        self.since = since
        self.destructor = destructor
        self.kind: i64 = MISSING
        self.size: i64 = 0
        self.object_at: i64 = 0  # REFER and CREATE: where the object's word stands
        self.signature = ""
        self.fds: i64 = 0
        self.nullable: list[bool] = []
        self.argument_names: list[str] = []
        self.argument_interfaces: list[str] = []
        self.may_be_null = False  # REFER: the object may be null
        self.refers_to = ""  # REFER: the interface it must have, "" = any
        self.child: Family | None = None  # what its new_id creates; None for wl_registry.bind
        self.serial_at = -1  # the argument that is a serial
        self.serial_kinds = serials.OTHER  # of an event: what it is; of a request: what it must have come with
        self.serial_seconds = serials.ALWAYS
        self.masked = False  # CREATE: the callback's data would be the compositor's serial
        self.verdict = ALLOW
        self.checks: list[Check] = []
        self.numeric = False  # the checks are all on numbers: asked without decoding
        self.vet: Inspector | None = None  # of a message with descriptors: looks at their facts before anything else does
        self.exchange: Inspector | None = None  # of the same: puts our own in their place after everything else
        self.inspect: Inspector | None = None
        self.effect: Effect | None = None
        self.weight = 0  # for how many more messages than one it counts
        self.tracked = False  # the object's note looks at it; `inspect` is asked only where that says so
        self.answers: list[Answer] = []
        self.ghost_effect: Effect | None = None
        self.origin = ""
        self.rate: tuple[float, float] | None = None  # for the guest as a whole; more is refused in the shape ...
        self.refusal = ALLOW  # ... of this
        self.quoted = -1  # the argument that the audit log has the beginning of, none as a rule
        self.complains = False  # what `verdict` refuses passes while the policy only complains
        self.shadow: MessageRule | None = None  # what another policy says of it, where that may differ (shadow.py)

    def of_kind(self, kind: int) -> MessageRule:
        """The same message handled another way."""
        other = MessageRule(self.interface, self.name, self.opcode, self.since, self.destructor)
        other.kind = kind
        other.size = self.size
        other.signature = self.signature
        other.fds = self.fds
        other.nullable = self.nullable
        other.argument_names = self.argument_names
        other.argument_interfaces = self.argument_interfaces
        other.child = self.child
        other.serial_at = self.serial_at
        other.serial_kinds = self.serial_kinds
        other.serial_seconds = self.serial_seconds
        other.verdict = self.verdict
        other.checks = self.checks
        other.numeric = self.numeric
        other.vet = self.vet
        other.exchange = self.exchange
        other.inspect = self.inspect
        other.effect = self.effect
        other.weight = self.weight
        other.tracked = self.tracked
        other.answers = self.answers
        other.ghost_effect = self.ghost_effect
        other.origin = self.origin
        other.rate = self.rate
        other.refusal = self.refusal
        other.quoted = self.quoted
        other.complains = self.complains
        other.shadow = self.shadow
        return other

    def settle(self) -> None:
        """Derives size, descriptors and kind from signature, verdict, checks and inspect."""
        words = 0
        objects = 0
        creates = 0
        variable = False
        for index, letter in enumerate(self.signature):
            if letter == FD:
                self.fds += 1
                continue
            for check in self.checks:
                if check.argument == index:
                    check.word_at = HEADER_BYTES + 4 * words
                    check.signed = letter == INT or letter == FIXED
            if letter == STRING or letter == ARRAY:
                variable = True
            elif letter == OBJECT or letter == NEW_ID:
                self.object_at = HEADER_BYTES + 4 * words
                if letter == OBJECT:
                    objects += 1
                    self.may_be_null = self.nullable[index]
                    self.refers_to = self.argument_interfaces[index]
                else:
                    creates += 1
            words += 1
        self.size = 0 if variable else HEADER_BYTES + 4 * words
        watched = (self.inspect is not None or self.effect is not None) and not self.tracked
        self.numeric = bool(self.checks) and all(check.operation in NUMERIC for check in self.checks)
        simple = not (watched or variable or self.fds or self.weight or self.rate or self.serial_at >= 0) and self.verdict == ALLOW
        simple = simple and (self.numeric or not self.checks)
        self.numeric = self.numeric and simple
        self.tracked = self.tracked and simple
        if not simple or objects + creates > 1 or (self.destructor and objects + creates):
            self.kind = FULL
        elif self.destructor:
            self.kind = DESTROY
        elif objects:
            self.kind = REFER
        elif creates:
            self.kind = CREATE
        else:
            self.kind = TRACK if self.tracked else PLAIN


class InterfaceTable:
    """The rules of one interface at one version, by opcode.

    `ghost_requests` for objects that exist for the guest alone, `late_events` for objects the guest has destroyed while the
    compositor still speaks of them, `muted_events` for objects the guest was never told of.
    """

    def __init__(self, family: Family, version: int) -> None:
        self.family = family
        self.version = version
        self.requests = [at_version(rule, version) for rule in family.requests]
        self.events = [at_version(rule, version) for rule in family.events]
        self.ghost_requests = [r if r.kind == MISSING else r.of_kind(GHOST) for r in self.requests]
        self.late_events = [r if r.kind == PLAIN or r.kind == MISSING else r.of_kind(MUTED) for r in self.events]
        self.muted_events = [r if r.kind == MISSING else r.of_kind(MUTED) for r in self.events]


def at_version(rule: MessageRule, version: int) -> MessageRule:
    """The rule itself, or one that says the message does not exist yet."""
    return rule if rule.since <= version else rule.of_kind(MISSING)


class Family:
    """One interface in all its versions up to the one the policy allows."""

    def __init__(self, name: str, max_version: int) -> None:
        self.name = name
        self.max_version = max_version
        self.requests: list[MessageRule] = []
        self.events: list[MessageRule] = []
        self.new_note: NoteFactory | None = None
        self.counted: i64 = 0  # as what, core/quotas.py COUNTED
        self._tables: list[InterfaceTable | None] = [None] * (max_version + 1)

    def table(self, version: int) -> InterfaceTable:
        """The rules at `version`, or at the highest there is. A child has its parent's version (wl_registry.bind apart)."""
        version = min(version, self.max_version)
        found = self._tables[version]
        if found is None:
            found = InterfaceTable(self, version)
            self._tables[version] = found
        return found


class Tables:
    """A compiled policy: `families` by interface name, `globals` with the version offered at most and the policy line."""

    def __init__(self, name: str, digest: str, keep_names: bool) -> None:
        self.name = name
        self.digest = digest
        self.keep_names = keep_names  # a transparent policy leaves names of globals and serials as they are
        self.families: dict[str, Family] = {}
        self.globals: dict[str, tuple[int, str]] = {}
        self.served: dict[str, tuple[int, str]] = {}  # announced by the proxy itself; what a guest makes of them is inert
        self.transfers: dict[str, tuple[int, frozenset[str] | None]] = {}  # by permission: most bytes (0 = no bound), types (None = all)
        self.sizes: dict[str, int] = {}  # by permission: pixels
        self.most_planes = 4  # of a GPU's buffer, and ...
        self.modifiers: frozenset[str] = frozenset(("advertised",))  # ... how it may be laid out (handlers/dmabufs.py)
        self.grab_depth = 0  # of popups that grab; 0 = no bound
        self.inhibit_only = ""  # when an idle inhibitor holds: "visible", "fullscreen"; "" = always
        self.inhibit_seconds = 0.0  # for how long without any input to the guest; 0 = no bound
        self.escapes: dict[str, list[str]] = {}  # by permission that is given: combinations of keys that take back what it gave
        self.skipped: dict[str, frozenset[str]] = {}  # by permission: types whose presence hides the whole offer
        self.needs_input: set[str] = set()  # permissions whose token must have been given for the user's input
        self.refused: set[str] = set()  # permissions that are not given ...
        self.complaining: frozenset[str] = frozenset()  # ... and those of them that are while the policy only complains
        self.counts: dict[str, int] = {}  # by interface: of so many globals the guest is told; not named = of all
        self.virtual: dict[str, list[str]] = {}  # by global: the parts of it that are made up (handlers/virtual.py)
        self.previews = False  # the audit log has the beginning of what the guest calls its windows
        self.shadow: Tables | None = None  # the policy that is asked beside this one
        self.copies_unsealable = True  # shared memory that takes no seals; else it is refused (handlers/buffers.py)
        self.takes_down = False  # windows whose wl_surface is destroyed first; else that is an error (handlers/windows.py)
        self.shared: dict[str, object] = {}  # what handlers remember for all connections, by handler

    def family(self, name: str) -> Family:
        """Raises KeyError for an interface that the compiled policy does not hold."""
        return self.families[name]


class Handlers:
    """What the handlers attach to messages, by (interface, message), whatever the policy says: no policy can forget one."""

    def __init__(
        self,
        inspectors: dict[tuple[str, str], Inspector],
        effects: dict[tuple[str, str], Effect],
        tracked: set[tuple[str, str]],
        notes: dict[str, NoteFactory],
        answers: dict[tuple[str, str], list[Answer]],
        vet: Inspector | None = None,
        exchange: Inspector | None = None,
        counted: dict[str, int] | None = None,
        weights: dict[tuple[str, str], int] | None = None,
        ghost_effects: dict[tuple[str, str], Effect] | None = None,
        quoted: dict[tuple[str, str], int] | None = None,
    ) -> None:
        self.inspectors = inspectors
        self.effects = effects  # called once the message has been judged good and its objects exist
        self.tracked = tracked  # messages whose object's note looks first, inspectors only where it says so
        self.notes = notes  # by interface
        self.answers = answers
        self.vet = vet  # every message with descriptors, requests and events alike
        self.exchange = exchange
        self.counted = counted or {}  # by interface
        self.weights = weights or {}
        self.quoted = quoted or {}  # the argument of a request that is what the guest calls a window
        self.ghost_effects = ghost_effects or {}  # called after a request to a ghost, whose child is a ghost as well


def load(compiled: dict[str, Any], handlers: Handlers) -> Tables:
    """Tables from a compiled policy (policy/compile.py has its form). Raises ValueError where the form is wrong."""
    if compiled.get("format") != 1:
        raise ValueError(f"compiled policy of format {compiled.get('format')!r}, this version reads format 1: compile it again")
    tables = Tables(compiled["name"], compiled["sha256"], compiled["names"] == "keep")
    tables.virtual = {name: [str(part) for part in parts] for name, parts in compiled.get("virtual", {}).items()}
    tables.counts = {name: int(count) for name, count in compiled.get("count", {}).items()}
    tables.previews = compiled.get("payload") == PREVIEW
    tables.takes_down = compiled.get("early-destroy") == "in-order"
    tables.copies_unsealable = compiled.get("shm-unsealable", "copy") == "copy"
    for name, entry in compiled["interfaces"].items():
        tables.families[name] = Family(name, entry["version"])
    for name, entry in compiled["interfaces"].items():
        family = tables.families[name]
        family.new_note = handlers.notes.get(name)
        family.counted = handlers.counted.get(name, 0)
        family.requests = [_rule(tables, name, i, item, handlers, True) for i, item in enumerate(entry["requests"])]
        family.events = [_rule(tables, name, i, item, handlers, False) for i, item in enumerate(entry["events"])]
    for key, offered in (("globals", tables.globals), ("served", tables.served)):
        for name, (version, origin) in compiled.get(key, {}).items():
            if name not in tables.families:
                raise ValueError(f"global {name} has no interface in the compiled policy")
            offered[name] = (version, origin)
    tables.complaining = frozenset(compiled["complain"]["permissions"]) if "complain" in compiled else frozenset()
    for name, (verdict, _, parameters) in compiled.get("permissions", {}).items():
        if verdict != ALLOW:
            tables.refused.add(name)
        if "max-size" in parameters:
            tables.sizes[name] = parameters["max-size"]
        if "skip-if" in parameters:
            tables.skipped[name] = frozenset(parameters["skip-if"])
        if "needs-input-serial" in parameters:
            tables.needs_input.add(name)
        tables.most_planes = parameters.get("max-planes", tables.most_planes)
        tables.modifiers = frozenset(parameters["modifiers"]) if "modifiers" in parameters else tables.modifiers
        tables.grab_depth = parameters.get("max-depth", tables.grab_depth)
        tables.inhibit_only = parameters.get("only", tables.inhibit_only)
        tables.inhibit_seconds = float(parameters.get("max-duration", tables.inhibit_seconds))
        if "escape" in parameters and (verdict == ALLOW or name in tables.complaining):
            tables.escapes[name] = [str(combination) for combination in parameters["escape"]]
        if "max-bytes" in parameters or "mime" in parameters:
            types = parameters.get("mime")  # an empty list is not "all": policy and ceiling have no type in common
            tables.transfers[name] = (parameters.get("max-bytes", 0), None if types is None else frozenset(types))
    if "wl_display" not in tables.families:
        raise ValueError("the compiled policy lacks wl_display")
    return tables


def _own_serials(rule: MessageRule, request: bool) -> None:
    """Marks what carries a serial, by the name that every specification gives it."""
    key = (rule.interface, rule.name)
    rule.masked = key == ("wl_display", "sync")
    for index, (name, letter) in enumerate(zip(rule.argument_names, rule.signature, strict=True)):
        if name == "serial" and letter == UINT and key not in serials.NO_SERIALS:
            rule.serial_at = index
            if request:
                rule.serial_kinds, rule.serial_seconds = serials.NEEDS.get(key, (serials.ANY, serials.ALWAYS))
            else:
                rule.serial_kinds = serials.KINDS.get(key, serials.OTHER)


def _rule(
    tables: Tables, interface: str, opcode: int, item: list[Any], handlers: Handlers, request: bool
) -> MessageRule:
    name, since, destructor, arguments, decision = item
    rule = MessageRule(interface, name, opcode, since, bool(destructor))
    for text in arguments:  # "id n:wl_callback", "buffer o?:wl_buffer", "x i"
        argument, _, kind = text.partition(" ")
        letter, _, target = kind.partition(":")
        rule.argument_names.append(argument)
        rule.signature += letter[0]
        rule.nullable.append(letter.endswith("?"))
        rule.argument_interfaces.append(target)
        if letter[0] not in TYPE_LETTERS:
            raise ValueError(f"{interface}.{name}: argument type {letter!r}")
        if letter[0] == NEW_ID and target:
            rule.child = tables.families[target]
    if decision is not None:
        rule.verdict = decision.get("verdict", ALLOW)
        rule.origin = decision.get("origin", "")
        if rule.verdict not in VERDICTS:
            raise ValueError(f"{interface}.{name}: verdict {rule.verdict!r}")
        if "rate" in decision:
            per_second, at_once = decision["rate"]
            rule.rate = (float(per_second), float(at_once))
            rule.refusal = decision["shape"]
        rule.complains = bool(decision.get("complains"))
        for index, operation, value, origin, *complains in decision.get("checks", []):
            if operation not in OPERATIONS:
                raise ValueError(f"{interface}.{name}: check {operation!r}")
            rule.checks.append(
                Check(
                    index,
                    rule.argument_names[index],
                    operation,
                    value if isinstance(value, int) else 0,
                    frozenset(value) if isinstance(value, list) else frozenset(),
                    value if isinstance(value, str) else "",
                    origin,
                    bool(complains),
                )
            )
    if not tables.keep_names:
        _own_serials(rule, request)
    if FD in rule.signature:
        rule.vet = handlers.vet
        rule.exchange = handlers.exchange
    rule.inspect = handlers.inspectors.get((interface, name))
    rule.effect = handlers.effects.get((interface, name))
    rule.tracked = (interface, name) in handlers.tracked
    rule.weight = handlers.weights.get((interface, name), 0) if request else 0
    rule.quoted = handlers.quoted.get((interface, name), -1) if request and tables.previews else -1
    rule.answers = handlers.answers.get((interface, name), [])
    rule.ghost_effect = handlers.ghost_effects.get((interface, name))
    rule.settle()
    if interface == "wl_display" and name == "delete_id":
        rule.kind = DELETE_ID
    return rule
