"""The losses of the whole network: its maps and raw heads against a lesson's."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from scripts.training.detector.coordinates import Lesson
from scripts.training.detector.net import Detector, decode, flatten_heads


@dataclass(frozen=True, slots=True)
class Weights:
    """What each part of the loss counts for; `answers` all parts of `distillation` against the maps'."""

    answers: float = 0.5
    objectness: float = 1.0
    classes: float = 1.0
    overlap: float = 2.0
    offsets: float = 0.5


def generalised_iou(first: Tensor, second: Tensor) -> Tensor:
    """GIoU (Rezatofighi et al., 2019) of paired boxes [..., 4] left, top, right, bottom: 1 equal, -1 far."""
    shared = (
        torch.minimum(first[..., 2:], second[..., 2:]) - torch.maximum(first[..., :2], second[..., :2])
    ).clamp(min=0)
    hull = torch.maximum(first[..., 2:], second[..., 2:]) - torch.minimum(first[..., :2], second[..., :2])
    inter, enclosing = shared[..., 0] * shared[..., 1], hull[..., 0] * hull[..., 1]
    size1, size2 = first[..., 2:] - first[..., :2], second[..., 2:] - second[..., :2]
    union = size1[..., 0] * size1[..., 1] + size2[..., 0] * size2[..., 1] - inter
    return inter / (union + 1e-6) - (enclosing - union) / (enclosing + 1e-6)


def distillation(raw: Tensor, target: Tensor, cells: Tensor, weights: Weights) -> tuple[Tensor, Tensor]:
    """The loss to minimise and its parts [objectness, classes, overlap, offsets] for the log.

    raw: the student's [batch, anchors, 5 + classes]; target: `overwrite`'s answer; cells: `grid`'s. Every
    part is a sum over anchors divided by the batch's sum of target objectness, so a full and an empty batch
    weigh alike; classes and boxes are weighted by the target objectness of their anchor.
    """
    raw, target = raw.float(), target.float()
    believed = target[..., 4]
    total = believed.sum().clamp(min=1.0)
    objectness = functional.binary_cross_entropy_with_logits(raw[..., 4], believed, reduction="sum")
    classes = functional.binary_cross_entropy_with_logits(
        raw[..., 5:], target[..., 5:], reduction="none"
    ).sum(-1)
    offsets = torch.cat((raw[..., :2].sigmoid(), raw[..., 2:4]), -1)
    apart = 1.0 - generalised_iou(decode(offsets, cells), decode(target[..., :4], cells))
    distance = functional.smooth_l1_loss(offsets, target[..., :4], reduction="none", beta=0.2).sum(-1)
    parts = torch.stack(
        (objectness, (classes * believed).sum(), (apart * believed).sum(), (distance * believed).sum())
    )
    parts = parts / total
    scale = parts.new_tensor((weights.objectness, weights.classes, weights.overlap, weights.offsets))
    return (parts * scale).sum(), parts.detach()


def joint_loss(
    network: Detector, lesson: Lesson, cells: Tensor, weights: Weights, *, deep: bool
) -> tuple[Tensor, Tensor]:
    """The loss of blocks that work together, and its parts [maps, heads, then `distillation`'s four].

    deep: from the teacher's last map before the last stage; else from the pictures. maps: the sum of the mean
    squared differences of the last stage's narrow maps and of the neck from the teacher's; heads: of the raw
    answers, a quarter of it.
    """
    if deep:
        fine = lesson.maps[network.last_fine()]
        maps = network.deep_maps(fine)
    else:
        images = lesson.images.permute(0, 3, 1, 2).float() / 255.0
        maps = network.maps(images.contiguous(memory_format=torch.channels_last))
        fine = maps[network.last_fine()]
    neck = network.pool(maps[-1])
    heads = network.detect(neck, fine)
    last = network.last_fine() + 1
    pairs = [*zip(maps[last:], lesson.maps[last:], strict=True), (neck, lesson.neck)]
    missed = torch.stack([functional.mse_loss(ours.float(), theirs) for ours, theirs in pairs]).sum()
    pairs = list(zip(heads, lesson.heads, strict=True))
    raw = torch.stack([functional.mse_loss(ours.float(), theirs) for ours, theirs in pairs]).sum() / 4
    answers, parts = distillation(flatten_heads(heads, network.values), lesson.dense, cells, weights)
    loss = missed + raw + weights.answers * answers
    return loss, torch.cat((torch.stack((missed, raw)).detach(), parts))
