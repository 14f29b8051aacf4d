"""Recording and tracing by a sidecar that runs: the guest is served whatever becomes of them, and printed lines can be read back."""

from __future__ import annotations

import io
import json
import os
import select
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scene import shipped
from tests.sidecar.conftest import Compositor, Sidecar, compiled_policy, read, send_fds, until
from tests.sidecar.test_cli import wlproxy
from tests.sidecar.test_recording import HEAD
from wlproxy.cli.verbs import options, parsers
from wlproxy.core.outcome import WOULD_DENY
from wlproxy.policy import grammar, read_literal
from wlproxy.sidecar.watch import recording
from wlproxy.sidecar.watch.printing import Printer, Traced, records, told
from wlproxy.sidecar.watch.recording import CLOSE, END, OPEN, POLICY, READ, Reader
from wlproxy.sidecar.watch.stepping import ALLOWED, DENIED, ENDED, HIDDEN, INERT, REWRITTEN, Step
from wlproxy.sidecar.watch.view import View
from wlproxy.sidecar.watch.watching import GAP, STEP, TracePipe

Start = Callable[..., Sidecar]


def test_what_passes_is_written_down(tmp_path: Path, compositor: Compositor, start: Start) -> None:
    path = tmp_path / "r.wltrace"
    sidecar = start(record=str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    guest, host = sidecar.pair(compositor)
    memfd = os.memfd_create("test")
    os.ftruncate(memfd, 4096)
    send_fds(guest, b"hello", [memfd])
    passed, (copy,) = read(host, 5)
    os.close(copy)
    assert passed == b"hello"
    host.sendall(b"there")
    assert read(guest, 5)[0] == b"there"
    guest.close()
    host.close()
    until(lambda: sidecar.audit("disconnect"), "the end of the connection")
    assert sidecar.stop() == 0
    reader = Reader(io.BytesIO(path.read_bytes()).read)
    entries = list(reader.entries())
    kinds = [entry.kind for entry in entries]
    assert kinds[:5] == [POLICY, OPEN, READ, READ, END] and kinds[-1] == CLOSE and not reader.damage
    side, data, fds = recording.read_of(entries[2].body)
    assert (side, data, [(fd.kind, fd.size) for fd in fds]) == (0, b"hello", [(1, 4096)])
    assert recording.read_of(entries[3].body)[:2] == (1, b"there")
    assert sidecar.audit("recording")[0]["state"] == "started"
    os.close(memfd)


def test_a_full_recording_ends_with_an_audit_line_and_the_guest_goes_on(tmp_path: Path, compositor: Compositor, start: Start) -> None:
    path = tmp_path / "r.wltrace"
    sidecar = start(record=str(path), record_bytes=2000)
    guest, host = sidecar.pair(compositor)
    for _ in range(5):
        guest.sendall(b"x" * 1000)
        assert read(host, 1000)[0] == b"x" * 1000
    ended = until(lambda: [e for e in sidecar.audit("recording") if e["state"] == "ended"], "the line of the audit log")
    assert "--record-max" in ended[0]["reason"] and path.stat().st_size <= 2000


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("mine")
    policy = compiled_policy(tmp_path / "p.json")
    done = wlproxy("run", "--listen", f"unix:{tmp_path}/s", "--policy", policy, "--upstream", "/x", "--record", str(old))
    assert (done.returncode, old.read_text()) == (2, "mine") and "not overwritten" in done.stderr
    done = wlproxy("run", "--listen", f"unix:{tmp_path}/s", "--policy", policy, "--upstream", "/x", "--record", f"{tmp_path}/no/r")
    assert done.returncode == 2 and "--record" in done.stderr
    new = tmp_path / "new"
    done = wlproxy("run", "--listen", "unix:relative", "--policy", policy, "--upstream", "/x", "--record", str(new))
    assert done.returncode != 0 and not new.exists()


@pytest.mark.parametrize("text", ["1", "7KiB", "512MiB", "2GiB"])
def test_sizes(text: str) -> None:
    from wlproxy.cli.run import size

    assert size(text) == int(text.rstrip("KMGiB")) << (10 * " KMG".index(text[-3]) if text.endswith("iB") else 0)
    for bad in ("", "x", "-1", "1.5GiB", "GiB", "٣", "9" * 30):
        with pytest.raises(Exception, match="a number of bytes"):
            size(bad)


# -- the pipe to the process that prints


def step(text: bytes = b"a title") -> Step:
    data = text + b"\0" + bytes(-len(text) - 1 & 3)
    body = (len(text) + 1).to_bytes(4, "little") + data
    message = (9).to_bytes(4, "little") + ((8 + len(body)) << 16 | 2).to_bytes(4, "little") + body
    made = Step(0, message, None, None, [])
    made.interface, made.verdict, made.shape, made.origin = "xdg_toplevel", DENIED, "ignore", "strict.toml:31"
    return made


def lines_of(view: View, *texts: bytes) -> list[str]:
    printer = Printer(shipped(), view)
    made = [step(text) for text in texts]
    return [printer.line(1.5, 7, Traced(0, s.interface, True, s.message, s.verdict, s.shape, s.origin)) for s in made]


def test_a_line_says_what_was_decided_and_can_be_read_back() -> None:
    line, cut = lines_of(View(payload=True), b"a\xe2\x80\xae\x1b[31m", b"x" * 500)
    assert line == '[    1.500000] 7  -> xdg_toplevel#9.set_title("a\\u202e\\u001b[31m")  ; denied ignore (strict.toml:31)'
    assert read_literal.read(line, shipped()).arguments == ("a\u202e\x1b[31m",)
    assert read_literal.read(cut, shipped()).arguments == (grammar.Unshown(500, "x" * 128),)
    assert lines_of(View(), b"secret")[0].startswith("[    1.500000] 7  -> xdg_toplevel#9.set_title(text[6])  ;")
    assert lines_of(View(only=("allowed",)), b"x") == lines_of(View(interfaces=("wl_*",)), b"x") == [""]
    assert lines_of(View(interfaces=("xdg_*",)), b"x") != [""] and "\x1b[31m" in lines_of(View(colour=True), b"x")[0]


def test_a_line_for_programs() -> None:
    (line,) = lines_of(View(json=True), b"a\xe2\x80\xae\x1b[31m")
    told = json.loads(line)
    assert line.isascii() and (told["verdict"], told["shape"], told["rule"]) == ("denied", "ignore", "strict.toml:31")
    assert (told["at"], told["client"], told["dir"], told["interface"], told["object"]) == (1.5, 7, "request", "xdg_toplevel", 9)
    assert told["message"] == "xdg_toplevel#9.set_title(text[9])" and read_literal.read(told["message"], shipped())
    assert json.loads(Printer(shipped(), View(json=True)).lost(2.0, 7)) == {"at": 2.0, "lost": 7}


def test_each_verdict_can_be_asked_for() -> None:
    (only,) = [action for action in options(parsers()["trace"]) if action.dest == "only"]
    verdicts = (ALLOWED, REWRITTEN, WOULD_DENY, DENIED, HIDDEN, INERT, ENDED)
    assert set(only.choices or ()) == {verdict.replace(" ", "-") for verdict in verdicts}


def test_what_cannot_be_read_is_still_a_line() -> None:
    printer = Printer(shipped(), View())
    nothing = (5).to_bytes(4, "little") + (12 << 16 | 7).to_bytes(4, "little") + b"abcd"
    assert printer.line(0, 1, Traced(1, "", False, nothing)) == "[    0.000000] 1 [unknown]#5.[event 7](12 bytes)  ; allowed"
    short = (9).to_bytes(4, "little") + (8 << 16 | 2).to_bytes(4, "little")
    assert "set_title[8 bytes that do not fit]" in printer.line(0, 1, Traced(0, "xdg_toplevel", True, short))


def test_a_slow_reader_loses_lines_and_is_told_how_many() -> None:
    reader, writer = os.pipe()
    pipe = TracePipe(writer)
    for _ in range(4000):
        pipe.add(1, step(b"x" * 900))
    os.set_blocking(reader, False)
    got = bytearray()
    while len(got) < 1 << 19:  # what the pipe held, and then what waited behind it
        try:
            got += os.read(reader, 1 << 20)
        except BlockingIOError:
            pipe._push()
    while True:
        pipe.add(1, step())
        try:
            got += os.read(reader, 1 << 20)
        except BlockingIOError:
            break
        if len(got) > 1 << 21:
            break
    room = select.epoll()
    pipe.last(room)
    room.close()
    try:
        while part := os.read(reader, 1 << 20):
            got += part
    except BlockingIOError:
        pass
    found = list(records(io.BytesIO(bytes(got)).read))
    shown = [told(body) for kind, _, _, body in found if kind == STEP]
    lost = sum(int(body) for kind, _, _, body in found if kind == GAP)
    assert lost > 0 and shown[-1].verdict == DENIED
    os.close(reader)
    pipe.add(1, step())  # nobody reads any more: no error


# -- the verbs


def test_the_verbs_refuse_what_is_no_recording(tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(b"\x7fELF" + bytes(1000))
    for path, words in ((bad, "no recording"), (tmp_path / "none", "No such file"), (tmp_path, "Is a directory"), ("/dev/null", "regular")):
        for verb in (["replay", str(path), "--policy", "strict"], ["trace", str(path)]):
            done = wlproxy(*verb)
            assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr, done.stderr
    done = wlproxy("replay", str(bad), "--policy", "no-such-policy")
    assert done.returncode == 6 and "no-such-policy" in done.stderr
    good = tmp_path / "good"
    good.write_bytes(HEAD)
    assert wlproxy("trace", str(good)).returncode == 0
    for place, code in (("/dev/full", 2), (f"{tmp_path}/no/x", 2)):
        done = wlproxy("trace", "-o", place, str(good))
        assert "Traceback" not in done.stderr and (done.returncode == code or place == "/dev/full")
    assert wlproxy("record", "--", "true").returncode == wlproxy("trace").returncode == 2
    for verb in ("record", "replay", "trace"):
        assert "example:" in wlproxy(verb, "--help").stdout
