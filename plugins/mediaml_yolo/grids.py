"""Readings of graphs with one head of three axes, or one row of scores: the YOLO families.

The number of rows tells the families apart: one for every cell of the grids (v8 and its kin, YOLOX), three
(v5, v7), or a fixed few (end to end). Where it is free, and metadata is missing, several may fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mediaml.plugin import TensorSpec, find_labels
from mediaml_yolo.families import FamilyName
from mediaml_yolo.recognise import FLOATS, Graph, Layout, Task

_STRIDES = ((8, 16, 32), (4, 8, 16, 32), (8, 16, 32, 64), (16, 32))
_YOLOX_STRIDES = ((8, 16, 32),)
_COCO_POSE = 4 + 1 + 17 * 3
_TASKS: Mapping[str, Task] = {
    "detect": "detect", "segment": "segment", "pose": "pose", "obb": "obb", "classify": "classify",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exported:
    """What an exporter noted in the metadata.

    Attributes:
        ultralytics: whether ultralytics wrote the file. yolov5: whether YOLOv5's own export did.
        task: of ultralytics; `None` where it is not noted, empty for one that is not known here.
        names: number of class names. end2end: whether suppression is inside. head: class of the last module.
        keypoints: their number, and values per keypoint.
    """

    ultralytics: bool
    yolov5: bool
    task: str | None
    names: int | None
    end2end: bool | None
    head: str
    keypoints: tuple[int, int]


def exported(metadata: Mapping[str, str]) -> Exported:
    """Read what ultralytics or YOLOv5 noted; as data, never evaluated."""
    ultralytics = metadata.get("author", "").lower() == "ultralytics"
    found = find_labels(None, metadata, None)
    noted = metadata.get("task")
    end2end = {"True": True, "False": False}.get(metadata.get("end2end", ""))
    if re.search(r"'nms': True", metadata.get("args", "")):
        end2end = True
    numbers = re.fullmatch(r"[\[(](\d{1,3}), ?([23])[\])]", metadata.get("kpt_shape", ""))
    keypoints = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    yolov5 = not ultralytics and "task" not in metadata and {"stride", "names"} <= metadata.keys()
    return Exported(
        ultralytics,
        yolov5,
        None if noted is None else _TASKS.get(noted, ""),
        None if found is None else len(found.names),
        end2end,
        metadata.get("head", ""),
        keypoints,
    )


def grid_layouts(graph: Graph) -> Sequence[Layout]:
    """Every reading of one head as a YOLO family."""
    noted = exported(graph.facts.metadata)
    if not graph.floating or noted.task == "":
        return ()
    if noted.task == "classify":
        return _classifier(graph)
    heads = [spec for spec in graph.facts.outputs if len(spec.shape) == 3 and spec.dtype in FLOATS]
    masks = [spec for spec in graph.facts.outputs if len(spec.shape) == 4 and spec.dtype in FLOATS]
    # YOLOv5 and v7 may give the maps that the head is made of, too.
    others = [spec for spec in graph.facts.outputs if spec not in heads + masks and len(spec.shape) != 5]
    if len(heads) != 1 or len(masks) > 1 or others:
        return ()
    found = list(_readings(_Head(graph, noted, heads[0], masks[0] if masks else None)))
    counted = [layout for layout in found if layout.classes == noted.names]
    return counted if counted and noted.names is not None else found


def _classifier(graph: Graph) -> Sequence[Layout]:
    outputs = graph.facts.outputs
    if len(outputs) != 1 or len(outputs[0].shape) != 2:
        return ()
    roles = {"scores": outputs[0].name}
    classes = outputs[0].shape[1]
    reason = "its metadata says `classify`"
    return [Layout("yolo-classify", reason, graph.image, graph.axes, roles, classes, "classify")]


@dataclass(frozen=True, slots=True)
class _Head:
    """The output [batch, rows, values] of a graph, and the masks beside it."""

    graph: Graph
    noted: Exported
    spec: TensorSpec
    masks: TensorSpec | None

    @property
    def rows(self) -> int | None:
        return self.spec.shape[1]

    @property
    def values(self) -> int | None:
        return self.spec.shape[2]

    @property
    def mask_values(self) -> int:
        """Values per box that weigh the masks; 0 where there are none."""
        return 0 if self.masks is None else self.masks.shape[1] or 0

    def cells(self, strides: Sequence[Sequence[int]], anchors: int) -> frozenset[int] | None:
        """Possible numbers of rows, where the image's size is fixed."""
        height, width = self.graph.size
        if height is None or width is None:
            return None
        totals = (sum((height // step) * (width // step) for step in steps) for steps in strides)
        return frozenset(anchors * total for total in totals)

    def reading(self, family: FamilyName, classes: int | None, task: Task, why: str) -> Layout:
        outputs = {"grid": self.spec.name, **({"masks": self.masks.name} if self.masks else {})}
        keypoints = (
            (self.noted.keypoints if self.noted.keypoints[0] else (17, 3)) if task == "pose" else (0, 0)
        )
        reason = f"output {self.spec}: {why}"
        return Layout(family, reason, self.graph.image, self.graph.axes, outputs, classes, task, keypoints)

    def tasks(self) -> Sequence[tuple[Task, int]]:
        """What may be found, and the values per box beyond its corners and scores."""
        noted = self.noted
        count = noted.keypoints[0] * noted.keypoints[1] or 17 * 3
        extras: Mapping[Task, int] = {"detect": 0, "segment": self.mask_values, "pose": count, "obb": 1}
        task: Task = _TASKS[noted.task] if noted.task else ("segment" if self.masks else "detect")
        return [(task, extras[task])] if (task == "segment") == (self.mask_values > 0) else []


def _readings(head: _Head) -> Iterator[Layout]:
    noted, rows, values = head.noted, head.rows, head.values
    if noted.head == "RTDETRDecoder" or _is_old_rtdetr(head):
        classes = noted.names if values == 6 else None if values is None else values - 4
        yield head.reading("ultralytics-rtdetr", classes, "detect", "queries of RT-DETR")
        return
    for task, extra in head.tasks():
        if _is_transposed(head, extra):
            classes = noted.names if rows is None else rows - 4 - extra
            yield head.reading("yolov8", classes, task, "box values and class scores by row")
        if values in {6 + extra, None} and _is_end_to_end(head):
            yield head.reading("yolov10", noted.names, task, "box, score and class, suppressed in the graph")
    if rows == _COCO_POSE and noted.task is None and not head.masks and _is_transposed(head, 51):
        yield head.reading("yolov8-pose", 1, "pose", "one class and 17 keypoints")
    if not noted.ultralytics:
        yield from _with_objectness(head)


def _is_old_rtdetr(head: _Head) -> bool:
    """RT-DETR as ultralytics exported it before it noted the head: 300 queries, shares and class scores."""
    noted = head.noted
    old = noted.ultralytics and not noted.head and noted.end2end is None and noted.task == "detect"
    if not old or head.rows != 300 or noted.names is None or head.values != 4 + noted.names:
        return False
    # With two classes a row is as long as one of an end-to-end head.
    description = head.graph.facts.metadata.get("description", "").lower()
    return noted.names != 2 or "rtdetr" in description.replace("-", "")


def _is_transposed(head: _Head, extra: int) -> bool:
    """Whether a row holds one value of all boxes, as in ultralytics' heads."""
    rows, boxes, noted = head.rows, head.values, head.noted
    if noted.yolov5 or noted.end2end:
        return False
    if rows is None:
        return noted.ultralytics and noted.names is not None and boxes is None
    if rows < 5 + extra:
        return False
    if noted.ultralytics and noted.names is not None:
        return rows == 4 + noted.names + extra or boxes is None or boxes > rows
    cells = head.cells(_STRIDES, 1)
    return boxes is None or (boxes > rows if cells is None else boxes in cells)


def _is_end_to_end(head: _Head) -> bool:
    """Whether the number of boxes is not that of a grid."""
    rows, noted = head.rows, head.noted
    if noted.end2end is not None or noted.ultralytics or head.values is None:
        return bool(noted.end2end if head.values is None else noted.end2end is not False)
    grids = (head.cells(_STRIDES, 1) or frozenset()) | (head.cells(_STRIDES, 3) or frozenset())
    return not noted.yolov5 and (rows is None or rows not in grids)


def _with_objectness(head: _Head) -> Iterator[Layout]:
    """[batch, boxes, 5 + classes]: three boxes per cell for YOLOv5 and v7, one for YOLOX."""
    values, noted = head.values, head.noted
    if values is None and noted.yolov5 and noted.names is not None:
        # Its dynamic export may leave all axes free.
        values = 5 + noted.names + head.mask_values
    if values is None or values < 6 + head.mask_values or noted.end2end or noted.task is not None:
        return
    classes = values - 5 - head.mask_values
    fits = {anchors: _has_rows(head, anchors) for anchors in (1, 3)}
    if fits[3]:
        task: Task = "segment" if head.mask_values else "detect"
        yield head.reading("yolov5", classes, task, "box, objectness and class scores, 3 boxes per cell")
    if fits[1] and not noted.yolov5 and not head.mask_values:
        yield head.reading("yolox", classes, "detect", "box, objectness and class scores, 1 box per cell")


def _has_rows(head: _Head, anchors: int) -> bool:
    cells = head.cells(_STRIDES if anchors == 3 else _YOLOX_STRIDES, anchors)
    if head.rows is None or (anchors == 3 and head.noted.yolov5):
        return True
    return head.rows > 5 + 1 if cells is None else head.rows in cells
