"""The options that say where and how models run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

DEVICES = "auto, cpu, cuda[:N], tensorrt[:N], openvino[:cpu|gpu|npu] or another of `mediaml doctor`"

_OPTIONS = (
    click.option(
        "--device",
        default="auto",
        show_default=True,
        metavar="NAME",
        help=f"{DEVICES}; several GPUs as cuda:0,1. Only auto may fall back to the CPU.",
    ),
    click.option(
        "--precision",
        type=click.Choice(("exact", "fast")),
        default="exact",
        show_default=True,
        help="fast may round to bf16, fp16 or TF32, where the device has it and the model's accuracy holds.",
    ),
    click.option(
        "--batch", type=click.IntRange(1), metavar="N", help="Frames per batch [default: by device]."
    ),
    click.option(
        "--threads",
        type=click.IntRange(1),
        metavar="N",
        help="Threads of ONNX Runtime [default: by machine].",
    ),
)


def device_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--device`, `--precision`, `--batch` and `--threads` to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
