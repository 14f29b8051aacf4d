"""PNG files with nothing but zlib: written for pictures of the host, read back for tests.

Promises: 8 bit RGB, no interlace; what is written is read back to the same bytes. `read_png` understands what this module, grim
and weston-screenshooter write (RGB or RGBA, all five filters) and raises ValueError for everything else.
Source: W3C PNG specification, sections 5, 9 and 11.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_png(path: str | Path, width: int, height: int, rgb: bytes) -> None:
    """`rgb` is width * height * 3 bytes, row by row."""
    stride = width * 3
    rows = b"".join(b"\0" + rgb[at : at + stride] for at in range(0, height * stride, stride))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 6)) + _chunk(b"IEND", b"")
    Path(path).write_bytes(data)


def read_png(path: str | Path) -> tuple[int, int, bytes]:
    """Width, height and RGB bytes; alpha is dropped."""
    data = Path(path).read_bytes()
    if data[:8] != SIGNATURE:
        raise ValueError(f"{path}: not a PNG")
    at, packed, header = 8, b"", b""
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            header = body
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    width, height, depth, colour, _compression, _filter, interlace = struct.unpack(">IIBBBBB", header)
    if depth != 8 or colour not in (2, 6) or interlace:
        raise ValueError(f"{path}: not 8 bit RGB or RGBA")
    size = 4 if colour == 6 else 3
    pixels = _unfilter(zlib.decompress(packed), width * size, height, size)
    if size == 3:
        return width, height, bytes(pixels)
    rgb = bytearray(width * height * 3)
    for channel in range(3):
        rgb[channel::3] = pixels[channel::4]
    return width, height, bytes(rgb)


def _unfilter(raw: bytes, stride: int, height: int, size: int) -> bytearray:
    result = bytearray()
    above = bytearray(stride)
    for row in range(height):
        kind = raw[row * (stride + 1)]
        line = bytearray(raw[row * (stride + 1) + 1 : (row + 1) * (stride + 1)])
        if kind == 2:
            line = bytearray((value + up) & 255 for value, up in zip(line, above, strict=True))
        elif kind:
            for index in range(stride):
                left = line[index - size] if index >= size else 0
                up = above[index]
                corner = above[index - size] if index >= size else 0
                line[index] = (line[index] + _predicted(kind, left, up, corner)) & 255
        result += line
        above = line
    return result


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 1:
        return left
    if kind == 3:
        return (left + up) // 2
    if kind != 4:
        raise ValueError(f"unknown filter {kind}")
    estimate = left + up - corner
    by_left, by_up, by_corner = abs(estimate - left), abs(estimate - up), abs(estimate - corner)
    return left if by_left <= by_up and by_left <= by_corner else up if by_up <= by_corner else corner
