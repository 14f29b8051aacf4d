"""Waypipe's wire protocol as bytes: the connection header, messages, diffs, and the descriptors' marks in Wayland messages.

Promises: whatever the bytes, a function here returns within the sizes it was given or raises Refused with the reason; nothing is allocated
by a length that was not checked first. Trusts: nothing. Pure: files, pipes and compression are the transport's (sidecar/relay/waypipe.py).
Source: waypipe's own description of its messages (doc comments of the message types), and what Debian's 0.8.4 was seen to send.

A connection begins with 16 bytes from the guest: a word that names the version and what was agreed on, and 12 bytes for reconnecting,
which is not offered. Then both sides send messages: a word (length << 5 | type), the length counting this word but not the padding to
four bytes. Descriptors are numbered (rid): a guest's are positive, the display's negative. All words are little-endian.

A Protocol message holds whole Wayland messages. The upper five bits of a Wayland opcode say how many descriptors the message has;
their numbers came before in InjectRIDs.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

from .wire import HEADER_BYTES, read_i32_le, read_i64_le, word

PROTOCOL: Final = 0
INJECT_RIDS: Final = 1
OPEN_FILE: Final = 2
EXTEND_FILE: Final = 3
OPEN_DMABUF: Final = 4
BUFFER_FILL: Final = 5
BUFFER_DIFF: Final = 6
OPEN_IR_PIPE: Final = 7  # the receiver reads it, and hands the write end to its program
OPEN_IW_PIPE: Final = 8
OPEN_RW_PIPE: Final = 9
PIPE_TRANSFER: Final = 10
PIPE_SHUTDOWN_R: Final = 11  # the receiver need read no more
PIPE_SHUTDOWN_W: Final = 12  # nothing more will be written
OPEN_DMAVID_SRC: Final = 13
OPEN_DMAVID_DST: Final = 14
SEND_DMAVID_PACKET: Final = 15
ACK_NBLOCKS: Final = 16
RESTART: Final = 17
CLOSE: Final = 18
OPEN_DMAVID_SRC_V2: Final = 19
OPEN_DMAVID_DST_V2: Final = 20
OPEN_TIMELINE: Final = 21
SIGNAL_TIMELINE: Final = 22
VERSION: Final = 23

NAMES: Final = (
    *("Protocol", "InjectRIDs", "OpenFile", "ExtendFile", "OpenDMABUF", "BufferFill", "BufferDiff", "OpenIRPipe", "OpenIWPipe"),
    *("OpenRWPipe", "PipeTransfer", "PipeShutdownR", "PipeShutdownW", "OpenDMAVidSrc", "OpenDMAVidDst", "SendDMAVidPacket"),
    *("AckNblocks", "Restart", "Close", "OpenDMAVidSrcV2", "OpenDMAVidDstV2", "OpenTimeline", "SignalTimeline", "Version"),
)

CONNECTION_HEADER_BYTES: Final = 16
MESSAGE_BYTES: Final = 1 << 20  # of one message, and of what it unpacks to: waypipe cuts files into pieces of 256 KiB
SMALL_PART: Final = 4096
LARGE_REST: Final = 32 << 10  # of a message: worth to be read to where it belongs
LARGE_RUN: Final = 8192
INJECTED: Final = 64  # numbers that no Wayland message has claimed
PROTOCOL_BYTES: Final = 4096  # of one Protocol message to a guest, unless a single Wayland message is longer
FILL_BYTES: Final = 128 << 10  # of a file in one BufferFill to a guest

OLDEST_VERSION: Final = 16
NEWEST_VERSION: Final = 17
NO_COMPRESSION: Final = 1
LZ4: Final = 2
ZSTD: Final = 3
COMPRESSIONS: Final = ("", "none", "lz4", "zstd")

# bits of the connection header's first word
UPDATE: Final = 1 << 1
FIXED_SET: Final = 1 << 7
FIXED_CLEAR: Final = 1 << 31

COUNT_SHIFT: Final = 11  # of the number of descriptors in an opcode
MOST_COUNTED: Final = 31

BLOCK_SHIFT: Final = 16  # a file's memory is counted in blocks of 64 KiB
MOST_RUNS: Final = 1 << 15  # of one diff: waypipe joins runs that are closer than they cost, so its own have fewer


class Refused(Exception):
    """Why a connection cannot go on; `rule` names the built-in rule."""

    def __init__(self, reason: str, rule: str = "built-in: waypipe message") -> None:
        super().__init__(reason)
        self.reason = reason
        self.rule = rule


class Terms:
    """What a connection header asks for: a wire version, as both can speak it, and a compression. `acknowledges`: whether messages are
    counted and acknowledged; up to version 16 the sender keeps them until they are."""

    def __init__(self, version: int, compression: int) -> None:
        self.version = version
        self.compression = compression
        self.acknowledges = version <= 16


def read_header(data: bytes) -> Terms:
    """The terms of a connection, from its first 16 bytes. Raises Refused."""
    rule = "built-in: waypipe header"
    lead: i64 = word(data, 0)
    if lead & FIXED_CLEAR or not lead & FIXED_SET:
        raise Refused("does not begin like waypipe's stream: is it raw Wayland, or of another byte order?", rule)
    version: i64 = (lead >> 16 & 0xFF) << 4 | (lead >> 3 & 0xF)
    if version < OLDEST_VERSION:
        raise Refused(f"wire version {version}, at least {OLDEST_VERSION} is needed (waypipe 0.8 or newer)", rule)
    if lead & UPDATE:
        raise Refused("wants to take up an earlier connection, which is not offered: run waypipe without --control", rule)
    compression: i64 = lead >> 8 & 7
    if not NO_COMPRESSION <= compression <= ZSTD:
        raise Refused(f"compression {compression} is unknown: run waypipe with --compress none, lz4 or zstd", rule)
    if lead >> 11 & 7 > 1:
        raise Refused("wants video encoding, which is not offered: run waypipe without --video", rule)
    return Terms(int(min(version, NEWEST_VERSION)), int(compression))


class Framer:
    """Cuts a stream into messages; holds at most one that is not complete, of at most MESSAGE_BYTES.

    `kind`, `data`, `begin`, `end`: the message that `next` found. Its body, which is what stands behind its first word, is left
    where it was read: a copy of each was a third of what pictures cost (bench/waypipe.py, video)."""

    def __init__(self) -> None:
        self.kind = 0
        self.data = b""
        self.begin: i64 = 0
        self.end: i64 = 0
        self._read = b""
        self._at: i64 = 0
        self._head = b""  # of a message's first word, less than all of it
        self._begun = False
        self._parts: list[bytes | memoryview] = []  # of its body
        self._have: i64 = 0
        self._size: i64 = 0
        self._padded: i64 = 0

    @property
    def body(self) -> bytes:
        """A copy of the message's body."""
        return self.data[self.begin : self.end]

    @property
    def partial(self) -> int:
        """How many bytes of a message that is not complete are held."""
        return int(self._have) + len(self._head)

    def feed(self, data: bytes) -> None:
        """What came next. `next` must have returned False before."""
        self._read = data
        self._at = 0

    def next(self) -> bool:
        """Whether a whole message is there. Raises Refused."""
        data = self._read
        at: i64 = self._at
        if not self._begun:
            if self._head:
                data = self._head + data[at:]
                at = 0
                self._head = b""
                self._read = data
            if len(data) - at < 4:
                self._head = data[at:]
                self._read = b""
                self._at = 0
                return False
            head: i64 = word(data, at)
            length: i64 = head >> 5
            self.kind = int(head & 31)
            if self.kind >= len(NAMES):
                raise Refused(f"message of unknown type {self.kind}")
            if length < 4 or length > MESSAGE_BYTES:
                raise Refused(f"{NAMES[self.kind]} of {length} bytes, must have 4 to {MESSAGE_BYTES}")
            at += 4
            self._size = length - 4
            self._padded = ((length + 3) & ~3) - 4
            if len(data) - at >= self._padded:
                self.data = data
                self.begin = at
                self.end = at + self._size
                self._at = at + self._padded
                return True
            self._begun = True
        missing: i64 = self._padded - self._have
        if len(data) - at < missing:
            self._keep(data, at)
            self._read = b""
            self._at = 0
            return False
        self._parts.append(memoryview(data)[at : at + missing])
        self.data = b"".join(self._parts)
        self.begin = 0
        self.end = self._size
        self._at = at + missing
        self._forget()
        return True

    def single_run(self) -> Run | None:
        """The only run of the file message that is under way, where that is how it begins, it is not packed, and most of it is still to
        come: it need not be held until it is complete. `taken` ends the message once all of it has been written."""
        if len(self._parts) != 1 or self._padded - self._have < LARGE_REST or self._size & 3:
            return None
        part = self._parts[0]
        if self._have < 20 or not (self.kind == BUFFER_FILL or self.kind == BUFFER_DIFF):
            return None
        words = bytes(part[:20])
        start: i64 = word(words, 4)
        end: i64 = word(words, 8)
        ahead: i64 = 12
        if self.kind == BUFFER_DIFF:
            if end != 0 or start != self._size - 12:  # bytes of runs, and behind them
                return None
            ahead = 20
            start = word(words, 12) << 2
            end = word(words, 16) << 2
        if end - start != self._size - ahead:
            return None
        return Run(signed(words, 0), int(start), int(end), part[int(ahead) :])

    def taken(self) -> None:
        """What is under way has been read by another."""
        self._forget()

    def _forget(self) -> None:
        self._parts = []
        self._have = 0
        self._begun = False

    def _keep(self, data: bytes, at: i64) -> None:
        """What is behind `at`: without a copy (bench/waypipe.py, video) unless that would hold much more than it needs."""
        size: i64 = len(data) - at
        self._have += size
        last = self._parts[-1] if self._parts else b""
        if isinstance(last, bytes) and 0 < len(last) < SMALL_PART:  # not an object for every byte of a guest that sends them singly
            self._parts[-1] = last + data[at:]
        elif 2 * size < len(data):
            self._parts.append(data[at:])
        else:
            self._parts.append(memoryview(data)[at:] if at else data)


class Run:
    """Bytes of a file from `start` to `end`, of which `first` has come."""

    def __init__(self, rid: int, start: int, end: int, first: bytes | memoryview) -> None:
        self.rid = rid
        self.start = start
        self.end = end
        self.first = first


def words_of(kind: int, size: i64, count: i64) -> None:
    """Raises Refused where a message of fixed form has a shorter body. Longer ones are those of C's padded structures."""
    if size < 4 * count:
        raise Refused(f"{NAMES[kind]} of {size + 4} bytes, must have {4 * count + 4}")


def unmark(payload: bytes) -> tuple[bytes, int]:
    """Wayland messages without the counts in their opcodes, and the sum of the counts. Raises Refused."""
    at: i64 = 0
    end: i64 = len(payload)
    total: i64 = 0
    clean: bytearray | None = None
    while at < end:
        if end - at < HEADER_BYTES:
            raise Refused("Protocol ends in the middle of a Wayland message")
        head: i64 = word(payload, at + 4)
        size: i64 = head >> 16
        if size < HEADER_BYTES or size & 3 or size > end - at:
            raise Refused(f"Protocol holds a Wayland message of {size} bytes where {end - at} are left")
        if head & 0xF800:
            total += head >> COUNT_SHIFT & MOST_COUNTED
            if clean is None:
                clean = bytearray(payload)
            clean[int(at) + 5] = int(head >> 8 & 0x07)
        at += size
    return payload if clean is None else bytes(clean), int(total)


def mark(data: bytes, places: list[int]) -> bytes:
    """Wayland messages with counts in their opcodes: `places` has the offset of its message for each descriptor, in order."""
    marked = bytearray(data)
    for place in places:
        marked[place + 5] += 1 << (COUNT_SHIFT - 8)
    return bytes(marked)


def runs_of(data: bytes, most: int) -> list[bytes]:
    """Whole Wayland messages in pieces of at most `most` bytes, or of one message."""
    if len(data) <= most:
        return [data]
    pieces: list[bytes] = []
    start: i64 = 0
    at: i64 = 0
    end: i64 = len(data)
    while at < end:
        size: i64 = word(data, at + 4) >> 16
        if at + size - start > most and at > start:
            pieces.append(data[start:at])
            start = at
        at += size
    pieces.append(data[start:end])
    return pieces


class Blocks:
    """Which blocks of a file have been written to: what it takes of the host's memory, as the file itself has holes. `unseen`: so many
    have not."""

    def __init__(self, size: int) -> None:
        self._seen = bytearray(blocks_in(size))
        self.unseen: i64 = len(self._seen)

    def grow(self, size: int) -> None:
        """The file has become larger."""
        more = blocks_in(size) - len(self._seen)
        self._seen += bytes(more)
        self.unseen += more

    def touch(self, start: i64, end: i64) -> i64:
        """How many blocks with bytes from `start` to `end`, which is above, are new; they no longer are."""
        if not self.unseen:
            return 0
        new: i64 = 0
        seen = self._seen
        block: i64 = start >> BLOCK_SHIFT
        last: i64 = (end - 1) >> BLOCK_SHIFT
        while block <= last:
            if not seen[block]:
                seen[block] = 1
                new += 1
            block += 1
        self.unseen -= new
        return new


def blocks_in(size: int) -> int:
    """So many blocks has a file of `size` bytes."""
    return (size + (1 << BLOCK_SHIFT) - 1) >> BLOCK_SHIFT


class Fresh:
    """Bytes of a file from `start` to `end`, with `blocks` that had not been written to."""

    def __init__(self, start: int, end: int, blocks: int) -> None:
        self.start = start
        self.end = end
        self.blocks = blocks


def note_fresh(blocks: Blocks, start: i64, end: i64, fresh: list[Fresh]) -> None:
    """One more run, of bytes that are in the file."""
    new: i64 = blocks.touch(start, end)
    if new:
        fresh.append(Fresh(int(start), int(end), int(new)))


def check_diff(data: bytes, begin: i64, diff_bytes: i64, trailing: i64, file_bytes: i64, blocks: Blocks, fresh: list[Fresh]) -> i64:
    """How many runs the diff that begins at `begin` has; `fresh` gets those that reach into new blocks. Raises Refused unless each lies
    in the file.

    A diff is runs {first word, word behind the last, the words}, then `trailing` bytes for the end of the file; all of it is in `data`.
    """
    at: i64 = begin
    limit: i64 = begin + diff_bytes
    runs: i64 = 0
    while at < limit:
        if limit - at < 8:
            raise Refused("BufferDiff ends in the middle of a run")
        both: i64 = read_i64_le(data, at)
        start: i64 = (both & 0xFFFFFFFF) << 2
        end: i64 = (both >> 32 & 0xFFFFFFFF) << 2
        at += 8
        if end <= start or end > file_bytes or end - start > limit - at:
            raise Refused(f"BufferDiff of bytes {start} to {end}: the file has {file_bytes}, the diff {limit - at}")
        runs += 1
        if blocks.unseen:
            note_fresh(blocks, start, end, fresh)
        at += end - start
    if runs > MOST_RUNS:
        raise Refused(f"BufferDiff of {runs} runs, at most {MOST_RUNS} are taken")
    if trailing:
        if trailing > file_bytes:
            raise Refused(f"BufferDiff with {trailing} bytes for the end of a file of {file_bytes}")
        runs += 1
        note_fresh(blocks, file_bytes - trailing, file_bytes, fresh)
    return runs


def apply_diff(target: memoryview, data: bytes, begin: i64, diff_bytes: i64, trailing: i64) -> None:
    """Writes a diff that has been checked against a file of the target's size."""
    at: i64 = begin
    limit: i64 = begin + diff_bytes
    while at < limit:
        both: i64 = read_i64_le(data, at)
        start: i64 = (both & 0xFFFFFFFF) << 2
        end: i64 = (both >> 32 & 0xFFFFFFFF) << 2
        at += 8
        stop: i64 = at + end - start
        if end - start < LARGE_RUN:  # the copy costs half of what a view does (bench/waypipe.py, rows)
            target[start:end] = data[at:stop]
        else:
            target[start:end] = memoryview(data)[at:stop]
        at = stop
    if trailing:
        size: i64 = len(target)
        target[size - trailing : size] = data[limit : limit + trailing]


# what a display side sends


def message(kind: int, body: bytes) -> bytes:
    """A message with its padding."""
    size = len(body) + 4
    head = (size << 5 | kind).to_bytes(4, "little")
    return head + body + bytes(-size & 3) if size & 3 else head + body


def acknowledgement(count: int) -> bytes:
    """AckNblocks."""
    return ((count & 0xFFFFFFFF) << 32 | 8 << 5 | ACK_NBLOCKS).to_bytes(8, "little")


def numbers(kind: int, *values: int) -> bytes:
    """A message that is words."""
    return message(kind, b"".join([(value & 0xFFFFFFFF).to_bytes(4, "little") for value in values]))


def signed(body: bytes, index: i64) -> int:
    """A rid."""
    return int(read_i32_le(body, 4 * index))
