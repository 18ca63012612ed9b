"""Lessons for the student: plan, render, recolour, ask the teacher, write the annotation in."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from scripts.training.detector.augment import Recipe, Sample, draw_chances, place_boxes, plan_sample
from scripts.training.detector.coordinates import Coordinates, Lesson
from scripts.training.detector.data import Photo
from scripts.training.detector.net import Detector
from scripts.training.detector.render import Renderer
from scripts.training.detector.targets import overwrite
from scripts.training.detector.teacher import MapTeacher


class BatchSource:
    """Draws lessons: plans, renders and recolours a batch of pictures and asks the teacher about them.

    The teacher answers the recoloured pictures, so that its maps and the student's belong together. A lesson
    is kept and drawn `reuse` times on average; blockwise, each time for other windows of its maps.
    """

    def __init__(
        self,
        photos: Sequence[Photo],
        teacher: MapTeacher,
        renderer: Renderer,
        recipe: Recipe,
        seed: int,
        *,
        reuse: float = 4.0,
        keep: int = 40,
    ) -> None:
        self.photos, self.teacher, self.renderer, self.recipe = photos, teacher, renderer, recipe
        self.reuse, self.keep = reuse, keep
        self.coordinates: Coordinates | None = None
        self._kept: list[Lesson] = []
        self._kind = (0, 0, 0)
        self._random = np.random.default_rng(seed)
        self._generator = torch.Generator().manual_seed(seed)
        self._chances = draw_chances(photos)

    def measure(
        self, batch: int, size: int, student: Detector | None = None, batches: int = 8
    ) -> Coordinates:
        """Measure a new student's coordinates, or a trained one's, on some batches, and keep to them."""
        pictures = [self._pictures(batch, size)[0] for _ in range(batches)]
        parts = [self.teacher(images) for images in pictures]
        answers = {layer: torch.cat([part[layer] for part in parts]) for layer in parts[0]}
        if student is None:
            self.coordinates = Coordinates.measured(self.teacher.cuts, answers)
        else:
            images = torch.cat(pictures).permute(0, 3, 1, 2).float() / 255.0
            with torch.inference_mode():
                maps = student.maps(images)
                maps.append(student.pool(maps[-1]))
            self.coordinates = Coordinates.of_student(self.teacher.cuts, answers, maps)
        return self.coordinates

    def draw(self, batch: int, size: int, last: int = 0) -> Lesson:
        """A fresh lesson or a kept one, of `batch` pictures of size x size pixels.

        last: as of `Coordinates.lesson`.
        """
        if (batch, size, last) != self._kind:
            self._kept.clear()
        self._kind = (batch, size, last)
        if len(self._kept) >= self.keep // 4 and self._random.random() >= 1.0 / self.reuse:
            return self._kept[int(self._random.integers(len(self._kept)))]
        self._kept.append(self._make(batch, size, last))
        if len(self._kept) > self.keep:
            del self._kept[0]
        return self._kept[-1]

    def _pictures(self, batch: int, size: int) -> tuple[Tensor, list[Sample]]:
        samples = [
            plan_sample(self._random, self.photos, self._chances, size, self.recipe) for _ in range(batch)
        ]
        images = self.renderer(samples, size)
        matrix, shift = (part.to(images.device) for part in draw_colours(batch, self._generator))
        coloured = recolour(images, matrix, shift).permute(0, 2, 3, 1)
        return (coloured * 255.0).round().to(torch.uint8).contiguous(), samples

    def _make(self, batch: int, size: int, last: int) -> Lesson:
        if self.coordinates is None:
            raise RuntimeError("no coordinates yet: call measure first")
        images, samples = self._pictures(batch, size)
        answers = self.teacher(images)
        dense = self.teacher.dense(answers)
        boxes = torch.from_numpy(place_boxes(self.photos, samples)).to(dense.device)
        return self.coordinates.lesson(images, answers, overwrite(dense, boxes, size, size), last)


def draw_colours(count: int, generator: torch.Generator, strength: float = 0.6) -> tuple[Tensor, Tensor]:
    """A colour matrix [count, 3, 3] and an offset [count] an image, at random.

    Brightness, contrast, saturation and channel gain; `strength` in ten images turn grey. Mild, because the
    teacher has to know what it sees.
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
