"""What every trained model needs on its way to `exported_models/`: export, comparison, golden file, card."""

import hashlib
import json
import subprocess
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

TOLERANCE = 1e-4
HALF = ".half"  # suffix of an initialiser stored in half precision


def export(
    graph: nn.Module,
    example: Tensor,
    names: tuple[str, ...],
    output: Path,
    facts: Mapping[str, str],
    half: str | None = None,
) -> None:
    """Write the graph with a free batch axis and its metadata.

    Args:
        graph: the module, in evaluation mode, on the CPU.
        example: an input of batch 2.
        names: of the input, then of the outputs.
        output: the ONNX file.
        facts: metadata.
        half: the prefix of the kernels to store in half precision; none without it.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The exporter warns of slices that it does not fold; ONNX Runtime folds them.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            (example,),
            str(output),
            input_names=list(names[:1]),
            output_names=list(names[1:]),
            dynamic_axes={name: {0: "batch"} for name in names},
            opset_version=17,
            dynamo=False,
        )
    model = onnx.load(str(output))
    if half is not None:
        store_half(model.graph, half)
    helper.set_model_props(model, dict(facts))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(output))


def store_half(graph: onnx.GraphProto, prefix: str) -> None:
    """Kernels of that prefix as half floats behind a Cast each, in place: half the file.

    Nothing is lost where they were rounded to half precision before. A runtime folds the Casts when it loads.
    """
    casts = []
    for tensor in graph.initializer:
        if (
            tensor.data_type != TensorProto.FLOAT
            or len(tensor.dims) < 2
            or not tensor.name.startswith(prefix)
        ):
            continue
        name = tensor.name
        half = numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(half, name + HALF))
        casts.append(helper.make_node("Cast", [name + HALF], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def run(output: Path, batch: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
    """The file's outputs by name, on ONNX Runtime's CPU provider."""
    session = onnxruntime.InferenceSession(str(output), providers=["CPUExecutionProvider"])
    answers = session.run(None, {session.get_inputs()[0].name: batch})
    return {spec.name: answer for spec, answer in zip(session.get_outputs(), answers, strict=True)}


def verify(graph: nn.Module, output: Path, batch: NDArray[Any]) -> float:
    """The largest difference between the file and the module on real inputs.

    Raises:
        ValueError: it exceeds `TOLERANCE`.
    """
    with torch.inference_mode():
        expected = graph(torch.from_numpy(batch))
    parts = expected if isinstance(expected, tuple) else (expected,)
    pairs = zip(parts, run(output, batch).values(), strict=True)
    worst = max(float(np.abs(part.numpy() - answer).max()) for part, answer in pairs)
    if worst > TOLERANCE:
        raise ValueError(f"{output.name} differs from the net by {worst:.1e}")
    return worst


def sha256(path: Path) -> str:
    """Of the file's bytes, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_golden(output: Path, batch: NDArray[Any]) -> None:
    """Inputs and outputs that `mediaml models verify` replays."""
    arrays = {f"output.{name}": answer for name, answer in run(output, batch).items()}
    source = onnx.load(str(output)).graph.input[0].name
    np.savez_compressed(output.with_suffix(".golden.npz"), **{f"input.{source}": batch}, **arrays)


def flops_of(net: nn.Module, example: Tensor) -> int:
    """Multiplications and additions of the convolutions and dense layers for one sample."""
    count = 0

    def add(module: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal count
        weight = module.weight
        if isinstance(weight, Tensor):
            count += 2 * output.numel() * weight[0].numel()

    layers = [m for m in net.modules() if isinstance(m, nn.Conv1d | nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(add) for layer in layers]
    with torch.inference_mode():
        net(example[:1])
    for hook in hooks:
        hook.remove()
    return count


def facts_of(net: nn.Module, example: Tensor, output: Path) -> dict[str, Any]:
    """What a card says of the file itself."""
    answer = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return {
        "size_bytes": output.stat().st_size,
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "flops": flops_of(net, example),
        "commit": answer.stdout.strip(),
        "sha256": sha256(output),
    }


def goal(text: str, met: bool, figure: Any) -> dict[str, Any]:
    """One line of a card's `goals`."""
    return {"goal": text, "met": met, "figure": figure}


def rounded(value: Any, digits: int = 4) -> Any:
    """Numbers rounded, however deep they lie."""
    if isinstance(value, float):
        return round(value, digits)
    if isinstance(value, Mapping):
        return {key: rounded(part, digits) for key, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [rounded(part, digits) for part in value]
    return value


def write_card(card: Mapping[str, Any], output: Path) -> None:
    """Write the card beside the model."""
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    output.with_suffix(".json").write_text(text, encoding="utf-8")
