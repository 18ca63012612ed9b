"""The training loop: seeded, resumable from its checkpoint, with a moving average of the weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as f
from tqdm import tqdm

from scripts.training.precision import autocast

Batch = Callable[[int, torch.Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one net is trained.

    Attributes:
        epochs, steps: number of epochs, and of batches in each.
        rate: learning rate of AdamW on its plateau; see `rate_at`.
        cooling: share of the training in which the rate falls to zero.
        decay: weight decay.
        smoothing: label smoothing.
        average: decay of the moving average of the weights; 0 keeps none.
    """

    epochs: int
    steps: int
    rate: float = 1e-3
    cooling: float = 0.5
    decay: float = 0.0
    smoothing: float = 0.0
    average: float = 0.0


def rate_at(recipe: Recipe, step: int) -> float:
    """The learning rate at a step counted from the start: a ramp, a plateau, and a cosine to zero.

    The plateau does not depend on the length, so that a training can still be made longer or shorter on it
    (Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations", 2024).
    """
    total = recipe.epochs * recipe.steps
    cooling = max(1, round(total * recipe.cooling))
    ramp = min(1.0, (step + 1) / 300)
    left = min(1.0, (total - step) / cooling)
    return recipe.rate * ramp * 0.5 * (1 - math.cos(math.pi * left))


def seeded(seed: int, step: int, device: torch.device) -> torch.Generator:
    """The randomness of one step: the same after a resumption as without one."""
    return torch.Generator(device=device).manual_seed(seed * 1_000_003 + step)


def accuracy(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Share of right answers; images float32 [n, 1, 28, 28]."""
    return float((logits_of(net, images).argmax(dim=1) == labels).float().mean())


@torch.no_grad()
def logits_of(net: nn.Module, images: Tensor) -> Tensor:
    """Logits in evaluation mode, in batches of 500."""
    net.eval()
    return torch.cat([net(part) for part in images.split(500)])


def decayed_groups(net: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Weight decay on matrices and kernels only, not on biases and norms."""
    heavy = [parameter for parameter in net.parameters() if parameter.ndim > 1]
    light = [parameter for parameter in net.parameters() if parameter.ndim <= 1]
    return [{"params": heavy, "weight_decay": decay}, {"params": light, "weight_decay": 0.0}]


class Training:
    """One net on its way; `run` goes on from the checkpoint where there is one."""

    def __init__(
        self, net: nn.Module, recipe: Recipe, checkpoint: Path, seed: int, device: torch.device
    ) -> None:
        self.net = net.to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net)
        self.recipe, self.checkpoint, self.seed, self.device = recipe, checkpoint, seed, device
        self.optimiser = torch.optim.AdamW(decayed_groups(self.net, recipe.decay), lr=recipe.rate)
        self.history: list[dict[str, float]] = []
        if checkpoint.exists():
            self.load()

    def load(self) -> None:
        """Take up weights, optimiser and history where the checkpoint left them."""
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.history = state["history"]

    def save(self) -> None:
        """Write the checkpoint; a kill leaves the old or the new one, never half of one."""
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        partial = self.checkpoint.with_suffix(".part")
        state = {"net": self.net, "average": self.average, "optimiser": self.optimiser}
        torch.save(
            {**{name: item.state_dict() for name, item in state.items()}, "history": self.history}, partial
        )
        partial.replace(self.checkpoint)

    def follow(self, step: int) -> None:
        """Move the averaged weights a little towards the present ones; faster at the start."""
        decay = min(self.recipe.average, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, now in zip(
                self.average.state_dict().values(), self.net.state_dict().values(), strict=True
            ):
                if mean.is_floating_point():
                    mean.lerp_(now, 1 - decay)
                else:
                    mean.copy_(now)

    def step(self, number: int, batch: Batch) -> float:
        """One step of gradient descent; its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(self.recipe, number)
        images, targets = batch(number, seeded(self.seed, number, self.device))
        images = images.contiguous(memory_format=torch.channels_last)
        self.net.train()
        with autocast(self.device):
            logits = self.net(images)
        loss = f.cross_entropy(logits.float(), targets, label_smoothing=self.recipe.smoothing)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.follow(number)
        return float(loss.item())

    def run(self, batch: Batch, measure: Callable[[nn.Module], dict[str, float]]) -> nn.Module:
        """Train to the end of the recipe; the averaged net of the last epoch, never a chosen one.

        Args:
            batch: makes images [n, 1, 28, 28] and targets [n, classes] of a step.
            measure: figures of a net on held-out items, for the learning curve.
        """
        for epoch in range(len(self.history), self.recipe.epochs):
            torch.manual_seed(self.seed * 1_000 + epoch)
            bar = tqdm(
                range(self.recipe.steps), desc=f"epoch {epoch + 1}/{self.recipe.epochs}", mininterval=5
            )
            losses = [self.step(epoch * self.recipe.steps + place, batch) for place in bar]
            figures = {"epoch": epoch + 1.0, "loss": float(np.mean(losses)), **measure(self.average)}
            print(" ".join(f"{name} {value:.4f}" for name, value in figures.items()), flush=True)
            self.history.append(figures)
            self.save()
            torch.save(self.average.state_dict(), snapshot(self.checkpoint, epoch + 1))
        self.average.eval()
        return self.average


def snapshot(checkpoint: Path, epoch: int) -> Path:
    """Where the averaged weights after an epoch are kept, beside the checkpoint."""
    return checkpoint.with_name(f"{checkpoint.stem}-after-{epoch}.pt")


def mean_of(net: nn.Module, paths: Sequence[Path]) -> nn.Module:
    """The net with the mean of saved weights, batch norms' statistics included, in evaluation mode.

    Nets of one training lie in one basin, and their mean often generalises better than each (Izmailov et
    al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018).
    """
    states = [torch.load(path, map_location="cpu", weights_only=True) for path in paths]
    net.load_state_dict(
        {
            name: torch.stack([state[name].float() for state in states]).mean(0).to(value.dtype)
            for name, value in states[0].items()
        }
    )
    return net.eval()
