"""The training loop: one schedule over a wall-clock (or step) budget, resumable from checkpoints.

First every block learns by itself (`blockwise`), then the neck and the heads together on the student's
last map, and last the last stage as well. What is taught blockwise before the last stage stays as it is: with
the student's maps in place of its own, the teacher finds as much as before.
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

from scripts.training.detector.blockwise import Scales, tasks_of
from scripts.training.detector.coordinates import Basis, Coordinates, Lesson
from scripts.training.detector.data import Photo
from scripts.training.detector.losses import Weights, joint_loss
from scripts.training.detector.net import Architecture, Detector, grid
from scripts.training.detector.source import BatchSource
from scripts.training.detector.watch import average_precision
from scripts.training.precision import autocast

RESTING = 8  # a resting block is taught every eighth step
PARTS = ("blockwise", "heads", "whole")
LOSSES = ("maps", "heads", "objectness", "classes", "overlap", "offsets")


@dataclass(frozen=True, slots=True)
class Settings:
    """A run's choices.

    blockwise, heads: the shares of the budget in which blocks learn one by one, and the neck and the heads
    together; enough: the share of
    variance that a block may miss and rest; block_rate, head_rate, rate: the highest
    learning rates of the three parts; average: what the moving average of the later parts keeps a step;
    batch, joint_batch: samples of a step while blocks learn one by one, and in the parts after that;
    size: of the samples and the net's default, in pixels; watched: training photos that are kept aside to
    watch the run with; threads: of PyTorch.
    """

    minutes: float = 120.0
    steps: int = 0
    batch: int = 4
    joint_batch: int = 8
    blockwise: float = 0.4
    heads: float = 0.3
    enough: float = 0.005
    block_rate: float = 2e-2
    head_rate: float = 2e-3
    rate: float = 3e-4
    average: float = 0.995
    size: int = 320
    seed: int = 1
    checkpoint_s: float = 120.0
    watch_s: float = 600.0
    watched: int = 150
    threads: int = 1


class Run:
    """A network in training, its average, its optimiser and how far through its budget it is."""

    def __init__(
        self, settings: Settings, architecture: Architecture, folder: Path, device: torch.device
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.architecture, self.folder, self.device = settings, architecture, folder, device
        self.network = Detector(architecture).to(device).to(memory_format=torch.channels_last)
        self.averaged = copy.deepcopy(self.network).requires_grad_(False).eval()
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.step, self.samples, self.seconds, self.progress = 0, 0, 0.0, 0.0
        self.part = next(part for part, end in self._ends().items() if end > 0.0)
        self.since = 0  # the step at which the present part began
        self.coordinates: dict[int, tuple[Tensor, Tensor]] = {}
        self.scales: Scales | None = None
        self.errors: list[float] = []
        self.history: list[dict[str, Any]] = []
        self.optimiser = self._optimiser()
        folder.mkdir(parents=True, exist_ok=True)

    def _optimiser(self) -> torch.optim.Optimizer:
        stages = len(self.network.stages)
        self.network.learn_from({"blockwise": 0, "heads": stages, "whole": stages - 1}[self.part])
        learning = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        # The second moment is remembered for 50 steps only: a block is learnt in a few hundred.
        return torch.optim.Adam(learning, self.settings.rate, betas=(0.9, 0.98), fused=True)

    def start(self, part: str) -> None:
        """Begin a part of the run after the first: from here on blocks work together, under one loss."""
        if self.scales is not None:
            self.scales.settle(self.network)
            self.averaged.load_state_dict(self.network.state_dict())
        self.network.load_state_dict(self.averaged.state_dict())
        self.scales, self.part, self.since = None, part, self.step
        self.optimiser = self._optimiser()

    def _ends(self) -> dict[str, float]:
        """The share of the budget at which each part ends."""
        blockwise = self.settings.blockwise
        return dict(zip(PARTS, (blockwise, blockwise + self.settings.heads, 1.0), strict=True))

    def batch(self) -> int:
        """Samples of a step of the present part."""
        return self.settings.batch if self.part == PARTS[0] else self.settings.joint_batch

    def rate(self) -> float:
        """Linear warm-up over 50 steps, then half a cosine down to a fiftieth, restarted in each part."""
        settings, ends = self.settings, self._ends()
        number = PARTS.index(self.part)
        start = ends[PARTS[number - 1]] if number else 0.0
        over = (self.progress - start) / max(ends[self.part] - start, 1e-9)
        part = min(1.0, max(0.0, over))
        highest = (settings.block_rate, settings.head_rate, settings.rate)[number]
        warm = min(1.0, (self.step - self.since + 1) / 50)
        return highest * warm * (0.02 + 0.98 * (1 + math.cos(math.pi * part)) / 2)

    def prepare(self, source: BatchSource) -> None:
        """Measure the student's coordinates and the blocks' scales, or go on with those of the checkpoint."""
        batch, size = self.batch(), self.settings.size
        if self.coordinates:
            bases = {layer: Basis(*parts) for layer, parts in self.coordinates.items()}
            source.coordinates = Coordinates(source.teacher.cuts, bases)
        else:
            student = None if self.part == PARTS[0] else self.averaged
            self.coordinates = source.measure(batch, size, student).state()
        if self.part == PARTS[0] and self.scales is None:
            self.scales = Scales.measured(self.network, [source.draw(batch, size) for _ in range(8)])

    def train(self, source: BatchSource, watched: Sequence[Photo]) -> None:
        """Until the budget is spent; writes a checkpoint and a line of history as it goes."""
        self.prepare(source)
        saved, seen = time.monotonic(), time.monotonic() - self.settings.watch_s * 0.5
        start, before = time.monotonic(), self.seconds
        parts: Tensor | None = None
        with tqdm(total=100.0, initial=100 * self.progress, unit="%", mininterval=10) as bar:
            while self.progress < 1.0:
                if self.progress >= self._ends()[self.part]:
                    self.watch(watched, parts)
                    self.start(PARTS[PARTS.index(self.part) + 1])
                    parts, seen = None, time.monotonic()
                now = self._one(source)
                self.samples += self.batch()
                parts = now if parts is None or self.scales else parts + 0.02 * (now - parts)
                self.seconds = before + time.monotonic() - start
                self._advance()
                if self.step % 20 == 0:
                    self._show(bar, parts)
                if time.monotonic() - saved > self.settings.checkpoint_s:
                    self.save()
                    saved = time.monotonic()
                if not self.scales and time.monotonic() - seen > self.settings.watch_s:
                    self.watch(watched, parts)
                    seen = time.monotonic()
        self.watch(watched, parts)
        self.save()

    def _advance(self) -> None:
        self.step += 1
        settings = self.settings
        used = self.step / settings.steps if settings.steps else self.seconds / 60 / settings.minutes
        self.progress = min(1.0, used)

    def _show(self, bar: Any, parts: Tensor) -> None:
        bar.n = round(100 * self.progress, 2)
        loss = " ".join(f"{part:.3f}" for part in parts.tolist())
        bar.set_postfix_str(
            f"{self.samples} samples, {self.samples / self.seconds:.0f}/s, {loss}", refresh=False
        )
        bar.update(0)

    def _one(self, source: BatchSource) -> Tensor:
        """One step; the parts of its loss."""
        last = 0 if self.scales else self.network.last_fine()
        lesson = source.draw(self.batch(), self.settings.size, last)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        self.network.train()
        with autocast(self.device):
            if self.scales is None:
                height, width = lesson.images.shape[1:3]
                cells = grid(height, width, self.device)
                deep = self.part == "heads"
                loss, parts = joint_loss(self.network, lesson, cells, Weights(), deep=deep)
            else:
                loss, parts = self._blocks(lesson, self.scales)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 20.0 if self.scales else 5.0)
        self.optimiser.step()
        self._average()
        return parts.detach().cpu()

    def _blocks(self, lesson: Lesson, scales: Scales) -> tuple[Tensor, Tensor]:
        """The sum of the blocks' errors, and each one's running mean.

        A block that is good enough rests most of the time, so that the others have the time.
        """
        tasks = tasks_of(self.network, lesson, scales)
        if not self.errors:
            self.errors = [1.0] * len(tasks)
        every = self.step % RESTING == 0
        awake = [n for n, error in enumerate(self.errors) if every or error > self.settings.enough]
        errors = torch.stack([tasks[n].error(self.generator) for n in awake])
        for n, error in zip(awake, errors.tolist(), strict=True):
            self.errors[n] += 0.05 * (error - self.errors[n])
        return errors.sum(), torch.tensor(self.errors)

    @torch.no_grad()
    def _average(self) -> None:
        """Exponential moving average of the weights; a young part forgets faster, blocks alone have none."""
        age = self.step - self.since
        keep = min(self.settings.average, (1 + age) / (10 + age)) if not self.scales else 0.0
        torch._foreach_lerp_(list(self.averaged.parameters()), list(self.network.parameters()), 1.0 - keep)

    def watch(self, photos: Sequence[Photo], parts: Tensor | None) -> None:
        """Add one line to history.jsonl: of the blocks their errors, of the whole AP50 on these photos."""
        row: dict[str, Any] = {
            "step": self.step, "samples": self.samples, "seconds": round(self.seconds, 1),
            "part": self.part, "progress": round(self.progress, 4), "rate": self.rate(),
        }  # fmt: skip
        numbers = [] if parts is None else parts.tolist()
        if not self.scales:
            ap50, person = average_precision(self.averaged, photos, self.settings.size, self.device)
            row |= {"ap50": ap50, "person_ap50": person}
            row |= dict(zip(LOSSES, numbers, strict=False))
        else:
            row["blocks"] = [round(number, 4) for number in numbers]
        self.history.append(row)
        with (self.folder / "history.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")
        tqdm.write(json.dumps(row))

    def save(self) -> None:
        """Write checkpoint.pt, in one move, so that a kill leaves the old one or the new one."""
        scales = None if self.scales is None else {"blocks": self.scales.blocks, "heads": self.scales.heads}
        state = {
            "network": self.network.state_dict(), "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(), "step": self.step, "seconds": self.seconds,
            "samples": self.samples, "part": self.part, "since": self.since,
            "coordinates": self.coordinates, "scales": scales, "errors": self.errors,
            "history": self.history, "generator": self.generator.get_state(),
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
        self.part, self.since, self.coordinates = state["part"], state["since"], state["coordinates"]
        self.optimiser = self._optimiser()
        self.optimiser.load_state_dict(state["optimiser"])
        self.scales = Scales(**state["scales"]) if state["scales"] else None
        self.errors = state["errors"]
        self.seconds, self.history = state["seconds"], state["history"]
        self.step, self.samples = state["step"] - 1, state["samples"]
        self._advance()
        self.generator.set_state(state["generator"].cpu())
