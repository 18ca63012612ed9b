"""The interface of the ONNX model zoo's yolov3 and tiny-yolov3, with the non-maximum suppression inside.

The graph takes one image at a time, letterboxed on grey 128, and answers with all boxes and scores and the
indices of those that its own suppression chose. Options can be stricter than the thresholds inside the graph,
never looser.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mediaml.plugin import (
    Array,
    ImageInput,
    ModelError,
    Session,
    UInt8Array,
    normalise,
)
from mediaml_yolo.candidates import Candidates, from_indices
from mediaml_yolo.graphs import DetectorGraph


class ZooHead:
    """A graph of the interface `zoo-yolov3`; see `DetectorGraph`."""

    # The zoo's own preprocessing: Pillow's bicubic on grey 128.
    usual = ImageInput(416, 416, fit="letterbox", pad=128, resample="bicubic")
    fixed_batch = 1

    def __init__(self, session: Session, graph: DetectorGraph) -> None:
        self.graph = graph
        self.image = next(spec for spec in session.inputs if spec.name == graph.image)
        self.outputs = {spec.name: index for index, spec in enumerate(session.outputs)}
        self.class_count = session.outputs[self.outputs[graph.scores]].shape[1]

    @property
    def fixed_size(self) -> tuple[int | None, int | None]:
        """Width and height of the image input [batch, 3, height, width]."""
        return self.image.shape[3], self.image.shape[2]

    def sample(self, picture: UInt8Array) -> Array:
        """float32 [3, H, W], RGB 0..1."""
        return normalise(picture, ImageInput(picture.shape[1], picture.shape[0]))

    def feeds(self, batch: Array) -> Mapping[str, Array]:
        """The image, and as its own shape that of the network's input.

        With it the graph undoes no letterbox and answers in input pixels, as every other head does. Given the
        source's shape it would undo one that it rounds in its own way, up to a pixel beside the real one.
        """
        if len(batch) != 1:
            raise ModelError(f"the ONNX zoo's yolov3 takes one image at a time, not {len(batch)}.")
        shape = np.array([batch.shape[2:]], dtype=np.float32)
        return {self.graph.image: batch, str(self.graph.image_shape): shape}

    def candidates(
        self, outputs: Sequence[Array], conf: float, wanted: Sequence[int] | None
    ) -> Iterator[Candidates]:
        """See `Head.candidates`."""
        boxes, scores = outputs[self.outputs[self.graph.boxes]], outputs[self.outputs[self.graph.scores]]
        indices = outputs[self.outputs[str(self.graph.indices)]].reshape(-1, 3)
        corners = boxes[0][:, [1, 0, 3, 2]]
        chosen = from_indices(corners, scores[0], indices)
        keep = chosen.scores >= conf
        if wanted is not None:
            keep &= np.isin(chosen.classes, wanted)
        yield chosen.take(keep)
