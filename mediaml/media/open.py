"""The one place where a container is opened: local files only, one file each, errors in plain words."""

from __future__ import annotations

from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mediaml.errors import MediaError
from mediaml.media.limits import Limits

# Demuxers that read a single file of sound or moving pictures. What is not named here is refused: playlists
# (concat, hls, dash, sdp, ...), which make FFmpeg open other files and hosts, devices, raw data that
# anything can pose as, subtitles, and pictures, which the image reader reads.
DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,au,av1,avi,caf,dirac,dnxhd,dts,dtshd,dv,eac3,flac,flv,gxf,h263,h264,hevc,ivf,loas,"
    "m4v,matroska,mjpeg,mov,mp3,mpc,mpc8,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,swf,tak,truehd,tta,vc1,voc,vvc,"
    "w64,wav,webm,wtv,wv,yuv4mpegpipe"
)
NEXT_STEP = "Check that it plays elsewhere; `ffmpeg -i IN -c copy OUT` mends many containers."


def open_container(path: Path, limits: Limits) -> InputContainer:
    """Open a local video or sound file; the caller closes the container.

    No protocol but `file` is allowed and no demuxer that reads other files than the one that was named.
    PyAV's own default keeps FFmpeg's log silent, so no callback into Python runs in a decoder's thread.

    Raises:
        MediaError: the file is missing, empty, unreadable or no media; `LimitError` for too many streams
            or too long a duration.
    """
    check_file(path)
    options = {"protocol_whitelist": "file", "format_whitelist": DEMUXERS}
    if limits.pixels is not None:
        options["max_pixels"] = str(limits.pixels)
    try:
        # The prefix keeps FFmpeg from reading a protocol into a name such as `http:x.mp4`.
        container = av.open(f"file:{path}", mode="r", options=options, metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise translated(error, path, "opened") from error
    try:
        limits.check_streams(path, len(container.streams))
        limits.check_duration(path, container_duration_s(container))
    except MediaError:
        container.close()
        raise
    return container


def check_file(path: Path) -> int:
    """The size in bytes of a regular, non-empty file.

    Raises:
        MediaError: there is none.
    """
    try:
        if not path.exists():
            raise MediaError(f"{path} does not exist.", "Check the name.")
        if not path.is_file():
            raise MediaError(f"{path} is not a regular file.", "Name a file.")
        size = path.stat().st_size
    except OSError as error:
        raise translated(error, path, "opened") from error
    if size == 0:
        raise MediaError(f"{path} is empty.", "Copy it again from where it came.")
    return size


def container_duration_s(container: InputContainer) -> float | None:
    """Seconds that the header claims for the whole file; `None` where it does not say."""
    duration = container.duration
    return None if duration is None or duration <= 0 else duration / av.time_base


def video_stream(container: InputContainer) -> VideoStream | None:
    """The video that is read: the first stream that is no cover art or thumbnail; `None` without one."""
    for stream in container.streams.video:
        if not stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails):
            return stream
    return None


def audio_stream(container: InputContainer) -> AudioStream | None:
    """The sound that is read: the first audio stream; `None` without one."""
    return container.streams.audio[0] if container.streams.audio else None


def translated(error: Exception, path: Path, doing: str) -> MediaError:
    """What FFmpeg or the system said of a file, in plain words.

    Args:
        error: what was raised.
        path: the file.
        doing: the participle of what was tried, such as `opened`.
    """
    if isinstance(error, av.error.InvalidDataError | av.error.EOFError):
        return MediaError(f"{path} cannot be {doing}: {_what_is_broken(path)}.", NEXT_STEP)
    if isinstance(error, av.error.ArgumentError):
        return MediaError(
            f"{path} cannot be {doing}: it is no picture, video or sound in a format that is read here.",
            "Check what the file is; convert it, to MP4 for instance.",
        )
    if isinstance(error, av.error.DecoderNotFoundError):
        return MediaError(f"{path} cannot be {doing}: no decoder for its codec.", "Convert it to MP4.")
    if isinstance(error, PermissionError):
        return MediaError(
            f"{path} cannot be {doing}: permission denied.", "Give yourself the right to read it."
        )
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return MediaError(f"{path} cannot be {doing}: {reason}.", "Check the disk or the network drive.")


def no_decoder(path: Path, stream: VideoStream | AudioStream) -> MediaError:
    """The error for a stream whose codec this build of FFmpeg does not know."""
    tag = stream.codec_tag if getattr(stream, "codec_tag", None) else "unknown"
    return MediaError(
        f"{path}: no decoder for the codec of its {stream.type} stream (tag {tag}).",
        "Convert it, to H.264 in MP4 for instance, with a program that knows the codec.",
    )


def _what_is_broken(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return "its index (the moov box) is missing or damaged, as in a file that was cut off"
    if head[:4] == b"\x1aE\xdf\xa3" or head[:4] in (b"RIFF", b"OggS", b"fLaC"):
        return f"its header is damaged or cut off ({path.stat().st_size} bytes)"
    return "it is damaged, cut off, or no media file"
