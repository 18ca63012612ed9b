"""Darknet's weights files: a short header, then float32 values layer by layer with nothing between them.

Source: darknet's `parser.c`, `load_weights_upto`: int32 major, minor and revision; the number of images
seen in training, 64 bit from version 0.2 on and 32 bit before; then for every convolution its biases, with
batch norm also scales, means and variances, and last the filters.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mediaml.core.arrays import Float32Array
from mediaml.core.errors import ModelError
from mediaml.darknet.layers import Convolution
from mediaml.onnx.model_file import MODEL_BYTES_LIMIT

BATCH_NORM_EPSILON = 1e-6
"""Added to the variance under the root, as OpenCV does; darknet's CPU code adds it to the root."""

PAIRED = "Take the .cfg and .weights that belong together, and download the .weights again."


@dataclass(frozen=True, slots=True, eq=False)
class FoldedConvolution:
    """A convolution's filters, float32 [filters, channels per group, size, size], and biases, [filters]."""

    filters: Float32Array
    biases: Float32Array


def parameter_count(convolution: Convolution) -> int:
    """Values that the weights file holds for a convolution."""
    filters = convolution.shape.channels
    per_filter = 4 if convolution.batch_normalize else 1
    return math.prod(convolution.weights_shape) + per_filter * filters


def read_weights(path: Path, convolutions: Sequence[Convolution]) -> Iterator[FoldedConvolution]:
    """The weights of the convolutions in order, batch norm folded into filters and biases.

    The file's length is checked before the first one is yielded, and only one is in memory at a time.

    Raises:
        ModelError: the file cannot be read, is too short or too long for the layers, or holds NaN or infinite
            values or a negative variance; names the layer.
    """
    try:
        with path.open("rb") as file:
            header = _header_bytes(path, file.read(16))
            _check_length(path, path.stat().st_size - header, convolutions)
            file.seek(header)
            for convolution in convolutions:
                content = file.read(4 * parameter_count(convolution))
                yield _fold(path, convolution, np.frombuffer(content, "<f4"))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}", "Check the path.") from error


def _header_bytes(path: Path, start: bytes) -> int:
    """Length of the header, from its first 16 bytes."""
    if len(start) < 16:
        raise ModelError(f"{path} is too short for a Darknet weights file", PAIRED)
    major, minor, _, _ = struct.unpack("<4i", start)
    if not (0 <= major < 1000 and 0 <= minor < 1000):
        raise ModelError(
            f"{path} is not a Darknet weights file (its version would be {major}.{minor})", PAIRED
        )
    return 20 if major * 10 + minor >= 2 else 16


def _check_length(path: Path, size: int, convolutions: Sequence[Convolution]) -> None:
    """Raise `ModelError` unless `size` bytes are exactly what the convolutions take."""
    if size > MODEL_BYTES_LIMIT:
        raise ModelError(
            f"{path} has {size} bytes of weights; an ONNX file holds {MODEL_BYTES_LIMIT} at most"
        )
    end = 0
    for convolution in convolutions:
        end += 4 * parameter_count(convolution)
        if end > size:
            raise ModelError(
                f"{path} ends inside {convolution.section}: {end - size} bytes are missing", PAIRED
            )
    if end < size:
        last = convolutions[-1].section if convolutions else "its header"
        raise ModelError(f"{path} has {size - end} more bytes after {last}", PAIRED)


def _fold(path: Path, convolution: Convolution, values: Float32Array) -> FoldedConvolution:
    """One convolution's values with y = scale (x - mean) / sqrt(variance + epsilon) + bias folded in."""
    if not np.isfinite(values).all():
        position = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ModelError(
            f"{path} holds {values[position]} in {convolution.section}, value {position}", PAIRED
        )
    count = convolution.shape.channels
    if not convolution.batch_normalize:
        return FoldedConvolution(values[count:].reshape(convolution.weights_shape), values[:count])
    vectors: NDArray[np.float64] = values[: 4 * count].astype(np.float64).reshape(4, count)
    biases, scales, means, variances = vectors
    if variances.min() < 0:
        raise ModelError(f"{path} holds a negative variance in {convolution.section}", PAIRED)
    factors = scales / np.sqrt(variances + BATCH_NORM_EPSILON)
    filters = values[4 * count :].reshape(convolution.weights_shape) * factors[:, None, None, None]
    return FoldedConvolution(filters.astype(np.float32), (biases - means * factors).astype(np.float32))
