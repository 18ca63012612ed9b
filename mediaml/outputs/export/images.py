"""What data sets of images have in common: frames as images with names, detections, and classes."""

from __future__ import annotations

import heapq
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

from mediaml.core.errors import OutputError
from mediaml.core.location import Url
from mediaml.core.media import Kind
from mediaml.core.prediction import Detection
from mediaml.core.work import FrameResult
from mediaml.ledger.result_rows import ModelRow, SourceRow
from mediaml.ledger.results import Results
from mediaml.outputs.export.options import MediaChoice

_BOXLESS = frozenset({"classify", "embed", "transform"})


@dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """An image, or one frame of a video, with what the models detected in it.

    Attributes:
        source: the file.
        frame: its number in the source, from 0; `None` for an image.
        name: a relative path of its own, `/` between its parts: `a/b.jpg`, or `a/c.mp4/000012.jpg`.
        width, height: pixels as displayed.
        detections: of all models, one after another.
    """

    source: SourceRow
    frame: int | None
    name: str
    width: int
    height: int
    detections: tuple[Detection, ...]

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return str(PurePosixPath(self.name).with_suffix(""))


class Names:
    """Names whose stems differ, for layouts that know a file by its stem: `a.jpg`, and `a~2.png`."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, wanted: str) -> str:
        """`wanted`, or with a number before its suffix where its stem is taken, letter case aside."""
        path, number, candidate = PurePosixPath(wanted), 1, PurePosixPath(wanted)
        while (key := str(candidate.with_suffix("")).casefold()) in self._taken:
            number += 1
            candidate = path.with_name(f"{path.stem}~{number}{path.suffix}")
        self._taken.add(key)
        return str(candidate)


def detectors(results: Results, name: str) -> list[ModelRow]:
    """The models that find boxes in single frames.

    Args:
        name: of the format that asks.

    Raises:
        OutputError: there are none.
    """
    tasks = [row for row in results.models() if row.clip_frames is None]
    found = [row for row in tasks if row.identity.task not in _BOXLESS]
    if not found:
        raise OutputError(
            f"{results.folder} holds no detections, and {name} is a format of boxes.",
            "csv and parquet take labels; vtt, srt, audacity and raven take labels over time.",
        )
    return found


def class_names(results: Results, models: Sequence[ModelRow]) -> list[str]:
    """The classes of all models, each name once: those of the first model in its order, then new ones."""
    return list(dict.fromkeys(name for row in models for name in results.classes(row)))


def annotated_images(results: Results, models: Sequence[ModelRow]) -> Iterator[AnnotatedImage]:
    """Every image and video frame that one of the models has looked at, by source and frame.

    Frames in which nothing was found are among them. Memory is that of one frame of each model.
    """
    names = Names()
    for source in results.sources():
        info = source.info
        if source.kind in (None, Kind.AUDIO) or info is None or info.width is None or info.height is None:
            continue
        name = names.of(source.name) if source.kind is Kind.IMAGE else source.name
        for frame, detections in _frames(results, source, models):
            is_image = source.kind is Kind.IMAGE
            yield AnnotatedImage(
                source,
                None if is_image else frame,
                name if is_image else f"{name}/{frame:06d}.jpg",
                info.width,
                info.height,
                detections,
            )


def _frames(
    results: Results, source: SourceRow, models: Sequence[ModelRow]
) -> Iterator[tuple[int, tuple[Detection, ...]]]:
    def number(result: FrameResult) -> int:
        return result.frame

    streams = [results.frames(model, source) for model in models]
    for frame, found in groupby(heapq.merge(*streams, key=number), number):
        yield frame, tuple(one for result in found for one in result.prediction.detections)


def place_media(image: AnnotatedImage, target: Path, choice: MediaChoice) -> None:
    """Link or copy an image into a data set; frames of videos have no file, and are left to the user.

    Raises:
        OutputError: it cannot be linked or copied.
    """
    file = image.source.path
    if choice == "none" or image.frame is not None or isinstance(file, Url):
        return
    if not file.exists():
        raise OutputError(f"{file} is gone, so it cannot be put into the data set.", "Add --media none.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if choice == "link":
        target.symlink_to(file)
    else:
        shutil.copyfile(file, target)


def polygon_area(outline: Sequence[Sequence[tuple[float, float]]]) -> float:
    """Area of polygons, square pixels, by the shoelace formula; overlaps count twice."""
    total = 0.0
    for ring in outline:
        turned = (*ring[1:], ring[0])
        total += abs(sum(x * v - u * y for (x, y), (u, v) in zip(ring, turned, strict=True))) / 2
    return total
