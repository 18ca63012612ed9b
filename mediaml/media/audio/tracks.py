"""The audio tracks of a file, and what its header says of them."""

from __future__ import annotations

from av.audio.stream import AudioStream
from av.container import InputContainer

from mediaml.core.errors import MediaError, NoAudioError
from mediaml.core.location import Location
from mediaml.core.media import Kind, MediaInfo
from mediaml.core.track import TrackChoice
from mediaml.media.clock import starts_at_s, stated_duration_s
from mediaml.media.open import audio_streams, no_decoder, sample_rate
from mediaml.media.truncation import is_cut


def tracks_of(path: Location, container: InputContainer, choice: TrackChoice) -> list[AudioStream]:
    """The audio streams that are read, at least one.

    Raises:
        NoAudioError: the file has no audio.
        MediaError: it has no such track, no decoder for it, or was cut off before any audio.
    """
    streams = audio_streams(path, container, choice)
    # The index at the end of an MP4 may have lost its audio; elsewhere audio begins with the file.
    if not streams and container.format.name.startswith("mov") and is_cut(path, container.format.name):
        raise MediaError(f"{path} is cut off before any audio.", "Copy it again from its source.")
    if not streams:
        raise NoAudioError(
            f"{path} has no audio.", "Leave the file out, or use a model that accepts its kind."
        )
    for stream in streams:
        if stream.codec_context is None:
            raise no_decoder(path, stream)
    return streams


def audio_info(path: Location, container: InputContainer, choice: TrackChoice = TrackChoice()) -> MediaInfo:  # noqa: B008
    """What the header says of the audio of a file; of the first where several tracks are chosen.

    Raises:
        MediaError: see `tracks_of`.
    """
    stream = tracks_of(path, container, choice)[0]
    return MediaInfo(
        path=str(path),
        kind=Kind.AUDIO,
        duration_s=stated_duration_s(container, stream),
        sample_rate=sample_rate(stream),
        audio_tracks=len(container.streams.audio),
        container=container.format.name,
        codec=stream.codec.canonical_name,
        start_s=starts_at_s(container, stream),
    )
