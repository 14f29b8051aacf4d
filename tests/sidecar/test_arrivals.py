"""Connections that wait because too many came: a flood delays whoever is not part of it by a turn."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from wlproxy.sidecar.relay.arrivals import MOST, WAIT_SECONDS, Arrivals
from wlproxy.sidecar.relay.link import Guest


class Peers:
    """Makes connections and keeps the clients' ends."""

    def __init__(self) -> None:
        self.ends: dict[int, socket.socket] = {}
        self.guests: list[Guest] = []

    def connects(self, pid: int = 1, says: bytes = b"", **more: int) -> Guest:
        end, ours = socket.socketpair()
        ours.setblocking(False)
        guest = Guest(ours, {"pid": pid, **more}, "")
        self.guests.append(guest)
        self.ends[id(guest)] = end
        end.sendall(says)
        return guest

    def hangs_up(self, guest: Guest) -> None:
        self.ends[id(guest)].close()


@pytest.fixture
def peers() -> Iterator[Peers]:
    made = Peers()
    yield made
    for guest in made.guests:
        guest.sock.close()
        made.hangs_up(guest)


def test_peers_take_turns(peers: Peers) -> None:
    arrivals = Arrivals()
    flood = [peers.connects(1) for _ in range(10)]
    other, third = peers.connects(2), peers.connects(3)
    for guest in (*flood, other, third):
        assert arrivals.add(guest, 0.0) is None
    served = [arrivals.next() for _ in range(4)]
    assert served == [flood[-1], other, third, flood[-2]]


def test_ports_do_not_make_another_peer(peers: Peers) -> None:
    arrivals = Arrivals()
    flood = [peers.connects(1, port=port) for port in range(10)]
    other = peers.connects(2, port=99)
    for guest in (*flood, other):
        arrivals.add(guest, 0.0)
    assert other in [arrivals.next() for _ in range(2)]


def test_who_comes_last_goes_first_and_who_speaks_before_who_is_silent(peers: Peers) -> None:
    arrivals = Arrivals()
    first, speaks, last = peers.connects(), peers.connects(says=b"x"), peers.connects()
    for guest in (first, speaks, last):
        arrivals.add(guest, 0.0)
    assert [arrivals.next() for _ in range(4)] == [speaks, last, first, None]
    assert speaks.sock.recv(10) == b"x"


def test_who_has_hung_up_takes_nobodys_turn(peers: Peers) -> None:
    arrivals = Arrivals()
    stays = peers.connects()
    gone = [peers.connects() for _ in range(20)]
    for guest in (stays, *gone):
        arrivals.add(guest, 0.0)
    for guest in gone:
        peers.hangs_up(guest)
    assert arrivals.next() is stays
    assert len(arrivals) == 0
    assert all(guest.sock.fileno() < 0 for guest in gone)


def test_of_too_many_one_of_the_peer_with_most_goes_and_a_silent_one_first(peers: Peers) -> None:
    arrivals = Arrivals()
    other = peers.connects(2)
    arrivals.add(other, 0.0)
    spoken = [peers.connects(1, says=b"x") for _ in range(MOST - 2)]
    silent = peers.connects(1)
    for guest in (*spoken, silent):
        assert arrivals.add(guest, 0.0) is None
    assert arrivals.add(peers.connects(1, says=b"x"), 0.0) is silent
    assert arrivals.add(peers.connects(1, says=b"x"), 0.0) is spoken[0]
    assert len(arrivals) == MOST
    assert other in [arrivals.next() for _ in range(2)]


def test_nobody_waits_for_ever(peers: Peers) -> None:
    arrivals = Arrivals()
    early, late = peers.connects(), peers.connects()
    arrivals.add(early, 100.0)
    arrivals.add(late, 101.0)
    assert arrivals.late(100.0 + WAIT_SECONDS) == []
    assert arrivals.late(100.5 + WAIT_SECONDS) == [early]
    assert arrivals.drain() == [late]
    assert len(arrivals) == 0
