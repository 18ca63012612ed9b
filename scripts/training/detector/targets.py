"""Dense targets: the teacher's answer at every anchor, overwritten where an annotated box is assigned."""

import torch
from torch import Tensor

from scripts.training.detector.net import ANCHORS, STRIDES


def _match(boxes: Tensor, threshold: float) -> Tensor:
    """bool [n, all anchors]: same-centre IoU of sizes over `threshold`, and always the best one."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    anchors = torch.tensor([size for head in ANCHORS for size in head], device=boxes.device)
    shared = torch.minimum(sizes[:, None], anchors[None]).prod(2)
    iou = shared / (sizes.prod(1)[:, None] + anchors.prod(1)[None] - shared)
    matched = iou > threshold
    matched[torch.arange(len(boxes), device=boxes.device), iou.argmax(1)] = True
    return matched


def overwrite(
    dense: Tensor, boxes: Tensor, height: int, width: int, threshold: float = 0.45, belief: float = 0.6
) -> Tensor:
    """`dense` with annotated boxes written in, in place.

    dense: [batch, anchors, 5 + classes] as `DenseTeacher` answers; boxes: [n, 7] of sample, class, left, top,
    right, bottom, score. At the anchors of a box (its centre's cell; every anchor whose size matches) the
    objectness becomes at least its score, the box is the annotation's, and the classes are `belief` parts
    annotation and the rest teacher. Where two boxes want one anchor, the smaller one has it.
    """
    if not len(boxes):
        return dense
    area = (boxes[:, 4] - boxes[:, 2]) * (boxes[:, 5] - boxes[:, 3])
    boxes = boxes[area.argsort(descending=True)]
    # Assignment with repeated indices has no order in PyTorch: write one box's rank, keep the last.
    matched = _match(boxes[:, 2:6], threshold)
    centre = (boxes[:, 2:4] + boxes[:, 4:6]) / 2
    start, first = 0, 0
    for anchors, stride in zip(ANCHORS, STRIDES, strict=True):
        rows, columns = height // stride, width // stride
        number, anchor = matched[:, first : first + len(anchors)].nonzero(as_tuple=True)
        cell = (centre[number] / stride).floor().long()
        cell[:, 0].clamp_(0, columns - 1)
        cell[:, 1].clamp_(0, rows - 1)
        index = start + (cell[:, 1] * columns + cell[:, 0]) * len(anchors) + anchor
        sample = boxes[number, 0].long()
        flat = sample * dense.shape[1] + index
        owner = torch.full((dense.shape[0] * dense.shape[1],), -1, dtype=torch.long, device=dense.device)
        owner.scatter_reduce_(0, flat, number, "amax")
        kept = owner[flat] == number
        _write(
            dense,
            boxes[number[kept]],
            sample[kept],
            index[kept],
            cell[kept],
            anchor[kept],
            stride,
            anchors,
            belief,
        )
        start, first = start + rows * columns * len(anchors), first + len(anchors)
    return dense


def _write(
    dense: Tensor,
    boxes: Tensor,
    sample: Tensor,
    index: Tensor,
    cell: Tensor,
    anchor: Tensor,
    stride: int,
    anchors: tuple[tuple[float, float], ...],
    belief: float,
) -> None:
    sizes = torch.tensor(anchors, device=dense.device)[anchor]
    offset = (boxes[:, 2:4] + boxes[:, 4:6]) / 2 / stride - cell
    values = dense[sample, index]
    values[:, :2] = offset.clamp(0.0, 1.0)
    values[:, 2:4] = ((boxes[:, 4:6] - boxes[:, 2:4]).clamp(min=1.0) / sizes).log()
    values[:, 4] = torch.maximum(values[:, 4], boxes[:, 6])
    values[:, 5:] *= 1.0 - belief
    rows = torch.arange(len(boxes), device=dense.device)
    values[rows, 5 + boxes[:, 1].long()] += belief * boxes[:, 6]
    dense[sample, index] = values
