"""How much one media file may ask of the machine before it is refused."""

from __future__ import annotations

from dataclasses import dataclass, fields

from mediaml.core.errors import LimitError, require

INT_MAX = (1 << 31) - 1
LEAST_ANALYSIS = 2048
"""FFmpeg looks at so many bytes of a file, `PROBE_BUF_MIN` of libavformat/internal.h, before it gives up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may claim, `None` where there is no limit, and how videos are shown.

    Attributes:
        pixels: width x height of a picture or video frame, stored as well as displayed. The default is
            Pillow's `Image.MAX_IMAGE_PIXELS`, at which it warns of a decompression bomb: 512 MiB of RGB.
        streams: streams in a container.
        duration_s: seconds that the header of a video or sound may claim.
        image_bytes: size of a picture's file, which is read into memory as a whole.
        analysis_bytes: how much of a container is read to learn what its streams are; the default is
            FFmpeg's own `probesize`.
        tone_map: whether high dynamic range (PQ, HLG) is converted to standard range.
        deinterlace: whether frames that are flagged as interlaced are deinterlaced.
        silence_s: seconds that the server of a URL may send nothing; see `mediaml.media.remote`.
    """

    pixels: int | None = 178_956_970
    streams: int | None = 100
    duration_s: float | None = None
    image_bytes: int | None = 1 << 30
    analysis_bytes: int = 5_000_000
    silence_s: float = 20.0
    tone_map: bool = True
    deinterlace: bool = True

    def __post_init__(self) -> None:
        for name in fields(self):
            value = getattr(self, name.name)
            if not isinstance(value, bool):
                require(value is None or value > 0, f"{name.name} must be positive, not {value}")
        require(
            self.analysis_bytes >= LEAST_ANALYSIS,
            f"analysis_bytes must be {LEAST_ANALYSIS} or more, not {self.analysis_bytes}",
        )

    @property
    def ffmpeg_pixels(self) -> str:
        """FFmpeg's option `max_pixels`, which it compares with the picture and the blocks around it.

        It only keeps the decoder from taking far too much; `check_size` tells to the pixel.
        """
        return str(min(2 * self.pixels if self.pixels is not None else INT_MAX, INT_MAX))

    def check_size(self, path: object, width: int, height: int) -> None:
        """Refuse a picture or frame of too many pixels.

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
                f"{path} holds {streams} streams; at most {self.streams} are allowed.",
                "If the file is trustworthy, remux the stream you want or allow more with --max-streams.",
            )

    def check_duration(self, path: object, duration_s: float | None) -> None:
        """Refuse a video or sound that claims to be too long.

        Raises:
            LimitError: it claims more than `duration_s` seconds.
        """
        if self.duration_s is not None and duration_s is not None and duration_s > self.duration_s:
            raise LimitError(
                f"{path} claims to last {duration_s:.0f} s; at most {self.duration_s:.0f} s are allowed.",
                "If the file is trustworthy, cut it or allow more with --max-duration.",
            )

    def check_image_bytes(self, path: object, size: int) -> None:
        """Refuse a picture whose file is too large to be read into memory.

        Raises:
            LimitError: it has more than `image_bytes`.
        """
        if self.image_bytes is not None and size > self.image_bytes:
            raise LimitError(
                f"{path} has {size} bytes; at most {self.image_bytes} are allowed for a picture.",
                "If the file is trustworthy, allow more with --max-picture-bytes.",
            )
