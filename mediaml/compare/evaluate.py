"""Detections measured against a ground truth: AP as COCO defines it, and what the chosen threshold means."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mediaml.compare.diff import corners_of
from mediaml.compare.truth import Annotation, MatchedTruth, match_classes
from mediaml.core.arrays import Float32Array
from mediaml.core.errors import UsageError
from mediaml.core.prediction import Detection
from mediaml.core.view import View
from mediaml.ledger.result_rows import ModelRow
from mediaml.ledger.results import Results
from mediaml.ops.matching import match_boxes

BACKGROUND = "background"
"""Row of boxes where there is no object, and column of objects without a box."""

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well one class is found.

    Attributes:
        objects: in the truth, crowds left out.
        ap50, ap: average precision at IoU .50, and mean over .50 to .95 (COCO).
        precision, recall: at the threshold of the view; `None` where there is no box, or no object.
    """

    objects: int
    ap50: float
    ap: float
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of `evaluate`.

    Attributes:
        model: its name. images: annotated images with results. missing: those without.
        objects: in those images, crowds left out.
        ap50, ap: mean over the classes of the truth, see `ClassScore`.
        precision, recall, min_score: over all classes at the threshold of the view, and that threshold.
        classes: by name, the most frequent in the truth first.
        unknown: classes of the truth that the model does not have; they count as never found.
        curve: precision at recall 0, .01, … 1 and IoU .50, mean over the classes.
        confusion: counts by name of the truth and name of the box; see `confusion_counts`.
    """

    model: str
    images: int
    missing: tuple[str, ...]
    objects: int
    ap50: float
    ap: float
    precision: float | None
    recall: float | None
    min_score: float
    classes: dict[str, ClassScore]
    unknown: tuple[str, ...]
    curve: list[float] = field(repr=False)
    confusion: dict[str, dict[str, int]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AveragePrecision:
    """AP at IoU .50 and over .50:.05:.95 (COCO), mean over the classes that the truth holds.

    Attributes:
        ap50, ap: the means. per_class: both of each class, by its id.
        precision: [101], mean over classes at IoU .50, at recall 0, .01 … 1.
    """

    ap50: float
    ap: float
    per_class: Mapping[int, tuple[float, float]]
    precision: list[float]


def average_precision(truth: Mapping[str, Any], boxes: Sequence[Record]) -> AveragePrecision:
    """Measure boxes with pycocotools.

    Args:
        truth: a data set in COCO's format. boxes: results in COCO's format: image_id, category_id, bbox, score.

    Raises:
        UsageError: pycocotools is not installed.
    """
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise UsageError(
            "AP is measured by pycocotools, which is not installed.",
            "Install it with: pip install 'mediaml[evaluate]'",
        ) from error
    held = sorted({int(one["category_id"]) for one in truth["annotations"] if not one.get("iscrowd")})
    if not boxes or not held:
        return AveragePrecision(0.0, 0.0, dict.fromkeys(held, (0.0, 0.0)), [0.0] * 101)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        known = COCO()
        known.dataset = dict(truth)
        known.createIndex()
        # loadRes writes into what it is given.
        run = COCOeval(known, known.loadRes([dict(box) for box in boxes]), "bbox")
        run.evaluate()
        run.accumulate()
    # [IoU thresholds, recalls, classes], all areas, at most 100 boxes of an image.
    precision = run.eval["precision"][:, :, :, 0, -1]
    places = {int(kind): place for place, kind in enumerate(run.params.catIds)}
    columns = [places[kind] for kind in held]
    return AveragePrecision(
        float(precision[0][:, columns].mean()),
        float(precision[:, :, columns].mean()),
        {
            kind: (float(precision[0, :, column].mean()), float(precision[:, :, column].mean()))
            for kind, column in zip(held, columns, strict=True)
        },
        precision[0][:, columns].mean(axis=1).tolist(),
    )


def evaluate(results: Results, model: ModelRow, matched: MatchedTruth, *, min_iou: float = 0.5) -> Evaluation:
    """Measure the detections of a model in the annotated images.

    AP ranks all that is kept, down to the floor of the model; precision, recall and the confusion matrix are
    those of the view.

    Args:
        min_iou: least overlap of a box and an object that count as a match, for all but AP.

    Raises:
        UsageError: model and truth have no class in common, or pycocotools is not installed.
    """
    classes = match_classes(matched.truth, results.classes(model), model.name)
    boxes: list[Record] = []
    tally = _Tally(matched, min_iou)
    view = View(classes=model.view.classes)
    annotated = {source for source, _ in matched.images}
    for source in (row for row in results.sources() if row.id in annotated):
        for frame in results.frames(model, source, view):
            image = matched.images.get((source.id, frame.frame))
            if image is None:
                continue
            found = frame.prediction.detections
            boxes += [_record(image, one, classes[one.label.name]) for one in found if one.label.name in classes]
            shown = [one for one in found if one.label.score >= model.view.min_score]
            tally.add(image, shown[: model.view.max_detections])
    truth = _coco(matched)
    measured = average_precision(truth, boxes)
    return tally.evaluation(model, measured, set(classes.values()))


def _record(image: int, found: Detection, category: int) -> Record:
    left, top, right, bottom = found.box.corners
    bbox = [left, top, right - left, bottom - top]
    return {"image_id": image, "category_id": category, "bbox": bbox, "score": found.label.score}


def _coco(matched: MatchedTruth) -> Record:
    """The part of the truth that is about images with results, as pycocotools takes it."""
    ids = set(matched.images.values())
    return {
        "images": [{"id": one.id} for one in matched.truth.images if one.id in ids],
        "categories": [{"id": one.id, "name": one.name} for one in matched.truth.categories],
        "annotations": [
            {
                "id": number,
                "image_id": one.image_id,
                "category_id": one.category_id,
                "bbox": list(one.bbox),
                "area": one.bbox[2] * one.bbox[3],
                "iscrowd": one.iscrowd,
            }
            for number, one in enumerate(matched.truth.annotations, 1)
            if one.image_id in ids
        ],
    }


class _Tally:
    """Counts the boxes of a view against the truth, image by image."""

    def __init__(self, matched: MatchedTruth, min_iou: float) -> None:
        self._matched = matched
        self._min_iou = min_iou
        self._names = matched.names
        self._folded = {name.casefold(): name for name in self._names.values()}
        self._confusion: Counter[tuple[str, str]] = Counter()
        self._hits: Counter[str] = Counter()
        self._boxes: Counter[str] = Counter()

    def add(self, image: int, found: Sequence[Detection]) -> None:
        """Count the boxes of one image."""
        all_ = self._matched.annotations.get(image, [])
        objects = [one for one in all_ if not one.iscrowd]
        named = [self._named(one) for one in found]
        # A box over a crowd is neither right nor wrong, as in COCO's evaluation.
        crowds = [one for one in all_ if one.iscrowd]
        hits, free = _hits(found, named, objects, self._names, self._min_iou)
        ignored = _over_crowds(found, named, crowds, self._names, self._min_iou) & free
        self._hits.update(self._names[objects[row].category_id] for row in hits)
        self._boxes.update(name for place, name in enumerate(named) if place not in ignored)
        kept = [place for place in range(len(found)) if place not in ignored]
        self._confusion += confusion_counts(
            [self._names[one.category_id] for one in objects],
            _corners(objects),
            [named[place] for place in kept],
            corners_of(found[place] for place in kept),
            self._min_iou,
        )

    def evaluation(self, model: ModelRow, measured: AveragePrecision, known: set[int]) -> Evaluation:
        """The measures, when all images are counted."""
        matched, names = self._matched, self._names
        ids = set(matched.images.values())
        objects = Counter(
            names[one.category_id]
            for one in matched.truth.annotations
            if one.image_id in ids and not one.iscrowd
        )
        by_name = {names[kind]: values for kind, values in measured.per_class.items()}
        classes = {
            name: ClassScore(
                number,
                *by_name.get(name, (0.0, 0.0)),
                _ratio(self._hits[name], self._boxes[name]),
                _ratio(self._hits[name], number),
            )
            for name, number in objects.most_common()
        }
        confusion: dict[str, dict[str, int]] = {}
        for (truth, box), number in sorted(self._confusion.items()):
            confusion.setdefault(truth, {})[box] = number
        return Evaluation(
            model.name,
            len(ids),
            matched.missing,
            objects.total(),
            measured.ap50,
            measured.ap,
            _ratio(self._hits.total(), self._boxes.total()),
            _ratio(self._hits.total(), objects.total()),
            model.view.min_score,
            classes,
            tuple(sorted(names[kind] for kind in measured.per_class if kind not in known)),
            measured.precision,
            confusion,
        )

    def _named(self, found: Detection) -> str:
        """The name of a box's class as the truth spells it."""
        return self._folded.get(found.label.name.casefold(), found.label.name)


def confusion_counts(
    truths: Sequence[str],
    objects: Float32Array,
    names: Sequence[str],
    boxes: Float32Array,
    min_iou: float,
) -> Counter[tuple[str, str]]:
    """Count (class of the object, class of the box) over one image.

    Boxes and objects are matched one to one by their overlap, whatever their classes. An object without a box
    counts as (class, background), a box without an object as (background, class).

    Args:
        truths, objects: class and corners [N, 4] of each object. names, boxes: the same of each box.
    """
    matching = match_boxes(objects, boxes, min_iou)
    counts: Counter[tuple[str, str]] = Counter()
    for row, column in zip(matching.left.tolist(), matching.right.tolist(), strict=True):
        counts[truths[row], names[column]] += 1
    for row in matching.only_left.tolist():
        counts[truths[row], BACKGROUND] += 1
    for column in matching.only_right.tolist():
        counts[BACKGROUND, names[column]] += 1
    return counts


def _hits(
    found: Sequence[Detection],
    named: Sequence[str],
    objects: Sequence[Annotation],
    names: Mapping[int, str],
    min_iou: float,
) -> tuple[list[int], set[int]]:
    """Objects that have a box of their class, and the places of the boxes without an object."""
    numbers = {name: place for place, name in enumerate({*named, *names.values()})}
    classes = (
        np.asarray([numbers[names[one.category_id]] for one in objects], np.int64),
        np.asarray([numbers[name] for name in named], np.int64),
    )
    matching = match_boxes(_corners(objects), corners_of(found), min_iou, classes)
    return matching.left.tolist(), set(matching.only_right.tolist())


def _over_crowds(
    found: Sequence[Detection],
    named: Sequence[str],
    crowds: Sequence[Annotation],
    names: Mapping[int, str],
    min_iou: float,
) -> set[int]:
    """Places of boxes of which a crowd of their class covers that part; COCO's overlap with a crowd."""
    over: set[int] = set()
    for crowd in crowds:
        left, top, right, bottom = crowd.corners
        for place, one in enumerate(found):
            box = one.box
            width = min(right, box.right) - max(left, box.left)
            height = min(bottom, box.bottom) - max(top, box.top)
            own = (box.right - box.left) * (box.bottom - box.top)
            if named[place] == names[crowd.category_id] and width > 0 and height > 0:
                if width * height >= min_iou * own:
                    over.add(place)
    return over


def _corners(objects: Sequence[Annotation]) -> Float32Array:
    return np.asarray([one.corners for one in objects], np.float32).reshape(-1, 4)


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
