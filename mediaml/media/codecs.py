"""Which formats this installation's FFmpeg and OpenCV builds can read and write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_VIDEO = {"H.264": "h264", "H.265": "hevc", "AV1": "av1", "VP8": "vp8", "VP9": "vp9", "MPEG-4": "mpeg4"}
_AUDIO = {"AAC": "aac", "MP3": "mp3", "Opus": "opus", "Vorbis": "vorbis", "FLAC": "flac"}
_ENCODERS = {"H.264": "libx264", "AAC": "aac"}
_IMAGES = {"JPEG": ".jpg", "PNG": ".png", "WebP": ".webp", "TIFF": ".tiff", "BMP": ".bmp", "AVIF": ".avif"}


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
    """Ask the builds themselves, format by format; images by writing and reading back a small one."""
    import av

    facts = [CodecFact(name, works, works) for name, works in _images()]
    for name, codec in {**_VIDEO, **_AUDIO}.items():
        writes = _ENCODERS[name] in av.codecs_available if name in _ENCODERS else None
        facts.append(CodecFact(name, codec in av.codecs_available, writes))
    return facts


def _images() -> Iterator[tuple[str, bool]]:
    import cv2

    small = np.zeros((16, 16, 3), np.uint8)
    for name, suffix in _IMAGES.items():
        try:
            _, encoded = cv2.imencode(suffix, small)
            works = cv2.imdecode(encoded, cv2.IMREAD_COLOR) is not None
        except cv2.error:
            works = False
        yield name, works
