"""The facts of a media file, decoding at most a video's first frame."""

from __future__ import annotations

from mediaml.core.errors import MediaError
from mediaml.core.location import Location, is_stream
from mediaml.core.media import Kind, MediaInfo
from mediaml.media.audio.tracks import audio_info
from mediaml.media.files import check_file
from mediaml.media.image.reader import ImageReader
from mediaml.media.limits import Limits
from mediaml.media.open import open_container
from mediaml.media.sniff import sniff_kind
from mediaml.media.video.video_pass import VideoPass


def probe(path: Location, *, limits: Limits = Limits()) -> MediaInfo:  # noqa: B008
    """The facts in the header of an image, a video or audio; see `MediaInfo`.

    How a video is turned stands at its first frame, which is decoded.

    Raises:
        MediaError: the file is missing, empty, damaged or no media; `LimitError` where it asks for too much.
    """
    if not is_stream(path):
        check_file(path)
    kind = sniff_kind(path, limits)
    if kind is None:
        raise MediaError(f"{path} is not an image, video or audio file.", "Name a media file.")
    if kind is Kind.IMAGE:
        with ImageReader(path, limits=limits) as reader:
            return reader.info
    if kind is Kind.VIDEO:
        run = VideoPass(path, limits)
        try:
            return run.info()
        finally:
            run.close()
    with open_container(path, limits) as container:
        return audio_info(path, container)
