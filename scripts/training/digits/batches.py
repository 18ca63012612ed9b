"""Batches: of MNIST alone for the classic nets, and of a fixed mixture for the net that ships."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as f

from scripts.training.digits.augment import augment
from scripts.training.digits.mnist import Digits
from scripts.training.digits.samples import CLASSES, Samples

# Parts of a batch of 256: MNIST first, for the figure that the goal names; a quarter of it is no digit.
MIXTURE = {
    "mnist": 164, "photographed": 20, "printed": 12, "letters": 19, "photos": 10, "pieces": 4,
    "hard windows": 4, "hard pieces": 11, "bars": 6, "numbers": 3, "scribbles": 2, "bare": 1,
}  # fmt: skip


def to_tensor(images: np.ndarray, device: torch.device) -> Tensor:
    """uint8 [n, 28, 28] to float32 [n, 1, 28, 28], 0..1."""
    return torch.from_numpy(np.ascontiguousarray(images)).to(device).unsqueeze(1).float() / 255


@lru_cache(maxsize=32)
def order_of(total: int, turn: int) -> Tensor:
    """A shuffling of `total` items, another one in every round."""
    return torch.randperm(total, generator=torch.Generator().manual_seed(turn))


def picks(size: int, total: int, step: int) -> Tensor:
    """Which items a step takes: each once a round, in an order reshuffled every round."""
    place = torch.arange(step * size, step * size + size)
    turns = place // total
    return torch.cat([order_of(total, int(turn))[place[turns == turn] % total] for turn in turns.unique()])


def plain(
    digits: Digits, size: int, device: torch.device
) -> Callable[[int, torch.Generator], tuple[Tensor, Tensor]]:
    """Batches of MNIST as it is, ten classes: how the classic nets were trained."""
    images = to_tensor(digits.images, device)
    targets = f.one_hot(torch.from_numpy(digits.labels), 10).float().to(device)

    def batch(step: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = picks(size, len(images), step)
        return images[chosen], targets[chosen]

    return batch


def mixed(
    digits: Digits, others: Mapping[str, Samples], device: torch.device
) -> Callable[[int, torch.Generator], tuple[Tensor, Tensor]]:
    """Augmented batches of `MIXTURE`, eleven classes."""
    mnist = Samples(digits.images, np.eye(CLASSES, dtype=np.float32)[digits.labels])
    groups = {"mnist": mnist, **others}
    images = {name: to_tensor(groups[name].images, device) for name in MIXTURE}
    targets = {name: torch.from_numpy(groups[name].targets).to(device) for name in MIXTURE}

    def batch(step: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = {name: picks(part, len(images[name]), step) for name, part in MIXTURE.items()}
        stacked = torch.cat([images[name][chosen[name]] for name in MIXTURE])
        return augment(stacked, random), torch.cat([targets[name][chosen[name]] for name in MIXTURE])

    return batch
