"""Two sets of predictions for the same frames: what both found, what one did, where they differ most."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from mediaml.compare.frames import paired_frames
from mediaml.compare.sides import Side, SourcePairs, pair_sources
from mediaml.core.arrays import Float32Array
from mediaml.core.prediction import Detection, Prediction
from mediaml.core.work import FrameResult
from mediaml.ops.matching import Matching, match_boxes

MOST_SCORES = 5_000
"""Pairs of scores that are kept for a scatter plot: a uniform sample, the same in every run."""
_SEED = 20


@dataclass(slots=True)
class ClassDiff:
    """The counts of one class.

    Attributes:
        left, right: labels or boxes of each side. matched: those with a partner on the other side.
        iou: mean overlap of the matched boxes; `None` where there are no boxes.
        score_difference: mean of right less left over what is matched.
    """

    left: int = 0
    right: int = 0
    matched: int = 0
    iou: float | None = None
    score_difference: float = 0.0

    @property
    def only_left(self) -> int:
        """Without a partner on the right."""
        return self.left - self.matched

    @property
    def only_right(self) -> int:
        """Without a partner on the left."""
        return self.right - self.matched

    def add_pair(self, scores: tuple[float, float], iou: float | None = None) -> None:
        """Count one match into the means."""
        self.matched += 1
        self.score_difference += (scores[1] - scores[0] - self.score_difference) / self.matched
        if iou is not None:
            self.iou = iou if self.iou is None else self.iou + (iou - self.iou) / self.matched


@dataclass(frozen=True, slots=True)
class FrameDiff:
    """A frame on which the two sides differ.

    Attributes:
        source, source_id: its path as it was named, and its id in the left folder.
        frame: its number on the left.
        time_s: seconds. difference: labels and boxes that have no partner, plus the mean difference of the
            scores of those that have, 0..1.
        left, right: what was found.
    """

    source: str
    source_id: int
    frame: int
    time_s: float
    difference: float
    left: Prediction
    right: Prediction


@dataclass(slots=True)
class ModelDiff:
    """The comparison of one model with another, or with itself in another run.

    Attributes:
        left, right: names of the models. frames: frames that both answered.
        same_frames: those without any difference in what is shown of them.
        frames_only_left, frames_only_right: frames that one side alone answered.
        top_label_agrees: of frames with labels on both sides, those whose first labels have one name.
        labelled: frames with labels on both sides.
        cosine: mean and least cosine similarity of the embeddings of a frame; `None` without embeddings.
        classes: counts by class, the most frequent first.
        scores: a sample of (class, left, right) over what is matched.
        most_different: the frames that differ most, those first.
    """

    left: str
    right: str
    frames: int = 0
    same_frames: int = 0
    frames_only_left: int = 0
    frames_only_right: int = 0
    labelled: int = 0
    top_label_agrees: int = 0
    cosine: tuple[float, float] | None = None
    classes: dict[str, ClassDiff] = field(default_factory=dict)
    scores: list[tuple[str, float, float]] = field(default_factory=list)
    most_different: list[FrameDiff] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FolderDiff:
    """The comparison of two output folders.

    Attributes:
        sources: which both have. models: one comparison per pair of models.
        failed_left, failed_right: sources that failed on one side alone, with the reason's first line.
    """

    sources: SourcePairs
    models: tuple[ModelDiff, ...]
    failed_left: tuple[tuple[str, str], ...]
    failed_right: tuple[tuple[str, str], ...]


def diff_results(sides: Sequence[tuple[Side, Side]], *, min_iou: float = 0.5, top: int = 20) -> FolderDiff:
    """Compare pairs of models of two folders, or of one.

    Args:
        sides: at least one pair, of the same two folders.
        min_iou: least overlap of two boxes of one class that count as one object.
        top: number of frames named among those that differ most.

    Raises:
        OutputError: the folders have no source in common, or a ledger is damaged.
    """
    left, right = sides[0][0].results, sides[0][1].results
    sources = pair_sources(left, right)
    models = tuple(_model_diff(pair, sources, min_iou, top) for pair in sides)
    failed = [
        {row.source.shown: row.failure.message.splitlines()[0] for row in results.failures()}
        for results in (left, right)
    ]
    only = [
        tuple((shown, why) for shown, why in ours.items() if shown not in theirs)
        for ours, theirs in (failed, reversed(failed))
    ]
    return FolderDiff(sources, models, *only)


def _model_diff(pair: tuple[Side, Side], sources: SourcePairs, min_iou: float, top: int) -> ModelDiff:
    left, right = pair
    tally = _Tally(ModelDiff(left.model.name, right.model.name), min_iou, top)
    for ours, theirs in sources.both:
        for one, other in paired_frames(left.frames(ours), right.frames(theirs)):
            tally.add(ours.id, one, other)
    return tally.finished()


class _Tally:
    """Counts frames into a `ModelDiff`."""

    def __init__(self, diff: ModelDiff, min_iou: float, top: int) -> None:
        self._diff = diff
        self._min_iou = min_iou
        self._top = top
        self._worst: list[tuple[float, int, FrameDiff]] = []
        self._cosines, self._cosine_sum, self._least_cosine = 0, 0.0, 1.0
        self._matched = 0
        self._random = random.Random(_SEED)

    def add(self, source: int, one: FrameResult | None, other: FrameResult | None) -> None:
        """Count one frame of one side or of both; `source` is its id on the left."""
        diff = self._diff
        if one is None or other is None:
            diff.frames_only_left += other is None
            diff.frames_only_right += one is None
            return
        diff.frames += 1
        difference = self._labels(one.prediction, other.prediction)
        difference += self._detections(one.prediction.detections, other.prediction.detections)
        self._embeddings(one.prediction, other.prediction)
        if not difference:
            diff.same_frames += 1
            return
        found = FrameDiff(
            one.source,
            source,
            one.frame,
            one.time_s,
            difference,
            _shown(one.prediction),
            _shown(other.prediction),
        )
        # The number of the frame breaks ties: of equal ones the first is kept.
        heapq.heappush(self._worst, (difference, -diff.frames, found))
        if len(self._worst) > self._top:
            heapq.heappop(self._worst)

    def finished(self) -> ModelDiff:
        """The comparison, when all frames are counted."""
        diff = self._diff
        diff.most_different = [found for *_, found in sorted(self._worst, key=lambda item: item[:2])[::-1]]
        diff.classes = dict(
            sorted(diff.classes.items(), key=lambda item: (-item[1].left - item[1].right, item[0]))
        )
        if self._cosines:
            diff.cosine = (self._cosine_sum / self._cosines, self._least_cosine)
        return diff

    def _labels(self, one: Prediction, other: Prediction) -> float:
        diff = self._diff
        ours = {label.name: label.score for label in one.labels}
        theirs = {label.name: label.score for label in other.labels}
        for name in ours:
            self._class(name).left += 1
        for name in theirs:
            self._class(name).right += 1
        both = ours.keys() & theirs.keys()
        for name in sorted(both):
            self._match(name, (ours[name], theirs[name]))
        if ours and theirs:
            diff.labelled += 1
            diff.top_label_agrees += one.labels[0].name == other.labels[0].name
        alone = len(ours.keys() ^ theirs.keys())
        return alone + _mean([abs(ours[name] - theirs[name]) for name in both])

    def _detections(self, ours: Sequence[Detection], theirs: Sequence[Detection]) -> float:
        for found in ours:
            self._class(found.label.name).left += 1
        for found in theirs:
            self._class(found.label.name).right += 1
        matching = match_detections(ours, theirs, self._min_iou)
        differences = []
        for row, column, iou in _pairs(matching):
            scores = (ours[row].label.score, theirs[column].label.score)
            self._match(ours[row].label.name, scores, iou)
            # Boxes that overlap less differ, too.
            differences.append(max(abs(scores[0] - scores[1]), 1 - iou))
        return len(matching.only_left) + len(matching.only_right) + _mean(differences)

    def _embeddings(self, one: Prediction, other: Prediction) -> None:
        if one.embedding is not None and other.embedding is not None:
            similarity = _cosine(one.embedding.vector, other.embedding.vector)
            if similarity is not None:
                self._cosines += 1
                self._cosine_sum += similarity
                self._least_cosine = min(self._least_cosine, similarity)

    def _class(self, name: str) -> ClassDiff:
        return self._diff.classes.setdefault(name, ClassDiff())

    def _match(self, name: str, scores: tuple[float, float], iou: float | None = None) -> None:
        self._class(name).add_pair(scores, iou)
        self._matched += 1
        kept = self._diff.scores
        if len(kept) < MOST_SCORES:
            kept.append((name, *scores))
        elif (place := self._random.randrange(self._matched)) < MOST_SCORES:
            # Reservoir sampling, algorithm R: Vitter, "Random Sampling with a Reservoir", 1985.
            kept[place] = (name, *scores)


def match_detections(ours: Sequence[Detection], theirs: Sequence[Detection], min_iou: float) -> Matching:
    """Match detections of one class by their overlap, see `mediaml.ops.matching`."""
    names = {name: place for place, name in enumerate(dict.fromkeys(_names((*ours, *theirs))))}
    classes = [np.asarray([names[name] for name in _names(side)], np.int64) for side in (ours, theirs)]
    return match_boxes(corners_of(ours), corners_of(theirs), min_iou, (classes[0], classes[1]))


def corners_of(found: Iterable[Detection]) -> Float32Array:
    """The boxes of detections, float32 [N, 4]."""
    return np.asarray([one.box.corners for one in found], np.float32).reshape(-1, 4)


def _names(found: Iterable[Detection]) -> Iterator[str]:
    return (one.label.name for one in found)


def _pairs(matching: Matching) -> Iterator[tuple[int, int, float]]:
    return zip(matching.left.tolist(), matching.right.tolist(), matching.iou.tolist(), strict=True)


def _shown(prediction: Prediction) -> Prediction:
    """Without vectors and pictures, which are large."""
    return Prediction(prediction.labels, prediction.detections)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0


def _cosine(one: Float32Array, other: Float32Array) -> float | None:
    """Cosine similarity; `None` where the vectors are of different lengths, or one is zero."""
    if one.shape != other.shape:
        return None
    norm = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.dot(one, other)) / norm if norm > 0 else None
