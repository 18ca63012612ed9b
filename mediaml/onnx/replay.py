"""Replays a model's golden inputs and compares its outputs with the recorded ones."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from mediaml.errors import ModelError
from mediaml.onnx.providers import DeviceRequest
from mediaml.onnx.session import open_session
from mediaml.types import Array

_INPUT, _OUTPUT = "input.", "output."


def replay(model: Path, golden: Path, device: DeviceRequest) -> float:
    """The largest absolute difference between a model's outputs now and when its golden file was made.

    Args:
        model: the ONNX file.
        golden: an `.npz` of arrays `input.NAME` and `output.NAME` by the graph's own names.
        device: where to run.

    Raises:
        ModelError: there is no golden file, it does not fit the graph, or an output has another shape.
        DeviceError: the device is not obtained.
    """
    recorded = _recorded(golden)
    session = open_session(model, device)
    names = [output.name for output in session.outputs]
    feeds = {name[len(_INPUT) :]: array for name, array in recorded.items() if name.startswith(_INPUT)}
    found = dict(zip(names, session.run(feeds), strict=True))
    largest = 0.0
    for name, expected in recorded.items():
        if name.startswith(_OUTPUT):
            largest = max(largest, _difference(found, name[len(_OUTPUT) :], expected, golden))
    return largest


def _difference(found: dict[str, Array], name: str, expected: Array, golden: Path) -> float:
    if name not in found or found[name].shape != expected.shape:
        shape = found[name].shape if name in found else "nothing"
        raise ModelError(
            f"{golden.name} expects output {name!r} of shape {expected.shape}; the model gives {shape}.",
            "Model and golden file are not of one release: reinstall mediaml.",
        )
    difference = np.abs(found[name].astype(np.float64) - expected.astype(np.float64))
    return float(difference.max(initial=0.0))


def _recorded(golden: Path) -> dict[str, Array]:
    try:
        with np.load(golden, allow_pickle=False) as file:
            arrays = dict(file)
    except (OSError, ValueError, BadZipFile) as error:
        raise ModelError(
            f"the golden file {golden} cannot be read: {error}.", "Reinstall mediaml."
        ) from error
    if not any(name.startswith(_OUTPUT) for name in arrays):
        raise ModelError(f"the golden file {golden} holds no output.", "Reinstall mediaml.")
    return arrays
