"""The recording format: what was written is read, up to wherever the file breaks off."""

from __future__ import annotations

import io
import os
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference import pack
from tests.scene import BASIC, Scene, deny, policy, shipped
from wlproxy.core.fds import Fd
from wlproxy.core.outcome import GUEST, HOST
from wlproxy.core.session import Session
from wlproxy.sidecar.watch import recording
from wlproxy.sidecar.watch.recording import END, HEADER, READ, Header, Reader, RecordingError, record
from wlproxy.sidecar.watch.redaction import redacted
from wlproxy.sidecar.watch.stepping import Step, Stepped, Watcher
from wlproxy.sidecar.watch.watching import RecordFile, Tap, Watching

HEAD = recording.beginning() + record(HEADER, 0.0, 0, recording.header_body(Header("work", "2026-11-24T10:00:00Z", True, "0.1.0")))
facts = st.builds(Fd, st.just(-1), st.integers(0, 6), st.integers(0, 2), st.integers(0, 2**63), st.integers(-1, 31))
reads = st.tuples(st.floats(0, 1e6), st.integers(0, 2**32 - 1), st.integers(0, 1), st.binary(max_size=40), st.lists(facts, max_size=3))


def as_read(entry: recording.Entry) -> tuple[Any, ...]:
    side, data, fds = recording.read_of(entry.body)
    return entry.kind, entry.connection, side, data, [(fd.kind, fd.access, fd.size, fd.seals) for fd in fds]


@given(st.lists(reads, max_size=5), st.data())
def test_records_are_read_as_written_up_to_the_last_complete_one(made: list[Any], place: st.DataObject) -> None:
    parts = [record(READ, at, number, recording.read_body(side, payload, fds)) for at, number, side, payload, fds in made]
    whole = HEAD + b"".join(parts)
    cut = place.draw(st.integers(len(HEAD), len(whole)))
    reader = Reader(io.BytesIO(whole[:cut]).read)
    entries = list(reader.entries())
    ends = [len(HEAD + b"".join(parts[: n + 1])) for n in range(len(parts))]
    complete = sum(end <= cut for end in ends)
    expected = [(READ, n, side, data, [(f.kind, f.access, f.size, f.seals) for f in fds]) for _, n, side, data, fds in made[:complete]]
    assert [as_read(entry) for entry in entries] == expected
    assert all(abs(entry.at - at) < 1e-5 for entry, (at, *_) in zip(entries, made, strict=False))
    assert bool(reader.damage) == (cut not in (len(HEAD), *ends))
    assert reader.header.guest == "work" and reader.header.redacted


@given(st.integers(0, 2000), st.integers(1, 255))
def test_a_changed_byte_is_noticed(place: int, change: int) -> None:
    whole = bytearray(HEAD + record(READ, 1.0, 1, recording.read_body(0, b"x" * 50, [])) + record(END, 2.0, 1, b"\0"))
    whole[place % len(whole)] ^= change
    try:
        reader = Reader(io.BytesIO(bytes(whole)).read)
        entries = list(reader.entries())
    except RecordingError:
        return
    assert reader.damage or place % len(whole) in (10, 11)  # the two bytes that mean nothing
    assert len(entries) <= 2


@settings(max_examples=300)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_give_records_or_one_clear_error(data: bytes, led: bool) -> None:
    try:
        reader = Reader(io.BytesIO(HEAD + data if led else data).read)
        for entry in reader.entries():
            recording.read_of(entry.body)
    except RecordingError as error:
        assert str(error)


@given(st.binary(max_size=60))
def test_bodies_are_read_or_refused(body: bytes) -> None:
    for take in (recording.policy_of, recording.read_of, recording.header_of):
        try:
            take(body)
        except RecordingError:
            pass


def test_what_is_no_recording_says_so() -> None:
    for data, words in (
        (b"", "no recording"),
        (b"\x7fELF" + bytes(100), "no recording"),
        (recording.START.pack(recording.MAGIC, 9, 0), "format 9"),
        (recording.beginning(), "breaks off in its first record"),
        (recording.beginning() + record(END, 0.0), "no header"),
    ):
        with pytest.raises(RecordingError, match=words):
            Reader(io.BytesIO(data).read)


def test_a_policy_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "LARGEST_POLICY", 1000)
    assert recording.policy_of(recording.policy_body(b'{"a": 1}')) == {"a": 1}
    with pytest.raises(RecordingError, match="larger"):
        recording.policy_of(zlib.compress(bytes(1001)))


# -- the file


def test_a_full_disk_ends_the_recording_and_says_so_once() -> None:
    fd = os.open("/dev/full", os.O_WRONLY)
    file = RecordFile(fd, 1 << 20)
    said: list[dict[str, Any]] = []
    over: list[tuple[int, str]] = []
    watching = Watching()
    watching.reports_to(said.append, lambda number, reason: over.append((number, reason)))
    watching.add(Tap(7, file, False, None))
    for _ in range(3):
        file.add(READ, 0.0, 1, b"x")
    assert [(entry["event"], entry["state"]) for entry in said] == [("recording", "ended")]
    assert over == [(7, "No space left on device")]
    assert "No space left" in said[0]["reason"]
    with pytest.raises(OSError):
        os.fstat(fd)


def test_the_cap_leaves_a_whole_file(tmp_path: Any) -> None:
    path = tmp_path / "r"
    file = RecordFile(os.open(path, os.O_WRONLY | os.O_CREAT), len(HEAD) + 200)
    said: list[str] = []
    file.over = said.append
    file.begin(Header("work", "2026-11-24T10:00:00Z", True, "0.1.0"))
    for _ in range(10):
        file.add(READ, 0.0, 1, recording.read_body(0, b"x" * 50, []))
    assert path.stat().st_size <= len(HEAD) + 200 and len(said) == 1 and "--record-max" in said[0]
    with path.open("rb") as raw:
        reader = Reader(raw.read)
        assert len(list(reader.entries())) == 2 and not reader.damage


# -- a session in steps


class Seen(Watcher):
    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.verdicts: list[str] = []
        self.written: list[bytes] = []

    def before(self, step: Step) -> None:
        self.written.append(redacted(step.message, step.rule))

    def after(self, step: Step) -> None:
        self.steps.append(step)
        self.verdicts.append(step.verdict)


def conversation() -> list[tuple[int, bytes, int]]:
    """Side, bytes and descriptors of a window's beginning, and of a descriptor that nothing claims."""
    scene = Scene(policy(*BASIC))
    said: list[tuple[int, bytes, int]] = []
    deliver = scene._deliver

    def noted(side: int, data: bytes, fds: Any) -> Scene:
        said.append((side, data, fds))
        return deliver(side, data, fds)

    scene._deliver = noted  # type: ignore[method-assign, assignment]
    scene.window().guest(8, "set_title", "secret words")
    scene.guest(4, "create_pool", 9, 4096, fds=1).guest(9, "create_buffer", 10, 0, 4, 4, 16, 0)
    scene.event(7, "configure", 77).guest(7, "ack_configure", scene.serial()).guest(8, "set_title", "more")
    scene.guest(6, "attach", 10, 0, 0).guest(6, "commit").guest(10, "destroy").event(1, "delete_id", 10)
    return said


def glued(said: list[tuple[int, bytes, int]], cuts: list[int]) -> list[tuple[int, bytes, int]]:
    """The same with neighbours of one side in one read, and reads cut anywhere."""
    joined: list[tuple[int, bytes, int]] = []
    for side, data, fds in said:
        if joined and joined[-1][0] == side:
            joined[-1] = (side, joined[-1][1] + data, joined[-1][2] + fds)
        else:
            joined.append((side, data, fds))
    parts = []
    for (side, data, fds), cut in zip(joined, cuts + [0] * len(joined), strict=False):
        at = cut % len(data)
        parts += [(side, data[:at], fds), (side, data[at:], 0)] if at else [(side, data, fds)]
    return parts


class Heard:
    """What came out of a session, by side, and every descriptor in and out."""

    def __init__(self, session: Session | Stepped) -> None:
        self.session = session
        self.bytes = [b"", b""]
        self.audit: list[str] = []
        self.given: list[int] = []
        self.back: list[int] = []

    def receive(self, side: int, data: bytes, fds: int) -> None:
        handed = [Fd(100 + len(self.given) + n) for n in range(fds)]
        self.given += [fd.number for fd in handed]
        outcome = self.session.receive(side, data, handed)
        self.audit += map(repr, outcome.audit)
        self.back += [fd.number for fd in outcome.discarded]
        for to, parcels in ((GUEST, outcome.to_guest), (HOST, outcome.to_host)):
            self.bytes[to] += b"".join(parcel.data for parcel in parcels)
            self.back += [fd.number for parcel in parcels for fd in parcel.fds]

    def close(self) -> None:
        self.back += [fd.number for fd in self.session.close()]
        assert sorted(self.back) == sorted(self.given)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5000), max_size=20))
def test_a_watched_session_decides_as_one_that_is_not(cuts: list[int]) -> None:
    seen = Seen()
    plain, watched = Heard(Scene(policy(*BASIC)).session), Heard(Stepped(Scene(policy(*BASIC)).session, [seen]))
    said = glued(conversation(), cuts)
    for side, data, fds in said:
        plain.receive(side, data, fds)
        watched.receive(side, data, fds)
    assert plain.bytes == watched.bytes and plain.bytes[HOST] and plain.bytes[GUEST]
    assert plain.audit == watched.audit and plain.audit
    assert all(step.rule is not None for step in seen.steps)
    assert b"".join(step.message for step in seen.steps if step.side == GUEST) == b"".join(d for s, d, _ in said if s == GUEST)
    plain.close()
    watched.close()


def test_a_descriptor_discarded_late_in_a_read_is_handed_out_once() -> None:
    scene = Scene(policy(*BASIC, messages={("wl_shm", "create_pool"): deny("inert")})).window()
    data = scene.request(8, "set_title", "a") + scene.request(4, "create_pool", 9, 4096) + scene.request(8, "set_title", "b")
    watched = Heard(Stepped(scene.session, [Seen()]))
    watched.receive(GUEST, data, 1)
    assert watched.back == watched.given and len(watched.audit) == 1
    watched.close()


def test_redaction_takes_the_content_and_leaves_the_structure() -> None:
    scene, seen = Scene(policy(*BASIC)), Seen()
    stepped = Stepped(scene.session, [seen])
    for side, data, fds in conversation():
        stepped.receive(side, data, [Fd(n) for n in range(fds)])
    whole = b"".join(seen.written)
    assert len(whole) == sum(len(step.message) for step in seen.steps)
    assert b"secret" not in whole and b"xxxxxxxxxxxx\0" in whole and b"wl_compositor\0" in whole
    again = Scene(policy(*BASIC))
    checked = Seen()
    second = Stepped(again.session, [checked])
    for step, message in zip(seen.steps, seen.written, strict=True):
        second.receive(step.side, message, [Fd(n) for n in range(len(step.fds))])
    assert checked.verdicts == seen.verdicts


def test_typed_keys_are_content() -> None:
    scene, seen = Scene(policy(*BASIC)), Seen()
    scene.announce().bind("wl_seat", 3).guest(3, "get_keyboard", 4)
    stepped = Stepped(scene.session, [seen])
    stepped.receive(HOST, pack(4, 3, shipped()["wl_keyboard"].events[3], (7, 8, 30, 1)), [])  # key(serial, time, key, state)
    assert seen.written[0][8:] == b"".join(word.to_bytes(4, "little") for word in (7, 8, 0, 1))
