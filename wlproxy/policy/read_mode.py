"""`mode` and `until`: whether a policy enforces, or only complains until some moment (complain.py).

Promises: that moment is at most MOST_DAYS ahead, so that nobody forgets it for good; a policy that has reached it is valid, and enforces.
A mode is the file's own: what extends a policy does not inherit that it complains.
"""

from __future__ import annotations

import datetime
from typing import Final

from .document import Document
from .model import Ceiling

MODE, UNTIL = "mode", "until"
ENFORCE, COMPLAIN = "enforce", "complain"
MODES: Final = (ENFORCE, COMPLAIN)
OVER: Final = "complain-over"
MOST_DAYS: Final = 30
DAY_SECONDS: Final = 86400
EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
FORM: Final = "a date and time with its offset and without quotes"


def read_mode(document: Document, now: float) -> int:
    """Until when it complains, in seconds of the epoch; 0: it enforces. Worth nothing where the document has findings afterwards."""
    data = document.data
    mode = data.get(MODE, ENFORCE)
    if mode not in MODES:
        document.wrong_value((MODE,), "unknown-word", f'"{ENFORCE}" or "{COMPLAIN}" is needed', MODES, mode)
        return 0
    if mode == ENFORCE:
        if UNTIL in data:
            document.wrong_key((UNTIL,), "until", f"'{UNTIL}' is for the mode \"{COMPLAIN}\": this policy enforces")
        return 0
    if UNTIL not in data:
        example = as_text(int(now) // 3600 * 3600 + 7 * DAY_SECONDS)
        document.wrong_value((MODE,), "until", f"a policy complains for a time only: say until when, for example {UNTIL} = {example}")
        return 0
    return read_until(document, now)


def read_until(document: Document, now: float) -> int:
    """The moment."""
    value = document.data[UNTIL]
    if not isinstance(value, datetime.datetime) or value.tzinfo is None:
        document.wrong_value((UNTIL,), "date", f"{FORM} is needed, for example {as_text(int(now) + DAY_SECONDS)}")
        return 0
    until = max(1, int((value - EPOCH).total_seconds()))
    if until > now + MOST_DAYS * DAY_SECONDS:
        text = f"a policy may complain for {MOST_DAYS} days at most: until {as_text(int(now) + MOST_DAYS * DAY_SECONDS)}, say"
        document.wrong_value((UNTIL,), "too-long", text)
    elif until <= now:
        document.warn((UNTIL,), OVER, "that moment has passed: the policy enforces. Take 'mode' and 'until' out, or set it anew")
    return until


def read_ceiling_mode(document: Document) -> bool:
    """Of a ceiling: whether every policy has to enforce."""
    mode = document.data.get(MODE)
    if mode is not None and mode != ENFORCE:
        text = f'"{ENFORCE}" is what a ceiling can say: no policy on this host complains'
        document.wrong_value((MODE,), "unknown-word", text, (ENFORCE,), mode)
    return mode == ENFORCE


def check_complaint(document: Document, ceiling: Ceiling | None) -> None:
    """Findings where a policy may not complain at all."""
    if document.data.get("transparent") is True:
        document.wrong_value((MODE,), "transparent", "a transparent policy refuses nothing that it could complain of")
    if ceiling is not None and ceiling.enforces:
        document.wrong_value((MODE,), "ceiling", f'the ceiling of this host has mode = "{ENFORCE}": {ceiling.origin}')


def as_text(until: int) -> str:
    """A moment as a policy has it, in UTC."""
    return (EPOCH + datetime.timedelta(seconds=until)).strftime("%Y-%m-%dT%H:%M:%SZ")
