"""A short campaign of hostile waypipe guests; `make fuzz` runs longer ones."""

from __future__ import annotations

import random
from pathlib import Path

from tests.fuzz.waypipe import one, play, stream, write_seeds


def test_some_hundred_hostile_guests() -> None:
    refused = {play(stream(random.Random(seed))).split(" ")[0] for seed in range(300)}
    assert len(refused) > 8  # many kinds of wrong, and "" for those that were not


def test_what_the_guided_run_begins_with_is_played(tmp_path: Path) -> None:
    write_seeds(tmp_path, 1)
    seeds = sorted(tmp_path.iterdir())
    assert len(seeds) > 100
    for seed in seeds[:40]:
        one(seed.read_bytes())
