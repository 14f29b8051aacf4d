"""Waypipe's wire format: what waypipe itself sent is read as it meant it, anything else is refused within its bounds."""

from __future__ import annotations

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wlproxy.core import waypipe
from wlproxy.core.waypipe import Blocks, Framer, Refused

# the first bytes of waypipe 0.8.4's streams with --compress none, lz4 and zstd; the token is random
SEEN = {"80090100c2f5234fd367528849671680": 1, "800a0100a2376d3af3df78572f2ff34b": 2, "800b01000f1a54e1589395512405f005": 3}


def header(word: int) -> bytes:
    return word.to_bytes(4, "little") + bytes(12)


@pytest.mark.parametrize(("seen", "compression"), SEEN.items())
def test_the_headers_of_waypipe_0_8_4(seen: str, compression: int) -> None:
    terms = waypipe.read_header(bytes.fromhex(seen))
    assert (terms.version, terms.compression, terms.acknowledges) == (16, compression, True)


def test_newer_versions_are_met_at_17() -> None:
    for version in (17, 18, 255, 4095):
        terms = waypipe.read_header(header(0x980 | version >> 4 << 16 | (version & 15) << 3))
        assert (terms.version, terms.acknowledges) == (17, False)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        (0x00010900, "does not begin like"),
        (0x80010980, "does not begin like"),
        (0x00000980, "wire version 0"),
        (0x00000980 | 15 << 3, "wire version 15"),
        (0x00010982, "earlier connection"),
        (0x00010880, "compression 0"),
        (0x00010C80, "compression 4"),
        (0x00011180, "video"),
        (0x00000001, "does not begin like"),
    ],
)
def test_headers_that_are_refused(word: int, reason: str) -> None:
    with pytest.raises(Refused, match=reason) as caught:
        waypipe.read_header(header(word))
    assert caught.value.rule == "built-in: waypipe header"


@given(st.binary(min_size=16, max_size=16))
def test_any_header_is_accepted_or_refused(data: bytes) -> None:
    try:
        terms = waypipe.read_header(data)
    except Refused:
        return
    assert terms.version in (16, 17) and terms.compression in (1, 2, 3)


def messages_of(chunks: list[bytes]) -> list[tuple[int, bytes]]:
    framer, found = Framer(), []
    for chunk in chunks:
        framer.feed(chunk)
        while framer.next():
            found.append((framer.kind, framer.body))
        assert framer.partial <= waypipe.MESSAGE_BYTES + 3
    return found


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in zip(ends, ends[1:], strict=False)]


@given(st.lists(st.tuples(st.integers(0, 23), st.binary(max_size=70)), max_size=8), st.lists(st.integers(0, 10000), max_size=12))
@example([(6, b""), (6, b"a"), (0, bytes(9))], list(range(40)))
def test_any_cut_gives_the_same_messages(parts: list[tuple[int, bytes]], places: list[int]) -> None:
    stream = b"".join(waypipe.message(kind, body) for kind, body in parts)
    assert messages_of(cut(stream, places)) == parts


def test_single_bytes_of_a_large_message_are_kept_in_few_pieces() -> None:
    body = bytes(range(256)) * 64
    framer = Framer()
    for byte in waypipe.message(5, body)[:-1]:
        framer.feed(bytes([byte]))
        assert not framer.next()
    assert len(framer._parts) <= 2 + len(body) // waypipe.SMALL_PART
    framer.feed(body[-1:])
    assert framer.next() and framer.body == body


FILL = struct.pack("<iII", 3, 100, 100 + 90000)
DIFF = struct.pack("<iIIII", 3, 8 + 90000, 0, 25, 25 + 22500)


@pytest.mark.parametrize(("kind", "head"), [(waypipe.BUFFER_FILL, FILL), (waypipe.BUFFER_DIFF, DIFF)])
def test_the_only_run_of_a_large_message_need_not_be_held(kind: int, head: bytes) -> None:
    framer, body = Framer(), bytes(range(250)) * 360
    framer.feed(waypipe.message(kind, head + body)[:-50000])
    assert not framer.next()
    found = framer.single_run()
    assert found is not None and (found.rid, found.start, found.end, bytes(found.first)) == (3, 100, 90100, body[:-50000])
    framer.taken()
    assert framer.partial == 0
    framer.feed(waypipe.message(waypipe.CLOSE, b"abcd"))
    assert framer.next() and (framer.kind, framer.body) == (waypipe.CLOSE, b"abcd")


@pytest.mark.parametrize(
    ("kind", "body", "come"),
    [
        (waypipe.PIPE_TRANSFER, FILL + bytes(90000), 100),
        (waypipe.BUFFER_FILL, FILL + bytes(90000), 16),  # too little to see
        (waypipe.BUFFER_FILL, FILL + bytes(90000), 89000),  # little is missing
        (waypipe.BUFFER_FILL, FILL + bytes(89996), 100),  # not of its length
        (waypipe.BUFFER_FILL, struct.pack("<iII", 3, 100, 100 + 90001) + bytes(90001), 100),  # padded
        (waypipe.BUFFER_FILL, struct.pack("<iII", 3, 90100, 100) + bytes(90000), 100),
        (waypipe.BUFFER_DIFF, DIFF + bytes(90004), 100),
        (waypipe.BUFFER_DIFF, struct.pack("<iIIII", 3, 8 + 90000, 0, 25, 24 + 22500) + bytes(90000), 100),  # and another run
        (waypipe.BUFFER_DIFF, struct.pack("<iIIII", 3, 4 + 90000, 4, 25, 25 + 22500) + bytes(90000), 100),  # and the file's end
        (waypipe.BUFFER_DIFF, struct.pack("<iIIII", 3, 8 + 90000, 4, 25, 25 + 22500) + bytes(90000), 100),  # which is not there
    ],
)
def test_other_messages_are_held_until_they_are_complete(kind: int, body: bytes, come: int) -> None:
    framer, whole = Framer(), waypipe.message(kind, body)
    framer.feed(whole[:come])
    assert not framer.next() and framer.single_run() is None
    framer.feed(whole[come:])
    assert framer.next() and framer.body == body


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        (3 << 5 | 1, "3 bytes"),
        (0, "0 bytes"),
        ((1 << 20) + 1 << 5 | 6, "1048577 bytes"),
        (0xFFFFFFFF, "unknown type 31"),
        (8 << 5 | 24, "unknown type 24"),
    ],
)
def test_message_headers_that_are_refused(word: int, reason: str) -> None:
    framer = Framer()
    framer.feed(word.to_bytes(4, "little"))
    with pytest.raises(Refused, match=reason):
        framer.next()


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_any_bytes_are_messages_or_refused(chunks: list[bytes]) -> None:
    try:
        for kind, body in messages_of(chunks):
            assert kind < len(waypipe.NAMES) and len(body) <= waypipe.MESSAGE_BYTES
    except Refused:
        pass


def wayland(object_id: int, opcode: int, body: bytes = b"", count: int = 0) -> bytes:
    return struct.pack("<II", object_id, len(body) + 8 << 16 | count << 11 | opcode) + body


MESSAGES = st.lists(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2047), st.integers(0, 31), st.integers(0, 6)), min_size=1, max_size=9
)


@given(MESSAGES)
def test_marks_are_taken_out_and_put_in(parts: list[tuple[int, int, int, int]]) -> None:
    plain = b"".join(wayland(target, opcode, bytes(4 * words)) for target, opcode, _, words in parts)
    marked = b"".join(wayland(target, opcode, bytes(4 * words), count) for target, opcode, count, words in parts)
    assert waypipe.unmark(marked) == (plain, sum(count for _, _, count, _ in parts))
    places, at = [], 0
    for _, _, count, words in parts:
        places += [at] * count
        at += 8 + 4 * words
    assert waypipe.mark(plain, places) == marked
    pieces = waypipe.runs_of(plain, 20)
    assert b"".join(pieces) == plain
    for piece in pieces:
        assert waypipe.unmark(piece)[0] == piece  # whole messages
        assert len(piece) <= 20 or len(piece) == struct.unpack_from("<I", piece, 4)[0] >> 16


@pytest.mark.parametrize(
    "payload",
    [
        b"1234",
        wayland(1, 0) + b"\0\0\0\0",
        2 * (struct.pack("<II", 1, 10 << 16) + b"ab"),
        *(struct.pack("<II", 1, size << 16) for size in (7, 10, 12)),
    ],
)
def test_a_protocol_message_holds_whole_messages(payload: bytes) -> None:
    with pytest.raises(Refused, match=r"^Protocol"):
        waypipe.unmark(payload)


@given(st.binary(max_size=64))
def test_any_protocol_message_is_read_or_refused(payload: bytes) -> None:
    try:
        plain, count = waypipe.unmark(payload)
    except Refused:
        return
    assert len(plain) == len(payload) and 0 <= count <= 31 * (len(payload) // 8)
    assert waypipe.unmark(plain) == (plain, 0)


# diffs


def run(start: int, words: bytes) -> bytes:
    return struct.pack("<II", start, start + len(words) // 4) + words


def apply(size: int, diff: bytes, trailing: bytes = b"") -> tuple[bytes, int, list[waypipe.Fresh]]:
    memory = bytearray(size)
    data = b"before" + diff + trailing + b"behind"
    fresh: list[waypipe.Fresh] = []
    runs = waypipe.check_diff(data, 6, len(diff), len(trailing), size, Blocks(size), fresh)
    waypipe.apply_diff(memoryview(memory), data, 6, len(diff), len(trailing))
    return bytes(memory), int(runs), fresh


def test_a_diff_is_runs_of_words_and_the_end_of_the_file() -> None:
    memory, runs, fresh = apply(30, run(1, b"abcdefgh") + run(4, b"wxyz"), b"!?")
    assert memory == bytes(4) + b"abcdefgh" + bytes(4) + b"wxyz" + bytes(8) + b"!?"
    assert runs == 3 and [(part.start, part.end, part.blocks) for part in fresh] == [(4, 12, 1)]


def test_a_large_run_is_written_as_a_small_one() -> None:
    body = bytes(range(256)) * (waypipe.LARGE_RUN // 256 + 1)
    assert apply(len(body) + 8, run(1, body))[0] == bytes(4) + body + bytes(4)


def test_blocks_that_have_been_written_to_are_not_counted_again() -> None:
    blocks, block = Blocks(3 << waypipe.BLOCK_SHIFT), 1 << waypipe.BLOCK_SHIFT
    assert [int(blocks.touch(*span)) for span in ((0, 4), (8, 12), (block - 4, block + 4), (0, 3 * block))] == [1, 0, 1, 1]
    assert blocks.unseen == 0
    blocks.grow(4 * block)
    assert (blocks.unseen, blocks.touch(block, 4 * block)) == (1, 1)


@pytest.mark.parametrize(
    ("diff", "trailing", "size"),
    [
        (run(1, b"abcd"), b"", 7),  # the last word is not all in the file
        (struct.pack("<II", 2, 2), b"", 64),
        (struct.pack("<II", 3, 2) + b"abcd", b"", 64),
        (struct.pack("<II", 0, 3) + b"abcdefgh", b"", 64),  # more than there is
        (struct.pack("<II", 0xFFFFFFFF, 0) + b"abcd", b"", 64),
        (struct.pack("<II", 0x3FFFFFFF, 0x40000000) + b"abcd", b"", 64),
        (run(1, b"abcd") + b"abcd", b"", 64),  # half a run's head
        (b"", b"123456789", 8),
    ],
)
def test_diffs_that_are_refused(diff: bytes, trailing: bytes, size: int) -> None:
    with pytest.raises(Refused, match=r"^BufferDiff"):
        apply(size, diff, trailing)


def test_too_many_runs() -> None:
    single = b"".join(run(word, b"abcd") for word in range(waypipe.MOST_RUNS))
    assert apply(4 * waypipe.MOST_RUNS + 4, single)[1] == waypipe.MOST_RUNS
    with pytest.raises(Refused, match="32769 runs"):
        apply(4 * waypipe.MOST_RUNS + 4, single + run(waypipe.MOST_RUNS, b"abcd"))


@given(st.binary(max_size=80), st.integers(0, 20), st.integers(1, 100))
def test_any_diff_stays_in_the_file_or_is_refused(data: bytes, trailing: int, size: int) -> None:
    trailing = min(trailing, len(data))
    memory = bytearray(size)
    diff_bytes = len(data) - trailing & ~3
    data = data[: diff_bytes + trailing]
    try:
        waypipe.check_diff(data, 0, diff_bytes, trailing, size, Blocks(size), [])
    except Refused:
        return
    waypipe.apply_diff(memoryview(memory), data, 0, diff_bytes, trailing)
    assert len(memory) == size


@given(st.integers(1, 1 << 22), st.lists(st.tuples(st.integers(0, 1 << 22), st.integers(1, 1 << 18)), max_size=12))
def test_blocks_count_what_was_written_to_once(size: int, runs: list[tuple[int, int]]) -> None:
    blocks, seen = Blocks(size), set()
    for at, length in runs:
        start = at % size
        end = min(size, start + length)
        before = len(seen)
        seen |= set(range(start >> 16, (end - 1 >> 16) + 1))
        assert blocks.touch(start, end) == len(seen) - before
    blocks.grow(size + (1 << 16))
    assert blocks.touch(size + (1 << 16) - 1, size + (1 << 16)) == 1
