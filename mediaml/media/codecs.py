"""Which formats this installation can read and write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

_VIDEO = {"H.264": "h264", "H.265": "hevc", "AV1": "av1", "VP8": "vp8", "VP9": "vp9", "MPEG-4": "mpeg4"}
_AUDIO = {"AAC": "aac", "MP3": "mp3", "Opus": "opus", "Vorbis": "vorbis", "FLAC": "flac"}
_ENCODERS = {"H.264": "libx264", "AAC": "aac"}
_WRITTEN_IMAGES = {"JPEG": ".jpg", "PNG": ".png", "WebP": ".webp"}
# Formats that are only read, with the module that reads them.
_READ_IMAGES = {
    "TIFF": "tifffile",
    "GIF": "PIL.GifImagePlugin",
    "BMP": "PIL.BmpImagePlugin",
    "AVIF": "PIL._avif",
    "HEIC": "_pi_heif",
}


@dataclass(frozen=True, slots=True)
class CodecFact:
    """One format: whether it is read, and whether it is written (`None` where mediaml never does)."""

    name: str
    reads: bool
    writes: bool | None = None

    @property
    def writes_text(self) -> str:
        """`yes`, `no`, or nothing where the question does not arise."""
        return "" if self.writes is None else "yes" if self.writes else "no"


def codec_report() -> list[CodecFact]:
    """Ask the builds themselves, format by format; what is written is read back."""
    import av

    facts = [CodecFact(name, reads, writes) for name, reads, writes in _images()]
    for name, codec in {**_VIDEO, **_AUDIO}.items():
        writes = _ENCODERS[name] in av.codecs_available if name in _ENCODERS else None
        facts.append(CodecFact(name, codec in av.codecs_available, writes))
    return facts


def _images() -> Iterator[tuple[str, bool, bool | None]]:
    """Name, whether it is read, and whether it is written, of each image format."""
    import cv2

    from mediaml.media.image.decode import open_image

    small = np.zeros((16, 16, 3), np.uint8)
    for name, suffix in _WRITTEN_IMAGES.items():
        try:
            written, encoded = cv2.imencode(suffix, small)
            opened = open_image(encoded.tobytes())
            reads = opened is not None and sum(1 for _ in opened[1].frames()) == 1
        except (cv2.error, ValueError):
            written = reads = False
        yield name, reads, written
    for name, module in _READ_IMAGES.items():
        yield name, find_spec(module) is not None, None
