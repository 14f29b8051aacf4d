"""The window of still.py, which keeps the screen awake and locks the pointer for as long as it lives.

    python holding.py APP_ID TITLE [released]

Asks for the inhibitor before its window is there, and for the lock as soon as there is a pointer. Says "locked" and "unlocked". When the
pointer is gone it says "no pointer", and asks for a lock of it all the same. "released": its pointer is from another wl_seat of the same
seat, which it has released.
"""

from __future__ import annotations

import sys
from typing import Any

from pywayland.protocol.idle_inhibit_unstable_v1 import ZwpIdleInhibitManagerV1
from pywayland.protocol.pointer_constraints_unstable_v1 import ZwpPointerConstraintsV1
from pywayland.protocol.wayland import WlSeat
from still import Client, say

POINTER = 1  # wl_seat.capability


class Holding(Client):
    def make_window(self) -> None:
        self.pointer = None
        self.constraints = self.bind(ZwpPointerConstraintsV1, 1)
        self.manager = self.bind(ZwpIdleInhibitManagerV1, 1)
        super().make_window()
        self.inhibitor = self.manager.create_inhibitor(self.surface)

    def on_capabilities(self, seat: Any, capabilities: int) -> None:
        super().on_capabilities(seat, capabilities)
        if capabilities & POINTER and self.pointer is None:
            giver = self.bind(WlSeat, 5) if sys.argv[3:] else seat
            self.pointer = giver.get_pointer()
            if giver is not seat:
                giver.release()
            self.lock_it()
        elif self.pointer is not None and not capabilities & POINTER:
            say("no pointer")
            self.lock.destroy()
            self.lock_it()

    def lock_it(self) -> None:
        persistent = ZwpPointerConstraintsV1.lifetime.persistent
        self.lock = self.constraints.lock_pointer(self.surface, self.pointer, None, persistent)
        self.lock.dispatcher["locked"] = lambda _lock: say("locked")
        self.lock.dispatcher["unlocked"] = lambda _lock: say("unlocked")


if __name__ == "__main__":
    Holding(*sys.argv[1:3]).run()
