"""From a policy's name to a checked Policy: the only module of the policy that opens files.

Promises: a policy, or ConfigErrors with every finding of every file read; never another exception, never a wait: regular files of
bounded size only. Trusts: root, the user we run as and who was named: a file that others can change is not read (load_safely.py).

A name is looked for in /etc/wlproxy/policies, then among the installation's policies, and else taken as a path: what an admin puts there
under the name of a shipped policy replaces it, and may extend it by that name. `extends` is looked for beside the file that
says it first. A file beats its parent, key by key; lists replace. /etc/wlproxy/ceiling.toml, where there is one, is above them all.
"""

from __future__ import annotations

import os
import pkgutil
import re
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from ..core.errors import ConfigError, ConfigErrors
from ..core.protocol import Interface
from .compile import compile_policy
from .document import Document, show
from .inheritance import FINAL, broken_finals, read_final
from .load_file import CEILING_FILE, read_file
from .load_interface_table import floor
from .load_protocols import load_shipped
from .load_safely import ROOT_AND_US, UNSAFE, Owners, check_folder, check_installed
from .model import (
    COPY,
    ERROR,
    HIDE,
    IN_ORDER,
    REFUSE,
    Ceiling,
    GlobalRule,
    MessageRule,
    Origin,
    PermissionRule,
    Policy,
    Quota,
    Rewrite,
)
from .read_audit import DEFAULT, read_audit
from .read_mode import check_complaint, read_ceiling_mode, read_mode
from .read_permissions import read_ask, read_permissions
from .read_predicates import is_whole
from .read_quotas import read_quotas
from .read_rules import read_globals, read_messages, read_rewrites
from .read_upstream import read_upstream
from .read_variables import read_variables

DATA_PACKAGE: Final = "wlproxy.policies_data"  # what the packager makes of policies/
ADMIN_FOLDER: Final = "/etc/wlproxy/policies"
SHIPPED_PREFIX: Final = "shipped:"
DEEPEST: Final = 8

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
DOTS: Final = re.compile(r"\A(?:\./+)+")
OF_VARIABLES: Final = ("unknown-variable", "missing-variable")
HEAD: Final = ("format", "name", "summary", "extends", "transparent", "shm-unsealable", "early-destroy", "mode", "until")
KNOWN: Final = (*HEAD, FINAL, "vars", "global", "permission", "message", "rewrite", "quota", "upstream", "ask", "audit")
ELSEWHERE: Final = {"shadow": ": it stands in a guest's file, or is wlproxy run --shadow"}
CEILING_KNOWN: Final = ("format", "name", "summary", "mode", "global", "permission")


def load_policy(
    name_or_path: str,
    variables: Mapping[str, str] | None = None,
    interfaces: Mapping[str, Interface] | None = None,
    search: Sequence[str] = (ADMIN_FOLDER,),
    ceiling: str = CEILING_FILE,
    owners: Owners | None = ROOT_AND_US,
) -> Policy:
    """The checked policy. `variables` fill ${...}; `search` are folders of policies beside the installation's own; `ceiling` is the
    file of what no guest gets more than, "" for none; `owners`: whose files are read."""
    data = load_shipped() if interfaces is None else interfaces
    return build(read_chain(name_or_path, search, owners), data, variables or {}, load_ceiling(ceiling, data, owners))


def load_ceiling(path: str, interfaces: Mapping[str, Interface], owners: Owners | None = ROOT_AND_US) -> Ceiling | None:
    """What this host allows at most; only the host's own file may be missing. Raises ConfigErrors."""
    if not path:
        return None
    try:
        if path == CEILING_FILE and not os.path.lexists(path):
            check_folder(os.path.dirname(path), owners)  # who can write there can take it away
            return None
        document = Document(path, read_file(path, owners))
    except ConfigError as error:
        raise ConfigErrors([error]) from error
    read_head(document, CEILING_KNOWN)
    enforces = read_ceiling_mode(document)
    found = Ceiling(read_globals(document, interfaces, True), read_permissions(document, True), Origin(path), enforces)
    if document.findings:
        raise ConfigErrors(document.findings)
    return found


def explain(errors: ConfigErrors) -> list[str]:
    """Each finding with the line it is about."""
    return [show(finding) for finding in errors.findings]


def read_chain(name_or_path: str, search: Sequence[str], owners: Owners | None = ROOT_AND_US) -> list[Document]:
    """The file and its ancestors, the oldest first, as far as they can be had: where one cannot, the first has a finding, which `build`
    tells with those it makes itself. Raises ConfigErrors for what is no TOML."""
    try:
        path, raw = read(name_or_path, search, owners)
    except ConfigError as error:
        raise ConfigErrors([error]) from error
    chain = [Document(display_name(path), raw)]
    seen = [identity(path)]
    while "extends" in chain[0].data:
        child, parent = chain[0], chain[0].data["extends"]
        if not isinstance(parent, str) or not parent:
            child.wrong_value(("extends",), "type", "the name or the path of one policy is needed")
            break
        if len(chain) == DEEPEST:
            child.wrong_value(("extends",), "too-deep", f"at most {DEEPEST} policies extend each other")
            break
        try:
            beside = "" if path.startswith(SHIPPED_PREFIX) else os.path.dirname(path) or os.curdir
            path, raw = read(parent, search, owners, beside, seen)
        except ConfigError as error:
            if error.code == UNSAFE:
                raise ConfigErrors([error]) from error
            message = f"extends {parent!a}: {error.path}: {error.message}" + (f" ({error.hint})" if error.hint else "")
            child.wrong_value(("extends",), error.code, message)
            break
        if identity(path) in seen:
            through = " extends ".join([d.name for d in reversed(chain)] + [display_name(path)])
            child.wrong_value(("extends",), "cycle", f"a policy cannot extend itself: {through}")
            break
        chain.insert(0, Document(display_name(path), raw))
        seen.append(identity(path))
    if any(document.findings and not document.data for document in chain):
        raise ConfigErrors([finding for document in chain for finding in document.findings])
    return chain


def display_name(path: str) -> str:
    """A shipped policy is called by its file name, any other by its path."""
    return path.removeprefix(SHIPPED_PREFIX)


def identity(path: str) -> str:
    """One text for one file, however it was named."""
    return path if path.startswith(SHIPPED_PREFIX) else os.path.realpath(path)


def read(
    wanted: str, search: Sequence[str], owners: Owners | None, beside: str = "", seen: Sequence[str] = ()
) -> tuple[str, bytes]:
    """A policy's path ("shipped:NAME.toml" for the installation's own) and its bytes; `beside` is the folder of the file that extends it,
    `seen` are the files that led here: one that replaces a shipped policy may extend it. Raises ConfigError."""
    if not NAME.fullmatch(wanted.removesuffix(".toml")):
        path = DOTS.sub("./", os.path.join(beside, wanted))
        return path, read_file(path, owners)
    file_name = wanted.removesuffix(".toml") + ".toml"
    shipped = shipped_bytes(file_name, owners)
    places = [os.path.join(folder, file_name) for folder in search]
    if beside or wanted == file_name:
        places.insert(0, os.path.join(beside, file_name))
    for path in places:
        if os.path.lexists(path) and (shipped is None or identity(path) not in seen):
            return path, read_file(path, owners)
    for folder in search:
        check_folder(folder, owners)  # who can write there can take away what stands in for a shipped policy
    if shipped is not None:
        return SHIPPED_PREFIX + file_name, shipped
    path = os.path.join(beside, wanted)
    if os.path.lexists(path):
        return path, read_file(path, owners)
    raise ConfigError(wanted, 0, 0, "no policy of that name", f"shipped: {', '.join(shipped_names())}; or give a path", "not-found")


def replaces_shipped(document: Document) -> str:
    """The name of the shipped policy that a file of the admin's stands in for, "" where it does not."""
    folder, name = os.path.split(document.name)
    return name if folder == ADMIN_FOLDER and shipped_bytes(name) is not None else ""


def shipped_bytes(file_name: str, owners: Owners | None = ROOT_AND_US) -> bytes | None:
    """One of the installation's own policies, None where there is none of that name. Raises ConfigError."""
    try:
        found = pkgutil.get_data(DATA_PACKAGE, file_name)
    except (ModuleNotFoundError, FileNotFoundError):
        found = None
    folder = source_folder() if found is None else os.path.dirname(sys.modules[DATA_PACKAGE].__file__ or "")
    path = os.path.join(folder, file_name)
    if os.path.isfile(path):  # else it is in an archive, as the program is
        try:
            check_installed(path, owners)
        except OSError as error:
            raise ConfigError(path, 0, 0, error.strerror or "cannot be read", "", "unreadable") from error
    if found is not None:
        return found
    return read_file(path, None) if os.path.isfile(path) else None


def source_folder() -> str:
    """policies/ of a source tree."""
    return os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "policies")


def shipped_names() -> list[str]:
    """The installation's own policies."""
    try:
        import importlib.resources

        entries = [entry.name for entry in importlib.resources.files(DATA_PACKAGE).iterdir()]
    except ModuleNotFoundError:
        entries = os.listdir(source_folder()) if os.path.isdir(source_folder()) else []
    return sorted(entry[:-5] for entry in entries if entry.endswith(".toml"))


def build(
    chain: list[Document], interfaces: Mapping[str, Interface], given: Mapping[str, str], ceiling: Ceiling | None = None
) -> Policy:
    """Reads each file over its parent. Raises ConfigErrors."""
    policy = put_together(chain, interfaces, given, ceiling)
    if any(FINAL in document.data for document in chain[:-1]):
        broken = broken_finals(chain, lambda part: compiled_part(part, interfaces, given))
        if broken:
            raise ConfigErrors(broken)
    return policy


def compiled_part(chain: list[Document], interfaces: Mapping[str, Interface], given: Mapping[str, str]) -> Mapping[str, Any]:
    """The first files of a chain that has been built, compiled: what its youngest may be compared with."""
    declared = {name for document in chain for name in document.table("vars")}
    own = {name: text for name, text in given.items() if name in declared}
    return compile_policy(put_together(chain, interfaces, own, None), interfaces)


def put_together(
    chain: list[Document], interfaces: Mapping[str, Interface], given: Mapping[str, str], ceiling: Ceiling | None
) -> Policy:
    """The same, whatever is final."""
    globals_: dict[str, GlobalRule] = {}
    messages: dict[tuple[str, str], MessageRule] = {}
    rewrites: dict[str, Rewrite] = {}
    quotas: dict[str, Quota] = {}
    upstream: dict[str, str] = {}
    permissions: dict[str, PermissionRule] = {}
    unsealable, early, audit = COPY, ERROR, DEFAULT
    cut_off = bool(chain[0].findings)
    variables = read_variables(chain, given)
    until, now = 0, time.time()
    for document in chain:
        read_head(document)
        until = read_mode(document, now)
        globals_ |= read_globals(document, interfaces)
        permissions |= read_permissions(document)
        read_ask(document)
        read_final(document)
        messages = read_messages(document, interfaces, messages)
        rewrites |= read_rewrites(document, variables)
        quotas |= read_quotas(document)
        upstream |= read_upstream(document, variables)
        unsealable = read_word(document, "shm-unsealable", (COPY, REFUSE), unsealable)
        early = read_word(document, "early-destroy", (ERROR, IN_ORDER), early)
        audit = read_audit(document, audit)
    last = chain[-1]
    if until:
        check_complaint(last, ceiling)
    transparent = last.data.get("transparent") is True
    if transparent and (globals_ or messages or rewrites or permissions):
        last.wrong_key(("transparent",), "transparent", "a transparent policy forwards everything: it has no other rules")
    if transparent and ceiling is not None:
        last.wrong_key(("transparent",), "ceiling", f"this host has a ceiling, {ceiling.origin}: no policy passes everything")
    for parent, child in pairwise(chain):
        if parent.data.get("transparent") is True:
            child.wrong_value(("extends",), "transparent", f"{parent.name} has no rules that could be extended")
    never = floor(list(interfaces))
    for document in chain:
        for name in document.table("global"):
            if name in never and name in globals_ and globals_[name].verdict != HIDE:
                document.wrong_key(("global", name), "never", f"no guest may have {name}: {never[name]}")
    findings = [f for document in chain for f in sorted(document.findings, key=lambda f: (f.line, f.column))]
    if cut_off:
        findings = [finding for finding in findings if finding.code not in OF_VARIABLES]  # they may be the ancestor's
    if findings:
        raise ConfigErrors(findings)
    return Policy(
        str(last.data["name"]),
        str(last.data.get("summary", "")),
        transparent,
        variables,
        globals_,
        messages,
        rewrites,
        quotas,
        upstream,
        unsealable,
        last.origin(("transparent",)) if transparent else Origin(last.name),
        permissions,
        {} if transparent else never,
        ceiling,
        *audit,
        until,
        early,
    )


def read_word(document: Document, key: str, words: tuple[str, str], inherited: str) -> str:
    """A key that has one of two words for a value."""
    value = document.data.get(key, inherited)
    if value in words:
        return str(value)
    document.wrong_value((key,), "unknown-word", f"'{words[0]}' or '{words[1]}' is needed", words, value)
    return inherited


def read_head(document: Document, known: Sequence[str] = KNOWN) -> None:
    """The keys above the tables."""
    data = document.data
    what = "policy" if known is KNOWN else "ceiling"
    for key in data:
        if key not in known:
            advice = ELSEWHERE.get(key, "") if known is KNOWN else ""
            document.wrong_key((key,), "unknown-key", f"a {what} has no '{key}'{advice}", known)
    if "format" not in data:
        document.wrong_file("format", "the file lacks format = 1", "begin it with: format = 1")
    elif data["format"] != 1 or not is_whole(data["format"]):
        document.wrong_value(("format",), "format", f"this version reads format 1, not {data['format']!r}")
    name = data.get("name")
    if name is None:
        document.wrong_file("missing-key", "the policy has no name", 'add: name = "..."')
    elif not isinstance(name, str) or not NAME.fullmatch(name):
        document.wrong_value(("name",), "name", "a name is letters, digits, - and _, at most 64 of them, the first no - or _")
    for key, kind, text in (("summary", str, "a text"), ("transparent", bool, "true or false")):
        if key in data and not isinstance(data[key], kind):
            document.wrong_value((key,), "type", f"{text} is needed")
