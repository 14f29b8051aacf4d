"""The [permission] table of a policy or of a ceiling, and [ask]: what the guest may do, in words.

Promises: a permission that is returned is a known one, its parameters fit it; everything else is a finding. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..handlers import keys
from ..handlers.selections import is_type
from .document import Document
from .model import ALLOW, ASK, DENY, PermissionRule
from .permissions import (
    ADVERTISED,
    ASKING,
    ESCAPE,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DURATION,
    MAX_PLANES,
    MAX_SIZE,
    MIME,
    MODIFIER_WORDS,
    MODIFIERS,
    NEEDS_INPUT_SERIAL,
    NOTE,
    ONLY,
    ONLY_WORDS,
    PERMISSIONS,
    RATE,
    REMEMBER,
    SKIP_IF,
    TIMEOUT,
)
from .positions import Path
from .read_predicates import is_whole
from .read_quotas import BYTES, EXAMPLES, SECONDS, amount_of, rate_of

VERDICT: Final = "verdict"
AT_MOST: Final = "at-most"
VERDICTS: Final = (ALLOW, ASK, DENY)
MOST_SIZE: Final = 256  # what handlers/cursors.py and icons.py allow at all
MOST_TYPES: Final = 32
MOST_NOTE: Final = 200
MOST_PLANES: Final = 4
MOST_DEPTH: Final = 16
LEAST_DURATION: Final = 1.0
MOST_DURATION: Final = 24 * 3600.0
MOST_ESCAPES: Final = 4
# What other programs call the keys of a combination.
ALIASES: Final = {
    **dict.fromkeys(("win", "windows", "meta", "logo", "mod4", "cmd"), "Super"),
    **dict.fromkeys(("control", "strg"), "Ctrl"),
    **dict.fromkeys(("option", "mod1"), "Alt"),
    "esc": "Escape",
    "return": "Enter",
    "del": "Delete",
    "ins": "Insert",
}
ONCE, SESSION, FOREVER = "once", "session", "forever"
# Words of the full language that a filter of messages cannot keep, and what can.
NEEDS_SHELL: Final = "wlproxy draws nothing on the host's screen: a compositor that marks sandboxed windows does (security-context)"
NEEDS_PORTAL: Final = "wlproxy has no frames to give: xdg-desktop-portal on the host does, once there is somebody to ask"
CANNOT: Final[dict[str, dict[str, str]]] = {
    "fullscreen": {"banner": NEEDS_SHELL},
    "screencast": {
        **dict.fromkeys(("backend", "sources", "own-windows", "max-fps", "max-duration"), NEEDS_PORTAL),
        "indicator": NEEDS_SHELL,
    },
}
ASK_KEYS: Final = ("timeout", "min-display", "remember", "max-per-minute", "no-agent")


def read_permissions(document: Document, ceiling: bool = False) -> dict[str, PermissionRule]:
    """The table of one file. What a file says of a permission replaces what its parent said of it."""
    found: dict[str, PermissionRule] = {}
    for name, value in document.table("permission").items():
        path: Path = ("permission", name)
        if "*" in name:
            document.wrong_key(path, "wildcard", "permissions are named one by one; what is not named is refused")
        elif name not in PERMISSIONS:
            document.wrong_key(path, "unknown-permission", f"there is no permission '{name}'", PERMISSIONS)
        else:
            rule = one_permission(document, path, name, value, AT_MOST if ceiling else VERDICT)
            if rule is not None:
                found[name] = rule
    return found


def one_permission(document: Document, path: Path, name: str, value: Any, says: str) -> PermissionRule | None:
    """A verdict, or a table of it (under the key `says`) and parameters."""
    said = (*path, says)
    if isinstance(value, str):
        value, said = {says: value}, path
    if not isinstance(value, dict):
        document.wrong_value(path, "type", '"allow", "ask", "deny" or a table is needed')
        return None
    known = (says, *PERMISSIONS[name].parameters, *ASKING)
    parameters: dict[str, Any] = {}
    for key, wanted in value.items():
        if key == says:
            continue
        if key in CANNOT.get(name, ()):
            cannot(document, (*path, key), name, value.get(says))
        elif key not in known:
            text = f"'{key}' does not belong to permission '{name}'  (it has: {', '.join(known)})"
            document.wrong_key((*path, key), "unknown-key", text, known)
        else:
            read = READERS[key](document, (*path, key), wanted)
            if read is not None:
                parameters[key] = read
    if says not in value:
        document.wrong_key(path, "missing-key", f"what of '{name}'? say {says} = allow, ask or deny")
        return None
    verdict = value[says]
    if verdict not in VERDICTS:
        document.wrong_value(said, "unknown-verdict", f"{verdict!r} is no verdict", VERDICTS, verdict)
        return None
    return PermissionRule(verdict, document.origin(path), parameters)


def cannot(document: Document, path: Path, name: str, verdict: object) -> None:
    """A bound that is not kept. Where the permission is given that is an error: whoever wrote it relies on it. Where it asks or is
    refused nothing passes that could be bounded."""
    text = f"'{path[-1]}' cannot be kept: {CANNOT[name][path[-1]]}"
    if verdict in (ASK, DENY):
        document.warn(path, "not-kept", f"{text}. Nothing passes here as long as there is nobody to ask")
    else:
        document.wrong_key(path, "not-kept", text)


def read_mime(document: Document, path: Path, value: Any) -> list[str] | None:
    """mime and skip-if: types of data, spelt as programs offer them."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value) or not 1 <= len(value) <= MOST_TYPES:
        document.wrong_value(path, "type", 'a list such as ["text/plain;charset=utf-8", "image/png"] is needed')
        return None
    for item in value:
        if not is_type(item) or "*" in item:
            document.wrong_value(path, "mime", f"{item!a} is no type of data (no wildcards: a type is compared whole)")
            return None
    return sorted(set(value))


def read_modifiers(document: Document, path: Path, value: Any) -> list[str] | None:
    """modifiers. Whatever is announced has the others in it."""
    if not isinstance(value, list) or not value:
        document.wrong_value(path, "type", f"a list of {', '.join(MODIFIER_WORDS)} is needed")
        return None
    for item in value:
        if item not in MODIFIER_WORDS:
            words = ", ".join(MODIFIER_WORDS)
            document.wrong_value(path, "unknown-word", f"{item!r} is no layout of buffers  (there are: {words})", MODIFIER_WORDS, item)
            return None
    return [ADVERTISED] if ADVERTISED in value else sorted(set(value))


def read_planes(document: Document, path: Path, value: Any) -> int | None:
    """max-planes."""
    return up_to(document, path, value, MOST_PLANES, "planes")


def read_depth(document: Document, path: Path, value: Any) -> int | None:
    """max-depth."""
    return up_to(document, path, value, MOST_DEPTH, "menus")


def read_only(document: Document, path: Path, value: Any) -> str | None:
    """only."""
    if value in ONLY_WORDS:
        return str(value)
    text = f"one word for what its window must be is needed  (there are: {', '.join(ONLY_WORDS)})"
    document.wrong_value(path, "unknown-word", text, ONLY_WORDS, value)
    return None


def read_duration(document: Document, path: Path, value: Any) -> float | None:
    """max-duration."""
    amount = amount_of(SECONDS, value)
    if isinstance(amount, int | float) and LEAST_DURATION <= amount <= MOST_DURATION:
        return float(amount)
    document.wrong_value(path, "type", f'a time from {LEAST_DURATION:g}s to {MOST_DURATION / 3600:g}h such as "2h" is needed')
    return None


def read_escape(document: Document, path: Path, value: Any) -> list[str] | None:
    """escape: one combination of keys, or a list of those of which each will do."""
    said = [value] if isinstance(value, str) else value
    if not isinstance(said, list) or not all(isinstance(item, str) for item in said) or not 1 <= len(said) <= MOST_ESCAPES:
        document.wrong_value(path, "type", f'a combination of keys such as "Super+Escape" is needed, or a list of 1 to {MOST_ESCAPES}')
        return None
    found = set()
    for item in said:
        try:
            found.add(keys.combination(item).text)
        except ValueError as error:
            wrong_combination(document, path, item, str(error))
            return None
    return sorted(found)


def wrong_combination(document: Document, path: Path, item: str, wrong: str) -> None:
    """`wrong` is the word of it that cannot stand where it does."""
    is_key = wrong == item.rpartition(keys.JOINED_BY)[2]
    if is_key and wrong in keys.KEYS:
        text = f"{item!a} needs one or more of {', '.join(keys.MODIFIERS)} before its key, each once"
        document.wrong_value(path, "no-modifier", text)
        return
    if is_key and wrong in keys.MODIFIERS:
        text = f'{item!a} lacks its key: modifiers and one key are joined, as in "{wrong}{keys.JOINED_BY}Escape"'
        document.wrong_value(path, "no-key", text)
        return
    words = keys.KEYS if is_key else keys.MODIFIERS
    what = "key" if is_key else "modifier"
    meant = ALIASES.get(wrong.lower(), wrong)
    text = f"{wrong!a} is no {what} that a combination can have  (there are: {', '.join(words)})"
    document.wrong_value(path, f"unknown-{what}", text, words, meant)


def up_to(document: Document, path: Path, value: Any, most: int, what: str) -> int | None:
    """A number of them."""
    if is_whole(value) and 1 <= value <= most:
        return value
    document.wrong_value(path, "type", f"a number of {what} from 1 to {most} is needed")
    return None


def read_needs(document: Document, path: Path, value: Any) -> bool | None:
    """needs-input-serial; false is as if it were not said."""
    if not isinstance(value, bool):
        document.wrong_value(path, "type", "true or false is needed")
        return None
    return value or None


def read_bytes(document: Document, path: Path, value: Any) -> int | None:
    """max-bytes."""
    amount = amount_of(BYTES, value)
    if isinstance(amount, int) and 1 <= amount <= 1 << 40:
        return amount
    document.wrong_value(path, "type", EXAMPLES[BYTES])
    return None


def read_size(document: Document, path: Path, value: Any) -> int | None:
    """max-size."""
    return up_to(document, path, value, MOST_SIZE, "pixels")


def read_rate(document: Document, path: Path, value: Any) -> list[float] | None:
    """rate."""
    rate = rate_of(value) if isinstance(value, str) else None
    if rate is None or rate[0] <= 0 or rate[1] < 1:
        document.wrong_value(path, "type", 'a rate such as "2/s" or "1/s burst 5" is needed')
        return None
    return rate


def read_remember(document: Document, path: Path, value: Any) -> list[str] | None:
    """remember: "once", "session", or times such as "10m"."""
    if not isinstance(value, list) or not value:
        document.wrong_value(path, "type", 'a list such as ["once", "session", "10m"] is needed')
        return None
    for item in value:
        if item == FOREVER:
            document.wrong_value(path, "forever", "no answer holds for ever: for that, say allow here")
            return None
        if item not in (ONCE, SESSION) and not amount_of(SECONDS, item):
            document.wrong_value(path, "unknown-word", f"{item!r} is neither once, session nor a time", (ONCE, SESSION), item)
            return None
    return list(value)


def read_timeout(document: Document, path: Path, value: Any) -> float | None:
    """timeout."""
    amount = amount_of(SECONDS, value)
    if isinstance(amount, int | float) and 1 <= amount <= 3600:
        return float(amount)
    document.wrong_value(path, "type", EXAMPLES[SECONDS])
    return None


def read_note(document: Document, path: Path, value: Any) -> str | None:
    """note."""
    if isinstance(value, str) and 0 < len(value.encode()) <= MOST_NOTE and value.isprintable():
        return value
    document.wrong_value(path, "text", f"1 to {MOST_NOTE} bytes of printable text are needed")
    return None


READERS: Final[dict[str, Callable[[Document, Path, Any], Any]]] = {
    MIME: read_mime,
    MAX_BYTES: read_bytes,
    MAX_SIZE: read_size,
    MAX_PLANES: read_planes,
    MODIFIERS: read_modifiers,
    MAX_DEPTH: read_depth,
    ONLY: read_only,
    MAX_DURATION: read_duration,
    ESCAPE: read_escape,
    SKIP_IF: read_mime,
    NEEDS_INPUT_SERIAL: read_needs,
    RATE: read_rate,
    REMEMBER: read_remember,
    TIMEOUT: read_timeout,
    NOTE: read_note,
}


def read_ask(document: Document) -> dict[str, Any]:
    """The [ask] table of one file: how the user is asked where a permission does not say."""
    found: dict[str, Any] = {}
    if document.table("ask"):
        document.warn(("ask",), "nobody-to-ask", "[ask] is checked and has no effect yet: there is nobody to ask")
    for key, value in document.table("ask").items():
        path: Path = ("ask", key)
        if key in (TIMEOUT, "min-display"):
            amount = amount_of(SECONDS, value)
            if isinstance(amount, int | float) and 0 < amount <= 3600:
                found[key] = float(amount)
            else:
                document.wrong_value(path, "type", EXAMPLES[SECONDS])
        elif key == REMEMBER:
            remembered = read_remember(document, path, value)
            if remembered is not None:
                found[key] = remembered
        elif key == "max-per-minute":
            if is_whole(value) and 1 <= value <= 60:
                found[key] = value
            else:
                document.wrong_value(path, "type", "a number from 1 to 60 is needed")
        elif key == "no-agent":
            if value != DENY:
                document.wrong_value(path, "unknown-word", 'with nobody to ask the answer is "deny"', [DENY], value)
            else:
                found[key] = value
        else:
            document.wrong_key(path, "unknown-key", f"[ask] has no '{key}'", ASK_KEYS)
    return found
