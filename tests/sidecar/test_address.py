"""The grammar of --listen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wlproxy.sidecar.address import (
    NO_CID,
    OPTIONS,
    UNCHECKED,
    AcceptedAddress,
    InheritedAddress,
    ListenError,
    UnixAddress,
    VsockAddress,
    parse,
)


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("unix:/run/a", UnixAddress("/run/a", framing="raw")),
        ("unix:/run/a?mode=660&group=root", UnixAddress("/run/a", 0o660, 0)),
        ("waypipe+unix:/run/a?mode=0660", UnixAddress("/run/a", 0o660, framing="waypipe")),
        ("vsock:1024?cid=3", VsockAddress(1024, 3)),
        ("vsock:4294967294?cid=any", VsockAddress(4294967294, UNCHECKED)),
        ("hybrid:/run/vm.sock?port=52", UnixAddress("/run/vm.sock_52", framing="waypipe", private=True)),
        ("hybrid:/run/v?port=1&mode=0660", UnixAddress("/run/v_1", 0o660, framing="waypipe", private=True)),
        ("fd:3", InheritedAddress(3, "")),
        ("fd:7?framing=waypipe&cid=9", InheritedAddress(7, "", "waypipe", 9)),
        ("systemd:guest", InheritedAddress(-1, "guest")),
        ("systemd:", InheritedAddress(-1, "")),
        ("systemd:a?framing=raw", InheritedAddress(-1, "a", "raw", NO_CID)),
        ("stdio:", AcceptedAddress()),
        ("ucspi:?framing=waypipe&cid=any", AcceptedAddress("waypipe", UNCHECKED)),
    ],
)
def test_addresses(uri: str, address: object) -> None:
    found = parse(uri)
    fields = [name for name in found._fields if name != "uri"]
    assert type(found) is type(address)
    assert [getattr(found, name) for name in fields] == [getattr(address, name) for name in fields]
    assert str(found) == uri


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("/run/x", "for example unix:/run/x"),
        ("tcp:1", "unknown scheme tcp:; served: unix:"),
        ("unix:relative", "absolute"),
        ("unix:@abstract", "abstract"),
        ("unix:/a\0b", "abstract"),
        ("unix:/" + "x" * 107, "107"),
        ("unix:/x?mode=0666", "0600 or 0660"),
        ("unix:/x?group=no-such-group-here", "no group"),
        ("unix:/x?color=red", "unknown option color; there are mode and group"),
        ("unix:/x?cid=3", "unknown option cid"),
        ("unix:/x?mode=0600&mode=0660", "twice"),
        ("vsock:1024", "every VM of this host can connect"),
        ("vsock:1024?cid=", "cid has no value"),
        ("vsock:1024?cid=0", "number from 1"),
        ("vsock:1024?cid=4294967295", "or any"),
        ("vsock:1024?cid=-1", "number from 1"),
        ("vsock:1024?cid=\u0663", "number from 1"),
        ("vsock:?cid=3", "port missing"),
        ("vsock:0?cid=3", "port 0"),
        ("vsock:4294967295?cid=3", "port 4294967295"),
        ("vsock:1024?cid=3&framing=raw", "unknown option framing; there is cid"),
        ("hybrid:/run/vm.sock", r"hybrid:/run/vm.sock\?port=N"),
        ("hybrid:/run/?port=3", "hybrid:/run/vm.sock"),
        ("hybrid:vm.sock?port=3", "absolute"),
        ("hybrid:/run/vm.sock?port=x", "port x"),
        ("hybrid:/" + "x" * 105 + "?port=3", "108 bytes"),
        ("fd:", "fd:3"),
        ("fd:1", "use 3 or above"),
        ("fd:-4", "fd:3"),
        ("fd:3?framing=http", "there are raw and waypipe"),
        ("stdio:0", "write stdio:"),
    ],
)
def test_what_is_no_address(uri: str, why: str) -> None:
    with pytest.raises(ListenError, match=why) as caught:
        parse(uri)
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith("--listen ")


@given(st.sampled_from([*OPTIONS, "tcp", ""]), st.text(max_size=20), st.text(alphabet="cidportmegaframn=&?0123ny", max_size=30))
def test_nothing_but_addresses_and_errors(scheme: str, body: str, query: str) -> None:
    try:
        found = parse(f"{scheme}:{body}?{query}")
    except ListenError:
        return
    if isinstance(found, VsockAddress):
        assert "cid=" in query
        assert found.framing == "waypipe"
    if isinstance(found, UnixAddress):
        assert found.mode & 0o007 == 0
        assert found.path.startswith("/")
