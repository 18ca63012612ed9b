"""Which arithmetic a net is trained in: bfloat16 where the processor has it, else float32."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch


def has_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is quick on a device.

    GPUs multiply it in hardware, and so do CPUs with AMX or AVX-512 BF16. Elsewhere oneDNN falls back to
    reference kernels, which were measured to be fifteen times slower than float32 on AVX2.
    """
    if device.type != "cpu":
        return device.type == "cuda" and bool(torch.cuda.is_bf16_supported())
    able = torch.cpu.get_capabilities()
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))


def autocast(device: torch.device) -> AbstractContextManager[Any]:
    """The context of a forward pass on a device: bfloat16 autocast, or none."""
    return torch.autocast(device.type, torch.bfloat16) if has_bfloat16(device) else nullcontext()
