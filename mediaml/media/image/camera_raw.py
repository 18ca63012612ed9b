"""TIFF-based camera raw (DNG, NEF, CR2, ARW, PEF): not developed here, but read by its full-size preview."""

from __future__ import annotations

from tifffile import COMPRESSION, PHOTOMETRIC, TiffPage

from mediaml.media.image.by_pillow import PillowImage
from mediaml.media.image.tiff_pages import embedded_jpegs, sensor_size

# A developed image is cropped by a few rows and columns of the sensor.
FULL_SIZE = 0.9
COLOURS = (PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR)
COMPRESSIONS = (COMPRESSION.NONE, COMPRESSION.OJPEG, COMPRESSION.JPEG)


def preview(data: bytes, top: list[TiffPage], below: list[TiffPage]) -> PillowImage | TiffPage:
    """The preview that shows the whole image at its full size: a JPEG file, or a page.

    Raises:
        ValueError: there is none; a thumbnail is not judged in place of the image.
    """
    every = [*top, *below]
    found: list[tuple[int, int, PillowImage | TiffPage]] = []
    for jpeg in embedded_jpegs(data, every):
        try:
            image = PillowImage(jpeg, "jpeg")
        except ValueError:
            continue  # The sensor's own data are lossless JPEG in some makes.
        found.append((image.width, image.height, image))
    for page in every:
        known = page.compression in COMPRESSIONS and page.photometric in COLOURS
        if known and page.bitspersample == 8 and page.dataoffsets and page.dataoffsets[0]:
            found.append((page.imagewidth, page.imagelength, page))
    width, height, best = max(found, key=lambda item: item[0] * item[1], default=(0, 0, None))
    full = sensor_size(top, below) or (width, height)
    if best is None or width < FULL_SIZE * full[0] or height < FULL_SIZE * full[1]:
        size = f" of {full[0]}x{full[1]}" if full[0] else ""
        largest = f"its largest preview is {width}x{height}" if best else "it has no preview"
        raise ValueError(f"it is camera raw{size}, which is not developed here, and {largest}")
    return best
