"""A small detector and a lesson that it answers without a fault, for the tests of the detector's training."""

from __future__ import annotations

from typing import Any


def small_shape() -> Any:
    """A small architecture: strides 4, 8, 16 and 32, one residual block each."""
    from scripts.training.detector.net import Architecture, Stage

    stages = (Stage(8, 1, 8, 8, 0), Stage(8, 2, 8, 8, 1), Stage(8, 2, 8, 8, 1), Stage(12, 2, 16, 16, 1))
    return Architecture(8, (*stages, Stage(16, 2, 16, 24, 1)), 16, 16, 16, 16)


def small_network() -> Any:
    """A small net in evaluation mode, always the same."""
    import torch

    from scripts.training.detector.net import Detector

    torch.manual_seed(0)
    network = Detector(small_shape()).eval()
    for parameter in network.parameters():  # all different, as a trained net's are
        parameter.data.add_(0.01 * torch.randn(parameter.shape))
    return network


def lesson_of(network: Any) -> Any:
    """A lesson of two 64 x 64 pictures that a net of this shape could answer without a fault."""
    import torch

    from scripts.training.detector.coordinates import Lesson
    from scripts.training.detector.net import flatten_heads

    images = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        maps = network.maps(images.permute(0, 3, 1, 2).float() / 255)
        neck = network.pool(maps[-1])
        up = torch.nn.functional.interpolate(neck, scale_factor=2.0)
        middles = network.coarse[0](neck), network.fine[0](torch.cat((up, maps[network.last_fine()]), 1))
        heads = network.detect(neck, maps[network.last_fine()])
        raw = flatten_heads(heads, network.values)
    dense = torch.cat((raw[..., :2].sigmoid(), raw[..., 2:4], raw[..., 4:].sigmoid()), -1)
    return Lesson(images, maps, neck, middles, heads, dense)
