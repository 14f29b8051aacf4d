"""Addresses and socket files."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from wlproxy.sidecar.address import ListenError, UnixAddress, VsockAddress, parse
from wlproxy.sidecar.listen import open_unix, open_vsock


def test_mode_and_group(tmp_path: Path) -> None:
    made = open_unix(UnixAddress(f"{tmp_path}/s", 0o660, os.getgid()))
    assert os.stat(made.path).st_mode & 0o777 == 0o660
    made.sock.close()


def test_nobody_else_may_connect_unless_told_so(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made = open_unix(UnixAddress(str(tmp_path / "s")))
    finally:
        os.umask(before)
    assert os.stat(made.path).st_mode & 0o777 == 0o600
    made.sock.close()


def test_unsafe_directory(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(ListenError, match="chmod o-w") as caught:
        open_unix(UnixAddress(str(tmp_path / "s")))
    assert caught.value.exit_code == 3
    tmp_path.chmod(0o1777)
    made = open_unix(UnixAddress(str(tmp_path / "s")))
    made.sock.close()


@pytest.mark.skipif(os.getuid() != 0, reason="needs another uid")
def test_directory_of_somebody_else(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, -1)
    with pytest.raises(ListenError, match="uid 12345") as caught:
        open_unix(UnixAddress(str(tmp_path / "s")))
    assert caught.value.exit_code == 3


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(ListenError, match="No such file"):
        open_unix(UnixAddress(str(tmp_path / "no" / "s")))


def test_live_socket_and_other_files_are_left_alone(tmp_path: Path) -> None:
    live = open_unix(UnixAddress(str(tmp_path / "live")))
    with pytest.raises(ListenError, match="somebody listens"):
        open_unix(UnixAddress(str(tmp_path / "live")))
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "live")
    for name in ("file", "link"):
        with pytest.raises(ListenError, match="no socket"):
            open_unix(UnixAddress(str(tmp_path / name)))
    assert (tmp_path / "file").read_text() == "mine"
    live.sock.close()


def test_only_our_own_file_is_removed(tmp_path: Path) -> None:
    made = open_unix(UnixAddress(str(tmp_path / "s")))
    os.rename(tmp_path / "s", tmp_path / "kept")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "s"))
        made.remove()
        assert stat.S_ISSOCK(os.stat(tmp_path / "s").st_mode)
    made.sock.close()


def test_hybrid_is_a_private_socket_beside_the_vmm_s(tmp_path: Path) -> None:
    address = parse(f"hybrid:{tmp_path}/vm.sock?port=1024")
    assert isinstance(address, UnixAddress)
    made = open_unix(address)
    assert made.path == f"{tmp_path}/vm.sock_1024"
    assert os.stat(made.path).st_mode & 0o777 == 0o600
    made.remove()
    assert not os.path.exists(made.path)
    made.sock.close()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_hybrid_in_a_directory_that_others_write_to(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    address = parse(f"hybrid:{tmp_path}/vm.sock?port=1")
    assert isinstance(address, UnixAddress)
    with pytest.raises(ListenError, match="hmod") as caught:
        open_unix(address)
    assert caught.value.exit_code == 3
    assert not list(tmp_path.iterdir())


class Vsock(socket.socket):
    """A Unix socket in the place of a vsock one, which only a VM may open."""

    def __init__(self, family: int, kind: int) -> None:
        self.asked = family
        super().__init__(socket.AF_UNIX, kind)

    def bind(self, address: object) -> None:
        self.bound = address
        super().bind("")  # the kernel chooses an abstract name


def test_vsock_listens_on_every_cid_of_ours() -> None:
    address = parse("vsock:1024?cid=3")
    assert isinstance(address, VsockAddress)
    made = open_vsock(address, Vsock)
    assert isinstance(made.sock, Vsock)
    assert (made.sock.asked, made.sock.bound) == (socket.AF_VSOCK, (0xFFFFFFFF, 1024))
    assert (made.cid, made.framing, made.path) == (3, "waypipe", "")
    assert made.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    made.sock.close()


@pytest.mark.parametrize(
    ("number", "why"), [(errno.EAFNOSUPPORT, "modprobe"), (errno.EADDRINUSE, "somebody listens"), (errno.EACCES, "root's")]
)
def test_vsock_that_cannot_be_had(number: int, why: str) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(number, os.strerror(number))

    class Refusing(Vsock):
        bind = refuse  # type: ignore[assignment]

    address = VsockAddress(5, 3)
    with pytest.raises(ListenError, match=why):
        open_vsock(address, refuse if number == errno.EAFNOSUPPORT else Refusing)
