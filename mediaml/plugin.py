"""The one public door for plugin authors: everything a plugin imports, it imports from here.

A plugin is a module that registers typed records through one hook:

    from mediaml.plugin import ImageInput, Label, ModelSpec, OnnxModel, hookimpl

    class Cats(OnnxModel):
        input = ImageInput(224, 224, fit="crop")

        def decode(self, outputs, frames):
            return [Label("cat", float(p)) for p in outputs[0][:, 0]]

    @hookimpl
    def mediaml_models():
        yield ModelSpec("cats", task="classify", weights="cats.onnx", load=Cats)

and an entry point in the group `mediaml` that names the module. Importing this module is light: numpy,
pluggy and msgspec only. Heavy helpers (`Fitting`, `nms_per_class`, …) are imported when first touched.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
import pluggy
from msgspec import Meta

from mediaml.errors import MediaError, ModelError, OptionError, PluginError
from mediaml.inputs import ImageInput, SoundInput
from mediaml.types import (
    Answer,
    Array,
    Box,
    Detection,
    Embedding,
    Float32Array,
    Frame,
    Kind,
    Label,
    MediaInfo,
    Picture,
    Prediction,
    UInt8Array,
    require,
)

if TYPE_CHECKING:
    from mediaml.onnx.interface import detector_interface
    from mediaml.onnx.session import Session
    from mediaml.ops.boxes import clip_boxes, iou_matrix, nms, nms_per_class
    from mediaml.ops.fitting import Fitting, fit_image, letterbox_shape
    from mediaml.ops.pixels import grey, normalise

GROUP = "mediaml"

_LAZY = {
    "Fitting": "mediaml.ops.fitting",
    "Session": "mediaml.onnx.session",
    "clip_boxes": "mediaml.ops.boxes",
    "detector_interface": "mediaml.onnx.interface",
    "fit_image": "mediaml.ops.fitting",
    "grey": "mediaml.ops.pixels",
    "iou_matrix": "mediaml.ops.boxes",
    "letterbox_shape": "mediaml.ops.fitting",
    "nms": "mediaml.ops.boxes",
    "nms_per_class": "mediaml.ops.boxes",
    "normalise": "mediaml.ops.pixels",
}

__all__ = [
    "GROUP",
    "Answer",
    "Answers",
    "Array",
    "Box",
    "Detection",
    "Embedding",
    "Fitting",
    "Float32Array",
    "Frame",
    "ImageInput",
    "Kind",
    "Label",
    "LoadContext",
    "MediaError",
    "MediaInfo",
    "Meta",
    "Model",
    "ModelError",
    "ModelSpec",
    "NoOptions",
    "OnnxModel",
    "OptionError",
    "Picture",
    "PluginError",
    "Prediction",
    "Session",
    "SoundInput",
    "TaskName",
    "UInt8Array",
    "clip_boxes",
    "detector_interface",
    "fit_image",
    "grey",
    "hookimpl",
    "hookspec",
    "iou_matrix",
    "letterbox_shape",
    "nms",
    "nms_per_class",
    "normalise",
]

hookimpl = pluggy.HookimplMarker(GROUP)
hookspec = pluggy.HookspecMarker(GROUP)

TaskName = Literal["classify", "detect", "embed", "transform"]
Answers = Prediction | Answer | Iterable[Answer]


def __getattr__(name: str) -> Any:
    """Import a heavy helper when it is first touched (PEP 562)."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@runtime_checkable
class Model(Protocol):
    """What `ModelSpec.load` returns: anything that answers frames."""

    def predict(self, frames: Sequence[Frame]) -> Sequence[Answers]:
        """Answer every frame, in order. Called from one inference thread, never concurrently.

        Whatever it raises fails the frames' files with stage `infer`; the other files go on.
        """


@dataclass(frozen=True, slots=True)
class NoOptions:
    """The options of a model that has none."""


@dataclass(frozen=True, slots=True)
class LoadContext:
    """What a model is given when it is loaded.

    Attributes:
        options: an instance of the spec's options class, already checked.
        weights: the model file: the spec's, or the one given with `-m`; `None` where the spec names none.
        session_opener: opens an ONNX file on the device and with the thread count of this run.
        warn: says one line to the user, once.
    """

    options: Any
    weights: Path | None
    session_opener: Callable[[Path], Session] = field(repr=False)
    warn: Callable[[str], None] = field(repr=False)

    def open_session(self, path: Path | None = None) -> Session:
        """Open `path`, or the model's weights, with ONNX Runtime on the device of this run.

        Raises:
            ModelError: there are no weights, or the file is not a usable ONNX model.
            DeviceError: the device that was asked for is not obtained.
        """
        chosen = path or self.weights
        if chosen is None:
            raise ModelError("this model comes without weights.", "Name an ONNX file with -m PATH.")
        return self.session_opener(chosen)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a plugin offers: one model under one name.

    Attributes:
        name: what the user types after `--plugin`: lower-case letters, digits, `-` and `_`.
        task: `classify` (labels), `detect` (boxes), `embed` (vectors) or `transform` (pictures).
        load: called once a run with a `LoadContext`, in the main thread; heavy imports belong there.
        kinds: what the model looks at. `AUDIO` reads sound files, and the sound of videos unless
            `VIDEO` is listed too.
        options: a frozen dataclass whose every field has a default; `Annotated[float, Meta(ge=0, le=1,
            description="…")]` bounds and describes a field. Set with `-O name.field=value`.
        weights: the name of a bundled model, or an ONNX file beside the plugin's module (`cats.onnx`).
        sound: the log-mel parameters; needed where `kinds` has `AUDIO`.
        description: one line for `mediaml plugins list`.

    Raises:
        ValueError: at birth, when any of that does not hold.
    """

    name: str
    task: TaskName
    load: Callable[[LoadContext], Model]
    kinds: frozenset[Kind] = frozenset({Kind.IMAGE, Kind.VIDEO})
    options: type = NoOptions
    weights: str | None = None
    sound: SoundInput | None = None
    description: str = ""

    def __post_init__(self) -> None:
        require(
            re.fullmatch(r"[a-z0-9][a-z0-9_-]*", self.name) is not None,
            f"a model's name is lower-case letters, digits, - and _, not {self.name!r}",
        )
        require(self.task in TaskName.__args__, f"task must be one of {TaskName.__args__}, not {self.task!r}")  # type: ignore[attr-defined]
        require(callable(self.load), f"load of {self.name!r} must be callable")
        require(bool(self.kinds), f"{self.name!r} looks at no kind of media")
        require(is_dataclass(self.options), f"options of {self.name!r} must be a dataclass")
        require(
            Kind.AUDIO not in self.kinds or self.sound is not None,
            f"{self.name!r} looks at audio and must say how in `sound`",
        )

    def reads(self, kind: Kind) -> Kind | None:
        """As what a file of `kind` is read for this model; `None` where the model does not look at it."""
        if kind in self.kinds:
            return kind
        return Kind.AUDIO if kind is Kind.VIDEO and Kind.AUDIO in self.kinds else None


class Hooks:
    """The hooks that mediaml calls."""

    @hookspec
    def mediaml_models(self) -> Iterable[ModelSpec]:  # type: ignore[empty-body]
        """Offer models. Called once a process, in the main thread, before anything is decoded.

        May raise anything: the plugin is then listed with the reason and offers nothing.
        """


class OnnxModel(ABC):
    """A model that is one ONNX graph: `prepare` a frame, `run` a batch, `decode` a batch.

    `prepare` runs in reader threads, several at once; `run` in the one inference thread; `decode` in the
    one post-processing thread. Samples of different shapes are never in one batch.

    Attributes:
        input: how frames are fitted and normalised; `None` takes it from the ONNX metadata.
        session, labels, options: the open session, its label names (empty where it has none), the options.
    """

    input: ImageInput | SoundInput | None = None

    def __init__(self, context: LoadContext) -> None:
        self.context = context
        self.options = context.options
        self.session = context.open_session()
        self.labels: tuple[str, ...] = self.session.labels or ()
        if self.input is None:
            self.input = self.session.image_input

    @property
    def fixed_batch(self) -> int | None:
        """Number of samples that the graph insists on; `None` where the batch axis is free."""
        shape = self.session.inputs[0].shape
        return shape[0] if shape else None

    def prepare(self, frame: Frame) -> Array:
        """Turn a frame into one sample, without the batch axis.

        Raises:
            ModelError: neither the class nor the ONNX metadata say how the input is to be made.
        """
        if frame.spectrogram is not None:
            return frame.spectrogram
        if not isinstance(self.input, ImageInput):
            raise ModelError(
                f"{type(self).__name__} does not say how it wants pictures.",
                "Set `input = ImageInput(...)` in the plugin.",
            )
        want = self.input
        fitted = frame.fitted(want.width, want.height, want.fit, pad=want.pad, resample=want.resample)
        sample: Array = import_module("mediaml.ops.pixels").normalise(fitted, want)
        return sample

    def run(self, batch: Array) -> Sequence[Array]:
        """Run the graph on samples stacked along a new first axis; one array an output."""
        return self.session.run({self.session.inputs[0].name: batch})

    @abstractmethod
    def decode(self, outputs: Sequence[Array], frames: Sequence[Frame]) -> Sequence[Answers]:
        """Turn the graph's outputs into one answer a frame, in the order of `frames`."""

    def predict(self, frames: Sequence[Frame]) -> Sequence[Answers]:
        """Prepare, run and decode in one go, for callers outside the pipeline."""
        samples = [self.prepare(frame) for frame in frames]
        return [
            answer
            for sample, frame in zip(samples, frames, strict=True)
            for answer in self.decode(self.run(np.stack([sample])), [frame])
        ]
