"""Devices: what the user asks for, and what ONNX Runtime starts on this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mediaml.core.errors import UsageError, require
from mediaml.onnx.cuda import Obstacle, cuda_obstacle
from mediaml.onnx.runtime import import_runtime

DeviceKind = Literal["cpu", "cuda"]
SILENT = 4
"""ONNX Runtime's log severity "fatal": what it logs as an error it also raises, and mediaml reports that."""

PROVIDER_OF: dict[DeviceKind, str] = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


@dataclass(frozen=True, slots=True)
class Device:
    """Where a session runs: `cpu`, or GPU number `index` in CUDA's order."""

    kind: DeviceKind
    index: int = 0

    def __post_init__(self) -> None:
        require(self.index >= 0, f"a device index must not be negative, not {self.index}")

    def __str__(self) -> str:
        return self.kind if self.kind == "cpu" else f"{self.kind}:{self.index}"


CPU = Device("cpu")


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """Where a session is to run; if not `required`, it may fall back to the CPU and gives the reason."""

    kind: DeviceKind
    index: int = 0
    required: bool = True

    @property
    def device(self) -> Device:
        """The device that is asked for."""
        return Device(self.kind, self.index)


@dataclass(frozen=True, slots=True)
class ProviderFact:
    """One execution provider of this ONNX Runtime: whether it really runs a small graph, and if not, why."""

    name: str
    starts: bool
    reason: str


def parse_device(text: str) -> DeviceRequest:
    """Read `auto`, `cpu`, `cuda` or `cuda:N`.

    `auto` asks for the first GPU and takes the CPU where it does not start.

    Raises:
        UsageError: the text is none of these.
    """
    if text == "auto":
        return DeviceRequest("cuda", 0, required=False)
    if text == "cpu":
        return DeviceRequest("cpu")
    match = re.fullmatch(r"cuda(?::([0-9]{1,4}))?", text)
    if match is None:
        raise UsageError(
            f"unknown device {text!r}", "Use auto, cpu, cuda or cuda:N, where N counts GPUs from 0."
        )
    return DeviceRequest("cuda", int(match[1] or 0))


def parse_devices(text: str) -> tuple[DeviceRequest, ...]:
    """Read one device as `parse_device` does, or several GPUs as `cuda:0,1`; each is there once.

    Raises:
        UsageError: the text is none of these.
    """
    first, *others = text.split(",")
    if not others:
        return (parse_device(text),)
    if not first.startswith("cuda:") or not all(re.fullmatch(r"[0-9]{1,4}", other) for other in others):
        raise UsageError(f"unknown devices {text!r}", "Several GPUs are given by their numbers: cuda:0,1")
    return tuple(dict.fromkeys(map(parse_device, [first, *(f"cuda:{other}" for other in others)])))


def provider_options(device: Device) -> list[tuple[str, dict[str, Any]]]:
    """Execution providers for `device` in the form that `InferenceSession` takes.

    cuDNN picks its algorithms by heuristic: to time every one of them stalls for seconds at each new input
    shape. Memory grows by what is asked for instead of by powers of two.
    """
    cpu: tuple[str, dict[str, Any]] = (PROVIDER_OF["cpu"], {})
    if device.kind == "cpu":
        return [cpu]
    options = {
        "device_id": str(device.index),
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",
    }
    return [(PROVIDER_OF["cuda"], options), cpu]


def obstacle(device: Device) -> Obstacle | None:
    """Why `device` does not run a small convolution; `None` where it does."""
    if device.kind == "cpu":
        return None
    found = cuda_obstacle(device.index)
    if found is not None:
        return found
    failure = _try_provider(*provider_options(device)[0])
    if failure is None:
        return None
    return Obstacle(
        f"{device} does not start: {failure}", "See `mediaml doctor`, and check the GPU with `nvidia-smi`."
    )


def provider_report() -> list[ProviderFact]:
    """Every execution provider of this ONNX Runtime, each tried with a small convolution."""
    facts = []
    for name in import_runtime().get_available_providers():
        known = cuda_obstacle() if name == PROVIDER_OF["cuda"] else None
        reason = known.what if known is not None else _try_provider(name, {})
        facts.append(ProviderFact(name, starts=reason is None, reason=reason or "runs a small convolution"))
    return facts


def one_line(error: BaseException) -> str:
    """ONNX Runtime's error as one short line, without its code prefix and the places in its source code."""
    lines = str(error).strip().splitlines()
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ", "", " ".join(line.strip() for line in lines))
    text = re.sub(r"\S*/onnxruntime\S*:\d+ ", "", text)
    text = re.sub(r"(?:[\w:&<>*]+ )*onnxruntime::[\w:]+\([^()]*\)(?: const)? ", "", text)
    return text if len(text) <= 240 else text[:237] + "..."


def _try_provider(name: str, options: dict[str, Any]) -> str | None:
    """Run a small convolution on one provider alone; the reason why it failed, or `None`."""
    onnxruntime = import_runtime()
    onnxruntime.set_default_logger_severity(SILENT)
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = SILENT
    try:
        session = onnxruntime.InferenceSession(
            _small_convolution(), settings, providers=[(name, options)], enable_fallback=0
        )
        if session.get_providers()[0] != name:
            return f"ONNX Runtime silently chose {session.get_providers()[0]}"
        (result,) = session.run(None, {"x": np.ones((1, 1, 4, 4), np.float32)})
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no common base, and all are answers
        return one_line(error)
    return (
        None
        if np.array_equal(result, np.full((1, 1, 2, 2), 9.0))
        else "a small convolution gave a wrong result"
    )


def _small_convolution() -> bytes:
    """An ONNX graph that sums 3x3 neighbourhoods: it needs cuDNN on CUDA, as every network here does."""
    from onnx import TensorProto, helper

    kernel = helper.make_tensor("w", TensorProto.FLOAT, [1, 1, 3, 3], [1.0] * 9)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "small_convolution",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 2, 2])],
        [kernel],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    serialized: bytes = model.SerializeToString()
    return serialized
