"""A short campaign of hostile waypipe guests; `make fuzz` runs longer ones."""

from __future__ import annotations

import random

from tests.fuzz.waypipe import play, stream


def test_some_hundred_hostile_guests() -> None:
    refused = {play(stream(random.Random(seed))).split(" ")[0] for seed in range(300)}
    assert len(refused) > 8  # many kinds of wrong, and "" for those that were not
