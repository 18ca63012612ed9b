"""Replays a model's golden inputs and compares its outputs: with recorded ones, or with the plain graph's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mediaml.core.arrays import Array
from mediaml.core.errors import ModelError
from mediaml.onnx.golden_file import read_golden
from mediaml.onnx.providers import Device, DeviceRequest
from mediaml.onnx.session import Session, open_session

_CPU = DeviceRequest("cpu")

Answers = Mapping[str, Array]
"""A graph's outputs by name, in its order."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of one output from the expected one.

    Attributes:
        output: its name.
        largest: largest absolute difference; `None` where the shapes differ, so that nothing can be compared.
        reach: largest absolute value that was expected.
    """

    output: str
    largest: float | None
    reach: float

    def __str__(self) -> str:
        if self.largest is None:
            return f"{self.output} of another length"
        return f"{self.largest:.2e} in {self.output} (values to {self.reach:.3g})"


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
    recorded = read_golden(golden)
    found, _ = answers(model, recorded.inputs, device)
    largest = 0.0
    for name, expected in recorded.outputs.items():
        largest = max(largest, _difference(found, name, expected, golden))
    return largest


def answers(model: Path, feeds: Mapping[str, Array], device: DeviceRequest) -> tuple[Answers, Device]:
    """The outputs of a model on a device, and the device that it ran on.

    Raises:
        ModelError: the file is not an ONNX model, or does not take the inputs.
        DeviceError: the device is not obtained.
    """
    session = open_session(model, device)
    return _named(session, feeds), session.device


def reference_answers(model: Path, feeds: Mapping[str, Array]) -> Answers:
    """The outputs of an unoptimised graph: on the CPU, in one thread, nothing fused.

    Raises:
        ModelError: the file is not an ONNX model, or does not take the inputs.
    """
    session = open_session(model, _CPU, threads=1, optimised=False)
    return _named(session, feeds)


def _named(session: Session, feeds: Mapping[str, Array]) -> Answers:
    return dict(zip((output.name for output in session.outputs), session.run(feeds), strict=True))


def differences(found: Answers, expected: Answers) -> Sequence[Difference]:
    """One record per output, in the order of the graph.

    Outputs are paired by place, because exporters name those of an fp32 and an int8 graph differently.

    Raises:
        ModelError: the graphs have different numbers of outputs.
    """
    if len(found) != len(expected):
        raise ModelError(
            f"one graph has {len(found)} outputs, the other {len(expected)}: they are not of the same model."
        )
    return [
        _compared(name, now, then) for (name, now), then in zip(found.items(), expected.values(), strict=True)
    ]


def _compared(name: str, found: Array, expected: Array) -> Difference:
    reach = float(np.abs(expected.astype(np.float64)).max(initial=0.0))
    return Difference(name, _largest(found, expected) if found.shape == expected.shape else None, reach)


def _largest(found: Array, expected: Array) -> float:
    difference = np.abs(found.astype(np.float64) - expected.astype(np.float64))
    return float(difference.max(initial=0.0))


def _difference(found: Answers, name: str, expected: Array, golden: Path) -> float:
    if name not in found or found[name].shape != expected.shape:
        shape = found[name].shape if name in found else "nothing"
        raise ModelError(
            f"{golden.name} expects output {name!r} of shape {expected.shape}; the model gives {shape}.",
            "Model and golden file are from different releases: reinstall mediaml.",
        )
    return _largest(found[name], expected)
