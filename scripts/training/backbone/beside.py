"""The same head on features that PyTorch and Pillow make, without anything of mediaml's pipeline."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from mediaml.embeddings.vectors import unit_rows
from mediaml.teach.examples import collect
from mediaml.teach.groups import groups_of
from mediaml.teach.head import Rows
from mediaml.teach.records import ALIKE
from mediaml.teach.validation import validate
from scripts.training.backbone.net import SIDE

BATCH = 16


def accuracy_beside(net: nn.Module, folder: Path) -> float:
    """Accuracy of the head in cross-validation, on the net's features in float32.

    Args:
        net: takes uint8 [n, 3, 224, 224]. folder: of images, a folder per class.
    """
    examples = collect(folder)
    vectors = unit_rows(features(net, [item.path for item in examples.items]))
    label = np.array([examples.classes.index(item.label) for item in examples.items])
    file = np.arange(len(label))
    rows = Rows(vectors, label, groups_of(vectors, file, ALIKE), file, np.zeros(len(label), dtype=bool))
    found = validate(rows, len(examples.classes), "balanced", 0, lambda _: None)
    return float((found.probabilities.argmax(axis=1) == label).mean())


def features(net: nn.Module, files: list[Path]) -> NDArray[np.float32]:
    """The net's vectors of pictures that Pillow decodes and scales."""
    made = []
    with torch.inference_mode():
        for start in range(0, len(files), BATCH):
            pictures = np.stack([_picture(file) for file in files[start : start + BATCH]])
            made.append(net(torch.from_numpy(pictures)).numpy())
    return np.concatenate(made)


def _picture(file: Path) -> NDArray[np.uint8]:
    with Image.open(file) as image:
        scaled = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.ascontiguousarray(np.asarray(scaled).transpose(2, 0, 1))
