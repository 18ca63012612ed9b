"""The net that ships, and the published baseline that it is compared with."""

import torch
from torch import Tensor, nn
from torch.nn import functional

LABELS = ("ordinary", "financial")


class Block(nn.Sequential):
    """3x3 convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
        )


class FinancialNet(nn.Module):
    """uint8 or float RGB 0..255 [batch, 3, height, width] to logits [batch, labels].

    Every picture is first standardised by itself, channel by channel, so that tint and brightness are gone
    before anything is learnt. What is found is pooled both as a mean (texture) and as a maximum (one place
    suffices).
    """

    def __init__(
        self, widths: tuple[int, ...] = (16, 32, 32, 64, 64, 128, 128, 128), dropout: float = 0.3
    ) -> None:
        super().__init__()
        strides = (2, 2, 1, 2, 1, 2, 1, 1)
        inputs = (3, *widths[:-1])
        self.body = nn.Sequential(*(Block(i, o, s) for i, o, s in zip(inputs, widths, strides, strict=True)))
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * widths[-1], len(LABELS)))

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits [batch, labels]."""
        values = pictures.float() / 255
        mean = values.mean((2, 3), keepdim=True)
        spread = (values - mean).square().mean((2, 3), keepdim=True).sqrt()
        found = self.body((values - mean) / (spread + 0.05))
        logits: Tensor = self.head(torch.cat((found.mean((2, 3)), found.amax((2, 3))), 1).float())
        return logits


class BaselineNet(nn.Module):
    """The published baseline: convolutions of 32 and 16, batch norm, pooling, dropout, dense 20; 256 x 256.

    3x3 convolutions without padding; the pooling is 2x2 after each convolution, the usual reading of that
    list.
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 32, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 16, 3),
            nn.ReLU(),
            nn.BatchNorm2d(16),
            nn.MaxPool2d(2),
            nn.Dropout(0.25),
            nn.Flatten(),
            nn.Linear(16 * 62 * 62, 20),
            nn.ReLU(),
            nn.Linear(20, len(LABELS)),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits [batch, labels] of RGB 0..255 [batch, 3, height, width], stretched to 256 x 256."""
        values = functional.interpolate(
            pictures.float() / 255, (256, 256), mode="bilinear", align_corners=False
        )
        logits: Tensor = self.body(values)
        return logits


class FinancialGraph(nn.Module):
    """What ships: uint8 RGB [batch, 3, height, width] to probabilities [batch, labels]."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pictures: Tensor) -> Tensor:
        """Probabilities that sum to one."""
        return functional.softmax(self.net(pictures), 1)
