"""Crops of detections, and frames in which something was found, as images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mediaml.core.arrays import UInt8Array
from mediaml.core.errors import MediaError
from mediaml.core.prediction import Box
from mediaml.ledger.result_rows import SourceRow
from mediaml.media.limits import Limits
from mediaml.outputs.extract.collection import Collection, part_of_name
from mediaml.outputs.extract.findings import Finding


def images_of(
    source: SourceRow, found: Sequence[Finding], limits: Limits
) -> Iterator[tuple[Finding, UInt8Array]]:
    """The frames of findings as uint8 RGB [height, width, 3], with detections in pixels of these.

    Of a clip it is the first frame that begins within it; a clip in which none does is left out.

    Raises:
        MediaError: the source cannot be read, or has no frame at a time.
    """
    from mediaml.media.frames_at import frames_at
    from mediaml.media.reader import open_reader

    assert source.kind is not None
    with open_reader(source.file, source.kind, limits=limits) as reader:
        later_s = [one.duration_s if one.is_clip else 0.0 for one in found]
        frames = frames_at(reader, [one.time_s for one in found], later_s=later_s)
        for one, frame in zip(found, frames, strict=True):
            if frame is None and one.is_clip:
                continue
            if frame is None:
                raise MediaError(f"{source.path} has no frame at {one.time_s:.3f} s any more.")
            image = frame.image
            # What is too large to be decoded whole comes smaller.
            x, y = (
                image.shape[1] / (frame.width * frame.scale[0]),
                image.shape[0] / (frame.height * frame.scale[1]),
            )
            placed = tuple(found.placed(x, y) for found in one.detections)
            yield (one if (x, y) == (1.0, 1.0) else replace(one, detections=placed)), image


def cropped(image: UInt8Array, box: Box) -> UInt8Array | None:
    """The part of an image that a box covers; `None` where that is nothing."""
    height, width = image.shape[:2]
    left, top = max(0, round(box.left)), max(0, round(box.top))
    right, bottom = min(width, round(box.right)), min(height, round(box.bottom))
    return image[top:bottom, left:right] if left < right and top < bottom else None


def _stem(one: Finding) -> str:
    """What a file is called after: clips have numbers of their own."""
    return f"{'clip-' if one.is_clip else ''}{one.frame:06}"


def write_crops(source: SourceRow, found: Sequence[Finding], into: Collection, limits: Limits) -> None:
    """Write every detection as an image: `SOURCE/FRAME-LABEL-SCORE-N.jpg`.

    Raises:
        MediaError: the source cannot be read, or a file cannot be written.
    """
    from mediaml.media.write.still import write_still

    for one, image in images_of(source, [one for one in found if one.detections], limits):
        for number, detection in enumerate(one.detections):
            crop = cropped(image, detection.box)
            if crop is None:
                continue
            label = detection.label
            name = f"{_stem(one)}-{part_of_name(label.name)}-{label.score:.2f}-{number}.jpg"
            write_still(crop, into.folder / source.name / name)
            into.add(
                f"{source.name}/{name}",
                source=source.shown,
                frame=one.frame,
                time_s=one.time_s,
                label=label.name,
                score=label.score,
                box=detection.box.corners,
                track=detection.track,
            )


def write_frames(source: SourceRow, found: Sequence[Finding], into: Collection, limits: Limits) -> None:
    """Write every frame in which something was found, as it is: `SOURCE/FRAME.jpg`.

    Raises:
        MediaError: the source cannot be read, or a file cannot be written.
    """
    from mediaml.media.write.still import write_still

    for one, image in images_of(source, found, limits):
        name = f"{source.name}/{_stem(one)}.jpg"
        write_still(image, into.folder / name)
        into.add(name, source=source.shown, frame=one.frame, time_s=one.time_s, labels=one.best())
