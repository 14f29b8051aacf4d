"""A decoded message on its way through the judge and the handlers.

Trusts: that `args` fit the rule's signature, as `wire.decode` has seen to.
"""

from __future__ import annotations

from .fds import Fd
from .objects import Object
from .tables import Family, MessageRule


class Message:
    """A decoded message on its way through a handler, which may change `args` (setting `changed`), `child_family` and
    `child_version` (wl_registry.bind), `destroys` (wl_fixes), `descriptors`, or raise."""

    def __init__(self, side: int, target: Object, rule: MessageRule, args: list[object], descriptors: list[Fd]) -> None:
        self.side = side
        self.target = target
        self.rule = rule
        self.args = args
        self.descriptors = descriptors
        self.changed = False
        self.child_family: Family | None = rule.child
        self.child_version = target.table.version
        self.destroys: Object | None = None
        self.created: Object | None = None
        self.host_serial = -1
        self.ghosts: dict[int, Object] = {}  # by argument: what the guest named and the compositor cannot be told of
        self.stale = False  # its serial is not the guest's to use (now)
        self.without_effect = False  # left out because it changes nothing: nobody is to be told of a refusal
        self.complained = False  # it passes because the policy only complains
        self.lent = False  # left out for now: its ghost may become what it is a ghost of (handlers/loans.py)
        self.origin = rule.origin
        self.said = self.text(rule.quoted) if rule.quoted >= 0 else ""  # for the audit log, before anything changes it

    def number(self, index: int) -> int:
        """An argument that the signature says is a number or an id."""
        value = self.args[index]
        if not isinstance(value, int):
            raise TypeError(f"{self.rule.interface}.{self.rule.name} argument {index} is not a number")
        return value

    def text(self, index: int) -> str:
        """An argument that the signature says is a string; null is "" here."""
        value = self.args[index]
        return value if isinstance(value, str) else ""
