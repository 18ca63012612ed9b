"""Training of one net on composed strings, resumable at every epoch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm
from training.spoken.compose import composed_batch
from training.spoken.net import SpokenNet, set_loss
from training.spoken.recordings import Clip
from training.spoken.spec import LABELS


@dataclass(frozen=True, slots=True)
class Recipe:
    """The one recipe of all folds and of the shipped net; nothing of it was chosen per fold."""

    seed: int = 20_261_120
    strings: int = 3_000
    epochs: int = 2
    batch: int = 32
    rate: float = 3e-3
    decay: float = 0.02
    width: int = 24
    hidden: int = 96


@dataclass(frozen=True, slots=True)
class Strings:
    """Composed strings of one speaker: log-mel float16 [n, mels, steps], targets int16 [n, positions]."""

    mels: NDArray[np.float16]
    sets: NDArray[np.int16]


def strings_of(speaker: str, clips: Sequence[Clip], recipe: Recipe, work: Path) -> Strings:
    """The speaker's strings, from the cache in `work` or composed now; the same for the same seed."""
    path = work / f"strings-{speaker}-{recipe.strings}-{recipe.seed}.npz"
    if not path.is_file():
        own = [clip for clip in clips if clip.speaker == speaker]
        rng = np.random.default_rng([recipe.seed, *speaker.encode()])
        sizes = [min(100, recipe.strings - start) for start in range(0, recipe.strings, 100)]
        bar = tqdm(sizes, desc=f"strings {speaker}", unit_scale=100)
        parts = [composed_batch(rng, own, size) for size in bar]
        part = path.with_suffix(".part.npz")
        np.savez(part, mels=np.concatenate([p[0] for p in parts]), sets=np.concatenate([p[1] for p in parts]))
        part.replace(path)
    with np.load(path) as file:
        return Strings(file["mels"], file["sets"])


def warp_bands(spectra: Tensor, generator: torch.Generator) -> Tensor:
    """Stretch and shift the mel axis a little, differently for every string: other vocal tracts.

    Vocal tract length perturbation: Jaitly and Hinton, ICML workshop 2013. spectra: [batch, mels, steps].
    """
    batch, mels, steps = spectra.shape
    scale = 1 + 0.18 * (2 * torch.rand(batch, 1, generator=generator) - 1)
    shift = 0.06 * (2 * torch.rand(batch, 1, generator=generator) - 1)
    rows = torch.linspace(-1, 1, mels).expand(batch, mels)
    # Anchored at the lowest band: a longer vocal tract moves high formants by more mels than low ones.
    rows = (rows + 1) * scale - 1 + shift
    grid = torch.stack(
        (
            torch.linspace(-1, 1, steps).expand(batch, mels, steps),
            rows.unsqueeze(2).expand(batch, mels, steps),
        ),
        dim=3,
    ).to(spectra.device)
    return functional.grid_sample(
        spectra.unsqueeze(1), grid, mode="bilinear", padding_mode="border", align_corners=True
    ).squeeze(1)


def mask(spectra: Tensor, generator: torch.Generator) -> Tensor:
    """SpecAugment (Park et al., 2019): two bands and two short moments replaced by the mean."""
    batch, mels, steps = spectra.shape
    hidden = torch.zeros(batch, mels, steps, dtype=torch.bool)
    for axis, size, widest in ((1, mels, 7), (1, mels, 5), (2, steps, 6), (2, steps, 6)):
        width = torch.randint(0, widest + 1, (batch, 1), generator=generator)
        start = torch.randint(0, size - widest, (batch, 1), generator=generator)
        index = torch.arange(size).unsqueeze(0)
        inside = (index >= start) & (index < start + width)
        hidden |= inside.unsqueeze(2) if axis == 1 else inside.unsqueeze(1)
    mean = spectra.mean((1, 2), keepdim=True)
    return torch.where(hidden.to(spectra.device), mean, spectra)


def batches(
    strings: Sequence[Strings], recipe: Recipe, epoch: int, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """Augmented log-mel [batch, mels, steps] and allowed classes bool [batch, labels, positions]."""
    rng = np.random.default_rng([recipe.seed, epoch])
    generator = torch.Generator().manual_seed(recipe.seed + epoch)
    owner = np.concatenate([np.full(len(part.mels), index) for index, part in enumerate(strings)])
    place = np.concatenate([np.arange(len(part.mels)) for part in strings])
    order = rng.permutation(len(owner))
    bits = torch.arange(len(LABELS)).view(1, -1, 1)
    for start in range(0, len(order) - recipe.batch + 1, recipe.batch):
        chosen = order[start : start + recipe.batch]
        mels = np.stack([strings[owner[i]].mels[place[i]] for i in chosen]).astype(np.float32)
        sets = np.stack([strings[owner[i]].sets[place[i]] for i in chosen]).astype(np.int64)
        allowed = (torch.from_numpy(sets).unsqueeze(1) >> bits & 1).bool()
        spectra = torch.from_numpy(mels).to(device)
        yield mask(warp_bands(spectra, generator), generator), allowed.to(device)


def one_epoch(
    net: SpokenNet,
    optimiser: torch.optim.Optimizer,
    views: Iterable[tuple[Tensor, Tensor]],
    steps: int,
    rate: float,
    title: str,
) -> float:
    """One pass over the strings, the learning rate rising to `rate` and falling to almost nothing.

    Returns:
        The mean loss.
    """
    net.train()
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.2)
    losses = []
    bar = tqdm(views, total=steps, desc=title)
    for spectra, allowed in bar:
        with torch.autocast(spectra.device.type, torch.bfloat16):
            logits = net(spectra)
        loss = set_loss(logits, allowed)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}")
    return float(np.mean(losses))


def train(
    name: str, strings: Sequence[Strings], recipe: Recipe, work: Path, device: torch.device
) -> tuple[SpokenNet, list[dict[str, float]]]:
    """Train a net on the strings; a checkpoint in `work` is written every epoch and resumed from.

    Every epoch is a cycle of its own with half the learning rate of the one before, so that training can be
    prolonged by whole epochs.

    Returns:
        The net in evaluation mode after the last epoch (none is chosen), and the loss of every epoch.
    """
    torch.manual_seed(recipe.seed)
    net = SpokenNet(recipe.width, recipe.hidden).to(device, memory_format=torch.channels_last)
    steps = sum(len(part.mels) for part in strings) // recipe.batch
    optimiser = torch.optim.AdamW(net.parameters(), recipe.rate, weight_decay=recipe.decay)
    path, first, history = work / f"net-{name}.pt", 0, list[dict[str, float]]()
    if path.is_file():
        saved = torch.load(path, map_location=device, weights_only=True)
        net.load_state_dict(saved["net"])
        optimiser.load_state_dict(saved["optimiser"])
        first, history = saved["epoch"], saved["history"]
    for epoch in range(first, recipe.epochs):
        torch.manual_seed(recipe.seed + epoch)
        views, title = batches(strings, recipe, epoch, device), f"{name} epoch {epoch + 1}"
        loss = one_epoch(net, optimiser, views, steps, recipe.rate / 2**epoch, title)
        history.append({"epoch": epoch + 1, "loss": loss})
        state = {"net": net.state_dict(), "optimiser": optimiser.state_dict()}
        torch.save(state | {"epoch": epoch + 1, "history": history}, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)
    return net.eval(), history
