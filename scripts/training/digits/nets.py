"""The nets that are compared on MNIST: two classics, and the one that ships.

All take float32 [n, 1, 28, 28], 0..1 with 1 for ink, and answer logits.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Mlp(nn.Sequential):
    """784-256-128-10 with dropout .4 and .3: 235 146 parameters, published 98.12 %."""

    def __init__(self) -> None:
        super().__init__(
            nn.Flatten(),
            nn.Linear(784, 256), nn.ReLU(), nn.Dropout(0.4),
            nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.3),
            nn.Linear(128, 10),
        )  # fmt: skip


class SmallCnn(nn.Sequential):
    """Convolutions 32-64-64 and dense 64: 93 322 parameters, published 99.19 %."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(),
            nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip


class Step(nn.Sequential):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity (He et al., "Deep Residual Learning", 2015)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Step(channels, channels, 3, 1)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(self.first(x)))


class DigitNet(nn.Sequential):
    """Ten digits and `not a digit`: a 5x5 stem of stride 2, residual blocks at 14x14 and 7x7, mean, dense."""

    def __init__(self, classes: int = 11, widths: tuple[int, int] = (48, 80)) -> None:
        first, second = widths
        super().__init__(
            Step(1, first, 5, 2), Residual(first), Step(first, second, 3, 2), Residual(second),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(second, classes),
        )  # fmt: skip


NETS: dict[str, type[nn.Module]] = {"mlp": Mlp, "cnn": SmallCnn, "digits": DigitNet}
TITLES = {
    "mlp": "MLP 784-256-128-10, dropout .4/.3",
    "cnn": "CNN 32-64-64, dense 64",
    "digits": "this model (11 classes)",
}
PUBLISHED = {"mlp": 0.9812, "cnn": 0.9919}


def parameters_of(net: nn.Module) -> int:
    """Number of trained values."""
    return sum(parameter.numel() for parameter in net.parameters())
