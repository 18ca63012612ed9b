"""The layers of a YOLOv3-family network, read from a cfg: their operations, sources and shapes.

Meanings follow darknet's sources (pjreddie/darknet and AlexeyAB/darknet, `parser.c` and the layers' own
files). An unsupported option that would change the outputs is refused by name, never skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from mediaml.darknet.cfg import Section

Activation = Literal["linear", "leaky", "relu", "relu6", "mish", "swish", "logistic"]
ACTIVATIONS: tuple[str, ...] = get_args(Activation)

IMAGE = -1
"""The source that stands for the network's input."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Channels and size of a layer's output at the cfg's own input size."""

    channels: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.channels} x {self.height} x {self.width}"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: where it stands in the cfg, the layers it reads (numbers or `IMAGE`), what it yields."""

    section: Section
    sources: tuple[int, ...]
    shape: Shape


@dataclass(frozen=True, slots=True)
class Convolution(Layer):
    """A convolution with bias or batch norm, then an activation; pixels of size, stride and zero padding."""

    channels_in: int
    size: int
    stride: int
    padding: int
    groups: int
    batch_normalize: bool
    activation: Activation

    @property
    def weights_shape(self) -> tuple[int, int, int, int]:
        """Filters, channels per group, height, width."""
        return (self.shape.channels, self.channels_in // self.groups, self.size, self.size)


@dataclass(frozen=True, slots=True)
class Shortcut(Layer):
    """The sum of its sources, which have the first one's channels cut or filled up with zeros, activated."""

    activation: Activation


@dataclass(frozen=True, slots=True)
class Route(Layer):
    """Its sources joined along the channels; of each, the `group`th of `groups` equal parts.

    With one source and one group it is the identity: so does `dropout`, which only acts in training.
    """

    groups: int
    group: int


@dataclass(frozen=True, slots=True)
class MaxPool(Layer):
    """The largest value in each window; `before` and `after` are the pixels of padding, never chosen."""

    size: int
    stride: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Upsample(Layer):
    """Every pixel repeated `factor` times in both directions."""

    factor: int


@dataclass(frozen=True, slots=True)
class GlobalAverage(Layer):
    """The mean over all pixels."""


@dataclass(frozen=True, slots=True)
class Product(Layer):
    """The product of two sources, activated; the second one is a single pixel in `scale_channels`."""

    activation: Activation


@dataclass(frozen=True, slots=True)
class Head(Layer):
    """A `[yolo]` head.

    Attributes:
        anchors: width and height in input pixels, of those that the head's mask names.
        classes: number of classes.
        scale_xy: factor by which centres may leave their cell (`scale_x_y`).
        new_coords: Scaled-YOLOv4's coordinates: the layer before is already logistic, sizes are squares.
    """

    anchors: tuple[tuple[float, float], ...]
    classes: int
    scale_xy: float
    new_coords: bool


def activation_of(section: Section, default: str) -> Activation:
    """The section's activation; raises `ModelError` where it is not one of `ACTIVATIONS`."""
    name = section.text("activation", default)
    if name not in ACTIVATIONS:
        raise section.error(
            f"has activation={name}, which is not supported", f"Supported are {', '.join(ACTIVATIONS)}."
        )
    return cast(Activation, name)


def refuse_options(section: Section, neutral: Mapping[str, str]) -> None:
    """Raise `ModelError` where an option that changes the outputs is not at its neutral value."""
    for key, harmless in neutral.items():
        if section.text(key, harmless) != harmless:
            raise section.error(f"has {key}={section.options[key]}, which is not supported")
