"""How every trained model ships: ONNX file, comparison with PyTorch, golden file, facts for its card."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mediaml.store.digest import sha256_of
from scripts.training.cards import commit
from scripts.training.onnx_export import open_session

TOLERANCE = 1e-4  # the largest difference of any output between the ONNX file and PyTorch


def ship(
    model: onnx.ModelProto,
    graph: nn.Module,
    output: Path,
    *,
    real: NDArray[Any],
    golden: NDArray[Any],
    units: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Write the ONNX file, compare it with PyTorch, and write its golden file.

    Args:
        model: the ONNX model. graph: the module that it has to equal, in evaluation mode, on the CPU.
        output: the ONNX file.
        real: a batch of real inputs to compare on.
        golden: a batch of inputs made by code, which `mediaml models verify` replays.
        units: of outputs that are no shares, what counts as 1 there (boxes: the input's side).

    Returns:
        The largest difference of each output, in its unit.

    Raises:
        ValueError: a difference exceeds `TOLERANCE`; only the ONNX file is written then, for a look at it.
    """
    save(model, output)
    apart = differences(graph, output, real)
    apart = {name: value / (units or {}).get(name, 1.0) for name, value in apart.items()}
    if max(apart.values()) > TOLERANCE:
        found = ", ".join(f"{name} by {value:.1e}" for name, value in apart.items())
        raise ValueError(f"{output.name} differs from PyTorch: {found}; at most {TOLERANCE} is allowed")
    write_golden(output, golden)
    return apart


def save(model: onnx.ModelProto, output: Path) -> None:
    """Write the ONNX file; it is there in whole or not at all."""
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".part")
    partial.write_bytes(model.SerializeToString())
    partial.replace(output)


def answers_of(output: Path, batch: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
    """The file's outputs by name, on ONNX Runtime's CPU provider."""
    session = open_session(str(output))
    answers = session.run(None, {session.get_inputs()[0].name: batch})
    return {spec.name: answer for spec, answer in zip(session.get_outputs(), answers, strict=True)}


def differences(graph: nn.Module, output: Path, batch: NDArray[Any]) -> dict[str, float]:
    """The largest absolute difference of each output between the file and the module."""
    with torch.inference_mode():
        expected = graph(torch.from_numpy(batch))
    parts = expected if isinstance(expected, tuple) else (expected,)
    pairs = zip(parts, answers_of(output, batch).items(), strict=True)
    return {name: float(np.abs(part.numpy() - answer).max()) for part, (name, answer) in pairs}


def write_golden(output: Path, batch: NDArray[Any]) -> None:
    """Inputs and outputs that `mediaml models verify` replays."""
    source = onnx.load(str(output)).graph.input[0].name
    arrays: dict[str, Any] = {f"input.{source}": batch}
    arrays |= {f"output.{name}": answer for name, answer in answers_of(output, batch).items()}
    np.savez_compressed(output.with_suffix(".golden.npz"), **arrays)


def flops_of(net: nn.Module, example: Tensor) -> int:
    """Multiplications and additions of the convolutions and dense layers for one sample.

    Args:
        net: its mode is kept.
        example: one input, or a batch of which the first is taken.
    """
    count = 0

    def add(module: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal count
        count += 2 * output.numel() * module.weight[0].numel()

    layers = [m for m in net.modules() if isinstance(m, nn.Conv1d | nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(add) for layer in layers]
    training = net.training
    with torch.inference_mode():
        net.eval()(example[:1])
    net.train(training)
    for hook in hooks:
        hook.remove()
    return count


def facts_of(net: nn.Module, example: Tensor, output: Path) -> dict[str, Any]:
    """What a card says of the file itself, and the commit that it was made at.

    Args:
        net: the net, on the CPU. example: an input of it.
        output: the ONNX file.
    """
    return {
        "size_bytes": output.stat().st_size,
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "flops": flops_of(net, example),
        "commit": commit(),
        "sha256": sha256_of(output),
    }
