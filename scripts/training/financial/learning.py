"""Training of a head on the backbone's features of the pool's views."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from scripts.training.financial.net import Head
from scripts.training.financial.pictures import CLOSE_UP, PHOTO_TRAIN
from scripts.training.financial.pool import Pool

SHOWN = 100  # steps between two entries of the learning curve


@dataclass(frozen=True, slots=True)
class Recipe:
    """The one recipe of all folds and of the shipped net.

    Attributes:
        drawn: views of drawings made by code.
        steps, batch: of gradient descent on the head, and its views a step.
        ordinary: the share of ordinary pictures among them: most of what is scanned is ordinary, and a photo
            called financial is the dearer error.
        photos: how many times as much photos count as other ordinary sources: they are most of what a net
            will be shown.
    """

    seed: int = 20_261_125
    drawn: int = 18_000
    hidden: int = 64
    steps: int = 2_000
    batch: int = 256
    rate: float = 2e-3
    decay: float = 0.01
    smoothing: float = 0.03
    ordinary: float = 0.8
    photos: float = 3.0


def weights_of(pool: Pool, places: NDArray[np.int64], recipe: Recipe) -> NDArray[np.float64]:
    """How often each view is drawn: labels by the recipe, sources of a label by the root of their size."""
    sources, labels = pool.sources[places], pool.labels[places]
    weights: NDArray[np.float64] = np.zeros(len(places))
    for label, part in ((0, recipe.ordinary), (1, 1 - recipe.ordinary)):
        names, place, counts = np.unique(sources[labels == label], return_inverse=True, return_counts=True)
        favour = np.where(np.isin(names, (PHOTO_TRAIN, CLOSE_UP)), recipe.photos, 1.0)
        share = np.sqrt(counts) * favour
        weights[labels == label] = (part * share / share.sum() / counts)[place]
    return np.asarray(weights / weights.sum())


def train_head(
    pool: Pool, without: Sequence[str], recipe: Recipe, device: torch.device
) -> tuple[Head, list[dict[str, float]]]:
    """A head trained on all views but those of some sources. The last step counts, none is chosen.

    Returns:
        The head in evaluation mode, and the mean loss of every `SHOWN` steps.
    """
    torch.manual_seed(recipe.seed)
    places = pool.without(without)
    features = torch.from_numpy(pool.features[places])
    labels = torch.from_numpy(pool.labels[places])
    weights = torch.from_numpy(weights_of(pool, places, recipe))
    head = Head(features.shape[1], recipe.hidden)
    head.mean.copy_(features.mean(0))
    head.spread.copy_(features.std(0) + 1e-3)
    head.to(device).train()
    optimiser = torch.optim.AdamW(head.parameters(), recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, recipe.steps)
    history, losses = list[dict[str, float]](), list[float]()
    for step in range(1, recipe.steps + 1):
        chosen = torch.multinomial(weights, recipe.batch, replacement=True)
        logits = head(features[chosen].to(device))
        loss = functional.cross_entropy(logits, labels[chosen].to(device), label_smoothing=recipe.smoothing)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % SHOWN == 0 or step == recipe.steps:
            history.append({"epoch": step, "loss": float(np.mean(losses))})
            losses.clear()
    return head.eval(), history
