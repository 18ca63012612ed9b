"""Detections measured against a ground truth: AP as COCO defines it, and what the chosen threshold means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from mediaml.compare.average_precision import AveragePrecision, Record, average_precision
from mediaml.compare.confusion import confusion_counts, corners_of_truth, hits, over_crowds
from mediaml.compare.diff import corners_of
from mediaml.compare.truth import MatchedTruth, match_classes
from mediaml.core.prediction import Detection
from mediaml.core.view import View
from mediaml.ledger.result_rows import ModelRow
from mediaml.ledger.results import Results


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
            boxes += [
                _record(image, one, classes[one.label.name]) for one in found if one.label.name in classes
            ]
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
        found_objects, free = hits(found, named, objects, self._names, self._min_iou)
        ignored = over_crowds(found, named, crowds, self._names, self._min_iou) & free
        self._hits.update(self._names[objects[row].category_id] for row in found_objects)
        self._boxes.update(name for place, name in enumerate(named) if place not in ignored)
        kept = [place for place in range(len(found)) if place not in ignored]
        self._confusion += confusion_counts(
            [self._names[one.category_id] for one in objects],
            corners_of_truth(objects),
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


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
