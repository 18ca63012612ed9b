"""TIFF, BigTIFF and TIFF-based camera raw, through tifffile: pages, and their levels as 8-bit RGB."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import tifffile
from tifffile import COMPRESSION, PHOTOMETRIC, TiffPage

from mediaml.core.arrays import Array, UInt8Array
from mediaml.media.image.by_pillow import PillowImage
from mediaml.media.image.camera_raw import preview
from mediaml.media.image.levels import cmyk_to_rgb, over_white, strips, to_8bit
from mediaml.media.image.reduced import Reduction
from mediaml.media.image.tiff_colours import DECODED_AS_RGB, LAB, is_plain_ycbcr, lab_to_rgb, ycbcr_to_rgb
from mediaml.media.image.tiff_levels import levels_of
from mediaml.media.image.tiff_pages import check_lzw, directories, is_camera_raw, shown_pages
from mediaml.media.orientation import ROTATION, UPRIGHT, oriented

# A page has no time of its own: page n is shown from n to n + 1 s, so that each has a place on the timeline.
PAGE_S = 1.0
ASSOCIATED, UNASSOCIATED = 1, 2
MONO = (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE)
# What tifffile and imagecodecs raise for damage and for what they do not know.
DAMAGE = (
    tifffile.TiffFileError,
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OSError,
    ArithmeticError,
)


def open_tiff(data: bytes) -> TiffImage | PillowImage:
    """The pages of a TIFF in memory, or the full-size preview of a camera raw file.

    Raises:
        ValueError: it is damaged, cut off or of a kind that is not read here, and how.
    """
    try:
        file = tifffile.TiffFile(io.BytesIO(data))
        top, below = directories(file, data)
        turned = _orientation(top[0], UPRIGHT)
        if not is_camera_raw(data, top, below):
            return TiffImage(file, shown_pages(top, below), data, turned)
        shown = preview(data, top, below)
        # A preview lies as the camera was held: the first directory says how.
        image = TiffImage(file, [shown], data, turned) if isinstance(shown, TiffPage) else shown
    except DAMAGE as error:
        raise ValueError(_reason(error)) from error
    image.orientation = turned if image.orientation == UPRIGHT else image.orientation
    image.notes.append(f"it is camera raw; its embedded preview of {image.width}x{image.height} is read")
    return image


class TiffImage:
    """Pages of a TIFF; see `mediaml.media.image.by_pillow.PillowImage`.

    Args:
        data: the whole file.
        orientation: of pages that state none.

    Raises:
        ValueError: their pixels lie behind the end of the file.
    """

    def __init__(self, file: tifffile.TiffFile, pages: list[TiffPage], data: bytes, orientation: int) -> None:
        _check_size(pages, len(data))
        self._file = file
        self._data = data
        self._pages = pages
        self.notes: list[str] = []
        self.corrupt = 0
        self.width, self.height = pages[0].imagewidth, pages[0].imagelength
        self.orientation = _orientation(pages[0], orientation)

    @property
    def count(self) -> int:
        """Number of pages."""
        return len(self._pages)

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Width and height of every page, as stored."""
        return [(page.imagewidth, page.imagelength) for page in self._pages]

    @property
    def decoded_bytes(self) -> int:
        """Memory that decoding the largest page takes: the levels as stored, and the result."""
        return max(page.nbytes + 3 * page.imagewidth * page.imagelength for page in self._pages)

    def reduction(self, most: int) -> Reduction | None:
        """None: it is decoded as a whole."""
        return None

    def frames(self, start_s: float = 0.0) -> Iterator[tuple[int, float, float, UInt8Array]]:
        """See `PillowImage.frames`; a file of one page is one frame at 0 s."""
        if self.count == 1:
            if start_s <= 0:
                yield 0, 0.0, 0.0, self._shown(self._pages[0], self.orientation)
            return
        for index, page in enumerate(self._pages):
            if index * PAGE_S >= start_s:
                shown = self._shown(page, _orientation(page, UPRIGHT))
                yield index, index * PAGE_S, PAGE_S, shown

    def _shown(self, page: TiffPage, orientation: int) -> UInt8Array:
        try:
            if page.compression == COMPRESSION.LZW:
                check_lzw(self._data, page)
            if is_plain_ycbcr(page):
                return ycbcr_to_rgb(self._data, page)
            return oriented(_to_rgb(page, _samples(page), self.notes), orientation)
        except DAMAGE as error:
            raise ValueError(_reason(error)) from error
        except MemoryError as error:
            raise ValueError("memory is exhausted") from error


def _check_size(pages: list[TiffPage], size: int) -> None:
    """Look whether all strips and tiles lie within the file."""
    for page in pages:
        if page.imagewidth < 1 or page.imagelength < 1:
            raise ValueError("its header names no size")
        if not page.dataoffsets or not page.databytecounts:
            raise ValueError("it names no place for its pixels; it is damaged or cut off")
        if any(at + count > size for at, count in zip(page.dataoffsets, page.databytecounts, strict=False)):
            raise ValueError("it is cut off: its pixels would be beyond its end")


def _orientation(page: object, otherwise: int) -> int:
    tags = getattr(page, "tags", {})
    value = tags[274].value if 274 in tags else otherwise
    return value if value in ROTATION else otherwise


def _samples(page: TiffPage) -> Array:
    """The values of a page, [H, W, samples]."""
    if page.imagedepth > 1:
        raise ValueError(f"it is a volume of {page.imagedepth} layers, which is not supported")
    # One thread: files are read side by side.
    pixels = np.asarray(page.asarray(maxworkers=1))
    if pixels.dtype.kind not in "biuf":
        raise ValueError(f"its levels are {pixels.dtype}, which is not supported")
    if page.axes == "SYX":
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[:2] != (page.imagelength, page.imagewidth) or pixels.ndim != 3:
        raise ValueError(f"its pixels have the shape {pixels.shape}, which is not supported")
    return pixels.astype(np.uint8) if pixels.dtype == np.bool_ else pixels


def _to_rgb(page: TiffPage, pixels: Array, notes: list[str]) -> UInt8Array:
    if PHOTOMETRIC(page.photometric) in LAB:
        return lab_to_rgb(PHOTOMETRIC(page.photometric), pixels)
    colours, photometric = _colours(page, pixels.shape[2], notes)
    height, width = pixels.shape[:2]
    result = np.empty((height, width, 3), np.uint8)
    if photometric is PHOTOMETRIC.PALETTE:
        colormap = _palette(page)
        for rows in strips(width, height):
            result[rows] = colormap[np.minimum(pixels[rows, :, 0], len(colormap) - 1)]
        return result
    levels, alpha_levels = levels_of(page, pixels, colours, notes)
    alpha = next((at for at, kind in _extras(page, colours) if kind in (ASSOCIATED, UNASSOCIATED)), None)
    premultiplied = alpha is not None and dict(_extras(page, colours))[alpha] == ASSOCIATED
    for rows in strips(width, height):
        colour = to_8bit(pixels[rows, :, :colours], levels)
        if photometric is PHOTOMETRIC.SEPARATED:
            colour = cmyk_to_rgb(colour)
        if alpha is not None:
            opacity = to_8bit(pixels[rows, :, alpha : alpha + 1], alpha_levels)
            colour = over_white(colour, opacity, premultiplied=premultiplied)
        result[rows] = colour
    return result


def _colours(page: TiffPage, samples: int, notes: list[str]) -> tuple[int, PHOTOMETRIC]:
    """How many of the samples are colours, and of what kind."""
    photometric = PHOTOMETRIC(page.photometric)
    if page.compression in DECODED_AS_RGB and photometric is PHOTOMETRIC.YCBCR:
        photometric = PHOTOMETRIC.RGB
    if photometric in MONO and samples > 2 and len(_extras(page, 1)) != samples - 1:
        photometric = PHOTOMETRIC.RGB
    if photometric in MONO and samples > 2 and all(kind == 0 for _, kind in _extras(page, 1)):
        notes.append(f"the first 3 of its {samples} channels are shown as red, green and blue")
        return 3, PHOTOMETRIC.RGB
    needed = {PHOTOMETRIC.RGB: 3, PHOTOMETRIC.SEPARATED: 4, PHOTOMETRIC.PALETTE: 1}.get(photometric)
    if photometric in MONO:
        needed = 1
    if needed is None or needed > samples:
        raise ValueError(f"its colours are {photometric.name} of {samples} samples; convert it to RGB")
    unknown = sum(kind == 0 for _, kind in _extras(page, needed))
    if unknown:
        notes.append(f"{unknown} of its {samples} channels have no stated meaning and are left out")
    return needed, photometric


def _extras(page: TiffPage, colours: int) -> list[tuple[int, int]]:
    """Position and kind of each sample behind the colours (TIFF 6.0, ExtraSamples)."""
    return [(colours + at, int(kind)) for at, kind in enumerate(page.extrasamples)]


def _palette(page: TiffPage) -> UInt8Array:
    colormap = page.colormap
    if colormap is None:
        raise ValueError("it has no palette")
    levels = np.asarray(colormap).T
    # 16 bits by the specification; some writers keep 8.
    return (levels >> 8 if levels.max(initial=0) > 255 else levels).astype(np.uint8)


def _reason(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    known = text[0].rstrip(".") if text else type(error).__name__
    return (
        known if known.startswith(("it ", "its ", "camera")) else f"it is damaged or not read here ({known})"
    )
