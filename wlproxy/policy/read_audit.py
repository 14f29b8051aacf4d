"""The [audit] table: what the log has of a guest.

Promises: words of the table only; everything else is a finding. Pure.
"""

from __future__ import annotations

from typing import Final

from ..core.outcome import ALL, RECORDS
from .document import Document

RECORD: Final = "record"
PAYLOAD: Final = "payload"
ON_FAILURE: Final = "on-failure"
KEYS: Final = (RECORD, PAYLOAD, ON_FAILURE)
NEVER, PREVIEW = "never", "preview"
FAILURES: Final = ("deny", "continue")
DEFAULT: Final = ALL


def read_audit(document: Document, inherited: str) -> str:
    """What is recorded: one of RECORDS."""
    record = inherited
    for key, value in document.table("audit").items():
        path = ("audit", key)
        if key == RECORD:
            if value in RECORDS:
                record = value
            else:
                document.wrong_value(path, "unknown-word", f"{key} is one of: {', '.join(RECORDS)}", RECORDS, value)
        elif key == PAYLOAD:
            if value == PREVIEW:
                text = "'preview' cannot be kept: the log never holds what was typed or copied; `wlproxy run --record` does"
                document.wrong_value(path, "not-kept", text)
            elif value != NEVER:
                document.wrong_value(path, "unknown-word", f'{key} is "{NEVER}"', [NEVER], value)
        elif key == ON_FAILURE:
            if value in FAILURES:
                document.warn(path, "nobody-to-ask", f"'{key}' is checked and has no effect yet: it is about what a user consents to")
            else:
                document.wrong_value(path, "unknown-word", f"{key} is one of: {', '.join(FAILURES)}", FAILURES, value)
        else:
            document.wrong_key(path, "unknown-key", f"[audit] has no '{key}'", KEYS)
    return record
