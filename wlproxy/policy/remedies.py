"""Which line would change a refusal: what an admin would have to write, and where.

Promises: a line for each layer that says no, or why there is none that could (the floor, this host's ceiling) and the permission that comes
nearest to what cannot be had. Pure. Trusts: the steps to be decide.py's, about this policy.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace

from ..core import checks
from ..core.protocol import Interface
from .compile import vetted_version
from .decide import BUILT_IN, CEILING, FLOOR, GLOBAL, MESSAGE, PERMISSION, Step, capped, permission_verdict
from .effective import predicate_text
from .grammar import Literal
from .model import ALLOW, ASK, DENY, HIDE, NEVER, Origin, Policy
from .permissions import OF_GLOBAL, OF_MESSAGE, PERMISSIONS


class Remedies:
    """For one policy. `risk_of` gives the class of risk of an interface, "" where it has none."""

    def __init__(self, policy: Policy, interfaces: Mapping[str, Interface], risk_of: Callable[[str], str]) -> None:
        self._policy = policy
        self._interfaces = interfaces
        self._risk_of = risk_of

    def of_version(self, name: str, wanted: int) -> str:
        """What has to be written so that the global is announced at that version."""
        newest = vetted_version(self._interfaces[name])
        if wanted > newest:
            return f"not possible: wlproxy can vet {name} up to version {newest}"
        return self._line("global", f"{name} = {wanted}", self._policy.globals[name].origin if name in self._policy.globals else None)

    def of_global(self, name: str, steps: list[Step]) -> list[str]:
        """What has to be written so that every layer allows the global."""
        for step in steps:
            if step.layer == FLOOR and step.verdict == NEVER:
                return [f"not possible: floor ({self._policy.never[name]}){self._nearest(name)}"]
            if step.layer == CEILING and step.verdict in (NEVER, HIDE):
                return [f"not possible on this host: ceiling {step.origin}{self._nearest(name)}"]
        found: list[str] = []
        for step in steps:
            if step.layer == GLOBAL and step.verdict != ALLOW:
                rule = self._policy.globals.get(name)
                text = f"{name} = {vetted_version(self._interfaces[name])}"
                found.append(self._line("global", text, None if rule is None else rule.origin))
            elif step.layer == PERMISSION and step.verdict not in ("", ALLOW):
                found += self._of_permissions(OF_GLOBAL[name], name)
        return found

    def _of_permissions(self, names: tuple[str, ...], about: str) -> list[str]:
        """One of the permissions suffices: the one for which least has to change."""
        free = [n for n in names if (top := capped(self._policy, n)) is None or top.verdict == ALLOW]
        if not free:
            tops = [str(top.origin) for n in names if (top := capped(self._policy, n)) is not None]
            return [f"not possible on this host: ceiling {', '.join(tops)}{self._nearest(about, names)}"]
        order = sorted(free, key=lambda n: (permission_verdict(self._policy, n).verdict != ASK, names.index(n)))
        rule = self._policy.permissions.get(order[0])
        others = f'  (or {" or ".join(order[1:])}: what one of them allows passes)' if len(order) > 1 else ""
        return [self._line("permission", f'{order[0]} = "allow"', None if rule is None else rule.origin) + others]

    def of_message(self, interface: str, message: str, steps: list[Step]) -> list[str]:
        """What has to be written so that every layer allows the message."""
        found: list[str] = []
        for step in steps:
            if step.layer == PERMISSION and step.verdict not in ("", ALLOW):
                found += self._of_permissions(OF_MESSAGE[interface, message], interface)
            elif step.layer == MESSAGE and step.verdict != ALLOW:
                rule = self._policy.messages[interface, message]
                found.append(self._line(f"message.{interface}", f'{message} = "allow"', rule.origin))
        return found

    def of_argument(self, literal: Literal, check: checks.Check, value: object) -> str:
        """What has to be written so that the check accepts the value."""
        if check.origin.startswith(BUILT_IN):
            what = "the enum of the protocol has no such value" if check.operation in (checks.IN, checks.FLAGS) else check.origin
            return f"not possible: floor ({what})"
        demand = self._policy.messages[literal.interface, literal.message].args[check.name]
        number = value if isinstance(value, int) else 0
        size = len(value) if isinstance(value, bytes) else len(str(value).encode("utf-8", "surrogateescape"))
        wider = {
            checks.MIN: replace(demand, minimum=number),
            checks.MAX: replace(demand, maximum=number),
            checks.IN: replace(demand, values=tuple(sorted({*(demand.values or ()), number}))),
            checks.MAX_BYTES: replace(demand, max_bytes=size),
            checks.CHARSET: replace(demand, charset="".join(sorted({*demand.charset, *str(value)}))),
            checks.NULL: replace(demand, null=False),
        }.get(check.operation, demand)
        text = f"{literal.message}.args.{check.name} = {predicate_text(wider)}"
        return self._line(f"message.{literal.interface}", text, demand.origin)

    def _nearest(self, about: str, but: tuple[str, ...] = ()) -> str:
        """The permission that comes nearest to what cannot be had."""
        risk = self._risk_of(about) or (PERMISSIONS[but[0]].risk if but else "")
        ranked = []
        for name, permission in PERMISSIONS.items():
            top = capped(self._policy, name)
            if name in but or permission.risk != risk or (top is not None and top.verdict == DENY):
                continue
            open_ = [g for g in permission.globals if g not in self._policy.never and not self._is_capped(g)]
            covered = [*open_, *(interface for interface, _ in permission.messages)]
            if covered:
                likeness = max(difflib.SequenceMatcher(None, about, other).ratio() for other in covered)
                ranked.append((about in permission.globals, likeness, name))
        if not ranked:
            return ""
        name = max(ranked)[2]
        return f'. Nearest thing that is: permission "{name}" ({PERMISSIONS[name].grants})'

    def _is_capped(self, name: str) -> bool:
        rule = None if self._policy.ceiling is None else self._policy.ceiling.globals.get(name)
        return rule is not None and rule.verdict in (NEVER, HIDE)

    def _line(self, table: str, text: str, origin: Origin | None) -> str:
        """The line to write, and where: a file's own line is changed in place, what an ancestor says is said anew in the policy's file."""
        own = self._policy.origin.file  # "" of a compiled policy, whose lines know their files
        if origin is not None and not own and "/" in origin.file and origin.line:
            return f"change {origin}, and compile it again: {text}"
        if origin is not None and origin.file == own and "/" in own and origin.line:
            return f"{origin}: {text}"
        if "/" in own:
            return f"in {own}, under [{table}]: {text}"
        return f'in a policy of your own that extends "{self._policy.name}", under [{table}]: {text}'
