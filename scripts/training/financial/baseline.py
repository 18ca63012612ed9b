"""The published baseline on our data: a short run on plain pictures, as published."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from scripts.evaluation.financial import VARIANTS, Classifier, Fitted, Pictures, accuracy
from scripts.training.financial.net import BaselineNet, FinancialGraph
from scripts.training.financial.pictures import CLOSE_UP, PHOTO_UNSEEN, PHOTO_VAL, Item

VIEWS, BATCH, RATE = 3_840, 32, 1e-3


def torch_classifier(net: nn.Module) -> Classifier:
    """The net, as it would be exported, on the device where it is."""
    graph = FinancialGraph(net).eval()
    device = next(net.parameters()).device

    def classify(pictures: Pictures) -> NDArray[np.float32]:
        rows = []
        with torch.inference_mode():
            for start in range(0, len(pictures), 64):
                part = torch.from_numpy(np.ascontiguousarray(pictures[start : start + 64]))
                rows.append(graph(part.to(device).permute(0, 3, 1, 2)).cpu().numpy())
        return np.concatenate(rows)

    return classify


def _trained(
    items: Sequence[Item], places: NDArray[np.int64], seed: int, device: torch.device
) -> BaselineNet:
    """On plain pictures, drawn at random."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = BaselineNet()
    net.to(device).train()
    optimiser = torch.optim.AdamW(net.parameters(), RATE)
    for _ in tqdm(range(VIEWS // BATCH), desc="baseline"):
        chosen = [items[int(place)] for place in rng.choice(places, BATCH)]
        pictures = torch.from_numpy(np.stack([item.picture for item in chosen])).permute(0, 3, 1, 2)
        labels = torch.tensor([item.label for item in chosen])
        loss = functional.cross_entropy(net(pictures.to(device)), labels.to(device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    net.eval()
    return net


def baseline(training: Sequence[Item], items: Fitted, seed: int, device: torch.device) -> dict[str, Any]:
    """Train and measure it on a random split.

    Returns:
        Accuracy on the fifth that was held out, on the same pictures changed, and false positives on photos.
    """
    own = [item for item in training if item.source != CLOSE_UP]
    order = np.random.default_rng(seed).permutation(len(own))
    cut = len(order) // 5
    classify = torch_classifier(_trained(own, order[cut:], seed, device))
    test = [own[int(place)] for place in order[:cut][:400]]
    labels = np.array([item.label for item in test], np.int64)
    held_out = Fitted(np.stack([item.picture for item in test]), labels, np.array([i.source for i in test]))
    photos = items.of(PHOTO_VAL, PHOTO_UNSEEN)
    changed = {
        name: accuracy(classify(change(held_out.pictures)), labels)
        for name, change in VARIANTS.items()
        if name not in ("two_thirds_as_wide", "half_size")
    }
    return {
        "split": "a random fifth of labelled pictures and training photos; every source is seen in training",
        "accuracy": accuracy(classify(held_out.pictures), labels),
        **{f"accuracy_{name}": value for name, value in changed.items()},
        "photo_false_positives": 1 - accuracy(classify(photos.pictures[::6]), photos.labels[::6]),
        "views": VIEWS,
        "parameters": sum(parameter.numel() for parameter in BaselineNet().parameters()),
    }
