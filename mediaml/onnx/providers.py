"""Devices: what a person asks for after `--device`, without asking ONNX Runtime."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from mediaml.core.errors import UsageError
from mediaml.core.suggestions import suggestion

Precision = Literal["exact", "fast"]
"""`exact` computes in the model's own precision; `fast` may round to bfloat16, float16 or TF32."""

NUMBERED = ("cuda", "tensorrt")
"""Devices whose unit is the number of an NVIDIA GPU, from 0."""

_OPENVINO_UNIT = r"(cpu|gpu|npu)[0-9]?"
# Names of providers that are known without asking ONNX Runtime which of them it has.
_NAMES = (
    *("auto", "cpu", "cuda", "tensorrt", "openvino", "nvtensorrtrtx", "webgpu", "coreml", "mlx", "dml"),
    *("qnn", "migraphx", "rocm", "cann", "vitisai"),
)
_USE = "Use auto, cpu, cuda or cuda:N, tensorrt:N, openvino:cpu|gpu|npu, or a device of `mediaml doctor`."


@dataclass(frozen=True, slots=True)
class Device:
    """Where a session runs.

    Attributes:
        name: `cpu`, `cuda`, `openvino`, ...: ONNX Runtime's provider, without its ending, in lower case.
        unit: which of several: the number of a GPU, or OpenVINO's `cpu`, `gpu` or `npu`; empty where there
            is one.
    """

    name: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.unit}" if self.unit else self.name


CPU = Device("cpu")


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """Where a session is to run; an empty `unit` takes the first. `auto` takes what proves to be fastest."""

    name: str
    unit: str = ""

    @property
    def required(self) -> bool:
        """Whether the session must run there or not at all."""
        return self.name != "auto"

    @property
    def device(self) -> Device:
        """The device that is asked for."""
        return Device(self.name, self.unit or ("0" if self.name in NUMBERED else ""))

    def __str__(self) -> str:
        return str(self.device)


def parse_device(text: str) -> DeviceRequest:
    """Read `auto`, `cpu`, `cuda[:N]`, `tensorrt[:N]`, `openvino[:cpu|gpu|npu]` or the name of a provider.

    A name that is not a known one is looked for among the providers of this machine.

    Raises:
        UsageError: the text is none of these.
    """
    match = re.fullmatch(r"([a-z][a-z0-9_.-]{0,40})(?::([a-z0-9]{1,4}))?", text)
    if match is None or not _is_unit(match[1], match[2] or "") or not _is_name(match[1]):
        name = text.partition(":")[0]
        hint = suggestion(name, _NAMES) if name not in _NAMES else ""
        raise UsageError(f"unknown device {text!r}", f"{hint} {_USE}".strip())
    return DeviceRequest(match[1], match[2] or ("0" if match[1] in NUMBERED else ""))


def parse_devices(text: str) -> tuple[DeviceRequest, ...]:
    """Read one device as `parse_device` does, or several GPUs as `cuda:0,1`; each is there once.

    Raises:
        UsageError: the text is none of these.
    """
    first, *others = text.split(",")
    if not others:
        return (parse_device(text),)
    name, _, unit = first.partition(":")
    if name not in NUMBERED or not all(re.fullmatch(r"[0-9]{1,4}", one) for one in (unit, *others)):
        raise UsageError(f"unknown devices {text!r}", "Several GPUs are given by their numbers: cuda:0,1")
    return tuple(dict.fromkeys(DeviceRequest(name, one) for one in (unit, *others)))


def _is_unit(name: str, unit: str) -> bool:
    if not unit:
        return True
    if name == "openvino":
        return re.fullmatch(_OPENVINO_UNIT, unit) is not None
    return name not in ("auto", "cpu") and unit.isascii() and unit.isdigit()


def _is_name(name: str) -> bool:
    if name in _NAMES:
        return True
    from mediaml.onnx.offers import offers

    return any(offer.device.name == name for offer in offers())
