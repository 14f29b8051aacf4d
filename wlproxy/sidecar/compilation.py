"""The compiled policy for a sidecar, without the compiler in its memory: a forked child reads and compiles, and hands bytes over.

The child starts before this process imports the rest of the sidecar, so that both happen at once where there are two cores.

Promises: what `finish` returns is a compiled policy of a form this version reads, whose hash is right, or it raises PolicyInvalid
with everything that was wrong. Trusts: the files an admin names, where nobody else can change them (policy/load_safely.py).
"""

from __future__ import annotations

import json
from typing import IO, Any

from .compiled import Compiled, PolicyInvalid, Trust, from_file, head_of, of_head, with_shadow
from .forked import Forked


class Compilation(Forked):
    """A child that compiles a policy; or the one of a guest's file, where `guest_file` names that: then `name` and `shadow`, where there
    are such, and `variables` go over what the file says. `again` makes another child, of the same files as they are by then."""

    def __init__(
        self, name: str, variables: dict[str, str], guest_file: str = "", trust: Trust | None = None, shadow: str = ""
    ) -> None:
        self.guest_file = guest_file
        self._name = name
        self._variables = variables
        self._trust = trust or Trust()
        self._shadow = shadow
        super().__init__(self._work)

    def again(self) -> Compilation:
        """A reload."""
        return Compilation(self._name, self._variables, self.guest_file, self._trust, self._shadow)

    def _work(self, out: IO[bytes]) -> None:
        if self.guest_file:
            out.write(answer_for_guest(self.guest_file, self._name, self._variables, self._trust, self._shadow))
        else:
            out.write(answer(self._name, self._variables, self._trust, self._shadow))

    def result(self) -> Compiled:
        """After `read` has said True. Raises PolicyInvalid."""
        head, _, data = self.take().partition(b"\n")
        if not head:
            raise PolicyInvalid([f"{self.guest_file or self._name}: the policy compiler ended without an answer, see above"])
        told = json.loads(head)
        if told["findings"]:
            raise PolicyInvalid(told["findings"], told["exit_code"])
        return of_head(told, data)

    def finish(self) -> Compiled:
        """Waits for the end. Raises PolicyInvalid."""
        while not self.read():
            pass
        return self.result()


def compiled_policy(name: str, variables: dict[str, str]) -> dict[str, Any]:
    """The compiled policy of a name or path, in one call, to look at. Raises PolicyInvalid."""
    compiled: dict[str, Any] = json.loads(Compilation(name, variables, trust=Trust(anybody=True)).finish().data)
    return compiled


def answer(name: str, variables: dict[str, str], trust: Trust, shadow: str = "") -> bytes:
    """In the child: a head line as of `head_of`, or {"findings", "exit_code"}; then the canonical text."""
    from ..policy.identity import canonical

    try:
        compiled = from_file(name, variables, trust)
        if shadow:
            compiled = with_shadow(compiled, shadow, variables, trust)
    except PolicyInvalid as error:
        return json.dumps({"findings": error.lines, "exit_code": error.exit_code}).encode() + b"\n"
    return json.dumps(head_of(compiled)).encode() + b"\n" + canonical(compiled)


def answer_for_guest(path: str, policy: str, variables: dict[str, str], trust: Trust, shadow: str = "") -> bytes:
    """The same with "guest", what its file says (guest_files.py)."""
    from . import guest_files

    head, data = guest_files.read(path, variables, policy, trust, shadow)
    return json.dumps(head).encode() + b"\n" + data
