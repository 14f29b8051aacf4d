"""The compiled policy for a sidecar, without the compiler in its memory: a forked child reads and compiles, and hands bytes over.

The child starts before this process imports the rest of the sidecar, so that both happen at once where there are two cores.

Promises: what `finish` returns is a compiled policy of a form this version reads, whose hash is right, or it raises PolicyInvalid
with everything that was wrong. Trusts: the files an admin names, where nobody else can change them (policy/load_safely.py).

A name or a TOML file is compiled; a file that ends in .json is a compiled policy already (`wlproxy compile`): it is checked, signature
included where one is asked for, and must stay under the floor and this host's ceiling (policy/load_compiled.py).
"""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any, Final

from ..core.errors import ConfigError, ConfigErrors
from ..core.outcome import ALL
from .forked import Forked

if TYPE_CHECKING:
    from ..policy.load_safely import Owners

EXIT_UNSAFE: Final = 3
EXIT_POLICY: Final = 6


class PolicyInvalid(Exception):
    """The policy cannot be used; `lines` say why, one finding each. `exit_code` as documented."""

    def __init__(self, lines: list[str], exit_code: int = EXIT_POLICY) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
        self.exit_code = exit_code


class Trust:
    """Whose files are read: those of the users `owners`, beside root's and our own; `signers`: a file of allowed signers, one of whom must
    have signed the compiled policy, "" for no such demand. `ceiling`: the host's file, "" for none, None for the usual one. `anybody`:
    whose files they are is not asked, where nothing is run by them."""

    def __init__(
        self, owners: list[int] | None = None, signers: str = "", ceiling: str | None = None, anybody: bool = False
    ) -> None:
        self.owners = owners or []
        self.signers = signers
        self.ceiling = ceiling
        self.anybody = anybody


class Compiled:
    """`data` is the canonical JSON text; `name` and `sha256` say which policy that is, `upstream` is its [upstream], `record` how much
    the audit log has, `clients` that quota and the line that sets it, `guest` what the guest's own file says, where one was read. `until`:
    so long (seconds of the epoch) it only complains, 0: it enforces. `shadow`: name and sha256 of the policy that is asked beside it, empty
    where there is none; that one is within `data` (`with_shadow`)."""

    def __init__(
        self,
        name: str,
        sha256: str,
        data: bytes,
        upstream: dict[str, str] | None = None,
        guest: dict[str, Any] | None = None,
        record: str = ALL,
        clients: tuple[int, str] = (1, ""),
        until: int = 0,
        shadow: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self.sha256 = sha256
        self.data = data
        self.upstream = upstream or {}
        self.guest = guest or {}
        self.record = record
        self.clients = clients
        self.until = until
        self.shadow = shadow or {}


class Compilation(Forked):
    """A child that compiles a policy; or the one of a guest's file, where `guest_file` names that: then `name` and `shadow`, where there
    are such, and `variables` go over what the file says."""

    def __init__(
        self, name: str, variables: dict[str, str], guest_file: str = "", trust: Trust | None = None, shadow: str = ""
    ) -> None:
        self._name = guest_file or name
        whom = trust or Trust()

        def work(out: IO[bytes]) -> None:
            if guest_file:
                out.write(answer_for_guest(guest_file, name, variables, whom, shadow))
            else:
                out.write(answer(name, variables, whom, shadow))

        super().__init__(work)

    def result(self) -> Compiled:
        """After `read` has said True. Raises PolicyInvalid."""
        head, _, data = self.take().partition(b"\n")
        if not head:
            raise PolicyInvalid([f"{self._name}: the policy compiler ended without an answer, see above"])
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


def head_of(compiled: dict[str, Any]) -> dict[str, Any]:
    """What the parent needs to know of a compiled policy."""
    from ..core.quotas import limits_of

    limits = limits_of(compiled)
    return {
        "findings": [],
        "name": compiled["name"],
        "sha256": compiled["sha256"],
        "upstream": compiled.get("upstream", {}),
        "record": compiled.get("record", ALL),
        "clients": [limits.clients, limits.rule("clients")],
        "until": compiled["complain"]["until"] if "complain" in compiled else 0,
        "shadow": {key: compiled["shadow"][key] for key in ("name", "sha256")} if "shadow" in compiled else {},
    }


def of_head(head: dict[str, Any], data: bytes) -> Compiled:
    """The policy of which `head` tells, with what a guest's file said beside it."""
    most, rule = head["clients"]
    name, sha256, upstream = head["name"], head["sha256"], head["upstream"]
    return Compiled(name, sha256, data, upstream, head.get("guest"), head["record"], (most, rule), head["until"], head["shadow"])


def load_entry(compiled: Compiled, reason: str) -> dict[str, Any]:
    """What is to be written down where a guest comes under a policy."""
    shadow = {"shadow": {"policy": compiled.shadow["name"], "sha256": compiled.shadow["sha256"]}} if compiled.shadow else {}
    return {"event": "policy-load", "reason": reason} | shadow


def with_shadow(compiled: dict[str, Any], shadow: str, variables: dict[str, str], trust: Trust) -> dict[str, Any]:
    """The compiled policy with another beside it, held to floor and ceiling as it is itself; of the variables it gets those that it has.
    Raises PolicyInvalid with all findings."""
    from ..policy.load_guest import declared_only

    try:
        values = variables if shadow.endswith(".json") else declared_only(shadow, variables)
    except ConfigErrors as errors:
        raise invalid(errors.findings) from errors
    return compiled | {"shadow": from_file(shadow, values, trust)}


def from_file(name: str, variables: dict[str, str], trust: Trust) -> dict[str, Any]:
    """A policy by name or path, compiled or to be compiled. Raises PolicyInvalid with all findings."""
    from ..policy.load_compiled import load_compiled, only_compiled
    from ..policy.load_file import CEILING_FILE
    from ..policy.load_safely import ANYBODY, Owners

    owners = ANYBODY if trust.anybody else Owners(trust.owners)
    ceiling = CEILING_FILE if trust.ceiling is None else trust.ceiling
    try:
        if name.endswith(".json"):
            return load_compiled(name, owners, trust.signers, ceiling)
        if trust.signers:
            raise only_compiled(name)
        return from_source(name, variables, owners, ceiling)
    except ConfigErrors as errors:
        raise invalid(errors.findings) from errors
    except ConfigError as error:
        raise invalid([error]) from error
    except OSError as error:
        raise PolicyInvalid([f"{error.filename or name}: {error.strerror}"]) from error


def from_source(name: str, variables: dict[str, str], owners: Owners | None, ceiling: str) -> dict[str, Any]:
    """Loads and compiles. Raises ConfigErrors, ConfigError, OSError."""
    from ..policy.compile import compile_policy
    from ..policy.load import load_policy
    from ..policy.load_protocols import load_shipped

    interfaces = load_shipped()
    return compile_policy(load_policy(name, variables, interfaces, ceiling=ceiling, owners=owners), interfaces)


def invalid(findings: list[ConfigError]) -> PolicyInvalid:
    """The same findings, as lines, with the exit code that they make."""
    from ..policy.document import show
    from ..policy.load_safely import UNSAFE, UNSIGNED

    unsafe = any(finding.code in (UNSAFE, UNSIGNED) for finding in findings)
    return PolicyInvalid([show(finding) for finding in findings], EXIT_UNSAFE if unsafe else EXIT_POLICY)
