"""An embedder of audio out of a network that hears: its last features and its spectrogram, pooled over time.

A vector holds, of one window, the mean and the maximum over time of the network's last features, then the
mean of each log-mel band, less the mean of all, and its deviation.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediaml.core.errors import ModelError
from mediaml.onnx.metadata import INPUT, NAME, SOURCE, set_metadata

if TYPE_CHECKING:
    import onnx

# Brings log-mel values, whose spread is about 3, to the size of the features.
_SCALE = 0.2
_OUTPUT = "embedding"


def audio_embedder(network: Path, name: str) -> onnx.ModelProto:
    """The embedder, of the ONNX file of a network that takes log-mel spectrograms [batch, mels, steps].

    Args:
        name: of the embedder, for its metadata.

    Raises:
        ModelError: the network has no convolution to cut at.
    """
    import onnx
    from onnx import TensorProto, helper

    model = onnx.load(str(network))
    graph = model.graph
    last = next((node for node in reversed(graph.node) if node.op_type == "Conv"), None)
    if last is None:
        raise ModelError(f"{network} has no convolution.", "Use another network.")
    nodes = _pooling(last.input[0], graph.input[0].name)
    scale = helper.make_tensor("audio_scale", TensorProto.FLOAT, [1], [_SCALE])
    _prune(graph, last.input[0])
    graph.initializer.append(scale)
    graph.node.extend(nodes)
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(_OUTPUT, TensorProto.FLOAT, ["batch", "dimensions"]))
    accepts = next(one.value for one in model.metadata_props if one.key == INPUT)
    fields = {**json.loads(accepts), "type": "audio"}
    output = {"name": _OUTPUT, "means": "embedding"}
    set_metadata(
        model,
        {
            INPUT: json.dumps(fields),
            "mediaml.output": json.dumps(output),
            NAME: name,
            SOURCE: f"{network.stem} without its head",
        },
    )
    return model


def _pooling(features: str, spectrogram: str) -> list[Any]:
    """Nodes from the features [batch, channels, time] and the spectrogram to the vector."""
    from onnx import helper

    def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> Any:
        return helper.make_node(operator, inputs, [output], name=f"audio_{output}", **attributes)

    return [
        node("GlobalAveragePool", [features], "mean_features"),
        node("GlobalMaxPool", [features], "max_features"),
        node("GlobalAveragePool", [spectrogram], "band_means"),
        node("Sub", [spectrogram, "band_means"], "centred"),
        node("Mul", ["centred", "centred"], "squared"),
        node("GlobalAveragePool", ["squared"], "variances"),
        node("Sqrt", ["variances"], "deviations"),
        node("Transpose", ["band_means"], "bands_last", perm=[0, 2, 1]),
        node("GlobalAveragePool", ["bands_last"], "level"),
        node("Sub", ["band_means", "level"], "shape_of_bands"),
        node("Mul", ["shape_of_bands", "audio_scale"], "bands_scaled"),
        node("Mul", ["deviations", "audio_scale"], "deviations_scaled"),
        node(
            "Concat", ["mean_features", "max_features", "bands_scaled", "deviations_scaled"], "joined", axis=1
        ),
        node("Flatten", ["joined"], _OUTPUT, axis=1),
    ]


def _prune(graph: Any, output: str) -> None:
    """Leave only the nodes and constants that an output needs."""
    needed, kept = {output}, []
    for node in reversed(graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
    constants = [one for one in graph.initializer if one.name in needed]
    del graph.node[:]
    graph.node.extend(reversed(kept))
    del graph.initializer[:]
    graph.initializer.extend(constants)
