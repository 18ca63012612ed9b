"""Training of one net on composed strings, resumable from its checkpoints."""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from scripts.training.precision import autocast
from scripts.training.spoken.compose import composed_batch
from scripts.training.spoken.net import SpokenNet, set_loss
from scripts.training.spoken.spec import LABELS
from scripts.training.spoken.voices import Voice

PART = 100  # steps between two checkpoints
RAMP = 100  # steps in which the learning rate rises
WARP, SHIFT = 0.18, 0.06  # of the mel axis, see `warp_bands`


@dataclass(frozen=True, slots=True)
class Recipe:
    """The one recipe of all folds and of the shipped net; nothing of it was chosen per fold.

    Attributes:
        strings, made: strings of each recorded speaker, and of each voice that flite makes.
        shared: steps of gradient descent on one half of the speakers, see `folds`.
        steps: those that follow on all speakers that a net may hear, while the rate falls to zero.
        batch: strings of a step.
        rate, decay: learning rate before it falls, and weight decay, of AdamW.
        average: decay of the moving average of the weights.
    """

    seed: int = 1
    strings: int = 3_000
    made: int = 1_500
    shared: int = 800
    steps: int = 600
    batch: int = 32
    rate: float = 3e-3
    decay: float = 0.02
    average: float = 0.99
    width: int = 24
    hidden: int = 96


@dataclass(frozen=True, slots=True)
class Strings:
    """Composed strings of one voice: log-mel float16 [n, mels, steps], targets int16 [n, positions]."""

    mels: NDArray[np.float16]
    sets: NDArray[np.int16]


def strings_of(voice: Voice, count: int, seed: int, work: Path) -> Strings:
    """The voice's strings, from the cache in `work` or composed now; the same for the same seed."""
    path = work / f"strings-{voice.name}-{count}-{len(voice.words)}-{seed}.npz"
    if not path.is_file():
        rng = np.random.default_rng([seed, *voice.name.encode()])
        sizes = [min(PART, count - start) for start in range(0, count, PART)]
        bar = tqdm(sizes, desc=f"strings {voice.name}", unit_scale=PART)
        parts = [composed_batch(rng, voice.clips, size, voice.words) for size in bar]
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
    scale = 1 + WARP * (2 * torch.rand(batch, 1, generator=generator) - 1)
    shift = SHIFT * (2 * torch.rand(batch, 1, generator=generator) - 1)
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


class Views:
    """Augmented batches of strings, the same for the same step whether training was resumed or not."""

    def __init__(self, strings: Sequence[Strings], recipe: Recipe, device: torch.device) -> None:
        self.strings, self.recipe, self.device = strings, recipe, device
        self.owner = np.concatenate([np.full(len(part.mels), index) for index, part in enumerate(strings)])
        self.place = np.concatenate([np.arange(len(part.mels)) for part in strings])
        self.bits = torch.arange(len(LABELS)).view(1, -1, 1)

    def chosen(self, step: int) -> NDArray[np.int64]:
        """Which strings a step takes: each once a round, in an order reshuffled every round."""
        size = min(self.recipe.batch, len(self.owner))
        a_round = len(self.owner) // size
        order = np.random.default_rng([self.recipe.seed, step // a_round]).permutation(len(self.owner))
        return order[step % a_round * size :][:size]

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """Log-mel [batch, mels, steps] and allowed classes bool [batch, labels, positions]."""
        chosen = self.chosen(step)
        generator = torch.Generator().manual_seed(self.recipe.seed + step)
        parts = [(self.strings[self.owner[i]], self.place[i]) for i in chosen]
        mels = np.stack([part.mels[place] for part, place in parts]).astype(np.float32)
        sets = np.stack([part.sets[place] for part, place in parts]).astype(np.int64)
        allowed = (torch.from_numpy(sets).unsqueeze(1) >> self.bits & 1).bool()
        spectra = torch.from_numpy(mels).to(self.device)
        return mask(warp_bands(spectra, generator), generator), allowed.to(self.device)


class Training:
    """One net on its way, with the moving average of its weights.

    Args:
        path: its checkpoint, from which it goes on where there is one.
        start: the checkpoint of another training to begin with.
    """

    def __init__(self, recipe: Recipe, path: Path, device: torch.device, start: Path | None = None) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.path, self.device = recipe, path, device
        self.net = SpokenNet(recipe.width, recipe.hidden).to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), recipe.rate, weight_decay=recipe.decay)
        self.done, self.history = 0, list[dict[str, float]]()
        source = path if path.is_file() else start
        if source is not None:
            saved = torch.load(source, map_location=device, weights_only=True)
            for name, part in self.parts().items():
                part.load_state_dict(saved[name])
            self.done, self.history = saved["done"], saved["history"]

    def parts(self) -> Mapping[str, Any]:
        """What a checkpoint holds beside the count of steps and the history."""
        return {"net": self.net, "average": self.average, "optimiser": self.optimiser}

    def save(self) -> None:
        """Write the checkpoint; a kill leaves the old or the new one, never half of one."""
        state = {name: part.state_dict() for name, part in self.parts().items()}
        torch.save(
            state | {"done": self.done, "history": self.history}, partial := self.path.with_suffix(".part")
        )
        partial.replace(self.path)

    def step(self, spectra: Tensor, allowed: Tensor, rate: float) -> float:
        """One step of gradient descent; its loss."""
        self.net.train()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with autocast(self.device):
            logits = self.net(spectra)
        loss = set_loss(logits, allowed)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        follow(self.average, self.net, min(self.recipe.average, (1 + self.done) / (10 + self.done)))
        self.done += 1
        return float(loss.detach())


def follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move averaged weights a little towards the present ones."""
    with torch.no_grad():
        for mean, now in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - decay)
            else:
                mean.copy_(now)


def rate_at(recipe: Recipe, step: int, fall: tuple[int, int] | None) -> float:
    """The learning rate at a step: a ramp, a plateau, and between the steps of `fall` a cosine to zero."""
    ramp = min(1.0, (step + 1) / RAMP)
    if fall is None:
        return recipe.rate * ramp
    first, last = fall
    return recipe.rate * ramp * 0.5 * (1 + math.cos(math.pi * max(0, step - first) / (last - first)))


def train(
    name: str,
    strings: Sequence[Strings],
    recipe: Recipe,
    work: Path,
    device: torch.device,
    start: Path | None = None,
) -> tuple[SpokenNet, list[dict[str, float]]]:
    """Train a net on the strings; a checkpoint in `work` is written every `PART` steps and resumed from.

    Args:
        start: the checkpoint to go on from, with a rate that falls to zero; without it the rate stays.

    Returns:
        The averaged net in evaluation mode after the last step (none is chosen), and the mean loss of every
        `PART` steps, those of `start` included.
    """
    training = Training(recipe, checkpoint(name, work), device, start)
    fall = None if start is None else (recipe.shared, recipe.shared + recipe.steps)
    stop = recipe.shared if fall is None else fall[1]
    views = Views(strings, recipe, device)
    losses: list[float] = []
    for step in tqdm(range(training.done, stop), desc=name, mininterval=5):
        torch.manual_seed(recipe.seed + step)
        losses.append(training.step(*views(step), rate_at(recipe, step, fall)))
        if training.done % PART == 0 or training.done == stop:
            training.history.append({"epoch": training.done, "loss": float(np.mean(losses))})
            losses.clear()
            training.save()
    return training.average.eval(), training.history


def checkpoint(name: str, work: Path) -> Path:
    """Where the net of that name is kept."""
    return work / f"net-{name}.pt"
