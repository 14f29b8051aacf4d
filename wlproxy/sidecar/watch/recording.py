"""The recording format, .wltrace: what came from either side of a guest's connections, for replay and for reading.

    file    = magic "wltrace\\0", u16 version, u16 0, record...
    record  = u32 length of what follows the sum, u32 CRC-32 of it, u8 kind, u64 microseconds since the start, u32 connection, body
    body    HEADER   JSON: {"guest", "started" (RFC 3339), "redacted", "wlproxy"}; the first record
            POLICY   zlib of the compiled policy's canonical JSON: of the connections opened from here on
            OPEN     empty
            READ     u8 side (0 guest, 1 host), u8 number of descriptors, facts..., bytes
                     fact = u8 kind (core/fds.py), u8 access, i32 seals (-1 none), u64 size
            END      u8 side: it has closed its end (for the reader; a replay has no use for it)
            CLOSE    empty

All numbers are little-endian. Promises: `read` gives every complete record of a file that breaks off anywhere, and says what was wrong
with the rest; it never trusts a length, and holds one record at a time. Pure. Trusts: nothing in the bytes.

The bytes are kept as they came, so a recording holds what was typed, copied and shown as text, unless it was made with --redact
(sidecar/watch/redaction.py says what that takes out). Pixels are in memory that is shared, not in the stream: they are never recorded.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from ...core.fds import KIND_NAMES, Fd

MAGIC: Final = b"wltrace\0"
VERSION: Final = 1
START: Final = struct.Struct("<8sHH")
LEAD: Final = struct.Struct("<II")
HEAD: Final = struct.Struct("<BQI")
FACT: Final = struct.Struct("<BBiQ")

HEADER: Final = 1
POLICY: Final = 2
OPEN: Final = 3
READ: Final = 4
END: Final = 5
CLOSE: Final = 6
KINDS: Final = (HEADER, POLICY, OPEN, READ, END, CLOSE)

LONGEST: Final = 8 << 20  # of a record: a read has at most 64 KiB, what was held back for redaction twice that
LARGEST_POLICY: Final = 64 << 20  # unpacked


class RecordingError(Exception):
    """The file is no recording, or its first part is not there; the text says why."""


class Entry:
    """One record. `at` is in seconds since the start of the recording."""

    def __init__(self, kind: int, at: float, connection: int, body: bytes) -> None:
        self.kind = kind
        self.at = at
        self.connection = connection
        self.body = body


class Header:
    """What a recording says of itself."""

    def __init__(self, guest: str, started: str, redacted: bool, wlproxy: str) -> None:
        self.guest = guest
        self.started = started
        self.redacted = redacted
        self.wlproxy = wlproxy


# -- writing


def beginning() -> bytes:
    """The first bytes of a file."""
    return START.pack(MAGIC, VERSION, 0)


def record(kind: int, at: float, connection: int = 0, body: bytes = b"") -> bytes:
    """One record; `at` in seconds since the start."""
    content = HEAD.pack(kind, max(0, int(at * 1e6)), connection) + body
    return LEAD.pack(len(content), zlib.crc32(content)) + content


def header_body(header: Header) -> bytes:
    """Of a HEADER."""
    fields = {"guest": header.guest, "started": header.started, "redacted": header.redacted, "wlproxy": header.wlproxy}
    return json.dumps(fields, sort_keys=True).encode()


def policy_body(compiled: bytes) -> bytes:
    """Of a POLICY."""
    return zlib.compress(compiled)


def read_body(side: int, data: bytes, fds: list[Fd]) -> bytes:
    """Of a READ."""
    facts = [FACT.pack(fd.kind, fd.access, fd.seals, fd.size) for fd in fds]
    return bytes((side, len(fds))) + b"".join(facts) + data


# -- reading


class Reader:
    """`take(n)` gives the file's next n bytes, fewer at its end. After the last of `entries`, `damage` is "" or says what was wrong."""

    def __init__(self, take: Callable[[int], bytes]) -> None:
        self._take = take
        self.damage = ""
        self.complete = 0  # records read
        start = take(START.size)
        if len(start) < START.size or start[:8] != MAGIC:
            raise RecordingError("this is no recording of wlproxy")
        version = START.unpack(start)[1]
        if version != VERSION:
            raise RecordingError(f"a recording of format {version}: this version reads format {VERSION}")
        first = self._next()
        if first is None or first.kind != HEADER:
            raise RecordingError("the recording breaks off in its first record" if first is None else "its first record is no header")
        self.header = header_of(first.body)

    def entries(self) -> Iterator[Entry]:
        """Every complete record after the header."""
        while (entry := self._next()) is not None:
            yield entry

    def _next(self) -> Entry | None:
        lead = self._take(LEAD.size)
        if not lead:
            return None
        if len(lead) < LEAD.size:
            return self._broken("it breaks off in the middle of a record")
        length, crc = LEAD.unpack(lead)
        if not HEAD.size <= length <= LONGEST:
            return self._broken(f"a record claims {length} bytes")
        content = self._take(length)
        if len(content) < length:
            return self._broken("it breaks off in the middle of a record")
        if zlib.crc32(content) != crc:
            return self._broken("a record's checksum is wrong")
        kind, at, connection = HEAD.unpack_from(content)
        if kind not in KINDS:
            return self._broken(f"a record is of the unknown kind {kind}")
        self.complete += 1
        return Entry(kind, at / 1e6, connection, content[HEAD.size :])

    def _broken(self, why: str) -> Entry | None:
        self.damage = f"{why}, after {self.complete} complete records"
        return None


def header_of(body: bytes) -> Header:
    """Of a HEADER. Raises RecordingError."""
    try:
        fields = json.loads(body)
        guest, started, redacted, wlproxy = (fields[key] for key in ("guest", "started", "redacted", "wlproxy"))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordingError("its header cannot be read") from error
    if not isinstance(guest, str) or not isinstance(started, str) or not isinstance(wlproxy, str):
        raise RecordingError("its header cannot be read")
    return Header(guest, started, bool(redacted), wlproxy)


def policy_of(body: bytes) -> dict[str, Any]:
    """The compiled policy of a POLICY. Raises RecordingError."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(body, LARGEST_POLICY)
        if unpacker.unconsumed_tail:
            raise RecordingError(f"its policy is larger than {LARGEST_POLICY} bytes")
        compiled = json.loads(text)
    except (zlib.error, ValueError, RecursionError) as error:
        raise RecordingError("its policy cannot be read") from error
    if not isinstance(compiled, dict):
        raise RecordingError("its policy cannot be read")
    return compiled


def read_of(body: bytes) -> tuple[int, bytes, list[Fd]]:
    """Side, bytes and descriptors of a READ; their numbers are all -1. Raises RecordingError."""
    if len(body) < 2 or body[0] > 1 or len(body) < 2 + body[1] * FACT.size:
        raise RecordingError("a read cannot be read")
    fds = []
    for number in range(body[1]):
        kind, access, seals, size = FACT.unpack_from(body, 2 + number * FACT.size)
        if kind >= len(KIND_NAMES) or access > 2:
            raise RecordingError("a descriptor is of no known kind")
        fds.append(Fd(-1, kind, access, size, seals))
    return body[0], body[2 + body[1] * FACT.size :], fds
