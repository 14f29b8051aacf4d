"""What `wlproxy check` says of guests' files: the file, and the policy that it names with the values that it gives."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..core.errors import ConfigError, ConfigErrors

if TYPE_CHECKING:
    from ..policy.document import Document
    from ..policy.load_safely import Owners


def findings_of_guest(path: str, ceiling: str | None, owners: Owners | None) -> tuple[list[ConfigError], dict[str, Any] | None]:
    """Warnings about a valid file, and what its policy compiles to. Raises ConfigErrors."""
    from ..policy.complain import COMPLAIN
    from ..policy.load_file import CEILING_FILE
    from ..policy.load_guest import declared_only, name_of
    from ..policy.read_mode import as_text
    from ..sidecar.guest_files import beside, checked, raise_findings_about_variables

    document, guest = checked(path, owners)
    host = CEILING_FILE if ceiling is None else ceiling
    variables = {"vm": name_of(path)} | guest.variables
    with named_by(document, "policy"):
        if not guest.policy.endswith(".json"):
            raise_findings_about_variables(document, guest, beside(path, guest.policy))
        compiled = compiled_of(beside(path, guest.policy), variables, host, owners)
    if COMPLAIN in compiled and compiled[COMPLAIN]["until"] > time.time():
        document.warn(("policy",), COMPLAIN, f"policy {guest.policy!a} only complains until {as_text(compiled[COMPLAIN]['until'])}")
    if guest.shadow:
        shadow = beside(path, guest.shadow)
        with named_by(document, "shadow"):
            compiled_of(shadow, variables if shadow.endswith(".json") else declared_only(shadow, variables), host, owners)
    return document.warnings, compiled


@contextmanager
def named_by(document: Document, key: str) -> Iterator[None]:
    """The findings of a policy, as those of the guest's file, of which a key names it."""
    try:
        yield
    except ConfigErrors as errors:
        raise ConfigErrors([about(document, key, finding) for finding in errors.findings]) from errors


def compiled_of(place: str, variables: dict[str, str], ceiling: str, owners: Owners | None) -> dict[str, Any]:
    """A policy by name or path, compiled or to be compiled. Raises ConfigErrors."""
    from ..policy.load_compiled import load_compiled
    from ..sidecar.compiled import from_source

    if place.endswith(".json"):
        return load_compiled(place, owners, ceiling=ceiling)
    return from_source(place, variables, owners, ceiling)


def about(document: Document, key: str, finding: ConfigError) -> ConfigError:
    """A finding in the policy that a key of the guest's file names: what stands nowhere in the policy is the guest's file's."""
    if finding.line:
        return finding
    spot = document.place((key,), f"{key} {document.data.get(key)!a}: {finding.message}")
    return ConfigError(spot.path, spot.line, spot.column, spot.message, finding.hint, finding.code, spot.length, spot.source)


def files_in(folder: str) -> list[str]:
    """The guests' files of a folder. Raises ConfigErrors."""
    from ..policy.load_guest import guest_files

    try:
        return guest_files(folder)
    except ConfigError as error:
        raise ConfigErrors([error]) from error
