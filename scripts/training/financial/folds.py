"""Leave-one-source-out: nets that never saw a source, measured on all of it; and the published baseline."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from evaluation.classification import classification_report
from evaluation.financial import VARIANTS, Classifier, Fitted, Pictures, accuracy, measure_sources
from numpy.typing import NDArray
from torch import nn
from training.financial.learning import Recipe, Run, base_places, train
from training.financial.net import LABELS, BaselineNet, FinancialGraph, FinancialNet
from training.financial.pictures import FOLDS, PHOTO_TRAIN, PHOTO_UNSEEN, PHOTO_VAL, Item
from training.financial.pool import Pool

BASELINE_VIEWS = 3_840


def torch_classifier(net: nn.Module) -> Classifier:
    """The net, as it will be exported, on the device where it lies."""
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


def base(pool: Pool, recipe: Recipe, work: Path, device: torch.device) -> FinancialNet:
    """The net that has seen drawings made by code and photos, and no labelled picture."""
    net = FinancialNet()
    run = Run("base", base_places(pool), recipe.base_views, recipe.base_rate, photo_weight=1.0)
    train(net, pool, run, recipe, work, device)
    return net


def from_base(
    name: str,
    without: Sequence[str],
    pool: Pool,
    start: FinancialNet,
    recipe: Recipe,
    work: Path,
    device: torch.device,
) -> tuple[FinancialNet, list[dict[str, float]]]:
    """A net trained on from the base, on all sources but some; and its losses."""
    net = FinancialNet()
    net.load_state_dict(start.state_dict())
    run = Run(name, pool.without(without), recipe.views, recipe.rate)
    return net, train(net, pool, run, recipe, work, device)


def leave_one_out(
    pool: Pool, start: FinancialNet, items: Fitted, recipe: Recipe, work: Path, device: torch.device
) -> dict[str, Any]:
    """Train and measure a net for every fold.

    Returns:
        `per_source`: accuracy of each held-out source, as it is and with each shortcut taken away; `metrics`:
        mean and worst accuracy over sources, false positives on unseen photos as the mean over the folds'
        nets; `report`: the classification report over all held-out pictures.
    """
    per_source: dict[str, dict[str, float]] = {}
    photos = items.of(PHOTO_VAL, PHOTO_UNSEEN)
    alarms, rows, truth = [], [], []
    for name, sources in FOLDS.items():
        net, _ = from_base(f"without-{name}", sources, pool, start, recipe, work, device)
        classify, held_out = torch_classifier(net), items.of(*sources)
        found = measure_sources(classify, held_out)
        per_source |= found
        rows.append(classify(held_out.pictures))
        truth.append(held_out.labels)
        alarms.append(1 - accuracy(classify(photos.pictures), photos.labels))
        print(name, json.dumps(found), "false positives on photos", round(alarms[-1], 4), flush=True)
    values = [row["accuracy"] for row in per_source.values()]
    changed = {
        f"accuracy_{name}": float(np.mean([row[name] for row in per_source.values()])) for name in VARIANTS
    }
    return {
        "per_source": per_source,
        "metrics": {
            "accuracy_mean": float(np.mean(values)),
            "accuracy_worst": float(min(values)),
            "photo_false_positives": float(np.mean(alarms)),
            **changed,
        },
        "report": classification_report(np.concatenate(rows), np.concatenate(truth), LABELS),
    }


def baseline(
    training: Sequence[Item], items: Fitted, recipe: Recipe, work: Path, device: torch.device
) -> dict[str, Any]:
    """The published baseline on a random split of our data: a short run on plain pictures, as published.

    Returns:
        Accuracy on the fifth that was held out, on the same pictures changed, and false positives on photos.
    """
    order = np.random.default_rng(recipe.seed).permutation(len(training))
    cut = len(order) // 5
    pictures = np.stack([item.picture for item in training])
    sources = np.array([item.source for item in training])
    pool = Pool(pictures, np.array([item.label for item in training], np.int64), sources)
    net = BaselineNet()
    run = Run("baseline", order[cut:], BASELINE_VIEWS, 1e-3)
    train(net, pool, run, recipe, work, device, augment=False)
    classify = torch_classifier(net)
    test = order[:cut][:400]
    held_out = Fitted(pictures[test], pool.labels[test], sources[test])
    photos = items.of(PHOTO_VAL, PHOTO_UNSEEN)
    changed = {
        name: accuracy(classify(change(held_out.pictures)), held_out.labels)
        for name, change in VARIANTS.items()
        if name not in ("two_thirds_as_wide", "half_size")
    }
    return {
        "split": "a random fifth of labelled pictures and training photos; every source is seen in training",
        "accuracy": accuracy(classify(held_out.pictures), held_out.labels),
        **{f"accuracy_{name}": value for name, value in changed.items()},
        "photo_false_positives": 1 - accuracy(classify(photos.pictures[::6]), photos.labels[::6]),
        "views": BASELINE_VIEWS,
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
    }


def sizes(items: Fitted, photos: int) -> Mapping[str, int]:
    """How many pictures each source has."""
    names, counts = np.unique(items.sources, return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True)) | {PHOTO_TRAIN: photos}
