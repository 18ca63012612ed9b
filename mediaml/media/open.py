"""Opens containers: a single local file, or a URL, with readable errors."""

from __future__ import annotations

import os
import time
from typing import BinaryIO, TypeVar

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mediaml.core.errors import MediaError
from mediaml.core.location import Location, Url, is_stream
from mediaml.core.track import TrackChoice
from mediaml.media.files import check_file, open_binary, unreadable
from mediaml.media.hardware import open_decoding
from mediaml.media.limits import Decode, Limits
from mediaml.media.remote import ffmpeg_options, refused, silent

S = TypeVar("S", VideoStream, AudioStream)

# Demuxers that read a single audio or video file. All others are refused: playlists
# (concat, hls, dash, sdp, ...), which make FFmpeg open other files and hosts, devices, raw data that
# anything can pose as, subtitles, and images, which the image reader reads.
DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,au,av1,avi,caf,dirac,dnxhd,dts,dtshd,dv,eac3,flac,flv,gxf,h263,h264,hevc,ivf,loas,"
    "m4v,matroska,mjpeg,mov,mp3,mpc,mpc8,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,swf,tak,truehd,tta,vc1,voc,vvc,"
    "w64,wav,webm,wtv,wv,yuv4mpegpipe"
)
NEXT_STEP = "Check that it plays in another program; `ffmpeg -i IN -c copy OUT` repairs many containers."


def open_container(path: Location, limits: Limits, *, decode: Decode = "cpu") -> InputContainer:
    """Open a video or audio file; the caller closes the container.

    For a file no protocol but `file` is allowed and no demuxer that reads other files;
     for a URL only what its scheme needs. PyAV's own default keeps FFmpeg's log silent, so no callback
    into Python runs in a decoder's thread.

    Raises:
        MediaError: the file is missing, empty, unreadable or no media, or the server of a URL does not send
            it; `LimitError` for too many streams or too long a duration.
    """
    file, options, timeout_s = _address(path, limits)
    begun = time.monotonic()
    options |= {"probesize": str(limits.analysis_bytes), "max_pixels": limits.ffmpeg_pixels}
    try:
        how = {"options": options, "metadata_errors": "replace", "timeout": timeout_s}
        container = open_decoding(decode, path, file, **how)
    except (av.FFmpegError, OSError) as error:
        if is_stream(path):
            # FFmpeg's error has the text as it was typed, secrets included.
            late = time.monotonic() - begun >= limits.silence_s
            raise (silent(path) if late else translated(error, path, "opened")) from None
        raise translated(error, path, "opened") from error
    try:
        limits.check_streams(path, len(container.streams))
        limits.check_duration(path, container_duration_s(container))
    except MediaError:
        container.close()
        raise
    return container


def _address(path: Location, limits: Limits) -> tuple[str | BinaryIO, dict[str, str], float | None]:
    """The arguments for FFmpeg: a name or an open file, options, and a timeout in seconds."""
    if isinstance(path, Url) and path.in_store:
        from mediaml.media.object_store import open_object

        # An open file needs no protocol at all, and this is the name of none.
        return open_object(path), {"protocol_whitelist": "none", "format_whitelist": DEMUXERS}, None
    if isinstance(path, Url):
        options, more = ffmpeg_options(path)
        options["format_whitelist"] = ",".join((DEMUXERS, *more))
        return path.text, options, limits.silence_s
    check_file(path)
    # The prefix keeps FFmpeg from reading a protocol into a name such as `http:x.mp4`.
    return f"file:{path}", {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}, None


def container_duration_s(container: InputContainer) -> float | None:
    """Seconds that the header claims for the whole file; `None` where it does not say."""
    duration = container.duration
    return None if duration is None or duration <= 0 else duration / av.time_base


def is_live(path: Location, container: InputContainer) -> bool:
    """Whether a URL is a stream without an end: neither length nor size is known, and nothing lies behind."""
    return is_stream(path) and container_duration_s(container) is None and container.size <= 0


def video_stream(container: InputContainer) -> VideoStream | None:
    """The video that is read: the default one that is not cover art or a thumbnail; `None` without one."""
    hidden = Disposition.attached_pic | Disposition.timed_thumbnails
    return _default([stream for stream in container.streams.video if not stream.disposition & hidden])


def audio_stream(container: InputContainer) -> AudioStream | None:
    """The default audio stream; `None` without one."""
    return _default(list(container.streams.audio))


def audio_streams(path: Location, container: InputContainer, choice: TrackChoice) -> list[AudioStream]:
    """The chosen audio streams; none where a file has none at all.

    Raises:
        MediaError: none of those that it has is the chosen one.
    """
    streams = list(container.streams.audio)
    if choice.every or not streams:
        return streams
    if choice.number is not None:
        chosen = streams[choice.number - 1 : choice.number]
    elif choice.language is not None:
        spoken = [stream for stream in streams if choice.matches(stream.language)]
        chosen = _listed(_default(spoken))
    else:
        chosen = _listed(_default(streams))
    if chosen:
        return chosen
    there = ", ".join(f"{number} ({stream.language or 'und'})" for number, stream in enumerate(streams, 1))
    raise MediaError(f"{path} has no audio track {choice}; it has {there}.", "Choose one with --audio-track.")


def _default(streams: list[S]) -> S | None:
    """The first stream marked as the default, else the first; without a decoder only if none has one."""
    readable = [stream for stream in streams if stream.codec_context is not None] or streams
    # A layer that only adds to another stream shows nothing by itself.
    readable = [stream for stream in readable if not stream.disposition & Disposition.dependent] or readable
    marked = [stream for stream in readable if stream.disposition & Disposition.default]
    return next(iter(marked or readable), None)


def _listed(stream: S | None) -> list[S]:
    return [] if stream is None else [stream]


def sample_rate(stream: AudioStream | None) -> int | None:
    """Hz; `None` where the stream does not say, as when its description is missing."""
    return (
        None if stream is None or stream.codec_context is None else stream.codec_context.sample_rate or None
    )


def translated(error: Exception, path: Location, doing: str) -> MediaError:
    """A readable error for what FFmpeg or the system reported on a file.

    Args:
        error: what was raised.
        path: the file.
        doing: the participle of what was tried, such as `opened`.
    """
    if is_stream(path):
        return refused(error, path, doing)
    if isinstance(error, av.error.InvalidDataError | av.error.EOFError):
        return MediaError(f"{path} cannot be {doing}: {_what_is_broken(path)}.", NEXT_STEP)
    if isinstance(error, av.error.ArgumentError):
        return MediaError(
            f"{path} cannot be {doing}: it is not image, video or audio in a supported format.",
            "Check the file's format, or convert it, for instance to MP4.",
        )
    if isinstance(error, av.error.DecoderNotFoundError):
        return MediaError(f"{path} cannot be {doing}: no decoder for its codec.", "Convert it to MP4.")
    return unreadable(error, path, doing)


def no_decoder(path: Location, stream: VideoStream | AudioStream) -> MediaError:
    """The error for a stream whose codec this build of FFmpeg does not know."""
    tag = stream.codec_tag if getattr(stream, "codec_tag", None) else "unknown"
    better = "AAC" if stream.type == "audio" else "H.264"
    return MediaError(
        f"{path}: no decoder for the codec of its {stream.type} stream (tag {tag}).",
        f"Convert it, to {better} in MP4 for instance, with a program that knows the codec.",
    )


def _what_is_broken(path: Location) -> str:
    try:
        with open_binary(path) as file:
            head, size = file.read(12), file.seek(0, os.SEEK_END)
    except OSError as error:
        return f"it disappeared ({error.strerror or error})"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return "its index (the moov box) is missing or damaged, as in a file that was cut off"
    if head[:4] == b"\x1aE\xdf\xa3" or head[:4] in (b"RIFF", b"OggS", b"fLaC"):
        return f"its header is damaged or cut off ({size} bytes)"
    return "it is damaged, cut off, or not a media file"
