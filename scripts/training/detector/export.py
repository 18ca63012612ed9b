"""The trained network to an ONNX file in the interface detector/1, and back for a further run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from scripts.training.detector.net import ANCHORS, STRIDES, Detector
from scripts.training.onnx_export import HALF, describe, store_half, traced

IR_VERSION = 10


class Exported(nn.Module):
    """uint8 RGB [batch, height, width, 3] to boxes [batch, anchors, 4], scores [batch, anchors, n]."""

    def __init__(self, network: Detector) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        heads = self.network.heads(images.permute(0, 3, 1, 2).float() / 255.0)
        boxes, scores = [], []
        for head, anchors, stride in zip(heads, ANCHORS, STRIDES, strict=True):
            count, rows, columns = len(anchors), head.shape[2], head.shape[3]
            raw = head.permute(0, 2, 3, 1).reshape(head.shape[0], rows, columns, count, self.network.values)
            # arange over traced sizes, so that the graph computes its grid for whatever image it is given.
            x = torch.arange(columns, device=head.device).float().view(1, 1, -1, 1)
            y = torch.arange(rows, device=head.device).float().view(1, -1, 1, 1)
            sizes = torch.tensor(anchors, device=head.device)
            centre_x = (raw[..., 0].sigmoid() + x) * stride
            centre_y = (raw[..., 1].sigmoid() + y) * stride
            half = raw[..., 2:4].clamp(-8.0, 8.0).exp() * sizes / 2
            sides = (
                centre_x - half[..., 0],
                centre_y - half[..., 1],
                centre_x + half[..., 0],
                centre_y + half[..., 1],
            )
            boxes.append(torch.stack(sides, -1).reshape(head.shape[0], -1, 4))
            chance = raw[..., 4:5].sigmoid() * raw[..., 5:].sigmoid()
            scores.append(chance.reshape(head.shape[0], -1, self.network.values - 5))
        return torch.cat(boxes, 1), torch.cat(scores, 1)


def round_kernels(network: nn.Module) -> None:
    """Round every kernel to half precision, in place: what the file stores is what was measured."""
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.copy_(parameter.half().float())


def to_onnx(
    network: Detector, size: int, labels: list[str], name: str, source: Mapping[str, Any]
) -> onnx.ModelProto:
    """The graph with its metadata; tensors keep PyTorch's names."""
    anchors = {0: "batch", 1: "anchors"}
    free = {"images": {0: "batch", 1: "height", 2: "width"}, "boxes": anchors, "scores": anchors}
    # Unfolded, so that every tensor keeps its name and its values.
    model = traced(
        Exported(network).eval(),
        torch.zeros(1, size, size, 3, dtype=torch.uint8),
        free,
        training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False,
    )
    for output, last in zip(model.graph.output, (4, network.values - 5), strict=True):
        output.type.tensor_type.shape.dim[2].dim_value = last
    store_half(model.graph, "network.")
    model.ir_version = IR_VERSION
    interface = {
        "width": size, "height": size, "stride": 32, "layout": "NHWC", "dtype": "uint8", "color": "RGB",
        "fit": "letterbox",
    }  # fmt: skip
    trained = json.dumps({"trained": dict(source)})
    anchors_used = json.dumps(ANCHORS)
    describe(model, "detector/1", labels, interface, anchors=anchors_used, name=name, source=trained)
    return model


def weights_of(path: Path) -> dict[str, Tensor]:
    """PyTorch's state of the network inside a detector.onnx, in single precision.

    The exporter stores equal tensors once, so only a trained network (no two tensors alike) comes back whole.
    """
    state = {}
    for tensor in onnx.load(path).graph.initializer:
        if tensor.name.startswith("network."):
            values: NDArray[np.float32] = numpy_helper.to_array(tensor).astype(np.float32)
            name = tensor.name.removeprefix("network.").removesuffix(HALF)
            state[name] = torch.from_numpy(np.array(values))
    return state


def initialise(network: Detector, path: Path) -> None:
    """Start `network` from a shipped detector.onnx of the same architecture."""
    missing, surplus = network.load_state_dict(weights_of(path), strict=False)
    if missing or surplus:
        raise ValueError(
            f"{path.name}: not this architecture's weights ({len(missing)} missing, {len(surplus)} surplus)"
        )
