"""Pipes: a clipboard without an end, and readers that never read."""

from __future__ import annotations

import os
import select
import time

from .rows import row
from .stub import CLIPBOARD, MOST_BYTES, STREAM, STUCK_SECONDS
from .wire import PATIENCE, Guest, Missing

DATA_OFFER, SELECTION = 0, 5  # events of wl_data_device
SEND = 1  # event of wl_data_source
RECEIVE = 1  # request of wl_data_offer
MANY = 200
HOLD = STUCK_SECONDS + 0.5  # longer than the 5 s without progress that the proxy grants by default


def device_of(g: Guest) -> int:
    return g.make(g.bind("wl_data_device_manager"), 1, g.bind("wl_seat"))


def offer_of(g: Guest) -> int:
    """What is on the clipboard. Raises Missing where nothing is."""
    device = device_of(g)
    g.sync()
    for event in reversed(g.events):
        if (event.object_id, event.opcode) == (device, DATA_OFFER):
            return event.words()[0]
    raise Missing(f"no clipboard to read: {g.error}" if g.error else "no clipboard to read")


def receive(g: Guest, offer: int) -> int:
    """The read end of a pipe whose write end was handed over."""
    reader, writer = os.pipe()
    g.own.append(reader)
    g.ask(offer, RECEIVE, CLIPBOARD, fds=[writer])
    os.close(writer)
    return reader


@row("B38", "a clipboard that never ends", r"!clipboard: more than")
def endless(g: Guest) -> None:
    device_of(g)
    source = g.make(g.bind("wl_data_device_manager"), 0)
    g.ask(source, 0, STREAM)
    g.sync()
    if g.closed or not g.fds:
        raise Missing(f"nobody asks for it: {g.error}" if g.error else "nobody asks for it")
    pipe = g.fds.pop()
    os.set_blocking(pipe, False)
    left = 4 * MOST_BYTES
    while left and select.select([], [pipe], [], PATIENCE)[1]:
        try:
            left -= os.write(pipe, bytes(min(left, 65536)))
        except OSError:  # its reader has had enough
            break
    os.close(pipe)
    g.sync()


@row("B38b", "a paste that is asked for and never read", r"!writers \d+, stuck [1-9]")
def unread(g: Guest) -> None:
    reader = receive(g, offer_of(g))
    g.sync()
    ended = select.poll()
    ended.register(reader, 0)  # POLLHUP alone: there is plenty to read
    until = time.monotonic() + HOLD
    while time.monotonic() < until and not ended.poll(max(0, (until - time.monotonic()) * 1000)):
        pass
    g.sync()


@row("B38c", f"{MANY} pastes at a time, none of them read", rf"!writers (?:{MANY}|[1-9]\d{{3,}})")
def unread_many(g: Guest) -> None:
    offer = offer_of(g)
    for _ in range(MANY):
        receive(g, offer)
    g.sync()

