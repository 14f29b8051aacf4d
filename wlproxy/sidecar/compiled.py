"""A compiled policy as the sidecar knows it, and where it comes from. What reads and compiles runs in a child (compilation.py): each
function that does imports what it needs itself.

Promises: from a name or path, a compiled policy of a form this version reads, whose hash is right, or PolicyInvalid with everything that
was wrong. Trusts: the files an admin names, where nobody else can change them (policy/load_safely.py).

A name or a TOML file is compiled; a file that ends in .json is a compiled policy already (`wlproxy compile`): it is checked, signature
included where one is asked for, and must stay under the floor and this host's ceiling (policy/load_compiled.py).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from ..core.errors import ConfigError, ConfigErrors
from ..core.outcome import ALL

if TYPE_CHECKING:
    from ..core.protocol import Interface
    from ..policy.load_compiled import Check
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
    return Compiled(
        head["name"],
        head["sha256"],
        data,
        upstream=head["upstream"],
        guest=head.get("guest"),
        record=head["record"],
        clients=(most, rule),
        until=head["until"],
        shadow=head["shadow"],
    )


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
            return load_compiled(name, owners, signature_check(trust, owners), ceiling)
        if trust.signers:
            raise only_compiled(name)
        return from_source(name, variables, owners, ceiling)
    except ConfigErrors as errors:
        raise invalid(errors.findings) from errors
    except ConfigError as error:
        raise invalid([error]) from error
    except OSError as error:
        raise PolicyInvalid([f"{error.filename or name}: {error.strerror}"]) from error


def signature_check(trust: Trust, owners: Owners | None) -> Check | None:
    """For load_compiled: that one of the allowed signers has signed the file; None where no signature is asked for."""
    if not trust.signers:
        return None
    from functools import partial

    from .signature import check_signature

    return partial(check_signature, signers=trust.signers, owners=owners)


def from_source(name: str, variables: dict[str, str], owners: Owners | None, ceiling: str) -> dict[str, Any]:
    """Loads and compiles. Raises ConfigErrors, ConfigError, OSError."""
    from ..policy.compile import compile_policy
    from ..policy.load import load_policy

    return compile_policy(load_policy(name, variables, interfaces(), ceiling=ceiling, owners=owners), interfaces())


@cache
def interfaces() -> dict[str, Interface]:
    """The protocol data, once for all policies that a child compiles."""
    from ..policy.load_protocols import load_shipped

    return load_shipped()


def invalid(findings: list[ConfigError]) -> PolicyInvalid:
    """The same findings, as lines, with the exit code that they make."""
    from ..policy.document import show
    from ..policy.load_safely import UNSAFE, UNSIGNED

    unsafe = any(finding.code in (UNSAFE, UNSIGNED) for finding in findings)
    return PolicyInvalid([show(finding) for finding in findings], EXIT_UNSAFE if unsafe else EXIT_POLICY)
