"""A hub's files beside a model: `preprocessor_config.json` of transformers, `config.json` of it or timm."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mediaml.plugin import ModelError
from mediaml_onnx.hub_audio import audio_fields
from mediaml_onnx.layer import GUESS, Layer, checked

PREPROCESSOR, CONFIG = "preprocessor_config.json", "config.json"
BYTES_LIMIT = 4 << 20
_WAY_ON = "Correct it, or describe the model in FILE.toml: docs/bring-your-own.md."
# PIL's numbers and timm's names of filters, and what is done in place of those that are not here.
_FILTERS: Mapping[Any, str] = {2: "bilinear", 3: "bicubic", "bilinear": "bilinear", "bicubic": "bicubic"}
_NEIGHBOURS: Mapping[Any, tuple[str, str]] = {
    **dict.fromkeys((0, "nearest"), ("nearest", "bilinear")),
    **dict.fromkeys((1, "lanczos"), ("Lanczos", "bicubic")),
    **dict.fromkeys((4, "box"), ("box", "bilinear")),
    **dict.fromkeys((5, "hamming"), ("Hamming", "bilinear")),
}
_EXPORT_FOLDERS = {"onnx", "onnx_model"}


def hub_files(weights: Path) -> dict[str, Path]:
    """The files of a hub that are there: beside the model, or a folder above where exports lie in `onnx/`."""
    folders = [weights.parent]
    if weights.parent.name in _EXPORT_FOLDERS:
        folders.append(weights.parent.parent)
    found = {}
    for name in (PREPROCESSOR, CONFIG):
        place = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if place is not None:
            found[name] = place
    return found


def hub_layers(weights: Path) -> list[Layer]:
    """What they say.

    Raises:
        ModelError: a file is not JSON, or says a size in a way that is not known.
    """
    layers: list[Layer] = []
    for name, path in hub_files(weights).items():
        said = _object(path)
        try:
            layer = _preprocessor(said, path) if name == PREPROCESSOR else _config(said, path)
            layers.append(_typed(layer, path))
        except (TypeError, ValueError, ArithmeticError) as error:
            raise ModelError(f"{path} says what is not known: {error}.", _WAY_ON) from error
        used = said.get("resample") if name == PREPROCESSOR else _interpolation(said)
        if isinstance(used, int | str) and used in _NEIGHBOURS:
            filter_, neighbour = _NEIGHBOURS[used]
            reason = f"{filter_} resampling is done as {neighbour}"
            layers.append(Layer(GUESS, image={"resample": neighbour}, reason=reason))
    return layers


def _typed(layer: Layer, path: Path) -> Layer:
    """The layer with every value in its field's type."""
    image = {name: checked("image", name, value, str(path)) for name, value in layer.image.items()}
    audio = {name: checked("audio", name, value, str(path)) for name, value in layer.audio.items()}
    return replace(layer, image=image, audio=audio)


def _interpolation(said: Mapping[str, Any]) -> Any:
    pretrained = said.get("pretrained_cfg")
    return pretrained.get("interpolation") if isinstance(pretrained, dict) else None


def _object(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > BYTES_LIMIT:
            raise ModelError(f"{path} is too large.", _WAY_ON)
        said = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read as JSON: {error}", _WAY_ON) from error
    return said if isinstance(said, dict) else {}


def _preprocessor(said: Mapping[str, Any], path: Path) -> Layer:
    audio = audio_fields(said)
    return Layer(path.name, audio=audio) if audio else Layer(path.name, image=_image_fields(said, path))


def _image_fields(said: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """`ImageInput` by the fields of transformers' image processors."""
    fields: dict[str, Any] = {}
    resized = _size(said.get("size"), path) if said.get("do_resize", True) else None
    cropped = _size(said.get("crop_size"), path) if said.get("do_center_crop") else None
    if resized is not None:
        target = cropped or resized
        fields |= {"width": target[0], "height": target[1], "fit": "stretch" if resized[2] else "crop"}
        share = said.get("crop_pct")
        if cropped is not None:
            fields["crop_pct"] = cropped[1] / resized[1]
        elif share is not None:
            # ConvNeXt's processor crops images below 384 pixels, and squashes larger ones.
            fields |= {"crop_pct": float(share), "fit": "crop"} if target[1] < 384 else {"fit": "stretch"}
    scale = float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", True) else 1.0
    if "image_mean" in said or "do_rescale" in said or "rescale_factor" in said:
        normalises = said.get("do_normalize", True) and "image_mean" in said
        fields |= {"scale": scale, "dtype": "float32"}
        fields["mean"] = tuple(said["image_mean"]) if normalises else (0.0,)
        fields["std"] = tuple(said.get("image_std", (1.0,))) if normalises else (1.0,)
    fields |= _filter(said.get("resample"))
    if said.get("do_flip_channel_order"):
        fields["color"] = "BGR"
    return fields


def _size(size: Any, path: Path) -> tuple[int, int, bool] | None:
    """Width, height, and whether both are given; `None` where nothing is said."""
    if size is None:
        return None
    if isinstance(size, int):
        return size, size, True
    if isinstance(size, Sequence) and len(size) == 2 and all(isinstance(side, int) for side in size):
        return size[1], size[0], True
    if isinstance(size, dict) and isinstance(size.get("shortest_edge"), int):
        return size["shortest_edge"], size["shortest_edge"], False
    if isinstance(size, dict) and isinstance(size.get("height"), int) and isinstance(size.get("width"), int):
        return size["width"], size["height"], True
    raise ModelError(f"{path} gives a size as {size!r}, which is not known.", _WAY_ON)


def _config(said: Mapping[str, Any], path: Path) -> Layer:
    """transformers' configuration, or timm's with its `pretrained_cfg`."""
    pretrained = said.get("pretrained_cfg")
    if isinstance(pretrained, dict):
        names = said.get("label_names") or pretrained.get("label_names")
        labels = tuple(map(str, names)) if isinstance(names, list) else None
        return Layer(path.name, image=_timm_fields(pretrained), labels=labels)
    several = said.get("problem_type") == "multi_label_classification"
    return Layer(path.name, output={"means": "sigmoid"} if several else {})


def _timm_fields(said: Mapping[str, Any]) -> dict[str, Any]:
    """`ImageInput` by timm's `pretrained_cfg`."""
    fields: dict[str, Any] = {}
    size = said.get("input_size")
    if isinstance(size, Sequence) and len(size) == 3:
        fields |= {"height": size[1], "width": size[2]}
    modes = {"center": "crop", "squash": "stretch", "border": "letterbox"}
    fields["fit"] = modes.get(str(said.get("crop_mode", "center")), "crop")
    fields["crop_pct"] = float(said.get("crop_pct", 0.875))
    if isinstance(said.get("mean"), list) and isinstance(said.get("std"), list):
        fields |= {"scale": 1 / 255, "mean": tuple(said["mean"]), "std": tuple(said["std"])}
        fields["dtype"] = "float32"
    return fields | _filter(said.get("interpolation"))


def _filter(said: Any) -> dict[str, Any]:
    known = isinstance(said, int | str) and said in _FILTERS
    return {"resample": _FILTERS[said]} if known else {}
