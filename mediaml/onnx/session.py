"""ONNX Runtime sessions on a verified device, with readable errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mediaml.core.arrays import Array
from mediaml.core.audio_input import AudioInput
from mediaml.core.errors import DeviceError, MemoryLimitError, ModelError
from mediaml.core.model_input import ImageInput
from mediaml.onnx.formats import foreign_format
from mediaml.onnx.interface import Interface, TensorSpec, interface_of
from mediaml.onnx.metadata import read_audio_input, read_image_input, read_labels, read_stride
from mediaml.onnx.model_file import model_bytes, model_digest, uses_external_data
from mediaml.onnx.providers import (
    CPU,
    PROVIDER_OF,
    SILENT,
    Device,
    DeviceRequest,
    obstacle,
    one_line,
    provider_options,
)
from mediaml.onnx.runtime import import_runtime
from mediaml.onnx.threads import session_threads


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """An open ONNX model.

    Attributes:
        inputs, outputs: of the graph, in its order.
        interface: what they are known as; see `interface.py`.
        metadata: the file's own key-value pairs.
        labels: class names in the order of the scores; `None`, as below, where the file does not say.
        image_input, audio_input: how the model takes images or audio.
        stride: pixels of which the input's width and height must be multiples.
        device: what the session really runs on.
        fallback_reason: why it is not the device that was asked for; `None` if it is.
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
    stride: int | None
    device: Device
    fallback_reason: str | None
    sha256: str
    name: str
    _runtime: Any = field(repr=False)

    def run(self, feeds: Mapping[str, Array]) -> list[Array]:
        """Run the graph once. May be called from several threads at the same time.

        Args:
            feeds: an array for every input, by name, with the input's dtype and shape.

        Returns:
            One array per output, in the graph's order.

        Raises:
            ModelError: an array is missing, is one too many or does not fit, or the graph fails on it.
            MemoryLimitError: there is not enough memory for so large a batch.
            DeviceError: the GPU has failed.
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
            if self.device.kind == "cuda" and _blames_gpu(reason):
                raise DeviceError(
                    f"{self.device} failed while running {self.name}: {reason}",
                    "See `mediaml doctor`, and check the GPU with `nvidia-smi`; or run with --device cpu.",
                ) from error
            wanted = ", ".join(map(str, self.inputs))
            raise ModelError(
                f"{self.name} does not take this input: {reason}", f"It takes {wanted}."
            ) from error
        return answers


def open_session(
    path: Path | bytes, request: DeviceRequest, *, threads: int | None = None, optimised: bool = True
) -> Session:
    """Open a model on the requested device, and verify that it runs there.

    Args:
        path: an `.onnx` file, or its content.
        request: see `providers.parse_device`.
        threads: of the CPU for this session; `None` chooses them for this machine.
        optimised: whether ONNX Runtime may fuse and fold; without, the graph runs as it is.

    Raises:
        DeviceError: the device is required and was not obtained.
        ModelError: the file is missing, too large, not an ONNX model, or needs an operator that ONNX Runtime
        lacks.
    """
    name = "the model" if isinstance(path, bytes) else str(path)
    foreign = None if isinstance(path, bytes) else foreign_format(path)
    if foreign is not None:
        raise ModelError(f"{name} is {foreign[0]}, not an ONNX model.", foreign[1])
    content = path if isinstance(path, bytes) else model_bytes(path)
    folder = None if isinstance(path, bytes) else path.parent
    external = uses_external_data(content, folder, name)
    device, fallback_reason = _choose_device(request)
    source = content if isinstance(path, bytes) or not external else str(path)
    runtime = _open_runtime(source, device, threads or session_threads(), name, optimised)
    if PROVIDER_OF[device.kind] not in _providers_at_work(runtime):
        lost = f"ONNX Runtime runs {name} on the CPU instead of {device}"
        if request.required:
            raise DeviceError(lost, "See `mediaml doctor`, or run with --device cpu.")
        device, fallback_reason = CPU, lost
    metadata = MappingProxyType(dict(runtime.get_modelmeta().custom_metadata_map))
    inputs = tuple(map(_tensor_spec, runtime.get_inputs()))
    outputs = tuple(map(_tensor_spec, runtime.get_outputs()))
    return Session(
        inputs=inputs,
        outputs=outputs,
        interface=interface_of(inputs, outputs, metadata),
        metadata=metadata,
        labels=read_labels(metadata),
        image_input=read_image_input(metadata),
        audio_input=read_audio_input(metadata),
        stride=read_stride(metadata),
        device=device,
        fallback_reason=fallback_reason,
        sha256=model_digest(content, external),
        name=name,
        _runtime=runtime,
    )


def _choose_device(request: DeviceRequest) -> tuple[Device, str | None]:
    """The device to open on, and why it is not the one asked for."""
    found = obstacle(request.device)
    if found is None:
        return request.device, None
    if request.required:
        raise DeviceError(f"{request.device} cannot be used: {found.what}", found.remedy)
    return CPU, f"{found.what}. {found.remedy}"


def _open_runtime(source: bytes | str, device: Device, threads: int, name: str, optimised: bool) -> Any:
    onnxruntime = import_runtime()
    onnxruntime.set_default_logger_severity(SILENT)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = SILENT
    settings.intra_op_num_threads = threads
    if not optimised:
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    # Layers run one after the other: branches in parallel would only compete for the same cores.
    settings.inter_op_num_threads = 1
    if device.kind == "cpu":
        # Planned blocks, one for each shape of input, save no time here: 39 MiB for the bundled detector.
        settings.enable_mem_pattern = False
    # A waiting thread must sleep: spinning takes the cores from the threads that decode the next frames.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    settings.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    try:
        return onnxruntime.InferenceSession(
            source,
            settings,
            providers=provider_options(device),
            enable_fallback=0,
            # Up to 1.31 it moves the zeros of a Pad into a MaxPool, which pads with minus infinity:
            # ultralytics' YOLOv3-tiny answers something else then.
            disabled_optimizers=["Pad_Fusion"],
        )
    except Exception as error:
        raise ModelError(
            f"{name} cannot be opened as an ONNX model: {one_line(error)}",
            "Check that the file is complete, and that it was exported for a version that ONNX Runtime "
            f"{onnxruntime.__version__} knows.",
        ) from error


def _providers_at_work(runtime: Any) -> set[str]:
    """The session's execution providers; the CPU's alone where ONNX Runtime says that it got every node."""
    if hasattr(runtime, "get_provider_graph_assignment_info"):
        assigned = {part.ep_name for part in runtime.get_provider_graph_assignment_info()}
        if assigned == {PROVIDER_OF["cpu"]}:
            return assigned
    return set(runtime.get_providers())


def _tensor_spec(argument: Any) -> TensorSpec:
    """A spec from ONNX Runtime's `NodeArg`, whose type reads `tensor(float)`."""
    kind = argument.type.removeprefix("tensor(").removesuffix(")")
    dtype = {"float": "float32", "double": "float64"}.get(kind, kind)
    shape: Sequence[int | str | None] = argument.shape
    return TensorSpec(argument.name, tuple(size if isinstance(size, int) else None for size in shape), dtype)


def _lacks_memory(reason: str) -> bool:
    """Whether ONNX Runtime says that memory has run out: in its arenas, in CUDA, cuDNN, cuBLAS or C++."""
    words = reason.lower()
    signs = ("out of memory", "failed to allocate", "bad_alloc", "bad allocation", "alloc_failed", "_oom")
    return any(sign in words for sign in signs)


def _blames_gpu(reason: str) -> bool:
    words = reason.lower()
    return any(word in words for word in ("cuda failure", "cudnn", "cublas"))
