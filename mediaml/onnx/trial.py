"""Tries a provider with a model: its answers against the CPU's, and its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mediaml.core.arrays import Array
from mediaml.core.errors import MediamlError
from mediaml.core.model_input import ImageInput
from mediaml.onnx.golden import made_inputs
from mediaml.onnx.golden_file import golden_path, read_golden
from mediaml.onnx.graph_file import GraphFile
from mediaml.onnx.interface import Interface, TensorSpec, interface_of, tensor_specs
from mediaml.onnx.metadata import read_image_input
from mediaml.onnx.offers import Offer
from mediaml.onnx.opening import Opened, open_on
from mediaml.onnx.provider_options import Demand
from mediaml.onnx.runtime import one_line
from mediaml.onnx.verdicts import Verdict

TOLERANCES = {"exact": 1e-4, "fast": 5e-2}
"""Largest deviation, as a share of the largest value of an output: float32 in another order of summation
stays near 1e-6, one rounding to bfloat16 makes 4e-3."""

MEASURED_TOLERANCE = 0.25
"""The same for a format whose accuracy was measured: what is left to find is a provider that is broken."""

_SECONDS, _FEWEST, _MOST = 0.5, 3, 30
_BATCHES = {"cpu": 4, "gpu": 16, "npu": 1}

Feeds = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class _GraphInputs:
    """See `golden.InputFacts`."""

    inputs: tuple[TensorSpec, ...]
    interface: Interface
    image_input: ImageInput | None


def trial_inputs(graph: GraphFile, cpu: Opened, offer: Offer) -> list[Feeds]:
    """Golden inputs beside the file, and seeded ones made from the graph, as many as a batch has there.

    Raises:
        ModelError: the graph takes an input for which none can be made.
    """
    inputs = tensor_specs(cpu.runtime.get_inputs())
    metadata = dict(cpu.runtime.get_modelmeta().custom_metadata_map)
    interface = interface_of(inputs, tensor_specs(cpu.runtime.get_outputs()), metadata)
    single = made_inputs(_GraphInputs(inputs, interface, read_image_input(metadata)))
    golden = None if graph.path is None else golden_path(graph.path)
    recorded = [read_golden(golden).inputs] if golden is not None and golden.is_file() else []
    free = all(spec.shape and spec.shape[0] is None for spec in inputs)
    batch = _repeated(single, _BATCHES[offer.hardware]) if free else single
    return [*recorded, single if _answers(cpu, batch) is None else batch]


def tried(key: str, graph: GraphFile, offer: Offer, demand: Demand, cpu: Opened, tolerance: float) -> Verdict:
    """Open a graph on a provider, and compare answers and time with those of the CPU."""
    try:
        inputs = trial_inputs(graph, cpu, offer)
        opened = open_on(graph, offer, demand)
    except MediamlError as error:
        return Verdict(key, problem=error.message)
    deviation = 0.0
    for feeds in inputs:
        expected = _answers(cpu, feeds)
        if expected is None:
            return Verdict(key, problem="the model does not take the inputs made for it")
        try:
            found = opened.runtime.run(None, dict(feeds))
        except Exception as error:  # noqa: BLE001  ONNX Runtime's errors have no common base
            return Verdict(key, problem=f"it fails: {one_line(error)}")
        deviation = max(deviation, deviation_of(found, expected))
    if deviation > tolerance:
        shown = "outputs of another shape" if deviation == float("inf") else f"deviation {deviation:.1e}"
        return Verdict(
            key, f"its answers differ from the CPU's ({shown}, allowed {tolerance:.0e})", deviation
        )
    asked = dict(inputs[-1])
    ms, cpu_ms = times_in_turns(lambda: opened.runtime.run(None, asked), lambda: cpu.runtime.run(None, asked))
    return Verdict(key, "", deviation, ms, cpu_ms)


def deviation_of(found: Sequence[Array], expected: Sequence[Array]) -> float:
    """The largest difference, as a share of the largest expected value of its output.

    Infinite where shapes differ, or where only one of two values is finite.
    """
    if len(found) != len(expected):
        return float("inf")
    return max((_deviation(now, then) for now, then in zip(found, expected, strict=True)), default=0.0)


def _deviation(found: Array, expected: Array) -> float:
    if found.shape != expected.shape:
        return float("inf")
    if expected.dtype.kind not in "fiub":
        return 0.0 if np.array_equal(found, expected) else float("inf")
    now, then = found.astype(np.float64), expected.astype(np.float64)
    if not np.array_equal(np.isfinite(now), np.isfinite(then)):
        return float("inf")
    usable = np.isfinite(then)
    largest = float(np.abs(now - then, where=usable, out=np.zeros_like(then)).max(initial=0.0))
    reach = float(np.abs(then, where=usable, out=np.zeros_like(then)).max(initial=0.0))
    return 0.0 if largest == 0 else largest / max(reach, 1e-6)


def _repeated(feeds: Feeds, count: int) -> Feeds:
    return {name: np.repeat(array, count, axis=0) for name, array in feeds.items()}


def _answers(cpu: Opened, feeds: Feeds) -> list[Array] | None:
    """The CPU's answers; `None` where the graph does not take these inputs."""
    try:
        answers: list[Array] = cpu.runtime.run(None, dict(feeds))
    except Exception:  # noqa: BLE001  ONNX Runtime's errors have no common base
        return None
    return answers


def times_in_turns(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Shortest times of two calls in turns, milliseconds: other work on the machine slows both alike."""
    calls, shortest = (one, other), [float("inf"), float("inf")]
    for call in calls:
        call()
    began, rounds = time.perf_counter(), 0
    while rounds < _FEWEST or (rounds < _MOST and time.perf_counter() - began < _SECONDS):
        for place, call in enumerate(calls):
            start = time.perf_counter()
            call()
            shortest[place] = min(shortest[place], time.perf_counter() - start)
        rounds += 1
    return 1e3 * shortest[0], 1e3 * shortest[1]
