"""Tracks in an output folder: `mediaml track`, and `run --track` while results come in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from mediaml.app.reporter import FileProgress, Progress
from mediaml.core.errors import NoInputsError, OutputError
from mediaml.core.media import Kind
from mediaml.core.slices import SLICE_S
from mediaml.core.view import View
from mediaml.derive.base import advance, ask
from mediaml.derive.tracks import TrackOptions, Tracks
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.result_rows import ModelRow, SourceRow
from mediaml.ledger.results import Results, open_results
from mediaml.ledger.schema import sole_writer
from mediaml.ledger.selection import ResultSelection, SelectedResults, select_results
from mediaml.ledger.track_rows import finds_boxes
from mediaml.outputs.jsonl import write_results

_LEAST_SCORE = 0.25
"""Score from which detections begin an object, of a model that was asked for without a threshold."""


@dataclass(frozen=True, slots=True)
class TrackReport:
    """What `track_folder` did.

    Attributes:
        models: names, each with the options that it was tracked with.
        videos: number of sources. slices: number of time slices that were derived now.
        results: the file that was written with the numbers.
    """

    models: tuple[tuple[str, TrackOptions], ...]
    videos: int
    slices: int
    results: Path = field(default_factory=Path)


def options_for(view: View, tracker: str = "bytetrack", lost_s: float = 1.0) -> TrackOptions:
    """How a model's detections are tracked: those that its view shows begin objects."""
    return TrackOptions(tracker, view.min_score or _LEAST_SCORE, view.classes, lost_s)


class TrackFollower:
    """Derives tracks while results are committed.

    Args:
        ledger: is written. view: reads it back.
        models: how each model is tracked, by its name.
    """

    def __init__(self, ledger: Ledger, view: Results, models: Mapping[str, TrackOptions]) -> None:
        self._ledger = ledger
        self._view = view
        self._by_name = {
            name: (tracks := Tracks(options), ask(ledger.derivations, tracks, [name]))
            for name, options in models.items()
        }

    def follow(
        self, source: SourceRow, models: Iterable[ModelRow], done: Callable[[int], None] = lambda _: None
    ) -> int:
        """Derive what is committed of a video and not derived; returns the number of slices.

        Args:
            done: see `advance`.
        """
        if source.kind is not Kind.VIDEO:
            return 0
        return sum(
            advance(self._ledger.derivations, *self._by_name[model.name], source.id, model.id, done=done)
            for model in models
            if model.name in self._by_name
        )

    def follow_source(self, source: int) -> int:
        """See `follow`, for all models that have begun a source."""
        return self.follow(self._view.source(source), self._view.models_of(source))


def track_folder(
    folder: Path,
    selection: ResultSelection,
    tracker: str,
    lost_s: float,
    *,
    done: Callable[[SourceRow, int], None] = lambda _, __: None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> TrackReport:
    """Number the objects in the videos of an output folder, and write `results.jsonl` with the numbers.

    Args:
        selection: models, classes and sources, and the score from which a detection begins an object.
        done: called after each video with the number of slices that were derived.
        progress: called after each slice.

    Raises:
        OutputError: there is no ledger, no such model or class, or no detection.
        NoInputsError: there is no video.
        UsageError: the package `trackers` is not installed.
    """
    with open_results(folder) as results:
        models, videos = _chosen(select_results(results, selection))
    options = {model.name: options_for(model.view, tracker, lost_s) for model in models}
    slices = 0
    with sole_writer(folder), Ledger(folder) as ledger, open_results(folder, checked=False) as view:
        follower = TrackFollower(ledger, view, options)
        began_s = time.monotonic()
        for place, video in enumerate(videos):
            step = partial(_step, progress, video, place, len(videos), began_s)
            number = follower.follow(video, models, step)
            done(video, number)
            slices += number
        progress(Progress(len(videos), len(videos), None, time.monotonic() - began_s))
        written = write_results(view, folder)
    return TrackReport(tuple(options.items()), len(videos), slices, written)


def _step(
    tell: Callable[[Progress], None], video: SourceRow, place: int, total: int, began_s: float, slices: int
) -> None:
    """Tell how far a video is."""
    length_s = video.info.duration_s if video.info else None
    current = FileProgress(video.shown, slices * SLICE_S, length_s)
    tell(Progress(place, total, None, time.monotonic() - began_s, (current,)))


def _chosen(results: SelectedResults) -> tuple[Sequence[ModelRow], Sequence[SourceRow]]:
    """The models that find boxes, and the videos.

    Raises:
        OutputError: none of the models found boxes.
        NoInputsError: there is no video.
    """
    folder = results.folder
    sources = list(results.sources())
    models = [model for model in results.models() if finds_boxes(results, model.id)]
    if not sources:
        raise OutputError(f"{folder} holds no results.", "Run a model that detects objects first.")
    videos = [source for source in sources if source.kind is Kind.VIDEO]
    if not videos:
        raise NoInputsError(
            f"nothing to do: {folder} holds no video.", "A track is an object in the frames of one video."
        )
    if not models:
        raise OutputError(
            f"{folder} holds no detections.", "Tracks need a model that finds boxes, such as yolo."
        )
    return models, videos
