"""Training: a base on drawings and photos alone, then each net from that base on the labelled sources as
well.

The base has seen no labelled picture, so all folds may start from it: what it knows of charts it knows from
drawings made by code.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm
from training.financial.pictures import PHOTO_TRAIN
from training.financial.pool import Pool
from training.precision import autocast

CROP = 128


@dataclass(frozen=True, slots=True)
class Recipe:
    """The one recipe of all folds and of the shipped net."""

    seed: int = 20_261_120
    drawn: int = 9_000
    base_views: int = 38_400
    views: int = 19_200
    batch: int = 32
    base_rate: float = 2e-3
    rate: float = 1e-3
    decay: float = 0.02
    smoothing: float = 0.03


@dataclass(frozen=True, slots=True)
class Run:
    """One training: its name, the places of the pool it may see, how many views, the highest rate.

    Photos count `photo_weight` times as much as other sources: they are most of what a net will be shown.
    """

    name: str
    places: NDArray[np.int64]
    views: int
    rate: float
    photo_weight: float = 3.0


def base_places(pool: Pool) -> NDArray[np.int64]:
    """Views of drawings and photos."""
    drawn = np.char.startswith(pool.sources, "drawn")
    return np.flatnonzero(drawn | (pool.sources == PHOTO_TRAIN))


def weights_of(pool: Pool, run: Run) -> NDArray[np.float64]:
    """How often each view is drawn: both labels as often, sources of a label by the root of their size."""
    sources, labels = pool.sources[run.places], pool.labels[run.places]
    weights = np.zeros(len(run.places))
    for label in (0, 1):
        names, place, counts = np.unique(sources[labels == label], return_inverse=True, return_counts=True)
        share = np.sqrt(counts) * np.where(names == PHOTO_TRAIN, run.photo_weight, 1.0)
        weights[labels == label] = (0.5 * share / share.sum() / counts)[place]
    return weights / weights.sum()


def batches(
    pool: Pool, run: Run, recipe: Recipe, device: torch.device, skip: int, augment: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    """uint8 pictures [batch, 3, side, side] and labels [batch]; randomly cut and mirrored where `augment`."""
    weights = weights_of(pool, run)
    for step in range(skip, run.views // recipe.batch):
        rng = np.random.default_rng([recipe.seed, step, *run.name.encode()])
        chosen = np.sort(rng.choice(run.places, recipe.batch, p=weights))
        views = torch.from_numpy(np.asarray(pool.pictures[chosen])).permute(0, 3, 1, 2)
        if augment:
            y, x = (int(value) for value in rng.integers(0, views.shape[2] - CROP + 1, 2))
            views = views[:, :, y : y + CROP, x : x + CROP]
            if rng.random() < 0.3:
                views = views.flip(3)
        yield views.to(device), torch.from_numpy(pool.labels[chosen]).to(device)


def train(
    net: nn.Module,
    pool: Pool,
    run: Run,
    recipe: Recipe,
    work: Path,
    device: torch.device,
    augment: bool = True,
) -> list[dict[str, float]]:
    """Train in place; a checkpoint every 60 steps is resumed from. The last step counts, none is chosen.

    Returns:
        The mean loss of every 60 steps.
    """
    torch.manual_seed(recipe.seed)
    net.to(device, memory_format=torch.channels_last).train()
    steps = run.views // recipe.batch
    optimiser = torch.optim.AdamW(net.parameters(), run.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, run.rate, total_steps=steps, pct_start=0.25)
    path, step, history = work / f"net-{run.name}.pt", 0, list[dict[str, float]]()
    if path.is_file():
        saved = torch.load(path, map_location=device, weights_only=True)
        net.load_state_dict(saved["net"])
        optimiser.load_state_dict(saved["optimiser"])
        schedule.load_state_dict(saved["schedule"])
        step, history = saved["step"], saved["history"]
    losses: list[float] = []
    bar = tqdm(total=steps, initial=step, desc=run.name)
    for views, labels in batches(pool, run, recipe, device, step, augment):
        with autocast(device):
            logits = net(views.contiguous(memory_format=torch.channels_last))
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=recipe.smoothing)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        step += 1
        losses.append(float(loss.detach()))
        bar.update()
        if step % 60 == 0 or step == steps:
            history.append({"epoch": step, "loss": float(np.mean(losses))})
            bar.set_postfix(loss=f"{np.mean(losses):.3f}")
            losses = []
            state = {"net": net.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
            state |= {"schedule": schedule.state_dict(), "history": history}
            torch.save(state, path.with_suffix(".part"))
            path.with_suffix(".part").replace(path)
    net.eval()
    return history
