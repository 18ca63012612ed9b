"""A PNG strip by strip, for files whose pixels do not fit in memory as a whole."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import imagecodecs
import numpy as np

from mediaml.media.image.formats import PNG_SIGNATURE
from mediaml.media.image.png import CUT_OFF, sound_chunks

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# A colour type and depth for each number of bytes that PNG's filters take for a pixel.
PLAIN = {1: (0, 8), 2: (4, 8), 3: (2, 8), 4: (6, 8), 6: (2, 16), 8: (6, 16)}
STRIP_BYTES = 2 << 20
# Copies of a strip that are alive at once: as stored, unpacked, in two small files, and its levels.
COPIES = 8


@dataclass(frozen=True, slots=True)
class PngHeader:
    """The header of a PNG (PNG specification, 11.2.1); sizes in pixels."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    @classmethod
    def of(cls, data: bytes) -> Self:
        """The header of a file whose chunks are sound."""
        width, height, depth, colour, _, _, interlace = struct.unpack_from(">IIBBBBB", data, 16)
        return cls(width, height, depth, colour, bool(interlace))

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, without that of its filter."""
        return (self.width * SAMPLES[self.colour] * self.depth + 7) // 8

    @property
    def pixel_bytes(self) -> int:
        """Bytes that filters look back by: those of a pixel, at least 1."""
        return max(1, SAMPLES[self.colour] * self.depth // 8)

    def rows_of_strip(self, multiple: int) -> int:
        """Rows of a strip: a multiple of some number."""
        return max(1, STRIP_BYTES // (self._levels_bytes * multiple)) * multiple

    @property
    def _levels_bytes(self) -> int:
        """Bytes of a row as stored and as shown."""
        return self.row_bytes + 4 * self.width

    def strip_bytes(self, multiple: int) -> int:
        """Memory that one strip takes on its way."""
        rows = min(self.height, self.rows_of_strip(multiple))
        return COPIES * rows * self._levels_bytes


def png_strips(data: bytes, multiple: int) -> Iterator[bytes]:
    """The rows of a PNG that is not interlaced, from the top, as small PNG files of the same kind.

    Args:
        data: a file as `sound_png` returns it.
        multiple: rows of each strip but the last one are a multiple of that.

    Raises:
        ValueError: the pixels are damaged or cut off.
    """
    header = PngHeader.of(data)
    chunks = list(sound_chunks(data))
    between = b"".join(_chunk(name, bytes(body)) for name, body in chunks if name in (b"PLTE", b"tRNS"))
    stored = _Inflated(iter(body for name, body in chunks if name == b"IDAT"))
    above = bytes(header.row_bytes)
    for top in range(0, header.height, step := header.rows_of_strip(multiple)):
        rows = min(step, header.height - top)
        plain = _unfiltered(header, above, stored.take(rows * (header.row_bytes + 1)))
        above = plain[-1].tobytes()
        unfiltered = np.insert(plain, 0, 0, axis=1).tobytes()
        yield _png(header.width, rows, (header.colour, header.depth), unfiltered, between)


def _unfiltered(
    header: PngHeader, above: bytes, rows: bytes
) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Rows without their filters, uint8 [rows, row_bytes], by libpng: as if they were a picture of bytes."""
    colour, depth = PLAIN[header.pixel_bytes]
    count = len(rows) // (header.row_bytes + 1) + 1
    small = _png(header.row_bytes // header.pixel_bytes, count, (colour, depth), b"\0" + above + rows)
    try:
        levels = np.asarray(imagecodecs.png_decode(small))
    except RuntimeError as error:
        raise ValueError(f"it is damaged or cut off ({error})") from error
    ordered = levels.astype(">u2") if depth == 16 else levels
    return ordered.reshape(count, -1).view(np.uint8)[1:]


def _png(width: int, height: int, kind: tuple[int, int], rows: bytes, between: bytes = b"") -> bytes:
    """A file that is not compressed, from filtered rows; `kind` is colour type and depth."""
    colour, depth = kind
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = (_chunk(b"IHDR", header), between, _chunk(b"IDAT", zlib.compress(rows, 0)), _chunk(b"IEND", b""))
    return PNG_SIGNATURE + b"".join(parts)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(name)))


class _Inflated:
    """The bytes that compressed parts hold, some at a time."""

    def __init__(self, parts: Iterator[memoryview]) -> None:
        self._parts = parts
        self._zlib = zlib.decompressobj()
        self._rest = b""

    def take(self, size: int) -> bytes:
        """The next bytes, just so many.

        Raises:
            ValueError: there are fewer, or they are damaged.
        """
        taken = bytearray()
        while len(taken) < size:
            rest = self._rest or bytes(next(self._parts, b""))
            if not rest and (self._zlib.eof or not self._zlib.unconsumed_tail):
                raise ValueError(CUT_OFF)
            try:
                taken += self._zlib.decompress(rest, size - len(taken))
            except zlib.error as error:
                raise ValueError(f"it is damaged ({error})") from error
            self._rest = self._zlib.unconsumed_tail
        return bytes(taken)
