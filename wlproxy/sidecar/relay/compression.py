"""The compressions that a waypipe guest can ask for, from libraries that are imported before the process is confined.

Promises: `unpack` returns exactly the bytes asked for, or raises ValueError; it allocates no more, whatever the packed bytes claim.
Trusts: the libraries lz4 and zstandard with hostile bytes; they are C, in the process without rights that a guest faces anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...core.waypipe import LZ4, NO_COMPRESSION, ZSTD

WINDOW_BYTES: Final = 8 << 20  # zstd's own default for what a decoder must accept


class Codec:
    """One compression."""

    def __init__(self, pack: Callable[[bytes], bytes], unpack: Callable[[bytes, int], bytes]) -> None:
        self.pack = pack
        self.unpack = unpack


def load() -> dict[int, Codec]:
    """Those that are installed, by their number in the connection header."""
    codecs = {NO_COMPRESSION: Codec(same, exactly)}
    try:
        codecs[LZ4] = lz4_codec()
    except ImportError:
        pass
    try:
        codecs[ZSTD] = zstd_codec()
    except ImportError:
        pass
    return codecs


def same(data: bytes) -> bytes:
    """No compression."""
    return data


def exactly(data: bytes, size: int) -> bytes:
    """No compression; raises ValueError where there are not `size` bytes."""
    if len(data) != size:
        raise ValueError(f"{len(data)} bytes")
    return data


def lz4_codec() -> Codec:
    """LZ4 blocks without a size before them. Raises ImportError."""
    import lz4.block

    def pack(data: bytes) -> bytes:
        return bytes(lz4.block.compress(data, store_size=False))

    def unpack(data: bytes, size: int) -> bytes:
        try:
            return exactly(bytes(lz4.block.decompress(data, uncompressed_size=size)), size)
        except lz4.block.LZ4BlockError as error:
            raise ValueError("not an LZ4 block of that size") from error

    return Codec(pack, unpack)


def zstd_codec() -> Codec:
    """Zstandard frames. Raises ImportError."""
    import zstandard

    compressor = zstandard.ZstdCompressor(level=1)
    decompressor = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES)

    def pack(data: bytes) -> bytes:
        return bytes(compressor.compress(data))

    def unpack(data: bytes, size: int) -> bytes:
        try:
            claimed = zstandard.frame_content_size(data)  # -1: not said; the library would allocate whatever it says
            if claimed not in (-1, size):
                raise ValueError(f"a frame of {claimed} bytes")
            return exactly(bytes(decompressor.decompress(data, max_output_size=size, allow_extra_data=False)), size)
        except zstandard.ZstdError as error:
            raise ValueError("not a zstd frame of that size") from error

    return Codec(pack, unpack)
