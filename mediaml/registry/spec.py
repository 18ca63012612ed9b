"""The records of plugins and the protocols of models. Re-exported by `mediaml.plugin`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, is_dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args, runtime_checkable

from mediaml.core.arrays import Array, Float32Array
from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import ModelError, require
from mediaml.core.frame import Frame
from mediaml.core.media import Kind
from mediaml.core.prediction import Answer, Prediction
from mediaml.onnx.interface import GraphFacts

if TYPE_CHECKING:
    from mediaml.onnx.session import Session

TaskName = Literal["classify", "detect", "embed", "transform"]
Answers = Prediction | Answer | Iterable[Answer]


@runtime_checkable
class Model(Protocol):
    """What `ModelSpec.load` returns: anything that answers frames.

    With an attribute `input` that is a `ClipInput`, the frames are clips.
    """

    def predict(self, frames: Sequence[Frame]) -> Sequence[Answers]:
        """Answer every frame, in order. Called from one inference thread, never concurrently.

        Whatever it raises fails the frames' files with stage `infer`; the other files go on.
        """


@runtime_checkable
class StagedModel(Model, Protocol):
    """A model in three stages, so that preparing, inferring and decoding overlap; see `OnnxModel`.

    With an attribute `decodes_pixels` that is false, frames come to `decode` without their pixels, which are
    then let go as soon as the frame is prepared.

    With a method `prepare_batch(frames)`, the frames of small files are prepared several at a time: it
    returns what `prepare` would for each, in order. Where it raises, they are prepared one by one.
    """

    def prepare(self, frame: Frame) -> Array:
        """One sample of one frame, without the batch axis. Called from several reader threads at once."""

    def run(self, batch: Array) -> Sequence[Array]:
        """The raw outputs for a batch of samples of one shape. Called from one inference thread."""

    def decode(self, outputs: Sequence[Array], frames: Sequence[Frame]) -> Sequence[Answers]:
        """One answer per frame. Called from one post-processing thread."""


@runtime_checkable
class TextModel(Model, Protocol):
    """A model that embeds texts in the space of its embeddings of frames, for `mediaml search`."""

    def embed_texts(self, texts: Sequence[str]) -> Float32Array:
        """One vector of unit length per text, float32 [texts, dimensions]. Called from the main thread.

        Raises:
            ModelError: the model lacks files that it needs for texts.
        """


@dataclass(frozen=True, slots=True)
class NoOptions:
    """The options of a model that has none."""


@dataclass(frozen=True, slots=True)
class LoadContext:
    """Passed to a model when it is loaded.

    Attributes:
        options: an instance of the spec's options class, already checked.
        weights: the model file: the spec's, or the one given with `-m`; `None` where the spec names none.
        session_opener: opens an ONNX file on the device and with the thread count of this run.
        warn: shows one line to the user, once.
        words_only: only `TextModel.embed_texts` will be called, so what frames need may stay unopened.
    """

    options: Any
    weights: Path | None
    session_opener: Callable[[Path], Session] = field(repr=False)
    warn: Callable[[str], None] = field(repr=False)
    words_only: bool = False

    def open_session(self, path: Path | None = None) -> Session:
        """Open `path`, or the model's weights, with ONNX Runtime on the device of this run.

        Raises:
            ModelError: there are no weights, or the file is not a usable ONNX model.
            DeviceError: the device that was asked for is not obtained.
        """
        chosen = path or self.weights
        if chosen is None:
            raise ModelError("this model has no weights.", "Name an ONNX file with -m PATH.")
        return self.session_opener(chosen)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a model would read a stranger's graph.

    Attributes:
        family: what the graph is taken for, such as `YOLOX` or `classifier`.
        reason: why, one line: what in the graph, its metadata or the files beside it says so.
        facts: names and values of the rest that is known or guessed, such as `("labels", "80, COCO by
            count")`, in the order in which they are shown.
        description: the text of the `FILE.toml` that says all of it; empty where the model reads none.
    """

    family: str
    reason: str
    facts: tuple[tuple[str, str], ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a plugin offers: one model under one name.

    Attributes:
        name: what the user types after `--plugin`: lower-case letters, digits, `-` and `_`.
        task: `classify` (labels), `detect` (boxes), `embed` (vectors) or `transform` (images).
        load: called with a `LoadContext` in the main thread of each worker process, one per device, and again
            in the next one where a worker has died; heavy imports belong there. Whatever it prints goes to
            stderr.
        kinds: what the model accepts. `AUDIO` reads audio files, and the audio of videos unless
            `VIDEO` is listed too.
        options: a frozen dataclass whose every field has a default; `Annotated[float, Meta(ge=0, le=1,
            description="…")]` bounds and describes a field. Set with `-O name.field=value`.
        weights: the name of a bundled model or of one of the catalogue, which is fetched when it is first
            used, or an ONNX file beside the plugin's module (`cats.onnx`).
        audio: windows and features of audio; needed where `kinds` has `AUDIO`, unless the model reads
            strangers' graphs: then the loaded model's `input` says it.
        description: one line for `mediaml plugins list`.
        companions: the existing files beside the weights that the model reads too, such as a list of labels,
            given the path of the weights: results belong to their content as to that of the weights.
        read_graph: says how the model would read a graph, for `mediaml models describe`: one reading, none
            where it cannot, several where it cannot tell. `None` where the model has a graph of its own.

    Raises:
        ValueError: when any of that does not hold.
    """

    name: str
    task: TaskName
    load: Callable[[LoadContext], Model]
    kinds: frozenset[Kind] = frozenset({Kind.IMAGE, Kind.VIDEO})
    options: type = NoOptions
    weights: str | None = None
    audio: AudioInput | None = None
    description: str = ""
    companions: Callable[[Path], Iterable[Path]] | None = None
    read_graph: Callable[[GraphFacts], Sequence[Reading]] | None = None

    def __post_init__(self) -> None:
        _require_name("a model", self.name)
        require(
            self.task in get_args(TaskName),
            f"task must be one of {get_args(TaskName)}, not {self.task!r}",
        )
        require(callable(self.load), f"load of {self.name!r} must be callable")
        require(bool(self.kinds), f"{self.name!r} accepts no kind of media")
        require(is_dataclass(self.options), f"options of {self.name!r} must be a dataclass")
        require(
            Kind.AUDIO not in self.kinds or self.audio is not None or self.read_graph is not None,
            f"{self.name!r} accepts audio and needs `audio`, its windows and features",
        )

    @property
    def module(self) -> str:
        """Dotted name of the module that defines `load`."""
        load: Any = self.load
        while isinstance(load, partial):
            load = load.func
        return str(load.__module__)

    def reads(self, kind: Kind) -> Kind | None:
        """As what a file of `kind` is read for this model; `None` where the model does not accept it."""
        if kind in self.kinds:
            return kind
        return Kind.AUDIO if kind is Kind.VIDEO and Kind.AUDIO in self.kinds else None


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """An output that a plugin offers: a format written from all results of an output folder.

    Attributes:
        name: what the user types to select it: lower-case letters, digits, `-` and `_`.
        description: one line for `mediaml plugins list`.
        suffix: of the file or folder that it writes, such as `.csv`; empty for a folder.
        write: called as `write(results, target)` in the main process after a run, with the reader that
            `mediaml.open_results` returns, and the path to write. What it raises is reported by the output's
            name; the results stay.

    Raises:
        ValueError: when any of that does not hold.
    """

    name: str
    description: str
    suffix: str
    write: Callable[[Any, Path], None]

    def __post_init__(self) -> None:
        _require_name("an output", self.name)
        require(
            re.fullmatch(r"(\.[A-Za-z0-9][A-Za-z0-9.]*)?", self.suffix) is not None,
            f"suffix of {self.name!r} is a dot with letters and digits, or empty, not {self.suffix!r}",
        )
        require(callable(self.write), f"write of {self.name!r} must be callable")


def _require_name(of: str, name: str) -> None:
    require(
        re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name) is not None,
        f"the name of {of} is lower-case letters, digits, - and _, not {name!r}",
    )
