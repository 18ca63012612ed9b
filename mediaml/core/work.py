"""The nouns of a run: what is to be done, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mediaml.core.errors import require
from mediaml.core.location import Location
from mediaml.core.media import DecodeAccounts, Kind, MediaInfo
from mediaml.core.prediction import Prediction

Stage = Literal["open", "decode", "prepare", "infer", "write"]


@dataclass(frozen=True, slots=True)
class Source:
    """One file to be looked at.

    Attributes:
        path: absolute; or the URL, of which size and time of modification are 0.
        shown: the path as the user would type it, `/` between its parts, without secrets.
        name: where its outputs go under the output folder, relative, `/` between its parts.
        size: bytes. mtime_ns: time of last modification, nanoseconds since the epoch.
        named: it was named itself, not found in a folder or by a pattern.
        digest: SHA-256 of the content in hexadecimal digits, where it was asked for; else empty.
    """

    path: Location
    shown: str
    name: str
    size: int
    mtime_ns: int
    named: bool
    digest: str = ""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What decides a model's answers; two runs with equal identities answer alike.

    Attributes:
        name: the model's name. task: see `ModelSpec`. plugin: module of the plugin.
        distribution, version: of the package that brought the plugin.
        weights: file name of the model. weights_sha256: of its bytes; empty for a model without weights.
        options: as JSON, keys sorted.
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
    """What one model still wants of a source.

    Attributes:
        model: its id in the ledger. index: its place among the models of the run, from 0.
        next_slice: the first time slice that is wanted. frames_before: frames in the slices before it.
    """

    model: int
    index: int
    next_slice: int = 0
    frames_before: int = 0


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
class FrameAnswer:
    """What a model said of one frame; `index`, `time_s` and `duration_s` are the frame's."""

    index: int
    time_s: float
    duration_s: float
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file could not be (fully) done: in which stage, the error's type and its message."""

    stage: Stage
    type: str
    message: str

    @classmethod
    def of(cls, stage: Stage, error: BaseException) -> Failure:
        """The failure that an error means; its message is never empty."""
        return cls(stage, type(error).__name__, str(error) or type(error).__name__)


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What came of a task: the answers of all its frames, or a failure, never both.

    Attributes:
        task: which.
        answers: one a frame, in the order of their index.
        last: the source has no further slice for this model.
        failure: why it could not be done.
        accounts: what the reader met up to here.
        info: what the file says of itself; `None` where it could not be opened.
    """

    task: Task
    answers: tuple[FrameAnswer, ...] = ()
    last: bool = True
    failure: Failure | None = None
    accounts: DecodeAccounts = field(default_factory=DecodeAccounts)
    info: MediaInfo | None = None

    def __post_init__(self) -> None:
        require(self.failure is None or not self.answers, "a failed task has no answers")


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """How far one model has come with one source, as the ledger holds it.

    Attributes:
        next_slice: number of the first time slice that is not done. frames: frames in those before it.
        complete: nothing is left to do.
        failure: why it could not be done; `None` where it has not failed.
    """

    next_slice: int = 0
    frames: int = 0
    complete: bool = False
    failure: Failure | None = None
