"""A program with a window that something can be dragged from, or dropped on: an end of the drags in tests, in a process of its own, because
pywayland gives an offer to whichever display it finds first.

    python drag.py give|take|refuse FILE      $WAYLAND_DISPLAY says where; give reads the file, take writes it

It says "pressed", "entered", and at the end "finished", "taken", "cancelled" or "left".
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.host.window import BLUE, RED, TestWindow

MIME_TYPE = "text/plain;charset=utf-8"
OTHER_TYPE = "image/png"
COPY = 1


def say(word: str) -> None:
    print(word, flush=True)


class Program:
    """Every method of the dispatchers of libwayland's."""

    def __init__(self, what: str, file: Path) -> None:
        self.file = file
        self.takes = what == "take"
        self.over = False
        self.window = TestWindow(os.environ["WAYLAND_DISPLAY"])
        self.manager = self.window.bound["wl_data_device_manager"]
        self.device = self.manager.get_data_device(self.window.bound["wl_seat"])
        self.offer: Any = None
        if what == "give":
            self.window.pointer.dispatcher["button"] = self.on_button
        else:
            self.device.dispatcher["data_offer"] = lambda _device, offer: setattr(self, "offer", offer)  # which else nobody holds
            self.device.dispatcher["enter"] = self.on_enter
            self.device.dispatcher["drop"] = self.on_drop
            self.device.dispatcher["leave"] = self.on_leave
        self.window.open(f"{what} {file.name}", 80, 60, RED if what == "give" else BLUE)

    def run(self) -> None:
        while not self.over:
            self.window.display.dispatch(block=True)
            self.window.display.flush()
        self.window.roundtrip()
        self.window.leave()

    def end(self, word: str) -> None:
        say(word)
        self.over = True

    def on_button(self, _pointer: Any, serial: int, _time: int, _button: int, state: int) -> None:
        if not state:
            return
        self.source = self.manager.create_data_source()
        for mime_type in (MIME_TYPE, OTHER_TYPE):
            self.source.offer(mime_type)
        self.source.set_actions(COPY)
        self.source.dispatcher["send"] = self.on_send
        self.source.dispatcher["cancelled"] = lambda _source: self.end("cancelled")
        self.source.dispatcher["dnd_finished"] = lambda _source: self.end("finished")
        self.device.start_drag(self.source, self.window.surface, None, serial)
        say("pressed")

    def on_send(self, _source: Any, mime_type: str, descriptor: int) -> None:
        with open(descriptor, "wb") as pipe:
            pipe.write(self.file.read_bytes() if mime_type == MIME_TYPE else b"not this")

    def on_enter(self, _device: Any, serial: int, _surface: Any, _x: float, _y: float, offer: Any) -> None:
        if self.takes:
            offer.accept(serial, MIME_TYPE)
            offer.set_actions(COPY, COPY)
        say("entered")

    def on_leave(self, _device: Any) -> None:
        if not self.takes:
            self.end("left")

    def on_drop(self, _device: Any) -> None:
        reading, writing = os.pipe()
        self.offer.receive(MIME_TYPE, writing)
        self.window.display.flush()
        os.close(writing)
        with open(reading, "rb") as pipe:
            self.file.write_bytes(pipe.read())
        self.offer.finish()
        self.offer.destroy()
        self.end("taken")


if __name__ == "__main__":
    Program(sys.argv[1], Path(sys.argv[2])).run()
