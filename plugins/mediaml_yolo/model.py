"""The models `yolo` and `detect`: fit, run, and decode a graph's outputs into detections in source pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mediaml.plugin import (
    Answer,
    Array,
    Fitting,
    Frame,
    GraphFacts,
    Label,
    LoadContext,
    ModelError,
    OnnxModel,
    class_ids,
    normalise,
)
from mediaml_yolo.answers import detections
from mediaml_yolo.beside import read_beside
from mediaml_yolo.candidates import Candidates
from mediaml_yolo.choosing import choose
from mediaml_yolo.class_names import Names, class_names
from mediaml_yolo.decoders import DECODERS, Outputs
from mediaml_yolo.families import FAMILIES
from mediaml_yolo.input_shape import input_shape
from mediaml_yolo.options import DetectorOptions
from mediaml_yolo.shapes import suppressed_rotated
from mediaml_yolo.yolox import settled


class Detector(OnnxModel):
    """A detector of any family that `recognise` tells apart.

    Args:
        model: `yolo` or `detect`.

    Raises:
        ModelError: the graph is no detector of this model, or its labels do not fit its classes.
        OptionError: a class is unknown, or the graph cannot take `imgsz` or `family`.
    """

    decodes_pixels = False
    options: DetectorOptions

    def __init__(self, context: LoadContext, model: str) -> None:
        super().__init__(context)
        session, options = self.session, self.options
        path = context.weights
        facts = GraphFacts(path or Path(session.name), session.inputs, session.outputs, session.metadata)
        beside = read_beside(path)
        self.layout = choose(facts, beside, options.family, model)
        self.shape = input_shape(session, self.layout, beside, options)
        if self.layout.family == "yolox" and options.family == "auto":
            self.layout = settled(self, model)
        self.family = FAMILIES[self.layout.family]
        self.names: Names = class_names(path, session.metadata, self.layout, context.warn)
        self.labels = self.names.listed
        if self.layout.family == "rf-detr":
            self.layout = replace(self.layout, classes=len(self.labels))
        self.wanted = class_ids(options.classes, self.labels, model) if options.classes else None

    @property
    def fixed_batch(self) -> int | None:
        """Images in a batch that the graph requires."""
        single = self.layout.axes == "CHW" or self.layout.family in {"zoo-yolov3", "torchvision"}
        return 1 if single else self.layout.image.shape[0]

    def prepare(self, frame: Frame) -> Array:
        """The frame at the network's input size."""
        want, fitting = self.shape.whole, self.fitting(frame)
        picture = frame.fitted(fitting.width, fitting.height, want.fit, pad=want.pad, resample=want.resample)
        sample = normalise(picture, want)
        return sample.astype(np.float16) if self.layout.image.dtype == "float16" else sample

    def run(self, batch: Array) -> Sequence[Array]:
        """The graph's outputs."""
        return self.session.run(self._feeds(batch))

    def decode(self, outputs: Sequence[Array], frames: Sequence[Frame]) -> Sequence[tuple[Answer, ...]]:
        """Detections of every frame, best first, in displayed source pixels; labels of a classifier.

        Raises:
            ModelError: the outputs are not what the graph's layout promises.
        """
        if self.layout.task == "classify":
            return [self._classes(scores) for scores in outputs[0][: len(frames)]]
        found = self._candidates(outputs, frames[0])
        answers = [self._detections(one, frame) for one, frame in zip(found, frames, strict=False)]
        if len(answers) != len(frames):
            raise ModelError(f"the network returned {len(answers)} results for {len(frames)} images.")
        return answers

    def fitting(self, frame: Frame) -> Fitting:
        """Where a frame is placed in the network's input."""
        return self.shape.fitting(frame.width, frame.height)

    def arrays(self, outputs: Sequence[Array]) -> Mapping[str, Array]:
        """The outputs by their role, half precision as float32."""
        index = {spec.name: place for place, spec in enumerate(self.session.outputs)}
        by_role = {role: outputs[index[name]] for role, name in self.layout.outputs.items()}
        return {
            role: array.astype(np.float32) if array.dtype.kind == "f" else array
            for role, array in by_role.items()
        }

    def _feeds(self, batch: Array) -> Mapping[str, Array]:
        """The image and what else the graph asks for.

        As the size of the image it is told that of its input: then it answers in input pixels, as all others
        do, and undoes no fitting, which it would round in its own way.
        """
        layout = self.layout
        rows = 1 if layout.axes == "NHWC" else 2
        height, width = batch.shape[rows : rows + 2]
        feeds: dict[str, Array] = {layout.image.name: batch[0] if layout.axes == "CHW" else batch}
        if layout.sizes is not None:
            size = (height, width) if layout.family == "zoo-yolov3" else (width, height)
            feeds[layout.sizes.name] = np.array([size] * len(batch), dtype=layout.sizes.dtype)
        if layout.mask is not None:
            feeds[layout.mask.name] = np.ones((len(batch), height, width), dtype=layout.mask.dtype)
        return feeds

    def _candidates(self, outputs: Sequence[Array], frame: Frame) -> Iterator[Candidates]:
        fitting, options = self.fitting(frame), self.options
        given = Outputs(
            self.arrays(outputs), self.layout, fitting.width, fitting.height, options.conf, self.wanted
        )
        return DECODERS[self.layout.family](given)

    def _detections(self, found: Candidates, frame: Frame) -> tuple[Answer, ...]:
        return detections(self._suppressed(found), self.layout, self.fitting(frame), self.names)

    def _suppressed(self, found: Candidates) -> Candidates:
        """What remains after suppression, in families without one only where the user asks for it."""
        options = self.options
        iou, agnostic = options.iou or self.family.iou, options.agnostic_nms
        if iou is None and not agnostic:
            return found.ordered(options.max_det)
        iou = iou or 0.7
        if self.layout.task == "obb":
            return suppressed_rotated(found, iou, options.max_det, agnostic=agnostic)
        return found.suppressed(iou, options.max_det, agnostic=agnostic)

    def _classes(self, scores: Array) -> tuple[Answer, ...]:
        """Labels of at least `conf`, the best first."""
        scores = scores.astype(np.float32)
        if not np.isfinite(scores).all() or scores.min() < 0 or scores.max() > 1 + 1e-3:
            raise ModelError(
                "the network's scores are not all numbers in 0..1.", "Export it with its softmax inside."
            )
        order = [int(index) for index in np.argsort(-scores, kind="stable")]
        return tuple(
            Label(self.names.of(index), min(1.0, float(scores[index])))
            for index in order
            if scores[index] >= self.options.conf and (self.wanted is None or index in self.wanted)
        )
