"""Whether a video or audio file ends before the end that it states itself."""

from __future__ import annotations

from collections.abc import Callable

from mediaml.core.errors import MediaError
from mediaml.core.location import Location, is_stream
from mediaml.media import last_unit, matroska_size, raw_frames, stated_size
from mediaml.media.file_bytes import FileBytes
from mediaml.media.files import check_file, open_binary, unreadable

# FFmpeg goes on to a second segment, and no further.
MOST_PARTS = 2
# What a header may round off.
SLACK_S = 0.05
# A pad byte or two, which some writers count and do not write.
SLACK_BYTES = 16

HEADERS: dict[str, Callable[[FileBytes], int | None]] = {
    "aiff": stated_size.aiff,
    "asf": stated_size.asf,
    "au": stated_size.au,
    "avi": stated_size.avi,
    "caf": stated_size.caf,
    "matroska": matroska_size.last_end,
    "mov": stated_size.mp4,
    "mp3": stated_size.mp3,
    "mxf": stated_size.mxf,
    "swf": stated_size.swf,
    "w64": stated_size.w64,
    "wav": stated_size.wav,
}
"""By FFmpeg's demuxer: where a file must end by its headers."""

UNITS: dict[str, Callable[[FileBytes], int | None]] = {
    "dirac": raw_frames.dirac,
    "dts": raw_frames.dts,
    "dv": last_unit.dv,
    "flv": last_unit.flv,
    "ivf": last_unit.ivf,
    "mpeg": last_unit.mpeg_ps,
    "mpegts": last_unit.mpeg_ts,
    "ogg": last_unit.ogg,
    "truehd": raw_frames.truehd,
    "voc": last_unit.voc,
    "yuv4mpegpipe": last_unit.y4m,
}
"""By FFmpeg's demuxer: where the last unit of a file must end. Of other raw streams nothing tells."""

COUNTED = frozenset({"ape", "flac", "mpc", "mpc8", "tak", "tta", "wv"})
"""Demuxers of one stream whose header states its length in samples or frames, never a guess of FFmpeg."""


def required_size(path: Location, container: str) -> int | None:
    """Bytes that a file must have by its own structure; `None` where that does not say.

    Args:
        path: the file.
        container: FFmpeg's names of its demuxer, separated by commas.

    Raises:
        OSError: the file cannot be read.
    """
    end = (HEADERS | UNITS).get(container.partition(",")[0])
    if end is None:
        return None
    with open_binary(path) as file:
        return end(FileBytes(file))


def check_parts(path: Location) -> None:
    """Refuse a file of more Matroska files joined byte by byte than FFmpeg reads.

    Raises:
        MediaError: there are more than `MOST_PARTS`.
    """
    if is_stream(path):
        return
    with open_binary(path) as opened:
        parts = len(matroska_size.parts(FileBytes(opened)))
    if parts > MOST_PARTS:
        raise MediaError(
            f"{path} is {parts} Matroska files joined byte by byte; only the first {MOST_PARTS} can be read.",
            "Join the files with mkvmerge, or pass them one by one.",
        )


def check_whole(
    path: Location,
    claimed_s: float | None,
    end_s: float,
    *,
    container: str,
    missing: int,
    fewer: bool = False,
) -> None:
    """Refuse a file whose end is missing.

    Args:
        path: the file.
        claimed_s: seconds that the header claims for the stream.
        end_s: where the last frame ended.
        container: FFmpeg's names of the demuxer, separated by commas.
        missing: packets that stand in the file's index but did not come.
        fewer: whether fewer frames came than the header claims.

    Raises:
        MediaError: packets of the index are missing; or the file is smaller than its structure says, or its
            stream shorter than its header says, where that is evidence enough.
    """
    shorter = fewer or (claimed_s is not None and end_s < claimed_s - SLACK_S)
    if not missing:
        if is_stream(path):
            return
        try:
            if not _is_cut(path, container.partition(",")[0], shorter=shorter):
                return
        except OSError as error:
            raise MediaError(f"{path} can no longer be read: {error.strerror}.", "Check the disk.") from error
    of = f" of {claimed_s:.1f} s" if claimed_s is not None and claimed_s > end_s + SLACK_S else ""
    raise MediaError(
        f"{path} is cut off: it ends after {end_s:.1f} s{of}.",
        "Copy it again from its source; to process what is there, remux it first.",
    )


def is_cut(path: Location, container: str) -> bool:
    """Whether a file is smaller than its own structure says, so that a stream may be missing altogether."""
    try:
        return not is_stream(path) and _is_cut(path, container.partition(",")[0], shorter=True)
    except OSError:
        return False


def noted(path: Location, container: str) -> tuple[str, ...]:
    """What leaves open whether a file that has come to its end is whole, one sentence each.

    Raises:
        MediaError: it can no longer be read.
    """
    if is_stream(path) or container != "ogg":
        return ()
    try:
        if not _loses(path, last_unit.lacks_ogg_end):
            return ()
    except OSError as error:
        raise unreadable(error, path, "read") from error
    return ("its last page is not marked as the end: it was cut off, or recorded from a broadcast",)


def _is_cut(path: Location, demuxer: str, *, shorter: bool) -> bool:
    """Whether size and length together say that the end of a file is missing.

    Args:
        demuxer: FFmpeg's first name of it.
        shorter: whether less came than the header claims.
    """
    size = required_size(path, demuxer)
    slack = 0 if demuxer in UNITS else SLACK_BYTES
    smaller = size is not None and check_file(path) + slack < size
    if demuxer in COUNTED:
        return smaller or shorter
    if demuxer == "mp3":
        # Some writers count tags as well, some count nothing but frames; without a header FFmpeg's
        # duration is a guess from the bit rate.
        return (shorter and size is not None and (smaller or size == 0)) or _loses(path, _cuts_layer_2)
    if demuxer == "flv" and shorter and not smaller:
        return _loses(path, _lacks_tags)
    if smaller and demuxer in PARTLY:
        # Only an index, tags or what another stream needs may be missing.
        return shorter or _loses(path, PARTLY[demuxer])
    return smaller


def _loses(path: Location, test: Callable[[FileBytes], bool]) -> bool:
    with open_binary(path) as file:
        return test(FileBytes(file))


def _cuts_layer_2(file: FileBytes) -> bool:
    return (raw_frames.layer_2(file) or 0) > file.size


def _lacks_tags(file: FileBytes) -> bool:
    """Whether a FLV whose last tag is whole states that more follow."""
    return (stated_size.flv(file) or 0) > file.size + SLACK_BYTES


def _loses_cluster(file: FileBytes) -> bool:
    end = matroska_size.last_cluster(file)
    return end is not None and file.size + SLACK_BYTES < end


PARTLY = {"matroska": _loses_cluster, "mov": stated_size.needs_all}
"""Demuxers whose files may be cut without loss to one stream, and whether some loss is certain."""
