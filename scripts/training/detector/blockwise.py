"""Blocks taught one by one: from the teacher's narrow map before a block to the teacher's map after it.

Every position is a sample and every block is shallow, so tens of thousands of pictures' worth of positions
suffice where the heads alone would ask for millions of pictures (as in Wang et al., Progressive Blockwise
Knowledge Distillation, 2018, but all blocks at once). The student's blocks start from random numbers; of the
teacher they see what goes in and what comes out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from scripts.training.detector.coordinates import Lesson
from scripts.training.detector.net import Detector


@dataclass(frozen=True, slots=True)
class Scales:
    """Deviations, a channel: of every block's own answer, and of the two heads' raw answers."""

    blocks: list[Tensor]
    heads: list[Tensor]

    @classmethod
    def measured(cls, network: Detector, lessons: Sequence[Lesson]) -> "Scales":
        """From some lessons."""
        answers = [_answers(network, lesson) for lesson in lessons]
        blocks = [_deviation([row[n] for row in answers]) for n in range(len(answers[0]))]
        heads = [_deviation([lesson.heads[n] for lesson in lessons]).clamp(min=0.3) for n in range(2)]
        return cls(blocks, heads)

    def settle(self, network: Detector) -> None:
        """Multiply the scales into the blocks, in place: from here on they answer in the maps' own units."""
        with torch.no_grad():
            for (_, block), scale in zip(network.blocks(), self.blocks, strict=True):
                block.project.weight.mul_(scale[:, None, None, None])
                assert block.project.bias is not None
                block.project.bias.mul_(scale)


def _answers(network: Detector, lesson: Lesson) -> list[Tensor]:
    """What every block itself is to answer: the map after it, less the map before where it is residual."""
    before = [None, *lesson.maps[:-1]]
    return [
        after - start if residual and start is not None else after
        for (residual, _), start, after in zip(network.blocks(), before, lesson.maps, strict=True)
    ]


def _deviation(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.transpose(0, 1).flatten(1) for part in parts], 1).std(1)


def _window(side: int) -> int:
    """Positions to learn from, a side: large maps have more than enough alike."""
    return min(side, 14 + side // 16)


class _Cropped:
    """A random window of an answer, the window of the input that it comes from, and the valid rest.

    At a window's edge a block sees zeros where the teacher saw more of the picture: `margin` positions are
    left out there.
    """

    def __init__(self, before: Tensor, after: Tensor, margin: int, generator: Generator) -> None:
        height, width = after.shape[2:]
        ratio = before.shape[2] // height
        tall, wide = _window(height), _window(width)
        top = int(torch.randint(height - tall + 1, (), generator=generator))
        left = int(torch.randint(width - wide + 1, (), generator=generator))
        rows = slice(margin, -margin) if tall < height else slice(None)
        columns = slice(margin, -margin) if wide < width else slice(None)
        self._inside = (..., rows, columns)
        window = before[..., top * ratio : (top + tall) * ratio, left * ratio : (left + wide) * ratio]
        self.before = window.contiguous(memory_format=torch.channels_last)
        self.after = after[..., top : top + tall, left : left + wide][self._inside]

    def error(self, answer: Tensor) -> Tensor:
        """Mean square of the difference."""
        return functional.mse_loss(answer[self._inside], self.after)


@dataclass(frozen=True, slots=True)
class _Task:
    """One block's part of a lesson: the map before, the answer wanted, and how the block is asked."""

    before: Tensor
    after: Tensor
    margin: int
    ask: Callable[[Tensor], Tensor]

    def error(self, generator: Generator) -> Tensor:
        """The share of variance that the block misses in a random window."""
        cropped = _Cropped(self.before, self.after, self.margin, generator)
        return cropped.error(self.ask(cropped.before))


def tasks_of(network: Detector, lesson: Lesson, scales: Scales) -> list[_Task]:
    """The blocks of the stages in order, the neck, the coarse head's two blocks and the fine head's two.

    Answers are in units of their deviation.
    """
    images = lesson.images.permute(0, 3, 1, 2).float() / 255.0
    answers = zip(_answers(network, lesson), scales.blocks, strict=True)
    units = [answer / scale[:, None, None] for answer, scale in answers]
    blocks = [block for _, block in network.blocks()]
    before = zip(blocks, [images, *lesson.maps[:-1]], units, strict=True)
    tasks = [_Task(start, answer, 1, block) for block, start, answer in before]
    # The first block reads the picture through the stem, and both reach one position out.
    tasks[0] = _Task(images, units[0], 2, lambda window: blocks[0](network.begin(window)))
    # The neck's pools reach across the whole map.
    tasks.append(_Task(lesson.maps[-1], lesson.neck, 5, network.pool))
    up = functional.interpolate(lesson.neck, scale_factor=2.0, mode="nearest")
    starts = (lesson.neck, torch.cat((up, lesson.maps[network.last_fine()]), 1))
    heads = (network.coarse, network.fine)
    rows = zip(heads, starts, lesson.middles, lesson.heads, scales.heads, strict=True)
    for head, start, middle, last, scale in rows:
        tasks.append(_Task(start, middle, 2, head[0]))
        tasks.append(_Task(middle, last / scale[:, None, None], 2, _scaled(head[1], scale)))
    return tasks


def _scaled(block: nn.Module, scale: Tensor) -> Callable[[Tensor], Tensor]:
    """The block's answer in units of `scale`: the heads themselves answer as the teacher's do."""
    return lambda before: block(before) / scale[:, None, None]
