"""What a detector's graph is: decided by inputs, outputs and metadata, never by the file's name.

`recognise` gives every reading that fits. One is right, none is no detector, several are for the user to
choose among: a graph is never read half.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mediaml.plugin import GraphFacts, TensorSpec
from mediaml_yolo.beside import Beside
from mediaml_yolo.families import FamilyName

Axes = Literal["NCHW", "NHWC", "CHW"]
Task = Literal["detect", "segment", "pose", "obb", "classify"]
FLOATS = frozenset({"float32", "float16"})
INTEGERS = frozenset({"int32", "int64"})


@dataclass(frozen=True, slots=True)
class Layout:
    """One reading of a graph.

    Attributes:
        family: see `FAMILIES`.
        reason: what in the graph says so, for people.
        image: the image input. axes: the order of its axes; `CHW` has no batch.
        outputs: names of outputs by their role: `boxes`, `scores`, `labels`, `indices`, `grid`, `masks`.
        classes: number of classes, where the graph says.
        task: what is found.
        keypoints: number of keypoints and values per keypoint, 2 or 3; of the task `pose`.
        sizes: an input for the size of the image, [batch, 2].
        mask: an input for the mask of an image's pixels, [batch, height, width].
    """

    family: FamilyName
    reason: str
    image: TensorSpec
    axes: Axes
    outputs: Mapping[str, str]
    classes: int | None = None
    task: Task = "detect"
    keypoints: tuple[int, int] = (0, 0)
    sizes: TensorSpec | None = None
    mask: TensorSpec | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph sorted by what can be told at once.

    Attributes:
        facts: all of it. image, axes: the image input. others: the inputs beside it.
        named: outputs by their names, without TensorFlow's `:0`.
        beside: what the files beside the model say.
    """

    facts: GraphFacts
    image: TensorSpec
    axes: Axes
    others: tuple[TensorSpec, ...]
    named: Mapping[str, TensorSpec]
    beside: Beside

    @property
    def floating(self) -> bool:
        """Whether the image is planar, of floating-point numbers, and the only input."""
        return self.axes == "NCHW" and self.image.dtype in FLOATS and not self.others

    @property
    def size(self) -> tuple[int | None, int | None]:
        """Height and width of the image input."""
        rows = {"NCHW": 2, "NHWC": 1, "CHW": 1}[self.axes]
        return self.image.shape[rows], self.image.shape[rows + 1]


def recognise(facts: GraphFacts, beside: Beside | None = None) -> tuple[Layout, ...]:
    """Every reading of a graph that fits, the likelier one first; none where it is no detector known here."""
    from mediaml_yolo.grids import grid_layouts

    graph = _sorted(facts, beside or Beside())
    if graph is None:
        return ()
    rules: Sequence[Callable[[Graph], Sequence[Layout]]] = (
        _mediaml,
        _zoo_yolov3,
        _tensorflow,
        _rt_detr,
        _rf_detr,
        _hugging_face,
        _box_lists,
        grid_layouts,
    )
    return next((tuple(found) for rule in rules if (found := rule(graph))), ())


def _sorted(facts: GraphFacts, beside: Beside) -> Graph | None:
    """The graph by its one image input; `None` where there is none, or several."""
    found = [(spec, axes) for spec in facts.inputs if (axes := _image_axes(spec)) is not None]
    if len(found) != 1:
        return None
    image, axes = found[0]
    others = tuple(spec for spec in facts.inputs if spec is not image)
    named = {spec.name.split(":")[0]: spec for spec in facts.outputs}
    return Graph(facts, image, axes, others, named, beside)


def _image_axes(spec: TensorSpec) -> Axes | None:
    if spec.dtype not in FLOATS | {"uint8"}:
        return None
    if len(spec.shape) == 4 and spec.shape[1] == 3:
        return "NCHW"
    if len(spec.shape) == 4 and spec.shape[3] == 3:
        return "NHWC"
    if len(spec.shape) == 3 and spec.shape[0] == 3:
        return "CHW"
    return "NCHW" if len(spec.shape) == 4 and spec.shape[1] is None and spec.dtype in FLOATS else None


def _layout(
    graph: Graph, family: FamilyName, reason: str, roles: Mapping[str, str], **more: object
) -> Layout:
    outputs = {role: graph.named[name].name for role, name in roles.items()}
    return Layout(family, reason, graph.image, graph.axes, outputs, **more)  # type: ignore[arg-type]


def _fits(spec: TensorSpec | None, *shape: int | None, dtypes: frozenset[str] = FLOATS) -> bool:
    return spec is not None and spec.dtype in dtypes and spec.fits(*shape)


def _mediaml(graph: Graph) -> Sequence[Layout]:
    boxes, scores = graph.named.get("boxes"), graph.named.get("scores")
    own = graph.axes == "NHWC" and graph.image.dtype == "uint8" and not graph.others
    if not own or not _fits(boxes, None, None, 4) or not _fits(scores, None, None, None):
        return ()
    reason = "uint8 images [batch, height, width, 3] to `boxes` and `scores`"
    roles = {"boxes": "boxes", "scores": "scores"}
    return [_layout(graph, "mediaml", reason, roles, classes=graph.named["scores"].shape[2])]


def _zoo_yolov3(graph: Graph) -> Sequence[Layout]:
    """The image and its height and width to boxes, scores and indices; names differ from file to file."""
    if len(graph.others) != 1 or len(graph.facts.outputs) != 3 or graph.axes != "NCHW":
        return ()
    boxes, scores, indices = graph.facts.outputs
    chosen = _fits(indices, None, 3, dtypes=INTEGERS) or _fits(indices, None, None, 3, dtypes=INTEGERS)
    known = _fits(graph.others[0], None, 2) and _fits(boxes, None, None, 4) and chosen
    if not known or not _fits(scores, None, None, None):
        return ()
    outputs = {"boxes": boxes.name, "scores": scores.name, "indices": indices.name}
    reason = "an image and its shape to boxes, scores and the indices of a suppression inside"
    layout = Layout("zoo-yolov3", reason, graph.image, graph.axes, outputs, scores.shape[1])
    return [replace(layout, sizes=graph.others[0])]


def _tensorflow(graph: Graph) -> Sequence[Layout]:
    roles = {"boxes": "detection_boxes", "scores": "detection_scores", "labels": "detection_classes"}
    boxes, scores, labels = (graph.named.get(name) for name in roles.values())
    whole = _fits(boxes, None, None, 4) and _fits(scores, None, None)
    if graph.axes != "NHWC" or graph.others or not whole:
        return ()
    if not _fits(labels, None, None, dtypes=FLOATS | INTEGERS):
        return ()
    return [_layout(graph, "tensorflow", "outputs `detection_boxes`, `detection_scores`, …", roles)]


def _rt_detr(graph: Graph) -> Sequence[Layout]:
    roles = {"labels": "labels", "boxes": "boxes", "scores": "scores"}
    labels, boxes, scores = (graph.named.get(name) for name in roles.values())
    asks = len(graph.others) == 1 and _fits(graph.others[0], None, 2, dtypes=INTEGERS | FLOATS)
    whole = _fits(boxes, None, None, 4) and _fits(scores, None, None)
    if graph.axes != "NCHW" or not asks or not whole:
        return ()
    if not _fits(labels, None, None, dtypes=INTEGERS):
        return ()
    reason = f"images and `{graph.others[0].name}` to `labels`, `boxes` and `scores`"
    return [_layout(graph, "rt-detr", reason, roles, sizes=graph.others[0])]


def _rf_detr(graph: Graph) -> Sequence[Layout]:
    boxes, scores = graph.named.get("dets"), graph.named.get("labels")
    if not graph.floating or not _fits(boxes, None, None, 4) or not _fits(scores, None, None, None):
        return ()
    if _has_masks(graph):
        return ()
    roles = {"boxes": "dets", "scores": "labels"}
    classes = graph.named["labels"].shape[2]
    return [
        _layout(graph, "rf-detr", "outputs `dets` and `labels`, one score per class", roles, classes=classes)
    ]


def _has_masks(graph: Graph) -> bool:
    """Whether a DETR gives masks, too, which are not read here: half of its answer would be lost."""
    return any(name in graph.named for name in ("masks", "pred_masks"))


def _hugging_face(graph: Graph) -> Sequence[Layout]:
    """`logits` and `pred_boxes`; whether a last class stands for nothing, the graph alone does not say."""
    scores, boxes = graph.named.get("logits"), graph.named.get("pred_boxes")
    mask = next((spec for spec in graph.others if spec.fits(None, None, None)), None)
    alone = len(graph.others) == (mask is not None)
    if graph.axes != "NCHW" or not alone or not _fits(boxes, None, None, 4):
        return ()
    if not _fits(scores, None, None, None) or _has_masks(graph):
        return ()
    roles = {"boxes": "pred_boxes", "scores": "logits"}
    values = graph.named["logits"].shape[2]
    fewer = None if values is None else values - 1
    config = f"config.json says {graph.beside.model_type}"
    reasons = {
        "hf-sigmoid": "`logits` and `pred_boxes`, a score for each class",
        "hf-softmax": "`logits` and `pred_boxes`, the last class stands for nothing",
    }
    both = [
        _layout(graph, "hf-sigmoid", reasons["hf-sigmoid"], roles, classes=values, mask=mask),
        _layout(graph, "hf-softmax", reasons["hf-softmax"], roles, classes=fewer, mask=mask),
    ]
    wanted = graph.beside.softmax
    if wanted is None and graph.beside.classes is not None:
        counted = [one for one in both if one.classes == graph.beside.classes]
        return counted or both
    if wanted is None:
        # DETR's 91 COCO ids and nothing; no other published head has 92.
        return both[1:] if values == 92 else both[:1] if values == 80 else both
    one = both[1] if wanted else both[0]
    return [_layout(graph, one.family, config, roles, classes=one.classes, mask=mask)]


def _box_lists(graph: Graph) -> Sequence[Layout]:
    """Boxes that are chosen already, with their labels and scores: torchvision's, or the zoo's SSD."""
    if graph.others or graph.image.dtype not in FLOATS or len(graph.facts.outputs) < 3:
        return ()
    labels, scores = graph.named.get("labels"), graph.named.get("scores")
    if _fits(graph.named.get("boxes"), None, 4) and _fits(scores, None):
        if not _fits(labels, None, dtypes=INTEGERS):
            return ()
        roles = {"boxes": "boxes", "labels": "labels", "scores": "scores"}
        return [_layout(graph, "torchvision", "`boxes`, `labels` and `scores` of one image", roles)]
    ssd = graph.axes == "NCHW" and _fits(graph.named.get("bboxes"), None, None, 4)
    if ssd and _fits(scores, None, None) and _fits(labels, None, None, dtypes=INTEGERS):
        roles = {"boxes": "bboxes", "labels": "labels", "scores": "scores"}
        return [_layout(graph, "ssd", "`bboxes`, `labels` and `scores`, boxes as shares", roles)]
    return ()
