"""The three kinds of wrong, and nothing else.

Anything that is not one of these is our own bug: it ends the session it happened in, never the sidecar.
"""

from __future__ import annotations

from collections.abc import Sequence


class ProtocolViolation(Exception):
    """A peer broke the rules of the wire or of the protocol.

    `object_id` (as the guest knows it) and `code` are those of the wl_display.error that the guest is sent:
    the interface's own error enum where `object_id` is not 1, else wl_display.error
    (0 invalid_object, 1 invalid_method, 2 no_memory, 3 implementation).
    """

    def __init__(self, object_id: int, code: int, reason: str) -> None:
        super().__init__(reason)
        self.object_id = object_id
        self.code = code
        self.reason = reason


class PolicyViolation(Exception):
    """A well-formed message that the policy refuses by ending the connection.

    `object_id` and `code` as above; `origin` is the policy line ("strict.toml:31") or the built-in rule that refused.
    """

    def __init__(self, object_id: int, code: int, reason: str, origin: str) -> None:
        super().__init__(reason)
        self.object_id = object_id
        self.code = code
        self.reason = reason
        self.origin = origin


class ConfigError(Exception):
    """Something an admin wrote is wrong: which file, where in it, what, and what to do.

    `line` and `column` count from 1; 0 where the place is the file as a whole. `code` names the kind of mistake ("unknown-key"),
    `length` is how many characters from `column` on are meant, `source` the whole line as it was read. `because`: another place that
    makes it one, with its own words, where there is such.
    """

    def __init__(
        self,
        path: str,
        line: int,
        column: int,
        message: str,
        hint: str = "",
        code: str = "",
        length: int = 1,
        source: str = "",
        severity: str = "error",
    ) -> None:
        self.code = code
        self.severity = severity  # "error"; with "warning", "wider" and "note" the policy is valid all the same
        self.length = length
        self.source = source
        self.path = path
        self.line = line
        self.column = column
        self.message = message
        self.hint = hint
        self.because: ConfigError | None = None
        place = path if line == 0 else f"{path}:{line}" if column == 0 else f"{path}:{line}:{column}"
        super().__init__(f"{place}: {message}" + (f" ({hint})" if hint else ""))


class ConfigErrors(Exception):
    """All that is wrong in what an admin handed over, found in one run; `findings` is never empty."""

    def __init__(self, findings: Sequence[ConfigError]) -> None:
        self.findings = list(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))
