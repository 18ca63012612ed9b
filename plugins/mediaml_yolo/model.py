"""The model `yolo`: letterbox, run, and decode the head into detections in source pixels."""

from __future__ import annotations

from collections.abc import Sequence

from mediaml.plugin import (
    COCO_NAMES,
    Array,
    Box,
    Detection,
    Frame,
    Label,
    LoadContext,
    ModelError,
    OnnxModel,
    Session,
    class_ids,
    clip_boxes,
)
from mediaml_yolo.candidates import Candidates
from mediaml_yolo.graphs import detector_graph
from mediaml_yolo.heads import DenseHead, Head
from mediaml_yolo.options import YoloOptions
from mediaml_yolo.shape import input_shape
from mediaml_yolo.zoo import ZooHead


class YoloModel(OnnxModel):
    """A YOLO network of any interface that `detector_graph` tells apart.

    Raises:
        ModelError: the graph is not a detector, or its labels do not fit its classes.
        OptionError: a class is unknown, or the graph cannot take `imgsz`.
    """

    decodes_pixels = False
    options: YoloOptions

    def __init__(self, context: LoadContext) -> None:
        super().__init__(context)
        graph = detector_graph(self.session)
        zoo = graph.interface == "zoo-yolov3"
        self.head: Head = (ZooHead if zoo else DenseHead)(self.session, graph)
        self.labels = _labels(self.session, self.head.class_count, zoo)
        self.wanted = class_ids(self.options.classes, self.labels, "yolo") if self.options.classes else None
        self.shape = input_shape(self.session, self.head.usual, self.head.fixed_size, self.options)

    @property
    def fixed_batch(self) -> int | None:
        """Images in a batch that the graph requires."""
        return self.head.fixed_batch

    def prepare(self, frame: Frame) -> Array:
        """The frame at the network's input size."""
        want, fitting = self.shape.whole, self.shape.fitting(frame.width, frame.height)
        picture = frame.fitted(fitting.width, fitting.height, want.fit, pad=want.pad, resample=want.resample)
        return self.head.sample(picture)

    def run(self, batch: Array) -> Sequence[Array]:
        """The graph's outputs."""
        return self.session.run(self.head.feeds(batch))

    def decode(self, outputs: Sequence[Array], frames: Sequence[Frame]) -> Sequence[tuple[Detection, ...]]:
        """Detections of every frame, best first, in displayed source pixels.

        Raises:
            ModelError: the outputs are not what the graph's interface promises.
        """
        found = self.head.candidates(outputs, self.options.conf, self.wanted)
        answers = [
            self._detections(candidates, frame) for candidates, frame in zip(found, frames, strict=False)
        ]
        if len(answers) != len(frames):
            raise ModelError(f"the network returned {len(answers)} results for {len(frames)} images.")
        return answers

    def _detections(self, candidates: Candidates, frame: Frame) -> tuple[Detection, ...]:
        options = self.options
        kept = candidates.suppressed(options.iou, options.max_det, agnostic=options.agnostic_nms)
        fitting = self.shape.fitting(frame.width, frame.height)
        boxes = clip_boxes(fitting.to_source(kept.boxes), frame.width, frame.height)
        visible = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        return tuple(
            Detection(Label(self._name(int(index)), float(score)), Box(*corners))
            for corners, score, index in zip(
                boxes[visible].tolist(), kept.scores[visible], kept.classes[visible], strict=True
            )
        )

    def _name(self, index: int) -> str:
        if index >= len(self.labels):
            raise ModelError(f"the network returned class {index}, but it has {len(self.labels)} labels.")
        return self.labels[index]


def _labels(session: Session, count: int | None, zoo: bool) -> tuple[str, ...]:
    """Class names: the file's own, COCO's for the zoo's graphs, which carry none, or else the ids."""
    named = session.labels
    if named is None and zoo and count in (None, len(COCO_NAMES)):
        named = COCO_NAMES
    if named is None:
        if count is None:
            raise ModelError(f"{session.name} says neither its labels nor how many classes it has.")
        return tuple(map(str, range(count)))
    if count is not None and count != len(named):
        raise ModelError(
            f"{session.name} has {count} classes and {len(named)} labels.",
            "Import or export it again with the names of its classes.",
        )
    return named
