"""What kind of media a file is, by its content; the name plays no part."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mediaml.core.errors import MediaError
from mediaml.core.location import Location, Url, is_stream
from mediaml.core.media import Kind
from mediaml.media.files import open_binary
from mediaml.media.image.formats import sniff_image
from mediaml.media.image.jpeg import is_motion_jpeg
from mediaml.media.limits import Limits
from mediaml.media.loading import load_av

HEAD = 4096
MARKS = 64
EBML = b"\x1aE\xdf\xa3"
ASF = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"
AUDIO_MAGIC = (b"fLaC", b"ID3", b".snd", b"#!AMR", b"caff", b"wvpk", b"TTA1", b"MAC ", b"RF64", b"riff")
WAVES = ((b"RIFF", b"WAVE"), (b"FORM", b"AIFF"), (b"FORM", b"AIFC"))
Y4M = b"YUV4MPEG2 "
# Containers that hold audio, video or both: FFmpeg decides.
EITHER_MAGIC = (EBML, ASF, b"OggS", b"FLV", b"\0\0\x01\xba", b"\0\0\x01\xb3", b"DKIF", Y4M, b".RMF")
MP4_BOXES = (b"ftyp", b"moov", b"mdat")
# Words that a text may have there; the box before them is small, so that its size starts with a zero.
MP4_FILLERS = (b"wide", b"free", b"skip")
TS_PACKET = 188
TS_SYNC = 0x47
# Bytes that stand in text of any 8-bit encoding; in 4 kB of video or audio there are always others.
TEXT = bytes({7, 8, 9, 10, 12, 13, 27, *range(0x20, 0x7F), *range(0x80, 0x100)})
# First bytes of common files other than media and text, which FFmpeg need not probe.
OTHER_MAGIC = (
    b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"!<arch>\n", b"BC\xc0\xde", b"\0asm",  # programs
    b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08", b"\xfd7zXZ", b"BZh91AY", b"\x28\xb5\x2f\xfd",  # archives
    b"7z\xbc\xaf", b"%PDF-", b"\xd0\xcf\x11\xe0\xa1\xb1", b"SQLite format 3\0",  # documents
    b"\x93NUMPY", b"\x89HDF\r\n", b"PACK\0\0\0", b"DIRC\0\0\0", b"\xfftOc", b"\0\0\0\x01Bud1",  # data
    b"TZif", b"\xde\x12\x04\x95", b"\x95\x04\x12\xde", b"\0\x01\0\0\0", b"OTTO", b"wOFF", b"wOF2",  # system
)  # fmt: skip
PYTHON_CODE = b"\x0d\x0d\n"  # behind the first byte of the .pyc files of Python 3.7 and later
ICON = b"\0\0\x01\0"
# Endings that promise media: a file with such a name that is not media is reported as a failure.
# `.ts` and `.mts` are left out: they are TypeScript as often as video.
MEDIA_ENDING = re.compile(
    r"\.(jpe?g|jpe|jfif|a?png|webp|bmp|dib|ico|tiff?|gif|avif|hei[cf]|dng|nef|cr2|arw|pef"
    r"|mp4|m4v|mov|mkv|webm|avi|mpe?g|m[12]v|m2ts?|vob|flv|f4v|wmv|asf|3gp|3g2|ogv|mxf|ivf|h26[1345]|avc|hevc|y4m"
    r"|dv|gxf|nut|obu|wtv|drc|dnxhd|vc1|266|vvc"
    r"|wave?|mp[23]|flac|og[ag]|opus|m4[abr]|aac|aiff?|aifc|wma|amr|e?ac3|dts|caf|snd|au|wv|ape|tta|tak|mpc|mka|voc"
    r"|w64|rf64|thd|mlp|loas|latm)\Z",
    re.IGNORECASE,
)

# What is called so is one image, whatever is appended to it; it is not read to its end to tell its kind.
JPEG_ENDING = re.compile(r"\.(jpe?g|jpe|jfif|jif|thm)\Z", re.IGNORECASE)
# Two frames of a raw MJPEG stream fit in so many bytes.
MOTION_JPEG_BYTES = 64 << 20


def looks_like_media_name(path: Location) -> bool:
    """Whether the name of a file promises an image, video or audio.

    For a planner that meets a file in a folder: a name that promises media on a file that is not media is a
    failure to report; other files that are not media are skipped silently. `sniff_kind` does not look at
    names.
    """
    return MEDIA_ENDING.search(path.name) is not None


@dataclass(frozen=True, slots=True)
class Claim:
    """What the first bytes of a file say it is; if not `certain`, only FFmpeg can tell.

    Attributes:
        marked: they are those of a media file; else they are of none that is known, and it may be anything.
    """

    kind: Kind
    certain: bool
    marked: bool = True


def sniff_claim(path: Location) -> Claim | None:
    """What a file claims to be by its first bytes; `None` for what is certainly not media.

    Reads 4 kB, of a JPEG that is not called one its first two images, and never asks a decoder or demuxer.

    Raises:
        MediaError: the file cannot be read; an empty file is `None`.
    """
    head = _head(path)
    if not head.translate(None, TEXT) and not head.startswith(Y4M):
        return None
    image = sniff_image(head[:MARKS])
    if image is not None:
        moving = image == "jpeg" and not JPEG_ENDING.search(path.name) and _is_motion_jpeg(path)
        return Claim(Kind.VIDEO if moving else Kind.IMAGE, certain=not moving)
    if (head[:4], head[8:12]) in WAVES:
        return Claim(Kind.AUDIO, certain=True)
    if head.startswith(AUDIO_MAGIC):
        return Claim(Kind.AUDIO, certain=False)
    marked = _is_mp4(head) or head.startswith(EITHER_MAGIC) or _is_avi(head) or _is_transport_stream(head)
    if not marked and (head.startswith(OTHER_MAGIC) or head[1:4] == PYTHON_CODE or _is_icon(head)):
        return None
    return Claim(Kind.VIDEO, certain=False, marked=marked)


def sniff_kind(path: Location, limits: Limits = Limits()) -> Kind | None:  # noqa: B008
    """Whether a file is an image, a video or audio; `None` for anything else.

    Reads 4 kB; FFmpeg is asked about containers that hold audio as well as video, and about the unknown.
    A file that shows the marks of a container but cannot be opened counts as video, or audio where only that
    has such marks: opening it tells what is wrong. An animated GIF, WebP or PNG is an image; JPEG images in a
    row, in a file that is not called `.jpg`, are a video. The content of a URL is looked at in the same way.

    Raises:
        MediaError: the file cannot be read; an empty file is `None`. A URL cannot be opened, or holds none.
    """
    if is_stream(path):
        return _remote_kind(path, limits)
    claim = sniff_claim(path)
    if claim is None:
        return None
    if claim.certain:
        return claim.kind
    load_av()
    from mediaml.media.identify import identify

    found = identify(path, limits, trusted=claim.marked)
    return found or (claim.kind if claim.marked else None)


def _head(path: Location) -> bytes:
    try:
        with open_binary(path) as file:
            return file.read(HEAD)
    except OSError as error:
        raise MediaError(
            f"{path} cannot be read: {error.strerror or error}.", "Check its name and permissions."
        ) from error


def _is_motion_jpeg(path: Location) -> bool:
    with open_binary(path) as file:
        return is_motion_jpeg(file.read(MOTION_JPEG_BYTES))


def _is_mp4(head: bytes) -> bool:
    return head[4:8] in MP4_BOXES or (head[4:8] in MP4_FILLERS and head[0] == 0)


def _is_avi(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"AVI "


def _is_icon(head: bytes) -> bool:
    """An ICO file: the data of its first image begin behind the list of all. MPEG video may begin so, too."""
    count, data = int.from_bytes(head[4:6], "little"), int.from_bytes(head[18:22], "little")
    return head.startswith(ICON) and data == 6 + 16 * count


def _is_transport_stream(head: bytes) -> bool:
    """Sync bytes at the distance of MPEG-2 TS packets, plain or with 4 bytes of time code before each."""
    for first, step in ((0, TS_PACKET), (4, TS_PACKET + 4)):
        marks = head[first : first + 8 * step : step]
        if len(marks) >= 4 and set(marks) == {TS_SYNC}:
            return True
    return False


def _remote_kind(url: Url, limits: Limits) -> Kind:
    load_av()
    from mediaml.media.remote import fetched, in_pieces, over_http

    if over_http(url) and not in_pieces(url) and sniff_image(fetched(url, limits, most=MARKS)):
        return Kind.IMAGE
    from mediaml.media.identify import kind_of
    from mediaml.media.open import open_container

    # What asks for too much is refused when it is read, with the reason.
    with open_container(url, replace(limits, streams=None, duration_s=None)) as container:
        kind = kind_of(container)
    if kind is None:
        raise MediaError(f"{url} has neither video nor audio.", "Check the URL.")
    return kind
