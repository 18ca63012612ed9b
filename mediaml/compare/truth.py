"""A ground truth in COCO's format, matched with the sources and classes of an output folder."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import msgspec

from mediaml.core.errors import UsageError
from mediaml.ledger.result_rows import SourceRow

_NAMED = 3


class Category(msgspec.Struct, frozen=True):
    """A class of the truth."""

    id: int
    name: str


class TruthImage(msgspec.Struct, frozen=True):
    """A picture that was annotated; `width` and `height` in pixels."""

    id: int
    file_name: str
    width: int
    height: int


class Annotation(msgspec.Struct, frozen=True):
    """An object: `bbox` is left, top, width, height in pixels; a crowd is not to be found one by one."""

    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    iscrowd: int = 0

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """left, top, right, bottom."""
        left, top, width, height = self.bbox
        return left, top, left + width, top + height


class Truth(msgspec.Struct, frozen=True):
    """The parts of a COCO file that are used. Source: cocodataset.org, "Data format"."""

    images: list[TruthImage]
    annotations: list[Annotation]
    categories: list[Category]


@dataclass(frozen=True, slots=True)
class MatchedTruth:
    """A truth beside the sources that it is about.

    Attributes:
        truth: the whole file.
        images: ids of the truth's images by the id of a source and the number of a frame.
        missing: file names of annotated images that the folder has no result of.
        annotations: by the id of the image.
    """

    truth: Truth
    images: dict[tuple[int, int], int]
    missing: tuple[str, ...]
    annotations: dict[int, list[Annotation]] = field(repr=False)

    @property
    def names(self) -> dict[int, str]:
        """Names of the classes by their ids."""
        return {category.id: category.name for category in self.truth.categories}


def read_truth(path: Path) -> Truth:
    """Read a COCO file.

    Raises:
        UsageError: it cannot be read, is no such file, or names a class or an image twice or not at all.
    """
    hint = "A ground truth is a JSON file in COCO's format: images, annotations, categories."
    try:
        truth = msgspec.json.decode(path.read_bytes(), type=Truth)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}.") from error
    except msgspec.MsgspecError as error:
        raise UsageError(f"{path} is no COCO ground truth: {error}", hint) from error
    images = {image.id for image in truth.images}
    categories = {category.id for category in truth.categories}
    for kind, ids, known in (
        ("image", [one.image_id for one in truth.annotations], images),
        ("category", [one.category_id for one in truth.annotations], categories),
    ):
        if unknown := set(ids) - known:
            raise UsageError(
                f"{path} has annotations of {kind} {min(unknown)}, which it does not list.", hint
            )
    if len(images) < len(truth.images) or len(categories) < len(truth.categories):
        raise UsageError(f"{path} lists an image or a category twice.", hint)
    return truth


def match_sources(truth: Truth, sources: Iterable[SourceRow], path: Path) -> MatchedTruth:
    """Find the source of every annotated image: by its whole path, or by the end of it.

    A frame of a video is an image `clips/a.mp4/000012.jpg`, as exports to COCO name it.

    Raises:
        UsageError: no image is among the sources, or one is there more than once.
    """
    by_name: defaultdict[str, list[SourceRow]] = defaultdict(list)
    for row in sources:
        by_name[PurePosixPath(row.shown).name].append(row)
    images: dict[tuple[int, int], int] = {}
    missing: list[str] = []
    for image in truth.images:
        found, frame = _source_of(image.file_name, by_name)
        if len(found) > 1:
            raise UsageError(
                f"{path}: {image.file_name!r} may be {found[0].shown} or {found[1].shown}.",
                "Name the one that is meant with --source.",
            )
        if found:
            images[found[0].id, frame] = image.id
        else:
            missing.append(image.file_name)
    if not images:
        raise UsageError(
            f"no image of {path} is among the results.",
            f"It has {_some([image.file_name for image in truth.images])}; run the model on those.",
        )
    annotations: defaultdict[int, list[Annotation]] = defaultdict(list)
    for one in truth.annotations:
        annotations[one.image_id].append(one)
    return MatchedTruth(truth, images, tuple(missing), annotations)


def _source_of(file_name: str, by_name: Mapping[str, list[SourceRow]]) -> tuple[list[SourceRow], int]:
    """The sources that an image may be, and its frame in them."""
    wanted = PurePosixPath(file_name.replace("\\", "/"))
    found = _ending(wanted, by_name)
    if not found and wanted.stem.isascii() and wanted.stem.isdigit():
        return _ending(wanted.parent, by_name), int(wanted.stem)
    return found, 0


def _ending(wanted: PurePosixPath, by_name: Mapping[str, list[SourceRow]]) -> list[SourceRow]:
    """Sources whose path ends as the wanted one does; else those with its file name."""
    found = by_name.get(wanted.name, [])
    exact = [row for row in found if row.shown == str(wanted)]
    ending = [row for row in found if PurePosixPath(row.shown).parts[-len(wanted.parts) :] == wanted.parts]
    return exact or ending or found


def match_classes(truth: Truth, classes: Sequence[str], model: str) -> dict[str, int]:
    """Ids of the truth's classes by the names of the model's, in any letter case.

    Raises:
        UsageError: they have no class in common.
    """
    known = {category.name.casefold(): category.id for category in truth.categories}
    common = {name: known[name.casefold()] for name in classes if name.casefold() in known}
    if not common:
        theirs = [category.name for category in truth.categories]
        raise UsageError(
            f"model {model!r} and the ground truth have no class in common.",
            f"The truth has {_some(theirs)}; the model {_some(classes)}.",
        )
    return common


def _some(names: Sequence[str]) -> str:
    return ", ".join([*names[:_NAMED], *(["…"] if len(names) > _NAMED else [])]) or "none"
