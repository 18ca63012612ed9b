"""What the darknet tests and `scripts/record_darknet_golden.py` share: cfgs, seeded weights, pictures.

Everything is made from NumPy's PCG64 bit stream, which NumPy guarantees never to change (NEP 19), so that the
recording and every later test build the same networks on any machine.
"""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.core.arrays import Float32Array, UInt8Array
from mediaml.darknet.cfg import parse_cfg
from mediaml.darknet.layers import Convolution, Shortcut
from mediaml.darknet.network import build_network
from scripts.paths import REPOSITORY

GOLDEN = REPOSITORY / "tests" / "darknet" / "golden"
HEADER = struct.pack("<3iQ", 0, 2, 5, 0)
"""Version 0.2.5, no pictures seen: as darknet writes it."""

REAL_NETS = ("MobileNetV2-YOLOv3-Nano-coco", "yolo-fastest-1.1", "yolo-fastest-1.1-xl")
OFFICIAL_NETS = {"yolov3": (96, 96), "yolov3-tiny": (160, 96), "yolov3-spp": (96, 128)}
"""Width and height at which each official cfg is run: small, two of them no squares."""

NET = "[net]\nwidth={width}\nheight={height}\nchannels=3\n"
YOLO = "[yolo]\nmask=0,1\nanchors=10,14, 23,27, 37,58\nclasses=3\nnum=3\n"
TO_HEAD = "[convolutional]\nfilters=16\nsize=1\nactivation=linear\n"


def conv(filters: int | str, size: int = 3, activation: str = "leaky", **options: Any) -> str:
    """A convolution with batch norm and half its size of padding."""
    given = {"batch_normalize": 1, "pad": 1, "stride": 1} | options
    lines = "".join(f"{key}={value}\n" for key, value in given.items())
    return f"[convolutional]\nfilters={filters}\nsize={size}\nactivation={activation}\n{lines}"


LAYERS: dict[str, str] = {
    "linear": conv(8, activation="linear"),
    "leaky": conv(8),
    "relu": conv(8, activation="relu"),
    "mish": conv(8, activation="mish"),
    "swish": conv(8, activation="swish"),
    "logistic": conv(8, activation="logistic"),
    "no_batch_norm": conv(8, batch_normalize=0),
    "even_kernel": conv(8, size=2, pad=0),
    "padding": conv(8, size=3, pad=0, padding=2, stride=2),
    "stride": conv(8, size=5, stride=2),
    "groups": conv(12, groups=3) + conv(8, groups=4),
    "depthwise": conv(12) + conv(12, groups=12),
    "shortcut": conv(8) + conv(8) + "[shortcut]\nfrom=-2\nactivation=linear\n",
    "shortcut_activation": conv(8) + conv(8) + "[shortcut]\nfrom=-2\nactivation=leaky\n",
    "shortcut_fewer_channels": conv(4) + conv(8) + "[shortcut]\nfrom=-2\nactivation=linear\n",
    "shortcut_more_channels": conv(12) + conv(8) + "[shortcut]\nfrom=-2\nactivation=linear\n",
    "route": conv(8) + conv(4) + conv(6) + "[route]\nlayers=-1,0,-2\n",
    "route_groups": conv(8) + "[route]\nlayers=-1\ngroups=2\ngroup_id=1\n" + conv(4),
    "dropout": conv(8) + "[dropout]\nprobability=.5\n",
    "upsample": conv(8, stride=2) + "[upsample]\nstride=2\n",
    "maxpool_2_2": conv(8) + "[maxpool]\nsize=2\nstride=2\n",
    "maxpool_2_1": conv(8) + "[maxpool]\nsize=2\nstride=1\n",
    "maxpool_3_2": conv(8) + "[maxpool]\nsize=3\nstride=2\n",
    "maxpool_5_1": conv(8) + "[maxpool]\nsize=5\nstride=1\n",
    "maxpool_13_1": conv(8) + "[maxpool]\nsize=13\nstride=1\n",
    "scale_channels": conv(8) + "[avgpool]\n" + conv(8, 1, "logistic") + "[scale_channels]\nfrom=-3\n",
    "sam": conv(8) + conv(8, 1, "logistic") + "[sam]\nfrom=-2\n",
}
"""Layers that OpenCV reads too, each followed in `layer_cfg` by a convolution and a head."""

HEADS: dict[str, str] = {
    "plain": YOLO,
    "scale_x_y": YOLO + "scale_x_y=1.2\n",
    "new_coords": YOLO + "scale_x_y=2.0\nnew_coords=1\n",
    "two_heads": YOLO + "[route]\nlayers=-3\n" + conv(8, stride=2) + TO_HEAD + YOLO.replace("0,1", "1,2"),
}


def layer_cfg(layers: str, head: str = YOLO, *, width: int = 24, height: int = 16) -> str:
    """A whole network around some layers, in a rectangle."""
    last = TO_HEAD.replace("linear", "logistic") if "new_coords" in head else TO_HEAD
    return NET.format(width=width, height=height) + layers + last + head


def resized_cfg(text: str, width: int, height: int) -> str:
    """A cfg with another input size."""
    text = re.sub(r"(?m)^width\s*=.*$", f"width={width}", text)
    return re.sub(r"(?m)^height\s*=.*$", f"height={height}", text)


def uniform(seed: int, count: int) -> Float32Array:
    """Evenly spread values from -1 to 1, exactly the same everywhere."""
    bits = np.random.PCG64(seed).random_raw((count + 3) // 4)
    steps = np.asarray(bits, "<u8").view("<u2")[:count]
    return steps.astype(np.float32) / np.float32(32767.5) - np.float32(1)


def random_weights(cfg: str, seed: int) -> bytes:
    """A weights file for a cfg whose activations stay small through a hundred layers."""
    network = build_network(parse_cfg(cfg, "material.cfg"))
    parts = [HEADER]
    for number, layer in enumerate(network.layers):
        if isinstance(layer, Convolution):
            # What is added to a shortcut stays small, or 23 sums in a row would overflow.
            added = isinstance(network.layers[number + 1], Shortcut)
            parts.append(_convolution_values(layer, seed * 1000 + number, 0.2 if added else 1.0).tobytes())
    return b"".join(parts)


def _convolution_values(layer: Convolution, seed: int, gain: float) -> Float32Array:
    filters, per_filter = layer.shape.channels, int(np.prod(layer.weights_shape[1:]))
    vectors = 4 if layer.batch_normalize else 1
    values = uniform(seed, filters * (vectors + per_filter))
    rows = values[: vectors * filters].reshape(vectors, filters)
    rows[0] *= 0.5  # biases
    if layer.batch_normalize:
        rows[1] = gain * (0.7 + 0.2 * rows[1])  # scales
        rows[2] *= 0.2  # means
        rows[3] = 0.8 + 0.5 * rows[3]  # variances
    # A variance of 2 per input value keeps that of a leaky layer's output; uniform values have 1/3.
    values[vectors * filters :] *= np.float32(np.sqrt(6 / per_filter) if layer.batch_normalize else 0.1)
    return values


def random_picture(seed: int, width: int, height: int) -> UInt8Array:
    """A picture of noise on a slope, uint8 [height, width, 3]."""
    noise = uniform(seed, height * width * 3).reshape(height, width, 3) * 60
    slope = np.linspace(0, 120, width, dtype=np.float32)[None, :, None]
    return np.asarray(np.clip(noise + slope + 60, 0, 255), np.uint8)


def photo(path: Path, width: int, height: int) -> UInt8Array:
    """A photo taken apart to the given size by leaving out pixels, which is exact; uint8 RGB."""
    import cv2

    image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    rows = np.arange(height) * image.shape[0] // height
    columns = np.arange(width) * image.shape[1] // width
    return np.ascontiguousarray(image[rows][:, columns, ::-1]).astype(np.uint8)


@dataclass(frozen=True)
class Answers:
    """All boxes [anchors, 4] and scores [anchors, classes] of one picture."""

    boxes: Float32Array
    scores: Float32Array

    def sample(self, *, anchors: int = 40) -> dict[str, Any]:
        """The best-scored anchors and others, whole, and sums over all of them by column."""
        best = np.argsort(-self.scores.max(axis=1), kind="stable")[: anchors // 2]
        others = np.random.PCG64(1).random_raw(anchors // 2) % len(self.boxes)
        chosen = np.unique(np.concatenate([best, others.astype(np.int64)]))
        return {
            "chosen": chosen.astype(np.uint16),
            "boxes": self.boxes[chosen],
            "scores": self.scores[chosen],
            "box_means": self.boxes.mean(axis=0, dtype=np.float64),
            "score_means": self.scores.mean(axis=0, dtype=np.float64),
        }


def digest(image: UInt8Array) -> str:
    """Hex sha256 of a picture's pixels."""
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()
