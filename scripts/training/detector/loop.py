"""The training loop: one schedule over a wall-clock (or step) budget, resumable from checkpoints.

On a CPU each core trains by itself on the one set of weights in shared memory, without locks (Niu et al.,
Hogwild, 2011): threads that meet at every layer stand still whenever another program has one of the cores.
"""

import copy
import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from .data import Photo
from .losses import Weights, distillation
from .net import Architecture, Detector, grid
from .source import BatchSource, draw_colours, recolour
from .watch import average_precision


@dataclass(frozen=True, slots=True)
class Settings:
    """A run's choices.

    sizes: (from which share of the budget on, sample size in pixels); rate: the highest learning rate, decay:
    of the weights, average: what the moving average keeps a step; watched: training photos that are kept
    aside to watch the run with.
    """

    minutes: float = 120.0
    steps: int = 0
    batch: int = 16
    rate: float = 1.5e-3
    decay: float = 0.02
    average: float = 0.999
    sizes: tuple[tuple[float, int], ...] = ((0.0, 160), (0.87, 256))
    default_size: int = 256
    seed: int = 1
    checkpoint_s: float = 120.0
    watch_s: float = 900.0
    compiled: bool = False
    workers: int = 1
    watched: int = 150


class Run:
    """A network in training, its average, its optimiser and how far through its budget it is."""

    def __init__(
        self, settings: Settings, architecture: Architecture, folder: Path, device: torch.device
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.architecture, self.folder, self.device = settings, architecture, folder, device
        self.network = Detector(architecture).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.network).requires_grad_(False).eval()
        flat = [p for p in self.network.parameters() if p.ndim < 2]
        deep = [p for p in self.network.parameters() if p.ndim >= 2]
        self.optimiser = torch.optim.AdamW(
            [{"params": deep, "weight_decay": settings.decay}, {"params": flat, "weight_decay": 0.0}],
            lr=settings.rate,
            fused=True,
        )
        self.step, self.seconds = 0, 0.0
        self.worker, self.generator = 0, torch.Generator().manual_seed(settings.seed)
        # Progress of the whole run, as worker 0 tells it, then every worker's samples.
        self.shared = torch.zeros(1 + settings.workers, dtype=torch.float64)
        self.history: list[dict[str, float]] = []
        self._forward: Any = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def progress(self) -> float:
        """Share of the budget used."""
        return float(self.shared[0])

    @property
    def samples(self) -> int:
        """Samples that all workers have trained on."""
        return int(self.shared[1:].sum())

    def share(self) -> None:
        """Put weights and counters where forked workers see them."""
        self.network.share_memory()
        self.shared.share_memory_()  # type: ignore[no-untyped-call]

    def become(self, worker: int) -> None:
        """In a forked worker: another stream of colours."""
        self.worker = worker
        self.generator.manual_seed(self.settings.seed + 7919 * worker + self.step)

    def _advance(self, images: int) -> None:
        self.step += 1
        self.shared[1 + self.worker] += images
        if self.worker == 0:
            budget = (
                self.step / self.settings.steps
                if self.settings.steps
                else self.seconds / 60 / self.settings.minutes
            )
            self.shared[0] = min(1.0, budget)

    def rate(self) -> float:
        """Linear warm-up over 300 steps, then half a cosine down to a hundredth."""
        warm = min(1.0, (self.step + 1) / 300)
        return self.settings.rate * warm * (0.01 + 0.99 * (1 + math.cos(math.pi * self.progress)) / 2)

    def size(self) -> int:
        """The sample size at this point of the budget."""
        # Workers change one after another: the later ones find the compiled code of the first in the cache.
        now = self.progress - 0.02 * self.worker
        return [size for start, size in self.settings.sizes if now >= start or start == 0.0][-1]

    def help(self, source: BatchSource) -> None:
        """What a worker but the first does: train until worker 0 says that the budget is spent."""
        while self.progress < 1.0:
            self._one(source)

    def train(self, source: BatchSource, watched: Sequence[Photo]) -> None:
        """Until the budget is spent; writes a checkpoint and a line of history as it goes."""
        saved, seen = time.monotonic(), time.monotonic() - self.settings.watch_s * 0.5
        parts, start, before = torch.zeros(4), time.monotonic(), self.seconds
        with tqdm(total=100.0, initial=100 * self.progress, unit="%", mininterval=10) as bar:
            while self.progress < 1.0:
                parts += 0.01 * (self._one(source) - parts)
                self.seconds = before + time.monotonic() - start
                if self.step % 20 == 0:
                    bar.n = round(100 * self.progress, 2)
                    loss = " ".join(f"{part:.2f}" for part in parts.tolist())
                    bar.set_postfix_str(
                        f"{self.samples} samples, {self.samples / self.seconds:.0f}/s, {loss}", refresh=False
                    )
                    bar.update(0)
                if time.monotonic() - saved > self.settings.checkpoint_s:
                    self.save()
                    saved = time.monotonic()
                if time.monotonic() - seen > self.settings.watch_s:
                    self.watch(watched, parts)
                    seen = time.monotonic()
        self.watch(watched, parts)
        self.save()

    def _one(self, source: BatchSource) -> Tensor:
        size = self.size()
        images, target = source.draw(self.settings.batch, size)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        self.network.train()
        matrix, shift = (part.to(self.device) for part in draw_colours(len(images), self.generator))
        loss, parts = self._loss(images, matrix, shift, target, grid(size, size, self.device))
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 20.0)
        self.optimiser.step()
        self._advance(len(images))
        if self.worker == 0:
            self._average()
        return parts.cpu()

    def _loss(self, *batch: Tensor) -> tuple[Tensor, Tensor]:
        if self._forward is None:

            def forward(
                images: Tensor, matrix: Tensor, shift: Tensor, target: Tensor, cells: Tensor
            ) -> tuple[Tensor, Tensor]:
                coloured = recolour(images, matrix, shift).contiguous(memory_format=torch.channels_last)
                with torch.autocast(self.device.type, torch.bfloat16):
                    raw = self.network(coloured)
                return distillation(raw, target, cells, Weights())

            self._forward = torch.compile(forward, dynamic=False) if self.settings.compiled else forward
        answer: tuple[Tensor, Tensor] = self._forward(*batch)
        return answer

    @torch.no_grad()
    def _average(self) -> None:
        """Exponential moving average of the weights; young runs forget faster."""
        keep = min(self.settings.average, (1 + self.step) / (20 + self.step))
        mine, theirs = list(self.averaged.parameters()), list(self.network.parameters())
        torch._foreach_lerp_(mine, theirs, 1.0 - keep)
        for ours, theirs_buffer in zip(self.averaged.buffers(), self.network.buffers(), strict=True):
            if ours.is_floating_point():
                ours.lerp_(theirs_buffer, 1.0 - keep)

    def watch(self, photos: Sequence[Photo], parts: Tensor) -> None:
        """Add one line to history.jsonl."""
        ap50, person = average_precision(self.averaged, photos, self.settings.default_size, self.device)
        row = {
            "step": self.step, "samples": self.samples, "seconds": round(self.seconds, 1),
            "size": self.size(), "progress": round(self.progress, 4), "rate": self.rate(),
            "ap50": ap50, "person_ap50": person,
            **dict(zip(("objectness", "classes", "overlap", "offsets"), parts.tolist(), strict=True)),
        }  # fmt: skip
        self.history.append(row)
        with (self.folder / "history.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")
        tqdm.write(json.dumps(row))

    def save(self) -> None:
        """Write checkpoint.pt, in one move, so that a kill leaves the old one or the new one."""
        state = {
            "network": self.network.state_dict(), "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(), "step": self.step, "seconds": self.seconds,
            "samples": self.samples, "history": self.history, "generator": self.generator.get_state(),
            "architecture": asdict(self.architecture), "settings": asdict(self.settings),
        }  # fmt: skip
        partial = self.folder / "checkpoint.partial"
        torch.save(state, partial)
        partial.replace(self.folder / "checkpoint.pt")

    def resume(self, *, settings: bool = False) -> None:
        """Go on from checkpoint.pt: weights, optimiser, time used; with `settings`, its choices too."""
        state = torch.load(self.folder / "checkpoint.pt", map_location=self.device, weights_only=True)
        if settings:
            self.settings = Settings(**state["settings"])
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.shared[1] = state["samples"]
        self._advance(0)
        self.step -= 1
        self.history = state["history"]
        self.generator.set_state(state["generator"].cpu())
