"""What kind of media a file is, told by its content; the name plays no part."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from mediaml.core.errors import MediaError
from mediaml.core.location import Location, Url
from mediaml.core.media import Kind
from mediaml.media.image.formats import sniff_image
from mediaml.media.image.jpeg import is_motion_jpeg
from mediaml.media.limits import Limits
from mediaml.media.loading import load_av

HEAD = 64
EBML = b"\x1aE\xdf\xa3"
ASF = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"
AUDIO_MAGIC = (b"fLaC", b"ID3", b".snd", b"#!AMR", b"caff", b"wvpk", b"TTA1", b"MAC ", b"RF64", b"riff")
WAVES = ((b"RIFF", b"WAVE"), (b"FORM", b"AIFF"), (b"FORM", b"AIFC"))
# Sync words: MPEG audio and ADTS (11 or 12 set bits), AC-3, DTS.
AUDIO_SYNC = (b"\x0b\x77", b"\x7f\xfe\x80\x01")
# Containers that hold sound, moving pictures or both: asked by FFmpeg.
EITHER_MAGIC = (EBML, ASF, b"OggS", b"FLV", b"\0\0\x01\xba", b"\0\0\x01\xb3", b"DKIF", b"YUV4MPEG2", b".RMF")
MP4_BOXES = (b"ftyp", b"moov", b"mdat")
# Words that a text may have there; the box before them is small, so that its size starts with a zero.
MP4_FILLERS = (b"wide", b"free", b"skip")
ANNEX_B = (b"\0\0\0\x01", b"\0\0\x01")
TS_PACKET = 188
TS_SYNC = 0x47
# Endings that promise media: a file in a folder that breaks the promise is a failure, not a stranger.
# `.ts` and `.mts` are left out: they are TypeScript as often as video.
MEDIA_ENDING = re.compile(
    r"\.(jpe?g|jpe|jfif|a?png|webp|bmp|dib|ico|tiff?|gif|avif|hei[cf]|dng|nef|cr2|arw|pef"
    r"|mp4|m4v|mov|mkv|webm|avi|mpe?g|m2v|m2ts|vob|flv|wmv|asf|3gp|3g2|ogv|mxf|ivf|h264|h265|hevc|y4m"
    r"|wave?|mp3|flac|ogg|oga|opus|m4a|aac|aiff?|aifc|wma|amr|ac3|caf|snd|wv|ape|tta|mka)\Z",
    re.IGNORECASE,
)

# What is called so is one image, whatever is appended to it; it is not read to its end to tell its kind.
JPEG_ENDING = re.compile(r"\.(jpe?g|jpe|jfif|jif|thm)\Z", re.IGNORECASE)
# Two frames of a raw MJPEG stream fit in so many bytes.
MOTION_JPEG_BYTES = 64 << 20


def looks_like_media_name(path: Path) -> bool:
    """Whether the name of a file promises a picture, video or sound.

    For a planner that meets a file in a folder: what promises media and is none is a failure to report, what
    promises nothing and is none is left out in silence. `sniff_kind` does not look at names.
    """
    return MEDIA_ENDING.search(path.name) is not None


@dataclass(frozen=True, slots=True)
class Claim:
    """What the first bytes of a file say it is; if not `certain`, only its container's header can tell."""

    kind: Kind
    certain: bool


def sniff_claim(path: Path) -> Claim | None:
    """What a file claims to be by its first bytes; `None` for no media that is read here.

    Reads 64 bytes, of what may be a transport stream 1.5 kB, of a JPEG that is not called one its first two
    images, and never asks a decoder or demuxer.

    Raises:
        MediaError: the file cannot be read; an empty file is `None`.
    """
    head = _head(path)
    image = sniff_image(head)
    if image == "jpeg" and not JPEG_ENDING.search(path.name) and _is_motion_jpeg(path):
        return Claim(Kind.VIDEO, certain=False)
    if image is not None:
        return Claim(Kind.IMAGE, certain=True)
    if (head[:4], head[8:12]) in WAVES:
        return Claim(Kind.AUDIO, certain=True)
    if head.startswith(AUDIO_MAGIC) or head.startswith(AUDIO_SYNC) or _is_mpeg_audio(head):
        return Claim(Kind.AUDIO, certain=False)
    if _is_mp4(head) or head.startswith(EITHER_MAGIC) or _is_other_video(head, path):
        return Claim(Kind.VIDEO, certain=False)
    return None


def sniff_kind(path: Location, limits: Limits = Limits()) -> Kind | None:  # noqa: B008
    """Whether a file is an image, a video or audio; `None` for anything else.

    Reads 64 bytes; only for containers that hold sound as well as video is the header read. A file that
    shows the marks of a container but cannot be opened counts as video, or sound where only that has such
    marks: opening it tells what is wrong. An animated GIF, WebP or PNG is an image. What is behind a URL is
    looked at in the same way. JPEG images in a row, in a file that is not called `.jpg`, are a video.

    Raises:
        MediaError: the file cannot be read; an empty file is `None`. A URL cannot be opened, or holds none.
    """
    if isinstance(path, Url):
        return _remote_kind(path, limits)
    claim = sniff_claim(path)
    if claim is None:
        return None
    return claim.kind if claim.certain else _by_header(path, claim.kind, limits)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise MediaError(
            f"{path} cannot be read: {error.strerror or error}.", "Check its name and rights."
        ) from error


def _is_motion_jpeg(path: Path) -> bool:
    with path.open("rb") as file:
        return is_motion_jpeg(file.read(MOTION_JPEG_BYTES))


def _is_mp4(head: bytes) -> bool:
    return head[4:8] in MP4_BOXES or (head[4:8] in MP4_FILLERS and head[0] == 0)


def _is_mpeg_audio(head: bytes) -> bool:
    """An MPEG audio or ADTS frame header with sensible fields (ISO/IEC 11172-3, 2.4.1.3; 13818-7, 6.2)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    if head[1] & 0xF6 == 0xF0:
        return (head[2] >> 2 & 0xF) < 13
    version, layer, bitrate, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer != 0 and bitrate not in (0, 15) and rate != 3


def _is_other_video(head: bytes, path: Path) -> bool:
    if head[:4] == b"RIFF":
        return head[8:12] == b"AVI "
    if head.startswith(ANNEX_B):
        return True
    if head[:1] == bytes([TS_SYNC]) or head[4:5] == bytes([TS_SYNC]):
        return _is_transport_stream(path)
    return False


def _is_transport_stream(path: Path) -> bool:
    """Sync bytes at the distance of MPEG-2 TS packets, plain or with 4 bytes of time code before each."""
    with path.open("rb") as file:
        data = file.read(8 * (TS_PACKET + 4))
    for first, step in ((0, TS_PACKET), (4, TS_PACKET + 4)):
        marks = data[first::step]
        if len(marks) >= 4 and set(marks) == {TS_SYNC}:
            return True
    return False


def _by_header(path: Path, otherwise: Kind, limits: Limits) -> Kind:
    """What the streams of a container say; `otherwise` where it cannot be opened."""
    try:
        return _by_streams(path, limits) or otherwise
    except MediaError:
        return otherwise


def _remote_kind(url: Url, limits: Limits) -> Kind:
    load_av()
    from mediaml.media.remote import fetched, in_pieces, over_http

    if over_http(url) and not in_pieces(url) and sniff_image(fetched(url, limits, most=HEAD)):
        return Kind.IMAGE
    kind = _by_streams(url, limits)
    if kind is None:
        raise MediaError(f"{url} holds neither video nor sound.", "Check what it leads to.")
    return kind


def _by_streams(path: Location, limits: Limits) -> Kind | None:
    load_av()
    from mediaml.media.open import audio_stream, open_container, video_stream

    # What asks for too much is refused when it is read, with the reason.
    with open_container(path, replace(limits, streams=None, duration_s=None)) as container:
        if video_stream(container) is not None:
            return Kind.VIDEO
        return Kind.AUDIO if audio_stream(container) is not None else None
