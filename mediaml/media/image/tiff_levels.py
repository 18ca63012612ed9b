"""Which stored values of a TIFF page are black and white."""

from __future__ import annotations

import numpy as np
from tifffile import PHOTOMETRIC, TiffPage

from mediaml.core.arrays import Array
from mediaml.media.image.levels import Levels, strips

MAX_SAMPLE_VALUE, S_MIN_SAMPLE_VALUE, S_MAX_SAMPLE_VALUE = 281, 340, 341
# A 16-bit image without a value above these comes from a sensor of fewer bits; as 16 bits it is nearly black.
SENSOR_MAXIMA = ((255, 8), (1023, 10), (4095, 12))


def levels_of(page: TiffPage, pixels: Array, colours: int, notes: list[str]) -> tuple[Levels, Levels]:
    """The levels of colours, and those of alpha.

    What the file states (SMinSampleValue, SMaxSampleValue, MaxSampleValue) comes first. Otherwise unsigned
    integers of up to 16 bits have the range of their bits, floats 0..1, or 0..255 where they fill that; other
    values are scaled by the range that occurs, and a note says so.

    Args:
        pixels: [H, W, samples].
        colours: the samples that are colours; others follow them.
    """
    full = _full_range(page, pixels)
    levels = _stated(page) or full
    if levels is None or (pixels.dtype == np.uint16 and levels == Levels(0, 65535)):
        low, high = _range(pixels[..., :colours], page.nodata)
        if pixels.dtype == np.uint16:
            levels = _of_16_bits(high, _bits_stated(page), notes)
        else:
            levels = _of_other_values(pixels, low, high, notes)
    if PHOTOMETRIC(page.photometric) is PHOTOMETRIC.MINISWHITE:
        levels = Levels(levels.white, levels.black)
        return levels, full or Levels(levels.white, levels.black)
    # Opacity of floats is 0..1 whatever the colours are; of integers it has their range.
    return levels, Levels(0, 1) if pixels.dtype.kind == "f" else levels


def _full_range(page: TiffPage, pixels: Array) -> Levels | None:
    if pixels.dtype.kind == "u" and page.bitspersample <= 16:
        return Levels(0, (1 << page.bitspersample) - 1)
    return None


def _stated(page: TiffPage) -> Levels | None:
    """SMinSampleValue and SMaxSampleValue (TIFF 6.0, section 19)."""
    if S_MAX_SAMPLE_VALUE not in page.tags:
        return None
    high = float(np.max(page.tags[S_MAX_SAMPLE_VALUE].value))
    low = float(np.min(page.tags[S_MIN_SAMPLE_VALUE].value)) if S_MIN_SAMPLE_VALUE in page.tags else 0.0
    return Levels(low, high) if np.isfinite([low, high]).all() and high > low else None


def _bits_stated(page: TiffPage) -> int:
    """MaxSampleValue where it is the largest number of some bits; else 0. Others count what occurs."""
    value = int(np.max(page.tags[MAX_SAMPLE_VALUE].value)) if MAX_SAMPLE_VALUE in page.tags else 0
    return value if value > 255 and value & (value + 1) == 0 else 0


def _range(pixels: Array, nodata: float) -> tuple[float, float]:
    """The least and greatest finite value, without the value that marks missing data (GDAL_NODATA)."""
    low, high = np.inf, -np.inf
    for rows in strips(pixels.shape[1], pixels.shape[0]):
        values = pixels[rows]
        if values.dtype.kind == "f":
            values = values[np.isfinite(values)]
        if nodata:
            values = values[values != nodata]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    return (low, high) if low <= high else (0.0, 1.0)


def _of_16_bits(high: float, stated: int, notes: list[str]) -> Levels:
    """The levels of unsigned 16-bit values of which none is above `high`."""
    if stated and high <= stated:
        return Levels(0, stated)
    bits = next((bits for most, bits in SENSOR_MAXIMA if 0 < high <= most), 16)
    if bits < 16:
        notes.append(f"its 16-bit levels end at {high:g}: read as {bits} bits")
    return Levels(0, (1 << bits) - 1)


def _of_other_values(pixels: Array, low: float, high: float, notes: list[str]) -> Levels:
    """The levels of signed, wide or floating-point values that occur from `low` to `high`."""
    if pixels.dtype.kind == "f" and low >= 0 and high <= 1:
        return Levels(0, 1)
    if pixels.dtype.kind == "f" and low >= 0 and 128 <= high <= 255:
        notes.append(f"its levels are {low:g} to {high:g}: 0 is shown as black and 255 as white")
        return Levels(0, 255)
    most = float(2 ** (8 * pixels.dtype.itemsize - (pixels.dtype.kind == "i")) - 1)
    if pixels.dtype.kind in "iu" and low >= 0 and high > most / 2:
        return Levels(0, most)
    if high <= low:
        return Levels(low, low + 1)
    notes.append(f"its levels are scaled: {low:g} is shown as black and {high:g} as white")
    return Levels(low, high)
