"""The bundled detector's network: a small dense residual backbone under two YOLOv3 heads.

Plain 3x3 and 1x1 convolutions with ReLU throughout: measured in training images a second on a CPU with
bfloat16 matrix units, they beat depthwise ones of a quarter of their operations.
"""

from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class Architecture:
    """Channels at strides 4, 8, 16, 32 and residual blocks at strides 8, 16, 32."""

    channels: tuple[int, int, int, int] = (32, 64, 128, 256)
    blocks: tuple[int, int, int] = (1, 2, 2)


class ConvUnit(nn.Sequential):
    """Convolution without bias, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs, momentum=0.03),
            nn.ReLU(inplace=True),
        )


class Residual(nn.Module):
    """Two 3x3 convolutions around a shortcut (He et al., Deep Residual Learning, 2015, figure 2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvUnit(channels, channels, 3)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels, momentum=0.03)
        )

    def forward(self, images: Tensor) -> Tensor:
        grown: Tensor = functional.relu(self.second(self.first(images)).add_(images), inplace=True)
        return grown


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(ConvUnit(inputs, outputs, 3, 2), *(Residual(outputs) for _ in range(blocks)))


class Detector(nn.Module):
    """Images float [batch, 3, height, width] in 0..1 to raw answers [batch, anchors, 5 + classes].

    The last axis is x, y, width, height, objectness, classes, all before their sigmoid or exponential
    (Redmon and Farhadi, YOLOv3, 2018). Height and width must be multiples of 32.
    """

    def __init__(self, architecture: Architecture | None = None, classes: int = CLASSES) -> None:
        super().__init__()
        shape = architecture or Architecture()
        quarter, eighth, middle, deep = shape.channels
        self.values = 5 + classes
        self.stem = nn.Sequential(ConvUnit(3, 16, 3, 2), ConvUnit(16, quarter, 3, 2))
        self.stage8 = _stage(quarter, eighth, shape.blocks[0])
        self.stage16 = _stage(eighth, middle, shape.blocks[1])
        self.stage32 = _stage(middle, deep, shape.blocks[2])
        self.neck32 = ConvUnit(deep, middle, 1)
        self.head32 = self._head(middle, deep, len(ANCHORS[0]))
        self.lateral = ConvUnit(middle, middle // 2, 1)
        self.neck16 = ConvUnit(middle + middle // 2, middle // 2, 1)
        self.head16 = self._head(middle // 2, middle, len(ANCHORS[1]))

    def _head(self, inputs: int, hidden: int, anchors: int) -> nn.Sequential:
        last = nn.Conv2d(hidden, anchors * self.values, 1)
        nn.init.normal_(last.weight, std=0.01)
        with torch.no_grad():
            # Most anchors are empty: start there, or the first steps only learn this one fact.
            bias = last.bias
            assert bias is not None
            bias.zero_().view(anchors, self.values)[:, 4:] = -4.6
        return nn.Sequential(ConvUnit(inputs, hidden, 3), last)

    def heads(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, 3 * (5 + classes), h, w] at stride 32 and at stride 16."""
        fine = self.stage16(self.stage8(self.stem(images)))
        neck = self.neck32(self.stage32(fine))
        up = functional.interpolate(self.lateral(neck), scale_factor=2.0, mode="nearest")
        return self.head32(neck), self.head16(self.neck16(torch.cat((fine, up), 1)))

    def forward(self, images: Tensor) -> Tensor:
        return flatten_heads(self.heads(images), self.values)


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


def operations(network: Detector, size: int) -> int:
    """Floating-point operations of the convolutions on one size x size image, two a multiply-add."""
    counts: list[int] = []

    def count(module: nn.Module, _: object, answer: Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        counts.append(2 * module.weight.numel() * answer.shape[2] * answer.shape[3])

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.Conv2d)]
    training = network.training
    with torch.inference_mode():
        network.eval()(next(network.parameters()).new_zeros(1, 3, size, size))
    network.train(training)
    for hook in hooks:
        hook.remove()
    return sum(counts)


def decode(offsets: Tensor, cells: Tensor) -> Tensor:
    """Boxes left, top, right, bottom in input pixels.

    offsets: [..., anchors, 4] of x and y in the cell (0..1, after the sigmoid) and log width and height over
    the anchor; cells: `grid`'s answer.
    """
    centre = (offsets[..., :2] + cells[:, :2]) * cells[:, 2:3]
    half = torch.exp(offsets[..., 2:4].clamp(-8.0, 8.0)) * cells[:, 3:5] / 2
    return torch.cat((centre - half, centre + half), -1)
