"""What a policy says of one argument: { min, max, in, max-bytes, charset, sanitize, null, kind }, checked against the argument's type.

Promises: the predicate returned fits the argument, and some value satisfies it; everything else is a finding. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeGuard

from ..core.fds import KIND_NAMES, UNKNOWN
from ..core.protocol import ARRAY, FD, FIXED, INT, OBJECT, STRING, UINT, Argument, Enum, Interface, enum_of
from ..handlers.descriptors import REQUESTS
from .compile import mask
from .document import Document
from .model import Predicate
from .positions import Path

FITTING: Final = {
    INT: ("min", "max", "in"),
    UINT: ("min", "max", "in"),
    FIXED: ("min", "max"),
    STRING: ("max-bytes", "charset", "sanitize"),
    ARRAY: ("max-bytes",),
    OBJECT: ("null",),
    FD: ("kind",),
}
RANGES: Final = {INT: (-(2**31), 2**31 - 1), UINT: (0, 2**32 - 1), FIXED: (-(2**23), 2**23 - 1)}
KINDS: Final = KIND_NAMES[UNKNOWN + 1 :]
MOST_BYTES: Final = 65532  # the longest message there is
MOST_VALUES: Final = 1024
MOST_CHARSET: Final = 256  # characters it is written with


class Unfit(Exception):
    """A value that cannot be demanded of the argument; `known` and `given` are for the suggestion."""

    def __init__(self, code: str, message: str, known: Iterable[str] = (), given: object = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.known = known
        self.given = given


@dataclass(frozen=True, slots=True)
class Demand:
    """One key of a predicate: where it stands, and the argument it is about."""

    document: Document
    path: Path
    argument: Argument
    enum: Enum | None

    def settle(self, reader: Callable[[Demand, Any], Any], value: Any) -> Any:
        """What the reader makes of the value; None, and a finding, where it raises Unfit."""
        try:
            return reader(self, value)
        except Unfit as unfit:
            self.document.wrong_value(self.path, unfit.code, unfit.message, unfit.known, unfit.given)
            return None


def read_predicate(
    document: Document, path: Path, value: Any, interfaces: Mapping[str, Interface], argument: Argument
) -> Predicate | None:
    """The predicate that the table `value` states; None, and findings, where it states none."""
    fitting = FITTING.get(argument.type, ())
    if not isinstance(value, dict):
        example = f"a table such as {{ {fitting[0]} = ... }} is needed" if fitting else f"no rule fits an argument of type {argument.type}"
        document.wrong_value(path, "type", example)
        return None
    found: dict[str, Any] = {}
    for key, wanted in value.items():
        demand = Demand(document, (*path, key), argument, enum_of(argument, interfaces))
        if key not in READERS:
            document.wrong_key(demand.path, "unknown-key", f"'{key}' is no predicate", fitting)
        elif key not in fitting:
            may = ", ".join(fitting) or "no predicate"
            text = f"'{key}' does not fit {argument.name}, of type {argument.type}  (it takes: {may})"
            document.wrong_key(demand.path, "predicate-type", text)
        else:
            field, reader = READERS[key]
            found[field] = demand.settle(reader, wanted)
    predicate = Predicate(origin=document.origin(path), **{k: v for k, v in found.items() if v is not None})
    low, high = predicate.minimum, predicate.maximum
    if low is not None and high is not None and low > high:
        document.wrong_value(path, "empty-range", f"min {low} is above max {high}: nothing is allowed")
    elif predicate.values and not any((low is None or low <= v) and (high is None or v <= high) for v in predicate.values):
        document.wrong_value(path, "empty-range", "no value of 'in' is from min to max: nothing is allowed")
    return predicate


def is_whole(value: object) -> TypeGuard[int]:
    """TOML's integer, which true and false are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def read_bound(demand: Demand, value: Any) -> float:
    """min and max."""
    fraction = demand.argument.type == FIXED
    if not is_whole(value) and not (fraction and isinstance(value, float)):
        raise Unfit("type", "a number is needed" if fraction else "a whole number is needed")
    in_range(demand.argument, value)
    return value


def read_values(demand: Demand, value: Any) -> tuple[int, ...]:
    """in: numbers, or names of the argument's enum."""
    if not isinstance(value, list) or not value:
        raise Unfit("type", "a list of at least one number or enum name is needed")
    if len(value) > MOST_VALUES:
        raise Unfit("too-long", f"a list has at most {MOST_VALUES} values: say min and max")
    items = [replace(demand, path=(*demand.path, str(index))) for index in range(len(value))]
    numbers = {item.settle(one_value, wanted) for item, wanted in zip(items, value, strict=True)}
    return tuple(sorted(numbers - {None}))


def one_value(demand: Demand, value: Any) -> int:
    """One of them."""
    argument, enum = demand.argument, demand.enum
    names = {entry.name: entry.value for entry in enum.entries} if enum else {}
    if isinstance(value, str):
        if value in names:
            return names[value]
        text = f"enum {argument.enum} has no '{value}'" if enum else f"{argument.name} has no enum: give a number"
        raise Unfit("unknown-enum-value", text, names, value)
    if not is_whole(value):
        raise Unfit("type", "a number or an enum name is needed")
    in_range(argument, value)
    if enum and not (value & ~mask(enum) == 0 if enum.bitfield else value in names.values()):
        raise Unfit("unknown-enum-value", f"enum {argument.enum} has no value {value}")
    return value


def in_range(argument: Argument, value: float) -> None:
    """Raises Unfit for a number that the wire cannot carry."""
    low, high = RANGES[argument.type]
    if not low <= value <= high:
        raise Unfit("out-of-range", f"{argument.name} is of type {argument.type}: {low} to {high}")


def read_max_bytes(demand: Demand, value: Any) -> int:
    """max-bytes."""
    if not is_whole(value) or not 0 <= value <= MOST_BYTES:
        raise Unfit("type", f"a number of bytes from 0 to {MOST_BYTES} is needed")
    return value


def read_charset(demand: Demand, value: Any) -> str:
    """charset: characters and ranges such as A-Za-z0-9._- (a - that is not between two characters is itself)."""
    if not isinstance(value, str) or not value:
        raise Unfit("type", 'a text such as "A-Za-z0-9._-" is needed')
    if len(value) > MOST_CHARSET:
        raise Unfit("charset", f"more than {MOST_CHARSET} characters: use ranges such as a-z")
    spelt: set[int] = set()
    rest = value
    while rest:
        first, last, size = (rest[0], rest[2], 3) if rest[1:2] == "-" and len(rest) > 2 else (rest[0], rest[0], 1)
        if first > last:
            raise Unfit("charset", f"the range {first}-{last} runs backwards")
        spelt.update(range(ord(first), ord(last) + 1))
        rest = rest[size:]
    spelt.difference_update(range(0xD800, 0xE000))  # surrogates are no characters, and two of them would read back as one
    return "".join(map(chr, sorted(spelt)))


def read_sanitize(demand: Demand, value: Any) -> str:
    """sanitize."""
    if value != "plain":
        raise Unfit("unknown-value", f'{value!r} is no way to sanitize: "plain" is', ["plain"], value)
    return "plain"


def read_null(demand: Demand, value: Any) -> bool:
    """null."""
    if value is not True:
        raise Unfit("type", "null = true is the only thing to say")
    if not demand.argument.nullable:
        raise Unfit("predicate-type", f"{demand.argument.name} can never be null")
    return True


def read_kind(demand: Demand, value: Any) -> str:
    """kind: what the descriptor is."""
    if not isinstance(value, str) or value not in KINDS:
        raise Unfit("unknown-value", f"{value!r} is no kind of descriptor  (there are: {', '.join(KINDS)})", KINDS, value)
    _, owner, name, *_ = demand.path
    use = REQUESTS.get((owner, name))
    if use is not None and KIND_NAMES[use.kind] != value:
        takes = f"a {KIND_NAMES[use.kind]} and nothing else" if use.kind != UNKNOWN else "no descriptor at all"
        raise Unfit("empty-range", f"{owner}.{name} takes {takes}, whatever a policy says: nothing is allowed")
    return value


READERS: Final[dict[str, tuple[str, Callable[[Demand, Any], Any]]]] = {  # key -> field of the Predicate
    "min": ("minimum", read_bound),
    "max": ("maximum", read_bound),
    "in": ("values", read_values),
    "max-bytes": ("max_bytes", read_max_bytes),
    "charset": ("charset", read_charset),
    "sanitize": ("sanitize", read_sanitize),
    "null": ("null", read_null),
    "kind": ("kind", read_kind),
}
