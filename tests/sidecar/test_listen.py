"""Addresses and socket files."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from wlproxy.sidecar.listen import ListenError, UnixAddress, open_unix, parse


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("/run/x", "unix:/run/x"),
        ("vsock:1024?cid=3", "not served yet; served: unix:"),
        ("tcp:1", "unknown scheme"),
        ("unix:relative", "absolute"),
        ("unix:@abstract", "abstract"),
        ("unix:/" + "x" * 107, "107"),
        ("unix:/x?mode=0666", "0600 or 0660"),
        ("unix:/x?group=no-such-group-here", "no group"),
        ("unix:/x?color=red", "unknown option"),
    ],
)
def test_what_is_no_address(uri: str, why: str) -> None:
    with pytest.raises(ListenError, match=why.replace("?", r"\?")) as caught:
        parse(uri)
    assert caught.value.exit_code == 2


def test_mode_and_group(tmp_path: Path) -> None:
    address = parse(f"unix:{tmp_path}/s?mode=0660")
    address.group = os.getgid()
    made = open_unix(address)
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
