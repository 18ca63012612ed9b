"""What FFmpeg makes of a file: its probe guesses, and decoding tells whether the guess is right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import av
from av.container import InputContainer

from mediaml.core.errors import MediaError
from mediaml.core.location import Location
from mediaml.core.media import Kind
from mediaml.media.limits import Limits
from mediaml.media.open import audio_stream, open_container, video_stream

# So much of a file is looked at first: enough for FFmpeg's probe, and quick for thousands of other files.
FIRST_LOOK = 1 << 17
# Demuxers of raw streams, without a mark: FFmpeg's probe finds them in other binary files too.
GUESSED = {
    "aac", "ac3", "dirac", "dnxhd", "dts", "dtshd", "eac3", "h263", "h264", "hevc", "loas", "m4v", "mp3",
    "mpegvideo", "obu", "truehd", "vc1", "vvc",
}  # fmt: skip
# A decoder that begins in the middle of a stream needs a keyframe first, at worst some seconds away.
MOST_PACKETS = 400
ENOUGH_FRAMES = 4
UNDECODABLE = (av.FFmpegError, ValueError, MemoryError, IndexError)


def identify(path: Location, limits: Limits, *, trusted: bool = False) -> Kind | None:
    """Whether a file is a video or audio to one of our demuxers; `None` for anything else.

    What is guessed to be a raw stream must decode: some frames, with fewer errors than frames.

    Args:
        path: the file.
        limits: only `analysis_bytes` matters: what asks for too much is refused when it is read.
        trusted: it has a media file's first bytes, so that nothing is a guess.
    """
    limits = replace(limits, streams=None, duration_s=None)
    try:
        if not trusted and not _looks_like_any(path, limits):
            return None
        with open_container(path, limits) as container:
            kind = kind_of(container)
            guessed = not trusted and container.format.name in GUESSED
            return None if kind is None or (guessed and not _decodes(container, kind)) else kind
    except MediaError:
        return None


def _looks_like_any(path: Location, limits: Limits) -> bool:
    """Whether FFmpeg opens a file after a first look, which costs little.

    Raises:
        MediaError: it does not.
    """
    look = replace(limits, analysis_bytes=min(FIRST_LOOK, limits.analysis_bytes))
    open_container(path, look).close()
    return True


def kind_of(container: InputContainer) -> Kind | None:
    """Video where there is one other than cover art, else audio; `None` where there is neither."""
    if video_stream(container) is not None:
        return Kind.VIDEO
    return Kind.AUDIO if audio_stream(container) is not None else None


def _decodes(container: InputContainer, kind: Kind) -> bool:
    stream: Any = video_stream(container) if kind is Kind.VIDEO else audio_stream(container)
    if stream is None or stream.codec_context is None:
        return False
    frames = errors = sent = 0
    try:
        for packet in container.demux(stream):
            sent += 1
            try:
                frames += len(packet.decode())
            except av.error.EOFError:
                break
            except UNDECODABLE:
                errors += frames > 0  # before the first frame the beginning may be missing
            if frames >= ENOUGH_FRAMES or sent >= MOST_PACKETS:
                break
    except UNDECODABLE:
        errors += 1
    return frames >= ENOUGH_FRAMES and frames > errors
