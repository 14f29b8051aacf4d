"""A policy as its files, its model and what it compiles to, under whatever name an admin gives it: a policy's name, a file, a compiled
.json, a guest's name or file (its policy with its values), or a file of a git revision (REVISION:PATH or REVISION:NAME).

Promises: a `Source`, or ConfigErrors with every finding. A policy that complained until a moment which has passed is told as what it is
in force, enforcing, under the hash that the sidecar's log has of it. Trusts: git(1), which is asked for whole files and nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ..core.errors import ConfigError, ConfigErrors
from ..core.protocol import Interface
from ..policy.compile import compile_policy
from ..policy.complain import as_of
from ..policy.document import Document
from ..policy.identity import canonical
from ..policy.load import ADMIN_FOLDER, DEEPEST, build, compiled_part, load_ceiling, read_chain
from ..policy.load_compiled import MOST_BYTES, parse
from ..policy.load_file import CEILING_FILE, MAX_BYTES, read_file
from ..policy.load_guest import declared_only, guest_called, load_guest, name_of, policy_of
from ..policy.load_interface_table import floor, row_of
from ..policy.load_safely import ANYBODY, Owners
from ..policy.model import Policy
from ..policy.recompiled import explainable

GIT_SECONDS: Final = 20
POLICY_FOLDER: Final = "policies"


@dataclass(frozen=True, slots=True)
class Source:
    """`chain`: the file and its ancestors, the oldest first."""

    policy: Policy
    chain: list[Document]
    compiled: dict[str, Any]


def load_source(
    name: str,
    variables: Mapping[str, str],
    interfaces: Mapping[str, Interface],
    ceiling: str = CEILING_FILE,
    owners: Owners | None = ANYBODY,
) -> Source:
    """A policy by name or path. Raises ConfigErrors."""
    name, variables = of_guest(name, variables)
    if name.endswith(".json"):
        hint = "give the policy that it was compiled from; wlproxy verify checks a compiled one"
        raise ConfigErrors([ConfigError(name, 0, 0, "a compiled policy no longer says which layer decided", hint, "compiled")])
    chain = read_chain(name, (ADMIN_FOLDER,), owners)
    policy = build(chain, interfaces, variables, load_ceiling(ceiling, interfaces, owners))
    compiled = compile_policy(policy, interfaces)
    if 0 < policy.until <= time.time():
        policy = replace(policy, until=0)
        compiled = compile_policy(policy, interfaces) | {"sha256": compiled["sha256"]}
    return Source(policy, chain, compiled)


def part_of(chain: list[Document], interfaces: Mapping[str, Interface], variables: Mapping[str, str]) -> Mapping[str, Any]:
    """The first files of a source's chain, compiled, as they are in force."""
    return as_of(compiled_part(chain, interfaces, variables), time.time())


def explained(
    name: str, variables: Mapping[str, str], interfaces: Mapping[str, Interface], ceiling: str = CEILING_FILE
) -> tuple[Policy, dict[str, Any]]:
    """A policy, compiled or not, as its model and what it compiles to. Raises ConfigErrors."""
    name, variables = of_guest(name, variables)
    if not name.endswith(".json"):
        source = load_source(name, variables, interfaces, ceiling)
        return source.policy, source.compiled
    compiled = of_json(name)
    strange = [other for other in compiled["interfaces"] if other not in interfaces]
    if strange:
        text = f"it knows {', '.join(strange[:3])}, which this wlproxy does not"
        raise ConfigErrors([ConfigError(name, 0, 0, text, "compile it again", "compiled")])
    return explainable(compiled, floor(list(interfaces)), load_ceiling(ceiling, interfaces, ANYBODY)), compiled


def compiled_of(
    name: str, variables: Mapping[str, str], interfaces: Mapping[str, Interface], ceiling: str = CEILING_FILE
) -> dict[str, Any]:
    """The compiled policy of a name, a file, a compiled .json or a git revision. Raises ConfigErrors."""
    revision, colon, path = name.partition(":")
    if colon and path and not os.path.lexists(name):
        return of_revision(revision, path, variables, interfaces, ceiling)
    name, variables = of_guest(name, variables)
    if name.endswith(".json"):
        return of_json(name)
    return load_source(name, variables, interfaces, ceiling).compiled


def of_guest(name: str, variables: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """The policy and the values of a guest, where a guest is meant; else what was given. Raises ConfigErrors."""
    path = guest_called(name)
    if not path:
        return name, variables
    document, guest = load_guest(path, ANYBODY)
    if document.findings:
        raise ConfigErrors(document.findings)
    policy, expired = policy_of(guest, time.time())
    values = dict(variables) | {"vm": name_of(path)} | guest.variables
    place = os.path.join(os.path.dirname(path), policy) if "/" in policy else policy
    return place, declared_only(place, values) if expired else values


def of_json(path: str) -> dict[str, Any]:
    """A compiled policy, whole and of this version, as it is in force. Raises ConfigErrors."""
    try:
        return as_of(parse(path, read_file(path, ANYBODY, MOST_BYTES)), time.time())
    except ConfigError as error:
        raise ConfigErrors([error]) from error


def of_revision(
    revision: str, path: str, variables: Mapping[str, str], interfaces: Mapping[str, Interface], ceiling: str
) -> dict[str, Any]:
    """A policy as it was in a git revision, with what it extends from the same folder of the same revision. Raises ConfigErrors."""
    commit = git(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"], f"{revision}:{path}")
    commit = commit.strip()
    if not commit:
        raise ConfigErrors([ConfigError(f"{revision}:{path}", 0, 0, "there is no such revision here", "in a git tree: HEAD~1:desktop")])
    places = [path] if path.endswith(".toml") else [f"{POLICY_FOLDER}/{path}.toml", f"{path}.toml"]
    for place in places:
        folder = os.path.dirname(place)
        listing = git(["ls-tree", "--full-tree", "-z", "--name-only", commit, *([f"{folder}/"] if folder else [])], place)
        names = [name for name in listing.split("\0") if name.endswith(".toml")]
        if place in names:
            return extracted(commit, place, names, f"{revision}:", variables, interfaces, ceiling)
    hint = f"looked for {' and '.join(places)}"
    raise ConfigErrors([ConfigError(f"{revision}:{path}", 0, 0, "no such policy in that revision", hint, "not-found")])


def extracted(
    commit: str,
    place: str,
    names: list[str],
    prefix: str,
    variables: Mapping[str, str],
    interfaces: Mapping[str, Interface],
    ceiling: str,
) -> dict[str, Any]:
    """Puts the files of a folder where they can be read like any others; places are named as git names them."""
    with tempfile.TemporaryDirectory(prefix="wlproxy-") as folder:
        for name in names:
            target = os.path.join(folder, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(git(["cat-file", "blob", f"{commit}:{name}"], prefix + name))
        root = folder + "/"
        try:
            compiled = load_source(root + place, variables, interfaces, ceiling).compiled
        except ConfigErrors as errors:
            raise ConfigErrors([renamed(f, root, prefix) for f in errors.findings]) from errors
    plain: dict[str, Any] = json.loads(canonical(compiled).replace(root.encode(), prefix.encode("unicode_escape")))
    return plain


def renamed(finding: ConfigError, root: str, prefix: str) -> ConfigError:
    """The finding about an extracted file as one about the revision's."""
    path, message = finding.path.replace(root, prefix), finding.message.replace(root, prefix)
    return ConfigError(
        path, finding.line, finding.column, message, finding.hint, finding.code, finding.length, finding.source, finding.severity
    )


def git(arguments: list[str], about: str) -> str:
    """What git prints, of bounded size; "" where it fails without a word. Raises ConfigErrors."""
    try:
        environment = os.environ | {"LC_ALL": "C"}
        done = subprocess.run(
            ["git", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=GIT_SECONDS, check=False, env=environment
        )
    except OSError as error:
        raise ConfigErrors([ConfigError(about, 0, 0, f"git cannot be run: {error.strerror}", "", "git")]) from error
    except subprocess.TimeoutExpired as error:
        raise ConfigErrors([ConfigError(about, 0, 0, f"git gave no answer within {GIT_SECONDS} s", "", "git")]) from error
    if done.returncode and done.stderr:
        words = done.stderr.decode("utf-8", "replace").strip().split("\n")[0]
        raise ConfigErrors([ConfigError(about, 0, 0, words, "", "git")])
    if len(done.stdout) > MAX_BYTES * DEEPEST:
        raise ConfigErrors([ConfigError(about, 0, 0, "is too large for a policy", "", "too-large")])
    return done.stdout.decode("utf-8", "surrogateescape")


def risk_of(interface: str) -> str:
    """The letter of its class in the table of interfaces, "" where it has none."""
    row = row_of(interface)
    return row.risk if row is not None else ""
