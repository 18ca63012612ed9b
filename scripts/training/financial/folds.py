"""Leave-one-source-out: heads that never learnt from a source, measured on all of it."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scripts.evaluation.classification import classification_report
from scripts.evaluation.financial import VARIANTS, Classifier, Fitted, Pictures, accuracy, measure_sources
from scripts.training.financial.features import Extractor, Features
from scripts.training.financial.learning import Recipe, train_head
from scripts.training.financial.net import LABELS, Head
from scripts.training.financial.pictures import PHOTO_TRAIN, PHOTO_UNSEEN, PHOTO_VAL, SOURCES
from scripts.training.financial.pool import Pool


def probabilities(head: Head, features: Features) -> NDArray[np.float32]:
    """[n, labels], as the graph that ships gives them."""
    device = next(head.parameters()).device
    with torch.inference_mode():
        answers: Tensor = head(torch.from_numpy(features).to(device)).softmax(1).cpu()
    return np.asarray(answers.numpy(), np.float32)


def classifier_of(extractor: Extractor, head: Head) -> Classifier:
    """The backbone and a head."""

    def classify(pictures: Pictures) -> NDArray[np.float32]:
        return probabilities(head, extractor(pictures))

    return classify


def leave_one_out(
    pool: Pool, extractor: Extractor, items: Fitted, recipe: Recipe, device: torch.device
) -> dict[str, Any]:
    """Train and measure a head for every source.

    Returns:
        `per_source`: accuracy of each held-out source, as it is and with each shortcut taken away; `metrics`:
        mean and worst accuracy over sources, and false positives on photos as the mean over all heads: on
        `val`, which no part of the net has seen, and on ImageNet's, which the backbone saw without labels;
        `report`: the classification report over all held-out pictures.
    """
    per_source: dict[str, dict[str, float]] = {}
    photos = {source: extractor(items.of(source).pictures) for source in (PHOTO_VAL, PHOTO_UNSEEN)}
    alarms: dict[str, list[float]] = {source: [] for source in photos}
    rows, truth = [], []
    for source in SOURCES:
        head, _ = train_head(pool, [source], recipe, device)
        held_out = items.of(source)
        found = measure_sources(classifier_of(extractor, head), held_out)
        per_source |= found
        rows.append(probabilities(head, extractor(held_out.pictures)))
        truth.append(held_out.labels)
        for name, features in photos.items():
            answers = probabilities(head, features)
            alarms[name].append(1 - accuracy(answers, np.zeros(len(answers), np.int64)))
        print(json.dumps(found), {name: shares[-1] for name, shares in alarms.items()}, flush=True)
    values = [row["accuracy"] for row in per_source.values()]
    changed = {
        f"accuracy_{name}": float(np.mean([row[name] for row in per_source.values()])) for name in VARIANTS
    }
    return {
        "per_source": per_source,
        "metrics": {
            "accuracy_mean": float(np.mean(values)),
            "accuracy_worst": float(min(values)),
            "photo_false_positives": float(np.mean(alarms[PHOTO_VAL])),
            "imagenet_photo_false_positives": float(np.mean(alarms[PHOTO_UNSEEN])),
            **changed,
        },
        "report": classification_report(np.concatenate(rows), np.concatenate(truth), LABELS),
    }


def sizes(items: Fitted, photos: int) -> Mapping[str, int]:
    """How many pictures each source has."""
    names, counts = np.unique(items.sources, return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True)) | {PHOTO_TRAIN: photos}
