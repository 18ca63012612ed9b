"""Static quantisation of a graph to int8, with ONNX Runtime's own quantiser."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediaml.core.arrays import Array
from mediaml.core.atomic_file import atomic_path
from mediaml.core.errors import ModelError
from mediaml.onnx.model_file import model_bytes, parse_model
from mediaml.onnx.provider_options import cpu_flags
from mediaml.onnx.runtime import import_quantizer, one_line
from mediaml.onnx.session import Session

if TYPE_CHECKING:
    from onnx import ModelProto

Feeds = Mapping[str, Array]
_COMPUTING = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
_OF_SHAPE = {"Shape", "Size"}
_VNNI = {"avx512_vnni", "avx_vnni"}


class _Recorder:
    """An ONNX Runtime session that keeps what it is asked."""

    def __init__(self, runtime: Any, kept: list[Feeds]) -> None:
        self._runtime, self._kept = runtime, kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def run(self, names: Any, feeds: Feeds) -> Any:
        self._kept.append({name: array.copy() for name, array in feeds.items()})
        return self._runtime.run(names, feeds)


def recording(session: Session, kept: list[Feeds]) -> Session:
    """The session, which also appends what it is asked to `kept`."""
    values = {field.name: getattr(session, field.name) for field in fields(session)}
    return Session(**{**values, "_runtime": _Recorder(session._runtime, kept)})


def quantize(source: Path, target: Path, feeds: Sequence[Feeds]) -> int:
    """Write an int8 version of a graph: QDQ, per channel, its heads left in float.

    Args:
        source: an ONNX file. target: where to write. feeds: inputs of the graph to calibrate with.

    Returns:
        How many nodes stay in float as heads.

    Raises:
        ModelError: the graph cannot be quantised, or holds nothing to quantise.
        OutputError: the target cannot be written.
    """
    model = parse_model(model_bytes(source), str(source))
    heads = head_nodes(model)
    if not any(node.op_type in _COMPUTING and node.name not in heads for node in model.graph.node):
        raise ModelError(f"{source} holds nothing to quantise.", "It has no convolution below its heads.")
    quantizer = import_quantizer()
    with atomic_path(target) as part, _silence():
        try:
            quantizer.quantize_static(
                model,
                part,
                _Reader(feeds),
                quant_format=quantizer.QuantFormat.QDQ,
                per_channel=True,
                # Without VNNI sums of products of eight bits overflow sixteen.
                reduce_range=not cpu_flags() & _VNNI,
                activation_type=quantizer.QuantType.QUInt8,
                weight_type=quantizer.QuantType.QInt8,
                nodes_to_exclude=sorted(heads | shape_nodes(model)),
            )
        except Exception as error:
            raise ModelError(f"{source} cannot be quantised: {one_line(error)}", "") from error
        _restore_metadata(model, part)
    return len(heads)


def head_nodes(model: ModelProto) -> set[str]:
    """Names of the nodes that make the outputs: from the last convolution or matrix product on, with it.

    Every node is given a name on the way, by which the quantiser leaves it out.
    """
    _name_nodes(model)
    makers = {name: node for node in model.graph.node for name in node.output}
    heads: set[str] = set()
    waiting = [output.name for output in model.graph.output]
    while waiting:
        node = makers.get(waiting.pop())
        if node is None or node.name in heads:
            continue
        heads.add(node.name)
        if node.op_type not in _COMPUTING:
            waiting.extend(node.input)
    return heads


def shape_nodes(model: ModelProto) -> set[str]:
    """Names of the nodes that compute shapes and scales, not data: what no input's values reach.

    Rounded to eight bits, the scale of an upsampling is no longer two.
    """
    _name_nodes(model)
    data = {value.name for value in model.graph.input}
    data -= {tensor.name for tensor in model.graph.initializer}
    names = set()
    for node in model.graph.node:
        if node.op_type in _OF_SHAPE or data.isdisjoint(node.input):
            names.add(node.name)
        else:
            data.update(node.output)
    return names


def _name_nodes(model: ModelProto) -> None:
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"node_{number}"


class _Reader:
    """Gives inputs one after the other, as the quantiser's `CalibrationDataReader` does."""

    def __init__(self, feeds: Sequence[Feeds]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> Feeds | None:
        return next(self._feeds, None)


def _restore_metadata(model: ModelProto, path: Path) -> None:
    """The key-value pairs of the graph, which say what its labels and inputs are."""
    import onnx

    written = onnx.load(path)
    known = {entry.key for entry in written.metadata_props}
    for entry in model.metadata_props:
        if entry.key not in known:
            written.metadata_props.add(key=entry.key, value=entry.value)
    onnx.save(written, path)


@contextmanager
def _silence() -> Iterator[None]:
    """The quantiser's advice goes nowhere, and its temporary files go."""
    logger = logging.getLogger()
    before, kept = logger.level, tempfile.tempdir
    logger.setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = kept
            logger.setLevel(before)
