"""ONNX Runtime sessions on a verified device, with readable errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mediaml.core.arrays import Array
from mediaml.core.audio_input import AudioInput
from mediaml.core.clip_input import ClipInput
from mediaml.core.errors import DeviceError, MemoryLimitError, ModelError
from mediaml.core.model_input import ImageInput
from mediaml.onnx.graph_file import read_graph
from mediaml.onnx.interface import Interface, TensorSpec, interface_of, tensor_specs
from mediaml.onnx.metadata import (
    read_audio_input,
    read_clip_input,
    read_image_input,
    read_labels,
    read_stride,
)
from mediaml.onnx.offers import Hardware, cpu_offer
from mediaml.onnx.opening import open_on
from mediaml.onnx.provider_options import Demand
from mediaml.onnx.providers import NUMBERED, Device, DeviceRequest, Precision
from mediaml.onnx.runtime import one_line
from mediaml.onnx.selection import Accuracy, Chosen, choose
from mediaml.onnx.threads import session_threads


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """An open ONNX model.

    Attributes:
        inputs, outputs: of the graph, in its order.
        interface: what they are known as; see `interface.py`.
        metadata: the file's own key-value pairs.
        labels: class names in the order of the scores; `None`, as below, where the file does not say.
        image_input, audio_input, clip_input: how the model takes images, audio or clips.
        stride: pixels of which the input's width and height must be multiples.
        device: what the session really runs on. hardware: its kind.
        number_type: what it rounds to, such as `bf16`; `None` where it computes in the model's own precision.
        elsewhere: how many nodes run on another provider, such as `of 210 nodes 3 on cpu`; empty where none.
        fallback_reason: why it is not on the GPU of this machine; `None` if it is, or there is none.
        notes, details: what was found about the device now, and earlier; a sentence each.
        sha256: hex digest of the model file (and of its external data, see `model_file.model_digest`).
        name: how errors call the model: its path, or "the model" if it was given as bytes.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    interface: Interface
    metadata: Mapping[str, str]
    labels: tuple[str, ...] | None
    image_input: ImageInput | None
    audio_input: AudioInput | None
    clip_input: ClipInput | None
    stride: int | None
    device: Device
    fallback_reason: str | None
    sha256: str
    name: str
    _runtime: Any = field(repr=False)
    hardware: Hardware = "cpu"
    number_type: str | None = None
    elsewhere: str = ""
    notes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where and how it runs, for a person: `openvino:cpu, bf16`, `cuda:0 (of 210 nodes 3 on cpu)`."""
        how = f", {self.number_type}" if self.number_type else ""
        return f"{self.device}{how}" + (f" ({self.elsewhere})" if self.elsewhere else "")

    def run(self, feeds: Mapping[str, Array]) -> list[Array]:
        """Run the graph once. May be called from several threads at the same time.

        Args:
            feeds: an array for every input, by name, with the input's dtype and shape.

        Returns:
            One array per output, in the graph's order.

        Raises:
            ModelError: an array is missing, is one too many or does not fit, or the graph fails on it.
            MemoryLimitError: there is not enough memory for so large a batch.
            DeviceError: the device has failed.
        """
        try:
            answers: list[Array] = self._runtime.run(None, dict(feeds))
        except Exception as error:
            reason = one_line(error)
            if _lacks_memory(reason):
                raise MemoryLimitError(
                    f"{self.name} does not fit in the memory of {self.device}: {reason}",
                    "Use a smaller --batch, free memory, or run with --device cpu.",
                ) from error
            if self.device.name != "cpu" and _blames_device(str(error)):
                check = ", check the GPU with `nvidia-smi`" if self.device.name in NUMBERED else ""
                raise DeviceError(
                    f"{self.device} failed while running {self.name}: {reason}",
                    f"See `mediaml doctor`{check}, or run with --device cpu.",
                ) from error
            wanted = ", ".join(map(str, self.inputs))
            raise ModelError(
                f"{self.name} does not take this input: {reason}", f"It takes {wanted}."
            ) from error
        return answers


def open_session(
    path: Path | bytes,
    request: DeviceRequest,
    *,
    threads: int | None = None,
    optimised: bool = True,
    precision: Precision = "exact",
    accuracies: Sequence[Accuracy] = (),
) -> Session:
    """Open a model on the requested device, and verify that it runs there.

    Args:
        path: an `.onnx` file, or its content.
        request: see `providers.parse_device`.
        threads: of the CPU for this session; `None` chooses them for this machine.
        optimised: whether ONNX Runtime may fuse and fold; without, the graph runs as it is, on the CPU.
        precision: see `providers.Precision`.
        accuracies: how accurate the model is in other number formats, where that was measured.

    Raises:
        DeviceError: the device is required and was not obtained.
        ModelError: the file is missing, too large, not an ONNX model, or needs an operator that ONNX Runtime
        lacks.
    """
    graph = read_graph(path)
    demand = Demand(precision, threads or session_threads())
    if optimised:
        chosen = choose(graph, request, demand, accuracies)
    else:
        chosen = Chosen(open_on(graph, cpu_offer(), demand, optimised=False))
    opened = chosen.opened
    runtime = opened.runtime
    metadata = MappingProxyType(dict(runtime.get_modelmeta().custom_metadata_map))
    inputs, outputs = tensor_specs(runtime.get_inputs()), tensor_specs(runtime.get_outputs())
    return Session(
        inputs=inputs,
        outputs=outputs,
        interface=interface_of(inputs, outputs, metadata),
        metadata=metadata,
        labels=read_labels(metadata),
        image_input=read_image_input(metadata),
        audio_input=read_audio_input(metadata),
        clip_input=read_clip_input(metadata),
        stride=read_stride(metadata),
        device=opened.offer.device,
        fallback_reason=chosen.warning or None,
        sha256=graph.sha256,
        name=graph.name,
        _runtime=runtime,
        hardware=opened.offer.hardware,
        number_type=opened.number_type,
        elsewhere=opened.elsewhere,
        notes=chosen.notes,
        details=chosen.details,
    )


def _lacks_memory(reason: str) -> bool:
    """Whether ONNX Runtime says that memory has run out: in its arenas, in CUDA, cuDNN, cuBLAS or C++."""
    words = reason.lower()
    signs = ("out of memory", "failed to allocate", "bad_alloc", "bad allocation", "alloc_failed", "_oom")
    return any(sign in words for sign in signs)


def _blames_device(error: str) -> bool:
    """Whether ONNX Runtime's error is one of a device or its libraries, not of the inputs."""
    words = error.lower()
    signs = ("cuda failure", "cudnn", "cublas", "tensorrt", "ep_fail", "device lost", "openvino", "driver")
    return any(sign in words for sign in signs)
