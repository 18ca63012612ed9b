"""Options of execution providers, by device and precision.

Sources: ONNX Runtime's pages on the CUDA, TensorRT and OpenVINO execution providers, OpenVINO's
`ov::hint::inference_precision`, NVIDIA's documentation of `NVIDIA_TF32_OVERRIDE`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mediaml.onnx.cuda import compute_capability
from mediaml.onnx.offers import Offer
from mediaml.onnx.providers import Precision

CPU_INFO = Path("/proc/cpuinfo")
_BF16_FLAGS = {"avx512_bf16", "amx_bf16"}
_TF32_FROM = 8
"""Compute capability of the first NVIDIA GPUs with TF32 (Ampere)."""


@dataclass(frozen=True, slots=True)
class Demand:
    """How a session is to run.

    Attributes:
        precision: see `Precision`.
        threads: of the CPU.
        folder: where compiled models are kept; `None` keeps none.
    """

    precision: Precision
    threads: int
    folder: Path | None = None


def fast_type(offer: Offer) -> str | None:
    """The number format of `--precision fast` there; `None` where nothing is faster than the model's own."""
    name, hardware = offer.device.name, offer.hardware
    if name == "openvino":
        return "fp16" if hardware != "cpu" else "bf16" if cpu_flags() & _BF16_FLAGS else None
    if name == "tensorrt":
        return "fp16"
    if name == "cuda":
        return "tf32" if compute_capability(int(offer.device.unit or 0)) >= _TF32_FROM else None
    return None


def is_exact_by_options(offer: Offer) -> bool:
    """Whether options make the provider compute in the model's own precision; others have to show it."""
    name = offer.device.name
    return name in ("cpu", "cuda", "tensorrt") or (name == "openvino" and offer.hardware != "npu")


def options_of(offer: Offer, demand: Demand) -> dict[str, str]:
    """Options in the form that ONNX Runtime takes; the folder of compiled models is made."""
    makers = {"cuda": _cuda, "tensorrt": _tensorrt, "openvino": _openvino}
    maker = makers.get(offer.device.name)
    return {} if maker is None else maker(offer, demand)


def _cuda(offer: Offer, demand: Demand) -> dict[str, str]:
    """cuDNN picks its algorithms by heuristic: to time every one of them stalls for seconds at each new input
    shape. Memory grows by what is asked for instead of by powers of two."""
    return {
        "device_id": offer.device.unit or "0",
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",
        "use_tf32": "1" if demand.precision == "fast" else "0",
    }


def _tensorrt(offer: Offer, demand: Demand) -> dict[str, str]:
    if demand.precision == "exact":
        # TensorRT has no option of its own in ONNX Runtime that switches TF32 off.
        os.environ["NVIDIA_TF32_OVERRIDE"] = "0"
    options = {
        "device_id": offer.device.unit or "0",
        "trt_fp16_enable": "1" if demand.precision == "fast" else "0",
    }
    if demand.folder is not None:
        folder = str(demand.folder)
        options |= {"trt_engine_cache_enable": "1", "trt_engine_cache_path": folder}
        options |= {"trt_timing_cache_enable": "1", "trt_timing_cache_path": folder}
    return options


def _openvino(offer: Offer, demand: Demand) -> dict[str, str]:
    hardware = offer.hardware.upper()
    fast = fast_type(offer) if demand.precision == "fast" else None
    hint = {"bf16": "bf16", "fp16": "f16"}.get(fast or "", "f32")
    # An NPU computes in float16 whatever it is told.
    config = {} if offer.hardware == "npu" else {hardware: {"INFERENCE_PRECISION_HINT": hint}}
    options = {"load_config": json.dumps(config)} if config else {}
    if not offer.is_plugin:
        options["device_type"] = hardware
    if offer.hardware == "cpu":
        options["num_of_threads"] = str(demand.threads)
    if demand.folder is not None:
        options["cache_dir"] = str(demand.folder)
    return options


@cache
def cpu_flags() -> frozenset[str]:
    """Instruction sets of the processor, as Linux names them; empty elsewhere."""
    return frozenset(_cpu_line("flags").split())


@cache
def processor_name() -> str:
    """The processor's own name; the machine's architecture where the system does not say."""
    import platform

    return _cpu_line("model name") or platform.processor() or platform.machine()


def _cpu_line(key: str) -> str:
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.split(":")[0].strip() == key), "")
