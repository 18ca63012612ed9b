"""The bundled detector's network: stages of inverted residual blocks under two YOLOv3 heads.

Between blocks the maps are narrow and linear (Sandler et al., MobileNetV2, 2018). Where they stand, and how
narrow they are, follows Yolo-Fastest-1.1-xl, so that every block alone can be taught to do what the
teacher's does between the same two maps (see `blockwise`). Inside, blocks are about twice as wide as the
teacher's: a wider block finds the same function in far fewer steps.
There is no batch normalisation: blocks learn between maps of unit variance, and it would cost a CPU half of
a block's time again.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

# Input pixels, and their order, are those of Yolo-Fastest-1.1-xl (head of stride 32 first), so that the
# student's raw heads are comparable with that teacher's, number by number.
ANCHORS: tuple[tuple[tuple[float, float], ...], ...] = (
    ((115.0, 73.0), (119.0, 199.0), (242.0, 238.0)),
    ((12.0, 18.0), (37.0, 49.0), (52.0, 132.0)),
)
STRIDES: tuple[int, ...] = (32, 16)
CLASSES = 80
SLOPE = 0.1  # of the leaky ReLU, darknet's
POOLS = (9, 5, 3)  # spatial pyramid pooling under the heads (Huang et al., DC-SPP-YOLO, 2019)


@dataclass(frozen=True, slots=True)
class Stage:
    """An entry block to `channels` at `stride`, `entry` channels wide inside, and residual blocks after it.

    blocks: how many residual ones, `hidden` channels wide inside.
    """

    channels: int
    stride: int
    entry: int
    hidden: int
    blocks: int


@dataclass(frozen=True, slots=True)
class Architecture:
    """Channels after the first convolution, the stages, and widths of the neck and inside the heads."""

    stem: int = 24
    stages: tuple[Stage, ...] = (
        Stage(8, 1, 32, 32, 1),
        Stage(16, 2, 80, 112, 2),
        Stage(16, 2, 128, 192, 2),
        Stage(32, 1, 192, 384, 4),
        Stage(48, 2, 384, 544, 4),
        Stage(96, 2, 480, 784, 5),
    )
    neck: int = 96
    pooled: int = 192
    coarse: int = 192
    fine: int = 208


class Inverted(nn.Module):
    """1x1 to wide, depthwise, 1x1 to narrow; leaky ReLU after the first two, nothing after the last.

    It starts with unit variance at every layer for inputs of unit variance, and random offsets, so that its
    channels bend at different places.
    """

    def __init__(self, inputs: int, outputs: int, hidden: int, stride: int = 1, kernel: int = 3) -> None:
        super().__init__()
        self.expand = nn.Conv2d(inputs, hidden, 1)
        self.depthwise = nn.Conv2d(hidden, hidden, kernel, stride, kernel // 2, groups=hidden)
        self.project = nn.Conv2d(hidden, outputs, 1)
        for layer, inflow, gain in (
            (self.expand, inputs, 1.0),
            (self.depthwise, kernel * kernel, 1.1),
            (self.project, hidden, 0.5),
        ):
            assert layer.bias is not None
            nn.init.normal_(layer.weight, std=gain / math.sqrt(inflow))
            nn.init.normal_(layer.bias, std=0.3)
        assert self.project.bias is not None
        nn.init.zeros_(self.project.bias)

    def forward(self, images: Tensor) -> Tensor:
        wide = functional.leaky_relu(self.expand(images), SLOPE, inplace=True)
        narrow: Tensor = self.project(functional.leaky_relu(self.depthwise(wide), SLOPE, inplace=True))
        return narrow


class Detector(nn.Module):
    """Images float [batch, 3, height, width] in 0..1 to raw answers [batch, anchors, 5 + classes].

    The last axis is x, y, width, height, objectness, classes, all before their sigmoid or exponential
    (Redmon and Farhadi, YOLOv3, 2018). Height and width must be multiples of 32.
    """

    def __init__(self, architecture: Architecture | None = None, classes: int = CLASSES) -> None:
        super().__init__()
        shape = architecture or Architecture()
        self.values = 5 + classes
        self.stem = nn.Conv2d(3, shape.stem, 3, 2, 1)
        nn.init.normal_(self.stem.weight, std=2 / math.sqrt(27))
        self.stages = nn.ModuleList()
        inputs = shape.stem
        for stage in shape.stages:
            entry = Inverted(inputs, stage.channels, stage.entry, stage.stride)
            inputs = stage.channels
            more = (Inverted(inputs, inputs, stage.hidden) for _ in range(stage.blocks))
            self.stages.append(nn.ModuleList((entry, *more)))
        self.neck = nn.Sequential(
            nn.Conv2d(inputs * (1 + len(POOLS)), shape.pooled, 1),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Conv2d(shape.pooled, shape.neck, 1),
        )
        both = shape.neck + shape.stages[-2].channels
        self.coarse = self._head(shape.neck, shape.coarse, len(ANCHORS[0]))
        self.fine = self._head(both, shape.fine, len(ANCHORS[1]))

    def _head(self, inputs: int, hidden: int, anchors: int) -> nn.ModuleList:
        last = Inverted(inputs, anchors * self.values, hidden, kernel=5)
        with torch.no_grad():
            # Most anchors are empty: start there, or the first steps only learn this one fact.
            bias = last.project.bias
            assert bias is not None
            bias.view(anchors, self.values)[:, 4:] = -4.6
        return nn.ModuleList((Inverted(inputs, inputs, hidden, kernel=5), last))

    def begin(self, images: Tensor) -> Tensor:
        """The first stage's input, half the images' size: contrast stretched about the middle, convolved."""
        return functional.leaky_relu(self.stem((images - 0.45) * 4.0), SLOPE, inplace=True)

    def learn_from(self, stage: int) -> None:
        """Let the stages from this one on, the neck and the heads learn, and nothing before them."""
        self.requires_grad_(True)
        self.stem.requires_grad_(stage == 0)
        for part in self.stages[:stage]:
            part.requires_grad_(False)

    def blocks(self) -> Iterator[tuple[bool, Inverted]]:
        """Every block of the stages in order, and whether its answer is added to its input."""
        for stage in self.stages:
            assert isinstance(stage, nn.ModuleList)
            for number, block in enumerate(stage):
                assert isinstance(block, Inverted)
                yield number > 0, block

    def maps(self, images: Tensor) -> list[Tensor]:
        """The narrow map after every block, in order."""
        return _through(self.blocks(), self.begin(images))

    def deep_maps(self, fine: Tensor) -> list[Tensor]:
        """The maps of the last stage, from the last map before it."""
        return _through(list(self.blocks())[self.last_fine() + 1 :], fine)

    def pool(self, deep: Tensor) -> Tensor:
        """The neck's answer to the last map."""
        pools = [functional.max_pool2d(deep, size, 1, size // 2) for size in POOLS]
        neck: Tensor = self.neck(torch.cat((*pools, deep), 1))
        return neck

    def last_fine(self) -> int:
        """The place in `maps` of the last map before the last stage: the finer head's second input."""
        last = self.stages[-1]
        assert isinstance(last, nn.ModuleList)
        return -len(last) - 1

    def detect(self, neck: Tensor, fine: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, 3 * (5 + classes), h, w] at stride 32 and at stride 16."""
        up = functional.interpolate(neck, scale_factor=2.0, mode="nearest")
        coarse, finer = neck, torch.cat((up, fine), 1)
        for first, second in zip(self.coarse, self.fine, strict=True):
            coarse, finer = first(coarse), second(finer)
        return coarse, finer

    def heads(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """`detect`'s answer to the images."""
        maps = self.maps(images)
        return self.detect(self.pool(maps[-1]), maps[self.last_fine()])

    def forward(self, images: Tensor) -> Tensor:
        return flatten_heads(self.heads(images), self.values)


def _through(blocks: Iterable[tuple[bool, Inverted]], current: Tensor) -> list[Tensor]:
    answers = []
    for residual, block in blocks:
        current = current + block(current) if residual else block(current)
        answers.append(current)
    return answers


def flatten_heads(heads: Sequence[Tensor], values: int) -> Tensor:
    """[batch, anchors * values, h, w] a head to one [batch, sum of h * w * anchors, values].

    The order is detector/1's: head by head, row-major over y and x, then the anchor's index.
    """
    return torch.cat([head.permute(0, 2, 3, 1).reshape(head.shape[0], -1, values) for head in heads], 1)


def grid(height: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """[anchors, 5] of column, row, stride, anchor width, anchor height in `flatten_heads`' order."""
    rows = []
    for anchors, stride in zip(ANCHORS, STRIDES, strict=True):
        y, x, a = torch.meshgrid(
            torch.arange(height // stride),
            torch.arange(width // stride),
            torch.arange(len(anchors)),
            indexing="ij",
        )
        sizes = torch.tensor(anchors)[a.reshape(-1)]
        cell = torch.stack((x.reshape(-1), y.reshape(-1)), 1).float()
        rows.append(torch.cat((cell, torch.full((len(cell), 1), float(stride)), sizes), 1))
    return torch.cat(rows).to(device)


def decode(offsets: Tensor, cells: Tensor) -> Tensor:
    """Boxes left, top, right, bottom in input pixels.

    offsets: [..., anchors, 4] of x and y in the cell (0..1, after the sigmoid) and log width and height over
    the anchor; cells: `grid`'s answer.
    """
    centre = (offsets[..., :2] + cells[:, :2]) * cells[:, 2:3]
    half = torch.exp(offsets[..., 2:4].clamp(-8.0, 8.0)) * cells[:, 3:5] / 2
    return torch.cat((centre - half, centre + half), -1)
