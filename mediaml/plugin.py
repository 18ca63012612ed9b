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

from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Meta

from mediaml.core.arrays import Array, Float32Array, UInt8Array
from mediaml.core.catalogue_entry import CatalogueEntry, CatalogueFile
from mediaml.core.errors import MediaError, ModelError, OptionError, PluginError
from mediaml.core.frame import Fit, Frame, Resample
from mediaml.core.media import Kind, MediaInfo
from mediaml.core.model_input import ImageInput, SoundInput
from mediaml.core.prediction import Answer, Box, Detection, Embedding, Label, Picture, Prediction
from mediaml.core.view import View, class_ids, select
from mediaml.registry.spec import (
    GROUP,
    Answers,
    LoadContext,
    Model,
    ModelSpec,
    NoOptions,
    StagedModel,
    TaskName,
    TextModel,
    hookimpl,
    hookspec,
)
from mediaml.registry.views import view

if TYPE_CHECKING:
    from mediaml.onnx.coco import COCO_NAMES
    from mediaml.onnx.interface import DetectorGraph, detector_graph, detector_interface
    from mediaml.onnx.session import Session
    from mediaml.ops.boxes import clip_boxes, iou_matrix, nms, nms_per_class
    from mediaml.ops.fitting import Fitting, fit_image, letterbox_shape
    from mediaml.ops.pixels import grey, normalise

_LAZY = {
    "COCO_NAMES": "mediaml.onnx.coco",
    "DetectorGraph": "mediaml.onnx.interface",
    "Fitting": "mediaml.ops.fitting",
    "Session": "mediaml.onnx.session",
    "clip_boxes": "mediaml.ops.boxes",
    "detector_graph": "mediaml.onnx.interface",
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
    "COCO_NAMES",
    "GROUP",
    "Answer",
    "Answers",
    "Array",
    "Box",
    "CatalogueEntry",
    "CatalogueFile",
    "Detection",
    "DetectorGraph",
    "Embedding",
    "Fit",
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
    "Resample",
    "Session",
    "SoundInput",
    "StagedModel",
    "TaskName",
    "TextModel",
    "UInt8Array",
    "View",
    "class_ids",
    "clip_boxes",
    "detector_graph",
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
    "select",
    "view",
]


def __getattr__(name: str) -> Any:
    """Import a heavy helper when it is first touched (PEP 562)."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
        outputs: Sequence[Array] = self.session.run({self.session.inputs[0].name: batch})
        return outputs

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
