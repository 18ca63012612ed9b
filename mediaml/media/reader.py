"""The readers of media files: facts, frames, and counts of damage."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

from mediaml.core.audio_input import AudioInput
from mediaml.core.frame import Frame
from mediaml.core.location import Location
from mediaml.core.media import DecodeAccounts, Kind, MediaInfo
from mediaml.core.track import TrackChoice
from mediaml.media.limits import Limits
from mediaml.media.loading import load_av


class Reader(Protocol):
    """Reads one file from start to end, or from a time on; a context manager.

    A reader belongs to one thread; the pixels of its frames may be asked for in any thread, also after the
    reader was closed.
    """

    @property
    def info(self) -> MediaInfo:
        """What the file's header says."""

    @property
    def accounts(self) -> DecodeAccounts:
        """The counts of the latest pass so far; available at any time."""

    def frames(self, start_s: float = 0.0) -> Iterator[Frame]:
        """The frames in order of presentation, from the start on or from the first at or after `start_s`.

        Each call is a new pass over the file with fresh accounts; it ends an unfinished one. Times and
        indices after a seek are those of a pass over the whole file. An index counts the frames before it in
        the file by their packets where the container tells, so a packet that cannot be decoded is counted
        there although a whole pass would have skipped it. A live stream goes on from now instead: its frames
        begin at `start_s`.

        Raises:
            MediaError: nothing can be decoded, or the file can no longer be read.
            ValueError: the reader is closed.
        """

    def close(self) -> None:
        """Let go of the file; may be called twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def decoding_bytes(reader: Reader) -> int:
    """Bytes of memory that decoding one image takes; 0 for streams, which `Limits.decoder_bytes` bounds."""
    return int(getattr(reader, "decoding_bytes", 0))


def import_decoders() -> None:
    """Import what reads images, ahead of the first; a video can wait for its decoder."""
    import mediaml.media.image.by_pillow
    import mediaml.media.image.reader  # noqa: F401


def open_reader(
    path: Location,
    kind: Kind,
    *,
    audio: AudioInput | None = None,
    limits: Limits = Limits(),  # noqa: B008
    track: TrackChoice = TrackChoice(),  # noqa: B008
) -> Reader:
    """Open a file as an image, video or audio.

    Args:
        path: the file, or a URL that the user typed.
        kind: what to read of it; `AUDIO` on a video file reads its audio.
        audio: how audio is cut into windows; needed for `AUDIO`.
        limits: the limits on the file.
        track: which audio track is read.

    Raises:
        MediaError: the file cannot be read as that kind, or has no such track.
        LimitError: it asks for too much.
        ValueError: `kind` is `AUDIO` and `audio` is missing.
    """
    if kind is Kind.IMAGE:
        from mediaml.media.image.reader import ImageReader

        return ImageReader(path, limits=limits)
    load_av()
    if kind is Kind.VIDEO:
        from mediaml.media.video.reader import VideoReader

        return VideoReader(path, limits=limits)
    if audio is None:
        raise ValueError("audio is read in windows: pass an AudioInput")
    from mediaml.media.audio.reader import AudioReader

    return AudioReader(path, audio, limits=limits, track=track)
