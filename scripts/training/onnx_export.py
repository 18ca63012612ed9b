"""From a PyTorch module to an ONNX model: tracing, kernels in half precision, metadata, sessions."""

import io
import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET = 17
HALF = ".half"  # suffix of an initialiser stored in half precision
Axes = Mapping[str, Mapping[int, str]]


def traced(module: nn.Module, example: Tensor, axes: Axes, **options: Any) -> onnx.ModelProto:
    """The ONNX model of a module with one input.

    Args:
        module: in evaluation mode, on the CPU.
        example: an input, batch first.
        axes: by name, the input's first, then each output's: which axes are free, and their names.
        options: further ones of `torch.onnx.export`.
    """
    buffer = io.BytesIO()
    names = list(axes)
    with warnings.catch_warnings():
        # The exporter warns of slices that it does not fold; ONNX Runtime folds them.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (example,),
            buffer,
            input_names=names[:1],
            output_names=names[1:],
            dynamic_axes={name: dict(free) for name, free in axes.items()},
            opset_version=OPSET,
            dynamo=False,
            **options,
        )
    return onnx.load_from_string(buffer.getvalue())


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


def describe(
    model: onnx.ModelProto,
    interface: str,
    labels: Sequence[str],
    accepts: Mapping[str, Any],
    **more: str,
) -> None:
    """Write what the plugins read into the model's metadata, in place, and check the model.

    Args:
        interface: such as "classifier/1".
        accepts: the input, as `mediaml.input` describes it.
        more: further entries by their name behind `mediaml.`.

    Raises:
        onnx.checker.ValidationError: the model is not valid ONNX.
    """
    facts = {"interface": interface, "labels": json.dumps(labels), "input": json.dumps(accepts), **more}
    helper.set_model_props(model, {f"mediaml.{name}": value for name, value in facts.items()})
    onnx.checker.check_model(model, full_check=True)


def open_session(model: bytes | str, threads: int = 0) -> onnxruntime.InferenceSession:
    """A session of a model's bytes or path on the CPU, on so many threads; 0 lets ONNX Runtime choose."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Spinning threads would take the cores from PyTorch between two calls.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
