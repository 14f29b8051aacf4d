"""Bytes that two readers read differently, ids that are not what they seem."""

from __future__ import annotations

import os
import struct

from .rows import more_than, row
from .wire import Guest, request


@row("B01", "message size 0", r"!size 0")
def size_zero(g: Guest) -> None:
    g.send(struct.pack("<IHHI", 1, 0, 0, g.new()))
    g.sync()


@row("B01b", "message size 13", r"!size 13")
def size_odd(g: Guest) -> None:
    g.send(struct.pack("<IHHI", 1, 0, 13, g.new()) + b"\0")
    g.sync()


@row("B02", "bytes after the last argument", r"!trailing")
def trailing(g: Guest) -> None:
    g.send(struct.pack("<IHHII", 1, 0, 16, g.new(), 0xDEADBEEF))
    g.sync()


@row("B03", "string of length 0xfffffffd", r"!length 4294967293")
def long_string(g: Guest) -> None:
    g.look()
    g.send(struct.pack("<IHHIIIII", g.registry, 0, 28, 1, 0xFFFFFFFD, 0, 1, g.new()))
    g.sync()


@row("B04", "title with a NUL inside", r"!nul")
def embedded_nul(g: Guest) -> None:
    toplevel = g.window()[3]
    g.ask(toplevel, 2, b"good\0bad\0")
    g.sync()


@row("B04b", "title without its NUL", r"!unterminated")
def no_nul(g: Guest) -> None:
    toplevel = g.window()[3]
    g.ask(toplevel, 2, b"good")
    g.sync()


@row("B05", "title that is not UTF-8", r"!utf8")
def bad_utf8(g: Guest) -> None:
    toplevel = g.window()[3]
    g.ask(toplevel, 2, b"\xc0\xaf\xed\xa0\x80\0")
    g.sync()


@row("B06", "data hidden in the padding of a string", r"!padding")
def dirty_padding(g: Guest) -> None:
    toplevel = g.window()[3]
    g.send(struct.pack("<IHHI", toplevel, 2, 16, 2) + b"a\0\xaa\xbb")
    g.sync()


@row("B08", "a request to an object that is not there", r"!no object 9999")
def no_such_object(g: Guest) -> None:
    g.ask(9999, 0)
    g.sync()


@row("B08b", "an id that is in use made again", r"!reused")
def id_in_use(g: Guest) -> None:
    surface = g.surface()
    g.ask(g.compositor, 0, surface)
    g.sync()


@row("B08c", "an id of the compositor's range", r"create_surface\(42781900\d\d\)")
def id_of_the_host(g: Guest) -> None:
    g.ask(g.compositor, 0, 0xFF000005)
    g.sync()


@row("B09", "an id far beyond the next", r"create_surface\(4278190079\)")
def id_gap(g: Guest) -> None:
    g.ask(g.compositor, 0, 0xFEFFFFFF)
    g.sync()


@row("B10", "an object of the wrong kind as argument", r"!wrong kind")
def wrong_kind(g: Guest) -> None:
    surface = g.surface()
    g.ask(surface, 1, g.compositor, 0, 0)
    g.sync()


@row("B11", "a request to an object after its end", r"!no object|!dead")
def use_after_destroy(g: Guest) -> None:
    surface = g.surface()
    g.ask(surface, 0)
    g.ask(surface, 6)
    g.sync()


@row("A36", "a request newer than the version bound", r"!too new|damage_buffer")
def too_new(g: Guest) -> None:
    compositor = g.bind("wl_compositor", 1)
    surface = g.make(compositor, 0)
    g.ask(surface, 9, 0, 0, 1, 1)
    g.sync()


@row("A36b", "an opcode that the interface does not have", r"!opcode 200")
def no_such_opcode(g: Guest) -> None:
    g.ask(g.surface(), 200)
    g.sync()


@row("A32", "a global bound as another interface", r"!confused|zwlr_screencopy_manager_v1, 1")
def confused_bind(g: Guest) -> None:
    g.look()
    name = g.globals["wl_compositor"][0]
    g.ask(g.registry, 0, name, "zwlr_screencopy_manager_v1", 1, g.new())
    g.sync()


@row("A33", "a hidden global bound by guessing its number", r"bind\(\d+, 'zwlr_screencopy_manager_v1'")
def guessed_bind(g: Guest) -> None:
    g.look()
    for name in range(1, 80):
        if name not in [n for n, _ in g.globals.values()] or "zwlr_screencopy_manager_v1" in g.globals:
            known = g.globals.get("zwlr_screencopy_manager_v1", (name, 0))[0]
            g.ask(g.registry, 0, known, "zwlr_screencopy_manager_v1", 1, g.new())
            g.sync()
            return


@row("B26", "half a message, held back", r"!partial")
def half_a_message(g: Guest) -> None:
    g.sync()
    g.until(1, 1)  # nothing is on its way that would end the connection from the other side
    g.send(request(1, 0, g.new())[:6])


@row("B28", "20000 syncs without reading", more_than(15000, r"wl_display#1\.sync"))
def sync_storm(g: Guest) -> None:
    data = b"".join(request(1, 0, g.new()) for _ in range(20000))
    g.send(data)
    g.sync()


@row("B31", "20000 regions", more_than(10000, r"create_region"))
def region_flood(g: Guest) -> None:
    compositor = g.compositor
    g.send(b"".join(request(compositor, 1, g.new()) for _ in range(20000)))
    g.sync()


@row("B14", "descriptors that no message asks for", r"!surplus fds")
def surplus_fds(g: Guest) -> None:
    reader, writer = os.pipe()
    g.own += [reader, writer]
    for _ in range(12):
        g.send(request(1, 0, g.new()), [reader] * 20)
    g.sync()


@row("B16", "a descriptor that does not come", r"!no fd")
def missing_fd(g: Guest) -> None:
    g.make(g.bind("wl_shm"), 0, 4096)
    g.sync()
