"""Chooses the provider of a session: the one asked for, or the fastest that proves itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mediaml.core.errors import DeviceError
from mediaml.onnx.cuda import cuda_obstacle, has_nvidia_gpu
from mediaml.onnx.graph_file import GraphFile
from mediaml.onnx.obstacles import library_problems, obstacle
from mediaml.onnx.offers import Offer, cpu_offer, offer_of, offers
from mediaml.onnx.opening import SEE_DOCTOR, Opened, open_on
from mediaml.onnx.provider_options import Demand, fast_type, is_exact_by_options
from mediaml.onnx.providers import DeviceRequest
from mediaml.onnx.trial import MEASURED_TOLERANCE, TOLERANCES, tried
from mediaml.onnx.verdicts import (
    Verdict,
    compiled_folder,
    engines_folder,
    forget,
    remember,
    remembered,
    verdict_key,
)

LARGEST_LOSS = 0.5
"""Points of a model's metric that `--precision fast` may cost."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How accurate a model was with a number format, measured on its evaluation set.

    Attributes:
        number_type: such as `bf16`. metric: such as `AP50`.
        exact, fast: the metric in the model's own precision and in that format, 0..1.
    """

    number_type: str
    metric: str
    exact: float
    fast: float

    @property
    def loss(self) -> float:
        """Points, hundredths, that the format costs; negative where it gains."""
        return 100 * (self.exact - self.fast)


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """An opened session, and what is to be said about it.

    Attributes:
        warning: why no GPU is used although there is one; empty otherwise.
        notes: what was found now. details: what was found before, and what is as usual.
    """

    opened: Opened
    warning: str = ""
    notes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


def choose(
    graph: GraphFile, request: DeviceRequest, demand: Demand, accuracies: Sequence[Accuracy] = ()
) -> Chosen:
    """Open a graph where it was asked for; for `auto` where it is fastest with the CPU's answers.

    Raises:
        ModelError: the graph cannot be opened on the CPU either.
        DeviceError: the device was asked for by name and was not obtained.
    """
    task = _Choice(graph, demand, tuple(accuracies))
    return task.earned() if not request.required else task.asked(request)


class _Choice:
    """One graph on its way to a provider; gathers what is to be said."""

    def __init__(self, graph: GraphFile, demand: Demand, accuracies: tuple[Accuracy, ...]) -> None:
        self._graph, self._demand, self._accuracies = graph, demand, accuracies
        self._notes: list[str] = []
        self._details: list[str] = []
        self._cpu: Opened | None = None

    def asked(self, request: DeviceRequest) -> Chosen:
        device = request.device
        found = obstacle(device)
        if found is not None:
            raise DeviceError(f"{device} cannot be used: {found.what}", found.remedy)
        offer = cpu_offer() if device.name == "cpu" else offer_of(device)
        if offer is None:
            raise DeviceError(f"{device} cannot be used: ONNX Runtime does not offer it", SEE_DOCTOR)
        demand, _ = self._fast_or_exact(offer)
        if demand.precision == "exact" and not is_exact_by_options(offer):
            verdict = self._verdict(offer, demand)
            if verdict.problem:
                hint = "Run with --precision fast, or --device cpu." if verdict.deviation else SEE_DOCTOR
                raise DeviceError(f"{offer.device} cannot be used: {verdict.problem}", hint)
        return self._chosen(self._open_named(offer, demand))

    def earned(self) -> Chosen:
        self._notes += library_problems()
        taken: list[tuple[Verdict, Offer, Demand]] = []
        for offer in _candidates():
            demand, found = self._fast_or_exact(offer)
            verdict = found or self._verdict(offer, demand)
            if not verdict.problem and verdict.is_faster:
                taken.append((verdict, offer, demand))
        for verdict, offer, demand in sorted(taken, key=lambda one: one[0].ms):
            try:
                return self._chosen(open_on(self._graph, offer, demand))
            except DeviceError as error:
                forget(verdict.key)
                self._notes.append(f"{error.message}; not used")
        return self._chosen(self._on_cpu(), _missing_gpu())

    def _fast_or_exact(self, offer: Offer) -> tuple[Demand, Verdict | None]:
        """The demand for an offer: `fast` only where it is there, and where its accuracy is shown.

        With the verdict that shows it.
        """
        fast = self._demanded(offer, "fast")
        exact = self._demanded(offer, "exact")
        if self._demand.precision == "exact":
            return exact, None
        number_type = fast_type(offer)
        if number_type is None:
            return exact, None
        accuracy = next((one for one in self._accuracies if one.number_type == number_type), None)
        if accuracy is not None and accuracy.loss > LARGEST_LOSS:
            self._notes.append(
                f"{self._graph.shown}: {number_type} costs {accuracy.loss:.1f} points of {accuracy.metric}; "
                "not used"
            )
            return exact, None
        verdict = self._verdict(offer, fast, measured=accuracy is not None)
        if verdict.problem:
            return exact, None
        self._details.append(_accuracy_line(self._graph.shown, number_type, accuracy, verdict))
        return fast, verdict

    def _demanded(self, offer: Offer, precision: str) -> Demand:
        return replace(
            self._demand,
            precision="fast" if precision == "fast" else "exact",
            folder=compiled_folder(offer) if offer.device.name in ("openvino", "tensorrt") else None,
        )

    def _verdict(self, offer: Offer, demand: Demand, *, measured: bool = False) -> Verdict:
        """The verdict of an earlier run, or that of a trial now."""
        tolerance = MEASURED_TOLERANCE if measured else TOLERANCES[demand.precision]
        key = verdict_key(self._graph, offer, demand, tolerance)
        known = remembered(key)
        verdict = known or tried(key, self._graph, offer, demand, self._on_cpu(), tolerance)
        said = self._details if known is not None else self._notes
        said += _lines(self._graph, offer, demand, verdict)
        if known is None and not remember(verdict):
            self._notes.append(f"{engines_folder()} cannot be written: {offer.device} is tried in every run")
        return verdict

    def _open_named(self, offer: Offer, demand: Demand) -> Opened:
        if offer.device.name == "cpu":
            return self._on_cpu()
        try:
            return open_on(self._graph, offer, demand)
        except DeviceError:
            # A graph that the CPU does not open either is a bad file, not a bad device.
            self._on_cpu()
            raise

    def _on_cpu(self) -> Opened:
        if self._cpu is None:
            self._cpu = open_on(self._graph, cpu_offer(), replace(self._demand, precision="exact"))
        return self._cpu

    def _chosen(self, opened: Opened, warning: str = "") -> Chosen:
        if self._demand.precision == "fast" and opened.demand.precision == "exact":
            where = f"{self._graph.shown} on {opened.offer.device}"
            self._notes.append(f"{where}: runs exactly, nothing faster is used there")
        return Chosen(opened, warning, tuple(self._notes), tuple(self._details))


def _candidates() -> Iterator[Offer]:
    """The first device of each kind; TensorRT is left out, which builds an engine for minutes."""
    seen = set()
    for offer in offers():
        kind = (offer.device.name, offer.hardware)
        if offer.device.name != "tensorrt" and kind not in seen and obstacle(offer.device) is None:
            seen.add(kind)
            yield offer


def _missing_gpu() -> str:
    """Why an NVIDIA GPU that is there is not used; empty where there is none, or nothing prevents it."""
    found = cuda_obstacle() if has_nvidia_gpu() else None
    return "" if found is None else f"{found.what}. {found.remedy}"


def _lines(graph: GraphFile, offer: Offer, demand: Demand, verdict: Verdict) -> list[str]:
    """What a verdict comes to, for a person."""
    where = f"{graph.shown} on {offer.device}, {demand.precision}"
    if verdict.problem:
        return [f"{where}: not used, {verdict.problem}"]
    times = f"{verdict.ms:.1f} ms per batch, {verdict.cpu_ms:.1f} ms on the CPU"
    if verdict.is_faster:
        return [f"{where}: {times}, deviation {verdict.deviation:.0e}"]
    return [f"{where}: not faster, {times}"]


def _accuracy_line(name: str, number_type: str, accuracy: Accuracy | None, verdict: Verdict) -> str:
    if accuracy is not None:
        shown = f"{accuracy.metric} {accuracy.fast:.3f}, {accuracy.exact:.3f} exactly"
        return f"{name}: {number_type}, {shown}"
    return (
        f"{name}: the accuracy of these weights in {number_type} was not measured; their outputs are within "
        f"{100 * verdict.deviation:.1f} % of the exact ones on the inputs of the trial"
    )
