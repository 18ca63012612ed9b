"""Opens a graph on one execution provider, and asks the session itself what runs where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mediaml.core.errors import DeviceError, ModelError
from mediaml.onnx.graph_file import GraphFile
from mediaml.onnx.offers import CPU_PROVIDER, Offer, device_name
from mediaml.onnx.provider_options import Demand, fast_type, options_of
from mediaml.onnx.runtime import SILENT, one_line, quiet_runtime

SEE_DOCTOR = "See `mediaml doctor`, or run with --device cpu."


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A session of ONNX Runtime.

    Attributes:
        offer: the provider that it really runs on.
        demand: how it was asked to run.
        nodes: of the graph, by the provider that got them; empty where ONNX Runtime does not say.
    """

    offer: Offer
    demand: Demand
    nodes: Mapping[str, int]
    runtime: Any = field(repr=False)

    @property
    def elsewhere(self) -> str:
        """How many nodes another provider runs, such as `3 of 210 nodes on cpu`; empty where none."""
        others = {name: count for name, count in self.nodes.items() if name != self.offer.provider}
        where = " and ".join(f"{count} on {device_name(name)}" for name, count in others.items())
        return f"of {sum(self.nodes.values())} nodes {where}" if others else ""

    @property
    def number_type(self) -> str | None:
        """What it rounds to, such as `bf16`; `None` where it computes in the model's own precision."""
        return fast_type(self.offer) if self.demand.precision == "fast" else None


def open_on(graph: GraphFile, offer: Offer, demand: Demand, *, optimised: bool = True) -> Opened:
    """Open a graph on a provider, and verify that it runs there.

    Raises:
        ModelError: it is the CPU's provider, and the graph cannot be opened.
        DeviceError: another provider does not open the graph, or runs none of it.
    """
    settings = _settings(offer, demand, optimised)
    try:
        providers = offer.add_to(settings, options_of(offer, demand))
        runtime = quiet_runtime().InferenceSession(
            graph.source,
            settings,
            providers=providers,
            enable_fallback=0,
            # Up to 1.31 it moves the zeros of a Pad into a MaxPool, which pads with minus infinity:
            # ultralytics' YOLOv3-tiny answers something else then.
            disabled_optimizers=["Pad_Fusion"],
        )
    except Exception as error:
        if offer.provider != CPU_PROVIDER:
            raise DeviceError(
                f"{offer.device} cannot open {graph.name}: {one_line(error)}", SEE_DOCTOR
            ) from error
        raise ModelError(
            f"{graph.name} cannot be opened as an ONNX model: {one_line(error)}",
            "Check that the file is complete, and that it was exported for a version that ONNX Runtime "
            f"{quiet_runtime().__version__} knows.",
        ) from error
    nodes = _nodes(runtime)
    if offer.provider not in (nodes or runtime.get_providers()):
        raise DeviceError(f"ONNX Runtime runs {graph.name} on the CPU instead of {offer.device}", SEE_DOCTOR)
    return Opened(offer, demand, nodes, runtime)


def _settings(offer: Offer, demand: Demand, optimised: bool) -> Any:
    onnxruntime = quiet_runtime()
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = SILENT
    settings.intra_op_num_threads = demand.threads
    if not optimised:
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    # Layers run one after the other: branches in parallel would only compete for the same cores.
    settings.inter_op_num_threads = 1
    if offer.hardware == "cpu":
        # Planned blocks, one for each shape of input, save no time here: 39 MiB for the bundled detector.
        settings.enable_mem_pattern = False
    # A waiting thread must sleep: spinning takes the cores from the threads that decode the next frames.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    settings.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    return settings


def _nodes(runtime: Any) -> Mapping[str, int]:
    """Number of nodes by provider."""
    if not hasattr(runtime, "get_provider_graph_assignment_info"):
        return {}
    found = Counter[str]()
    for part in runtime.get_provider_graph_assignment_info():
        found[part.ep_name] += len(part.get_nodes())
    return found
