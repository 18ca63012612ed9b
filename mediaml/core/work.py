"""The records of a run: what is to be done, and its outcome."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import Literal

from mediaml.core.errors import require
from mediaml.core.location import Location
from mediaml.core.media import DecodeAccounts, Kind, MediaInfo
from mediaml.core.picture_file import PictureFile
from mediaml.core.prediction import Prediction

Stage = Literal["open", "decode", "prepare", "infer", "write"]

TRACE_LIMIT = 20_000
"""Characters that are kept of a traceback, the last ones: endless recursion has a long one."""


@dataclass(frozen=True, slots=True)
class Source:
    """One input file.

    Attributes:
        path: absolute; or the URL. Of a stream, size and time of modification are 0.
        shown: the path as the user would type it, `/` between its parts, without secrets.
        name: where its outputs go under the output folder, relative, `/` between its parts.
        size: bytes. mtime_ns: time of last modification, nanoseconds since the epoch.
        named: it was named itself, not found in a folder or by a pattern.
        digest: SHA-256 of the content in hexadecimal digits, where it was asked for; of an object in a store
            its ETag; else empty.
        problem: why it cannot be opened, one or two lines, where the scan found that; else empty.
    """

    path: Location
    shown: str
    name: str
    size: int
    mtime_ns: int
    named: bool
    digest: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What decides a model's predictions; two runs with equal identities predict alike.

    Attributes:
        name: the model's name.
        task: see `ModelSpec`.
        plugin: module of the plugin.
        distribution, version: of the package that brought the plugin.
        weights: file name of the weights.
        weights_sha256: of their bytes; empty for a model without weights.
        options: those that the model is run with, as JSON, keys sorted; an option that only selects is at
            its floor, see `mediaml.core.view`.
    """

    name: str
    task: str
    plugin: str
    distribution: str
    version: str
    weights: str
    weights_sha256: str
    options: str


@dataclass(frozen=True, slots=True)
class Task:
    """The unit of work, of resumption and of commitment: one model on one time slice of one source.

    Attributes:
        source, model: their ids in the ledger.
        slice: number of the time slice, from 0; a picture has one.
    """

    source: int
    model: int
    slice: int


@dataclass(frozen=True, slots=True)
class Want:
    """The slices that one model still needs of a source.

    Attributes:
        model: its id in the ledger. index: its place among the models of the run, from 0.
        next_slice: the first time slice that is wanted.
        frames_before: answers to frames, or clips, in the slices before it.
        end_slice: the first time slice that is not wanted any more; `None` wants all to the end.
        since_s: time of the last answer before `next_slice`, seconds; `None` where there is none.
    """

    model: int
    index: int
    next_slice: int = 0
    frames_before: int = 0
    end_slice: int | None = None
    since_s: float | None = None

    def is_before_end(self, number: int) -> bool:
        """Whether this slice is before `end_slice`."""
        return self.end_slice is None or number < self.end_slice


@dataclass(frozen=True, slots=True)
class Job:
    """One source to be decoded once, for every model that wants it.

    Attributes:
        id: the source's in the ledger. location: where it is. kind: what it is.
        stamp: size in bytes and time of modification in ns, as planned; `None` where that is not checked.
    """

    id: int
    location: Location
    kind: Kind
    wants: tuple[Want, ...]
    stamp: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Sniff:
    """A source that only its container tells the kind of, known by its position in the order of sources."""

    position: int
    location: Location


@dataclass(frozen=True, slots=True)
class Reading:
    """The reading position in a source.

    Attributes:
        source: its id in the ledger. time_s: media time reached, seconds.
        duration_s: by its header, seconds; `None` where it does not say.
    """

    source: int
    time_s: float
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class FrameAnswer:
    """What a model predicted for one frame.

    Attributes:
        index, time_s, duration_s: of the frame.
        prediction: what is kept of it.
        cut: the highest score of a detection that was left out; `None` where none was.
        audio_track: number of the audio track, from 1, where all tracks are read; else `None`.
        same_as: index of the frame whose answer was taken over, because this one hardly differs from it; else
            `None`.
    """

    index: int
    time_s: float
    duration_s: float
    prediction: Prediction
    cut: float | None = None
    audio_track: int | None = None
    same_as: int | None = None


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What a model predicted for one frame, as an output folder holds it.

    Attributes:
        source: the file or URL as it was named, `/` between its parts, without secrets.
        model: name of the model.
        frame: the frame's number in its source, from 0.
        time_s, duration_s: of the frame, seconds on the source's clock; an image is at 0.
        prediction: boxes in displayed source pixels, scores rounded down to 1e-5 and boxes to 1/100 pixel.
        audio_track: number of the audio track, from 1, where all tracks were read; else `None`.
        same_as: number of the frame whose prediction was taken over, because this one hardly differs from it;
            else `None`.
    """

    source: str
    model: str
    frame: int
    time_s: float
    duration_s: float
    prediction: Prediction
    audio_track: int | None = None
    same_as: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file could not be (fully) processed.

    Attributes:
        stage: in which stage.
        type: the error's class name.
        message: what is wrong, then hints on further lines; never empty.
        trace: the error's traceback, for `--debug`; not kept in the ledger.
    """

    stage: Stage
    type: str
    message: str
    trace: str = field(default="", compare=False, repr=False)

    @classmethod
    def of(cls, stage: Stage, error: BaseException, message: str = "") -> Failure:
        """The failure that an error means.

        Args:
            message: instead of the error's own.
        """
        name = type(error).__name__
        trace = "".join(traceback.format_exception(error))
        return cls(stage, name, message or str(error) or name, trace[-TRACE_LIMIT:])


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The outcome of a task: the answers of all its frames, or a failure, never both.

    Attributes:
        task: which.
        answers: one per frame, in the order of their index.
        last: the source has no further slice for this model.
        failure: why it could not be done.
        accounts: what the reader met up to here.
        info: what the file says of itself; `None` where it could not be opened.
        pictures: the files that hold the pictures of the answers, where they are written to files.
    """

    task: Task
    answers: tuple[FrameAnswer, ...] = ()
    last: bool = True
    failure: Failure | None = None
    accounts: DecodeAccounts = field(default_factory=DecodeAccounts)
    info: MediaInfo | None = None
    pictures: tuple[PictureFile, ...] = ()

    def __post_init__(self) -> None:
        require(self.failure is None or not self.answers, "a failed task has no answers")


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """The progress of one model on one source in the ledger.

    Attributes:
        next_slice: number of the first time slice that is not done. frames: frames in those before it.
        complete: nothing is left to do.
        cut: weak detections that are asked for now were left out, so all is to be done again.
        failure: why it could not be done; `None` where it has not failed.
        last_s: time of the last frame, or clip, before `next_slice`, seconds; `None` where there is none.
    """

    next_slice: int = 0
    frames: int = 0
    complete: bool = False
    failure: Failure | None = None
    cut: bool = False
    last_s: float | None = None
