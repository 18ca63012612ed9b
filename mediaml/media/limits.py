"""Limits on what one media file may use before it is refused."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

from mediaml.core.errors import LimitError, require

Decode = Literal["cpu", "cuda", "auto"]
"""`cuda` decodes on the GPU or not at all; `auto` where the GPU takes the codec, else on the CPU."""

INT_MAX = (1 << 31) - 1
LEAST_ANALYSIS = 2048
"""FFmpeg looks at so many bytes of a file, `PROBE_BUF_MIN` of libavformat/internal.h, before it gives up."""
LEAST_DECODED = 1 << 30
CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def machine_memory() -> int | None:
    """Bytes of memory that this machine or its container has; `None` where the system does not say."""
    found = []
    for name in CGROUP_LIMITS:
        try:
            found.append(int(Path(name).read_text("ascii")))
        except (OSError, ValueError):
            continue  # Not on Linux, another version of cgroups, or `max`.
    with suppress(AttributeError, ValueError, OSError):  # Windows has no sysconf.
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min((size for size in found if size > 0), default=None)


def default_decoded_bytes() -> int:
    """A quarter of the machine's memory, at least 1 GiB."""
    return max(LEAST_DECODED, (machine_memory() or 0) // 4)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on one file, `None` where there is no limit, and how videos are shown.

    Attributes:
        pixels: width x height of an image or video frame, stored as well as displayed. The default is
            Pillow's `Image.MAX_IMAGE_PIXELS`, at which it warns of a decompression bomb: 512 MiB of RGB.
        streams: streams in a container.
        duration_s: seconds that the header of a video or audio file may claim.
        image_bytes: size of an image file, which is read into memory as a whole.
        decoded_bytes: memory that decoding one image may take; by default a quarter of the machine's.
        image_frames: frames of an animation or pages of a TIFF that are read, from the first on; the others
            are left out.
        decoder_bytes: memory that the frames in the threads of one video decoder may take; as many threads
            work side by side as fit in it.
        analysis_bytes: how much of a container is read to learn what its streams are; the default is
            FFmpeg's own `probesize`.
        tone_map: whether high dynamic range (PQ, HLG) is converted to standard range.
        deinterlace: whether frames that are flagged as interlaced are deinterlaced.
        decode: where video is decoded.
        silence_s: seconds that the server of a URL may send nothing; see `mediaml.media.remote`.
    """

    pixels: int | None = 178_956_970
    streams: int | None = 100
    duration_s: float | None = None
    image_bytes: int | None = 1 << 30
    decoded_bytes: int | None = field(default_factory=default_decoded_bytes)
    image_frames: int | None = None
    decoder_bytes: int = 128 << 20
    analysis_bytes: int = 5_000_000
    silence_s: float = 20.0
    tone_map: bool = True
    deinterlace: bool = True
    decode: Decode = "cpu"

    def __post_init__(self) -> None:
        for name in fields(self):
            value = getattr(self, name.name)
            if not isinstance(value, bool | str):
                require(value is None or value > 0, f"{name.name} must be positive, not {value}")
        require(
            self.analysis_bytes >= LEAST_ANALYSIS,
            f"analysis_bytes must be {LEAST_ANALYSIS} or more, not {self.analysis_bytes}",
        )

    @property
    def ffmpeg_pixels(self) -> str:
        """FFmpeg's option `max_pixels`, which it compares with the frame and the blocks around it.

        It only keeps the decoder from taking far too much; `check_size` is exact.
        """
        return str(min(2 * self.pixels if self.pixels is not None else INT_MAX, INT_MAX))

    def check_size(self, path: object, width: int, height: int) -> None:
        """Refuse an image or frame of too many pixels.

        Raises:
            LimitError: it has more than `pixels`.
        """
        if self.pixels is not None and width * height > self.pixels:
            raise LimitError(
                f"{path} claims {width}x{height} pixels; at most {self.pixels} are allowed.",
                "If the file is trustworthy, scale it down or allow more with --max-pixels.",
            )

    def check_streams(self, path: object, streams: int) -> None:
        """Refuse a container of too many streams.

        Raises:
            LimitError: it has more than `streams`.
        """
        if self.streams is not None and streams > self.streams:
            raise LimitError(
                f"{path} has {streams} streams; at most {self.streams} are allowed.",
                "If the file is trustworthy, remux the stream you want or allow more with --max-streams.",
            )

    def check_duration(self, path: object, duration_s: float | None) -> None:
        """Refuse a video or audio file that claims to be too long.

        Raises:
            LimitError: it claims more than `duration_s` seconds.
        """
        if self.duration_s is not None and duration_s is not None and duration_s > self.duration_s:
            raise LimitError(
                f"{path} claims to last {duration_s:.0f} s; at most {self.duration_s:.0f} s are allowed.",
                "If the file is trustworthy, cut it or allow more with --max-duration.",
            )

    def check_decoded_bytes(self, path: object, width: int, height: int, size: int) -> None:
        """Refuse an image that would take too much memory to decode.

        Raises:
            LimitError: it takes more than `decoded_bytes`.
        """
        if self.decoded_bytes is not None and size > self.decoded_bytes:
            raise LimitError(
                f"{path}: decoding {width}x{height} pixels takes {size >> 20} MiB;"
                f" at most {self.decoded_bytes >> 20} MiB are allowed.",
                "Scale the file down, or allow more with --memory or --max-decoded-bytes.",
            )

    def check_image_bytes(self, path: object, size: int) -> None:
        """Refuse an image whose file is too large to be read into memory.

        Raises:
            LimitError: it has more than `image_bytes`.
        """
        if self.image_bytes is not None and size > self.image_bytes:
            raise LimitError(
                f"{path} has {size} bytes; at most {self.image_bytes} are allowed for an image.",
                "If the file is trustworthy, allow more with --max-picture-bytes.",
            )
