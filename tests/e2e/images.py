"""Screenshots as pixels: reads the PPM that grim writes and the PNG that weston-screenshooter writes; compares.

Only what those two programs produce: 8 bits a channel, RGB or RGBA, no interlacing. Anything else is a ValueError.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections import Counter
from dataclasses import dataclass

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PPM_HEADER = re.compile(rb"P6\s(\d+)\s(\d+)\s255\s")
CHANNELS = {2: 3, 6: 4}  # PNG colour types: truecolour, truecolour with alpha


@dataclass(frozen=True, slots=True)
class Image:
    """`pixels`: red, green, blue, a byte each, row by row."""

    width: int
    height: int
    pixels: bytes

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        start = (y * self.width + x) * 3
        red, green, blue = self.pixels[start : start + 3]
        return red, green, blue

    def colours(self) -> Counter[tuple[int, int, int]]:
        return Counter(zip(self.pixels[0::3], self.pixels[1::3], self.pixels[2::3], strict=True))

    def share(self, colour: tuple[int, int, int]) -> float:
        """How much of the image has exactly this colour, 0 to 1."""
        return self.colours()[colour] / (self.width * self.height)

    def to_ppm(self) -> bytes:
        return b"P6\n%d %d\n255\n" % (self.width, self.height) + self.pixels


def difference(one: Image, other: Image) -> str:
    """'' where every pixel is the same, else how many differ and where, for a person to read."""
    if (one.width, one.height) != (other.width, other.height):
        return f"{one.width}x{one.height} against {other.width}x{other.height}"
    if one.pixels == other.pixels:
        return ""
    places = [
        (i % one.width, i // one.width)
        for i in range(one.width * one.height)
        if one.pixels[3 * i : 3 * i + 3] != other.pixels[3 * i : 3 * i + 3]
    ]
    columns, rows = [x for x, _ in places], [y for _, y in places]
    x, y = places[0]
    return (
        f"{len(places)} of {one.width * one.height} pixels differ, in columns {min(columns)} to {max(columns)} and rows {min(rows)} to "
        f"{max(rows)}; the first at {x},{y}: {one.pixel(x, y)} against {other.pixel(x, y)}"
    )


def read_image(data: bytes) -> Image:
    return read_png(data) if data.startswith(PNG_SIGNATURE) else read_ppm(data)


def read_ppm(data: bytes) -> Image:
    header = PPM_HEADER.match(data)
    if header is None:
        raise ValueError("no binary PPM with 8 bits a channel")
    width, height = int(header[1]), int(header[2])
    pixels = data[header.end() :]
    if len(pixels) != 3 * width * height:
        raise ValueError(f"PPM of {width}x{height} with {len(pixels)} bytes of pixels")
    return Image(width, height, pixels)


def read_png(data: bytes) -> Image:
    if not data.startswith(PNG_SIGNATURE):
        raise ValueError("no PNG")
    header, body, offset = b"", b"", len(PNG_SIGNATURE)
    while offset < len(data):
        size, kind = struct.unpack_from(">I4s", data, offset)
        content = data[offset + 8 : offset + 8 + size]
        if zlib.crc32(kind + content) != struct.unpack_from(">I", data, offset + 8 + size)[0]:
            raise ValueError(f"PNG chunk {kind!r} is damaged")
        if kind == b"IHDR":
            header = content
        elif kind == b"IDAT":
            body += content
        offset += 12 + size
    width, height, depth, colour, compression, filtering, interlacing = struct.unpack(">IIBBBBB", header)
    if depth != 8 or colour not in CHANNELS or (compression, filtering, interlacing) != (0, 0, 0):
        raise ValueError(f"PNG with depth {depth}, colour type {colour}, interlacing {interlacing}")
    channels = CHANNELS[colour]
    flat = unfilter(zlib.decompress(body), width * channels, height, channels)
    if channels == 4:
        rgb = bytearray(3 * width * height)
        for channel in range(3):
            rgb[channel::3] = flat[channel::4]
        flat = bytes(rgb)
    return Image(width, height, flat)


def unfilter(data: bytes, row_bytes: int, height: int, step: int) -> bytes:
    """Undoes the filter of each row (PNG specification, section 9)."""
    if len(data) != (row_bytes + 1) * height:
        raise ValueError(f"PNG data of {len(data)} bytes, expected {(row_bytes + 1) * height}")
    above, rows = bytes(row_bytes), []
    for start in range(0, len(data), row_bytes + 1):
        kind, row = data[start], bytearray(data[start + 1 : start + 1 + row_bytes])
        if kind == 2:
            row = bytearray((a + b) & 255 for a, b in zip(row, above, strict=True))
        elif kind in (1, 3, 4):
            for i in range(row_bytes):
                left = row[i - step] if i >= step else 0
                if kind == 1:
                    row[i] = (row[i] + left) & 255
                elif kind == 3:
                    row[i] = (row[i] + (left + above[i]) // 2) & 255
                else:
                    row[i] = (row[i] + paeth(left, above[i], above[i - step] if i >= step else 0)) & 255
        elif kind != 0:
            raise ValueError(f"PNG filter {kind}")
        above = bytes(row)
        rows.append(above)
    return b"".join(rows)


def paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    by_left, by_above, by_corner = abs(guess - left), abs(guess - above), abs(guess - corner)
    return left if by_left <= by_above and by_left <= by_corner else above if by_above <= by_corner else corner
