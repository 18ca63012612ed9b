"""Record what timm, transformers and torch answer for a picture and a signal, for tests of `mediaml_onnx`.

    python -m scripts.record_described_golden tests/plugins/golden/described.npz

Runs where torch, torchvision, timm and transformers are installed; the tests only replay. Each case is the
configuration that lies beside a model, as JSON, and the logits of the graph of `scripts.described_graphs` for
what the maker's own code makes of the picture.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.core.arrays import Array
from scripts.described_graphs import SIDE, picture, pooled_weights
from scripts.record_audio_golden import signal

_MEAN, _STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
_HALF = [0.5, 0.5, 0.5]
TIMM: dict[str, dict[str, Any]] = {
    "timm_crop": {
        "crop_pct": 0.9,
        "crop_mode": "center",
        "interpolation": "bicubic",
        "mean": _MEAN,
        "std": _STD,
    },
    "timm_plain": {"crop_pct": 0.875, "interpolation": "bilinear", "mean": _HALF, "std": _HALF},
    "timm_squash": {
        "crop_pct": 1.0,
        "crop_mode": "squash",
        "interpolation": "bicubic",
        "mean": _MEAN,
        "std": _STD,
    },
}
TRANSFORMERS: dict[str, tuple[str, dict[str, Any]]] = {
    "vit": ("ViTImageProcessor", {}),
    "convnext": (
        "ConvNextImageProcessor",
        {"size": {"shortest_edge": SIDE}, "crop_pct": 0.875, "resample": 3},
    ),
    "clip": ("CLIPImageProcessor", {}),
    "deit": ("DeiTImageProcessor", {}),
}


def logits(tensor: Any) -> Array:
    """The graph's answer for float32 [1, 3, 224, 224], by torch: mean colours times the weights."""
    torch: Any = import_module("torch")
    cells = torch.nn.functional.avg_pool2d(tensor.float(), 28).flatten(1)
    answer: Array = (cells @ torch.from_numpy(pooled_weights(3)).T).numpy()[0]
    return answer


def timm_case(config: dict[str, Any]) -> Array:
    """By timm's own transform for a `pretrained_cfg`."""
    data: Any = import_module("timm.data")
    settings = data.resolve_data_config(pretrained_cfg={"input_size": (3, SIDE, SIDE), **config})
    shown = import_module("PIL.Image").fromarray(picture())
    return logits(data.create_transform(**settings, is_training=False)(shown)[None])


def transformers_case(name: str, settings: dict[str, Any]) -> tuple[dict[str, Any], Array]:
    """By transformers' own image processor; also what it writes into `preprocessor_config.json`."""
    transformers: Any = import_module("transformers")
    processor = getattr(transformers, name)(**settings)
    shown = import_module("PIL.Image").fromarray(picture())
    prepared = processor(shown, return_tensors="pt")["pixel_values"]
    return json.loads(processor.to_json_string()), logits(prepared)


def spectrogram_transformer() -> tuple[dict[str, Any], Array]:
    """By `ASTFeatureExtractor`, for a window as long as it takes: 33 spectra."""
    transformers: Any = import_module("transformers")
    extractor = transformers.ASTFeatureExtractor(max_length=33)
    values: Array = extractor(signal(16_000, 0.345), sampling_rate=16_000, return_tensors="np")[
        "input_values"
    ][0]
    return json.loads(extractor.to_json_string()), values


def main() -> None:
    """Record all cases into the file that is named."""
    recorded: dict[str, Any] = {}
    for name, config in TIMM.items():
        whole = {"pretrained_cfg": {"input_size": [3, SIDE, SIDE], **config}}
        recorded[f"{name}.config.json"], recorded[f"{name}.logits"] = json.dumps(whole), timm_case(config)
    for name, (processor, settings) in TRANSFORMERS.items():
        said, answer = transformers_case(processor, settings)
        recorded[f"{name}.preprocessor_config.json"] = json.dumps(said)
        recorded[f"{name}.logits"] = answer
    said, values = spectrogram_transformer()
    recorded["ast.preprocessor_config.json"], recorded["ast.values"] = json.dumps(said), values
    np.savez_compressed(Path(sys.argv[1]), **recorded)


if __name__ == "__main__":
    main()
