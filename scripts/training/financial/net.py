"""The net that ships, and the published baseline that it is compared with."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from scripts.training.detector.export import weights_of
from scripts.training.detector.net import Architecture, Detector

LABELS = ("ordinary", "financial")
MEAN, SPREAD = 0.45, 0.24  # of all pixels of photos, about: what the backbone was taught with
CLIP = 4.0  # deviations
HEADS = ("coarse.", "fine.")


class Backbone(Detector):
    """Stem, stages and neck of the bundled detector, pooled.

    RGB 0..255 [batch, 3, height, width] to [batch, features].

    Every picture is first standardised by itself, channel by channel, so that tint and brightness are gone
    before anything is looked at. Of the map after each stage but the first, and of the neck, each channel's
    mean, deviation, highest and lowest value are kept: texture, and whether a thing is there at all.
    """

    def __init__(self) -> None:
        super().__init__()
        del self.coarse, self.fine
        ends = np.cumsum([stage.blocks + 1 for stage in Architecture().stages]) - 1
        self.ends: list[int] = ends[1:].tolist()

    def forward(self, pictures: Tensor) -> Tensor:
        """Features [batch, features], float32."""
        values = pictures.float() / 255
        mean = values.mean((2, 3), keepdim=True)
        spread = (values - mean).square().mean((2, 3), keepdim=True).sqrt()
        maps = self.maps((values - mean) / (spread + 0.05) * SPREAD + MEAN)
        found = [*(maps[end] for end in self.ends), self.pool(maps[-1])]
        return torch.cat([part for one in found for part in _pooled(one)], 1)


def _pooled(found: Tensor) -> Sequence[Tensor]:
    """[batch, channels, h, w] to four statistics a channel, [batch, channels] each."""
    mean = found.mean((2, 3))
    spread = (found - mean[:, :, None, None]).square().mean((2, 3)).sqrt()
    return mean, found.amax((2, 3)), spread, -(-found).amax((2, 3))


def backbone_of(detector: Path) -> Backbone:
    """The backbone of a detector.onnx, fixed.

    Raises:
        RuntimeError: the file is of another architecture.
    """
    backbone = Backbone()
    weights = {name: part for name, part in weights_of(detector).items() if not name.startswith(HEADS)}
    backbone.load_state_dict(weights)
    backbone.eval().requires_grad_(False)
    return backbone


class Head(nn.Module):
    """Features [batch, features] to logits [batch, labels]: standardised, one hidden layer."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))
        self.layers = nn.Sequential(
            nn.Dropout(0.2),
            nn.Linear(features, hidden),
            nn.ReLU(),
            nn.Dropout(0.4),
            nn.Linear(hidden, len(LABELS)),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Logits [batch, labels]."""
        scaled = (features - self.mean) / self.spread
        logits: Tensor = self.layers(scaled.clamp(-CLIP, CLIP))
        return logits


class FinancialNet(nn.Module):
    """uint8 or float RGB 0..255 [batch, 3, height, width] to logits [batch, labels]."""

    def __init__(self, backbone: Backbone, head: Head) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits [batch, labels]."""
        logits: Tensor = self.head(self.backbone(pictures))
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
