"""What ONNX Runtime offers on this machine: its execution providers, built in or from plugin libraries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from mediaml.onnx.cuda import gpu_names
from mediaml.onnx.plugin_libraries import registered_libraries
from mediaml.onnx.providers import NUMBERED, Device
from mediaml.onnx.runtime import quiet_runtime

Hardware = Literal["cpu", "gpu", "npu"]

CPU_PROVIDER = "CPUExecutionProvider"
_ENDING = "ExecutionProvider"
# It sends inputs to a web service.
_REMOTE = "AzureExecutionProvider"
_ON_CPU = ("openvino", "dnnl", "xnnpack", "acl", "armnn")


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """An execution provider on one piece of hardware.

    Attributes:
        device: how a person names it.
        provider: ONNX Runtime's name of it.
        hardware: what it computes on.
        version: of the plugin library, or of ONNX Runtime.
        detail: what it says of the hardware; may be empty.
    """

    device: Device
    provider: str
    hardware: Hardware
    version: str
    detail: str = ""
    _ep_device: Any = field(default=None, repr=False)

    @property
    def is_plugin(self) -> bool:
        """Whether it comes from a plugin library."""
        return self._ep_device is not None

    def add_to(self, settings: Any, options: dict[str, str]) -> list[tuple[str, dict[str, str]]] | None:
        """Ask for this provider in the options of a session.

        Returns:
            The providers to give to `InferenceSession`; `None` where the options hold all of it.
        """
        if self._ep_device is not None:
            settings.add_provider_for_devices([self._ep_device], options)
            return None
        if self.provider == CPU_PROVIDER:
            return [(CPU_PROVIDER, options)]
        return [(self.provider, options), *_beside(self, options), (CPU_PROVIDER, {})]


def _beside(offer: Offer, options: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """The provider that takes what TensorRT leaves over."""
    if offer.device.name != "tensorrt":
        return []
    return [("CUDAExecutionProvider", {"device_id": options.get("device_id", "0")})]


def cpu_offer() -> Offer:
    """ONNX Runtime's own provider on the CPU."""
    return Offer(Device("cpu"), CPU_PROVIDER, "cpu", str(quiet_runtime().__version__))


def offers() -> tuple[Offer, ...]:
    """Every provider but the CPU's own, those of plugin libraries first."""
    registered_libraries()
    plugins = tuple(_plugin_offers(quiet_runtime().get_ep_devices()))
    taken = {offer.device.name for offer in plugins}
    return (*plugins, *(offer for offer in _built_in() if offer.device.name not in taken))


def offer_of(device: Device) -> Offer | None:
    """The offer for a device; `None` where there is none. An empty unit takes the first."""
    found = [one for one in offers() if one.device.name == device.name]
    return next((one for one in found if device.unit in ("", one.device.unit)), None)


def device_name(provider: str) -> str:
    """The name of a provider as a device: `openvino` for `OpenVINOExecutionProvider`."""
    return provider.removesuffix(_ENDING).lower()


def _plugin_offers(ep_devices: Iterable[Any]) -> Iterator[Offer]:
    """Offers of ONNX Runtime's `OrtEpDevice`s; virtual and combined devices are left out."""
    seen = Counter[str]()
    for one in ep_devices:
        metadata, hardware = dict(one.ep_metadata), _hardware(one.device)
        combined = "ov_meta_device" in metadata or dict(one.device.metadata).get("is_virtual") == "1"
        if one.ep_name == CPU_PROVIDER or combined:
            continue
        name = device_name(one.ep_name)
        kind = hardware if name == "openvino" else ""
        number = seen[f"{name}:{kind}"]
        seen[f"{name}:{kind}"] += 1
        unit = f"{kind}{number or ''}" if kind else str(number)
        version = metadata.get("version") or str(quiet_runtime().__version__)
        yield Offer(Device(name, unit), one.ep_name, hardware, version, str(one.device.vendor), one)


def _hardware(device: Any) -> Hardware:
    name = str(getattr(device.type, "name", device.type)).rpartition(".")[2].lower()
    return "gpu" if name == "gpu" else "npu" if name == "npu" else "cpu"


def _built_in() -> Iterator[Offer]:
    onnxruntime = quiet_runtime()
    version = str(onnxruntime.__version__)
    for provider in onnxruntime.get_available_providers():
        name = device_name(provider)
        if provider in (CPU_PROVIDER, _REMOTE):
            continue
        if name in NUMBERED:
            for index, gpu in enumerate(gpu_names()):
                yield Offer(Device(name, str(index)), provider, "gpu", version, gpu)
        elif name == "openvino":
            yield from _built_in_openvino(provider, version)
        else:
            yield Offer(Device(name), provider, "cpu" if name in _ON_CPU else "gpu", version)


def _built_in_openvino(provider: str, version: str) -> Iterator[Offer]:
    """The devices of the package `onnxruntime-openvino`, which is an ONNX Runtime with OpenVINO built in."""
    found = {
        str(name).lower().partition(".")[0]
        for name in quiet_runtime().capi._pybind_state.get_available_openvino_device_ids()
    }
    kinds: tuple[Hardware, ...] = ("gpu", "npu", "cpu")
    for hardware in kinds:
        if hardware in found:
            yield Offer(Device("openvino", hardware), provider, hardware, version)
