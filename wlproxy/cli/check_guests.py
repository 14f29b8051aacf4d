"""What `wlproxy check` says of guests' files: the file, and the policy that it names with the values that it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.errors import ConfigError, ConfigErrors

if TYPE_CHECKING:
    from ..policy.load_safely import Owners


def findings_of_guest(path: str, ceiling: str | None, owners: Owners | None) -> tuple[list[ConfigError], dict[str, Any] | None]:
    """Warnings about a valid file, and what its policy compiles to. Raises ConfigErrors."""
    from ..policy.compile import compile_policy
    from ..policy.load import ADMIN_FOLDER, load_policy
    from ..policy.load_compiled import load_compiled
    from ..policy.load_file import CEILING_FILE
    from ..policy.load_guest import name_of
    from ..policy.load_protocols import load_shipped
    from ..sidecar.guest_files import beside, checked, raise_findings_about_variables

    document, guest = checked(path, owners)
    host = CEILING_FILE if ceiling is None else ceiling
    try:
        if guest.policy.endswith(".json"):
            return document.warnings, load_compiled(beside(path, guest.policy), owners, ceiling=host)
        raise_findings_about_variables(document, guest, beside(path, guest.policy))
        interfaces = load_shipped()
        variables = {"vm": name_of(path)} | guest.variables
        policy = load_policy(beside(path, guest.policy), variables, interfaces, (ADMIN_FOLDER,), host, owners)
        return document.warnings, compile_policy(policy, interfaces)
    except ConfigErrors as errors:
        raise ConfigErrors([about(document.name, finding, guest.policy) for finding in errors.findings]) from errors


def about(path: str, finding: ConfigError, policy: str) -> ConfigError:
    """A finding in the policy, which the guest's file gave a reason for: what stands nowhere in the policy is the guest's file's."""
    if finding.line:
        return finding
    return ConfigError(path, 0, 0, f"policy {policy!a}: {finding.message}", finding.hint, finding.code)


def files_in(folder: str) -> list[str]:
    """The guests' files of a folder. Raises ConfigErrors."""
    from ..policy.load_guest import guest_files

    try:
        return guest_files(folder)
    except ConfigError as error:
        raise ConfigErrors([error]) from error
