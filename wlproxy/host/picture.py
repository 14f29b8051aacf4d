"""A canvas in plain Python: rows are copied as slices, only half transparent pixels are computed one by one.

Promises: drawing is clipped to the canvas, whatever sizes and places a client chose. Pixels are blue, green, red, unused. An output of
1280x800 full of opaque windows takes some 10 ms to compose and 100 ms to write, which is enough for a picture now and then.
"""

from __future__ import annotations

from .font import ADVANCE, WIDTH, glyph
from .shm import Image


class Canvas:
    """Where a picture is composed. Colours are (blue, green, red)."""

    def __init__(self, width: int, height: int, colour: tuple[int, int, int] = (0, 0, 0)) -> None:
        self.width = width
        self.height = height
        self.pixels = bytearray(bytes((*colour, 255)) * (width * height))

    def rgb(self) -> bytes:
        """All of it as red, green, blue."""
        result = bytearray(self.width * self.height * 3)
        for channel in range(3):
            result[channel::3] = self.pixels[2 - channel :: 4]
        return bytes(result)

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        """Red, green, blue of one pixel."""
        blue, green, red, _unused = self.pixels[(y * self.width + x) * 4 : (y * self.width + x) * 4 + 4]
        return red, green, blue

    def fill(self, x: int, y: int, width: int, height: int, colour: tuple[int, int, int]) -> None:
        """A rectangle of one colour."""
        left, right = max(x, 0), min(x + width, self.width)
        if left >= right:
            return
        row = bytes((*colour, 255)) * (right - left)
        for line in range(max(y, 0), min(y + height, self.height)):
            at = (line * self.width + left) * 4
            self.pixels[at : at + len(row)] = row

    def text(self, x: int, y: int, text: str, colour: tuple[int, int, int], scale: int = 1, right: int | None = None) -> None:
        """One line of text; no glyph is begun that would pass `right`."""
        limit = self.width if right is None else min(right, self.width)
        for character in text:
            if x + WIDTH * scale > limit:
                return
            for row, bits in enumerate(glyph(character)):
                for column in range(WIDTH):
                    if bits & (0x10 >> column):
                        self.fill(x + column * scale, y + row * scale, scale, scale, colour)
            x += ADVANCE * scale

    def image(self, x: int, y: int, image: Image, scale: int = 1) -> None:
        """An image; with a scale, every scale-th pixel of every scale-th row."""
        width, height = image.width // scale, image.height // scale
        left, right = max(x, 0), min(x + width, self.width)
        if left >= right:
            return
        for line in range(max(y, 0), min(y + height, self.height)):
            start = (line - y) * scale * image.stride
            row: bytes | bytearray = image.pixels[start : start + image.width * 4]
            if scale > 1:
                row = _every(row, width, scale)
            row = row[(left - x) * 4 : (right - x) * 4]
            at = (line * self.width + left) * 4
            if image.has_alpha:
                row = _over(row, self.pixels[at : at + len(row)])
            self.pixels[at : at + len(row)] = row


def _every(row: bytes | bytearray, width: int, scale: int) -> bytearray:
    result = bytearray(width * 4)
    for channel in range(4):
        result[channel::4] = row[channel :: 4 * scale][:width]
    return result


def _over(row: bytes | bytearray, below: bytearray) -> bytes | bytearray:
    """Premultiplied pixels over opaque ones."""
    alphas = row[3::4]
    if alphas.count(255) == len(alphas):
        return row
    if not any(alphas):
        return below
    for index, alpha in enumerate(alphas):
        at = index * 4
        if alpha == 255:
            below[at : at + 4] = row[at : at + 4]
        elif alpha:
            for channel in range(at, at + 3):
                below[channel] = min(row[channel] + below[channel] * (255 - alpha) // 255, 255)
    return below
