"""Small CLIP towers with random weights, and the plugin loaded on them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, save

from mediaml.media.image.reader import ImagePixels
from mediaml.onnx.providers import parse_device
from mediaml.onnx.session import open_session
from mediaml.plugin import Frame, Kind, LoadContext, MediaInfo
from mediaml_clip.model import ClipModel
from mediaml_clip.options import ClipOptions
from scripts.clip_towers import SMALL, image_tower, text_tower


def write(folder: Path, assets: Path | None = None, **towers: ModelProto) -> Path:
    """Save towers as NAME.onnx (`/` for `__`); with the real tokenizer where the assets are at hand."""
    for name, tower in towers.items():
        path = folder / f"{name.replace('__', '/')}.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        save(tower, path)
    if assets is not None:
        shutil.copyfile(assets / "models" / "clip" / "tokenizer.json", folder / "tokenizer.json")
    return folder


def small_clip(folder: Path, assets: Path | None = None) -> Path:
    """Xenova's layout."""
    towers = {"onnx__vision_model": image_tower(SMALL), "onnx__text_model": text_tower(SMALL)}
    return write(folder, assets, **towers)


def loaded(weights: Path | None, warnings: list[str] | None = None, **options: Any) -> ClipModel:
    """The plugin's model on the CPU."""
    said = [] if warnings is None else warnings
    device = parse_device("cpu")
    return ClipModel(
        LoadContext(ClipOptions(**options), weights, lambda path: open_session(path, device), said.append)
    )


def picture(seed: int, width: int = 300, height: int = 260) -> Frame:
    """A frame of noise in broad patches, so that resizing keeps something of it."""
    patches = np.random.default_rng(seed).integers(0, 256, (13, 15, 3), dtype=np.uint8)
    pixels = np.kron(patches, np.ones((20, 20, 1), np.uint8))[:height, :width]
    info = MediaInfo(path=f"{seed}.png", kind=Kind.IMAGE)
    return Frame(0, 0.0, 0.0, info, width, height, ImagePixels(np.ascontiguousarray(pixels)))
