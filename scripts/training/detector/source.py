"""Batches for the student: plan, render, ask the teacher, write the annotation in, reuse a few times."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .augment import Recipe, draw_chances, place_boxes, plan_sample
from .data import Photo
from .render import Renderer
from .targets import mirror, overwrite
from .teacher import DenseTeacher


@dataclass(slots=True)
class BatchSource:
    """Draws batches of uint8 images [batch, size, size, 3] and their dense targets, both on the device.

    A teacher's answer costs half a training step, so batches are kept (as half floats) and each is drawn
    `reuse` times on average: samples are mixed anew across kept batches and mirrored half of the time.
    """

    photos: Sequence[Photo]
    teacher: DenseTeacher
    renderer: Renderer
    recipe: Recipe
    seed: int
    reuse: int = 3
    keep: int = 256
    _kept: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    _random: np.random.Generator = field(init=False)
    _chances: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)
        self._chances = draw_chances(self.photos)

    def draw(self, batch: int, size: int) -> tuple[Tensor, Tensor]:
        """Images uint8 and targets float32 [batch, anchors, 5 + classes]."""
        if self._kept and self._kept[0][0].shape[1] != size:
            self._kept.clear()
        fresh = len(self._kept) < self.keep // 4 or self._random.random() < 1.0 / self.reuse
        if fresh:
            self._kept.append(self._make(batch, size))
            if len(self._kept) > self.keep:
                del self._kept[0]
            images, dense = self._kept[-1]
        else:
            images, dense = self._mix(batch)
        if self._random.random() < 0.5:
            images, dense = mirror(images, dense)
        return images, dense.float()

    def _make(self, batch: int, size: int) -> tuple[Tensor, Tensor]:
        samples = [
            plan_sample(self._random, self.photos, self._chances, size, self.recipe) for _ in range(batch)
        ]
        images = self.renderer(samples, size)
        dense = self.teacher(images).clone()
        boxes = torch.from_numpy(place_boxes(self.photos, samples)).to(dense.device)
        dense = overwrite(dense, boxes, size, size)
        return images, dense.half()

    def _mix(self, batch: int) -> tuple[Tensor, Tensor]:
        which = self._random.integers(len(self._kept), size=batch)
        where = self._random.integers(len(self._kept[0][0]), size=batch)
        pairs = [(self._kept[a][0][b], self._kept[a][1][b]) for a, b in zip(which, where, strict=True)]
        return torch.stack([image for image, _ in pairs]), torch.stack([dense for _, dense in pairs])


def draw_colours(count: int, generator: torch.Generator, strength: float = 1.0) -> tuple[Tensor, Tensor]:
    """A colour matrix [count, 3, 3] and an offset [count] an image, at random.

    Brightness, contrast, saturation and channel gain; one image in ten turns grey. The teacher has answered
    the unchanged image, so the student learns not to care.
    """

    def uniform(*shape: int) -> Tensor:
        return (torch.rand(*shape, generator=generator) * 2 - 1) * strength

    grey = torch.tensor((0.299, 0.587, 0.114)).expand(3, 3)
    saturation = 1 + 0.5 * uniform(count, 1, 1)
    saturation[torch.rand(count, generator=generator) < 0.1 * strength] = 0.0
    matrix = saturation * torch.eye(3) + (1 - saturation) * grey
    gain = (0.3 * uniform(count, 1, 1) + 0.08 * uniform(count, 3, 1)).exp()
    return matrix * gain, 0.12 * uniform(count)


def recolour(images: Tensor, matrix: Tensor, shift: Tensor) -> Tensor:
    """uint8 [batch, height, width, 3] to float [batch, 3, height, width] in 0..1.

    Written element by element: compiled, it melts into one pass, where a matrix product takes 2 ms an image.
    """
    red, green, blue = (images[..., channel].float() / 255.0 for channel in range(3))
    weight = matrix[:, :, :, None, None]
    changed = [
        weight[:, out, 0] * red + weight[:, out, 1] * green + weight[:, out, 2] * blue + shift[:, None, None]
        for out in range(3)
    ]
    return torch.stack(changed, -1).clamp(0.0, 1.0).permute(0, 3, 1, 2)
