"""The models of `mediaml_onnx` opened by a test, and frames for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from onnx import ModelProto, save
from PIL import Image

from mediaml.core.arrays import UInt8Array
from mediaml.core.frame import Frame
from mediaml.core.media import Kind
from mediaml.media.reader import open_reader
from mediaml.onnx.providers import parse_device
from mediaml.pipeline.models import Choice, load_model, resolve_model
from mediaml.registry.entry_points import load_registry
from mediaml.registry.options import build_options


def opened(task: str, path: Path, warn: Callable[[str], None] = print, **options: str) -> Any:
    """The model `task` with the weights `path`, loaded on the CPU as a worker loads it."""
    offer = load_registry().find(task)
    choice = Choice(offer, build_options(offer.spec, options), path)
    return load_model(resolve_model(choice), parse_device("cpu"), warn=warn).model


def saved(model: ModelProto, path: Path, **beside: str) -> Path:
    """Write a model, and texts beside it: `toml` as its description, others by name (`__` for the dot)."""
    save(model, path)
    for name, text in beside.items():
        target = path.with_suffix(".toml") if name == "toml" else path.parent / name.replace("__", ".")
        target.write_text(text, encoding="utf-8")
    return path


def frame_of(image: UInt8Array, folder: Path) -> Frame:
    """A picture as a frame, by way of a PNG."""
    path = folder / "picture.png"
    Image.fromarray(image).save(path)
    with open_reader(path, Kind.IMAGE) as reader:
        return next(iter(reader.frames()))
