"""From a policy's name to a checked Policy: the only module of the policy that opens files.

Promises: a policy, or ConfigErrors with every finding of every file read; never another exception, never a wait: regular files of
bounded size only. Trusts: whoever may write to the places it looks in.

A name is looked for in the installation's policies, then in /etc/wlproxy/policies, and else taken as a path. `extends` is looked
for beside the file that says it first. A file beats its parent, key by key; lists replace.
"""

from __future__ import annotations

import errno
import os
import pkgutil
import re
import stat
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..core.errors import ConfigError, ConfigErrors
from ..core.protocol import Interface
from .document import Document, show
from .load_protocols import load_shipped
from .model import GlobalRule, MessageRule, Origin, Policy, Rewrite
from .positions import Path
from .read_rules import read_globals, read_messages, read_rewrites, table_at, unknown_keys

DATA_PACKAGE: Final = "wlproxy.policies_data"  # what the packager makes of policies/
ADMIN_FOLDER: Final = "/etc/wlproxy/policies"
MAX_BYTES: Final = 1 << 20
DEEPEST: Final = 8

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
TYPES: Final = {
    "slug": re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"),
    "text": re.compile(r"[^\x00-\x1f\x7f{}\u202a-\u202e\u2066-\u2069]{1,128}"),
    "colour": re.compile(r"#[0-9A-Fa-f]{6}"),
}
KNOWN: Final = ("format", "name", "summary", "extends", "transparent", "vars", "global", "message", "rewrite")
LATER: Final = ("permission", "quota", "ask", "audit", "upstream", "final", "mode", "until")


def load_policy(
    name_or_path: str,
    variables: Mapping[str, str] | None = None,
    interfaces: Mapping[str, Interface] | None = None,
    search: Sequence[str] = (ADMIN_FOLDER,),
) -> Policy:
    """The checked policy. `variables` fill ${...}; `search` are folders of policies beside the installation's own."""
    data = load_shipped() if interfaces is None else interfaces
    chain = read_chain(name_or_path, search)
    return build(chain, data, dict(variables or {}))


def explain(errors: ConfigErrors, search: Sequence[str] = (ADMIN_FOLDER,)) -> list[str]:
    """Each finding with the line it is about."""
    texts: dict[str, str] = {}
    for finding in errors.findings:
        if finding.path not in texts:
            try:
                texts[finding.path] = read(finding.path, search)[1].decode("utf-8", "replace")
            except ConfigError:
                texts[finding.path] = ""
    return [show(finding, texts[finding.path]) for finding in errors.findings]


def read_chain(name_or_path: str, search: Sequence[str]) -> list[Document]:
    """The file and its ancestors, the oldest first. Raises ConfigErrors."""
    chain: list[Document] = []
    seen: list[str] = []
    wanted, beside = name_or_path, ""
    while wanted:
        try:
            path, raw = read(wanted, search, beside)
        except ConfigError as error:
            if chain:
                chain[0].wrong_value(("extends",), error.code, f"extends {wanted!a}: {error.message}")
                break
            raise ConfigErrors([error]) from error
        document = Document(display_name(path), raw)
        if path in seen:
            chain[0].wrong_value(("extends",), "cycle", f"'{wanted}' extends itself, through {' -> '.join([*map(display_name, seen)])}")
            break
        chain.insert(0, document)
        seen.append(path)
        if len(chain) > DEEPEST:
            document.wrong_value(("extends",), "too-deep", f"policies extend each other at most {DEEPEST} deep")
            break
        parent = document.data.get("extends", "")
        if parent and not isinstance(parent, str):
            document.wrong_value(("extends",), "type", "the name of one policy is needed")
            break
        wanted, beside = parent, os.path.dirname(path)
    if any(document.findings for document in chain):
        raise ConfigErrors([finding for document in chain for finding in document.findings])
    return chain


def display_name(path: str) -> str:
    """A shipped policy is called by its file name, any other by its path."""
    return path.removeprefix(SHIPPED_PREFIX)


SHIPPED_PREFIX: Final = "shipped:"


def read(wanted: str, search: Sequence[str], beside: str = "") -> tuple[str, bytes]:
    """A policy's path ("shipped:NAME.toml" for the installation's own) and its bytes. Raises ConfigError."""
    if NAME.fullmatch(wanted) or (wanted.endswith(".toml") and NAME.fullmatch(wanted[:-5]) and not os.path.exists(wanted)):
        file_name = wanted if wanted.endswith(".toml") else wanted + ".toml"
        folders = [folder for folder in (beside, *search) if folder and not folder.startswith(SHIPPED_PREFIX)]
        if beside and not beside.startswith(SHIPPED_PREFIX) and os.path.exists(os.path.join(beside, file_name)):
            return os.path.join(beside, file_name), read_file(os.path.join(beside, file_name))
        shipped = shipped_bytes(file_name)
        if shipped is not None:
            return SHIPPED_PREFIX + file_name, shipped
        for folder in folders:
            path = os.path.join(folder, file_name)
            if os.path.exists(path):
                return path, read_file(path)
        if "." not in wanted and not os.path.exists(wanted):
            known = ", ".join(shipped_names())
            raise ConfigError(wanted, 0, 0, "no policy of that name", f"shipped: {known}; or give a path", "not-found")
    path = wanted if os.path.isabs(wanted) or not beside or beside.startswith(SHIPPED_PREFIX) else os.path.join(beside, wanted)
    return path, read_file(path)


def read_file(path: str) -> bytes:
    """A regular file of at most 1 MiB; opening neither waits (FIFO, device) nor follows more links than the kernel allows."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        code = "not-found" if error.errno == errno.ENOENT else "unreadable"
        raise ConfigError(path, 0, 0, error.strerror or "cannot be opened", "", code) from error
    except ValueError as error:  # a NUL in the name
        raise ConfigError(repr(path), 0, 0, "is no file name", "", "not-found") from error
    facts = os.fstat(number)
    if not stat.S_ISREG(facts.st_mode):
        os.close(number)
        raise ConfigError(path, 0, 0, "is not a regular file", "", "unreadable")
    with open(number, "rb") as file:
        if facts.st_size > MAX_BYTES:
            raise ConfigError(path, 0, 0, f"is {facts.st_size} bytes, a policy has at most {MAX_BYTES}", "", "too-large")
        return file.read(MAX_BYTES + 1)[:MAX_BYTES]


def shipped_bytes(file_name: str) -> bytes | None:
    """One of the installation's own policies, None where there is none of that name."""
    try:
        found = pkgutil.get_data(DATA_PACKAGE, file_name)
    except (ModuleNotFoundError, FileNotFoundError):
        found = None
    if found is not None:
        return found
    beside = os.path.join(source_folder(), file_name)
    return read_file(beside) if os.path.isfile(beside) else None


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


def build(chain: list[Document], interfaces: Mapping[str, Interface], given: dict[str, str]) -> Policy:
    """Reads each file over its parent. Raises ConfigErrors."""
    globals_: dict[str, GlobalRule] = {}
    messages: dict[tuple[str, str], MessageRule] = {}
    rewrites: dict[str, Rewrite] = {}
    variables = read_variables(chain, given)
    for document in chain:
        read_head(document)
        globals_ |= read_globals(document, interfaces)
        messages = read_messages(document, interfaces, messages)
    fill = Filler(variables)
    for document in chain:
        rewrites |= read_rewrites(document, fill)
    last = chain[-1]
    transparent = last.data.get("transparent", False) is True
    if transparent and (globals_ or messages or rewrites):
        last.wrong_key(("transparent",), "transparent", "a transparent policy forwards everything: it has no other rules")
    findings = [f for document in chain for f in sorted(document.findings, key=lambda f: (f.line, f.column))]
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
        last.origin(("transparent",)) if transparent else Origin(last.name),
    )


def read_head(document: Document) -> None:
    """The keys above the tables."""
    unknown_keys(document, KNOWN, LATER)
    data = document.data
    if data.get("format") != 1 or isinstance(data.get("format"), bool):
        if "format" in data:
            document.wrong_value(("format",), "format", f"this version reads format 1, not {data['format']!r}")
        else:
            document.wrong_file("format", "the file lacks format = 1", "begin it with: format = 1")
    name = data.get("name")
    if name is None:
        document.wrong_file("missing-key", "the policy has no name", 'add: name = "..."')
    elif not isinstance(name, str) or not NAME.fullmatch(name):
        document.wrong_value(("name",), "name", "a name is letters, digits, - and _, at most 64 of them")
    for key, kind, text in (("summary", str, "a text"), ("transparent", bool, "true or false")):
        if key in data and not isinstance(data[key], kind):
            document.wrong_value((key,), "type", f"{text} is needed")


def read_variables(chain: list[Document], given: dict[str, str]) -> dict[str, str]:
    """The value of each variable: as given, else the default of the youngest file that has one."""
    declared: dict[str, tuple[Document, dict[str, Any]]] = {}
    for document in chain:
        for name, value in table_at(document, ("vars",)).items():
            path: Path = ("vars", name)
            if not isinstance(value, dict):
                document.wrong_value(path, "type", 'a table such as { type = "slug", default = "guest" } is needed')
                continue
            for key in value:
                if key not in ("type", "default", "max-bytes"):
                    document.wrong_key((*path, key), "unknown-key", f"'{key}' does not belong to a variable", ("type", "default"))
            if value.get("type") not in TYPES:
                kind = str(value.get("type"))
                document.wrong_value((*path, "type"), "unknown-type", f"'{kind}' is no type of variable", TYPES, kind)
                continue
            declared[name] = (document, value)
    result: dict[str, str] = {}
    for name in given:
        if name not in declared and name != "vm":  # every guest has a name, not every policy asks for it
            chain[-1].wrong_file("unknown-variable", f"variable '{name}' was given, the policy has: {', '.join(declared) or 'none'}")
    for name, (document, value) in declared.items():
        place: Path = ("vars", name, "default")
        text = given.get(name, value.get("default"))
        if text is None:
            document.wrong_key(("vars", name), "missing-variable", f"variable '{name}' has no default and was not given")
        elif not isinstance(text, str):
            document.wrong_value(place, "type", "a text is needed")
        else:
            filled = text if name in given else VARIABLE.sub(lambda m: result.get(m.group(1), m.group(0)), text)
            most = value.get("max-bytes", 128)
            if not TYPES[value["type"]].fullmatch(filled) or not isinstance(most, int) or len(filled.encode()) > most:
                where = "was given as" if name in given else "is"
                document.wrong_value(place, "variable", f"variable '{name}' {where} {filled[:64]!a}, which is no {value['type']}")
            else:
                result[name] = filled
    return result


class Filler:
    """Puts variables into a text."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def __call__(self, document: Document, path: Path, text: str) -> str:
        for name in VARIABLE.findall(text):
            if name not in self._variables:
                document.wrong_value(path, "unknown-variable", f"there is no variable '{name}'", self._variables, name)
        return VARIABLE.sub(lambda match: self._variables.get(match.group(1), ""), text)
