"""The compiled policy for a sidecar, without the compiler in its memory: a forked child reads and compiles, and hands bytes over.

The child starts before this process imports the rest of the sidecar, so that both happen at once where there are two cores.

Promises: what `finish` returns is a compiled policy of a form this version reads, whose hash is right, or it raises ConfigErrors
with everything that was wrong. Trusts: the files an admin names.

A name or a TOML file is compiled; a file that ends in .json is a compiled policy already (`wlproxy compile`) and only checked.
"""

from __future__ import annotations

import json
from typing import IO, Any

from ..core.errors import ConfigError, ConfigErrors
from .forked import Forked


class PolicyInvalid(Exception):
    """The policy cannot be used; `lines` say why, one finding each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Compiled:
    """`data` is the canonical JSON text; `name` and `sha256` say which policy that is, `upstream` is its [upstream], `guest` what the
    guest's own file says, where one was read."""

    def __init__(
        self,
        name: str,
        sha256: str,
        data: bytes,
        upstream: dict[str, str] | None = None,
        guest: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.sha256 = sha256
        self.data = data
        self.upstream = upstream or {}
        self.guest = guest or {}


class Compilation(Forked):
    """A child that compiles a policy; or the one of a guest's file, where `guest_file` names that: then `name`, where there is one, and
    `variables` go over what the file says."""

    def __init__(self, name: str, variables: dict[str, str], guest_file: str = "") -> None:
        self._name = guest_file or name

        def work(out: IO[bytes]) -> None:
            out.write(answer_for_guest(guest_file, name, variables) if guest_file else answer(name, variables))

        super().__init__(work)

    def result(self) -> Compiled:
        """After `read` has said True. Raises PolicyInvalid."""
        head, _, data = self.take().partition(b"\n")
        if not head:
            raise PolicyInvalid([f"{self._name}: the policy compiler ended without an answer, see above"])
        told = json.loads(head)
        if told["findings"]:
            raise PolicyInvalid(told["findings"])
        return Compiled(told["name"], told["sha256"], data, told["upstream"], told.get("guest"))

    def finish(self) -> Compiled:
        """Waits for the end. Raises PolicyInvalid."""
        while not self.read():
            pass
        return self.result()


def compiled_policy(name: str, variables: dict[str, str]) -> dict[str, Any]:
    """The compiled policy of a name or path, in one call. Raises PolicyInvalid."""
    compiled: dict[str, Any] = json.loads(Compilation(name, variables).finish().data)
    return compiled


def answer(name: str, variables: dict[str, str]) -> bytes:
    """In the child: a head line {"findings", "name", "sha256", "upstream"}, then the canonical text."""
    from ..policy.identity import canonical

    try:
        compiled = from_json(name) if name.endswith(".json") else from_source(name, variables)
    except PolicyInvalid as error:
        return json.dumps({"findings": error.lines}).encode() + b"\n"
    return json.dumps(head_of(compiled)).encode() + b"\n" + canonical(compiled)


def answer_for_guest(path: str, policy: str, variables: dict[str, str]) -> bytes:
    """The same with "guest", what its file says (guest_files.py)."""
    from . import guest_files

    head, data = guest_files.read(path, variables, policy)
    return json.dumps(head).encode() + b"\n" + data


def head_of(compiled: dict[str, Any]) -> dict[str, Any]:
    """What the parent needs to know of a compiled policy."""
    return {"findings": [], "name": compiled["name"], "sha256": compiled["sha256"], "upstream": compiled.get("upstream", {})}


def from_source(name: str, variables: dict[str, str]) -> dict[str, Any]:
    """Loads and compiles. Raises PolicyInvalid with all findings."""
    from ..policy.compile import compile_policy
    from ..policy.load import explain, load_policy
    from ..policy.load_protocols import load_shipped

    try:
        interfaces = load_shipped()
        return compile_policy(load_policy(name, variables, interfaces), interfaces)
    except ConfigErrors as errors:
        raise PolicyInvalid(explain(errors)) from errors
    except ConfigError as error:
        raise PolicyInvalid([str(error)]) from error
    except OSError as error:
        raise PolicyInvalid([f"{error.filename or name}: {error.strerror}"]) from error


def from_json(path: str) -> dict[str, Any]:
    """Reads a compiled policy and checks that it is one and whole. Raises PolicyInvalid."""
    from ..handlers import load_tables
    from ..policy.identity import digest

    try:
        with open(path, "rb") as file:
            compiled = json.load(file)
        if not isinstance(compiled, dict) or "sha256" not in compiled:
            raise PolicyInvalid([f"{path}: not a compiled policy (made by: wlproxy compile NAME -o {path})"])
        if digest(compiled) != compiled["sha256"]:
            raise PolicyInvalid([f"{path}: its sha256 is not that of its content: compile it again"])
        load_tables(compiled)
    except OSError as error:
        raise PolicyInvalid([f"{path}: {error.strerror}"]) from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise PolicyInvalid([f"{path}: not a compiled policy of this version: {error}"]) from error
    return compiled
