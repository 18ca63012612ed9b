"""A darknet network rebuilt in PyTorch from its cfg and weights, as a teacher (never as a start).

Only what the YOLOv3-head nets use: convolutional, shortcut, route, maxpool, upsample, dropout, yolo.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from scripts.training.detector.net import flatten_heads

_VARIANCE_FLOOR = 1e-5  # darknet divides by sqrt(variance + .00001)
_NO_MODULE = ("route", "shortcut", "dropout", "yolo")


def parse_cfg(text: str) -> list[dict[str, str]]:
    """Sections in order, each its `key = value` pairs and its name under "type"; `#` starts a comment."""
    sections: list[dict[str, str]] = []
    for raw in text.splitlines():
        line = raw.split("#")[0].strip()
        if line.startswith("["):
            sections.append({"type": line.strip("[]")})
        elif "=" in line:
            key, value = line.split("=", 1)
            sections[-1][key.strip()] = value.strip()
    return sections


def _sources(section: Mapping[str, str], here: int) -> list[int]:
    """The absolute layer numbers that a route or shortcut names."""
    numbers = [int(value) for value in section.get("layers", section.get("from", "")).split(",")]
    return [number if number >= 0 else here + number for number in numbers]


def _convolution(section: Mapping[str, str], inputs: int) -> nn.Module:
    size = int(section["size"])
    convolution = nn.Conv2d(
        inputs,
        int(section["filters"]),
        size,
        int(section.get("stride", "1")),
        size // 2 if int(section.get("pad", "0")) else int(section.get("padding", "0")),
        groups=int(section.get("groups", "1")),
    )
    activation = section.get("activation", "logistic")
    if activation == "linear":
        return nn.Sequential(convolution)
    if activation != "leaky":
        raise ValueError(f"activation {activation}: a teacher's must be linear or leaky")
    return nn.Sequential(convolution, nn.LeakyReLU(0.1))


def _module(section: Mapping[str, str], inputs: int) -> nn.Module:
    kind = section["type"]
    if kind == "convolutional":
        return _convolution(section, inputs)
    if kind == "maxpool":
        size = int(section["size"])
        return nn.MaxPool2d(size, int(section["stride"]), size // 2)
    if kind == "upsample":
        return nn.Upsample(scale_factor=int(section["stride"]))
    if kind in _NO_MODULE:
        return nn.Identity()
    raise ValueError(f"[{kind}]: a teacher may not have such a section")


class Darknet(nn.Module):
    """Images float [batch, 3, height, width] in 0..1 to raw heads [batch, anchors, 5 + classes].

    Batch normalisation is folded into the convolutions.
    """

    def __init__(self, cfg: Path, weights: Path) -> None:
        super().__init__()
        self.sections = parse_cfg(cfg.read_text(encoding="utf-8"))[1:]
        self.layers = nn.ModuleList()
        channels: list[int] = []
        current = 3
        for number, section in enumerate(self.sections):
            if section["type"] == "route":
                current = sum(channels[source] for source in _sources(section, number))
            self.layers.append(_module(section, current))
            if section["type"] == "convolutional":
                current = int(section["filters"])
            channels.append(current)
        self.values = 5 + int(next(s["classes"] for s in self.sections if s["type"] == "yolo"))
        self._load(weights)
        self.requires_grad_(False).eval()

    def _load(self, path: Path) -> None:
        content = path.read_bytes()
        # int32 major, minor, revision; images seen is int64 from version 0.2 on, int32 before.
        major, minor = np.frombuffer(content[:8], "<i4")
        numbers = np.frombuffer(content[20 if major * 10 + minor >= 2 else 16 :], "<f4")
        used = 0

        def take(count: int) -> NDArray[np.float32]:
            nonlocal used
            used += count
            return numbers[used - count : used]

        for section, layer in zip(self.sections, self.layers, strict=True):
            if section["type"] != "convolutional":
                continue
            assert isinstance(layer, nn.Sequential)
            convolution = layer[0]
            assert isinstance(convolution, nn.Conv2d) and convolution.bias is not None
            count = convolution.out_channels
            bias = take(count)
            scale = np.ones(count, np.float32)
            if int(section.get("batch_normalize", "0")):
                gamma, mean, variance = take(count), take(count), take(count)
                scale = (gamma / np.sqrt(variance + _VARIANCE_FLOOR)).astype(np.float32)
                bias = bias - mean * scale
            kernel = take(convolution.weight.numel()).reshape(convolution.weight.shape)
            convolution.weight.data = torch.from_numpy(kernel * scale[:, None, None, None])
            convolution.bias.data = torch.from_numpy(bias.astype(np.float32))
        if used != len(numbers):
            raise ValueError(f"{path.name}: holds {len(numbers)} numbers, the cfg asks for {used}")

    def layers_of(self, images: Tensor) -> list[Tensor]:
        """Every section's answer, in the cfg's order (`[net]` not counted)."""
        outputs: list[Tensor] = []
        current = images
        for number, (section, layer) in enumerate(zip(self.sections, self.layers, strict=True)):
            kind = section["type"]
            if kind == "route":
                current = torch.cat([outputs[source] for source in _sources(section, number)], 1)
            elif kind == "shortcut":
                current = current + outputs[_sources(section, number)[0]]
            elif kind != "yolo":
                current = layer(current)
            outputs.append(current)
        return outputs

    def forward(self, images: Tensor) -> Tensor:
        outputs = self.layers_of(images)
        heads = [outputs[n] for n, section in enumerate(self.sections) if section["type"] == "yolo"]
        return flatten_heads(heads, self.values)


def anchors_of(cfg: Path) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Anchor sizes in input pixels, head by head."""
    heads = []
    for section in parse_cfg(cfg.read_text(encoding="utf-8")):
        if section["type"] == "yolo":
            numbers: Sequence[float] = [float(value) for value in section["anchors"].split(",")]
            pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
            heads.append(tuple(pairs[int(index)] for index in section["mask"].split(",")))
    return tuple(heads)
