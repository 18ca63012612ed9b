"""Write CLIP towers with seeded random weights, built from the published architecture.

    python -m scripts.clip_towers FOLDER [--tokenizer tokenizer.json] [--measure]

The graphs have the inputs, outputs, sizes and operators of ViT-B/32 (Radford et al. 2021, section 2.4 and
table 20), so that shapes, speed and memory can be measured where the real weights are not at hand. Their
answers mean nothing.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper, save


@dataclass(frozen=True, slots=True)
class Size:
    """The measures of both towers; the defaults are those of ViT-B/32."""

    picture: int = 224
    patch: int = 32
    image_width: int = 768
    image_heads: int = 12
    text_width: int = 512
    text_heads: int = 8
    layers: int = 12
    vocabulary: int = 49_408
    context: int = 77
    dimensions: int = 512


SMALL = Size(image_width=32, image_heads=4, text_width=24, text_heads=4, layers=2, dimensions=16)


class Graph:
    """Nodes and seeded weights; every method returns the name of what it adds."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def weight(self, *shape: int) -> str:
        deviation = shape[0] ** -0.5 if len(shape) > 1 else 0.02
        return self.constant(deviation * self.random.standard_normal(shape, dtype=np.float32))

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def linear(self, value: str, inputs: int, outputs: int) -> str:
        return self.op("Add", self.op("MatMul", value, self.weight(inputs, outputs)), self.weight(outputs))

    def norm(self, value: str, width: int) -> str:
        ones, zeros = np.ones(width, np.float32), np.zeros(width, np.float32)
        return self.op("LayerNormalization", value, self.constant(ones), self.constant(zeros), epsilon=1e-5)

    def heads(self, value: str, width: int, heads: int) -> str:
        split = self.op("Reshape", self.linear(value, width, width), self.ints(0, 0, heads, width // heads))
        return self.op("Transpose", split, perm=[0, 2, 1, 3])

    def attention(self, value: str, width: int, heads: int, mask: str | None) -> str:
        query, key, content = (self.heads(value, width, heads) for _ in range(3))
        products = self.op("MatMul", query, self.op("Transpose", key, perm=[0, 1, 3, 2]))
        scale = self.constant(np.array((width // heads) ** -0.5, np.float32))
        scores = self.op("Mul", products, scale)
        if mask is not None:
            scores = self.op("Add", scores, mask)
        mixed = self.op("MatMul", self.op("Softmax", scores, axis=-1), content)
        joined = self.op("Transpose", mixed, perm=[0, 2, 1, 3])
        return self.linear(self.op("Reshape", joined, self.ints(0, 0, width)), width, width)

    def block(self, value: str, width: int, heads: int, mask: str | None = None) -> str:
        """A residual attention block; its activation is x sigmoid(1.702 x), as in the published model."""
        value = self.op("Add", value, self.attention(self.norm(value, width), width, heads, mask))
        wide = self.linear(self.norm(value, width), width, 4 * width)
        gate = self.op("Sigmoid", self.op("Mul", wide, self.constant(np.array(1.702, np.float32))))
        return self.op("Add", value, self.linear(self.op("Mul", wide, gate), 4 * width, width))

    def model(self, inputs: list[Any], output: tuple[str, str], dimensions: int) -> ModelProto:
        value, name = output
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        answers = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", dimensions])]
        graph = helper.make_graph(self.nodes, "tower", inputs, answers, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def image_tower(size: Size = Size(), *, seed: int = 1, name: str = "pixel_values") -> ModelProto:
    """pixel_values float32 [batch, 3, height, width] to image_embeds float32 [batch, dimensions]."""
    graph, width, side = Graph(seed), size.image_width, size.picture // size.patch
    shape = (width, 3, size.patch, size.patch)
    drawn = graph.random.standard_normal(shape, dtype=np.float32) / np.float32(size.patch * 3**0.5)
    kernel = graph.constant(drawn)
    patches = graph.op("Conv", name, kernel, strides=[size.patch, size.patch])
    patches = graph.op("Transpose", graph.op("Reshape", patches, graph.ints(0, width, -1)), perm=[0, 2, 1])
    first = graph.op("ReduceMean", patches, axes=[1], keepdims=1)
    token = graph.op("Add", graph.op("Sub", first, first), graph.weight(1, 1, width))
    value = graph.op("Concat", token, patches, axis=1)
    value = graph.norm(graph.op("Add", value, graph.weight(side * side + 1, width)), width)
    for _ in range(size.layers):
        value = graph.block(value, width, size.image_heads)
    pooled = graph.op("Gather", value, graph.constant(np.array(0, np.int64)), axis=1)
    embedding = graph.op("MatMul", graph.norm(pooled, width), graph.weight(width, size.dimensions))
    pixels = helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3, "height", "width"])
    return graph.model([pixels], (embedding, "image_embeds"), size.dimensions)


def text_tower(
    size: Size = Size(),
    *,
    seed: int = 2,
    masked: bool = False,
    tokens: int | None = None,
    integer: int = TensorProto.INT64,
) -> ModelProto:
    """input_ids [batch, tokens] (and attention_mask) to text_embeds float32 [batch, dimensions].

    Args:
        masked: take an attention mask as well, as some exports do.
        tokens: of a graph that insists on them. integer: type of the ids.
    """
    graph, width = Graph(seed), size.text_width
    names = ["input_ids", "attention_mask"] if masked else ["input_ids"]
    ids = graph.op("Cast", "input_ids", to=TensorProto.INT64)
    length = graph.op("Gather", graph.op("Shape", ids), graph.ints(1), axis=0)
    places = graph.op("Slice", graph.weight(size.context, width), graph.ints(0), length, graph.ints(0))
    value = graph.op("Add", graph.op("Gather", graph.weight(size.vocabulary, width), ids, axis=0), places)
    ahead = graph.constant(np.triu(np.full((size.context, size.context), -1e9, np.float32), 1))
    ends = graph.op("Concat", length, length, axis=0)
    mask = graph.op("Slice", ahead, graph.ints(0, 0), ends, graph.ints(0, 1))
    if masked:
        shown = graph.op("Cast", "attention_mask", to=TensorProto.FLOAT)
        hidden = graph.op("Sub", graph.constant(np.array(1, np.float32)), shown)
        hidden = graph.op("Mul", hidden, graph.constant(np.array(-1e9, np.float32)))
        mask = graph.op("Add", mask, graph.op("Unsqueeze", hidden, graph.ints(1, 2)))
    for _ in range(size.layers):
        value = graph.block(value, width, size.text_heads, mask)
    end = graph.op("ArgMax", ids, axis=1, keepdims=1)
    pooled = graph.op("GatherND", graph.norm(value, width), end, batch_dims=1)
    embedding = graph.op("MatMul", pooled, graph.weight(width, size.dimensions))
    shape = ["batch", tokens or "tokens"]
    inputs = [helper.make_tensor_value_info(name, integer, shape) for name in names]
    return graph.model(inputs, (embedding, "text_embeds"), size.dimensions)


def write_towers(folder: Path, size: Size, tokenizer: Path | None = None) -> None:
    """Both towers in the published layout, `onnx/vision_model.onnx` and `onnx/text_model.onnx`."""
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    save(image_tower(size), folder / "onnx" / "vision_model.onnx")
    save(text_tower(size), folder / "onnx" / "text_model.onnx")
    if tokenizer is not None:
        shutil.copyfile(tokenizer, folder / "tokenizer.json")


def measure(path: Path, shapes: list[tuple[int, ...]], dtype: type, rounds: int = 5) -> None:
    """Print the best of several rounds for each input shape, and the memory that the process has come to."""
    from mediaml.onnx.providers import parse_device
    from mediaml.onnx.session import open_session

    begun = time.perf_counter()
    session = open_session(path, parse_device("cpu"))
    print(f"{path.name}: {path.stat().st_size / 1e6:.0f} MB, opened in {time.perf_counter() - begun:.1f} s")
    for shape in shapes:
        feed: dict[str, Any] = {session.inputs[0].name: np.ones(shape, dtype)}
        best = float("inf")
        for _ in range(rounds):
            begun = time.perf_counter()
            session.run(feed)
            best = min(best, time.perf_counter() - begun)
        print(f"  {shape}: {best / shape[0] * 1e3:.1f} ms each")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak memory of the process so far: {peak:.0f} MiB")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tokenizer", type=Path, help="copied beside the towers")
    parser.add_argument(
        "--measure", action="store_true", help="time the towers on the CPU, nothing is written"
    )
    typed = parser.parse_args()
    if typed.measure:
        measure(typed.folder / "onnx" / "vision_model.onnx", [(1, 3, 224, 224), (4, 3, 224, 224)], np.float32)
        measure(typed.folder / "onnx" / "text_model.onnx", [(1, 8), (64, 8), (4, 77)], np.int64)
    else:
        write_towers(typed.folder, Size(), typed.tokenizer)
        print(f"{typed.folder}: random-weight towers of ViT-B/32; their answers mean nothing")


if __name__ == "__main__":
    main()
