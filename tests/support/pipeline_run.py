"""A pipeline over one folder, with models that count and models that fail, as a test asks them to."""

from __future__ import annotations

import queue
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mediaml.core.arrays import Float32Array
from mediaml.core.audio_input import AudioInput
from mediaml.core.media import Kind
from mediaml.core.work import Job, ModelIdentity, Sniff
from mediaml.core.worker_memory import WorkerMemory
from mediaml.ledger.encoding import record_of
from mediaml.ledger.ledger import Ledger
from mediaml.ledger.results import open_results
from mediaml.media.limits import Limits
from mediaml.media.sniff import sniff_kind
from mediaml.pipeline.inputs import Selection, scan
from mediaml.pipeline.models import Choice, LoadedModel, ResolvedModel
from mediaml.pipeline.pipeline import Pipeline
from mediaml.pipeline.plan import Planner
from mediaml.plugin import Frame, Label, ModelSpec, NoOptions
from mediaml.registry.entry_points import Offer, PluginRecord


class Counting:
    """Answers with the frame's index; remembers batch sizes."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def predict(self, frames: Sequence[Frame]) -> list[Label]:
        self.batches.append(len(frames))
        return [Label(str(frame.index), 1.0) for frame in frames]


class Staged:
    """Three stages, each of which fails, if asked to, for a frame of a certain width."""

    def __init__(self, bad_width: int = 0, stage: str = "") -> None:
        self.bad_width = bad_width
        self.stage = stage

    def _maybe(self, stage: str, width: int) -> None:
        if stage == self.stage and width == self.bad_width:
            raise RuntimeError(f"{stage} fails for {width}")

    def prepare(self, frame: Frame) -> Float32Array:
        self._maybe("prepare", frame.width)
        return np.array([frame.width, frame.index], np.float32)

    def run(self, batch: Float32Array) -> list[Float32Array]:
        for width in batch[:, 0]:
            self._maybe("run", int(width))
        return [batch]

    def decode(self, outputs: Sequence[Float32Array], frames: Sequence[Frame]) -> list[Label]:
        for frame in frames:
            self._maybe("decode", frame.width)
        assert [frame.width for frame in frames] == outputs[0][:, 0].astype(int).tolist()
        return [Label(str(int(row[1])), 1.0) for row in outputs[0]]

    def predict(self, frames: Sequence[Frame]) -> list[Label]:
        raise AssertionError("a staged model is run by its stages")


@dataclass
class Bench:
    """A ledger and a pipeline over one folder."""

    folder: Path
    batch: int = 4
    force: bool = False
    only_failed: bool = False
    alone: bool = False
    memory: WorkerMemory = field(default_factory=WorkerMemory)
    shrunk: list[int] = field(default_factory=list)
    marks: list[tuple[str, int | None]] = field(default_factory=list)

    def run(self, *models: Any) -> tuple[dict[str, list[tuple[Label, ...]]], dict[str, str]]:
        """Labels by source name, and failures' stages by source name."""
        loaded = [self._loaded(f"m{index}", model) for index, model in enumerate(models)]
        records: queue.SimpleQueue[Any] = queue.SimpleQueue()
        with (
            Ledger(self.folder / "out") as ledger,
            Pipeline(
                loaded,
                readers=3,
                limits=Limits(),
                memory=self.memory,
                emit=lambda result: records.put(record_of(result)),
                shrunk=lambda model, frames: self.shrunk.append(frames),
                step=lambda: None,
                crashed=records.put,
            ) as pipeline,
        ):
            planner = Planner(
                ledger,
                [(resolved(model), ledger.add_model(model.identity)) for model in loaded],
                kinds=frozenset(Kind),
                force=self.force,
                only_failed=self.only_failed,
                emit=records.put,
            )
            for job in planner.jobs(scan(Selection((str(self.folder / "in"),)))):
                if isinstance(job, Sniff):
                    kind = sniff_kind(job.location)
                    assert kind is not None
                    settled = planner.settle(job, kind)
                else:
                    settled = job
                assert settled is not None
                self._start(settled, pipeline)
            self.planned = planner.planned
            self._commit_all(ledger, records)
        with open_results(self.folder / "out") as view:
            answers = {
                row.name: [frame.prediction.labels for frame in view.frames(source=row)]
                for row in view.sources()
            }
            failures: dict[str, str] = {row.source.name: row.failure.stage for row in view.failures()}
        return answers, failures

    def _start(self, job: Job, pipeline: Pipeline) -> None:
        look = partial(pipeline.run_alone, job, self._mark) if self.alone else partial(pipeline.run, job)
        assert pipeline.submit(look)

    def _mark(self, stage: str, model: int | None, time_s: float) -> None:
        self.marks.append((stage, model))

    def _commit_all(self, ledger: Ledger, records: queue.SimpleQueue[Any]) -> None:
        left = sum(self.planned.under_way.values())
        while left:
            record = records.get(timeout=60)
            if isinstance(record, BaseException):
                raise record
            ledger.commit([record])
            left -= bool(record.last or record.failure)

    def _loaded(self, name: str, model: Any) -> LoadedModel:
        kinds = getattr(model, "kinds", frozenset({Kind.IMAGE, Kind.VIDEO}))
        spec = ModelSpec(name, task="classify", load=lambda _: model, kinds=kinds, audio=AudioInput())
        identity = ModelIdentity(name, "classify", "", "", "", "", "", "{}")
        return LoadedModel(spec, model, identity, ("cpu",), (), self.batch)


def resolved(model: LoadedModel) -> ResolvedModel:
    """What the planner knows of a model."""
    return ResolvedModel(
        Choice(Offer(model.spec, PluginRecord("", "", "", "")), NoOptions()), None, model.identity
    )
