"""Guests' files from the disk, and the names of those there are.

Promises: a GuestFile and its document, whose findings are for the caller to act on; never an exception but ConfigErrors. Trusts:
whoever may write to the folder. A file is NAME.toml; what begins with a dot is an editor's, not a guest.
"""

from __future__ import annotations

import os
from typing import Final

from ..core.errors import ConfigError, ConfigErrors
from .document import Document
from .load import ADMIN_FOLDER, read_chain
from .load_file import read_file
from .load_safely import ANYBODY, ROOT_AND_US, Owners
from .read_guest import FALLBACK, GuestFile, is_guest_file, is_guest_name, read_guest
from .read_variables import EVERY_GUEST_HAS

GUESTS_FOLDER: Final = "/etc/wlproxy/guests.d"
SUFFIX: Final = ".toml"
NAME_ADVICE: Final = "letters, digits, dot, - and _, at most 64 of them, the first a letter or a digit"


def name_of(path: str) -> str:
    """The guest whose file that is."""
    return os.path.basename(path).removesuffix(SUFFIX)


def guest_files(folder: str) -> list[str]:
    """The paths of all guests' files, by name. Raises ConfigError."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise ConfigError(folder, 0, 0, error.strerror or "cannot be read", "", "unreadable") from error
    return [os.path.join(folder, name) for name in names if name.endswith(SUFFIX) and not name.startswith(".")]


def load_guest(path: str, owners: Owners | None = ROOT_AND_US) -> tuple[Document, GuestFile]:
    """The file, read as far as it can be. Raises ConfigErrors where it cannot be."""
    try:
        document = Document(path, read_file(path, owners))
    except ConfigError as error:
        raise ConfigErrors([error]) from error
    if document.findings:
        raise ConfigErrors(document.findings)
    if not is_guest_name(name_of(path)):
        document.wrong_file("name", f"{name_of(path)!a} is no guest's name: {NAME_ADVICE}", "rename the file")
    return document, read_guest(document)


def means_guest(path: str) -> bool:
    """Whether a file that an admin names is a guest's rather than a policy; False also for what cannot be read."""
    try:
        return os.path.lexists(path) and is_guest_file(Document(path, read_file(path, ANYBODY)))
    except ConfigError:
        return False


def guest_called(name: str) -> str:
    """The file that an admin means by a name where a policy may be meant as well: a guest's file, or the name of a guest of this host that
    no policy has; "" where it is neither."""
    if means_guest(name):
        return name
    path = os.path.join(GUESTS_FOLDER, name + SUFFIX)
    if not is_guest_name(name) or not means_guest(path):
        return ""
    try:
        read_chain(name, (ADMIN_FOLDER,), ANYBODY)
    except ConfigErrors as errors:
        return path if errors.findings[0].code == "not-found" else ""
    return ""


def policy_of(guest: GuestFile, now: float) -> tuple[str, bool]:
    """The policy in force at `now` (seconds of the epoch), and whether the file has expired."""
    expired = guest.expires is not None and now >= guest.expires.timestamp()
    return (FALLBACK if expired else guest.policy), expired


def declared_by(policy: str) -> set[str]:
    """The variables that a policy has; whose files it is made of is asked where it is loaded. Raises ConfigErrors."""
    chain = read_chain(policy, (ADMIN_FOLDER,), ANYBODY)
    if chain[0].findings:
        raise ConfigErrors(chain[0].findings)
    return {name for document in chain for name in document.table("vars")} | {EVERY_GUEST_HAS}


def declared_only(policy: str, variables: dict[str, str]) -> dict[str, str]:
    """Of the values, those for variables that a policy has: the fallback need not know all that were given for another one. Raises
    ConfigErrors."""
    declared = declared_by(policy)
    return {name: value for name, value in variables.items() if name in declared}


def check_variables(document: Document, guest: GuestFile, policy: str) -> None:
    """Findings, in the guest's file, for values of variables that its policy (by name or path) does not have. Raises ConfigErrors where
    there is no such policy."""
    declared = declared_by(policy)
    for name in guest.variables:
        if name not in declared:
            text = f"policy {guest.policy!a} has no variable '{name}'  (it has: {', '.join(sorted(declared))})"
            document.wrong_key(("vars", name), "unknown-variable", text, declared)
