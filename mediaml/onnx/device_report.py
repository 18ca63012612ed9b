"""What `mediaml doctor` says of devices: each tried with a model, and timed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mediaml.core.errors import MediamlError
from mediaml.onnx.cuda import has_nvidia_gpu
from mediaml.onnx.golden import made_inputs
from mediaml.onnx.graph_file import GraphFile, read_graph
from mediaml.onnx.inspect import model_file_facts
from mediaml.onnx.obstacles import obstacle
from mediaml.onnx.offers import CPU_PROVIDER, Offer, cpu_offer, device_name, offers
from mediaml.onnx.opening import open_on
from mediaml.onnx.plugin_libraries import registered_libraries
from mediaml.onnx.provider_options import Demand, fast_type
from mediaml.onnx.providers import NUMBERED, Device
from mediaml.onnx.runtime import quiet_runtime
from mediaml.onnx.threads import session_threads
from mediaml.onnx.trial import Feeds
from mediaml.onnx.verdicts import compiled_folder

_SECONDS, _FEWEST = 0.3, 5
_NO_GPU = "there is no NVIDIA GPU on this machine"


@dataclass(frozen=True, slots=True)
class DeviceFact:
    """One device.

    Attributes:
        device: as after `--device`. provider: with its version.
        works: whether the model runs there.
        ms: shortest time of one frame in the model's own precision, milliseconds; `None` where not measured.
        fast: the same with `--precision fast`, such as `bf16 7.1 ms`; empty where nothing is faster.
        reason: why it does not work, or what is to be known of it; may be empty.
    """

    device: str
    provider: str
    works: bool
    ms: float | None = None
    fast: str = ""
    reason: str = ""


def device_report(model: Path) -> list[DeviceFact]:
    """Every device that ONNX Runtime offers here, and why others that it could have do not work.

    Args:
        model: an ONNX file, which is run and timed.

    Raises:
        ModelError: the CPU does not run the model.
    """
    graph, facts = read_graph(model), model_file_facts(model)
    feeds = made_inputs(facts)
    offered = offers()
    found = [_tried(offer, graph, feeds) for offer in (cpu_offer(), *offered)]
    return [*found, *_absent({offer.device.name for offer in offered})]


def _tried(offer: Offer, graph: GraphFile, feeds: Feeds) -> DeviceFact:
    about = DeviceFact(str(offer.device), f"{offer.provider} {offer.version}", works=False)
    prevented = obstacle(offer.device)
    if prevented is not None:
        return replace(about, reason=prevented.what)
    if offer.device.name == "tensorrt":
        return replace(about, works=True, reason="not timed: it builds an engine first, which takes minutes")
    demand = Demand("exact", session_threads(), compiled_folder(offer) if offer.is_plugin else None)
    try:
        opened = open_on(graph, offer, demand)
        ms = _shortest_ms(opened.runtime, feeds)
        number_type = fast_type(offer)
        fast = ""
        if number_type is not None:
            faster = open_on(graph, offer, replace(demand, precision="fast"))
            fast = f"{number_type} {_shortest_ms(faster.runtime, feeds):.1f} ms"
    except MediamlError as error:
        return replace(about, reason=error.message)
    return replace(about, works=True, ms=ms, fast=fast, reason=opened.elsewhere)


def _shortest_ms(runtime: object, feeds: Feeds) -> float:
    """Shortest time of one call, milliseconds, after one to warm up.

    Raises:
        DeviceError: the model fails there.
    """
    from mediaml.core.errors import DeviceError
    from mediaml.onnx.runtime import one_line

    shortest, began, rounds = float("inf"), time.perf_counter(), 0
    try:
        while rounds <= _FEWEST or time.perf_counter() - began < _SECONDS:
            start = time.perf_counter()
            runtime.run(None, dict(feeds))  # type: ignore[attr-defined]
            shortest = min(shortest, time.perf_counter() - start) if rounds else shortest
            rounds += 1
    except Exception as error:
        raise DeviceError(one_line(error)) from error
    return 1e3 * shortest


def _absent(offered: set[str]) -> Iterator[DeviceFact]:
    """Providers that are installed and have no device here, and libraries that do not load."""
    onnxruntime = quiet_runtime()
    for provider in onnxruntime.get_available_providers():
        name = device_name(provider)
        if provider == CPU_PROVIDER or name in offered or name not in NUMBERED:
            continue
        found = obstacle(Device(name, "0")) if has_nvidia_gpu() else None
        reason = _NO_GPU if found is None else found.what
        yield DeviceFact(name, f"{provider} {onnxruntime.__version__}", works=False, reason=reason)
    for library in registered_libraries():
        name = library.name.removeprefix("onnxruntime_ep_")
        if library.problem:
            yield DeviceFact(name, library.name, works=False, reason=f"does not load: {library.problem}")
        elif name == "openvino" and name not in offered:
            found = obstacle(Device(name))
            yield DeviceFact(name, library.name, works=False, reason=found.what if found else "")
