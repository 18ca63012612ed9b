"""Inference on every device and in both precisions, in turns, beside the CPU's own provider.

    python -m scripts.bench.devices MODEL.onnx[:BATCH] ... [--devices openvino:cpu,cuda:0] [--rounds N]

Prints medians per batch in milliseconds, of the clock and of this process's processor time, and the deviation
from the CPU's answers. Sessions take turns call by call, so that other work on the machine slows all of them
alike; it lengthens processor time least.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.core.arrays import Array
from mediaml.core.errors import MediamlError
from mediaml.onnx.golden import made_inputs
from mediaml.onnx.graph_file import GraphFile, read_graph
from mediaml.onnx.inspect import model_file_facts
from mediaml.onnx.offers import Offer, cpu_offer, offers
from mediaml.onnx.opening import open_on
from mediaml.onnx.provider_options import Demand, cpu_flags, fast_type, processor_name
from mediaml.onnx.threads import session_threads
from mediaml.onnx.trial import deviation_of

_SHOWN_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")


def sessions_of(graph: GraphFile, chosen: Sequence[Offer], threads: int) -> dict[str, Any]:
    """ONNX Runtime sessions by device and precision, the CPU's first."""
    exact = Demand("exact", threads)
    found = {}
    for offer in (cpu_offer(), *chosen):
        demands = {str(offer.device): exact}
        number_type = fast_type(offer)
        if number_type is not None:
            demands[f"{offer.device} {number_type}"] = replace(exact, precision="fast")
        for name, demand in demands.items():
            try:
                found[name] = open_on(graph, offer, demand).runtime
            except MediamlError as error:
                print(f"{name}: {error.message}")
    return found


def times_of(
    sessions: Mapping[str, Any], feeds: Mapping[str, Array], rounds: int
) -> dict[str, list[tuple[float, float]]]:
    """Milliseconds of every call, by the clock and of the processor."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in sessions}
    for number in range(rounds + 2):
        for name, session in sessions.items():
            start, used = time.perf_counter(), time.process_time()
            session.run(None, dict(feeds))
            # The first calls compile and warm up.
            if number >= 2:
                passed = time.perf_counter() - start, time.process_time() - used
                times[name].append((1e3 * passed[0], 1e3 * passed[1]))
    return times


def rows_of(path: Path, batch: int, chosen: Sequence[Offer], rounds: int, threads: int) -> list[list[str]]:
    """One row per device and precision."""
    feeds = {
        name: np.repeat(array, batch, axis=0) for name, array in made_inputs(model_file_facts(path)).items()
    }
    sessions = sessions_of(read_graph(path), chosen, threads)
    expected = next(iter(sessions.values())).run(None, dict(feeds))
    times = times_of(sessions, feeds, rounds)
    rows = []
    for name, session in sessions.items():
        deviation = deviation_of(session.run(None, dict(feeds)), expected)
        clock, processor = (statistics.median(column) for column in zip(*times[name], strict=True))
        shown = f"{clock:.1f}", f"{processor:.1f}", f"{deviation:.0e}"
        rows.append([path.stem, str(batch), name, *shown])
    return rows


def main() -> None:
    """Measure, and print a table for docs/performance.md."""
    parser = argparse.ArgumentParser(description="Inference on every device, in turns.")
    parser.add_argument("models", nargs="+", metavar="MODEL.onnx[:BATCH]")
    parser.add_argument("--devices", help="divided by commas [default: all but TensorRT]")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--threads", type=int, default=session_threads())
    given = parser.parse_args()
    wanted = given.devices.split(",") if given.devices else None
    chosen = [
        offer
        for offer in offers()
        if (str(offer.device) in wanted if wanted else offer.device.name != "tensorrt")
    ]
    flags = " ".join(flag for flag in _SHOWN_FLAGS if flag in cpu_flags())
    print(f"{processor_name()}, {given.threads} threads, {flags}\n")
    print("| model | batch | device | ms | processor ms | deviation |\n| --- | --- | --- | --- | --- | --- |")
    for text in given.models:
        name, _, batch = text.partition(":")
        for row in rows_of(Path(name), int(batch or 1), chosen, given.rounds, given.threads):
            print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
