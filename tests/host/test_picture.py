"""Pictures: what is written is read back; drawing stays inside the canvas."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wlproxy.host.font import ADVANCE, WIDTH, glyph
from wlproxy.host.picture import Canvas
from wlproxy.host.png import read_png, write_png
from wlproxy.host.shm import Image


def test_png_round_trip(tmp_path: Path) -> None:
    rgb = bytes(range(3 * 4 * 5))
    write_png(tmp_path / "a.png", 4, 5, rgb)
    assert read_png(tmp_path / "a.png") == (4, 5, rgb)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "no.png"
    path.write_bytes(b"GIF89a")
    with pytest.raises(ValueError, match="not a PNG"):
        read_png(path)


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 40), st.integers(1, 40), st.booleans(), st.integers(1, 3))
def test_images_are_clipped(x: int, y: int, width: int, height: int, has_alpha: bool, scale: int) -> None:
    canvas = Canvas(16, 12)
    canvas.image(x, y, Image(width, height, width * 4 + 8, b"\x10\x20\x30\xff" * ((width + 2) * height), has_alpha), scale)
    assert len(canvas.pixels) == 16 * 12 * 4
    inside = x <= 3 < x + width // scale and y <= 4 < y + height // scale
    assert canvas.pixel(3, 4) == ((0x30, 0x20, 0x10) if inside else (0, 0, 0))


@given(st.text(max_size=20), st.integers(-40, 40), st.integers(-40, 40), st.integers(1, 3))
def test_any_text_can_be_drawn(text: str, x: int, y: int, scale: int) -> None:
    canvas = Canvas(32, 16)
    canvas.text(x, y, text, (255, 255, 255), scale)
    assert len(canvas.pixels) == 32 * 16 * 4


def test_glyphs_are_distinct_and_fit() -> None:
    printable = [chr(code) for code in range(32, 127)]
    assert len({glyph(character) for character in printable}) == len(printable)
    assert all(row < 1 << WIDTH for character in printable for row in glyph(character))
    assert glyph("\u202e") == glyph("\n") not in [glyph(character) for character in printable], (
        "a box shows that there is something"
    )
    assert ADVANCE > WIDTH
