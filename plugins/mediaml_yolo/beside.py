"""What files beside a Hugging Face model say: `config.json` and `preprocessor_config.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mediaml.plugin import ImageInput, ModelError, label_lists

LIMIT = 4 << 20
_CONFIG, _PROCESSOR = "config.json", "preprocessor_config.json"
# Models whose last class stands for nothing, and those that score each class by itself. Source: each model's
# `post_process_object_detection` in transformers.
_SOFTMAX = frozenset({"detr", "yolos", "table-transformer"})
_SIGMOID = frozenset(
    {"rt_detr", "rt_detr_v2", "d_fine", "deformable_detr", "conditional_detr", "dab-detr", "deta", "lw_detr"}
    | {"rf_detr", "deimv2", "deim"}
)


@dataclass(frozen=True, slots=True)
class Beside:
    """What the files beside a model say.

    Attributes:
        model_type: of `config.json`; empty where it does not say.
        softmax: whether the last class stands for nothing; `None` where that is not known.
        classes: number of class names in `config.json`.
        input: how images are prepared, from `preprocessor_config.json`. limits: the shorter and longer side
            in pixels that images are scaled to, where their shape is kept.
    """

    model_type: str = ""
    softmax: bool | None = None
    classes: int | None = None
    input: ImageInput | None = None
    limits: tuple[int, int] | None = None


def files_beside(weights: Path) -> Sequence[Path]:
    """The existing files beside an ONNX file that say its class names, its kind or its input."""
    folder = weights.parent
    read = {*label_lists(weights), folder / _CONFIG, folder / _PROCESSOR}
    return sorted(path for path in read if path.is_file())


def read_beside(path: Path | None) -> Beside:
    """Read the files beside an ONNX file; empty where there are none.

    Raises:
        ModelError: one is there and cannot be read, or asks for something that is not known here.
    """
    if path is None:
        return Beside()
    config, images = _read(path.parent / _CONFIG), _read(path.parent / _PROCESSOR)
    kind = str(config.get("model_type", ""))
    softmax = True if kind in _SOFTMAX else False if kind in _SIGMOID else None
    names = config.get("id2label")
    classes = len(names) if isinstance(names, dict) else None
    if not images:
        return Beside(kind, softmax, classes)
    wanted, limits = _image_input(images, path.parent / _PROCESSOR)
    return Beside(kind, softmax, classes, wanted, limits)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        if not path.is_file() or path.stat().st_size > LIMIT:
            return {}
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}", "It must be a JSON object.") from error
    return content if isinstance(content, dict) else {}


def _image_input(config: Mapping[str, Any], path: Path) -> tuple[ImageInput, tuple[int, int] | None]:
    """The fields of transformers' detection image processors."""
    try:
        size = config.get("size") or {}
        size = {"height": size, "width": size} if isinstance(size, int) else size
        longest = size.get("longest_edge") or config.get("max_size")
        limits = (int(size["shortest_edge"]), int(longest or 1333)) if "shortest_edge" in size else None
        side = limits[1] if limits else 640
        normal = bool(config.get("do_normalize", False))
        mean = tuple(map(float, config["image_mean"])) if normal else (0.0,)
        std = tuple(map(float, config["image_std"])) if normal else (1.0,)
        scale = float(config.get("rescale_factor", 1 / 255)) if config.get("do_rescale", True) else 1.0
        wanted = ImageInput(
            int(size.get("width", side)),
            int(size.get("height", side)),
            scale=scale,
            mean=mean,
            std=std,
            resample="bicubic" if config.get("resample") == 3 else "bilinear",
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"{path} cannot be read: {error!r}.", "Export the model's image processor again."
        ) from error
    return wanted, limits
