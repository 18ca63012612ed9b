"""Clips whose truth is known: boxes that move, cross and hide, and what a detector would find of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mediaml.core.media import Kind, MediaInfo
from mediaml.core.prediction import Box, Detection, Label, Prediction
from mediaml.core.view import View
from mediaml.core.work import FrameAnswer, ModelIdentity, Source, Task, TaskResult
from mediaml.derive.base import advance, ask
from mediaml.derive.tracks import TrackOptions, Tracks
from mediaml.ledger.encoding import record_of
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.results import open_results

WIDTH, HEIGHT = 640, 360
FINDER = ModelIdentity("finder", "detect", "finder", "finder", "1", "finder.onnx", "f" * 64, '{"conf":0.05}')


@dataclass(frozen=True, slots=True)
class Thing:
    """A box that moves evenly.

    Attributes:
        name: its class. begin_s, end_s: when it is in the picture, seconds.
        x, y: centre at `begin_s`, pixels. dx, dy: pixels per second. width, height: pixels.
        behind: spans of x between which it cannot be seen.
        bounds: whether it turns round at the left and right edge.
    """

    name: str
    begin_s: float
    end_s: float
    x: float
    y: float
    dx: float
    dy: float
    width: float = 40.0
    height: float = 30.0
    behind: tuple[tuple[float, float], ...] = ()
    bounds: bool = False

    def box(self, time_s: float) -> Box | None:
        """Where it is; `None` while it is not in the picture or cannot be seen."""
        if not self.begin_s <= time_s < self.end_s:
            return None
        x = self.x + self.dx * (time_s - self.begin_s)
        y = self.y + self.dy * (time_s - self.begin_s)
        if self.bounds:
            x = abs((x - 20) % (2 * (WIDTH - 40)) - (WIDTH - 40)) + 20
        if any(left < x < right for left, right in self.behind):
            return None
        if not (0 <= x < WIDTH and 0 <= y < HEIGHT):
            return None
        half, tall = self.width / 2, self.height / 2
        return Box(max(0.0, x - half), max(0.0, y - tall), min(WIDTH, x + half), min(HEIGHT, y + tall))


@dataclass(frozen=True, slots=True)
class Detector:
    """An imperfect detector, the same in every process.

    Attributes:
        misses: share of boxes that are not found. weak: share that get a score below 0.25.
        noise: standard deviation of an edge, as a share of the box's size. false: false boxes per frame.
        scores: the range of the scores of what is not weak.
    """

    misses: float = 0.0
    weak: float = 0.0
    noise: float = 0.0
    false: float = 0.0
    scores: tuple[float, float] = (0.5, 0.95)

    def find(self, truth: Iterable[tuple[str, Box]], frame: int) -> Prediction:
        """What it finds in a frame."""
        draw = np.random.default_rng((7, frame))
        found = []
        for name, box in truth:
            score = 0.15 if draw.random() < self.weak else float(draw.uniform(*self.scores))
            left, top, right, bottom = box.corners
            shift = draw.normal(0.0, self.noise, 4) * np.array([right - left, bottom - top] * 2)
            if draw.random() < self.misses:
                continue
            x, y = sorted((left + shift[0], right + shift[2])), sorted((top + shift[1], bottom + shift[3]))
            found.append(Detection(Label(name, score), Box(x[0], y[0], x[1], y[1])))
        for _ in range(int(draw.poisson(self.false))):
            x0, y0 = float(draw.uniform(0, WIDTH - 40)), float(draw.uniform(0, HEIGHT - 40))
            label = Label("car", float(draw.uniform(0.3, 0.6)))
            found.append(Detection(label, Box(x0, y0, x0 + 40, y0 + 30)))
        found.sort(key=lambda one: -one.label.score)
        return Prediction(detections=tuple(found))


def even(rate: float, seconds: float) -> list[float]:
    """Times of frames at an even rate."""
    return [number / rate for number in range(round(rate * seconds))]


def uneven(seconds: float, seed: int = 3) -> list[float]:
    """Times of frames between 1/50 and 1/8 s apart."""
    draw = np.random.default_rng(seed)
    times = [0.0]
    while times[-1] < seconds:
        times.append(times[-1] + float(draw.uniform(1 / 50, 1 / 8)))
    return times[:-1]


def truth_at(things: Sequence[Thing], time_s: float) -> list[tuple[int, str, Box]]:
    """Number, class and box of everything that can be seen at a time."""
    return [
        (number, thing.name, box)
        for number, thing in enumerate(things)
        if (box := thing.box(time_s)) is not None
    ]


def commit_scene(
    ledger: Ledger,
    things: Sequence[Thing],
    times: Sequence[float],
    detector: Detector | None = None,
    *,
    seen: Sequence[Prediction] | None = None,
    name: str = "scene.mp4",
    slice_s: float = 20.0,
    on_slice: Callable[[int], None] | None = None,
    slices: range | None = None,
) -> tuple[int, int]:
    """Commit what a detector finds, slice by slice, as a run does; returns the ids of source and model.

    Args:
        seen: what is found in each frame, instead of what the detector finds.
        slices: only these. on_slice: called after each.
    """
    found = (detector or Detector()).find
    model = ledger.add_model(FINDER, labels=("person", "car", "truck"))
    source = ledger.add_source(Source(Path("/media") / name, name, name, 10, 1, named=True), Kind.VIDEO)
    info = MediaInfo(name, Kind.VIDEO, width=WIDTH, height=HEIGHT, duration_s=times[-1])
    numbers = (np.asarray(times) // slice_s).astype(int)
    most = int(numbers[-1])
    for number in slices or range(most + 1):
        answers = tuple(
            FrameAnswer(
                frame,
                times[frame],
                (times[frame + 1] if frame + 1 < len(times) else times[frame] + 0.04) - times[frame],
                seen[frame]
                if seen is not None
                else found([(one[1], one[2]) for one in truth_at(things, times[frame])], frame),
            )
            for frame in np.flatnonzero(numbers == number).tolist()
        )
        result = TaskResult(Task(source, model, number), answers, last=number == most, info=info)
        ledger.commit([record_of(result)])
        if on_slice is not None:
            on_slice(number)
    return source, model


Frames = list[tuple[NDArray[np.int64], NDArray[np.float64]]]
"""Of each frame the numbers of its objects [n] and their boxes [n, 4]."""


def true_frames(things: Sequence[Thing], times: Sequence[float]) -> Frames:
    """The truth, frame by frame."""
    return [
        (
            np.array([one[0] for one in seen], np.int64),
            np.array([one[2].corners for one in seen], np.float64).reshape(-1, 4),
        )
        for seen in (truth_at(things, time_s) for time_s in times)
    ]


def found_frames(folder: Path) -> Frames:
    """What an output folder shows, frame by frame: the detections that have a number."""
    with open_results(folder) as results:
        shown = [
            [(one.track, one.box.corners) for one in frame.prediction.detections if one.track is not None]
            for frame in results.frames(view=View())
        ]
    return [
        (
            np.array([track for track, _ in found], np.int64),
            np.array([corners for _, corners in found], np.float64).reshape(-1, 4),
        )
        for found in shown
    ]


CROSSROADS = (
    *[Thing("car", 2.0 * n, 2.0 * n + 12, 0, 100, 90, 0) for n in range(8)],
    *[Thing("truck", 1 + 3.0 * n, 3.0 * n + 13, 639, 140, -75, 0, 70, 40) for n in range(6)],
    *[Thing("person", 4.0 * n, 4.0 * n + 20, 300, 0, 5, 22, 20, 45) for n in range(6)],
)
"""Cars and trucks on two lanes in opposite directions, and people who cross both."""
HIDDEN = tuple(
    Thing("car", 2.5 * n, 2.5 * n + 15, 0, 100 + 15 * (n % 3), 80, 0, behind=((300, 350),)) for n in range(8)
)
"""Cars on three lanes that overlap, each out of sight behind a post for 0.6 s."""
NOISY = Detector(misses=0.08, weak=0.1, noise=0.05, false=0.05, scores=(0.26, 0.8))
"""Misses and doubts some boxes, trembles, and finds a box where nothing is in one frame of 20."""


def tracked(
    folder: Path,
    things: Sequence[Thing],
    times: Sequence[float],
    detector: Detector = NOISY,
    options: TrackOptions | None = None,
    slice_s: float = 20.0,
    seen: Sequence[Prediction] | None = None,
) -> Frames:
    """What is found of a scene, tracked, as the ledger shows it."""
    tracks = Tracks(options or TrackOptions())
    with Ledger(folder) as ledger:
        ids = commit_scene(ledger, things, times, detector, slice_s=slice_s, seen=seen)
        number = ask(ledger.derivations, tracks, [FINDER.name])
        advance(ledger.derivations, tracks, number, *ids)
    return found_frames(folder)
