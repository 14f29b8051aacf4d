"""Why a message is allowed, changed or refused under a policy, in words, and which line would change that (remedies.py).

Promises: the verdict is that of the engine that enforces (decide.py for the layers, reach.py for what a guest can hold, the tables' own
checks for the arguments): tests hold it against a real session. What only a session knows is not judged here: serials, rates and quotas are
said as conditions (conditions.py); the specification's own rules of roles and order, and what a descriptor holds, are not. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..core import checks
from ..core.errors import PolicyViolation
from ..core.outcome import WOULD_DENY
from ..core.protocol import FD, OBJECT, Interface, Message
from ..core.tables import CHILD, SELF, MessageRule, Tables
from ..handlers import load_tables
from ..handlers.ghosts import ANSWERS
from .compile import creates, global_names, vetted_version
from .complain import let_through, loosened
from .conditions import conditions, of_loan, pace
from .decide import (
    ALWAYS,
    BUILT_IN,
    CEILING,
    FLOOR,
    GLOBAL,
    NOT_NAMED,
    PERMISSION,
    Step,
    global_steps,
    message_steps,
    strictest,
)
from .effective import parameter_text
from .grammar import ANY, REQUEST, Array, Fixed, Literal, Unshown, Value, write
from .model import ALLOW, ASK, DENY, DISCONNECT, HIDE, IGNORE, INERT, NEVER, VIRTUAL, Policy
from .permissions import ASKING, OF_GLOBAL, OF_MESSAGE, RATE
from .reach import EVENTS, REQUESTS, Held, Maker, entry_of, holdings, verdict_of, ways
from .read_mode import as_text
from .remedies import Remedies

ARGUMENT: Final = "argument"
VERSION: Final = "version"
REWRITE: Final = "rewrite"  # a verdict of the argument layer: allowed, and changed
SHOWN: Final = 64  # characters of a text


@dataclass(frozen=True, slots=True)
class Word:
    """What one layer says. `about`: the global or the message it speaks of; `says` the rule in the policy's words, or the reason."""

    layer: str
    verdict: str
    origin: str
    says: str
    about: str


@dataclass(slots=True)
class Explanation:
    """`verdict`: allow, rewrite, would-deny, ask, deny, virtual, hide or never; `shape` of a refusal, "" where there is none.
    `decides`: index into `words`, -1 where no layer has anything against it. `becomes`: the message as it is forwarded, where that is
    another."""

    message: str
    direction: str
    verdict: str = ALLOW
    shape: str = ""
    decides: int = -1
    words: list[Word] = field(default_factory=list)
    sees: str = ""
    becomes: str = ""
    notes: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)  # of a message that passes
    real: bool = True  # whether the object it is sent to is known to the compositor

    @property
    def passes(self) -> bool:
        """Whether the message reaches the other side."""
        return self.verdict in (ALLOW, REWRITE, WOULD_DENY)


class Explainer:
    """One policy, any number of messages. `tables` are those of `compiled`, the compiled `policy`; `risk_of` gives the class of risk of an
    interface, "" where it has none."""

    def __init__(
        self,
        policy: Policy,
        compiled: Mapping[str, Any],
        tables: Tables,
        interfaces: Mapping[str, Interface],
        risk_of: Callable[[str], str],
    ) -> None:
        self.policy = policy
        self.compiled = compiled
        self.tables = tables
        self.interfaces = interfaces
        self.remedies = Remedies(policy, interfaces, risk_of)
        self.globals = global_names(interfaces)
        self.open = let_through(compiled)  # what gives way is no obstacle on the way to an object
        self.held = holdings(self.open)
        self.ways = ways(self.open, interfaces, self.globals)
        self.loose: Explainer | None = None
        if policy.until:
            announced = {**compiled["globals"], **compiled["served"]}
            self.loose = Explainer(loosened(policy, announced), self.open, load_tables(self.open), interfaces, risk_of)

    def explain(self, literal: Literal) -> Explanation:
        """The answer about one message. Raises KeyError for one that is not in the protocol data."""
        found = self._enforced(literal)
        if self.loose is None or found.passes or not found.real:
            return found
        freed = self.loose.explain(literal)
        if not freed.passes:
            by_argument = found.decides >= 0 and found.words[found.decides].layer == ARGUMENT
            return freed if by_argument else found
        until = as_text(self.policy.until)
        found.verdict = WOULD_DENY
        found.sees = f"{freed.sees}, and is written down as {WOULD_DENY}: the policy only complains, until {until}; then {found.sees}"
        found.becomes, found.conditions = freed.becomes, freed.conditions
        found.notes = list(dict.fromkeys([*found.notes, *freed.notes]))
        return found

    def _enforced(self, literal: Literal) -> Explanation:
        """The same as if the policy enforced."""
        found = Explanation(write(literal, self.interfaces), literal.direction)
        if (literal.interface, literal.message) in (("wl_registry", "bind"), ("wl_registry", "global")):
            return self._of_global(found, literal)
        if literal.interface in ALWAYS:
            found.words.append(Word(FLOOR, ALLOW, BUILT_IN, "the session lives by it", literal.interface))
            found.sees = passes(literal)
            return found
        self._of_message(found, literal)
        found.changes = list(dict.fromkeys(found.changes))
        return found

    # -- globals

    def _of_global(self, found: Explanation, literal: Literal) -> Explanation:
        """wl_registry.bind(interface, version) and the event that announces one."""
        name = None if literal.arguments is None else literal.arguments[1]
        if not isinstance(name, str):
            found.words.append(Word(GLOBAL, ALLOW, BUILT_IN, "each global is judged by its name, which is left open here", "wl_registry"))
            found.sees = "depends on which global it is"
            return found
        if name not in self.interfaces or name not in self.globals:
            why = "created by other objects, never advertised" if name in self.interfaces else "unknown to the protocol data"
            found.words.append(Word(FLOOR, HIDE, BUILT_IN, f"{name[:SHOWN]!a} is {why}", name[:SHOWN]))
            found.verdict, found.decides, found.shape = HIDE, 0, DISCONNECT if literal.direction == REQUEST else IGNORE
            found.sees = sees_hidden(name[:SHOWN], literal.direction)
            found.changes.append("not possible: an interface that is not in the protocol data, or is no global, cannot be allowed")
            return found
        version = literal.arguments[2] if literal.arguments is not None else ANY
        wanted = version if isinstance(version, int) and literal.direction == REQUEST else 0
        self._global(found, name, wanted)
        if found.verdict == ALLOW:
            found.sees = passes(literal)
            cap = self.compiled["globals"][name][0]
            if literal.direction != REQUEST and isinstance(version, int) and version > cap:
                found.verdict, found.becomes = REWRITE, f"announced at version {cap}"
        elif found.verdict == VIRTUAL:
            found.sees = f"{name} is announced by the proxy itself; what the guest makes of it is inert: the compositor never hears of it"
            found.shape = VIRTUAL
        else:
            found.shape = DISCONNECT if literal.direction == REQUEST else IGNORE
            found.sees = sees_hidden(name, literal.direction)
        return found

    def _global(self, found: Explanation, name: str, wanted: int = 0) -> None:
        """Adds the words about a global, and the verdict they come to; `wanted`: the version that is needed."""
        steps = global_steps(self.policy, name, vetted_version(self.interfaces[name]))
        offset = len(found.words)
        found.words += [Word(s.layer, s.verdict, s.origin, self._says(s, name), name) for s in steps]
        step = strictest(steps)
        found.verdict = step.verdict
        if step.verdict != ALLOW:
            found.decides = offset + steps.index(step)
            found.changes += self.remedies.of_global(name, steps)
            if step.verdict in (ASK, DENY):
                found.verdict = HIDE
            return
        count = self.compiled.get("count", {}).get(name, 0)
        if count:
            found.notes.append(f"of the compositor's {name} the guest is told of {count} at most, the first ones")
        found.notes += self._held_to(OF_GLOBAL.get(name, ()))
        cap = self.compiled["globals"][name][0]
        if wanted > cap:
            found.words.append(Word(VERSION, DENY, steps[2 if len(steps) > 2 else 0].origin, f"version {cap} at most is announced", name))
            found.verdict, found.decides = DENY, len(found.words) - 1
            found.changes.append(self.remedies.of_version(name, wanted))

    # -- messages

    def _of_message(self, found: Explanation, literal: Literal) -> None:
        interface = self.interfaces[literal.interface]
        side = REQUESTS if literal.direction == REQUEST else EVENTS
        message = next(m for m in getattr(interface, side) if m.name == literal.message)
        held = self.held.get(interface.name)
        way = self.ways.get(interface.name)
        start = way[0].interface if way else interface.name
        found.real = held is not None and held.real
        if start in self.globals:
            self._global(found, start)
        blocked = found.verdict != ALLOW
        stop = found.decides
        for maker in way or []:
            entry = entry_of(self.open, maker.interface, maker.side, maker.message)
            if entry is None or verdict_of(entry[4]) != ALLOW:
                self._maker(found, maker, blocked)
                if not blocked:
                    blocked, stop = True, found.decides
        own = self._layers(found, literal)
        if held is None:
            self._out_of_reach(found, literal, blocked, stop)
        elif not held.real:
            self._inert(found, literal, held, blocked, stop)
        else:
            self._real(found, literal, message, held, start, own)

    def _maker(self, found: Explanation, maker: Maker, blocked: bool) -> None:
        """A message without which the guest has no such object, and which is refused."""
        about = f"{maker.interface}.{maker.message}"
        steps = [step for step in message_steps(self.policy, maker.interface, maker.message) if step.verdict]
        offset = len(found.words)
        found.words += [Word(s.layer, s.verdict, s.origin, self._says(s, about), about) for s in steps]
        step = strictest(steps)
        if not blocked and step.verdict != ALLOW:
            found.verdict, found.decides = step.verdict, offset + steps.index(step)
        found.changes += self.remedies.of_message(maker.interface, maker.message, steps)

    def _layers(self, found: Explanation, literal: Literal) -> tuple[int, Step]:
        """The words about the message itself: where they begin, and the one that decides among them."""
        about = f"{literal.interface}.{literal.message}"
        steps = message_steps(self.policy, literal.interface, literal.message)
        offset = len(found.words)
        found.words += [Word(s.layer, s.verdict, s.origin, self._says(s, about), about) for s in steps]
        step = strictest(steps)
        found.notes += self._parameters(literal, step)
        return offset + steps.index(step), step

    def _out_of_reach(self, found: Explanation, literal: Literal, blocked: bool, stop: int) -> None:
        found.real = False
        found.decides = stop
        if not blocked:
            found.verdict = HIDE
            found.words.append(Word(GLOBAL, HIDE, BUILT_IN, "nothing that the guest may have creates one", literal.interface))
            found.decides = len(found.words) - 1
        word = found.words[found.decides]
        found.shape = DISCONNECT if literal.direction == REQUEST else IGNORE
        if found.verdict in (HIDE, NEVER) and word.about in self.globals:
            found.sees = sees_hidden(word.about, REQUEST)
        else:
            found.sees = f"the guest never has a {literal.interface}, because {word.about} is refused"

    def _inert(self, found: Explanation, literal: Literal, held: Held, blocked: bool, stop: int) -> None:
        found.decides = stop
        if not blocked:
            found.verdict = DENY
            maker = held.maker
            why = f"{maker.interface}.{maker.message} needs an object that the compositor does not have" if maker else "inert"
            found.words.append(Word(GLOBAL, DENY, BUILT_IN, why, literal.interface))
            found.decides = len(found.words) - 1
        found.shape = INERT
        word = found.words[found.decides]
        if literal.direction == REQUEST:
            said = answers(literal, True)
            found.sees = f"the {literal.interface} exists for the guest alone ({word.about}: {word.verdict}); the request goes no further"
            found.sees += f", and the proxy answers {said}" if said else ""
        else:
            found.sees = f"no such event comes: the {literal.interface} exists for the guest alone ({word.about}: {word.verdict})"

    def _real(self, found: Explanation, literal: Literal, message: Message, held: Held, start: str, own: tuple[int, Step]) -> None:
        found.real = True
        found.verdict, found.decides = ALLOW, -1
        found.changes.clear()
        about = f"{literal.interface}.{literal.message}"
        index, step = own
        side = REQUESTS if literal.direction == REQUEST else EVENTS
        entry = entry_of(self.compiled, literal.interface, side, literal.message)
        decision: Mapping[str, Any] = (entry[4] or {}) if entry is not None else {}
        if message.since > held.version:
            origin = self.compiled["globals"].get(start, [0, ""])[1]
            says = f"it is new in version {message.since}, {literal.interface} comes at version {held.version} at most"
            found.words.append(Word(VERSION, DENY, origin, says, about))
            found.verdict, found.decides, found.shape = DENY, len(found.words) - 1, DISCONNECT
            found.sees = "the compositor sends none" if side == EVENTS else "the connection ends: there is no such message in that version"
            if start in self.globals:
                found.changes.append(self.remedies.of_version(start, message.since))
            return
        if step.verdict != ALLOW:
            found.verdict, found.decides, found.shape = step.verdict, index, verdict_of(decision)
            found.sees = sees_refused(literal, message, found.shape)
            if step.verdict == ASK:
                found.notes.append("it would be asked, and there is nobody to ask yet: the answer is no")
            steps = message_steps(self.policy, literal.interface, literal.message)
            found.changes += self.remedies.of_message(literal.interface, literal.message, steps)
            return
        for argument in message.arguments:
            if argument.type == OBJECT and not argument.nullable and argument.interface and argument.interface not in self.held:
                found.notes.append(f"it names a {argument.interface}, of which the guest can have none")
        rule = next(r for r in getattr(self.tables.family(literal.interface), side) if r.name == literal.message)
        if "rate" in decision:
            per_second, at_once = decision["rate"]
            says = f"{per_second:g} a second, {at_once:g} at once; what is more is refused ({decision['shape']})"
            found.words.append(Word("rate", ALLOW, decision["origin"], says, about))
        self._arguments(found, literal, rule, about)
        if found.passes and side == REQUESTS:
            found.conditions = conditions(rule, decision, self.compiled)
            found.notes += pace(rule, self.compiled)
        elif found.passes:
            found.conditions = list(of_loan(rule, self.compiled))

    def _arguments(self, found: Explanation, literal: Literal, rule: MessageRule, about: str) -> None:
        """Has the tables' checks look at what the literal says."""
        values = list(literal.arguments) if literal.arguments is not None else [ANY] * len(rule.signature)
        changed = list(values)
        names = rule.argument_names
        for check in rule.checks:
            value = concrete(changed[check.argument])
            says = f"{names[check.argument]}: {check_text(check)}"
            cut_short = isinstance(changed[check.argument], Unshown) and check.operation not in (checks.MAX_BYTES, checks.CUT)
            if value is ANY or check.operation == checks.KIND or cut_short:
                found.words.append(Word(ARGUMENT, "", check.origin, f"{says}  (its value is left open here)", about))
                continue
            try:
                after = check.apply(value)
            except PolicyViolation as refused:
                found.words.append(Word(ARGUMENT, DENY, check.origin, f"{says}: {refused.reason.partition(': ')[2]}", about))
                found.verdict, found.decides, found.shape = DENY, len(found.words) - 1, DISCONNECT
                found.sees = f"the connection ends with wl_display.error: {refused.reason}"
                found.changes.append(self.remedies.of_argument(literal, check, value))
                return
            if after != value:
                found.words.append(Word(ARGUMENT, REWRITE, check.origin, f"{says}, so it becomes {shown(after)}", about))
                found.verdict = REWRITE
                changed[check.argument] = after if isinstance(after, str) else changed[check.argument]
            else:
                found.words.append(Word(ARGUMENT, ALLOW, check.origin, says, about))
        found.sees = passes(literal)
        if found.verdict == REWRITE and literal.arguments is not None:
            new = Literal(literal.direction, literal.interface, literal.object_id, literal.message, tuple(changed))
            found.becomes = write(new, self.interfaces)

    def _parameters(self, literal: Literal, step: Step) -> list[str]:
        """What the permissions that give a message say beside their verdict."""
        return self._held_to(OF_MESSAGE.get((literal.interface, literal.message), ())) if step.verdict == ALLOW else []

    def _held_to(self, permissions: tuple[str, ...]) -> list[str]:
        """What permissions that are given say beside that."""
        found: list[str] = []
        for name in permissions:
            entry = self.compiled["permissions"].get(name)
            if entry is None or entry[0] != ALLOW:
                continue
            said = {key: value for key, value in entry[2].items() if key not in (RATE, *ASKING)}
            found += [f"permission {name} holds it to {key} = {parameter_text(key, value)} ({entry[1]})" for key, value in said.items()]
        return found

    def _says(self, step: Step, about: str) -> str:
        if step.layer == FLOOR:
            return step.key if step.verdict else f"nothing against {about}"
        if step.layer == CEILING:
            if not step.verdict:
                return "there is none" if self.policy.ceiling is None else "does not name it"
            return f"{step.key} = {step.version or step.verdict}"
        if step.layer == GLOBAL:
            if step.key == NOT_NAMED or step.verdict == HIDE:
                return step.key if step.key == NOT_NAMED else f'{step.key} = "hide"'
            return f"{step.key} = {step.version}" if step.verdict == ALLOW else f'{step.key} = "{step.verdict}"'
        if step.layer == PERMISSION:
            return step.key if step.verdict else "no permission covers it"
        return step.key


def concrete(value: Value) -> Any:
    """What the checks are given for an argument of a literal: ANY where it is left open."""
    if isinstance(value, Fixed):
        return value.raw
    if isinstance(value, Unshown):
        return value.begins + "x" * max(0, value.size - len(value.begins.encode("utf-8", "surrogateescape")))
    if isinstance(value, Array):
        return bytes(value.size) if value.size >= 0 else ANY
    if value is None or isinstance(value, int | str):
        return value
    if hasattr(value, "object_id"):
        return value.object_id or 1
    return ANY


def check_text(check: checks.Check) -> str:
    """A check in the words of a policy."""
    if check.operation == checks.IN:
        values = sorted(check.values)
        return f"one of {', '.join(map(str, values))}" if len(values) <= 8 else f"one of {len(values)} values"
    if check.operation == checks.FLAGS:
        return f"no bit outside {check.number:#x}"
    if check.operation in (checks.CHARSET, checks.TRANSLATE):
        return f"{check.operation} of {len(check.text)} characters"
    if check.operation == checks.REWRITE:
        return f'rewrite "{check.text}"'
    if check.operation == checks.CUT:
        return f"max-bytes {check.number}, what is longer is cut"
    if check.operation == checks.PLAIN:
        return 'sanitize = "plain"'
    if check.operation == checks.NULL:
        return "null = true"
    return f"{check.operation} {check.number}"


def shown(value: object) -> str:
    """A value for an admin, cut."""
    text = ascii(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


def passes(literal: Literal) -> str:
    """What is seen of a message that is allowed."""
    return "it reaches the compositor" if literal.direction == REQUEST else "it reaches the guest"


def sees_hidden(name: str, direction: str) -> str:
    """What the guest sees of a global that is hidden."""
    if direction == REQUEST:
        return f"{name} is not advertised; binding it anyway ends the connection"
    return f"nothing: {name} is not announced to it"


def answers(literal: Literal, ghost: bool) -> str:
    """The events by which the proxy says no to a request, as words."""
    found = []
    for answer in ANSWERS.get((literal.interface, literal.message), []):
        if answer.to_ghosts if ghost else answer.to_real or answer.speaker == CHILD:
            who = {SELF: literal.interface, CHILD: "what it creates"}.get(answer.speaker, "the object it names")
            found.append(f"{answer.event} of {who}")
    return ", ".join(found)


def sees_refused(literal: Literal, message: Message, shape: str) -> str:
    """A deny shape in words."""
    if shape == DISCONNECT:
        return "the connection ends with wl_display.error"
    brings = any(argument.type == FD for argument in message.arguments)
    closed = "; its descriptor is closed, so that whoever reads sees the end" if brings else ""
    if literal.direction != REQUEST:
        made = "; what it would have created is destroyed again" if creates(message) else ""
        return f"nothing: the event is left out{made}{closed}"
    said = answers(literal, False)
    if shape == INERT:
        text = "what it creates exists for the guest alone"
    else:
        text = "nothing: the request is left out and the connection goes on"
    return f"{text}{closed}" + (f"; the proxy answers {said}" if said else "")
