"""What relay and broker say to each other over their SOCK_SEQPACKET pair: one message a packet, its first byte the kind.

    relay -> broker   READY                     the loop runs; also the answer to PING
                      CONNECT number            guest connection `number` wants a connection to the compositor
                      DONE                      the one connection that there was to serve is over
                      AUDIT json                one audit entry, ASCII; the broker adds time, guest and policy
                      TOLD number json          the answer to ASK or END `number`
                      UNTAPPED number reason    tap `number` is over
    broker -> relay   CONNECT number  + 1 fd    here it is
                      REFUSED number reason     there is none
                      POLICY          + 1 fd    a memfd with the compiled policy for connections to come
                      GIVEN facts     + 1 fd    a connection of the guest's that was accepted elsewhere (shared_port.py); facts
                                                are JSON: {"peer": as listener.peer_of, "framing": as in address.py}
                      PING                      whether the loop runs; READY says so
                      ASK number                how is it? (control/state.py)
                      END number client         end that connection; TOLD says true, or false where there is none
                      TAP number how  + 1 fd    have connections to come written to this descriptor (watch/watching.py); `how` is JSON
                      UNTAP number              and no longer
                      STOP                      end all connections, then exit

An empty read is the other process's end: each then ends itself. Packets keep their boundaries and descriptors (unix(7)).
The broker does not trust the relay: it answers with nothing but sockets it connected itself.
"""

from __future__ import annotations

import array
import socket
from typing import Final

READY: Final = 0x52
CONNECT: Final = 0x43
AUDIT: Final = 0x41
DONE: Final = 0x44
REFUSED: Final = 0x4E
POLICY: Final = 0x50
GIVEN: Final = 0x47
PING: Final = 0x21
STOP: Final = 0x53
ASK: Final = 0x3F
END: Final = 0x45
TAP: Final = 0x54
UNTAP: Final = 0x55
TOLD: Final = 0x3D
UNTAPPED: Final = 0x57

PACKET_BYTES: Final = 8192  # no packet is longer


def packet(kind: int, number: int = 0, text: bytes = b"") -> bytes:
    """One message; `number` is a guest connection's."""
    return kind.to_bytes(1, "little") + number.to_bytes(8, "little") + text


def parts(data: bytes) -> tuple[int, int, bytes]:
    """Kind, number and text of a message. Raises ValueError for what is none."""
    if len(data) < 9:
        raise ValueError(f"packet of {len(data)} bytes")
    return data[0], int.from_bytes(data[1:9], "little"), data[9:]


def receive(sock: socket.socket) -> tuple[bytes, list[int]]:
    """One packet and its descriptors (close-on-exec); b"" at the end. Raises BlockingIOError where there is none."""
    data, ancillary, flags, _ = sock.recvmsg(PACKET_BYTES, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC)
    fds: list[int] = []
    for level, kind, raw in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers = array.array("i")
            numbers.frombytes(raw)
            fds.extend(numbers)
    if flags & socket.MSG_CTRUNC and not fds:
        return data, [-1]  # out of descriptors: there was one, and it is lost
    return data, fds


def send(sock: socket.socket, data: bytes, fd: int = -1) -> None:
    """One packet with at most one descriptor, which stays the caller's. Raises BlockingIOError where the peer is behind."""
    if fd < 0:
        sock.send(data, socket.MSG_NOSIGNAL)
    else:
        rights = array.array("i", [fd])
        sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)], socket.MSG_NOSIGNAL)
