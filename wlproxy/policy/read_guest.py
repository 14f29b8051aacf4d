"""A guest's file (guests.d/NAME.toml): which policy a guest has, with which values, where it connects, and until when.

Promises: a GuestFile, or findings in the document, each with its place; the URIs of `listen` are read where sockets are known of
(sidecar/guest_files.py). Pure.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final

from .document import Document
from .read_predicates import is_whole
from .read_variables import SLUG

KEYS: Final = ("format", "policy", "vars", "listen", "upstream", "audit", "expires", "shadow")
OF_POLICY: Final = ("mode", "until", "permission", "global", "message", "quota", "rewrite")
SIGNS: Final = ("policy", "listen", "expires")  # no policy has these
TESTS: Final = ("case", "trace")  # a policy's test file names a policy, too
FALLBACK: Final = "strict"
MOST_LISTENERS: Final = 64
YEARS: Final = range(1971, 9999)
MOST_VALUE_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class GuestFile:
    """`expires`: the first moment at which the rest no longer holds, None for never; without an offset it is local time. `until` is the
    same as the admin wrote it. `upstream`, `audit` and `shadow` are "" where the file names none."""

    policy: str
    variables: dict[str, str]
    listen: list[str]
    upstream: str
    audit: str
    expires: datetime.datetime | None
    until: str
    shadow: str


def is_guest_file(document: Document) -> bool:
    """Whether the file means to be one."""
    data = document.data
    return any(key in data for key in SIGNS) and not any(key in data for key in TESTS)


def is_guest_name(name: str) -> bool:
    """Whether a guest can have that name: it stands in window titles, paths and unit names."""
    return SLUG.fullmatch(name) is not None


def read_guest(document: Document) -> GuestFile:
    """What the file says; worth nothing where the document has findings afterwards."""
    data = document.data
    for key in data:
        if key not in KEYS:
            advice = ": it stands in the policy" if key in OF_POLICY else ""
            document.wrong_key((key,), "unknown-key", f"a guest's file has no '{key}'{advice}", KEYS)
    if "format" not in data:
        document.wrong_file("format", "the file lacks format = 1", "begin it with: format = 1")
    elif data["format"] != 1 or not is_whole(data["format"]):
        document.wrong_value(("format",), "format", f"this version reads format 1, not {data['format']!r}")
    if "policy" not in data:
        document.wrong_file("missing-key", "the file names no policy", f'add: policy = "{FALLBACK}"')
    expires, until = read_expires(document)
    return GuestFile(
        text_of(document, "policy", "the name or the path of a policy"),
        read_vars(document),
        read_listen(document),
        read_path(document, "upstream"),
        read_path(document, "audit", "-"),
        expires,
        until,
        text_of(document, "shadow", "the name or the path of a policy"),
    )


def text_of(document: Document, key: str, what: str) -> str:
    """A text that may be missing, "" then."""
    value = document.data.get(key, "")
    if isinstance(value, str) and (value or key not in document.data) and "\0" not in value:
        return value
    document.wrong_value((key,), "type", f"{what} is needed")
    return ""


def read_path(document: Document, key: str, word: str = "") -> str:
    """An absolute path, or the one word that may stand in its place."""
    value = text_of(document, key, "an absolute path")
    if value and value != word and not value.startswith("/"):
        document.wrong_value((key,), "path", f"an absolute path{f' or {word!r}' if word else ''} is needed")
    return value


def read_vars(document: Document) -> dict[str, str]:
    """The values of the policy's variables; whether it has them is the policy's to say."""
    found: dict[str, str] = {}
    for name, value in document.table("vars").items():
        if not isinstance(value, str) or len(value.encode()) > MOST_VALUE_BYTES:
            document.wrong_value(("vars", name), "type", f"a text of at most {MOST_VALUE_BYTES} bytes is needed")
        else:
            found[name] = value
    return found


def read_listen(document: Document) -> list[str]:
    """The URIs, as texts."""
    value = document.data.get("listen", [])
    if not isinstance(value, list) or (not value and "listen" in document.data):
        document.wrong_value(("listen",), "type", 'a list of URIs is needed, for example ["unix:/run/wlproxy/work.sock"]')
        return []
    if len(value) > MOST_LISTENERS:
        document.wrong_value(("listen",), "too-many", f"at most {MOST_LISTENERS} URIs")
    for index, item in enumerate(value):
        if not isinstance(item, str) or not item.isprintable():
            document.wrong_value(("listen", str(index)), "type", "a URI is needed, for example unix:/run/wlproxy/work.sock")
        elif item in value[:index]:
            document.wrong_value(("listen", str(index)), "twice", f"{item} is there already")
    return [item for item in value if isinstance(item, str)]


def read_expires(document: Document) -> tuple[datetime.datetime | None, str]:
    """`expires`: a day is meant to its end, a date with a time to the second."""
    value = document.data.get("expires")
    if value is None:
        return None, ""
    if isinstance(value, datetime.date) and value.year not in YEARS:  # a datetime is a date as well
        document.wrong_value(("expires",), "date", f"a year from {YEARS[0]} to {YEARS[-1]} is needed")
        return None, ""
    if isinstance(value, datetime.datetime):
        return value, str(value)
    if isinstance(value, datetime.date):
        return datetime.datetime.combine(value + datetime.timedelta(days=1), datetime.time()), str(value)
    document.wrong_value(("expires",), "type", "a date is needed, not in quotes, for example 2027-01-31")
    return None, ""
