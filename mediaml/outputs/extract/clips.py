"""Clips of the moments in which something was found."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mediaml.core.media import Kind
from mediaml.ledger.result_rows import SourceRow
from mediaml.media.limits import Limits
from mediaml.outputs.extract.collection import Collection
from mediaml.outputs.extract.findings import Finding, parts


def write_clips(
    source: SourceRow,
    found: Sequence[Finding],
    into: Collection,
    limits: Limits,
    *,
    padding_s: float,
    exact: bool,
) -> None:
    """Write every moment as a file: `SOURCE/START-END.mp4`, in seconds of the source.

    Args:
        padding_s: seconds before and after each moment. exact: encode, and begin at that very frame.

    Raises:
        MediaError: the source cannot be read, or a file cannot be written.
    """
    from mediaml.media.write.clip import clip_suffix, copy_clip, encode_clip

    has_video = source.kind is Kind.VIDEO
    suffix = clip_suffix(source.file, has_video=has_video, exact=exact)
    cut = encode_clip if exact and has_video else copy_clip
    length_s = (source.info.duration_s if source.info else None) or math.inf
    for part in parts(found, padding_s, length_s):
        name = f"{source.name}/{part.start_s:08.2f}-{part.end_s:08.2f}{suffix}"
        clip = cut(source.file, into.folder / name, part.start_s, part.end_s, limits=limits)
        into.add(name, source=source.shown, start_s=clip.start_s, end_s=clip.end_s, labels=part.labels)
