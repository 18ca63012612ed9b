"""The records of a training: what is asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mediaml.core.media import Kind
from mediaml.teach.augment import Augmentation
from mediaml.teach.forecast import Forecast
from mediaml.teach.head import Weighting
from mediaml.teach.scores import Scores

ALIKE = 0.95
"""Cosine from which on examples count as near-duplicates; see `groups_of`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """What is to be trained.

    Attributes:
        examples: a folder with a folder per class, or a CSV file. output: the ONNX file.
        work: folder for features, which a second training uses again.
        backbone: see `find_backbone`; empty for the default. evaluate: examples that are only tested.
        augmentation: `None` decides by the number of examples. weighting: of the classes.
        threshold: below it is none of the classes; `None` calibrates it.
        alike: see `groups_of`. most: examples at most. seed: of everything random.
    """

    examples: Path
    output: Path
    work: Path
    backbone: str = ""
    evaluate: Path | None = None
    augmentation: Augmentation | None = None
    weighting: Weighting = "balanced"
    threshold: float | None = None
    alike: float = ALIKE
    most: int = 20_000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """How one frame of an example was answered by a head that had not learned it.

    Attributes:
        file: as typed. path: absolute. kind: of the file. time_s: of the frame in it, seconds.
        label: its class. answer: the likeliest. score: its probability. own: that of its class.
    """

    file: str
    path: Path
    kind: Kind
    time_s: float
    label: str
    answer: str
    score: float
    own: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The measures of some examples, and how each was answered, the most wrong first."""

    scores: Scores
    answers: tuple[Answered, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """The outcome of a training.

    Attributes:
        output: the ONNX file. backbone: its name. kind: `AUDIO`, else images and videos.
        labels: in the order of the scores. counts: files per class. copies: changed ones that were learned.
        validated: by cross-validation over `folds` folds. evaluated: on a set kept apart.
        curve: examples per class and accuracy. forecast: with twice as many.
        temperature, strength: of the head. threshold: below it is none of the classes.
        notes: what a user should know, one sentence each. failed: files that could not be read, and why.
        seconds: that it took. seed: of everything random.
    """

    output: Path
    backbone: str
    kind: Kind
    labels: tuple[str, ...]
    counts: Mapping[str, int]
    copies: int
    folds: int
    validated: Measured
    evaluated: Measured | None
    curve: tuple[tuple[float, float], ...]
    forecast: Forecast | None
    temperature: float
    strength: float
    threshold: float
    notes: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    seconds: float
    seed: int


Step = Callable[[str, float], None]
"""Called with what is being done, and the share of it that is done."""
