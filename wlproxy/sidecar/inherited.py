"""Sockets that this process was started with: by number, by systemd's names, or one connection on descriptors 0 and 1.

Promises: what is taken is a stream socket of a kind that can be served, in the state that was meant (listening or connected), and is
handed on to no program. Each mistake is named with what was found instead. Trusts: who started us with the permissions of the socket.

Source: sd_listen_fds(3) (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES, descriptors from 3 on), systemd.socket(5) FileDescriptorName=;
UCSPI, the UNIX Client-Server Program Interface (a server runs its program with the connection on 0 and 1, PROTO and
${PROTO}LOCAL*, ${PROTO}REMOTE* in the environment); inetd(8) nowait services, which come without variables.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
import stat
from typing import Final

from .address import NO_CID, RAW, WAYPIPE, AcceptedAddress, InheritedAddress, ListenError
from .listener import AF_UNIX, AF_VSOCK, Listener, peer_of

FIRST: Final = 3  # SD_LISTEN_FDS_START
MOST_VARIABLES: Final = 16
PROTOCOL: Final = re.compile("[A-Z][A-Z0-9]{0,15}")
FAMILIES: Final = {AF_UNIX: "Unix", AF_VSOCK: "vsock", int(socket.AF_INET): "TCP", int(socket.AF_INET6): "TCP"}


def by_number(address: InheritedAddress) -> Listener:
    """fd:N. Raises ListenError."""
    return take(address, address.number)


def by_name(address: InheritedAddress, environ: dict[str, str]) -> list[Listener]:
    """systemd:NAME, of which there may be several; systemd: is all that were passed. Raises ListenError."""
    names = passed(address, environ)
    wanted = [FIRST + n for n, name in enumerate(names) if address.name in ("", name)]
    if not wanted:
        there = ", ".join(sorted(set(names))) or "none"
        raise ListenError(f"--listen {address}: no socket has the name {address.name}; there: {there} (FileDescriptorName= of the unit)")
    return [take(address, number) for number in wanted]


def passed(address: InheritedAddress, environ: dict[str, str]) -> list[str]:
    """The names of the sockets that systemd passed, in their order. Raises ListenError."""
    count, pid = environ.get("LISTEN_FDS", ""), environ.get("LISTEN_PID", "")
    if not count:
        raise ListenError(f"--listen {address}: LISTEN_FDS is not set: no socket was passed; start this from a .socket unit")
    if pid != str(os.getpid()):
        was = f"is {pid}" if pid else "is not set"
        raise ListenError(
            f"--listen {address}: LISTEN_PID {was}, this process is {os.getpid()}: the sockets are another's. "
            "ExecStart= must start wlproxy itself, or by exec"
        )
    if not (count.isascii() and count.isdigit() and 0 < int(count[:6]) <= 1024):
        raise ListenError(f"--listen {address}: LISTEN_FDS is {count}: a number from 1 on is needed")
    names = environ.get("LISTEN_FDNAMES", "")
    found = names.split(":") if names else ["unknown"] * int(count)
    if len(found) != int(count):
        raise ListenError(f"--listen {address}: LISTEN_FDNAMES has {len(found)} names for {count} sockets")
    return found


def take(address: InheritedAddress, number: int) -> Listener:
    """The listening socket at a number. Raises ListenError."""
    sock = socket_at(address, number)
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise ListenError(f"--listen {address}: descriptor {number} does not listen; for an accepted connection: stdio: on 0 and 1")
    check(address, sock, f"descriptor {number}")
    return Listener(sock, str(address), address.framing, address.cid)


def accepted(address: AcceptedAddress, environ: dict[str, str]) -> Listener:
    """stdio: and ucspi:. Descriptors 0 and 1 become /dev/null. Raises ListenError."""
    kinds = [identity(address, number) for number in (0, 1)]
    if kinds[0] != kinds[1]:
        raise ListenError(f"--listen {address}: descriptors 0 and 1 are not the same socket; both must be the accepted connection")
    sock = socket_at(address, 0)
    if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        sock.close()
        raise ListenError(f"--listen {address}: descriptor 0 listens, it is not a connection (inetd: use nowait; systemd: Accept=yes)")
    check(address, sock, "the connection")
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for number in (0, 1):
        os.dup2(null, number)
    os.close(null)
    made = Listener(sock, str(address), address.framing, address.cid, accepted=True)
    made.told = told_by_ucspi(environ)
    try:
        made.peer = peer_of(sock.family, sock.getpeername(), sock)
    except OSError:
        pass  # ENOTCONN: it has gone while we started
    return made


def identity(address: AcceptedAddress, number: int) -> tuple[int, int]:
    """Which socket a descriptor is. Raises ListenError where it is none."""
    try:
        facts = os.fstat(number)
    except OSError as error:
        raise ListenError(f"--listen {address}: descriptor {number}: {error.strerror}; it must be the accepted connection") from error
    if not stat.S_ISSOCK(facts.st_mode):
        raise ListenError(f"--listen {address}: descriptor {number} is no socket; a UCSPI server, inetd or an Accept=yes unit has one")
    return facts.st_dev, facts.st_ino


def socket_at(address: InheritedAddress | AcceptedAddress, number: int) -> socket.socket:
    """The descriptor as a socket, which it must be. Raises ListenError."""
    try:
        if not stat.S_ISSOCK(os.fstat(number).st_mode):
            raise ListenError(f"--listen {address}: descriptor {number} is no socket")
        os.set_inheritable(number, False)
        # Ours is a copy: whoever needs it again, after a guest's end, finds it at its number and nothing else.
        return socket.socket(fileno=fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 3))
    except OSError as error:
        raise ListenError(f"--listen {address}: descriptor {number}: {error.strerror}; was it passed to this process?") from error


def check(address: InheritedAddress | AcceptedAddress, sock: socket.socket, what: str) -> None:
    """Raises ListenError where descriptors, or the peer's identity, would silently be missing."""
    family = FAMILIES.get(sock.family, f"family {sock.family}")
    if sock.type != socket.SOCK_STREAM:
        raise ListenError(f"--listen {address}: {what} is no stream socket")
    if sock.family not in (AF_UNIX, AF_VSOCK) and isinstance(address, InheritedAddress):
        raise ListenError(f"--listen {address}: {what} is a {family} socket; Unix and vsock sockets are served")
    if sock.family != AF_UNIX and address.framing == RAW:
        more = "&" if "?" in str(address) else "?"
        raise ListenError(f"--listen {address}: a {family} socket carries no descriptors: write {address}{more}framing={WAYPIPE}")
    if sock.family == AF_VSOCK and address.cid == NO_CID:
        more = "&" if "?" in str(address) else "?"
        raise ListenError(f"--listen {address}: every VM can connect to a vsock port: write {address}{more}cid=N, or cid=any for all")
    if sock.family != AF_VSOCK and address.cid != NO_CID:
        raise ListenError(f"--listen {address}: cid is for vsock sockets, {what} is a {family} socket")


def told_by_ucspi(environ: dict[str, str]) -> dict[str, str]:
    """PROTO, and the variables that it announces, for the audit log; nothing where no server set it."""
    proto = environ.get("PROTO", "")
    if not PROTOCOL.fullmatch(proto):
        return {}
    wanted = re.compile(f"{proto}(REMOTE|LOCAL)[A-Z]{{1,16}}")
    names = sorted(name for name in environ if wanted.fullmatch(name))[:MOST_VARIABLES]
    return {"PROTO": proto} | {name: environ[name] for name in names}
