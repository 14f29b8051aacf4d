"""The wire format: messages as bytes, arguments as values, and back.

Promises: `decode` consumes a message exactly or raises; what `encode` writes has no slack (zero padding, exact sizes). Trusts: nothing.
Source: the Wayland specification, "Wire Format"; docs/traps.md 6 to 8 for what libwayland itself lets pass.
A message is two words of header (object id; size in bytes << 16 | opcode), then its arguments, all little-endian words as on
every machine that runs this. A string is its length with the final NUL, the bytes, the NUL, padding; length 0 is null.
"""

from __future__ import annotations

from typing import Final

from mypy_extensions import i64

try:
    from librt.strings import read_i32_le as read_i32_le  # noqa: PLC0414 - re-exported
    from librt.strings import read_i64_le as read_i64_le  # noqa: PLC0414
except ImportError:  # the interpreted build needs no companion library

    def read_i32_le(b: bytes, index: i64, /) -> int:  # type: ignore[misc]
        return int.from_bytes(b[index : index + 4], "little", signed=True)

    def read_i64_le(b: bytes, index: i64, /) -> int:  # type: ignore[misc]
        return int.from_bytes(b[index : index + 8], "little", signed=True)


HEADER_BYTES: Final = 8
SERVER_IDS: Final = 0xFF000000  # ids from here up are allocated by the compositor's side

# the argument types as they stand in a rule's signature
INT: Final = "i"
UINT: Final = "u"
FIXED: Final = "f"
STRING: Final = "s"
OBJECT: Final = "o"
NEW_ID: Final = "n"
ARRAY: Final = "a"
FD: Final = "h"

DISPLAY_ID: Final = 1
ERROR_OPCODE: Final = 0  # wl_display.error, wl_display.sync
DELETE_ID_OPCODE: Final = 1
INVALID_OBJECT: Final = 0  # wl_display.error codes
INVALID_METHOD: Final = 1
NO_MEMORY: Final = 2
IMPLEMENTATION: Final = 3


class Malformed(Exception):
    """The bytes are no message of this signature; the text says which argument and why."""


def word(data: bytes, offset: i64) -> i64:
    """The unsigned 32-bit word at `offset`."""
    return i64(read_i32_le(data, offset)) & 0xFFFFFFFF


def decode(
    data: bytes, offset: i64, size: i64, signature: str, nullable: list[bool], strict_text: bool
) -> tuple[list[object], bool]:
    """The arguments of the message at `offset`, and whether its bytes are free of slack.

    A value is an int (signed for i and f, unsigned for u, o, n), a str or None, or bytes for an array; a descriptor has no
    bytes here and stands as None. `strict_text`: a string that is not UTF-8 is malformed; else its bytes are kept as
    surrogates and leave as they came. Raises Malformed.
    """
    at: i64 = offset + HEADER_BYTES
    end: i64 = offset + size
    values: list[object] = []
    clean = True
    for index, kind in enumerate(signature):
        if kind == FD:
            values.append(None)
            continue
        if end - at < 4:
            raise Malformed(f"argument {index + 1} is missing")
        number: i64 = word(data, at)
        at += 4
        if kind == STRING or kind == ARRAY:
            padded: i64 = (number + 3) & ~3
            if padded > end - at:
                raise Malformed(f"argument {index + 1} claims {number} bytes of {end - at}")
            if kind == ARRAY:
                values.append(data[at : at + number])
            elif number == 0:
                if not nullable[index]:
                    raise Malformed(f"argument {index + 1} is a null string")
                values.append(None)
            else:
                raw = data[at : at + number - 1]
                if data[at + number - 1] != 0:
                    raise Malformed(f"argument {index + 1} is a string without its NUL")
                if b"\0" in raw:
                    raise Malformed(f"argument {index + 1} is a string with a NUL inside")
                try:
                    values.append(raw.decode("utf-8", "strict" if strict_text else "surrogateescape"))
                except UnicodeDecodeError as error:
                    raise Malformed(f"argument {index + 1} is not UTF-8") from error
            while number < padded:
                if data[at + number] != 0:
                    clean = False
                number += 1
            at += padded
        elif kind == INT or kind == FIXED:
            values.append(int(number - 0x100000000 if number & 0x80000000 else number))
        elif number == 0 and (kind == NEW_ID or (kind == OBJECT and not nullable[index])):
            raise Malformed(f"argument {index + 1} is a null object")
        else:
            values.append(int(number))
    if at != end:
        raise Malformed(f"{end - at} bytes after the last argument")
    return values, clean


def encode(object_id: int, opcode: int, signature: str, values: list[object]) -> bytes:
    """The message as bytes; `values` as `decode` gives them. Raises ValueError where it would pass 65532 bytes."""
    parts: list[bytes] = []
    for kind, value in zip(signature, values, strict=True):
        if kind == FD:
            continue
        if isinstance(value, int):
            parts.append((value & 0xFFFFFFFF).to_bytes(4, "little"))
        elif isinstance(value, str):
            raw = value.encode("utf-8", "surrogateescape") + b"\0"
            parts.append(len(raw).to_bytes(4, "little") + raw + bytes(-len(raw) & 3))
        elif isinstance(value, bytes):
            parts.append(len(value).to_bytes(4, "little") + value + bytes(-len(value) & 3))
        else:
            parts.append(bytes(4))
    body = b"".join(parts)
    size = HEADER_BYTES + len(body)
    if size > 65532:
        raise ValueError(f"a message of {size} bytes does not fit in its 16-bit size")
    return object_id.to_bytes(4, "little") + (size << 16 | opcode).to_bytes(4, "little") + body


def delete_id(object_id: int) -> bytes:
    """wl_display.delete_id, which tells a client that it may use the id again."""
    return encode(DISPLAY_ID, DELETE_ID_OPCODE, UINT, [object_id])


def sync(callback_id: int) -> bytes:
    """wl_display.sync: what fills a ghost's id upstream."""
    return encode(DISPLAY_ID, 0, NEW_ID, [callback_id])


def display_error(object_id: int, code: int, text: str) -> bytes:
    """wl_display.error; the text is cut to what libwayland's own clients can show (some hundred bytes)."""
    cut = text.encode("utf-8", "replace")[:400].decode("utf-8", "ignore").replace("\0", "")
    return encode(DISPLAY_ID, ERROR_OPCODE, "ous", [object_id, code, cut])
