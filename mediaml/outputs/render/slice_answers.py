"""What is to be drawn on the frames of one time slice, with what reaches into it from its neighbours."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from mediaml.core.errors import MediaError
from mediaml.core.prediction import Detection, Label
from mediaml.core.sampling import is_partial, is_sparse
from mediaml.ledger.result_rows import ModelRow, SourceRow
from mediaml.ledger.slice_rows import DrawnRow
from mediaml.ops.hiding import Sighting, held
from mediaml.ops.look import Look
from mediaml.ops.overlay import Overlay
from mediaml.outputs.render.layers import Author, Moment, overlay_of
from mediaml.outputs.render.over_time import Clips, Heat, RunningHeat, Samples, Trails
from mediaml.pipeline.reading import MARK


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides how a slice is drawn beside its own rows.

    Attributes:
        before, after: rows of the neighbouring slices, as far as they reach into this one.
        heat: where objects were before; `None` where that is not drawn.
    """

    before: tuple[DrawnRow, ...] = ()
    after: tuple[DrawnRow, ...] = ()
    heat: Heat | None = None

    def digest(self) -> str:
        """SHA-256 in hexadecimal digits; empty where there is nothing."""
        if self == Surroundings():
            return ""
        rows = [(row.model, row.time_s, row.detections) for row in (*self.before, *self.after)]
        whole = hashlib.sha256(msgspec.json.encode((len(self.before), rows)))
        if self.heat is not None:
            whole.update(self.heat.grid.tobytes())
            whole.update(msgspec.json.encode((self.heat.most, self.heat.size)))
        return whole.hexdigest()


@dataclass(frozen=True, slots=True)
class Sampled:
    """The models that looked at some frames of a source only.

    Attributes:
        sparse: ids of those that left out frames between others. partial: of those that looked at a range.
        before: the last row before the slice of each sparse model that has one.
    """

    sparse: frozenset[int] = frozenset()
    partial: frozenset[int] = frozenset()
    before: tuple[DrawnRow, ...] = ()

    @classmethod
    def of(cls, models: Iterable[ModelRow], before: Callable[[ModelRow], DrawnRow | None]) -> Sampled:
        """Those among some models.

        Args:
            before: gives the last row of a model before the slice.
        """
        models = list(models)
        sparse = [model for model in models if is_sparse(model.options, MARK)]
        partial = frozenset(model.id for model in models if is_partial(model.options, MARK))
        rows = tuple(row for row in map(before, sparse) if row is not None)
        return cls(frozenset(model.id for model in sparse), partial, rows)


class SliceAnswers:
    """What is to be drawn on the frames of one slice.

    An answer belongs to the frame with its time and duration. So a window of audio, whose number may be that
    of a frame, is drawn on none. That of a model that looked at some frames only holds until its next one.
    One for a clip belongs to all frames that begin within the clip; of several clips the last one counts.

    Args:
        rows: of the slice.
        authors: the models that have answered.
        look: how they are drawn. around: what reaches into the slice.
        sampled: the models that looked at some frames only.
    """

    def __init__(
        self,
        rows: Sequence[DrawnRow],
        authors: Mapping[int, Author],
        look: Look = Look(),  # noqa: B008
        around: Surroundings = Surroundings(),
        sampled: Sampled = Sampled(),
    ) -> None:
        self._authors = authors
        self._sampled = sampled
        self._samples = {
            model: Samples(row for row in (*sampled.before, *rows) if row.model == model)
            for model in sampled.sparse
        }
        self._rows: defaultdict[Moment, dict[int, DrawnRow]] = defaultdict(dict)
        self._moments: defaultdict[int, set[Moment]] = defaultdict(set)
        rows = list(rows)
        self._clips = Clips(row for row in rows if row.is_clip)
        for row in (row for row in rows if not row.is_clip):
            moment = row.time_s, row.duration_s
            self._moments[row.model].add(moment)
            # Of frames at one moment only the first is shown.
            if row.model not in sampled.sparse:
                self._rows[moment].setdefault(row.model, row)
        whole = [*around.before, *rows, *around.after]
        self._held = _held(whole, look.hold_s) if look.hides else {}
        self._trails = Trails(whole, look.trail_s, sampled.sparse) if "trails" in look.styles else None
        self._heat = None if around.heat is None else RunningHeat(around.heat)
        self.around = around.digest()

    def rows(self, moment: Moment) -> list[DrawnRow]:
        """What is drawn on the frame of a moment, by model."""
        found = dict(self._rows.get(moment, {}))
        for model, samples in self._samples.items():
            row = samples.at(moment[0])
            if row is not None:
                found[model] = row
        shown = [*found.values(), *self._clips.at(moment[0])]
        return sorted((row for row in shown if not row.is_blank), key=lambda row: row.model)

    def overlay(self, moment: Moment) -> Overlay:
        """What is drawn on a frame; frames are asked for in the order of time."""
        overlay = overlay_of(self.rows(moment), self._authors)
        if self._held:
            overlay = replace(overlay, held=self._held.get(moment[0], ()))
        if self._trails is not None:
            overlay = replace(overlay, trails=self._trails.until(moment[0]))
        if self._heat is not None:
            overlay = replace(overlay, heat=self._heat.add(overlay, moment[1]))
        return overlay

    def fingerprint(
        self, moment: Moment
    ) -> list[tuple[Author, tuple[Label, ...], tuple[Detection, ...], str]]:
        """All that decides what is drawn on the frame of a moment, beside `around`."""
        return [
            (self._authors[row.model], row.labels, row.detections, row.picture) for row in self.rows(moment)
        ]

    def agree(self, drawn: Iterable[Moment]) -> bool:
        """Whether some model has answered just the frames that were drawn, or those that it looked at."""
        if not self._moments and self._clips.models:
            return True  # Clips do not tell one frame from another.
        moments = set(drawn)
        times_s = {time_s for time_s, _ in moments}
        return (
            any(found == moments for found in self._moments.values())
            or any(times_s >= self._times(model) for model in self._sampled.sparse)
            or any(moments >= self._moments[model] for model in self._sampled.partial)
        )

    def _times(self, model: int) -> set[float]:
        """When the frames of the slice are that a model has answered."""
        return {time_s for time_s, _ in self._moments[model]}

    def unanswered(self, drawn: Iterable[Moment], models: Iterable[int]) -> float | None:
        """The time of the first frame that one of some models has not answered, seconds."""
        models = list(models)
        return next(
            (moment[0] for moment in drawn for model in models if not self._is_answered(moment, model)), None
        )

    def _is_answered(self, moment: Moment, model: int) -> bool:
        return moment in self._moments[model] or self._clips.of(model, moment[0]) is not None


def require_answered(
    source: SourceRow, answers: SliceAnswers, models: Iterable[ModelRow], drawn: Iterable[Moment]
) -> None:
    """Raise where a model that detects has not answered a frame, on which nothing can be hidden then.

    Raises:
        MediaError: there is such a frame.
    """
    detectors = [model for model in models if model.identity.task == "detect"]
    missed_s = answers.unanswered(drawn, [model.id for model in detectors])
    for model in detectors:
        if missed_s is not None and is_partial(model.options, MARK):
            raise MediaError(
                f"{model.name} looked at some frames of {source.path} only, so nothing can be hidden on the "
                "others.",
                "Run it on all frames: without --every, --fps, --keyframes, --scenes, --start and --end.",
            )
    if missed_s is not None:
        raise MediaError(
            f"{source.path}: there are no results for the frame at {missed_s:.3f} s, so nothing can be "
            "hidden on it.",
            "Run the model again with --force.",
        )


def _held(rows: Sequence[DrawnRow], hold_s: float) -> dict[float, tuple[Detection, ...]]:
    """See `held`; each model is looked at by itself, since each answers frames of its own."""
    by_model: defaultdict[int, defaultdict[float, list[Detection]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_model[row.model][row.time_s] += row.detections
    found: defaultdict[float, tuple[Detection, ...]] = defaultdict(tuple)
    for times in by_model.values():
        sightings = [Sighting(time_s, tuple(times[time_s])) for time_s in sorted(times)]
        for time_s, detections in held(sightings, hold_s).items():
            found[time_s] += detections
    return found
