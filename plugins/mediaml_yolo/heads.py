"""mediaml's own detector interface, `detector/1`: uint8 images in, dense boxes and scores out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from mediaml.plugin import Array, ImageInput, ModelError, Session, UInt8Array
from mediaml_yolo.candidates import Candidates, from_dense
from mediaml_yolo.graphs import DetectorGraph


class Head(Protocol):
    """Inputs and outputs of one detector interface."""

    usual: ImageInput
    """How images are fitted where the file does not say; the size is darknet's default."""

    @property
    def fixed_size(self) -> tuple[int | None, int | None]:
        """Width and height that the graph requires; `None` where an axis is free."""

    @property
    def fixed_batch(self) -> int | None:
        """Images in a batch that the graph requires; `None` where it is free."""

    @property
    def class_count(self) -> int | None:
        """Number of classes, where the graph says."""

    def sample(self, picture: UInt8Array) -> Array:
        """A fitted uint8 RGB image [H, W, 3] as one sample, without the batch axis."""

    def feeds(self, batch: Array) -> Mapping[str, Array]:
        """The graph's inputs for a batch of samples."""

    def candidates(
        self, outputs: Sequence[Array], conf: float, wanted: Sequence[int] | None
    ) -> Iterator[Candidates]:
        """One set of candidates per image: scores at least `conf`, of the classes `wanted` (`None`: all).

        Raises:
            ModelError: the outputs are not what the interface promises.
        """


class DenseHead:
    """A graph of the interface `detector/1`; see `DetectorGraph`."""

    usual = ImageInput(416, 416, fit="letterbox")

    def __init__(self, session: Session, graph: DetectorGraph) -> None:
        self.graph = graph
        self.image = next(spec for spec in session.inputs if spec.name == graph.image)
        self.outputs = {spec.name: index for index, spec in enumerate(session.outputs)}
        self.class_count = session.outputs[self.outputs[graph.scores]].shape[2]

    @property
    def fixed_size(self) -> tuple[int | None, int | None]:
        """Width and height of `images` [batch, height, width, 3]."""
        return self.image.shape[2], self.image.shape[1]

    @property
    def fixed_batch(self) -> int | None:
        """The first axis of `images`."""
        return self.image.shape[0]

    def sample(self, picture: UInt8Array) -> Array:
        """The image itself: the graph normalises."""
        return picture

    def feeds(self, batch: Array) -> Mapping[str, Array]:
        """The one input."""
        return {self.graph.image: batch}

    def candidates(
        self, outputs: Sequence[Array], conf: float, wanted: Sequence[int] | None
    ) -> Iterator[Candidates]:
        """See `Head.candidates`."""
        boxes, scores = outputs[self.outputs[self.graph.boxes]], outputs[self.outputs[self.graph.scores]]
        if boxes.ndim != 3 or boxes.shape[2] != 4 or scores.ndim != 3 or boxes.shape[:2] != scores.shape[:2]:
            raise ModelError(
                f"the network answered boxes {list(boxes.shape)} and scores {list(scores.shape)}, "
                "not [batch, anchors, 4] and [batch, anchors, classes].",
                "Export it again; docs/darknet.md describes the interface.",
            )
        for picture_boxes, picture_scores in zip(boxes, scores, strict=True):
            yield from_dense(picture_boxes, picture_scores, conf, wanted)
