"""A policy as checked values: what load.py makes of an admin's TOML and compile.py turns into tables.

Promises: names exist in the protocol data, versions are within what it holds, predicates fit the argument's type, and
every value knows the line that set it. The default of everything that is absent here is: refuse.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written: the file as the admin named it, line and column from 1."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


ALLOW = "allow"
ASK = "ask"                 # the user, each time; with nobody to ask it is "deny"
DENY = "deny"
HIDE = "hide"               # of a global: not announced
VIRTUAL = "virtual"         # of a global: announced by the proxy itself, what it makes is inert
NEVER = "never"             # of a global: no policy on this host may allow it

COPY = "copy"               # a shared memory file that takes no seals: each frame is copied ...
REFUSE = "refuse"           # ... or the guest is told that the file is no good

ERROR = "error"             # a wl_surface destroyed before its xdg_toplevel: the error of the specification ...
IN_ORDER = "in-order"       # ... or the compositor is told to destroy both in order, and the guest keeps ghosts

DISCONNECT = "disconnect"   # the connection ends with a protocol error
IGNORE = "ignore"           # the message is dropped, its fds are closed
INERT = "inert"             # the object it creates exists for the guest alone (a ghost)
FAIL_EVENT = "fail-event"   # the usual shape, where the protocol has an event that says no: named so that it is checked
CLOSE_FD = "close-fd"       # the same of a message that brings descriptors: its reader sees the end of its pipe


@dataclass(frozen=True, slots=True)
class GlobalRule:
    """`verdict` is ALLOW, HIDE, VIRTUAL or, in a ceiling, NEVER; `max_version` is the highest version advertised; `virtual` names the parts
    that are made up; of `count` of them at most the guest is told, 0 = of all."""

    verdict: str
    max_version: int
    origin: Origin
    virtual: tuple[str, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class Predicate:
    """What one argument must be; None or "" = no such demand.

    `minimum`, `maximum`: for int, uint (as integers) and fixed (in the unit of the argument, compared in 1/256).
    `values`: the numbers allowed, enum names already resolved. `max_bytes`: of a string without its NUL, or of an array.
    A longer string is cut at a UTF-8 boundary where `sanitize` is set, else refused.
    `charset`: the characters a string may hold, ranges spelt out. `sanitize`: "plain", the only one so far: control, format and
    surrogate characters and line breaks removed, white space collapsed. `null`: the object must be null. `kind`: of a descriptor, one of
    core/fds.py KIND_NAMES.
    """

    minimum: float | None = None
    maximum: float | None = None
    values: tuple[int, ...] | None = None
    max_bytes: int | None = None
    charset: str = ""
    sanitize: str = ""
    null: bool = False
    kind: str = ""
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class MessageRule:
    """`verdict` ALLOW, ASK or DENY; `deny_as` DISCONNECT, IGNORE or INERT; `args` by argument name (each has its own origin).
    `rate`: so many a second and so many at once for the guest as a whole, more are refused; None = no such bound."""

    verdict: str
    deny_as: str
    args: dict[str, Predicate]
    origin: Origin
    rate: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class PermissionRule:
    """`verdict` ALLOW, ASK or DENY; `parameters` by key (permissions.py), checked. In a ceiling `verdict` is the most there may be."""

    verdict: str
    origin: Origin
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What no guest of this host gets more than: globals and permissions, as in a policy. `origin`: the file. `enforces`: no policy on this
    host may only complain."""

    globals: dict[str, GlobalRule]
    permissions: dict[str, PermissionRule]
    origin: Origin
    enforces: bool = False


@dataclass(frozen=True, slots=True)
class Rewrite:
    """`template` with "{title}", "{app_id}" or "{tag}" for the guest's own text; variables are already filled in."""

    template: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Quota:
    """`field` of core/quotas.py Limits, in words with hyphens; `amount` a count, bytes, seconds, or [a second, at once]."""

    field: str
    amount: int | float | list[float]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Policy:
    """`globals` by interface; `messages` by (interface, message); `rewrites` by "title" and "app-id"; `quotas` by key.

    `record`, `payload`: how much the audit log has, of core/outcome.py RECORDS and PAYLOADS.
    `upstream`: the keys of [upstream] that are set. `shm_unsealable`: COPY or REFUSE; `early_destroy`: ERROR or IN_ORDER.
    `permissions` by name; what is absent is refused.
    `never`: the floor, interfaces that no policy may allow, with the reason.
    `transparent`: everything the protocol data knows is forwarded, names of globals unchanged (for tests; never a default).
    `until`: so long (seconds of the epoch) it only complains (complain.py); 0: it enforces.
    """

    name: str
    summary: str = ""
    transparent: bool = False
    variables: dict[str, str] = field(default_factory=dict)
    globals: dict[str, GlobalRule] = field(default_factory=dict)
    messages: dict[tuple[str, str], MessageRule] = field(default_factory=dict)
    rewrites: dict[str, Rewrite] = field(default_factory=dict)
    quotas: dict[str, Quota] = field(default_factory=dict)
    upstream: dict[str, str] = field(default_factory=dict)
    shm_unsealable: str = COPY
    origin: Origin = Origin("")
    permissions: dict[str, PermissionRule] = field(default_factory=dict)
    never: dict[str, str] = field(default_factory=dict)
    ceiling: Ceiling | None = None
    record: str = "all"
    payload: str = "never"
    until: int = 0
    early_destroy: str = ERROR
