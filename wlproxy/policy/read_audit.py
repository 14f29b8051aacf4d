"""The [audit] table: what the log has of a guest.

Promises: words of the table only; everything else is a finding. Pure.
"""

from __future__ import annotations

from typing import Final

from ..core.outcome import ALL, NO_PREVIEW, PAYLOADS, RECORDS
from .document import Document

RECORD: Final = "record"
PAYLOAD: Final = "payload"
ON_FAILURE: Final = "on-failure"
KEYS: Final = (RECORD, PAYLOAD, ON_FAILURE)
FAILURES: Final = ("deny", "continue")
DEFAULT: Final = (ALL, NO_PREVIEW)


def read_audit(document: Document, inherited: tuple[str, str]) -> tuple[str, str]:
    """How much is recorded, of RECORDS, and whether with what the guest calls its windows, of PAYLOADS."""
    record, payload = inherited
    for key, value in document.table("audit").items():
        path = ("audit", key)
        if key == RECORD:
            if value in RECORDS:
                record = value
            else:
                document.wrong_value(path, "unknown-word", f"{key} is one of: {', '.join(RECORDS)}", RECORDS, value)
        elif key == PAYLOAD:
            if value in PAYLOADS:
                payload = value
            else:
                document.wrong_value(path, "unknown-word", f"{key} is one of: {', '.join(PAYLOADS)}", PAYLOADS, value)
        elif key == ON_FAILURE:
            if value in FAILURES:
                document.warn(path, "nobody-to-ask", f"'{key}' is checked and has no effect yet: it is about what a user consents to")
            else:
                document.wrong_value(path, "unknown-word", f"{key} is one of: {', '.join(FAILURES)}", FAILURES, value)
        else:
            document.wrong_key(path, "unknown-key", f"[audit] has no '{key}'", KEYS)
    return record, payload
