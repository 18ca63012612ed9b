"""EfficientNet-Lite0 without its classifier, normalisation folded into the convolutions.

The architecture is that of the authors' "EfficientNet-Lite" (tensorflow/tpu, in
models/official/efficientnet/lite): EfficientNet-B0 without
squeeze-and-excitation, ReLU6 for swish. Paddings are TensorFlow's "SAME", so a stride of two pads more behind
than before.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

SIDE = 224
DIMENSIONS = 1280
MEAN, DEVIATION = 127.0, 128.0  # of pixels 0..255, as in the authors' preprocessing
_EPSILON = 1e-3  # of the batch normalisation
# Repeats, kernel, stride of the first, expansion, channels.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM = 32
Weights = Mapping[str, Tensor]


class Convolution(nn.Sequential):
    """A convolution with TensorFlow's padding, with or without ReLU6."""

    def __init__(
        self, wide: int, out: int, kernel: int, stride: int = 1, *, groups: int = 1, bent: bool = True
    ) -> None:
        layers: list[nn.Module] = []
        if kernel > 1:
            total = kernel - stride  # of an even side; of any side where the stride is 1
            before = total // 2
            layers.append(nn.ZeroPad2d((before, total - before, before, total - before)))
        layers.append(nn.Conv2d(wide, out, kernel, stride, groups=groups))
        if bent:
            layers.append(nn.ReLU6())
        super().__init__(*layers)

    @property
    def convolution(self) -> nn.Conv2d:
        """The layer with the weights."""
        return next(layer for layer in self if isinstance(layer, nn.Conv2d))

    def take(self, weights: Weights, convolution: str, normalisation: str) -> None:
        """Take the published weights, the batch normalisation folded in."""
        norm = {name: weights[f"{normalisation}.{name}"] for name in ("weight", "bias")}
        mean, variance = (weights[f"{normalisation}.running_{name}"] for name in ("mean", "var"))
        factor = norm["weight"] / torch.sqrt(variance + _EPSILON)
        kernel = weights[f"{convolution}.weight"] * factor[:, None, None, None]
        bias = norm["bias"] - mean * factor
        self.convolution.load_state_dict({"weight": kernel, "bias": bias})


class Block(nn.Module):
    """An inverted residual block."""

    def __init__(self, wide: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = wide * expansion
        self.expand = Convolution(wide, inner, 1) if expansion > 1 else None
        self.depthwise = Convolution(inner, inner, kernel, stride, groups=inner)
        self.project = Convolution(inner, out, 1, bent=False)
        self.residual = stride == 1 and wide == out

    def forward(self, features: Tensor) -> Tensor:
        """[n, channels, height, width]."""
        inner = features if self.expand is None else self.expand(features)
        made: Tensor = self.project(self.depthwise(inner))
        return features + made if self.residual else made

    def take(self, weights: Weights, name: str) -> None:
        """Take the published weights of the block of that name."""
        if self.expand is not None:
            self.expand.take(weights, f"{name}._expand_conv", f"{name}._bn0")
        self.depthwise.take(weights, f"{name}._depthwise_conv", f"{name}._bn1")
        self.project.take(weights, f"{name}._project_conv", f"{name}._bn2")


class Backbone(nn.Module):
    """uint8 RGB [n, 3, 224, 224] to vectors [n, 1280]: the mean of the last features over the image."""

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        self.stem = Convolution(3, _STEM, 3, 2)
        self.stem.take(weights, "_conv_stem", "_bn0")
        wide, blocks = _STEM, []
        for repeats, kernel, stride, expansion, out in _STAGES:
            for index in range(repeats):
                blocks.append(Block(wide, out, kernel, stride if index == 0 else 1, expansion))
                blocks[-1].take(weights, f"_blocks.{len(blocks) - 1}")
                wide = out
        self.blocks = nn.Sequential(*blocks)
        self.head = Convolution(wide, DIMENSIONS, 1)
        self.head.take(weights, "_conv_head", "_bn1")

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        scaled = (pictures.float() - MEAN) / DEVIATION
        features = self.head(self.blocks(self.stem(scaled)))
        pooled: Tensor = nn.functional.adaptive_avg_pool2d(features, 1)
        return pooled.flatten(1)


def rounded_to_half(net: nn.Module) -> nn.Module:
    """The net with its kernels rounded to half precision, in place; arithmetic stays in float32."""
    with torch.no_grad():
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight.copy_(layer.weight.half().float())
    return net
