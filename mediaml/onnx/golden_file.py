"""Golden files: inputs of a graph, and the outputs that it gave when the file was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from mediaml.core.arrays import Array
from mediaml.core.errors import ModelError

_INPUT, _OUTPUT = "input.", "output."


@dataclass(frozen=True, slots=True, eq=False)
class GoldenFile:
    """The arrays of a golden file, by the graph's own names."""

    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]


def golden_path(model: Path) -> Path:
    """Where the golden file of a model is, if it has one."""
    return model.with_suffix(".golden.npz")


def read_golden(path: Path) -> GoldenFile:
    """Read an `.npz` of arrays `input.NAME` and `output.NAME`.

    Raises:
        ModelError: it cannot be read, or holds no output.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (OSError, ValueError, BadZipFile) as error:
        raise ModelError(f"the golden file {path} cannot be read: {error}.", "Reinstall mediaml.") from error
    outputs = _under(_OUTPUT, arrays)
    if not outputs:
        raise ModelError(f"the golden file {path} holds no output.", "Reinstall mediaml.")
    return GoldenFile(_under(_INPUT, arrays), outputs)


def _under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
