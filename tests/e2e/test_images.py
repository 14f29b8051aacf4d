"""The reader of screenshots against what it must read, and against damage."""

from __future__ import annotations

import struct
import zlib

import pytest

from tests.e2e.images import PNG_SIGNATURE, Image, difference, read_image, read_ppm


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, colour: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_each_filter_of_png() -> None:
    """Five rows, each by another filter, all of them meant to be 10 20 30, 40 50 60."""
    plain = bytes([10, 20, 30, 40, 50, 60])
    rows = b"\x00" + plain
    rows += b"\x01" + bytes([10, 20, 30, 30, 30, 30])
    rows += b"\x02" + bytes(6)
    rows += b"\x03" + bytes([5, 10, 15, 15, 15, 15])
    rows += b"\x04" + bytes(6)
    image = read_image(png(2, 5, 2, rows))
    assert image == Image(2, 5, plain * 5)
    assert image.pixel(1, 4) == (40, 50, 60)
    assert image.share((10, 20, 30)) == 0.5


def test_alpha_is_left_out() -> None:
    assert read_image(png(1, 1, 6, b"\x00\x01\x02\x03\xff")) == Image(1, 1, b"\x01\x02\x03")


def test_ppm_there_and_back() -> None:
    image = Image(2, 1, b"\n \t123")  # bytes that look like the header's white space
    assert read_image(image.to_ppm()) == image


@pytest.mark.parametrize("data", [b"", b"P5\n1 1\n255\n\0", b"P6\n2 2\n255\n\0\0\0"])
def test_no_ppm(data: bytes) -> None:
    with pytest.raises(ValueError):
        read_ppm(data)


def test_damaged_png() -> None:
    good = bytearray(png(1, 1, 2, b"\x00\x01\x02\x03"))
    good[30] ^= 1
    with pytest.raises(ValueError):
        read_image(bytes(good))


def test_difference_says_where() -> None:
    one = Image(3, 2, bytes(18))
    other = Image(3, 2, bytes(12) + b"\1" + bytes(5))
    assert difference(one, one) == ""
    assert "1 of 6 pixels differ, in columns 1 to 1 and rows 1 to 1" in difference(one, other)
    assert difference(one, Image(2, 3, bytes(18))) == "3x2 against 2x3"
