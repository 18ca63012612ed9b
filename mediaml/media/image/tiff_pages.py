"""Which directories of a TIFF are images to look at: pages, but no thumbnails, masks or raw sensor data."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import imagecodecs
from tifffile import COMPRESSION, PHOTOMETRIC, PLANARCONFIG, TiffFile, TiffPage

REDUCED, MASK = 1, 4  # Bits of NewSubfileType (TIFF 6.0, section 8).
SENSOR = (PHOTOMETRIC.CFA, PHOTOMETRIC.LINEAR_RAW)
# DNGVersion, and the mark of Canon's CR2 behind the TIFF header.
DNG_VERSION, CR2 = 50706, b"CR"
PHOTOMETRIC_TAG = 262
MOST_PAGES = 100_000


def directories(file: TiffFile, data: bytes) -> tuple[list[TiffPage], list[TiffPage]]:
    """The chain of top directories, and those in their SubIFDs.

    Raises:
        ValueError: there is none, or too many, or the next one would lie behind the end of the file.
    """
    file.pages.useframes = False
    top: list[TiffPage] = []
    for page in file.pages:
        if isinstance(page, TiffPage):
            top.append(page)
        if len(top) > MOST_PAGES:
            raise ValueError(f"it holds more than {MOST_PAGES} pages")
    if not top:
        raise ValueError("it holds no page; it is damaged or cut off")
    if _next_offset(file, data, top[-1]) >= len(data):
        raise ValueError("it is cut off: its next page would be beyond its end")
    return top, [sub for page in top for sub in _below(page)]


def _next_offset(file: TiffFile, data: bytes, page: TiffPage) -> int:
    """Where the directory after a page's is; 0 behind the last one (TIFF 6.0, section 2)."""
    layout = file.tiff
    try:
        count: int = struct.unpack_from(layout.tagnoformat, data, page.offset)[0]
        behind = page.offset + layout.tagnosize + count * layout.tagsize
        return int(struct.unpack_from(layout.offsetformat, data, behind)[0])
    except struct.error as error:
        raise ValueError("it is cut off: one of its directories is at its end") from error


def _below(page: TiffPage) -> Iterator[TiffPage]:
    if page.subifds and page.pages is not None:
        yield from (sub for sub in page.pages if isinstance(sub, TiffPage))


def is_camera_raw(data: bytes, top: list[TiffPage], below: list[TiffPage]) -> bool:
    """Whether a TIFF keeps what a camera's sensor saw, before it is developed to an image."""
    if data[8:10] == CR2 or DNG_VERSION in top[0].tags:
        return True
    return any(page.photometric in SENSOR for page in (*top, *below))


def shown_pages(top: list[TiffPage], below: list[TiffPage]) -> list[TiffPage]:
    """The pages of a TIFF other than camera raw.

    Overviews and masks are left out. Where the chain holds thumbnails only, the images are below it.
    """
    for pages in (top, below):
        whole = [page for page in pages if not page.subfiletype & (REDUCED | MASK)]
        if whole:
            return whole
    return top[:1]


def sensor_size(top: list[TiffPage], below: list[TiffPage]) -> tuple[int, int] | None:
    """Width and height of the largest raw image; `None` where no directory says that it is one (CR2)."""
    sizes = [(page.imagewidth, page.imagelength) for page in (*top, *below) if page.photometric in SENSOR]
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def embedded_jpegs(data: bytes, pages: list[TiffPage]) -> Iterator[bytes]:
    """The JPEG files in a camera raw: at JPEGInterchangeFormat, or the one strip of a page (CR2)."""
    for page in pages:
        places = [(_first(page, 513), _first(page, 514))]
        if page.compression == COMPRESSION.OJPEG and PHOTOMETRIC_TAG not in page.tags:
            places.append((_first(page, 273), _first(page, 279)))
        for offset, size in places:
            if offset and size and data[offset : offset + 3] == b"\xff\xd8\xff":
                yield data[offset : offset + size]


def _first(page: TiffPage, code: int) -> int:
    """The value of a tag that has one; 0 where it is missing or has several."""
    value = page.tags[code].value if code in page.tags else 0
    value = value[0] if isinstance(value, tuple) and len(value) == 1 else value
    return value if isinstance(value, int) else 0


def check_lzw(data: bytes, page: TiffPage) -> None:
    """Look whether the LZW strips or tiles of a page are sound, one at a time.

    imagecodecs 2026.3 ends the process for some damaged ones when it is told the size of the result, as
    tifffile does; and tifffile fills up with zeros what is missing.

    Raises:
        ValueError: a strip or tile is damaged.
    """
    for index, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=False)):
        if not count:
            continue
        stored = data[offset : offset + count]
        try:
            size = len(
                imagecodecs.lzw_decode(imagecodecs.bitorder_decode(stored) if page.fillorder == 2 else stored)
            )
        except RuntimeError as error:
            raise ValueError(f"it is damaged: LZW strip or tile {index} cannot be decoded") from error
        if size < _least_bytes(page, index):
            raise ValueError(f"it is damaged: LZW strip or tile {index} is too short")


def _least_bytes(page: TiffPage, index: int) -> int:
    """Bytes that the rows of an image in a strip take; 0 where that is not told by its size alone."""
    if page.is_tiled or page.photometric == PHOTOMETRIC.YCBCR:
        return 0
    samples = page.samplesperpixel if page.planarconfig == PLANARCONFIG.CONTIG else 1
    strips = -(-page.imagelength // page.rowsperstrip)
    rows = min(page.rowsperstrip, page.imagelength - (index % strips) * page.rowsperstrip)
    return rows * (page.imagewidth * samples * page.bitspersample // 8)
