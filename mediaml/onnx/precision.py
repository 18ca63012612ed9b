"""The precision of a graph's weights, read from the file's structure; the weights themselves are skipped."""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from mediaml.core.errors import ModelError

WeightPrecision = Literal["fp32", "fp16", "bf16", "int8"]

# Fields of onnx.proto, and values of TensorProto.DataType.
_GRAPH, _INITIALIZER, _DIMS, _DATA_TYPE = 7, 5, 1, 2
_KINDS: dict[int, WeightPrecision] = {1: "fp32", 2: "int8", 3: "int8", 10: "fp16", 16: "bf16"}
# Wire types of Protocol Buffers.
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_MOST_QUANTISED = 0.1


def precision_of(path: Path) -> WeightPrecision:
    """The precision of a graph's weights: int8 from a tenth on, because quantisers leave some out.

    Raises:
        ModelError: the file is not an ONNX model, or cannot be read.
    """
    found: dict[WeightPrecision, int] = {"fp32": 0, "fp16": 0, "bf16": 0, "int8": 0}
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for graph in _messages(data, _GRAPH, 0, len(data)):
                for tensor in _messages(data, _INITIALIZER, *graph):
                    kind, size = _tensor(data, *tensor)
                    if kind is not None:
                        found[kind] += size
    except (OSError, ValueError, IndexError) as error:  # an empty file cannot be mapped
        raise ModelError(f"{path} is not an ONNX model.", "Check the file.") from error
    if found["int8"] > _MOST_QUANTISED * sum(found.values()):
        return "int8"
    return max(found, key=lambda kind: found[kind])


def _tensor(data: mmap.mmap, begin: int, end: int) -> tuple[WeightPrecision | None, int]:
    """What a tensor's elements are, and how many there are."""
    kind: WeightPrecision | None = None
    dims: list[int] = []
    for field, wire, value in _fields(data, begin, end):
        if field == _DATA_TYPE and wire == _VARINT:
            kind = _KINDS.get(value[0])
        elif field == _DIMS and wire == _VARINT:
            dims.append(value[0])
        elif field == _DIMS:  # packed
            place, last = value
            while place < last:
                size, place = _varint(data, place)
                dims.append(size)
    return kind, math.prod(dims)


def _messages(data: mmap.mmap, wanted: int, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the messages of a field begin and end."""
    for field, wire, value in _fields(data, begin, end):
        if field == wanted and wire == _LENGTH:
            yield value


def _fields(data: mmap.mmap, begin: int, end: int) -> Iterator[tuple[int, int, tuple[int, int]]]:
    """Fields of a message: number, wire type, and (value, 0) of numbers or (begin, end) of the others.

    Raises:
        ValueError: it is no message.
    """
    place = begin
    while place < end:
        key, place = _varint(data, place)
        wire = key & 7
        if wire == _VARINT:
            number, place = _varint(data, place)
            yield key >> 3, wire, (number, 0)
            continue
        if wire == _LENGTH:
            size, place = _varint(data, place)
        elif wire in (_FIXED32, _FIXED64):
            size = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire}")
        if place + size > end:
            raise ValueError("a field ends behind its message")
        yield key >> 3, wire, (place, place + size)
        place += size


def _varint(data: mmap.mmap, place: int) -> tuple[int, int]:
    """A number of seven bits per byte, the lowest first, and where it ends."""
    number = shift = 0
    while True:
        byte = data[place]
        number |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return number, place
        if shift > 63:
            raise ValueError("a number is too long")
