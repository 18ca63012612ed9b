"""The public API for plugin authors: a plugin imports everything from here.

A plugin is a module that registers typed records through one hook:

    from mediaml.plugin import ImageInput, Label, ModelSpec, OnnxModel, hookimpl

    class Cats(OnnxModel):
        input = ImageInput(224, 224, fit="crop")

        def decode(self, outputs, frames):
            return [Label("cat", float(p)) for p in outputs[0][:, 0]]

    @hookimpl
    def mediaml_models():
        yield ModelSpec("cats", task="classify", weights="cats.onnx", load=Cats)

and an entry point in the group `mediaml` that names the module; docs/plugins.md lists all names. Importing
this module is light: numpy, pluggy and msgspec only. Heavy helpers (`Fitting`, `nms_per_class`, …) are
imported when first used.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from msgspec import Meta

from mediaml.core.arrays import Array, Float32Array, UInt8Array
from mediaml.core.audio_input import AudioInput
from mediaml.core.catalogue_entry import CatalogueEntry, CatalogueFile
from mediaml.core.clip_input import ClipInput
from mediaml.core.errors import MediaError, ModelError, OptionError
from mediaml.core.frame import Frame
from mediaml.core.media import Kind, MediaInfo
from mediaml.core.model_input import ImageInput
from mediaml.core.prediction import (
    Answer,
    Box,
    Detection,
    Embedding,
    Keypoint,
    Label,
    Picture,
    Polygon,
    Prediction,
)
from mediaml.core.suggestions import suggestion
from mediaml.core.view import View, class_ids, select
from mediaml.onnx.interface import GraphFacts, TensorSpec
from mediaml.ops.batches import pad_batch, unpad_outputs
from mediaml.registry.hooks import hookimpl
from mediaml.registry.spec import (
    Answers,
    LoadContext,
    Model,
    ModelSpec,
    NoOptions,
    OutputSpec,
    Reading,
    StagedModel,
    TextModel,
)
from mediaml.registry.views import view

if TYPE_CHECKING:
    from mediaml.onnx.coco import COCO_91_NAMES, COCO_NAMES
    from mediaml.onnx.inspect import graph_facts
    from mediaml.onnx.labels import FoundLabels, find_labels, label_lists
    from mediaml.onnx.session import Session
    from mediaml.ops.boxes import clip_boxes, iou_matrix, nms, nms_per_class
    from mediaml.ops.fitting import Fitting, fit_image, letterbox_shape
    from mediaml.ops.pixels import grey, normalise, normalise_clip

_LAZY = {
    "COCO_91_NAMES": "mediaml.onnx.coco",
    "COCO_NAMES": "mediaml.onnx.coco",
    "Fitting": "mediaml.ops.fitting",
    "FoundLabels": "mediaml.onnx.labels",
    "Session": "mediaml.onnx.session",
    "clip_boxes": "mediaml.ops.boxes",
    "find_labels": "mediaml.onnx.labels",
    "fit_image": "mediaml.ops.fitting",
    "graph_facts": "mediaml.onnx.inspect",
    "grey": "mediaml.ops.pixels",
    "iou_matrix": "mediaml.ops.boxes",
    "label_lists": "mediaml.onnx.labels",
    "letterbox_shape": "mediaml.ops.fitting",
    "nms": "mediaml.ops.boxes",
    "nms_per_class": "mediaml.ops.boxes",
    "normalise": "mediaml.ops.pixels",
    "normalise_clip": "mediaml.ops.pixels",
}

__all__ = [
    "COCO_91_NAMES",
    "COCO_NAMES",
    "Answer",
    "Answers",
    "Array",
    "AudioInput",
    "Box",
    "CatalogueEntry",
    "CatalogueFile",
    "ClipInput",
    "Detection",
    "Embedding",
    "Fitting",
    "Float32Array",
    "FoundLabels",
    "Frame",
    "GraphFacts",
    "ImageInput",
    "Keypoint",
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
    "OutputSpec",
    "Picture",
    "Polygon",
    "Prediction",
    "Reading",
    "Session",
    "StagedModel",
    "TensorSpec",
    "TextModel",
    "UInt8Array",
    "View",
    "class_ids",
    "clip_boxes",
    "find_labels",
    "fit_image",
    "graph_facts",
    "grey",
    "hookimpl",
    "iou_matrix",
    "label_lists",
    "letterbox_shape",
    "nms",
    "nms_per_class",
    "normalise",
    "normalise_clip",
    "select",
    "suggestion",
    "view",
]


def __dir__() -> list[str]:
    """The names for plugin authors; others are how this module is built."""
    return list(__all__)


def __getattr__(name: str) -> Any:
    """Import a heavy helper when it is first used (PEP 562)."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class OnnxModel(ABC):
    """A model that is one ONNX graph: `prepare` a frame, `run` a batch, `decode` a batch.

    `prepare` and `prepare_batch` run in reader threads, several at once; `run` in the one inference thread;
    `decode` in the one post-processing thread. Samples of different shapes are never in one batch.

    Attributes:
        input: how frames or clips of them are fitted and normalised; `None` takes it from the ONNX metadata.
        decodes_pixels: whether `decode` looks at the pixels of frames; if not, they are let go earlier.
        session, labels, options: the open session, its label names (empty where it has none), the options.
    """

    input: ImageInput | AudioInput | ClipInput | None = None
    decodes_pixels: bool = True

    def __init__(self, context: LoadContext) -> None:
        self.context = context
        self.options = context.options
        self.session = context.open_session()
        self.labels: tuple[str, ...] = self.session.labels or ()
        if self.input is None:
            self.input = self.session.clip_input or self.session.image_input

    @property
    def fixed_batch(self) -> int | None:
        """Number of samples that the graph requires; `None` where the batch axis is free."""
        shape = self.session.inputs[0].shape
        return shape[0] if shape else None

    def prepare(self, frame: Frame) -> Array:
        """Turn a frame, or a clip of frames, into one sample, without the batch axis.

        Raises:
            ModelError: neither the class nor the ONNX metadata say how the input is prepared.
        """
        if frame.samples is not None:
            return self._audio_sample(frame)
        if isinstance(self.input, ClipInput) and frame.clip is not None:
            clip: Array = import_module("mediaml.ops.pixels").normalise_clip(frame.clip, self.input)
            return clip
        if not isinstance(self.input, ImageInput):
            raise ModelError(
                f"{type(self).__name__} does not say how it takes images.",
                "Set `input = ImageInput(...)` in the plugin.",
            )
        want = self.input
        fitted = frame.fitted(want.width, want.height, want.fit, pad=want.pad, resample=want.resample)
        sample: Array = import_module("mediaml.ops.pixels").normalise(fitted, want)
        return sample

    def _audio_sample(self, frame: Frame) -> Array:
        """A window of audio by `input`, whose layout is `FT` where the class does not say."""
        want = self.input if isinstance(self.input, AudioInput) else None
        if frame.spectrogram is not None:
            return frame.spectrogram.T if want and want.layout == "TF" else frame.spectrogram
        assert frame.samples is not None
        if want is None:
            return frame.samples
        sample: Array = import_module("mediaml.ops.spectrogram").waveform(frame.samples, want)
        return sample

    def prepare_batch(self, frames: Sequence[Frame]) -> Sequence[Array]:
        """`prepare` for several frames of small files; override it where that is cheaper at once."""
        return [self.prepare(frame) for frame in frames]

    def run(self, batch: Array) -> Sequence[Array]:
        """Run the graph on samples stacked along a new first axis; one array per output."""
        outputs: Sequence[Array] = self.session.run({self.session.inputs[0].name: batch})
        return outputs

    @abstractmethod
    def decode(self, outputs: Sequence[Array], frames: Sequence[Frame]) -> Sequence[Answers]:
        """Turn the graph's outputs into one answer per frame, in the order of `frames`."""

    def predict(self, frames: Sequence[Frame]) -> Sequence[Answers]:
        """Prepare, run and decode in one go, for callers outside the pipeline."""
        size = self.fixed_batch or 1
        answers: list[Answers] = []
        for frame in frames:
            outputs = self.run(pad_batch([self.prepare(frame)], size))
            answers += self.decode(unpad_outputs(outputs, size, 1) if size > 1 else outputs, [frame])
        return answers
