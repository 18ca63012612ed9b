"""One small decoder per layout of outputs: from a graph's arrays to candidates of every image.

Boxes become left, top, right, bottom in pixels of the network's input. Sources are named by each decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mediaml.plugin import Array, ModelError
from mediaml_yolo.candidates import Candidates, corners_of, from_best, from_dense, from_indices, listed
from mediaml_yolo.families import FamilyName
from mediaml_yolo.recognise import Layout


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a graph answered to a batch, and what is wanted of it.

    Attributes:
        arrays: by role, see `Layout.outputs`; floating-point ones as float32.
        layout: of the graph.
        width, height: pixels of the network's input.
        conf: lowest score. wanted: class ids; `None` for all.
    """

    arrays: Mapping[str, Array]
    layout: Layout
    width: int
    height: int
    conf: float
    wanted: Sequence[int] | None

    @property
    def pixels(self) -> Array:
        """What shares of the input are multiplied with to be pixels."""
        return np.array([self.width, self.height, self.width, self.height], dtype=np.float32)


Decoder = Callable[[Outputs], Iterator[Candidates]]


def mediaml(given: Outputs) -> Iterator[Candidates]:
    """The interface `detector/1`, docs/darknet.md."""
    boxes, scores = given.arrays["boxes"], given.arrays["scores"]
    if boxes.ndim != 3 or boxes.shape[2] != 4 or scores.ndim != 3 or boxes.shape[:2] != scores.shape[:2]:
        raise ModelError(
            f"the network answered boxes {list(boxes.shape)} and scores {list(scores.shape)}, "
            "not [batch, anchors, 4] and [batch, anchors, classes].",
            "Export it again; docs/darknet.md describes the interface.",
        )
    for image_boxes, image_scores in zip(boxes, scores, strict=True):
        yield from_dense(image_boxes, image_scores, given.conf, given.wanted)


def zoo_yolov3(given: Outputs) -> Iterator[Candidates]:
    """The ONNX zoo's yolov3: boxes are top, left, bottom, right in pixels of the size that it was given."""
    indices = given.arrays["indices"].reshape(-1, 3)
    corners = given.arrays["boxes"][0][:, [1, 0, 3, 2]]
    yield from_indices(corners, given.arrays["scores"][0], indices).wanted(given.conf, given.wanted)


def transposed(given: Outputs) -> Iterator[Candidates]:
    """Ultralytics' heads, [4 + classes + extras, boxes]; source: `non_max_suppression` of ultralytics 8."""
    masks = given.arrays.get("masks")
    for index, grid in enumerate(given.arrays["grid"]):
        rows = grid.T
        last = 4 + (given.layout.classes or rows.shape[1] - 4)
        boxes, scores, extras = corners_of(rows[:, :4]), rows[:, 4:last], rows[:, last:]
        yield _masked(from_best(boxes, scores, given.conf, given.wanted, extras), masks, index)


def end_to_end(given: Outputs) -> Iterator[Candidates]:
    """[boxes, 6 + extras]: box, score, class; rotated boxes by their centre. Source: as `transposed`."""
    masks = given.arrays.get("masks")
    for index, rows in enumerate(given.arrays["grid"]):
        boxes = corners_of(rows[:, :4]) if given.layout.task == "obb" else rows[:, :4]
        found = listed(boxes, rows[:, 4], rows[:, 5], rows[:, 6:], conf=given.conf, wanted=given.wanted)
        yield _masked(found, masks, index)


def with_objectness(given: Outputs) -> Iterator[Candidates]:
    """YOLOv5's, YOLOv7's and YOLOX's decoded heads: centre, size, objectness, class scores, [mask weights].

    Source: `non_max_suppression` of yolov5, `postprocess` of YOLOX.
    """
    masks = given.arrays.get("masks")
    for index, rows in enumerate(given.arrays["grid"]):
        last = 5 + (given.layout.classes or rows.shape[1] - 5)
        scores = rows[:, 5:last] * rows[:, 4:5]
        found = from_best(corners_of(rows[:, :4]), scores, given.conf, given.wanted, rows[:, last:])
        yield _masked(found, masks, index)


def yolox_grid(given: Outputs) -> Iterator[Candidates]:
    """YOLOX's raw grid: offsets in cells, logarithms of sizes. Source: `demo_postprocess` of YOLOX."""
    cells, strides = grid_cells(given.width, given.height)
    raw = given.arrays["grid"]
    if raw.shape[1] != len(cells):
        raise ModelError(
            f"the network answered {raw.shape[1]} cells, not {len(cells)} for {given.width}x{given.height}.",
            "It is not a YOLOX grid of the strides 8, 16 and 32.",
        )
    decoded = raw.copy()
    decoded[..., :2] = (raw[..., :2] + cells) * strides
    # Beyond e^20 cells there is no image; infinite sizes would only be refused.
    decoded[..., 2:4] = np.exp(np.minimum(raw[..., 2:4], 20.0)) * strides
    yield from with_objectness(replace(given, arrays={**given.arrays, "grid": decoded}))


def grid_cells(width: int, height: int) -> tuple[Array, Array]:
    """Columns and rows [cells, 2] of YOLOX's cells, finest grid first, and their strides [cells, 1]."""
    cells, strides = [], []
    for stride in (8, 16, 32):
        columns, rows = np.meshgrid(np.arange(width // stride), np.arange(height // stride))
        cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((columns.size, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


def shares(given: Outputs) -> Iterator[Candidates]:
    """RT-DETR by ultralytics: centre and size as shares, then class scores, or score and class."""
    for rows in given.arrays["grid"]:
        boxes = corners_of(rows[:, :4]) * given.pixels
        if rows.shape[1] == 6 and given.layout.classes != 2:
            yield listed(boxes, rows[:, 4], rows[:, 5], conf=given.conf, wanted=given.wanted)
        else:
            yield from_best(boxes, rows[:, 4:], given.conf, given.wanted)


def queries_sigmoid(given: Outputs) -> Iterator[Candidates]:
    """Each class scored by itself; a query may answer for several. As many as queries, best first.

    Source: `post_process_object_detection` of transformers' RT-DETR, `decode_detections` of RF-DETR, which
    leaves out a last class that stands for nothing.
    """
    for boxes, logits in zip(given.arrays["boxes"], given.arrays["scores"], strict=True):
        scores = _sigmoid(logits[:, : given.layout.classes])
        most = np.argsort(-scores, axis=None, kind="stable")[: len(boxes)]
        rows, classes = np.divmod(most, scores.shape[1])
        corners = corners_of(boxes[rows]) * given.pixels
        yield listed(corners, scores.ravel()[most], classes, conf=given.conf, wanted=given.wanted)


def queries_softmax(given: Outputs) -> Iterator[Candidates]:
    """The best class of a query, the last class standing for nothing. Source: transformers' DETR."""
    for boxes, logits in zip(given.arrays["boxes"], given.arrays["scores"], strict=True):
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores = (powers / powers.sum(axis=1, keepdims=True))[:, :-1]
        yield from_best(corners_of(boxes) * given.pixels, scores, given.conf, given.wanted)


def lists(given: Outputs) -> Iterator[Candidates]:
    """Boxes, labels and scores of every image, boxes in pixels of the size that the graph was given."""
    scores = given.arrays["scores"]
    single = scores.ndim == 1
    for boxes, labels, best in zip(
        *([given.arrays[role]] if single else given.arrays[role] for role in ("boxes", "labels", "scores")),
        strict=True,
    ):
        yield listed(boxes, best, labels, conf=given.conf, wanted=given.wanted)


def lists_of_shares(given: Outputs) -> Iterator[Candidates]:
    """As `lists`, boxes left, top, right, bottom as shares of the image."""
    boxes = given.arrays["boxes"] * given.pixels
    yield from lists(replace(given, arrays={**given.arrays, "boxes": boxes}))


def tensorflow(given: Outputs) -> Iterator[Candidates]:
    """As `lists_of_shares`, but top, left, bottom, right. Source: TensorFlow's object detection API."""
    boxes = given.arrays["boxes"][..., [1, 0, 3, 2]]
    yield from lists_of_shares(replace(given, arrays={**given.arrays, "boxes": boxes}))


DECODERS: Mapping[FamilyName, Decoder] = {
    "mediaml": mediaml,
    "zoo-yolov3": zoo_yolov3,
    "yolov5": with_objectness,
    "yolov8": transposed,
    "yolov8-pose": transposed,
    "yolov10": end_to_end,
    "yolox": yolox_grid,
    "yolox-decoded": with_objectness,
    "ultralytics-rtdetr": shares,
    "rt-detr": lists,
    "rf-detr": queries_sigmoid,
    "hf-sigmoid": queries_sigmoid,
    "hf-softmax": queries_softmax,
    "torchvision": lists,
    "ssd": lists_of_shares,
    "tensorflow": tensorflow,
}


def _masked(found: Candidates, masks: Array | None, index: int) -> Candidates:
    return found if masks is None else replace(found, masks=masks[index])


def _sigmoid(logits: Array) -> Array:
    # Without the bound, exp overflows for logits that mean 0 anyway.
    scores: Array = 1.0 / (1.0 + np.exp(-np.clip(logits, -80.0, 80.0)))
    return scores
