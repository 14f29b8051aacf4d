"""The [vars] tables: what ${...} stands for.

Promises: a variable's value fits its type, so that it can stand in a title bar or an app_id; everything else is a finding. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from .document import Document
from .positions import Path
from .read_predicates import is_whole

VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
TYPES: Final = ("slug", "text", "colour")
SLUG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{6}")
KEYS: Final = ("type", "default", "max-bytes")
MAX_BYTES: Final = 128
EVERY_GUEST_HAS: Final = "vm"  # so it may be given to a policy that does not ask for it
OF_THE_START: Final = "instance"  # another value at each start, which the sidecar puts in (sidecar/security_context.py)


def read_variables(chain: list[Document], given: Mapping[str, str]) -> dict[str, str]:
    """The value of each variable: as given, else the default of the youngest file that declares it."""
    declared: dict[str, tuple[Document, dict[str, Any]]] = {}
    result: dict[str, str] = {}  # a variable with a finding is "", so that its uses bring no findings of their own
    for document in chain:
        for name, value in document.table("vars").items():
            if is_declaration(document, ("vars", name), value):
                declared[name] = (document, value)
            else:
                result[name] = ""
    for name in given:
        if name not in declared and name not in result and name != EVERY_GUEST_HAS:
            has = ", ".join(declared) or "none"
            chain[-1].wrong_file("unknown-variable", f"variable '{name}' was given, the policy has: {has}")
    for name, (document, value) in declared.items():
        place: Path = ("vars", name, "default")
        if name in given:
            text = given[name]
        elif "default" in value:
            filled = fill(document, place, value["default"], result)
            if filled is None:
                result[name] = ""
                continue
            text = filled
        else:
            document.wrong_key(("vars", name), "missing-variable", f"variable '{name}' has no default and was not given")
            result[name] = ""
            continue
        wrong = why_not(text, value["type"], value.get("max-bytes", MAX_BYTES))
        if wrong:
            where = "was given as" if name in given else "is"
            document.wrong_value(place, "variable", f"variable '{name}' {where} {text[:64]!a}: {wrong}")
        result[name] = "" if wrong else text
    return result


def is_declaration(document: Document, path: Path, value: object) -> bool:
    """Whether { type, default, max-bytes } is right; findings where not."""
    if not isinstance(value, dict):
        document.wrong_value(path, "type", 'a table such as { type = "slug", default = "guest" } is needed')
        return False
    before = len(document.findings)
    if path[-1] == OF_THE_START:
        document.wrong_key(path, "reserved", f"'{OF_THE_START}' is no policy's to declare: it is another at each start, for instance-id")
    for key in value:
        if key not in KEYS:
            document.wrong_key((*path, key), "unknown-key", f"'{key}' does not belong to a variable", KEYS)
    kind, most = value.get("type"), value.get("max-bytes", MAX_BYTES)
    if "type" not in value:
        document.wrong_key(path, "missing-key", f"variable '{path[-1]}' has no type: slug, text or colour")
    elif kind not in TYPES:
        document.wrong_value((*path, "type"), "unknown-type", f"{kind!r} is no type of variable: slug, text or colour", TYPES, kind)
    if not isinstance(value.get("default", ""), str):
        document.wrong_value((*path, "default"), "type", "a text is needed")
    if not is_whole(most) or not 1 <= most <= MAX_BYTES:
        document.wrong_value((*path, "max-bytes"), "type", f"a number of bytes from 1 to {MAX_BYTES} is needed")
    return len(document.findings) == before


def why_not(text: str, kind: str, most: int) -> str:
    """Why the text cannot be the value of such a variable, "" where it can."""
    if kind == "slug" and not SLUG.fullmatch(text):
        return "a slug is letters, digits, '.', '_' and '-', the first a letter or digit, at most 64"
    if kind == "colour" and not COLOUR.fullmatch(text):
        return 'a colour is like "#cc3333"'
    if not text or not text.isprintable() or "{" in text or "}" in text:  # control and bidi characters could feign a label
        return "a text has printable characters only, at least one, and no braces"
    if len(text.encode()) > most:
        return f"more than {most} bytes"
    return ""


def fill(document: Document, path: Path, text: str, variables: Mapping[str, str], later: str | None = None) -> str | None:
    """The text with its variables put in, but for that of `later`; None, and findings, where one does not exist (or is declared further
    down)."""
    unknown = [name for name in VARIABLE.findall(text) if name not in variables and name != later]
    for name in unknown:
        why = "is for instance-id alone" if name == OF_THE_START else f"is no variable here  ({known(variables)})"
        document.wrong_value(path, "unknown-variable", f"'{name}' {why}", variables, name)
    return None if unknown else VARIABLE.sub(lambda match: variables.get(match.group(1), match.group()), text)


def known(variables: Iterable[str]) -> str:
    return "there is: " + (", ".join(variables) or "none")
