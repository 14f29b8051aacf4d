"""The folder of guests' files, read in a child, a guest at a time as they come (guest_files.write_all has the form)."""

from __future__ import annotations

import json
import os
from typing import IO, Any

from .compiled import Trust
from .forked import Forked


class GuestLines(Forked):
    """`names` of those told so far; `error`: why the answer is not whole, "" where it is (known at the end), and the exit code that this
    makes, 0 for the usual one. `only`: that guest's file, "" for all."""

    def __init__(self, folder: str, trust: Trust, only: str = "") -> None:
        self.names: set[str] = set()
        self.exit_code = 0
        self.error = f"{folder}: the reading of guests' files ended without an answer, see above"

        def work(out: IO[bytes]) -> None:
            from .guest_files import write_all

            write_all(folder, trust, out, only)

        super().__init__(work)

    def take_lines(self) -> list[dict[str, Any]]:
        """The guests that have been told and not yet taken."""
        data = self.take()
        whole, newline, rest = data.rpartition(b"\n")
        self.give_back(rest)
        found = []
        for line in whole.split(b"\n") if newline else []:
            told = json.loads(line)
            if "name" in told:
                self.names.add(told["name"])
                found.append(told)
            else:
                self.error, self.exit_code = told["error"], told["exit_code"]
        return found

    def abandon(self) -> None:
        """Nobody wants the answer any more; the child ends with its next write."""
        os.close(self.fd)
