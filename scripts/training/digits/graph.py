"""The trained net as an ONNX graph: batch norms folded away, normalisation and softmax inside."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from scripts.training.digits.nets import DigitNet, Residual, Step
from scripts.training.onnx_export import OPSET, describe

OTHER = "not a digit"
LABELS = [*"0123456789", OTHER]
# A quarter of the training samples is no digit, far more than of what people show to the model: the logit is
# lowered by this much, chosen on held-out digits and training non-digits.
REJECTION = 3.0
INPUT = {
    "type": "image", "width": 28, "height": 28, "fit": "letterbox", "layout": "NCHW", "dtype": "uint8",
    "color": "GRAY", "scale": 1.0, "mean": [0.0], "std": [1.0], "pad": 0, "resample": "bilinear",
}  # fmt: skip


class Graph:
    """An ONNX graph in the making: nodes in order and their weights."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, name: str, values: NDArray[np.float32]) -> str:
        """Keep an array; its name."""
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node with one output; the output's name."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def convolution(self, before: str, convolution: nn.Conv2d, norm: nn.BatchNorm2d, name: str) -> str:
        """A convolution with the batch norm behind it folded into its weights."""
        variance = norm.running_var
        assert variance is not None and norm.running_mean is not None
        gain = norm.weight / torch.sqrt(variance + norm.eps)
        kernel = (convolution.weight * gain[:, None, None, None]).detach().numpy()
        bias = (norm.bias - norm.running_mean * gain).detach().numpy()
        (size, _), (stride, _), (pad, _) = convolution.kernel_size, convolution.stride, convolution.padding
        names = [before, self.weight(f"{name}.weight", kernel), self.weight(f"{name}.bias", bias)]
        shape = {"kernel_shape": [size] * 2, "strides": [stride] * 2, "pads": [int(pad)] * 4}
        return self.node("Conv", names, name, **shape)

    def step(self, before: str, step: Step, name: str) -> str:
        """Convolution, batch norm, ReLU."""
        convolution, norm = step[0], step[1]
        return self.node("Relu", [self.convolution(before, convolution, norm, name)], f"{name}.relu")

    def residual(self, before: str, block: Residual, name: str) -> str:
        """A residual block."""
        first = self.step(before, block.first, f"{name}.first")
        second = self.convolution(first, block.second[0], block.second[1], f"{name}.second")
        return self.node("Relu", [self.node("Add", [before, second], f"{name}.sum")], f"{name}.relu")


def restored(path: Path, images: torch.Tensor) -> DigitNet:
    """A net to train further from an exported file: the inverse of folding the batch norms.

    Every norm gets the mean and the variance that its convolution has on `images`, and the gain and bias
    that undo them: in evaluation the net answers as the file does, less its calibration, and in training
    nearly so from the first step on.

    Args:
        path: a shipped digits.onnx.
        images: float32 [n, 1, 28, 28], like those to be trained on.

    Raises:
        ValueError: the file holds another net.
    """
    weights = {item.name: numpy_helper.to_array(item) for item in onnx.load(str(path)).graph.initializer}
    net = DigitNet(weights["dense.weight"].shape[0])
    names = [
        name.removesuffix(".weight") for name in weights if name.startswith("layer") and "weight" in name
    ]
    convolutions = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    shapes = [tuple(layer.weight.shape) for layer in convolutions]
    if shapes != [weights[f"{name}.weight"].shape for name in names]:
        raise ValueError(f"{path} holds another net than the one that is trained; leave --init out")
    last = net[-1]
    assert isinstance(last, nn.Linear)
    net.eval()
    with torch.no_grad():
        last.weight.copy_(torch.tensor(weights["dense.weight"]))
        last.bias.copy_(torch.tensor(weights["dense.bias"]))
        last.bias[LABELS.index(OTHER)] += REJECTION
        for name, convolution, norm in zip(names, convolutions, norms, strict=True):
            convolution.weight.copy_(torch.tensor(weights[f"{name}.weight"]))
            unfold(net, convolution, norm, torch.tensor(weights[f"{name}.bias"]), images)
    return net


def unfold(
    net: nn.Module, convolution: nn.Conv2d, norm: nn.BatchNorm2d, bias: torch.Tensor, images: torch.Tensor
) -> None:
    """Give a norm the statistics of its convolution on images, and what makes it add `bias` alone."""
    seen: list[torch.Tensor] = []
    hook = convolution.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    net(images)
    hook.remove()
    variance, mean = torch.var_mean(seen[0], dim=(0, 2, 3))
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_(torch.sqrt(variance + norm.eps))
    norm.bias.copy_(bias + mean)


def calibrated(net: DigitNet, temperature: float) -> DigitNet:
    """A copy of the net with honest scores: logits over the temperature, `not a digit` made less likely.

    Args:
        net: the trained net, on the CPU.
        temperature: see `fitted_temperature` (Guo et al., 2017).
    """
    copied: DigitNet = copy.deepcopy(net).eval()
    last = copied[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight /= temperature
        last.bias /= temperature
        last.bias[LABELS.index(OTHER)] -= REJECTION
    return copied


class Probabilities(nn.Module):
    """What the file computes: uint8 [batch, 1, 28, 28] to probabilities float32 [batch, 11]."""

    def __init__(self, net: DigitNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Probabilities of the labels."""
        return torch.softmax(self.net(images.float() / 255), dim=1)


def graph_of(net: DigitNet) -> onnx.ModelProto:
    """The whole model: uint8 [batch, 1, 28, 28] to probabilities float32 [batch, 11].

    Args:
        net: the calibrated net, on the CPU, in evaluation mode.
    """
    graph = Graph()
    scale = graph.weight("scale", np.array(1 / 255, np.float32))
    at = graph.node("Mul", [graph.node("Cast", ["image"], "cast", to=TensorProto.FLOAT), scale], "unit")
    for place, layer in enumerate(net):
        if isinstance(layer, Step):
            at = graph.step(at, layer, f"layer{place}")
        elif isinstance(layer, Residual):
            at = graph.residual(at, layer, f"layer{place}")
        elif isinstance(layer, nn.Linear):
            at = graph.node("Flatten", [graph.node("GlobalAveragePool", [at], "mean")], "features")
            weight = graph.weight("dense.weight", layer.weight.detach().numpy())
            bias = graph.weight("dense.bias", layer.bias.detach().numpy())
            at = graph.node("Gemm", [at, weight, bias], "logits", transB=1)
    graph.node("Softmax", [at], "probabilities", axis=-1)
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", 1, 28, 28])
    answer = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", len(LABELS)])
    body = helper.make_graph(graph.nodes, "digits", [image], [answer], graph.weights)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="mediaml")
    model.ir_version = 8
    describe(model, "classifier/1", LABELS, INPUT, name="digits", source="scripts/train_digits.py")
    return model


def fitted_temperature(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The temperature that makes held-out scores honest: least negative log likelihood on a grid."""
    grid = torch.exp(torch.linspace(-1.5, 1.5, 121))
    losses = [float(nn.functional.cross_entropy(logits / value, labels)) for value in grid]
    return float(grid[int(np.argmin(losses))])
