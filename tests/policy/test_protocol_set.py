"""References across files, and whether one interface may stand in for another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wlproxy.core.protocol import Argument, Entry, Enum, Interface, Message
from wlproxy.policy.protocol_set import breaks, dangling

A = Argument
THING = Interface(
    "thing",
    2,
    (Message("destroy", destructor=True), Message("put", (A("x", "int"), A("on", "object", "thing")), since=2)),
    (Message("gone"),),
    (Enum("bits", (Entry("a", 1),), bitfield=True),),
)


def test_newer_may_append_and_rename_arguments() -> None:
    newer = replace(
        THING,
        version=3,
        requests=(
            THING.requests[0],
            Message("put", (A("left", "int"), A("on", "object", "thing", True))),
            Message("more", since=3),
        ),
    )
    assert breaks(THING, newer) == []
    assert breaks(THING, THING) == []


@pytest.mark.parametrize(
    ("newer", "what"),
    [
        (replace(THING, version=1), "version 1 is below 2"),
        (replace(THING, events=()), "event gone is gone"),
        (replace(THING, requests=THING.requests[::-1]), "request 0 was destroy and is put"),
        (
            replace(THING, requests=(THING.requests[0], Message("put", (A("x", "uint"), A("on", "object", "thing"))))),
            "put has other arguments",
        ),
        (
            replace(THING, requests=(THING.requests[0], Message("put", (A("x", "int"), A("on", "object", "wl_surface"))))),
            "put has other arguments",
        ),
        (replace(THING, events=(Message("gone", destructor=True),)), "event gone now ends its object"),
        (replace(THING, requests=(Message("destroy"), THING.requests[1])), "request destroy no longer ends its object"),
    ],
)
def test_what_breaks(newer: Interface, what: str) -> None:
    assert any(what in text for text in breaks(THING, newer))


def with_argument(argument: Argument) -> Interface:
    return Interface("user", 1, (Message("use", (argument,)),))


@pytest.mark.parametrize(
    ("argument", "what"),
    [
        (A("x", "object", "nothing"), "names the interface nothing"),
        (A("x", "new_id", "nothing"), "names the interface nothing"),
        (A("x", "uint", enum="nothing.bits"), "no file defines nothing"),
        (A("x", "uint", enum="thing.none"), "which thing does not have"),
        (A("x", "int", enum="thing.bits"), "is a bitfield"),
    ],
)
def test_dangling(argument: Argument, what: str) -> None:
    (found,) = dangling(with_argument(argument), {"thing": THING})
    assert found.startswith("user.use: argument x ")
    assert what in found


def test_nothing_dangles() -> None:
    for argument in (A("x", "object"), A("x", "object", "thing"), A("x", "uint", enum="thing.bits")):
        assert dangling(with_argument(argument), {"thing": THING}) == []
