"""From a cfg's sections to the layers of a network, with every connection and shape checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mediaml.darknet.cfg import Cfg, Section, read_cfg
from mediaml.darknet.layers import (
    IMAGE,
    Convolution,
    GlobalAverage,
    Head,
    Layer,
    MaxPool,
    Product,
    Route,
    Shape,
    Shortcut,
    Upsample,
    activation_of,
    refuse_options,
)


@dataclass(frozen=True, slots=True)
class DarknetNetwork:
    """A darknet detector.

    Attributes:
        width, height: the cfg's input size, pixels.
        stride: pixels of which any input's width and height must be multiples.
        layers: in the cfg's order; `Layer.sources` are indices into it.
    """

    width: int
    height: int
    stride: int
    layers: tuple[Layer, ...]

    @property
    def heads(self) -> tuple[Head, ...]:
        """The `[yolo]` layers in order; one at least."""
        return tuple(layer for layer in self.layers if isinstance(layer, Head))

    @property
    def classes(self) -> int:
        """Number of classes, the same for all heads."""
        return self.heads[0].classes

    @property
    def masks(self) -> tuple[tuple[int, ...], ...]:
        """Which of the cfg's anchors each head uses."""
        return tuple(head.section.integers("mask") for head in self.heads)

    @property
    def convolutions(self) -> tuple[Convolution, ...]:
        """The layers that have weights, in the order in which the weights file holds them."""
        return tuple(layer for layer in self.layers if isinstance(layer, Convolution))


def read_network(path: Path, masks: Sequence[Sequence[int]] = ()) -> DarknetNetwork:
    """The network that a cfg file describes; raises `ModelError` as `build_network` and `read_cfg`.

    Args:
        masks: the anchors of each head, where the weights were trained with others than the cfg says.
    """
    cfg = read_cfg(path)
    return build_network(cfg.with_masks(masks) if masks else cfg)


def build_network(cfg: Cfg) -> DarknetNetwork:
    """The network that a cfg describes.

    Raises:
        ModelError: a section is unknown, an option is not supported, shapes do not meet, or there is no
            `[yolo]` section; names the section and its line.
    """
    channels = cfg.net.integer("channels", 3)
    if channels != 3:
        raise cfg.net.error(f"has channels={channels}; only images with 3 channels are supported")
    image = Shape(3, cfg.net.integer("height", 416, least=1), cfg.net.integer("width", 416, least=1))
    layers: list[Layer] = []
    for section in cfg.layers:
        read = READERS.get(section.kind)
        if read is None:
            known = ", ".join(f"[{kind}]" for kind in READERS)
            raise section.error("is of a kind that is not supported", f"Supported are {known}.")
        layers.append(read(section, _Before(image, layers)))
    heads = [layer for layer in layers if isinstance(layer, Head)]
    if not heads:
        raise cfg.net.error(
            "has no [yolo] layer after it", "Only detectors of the YOLOv3 family can be imported."
        )
    for head in heads:
        if head.classes != heads[0].classes:
            raise head.section.error(f"has {head.classes} classes, an earlier head {heads[0].classes}")
    stride = _stride(cfg.net, image, layers)
    return DarknetNetwork(image.width, image.height, stride, tuple(layers))


@dataclass(frozen=True, slots=True)
class _Before:
    """The layers before the one that is being read."""

    image: Shape
    layers: Sequence[Layer]

    def previous(self, section: Section) -> tuple[int, Shape]:
        """Number and shape of the layer just before, or of the image."""
        return self.at(section, len(self.layers) - 1) if self.layers else (IMAGE, self.image)

    def at(self, section: Section, source: int) -> tuple[int, Shape]:
        """Number and shape of one layer before this one; a head has no output that a layer could read."""
        if not 0 <= source < len(self.layers):
            raise section.error(f"reads layer {source}, which does not come before it")
        if isinstance(self.layers[source], Head):
            raise section.error(f"reads {self.layers[source].section}, which has no output but its boxes")
        return source, self.layers[source].shape

    def named(self, section: Section, key: str) -> list[tuple[int, Shape]]:
        """Numbers and shapes of the layers that an option names; negative numbers count from this layer."""
        numbers = section.integers(key)
        if not numbers:
            raise section.error(f"does not say {key}=")
        here = len(self.layers)
        return [self.at(section, number if number >= 0 else here + number) for number in numbers]


def _convolution(section: Section, before: _Before) -> Layer:
    neutral = {"dilation": "1", "antialiasing": "0", "binary": "0", "xnor": "0", "flipped": "0"}
    refuse_options(section, neutral)
    source, shape = before.previous(section)
    stride = section.integer("stride", 1, least=1)
    refuse_options(section, {"stride_x": str(stride), "stride_y": str(stride), "share_index": "-1000000000"})
    size = section.integer("size", 1, least=1)
    filters = section.integer("filters", 1, least=1)
    groups = section.integer("groups", 1, least=1)
    padding = size // 2 if section.integer("pad", 0) else section.integer("padding", 0)
    if shape.channels % groups or filters % groups:
        raise section.error(
            f"cannot split {shape.channels} channels into {filters} filters of {groups} groups"
        )
    height, width = ((pixels + 2 * padding - size) // stride + 1 for pixels in (shape.height, shape.width))
    if height < 1 or width < 1:
        raise section.error(f"has size={size}, which is larger than its input of {shape}")
    return Convolution(
        section,
        (source,),
        Shape(filters, height, width),
        channels_in=shape.channels,
        size=size,
        stride=stride,
        padding=padding,
        groups=groups,
        batch_normalize=bool(section.integer("batch_normalize", 0)),
        activation=activation_of(section, "logistic"),
    )


def _shortcut(section: Section, before: _Before) -> Layer:
    refuse_options(section, {"weights_type": "none", "weights_normalization": "none"})
    source, shape = before.previous(section)
    others = before.named(section, "from")
    for other, found in others:
        if (found.height, found.width) != (shape.height, shape.width):
            raise section.error(f"adds {found} of layer {other} to {shape}: the sizes differ")
    sources = (source, *(other for other, _ in others))
    return Shortcut(section, sources, shape, activation_of(section, "linear"))


def _route(section: Section, before: _Before) -> Layer:
    refuse_options(section, {"stream": "0"})
    groups = section.integer("groups", 1, least=1)
    group = section.integer("group_id", 0)
    named = before.named(section, "layers")
    first = named[0][1]
    for source, shape in named:
        if (shape.height, shape.width) != (first.height, first.width):
            raise section.error(f"joins {shape} of layer {source} to {first}: the sizes differ")
        if shape.channels % groups or group >= groups:
            raise section.error(f"takes group {group} of {groups} from {shape.channels} channels")
    channels = sum(shape.channels // groups for _, shape in named)
    sources = tuple(source for source, _ in named)
    return Route(section, sources, Shape(channels, first.height, first.width), groups, group)


def _maxpool(section: Section, before: _Before) -> Layer:
    source, shape = before.previous(section)
    stride = section.integer("stride", 1, least=1)
    neutral = {"stride_x": str(stride), "stride_y": str(stride), "maxpool_depth": "0", "antialiasing": "0"}
    refuse_options(section, neutral)
    size = section.integer("size", stride, least=1)
    padding = section.integer("padding", size - 1)
    # Windows start padding // 2 before the first pixel; all padding counts for the output's size.
    pads = (padding // 2, padding - padding // 2)
    if max(pads) >= size and padding > 0:
        raise section.error(f"has padding={padding}, which is too much for size={size}")
    height, width = ((pixels + padding - size) // stride + 1 for pixels in (shape.height, shape.width))
    if height < 1 or width < 1:
        raise section.error(f"has size={size}, which is larger than its input of {shape}")
    return MaxPool(section, (source,), Shape(shape.channels, height, width), size, stride, *pads)


def _upsample(section: Section, before: _Before) -> Layer:
    if section.number("scale", 1) != 1:
        raise section.error(f"has scale={section.options['scale']}, which is not supported")
    source, shape = before.previous(section)
    factor = section.integer("stride", 2, least=1)
    return Upsample(
        section, (source,), Shape(shape.channels, shape.height * factor, shape.width * factor), factor
    )


def _average(section: Section, before: _Before) -> Layer:
    source, shape = before.previous(section)
    return GlobalAverage(section, (source,), Shape(shape.channels, 1, 1))


def _product(section: Section, before: _Before) -> Layer:
    """`scale_channels` (a factor for every channel) and `sam` (a factor for every pixel)."""
    refuse_options(section, {"scale_wh": "0"})
    factor, factors = before.previous(section)
    named = before.named(section, "from")
    source, shape = named[0]
    wanted = Shape(shape.channels, 1, 1) if section.kind == "scale_channels" else shape
    if len(named) != 1 or factors != wanted:
        raise section.error(f"cannot multiply {shape} of layer {source} by {factors}")
    return Product(section, (source, factor), shape, activation_of(section, "linear"))


def _dropout(section: Section, before: _Before) -> Layer:
    source, shape = before.previous(section)
    return Route(section, (source,), shape, groups=1, group=0)


def _head(section: Section, before: _Before) -> Layer:
    source, shape = before.previous(section)
    sizes = section.numbers("anchors")
    pairs = list(zip(sizes[::2], sizes[1::2], strict=False))
    mask = section.integers("mask") or tuple(range(section.integer("num", 1, least=1)))
    if len(sizes) % 2 or min(sizes, default=0) <= 0 or not all(0 <= index < len(pairs) for index in mask):
        raise section.error(f"has {len(sizes)} anchor sizes, which do not fit the mask {list(mask)}")
    classes = section.integer("classes", 20, least=1)
    if shape.channels != len(mask) * (5 + classes):
        raise section.error(
            f"needs {len(mask)} x (5 + {classes}) channels, not {shape.channels}",
            "Set filters= of the convolution before it accordingly.",
        )
    return Head(
        section,
        (source,),
        shape,
        anchors=tuple(pairs[index] for index in mask),
        classes=classes,
        scale_xy=section.number("scale_x_y", 1),
        new_coords=bool(section.integer("new_coords", 0)),
    )


READERS: dict[str, Callable[[Section, _Before], Layer]] = {
    "convolutional": _convolution,
    "conv": _convolution,
    "shortcut": _shortcut,
    "route": _route,
    "maxpool": _maxpool,
    "max": _maxpool,
    "upsample": _upsample,
    "avgpool": _average,
    "avg": _average,
    "scale_channels": _product,
    "sam": _product,
    "dropout": _dropout,
    "yolo": _head,
}


def _stride(net: Section, image: Shape, layers: Sequence[Layer]) -> int:
    """The strides along the way to each layer, multiplied; their least common multiple over all layers."""
    strides: dict[int, int] = {IMAGE: 1}
    for index, layer in enumerate(layers):
        stride = strides[layer.sources[0]]
        if isinstance(layer, Convolution | MaxPool):
            stride *= layer.stride
        elif isinstance(layer, Upsample):
            stride = max(1, stride // layer.factor)
        strides[index] = stride
    stride = math.lcm(*strides.values())
    if image.width % stride or image.height % stride:
        raise net.error(f"has the size {image.width} x {image.height}, which is not a multiple of {stride}")
    return stride
