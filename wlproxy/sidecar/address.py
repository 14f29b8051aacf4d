"""What a --listen means: a URI as the address of a listener. Pure: nothing is looked at or opened here but the group file.

Promises: `parse` returns an address that can be opened, or raises ListenError saying what is wrong, where and what to write
instead. Nothing that lets anybody in is a default: `cid=any` must be written out. Trusts: nothing, it reads an admin's typing.

    unix:/path[?mode=0660&group=NAME]       raw Wayland with descriptors
    waypipe+unix:/path[?...]                waypipe's framing, same options
    vsock:PORT?cid=N|any                    AF_VSOCK, every CID of ours, waypipe's framing
    hybrid:/path/vm.sock?port=N[&mode&group]  listens on /path/vm.sock_N, waypipe's framing
    fd:N, systemd:NAME                      an inherited listening socket; [?framing=waypipe][&cid=N|any]
    stdio:, ucspi:                          the connection on descriptors 0 and 1; the same options

Hybrid vsock: Firecracker and Cloud Hypervisor connect to PATH_PORT on the host when their guest connects to port PORT of CID 2,
without a word of their own before the guest's bytes. The path is all there is to tell one guest from another.
vsock(7): ports and CIDs are 32 bits; 0xffffffff is "any" of either, CID 0 is the hypervisor's and never a peer.
"""

from __future__ import annotations

import os
from typing import Final, NamedTuple

RAW: Final = "raw"  # Wayland's own bytes, descriptors by SCM_RIGHTS
WAYPIPE: Final = "waypipe"  # descriptors re-created from bytes

ANY: Final = 0xFFFFFFFF  # VMADDR_CID_ANY and VMADDR_PORT_ANY
UNCHECKED: Final = -1
NO_CID: Final = -2  # no cid= was written

SERVED: Final = "unix:, waypipe+unix:, vsock:, hybrid:, fd:, systemd:, stdio: and ucspi:"
LONGEST_PATH: Final = 107  # bytes: unix(7) sun_path

EXIT_USAGE: Final = 2
EXIT_UNSAFE: Final = 3


class ListenError(Exception):
    """Why there can be no such socket; `exit_code` as documented."""

    def __init__(self, message: str, exit_code: int = EXIT_USAGE) -> None:
        super().__init__(message)
        self.exit_code = exit_code


# Named tuples and not dataclasses: to import `dataclasses` costs every sidecar 7 ms and a MiB (python -X importtime, bench clients-500).
class UnixAddress(NamedTuple):
    """A socket file to make. `private`: the path is the only authentication, so nobody else may write to its directory."""

    path: str
    mode: int = 0o600
    group: int = -1
    framing: str = RAW
    uri: str = ""
    private: bool = False

    def __str__(self) -> str:
        return self.uri or f"unix:{self.path}"


class VsockAddress(NamedTuple):
    """A port of this machine's; `cid` is the only peer that is served, UNCHECKED for any."""

    port: int
    cid: int
    framing: str = WAYPIPE
    uri: str = ""

    def __str__(self) -> str:
        return self.uri or f"vsock:{self.port}"


class InheritedAddress(NamedTuple):
    """A listening socket that this process was started with: by number, or (number -1) by name, "" being all there are."""

    number: int
    name: str
    framing: str = RAW
    cid: int = NO_CID
    uri: str = ""

    def __str__(self) -> str:
        return self.uri


class AcceptedAddress(NamedTuple):
    """One connection, accepted already, on descriptors 0 and 1."""

    framing: str = RAW
    cid: int = NO_CID
    uri: str = ""

    def __str__(self) -> str:
        return self.uri


Address = UnixAddress | VsockAddress | InheritedAddress | AcceptedAddress

OPTIONS: Final = {
    "unix": ("mode", "group"),
    "waypipe+unix": ("mode", "group"),
    "vsock": ("cid",),
    "hybrid": ("port", "mode", "group"),
    "fd": ("framing", "cid"),
    "systemd": ("framing", "cid"),
    "stdio": ("framing", "cid"),
    "ucspi": ("framing", "cid"),
}


def parse(uri: str) -> Address:
    """The address of a --listen. Raises ListenError."""
    scheme, colon, rest = uri.partition(":")
    if not colon:
        raise ListenError(f"--listen {uri}: a URI is needed, for example unix:{uri if uri.startswith('/') else '/path'}")
    if scheme not in OPTIONS:
        raise ListenError(f"--listen {uri}: unknown scheme {scheme}:; served: {SERVED}")
    body, _, query = rest.partition("?")
    given = options(uri, query, OPTIONS[scheme])
    if scheme == "vsock":
        return vsock(uri, body, given)
    if scheme == "hybrid":
        port = given.get("port", "")
        if not port:
            raise ListenError(f"--listen {uri}: which port does the guest connect to? Write hybrid:{body or '/path/vm.sock'}?port=N")
        if body.endswith("/"):
            raise ListenError(f"--listen {uri}: the VMM's vsock socket is needed, for example hybrid:{body}vm.sock?port={port}")
        return unix(uri, f"{body}_{port_of(uri, port)}", given, WAYPIPE, private=True)
    if scheme in ("unix", "waypipe+unix"):
        return unix(uri, body, given, RAW if scheme == "unix" else WAYPIPE)
    framing = given.get("framing", RAW)
    if framing not in (RAW, WAYPIPE):
        raise ListenError(f"--listen {uri}: framing {framing}: there are {RAW} and {WAYPIPE}")
    cid = cid_of(uri, given["cid"]) if "cid" in given else NO_CID
    if scheme == "fd":
        number = whole(body)
        if number < 0 or number > 0x7FFFFFFF:
            raise ListenError(f"--listen {uri}: the number of an open descriptor is needed, for example fd:3")
        if number <= 2:
            raise ListenError(f"--listen {uri}: descriptors 0 to 2 are standard input, output and error; use 3 or above")
        return InheritedAddress(number, "", framing, cid, uri)
    if scheme == "systemd":
        return InheritedAddress(-1, body, framing, cid, uri)
    if body:
        raise ListenError(f"--listen {uri}: {scheme}: is descriptors 0 and 1, nothing is named; write {scheme}:")
    return AcceptedAddress(framing, cid, uri)


def options(uri: str, query: str, known: tuple[str, ...]) -> dict[str, str]:
    """What stands behind the question mark. Raises ListenError."""
    given: dict[str, str] = {}
    for item in query.split("&") if query else []:
        key, _, value = item.partition("=")
        if key not in known:
            raise ListenError(f"--listen {uri}: unknown option {key}; there {'are' if len(known) > 1 else 'is'} {' and '.join(known)}")
        if key in given:
            raise ListenError(f"--listen {uri}: {key} is given twice")
        if not value:
            raise ListenError(f"--listen {uri}: {key} has no value")
        given[key] = value
    return given


def unix(uri: str, path: str, given: dict[str, str], framing: str, private: bool = False) -> UnixAddress:
    """A path and its permissions. Raises ListenError."""
    if path.startswith("@") or "\0" in path:
        raise ListenError(f"--listen {uri}: abstract sockets have no permissions, so anybody could connect; use a path")
    if not path.startswith("/"):
        raise ListenError(f"--listen {uri}: the path must be absolute")
    check_length(path, "--listen")
    mode = given.get("mode", "0600")
    if mode not in ("0600", "600", "0660", "660"):
        raise ListenError(f"--listen {uri}: mode {mode}: 0600 or 0660; others may never connect")
    group = group_id(given["group"], uri) if "group" in given else -1
    return UnixAddress(path, int(mode, 8), group, framing, uri, private)


def vsock(uri: str, body: str, given: dict[str, str]) -> VsockAddress:
    """A port and whose it is. Raises ListenError."""
    port = port_of(uri, body)
    if "cid" not in given:
        raise ListenError(
            f"--listen {uri}: every VM of this host can connect to a vsock port, so say which one is served: "
            f"vsock:{port}?cid=N (the VMM's guest-cid), or cid=any to serve all of them"
        )
    return VsockAddress(port, cid_of(uri, given["cid"]), WAYPIPE, uri)


def port_of(uri: str, text: str) -> int:
    """A vsock port. Raises ListenError."""
    port = whole(text)
    if not 0 < port < ANY:
        raise ListenError(f"--listen {uri}: port {text or 'missing'}: a number from 1 to {ANY - 1} is needed")
    return port


def cid_of(uri: str, text: str) -> int:
    """A peer's CID, UNCHECKED for "any". Raises ListenError."""
    if text == "any":
        return UNCHECKED
    cid = whole(text)
    if not 0 < cid < ANY:
        raise ListenError(f"--listen {uri}: cid {text}: a number from 1 to {ANY - 1} (guests have 3 and above), or any")
    return cid


def whole(text: str) -> int:
    """A decimal number of ASCII digits; -1 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else -1


def check_length(path: str, option: str) -> None:
    """Raises ListenError where a path is too long for a socket address."""
    size = len(os.fsencode(path))
    if size > LONGEST_PATH:
        raise ListenError(f"{option} {path}: {size} bytes long, a socket's path can have {LONGEST_PATH}; use a shorter one")


def group_id(name: str, uri: str) -> int:
    """The number of a group. Raises ListenError."""
    import grp

    try:
        return grp.getgrnam(name).gr_gid
    except (KeyError, ValueError):
        raise ListenError(f"--listen {uri}: there is no group {name}") from None
